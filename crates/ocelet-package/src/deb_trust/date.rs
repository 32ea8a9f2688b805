//! Times as seconds since 1970: how they are shown, and how Release files write them.
//!
//! A Release file writes its times as RFC 5322 section 3.3 does, always in UTC (Debian's repository format, "Date,
//! Valid-Until"). Other zones are refused, as apt refuses them.

use std::fmt;

/// A moment, in seconds since 1970, shown as `2026-11-20T00:12:41Z` (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// The names of the months as they are written.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// What says that a time is in UTC.
const UTC: [&str; 4] = ["UTC", "GMT", "Z", "+0000"];
/// Seconds of a day.
const DAY: i64 = 86_400;

/// Reads `Fri, 20 Nov 2026 00:12:41 UTC`; the day of the week may be missing and is not checked.
pub(super) fn parse(text: &str) -> Option<Instant> {
    let rest = text.split_once(',').map_or(text, |(_, rest)| rest);
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let [day, month, year, time, zone] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let clock: Vec<i64> = time.split(':').map(|part| number(part, 2)).collect::<Option<_>>()?;
    let [hour, minute, second] = clock[..] else { return None };
    let month = i64::try_from(month).ok()?;
    let valid = (1..=days_of(year, month)).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !valid || year < 1970 || !UTC.contains(&zone) {
        return None;
    }
    Some(Instant(days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second))
}

fn number(digits: &str, most: usize) -> Option<i64> {
    let plain =
        !digits.is_empty() && digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that the day that is
/// not always there comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        // The year is estimated and corrected: 400 years have 146,097 days.
        let mut year = 1970 + (days * 400).div_euclid(146_097);
        while days_since_1970(year, 1, 1) > days {
            year -= 1;
        }
        while days_since_1970(year + 1, 1, 1) <= days {
            year += 1;
        }
        let mut day = days - days_since_1970(year, 1, 1) + 1;
        let mut month = 1;
        while day > days_of(year, month) {
            day -= days_of(year, month);
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, parse};

    fn check(text: &str, wanted: Option<(i64, &str)>) {
        let got = parse(text);
        assert_eq!(got, wanted.map(|(seconds, _)| Instant(seconds)), "{text}");
        if let (Some(got), Some((_, shown))) = (got, wanted) {
            assert_eq!(got.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn times_are_read_in_utc_only() {
        // Seconds as date(1) counts them.
        check("Fri, 20 Nov 2026 00:12:41 UTC", Some((1_795_133_561, "2026-11-20T00:12:41Z")));
        check("Sat,  9 Feb 2019 10:00:00 GMT", Some((1_549_706_400, "2019-02-09T10:00:00Z")));
        check("29 Feb 2024 23:59:59 +0000", Some((1_709_251_199, "2024-02-29T23:59:59Z")));
        check("Thu, 01 Jan 1970 00:00:00 Z", Some((0, "1970-01-01T00:00:00Z")));
        check("Tue, 31 Dec 2999 00:00:00 UTC", Some((32_503_593_600, "2999-12-31T00:00:00Z")));
        for refused in [
            "",
            "Fri, 20 Nov 2026",
            "Fri, 20 Nov 2026 00:12:41",
            "Fri, 20 Nov 2026 00:12:41 CET",
            "Fri, 20 Nov 2026 00:12:41 +0100",
            "Fri, 29 Feb 2026 00:12:41 UTC",
            "Fri, 0 Nov 2026 00:12:41 UTC",
            "Fri, 20 Foo 2026 00:12:41 UTC",
            "Fri, 20 Nov 2026 24:12:41 UTC",
            "Fri, 20 Nov 99999999999999999999 00:12:41 UTC",
            "Fri, +2 Nov 2026 00:12:41 UTC",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn times_before_1970_are_shown_too() {
        assert_eq!(Instant(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(Instant(951_782_400).to_string(), "2000-02-29T00:00:00Z");
    }
}
