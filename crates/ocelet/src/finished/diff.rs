//! What `diff` tells of two images: files, packages, configuration, layers and sizes, per platform.
//!
//! Files are compared as the layers have them, by their bytes and not by their names or dates, so images of other tools
//! can be compared too; packages are what the reports know. Nothing is said of modification times.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Kind, Node, Tree};
use serde::Serialize;
use serde_json::Value;

use super::flatten::{contents, tree};
use super::reference::{Finished, FinishedImage};
use crate::error::Error;
use crate::host::Host;
use crate::recipe::Platform;
use crate::unpack::UnpackError;

/// What is another in the second of two sets of images.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ImagesDiff {
    /// The images that both have.
    pub images: Vec<ImageDiff>,
    /// Those that only the first has: tag and platform.
    pub gone: Vec<String>,
    /// Those that only the second has.
    pub new: Vec<String>,
}

/// What is another in one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageDiff {
    /// The tags, the first's and the second's.
    pub tags: (String, String),
    /// The platform.
    pub platform: String,
    /// The bytes of the layers, before and afterwards.
    pub compressed: (u64, u64),
    /// The bytes of the files, before and afterwards.
    pub extracted: (u64, u64),
    /// The bytes of layers that both have, as the second stores them.
    pub shared: u64,
    /// Packages and artifacts.
    pub packages: Vec<PackageChange>,
    /// Files, directories and links, by path.
    pub files: Vec<FileChange>,
    /// Keys of the configuration with their values before and afterwards; `null` where there was or is none.
    pub configuration: BTreeMap<String, (Value, Value)>,
    /// Whether the manifests are the same bytes, where both have one.
    pub same_manifest: bool,
}

/// A package or artifact that is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// The version before; nothing where there was none.
    pub before: Option<String>,
    /// The version afterwards; nothing where there is none.
    pub after: Option<String>,
}

/// A file that is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// Its bytes before; nothing where it was not there.
    pub before: Option<u64>,
    /// Its bytes afterwards; nothing where it is not there.
    pub after: Option<u64>,
    /// What is another, where it is in both: `bytes`, `kind`, `target`, `mode`, `owner`.
    pub what: Vec<&'static str>,
}

impl ImagesDiff {
    /// Whether there is no difference but in how the same files are stored.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty() && self.images.iter().all(ImageDiff::is_empty)
    }
}

impl ImageDiff {
    /// Whether the images hold and say the same.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.files.is_empty() && self.configuration.is_empty()
    }
}

/// Compares the images of two layouts or archives, of all platforms or of one. Images belong together by tag and
/// platform; where each side has one tag only, by platform.
///
/// # Errors
/// An image cannot be read.
pub fn diff(
    before: &Finished,
    after: &Finished,
    platform: Option<&Platform>,
    host: &Host<'_>,
) -> Result<ImagesDiff, Error> {
    let (old, new) = (before.images(platform)?, after.images(platform)?);
    let tags = |images: &[FinishedImage]| -> BTreeSet<Option<String>> {
        images.iter().map(|image| image.tag.clone()).collect()
    };
    let by_platform = tags(&old).len() == 1 && tags(&new).len() == 1;
    let belong = |one: &FinishedImage, other: &FinishedImage| {
        one.platform == other.platform && (by_platform || one.tag == other.tag)
    };
    let name = |image: &FinishedImage| format!("{} {}", tag(image), image.platform);
    let mut found = ImagesDiff::default();
    for one in &old {
        match new.iter().find(|other| belong(one, other)) {
            Some(other) => found.images.push(image(before, one, after, other, host)?),
            None => found.gone.push(name(one)),
        }
    }
    found.new = new.iter().filter(|other| !old.iter().any(|one| belong(one, other))).map(name).collect();
    Ok(found)
}

fn tag(image: &FinishedImage) -> String {
    image.tag.clone().unwrap_or_else(|| "(untagged)".to_owned())
}

