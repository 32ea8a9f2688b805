//! One certificate: a primary key, its subkeys, and the signatures that say what each may do and until when.
//!
//! rPGP checks the arithmetic of a signature and no more, so the meaning is decided here, by RFC 9580 sections 5.2 and
//! 10.1: a key counts only with a valid self-signature of a hash that is trusted; the newest one that is not from the
//! future decides about expiry and what the key may be used for; a subkey that signs must have signed its primary key in
//! return; a revocation counts from its date on, and from ever where it does not say that the key was merely replaced or
//! retired. Signatures of other people on a certificate are not looked at.

use pgp::packet::{PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType, SubpacketData, UserId};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use super::Validity;
use super::date::Instant;
use super::keyring::Fingerprint;
use super::strength::{Hash, KeyAlgorithm, Weak};

/// A certificate that was read and whose signatures were not checked.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) primary: PublicKey,
    pub(super) direct: Vec<Signature>,
    pub(super) users: Vec<(UserId, Vec<Signature>)>,
    pub(super) subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

/// Which key of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Primary,
    Subkey(usize),
}

/// Why a key that is known may not vouch for anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// Its algorithm is not trusted.
    #[error("{0}")]
    Weak(Weak),
    /// No self-signature holds.
    #[error("its certificate has no valid self-signature{}", because(.weak.as_ref()))]
    Unbound {
        /// The weak algorithm of one that might have done.
        weak: Option<Weak>,
    },
    /// The owner revoked it.
    #[error("it was revoked on {at}: {reason}")]
    Revoked {
        /// When.
        at: Instant,
        /// Why, in the owner's words or by number.
        reason: String,
    },
    /// It has expired.
    #[error(
        "it expired on {at}, and {now} is asked about; take a newer keyring, in which its owner may have extended it"
    )]
    Expired {
        /// When.
        at: Instant,
        /// The time it was judged at.
        now: Instant,
    },
    /// It is younger than its signature.
    #[error("it was made on {created}, after the signature of {signed}")]
    Younger {
        /// When the key was made.
        created: Instant,
        /// When the signature claims to have been made.
        signed: Instant,
    },
    /// It may do other things only.
    #[error("its owner did not make it for signing data")]
    NotForSigning,
    /// A subkey that never agreed to belong to its primary key.
    #[error("it is a subkey that has not signed its primary key in return, so it may be someone else's")]
    NoBackSignature,
}

/// What the newest self-signature of a key says.
struct Binding<'certificate> {
    signature: &'certificate Signature,
    created: i64,
}

