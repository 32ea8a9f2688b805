//! The layer room: splits the files of all flavors so that every byte is stored once (or so that each flavor is
//! smallest to pull, see [`Split`]), and writes each part as one layer: tar, diff id, compression, digest, blob in a single pass.
//!
//! The bytes of a layer depend on its files and the [`Compression`] alone: not on the number of threads, the
//! machine, or how the content is read. The room reads no clock and iterates no unordered collection.

mod compression;
mod files;
mod pipeline;
mod plan;
mod solid;
mod write;

#[cfg(test)]
mod tests;

pub use compression::{Compression, CompressionError, Window};
pub use files::Files;
pub use plan::{FlavorFiles, LayerPlan, PlannedLayer, Split, plan};
pub use write::{Layer, LayerError, Workers, write, write_all};
