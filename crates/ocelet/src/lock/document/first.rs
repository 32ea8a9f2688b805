//! Version 1 of the lock's text: the shape of the TOML, and nothing that later versions could share.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;
use serde::{Deserialize, Serialize};

use super::super::model::{Lock, LockedArtifact, LockedFile, LockedIndex, LockedPackage, Vouched};
use crate::recipe::{Location, Platform, SourceName};
use crate::resolve::Asked;

/// The whole text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    asked: BTreeMap<String, AskedText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    index: Vec<IndexText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    artifact: Vec<ArtifactText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    package: Vec<PackageText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool: Vec<ArtifactText>,
}

/// What the recipe asked of a source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedText {
    settings: BTreeMap<String, Vec<String>>,
    wanted: BTreeMap<String, BTreeSet<String>>,
}

/// `[[index]]`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct IndexText {
    source: String,
    platform: String,
    path: String,
    size: u64,
    sha256: String,
    sources: Vec<String>,
    signed_by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    generated: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest_build: Option<u64>,
}

/// `[[package]]`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PackageText {
    source: String,
    platform: String,
    name: String,
    version: String,
    path: String,
    size: u64,
    sha256: String,
    sources: Vec<String>,
    identity: String,
    signed_by: String,
    because: BTreeSet<String>,
}

/// `[[artifact]]` and `[[tool]]`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ArtifactText {
    source: String,
    platform: String,
    path: String,
    size: u64,
    sha256: String,
    sources: Vec<String>,
    vouched_by: String,
}

/// How the text names digests that the recipe has.
const RECIPE: &str = "the recipe";
/// How it names those that nobody has vouched for.
const KNOWN: &str = "the table of known releases";
const FIRST_USE: &str = "nobody: what was served when it was first locked";
/// How it names those of a file of sums; the location follows.
const SUMS: &str = "sums ";

impl Document {
    pub(super) fn of(lock: &Lock) -> Self {
        let asked = lock.asked.iter().map(|(name, asked)| {
            let wanted = asked.wanted.iter().map(|(platform, terms)| (platform.to_string(), terms.clone()));
            (name.to_string(), AskedText { settings: asked.settings.clone(), wanted: wanted.collect() })
        });
        Self {
            version: super::VERSION,
            asked: asked.collect(),
            index: lock.indexes.iter().map(IndexText::of).collect(),
            artifact: lock.artifacts.iter().map(ArtifactText::of).collect(),
            package: lock.packages.iter().map(PackageText::of).collect(),
            tool: lock.tools.iter().map(ArtifactText::of).collect(),
        }
    }

    /// The lock that it says; what is wrong with it is added to `problems`.
    pub(super) fn into_lock(self, problems: &mut Vec<String>) -> Lock {
        let mut lock = Lock::default();
        for (name, text) in self.asked {
            let mut wanted = BTreeMap::new();
            for (platform, terms) in text.wanted {
                if let Some(platform) = read_platform(&platform, problems) {
                    wanted.insert(platform, terms);
                }
            }
            if let Some(name) = read_source(&name, problems) {
                lock.asked.insert(name, Asked { settings: text.settings, wanted });
            }
        }
        lock.indexes = self.index.into_iter().filter_map(|one| one.read(problems)).collect();
        lock.artifacts = self.artifact.into_iter().filter_map(|one| one.read(problems)).collect();
        lock.tools = self.tool.into_iter().filter_map(|one| one.read(problems)).collect();
        lock.packages = self.package.into_iter().filter_map(|one| one.read(problems)).collect();
        lock
    }
}

impl IndexText {
    fn of(index: &LockedIndex) -> Self {
        Self {
            source: index.source.to_string(),
            platform: index.platform.to_string(),
            path: index.file.path.clone(),
            size: index.file.size,
            sha256: index.file.sha256.hex(),
            sources: sources(&index.file),
            signed_by: index.signed_by.clone(),
            description: index.description.clone(),
            generated: index.generated,
            newest_build: index.newest_build,
        }
    }

