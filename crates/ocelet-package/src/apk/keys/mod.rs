//! [`Keyring`]: the public keys that may vouch for packages, by the file names that signatures call them.
//!
//! A signature names its key by file name only, and two different keys with one name exist in the wild: a name
//! leads to every key that was added under it. Keys are RSA of 2048 to 8192 bits in PEM; everything else is
//! refused with a reason.

mod alpine;
mod der;

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub use der::DerError;

use super::identity::hex;

/// The fewest bits of a modulus that a signature is trusted with.
const FEWEST_BITS: u32 = 2048;
/// The most bits of a modulus: larger keys only cost time.
const MOST_BITS: u32 = 8192;
/// The first line of a key file (RFC 7468 section 13).
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
/// The last line of a key file.
const END: &str = "-----END PUBLIC KEY-----";

/// Public keys by file name, as in `/etc/apk/keys`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: BTreeMap<String, Vec<PublicKey>>,
}

/// An RSA public key that may vouch for packages.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    fingerprint: Fingerprint,
    bits: u32,
    /// The key as `RSAPublicKey` (RFC 8017 appendix A.1.1), which is what the verifier takes.
    pkcs1: Vec<u8>,
}

/// The SHA-256 of a key's `SubjectPublicKeyInfo`: which key it was, where the file name is not enough.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// Why some text is not a key that may vouch for packages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No line begins a public key.
    #[error("key {name} has no line \"{BEGIN}\"; wanted a public key in PEM, as in /etc/apk/keys{hint}")]
    NotPem {
        /// The file name of the key.
        name: String,
        /// What it seems to be instead.
        hint: &'static str,
    },
    /// The text between the lines is not base64, or the last line is missing.
    #[error("the text of key {name} is damaged: it must be base64 and end with \"{END}\"")]
    Base64 {
        /// The file name of the key.
        name: String,
    },
    /// The bytes are not an RSA public key.
    #[error("key {name} is not an RSA public key")]
    Der {
        /// The file name of the key.
        name: String,
        /// What is wrong, and where.
        #[source]
        cause: DerError,
    },
    /// The key has too few or too many bits.
    #[error("key {name} has {bits} bits; wanted {FEWEST_BITS} to {MOST_BITS}")]
    Bits {
        /// The file name of the key.
        name: String,
        /// Its size.
        bits: u32,
    },
    /// A name that no signature can carry.
    #[error("\"{}\" cannot be the name of a key: it is the name of a file, without a slash", .name.escape_debug())]
    Name {
        /// The name.
        name: String,
    },
}

impl PublicKey {
    /// Reads one key from the text of its file; `name` is for errors.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(name: &str, text: &str) -> Result<Self, KeyError> {
        let spki = decode(name, text)?;
        let parts = der::read(&spki).map_err(|cause| KeyError::Der { name: name.to_owned(), cause })?;
        if !(FEWEST_BITS..=MOST_BITS).contains(&parts.bits) {
            return Err(KeyError::Bits { name: name.to_owned(), bits: parts.bits });
        }
        let fingerprint = Fingerprint(Sha256::digest(&spki).into());
        Ok(Self { fingerprint, bits: parts.bits, pkcs1: parts.pkcs1.to_vec() })
    }

    /// Which key it is.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The size of the modulus in bits.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The key as the verifier takes it.
    pub(super) fn pkcs1(&self) -> &[u8] {
        &self.pkcs1
    }
}

impl Keyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Alpine's own keys, for all architectures: those that the releases v3.13 to v3.20 carry. A repository of
    /// one architecture is better asked for [`Keyring::alpine_for`].
    pub fn alpine() -> Self {
        Self::alpine_where(|_| true)
    }

    /// Alpine's own keys for one of its architectures (`x86_64`, `aarch64`, `armv7` …), as `/etc/apk/keys` has
    /// them; empty for an architecture that Alpine does not have.
    pub fn alpine_for(architecture: &str) -> Self {
        Self::alpine_where(|key| key.architectures().any(|own| own == architecture))
    }

    fn alpine_where(wanted: impl Fn(&alpine::Embedded) -> bool) -> Self {
        let mut keyring = Self::new();
        for key in alpine::embedded().filter(wanted) {
            keyring.add(key.name, key.pem).expect("the embedded keys are checked by a test");
        }
        keyring
    }

    /// Adds a key under the name of its file. The same key a second time changes nothing.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn add(&mut self, name: &str, pem: &str) -> Result<Fingerprint, KeyError> {
        if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
            return Err(KeyError::Name { name: name.to_owned() });
        }
        let key = PublicKey::from_pem(name, pem)?;
        let fingerprint = key.fingerprint();
        let same_name = self.keys.entry(name.to_owned()).or_default();
        if !same_name.contains(&key) {
            same_name.push(key);
        }
        Ok(fingerprint)
    }

    /// The keys of that name, in the order in which they were added.
    pub fn get(&self, name: &str) -> &[PublicKey] {
        self.keys.get(name).map_or(&[], Vec::as_slice)
    }

    /// All names with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[PublicKey])> {
        self.keys.iter().map(|(name, keys)| (name.as_str(), keys.as_slice()))
    }

    /// The names of all keys, in order.
    pub fn names(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn decode(name: &str, text: &str) -> Result<Vec<u8>, KeyError> {
    let mut lines = text.lines().map(str::trim);
    if !lines.any(|line| line == BEGIN) {
        let hint = if text.contains("BEGIN RSA PUBLIC KEY") {
            "; this is PKCS#1, convert it with openssl rsa -RSAPublicKey_in -pubout"
        } else if text.contains("PRIVATE KEY") {
            "; this is a private key, which must be given to no one"
        } else {
            ""
        };
        return Err(KeyError::NotPem { name: name.to_owned(), hint });
    }
    let mut digits = String::new();
    for line in lines {
        if line == END {
            return STANDARD.decode(&digits).map_err(|_| KeyError::Base64 { name: name.to_owned() });
        }
        digits.push_str(line);
    }
    Err(KeyError::Base64 { name: name.to_owned() })
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({} bits, {})", self.bits, self.fingerprint)
    }
}

#[cfg(test)]
mod tests;
