//! OCI images as values: canonical JSON, the layout directory, archives, and a validator for all of it.
//!
//! Values: [`Digest`], [`Platform`], [`Descriptor`], [`ImageConfig`], [`Manifest`], [`Index`]; an [`Image`] is a
//! configuration and a manifest that fit each other, and is only had from an [`ImageBuilder`].
//!
//! Places: a [`Layout`] is an OCI layout directory — blobs go in through a [`BlobSink`], and become visible all at
//! once when a [`Plan`] is committed. An [`ImageSource`] reads images from a layout or an archive, of whatever tool.
//! [`validate`] re-checks a finished layout without trusting any of the code that wrote it, and [`export`] writes
//! archives.
//!
//! ```
//! use ocelet_oci::{Annotations, DiffId, Hasher, ImageBuilder, Index, Layer, LayerKind, Layout, Plan, validate};
//! use std::io::Write as _;
//!
//! # let directory = tempfile::tempdir()?;
//! let layout = Layout::create_or_open(directory.path().join("kubelet"))?;
//! let tar = vec![0; 1024];
//! let mut sink = layout.blob_sink()?;
//! sink.write_all(&tar)?;
//! let blob = sink.finish()?;
//!
//! let mut hasher = Hasher::new();
//! hasher.update(&tar);
//! let diff_id = DiffId(*hasher.finish().digest());
//! let layer = Layer { blob, diff_id, kind: LayerKind::Tar, annotations: Annotations::new() };
//! let image = ImageBuilder::new("linux/arm64".parse()?).layer(layer, None).finish()?;
//! layout.put_image(&image)?;
//!
//! let index = Index::of_images([&image], Annotations::new())?.document();
//! layout.commit(&Plan::new("kubelet".parse()?).tag("v1.36.4".parse()?, &index))?;
//! for problem in validate(&layout) {
//!     assert_eq!(problem.to_string().split(':').next(), Some("warning"));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It refuses to open sockets, to read a clock or the environment, and to touch any file outside of the layout or
//! archive that it was given.
#![forbid(unsafe_code)]

// ocidir hashes with openssl and its flate2 feature inflates with zlib. Naming both here turns on their features
// `vendored` and `static`, so that they are built from source and neither a machine that builds nor one that runs
// this needs libssl or libz.
use libz_sys as _;
use openssl as _;

mod config;
mod descriptor;
mod digest;
pub mod export;
mod image;
mod image_source;
mod index;
mod json;
mod layout;
mod manifest;
mod name;
mod platform;
#[cfg(test)]
mod test_layout;
mod timestamp;
mod validate;

pub use config::{DiffId, History, ImageConfig, RuntimeConfig};
pub use descriptor::{Annotations, CONTAINERD_NAME, Descriptor, MediaType, REF_NAME};
pub use digest::{Blob, ContentError, Digest, DigestError, Hasher, Verified, VerifyingReader};
pub use image::{EMPTY_DOCUMENT, Image, ImageBuilder, ImageError, Layer, LayerKind, artifact};
pub use image_source::{
    Found, ImageSource, LayerError, LayerReader, SourceError, SourceImage, SourceLayer, UNPACKED_LIMIT,
    Wanted,
};
pub use index::{Index, IndexError};
pub use json::{DOCUMENT_LIMIT, Document};
pub use layout::{BlobSink, Committed, Garbage, Kept, Layout, LayoutError, Plan};
pub use manifest::Manifest;
pub use name::{NameError, Repository, Tag};
pub use platform::{Platform, PlatformError};
pub use timestamp::{Timestamp, TimestampError};
pub use validate::{Finding, Problem, Severity, ValidatedIndex, validate, validate_tag};