impl Certificate {
    pub(super) fn new(primary: PublicKey) -> Self {
        Self { primary, direct: Vec::new(), users: Vec::new(), subkeys: Vec::new() }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.primary)
    }

    /// All keys of the certificate.
    pub(super) fn keys(&self) -> impl Iterator<Item = (Which, Fingerprint)> {
        let subkeys = self.subkeys.iter().enumerate();
        let subkeys = subkeys.map(|(index, (key, _))| (Which::Subkey(index), Fingerprint::of(key)));
        std::iter::once((Which::Primary, self.fingerprint())).chain(subkeys)
    }

    /// The first name that the owner gave.
    pub(super) fn user(&self) -> Option<String> {
        self.users.first().map(|(id, _)| String::from_utf8_lossy(id.id()).into_owned())
    }

    /// Adds what another copy of the same certificate has: it may know of a revocation or a later expiry.
    pub(super) fn merge(&mut self, other: Self) {
        self.direct.extend(other.direct);
        self.users.extend(other.users);
        self.subkeys.extend(other.subkeys);
    }

    /// What that key signs with, if it is strong enough.
    pub(super) fn algorithm(&self, which: Which) -> Result<KeyAlgorithm, Weak> {
        match which {
            Which::Primary => KeyAlgorithm::of(&self.primary),
            Which::Subkey(index) => KeyAlgorithm::of(&self.subkeys[index].0),
        }
    }

    /// Whether the arithmetic of a signature over `message` by that key holds.
    pub(super) fn signed(&self, which: Which, signature: &Signature, message: &[u8]) -> bool {
        match which {
            Which::Primary => signature.verify(&self.primary, message),
            Which::Subkey(index) => signature.verify(&self.subkeys[index].0, message),
        }
        .is_ok()
    }

    /// Whether that key may vouch, with a signature of that time, for data.
    pub(super) fn may_sign(&self, which: Which, signed: i64, validity: Validity) -> Result<(), KeyProblem> {
        let judged = if validity.archived { signed } else { validity.now };
        KeyAlgorithm::of(&self.primary).map_err(KeyProblem::Weak)?;
        not_revoked(self.direct.iter(), signed, |one| one.verify_key(&self.primary).is_ok())?;
        let primary = self.primary_binding(validity)?;
        valid_for(&self.primary, &primary, signed, judged)?;
        let binding = match which {
            Which::Primary => primary,
            Which::Subkey(index) => {
                let (key, signatures) = &self.subkeys[index];
                KeyAlgorithm::of(key).map_err(KeyProblem::Weak)?;
                let holds = |one: &Signature| one.verify_subkey_binding(&self.primary, key).is_ok();
                // A subkey may stand in several copies of the certificate.
                let signatures = || signatures.iter().chain(self.copies_of(index));
                not_revoked(signatures(), signed, holds)?;
                let binding = newest(
                    signatures().filter(|one| one.typ() == Some(SignatureType::SubkeyBinding)),
                    validity,
                    holds,
                )?;
                valid_for(key, &binding, signed, judged)?;
                self.check_back_signature(key, binding.signature)?;
                binding
            }
        };
        // Without the subpacket a primary key may do all that its algorithm can; a subkey is then taken as one for
        // encryption, since every program that makes signing subkeys says so.
        let flags = hashed(binding.signature).find_map(|data| match data {
            SubpacketData::KeyFlags(flags) => Some(flags.sign()),
            _ => None,
        });
        match flags {
            Some(true) => Ok(()),
            None if which == Which::Primary => Ok(()),
            _ => Err(KeyProblem::NotForSigning),
        }
    }

    fn copies_of(&self, index: usize) -> impl Iterator<Item = &Signature> {
        let wanted = self.subkeys[index].0.fingerprint();
        self.subkeys
            .iter()
            .enumerate()
            .filter(move |(other, (key, _))| *other != index && key.fingerprint() == wanted)
            .flat_map(|(_, (_, signatures))| signatures)
    }

    /// The newest valid self-signature over the primary key, alone or with a name.
    fn primary_binding(&self, validity: Validity) -> Result<Binding<'_>, KeyProblem> {
        let direct = self.direct.iter().filter(|one| one.typ() == Some(SignatureType::Key));
        let mut found = newest(direct, validity, |one| one.verify_key(&self.primary).is_ok());
        for (id, signatures) in &self.users {
            let holds = |one: &Signature| one.verify_certification(&self.primary, Tag::UserId, id).is_ok();
            let own = || signatures.iter().filter(|one| is_issued_by(one, &self.primary));
            let revoked = own()
                .filter(|one| one.typ() == Some(SignatureType::CertRevocation) && holds(one))
                .filter_map(created)
                .max();
            let certification = own()
                .filter(|one| one.is_certification() && one.typ() != Some(SignatureType::CertRevocation));
            let candidate = newest(certification, validity, holds);
            let candidate = match (candidate, revoked) {
                (Ok(binding), Some(revoked)) if revoked >= binding.created => continue,
                (candidate, _) => candidate,
            };
            found = match (found, candidate) {
                (Ok(old), Ok(new)) => Ok(if new.created > old.created { new } else { old }),
                (Ok(old), Err(_)) => Ok(old),
                (Err(_), Ok(new)) => Ok(new),
                (Err(KeyProblem::Unbound { weak: None }), Err(problem)) | (Err(problem), Err(_)) => {
                    Err(problem)
                }
            };
        }
        found
    }

    fn check_back_signature(&self, key: &PublicSubkey, binding: &Signature) -> Result<(), KeyProblem> {
        // It vouches for itself, so the area that is not hashed is as good (GnuPG puts it there).
        let back = binding.embedded_signature().ok_or(KeyProblem::NoBackSignature)?;
        let hash = back.hash_alg().ok_or(KeyProblem::NoBackSignature)?;
        Hash::of(hash).map_err(|weak| KeyProblem::Unbound { weak: Some(weak) })?;
        back.verify_primary_key_binding(key, &self.primary).map_err(|_| KeyProblem::NoBackSignature)
    }
}

