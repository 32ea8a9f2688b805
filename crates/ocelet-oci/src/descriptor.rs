//! Descriptors: a media type, a digest and a size that stand for a blob (image-spec, descriptor.md).
//!
//! This is an own type, because oci-spec 0.10 keeps annotations in a hash map and writes a platform's `os.version`
//! as `os_version`, which no other tool reads. Its [`MediaType`] is sound and is used as it is.

use crate::json::null_is_default;
use crate::{Blob, Digest, Index, Manifest, Platform};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use oci_spec::image::MediaType;

/// Annotations in the order of their keys.
pub type Annotations = BTreeMap<String, String>;

/// The annotation that gives an entry of `index.json` its tag (annotations.md, "Pre-Defined Annotation Keys").
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The annotation in which containerd looks for the full name (its core/images/annotations.go).
pub const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Stands for a blob. Optional fields that are absent are not written at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob claims to be.
    pub media_type: MediaType,
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where else it may be had.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Remarks.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
    /// The content itself in base64, for very small blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// What kind of artifact the manifest behind it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// What the image behind it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// A descriptor of a blob whose size and digest are known.
    pub fn new(media_type: MediaType, blob: &Blob) -> Self {
        Self {
            media_type,
            digest: *blob.digest(),
            size: blob.size(),
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            artifact_type: None,
            platform: None,
        }
    }

    /// The same with a platform.
    #[must_use]
    pub fn with_platform(self, platform: Platform) -> Self {
        Self { platform: Some(platform), ..self }
    }

    /// The same with one more annotation.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// The descriptor as oci-spec's type, for what expects one.
    #[expect(clippy::missing_panics_doc, reason = "it cannot panic: both types hold the same 64 digits")]
    pub fn to_oci_spec(&self) -> oci_spec::image::Descriptor {
        let digest: oci_spec::image::Sha256Digest =
            self.digest.hex().parse().expect("64 hexadecimal digits are what oci-spec asks for");
        oci_spec::image::Descriptor::new(self.media_type.clone(), self.size, digest)
    }
}

/// What a media type stands for, where that decides how a blob is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An index, or Docker's manifest list.
    Index,
    /// A manifest of an image or an artifact.
    Manifest,
    /// The configuration of an image.
    Config,
    /// A layer, in whatever compression.
    Layer,
    /// Anything else: must be ignored (image-index.md, `manifests`; manifest.md, `layers`).
    Other,
}

/// Reads a media type. Docker's names stand for what OCI's do (media-types.md, "Compatibility Matrix").
pub(crate) fn role(media_type: &MediaType) -> Role {
    match media_type.as_ref() {
        "application/vnd.oci.image.index.v1+json"
        | "application/vnd.docker.distribution.manifest.list.v2+json" => Role::Index,
        "application/vnd.oci.image.manifest.v1+json"
        | "application/vnd.docker.distribution.manifest.v2+json" => Role::Manifest,
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => {
            Role::Config
        }
        name if name.starts_with("application/vnd.oci.image.layer.")
            || name.starts_with("application/vnd.docker.image.rootfs.") =>
        {
            Role::Layer
        }
        _ => Role::Other,
    }
}

/// What a document names: the manifests of an index, the configuration and layers of a manifest, nothing for what
/// is not to be read at all. The subject is not among them: what is said about an image does not keep the image.
pub(crate) fn named_in<E>(
    media_type: &MediaType,
    read: impl FnOnce() -> Result<Vec<u8>, E>,
) -> Result<Result<Vec<Descriptor>, serde_json::Error>, E> {
    Ok(match role(media_type) {
        Role::Index => Index::parse(&read()?).map(|index| index.manifests),
        Role::Manifest => Manifest::parse(&read()?).map(|manifest| {
            let mut named = manifest.layers;
            named.push(manifest.config);
            named
        }),
        Role::Config | Role::Layer | Role::Other => Ok(Vec::new()),
    })
}
