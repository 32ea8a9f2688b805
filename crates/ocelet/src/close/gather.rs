//! From paths to files: copies what is kept out of the sources into one tree for all flavors, with the epoch as its
//! time, and adds what the recipe itself makes: directories and links.

use std::collections::BTreeMap;

use ocelet_elf::{Closure, Why};
use ocelet_tree::{
    Content, Inode, InsertError, Kind, LinkTarget, Metadata, Node, Owner, ResolveError, Tree, TreePath, View,
    lookup, resolve,
};

use super::error::CloseError;
use super::roots::Found;
use super::{Because, Kept};
use crate::recipe::{Directory, Flavor, FlavorName};

/// Who brings what the recipe itself makes.
const RECIPE: &str = "recipe";

/// A file that ocelet makes for one flavor.
pub(super) struct Made {
    /// Where.
    pub(super) path: TreePath,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
    /// Who may do what with it.
    pub(super) metadata: Metadata,
    /// Why; at least one reason.
    pub(super) because: Vec<Because>,
}

/// The tree of all flavors, as it grows.
pub(super) struct Gather<'view> {
    view: &'view dyn View,
    epoch: i64,
    tree: Tree,
    /// The first path of each file that has been copied: its further names become hard links.
    files: BTreeMap<Inode, TreePath>,
    /// Which flavor decided on what the recipe itself makes.
    decided: BTreeMap<TreePath, FlavorName>,
    /// Links that stand in for what a script would have linked, by where they lie, and why each is there.
    declared: BTreeMap<TreePath, String>,
}

