//! From an image to a running node component: what starts it, for its version of Kubernetes and whatever runs it.
//!
//! The facts are data beside this code (`facts/`), each with its source; `plan` turns them and the wishes of a user into
//! one value, and each runtime's text is written from that value alone.
//!
//! It refuses to do anything: nothing here reads a file, looks at the machine or starts a program.
#![forbid(unsafe_code)]

pub mod check;
pub mod flags;
mod nearest;
mod version;

pub use version::{Release, UnknownRelease};
