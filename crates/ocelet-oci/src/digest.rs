//! Digests, and the proof that bytes have the one that was promised.
//!
//! Only `sha256` is read and written: image-spec, descriptor.md, "Registered algorithms" asks every
//! implementation for it, and no other is needed by what this house makes. Other algorithms are refused by name
//! and not taken for a spelling mistake.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// The SHA-256 of some bytes; printed and parsed as `sha256:<64 lower-case hexadecimal digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest that can be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Not `algorithm:encoded` at all (image-spec, descriptor.md, "Digests").
    #[error("{text:?} is not a digest; write sha256: and 64 hexadecimal digits")]
    Grammar {
        /// What was given.
        text: String,
    },
    /// A digest by the grammar, in an algorithm that is not supported.
    #[error("the digest {text} uses {algorithm}, and only sha256 is supported")]
    Unsupported {
        /// What was given.
        text: String,
        /// The part before the colon.
        algorithm: String,
    },
    /// `sha256:` is followed by something else than 64 lower-case hexadecimal digits.
    #[error("the digest {text} needs 64 lower-case hexadecimal digits after sha256:")]
    Encoding {
        /// What was given.
        text: String,
    },
}

/// Bytes are not those that were promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Another length.
    #[error("blob {digest} should have {wanted} bytes and has {got}{}", if *.at_least { " or more" } else { "" })]
    Size {
        /// The blob's name.
        digest: Digest,
        /// The size that was promised, in bytes.
        wanted: u64,
        /// The size that was found, in bytes.
        got: u64,
        /// Whether reading stopped before the end.
        at_least: bool,
    },
    /// Another digest.
    #[error("blob {wanted} has other content: its digest is {got}")]
    Digest {
        /// The digest that was promised.
        wanted: Digest,
        /// The digest that was found.
        got: Digest,
    },
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes themselves.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits: the name of the blob in `blobs/sha256`.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in self.0 {
            write!(hex, "{byte:02x}").expect("a string takes all that is written to it");
        }
        hex
    }

    /// The digest with these hexadecimal digits, if that is what they are.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
            *byte = value(pair[0]) << 4 | value(pair[1]);
        }
        Some(Self(bytes))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let text = || text.chars().take(200).collect::<String>();
        let whole = text();
        let Some((algorithm, encoded)) = whole.split_once(':') else {
            return Err(DigestError::Grammar { text: text() });
        };
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+._-".contains(&byte);
        if algorithm.is_empty() || encoded.is_empty() || !algorithm.bytes().all(named) {
            return Err(DigestError::Grammar { text: text() });
        }
        if algorithm != "sha256" {
            return Err(DigestError::Unsupported { text: text(), algorithm: algorithm.to_owned() });
        }
        Self::from_hex(encoded).ok_or_else(|| DigestError::Encoding { text: text() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Hashes what is fed to it, and counts it.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    state: Sha256,
    size: u64,
}

impl Hasher {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes were fed so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest and size of all that was fed.
    pub fn finish(self) -> Blob {
        Blob { digest: Digest(self.state.finalize().into()), size: self.size }
    }
}

/// A digest and a size that were computed from the same bytes: the proof that a blob's size is known.
///
/// Made by a [`Hasher`] or by a layout that holds the blob, never from two numbers that someone wrote down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    digest: Digest,
    size: u64,
}

impl Blob {
    /// The blob that consists of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }

    /// A blob that a layout holds under this name and with this size.
    pub(crate) fn held(digest: Digest, size: u64) -> Self {
        Self { digest, size }
    }

    /// The name.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether this is the blob that was promised.
    ///
    /// # Errors
    /// The size or the digest differs.
    pub fn expect(&self, digest: &Digest, size: u64) -> Result<(), ContentError> {
        if self.size != size {
            return Err(ContentError::Size {
                digest: *digest,
                wanted: size,
                got: self.size,
                at_least: false,
            });
        }
        if self.digest != *digest {
            return Err(ContentError::Digest { wanted: *digest, got: self.digest });
        }
        Ok(())
    }
}

