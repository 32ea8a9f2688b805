//! Reading images: from a layout directory, an `oci-archive`, or what `docker save` writes, old and new.
//!
//! [`ImageSource::open`] finds out which of them it is. Archives are never unpacked: their table of contents is read
//! once, and everything in them is read where it lies. An archive that is both — newer Docker writes an OCI layout
//! with a `manifest.json` beside it — is read as a layout, as containerd does (core/images/archive/importer.go).
//!
//! Nothing that an archive says is believed: names that climb out, content past the end, blobs that are missing or
//! have other digests are errors; what a layer is compressed with is read off its first bytes.

mod archive;
mod docker;
mod error;
mod layer;
mod select;
mod source;
#[cfg(test)]
mod tests;

pub use error::SourceError;
pub use layer::{LayerError, LayerReader, SourceLayer, UNPACKED_LIMIT};
pub use select::{Found, SourceImage, Wanted};
pub use source::ImageSource;
