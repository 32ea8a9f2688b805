//! Builds Debian packages, their records in an index, and whole signed repositories, byte for byte the same each time.
//!
//! Nothing is checked here: tests want to build what is wrong as much as what is right.

mod package;
mod repository;

pub use package::{BuiltDeb, DebBuilder, ar, index};
pub use repository::{BuiltRepository, Packing, Repository, Signatures, date_text};
