//! Builds signed Alpine packages and indexes, byte for byte the same each time.
//!
//! Nothing is checked here: tests want to build what is wrong as much as what is right.

mod archive;
mod key;
mod package;

pub(crate) use archive::hex;
pub use archive::{Entry, TarEnd, gzip, tar};
pub use key::{Algorithm, TestKey};
pub use package::{BuiltPackage, PackageBuilder, index, index_archive, signature_member};
