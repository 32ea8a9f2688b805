//! Checks signatures over data against a [`Keyring`]: who vouches, or why nobody does.
//!
//! One valid signature by a known key is enough. A signature by a known key that does not fit the bytes is an error even
//! beside a valid one, since someone has changed something. Signatures by unknown keys, and those that are refused for
//! their algorithm, their time or their key, never count; where nothing counts, the message names each with its reason.

use std::fmt;

use pgp::packet::{Packet, PacketParser, Signature, SignatureType, SignatureVersion};

use super::Validity;
use super::certificate::{self, KeyProblem};
use super::date::Instant;
use super::keyring::{Fingerprint, Keyring, is_unsupported};
use super::strength::{Algorithm, Hash, Weak};

/// The most signatures that are looked at. Debian has three.
const MOST: usize = 32;

/// Who vouched for some bytes. Only a verification makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct SignedBy {
    /// The key that signed.
    pub fingerprint: Fingerprint,
    /// The primary key of its certificate, which people know it by; the same key where there are no subkeys.
    pub certificate: Fingerprint,
    /// The first name in the certificate.
    pub user: Option<String>,
    /// How it signed.
    pub algorithm: Algorithm,
    /// When, in seconds since 1970, as the signature says.
    pub created: i64,
}

/// A signature that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The key that it says it is from.
    pub key: String,
    /// Why it does not count.
    pub reason: Refusal,
}

/// Why a signature does not count although its key may be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be understood.
    #[error("it is of a kind that is not supported: {0}")]
    Unsupported(String),
    /// It is weak.
    #[error("{0}")]
    Weak(Weak),
    /// It has no date, or no sound one.
    #[error("it does not say when it was made")]
    Undated,
    /// It is from the future.
    #[error("it was made on {created}, and it is {now} now; check the clock of this machine")]
    Future {
        /// When it says it was made.
        created: Instant,
        /// The time that was given.
        now: Instant,
    },
    /// It has expired.
    #[error("it expired on {at}, and it is {now} now")]
    Expired {
        /// When.
        at: Instant,
        /// The time that was given.
        now: Instant,
    },
    /// Its key may not vouch.
    #[error("key {key} may not vouch: {problem}")]
    Key {
        /// The key.
        key: Fingerprint,
        /// Why not.
        problem: KeyProblem,
    },
}

/// Why nobody vouches for some bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature.
    #[error("there is no signature in it")]
    Unsigned,
    /// The packets cannot be read, or are something else.
    #[error("the signatures are damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// More signatures than anyone needs.
    #[error("there are more than {MOST} signatures")]
    TooMany,
    /// A known key's signature does not fit.
    #[error(
        "the signature of key {key} does not fit the bytes that it signs; they were changed, or damaged on the way"
    )]
    Invalid {
        /// The key.
        key: Fingerprint,
    },
    /// Nobody known signed.
    #[error(
        "it is signed by {}, which is not in the keyring; the keyring has {known}; give the keyring of that repository (signed-by)",
        .wanted.join(", ")
    )]
    UnknownKey {
        /// The keys that signed: fingerprints, or key ids where there is no more.
        wanted: Vec<String>,
        /// What is known, in words.
        known: String,
    },
    /// No signature counts.
    #[error("no signature counts: {}{}", reasons(.refused), besides(.unknown))]
    Refused {
        /// Those that are refused.
        refused: Vec<Refused>,
        /// The keys of others, which are not known.
        unknown: Vec<String>,
    },
}