/// Bytes that are proved to be those of a digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    blob: Blob,
    bytes: Vec<u8>,
}

impl Verified {
    /// Takes the bytes if they have this digest and size.
    ///
    /// # Errors
    /// They have not.
    pub fn new(bytes: Vec<u8>, digest: &Digest, size: u64) -> Result<Self, ContentError> {
        let blob = if bytes.len() as u64 == size {
            Blob::of(&bytes)
        } else {
            // The size is compared first, and costs nothing (descriptor.md, "Verification").
            Blob { digest: *digest, size: bytes.len() as u64 }
        };
        blob.expect(digest, size)?;
        Ok(Self { blob, bytes })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, taken out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Their digest and size.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Verified").field(&self.blob).finish()
    }
}

/// Reads a blob of a known digest and size. The end is only reported when both were right, and never more than
/// the size is read; otherwise reading fails with [`io::ErrorKind::InvalidData`] around a [`ContentError`].
#[derive(Debug)]
pub struct VerifyingReader<R> {
    inner: R,
    wanted: Blob,
    hasher: Option<Hasher>,
}

impl<R: Read> VerifyingReader<R> {
    /// A reader that expects the content of `digest`, `size` bytes long.
    pub fn new(inner: R, digest: Digest, size: u64) -> Self {
        Self { inner, wanted: Blob { digest, size }, hasher: Some(Hasher::new()) }
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(hasher) = &mut self.hasher else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            let blob = self.hasher.take().expect("it was there above").finish();
            blob.expect(&self.wanted.digest, self.wanted.size)?;
            return Ok(0);
        }
        hasher.update(&buffer[..count]);
        if hasher.size() > self.wanted.size {
            let Blob { digest, size: wanted } = self.wanted;
            return Err(ContentError::Size { digest, wanted, got: hasher.size(), at_least: true }.into());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digests_are_parsed_and_printed() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        let upper = EMPTY.to_uppercase();
        let sha512 = format!("sha512:{}", "a".repeat(128));
        for (text, want) in [
            (EMPTY, None),
            ("", Some("is not a digest")),
            ("e3b0", Some("is not a digest")),
            (upper.as_str(), Some("is not a digest")),
            (":e3b0", Some("is not a digest")),
            ("sha256:", Some("is not a digest")),
            ("sha256:e3b0", Some("needs 64")),
            ("sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Some("needs 64")),
            ("sha256:../../../../../../../../../../../../../../../../../../etc/passwd", Some("needs 64")),
            (sha512.as_str(), Some("uses sha512, and only sha256 is supported")),
            (
                "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
                Some("uses multihash+base58"),
            ),
        ] {
            match (text.parse::<Digest>(), want) {
                (Ok(digest), None) => assert_eq!(digest.to_string(), text),
                (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{text}: {error}"),
                (got, want) => panic!("{text}: got {got:?}, wanted {want:?}"),
            }
        }
    }

    #[test]
    fn the_end_of_a_blob_is_only_seen_when_it_is_right() {
        let right = Digest::of(b"abc");
        for (content, digest, size, want) in [
            (&b"abc"[..], right, 3, None),
            (b"abd", right, 3, Some("other content")),
            (b"ab", right, 3, Some("should have 3 bytes and has 2")),
            (b"abcd", right, 3, Some("or more")),
            (b"abc", right, 2, Some("or more")),
            (b"abc", Digest::of(b"x"), 3, Some("other content")),
        ] {
            let mut read = Vec::new();
            let done = VerifyingReader::new(content, digest, size).read_to_end(&mut read);
            let said = done.err().map(|error| error.to_string());
            assert_eq!(said.is_some(), want.is_some(), "{content:?}: {said:?}");
            let kept = Verified::new(content.to_vec(), &digest, size);
            assert_eq!(kept.is_err(), want.is_some(), "{content:?}");
            if let (Some(said), Some(want)) = (said, want) {
                assert!(said.contains(want), "{said}");
            }
        }
    }
}