fn image(
    before: &Finished,
    old: &FinishedImage,
    after: &Finished,
    new: &FinishedImage,
    host: &Host<'_>,
) -> Result<ImageDiff, Error> {
    let trees = (tree(old, before.path(), host)?, tree(new, after.path(), host)?);
    let known: BTreeSet<_> = old.image.layers.iter().map(|layer| layer.diff_id).collect();
    let shared = new.image.layers.iter().filter(|layer| known.contains(&layer.diff_id));
    let extracted = |tree: &Tree| contents(tree).map(|(_, content)| content.length()).sum();
    let digest = |image: &FinishedImage| image.manifest.as_ref().map(|manifest| manifest.digest);
    Ok(ImageDiff {
        tags: (tag(old), tag(new)),
        platform: new.platform.to_string(),
        compressed: (old.compressed(), new.compressed()),
        extracted: (extracted(&trees.0), extracted(&trees.1)),
        shared: shared.map(ocelet_oci::SourceLayer::size).sum(),
        packages: packages(old, new),
        files: files(&trees.0, &trees.1)?,
        configuration: configuration(old, new),
        same_manifest: digest(old).is_some() && digest(old) == digest(new),
    })
}

fn files(old: &Tree, new: &Tree) -> Result<Vec<FileChange>, Error> {
    let paths: BTreeSet<_> = old.iter().chain(new.iter()).map(|(path, _)| path).collect();
    let length = |node: &Node| node.content().map_or(0, ocelet_tree::Content::length);
    let mut changes = Vec::new();
    for path in paths {
        let (one, other) = (old.get(path), new.get(path));
        let what = match (one, other) {
            (Some(one), Some(other)) => what(one, other)?,
            _ => Vec::new(),
        };
        if one.is_none() || other.is_none() || !what.is_empty() {
            let path = path.to_string();
            changes.push(FileChange { path, before: one.map(length), after: other.map(length), what });
        }
    }
    Ok(changes)
}

/// What is another of two entries at one path.
fn what(one: &Node, other: &Node) -> Result<Vec<&'static str>, Error> {
    let mut what = Vec::new();
    match (&one.kind, &other.kind) {
        (Kind::File { content, .. }, Kind::File { content: now, .. }) => {
            if !content.same_bytes(now).map_err(UnpackError::Read)? {
                what.push("bytes");
            }
        }
        (Kind::Symlink { target }, Kind::Symlink { target: now }) if target != now => what.push("target"),
        (Kind::Symlink { .. }, Kind::Symlink { .. }) | (Kind::Directory, Kind::Directory) => {}
        _ => what.push("kind"),
    }
    let (meta, now) = (&one.metadata, &other.metadata);
    if meta.mode != now.mode {
        what.push("mode");
    }
    if (meta.uid, meta.gid) != (now.uid, now.gid) {
        what.push("owner");
    }
    Ok(what)
}

/// The packages that only one side has, or that have another version there.
fn packages(old: &FinishedImage, new: &FinishedImage) -> Vec<PackageChange> {
    let (before, after) = (versions(old), versions(new));
    let names: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(name) != after.get(name));
    let change = |key: &(String, String)| PackageChange {
        name: key.1.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    changed.map(change).collect()
}

/// The versions of the packages, by source and name.
fn versions(image: &FinishedImage) -> BTreeMap<(String, String), String> {
    let packages = image.report.iter().flat_map(|report| report.packages.values());
    packages.map(|one| ((one.source.clone(), one.name.clone()), one.version.clone())).collect()
}

/// What the configurations say differently; the time of making, layers and history are no part of it.
fn configuration(old: &FinishedImage, new: &FinishedImage) -> BTreeMap<String, (Value, Value)> {
    let as_map = |image: &FinishedImage| match serde_json::to_value(&image.image.config.config) {
        Ok(Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (as_map(old), as_map(new));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |map: &serde_json::Map<String, Value>, key| map.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| (key.clone(), (value(&before, key), value(&after, key))))
        .collect()
}
