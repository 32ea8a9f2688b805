//! The middle boundary: recipe text and root file systems in, trees, reasons, reports and images out.
//!
//! Every image that any test here makes is checked by the layout validator and by `verify`. No test here needs a
//! network or a package.
#![expect(clippy::disallowed_methods, reason = "tests make their own files, and damage those of others")]

mod determinism;
mod explain;
mod failures;
mod layers;
mod layouts;
mod own;
mod packing;
mod scenario;
mod sizes;
mod sources;
mod traps;
mod verify;
mod wishes;
