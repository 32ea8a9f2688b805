//! Chooses members of an archive, shortens their names and puts them where the recipe wants them.
//!
//! A pattern that matches a directory takes all that is in it. Users and groups are the recipe's, never the archive's.
//! Refused are patterns that match nothing, with the names that they may have meant, and two members for one place.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Glob, Inode, Kind, Metadata, Node, Owner, Tree, TreePath, View};

use super::error::ArtifactError;
use crate::recipe::{ArtifactSource, Install, nearest};

/// So many names are told of an archive in an error.
const TOLD: usize = 6;
/// Modes of directories that say no more than the umask of whoever packed the archive.
const ORDINARY: [u16; 2] = [0o755, 0o775];

/// The chosen members of an archive; `file` is what it is called in errors.
pub(super) fn place(
    archive: &Tree,
    artifact: &ArtifactSource,
    file: &str,
    owner: &Owner,
) -> Result<Tree, ArtifactError> {
    let globs: Vec<&Glob> = artifact.members.iter().map(|member| &member.value).collect();
    let chosen = choose(archive, &globs, file)?;
    let layout = Layout { artifact, file, owner };
    match &artifact.install.value {
        Install::File(path) => layout.one(archive, &chosen, path),
        Install::Directory(directory) => layout.all(archive, &chosen, directory),
    }
}

/// The members that the patterns match, with all that is in directories among them; all where there is no pattern.
fn choose(archive: &Tree, globs: &[&Glob], file: &str) -> Result<BTreeSet<TreePath>, ArtifactError> {
    if globs.is_empty() {
        return Ok(archive.iter().map(|(path, _)| path.clone()).collect());
    }
    let mut chosen: BTreeSet<TreePath> = BTreeSet::new();
    let mut useful = vec![false; globs.len()];
    for (path, _) in archive.iter() {
        // A directory comes before what is in it.
        let mut taken = path.parent().is_some_and(|parent| chosen.contains(&parent));
        for (glob, useful) in globs.iter().zip(&mut useful) {
            if glob.matches(path) {
                (taken, *useful) = (true, true);
            }
        }
        if taken {
            chosen.insert(path.clone());
        }
    }
    let lost = globs.iter().zip(&useful).filter(|(_, useful)| !**useful);
    let patterns: Vec<(String, Vec<TreePath>)> =
        lost.map(|(glob, _)| (glob.as_str().to_owned(), near(archive, glob.as_str()))).collect();
    if patterns.is_empty() {
        Ok(chosen)
    } else {
        Err(ArtifactError::NoMember { file: file.to_owned(), patterns })
    }
}

/// The members that a pattern may have meant: those with its last component as name, and the nearest; or the first.
fn near(archive: &Tree, pattern: &str) -> Vec<TreePath> {
    let last = pattern.rsplit('/').next().unwrap_or_default();
    let last = Glob::new(last).ok();
    let names: Vec<(String, &TreePath)> =
        archive.iter().map(|(path, _)| (path.to_string().trim_start_matches('/').to_owned(), path)).collect();
    let alike = |path: &TreePath| {
        let name = path.name().and_then(|name| TreePath::new(name.as_bytes()).ok());
        last.as_ref().is_some_and(|last| name.is_some_and(|name| last.matches(&name)))
    };
    let mut near: BTreeSet<TreePath> = BTreeSet::new();
    let nearest = nearest(pattern, names.iter().map(|(name, _)| name.as_str()));
    near.extend(
        names.iter().filter(|(name, _)| Some(name.as_str()) == nearest).map(|(_, path)| (*path).clone()),
    );
    near.extend(names.iter().map(|(_, path)| *path).filter(|path| alike(path)).take(TOLD).cloned());
    if near.is_empty() {
        near.extend(names.iter().take(TOLD).map(|(_, path)| (*path).clone()));
    }
    near.into_iter().take(TOLD).collect()
}

/// How members are put in place.
struct Layout<'recipe> {
    artifact: &'recipe ArtifactSource,
    file: &'recipe str,
    owner: &'recipe Owner,
}

