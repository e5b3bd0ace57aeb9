//! The date as HTTP writes it; reading a clock is left to the callers.

/// The bytes of an IMF-fixdate.
pub const LENGTH: usize = 29;

/// The last second that four digits of a year can say.
const LAST_SECOND: u64 = 253_402_300_799;

const DAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7) for a number of seconds since the Unix epoch.
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

/// The year, month and day of a number of days since 1970-01-01, by the Gregorian calendar. Years begin in March
/// here, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01; 146,097 are 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March to January have 31, 30, 31, 30, 31 days again and again: 153 in five months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (400 * era + year_of_era + u64::from(month < 3), month, day)
}

fn name(names: &[u8], index: u64) -> &[u8] {
    let start = 3 * index as usize;
    &names[start..start + 3]
}

fn two_digits(number: u64) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}
