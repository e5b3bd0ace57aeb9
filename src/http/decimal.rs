//! Writing decimal numbers, without the formatting machinery.

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
    fn numbers_are_written_without_leading_zeros() {
        for number in [0, 9, 10, 99, 100, 1_048_576, u64::MAX] {
            let mut digits = Vec::new();
            push(&mut digits, number);
            assert_eq!(digits, number.to_string().into_bytes());
        }
    }
}
