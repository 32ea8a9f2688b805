//! The room that brings every locked byte home and proves that it is the right one.
//!
//! What was proved stays in a [`store`], so that the next run finds it there. This room never hands on a byte
//! whose digest was not checked.

mod goods;
pub mod store;

pub use goods::Goods;
