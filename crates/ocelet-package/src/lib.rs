//! Linux packages as values: what a repository lists, who signed it, and what is in an archive.
//!
//! Bytes come in and values go out: nothing here opens a file, a socket or a clock, and no maintainer script is
//! ever run. What is read from a package or an index is only handed out by a type that a verification made.
#![forbid(unsafe_code)]

pub mod apk;
mod clauses;
pub mod deb;
pub mod deb_solve;
pub mod deb_trust;
mod spelling;
