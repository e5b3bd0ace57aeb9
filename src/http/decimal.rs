//! Decimal numbers as heads have them, without the formatting machinery.

/// The value of one or more decimal digits; `None` for anything else and for what 64 bits cannot hold.
pub(super) fn parse(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Appends `number` without leading zeros.
pub(super) fn push(out: &mut Vec<u8>, number: u64) {
    if number > 9 {
        push(out, number / 10);
    }
    out.push(last_digit(number));
}

/// The last decimal digit of `number`, as it is written.
pub(super) fn last_digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for number in [0, 9, 10, 99, 100, 1_048_576, u64::MAX] {
            let mut digits = Vec::new();
            push(&mut digits, number);
            assert_eq!(digits, number.to_string().into_bytes());
            assert_eq!(parse(&digits), Some(number));
        }
    }

    #[test]
    fn only_digits_within_64_bits_are_numbers() {
        assert_eq!(parse(b"007"), Some(7));
        for text in ["", "+5", "-5", "5 ", "0x5", "18446744073709551616", "99999999999999999999999"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
