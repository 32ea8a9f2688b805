//! [`Files`]: where the files of a layer come from: the tree that all flavors share, and the small trees of those
//! files that each flavor has alone. It holds no files itself, and refuses nothing: what is in neither is absent.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Node, Tree, TreePath};

use crate::close::Closed;

/// The files of all flavors of one platform.
#[derive(Debug, Clone)]
pub struct Files<'closed> {
    shared: &'closed Tree,
    own: BTreeMap<&'closed str, &'closed Tree>,
}

impl<'closed> Files<'closed> {
    /// The files that were kept for one platform.
    pub fn of(closed: &'closed Closed) -> Self {
        let own = closed.flavors.iter().map(|(name, kept)| (name.as_str(), &kept.own)).collect();
        Self { shared: &closed.tree, own }
    }

    /// Files of which no flavor has any alone.
    pub fn shared(shared: &'closed Tree) -> Self {
        Self { shared, own: BTreeMap::new() }
    }

    /// What a layer of these flavors has at a path. A layer of one flavor has that flavor's own files; directories
    /// are always those of the shared tree, so that every layer says the same of them.
    pub fn node(&self, flavors: &BTreeSet<String>, path: &TreePath) -> Option<&'closed Node> {
        let mut names = flavors.iter();
        let own = match (names.next(), names.next()) {
            (Some(only), None) => self.own.get(only.as_str()).and_then(|own| own.get(path)),
            _ => None,
        };
        own.filter(|node| !node.is_directory()).or_else(|| self.shared.get(path))
    }
}
