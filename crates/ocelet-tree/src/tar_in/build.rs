//! [`Builder`]: puts the entries of an archive where extracting it would.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::entries::{Entries, Entry, EntryKind};
use super::error::{Problem, TarError};
use super::{Devices, Duplicates, Options, Paths, Skipped, Unpacked};
use crate::resolve::{Hop, PlaceError, place};
use crate::{Kind, Node, Owner, Tree, TreePath};

/// Puts entries into a tree.
pub(super) struct Builder<'tree> {
    tree: &'tree mut Tree,
    owner: &'tree Owner,
    options: &'tree Options,
    seen: BTreeSet<TreePath>,
    left_out: BTreeSet<TreePath>,
    skipped: Vec<Skipped>,
    steps: u64,
    checksums: BTreeMap<TreePath, Vec<u8>>,
}

/// Puts the entries of a root file system archive into a fresh tree.
pub(super) fn root_file_system(
    entries: Entries,
    owner: &Owner,
    options: &Options,
) -> Result<Unpacked, TarError> {
    let mut tree = Tree::new();
    let mut builder = Builder::new(&mut tree, owner, options);
    for entry in entries.0 {
        builder.put(&entry)?;
    }
    let Builder { skipped, checksums, .. } = builder;
    Ok(Unpacked { tree, skipped, checksums })
}

/// Where something of that name lands in the tree, links above it followed. The steps on the way are added to
/// `steps`: links make them many, and a small archive can ask for very many.
pub(super) fn landing(tree: &Tree, path: &TreePath, steps: &mut u64) -> Result<TreePath, Problem> {
    let taken = Cell::new(0);
    let look = |path: &TreePath| {
        taken.set(taken.get() + 1);
        Ok(tree.get(path).map(Hop::of))
    };
    let place = place(look, path).map_err(|error| match error {
        PlaceError::NotDirectory { parent, noun, .. } => Problem::ParentNotDirectory { parent, noun },
        PlaceError::TooManyLinks => Problem::LinkCircle,
        PlaceError::Unfollowable(cause) => Problem::Path(cause),
        PlaceError::Read(cause) => Problem::Blob(cause),
    });
    *steps += taken.get();
    place
}

impl<'tree> Builder<'tree> {
    pub(super) fn new(tree: &'tree mut Tree, owner: &'tree Owner, options: &'tree Options) -> Self {
        Self {
            tree,
            owner,
            options,
            seen: BTreeSet::new(),
            left_out: BTreeSet::new(),
            skipped: Vec::new(),
            steps: 0,
            checksums: BTreeMap::new(),
        }
    }

    /// What was left out.
    pub(super) fn finish(self) -> Vec<Skipped> {
        self.skipped
    }

    /// Puts one entry where it lands.
    pub(super) fn put(&mut self, entry: &Entry) -> Result<(), TarError> {
        self.try_put(entry).map_err(|problem| entry.problem(problem))
    }

    fn landing(&mut self, path: &TreePath) -> Result<TreePath, Problem> {
        let place = landing(self.tree, path, &mut self.steps)?;
        if self.options.paths == Paths::Literal && place != *path {
            return Err(Problem::ThroughLink { path: path.clone(), place });
        }
        let limit = self.options.limits.steps;
        if self.steps > limit {
            Err(Problem::Limit { limit, unit: "steps to its entries" })
        } else {
            Ok(place)
        }
    }

    fn try_put(&mut self, entry: &Entry) -> Result<(), Problem> {
        if self.options.paths == Paths::Literal && entry.name.starts_with(b"/") {
            return Err(Problem::Absolute);
        }
        let path = self.landing(&entry.path)?;
        if self.options.duplicates == Duplicates::Refuse && !self.seen.insert(path.clone()) {
            return Err(Problem::Duplicate { path });
        }
        let Some(node) = self.node(entry, &path)? else { return Ok(()) };
        if path.is_root() && !node.is_directory() {
            return Err(Problem::Root { noun: node.kind.noun() });
        }
        let existing_directory = self.tree.get(&path).is_some_and(Node::is_directory);
        if existing_directory && node.is_directory() {
            self.tree.declare(&path, node);
            return Ok(());
        }
        self.tree.remove(&path);
        self.left_out.remove(&path);
        self.checksums.remove(&path);
        if let Some(checksum) = &entry.checksum {
            self.checksums.insert(path.clone(), checksum.clone());
        }
        Ok(self.tree.add(&path, node)?)
    }

    /// What the entry becomes in the tree; nothing where it is left out.
    fn node(&mut self, entry: &Entry, path: &TreePath) -> Result<Option<Node>, Problem> {
        let (kind, metadata) = match &entry.kind {
            EntryKind::Directory => (Kind::Directory, entry.metadata.clone()),
            EntryKind::File(content) => {
                let kind = Kind::File { content: content.clone(), inode: self.tree.fresh_inode() };
                (kind, entry.metadata.clone())
            }
            EntryKind::Symlink(target) => {
                let mut metadata = entry.metadata.clone();
                metadata.mode = 0o777;
                (Kind::Symlink { target: target.clone() }, metadata)
            }
            EntryKind::Device(noun) => return self.leave_out(path, noun),
            EntryKind::HardLink(target) => {
                let place = self.landing(target)?;
                if self.left_out.contains(&place) {
                    return self.leave_out(path, "hard link to a device");
                }
                // Linux lets a symbolic link have two names; a copy of it cannot be told from that.
                let linked = self.tree.get(&place).filter(|node| !node.is_directory() && place != *path);
                let linked = linked.ok_or(Problem::HardLink { target: place.clone() })?;
                (linked.kind.clone(), linked.metadata.clone())
            }
        };
        Ok(Some(Node { kind, metadata, owner: self.owner.clone() }))
    }

    fn leave_out(&mut self, path: &TreePath, noun: &'static str) -> Result<Option<Node>, Problem> {
        if self.options.devices == Devices::Refuse {
            return Err(Problem::Device { noun });
        }
        // It would have replaced what was there.
        if !path.is_root() {
            self.tree.remove(path);
        }
        self.left_out.insert(path.clone());
        self.skipped.push(Skipped { path: path.clone(), noun });
        Ok(None)
    }
}
