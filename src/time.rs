//! Deadlines and UTC stamps; reading time and computing with it, never sleeping.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::digits;

/// The one moment by which an operation, with all its phases, must have ended.
///
/// Before every blocking call the socket timeout is set to what is [`left`](Deadline::left).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// The time that is left: never zero, because a socket timeout of zero means to wait without limit.
    /// An error of kind [`ErrorKind::TimedOut`] once the deadline has passed.
    pub fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Repeats a blocking call until it ends otherwise than by its socket timeout, which `attempt` is to set,
    /// or the deadline has passed (an error of kind `TimedOut`).
    ///
    /// A long timeout stops short of the deadline and the rest is waited for anew, because Linux keeps socket
    /// timeouts on its timer wheel, whose slots grow with the distance: 5 s were seen to take 5.12 s. An
    /// interruption is no end either: a process that is stopped and continued sees one (signal(7)).
    pub fn wait<T>(self, mut attempt: impl FnMut(Duration) -> io::Result<T>) -> io::Result<T> {
        loop {
            match attempt(punctual(self.left()?)) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                ended => return ended,
            }
        }
    }

    /// Whether nothing is left.
    pub fn has_passed(self) -> bool {
        self.left().is_err()
    }

    /// The earlier of the two.
    #[must_use]
    pub fn no_later_than(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The deadline `by` before this one.
    #[must_use]
    pub fn earlier(self, by: Duration) -> Self {
        Self(self.0.checked_sub(by).unwrap_or(self.0))
    }

    /// A nearer deadline, at which the first of `parts` equal shares of the time left ends.
    #[must_use]
    pub fn share(self, parts: u32) -> Self {
        let now = Instant::now();
        Self(now + self.0.saturating_duration_since(now) / parts.max(1))
    }
}

/// The longest socket timeout that ends when it should, give or take a few milliseconds.
const PUNCTUAL: Duration = Duration::from_millis(100);

/// The socket timeout to set with `left` to go: late by an eighth, the worst that the wheel does, it still
/// ends in time.
fn punctual(left: Duration) -> Duration {
    if left > PUNCTUAL { left * 7 / 8 } else { left }
}

/// A moment of civil time in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Utc {
    /// The civil time of `moment`; moments before 1970 count as its first second.
    pub fn from(moment: SystemTime) -> Self {
        let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (year, month, day) = civil(seconds / SECONDS_PER_DAY);
        Self { year, month, day, second_of_day: seconds % SECONDS_PER_DAY }
    }

    /// `2025-11-13T10:30:30Z` (RFC 3339), for values within a line.
    pub fn rfc3339(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", self.year, self.month, self.day)
    }

    fn clock(self) -> (u64, u64, u64) {
        (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60)
    }
}

/// `2025-11-13 10:30:00`, the stamp that a log line begins with.
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = self.clock();
        write!(f, "{:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }
}

/// The moment that a stamp names, in either form that [`Utc`] prints; `None` for anything else.
pub fn moment(stamp: &str) -> Option<SystemTime> {
    let (date, clock) = match stamp.strip_suffix('Z') {
        Some(stamp) => stamp.split_once('T')?,
        None => stamp.split_once(' ')?,
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)? * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Three numbers of so many digits each.
fn numbers(text: &str, between: char, lengths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next()?;
        if part.len() != length {
            return None;
        }
        *number = digits::number(part.as_bytes())?;
    }
    parts.next().is_none().then_some(numbers)
}

const SECONDS_PER_DAY: u64 = 86_400;

/// The number of days from 1970-01-01 to a day of the calendar: [`civil`] backwards.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let (march_year, month_from_march) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    let days = 365 * march_year + leap_days + (153 * month_from_march + 2) / 5 + day;
    // One more than in `civil`, which counts days of a month from 0.
    days.checked_sub(719_469).filter(|days| civil(*days) == (year, month, day))
}

