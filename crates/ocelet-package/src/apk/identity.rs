//! [`Identity`]: the short name of some bytes that indexes and databases of apk carry, `Q1…` or `Q2…`.
//!
//! `Q` says base64, `1` SHA-1 and `2` SHA-256 (apk-tools, `src/blob.c`, `apk_blob_pull_csum`; Alpine writes only
//! `Q1`). For a package it is the digest of its control member as stored, for a file that of its content, for a
//! symbolic link that of its target. It refuses every other form, padding that is missing included.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// A digest that names a package or a file. SHA-1 identifies and does not prove: what must be trusted is signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Identity {
    /// `Q1`: SHA-1.
    Sha1([u8; 20]),
    /// `Q2`: SHA-256.
    Sha256([u8; 32]),
}

/// Text that is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{}\" is not a checksum of apk; wanted Q1 and the base64 of 20 bytes, or Q2 and that of 32", .text[..80.min(.text.len())].escape_ascii()
)]
pub struct IdentityError {
    /// The text.
    pub text: Vec<u8>,
}

impl Identity {
    /// The `Q1` identity of some bytes.
    pub fn sha1_of(bytes: &[u8]) -> Self {
        Self::Sha1(Sha1::digest(bytes).into())
    }

    /// The `Q2` identity of some bytes.
    pub fn sha256_of(bytes: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(bytes).into())
    }

    /// The identity of some bytes, of the same kind as this one.
    #[must_use]
    pub fn same_kind_of(self, bytes: &[u8]) -> Self {
        match self {
            Self::Sha1(_) => Self::sha1_of(bytes),
            Self::Sha256(_) => Self::sha256_of(bytes),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let wrong = || IdentityError { text: text.as_bytes().to_vec() };
        let decode = |digits: &str| STANDARD.decode(digits).map_err(|_| wrong());
        if let Some(digits) = text.strip_prefix("Q1") {
            Ok(Self::Sha1(decode(digits)?.try_into().map_err(|_| wrong())?))
        } else if let Some(digits) = text.strip_prefix("Q2") {
            Ok(Self::Sha256(decode(digits)?.try_into().map_err(|_| wrong())?))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(digest) => write!(formatter, "Q1{}", STANDARD.encode(digest)),
            Self::Sha256(digest) => write!(formatter, "Q2{}", STANDARD.encode(digest)),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

/// Exactly `N` bytes from hexadecimal digits of either case; nothing where the text is anything else.
pub(super) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_and_written_alike() {
        // The digests of nothing.
        for (text, want) in [
            ("Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=", Identity::sha1_of(b"")),
            ("Q247DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", Identity::sha256_of(b"")),
        ] {
            let identity: Identity = text.parse().expect(text);
            assert_eq!(identity, want);
            assert_eq!(identity.to_string(), text);
            assert_eq!(identity.same_kind_of(b""), identity);
            assert_ne!(identity.same_kind_of(b"x"), identity);
        }
        for text in [
            "",
            "Q",
            "Q1",
            "Q3AA==",
            "Q12jmj7l5rSw0yVb/vlWAYkK/YBwk",
            "q12jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "Q1é",
        ] {
            assert!(text.parse::<Identity>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_digits_are_counted() {
        assert_eq!(unhex::<2>(b"00fF"), Some([0, 255]));
        for wrong in [&b"00f"[..], b"00fg", b"00ff0", b"+0ff", b""] {
            assert_eq!(unhex::<2>(wrong), None, "{}", wrong.escape_ascii());
        }
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
