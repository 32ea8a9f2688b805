//! The lock room: the decision written down. Which packages and artifacts, of which size and sha256, who vouched for
//! them, and where each can be had.
//!
//! ```text
//! Lock ⇄ text (one model for each version of the format)
//! Lock + what the recipe asks now ── stale ── what is asked and not answered
//! Lock + Lock ── diff ── what changed, package by package
//! ```
//!
//! It never guesses: a lock that says something unknown, twice or not at all is refused.

mod diff;
mod document;
mod model;
mod path;
mod stale;

pub use diff::{Anatomy, Change, ChangeKind, LockDiff, diff};
pub use document::{LockError, parse};
pub use model::{Lock, LockedArtifact, LockedFile, LockedIndex, LockedPackage, Vouched};
pub use path::{PathProblem, mirror_path};
pub use stale::{Difference, stale};