/// The year, month and day of a number of days since 1970-01-01, by the Gregorian calendar. Years begin in
/// March here, so that the leap day is the last of its year.
pub fn civil(days: u64) -> (u64, u64, u64) {
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

/// The microseconds of a duration, rounded without floating point.
pub fn microseconds(duration: Duration) -> u128 {
    (duration.as_nanos() + 500) / 1000
}

/// A duration as text has it: milliseconds with three decimals, `0.412ms`.
#[derive(Clone, Copy, Debug)]
pub struct Milliseconds(pub Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let microseconds = microseconds(self.0);
        write!(f, "{}.{:03}ms", microseconds / 1000, microseconds % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_has_passed_leaves_an_error_and_never_zero() {
        let passed = Deadline::after(Duration::ZERO);
        assert_eq!(passed.left().unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(passed.has_passed());
        let ahead = Deadline::after(Duration::from_mins(1));
        assert!(ahead.left().unwrap() > Duration::from_secs(50));
    }

    #[test]
    fn a_long_timeout_stops_short_by_as_much_as_the_kernel_may_be_late() {
        assert_eq!(punctual(PUNCTUAL), PUNCTUAL);
        for left in [PUNCTUAL + Duration::from_nanos(1), Duration::from_secs(5), Duration::from_mins(1)] {
            assert!(punctual(left) * 9 / 8 < left && punctual(left) * 9 / 8 > left * 9 / 10, "{left:?}");
        }
    }

    #[test]
    fn a_wait_goes_on_through_timeouts_and_interruptions_until_the_deadline() {
        let deadline = Deadline::after(Duration::from_mins(1));
        let mut ends =
            [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionReset].into_iter();
        let error = deadline.wait(|_| Err::<(), _>(ends.next().unwrap().into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(deadline.wait(|timeout| Ok(timeout > Duration::from_secs(50))).unwrap());
        let passed = Deadline::after(Duration::ZERO).wait(|_| Ok(()));
        assert_eq!(passed.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_share_is_a_part_of_what_is_left() {
        let whole = Deadline::after(Duration::from_mins(1));
        let third = whole.share(3).left().unwrap();
        assert!(third > Duration::from_secs(15) && third <= Duration::from_secs(20), "{third:?}");
        assert!(whole.share(1).left().unwrap() > Duration::from_secs(50));
    }

    #[test]
    fn civil_time_is_that_of_date_1() {
        // Each line is what `date -u -d @SECONDS` prints.
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_709_210_096, "2024-02-29 12:34:56"),
            (1_763_029_800, "2025-11-13 10:30:00"),
            (1_767_225_599, "2025-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(Utc::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), text, "@{seconds}");
        }
        let moment = Utc::from(UNIX_EPOCH + Duration::from_secs(1_763_029_830));
        assert_eq!(moment.rfc3339(), "2025-11-13T10:30:30Z");
        assert_eq!(Utc::from(UNIX_EPOCH - Duration::from_secs(1)).to_string(), "1970-01-01 00:00:00");
    }

    #[test]
    fn a_stamp_in_either_form_is_read_back() {
        for seconds in (0..253_402_300_800).step_by(86_399 * 97).chain([253_402_300_799]) {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            let utc = Utc::from(moment);
            assert_eq!(super::moment(&utc.to_string()), Some(moment), "{utc}");
            assert_eq!(super::moment(&utc.rfc3339()), Some(moment), "{utc}");
        }
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        for text in [
            "",
            "2025-11-13",
            "2025-11-13 10:30:00Z",
            "2025-11-13T10:30:00",
            "2025-11-13 10:30",
            "2025-11-13 10:30:00:00",
            "2025-11-13 10:30:0",
            "2025-11-13 24:00:00",
            "2025-11-13 10:60:00",
            "2025-11-13 10:30:60",
            "2025-02-29 10:30:00",
            "2025-00-13 10:30:00",
            "2025-13-13 10:30:00",
            "2025-11-00 10:30:00",
            "2025-11-31 10:30:00",
            "0000-01-01 00:00:00",
            "1969-12-31 23:59:59",
            "12025-11-13 10:30:00",
            "+025-11-13 10:30:00",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_a_century_follows_the_one_before() {
        let mut days = 0;
        for year in 1970..2070 {
            let february = if year % 4 == 0 { 29 } else { 28 };
            for (month, length) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
                for day in 1..=length {
                    assert_eq!(civil(days), (year, month, day));
                    days += 1;
                }
            }
        }
    }
}
