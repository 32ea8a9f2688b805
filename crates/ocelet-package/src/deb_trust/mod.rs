//! Who vouches for Debian packages: OpenPGP, Release files, and apt's own list of sources.
//!
//! ```text
//! keyring ──▶ InRelease (text and signatures in one)  ──▶ sha256 of main/binary-amd64/Packages.xz ──▶ sha256 of each .deb
//!             Release + Release.gpg (apart)
//! ```
//!
//! [`VerifiedRelease`] is made by a verification alone, and so is [`VerifiedPackages`], so whatever is read from them was
//! vouched for by a key of the given [`Keyring`]. Time is an argument ([`Validity`]). [`sources`] reads what apt is
//! configured with, and says which keyrings apply; its files, and those of keys, are read by the caller.
//!
//! # Why rPGP
//!
//! Weighed on 2026-11-21: `pgp` (rPGP) 0.21.0 against `sequoia-openpgp` 2.4.2.
//!
//! | | rPGP | Sequoia |
//! |---|---|---|
//! | licence | MIT or Apache-2.0 | LGPL-2.0-or-later, which binds whoever links it statically |
//! | cryptography | Rust alone | nettle or OpenSSL of the system, or Rust behind two features that are named "allow-…" |
//! | crates | 152 without default features, of which 103 are new to this workspace | not counted: the licence decides |
//! | build | 4.5 minutes of one core with `opt-level = 2` | |
//! | advisories | `rsa` 0.9: RUSTSEC-2023-0071, the timing of private keys, of which there are none here | |
//! | policy | none: arithmetic only | `StandardPolicy` |
//!
//! So the arithmetic and the packets are rPGP's, and what counts is decided in `certificate`, `strength` and `signature`.
//! The frame around a signed text is split here too (`cleartext`), since that is where readers go wrong.
//!
//! Refused throughout: SHA-1 and MD5 (in self-signatures too, as newer versions of apt do), RSA below 2048 bits, DSA,
//! expired or revoked keys, text outside of the signed part, a Release whose time has run out.

mod apt_conf;
mod armor;
mod certificate;
mod cleartext;
mod date;
mod debian;
mod hex;
mod keyring;
mod packages;
mod release;
mod signature;
pub mod sources;
mod stanza;
mod strength;
mod verified;

pub use apt_conf::{AptConfiguration, ConfigurationError, Proxy};
pub use armor::{ArmorError, BlockKind};
pub use certificate::KeyProblem;
pub use cleartext::CleartextError;
pub use date::Instant;
pub use keyring::{Fingerprint, Keyring, KeyringError, Unread, WantedKey};
pub use packages::{IndexChoice, PACKAGES_LIMIT, PackagesError, VerifiedPackages};
pub use release::{MalformedRelease, Release, ReleaseEntry, ReleaseProblem};
pub use signature::{Refusal, Refused, SignatureError, SignedBy};
pub use strength::{Algorithm, Hash, KeyAlgorithm, Weak};
pub use verified::{RELEASE_LIMIT, ReleaseError, ReleaseRollback, VerifiedRelease, WrongSuite};

/// How far a signature or a Release may lie in the future, in seconds: clocks of builders are not all set well.
const AHEAD: i64 = 10 * 60;

/// What time it is, and whether that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Now, in seconds since 1970.
    pub now: i64,
    /// For snapshots of an archive, which are old on purpose: the end of a Release's or a signature's validity is not
    /// looked at, and keys are judged at the time when they signed. Revocations count all the same, and nothing may be
    /// from the future. Whoever sets this must pin what is taken by other means, a lock for instance.
    pub archived: bool,
}

impl Validity {
    /// All ends of validity are checked against that time.
    pub fn at(now: i64) -> Self {
        Self { now, archived: false }
    }

    /// For a snapshot; see [`Validity::archived`].
    pub fn archived(now: i64) -> Self {
        Self { now, archived: true }
    }

    fn latest(self) -> i64 {
        self.now.saturating_add(AHEAD)
    }
}