/// Checks all signatures over `message`, and says who made the valid ones, in their order.
pub(super) fn verify(
    packets: &[u8],
    message: &[u8],
    keyring: &Keyring,
    validity: Validity,
) -> Result<Vec<SignedBy>, SignatureError> {
    let (mut valid, mut refused, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (index, packet) in PacketParser::new(packets).enumerate() {
        if index == MOST {
            return Err(SignatureError::TooMany);
        }
        let signature = match packet {
            Ok(Packet::Signature(signature)) => signature,
            Ok(Packet::Marker(_) | Packet::Padding(_)) => continue,
            Ok(_) => {
                return Err(SignatureError::Damaged {
                    what: "something that is no signature is among them".into(),
                });
            }
            Err(error) if is_unsupported(&error) => {
                let reason = Refusal::Unsupported(error.to_string());
                refused.push(Refused { key: "a key that is not named".into(), reason });
                continue;
            }
            Err(error) => return Err(SignatureError::Damaged { what: error.to_string() }),
        };
        match one(&signature, message, keyring, validity)? {
            Outcome::Valid(signed) => valid.push(signed),
            Outcome::Unknown => unknown.push(issuer(&signature)),
            Outcome::Refused(reason) => refused.push(Refused { key: issuer(&signature), reason }),
        }
    }
    match (valid.is_empty(), refused.is_empty(), unknown.is_empty()) {
        (false, ..) => Ok(valid),
        (true, false, _) => Err(SignatureError::Refused { refused, unknown }),
        (true, true, false) => Err(SignatureError::UnknownKey { wanted: unknown, known: keyring.describe() }),
        (true, true, true) => Err(SignatureError::Unsigned),
    }
}

enum Outcome {
    Valid(SignedBy),
    Unknown,
    Refused(Refusal),
}

fn one(
    signature: &Signature,
    message: &[u8],
    keyring: &Keyring,
    validity: Validity,
) -> Result<Outcome, SignatureError> {
    let candidates = keyring.candidates(signature);
    if candidates.is_empty() {
        return Ok(Outcome::Unknown);
    }
    let (hash, created) = match soundness(signature, validity) {
        Ok(sound) => sound,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    let mut weak = None;
    let mut tried = None;
    for (certificate, which, fingerprint) in candidates {
        let key = match certificate.algorithm(which) {
            Ok(key) => key,
            Err(problem) => {
                let problem = KeyProblem::Weak(problem);
                weak = Some(Refusal::Key { key: fingerprint, problem });
                continue;
            }
        };
        if !certificate.signed(which, signature, message) {
            tried = Some(fingerprint);
            continue;
        }
        return Ok(match certificate.may_sign(which, created, validity) {
            Ok(()) => Outcome::Valid(SignedBy {
                fingerprint,
                certificate: certificate.fingerprint(),
                user: certificate.user(),
                algorithm: Algorithm { key, hash },
                created,
            }),
            Err(problem) => Outcome::Refused(Refusal::Key { key: fingerprint, problem }),
        });
    }
    match (tried, weak) {
        // A signature that names no key was tried with all, and is simply someone else's.
        (Some(_), _) if names_nobody(signature) => Ok(Outcome::Unknown),
        (Some(key), _) => Err(SignatureError::Invalid { key }),
        (None, Some(weak)) => Ok(Outcome::Refused(weak)),
        (None, None) => Ok(Outcome::Unknown),
    }
}

/// What a signature says about itself, before any arithmetic.
fn soundness(signature: &Signature, validity: Validity) -> Result<(Hash, i64), Refusal> {
    let version = signature.version();
    if !matches!(version, SignatureVersion::V4 | SignatureVersion::V6) {
        return Err(Refusal::Unsupported(format!("a signature of version {}", u8::from(version))));
    }
    // Behind a text RFC 9580 section 7.1 wants a text signature; programs in Go make one of a binary file, over the
    // same bytes. rPGP takes any end of line in what a text signature is over for CR and LF, others as they are.
    match signature.typ() {
        Some(SignatureType::Text | SignatureType::Binary) => {}
        Some(kind) => return Err(Refusal::Unsupported(format!("{kind:?} is no signature of a file"))),
        None => return Err(Refusal::Unsupported("it does not say what it signs".into())),
    }
    let hash = signature.hash_alg().ok_or_else(|| Refusal::Unsupported("no hash is named".into()))?;
    let hash = Hash::of(hash).map_err(Refusal::Weak)?;
    if let Some(critical) = certificate::unknown_critical(signature) {
        return Err(Refusal::Unsupported(format!("it says {critical}, which must be understood and is not")));
    }
    let created = certificate::created(signature).ok_or(Refusal::Undated)?;
    let now = Instant(validity.now);
    if created > validity.latest() {
        return Err(Refusal::Future { created: Instant(created), now });
    }
    match certificate::expiry(signature, created) {
        Some(at) if at <= validity.now && !validity.archived => {
            Err(Refusal::Expired { at: Instant(at), now })
        }
        _ => Ok((hash, created)),
    }
}

fn names_nobody(signature: &Signature) -> bool {
    signature.issuer_fingerprint().is_empty() && signature.issuer_key_id().is_empty()
}

/// Who a signature says it is from.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|one| format!("{one:X}"));
    let id = || signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    fingerprint.or_else(id).unwrap_or_else(|| "a key that is not named".to_owned())
}

fn reasons(refused: &[Refused]) -> String {
    let each: Vec<String> =
        refused.iter().map(|one| format!("that of {}, since {}", one.key, one.reason)).collect();
    each.join("; ")
}

fn besides(unknown: &[String]) -> String {
    if unknown.is_empty() { String::new() } else { format!("; not in the keyring: {}", unknown.join(", ")) }
}

impl fmt::Display for SignedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.fingerprint)?;
        if self.certificate != self.fingerprint {
            write!(formatter, " of {}", self.certificate)?;
        }
        write!(formatter, " ({}, {})", self.algorithm, Instant(self.created))
    }
}

#[cfg(test)]
mod tests;
