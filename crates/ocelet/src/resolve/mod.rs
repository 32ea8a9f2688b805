//! The resolve room: chooses exact packages from verified indexes.
//!
//! ```text
//! Recipe ── asked ── Asked ─┐
//! Catalog of verified indexes ─┴─ resolve ── Plan
//! ```
//!
//! It is a pure function: the same recipe, the same indexes and the same choices of before give the same plan. It
//! never downloads, and never chooses what a lock kept before, unless it is told to or the package is gone.

mod asked;
mod catalog;
mod choose;
mod error;
mod plan;
mod supply;
#[cfg(test)]
mod tests;

pub use asked::{Asked, asked};
pub use catalog::{Catalog, IndexPlace, Listing, ListingError, Offer};
pub use choose::{Before, Update, resolve};
pub use error::{NoChoice, Problem, ResolveError, WishError};
pub use plan::{Plan, PlannedIdentity, PlannedPackage};

pub(crate) use asked::platforms;
pub(crate) use catalog::{keyring, places};
