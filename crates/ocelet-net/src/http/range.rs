//! Headers about parts of a body: `Content-Range`, `ETag`, `Last-Modified`, `Retry-After` (RFC 9110).
//!
//! It refuses a weak validator: two versions that are "much the same" must not be put together.

use std::time::Duration;

use reqwest::header::{DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER};

use super::date::http_date;
use crate::source::Validator;

/// A `Content-Range` of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// First and last position; nothing in a 416 answer.
    pub(super) part: Option<(u64, u64)>,
    /// The length of the whole; nothing for `*`.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 5-9/10`, `bytes 5-9/*` and `bytes */10` (14.4); nothing for what makes no sense.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (part, total) = rest.trim().split_once('/')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let total = if total == "*" { None } else { Some(number(total)?) };
        if part == "*" {
            return total.map(|_| Self { part: None, total });
        }
        let (first, last) = part.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let sound = first <= last && last < u64::MAX && total.is_none_or(|total| last < total);
        sound.then_some(Self { part: Some((first, last)), total })
    }
}

/// Digits only: the standard parser would take a sign.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The text of a header, if it has one and is plain.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What identifies the version of the body: a strong entity tag, or else a modification date that is at least a
/// minute older than the answer (8.8.2.2 asks for a second; clocks of one server farm differ by more).
pub(super) fn validator(headers: &HeaderMap) -> Option<Validator> {
    if let Some(tag) = text(headers, ETAG) {
        return (tag.len() >= 2 && tag.starts_with('"')).then(|| Validator::new(tag));
    }
    let modified = text(headers, LAST_MODIFIED)?;
    let old = http_date(modified)?.saturating_add(60) <= http_date(text(headers, DATE)?)?;
    old.then(|| Validator::new(modified))
}

/// How long the server asks to be left alone (10.2.3): seconds, or a date measured against the answer's own.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, RETRY_AFTER)?.trim();
    if let Some(seconds) = number(asked).filter(|_| !asked.is_empty()) {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(asked)?;
    let now = http_date(text(headers, DATE)?)?;
    Some(Duration::from_secs(until.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_make_sense_or_are_refused() {
        for (given, want) in [
            ("bytes 5-9/10", Some((Some((5, 9)), Some(10)))),
            ("Bytes 5-9/*", Some((Some((5, 9)), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("bytes */*", None),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes +5-9/10", None),
            ("items 5-9/10", None),
            ("bytes 0-18446744073709551615/*", None),
            ("bytes 5-9/99999999999999999999", None),
            ("", None),
        ] {
            let got = ContentRange::parse(given).map(|range| (range.part, range.total));
            assert_eq!(got, want, "{given}");
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn only_strong_validators_count() {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
        for (given, want) in [
            (vec![("etag", "\"a\"")], Some("\"a\"")),
            (vec![("etag", "W/\"a\""), ("last-modified", DATE), ("date", LATER)], None),
            (vec![("last-modified", DATE), ("date", LATER)], Some(DATE)),
            (vec![("last-modified", DATE), ("date", DATE)], None),
            (vec![("last-modified", DATE)], None),
            (vec![], None),
        ] {
            assert_eq!(validator(&headers(&given)), want.map(Validator::new), "{given:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
        for (given, want) in [
            (vec![("retry-after", "7")], Some(7)),
            (vec![("retry-after", LATER), ("date", DATE)], Some(60)),
            (vec![("retry-after", DATE), ("date", LATER)], Some(0)),
            (vec![("retry-after", LATER)], None),
            (vec![("retry-after", "-7")], None),
            (vec![("retry-after", "")], None),
            (vec![("retry-after", "99999999999999999999")], None),
        ] {
            assert_eq!(retry_after(&headers(&given)), want.map(Duration::from_secs), "{given:?}");
        }
    }
}
