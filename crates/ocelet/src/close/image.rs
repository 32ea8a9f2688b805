//! [`ImageView`]: what one flavor's image will hold, as files that links can be followed in. Nothing else of the
//! shared tree is seen through it.

use std::collections::BTreeSet;

use ocelet_tree::{Name, Node, ReadError, Tree, TreePath, View};

use super::Kept;

/// The files of one flavor, directories above them included.
pub(super) struct ImageView<'kept> {
    kept: &'kept Kept,
    tree: &'kept Tree,
    parents: BTreeSet<TreePath>,
}

impl<'kept> ImageView<'kept> {
    /// What `kept` says of the shared tree.
    pub(super) fn new(kept: &'kept Kept, tree: &'kept Tree) -> Self {
        let parents = kept.paths.keys().flat_map(TreePath::ancestors).collect();
        Self { kept, tree, parents }
    }

    /// Whether the image has something at exactly this path.
    pub(super) fn has(&self, path: &TreePath) -> bool {
        self.kept.paths.contains_key(path) || self.parents.contains(path)
    }

    /// What the image has at exactly this path.
    pub(super) fn get(&self, path: &TreePath) -> Option<&'kept Node> {
        if path.is_root() {
            return self.tree.get(path);
        }
        if !self.has(path) {
            return None;
        }
        self.kept.own.get(path).filter(|node| !node.is_directory()).or_else(|| self.tree.get(path))
    }
}

impl View for ImageView<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        Ok(self.get(path).cloned())
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        let inside = self.kept.paths.keys().chain(&self.parents);
        let names: BTreeSet<Name> =
            inside.filter(|one| one.parent().as_ref() == Some(path)).filter_map(TreePath::name).collect();
        Ok(names.into_iter().collect())
    }
}
