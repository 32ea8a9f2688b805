//! The lock room: the decision written down. Which packages and artifacts, of which size and sha256, who vouched for
//! them, and where each can be had.
//!
//! It never guesses: a lock that says something unknown, twice or not at all is refused.

mod model;

pub use model::{Asked, Lock, LockedArtifact, LockedFile, LockedIndex, LockedPackage, Vouched};
