//! [`diff`]: what another lock changes, in terms that a reviewer cares about: versions and sizes, files that come and
//! go, libraries that are newly needed, programs that newly run with other rights, scripts that are others.
//!
//! It refuses to read a package: whoever can look into one gives its [`Anatomy`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ocelet_oci::Digest;

use super::model::{Lock, LockedFile};
use crate::recipe::{Platform, SourceName};

/// What is in a package or artifact, as far as a review needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anatomy {
    /// Its files and links.
    pub files: BTreeSet<String>,
    /// The sonames that its programs and libraries need.
    pub needed: BTreeSet<String>,
    /// Its files with the setuid or setgid bit.
    pub privileged: BTreeSet<String>,
    /// Its maintainer scripts, by kind, as the digest of their text.
    pub scripts: BTreeMap<String, Digest>,
}

/// What changes from one lock to another, ordered by source and name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockDiff {
    /// The changes.
    pub changes: Vec<Change>,
}

/// One package or artifact that is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The source.
    pub source: SourceName,
    /// The package; the source's name for an artifact.
    pub name: String,
    /// The platforms for which it changes alike.
    pub platforms: BTreeSet<Platform>,
    /// What happens to it.
    pub kind: ChangeKind,
    /// The size of the file before, in bytes; 0 where there was none.
    pub size_before: u64,
    /// The size of the file afterwards, in bytes; 0 where there is none.
    pub size_after: u64,
    /// What is in it before and afterwards, where both could be looked at.
    pub anatomy: Option<(Anatomy, Anatomy)>,
}

/// What happens to a package or artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It comes, with this version.
    Added(String),
    /// It goes, and had this version.
    Removed(String),
    /// It has another version.
    Version {
        /// Before.
        from: String,
        /// Afterwards.
        to: String,
    },
    /// It has the same version and other bytes.
    Content(String),
}

/// One side of a change.
#[derive(Debug, Clone, Copy)]
struct Side<'lock> {
    version: &'lock str,
    file: &'lock LockedFile,
}

/// What changes alike for several platforms.
type Group<'lock> = (&'lock SourceName, &'lock str, ChangeKind);
type Key<'lock> = (&'lock SourceName, &'lock str, &'lock Platform);

/// What changes from `old` to `new`. `look` gives what is in a file, where it can be looked at.
pub fn diff(old: &Lock, new: &Lock, look: &dyn Fn(&LockedFile) -> Option<Anatomy>) -> LockDiff {
    let (before, after) = (sides(old), sides(new));
    let mut groups: BTreeMap<Group<'_>, Vec<(Key<'_>, u64, u64)>> = BTreeMap::new();
    let keys: BTreeSet<&Key<'_>> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (from, to) = (before.get(key), after.get(key));
        let Some(kind) = kind(from, to) else { continue };
        let size = |side: Option<&Side<'_>>| side.map_or(0, |side| side.file.size);
        groups.entry((key.0, key.1, kind)).or_default().push((*key, size(from), size(to)));
    }
    let changes = groups.into_iter().map(|((source, name, kind), alike)| {
        let (first, size_before, size_after) = alike[0];
        let anatomy = before.get(&first).zip(after.get(&first));
        Change {
            source: source.clone(),
            name: name.to_owned(),
            platforms: alike.iter().map(|(key, _, _)| key.2.clone()).collect(),
            kind,
            size_before,
            size_after,
            anatomy: anatomy.and_then(|(from, to)| Some((look(from.file)?, look(to.file)?))),
        }
    });
    LockDiff { changes: changes.collect() }
}

fn sides(lock: &Lock) -> BTreeMap<Key<'_>, Side<'_>> {
    let packages = lock.packages.iter().map(|one| {
        ((&one.source, one.name.as_str(), &one.platform), Side { version: &one.version, file: &one.file })
    });
    let artifacts = lock.artifacts.iter().chain(&lock.tools).map(|one| {
        let version = one.file.sources.first().map_or("", |location| location.as_str());
        ((&one.source, one.source.as_str(), &one.platform), Side { version, file: &one.file })
    });
    packages.chain(artifacts).collect()
}

fn kind(from: Option<&Side<'_>>, to: Option<&Side<'_>>) -> Option<ChangeKind> {
    match (from, to) {
        (None, Some(to)) => Some(ChangeKind::Added(to.version.to_owned())),
        (Some(from), None) => Some(ChangeKind::Removed(from.version.to_owned())),
        (Some(from), Some(to)) if from.version != to.version => {
            Some(ChangeKind::Version { from: from.version.to_owned(), to: to.version.to_owned() })
        }
        (Some(from), Some(to)) if from.file.sha256 != to.file.sha256 => {
            Some(ChangeKind::Content(to.version.to_owned()))
        }
        _ => None,
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platforms: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        match &self.kind {
            ChangeKind::Added(version) => write!(formatter, "+ {} {version}", self.name)?,
            ChangeKind::Removed(version) => write!(formatter, "- {} {version}", self.name)?,
            ChangeKind::Version { from, to } => write!(formatter, "~ {} {from} -> {to}", self.name)?,
            ChangeKind::Content(version) => write!(formatter, "! {} {version} has other bytes", self.name)?,
        }
        write!(formatter, " ({}: {})", self.source, platforms.join(", "))?;
        match (self.size_before, self.size_after) {
            (0, size) | (size, 0) => write!(formatter, ", {size} bytes")?,
            (before, after) => write!(formatter, ", {before} -> {after} bytes")?,
        }
        let Some((before, after)) = &self.anatomy else { return Ok(()) };
        let mut lines = |word: &str, from: &BTreeSet<String>, to: &BTreeSet<String>| {
            to.difference(from).try_for_each(|one| write!(formatter, "\n    {word} {one}"))
        };
        lines("new file", &before.files, &after.files)?;
        lines("gone file", &after.files, &before.files)?;
        lines("newly needs", &before.needed, &after.needed)?;
        lines("no longer needs", &after.needed, &before.needed)?;
        lines("newly setuid or setgid:", &before.privileged, &after.privileged)?;
        lines("no longer setuid or setgid:", &after.privileged, &before.privileged)?;
        let kinds: BTreeSet<&String> = before.scripts.keys().chain(after.scripts.keys()).collect();
        for kind in kinds {
            let word = match (before.scripts.get(kind), after.scripts.get(kind)) {
                (None, _) => "new script",
                (_, None) => "gone script",
                (one, other) if one != other => "changed script",
                _ => continue,
            };
            write!(formatter, "\n    {word} {kind}")?;
        }
        Ok(())
    }
}
