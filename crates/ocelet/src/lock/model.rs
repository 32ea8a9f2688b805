//! [`Lock`]: what was chosen, as values. What it looks like as text is another file's business.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;

use crate::recipe::{Location, Platform, SourceName};
use crate::resolve::Asked;

/// What a recipe came down to: every byte that its images may hold, but for root file systems and the recipe's own
/// files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// What the recipe asked for when this was decided, by source: a recipe that asks for something else needs
    /// another lock.
    pub asked: BTreeMap<SourceName, Asked>,
    /// The package indexes that were chosen from, ordered by source, platform and repository.
    pub indexes: Vec<LockedIndex>,
    /// The packages, ordered by source, platform and name.
    pub packages: Vec<LockedPackage>,
    /// The artifacts, ordered by source and platform.
    pub artifacts: Vec<LockedArtifact>,
    /// The programs that machines which build need, ordered by name and machine: their platform is the machine's.
    pub tools: Vec<LockedArtifact>,
}

/// One file that has to be brought home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Where it lies in a mirror: components separated by `/`, none of them empty, `.` or `..`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its sha256.
    pub sha256: Digest,
    /// Where it can be had, best first. A relative path begins at the recipe's directory.
    pub sources: Vec<Location>,
}

/// A package index that was chosen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedIndex {
    /// The source of the recipe.
    pub source: SourceName,
    /// The platform that it is for.
    pub platform: Platform,
    /// The file: `APKINDEX.tar.gz`; of Debian `InRelease`, or `Release` and `Release.gpg`, and each `Packages`.
    pub file: LockedFile,
    /// Who vouches for it. Alpine: the key's file name, and the sha256 of the key itself; Debian: the suite, and the
    /// fingerprints of those who signed its Release.
    pub signed_by: String,
    /// What the repository says that it is; may be empty.
    pub description: String,
    /// When it was written, in seconds since 1970.
    pub generated: i64,
    /// The newest build of all its packages, in seconds since 1970.
    pub newest_build: Option<u64>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// The source of the recipe.
    pub source: SourceName,
    /// The platform that it is for.
    pub platform: Platform,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file.
    pub file: LockedFile,
    /// What apk calls it by: `Q1` and the SHA-1 of its control member in base64. For Debian its architecture, as dpkg
    /// has it.
    pub identity: String,
    /// Who vouches for it, as for an index.
    pub signed_by: String,
    /// Who asked for it: a wish of the recipe, or other packages.
    pub because: BTreeSet<String>,
}

/// A released file or archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArtifact {
    /// The source of the recipe.
    pub source: SourceName,
    /// The platform that it is for.
    pub platform: Platform,
    /// The file.
    pub file: LockedFile,
    /// Who said that these are the right bytes.
    pub vouched: Vouched,
}

/// Who said that the bytes of an artifact are the right ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// The recipe has their sha256.
    Recipe,
    /// The table of known releases.
    Known,
    /// A file of sums, at this location.
    Sums(Location),
    /// Nobody: they are what was served when the recipe was locked first.
    FirstUse,
}

impl Lock {
    /// The packages of one source for one platform.
    pub fn packages_of(
        &self,
        source: &SourceName,
        platform: &Platform,
    ) -> impl Iterator<Item = &LockedPackage> {
        let (source, platform) = (source.clone(), platform.clone());
        self.packages.iter().filter(move |one| one.source == source && one.platform == platform)
    }

    /// The artifact of one source for one platform.
    pub fn artifact_of(&self, source: &SourceName, platform: &Platform) -> Option<&LockedArtifact> {
        self.artifacts.iter().find(|one| one.source == *source && one.platform == *platform)
    }

    /// A tool for the machine of a platform.
    pub fn tool_of(&self, name: &SourceName, machine: &Platform) -> Option<&LockedArtifact> {
        self.tools.iter().find(|one| one.source == *name && one.platform == *machine)
    }

    /// Every file that images are made of, for the given platforms: packages and artifacts, not indexes.
    pub fn files<'lock>(
        &'lock self,
        platforms: &'lock BTreeSet<Platform>,
    ) -> Vec<(String, &'lock LockedFile)> {
        let packages = self.packages.iter().filter(|one| platforms.contains(&one.platform));
        let packages = packages.map(|one| (format!("{}-{}", one.name, one.version), &one.file));
        let artifacts = self.artifacts.iter().filter(|one| platforms.contains(&one.platform));
        packages.chain(artifacts.map(|one| (one.source.to_string(), &one.file))).collect()
    }
}
