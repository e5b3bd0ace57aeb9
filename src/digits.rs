//! Numbers that are written with decimal digits alone: no sign, no space, no other form. Pure.

/// The number that `text` writes; `None` for an empty text, for anything but the digits 0 to 9, and for what
/// 64 bits cannot hold. (`str::parse` would also take a sign.)
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        for (text, value) in [("0", 0), ("007", 7), ("42", 42), ("18446744073709551615", u64::MAX)] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "1_000", "\u{663}", "18446744073709551616"]
        {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            assert_eq!(number(&[b'1', byte]), None, "{byte:#x}");
        }
    }
}
