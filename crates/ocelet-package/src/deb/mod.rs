//! Debian's packages and repositories.
//!
//! ```text
//! name_version_architecture.deb = ar( debian-binary "2.0"  control.tar.xz  data.tar.xz )
//! Packages                      = paragraphs of fields, one for each package, with the SHA-256 of its file
//! ```
//!
//! [`Index`] reads a `Packages` file into [`Package`]s, whose [`Relations`] and [`Version`]s are dpkg's.
//! [`Archive::open`] splits a package and [`Archive::verify_digest`] compares its digest; only then its [`Control`] can
//! be read, and only [`VerifiedArchive`] gives the files ([`Contents`]). [`Database`] is what dpkg would know of them once
//! they are installed, and [`MaintainerScript::effects`] what the scripts, which are never run, would have linked.

mod alternatives;
mod ar;
mod archive;
mod control;
mod digest;
mod index;
mod installed;
mod package;
mod paragraph;
mod relation;
mod script;
mod unpack;
mod version;

pub use alternatives::{
    Alternative, AlternativeError, AlternativeLink, Diversion, ScriptEffects, alternative_links,
};
pub use ar::ArError;
pub use archive::{Archive, ArchiveError, VerifiedArchive};
pub use control::{CONTROL_LIMIT, Control, ControlError, MaintainerScript, MaintainerScriptKind};
pub use index::{Index, IndexProblem, MalformedIndex};
pub use installed::{Conffile, Database, DatabaseError, Installed, Layout};
pub use package::{MultiArch, Package, PackageError};
pub use paragraph::{Comments, Field, PARAGRAPH_LIMIT, Paragraph, ParagraphError, Paragraphs};
pub use relation::{
    Alternatives, Condition, Constraint, Operator, Qualifier, Relation, RelationError, RelationFault,
    RelationKind, Relations,
};
pub use unpack::{Contents, DATA_LIMIT, Skipped, UnpackError, VerifiedPackage, WrittenPackage};
pub use version::{Version, VersionError, VersionFault, compare_versions};
