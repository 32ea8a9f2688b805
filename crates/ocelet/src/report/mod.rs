//! The report room: what is in an image, why, from whom and in which layer; stored beside each image as an artifact
//! whose subject is the image, so that `why` needs neither the recipe nor the machine that built it.
//!
//! No room needs it. It holds no time and no path of the building machine, so it is as reproducible as the image.

mod chain;
mod packages;
mod packing;
mod place;
pub mod sbom;
mod worlds;

use std::collections::BTreeMap;

use ocelet_tree::{Kind, TreePath};
use serde::{Deserialize, Serialize};

use crate::close::Because;
use crate::layer::{Layer, PlannedLayer};
use crate::recipe::{Flavor, Recipe};
use crate::shrink::Shrunk;

pub use chain::{Chain, Link};
pub use packages::{ReportedCommand, ReportedDistribution, ReportedEffect, ReportedPackage, ReportedScript};
pub use packing::{ReportedPacked, ReportedPacking};
pub use worlds::ReportedWorld;
pub(crate) use worlds::worlds;

/// The media type of a report, and the artifact type of the manifest that carries it.
pub const REPORT_TYPE: &str = "application/vnd.ocelet.report.v1+json";

/// What is in one image and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this format: 1.
    pub version: u32,
    /// The image's name.
    pub image: String,
    /// The flavor.
    pub flavor: String,
    /// The tag.
    pub tag: String,
    /// The platform.
    pub platform: String,
    /// The commands that were asked for, and where each was found; nothing for an optional one that is not there.
    pub commands: BTreeMap<String, Option<String>>,
    /// Every entry of the image but plain parent directories, by its path.
    pub files: BTreeMap<String, ReportedFile>,
    /// The layers, in manifest order.
    pub layers: Vec<ReportedLayer>,
    /// Programs that load libraries at run time without saying which, and that nobody has acknowledged.
    pub unexplained_dlopen: Vec<String>,
    /// What is missing, where the build was told to go on without.
    pub missing: Vec<String>,
    /// Where each symbolic link of the image points, by its path.
    pub links: BTreeMap<String, String>,
    /// What the recipe calls its root file systems, as it is written there.
    pub sources: BTreeMap<String, String>,
    /// The packages and artifacts with at least one file in the image, by the owner of their files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, ReportedPackage>,
    /// The distribution that the packages are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<ReportedDistribution>,
    /// The scripts of the packages, none of which was run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ReportedScript>,
    /// The C libraries that load programs of the image, by the path of the loader as programs ask for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub worlds: BTreeMap<String, ReportedWorld>,
    /// What was packed; nothing where no file was flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packing: Option<ReportedPacking>,
}

/// One entry of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedFile {
    /// `file`, `directory` or `symbolic link`.
    pub kind: String,
    /// The size of a file in bytes; 0 for anything else.
    pub size: u64,
    /// Who brought it.
    pub owner: String,
    /// The position of its layer in the manifest, from 0.
    pub layer: usize,
    /// Why it is there; at least one reason.
    pub because: Vec<Because>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedLayer {
    /// The digest of the compressed blob.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// The size of the tar in bytes.
    pub uncompressed: u64,
    /// The flavors that share it.
    pub flavors: Vec<String>,
    /// How often its files change.
    pub stability: String,
}

impl Report {
    /// The report as it is stored: JSON with sorted keys, one line.
    ///
    /// # Panics
    /// Never: a report has only text, numbers and lists of them.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a report has only text, numbers and lists of them")
    }

    /// Reads a stored report.
    ///
    /// # Errors
    /// It is not JSON of this shape, or a later version's.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let report: Self = serde_json::from_slice(bytes)?;
        if !(1..=2).contains(&report.version) {
            let text =
                format!("the report has version {}, and this ocelet reads versions 1 and 2", report.version);
            return Err(serde::de::Error::custom(text));
        }
        Ok(report)
    }

    /// The path under which the report knows `path`: itself, or where the image's own links above it lead.
    pub fn place(&self, path: &TreePath) -> Option<TreePath> {
        place::place(self, path)
    }

    /// The loaders that map the file that a path of the report leads to, each with its world: a dynamically linked
    /// program has one, a library that needs no C library may have two, anything else has none.
    pub fn worlds_of(&self, path: &TreePath) -> Vec<(&str, &ReportedWorld)> {
        let end = place::end(self, path).map(|end| end.to_string()).unwrap_or_default();
        worlds::of(self, &end).collect()
    }

    /// The shortest chain of reasons from what was asked for to `path`; nothing where the image does not have it.
    pub fn chain(&self, path: &TreePath) -> Option<Chain<'_>> {
        chain::shortest(self, &path.to_string())
    }
}

/// Puts together what the rooms know of one flavor for one platform.
pub(crate) fn report(
    recipe: &Recipe,
    flavor: &Flavor,
    shrunk: &Shrunk,
    layers: &[(&PlannedLayer, &Layer)],
) -> Report {
    let closed = &shrunk.closed;
    let kept = &closed.flavors[&flavor.name.value];
    let mut places: BTreeMap<&TreePath, usize> = BTreeMap::new();
    for (position, (planned, _)) in layers.iter().enumerate() {
        places.extend(planned.paths.iter().map(|path| (path, position)));
    }
    let files = kept.paths.iter().filter_map(|(path, because)| {
        let node = closed.node(kept, path)?;
        let size = node.content().map_or(0, ocelet_tree::Content::length);
        let file = ReportedFile {
            kind: node.kind.noun().to_owned(),
            size: if matches!(node.kind, Kind::File { .. }) { size } else { 0 },
            owner: node.owner.to_string(),
            layer: *places.get(path)?,
            because: because.clone(),
        };
        Some((path.to_string(), file))
    });
    let links = kept.paths.keys().filter_map(|path| match &closed.node(kept, path)?.kind {
        Kind::Symlink { target } => Some((path.to_string(), target.to_string())),
        Kind::Directory | Kind::File { .. } => None,
    });
    let layers = layers.iter().map(|(planned, layer)| ReportedLayer {
        digest: layer.blob().digest().to_string(),
        size: layer.blob().size(),
        uncompressed: layer.uncompressed(),
        flavors: planned.flavors.iter().cloned().collect(),
        stability: planned.stability.as_str().to_owned(),
    });
    let packing = packing::packing(shrunk, kept);
    Report {
        // Whoever knows version 1 alone would take a packed file for one that needs nothing.
        version: if packing.is_some() { 2 } else { 1 },
        image: recipe.image.value.to_string(),
        flavor: flavor.name.value.to_string(),
        tag: flavor.tag.to_string(),
        platform: closed.platform.to_string(),
        commands: kept
            .commands
            .iter()
            .map(|(name, path)| (name.clone(), path.as_ref().map(ToString::to_string)))
            .collect(),
        files: files.collect(),
        layers: layers.collect(),
        unexplained_dlopen: kept.unexplained_dlopen.iter().map(ToString::to_string).collect(),
        missing: kept.missing.clone(),
        links: links.collect(),
        sources: closed.sources.clone(),
        packages: packages::packages(kept),
        distribution: kept.distribution.as_ref().map(packages::distribution),
        scripts: kept.scripts.iter().map(packages::script).collect(),
        worlds: worlds(&kept.worlds),
        packing,
    }
}
