//! A file tree as a value: what every source of an image is turned into, and what every layer is written from.
//!
//! The crate knows paths that cannot escape ([`TreePath`]), nodes ([`Node`]) whose content is a stretch of a
//! blob ([`Content`]), an ordered tree of them ([`Tree`]), a way to look at files without owning them
//! ([`View`]), tar archives in and out and the merge of several trees into one
//! (`merge`).
//!
//! It refuses to touch a disk, a clock or the environment: bytes come in as blobs and readers, and go out
//! through writers.
#![forbid(unsafe_code)]

mod blob;
mod compression;
mod glob;
mod node;
mod path;
mod resolve;
pub mod tar_in;
pub mod tar_out;
mod tree;
mod view;

pub use blob::{Blob, Bytes, Content, OutOfRange, ReadError, Source};
pub use compression::{
    Compression, DecodeError, DecodeLimits, Decoder, MAGIC_LENGTH, XZ_MEMORY, ZSTD_WINDOW_LOG,
};
pub use glob::{Glob, GlobError};
pub use node::{Inode, Kind, LinkTarget, LinkTargetError, Metadata, Node, Owner};
pub use path::{Name, PathError, TreePath};
pub use resolve::{DeadEnd, LINK_LIMIT, Resolution, ResolveError, lookup, resolve};
pub use tree::{InsertError, Tree};
pub use view::View;
