//! [`Tree::merge`]: several trees as one, or every reason why they cannot be.
//!
//! Where one side has a directory and the other a symbolic link that leads to a directory of the merged tree (the
//! merged `/usr` of today: `/lib` is a link to `usr/lib`), the link stays, and what is in the directory moves to
//! where the link leads; the mode and owner of that directory are then those of the link's target. Everything is decided about both sides at once, so the order of two trees only decides
//! whose name an entry carries that both bring alike.
//!
//! It refuses to choose: two different files at one place are a conflict that names both owners, unless the caller
//! prefers one of them.

mod pool;

use std::collections::BTreeMap;

use crate::resolve::PlaceError;
use crate::{
    Inode, InsertError, Kind, LinkTarget, Metadata, Node, Owner, PathError, ReadError, Tree, TreePath, View,
};
use pool::{Candidate, Pool};

/// What may settle a conflict.
#[derive(Debug, Clone, Default)]
pub struct MergeOptions {
    /// Owners whose entry wins over another's of the same kind, the first of the list over the others. A file
    /// never wins over a directory, nor a directory over a link that leads nowhere.
    pub prefer: Vec<Owner>,
}

/// One place that two entries want, and why they cannot share it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// One is a file, say, and the other a directory.
    #[error("{path} is a {noun} in {owner} and a {other_noun} in {other}")]
    Kinds {
        /// The place.
        path: TreePath,
        /// Who brings the one.
        owner: Owner,
        /// What it is.
        noun: &'static str,
        /// Who brings the other.
        other: Owner,
        /// What that is.
        other_noun: &'static str,
    },
    /// Two files with different bytes.
    #[error("{path} has other bytes in {owner} than in {other}; leave one of them out, or prefer one owner")]
    Contents {
        /// The place.
        path: TreePath,
        /// Who brings the one.
        owner: Owner,
        /// Who brings the other.
        other: Owner,
    },
    /// Two files or directories with different mode, owner or extended attributes.
    #[error("{path} is {metadata} in {owner} and {other_metadata} in {other}")]
    Metadata {
        /// The place.
        path: TreePath,
        /// Who brings the one.
        owner: Owner,
        /// Its metadata.
        metadata: Terse,
        /// Who brings the other.
        other: Owner,
        /// Its metadata.
        other_metadata: Terse,
    },
    /// Two symbolic links to different places.
    #[error("{path} points to {target} in {owner} and to {other_target} in {other}")]
    Targets {
        /// The place.
        path: TreePath,
        /// Who brings the one.
        owner: Owner,
        /// Where it points.
        target: LinkTarget,
        /// Who brings the other.
        other: Owner,
        /// Where that points.
        other_target: LinkTarget,
    },
    /// A directory where the other side has a link that does not lead to a directory.
    #[error(
        "{path} is a directory in {directory} and a symbolic link in {link}, whose target {target} is {found}"
    )]
    DeadLink {
        /// The place.
        path: TreePath,
        /// Who brings the link.
        link: Owner,
        /// Where it points.
        target: LinkTarget,
        /// What is there: `not there`, `a file`.
        found: &'static str,
        /// Who brings the directory.
        directory: Owner,
    },
    /// An entry that gets no place behind the links of the other side.
    #[error("{path} (from {owner}) has no place in the merged tree")]
    NoPlace {
        /// The place.
        path: TreePath,
        /// Who brings it.
        owner: Owner,
        /// Why.
        #[source]
        why: NoPlace,
    },
    /// The content of two files could not be compared.
    #[error("{path} cannot be compared between {owner} and {other}")]
    Unreadable {
        /// The place.
        path: TreePath,
        /// Who brings the one.
        owner: Owner,
        /// Who brings the other.
        other: Owner,
        /// Why.
        #[source]
        cause: ReadError,
    },
}

/// Why an entry has no place behind symbolic links.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoPlace {
    /// The links above it go in a circle.
    #[error("the symbolic links above it go in a circle")]
    Circle,
    /// Something above it is not a directory.
    #[error("{parent} is a {noun} (from {owner}), not a directory")]
    NotDirectory {
        /// What stands in the way.
        parent: TreePath,
        /// What it is.
        noun: &'static str,
        /// Who brings it.
        owner: Owner,
    },
    /// The path becomes one that no file system can hold.
    #[error(transparent)]
    Path(PathError),
    /// The files below could not be read.
    #[error(transparent)]
    Read(ReadError),
    /// A tree cannot hold it there.
    #[error(transparent)]
    Tree(InsertError),
}

/// Mode and owner for a message: `0755 0:0`, and whether there are extended attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terse {
    mode: u16,
    uid: u32,
    gid: u32,
    capabilities: bool,
}

impl MergeOptions {
    /// The lower, the more its owner is preferred.
    fn rank(&self, node: &Node) -> usize {
        self.prefer.iter().position(|owner| *owner == node.owner).unwrap_or(usize::MAX)
    }
}

impl Conflict {
    /// The place that is fought over.
    pub fn path(&self) -> &TreePath {
        match self {
            Self::Kinds { path, .. }
            | Self::Contents { path, .. }
            | Self::Metadata { path, .. }
            | Self::Targets { path, .. }
            | Self::DeadLink { path, .. }
            | Self::NoPlace { path, .. }
            | Self::Unreadable { path, .. } => path,
        }
    }
}

