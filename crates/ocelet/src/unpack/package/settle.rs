//! Who has a file that several packages bring.
//!
//! Packages come one after the other, and the rules of their [`Format`] say who has a file that is there already.
//! Beyond those rules, two that are the same in every respect are no conflict: the first has the file. Everything
//! else is refused with both names.

use std::collections::BTreeMap;
use std::fmt;

use ocelet_tree::{Kind, Metadata, Node, Owner, TreePath};

use super::format::{Format, Verdict};

/// A file that two packages bring, and neither may overwrite the other's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The file.
    pub path: TreePath,
    /// The package that is put in place first.
    pub first: Owner,
    /// The other one.
    pub second: Owner,
    /// What differs: `other bytes` …
    pub difference: &'static str,
}

impl fmt::Display for Clash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, first, second, difference } = self;
        write!(
            formatter,
            "{path} is in {first} and in {second} ({difference}), and neither replaces the other"
        )
    }
}

/// Takes each file from all packages but the one that has it in the end; the packages come in the order of their
/// installation. What cannot be decided comes back, in the order of the paths.
pub(super) fn settle<F: Format>(packages: &mut [F]) -> Vec<Clash> {
    let mut holders: BTreeMap<TreePath, usize> = BTreeMap::new();
    let mut lost: Vec<(usize, TreePath)> = Vec::new();
    let mut clashes = Vec::new();
    for (place, package) in packages.iter().enumerate() {
        for (path, node) in package.tree().iter().filter(|(_, node)| !node.is_directory()) {
            let Some(holder) = holders.get_mut(path) else {
                holders.insert(path.clone(), place);
                continue;
            };
            let earlier = &packages[*holder];
            match F::verdict(earlier, package) {
                Verdict::Later => lost.push((std::mem::replace(holder, place), path.clone())),
                Verdict::Earlier => lost.push((place, path.clone())),
                Verdict::Clash => match difference(earlier.tree().get(path), node) {
                    None => lost.push((place, path.clone())),
                    Some(difference) => clashes.push(Clash {
                        path: path.clone(),
                        first: earlier.owner().clone(),
                        second: package.owner().clone(),
                        difference,
                    }),
                },
            }
        }
    }
    for (place, path) in lost {
        packages[place].forget(&path);
    }
    clashes.sort_by(|one, other| one.path.cmp(&other.path));
    clashes
}

/// Gives each directory that several packages declare one owner and mode in all of them.
pub(super) fn agree_on_directories<F: Format>(packages: &mut [F]) {
    let mut agreed: BTreeMap<TreePath, Metadata> = BTreeMap::new();
    for tree in packages.iter().map(Format::tree) {
        for (path, node) in tree.iter().filter(|(path, node)| node.is_directory() && !tree.is_implicit(path))
        {
            match agreed.get_mut(path) {
                None => drop(agreed.insert(path.clone(), node.metadata.clone())),
                Some(so_far) => *so_far = F::agree(so_far, &node.metadata),
            }
        }
    }
    for tree in packages.iter_mut().map(Format::tree_mut) {
        for (path, metadata) in &agreed {
            let declared = tree.get(path).is_some_and(Node::is_directory) && !tree.is_implicit(path);
            if let Some(there) = tree.metadata_mut(path).filter(|_| declared) {
                there.clone_from(metadata);
            }
        }
    }
}

/// What differs between two files or links; nothing where one can stand for the other.
fn difference(first: Option<&Node>, second: &Node) -> Option<&'static str> {
    let counted = |node: &Node| Metadata { mtime: 0, ..node.metadata.clone() };
    let Some(first) = first else { return Some("other bytes") };
    match (&first.kind, &second.kind) {
        (Kind::Symlink { target }, Kind::Symlink { target: other }) => {
            (target != other).then_some("another target")
        }
        (Kind::File { content, .. }, Kind::File { content: other, .. }) => {
            // What cannot be read is told by whoever reads it next; here it is not the same.
            if content.same_bytes(other).unwrap_or(false) {
                (counted(first) != counted(second)).then_some("another mode or owner")
            } else {
                Some("other bytes")
            }
        }
        _ => Some("a file and a link"),
    }
}
