//! [`VerifiedRelease`]: a Release file that a known key has signed and whose time has not run out.
//!
//! A valid signature alone does not say that the file is the one that was asked for: it may be an old one, or that of
//! another suite by the same keys. So its end of validity is checked here, and there are checks against the date of the one
//! seen before ([`VerifiedRelease::check_not_older`]) and against the suite asked for ([`VerifiedRelease::check_suite`]).

use super::Validity;
use super::armor::{self, ArmorError, BlockKind};
use super::cleartext::{self, CleartextError};
use super::date::Instant;
use super::keyring::Keyring;
use super::release::{MalformedRelease, Release};
use super::signature::{self, SignatureError, SignedBy};

/// The most bytes of a Release file. Debian's largest has 200,000, Ubuntu's 270,000.
pub const RELEASE_LIMIT: usize = 32 << 20;

/// A Release file with the proof of who signed it. Only a verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRelease {
    label: String,
    release: Release,
    signed_by: Vec<SignedBy>,
}

/// Why a file is not a Release that can be trusted. `label` is what the file is called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The file is too large.
    #[error("{label} has {size} bytes; a Release file has at most {RELEASE_LIMIT}")]
    TooLarge {
        /// What the file is called.
        label: String,
        /// Its size.
        size: usize,
    },
    /// It is not one signed text and nothing else.
    #[error("{label} cannot be trusted")]
    Cleartext {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: CleartextError,
    },
    /// The file of signatures cannot be read.
    #[error("the signatures of {label} cannot be read")]
    Armor {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: ArmorError,
    },
    /// Nobody known vouches for it.
    #[error("{label} cannot be trusted")]
    Signature {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: SignatureError,
    },
    /// It is signed, and no Release file.
    #[error("{label} is signed, and cannot be read")]
    Malformed {
        /// What the file is called.
        label: String,
        /// All that is wrong.
        #[source]
        cause: MalformedRelease,
    },
    /// Its time has run out.
    #[error(
        "{label} was valid until {until}, and it is {now} now; the mirror is behind, or someone serves old packages on purpose; a snapshot must be asked for as one"
    )]
    Expired {
        /// What the file is called.
        label: String,
        /// Its `Valid-Until`.
        until: Instant,
        /// The time that was given.
        now: Instant,
    },
    /// It is from the future.
    #[error("{label} was written on {date}, and it is {now} now; check the clock of this machine")]
    Future {
        /// What the file is called.
        label: String,
        /// Its `Date`.
        date: Instant,
        /// The time that was given.
        now: Instant,
    },
}

/// A Release that is older than one that was seen before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{label} was written on {got}, but one of {seen} was seen before; a mirror is behind, or someone serves old packages on purpose"
)]
#[non_exhaustive]
pub struct ReleaseRollback {
    /// What the file is called.
    pub label: String,
    /// The `Date` that was seen before.
    pub seen: Instant,
    /// The `Date` of this one.
    pub got: Instant,
}

/// A Release of another suite than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{label} is of suite {} with codename {}; wanted {wanted}; the mirror is mixed up, or someone serves another release on purpose",
    .suite.as_deref().unwrap_or("(none)"), .codename.as_deref().unwrap_or("(none)")
)]
#[non_exhaustive]
pub struct WrongSuite {
    /// What the file is called.
    pub label: String,
    /// What was asked for.
    pub wanted: String,
    /// Its `Suite`.
    pub suite: Option<String>,
    /// Its `Codename`.
    pub codename: Option<String>,
}

impl VerifiedRelease {
    /// Checks and reads an `InRelease`; `label` is what it is called in errors.
    ///
    /// # Errors
    /// See [`ReleaseError`].
    pub fn open_inline(
        label: &str,
        bytes: &[u8],
        keyring: &Keyring,
        validity: Validity,
    ) -> Result<Self, ReleaseError> {
        check_size(label, bytes)?;
        let split = cleartext::read(bytes)
            .map_err(|cause| ReleaseError::Cleartext { label: label.to_owned(), cause })?;
        let signed_by = signature::verify(&split.signatures, &split.hashed, keyring, validity)
            .map_err(|cause| ReleaseError::Signature { label: label.to_owned(), cause })?;
        Self::read(label, &split.text, signed_by, validity)
    }

    /// Checks and reads a `Release` with its `Release.gpg`, which may be armored or not.
    ///
    /// # Errors
    /// See [`ReleaseError`].
    pub fn open_detached(
        label: &str,
        bytes: &[u8],
        signatures: &[u8],
        keyring: &Keyring,
        validity: Validity,
    ) -> Result<Self, ReleaseError> {
        check_size(label, bytes)?;
        check_size(label, signatures)?;
        let packets = if signatures.first().is_some_and(u8::is_ascii) {
            armor::blocks(signatures, BlockKind::Signature)
                .map_err(|cause| ReleaseError::Armor { label: label.to_owned(), cause })?
                .concat()
        } else {
            signatures.to_vec()
        };
        let signed_by = signature::verify(&packets, bytes, keyring, validity)
            .map_err(|cause| ReleaseError::Signature { label: label.to_owned(), cause })?;
        Self::read(label, bytes, signed_by, validity)
    }

    fn read(
        label: &str,
        text: &[u8],
        signed_by: Vec<SignedBy>,
        validity: Validity,
    ) -> Result<Self, ReleaseError> {
        let release = Release::parse(text)
            .map_err(|cause| ReleaseError::Malformed { label: label.to_owned(), cause })?;
        let now = Instant(validity.now);
        if release.date.0 > validity.latest() {
            return Err(ReleaseError::Future { label: label.to_owned(), date: release.date, now });
        }
        match release.valid_until {
            Some(until) if until < now && !validity.archived => {
                Err(ReleaseError::Expired { label: label.to_owned(), until, now })
            }
            _ => Ok(Self { label: label.to_owned(), release, signed_by }),
        }
    }

    /// What it says.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Who signed it: one or more, in the order of the signatures.
    pub fn signed_by(&self) -> &[SignedBy] {
        &self.signed_by
    }

    /// What the file is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it is not older than one whose `Date` (in seconds since 1970) is remembered.
    ///
    /// # Errors
    /// [`ReleaseRollback`].
    pub fn check_not_older(&self, seen: i64) -> Result<(), ReleaseRollback> {
        if self.release.date.0 >= seen {
            return Ok(());
        }
        Err(ReleaseRollback { label: self.label.clone(), seen: Instant(seen), got: self.release.date })
    }

    /// Whether it is of the suite that was asked for; see [`Release::is_of`].
    ///
    /// # Errors
    /// [`WrongSuite`].
    pub fn check_suite(&self, asked: &str) -> Result<(), WrongSuite> {
        if self.release.is_of(asked) {
            return Ok(());
        }
        Err(WrongSuite {
            label: self.label.clone(),
            wanted: asked.to_owned(),
            suite: self.release.suite.clone(),
            codename: self.release.codename.clone(),
        })
    }
}

fn check_size(label: &str, bytes: &[u8]) -> Result<(), ReleaseError> {
    match bytes.len() {
        size if size > RELEASE_LIMIT => Err(ReleaseError::TooLarge { label: label.to_owned(), size }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