impl<'view> Gather<'view> {
    /// An empty tree; `declared` are the links that were made in a script's place.
    pub(super) fn new(view: &'view dyn View, epoch: i64, declared: &BTreeMap<TreePath, String>) -> Self {
        let settled = |path: &TreePath| lookup(view, path).map_or_else(|_| path.clone(), |there| there.path);
        let declared = declared.iter().map(|(path, because)| (settled(path), because.clone())).collect();
        Self { view, epoch, tree: Tree::new(), files: BTreeMap::new(), decided: BTreeMap::new(), declared }
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn finish(self) -> Tree {
        self.tree
    }

    /// Takes in what one flavor keeps.
    pub(super) fn flavor(
        &mut self,
        flavor: &Flavor,
        found: &Found,
        closure: &Closure,
    ) -> Result<Kept, CloseError> {
        let (commands, worlds) = (found.commands.clone(), closure.worlds.clone());
        let mut kept = Kept { commands, worlds, ..Kept::default() };
        kept.missing.extend(found.missing.iter().map(|(message, _)| message.clone()));
        kept.missing.extend(closure.problems.iter().map(ToString::to_string));
        let acknowledged = |path: &TreePath| flavor.acknowledged_dlopen.keys().any(|glob| glob.matches(path));
        let unexplained = closure.unexplained.iter().map(|one| &one.path).filter(|path| !acknowledged(path));
        kept.unexplained_dlopen = unexplained.cloned().collect();
        for (path, label) in &found.directories {
            self.copy(path)?;
            reason(&mut kept, path, "directory", label);
        }
        for (path, label) in &found.links {
            self.copy(path)?;
            reason(&mut kept, path, "link", label);
        }
        for (path, why) in &closure.files {
            self.copy(path)?;
            let reasons = why.reasons.iter().map(|reason| self.declared_reason(path, reason_of(reason)));
            kept.paths.entry(path.clone()).or_default().extend(reasons);
        }
        for (path, directory) in &flavor.directories {
            self.directory(flavor, path, &directory.value, directory.span.line, &mut kept)?;
        }
        for (path, target) in &flavor.links {
            self.link(flavor, path, &target.value, target.span.line, &mut kept)?;
        }
        Ok(kept)
    }

    /// The reason for a link, which says where the link comes from if no package has it.
    fn declared_reason(&self, path: &TreePath, because: Because) -> Because {
        match self.declared.get(path) {
            Some(detail) if because.kind == "link" => {
                Because { kind: "alternative".to_owned(), detail: detail.clone(), ..because }
            }
            _ => because,
        }
    }

    /// Adds a file that ocelet makes.
    pub(super) fn generated(&mut self, path: &TreePath, bytes: &[u8]) -> Result<(), CloseError> {
        self.parents(path)?;
        self.tree.remove(path);
        let content = Content::from_bytes(path.to_string(), bytes.to_vec());
        let metadata = Metadata { mtime: self.epoch, ..Metadata::root_owned(0o644) };
        self.tree.add_file(path, content, metadata, &Owner::new("ocelet")).map_err(CloseError::Keep)
    }

    /// Adds a file that ocelet makes for one flavor alone.
    ///
    /// # Errors
    /// A directory is there, or something that is no directory above it.
    pub(super) fn own(&mut self, flavor: &Flavor, made: Made, kept: &mut Kept) -> Result<(), CloseError> {
        let Made { path, bytes, metadata, because } = made;
        let label = because.first().map_or_else(String::new, |because| because.detail.clone());
        let place = self.settle(&path, &label, kept)?;
        self.parents(&place)?;
        let in_the_way = |at: &TreePath, node: &Node| CloseError::InTheWay {
            path: path.clone(),
            flavor: flavor.name.value.clone(),
            at: at.clone(),
            noun: node.kind.noun(),
            owner: node.owner.clone(),
        };
        for parent in place.ancestors() {
            if let Some(node) = self.tree.get(&parent).filter(|node| !node.is_directory()) {
                return Err(in_the_way(&parent, node));
            }
        }
        let there = match self.tree.get(&place) {
            Some(node) => Some(node.clone()),
            None => self.view.entry(&place)?,
        };
        if let Some(node) = there.filter(Node::is_directory) {
            return Err(in_the_way(&place, &node));
        }
        let content = Content::from_bytes(place.to_string(), bytes);
        let metadata = Metadata { mtime: self.epoch, xattrs: BTreeMap::new(), ..metadata };
        // One layer may hold files of both trees: no two of them may look like one file with two names.
        kept.own.raise_inodes(self.tree.fresh_inode().0);
        let added = kept.own.add_file(&place, content, metadata, &Owner::new("ocelet"));
        added.map_err(|cause| cannot(flavor, cause))?;
        let reasons = kept.paths.entry(place).or_default();
        reasons.extend(because);
        Ok(())
    }

    /// Keeps what a path leads to, with the links on the way; nothing is kept where it leads nowhere.
    pub(super) fn keep(
        &mut self,
        path: &TreePath,
        because: &Because,
        kept: &mut Kept,
    ) -> Result<(), CloseError> {
        let there = match resolve(self.view, path) {
            Ok(there) => there,
            Err(ResolveError::Read(error)) => return Err(error.into()),
            Err(_) => return Ok(()),
        };
        for place in there.links.iter().chain([&there.path]) {
            self.copy(place)?;
            let reasons = kept.paths.entry(place.clone()).or_default();
            if reasons.is_empty() {
                reasons.push(because.clone());
            }
        }
        Ok(())
    }

    /// Copies one entry and its parents out of the sources.
    fn copy(&mut self, path: &TreePath) -> Result<(), CloseError> {
        if path.is_root()
            || self.tree.get(path).is_some_and(|node| !node.is_directory() || self.decided.contains_key(path))
        {
            return Ok(());
        }
        self.parents(path)?;
        let Some(node) = self.view.entry(path)? else { return Ok(()) };
        self.place(path, node).map_err(CloseError::Keep)
    }

    fn place(&mut self, path: &TreePath, node: Node) -> Result<(), InsertError> {
        let metadata = Metadata { mtime: self.epoch, ..node.metadata };
        match node.kind {
            Kind::Directory if self.tree.get(path).is_some() => Ok(()),
            Kind::Directory => self.tree.add_directory(path, metadata, &node.owner),
            Kind::Symlink { target } => self.tree.add_symlink(path, target, metadata, &node.owner),
            Kind::File { content, inode } => {
                if let Some(first) = self.files.get(&inode) {
                    return self.tree.add_hard_link(path, first, &node.owner);
                }
                self.files.insert(inode, path.clone());
                self.tree.add_file(path, content, metadata, &node.owner)
            }
        }
    }

    /// The directories above a path, as the sources have them; where they have none, root's and 0755.
    fn parents(&mut self, path: &TreePath) -> Result<(), CloseError> {
        for parent in path.ancestors() {
            if self.tree.get(&parent).is_some() {
                continue;
            }
            let node = match self.view.entry(&parent)? {
                Some(node) => node,
                None => Node::directory(0o755, &Owner::new(RECIPE)),
            };
            self.place(&parent, node).map_err(CloseError::Keep)?;
        }
        Ok(())
    }

    /// Where a path of the recipe lies once the links above it are followed; those links are kept with it.
    fn settle(&mut self, path: &TreePath, label: &str, kept: &mut Kept) -> Result<TreePath, CloseError> {
        let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { return Ok(path.clone()) };
        let mut existing = Some(parent);
        while let Some(ancestor) = existing {
            if let Ok(there) = resolve(self.view, &ancestor) {
                for link in &there.links {
                    self.copy(link)?;
                    reason(kept, link, "link", label);
                }
                let rest = path.below(&ancestor).unwrap_or_else(|| path.clone());
                return Ok(there.path.descend(&rest));
            }
            existing = ancestor.parent();
        }
        Ok(path.clone())
    }

    fn directory(
        &mut self,
        flavor: &Flavor,
        path: &TreePath,
        wanted: &Directory,
        line: usize,
        kept: &mut Kept,
    ) -> Result<(), CloseError> {
        let label = format!("directory {path} (line {line})");
        // A link to a directory is what is wanted already.
        if let Ok(there) = lookup(self.view, path)
            && matches!(there.node.kind, Kind::Symlink { .. })
            && let Ok(end) = resolve(self.view, path)
            && end.node.is_directory()
        {
            for link in end.links.iter().chain([&end.path]) {
                self.copy(link)?;
                reason(kept, link, "directory", &label);
            }
            return Ok(());
        }
        let place = self.settle(path, &label, kept)?;
        self.parents(&place)?;
        let metadata = Metadata {
            mode: wanted.mode,
            uid: wanted.uid,
            gid: wanted.gid,
            mtime: self.epoch,
            ..Metadata::root_owned(0)
        };
        self.agree(flavor, &place, &metadata)?;
        match self.tree.metadata_mut(&place) {
            Some(there) => *there = metadata,
            None => self
                .tree
                .add_directory(&place, metadata, &Owner::new(RECIPE))
                .map_err(|cause| cannot(flavor, cause))?,
        }
        self.decided.insert(place.clone(), flavor.name.value.clone());
        reason(kept, &place, "directory", &label);
        Ok(())
    }

    /// Two flavors that both speak of a directory must say the same: it is one entry in every layer.
    fn agree(&self, flavor: &Flavor, path: &TreePath, wanted: &Metadata) -> Result<(), CloseError> {
        let (Some(node), Some(other)) = (self.tree.get(path), self.decided.get(path)) else { return Ok(()) };
        if node.metadata == *wanted {
            return Ok(());
        }
        let shown =
            |metadata: &Metadata| format!("{:04o} of {}:{}", metadata.mode, metadata.uid, metadata.gid);
        Err(CloseError::FlavorsDisagree {
            path: path.clone(),
            flavor: flavor.name.value.clone(),
            wanted: shown(wanted),
            other: other.to_string(),
            there: shown(&node.metadata),
        })
    }

    fn link(
        &mut self,
        flavor: &Flavor,
        path: &TreePath,
        target: &LinkTarget,
        line: usize,
        kept: &mut Kept,
    ) -> Result<(), CloseError> {
        let label = format!("link {path} (line {line})");
        let place = self.settle(path, &label, kept)?;
        self.parents(&place)?;
        let there = match self.tree.get(&place) {
            Some(node) => Some(node.clone()),
            None => self.view.entry(&place)?,
        };
        let decided = self.decided.get(&place);
        match there.as_ref().map(|node| &node.kind) {
            Some(Kind::Symlink { target: there }) if there == target => self.copy(&place)?,
            None => self.new_link(flavor, &place, target)?,
            // The recipe's word counts more than a source's link, for every flavor that keeps the path; it does not
            // count more than another flavor's.
            Some(Kind::Symlink { .. }) if decided.is_none() => self.new_link(flavor, &place, target)?,
            Some(other) => {
                return Err(CloseError::FlavorsDisagree {
                    flavor: flavor.name.value.clone(),
                    wanted: format!("a link to {target}"),
                    other: match decided {
                        Some(flavor) => format!("flavor {flavor}"),
                        None => {
                            there.as_ref().map_or_else(String::new, |node| format!("source {}", node.owner))
                        }
                    },
                    there: match other {
                        Kind::Symlink { target } => format!("a link to {target}"),
                        other => format!("a {}", other.noun()),
                    },
                    path: place,
                });
            }
        }
        reason(kept, &place, "link", &label);
        Ok(())
    }

    fn new_link(&mut self, flavor: &Flavor, place: &TreePath, target: &LinkTarget) -> Result<(), CloseError> {
        self.tree.remove(place);
        let metadata = Metadata { mtime: self.epoch, ..Metadata::root_owned(0o777) };
        let done = self.tree.add_symlink(place, target.clone(), metadata, &Owner::new(RECIPE));
        done.map_err(|cause| cannot(flavor, cause))?;
        self.decided.insert(place.clone(), flavor.name.value.clone());
        Ok(())
    }
}

fn cannot(flavor: &Flavor, cause: InsertError) -> CloseError {
    CloseError::Place { flavor: flavor.name.value.clone(), cause }
}

fn reason(kept: &mut Kept, path: &TreePath, kind: &str, detail: &str) {
    let because = Because { kind: kind.to_owned(), from: None, detail: detail.to_owned() };
    let reasons = kept.paths.entry(path.clone()).or_default();
    if !reasons.contains(&because) {
        reasons.push(because);
    }
}

/// A reason of the closure in the words of the report.
pub(crate) fn reason_of(reason: &ocelet_elf::Reason) -> Because {
    let kind = match &reason.why {
        Why::Root { label } if label.starts_with("command ") => "command",
        Why::Root { .. } => "file",
        Why::Loader { .. } => "loader",
        Why::Library { .. } => "needed",
        Why::Shebang { .. } => "interpreter",
        Why::Note { .. } => "note",
        Why::Rule { .. } => "rule",
        Why::Variant { .. } => "variant",
        Why::LoaderConfiguration => "loader configuration",
        Why::LeadsTo => "link",
    };
    let detail = match &reason.why {
        Why::Rule { source, .. } => format!("{} [{source}]", reason.why),
        why => why.to_string(),
    };
    Because { kind: kind.to_owned(), from: reason.from.as_ref().map(ToString::to_string), detail }
}