    fn read(self, problems: &mut Vec<String>) -> Option<LockedIndex> {
        let file = read_file(self.path, self.size, &self.sha256, self.sources, problems);
        let source = read_source(&self.source, problems);
        Some(LockedIndex {
            platform: read_platform(&self.platform, problems)?,
            source: source?,
            file: file?,
            signed_by: self.signed_by,
            description: self.description,
            generated: self.generated,
            newest_build: self.newest_build,
        })
    }
}

impl PackageText {
    fn of(package: &LockedPackage) -> Self {
        Self {
            source: package.source.to_string(),
            platform: package.platform.to_string(),
            name: package.name.clone(),
            version: package.version.clone(),
            path: package.file.path.clone(),
            size: package.file.size,
            sha256: package.file.sha256.hex(),
            sources: sources(&package.file),
            identity: package.identity.clone(),
            signed_by: package.signed_by.clone(),
            because: package.because.clone(),
        }
    }

    fn read(self, problems: &mut Vec<String>) -> Option<LockedPackage> {
        let file = read_file(self.path, self.size, &self.sha256, self.sources, problems);
        let source = read_source(&self.source, problems);
        Some(LockedPackage {
            platform: read_platform(&self.platform, problems)?,
            source: source?,
            file: file?,
            name: self.name,
            version: self.version,
            identity: self.identity,
            signed_by: self.signed_by,
            because: self.because,
        })
    }
}

impl ArtifactText {
    fn of(artifact: &LockedArtifact) -> Self {
        Self {
            source: artifact.source.to_string(),
            platform: artifact.platform.to_string(),
            path: artifact.file.path.clone(),
            size: artifact.file.size,
            sha256: artifact.file.sha256.hex(),
            sources: sources(&artifact.file),
            vouched_by: match &artifact.vouched {
                Vouched::Recipe => RECIPE.to_owned(),
                Vouched::Known => KNOWN.to_owned(),
                Vouched::FirstUse => FIRST_USE.to_owned(),
                Vouched::Sums(location) => format!("{SUMS}{location}"),
            },
        }
    }

    fn read(self, problems: &mut Vec<String>) -> Option<LockedArtifact> {
        let file = read_file(self.path, self.size, &self.sha256, self.sources, problems);
        let source = read_source(&self.source, problems);
        let vouched = match self.vouched_by.as_str() {
            RECIPE => Vouched::Recipe,
            KNOWN => Vouched::Known,
            FIRST_USE => Vouched::FirstUse,
            other => {
                let Some(location) = other.strip_prefix(SUMS) else {
                    problems.push(format!(
                        "nobody can vouch as \"{other}\" for the artifact of source {}",
                        self.source
                    ));
                    return None;
                };
                Vouched::Sums(Location::of(location.to_owned()))
            }
        };
        Some(LockedArtifact {
            platform: read_platform(&self.platform, problems)?,
            source: source?,
            file: file?,
            vouched,
        })
    }
}

fn sources(file: &LockedFile) -> Vec<String> {
    file.sources.iter().map(ToString::to_string).collect()
}

fn read_file(
    path: String,
    size: u64,
    sha256: &str,
    sources: Vec<String>,
    problems: &mut Vec<String>,
) -> Option<LockedFile> {
    let Some(sha256) = Digest::from_hex(sha256) else {
        problems.push(format!("the sha256 of {path} is \"{sha256}\", not 64 hexadecimal digits"));
        return None;
    };
    Some(LockedFile { path, size, sha256, sources: sources.into_iter().map(Location::of).collect() })
}

fn read_source(name: &str, problems: &mut Vec<String>) -> Option<SourceName> {
    SourceName::new(name).map_err(|error| problems.push(error.to_string())).ok()
}

fn read_platform(text: &str, problems: &mut Vec<String>) -> Option<Platform> {
    text.parse::<Platform>().map_err(|error| problems.push(error.to_string())).ok()
}
