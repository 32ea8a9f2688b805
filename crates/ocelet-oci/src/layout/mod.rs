//! The OCI layout: a directory of images (image-spec, image-layout.md).
//!
//! ```text
//! oci-layout             says that this is a layout, and is what writers lock
//! index.json             one entry per tag, and one without a name for each referrer
//! blobs/sha256/<hex>     everything else, under its digest
//! ```
//!
//! Blobs are put first, by anyone at any time; they mean nothing until [`Layout::commit`] names them in `index.json`,
//! all tags of a [`Plan`] at once. What no entry names any longer is then removed, unless someone else is writing.
//!
//! **What is on the disk when.** A blob is written to a nameless file and renamed to its digest when it is complete.
//! A commit first syncs the blobs that it names and their directory, then writes, syncs and renames `index.json`, and
//! syncs the directory: after a crash the old `index.json` or the new one is there, and all blobs that it names.
//!
//! **Who waits for whom.** A commit holds `oci-layout` locked, so that commits of several processes come one after
//! the other and none loses another's tags. Whoever writes blobs holds `blobs/sha256` locked together with others;
//! blobs are only removed by one who has it alone. No lock leaves a file behind, which other tools would stumble on.
//!
//! It refuses to follow a link out of the layout, to take a blob for another by name alone when it reads it, and
//! to write what is not complete.

mod commit;
mod directory;
mod entries;
mod error;
mod garbage;
mod lock;
mod reach;
mod sink;
#[cfg(test)]
mod tests;

pub use commit::{Committed, Plan};
pub use directory::Layout;
pub(crate) use directory::parse_marker;
pub(crate) use entries::{Entries, Entry};
pub use error::LayoutError;
pub use garbage::{Garbage, Kept};
pub use sink::BlobSink;
