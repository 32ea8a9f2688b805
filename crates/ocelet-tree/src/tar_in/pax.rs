//! [`Records`]: what a PAX extended header says.
//!
//! A header is a row of records `LENGTH KEYWORD=VALUE\n`, whose length counts all of its bytes, itself included
//! (pax(1), "pax Extended Header"). An empty value takes back what the header block or a global header said.

use std::collections::BTreeMap;

use super::error::{PaxFault, Problem};

/// Before the name of an extended attribute; the value is raw bytes (star(4), and every tar since).
pub(crate) const XATTR: &[u8] = b"SCHILY.xattr.";

/// The SHA-1 of a file or of a link's target, which Alpine's packages carry (apk-tools, doc/apk-v2.5.scd).
pub(super) const APK_CHECKSUM: &str = "APK-TOOLS.checksum.SHA1";

/// What decides about the entry, or is told of it; all other keywords are dropped.
const KEPT: [&[u8]; 8] = [
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"mtime",
    b"SCHILY.xattr.security.capability",
    APK_CHECKSUM.as_bytes(),
];

/// The records that decide about an entry, by keyword.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    values: BTreeMap<&'static [u8], Vec<u8>>,
    sparse: Option<&'static str>,
}

impl Records {
    /// Reads the content of one extended header.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut records = Self::default();
        let mut position = 0;
        while position < bytes.len() {
            let fault = |fault| Problem::Pax { position, fault };
            let (length, keyword, value) = record(&bytes[position..]).map_err(fault)?;
            records.keep(keyword, value).map_err(fault)?;
            position += length;
        }
        Ok(records)
    }

    fn keep(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), PaxFault> {
        if keyword.starts_with(b"GNU.sparse.") {
            // 1.0 is the only form that states its version; 0.1 has a map in one record, 0.0 one record a hole.
            let form = match keyword {
                b"GNU.sparse.major" | b"GNU.sparse.minor" => "GNU PAX 1.0",
                b"GNU.sparse.map" => "GNU PAX 0.1",
                _ => "GNU PAX 0.0",
            };
            self.sparse = self.sparse.max(Some(form));
        }
        if let Some(kept) = KEPT.iter().find(|kept| **kept == keyword)
            && self.values.insert(kept, value.to_vec()).is_some()
        {
            return Err(PaxFault::Repeated);
        }
        Ok(())
    }

    /// These records, as global ones, with those of one entry over them.
    pub(super) fn with(&self, entry: &Self) -> Self {
        let mut both = self.clone();
        both.values.extend(entry.values.iter().map(|(keyword, value)| (*keyword, value.clone())));
        both.sparse = entry.sparse.or(self.sparse);
        both
    }

    /// The value of a keyword; nothing where it is missing or taken back.
    pub(super) fn get(&self, keyword: &str) -> Option<&[u8]> {
        self.values.get(keyword.as_bytes()).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// Which form of sparse file the entry is, if it is one.
    pub(super) fn sparse(&self) -> Option<&'static str> {
        self.sparse
    }
}

/// The first record: its length, its keyword and its value.
fn record(bytes: &[u8]) -> Result<(usize, &[u8], &[u8]), PaxFault> {
    // As many digits as the largest header could need, and no more.
    let space = bytes.iter().take(20).position(|byte| *byte == b' ').ok_or(PaxFault::Length)?;
    let digits = &bytes[..space];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(PaxFault::Length);
    }
    let length: usize =
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(PaxFault::Bounds)?;
    let record = bytes.get(..length).filter(|record| record.len() > space + 1).ok_or(PaxFault::Bounds)?;
    let (b'\n', pair) = record[space + 1..].split_last().expect("longer than its length") else {
        return Err(PaxFault::Newline);
    };
    match pair.iter().position(|byte| *byte == b'=') {
        None | Some(0) => Err(PaxFault::Keyword),
        Some(equals) => Ok((length, &pair[..equals], &pair[equals + 1..])),
    }
}

/// Seconds since 1970 with an optional fraction, cut to whole seconds downwards.
pub(super) fn seconds(value: &[u8]) -> Result<i64, Problem> {
    let wrong = || Problem::Number { field: "time", stored: value.to_vec() };
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &b""[..]),
    };
    if whole.is_empty() || ![whole, fraction].concat().iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let whole: i128 =
        std::str::from_utf8(whole).ok().and_then(|whole| whole.parse().ok()).ok_or_else(wrong)?;
    let part = fraction.iter().any(|digit| *digit != b'0');
    let seconds = match (negative, part) {
        (false, _) => whole,
        (true, false) => -whole,
        (true, true) => -whole - 1,
    };
    i64::try_from(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_to_the_byte() {
        for (bytes, want) in [
            (&b"11 path=ab\n"[..], Ok(Some("ab"))),
            (b"12 path=a\nb\n", Ok(Some("a\nb"))),
            (b"13 path=a=b=\n", Ok(Some("a=b="))),
            (b"8 path=\n", Ok(None)),
            (b"11 path=ab\n11 path=cd\n", Err("byte 11: a record repeats")),
            (b"12 path=ab\n", Err("byte 0: the length of a record does not fit")),
            (b"10 path=ab\n", Err("byte 0: a record does not end with a newline")),
            (b"3 \n", Err("no keyword")),
            (b"4 =\n", Err("no keyword")),
            (b"2 ", Err("does not fit")),
            (b"0 path=ab\n", Err("does not fit")),
            (b"18446744073709551615 path=ab\n", Err("its length in decimal")),
            (b"9999999999999999999 path=ab\n", Err("does not fit")),
            (b"+11 path=ab\n", Err("its length in decimal")),
            (b" 11 path=ab\n", Err("its length in decimal")),
            (b"11 path=ab\n\0\0\0", Err("byte 11: a record begins with")),
        ] {
            let got = Records::parse(bytes);
            match (&got, want) {
                (Ok(records), Ok(path)) => {
                    assert_eq!(records.get("path"), path.map(str::as_bytes), "{}", bytes.escape_ascii());
                }
                (Err(error), Err(said)) => {
                    assert!(error.to_string().contains(said), "{}: {error}", bytes.escape_ascii());
                }
                _ => panic!("{}: {got:?}", bytes.escape_ascii()),
            }
        }
    }

    #[test]
    fn times_are_cut_downwards() {
        for (value, want) in [
            ("0", Some(0)),
            ("12.999999999", Some(12)),
            ("12.", Some(12)),
            ("-1", Some(-1)),
            ("-1.0", Some(-1)),
            ("-1.5", Some(-2)),
            ("-0.5", Some(-1)),
            ("9223372036854775807.9", Some(i64::MAX)),
            ("-9223372036854775807.9", Some(i64::MIN)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775808.5", None),
            ("9223372036854775808", None),
            ("9999999999999999999999999999999999999999999", None),
            ("", None),
            (".5", None),
            ("1e9", None),
            ("1.2.3", None),
            ("--1", None),
        ] {
            assert_eq!(seconds(value.as_bytes()).ok(), want, "{value:?}");
        }
    }
}
