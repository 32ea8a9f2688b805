//! The configuration of an image (image-spec, config.md).
//!
//! An own type: oci-spec 0.10 takes the build host's architecture where none is given, keeps labels, volumes and
//! ports in hash maps, and cannot say `os.version`. Fields that this house never writes (health checks, ONBUILD)
//! are not kept when a foreign configuration is read; whoever passes an image on passes its bytes on.

use crate::json::null_is_default;
use crate::{Digest, Document, MediaType, Platform, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The digest of a layer's uncompressed tar stream (config.md, "Layer DiffID"): never the name of its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

/// How a container of the image is started (config.md, `config`). Empty fields are not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RuntimeConfig {
    /// User and perhaps group, by number or name; empty is root.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `PORT/tcp`, `PORT/udp` or `PORT`.
    #[serde(with = "empty_objects", skip_serializing_if = "BTreeSet::is_empty")]
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=value`, in the order in which they are set.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The program and its first arguments.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Further arguments, which the user may replace.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Directories to be made volumes.
    #[serde(with = "empty_objects", skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// Where the program starts; empty is `/`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Remarks.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The signal that stops the container, by name or number; empty is `SIGTERM`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
}

/// A set in Go's spelling: an object that maps each member to an empty object (config.md, `Volumes`).
mod empty_objects {
    use super::{BTreeMap, BTreeSet, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Empty {}

    pub(super) fn serialize<S: Serializer>(set: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(set.iter().map(|member| (member, Empty {})))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<String>, D::Error> {
        let map = Option::<BTreeMap<String, Option<Empty>>>::deserialize(deserializer)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }
}

/// Where a layer comes from (config.md, `history`). Ours always have a time: Docker 25 fails without one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When; RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// By what command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether there is no layer that belongs to this entry.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl History {
    /// An entry for a layer.
    pub fn of_layer(created: &Timestamp, created_by: impl Into<String>) -> Self {
        Self { created: Some(created.to_string()), created_by: Some(created_by.into()), ..Self::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RootFs {
    r#type: String,
    #[serde(deserialize_with = "null_is_default")]
    diff_ids: Vec<DiffId>,
}

/// What the specification lists, as it is spelled there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    architecture: String,
    os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    config: RuntimeConfig,
    rootfs: RootFs,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    history: Vec<History>,
}

/// The configuration of one image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// When the image was made; RFC 3339.
    pub created: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// What it runs on.
    pub platform: Platform,
    /// How it is started.
    pub config: RuntimeConfig,
    /// Its layers, the lowest first.
    pub diff_ids: Vec<DiffId>,
    /// Where they come from: nothing, or one entry that is not empty for each layer, and perhaps empty ones.
    pub history: Vec<History>,
}

impl ImageConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Not JSON, a required field is absent or of another type, or `rootfs.type` is not `layers`, which must be
    /// refused (config.md, `rootfs`).
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let record: Record = serde_json::from_slice(bytes)?;
        if record.rootfs.r#type != "layers" {
            let text = format!("rootfs.type is {:?} and must be \"layers\"", record.rootfs.r#type);
            return Err(serde::de::Error::custom(text));
        }
        Ok(Self {
            platform: Platform::from_parts(&record.os, &record.architecture, record.variant.as_deref()),
            created: record.created,
            author: record.author,
            config: record.config,
            diff_ids: record.rootfs.diff_ids,
            history: record.history,
        })
    }

    /// The configuration written down.
    pub fn document(&self) -> Document {
        let record = Record {
            created: self.created.clone(),
            author: self.author.clone(),
            architecture: self.platform.arch_name().to_owned(),
            os: self.platform.os().to_owned(),
            variant: self.platform.variant().map(ToOwned::to_owned),
            config: self.config.clone(),
            rootfs: RootFs { r#type: "layers".to_owned(), diff_ids: self.diff_ids.clone() },
            history: self.history.clone(),
        };
        Document::new(&record, MediaType::ImageConfig)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_configuration_may_say_null() {
        let text = r#"{"architecture":"arm","variant":"v6","os":"linux","created":null,"history":null,
            "config":{"Env":null,"Cmd":null,"Entrypoint":null,"Labels":null,"Volumes":null,"ExposedPorts":{"53/udp":{}},
                      "User":null,"WorkingDir":null,"StopSignal":null,"Healthcheck":{"Test":["NONE"]}},
            "rootfs":{"type":"layers","diff_ids":null}}"#;
        let config = ImageConfig::parse(text.as_bytes()).expect("null is absence");
        assert_eq!(config.platform.to_string(), "linux/arm/v6");
        let want = r#"{"architecture":"arm","config":{"ExposedPorts":{"53/udp":{}}},"os":"linux","rootfs":{"diff_ids":[],"type":"layers"},"variant":"v6"}"#;
        assert_eq!(String::from_utf8_lossy(config.document().bytes()), want);
    }

    #[test]
    fn trap_19_the_kind_of_the_root_file_system_is_layers() {
        for (rootfs, want) in [
            (r#"{"diff_ids":[]}"#, "missing field `type`"),
            (r#"{"type":"squash","diff_ids":[]}"#, r#"rootfs.type is "squash" and must be "layers""#),
        ] {
            let text = format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{rootfs}}}"#);
            let said = ImageConfig::parse(text.as_bytes()).expect_err(rootfs).to_string();
            assert!(said.contains(want), "{said}");
        }
    }
}
