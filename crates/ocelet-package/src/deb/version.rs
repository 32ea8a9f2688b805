//! [`Version`]: `[epoch:]upstream[-revision]`, and the order of versions.
//!
//! The grammar is deb-version(7), the order that of `dpkg_version_compare` in dpkg's `lib/dpkg/version.c`. Refused is
//! what dpkg takes for an error or warns of: no upstream version or one that does not begin with a digit, an empty
//! revision, an epoch that is no number below 2^31, and characters that no version has.

use std::cmp::Ordering;
use std::fmt;

/// A valid version. Equal are versions that dpkg takes for the same, such as `1.0` and `0:1.00-0`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'text> {
    text: &'text str,
    epoch: u32,
    upstream: &'text str,
    revision: &'text str,
}

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a version: {fault}; wanted [epoch:]upstream[-revision], such as 1:2.36-9+deb12u4", text.escape_debug())]
pub struct VersionError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub fault: VersionFault,
}

/// What is wrong with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionFault {
    /// No text.
    #[error("it is empty")]
    Empty,
    /// The epoch is no number below 2^31.
    #[error("its epoch is not a number below 2147483648")]
    Epoch,
    /// Nothing between the epoch and the revision.
    #[error("it has no upstream version")]
    NoUpstream,
    /// The upstream version begins with something else than a digit.
    #[error("its upstream version does not begin with a digit")]
    NoDigit,
    /// A hyphen at the end.
    #[error("its revision is empty")]
    NoRevision,
    /// A character that cannot be in it.
    #[error("it has the character {0:?}")]
    Character(char),
}

impl<'text> Version<'text> {
    /// Reads a version.
    ///
    /// # Errors
    /// See [`VersionFault`].
    pub fn new(text: &'text str) -> Result<Self, VersionError> {
        let refused = |fault| VersionError { text: text.chars().take(200).collect(), fault };
        if text.is_empty() {
            return Err(refused(VersionFault::Empty));
        }
        let (epoch, rest) = match text.split_once(':') {
            None => (0, text),
            Some((epoch, rest)) => (read_epoch(epoch).ok_or_else(|| refused(VersionFault::Epoch))?, rest),
        };
        let (upstream, revision) = split_revision(rest);
        if revision == Some("") {
            return Err(refused(VersionFault::NoRevision));
        }
        let revision = revision.unwrap_or("");
        if upstream.is_empty() {
            return Err(refused(VersionFault::NoUpstream));
        }
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '+' | '~');
        let wrong = upstream.chars().find(|letter| !plain(*letter) && !matches!(letter, '-' | ':'));
        if let Some(letter) = wrong.or_else(|| revision.chars().find(|letter| !plain(*letter))) {
            return Err(refused(VersionFault::Character(letter)));
        }
        if !upstream.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(refused(VersionFault::NoDigit));
        }
        Ok(Self { text, epoch, upstream, revision })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &'text str {
        self.text
    }

    /// The epoch; 0 where there is none.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What stands between epoch and revision.
    pub fn upstream(&self) -> &'text str {
        self.upstream
    }

    /// What stands behind the last hyphen; empty where there is none.
    pub fn revision(&self) -> &'text str {
        self.revision
    }

    /// The text without its epoch, as it stands in the names of files.
    pub fn without_epoch(&self) -> &'text str {
        self.text.split_once(':').map_or(self.text, |(_, rest)| rest)
    }
}

/// The order of two versions, valid or not. What is no valid epoch is taken as part of the upstream version, so that
/// there is one order of all texts; valid versions are ordered as [`Version`]s are.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    let (left, right) = (lenient(left), lenient(right));
    left.0
        .cmp(&right.0)
        .then_with(|| compare_part(left.1, right.1))
        .then_with(|| compare_part(left.2, right.2))
}

fn lenient(text: &str) -> (u32, &str, &str) {
    let with_epoch = text.split_once(':').and_then(|(epoch, rest)| Some((read_epoch(epoch)?, rest)));
    let (epoch, rest) = with_epoch.unwrap_or((0, text));
    let (upstream, revision) = split_revision(rest);
    (epoch, upstream, revision.unwrap_or(""))
}

/// dpkg keeps an epoch in an `int` and refuses negative ones.
fn read_epoch(digits: &str) -> Option<u32> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|epoch| all_digits && *epoch <= i32::MAX.unsigned_abs())
}

fn split_revision(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once('-').map_or((text, None), |(upstream, revision)| (upstream, Some(revision)))
}

/// `verrevcmp`: stretches of other characters and of digits take turns; letters come before everything else, and
/// `~` before even the end.
fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        let (mine, theirs) = (take(&mut left, false), take(&mut right, false));
        let longest = mine.len().max(theirs.len());
        for at in 0..longest {
            let order = weight(mine.get(at)).cmp(&weight(theirs.get(at)));
            if order.is_ne() {
                return order;
            }
        }
        let (mine, theirs) = (number(take(&mut left, true)), number(take(&mut right, true)));
        let order = mine.len().cmp(&theirs.len()).then_with(|| mine.cmp(theirs));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the digits, or what are none, from the beginning of a text.
fn take<'text>(text: &mut &'text [u8], digits: bool) -> &'text [u8] {
    let length = text.iter().position(|byte| byte.is_ascii_digit() != digits).unwrap_or(text.len());
    let (taken, rest) = text.split_at(length);
    *text = rest;
    taken
}

/// Digits without zeroes before them: the longer number is the greater one, of whatever length.
fn number(digits: &[u8]) -> &[u8] {
    let zeroes = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeroes..]
}

/// Where a character stands in the order; nothing is the end of the text, or a digit.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

impl fmt::Display for Version<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text)
    }
}

#[cfg(test)]
mod tests;