impl Tree {
    /// Takes in all of another tree.
    ///
    /// Files with the same bytes, mode, owner and extended attributes are one, and so are links to one target and
    /// directories with the same metadata; the time of the last change is no difference, and the first one's
    /// stays. Directories that nobody declared never conflict.
    ///
    /// # Errors
    /// All conflicts, in the order of their paths; this tree then is as it was.
    pub fn merge(&mut self, other: Self) -> Result<(), Vec<Conflict>> {
        self.merge_with(other, &MergeOptions::default())
    }

    /// As [`Tree::merge`], with what may settle a conflict.
    ///
    /// # Errors
    /// See [`Tree::merge`].
    pub fn merge_with(&mut self, other: Self, options: &MergeOptions) -> Result<(), Vec<Conflict>> {
        *self = Self::merge_all([self.clone(), other], options)?;
        Ok(())
    }

    /// One tree of all, decided about at once: a link of one may lead to a directory that only another brings.
    ///
    /// # Errors
    /// See [`Tree::merge`].
    pub fn merge_all(
        trees: impl IntoIterator<Item = Self>,
        options: &MergeOptions,
    ) -> Result<Self, Vec<Conflict>> {
        let mut pool = Pool::new(options);
        for tree in trees {
            pool.take(tree);
        }
        pool.rehome(|_| Ok(None));
        pool.settle()
    }
}

/// Moves what is in directories of `tree` to where `base` has symbolic links to directories at their place, so
/// that the tree can be laid over the base.
///
/// # Errors
/// All conflicts: links of the base that do not lead to a directory, files of the base where the tree has
/// directories above its entries, and entries of the tree that meet at one place.
pub fn rehome(tree: Tree, base: &dyn View) -> Result<Tree, Vec<Conflict>> {
    let options = MergeOptions::default();
    let mut pool = Pool::new(&options);
    pool.take(tree);
    pool.rehome(|path| base.entry(path));
    pool.settle()
}

/// What becomes of two candidates for one place.
enum Verdict {
    /// They are alike; the first stays.
    Same,
    /// The first stays, since it is preferred or declared.
    First,
    /// The second takes its place.
    Second,
}

/// Compares two entries for one place.
fn reconcile(
    path: &TreePath,
    first: &Candidate,
    second: &Candidate,
    options: &MergeOptions,
) -> Result<Verdict, Conflict> {
    if first.node.is_directory() && second.node.is_directory() && (first.implicit || second.implicit) {
        return Ok(if first.implicit && !second.implicit { Verdict::Second } else { Verdict::First });
    }
    let Some(conflict) = difference(path, &first.node, &second.node) else { return Ok(Verdict::Same) };
    let same_kind = first.node.kind.noun() == second.node.kind.noun();
    match options.rank(&first.node).cmp(&options.rank(&second.node)) {
        std::cmp::Ordering::Less if same_kind => Ok(Verdict::First),
        std::cmp::Ordering::Greater if same_kind => Ok(Verdict::Second),
        _ => Err(conflict),
    }
}

/// The first difference between two entries that counts; nothing where one can stand for the other.
pub(crate) fn difference(path: &TreePath, first: &Node, second: &Node) -> Option<Conflict> {
    let (path, owner, other) = (path.clone(), first.owner.clone(), second.owner.clone());
    match (&first.kind, &second.kind) {
        (Kind::Directory, Kind::Directory) => metadata(path, first, second),
        (Kind::Symlink { target }, Kind::Symlink { target: other_target }) => {
            (target != other_target).then(|| Conflict::Targets {
                path,
                owner,
                target: target.clone(),
                other,
                other_target: other_target.clone(),
            })
        }
        (Kind::File { content, .. }, Kind::File { content: other_content, .. }) => {
            match content.same_bytes(other_content) {
                Ok(true) => metadata(path, first, second),
                Ok(false) => Some(Conflict::Contents { path, owner, other }),
                Err(cause) => Some(Conflict::Unreadable { path, owner, other, cause }),
            }
        }
        (kind, other_kind) => {
            let (noun, other_noun) = (kind.noun(), other_kind.noun());
            Some(Conflict::Kinds { path, owner, noun, other, other_noun })
        }
    }
}

fn metadata(path: TreePath, first: &Node, second: &Node) -> Option<Conflict> {
    let counted = |node: &Node| Metadata { mtime: 0, ..node.metadata.clone() };
    (counted(first) != counted(second)).then(|| Conflict::Metadata {
        path,
        owner: first.owner.clone(),
        metadata: terse(&first.metadata),
        other: second.owner.clone(),
        other_metadata: terse(&second.metadata),
    })
}

fn terse(metadata: &Metadata) -> Terse {
    let Metadata { mode, uid, gid, mtime: _, xattrs } = metadata;
    Terse { mode: *mode, uid: *uid, gid: *gid, capabilities: !xattrs.is_empty() }
}

/// The file that stands for another, by the inode of the other.
type Aliases = BTreeMap<Inode, Node>;

impl From<PlaceError> for NoPlace {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::NotDirectory { parent, noun, owner } => Self::NotDirectory { parent, noun, owner },
            PlaceError::TooManyLinks => Self::Circle,
            PlaceError::Unfollowable(cause) => Self::Path(cause),
            PlaceError::Read(cause) => Self::Read(cause),
        }
    }
}

impl std::fmt::Display for Terse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mode, uid, gid, capabilities } = self;
        write!(formatter, "{mode:04o} {uid}:{gid}")?;
        if *capabilities { formatter.write_str(" with file capabilities") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
