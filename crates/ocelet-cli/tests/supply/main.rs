//! `ocelet lock`, `mirror` and `assemble` as a user types them, over directories, damaged ones, and servers of this
//! machine that fail in every way: what is printed, what is written, and the exit codes.
#![expect(clippy::disallowed_methods, reason = "these tests run a program over files of their own")]

mod debian;
mod faults;
mod lock;
mod mirror;
mod offline;
mod packing;
mod place;
#[path = "../../../ocelet-net/tests/server/mod.rs"]
mod server;
mod tamper;
