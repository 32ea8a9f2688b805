//! [`Tree`]: files held as an ordered value.
//!
//! The tree keeps three promises: the parent of every entry is a directory that is itself an entry, every
//! path can be stored in an OCI layer, and hard links share content and metadata. It refuses whatever would
//! break one of them, and never replaces an entry without being told to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::{
    Content, Inode, Kind, LinkTarget, Metadata, Name, Node, Owner, PathError, ReadError, TreePath, View,
};

/// Files by path, in the order of the paths' bytes, so that a directory always comes before what is in it.
#[derive(Debug, Clone)]
pub struct Tree {
    entries: BTreeMap<TreePath, Node>,
    /// The directories that no source declared: they are there because something is in them.
    implicit: BTreeSet<TreePath>,
    root: Node,
    root_declared: bool,
    next_inode: u64,
}

/// Why an entry cannot be put into a tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// The name begins with `.wh.`: in a layer it would delete a file (image-spec, layer.md, "Whiteouts").
    #[error(
        "{path} (from {owner}) begins with \".wh.\", which OCI layers reserve for deletions; leave it out or rename it"
    )]
    WhiteoutName {
        /// The path.
        path: TreePath,
        /// Who brings it.
        owner: Owner,
    },
    /// A parent exists and is not a directory.
    #[error(
        "{path} (from {owner}) cannot be placed: {parent} is a {noun} (from {parent_owner}), not a directory"
    )]
    ParentNotDirectory {
        /// The path.
        path: TreePath,
        /// Who brings it.
        owner: Owner,
        /// The parent in question.
        parent: TreePath,
        /// What the parent is.
        noun: &'static str,
        /// Who brought the parent.
        parent_owner: Owner,
    },
    /// Something is already there.
    #[error("{path} is brought by both {owner} and {existing}")]
    Exists {
        /// The path.
        path: TreePath,
        /// Who brings it now.
        owner: Owner,
        /// Who brought what is there.
        existing: Owner,
    },
    /// The target of a hard link is missing or not a regular file.
    #[error("{path} (from {owner}) is a hard link to {target}, which is not a file of the same tree")]
    LinkTarget {
        /// The path.
        path: TreePath,
        /// Who brings it.
        owner: Owner,
        /// The target.
        target: TreePath,
    },
    /// The whole path is too long for Linux.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A tree with nothing but a root directory.
    pub fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            implicit: BTreeSet::new(),
            root: Node::directory(0o755, &Owner::new("")),
            root_declared: false,
            next_inode: 0,
        }
    }

    /// Adds a directory. Missing parents are added with mode 0755, owned by root, and by the same source; such
    /// an implicit directory is declared, and its metadata replaced, when it is added itself.
    ///
    /// # Errors
    /// See [`InsertError`]; a declared directory that is already there is [`InsertError::Exists`].
    pub fn add_directory(
        &mut self,
        path: &TreePath,
        metadata: Metadata,
        owner: &Owner,
    ) -> Result<(), InsertError> {
        self.add(path, Node { kind: Kind::Directory, metadata, owner: owner.clone() })
    }

    /// Adds a regular file with an inode of its own.
    ///
    /// # Errors
    /// See [`InsertError`].
    pub fn add_file(
        &mut self,
        path: &TreePath,
        content: Content,
        metadata: Metadata,
        owner: &Owner,
    ) -> Result<(), InsertError> {
        let inode = self.fresh_inode();
        self.add(path, Node { kind: Kind::File { content, inode }, metadata, owner: owner.clone() })
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// See [`InsertError`].
    pub fn add_symlink(
        &mut self,
        path: &TreePath,
        target: LinkTarget,
        metadata: Metadata,
        owner: &Owner,
    ) -> Result<(), InsertError> {
        let metadata = Metadata { mode: 0o777, ..metadata };
        self.add(path, Node { kind: Kind::Symlink { target }, metadata, owner: owner.clone() })
    }

    /// Adds a second name for the regular file at `target`.
    ///
    /// # Errors
    /// See [`InsertError`]; [`InsertError::LinkTarget`] where the target is not a file of this tree.
    pub fn add_hard_link(
        &mut self,
        path: &TreePath,
        target: &TreePath,
        owner: &Owner,
    ) -> Result<(), InsertError> {
        match self.get(target) {
            Some(node) if node.inode().is_some() => {
                let linked = Node { owner: owner.clone(), ..node.clone() };
                self.add(path, linked)
            }
            _ => Err(InsertError::LinkTarget {
                path: path.clone(),
                owner: owner.clone(),
                target: target.clone(),
            }),
        }
    }

    /// An inode that no file of this tree has yet.
    pub fn fresh_inode(&mut self) -> Inode {
        let inode = Inode(self.next_inode);
        self.next_inode += 1;
        inode
    }

    /// Where the inodes of this tree end.
    pub(crate) fn next_inode(&self) -> u64 {
        self.next_inode
    }

    /// Makes sure that fresh inodes begin at `next`, so that files of this tree can stand beside those of another one
    /// without being taken for hard links of them.
    pub fn raise_inodes(&mut self, next: u64) {
        self.next_inode = self.next_inode.max(next);
    }

    /// Adds an entry whose inode, if it has one, comes from [`Tree::fresh_inode`] or from this tree.
    pub(crate) fn add(&mut self, path: &TreePath, node: Node) -> Result<(), InsertError> {
        self.check(path, &node.owner)?;
        if node.is_directory() && (path.is_root() || self.implicit.contains(path)) {
            self.declare(path, node);
            return Ok(());
        }
        if let Some(existing) = self.get(path) {
            let existing = existing.owner.clone();
            return Err(InsertError::Exists { path: path.clone(), owner: node.owner, existing });
        }
        for parent in path.ancestors() {
            if !self.entries.contains_key(&parent) {
                self.entries.insert(parent.clone(), Node::directory(0o755, &node.owner));
                self.implicit.insert(parent);
            }
        }
        self.entries.insert(path.clone(), node);
        Ok(())
    }

    /// Adds a directory that nobody declared; one that is there already stays as it is.
    pub(crate) fn add_implicit(&mut self, path: &TreePath, node: Node) -> Result<(), InsertError> {
        if self.get(path).is_some_and(Node::is_directory) {
            return Ok(());
        }
        self.add(path, node)?;
        self.implicit.insert(path.clone());
        Ok(())
    }

    /// Gives the directory at `path` the metadata and the owner of `node`, and keeps what is in it.
    pub(crate) fn declare(&mut self, path: &TreePath, node: Node) {
        self.implicit.remove(path);
        if path.is_root() {
            self.root = node;
            self.root_declared = true;
        } else {
            self.entries.insert(path.clone(), node);
        }
    }

    /// Whether the directory at `path` was declared by no source, and is only there because something is in it.
    /// Its metadata then means nothing to a merge.
    pub fn is_implicit(&self, path: &TreePath) -> bool {
        if path.is_root() { !self.root_declared } else { self.implicit.contains(path) }
    }

    fn check(&self, path: &TreePath, owner: &Owner) -> Result<(), InsertError> {
        TreePath::new(path.as_bytes())?;
        if path.components().any(|name| name.as_bytes().starts_with(b".wh.")) {
            return Err(InsertError::WhiteoutName { path: path.clone(), owner: owner.clone() });
        }
        for parent in path.ancestors() {
            match self.entries.get(&parent) {
                None => break,
                Some(node) if node.is_directory() => {}
                Some(node) => {
                    return Err(InsertError::ParentNotDirectory {
                        path: path.clone(),
                        owner: owner.clone(),
                        parent,
                        noun: node.kind.noun(),
                        parent_owner: node.owner.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Removes an entry and, where it is a directory, all that is in it. Whether anything was there.
    pub fn remove(&mut self, path: &TreePath) -> bool {
        if path.is_root() {
            let some = !self.entries.is_empty();
            self.entries.clear();
            self.implicit.clear();
            return some;
        }
        let inside: Vec<TreePath> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in &inside {
            self.entries.remove(path);
            self.implicit.remove(path);
        }
        self.implicit.remove(path);
        self.entries.remove(path).is_some()
    }

    /// The entry at exactly this path.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        if path.is_root() { Some(&self.root) } else { self.entries.get(path) }
    }

    /// The metadata at exactly this path, to be changed. Hard links of a file must be changed alike. Whether a
    /// directory is implicit stays as it is.
    pub fn metadata_mut(&mut self, path: &TreePath) -> Option<&mut Metadata> {
        if path.is_root() {
            Some(&mut self.root.metadata)
        } else {
            self.entries.get_mut(path).map(|node| &mut node.metadata)
        }
    }

    /// The content of the file at exactly this path, to be replaced. Hard links of a file must be changed alike.
    pub fn content_mut(&mut self, path: &TreePath) -> Option<&mut Content> {
        match &mut self.entries.get_mut(path)?.kind {
            Kind::File { content, .. } => Some(content),
            Kind::Directory | Kind::Symlink { .. } => None,
        }
    }

    /// All entries but the root, in the order of their paths' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &Node)> {
        self.entries.iter()
    }

    /// All entries with the root before them, and whether they are implicit.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (TreePath, Node, bool)> {
        let Self { entries, implicit, root, root_declared, .. } = self;
        let entries = entries.into_iter().map(move |(path, node)| {
            let implicit = implicit.contains(&path);
            (path, node, implicit)
        });
        std::iter::once((TreePath::root(), root, !root_declared)).chain(entries)
    }

    /// All entries inside the directory at `path`, at any depth, without itself.
    pub fn below<'tree>(
        &'tree self,
        path: &TreePath,
    ) -> impl Iterator<Item = (&'tree TreePath, &'tree Node)> + use<'tree> {
        // '0' is the byte after '/': siblings whose names merely begin alike lie outside, and cost nothing.
        let (start, end) = ([path.as_bytes(), b"/"].concat(), [path.as_bytes(), b"0"].concat());
        let bounds = if path.is_root() {
            (Bound::Unbounded, Bound::Unbounded)
        } else {
            (Bound::Excluded(start.as_slice()), Bound::Excluded(end.as_slice()))
        };
        self.entries.range::<[u8], _>(bounds)
    }

    /// How many entries there are, the root not counted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl View for Tree {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        Ok(self.get(path).cloned())
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        let mut names = Vec::new();
        let prefix = if path.is_root() { Vec::new() } else { [path.as_bytes(), b"/"].concat() };
        let mut from = Bound::Excluded(prefix.clone());
        // Every child has an entry of its own, which sorts before what is in it: deeper entries are jumped over.
        loop {
            let range = (from.as_ref().map(Vec::as_slice), Bound::Unbounded);
            let Some((path, _)) = self.entries.range::<[u8], _>(range).next() else { break };
            let Some(rest) = path.as_bytes().strip_prefix(prefix.as_slice()) else { break };
            from = match rest.iter().position(|byte| *byte == b'/') {
                None => {
                    names.push(Name::new(rest).expect("a component of a path is a name"));
                    Bound::Excluded(path.as_bytes().to_vec())
                }
                // '0' is the byte after '/': the first key that is not inside the child.
                Some(slash) => Bound::Included([&prefix, &rest[..slash], b"0"].concat()),
            };
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResolveError, resolve};

    fn path(text: &str) -> TreePath {
        TreePath::new(text).expect("a path in a test")
    }

    fn tree(entries: &[&str]) -> Tree {
        let owner = Owner::new("test");
        let mut tree = Tree::new();
        for entry in entries {
            let done = match entry.split_once(" -> ") {
                Some((link, target)) => {
                    let target = LinkTarget::new(target).expect("a target");
                    tree.add_symlink(&path(link), target, Metadata::root_owned(0o777), &owner)
                }
                None if entry.ends_with('/') => {
                    tree.add_directory(&path(entry), Metadata::root_owned(0o755), &owner)
                }
                None => {
                    let content = Content::from_bytes(*entry, entry.as_bytes().to_vec());
                    tree.add_file(&path(entry), content, Metadata::root_owned(0o644), &owner)
                }
            };
            done.expect(entry);
        }
        tree
    }

    #[test]
    fn names_of_a_directory_are_its_children_and_no_more() {
        let tree = tree(&["/a/b/c", "/a/b-x", "/a/b.d/e/f", "/a/z", "/ab", "/c/"]);
        for (directory, want) in [
            ("/", &["a", "ab", "c"][..]),
            ("/a", &["b", "b-x", "b.d", "z"]),
            ("/a/b", &["c"]),
            ("/c", &[]),
            ("/a/z", &[]),
            ("/none", &[]),
        ] {
            let names = tree.names(&path(directory)).expect("in memory");
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names, want, "{directory}");
        }
        assert_eq!(tree.below(&path("/a/b")).count(), 1);
        assert_eq!(tree.below(&path("/a")).count(), 7);
    }

    #[test]
    fn an_entry_needs_a_place() {
        let owner = Owner::new("test");
        let mut tree = tree(&["/a/b", "/l -> a"]);
        let meta = || Metadata::root_owned(0o644);
        let content = || Content::from_bytes("x", *b"x");
        let mut file =
            |at: &str| tree.add_file(&path(at), content(), meta(), &owner).map_err(|error| error.to_string());
        for (at, want) in [
            ("/a/b", "/a/b is brought by both test and test"),
            ("/a/b/c", "/a/b is a file"),
            ("/l/c", "/l is a symbolic link"),
            ("/x/.wh.y", "reserve for deletions"),
            ("/.wh.d/y", "reserve for deletions"),
        ] {
            let said = file(at).expect_err(at);
            assert!(said.contains(want), "{at}: {said}");
        }
        assert_eq!(file("/fresh/dir/x"), Ok(()));
    }

    #[test]
    fn an_implicit_directory_can_be_declared_once() {
        let owner = Owner::new("test");
        let mut tree = tree(&["/a/b"]);
        assert!(tree.is_implicit(&path("/a")) && !tree.is_implicit(&path("/a/b")));
        tree.add_directory(&path("/a"), Metadata::root_owned(0o700), &owner).expect("implicit so far");
        assert!(!tree.is_implicit(&path("/a")));
        assert_eq!(tree.get(&path("/a")).expect("there").metadata.mode, 0o700);
        assert!(tree.get(&path("/a/b")).is_some(), "declaring keeps what is inside");
        let again = tree.add_directory(&path("/a"), Metadata::root_owned(0o755), &owner);
        assert!(matches!(again, Err(InsertError::Exists { .. })));
        assert!(tree.remove(&path("/a")) && tree.is_empty() && !tree.is_implicit(&path("/a")));
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let tree = tree(&[
            "/usr/lib/libc.so",
            "/lib -> usr/lib",
            "/abs -> /lib/libc.so",
            "/climb -> ../../../usr",
            "/loop -> loop",
            "/gone -> usr/nothing",
            "/usr/up -> ../lib/../bin",
            "/usr/bin/",
        ]);
        for (wanted, want) in [
            ("/lib/libc.so", Ok(("/usr/lib/libc.so", 1))),
            ("/abs", Ok(("/usr/lib/libc.so", 2))),
            ("/climb/lib", Ok(("/usr/lib", 1))),
            ("/usr/up", Ok(("/usr/bin", 2))),
            ("/", Ok(("/", 0))),
            ("/loop", Err("more than 40")),
            ("/gone", Err("the symbolic link /gone leads to /usr/nothing")),
            ("/usr/lib/libc.so/x", Err("does not exist")),
        ] {
            match (resolve(&tree, &path(wanted)), want) {
                (Ok(found), Ok((place, links))) => {
                    assert_eq!(
                        (found.path.to_string().as_str(), found.links.len()),
                        (place, links),
                        "{wanted}"
                    );
                }
                (
                    Err(error @ (ResolveError::TooManyLinks { .. } | ResolveError::Absent { .. })),
                    Err(said),
                ) => {
                    assert!(error.to_string().contains(said), "{wanted}: {error}");
                }
                (got, want) => panic!("{wanted}: got {got:?}, wanted {want:?}"),
            }
        }
    }
}
