//! [`Expectation`]: what is known of bytes before they are fetched, and [`Digest`], their sha256.
//!
//! It refuses a fetch without any bound: `most` is always given.

use std::fmt;
use std::str::FromStr;

/// A sha256 digest. Shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Text that is not a sha256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a sha256 digest: wanted 64 hex digits")]
pub struct DigestError {
    /// The text, cut to 80 characters.
    pub text: String,
}

/// What is known of some bytes beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// Their sha256. Without it nothing is proved, and nothing of an earlier run is resumed.
    pub sha256: Option<Digest>,
    /// Their exact number.
    pub size: Option<u64>,
    /// No more bytes than this are ever taken, whatever the server says.
    pub most: u64,
}

impl Expectation {
    /// Exactly these bytes, as a lock names them.
    pub fn pinned(sha256: Digest, size: u64) -> Self {
        Self { sha256: Some(sha256), size: Some(size), most: size }
    }

    /// Any bytes, but no more than `most`.
    pub fn at_most(most: u64) -> Self {
        Self { sha256: None, size: None, most }
    }

    /// The most bytes that can be right.
    pub fn bound(&self) -> u64 {
        self.size.map_or(self.most, |size| size.min(self.most))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bad = || DigestError { text: text.chars().take(80).flat_map(char::escape_debug).collect() };
        let mut digest = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_read_and_show() {
        let text = "00ff10".to_owned() + &"a7".repeat(29);
        let digest: Digest = text.parse().expect("a digest");
        assert_eq!(digest.to_string(), text);
        for bad in ["", "00", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_bound_is_the_smaller_of_size_and_most() {
        assert_eq!(Expectation { sha256: None, size: Some(9), most: 5 }.bound(), 5);
        assert_eq!(Expectation { sha256: None, size: Some(3), most: 5 }.bound(), 3);
        assert_eq!(Expectation::at_most(7).bound(), 7);
    }
}
