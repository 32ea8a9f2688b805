//! HTTP dates (RFC 9110, 5.6.7) as seconds since 1970, for `Retry-After` and `Last-Modified`.
//!
//! It refuses to know what time it is: a `Retry-After` date is measured against the `Date` of the same answer,
//! so that a wrong clock on either side cannot stretch a wait.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970-01-01T00:00:00Z of an HTTP date in any of its three forms; nothing for other text.
///
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994` are one
/// moment. A year of two digits is read as 1970 to 2069.
pub(super) fn http_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (day, month, year, time) = match words.as_slice() {
        [_, day, month, year, time, "GMT"] | [_, month, day, time, year] => (*day, *month, *year, *time),
        [_, date, time, "GMT"] => {
            let mut parts = date.split('-');
            let parts = (parts.next()?, parts.next()?, parts.next()?);
            (parts.0, parts.1, parts.2, *time)
        }
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = match (number(year)?, year.len()) {
        (short, 2) if short < 70 => 2000 + short,
        (short, 2) => 1900 + short,
        (full, 4) => full,
        _ => return None,
    };
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let clock: Vec<u64> = time.split(':').map(number).collect::<Option<_>>()?;
    let [hour @ 0..=23, minute @ 0..=59, second @ 0..=60] = clock.as_slice() else {
        return None;
    };
    let days = days_since_1970(year, u64::try_from(month).ok()?, day)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &str) -> Option<u64> {
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that start in March, so that the leap day
/// is the last of its year. Nothing before 1970.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let in_year = (153 * month + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + in_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_are_one_moment() {
        for (given, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
            ("Wed, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 19940 08:49:37 GMT", None),
            ("Sun, +6 Nov 1994 08:49:37 GMT", None),
            ("120", None),
            ("", None),
        ] {
            assert_eq!(http_date(given), want, "{given}");
        }
    }
}
