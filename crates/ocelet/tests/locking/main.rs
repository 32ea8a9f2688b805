//! Recipes into locks, over repositories, releases and mirrors that are directories: what is kept, what is fetched
//! again, what is refused, and that one flipped bit anywhere is noticed. No test here opens a socket.
#![expect(clippy::disallowed_methods, reason = "tests make files, and damage those of others")]

mod artifacts;
mod backend;
mod debian;
mod differences;
mod keeping;
mod machine;
mod packages;
mod repositories;
mod scene;
mod signatures;
mod tampering;