/// The newest of the signatures that is strong, not from the future, not expired, and holds.
fn newest<'certificate>(
    signatures: impl Iterator<Item = &'certificate Signature>,
    validity: Validity,
    holds: impl Fn(&Signature) -> bool,
) -> Result<Binding<'certificate>, KeyProblem> {
    let (mut found, mut weak) = (None::<Binding<'_>>, None);
    for signature in signatures {
        let (Some(created), Some(hash)) = (created(signature), signature.hash_alg()) else { continue };
        let expired = expiry(signature, created).is_some_and(|at| at <= validity.now);
        let older = found.as_ref().is_some_and(|found| created <= found.created);
        if older || expired || created > validity.latest() || unknown_critical(signature).is_some() {
            continue;
        }
        match Hash::of(hash) {
            Err(problem) => weak = Some(problem),
            Ok(_) if holds(signature) => found = Some(Binding { signature, created }),
            Ok(_) => {}
        }
    }
    found.ok_or(KeyProblem::Unbound { weak })
}

/// Refuses a key for which one of the signatures is a revocation that holds and counts at that time.
fn not_revoked<'certificate>(
    signatures: impl Iterator<Item = &'certificate Signature>,
    signed: i64,
    holds: impl Fn(&Signature) -> bool,
) -> Result<(), KeyProblem> {
    let kinds = [Some(SignatureType::KeyRevocation), Some(SignatureType::SubkeyRevocation)];
    for signature in signatures.filter(|one| kinds.contains(&one.typ())) {
        // Also with a weak hash or without a date: whoever can forge a revocation only takes trust away.
        if !holds(signature) {
            continue;
        }
        let at = created(signature).unwrap_or(0);
        let code = signature.revocation_reason_code().copied();
        let soft = matches!(code, Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
        if !soft || signed >= at {
            let words = signature.revocation_reason_string().map(|words| String::from_utf8_lossy(words));
            let reason = match words {
                Some(words) if !words.trim().is_empty() => format!("\"{}\"", words.trim().escape_debug()),
                _ => code.map_or_else(|| "without a reason".to_owned(), |code| format!("{code:?}")),
            };
            return Err(KeyProblem::Revoked { at: Instant(at), reason });
        }
    }
    Ok(())
}

/// Whether a key was there when it signed, and has not expired at the time it is judged at.
fn valid_for(
    key: &impl VerifyingKey,
    binding: &Binding<'_>,
    signed: i64,
    judged: i64,
) -> Result<(), KeyProblem> {
    let made = i64::from(key.created_at().as_secs());
    if made > signed {
        return Err(KeyProblem::Younger { created: Instant(made), signed: Instant(signed) });
    }
    let seconds = hashed(binding.signature).find_map(|data| match data {
        SubpacketData::KeyExpirationTime(duration) => Some(i64::from(duration.as_secs())),
        _ => None,
    });
    match seconds {
        // None is written as 0 too (RFC 9580 section 5.2.3.13).
        Some(seconds) if seconds > 0 && made + seconds <= judged => {
            Err(KeyProblem::Expired { at: Instant(made + seconds), now: Instant(judged) })
        }
        _ => Ok(()),
    }
}

/// What the signed part of a signature says.
pub(super) fn hashed(signature: &Signature) -> impl Iterator<Item = &SubpacketData> {
    signature.config().into_iter().flat_map(|config| config.hashed_subpackets().map(|one| &one.data))
}

/// When a signature was made, in seconds since 1970, if its signed part says so.
pub(super) fn created(signature: &Signature) -> Option<i64> {
    hashed(signature).find_map(|data| match data {
        SubpacketData::SignatureCreationTime(time) => Some(i64::from(time.as_secs())),
        _ => None,
    })
}

/// When a signature that was made then expires.
pub(super) fn expiry(signature: &Signature, created: i64) -> Option<i64> {
    hashed(signature).find_map(|data| match data {
        SubpacketData::SignatureExpirationTime(time) if time.as_secs() > 0 => {
            Some(created + i64::from(time.as_secs()))
        }
        _ => None,
    })
}

/// What a signature says that must be understood and is not (RFC 9580 section 5.2.3.7).
pub(super) fn unknown_critical(signature: &Signature) -> Option<String> {
    let config = signature.config()?;
    config.hashed_subpackets().filter(|one| one.is_critical).find_map(|one| match &one.data {
        SubpacketData::Experimental(number, _) | SubpacketData::Other(number, _) => {
            Some(format!("subpacket {number}"))
        }
        SubpacketData::Notation(notation) => {
            Some(format!("notation {}", String::from_utf8_lossy(&notation.name).escape_debug()))
        }
        _ => None,
    })
}

fn is_issued_by(signature: &Signature, key: &(impl KeyDetails + Serialize)) -> bool {
    signature.issuer_key_id().contains(&&key.legacy_key_id())
        || signature.issuer_fingerprint().contains(&&key.fingerprint())
}

fn because(weak: Option<&Weak>) -> String {
    weak.map_or_else(String::new, |weak| format!(": {weak}"))
}
