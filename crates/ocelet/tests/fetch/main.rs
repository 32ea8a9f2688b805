//! Bringing files home over real sockets of this machine: every way in which a source can fail, what is kept, what
//! is told, and that the next run succeeds.
#![expect(clippy::disallowed_methods, reason = "tests make files, and damage those of others")]

mod faults;
mod places;
mod scene;
#[path = "../../../ocelet-net/tests/server/mod.rs"]
mod server;
mod together;
mod unpinned;
