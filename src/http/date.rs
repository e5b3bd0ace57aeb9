//! The format of HTTP dates; reading a clock is left to the callers.

use super::decimal::last_digit;
use crate::time::civil;

/// The bytes of an IMF-fixdate.
pub const LENGTH: usize = 29;

/// The last second of the last year with four digits.
const LAST_SECOND: u64 = 253_402_300_799;

const DAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7) for a number of seconds since the Unix epoch.
pub fn imf_fixdate(seconds: u64) -> [u8; LENGTH] {
    let seconds = seconds.min(LAST_SECOND);
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    // The epoch was a Thursday.
    text[..3].copy_from_slice(name(DAYS, (days + 3) % 7));
    text[5..7].copy_from_slice(&two_digits(day));
    text[8..11].copy_from_slice(name(MONTHS, month - 1));
    text[12..14].copy_from_slice(&two_digits(year / 100));
    text[14..16].copy_from_slice(&two_digits(year % 100));
    text[17..19].copy_from_slice(&two_digits(second_of_day / 3600));
    text[20..22].copy_from_slice(&two_digits(second_of_day / 60 % 60));
    text[23..25].copy_from_slice(&two_digits(second_of_day % 60));
    text
}

#[expect(clippy::cast_possible_truncation, reason = "an index into a dozen names")]
fn name(names: &[u8], index: u64) -> &[u8] {
    let start = 3 * index as usize;
    &names[start..start + 3]
}

fn two_digits(number: u64) -> [u8; 2] {
    [last_digit(number / 10), last_digit(number)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seconds: u64) -> String {
        String::from_utf8(imf_fixdate(seconds).to_vec()).unwrap()
    }

    #[test]
    fn known_moments_are_written_in_the_format_of_http() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_763_029_800, "Thu, 13 Nov 2025 10:30:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (LAST_SECOND + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(text(seconds), expected);
        }
    }
}
