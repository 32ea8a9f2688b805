//! Following symbolic links inside a view, as the kernel would with the view as its root directory.
//!
//! A link never leads out: an absolute target begins at the view's root, and `..` at the root stays there.
//! Each link passed on the way is told, since an image needs all of them.

use std::collections::VecDeque;

use crate::{Kind, LinkTarget, Name, Node, Owner, PathError, ReadError, TreePath, View};

/// How many symbolic links the kernel follows before it gives up (`MAXSYMLINKS`, `path_resolution(7)`).
pub const LINK_LIMIT: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The place that is reached: no component of it is a symbolic link.
    pub path: TreePath,
    /// What is there.
    pub node: Node,
    /// The symbolic links that were followed, in order, each at a place without links above it.
    pub links: Vec<TreePath>,
}

/// Why a path leads nowhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// Nothing is there.
    #[error("{wanted} does not exist{}", .at.describe())]
    Absent {
        /// The path that was asked for.
        wanted: TreePath,
        /// Where the walk ended.
        at: DeadEnd,
    },
    /// More than [`LINK_LIMIT`] symbolic links: most likely a circle.
    #[error("{wanted} leads through more than {LINK_LIMIT} symbolic links")]
    TooManyLinks {
        /// The path that was asked for.
        wanted: TreePath,
        /// The links in the order in which they were followed.
        links: Vec<TreePath>,
    },
    /// A link's target has a component that no path can have.
    #[error("{wanted} leads through a symbolic link that no file system can follow")]
    Unfollowable {
        /// The path that was asked for.
        wanted: TreePath,
        /// Why.
        #[source]
        cause: PathError,
    },
    /// The files could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The place where a walk ended without finding what it looked for.
#[derive(Debug, Clone)]
pub struct DeadEnd {
    /// The first path that does not exist, or is not a directory where one was needed.
    pub path: TreePath,
    /// The symbolic links that led there.
    pub links: Vec<TreePath>,
}

impl DeadEnd {
    fn describe(&self) -> String {
        match self.links.last() {
            Some(link) => format!(" (the symbolic link {link} leads to {}, which is not there)", self.path),
            None => String::new(),
        }
    }
}

/// Follows `wanted` to the file or directory that it names, through every symbolic link, the last included.
///
/// # Errors
/// Nothing is there, the links go in a circle, or the view cannot be read.
pub fn resolve(view: &dyn View, wanted: &TreePath) -> Result<Resolution, ResolveError> {
    walk(view, wanted, true)
}

/// Finds the entry that `wanted` names: symbolic links above it are followed, itself is not.
///
/// # Errors
/// Nothing is there, the links go in a circle, or the view cannot be read.
pub fn lookup(view: &dyn View, wanted: &TreePath) -> Result<Resolution, ResolveError> {
    walk(view, wanted, false)
}

fn walk(view: &dyn View, wanted: &TreePath, follow_last: bool) -> Result<Resolution, ResolveError> {
    let root = view.entry(&TreePath::root())?;
    let mut todo: VecDeque<Step> = wanted.components().map(Step::Into).collect();
    let mut path = TreePath::root();
    let mut node = root;
    let mut links = Vec::new();
    while let Some(step) = todo.pop_front() {
        let name = match step {
            Step::Into(name) => name,
            Step::Up => {
                path = path.parent().unwrap_or_else(TreePath::root);
                node = view.entry(&path)?;
                continue;
            }
        };
        let next = path.join(&name);
        let absent = |links| ResolveError::Absent {
            wanted: wanted.clone(),
            at: DeadEnd { path: next.clone(), links },
        };
        let Some(found) = view.entry(&next)? else { return Err(absent(links)) };
        match &found.kind {
            Kind::Symlink { target } if follow_last || !todo.is_empty() => {
                links.push(next);
                if links.len() > LINK_LIMIT {
                    return Err(ResolveError::TooManyLinks { wanted: wanted.clone(), links });
                }
                if target.is_absolute() {
                    path = TreePath::root();
                    node = view.entry(&path)?;
                }
                let steps = steps(target.as_bytes())
                    .map_err(|cause| ResolveError::Unfollowable { wanted: wanted.clone(), cause })?;
                for step in steps.into_iter().rev() {
                    todo.push_front(step);
                }
            }
            Kind::Directory => (path, node) = (next, Some(found)),
            Kind::File { .. } | Kind::Symlink { .. } if todo.is_empty() => (path, node) = (next, Some(found)),
            Kind::File { .. } | Kind::Symlink { .. } => return Err(absent(links)),
        }
    }
    match node {
        Some(node) => Ok(Resolution { path, node, links }),
        None => Err(ResolveError::Absent { wanted: wanted.clone(), at: DeadEnd { path, links } }),
    }
}

/// What a walk sees of an entry.
pub(crate) enum Hop {
    /// A directory: the walk goes on below it.
    Directory,
    /// A symbolic link: the walk goes on where it points.
    Link(LinkTarget),
    /// Anything else: the walk ends.
    End(&'static str, Owner),
}

/// Why an entry has no place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("{parent} is a {noun}, not a directory")]
    NotDirectory { parent: TreePath, noun: &'static str, owner: Owner },
    #[error("the way there leads through more than {LINK_LIMIT} symbolic links")]
    TooManyLinks,
    #[error(transparent)]
    Unfollowable(PathError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Hop {
    pub(crate) fn of(node: &Node) -> Self {
        match &node.kind {
            Kind::Directory => Self::Directory,
            Kind::Symlink { target } => Self::Link(target.clone()),
            Kind::File { .. } => Self::End(node.kind.noun(), node.owner.clone()),
        }
    }
}

/// Where something that is called `wanted` would be put: symbolic links above it are followed, itself is not, and
/// directories that do not exist stand for themselves, since they would be made.
pub(crate) fn place(
    look: impl Fn(&TreePath) -> Result<Option<Hop>, ReadError>,
    wanted: &TreePath,
) -> Result<TreePath, PlaceError> {
    let mut todo: VecDeque<Step> = wanted.components().map(Step::Into).collect();
    let Some(Step::Into(name)) = todo.pop_back() else { return Ok(TreePath::root()) };
    let mut path = TreePath::root();
    let mut links = 0;
    while let Some(step) = todo.pop_front() {
        let next = match step {
            Step::Into(name) => path.join(&name),
            Step::Up => path.parent().unwrap_or_else(TreePath::root),
        };
        match look(&next)? {
            None | Some(Hop::Directory) => path = next,
            Some(Hop::Link(target)) => {
                links += 1;
                if links > LINK_LIMIT {
                    return Err(PlaceError::TooManyLinks);
                }
                if target.is_absolute() {
                    path = TreePath::root();
                }
                for step in steps(target.as_bytes()).map_err(PlaceError::Unfollowable)?.into_iter().rev() {
                    todo.push_front(step);
                }
            }
            Some(Hop::End(noun, owner)) => {
                return Err(PlaceError::NotDirectory { parent: next, noun, owner });
            }
        }
    }
    Ok(path.join(&name))
}

enum Step {
    Into(Name),
    Up,
}

fn steps(target: &[u8]) -> Result<Vec<Step>, PathError> {
    target
        .split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty() && *component != b".")
        .map(|component| if component == b".." { Ok(Step::Up) } else { Name::new(component).map(Step::Into) })
        .collect()
}
