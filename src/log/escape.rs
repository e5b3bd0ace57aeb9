//! Text from anywhere, cut and escaped so that it stays within its quotes and its line.

/// The longest text value, in bytes before escaping: a screen's width twice over.
pub const MAX_TEXT: usize = 256;

/// `text` cut to [`MAX_TEXT`] bytes, with `"`, `\` and control characters escaped as Rust does, so that it
/// stays within its quotes and its line.
pub fn escape(text: &str) -> String {
    let whole = text.len() <= MAX_TEXT;
    let cut = &text[..text.floor_char_boundary(MAX_TEXT)];
    let mut escaped = String::with_capacity(cut.len());
    for character in cut.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    if !whole {
        escaped.push('…');
    }
    escaped
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
