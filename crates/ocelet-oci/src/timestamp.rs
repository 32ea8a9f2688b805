//! Times as images carry them: RFC 3339 text (image-spec, config.md, `created`; schema `date-time`).
//!
//! No clock is read: a time is a number of seconds that the caller got from somewhere, or a text out of an image.

use std::fmt;
use std::str::FromStr;

/// A moment that is known to be spelled rightly. Docker fails on the empty text, containerd on other spellings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(String);

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time by RFC 3339, such as 2026-11-21T18:30:00Z")]
pub struct TimestampError {
    /// What was given.
    text: String,
}

impl Timestamp {
    /// The time so many seconds after the start of 1970, in UTC. Ends with the year 9999, as RFC 3339 does.
    pub fn from_epoch(seconds: u64) -> Self {
        const LAST: u64 = 253_402_300_799;
        let seconds = seconds.min(LAST);
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let mut rest = days;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        rest -= length;
        year += 1;
    }
    let mut month = 1;
    while rest >= length_of_month(year, month) {
        rest -= length_of_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn length_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`, with every number in its range.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| -> Option<u64> {
        let digits = bytes.get(from..from + length)?;
        digits.iter().all(u8::is_ascii_digit).then(|| text[from..from + length].parse().ok())?
    };
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    let Some(date) = number(0, 4).zip(number(5, 2)).zip(number(8, 2)) else { return false };
    let ((year, month), day) = date;
    let Some(time) = number(11, 2).zip(number(14, 2)).zip(number(17, 2)) else { return false };
    let ((hour, minute), second) = time;
    let ranges = (1..=12).contains(&month)
        && (1..=length_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !(ranges && is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":")) {
        return false;
    }
    let mut at = 19;
    if is(at, b".") {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        at += 1 + digits;
    }
    if is(at, b"Zz") {
        return bytes.len() == at + 1;
    }
    let offset = number(at + 1, 2).zip(number(at + 4, 2));
    is(at, b"+-")
        && is(at + 3, b":")
        && bytes.len() == at + 6
        && offset.is_some_and(|(hour, minute)| hour < 24 && minute < 60)
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if text.is_ascii() && is_date_time(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TimestampError { text: text.chars().take(100).collect() })
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_286_400, "2026-11-21T18:40:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_epoch(seconds).as_str(), want);
            assert!(want.parse::<Timestamp>().is_ok());
        }
    }

    #[test]
    fn texts_are_judged() {
        for (text, good) in [
            ("2015-10-31T22:22:56.015925234Z", true),
            ("2015-10-31t22:22:56+02:00", true),
            ("", false),
            ("2015-10-31", false),
            ("2015-10-31T22:22:56", false),
            ("2015-13-31T22:22:56Z", false),
            ("2015-02-29T22:22:56Z", false),
            ("2015-10-31T24:22:56Z", false),
            ("2015-10-31T22:22:56.Z", false),
            ("2015-10-31T22:22:56Zx", false),
            ("2015-10-31T22:22:56+0200", false),
            ("2015-10-31T22:22:5\u{e9}Z", false),
        ] {
            assert_eq!(text.parse::<Timestamp>().is_ok(), good, "{text}");
        }
    }
}
