//! Which algorithms are good enough: RSA from 2048 bits, EdDSA, ECDSA over the NIST curves, with SHA-256 or better.
//!
//! Refused by name are MD5, SHA-1, RIPEMD-160 and SHA-224 (collisions are found, or close to it), RSA below 2048 bits,
//! DSA and Elgamal, and every curve that is not listed. A weak algorithm is refused in self-signatures of keys too.

use std::fmt;

use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams};

/// The fewest bits of an RSA modulus that is trusted.
const FEWEST_BITS: u16 = 2048;

/// What a signature was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm {
    /// The kind of key.
    pub key: KeyAlgorithm,
    /// What it signs.
    pub hash: Hash,
}

/// A kind of key that is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA with a modulus of that many bits.
    Rsa(u16),
    /// EdDSA over Curve25519, in the older form (22) or the newer one (27).
    Ed25519,
    /// EdDSA over Curve448.
    Ed448,
    /// ECDSA over P-256.
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// ECDSA over P-521.
    EcdsaP521,
}

/// A hash that is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-512.
    Sha3_512,
}

/// An algorithm that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is too weak or not known; wanted {wanted}")]
pub struct Weak {
    /// What it is.
    pub name: String,
    /// What would do.
    pub wanted: &'static str,
}

impl Hash {
    pub(super) fn of(hash: HashAlgorithm) -> Result<Self, Weak> {
        match hash {
            HashAlgorithm::Sha256 => Ok(Self::Sha256),
            HashAlgorithm::Sha384 => Ok(Self::Sha384),
            HashAlgorithm::Sha512 => Ok(Self::Sha512),
            HashAlgorithm::Sha3_256 => Ok(Self::Sha3_256),
            HashAlgorithm::Sha3_512 => Ok(Self::Sha3_512),
            HashAlgorithm::Other(number) => Err(Weak::hash(format!("the hash with number {number}"))),
            weak => Err(Weak::hash(format!("the hash {weak}"))),
        }
    }
}

impl KeyAlgorithm {
    pub(super) fn of(key: &impl KeyDetails) -> Result<Self, Weak> {
        if !matches!(key.version(), KeyVersion::V4 | KeyVersion::V6) {
            return Err(Weak::key(format!("a key of version {}", u8::from(key.version()))));
        }
        match key.public_params() {
            PublicParams::RSA(params) => match bits(params) {
                bits if bits >= FEWEST_BITS => Ok(Self::Rsa(bits)),
                bits => Err(Weak::key(format!("RSA with {bits} bits"))),
            },
            PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) | PublicParams::Ed25519(_) => {
                Ok(Self::Ed25519)
            }
            PublicParams::Ed448(_) => Ok(Self::Ed448),
            PublicParams::ECDSA(EcdsaPublicParams::P256 { .. }) => Ok(Self::EcdsaP256),
            PublicParams::ECDSA(EcdsaPublicParams::P384 { .. }) => Ok(Self::EcdsaP384),
            PublicParams::ECDSA(EcdsaPublicParams::P521 { .. }) => Ok(Self::EcdsaP521),
            _ => Err(Weak::key(format!("a key for {:?}", key.algorithm()))),
        }
    }
}

/// The bits of a modulus: the first number of the key, which is written with its length before it (RFC 9580
/// section 3.2).
fn bits(params: &impl Serialize) -> u16 {
    match params.to_bytes() {
        Ok(bytes) if bytes.len() >= 2 => u16::from_be_bytes([bytes[0], bytes[1]]),
        _ => 0,
    }
}

impl Weak {
    fn hash(name: String) -> Self {
        Self { name, wanted: "SHA-256 or longer" }
    }

    fn key(name: String) -> Self {
        Self { name, wanted: "RSA from 2048 bits, EdDSA, or ECDSA over P-256, P-384 or P-521" }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(formatter, "RSA-{bits}"),
            Self::Ed25519 => formatter.write_str("Ed25519"),
            Self::Ed448 => formatter.write_str("Ed448"),
            Self::EcdsaP256 => formatter.write_str("ECDSA-P256"),
            Self::EcdsaP384 => formatter.write_str("ECDSA-P384"),
            Self::EcdsaP521 => formatter.write_str("ECDSA-P521"),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_512 => "SHA3-512",
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.key, self.hash)
    }
}
