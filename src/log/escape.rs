//! Cuts and escapes any text so that it stays within its quotes and its line.

/// The longest text value, in bytes before escaping: two to three lines of a terminal.
pub const MAX_TEXT: usize = 256;

/// `text` cut to [`MAX_TEXT`] bytes, with `"`, `\` and control characters escaped as in a Rust literal.
pub fn escape(text: &str) -> String {
    let (kept, mark) = cut(text);
    let mut escaped = String::with_capacity(kept.len());
    for character in kept.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    escaped + mark
}

/// The first [`MAX_TEXT`] bytes, and `…` if the text is longer.
pub(super) fn cut(text: &str) -> (&str, &'static str) {
    let kept = &text[..text.floor_char_boundary(MAX_TEXT)];
    (kept, if kept.len() < text.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_its_limit_and_not_before() {
        assert_eq!(escape(&"x".repeat(MAX_TEXT)), "x".repeat(MAX_TEXT));
        assert_eq!(escape(&"x".repeat(MAX_TEXT + 1)), "x".repeat(MAX_TEXT) + "…");
        assert_eq!(escape(&"é".repeat(MAX_TEXT)).chars().count(), MAX_TEXT / 2 + 1);
    }
}
