//! [`Release`]: which minor release of Kubernetes something is, since that is what flags, fields and mounts go by.
//!
//! It refuses what is no version at all; patch releases and pre-releases count as the minor release that they belong to, as
//! no flag ever went with a patch release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A minor release of Kubernetes, like 1.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Release {
    major: u16,
    minor: u16,
}

/// A text that names no release of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of Kubernetes; wanted one like 1.36 or v1.36.4")]
pub struct UnknownRelease {
    /// What was there instead.
    pub text: String,
}

impl Release {
    /// The release `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Whether it lies within bounds, of which the second is the first release without. This is how all facts tell of time.
    pub(crate) fn is_within(self, since: Option<Self>, until: Option<Self>) -> bool {
        since.is_none_or(|since| since <= self) && until.is_none_or(|until| self < until)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let bare = text.strip_prefix('v').unwrap_or(text);
            let mut parts = bare.splitn(3, '.');
            let major = number(parts.next()?)?;
            let minor = number(parts.next()?)?;
            let patch_is_one =
                parts.next().is_none_or(|patch| patch.starts_with(|first: char| first.is_ascii_digit()));
            patch_is_one.then_some(Self { major, minor })
        };
        parsed().ok_or_else(|| UnknownRelease { text: text.to_owned() })
    }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.to_string()
    }
}

impl TryFrom<String> for Release {
    type Error = UnknownRelease;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Digits alone: no sign, no space.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_their_minor_release() {
        for (text, want) in [
            ("1.36", Some((1, 36))),
            ("v1.36.4", Some((1, 36))),
            ("1.38.0-alpha.2", Some((1, 38))),
            ("v1.20.7+k3s1", Some((1, 20))),
            ("1", None),
            ("", None),
            ("v", None),
            ("1.x", None),
            ("1.-3", None),
            ("1.36.x", None),
            ("latest", None),
            ("1.99999", None),
        ] {
            let want = want.map(|(major, minor)| Release { major, minor });
            assert_eq!(text.parse::<Release>().ok(), want, "{text}");
        }
        assert!(Release::new(1, 9) < Release::new(1, 18), "numbers, not text");
    }
}
