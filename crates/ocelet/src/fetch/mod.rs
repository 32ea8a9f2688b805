//! The room that brings every locked byte home and proves that it is the right one.
//!
//! What was proved stays in a [`store`], so that the next run finds it there. This room never hands on a byte
//! whose digest was not checked, and makes no client: whether there is a network is the caller's [`Supply`].

mod bring;
mod error;
mod goods;
mod inflow;
mod mirror;
mod parallel;
pub mod store;
mod supply;
mod telling;
mod unpinned;

pub use bring::bring;
pub use error::{BringError, Shortfall};
pub use goods::Goods;
pub(crate) use mirror::Listed;
pub use mirror::{MirrorError, MirrorReport, SumsProblem, write_mirror};
pub use supply::Supply;
pub use unpinned::{Served, Wanted, bring_current, bring_unpinned};
