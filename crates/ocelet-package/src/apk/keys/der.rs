//! Reads an RSA public key out of its DER form: `SubjectPublicKeyInfo` (RFC 5280 section 4.1) with
//! `RSAPublicKey` inside (RFC 3279 section 2.3.1, RFC 8017 appendix A.1.1).
//!
//! It knows just the tags that this one structure has. It refuses what DER refuses (indefinite lengths, lengths
//! that could be shorter, padded integers) and bytes after the end of a value.

use super::MOST_BITS;

/// The parts of a key.
pub(super) struct Parts<'der> {
    /// The `RSAPublicKey` value with its header.
    pub(super) pkcs1: &'der [u8],
    /// The size of the modulus in bits.
    pub(super) bits: u32,
}

/// Why some bytes are not an RSA public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerError {
    /// The bytes end within a value, or a length is not written as DER demands.
    #[error("the {part} is cut short, or its length is not written as DER demands")]
    Length {
        /// The value.
        part: &'static str,
    },
    /// Another value than the one that belongs there.
    #[error("wanted the {part} with tag 0x{wanted:02x}, got tag 0x{got:02x}")]
    Tag {
        /// The value that was wanted.
        part: &'static str,
        /// Its tag (X.690 section 8.1.2).
        wanted: u8,
        /// The tag that is there.
        got: u8,
    },
    /// Something follows the end of a value.
    #[error("something follows the end of the {part}")]
    Trailing {
        /// The value.
        part: &'static str,
    },
    /// The key is not for RSA.
    #[error("the algorithm is not RSA (rsaEncryption); apk signs with RSA keys only")]
    Algorithm,
    /// An integer that is negative, zero, or padded.
    #[error("the {part} is not a positive integer as DER writes it")]
    Integer {
        /// The integer.
        part: &'static str,
    },
    /// A public exponent that no one uses in good faith.
    #[error("the public exponent must be odd, at least 3 and below 2^33")]
    Exponent,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// `SEQUENCE { OBJECT IDENTIFIER 1.2.840.113549.1.1.1 (rsaEncryption), NULL }` without its header.
const RSA_ENCRYPTION: [u8; 13] =
    [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Reads a whole `SubjectPublicKeyInfo`.
pub(super) fn read(der: &[u8]) -> Result<Parts<'_>, DerError> {
    let mut whole = Values(der);
    let mut info = Values(whole.take("key information", SEQUENCE)?);
    whole.end("key information")?;
    if info.take("algorithm", SEQUENCE)? != RSA_ENCRYPTION {
        return Err(DerError::Algorithm);
    }
    let bits = info.take("key bits", BIT_STRING)?;
    info.end("key bits")?;
    // The first byte of a bit string counts the bits of the last byte that do not belong to it.
    let Some((0, pkcs1)) = bits.split_first() else {
        return Err(DerError::Length { part: "key bits" });
    };
    let mut whole = Values(pkcs1);
    let mut key = Values(whole.take("key", SEQUENCE)?);
    whole.end("key")?;
    let modulus = positive("modulus", key.take("modulus", INTEGER)?)?;
    let exponent = positive("exponent", key.take("exponent", INTEGER)?)?;
    key.end("exponent")?;
    check_exponent(exponent)?;
    Ok(Parts { pkcs1, bits: bit_length(modulus) })
}

/// DER values, one after the other.
struct Values<'der>(&'der [u8]);

impl<'der> Values<'der> {
    /// The content of the next value.
    fn take(&mut self, part: &'static str, wanted: u8) -> Result<&'der [u8], DerError> {
        let short = DerError::Length { part };
        let (&got, rest) = self.0.split_first().ok_or(short)?;
        if got != wanted {
            return Err(DerError::Tag { part, wanted, got });
        }
        let (&first, rest) = rest.split_first().ok_or(short)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // No key that is trusted needs more than two bytes of length: it has 8192 bits at most.
            0x81 | 0x82 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(short)?;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                let least = if digits.len() == 1 { 0x80 } else { 0x100 };
                (if length < least { return Err(short) } else { length }, rest)
            }
            _ => return Err(short),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(short)?;
        self.0 = rest;
        Ok(content)
    }

    fn end(&self, part: &'static str) -> Result<(), DerError> {
        if self.0.is_empty() { Ok(()) } else { Err(DerError::Trailing { part }) }
    }
}

/// The digits of a positive integer, without the zero that keeps it positive.
fn positive<'der>(part: &'static str, digits: &'der [u8]) -> Result<&'der [u8], DerError> {
    match digits {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Ok(rest),
        [0x01..=0x7f, ..] => Ok(digits),
        _ => Err(DerError::Integer { part }),
    }
}

fn bit_length(digits: &[u8]) -> u32 {
    let zeros = digits.first().map_or(0, |first| first.leading_zeros());
    // One more than the most stands for all that is larger.
    u32::try_from(digits.len() * 8).map_or(MOST_BITS + 1, |bits| bits - zeros)
}

fn check_exponent(digits: &[u8]) -> Result<(), DerError> {
    if digits.len() > 5 {
        return Err(DerError::Exponent);
    }
    let exponent = digits.iter().fold(0_u64, |value, digit| value << 8 | u64::from(*digit));
    if exponent % 2 == 1 && (3..1 << 33).contains(&exponent) { Ok(()) } else { Err(DerError::Exponent) }
}
