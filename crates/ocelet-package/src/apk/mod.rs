//! Alpine's packages and repositories, format version 2 (apk-tools, `doc/apk-v2.5.scd`).
//!
//! ```text
//! name-version.apk   =  gzip(tar .SIGN.RSA.key)  gzip(tar .PKGINFO, scripts)  gzip(tar of the files)
//!                       signs ───────────────▶   the bytes of the second
//!                                                datahash = sha256 ─────────▶ the bytes of the third
//! APKINDEX.tar.gz    =  gzip(tar .SIGN.RSA.key)  gzip(tar DESCRIPTION, APKINDEX)
//!                       signs ───────────────▶   all that follows
//! ```
//!
//! [`Archive::open`] splits a package and [`Archive::verify`] checks its signature; only then its metadata can be
//! read ([`VerifiedControl`]), and only [`VerifiedControl::unpack`] gives the files ([`VerifiedPackage`]).
//! [`VerifiedIndex::open`] does the same for an index; [`Index`] reads its text into [`Package`]s, and [`solve`] chooses
//! among them as apk does. Refused are packages without a signature (unless the lock
//! vouches for the whole file), keys that are not known, DSA, and format version 3 (`ADB.`).

mod archive;
mod dependency;
mod identity;
mod index;
mod installed;
mod keys;
mod member;
mod package;
mod pkginfo;
mod repository;
pub(crate) mod script;
mod signature;
pub mod solve;
mod unpack;
mod version;

pub use archive::{
    Archive, ArchiveError, CONTROL_LIMIT, Control, ControlError, Shape, VerifiedControl, Vouched,
};
pub use dependency::{Constraint, Dependency, DependencyError, DependencyList, Operator};
pub use identity::{Identity, IdentityError};
pub use index::{Index, IndexProblem, MalformedIndex};
pub use installed::{
    Access, Database, DatabaseError, Installed, InstalledDirectory, InstalledFile, InstalledScript, Record,
    RecordError, database_directory, scripts_archive, triggers, world,
};
pub use keys::{DerError, Fingerprint, KeyError, Keyring, PublicKey};
pub use member::{Member, MemberError, Members};
pub use package::{Package, ShortIdentity, ShortIdentityError};
pub use pkginfo::{PackageInfo, PkginfoError, PkginfoProblem};
pub use repository::{Freshness, INDEX_LIMIT, IndexError, Rollback, VerifiedIndex};
pub use script::{Effect, Effects, Script, ScriptKind, Step, Unread, User};
pub use signature::{Algorithm, SignatureError, SignedBy};
pub use unpack::{Contents, DATA_LIMIT, Skipped, UnpackError, VerifiedPackage, WrittenPackage};
pub use version::{Version, VersionError, compare_versions};
