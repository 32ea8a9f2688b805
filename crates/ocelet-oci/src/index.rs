//! Indexes: the images of one name over all platforms (image-spec, image-index.md).
//!
//! An own type, for the order of annotations; `mediaType` is always written, and `manifests` is a list even when
//! nothing is in it.

use crate::json::null_is_default;
use crate::{Annotations, Descriptor, Document, Image, MediaType, Platform};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// What it lists.
    pub manifests: Vec<Descriptor>,
    /// Remarks.
    pub annotations: Annotations,
    /// What kind of artifact it is; none for images.
    pub artifact_type: Option<MediaType>,
    /// The manifest or index that this one says something about.
    pub subject: Option<Descriptor>,
}

/// Why images do not make an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Nothing to list.
    #[error("an index needs at least one image")]
    Empty,
    /// Two images for the same platform: which one would run is anybody's guess.
    #[error("two images of the index are for {platform}; one platform has one image")]
    DuplicatePlatform {
        /// The platform.
        platform: Platform,
    },
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
    #[serde(default, deserialize_with = "null_is_default")]
    manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    annotations: Annotations,
    /// Only a manifest has these. A document with both can be read as either (CVE-2021-41190).
    #[serde(default, skip_serializing)]
    config: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    layers: Option<IgnoredAny>,
}

impl Index {
    /// The index of these images, in the order of their platforms.
    ///
    /// # Errors
    /// No image, or two for one platform.
    pub fn of_images<'image>(
        images: impl IntoIterator<Item = &'image Image>,
        annotations: Annotations,
    ) -> Result<Self, IndexError> {
        let manifests = images.into_iter().map(Image::descriptor).collect();
        Self::of_manifests(manifests, annotations)
    }

    /// The index of these manifests, in the order of their platforms: joins images that were built elsewhere.
    ///
    /// # Errors
    /// No manifest, or two for one platform.
    pub fn of_manifests(
        mut manifests: Vec<Descriptor>,
        annotations: Annotations,
    ) -> Result<Self, IndexError> {
        if manifests.is_empty() {
            return Err(IndexError::Empty);
        }
        manifests.sort_by(|one, other| (&one.platform, &one.digest).cmp(&(&other.platform, &other.digest)));
        let mut seen = BTreeSet::new();
        for platform in manifests.iter().filter_map(|manifest| manifest.platform.as_ref()) {
            if !seen.insert(platform) {
                return Err(IndexError::DuplicatePlatform { platform: platform.clone() });
            }
        }
        Ok(Self { manifests, annotations, ..Self::default() })
    }

    /// Reads an index, or Docker's manifest list.
    ///
    /// # Errors
    /// Not JSON, a required field is absent or of another type, or the document says that it is something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let record: Record = serde_json::from_slice(bytes)?;
        if let Some(media_type) = &record.media_type
            && crate::descriptor::role(media_type) != crate::descriptor::Role::Index
        {
            let text = format!("the document says that it is {media_type}, not an index");
            return Err(serde::de::Error::custom(text));
        }
        if record.config.is_some() || record.layers.is_some() {
            let text = "an index has neither config nor layers: this could be read as a manifest";
            return Err(serde::de::Error::custom(text));
        }
        Ok(Self {
            manifests: record.manifests,
            annotations: record.annotations,
            artifact_type: record.artifact_type,
            subject: record.subject,
        })
    }

    /// The index written down.
    pub fn document(&self) -> Document {
        let record = Record {
            schema_version: 2,
            media_type: Some(MediaType::ImageIndex),
            artifact_type: self.artifact_type.clone(),
            manifests: self.manifests.clone(),
            subject: self.subject.clone(),
            annotations: self.annotations.clone(),
            config: None,
            layers: None,
        };
        Document::new(&record, MediaType::ImageIndex).of_artifact_type(self.artifact_type.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, Manifest};

    fn manifest(platform: &str, content: &[u8]) -> Descriptor {
        Descriptor::new(MediaType::ImageManifest, &Blob::of(content))
            .with_platform(platform.parse().expect("known"))
    }

    #[test]
    fn one_platform_has_one_image_and_the_order_is_the_platforms() {
        let (amd, arm) = (manifest("linux/amd64", b"a"), manifest("linux/arm/v7", b"b"));
        let index = Index::of_manifests(vec![arm.clone(), amd.clone()], Annotations::new()).expect("two");
        assert_eq!(index.manifests, [amd.clone(), arm]);
        let twice =
            Index::of_manifests(vec![amd.clone(), manifest("linux/x86_64", b"c")], Annotations::new());
        assert_eq!(
            twice.expect_err("the same").to_string(),
            "two images of the index are for linux/amd64; one platform has one image"
        );
        assert_eq!(Index::of_manifests(Vec::new(), Annotations::new()), Err(IndexError::Empty));
    }

    #[test]
    fn trap_21_documents_cannot_be_taken_for_one_another() {
        let empty = Index::default().document();
        assert_eq!(
            String::from_utf8_lossy(empty.bytes()),
            r#"{"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#
        );
        let config = r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;
        for (text, index, manifest) in [
            (r#"{"schemaVersion":2,"manifests":null}"#.to_owned(), None, Some("missing field `config`")),
            (
                format!(r#"{{"schemaVersion":2,"manifests":[],"config":{config},"layers":[]}}"#),
                Some("could be read as a manifest"),
                Some("could be read as an index"),
            ),
            (
                r#"{"schemaVersion":2,"manifests":[],"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#.to_owned(),
                Some("not an index"),
                Some("missing field `config`"),
            ),
            (
                format!(r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","config":{config}}}"#),
                Some("neither config nor layers"),
                Some("not a manifest"),
            ),
            (
                r#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:00","size":-1}]}"#.to_owned(),
                Some("needs 64"),
                Some("missing"),
            ),
        ] {
            for (got, want) in [
                (Index::parse(text.as_bytes()).err(), index),
                (Manifest::parse(text.as_bytes()).err(), manifest),
            ] {
                let said = got.map(|error| error.to_string());
                assert_eq!(said.is_some(), want.is_some(), "{text}: {said:?}");
                assert!(said.clone().unwrap_or_default().contains(want.unwrap_or_default()), "{said:?}");
            }
        }
    }
}
