//! [`Version`]: what an Alpine version looks like, and which of two is newer.
//!
//! The grammar is `digits{.digits}{letter}{_suffix{digits}}{~hash}{-rN}` (apk-package(5); `src/version.c` of
//! apk-tools 3.0 for the order). It refuses to guess at other spellings: [`Version::new`] names the first
//! character that does not fit. [`compare_versions`] orders any two texts, as apk does, since an index may
//! hold versions that are not valid.

use std::cmp::Ordering;
use std::fmt;

/// A valid Alpine version.
///
/// Two versions are equal when neither is newer: `1.0-r1` and `1.0-r01` are.
#[derive(Debug, Clone, Copy)]
pub struct Version<'text>(&'text str);

/// Why a text is not an Alpine version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// There is no text.
    #[error("a version is empty; wanted digits, such as 1.2.3-r0")]
    Empty,
    /// The text is right up to some character, and wrong from there.
    #[error(
        "version \"{version}\" is not valid from \"{}\" on; wanted digits{{.digits}}{{letter}}{{_suffix{{digits}}}}{{~hash}}{{-rN}}",
        &version[*offset..]
    )]
    Malformed {
        /// The version as it was given.
        version: String,
        /// Where the part that does not fit begins, in bytes.
        offset: usize,
    },
}

impl<'text> Version<'text> {
    /// Reads a version.
    ///
    /// # Errors
    /// The text does not follow the grammar.
    pub fn new(text: &'text str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        let mut tokens = Tokens::new(text.as_bytes());
        let mut offset = 0;
        loop {
            match tokens.kind {
                Kind::End => return Ok(Self(text)),
                Kind::Invalid => return Err(VersionError::Malformed { version: text.to_owned(), offset }),
                _ => offset = floor_of_character(text, text.len() - tokens.rest.len()),
            }
            tokens.advance();
        }
    }

    /// The version as it was written.
    pub fn as_str(self) -> &'text str {
        self.0
    }
}

/// The beginning of the character that byte `offset` is in.
fn floor_of_character(text: &str, offset: usize) -> usize {
    (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version<'_> {}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_versions(self.0, other.0)
    }
}

/// Which of two versions is newer; what does not follow the grammar counts up to where it stops doing so.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    compare(left, right, Whole::Both)
}

/// As [`compare_versions`], but equal where `right` is a beginning of `left`: the `~` of a dependency.
pub(super) fn compare_beginning(left: &str, right: &str) -> Ordering {
    compare(left, right, Whole::Left)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Both,
    Left,
}

fn compare(left: &str, right: &str, whole: Whole) -> Ordering {
    let (mut left, mut right) = (Tokens::new(left.as_bytes()), Tokens::new(right.as_bytes()));
    while left.kind == right.kind && left.kind < Kind::End {
        match left.compare_value(&right) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        left.advance();
        right.advance();
    }
    if left.kind == right.kind || (right.kind == Kind::End && whole == Whole::Left) {
        return Ordering::Equal;
    }
    // A version that announces another one (1.0_rc1) is older than the one without the suffix; any other part
    // that only one side has makes it newer, and the later kinds of part weigh less.
    match (left.announces(), right.announces()) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => right.kind.cmp(&left.kind),
    }
}

/// The parts of a version in the order in which they may appear; `Invalid` is anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    FirstNumber,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    CommitHash,
    Revision,
    End,
    Invalid,
}

/// The suffixes, oldest first; those before the unmarked release announce it.
const SUFFIXES: [&[u8]; 10] = [b"", b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
/// The first suffix that comes after the release.
const FIRST_LATER_SUFFIX: usize = 5;

/// A version being read part by part.
struct Tokens<'text> {
    kind: Kind,
    value: &'text [u8],
    suffix: usize,
    rest: &'text [u8],
}

impl<'text> Tokens<'text> {
    fn new(text: &'text [u8]) -> Self {
        let mut tokens = Self { kind: Kind::FirstNumber, value: b"", suffix: 0, rest: text };
        tokens.take_number(Kind::FirstNumber);
        tokens
    }

    fn advance(&mut self) {
        let Some((first, after)) = self.rest.split_first() else {
            self.kind = Kind::End;
            return;
        };
        match (first, self.kind) {
            (b'a'..=b'z', Kind::FirstNumber | Kind::Number) => {
                self.value = &self.rest[..1];
                self.rest = after;
                self.kind = Kind::Letter;
            }
            (b'.', Kind::FirstNumber | Kind::Number) => {
                self.rest = after;
                self.take_number(Kind::Number);
            }
            (b'0'..=b'9', Kind::Suffix) => self.take_number(Kind::SuffixNumber),
            (b'_', kind) if kind <= Kind::SuffixNumber => {
                self.rest = after;
                self.take(u8::is_ascii_lowercase);
                self.suffix =
                    SUFFIXES.iter().skip(1).position(|known| *known == self.value).map_or(0, |at| at + 1);
                self.kind = if self.suffix == 0 { Kind::Invalid } else { Kind::Suffix };
            }
            (b'~', kind) if kind < Kind::CommitHash => {
                self.rest = after;
                self.take(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
                self.kind = if self.value.is_empty() { Kind::Invalid } else { Kind::CommitHash };
            }
            (b'-', kind) if kind < Kind::Revision && after.first() == Some(&b'r') => {
                self.rest = &after[1..];
                self.take_number(Kind::Revision);
            }
            _ => self.kind = Kind::Invalid,
        }
    }

    fn take(&mut self, belongs: impl Fn(&u8) -> bool) {
        let length = self.rest.iter().take_while(|byte| belongs(byte)).count();
        (self.value, self.rest) = self.rest.split_at(length);
    }

    fn take_number(&mut self, kind: Kind) {
        self.take(u8::is_ascii_digit);
        self.kind = if self.value.is_empty() { Kind::Invalid } else { kind };
    }

    fn announces(&self) -> bool {
        self.kind == Kind::Suffix && self.suffix < FIRST_LATER_SUFFIX
    }

    fn compare_value(&self, other: &Self) -> Ordering {
        let leading_zero = self.value.first() == Some(&b'0') || other.value.first() == Some(&b'0');
        match self.kind {
            // A leading zero makes a later number a decimal fraction: 1.02 is older than 1.1.
            Kind::Number if leading_zero => self.value.cmp(other.value),
            Kind::FirstNumber | Kind::Number | Kind::SuffixNumber | Kind::Revision => {
                compare_numbers(self.value, other.value)
            }
            Kind::Suffix => self.suffix.cmp(&other.suffix),
            _ => self.value.cmp(other.value),
        }
    }
}

/// The order of two runs of digits as numbers, of any length.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    fn significant(digits: &[u8]) -> &[u8] {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        &digits[zeros..]
    }
    let (left, right) = (significant(left), significant(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
#[path = "version_tests.rs"]
mod tests;
