//! `manifest.json` of a docker-archive (moby, image/tarexport/tarexport.go, `manifestItem`).

use crate::json::null_is_default;
use serde::Deserialize;

/// One image of the archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    /// The entry with the configuration.
    pub(super) config: String,
    /// Names with tags; none for an image without a name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) repo_tags: Vec<String>,
    /// The entries with the layers, the lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) layers: Vec<String>,
}

impl DockerImage {
    /// Whether one of its names is this one, or ends with this tag.
    pub(super) fn is(&self, wanted: &str) -> bool {
        self.repo_tags.iter().any(|name| {
            name == wanted
                || name.rsplit_once(':').is_some_and(|(_, tag)| tag == wanted && !tag.contains('/'))
        })
    }
}
