//! [`Overlay`]: a small tree laid over files that are read lazily.
//!
//! What the recipe adds to a machine's root directory is a handful of files, and nobody wants to read the whole
//! directory to add them. The overlay answers like the merged tree would, one path at a time, and keeps a list of
//! the places where both sides differ. It never chooses silently: only what the caller says is replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::merge::difference;
use crate::{Conflict, Inode, Kind, Name, Node, ReadError, Tree, TreePath, View};

/// A tree over a view. The tree must have been moved to the base's links with [`crate::rehome`] first.
pub struct Overlay<'base> {
    top: Tree,
    base: &'base dyn View,
    replacing: BTreeSet<TreePath>,
    found: Mutex<Found>,
}

/// What was found out so far.
#[derive(Default)]
struct Found {
    conflicts: BTreeMap<TreePath, Conflict>,
    /// The inodes of the base, numbered on from those of the tree.
    inodes: BTreeMap<Inode, Inode>,
}

impl<'base> Overlay<'base> {
    /// Lays `top` over `base`. At the places in `replacing` the tree wins without a word; a directory of the base
    /// that is replaced by something else hides all that was in it.
    pub fn new(top: Tree, base: &'base dyn View, replacing: BTreeSet<TreePath>) -> Self {
        Self { top, base, replacing, found: Mutex::default() }
    }

    /// The tree on top.
    pub fn top(&self) -> &Tree {
        &self.top
    }

    /// The places among those that were asked for where the two sides differ, in the order of their paths, and
    /// forgets them. The tree's entry was the answer there.
    pub fn take_conflicts(&self) -> Vec<Conflict> {
        std::mem::take(&mut self.found().conflicts).into_values().collect()
    }

    /// Nothing panics while it is held, so a poisoned lock is as good as any.
    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The base's entry, its inode one that no file of the tree has.
    fn below(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        // What is in a directory that the tree replaced by a file or a link is gone.
        let hidden = |parent: &TreePath| self.top.get(parent).is_some_and(|node| !node.is_directory());
        if path.ancestors().any(|parent| hidden(&parent)) {
            return Ok(None);
        }
        let Some(mut node) = self.base.entry(path)? else { return Ok(None) };
        if let Kind::File { inode, .. } = &mut node.kind {
            let mut found = self.found();
            let fresh = Inode(self.top.next_inode().saturating_add(found.inodes.len() as u64));
            *inode = *found.inodes.entry(*inode).or_insert(fresh);
        }
        Ok(Some(node))
    }
}

impl View for Overlay<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        let Some(top) = self.top.get(path) else { return self.below(path) };
        if self.replacing.contains(path) {
            return Ok(Some(top.clone()));
        }
        let Some(below) = self.below(path)? else { return Ok(Some(top.clone())) };
        if self.top.is_implicit(path) && below.is_directory() {
            return Ok(Some(below));
        }
        if let Some(conflict) = difference(path, top, &below) {
            self.found().conflicts.entry(path.clone()).or_insert(conflict);
        }
        Ok(Some(top.clone()))
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        let mut names: BTreeSet<Name> = self.top.names(path)?.into_iter().collect();
        if self.top.get(path).is_none_or(Node::is_directory)
            && self.below(path)?.is_some_and(|node| node.is_directory())
        {
            names.extend(self.base.names(path)?);
        }
        Ok(names.into_iter().collect())
    }
}

impl std::fmt::Debug for Overlay<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Overlay({} entries on top)", self.top.len())
    }
}

#[cfg(test)]
mod tests;