impl Layout<'_> {
    /// The one chosen file, under another name.
    fn one(
        &self,
        archive: &Tree,
        chosen: &BTreeSet<TreePath>,
        path: &TreePath,
    ) -> Result<Tree, ArtifactError> {
        let mut files = chosen
            .iter()
            .filter_map(|path| Some((path, archive.get(path)?)))
            .filter(|(_, node)| !node.is_directory());
        let (Some((member, node)), None) = (files.next(), files.next()) else {
            let is_file = |path: &&TreePath| archive.get(path).is_some_and(|node| !node.is_directory());
            return Err(ArtifactError::NotOne {
                file: self.file.to_owned(),
                path: path.clone(),
                count: chosen.iter().filter(is_file).count(),
                found: chosen.iter().filter(is_file).take(TOLD).cloned().collect(),
            });
        };
        let Some(content) = node.content() else {
            let (file, noun) = (self.file.to_owned(), node.kind.noun());
            return Err(ArtifactError::NotAFile { file, member: member.clone(), noun });
        };
        let mut tree = Tree::new();
        tree.add_file(path, content.clone(), self.metadata(node), self.owner)?;
        Ok(tree)
    }

    /// All chosen members below a directory.
    fn all(
        &self,
        archive: &Tree,
        chosen: &BTreeSet<TreePath>,
        directory: &TreePath,
    ) -> Result<Tree, ArtifactError> {
        let mut tree = Tree::new();
        let mut landed: BTreeMap<TreePath, &TreePath> = BTreeMap::new();
        let mut files: BTreeMap<Inode, TreePath> = BTreeMap::new();
        for member in chosen {
            let (Some(node), Some(place)) = (archive.get(member), self.stripped(member, directory)) else {
                continue;
            };
            if node.is_directory() {
                if self.is_declared(archive, member, node)
                    && tree.get(&place).is_none_or(|_| tree.is_implicit(&place))
                {
                    tree.add_directory(&place, self.owned(node), self.owner)?;
                }
                continue;
            }
            if let Some(first) = landed.insert(place.clone(), member) {
                return Err(ArtifactError::Twice {
                    file: self.file.to_owned(),
                    path: place,
                    first: first.clone(),
                    second: member.clone(),
                });
            }
            match &node.kind {
                Kind::File { content, inode } => {
                    if let Some(first) = files.get(inode) {
                        tree.add_hard_link(&place, first, self.owner)?;
                    } else {
                        tree.add_file(&place, content.clone(), self.metadata(node), self.owner)?;
                        files.insert(*inode, place);
                    }
                }
                Kind::Symlink { target } => {
                    tree.add_symlink(&place, target.clone(), self.owned(node), self.owner)?;
                }
                Kind::Directory => {}
            }
        }
        if landed.is_empty() {
            return Err(ArtifactError::Nothing { file: self.file.to_owned(), strip: self.artifact.strip });
        }
        Ok(tree)
    }

    /// Where a member goes; nothing where all of its name was removed.
    fn stripped(&self, member: &TreePath, directory: &TreePath) -> Option<TreePath> {
        let strip = usize::try_from(self.artifact.strip).unwrap_or(usize::MAX);
        let mut rest = member.components().skip(strip).peekable();
        rest.peek()?;
        Some(rest.fold(directory.clone(), |path, name| path.join(&name)))
    }

    /// Whether a directory says something of its own. One that does not is made where something is in it, and so never
    /// conflicts with another source's.
    fn is_declared(&self, archive: &Tree, member: &TreePath, node: &Node) -> bool {
        let ordinary =
            ORDINARY.contains(&node.metadata.mode) && (self.artifact.uid, self.artifact.gid) == (0, 0);
        let empty = archive.names(member).is_ok_and(|names| names.is_empty());
        empty || (!archive.is_implicit(member) && !ordinary)
    }

    /// The metadata of a directory or link: the owner is the recipe's.
    fn owned(&self, node: &Node) -> Metadata {
        Metadata { uid: self.artifact.uid, gid: self.artifact.gid, ..node.metadata.clone() }
    }

    /// The metadata of a file: so is the mode, where it says one.
    fn metadata(&self, node: &Node) -> Metadata {
        Metadata { mode: self.artifact.mode.unwrap_or(node.metadata.mode), ..self.owned(node) }
    }
}
