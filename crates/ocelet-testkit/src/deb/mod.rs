//! Builds Debian packages and their records in an index, byte for byte the same each time.
//!
//! Nothing is checked here: tests want to build what is wrong as much as what is right.

mod package;

pub use package::{BuiltDeb, DebBuilder, ar, index};
