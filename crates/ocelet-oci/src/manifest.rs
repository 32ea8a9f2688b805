//! Manifests of images and of artifacts (image-spec, manifest.md).
//!
//! An own type, for the order of annotations; `mediaType` is always written, since a document without it can be
//! read as a manifest and as an index (CVE-2021-41190), and `layers` is always a list.

use crate::json::null_is_default;
use crate::{Annotations, Descriptor, Document, MediaType};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A manifest: one configuration and the layers that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration; for artifacts the empty one.
    pub config: Descriptor,
    /// The layers, the lowest first; for artifacts whatever they consist of.
    pub layers: Vec<Descriptor>,
    /// Remarks.
    pub annotations: Annotations,
    /// What kind of artifact it is; none for images.
    pub artifact_type: Option<MediaType>,
    /// The manifest or index that this one says something about.
    pub subject: Option<Descriptor>,
}

/// What the specification lists, as it is spelled there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<MediaType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<MediaType>,
    config: Descriptor,
    #[serde(default, deserialize_with = "null_is_default")]
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    annotations: Annotations,
    /// Only an index has this. A document with both can be read as either (CVE-2021-41190).
    #[serde(default, skip_serializing)]
    manifests: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Not JSON, a required field is absent or of another type, or the document says that it is something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let record: Record = serde_json::from_slice(bytes)?;
        if let Some(media_type) = &record.media_type
            && crate::descriptor::role(media_type) != crate::descriptor::Role::Manifest
        {
            let text = format!("the document says that it is {media_type}, not a manifest");
            return Err(serde::de::Error::custom(text));
        }
        if record.manifests.is_some() {
            return Err(serde::de::Error::custom(
                "a manifest has no manifests: this could be read as an index",
            ));
        }
        Ok(Self {
            config: record.config,
            layers: record.layers,
            annotations: record.annotations,
            artifact_type: record.artifact_type,
            subject: record.subject,
        })
    }

    /// The manifest written down.
    pub fn document(&self) -> Document {
        let record = Record {
            schema_version: 2,
            media_type: Some(MediaType::ImageManifest),
            artifact_type: self.artifact_type.clone(),
            config: self.config.clone(),
            layers: self.layers.clone(),
            subject: self.subject.clone(),
            annotations: self.annotations.clone(),
            manifests: None,
        };
        Document::new(&record, MediaType::ImageManifest).of_artifact_type(self.artifact_type.clone())
    }

    /// Whether this is something about an image and not an image.
    pub fn is_artifact(&self) -> bool {
        self.artifact_type.is_some()
            || self.subject.is_some()
            || crate::descriptor::role(&self.config.media_type) != crate::descriptor::Role::Config
    }
}
