//! Who has a file that several packages bring, by the rules of apk-tools (3.0, `src/database.c`,
//! `apk_db_install_file` and `apk_db_dir_apply_diri_permissions`; `src/package.c`, `apk_dep_is_materialized`).
//!
//! Packages come one after the other. A file that is there already is overwritten if both packages were built from one
//! source package, or if the new one `replaces` the other and the other does not replace it with a higher priority; it
//! stays if only the other replaces the new one. Beyond apk, two that are the same in every respect are no conflict:
//! the first has the file. Everything else is refused with both names.
//!
//! A directory that several packages have gets the lowest owner, of these the lowest group, and of the modes of those
//! what all of them allow.

use std::collections::BTreeMap;
use std::fmt;

use ocelet_package::apk::{Contents, Control, Dependency, Identity, Operator};
use ocelet_tree::{Kind, Metadata, Node, Owner, TreePath};

/// A package that was proved, with its files.
#[derive(Debug)]
pub(super) struct Opened {
    /// Who has its files.
    pub(super) owner: Owner,
    /// What it says of itself.
    pub(super) control: Control,
    /// Its files.
    pub(super) contents: Contents,
}

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

/// Which of two packages has a file that both bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The one that is put in place first.
    Earlier,
    /// The one that is put in place after it.
    Later,
    /// Neither may overwrite the other's.
    Clash,
}

/// Takes each file from all packages but the one that has it in the end; the packages come in the order of their
/// installation. What cannot be decided comes back, in the order of the paths.
pub(super) fn settle(packages: &mut [Opened]) -> Vec<Clash> {
    let mut holders: BTreeMap<TreePath, usize> = BTreeMap::new();
    let mut lost: Vec<(usize, TreePath)> = Vec::new();
    let mut clashes = Vec::new();
    for (place, package) in packages.iter().enumerate() {
        for (path, node) in package.contents.tree.iter().filter(|(_, node)| !node.is_directory()) {
            let Some(holder) = holders.get_mut(path) else {
                holders.insert(path.clone(), place);
                continue;
            };
            let earlier = &packages[*holder];
            match verdict(&earlier.control, &package.control) {
                Verdict::Later => lost.push((std::mem::replace(holder, place), path.clone())),
                Verdict::Earlier => lost.push((place, path.clone())),
                Verdict::Clash => match difference(earlier.contents.tree.get(path), node) {
                    None => lost.push((place, path.clone())),
                    Some(difference) => clashes.push(Clash {
                        path: path.clone(),
                        first: earlier.owner.clone(),
                        second: package.owner.clone(),
                        difference,
                    }),
                },
            }
        }
    }
    for (place, path) in lost {
        let contents = &mut packages[place].contents;
        contents.tree.remove(&path);
        contents.identities.remove(&path);
    }
    clashes.sort_by(|one, other| one.path.cmp(&other.path));
    clashes
}

/// Gives each directory that several packages declare one owner and mode in all of them.
pub(super) fn agree_on_directories(packages: &mut [Opened]) {
    let mut agreed: BTreeMap<TreePath, Metadata> = BTreeMap::new();
    for tree in packages.iter().map(|package| &package.contents.tree) {
        for (path, node) in tree.iter().filter(|(path, node)| node.is_directory() && !tree.is_implicit(path))
        {
            match agreed.get_mut(path) {
                None => drop(agreed.insert(path.clone(), node.metadata.clone())),
                Some(so_far) => *so_far = agree(so_far, &node.metadata),
            }
        }
    }
    for tree in packages.iter_mut().map(|package| &mut package.contents.tree) {
        for (path, metadata) in &agreed {
            let declared = tree.get(path).is_some_and(Node::is_directory) && !tree.is_implicit(path);
            if let Some(there) = tree.metadata_mut(path).filter(|_| declared) {
                there.clone_from(metadata);
            }
        }
    }
}

/// What a directory becomes that two packages declare.
fn agree(one: &Metadata, other: &Metadata) -> Metadata {
    match (other.uid, other.gid).cmp(&(one.uid, one.gid)) {
        std::cmp::Ordering::Less => other.clone(),
        std::cmp::Ordering::Equal => Metadata { mode: one.mode & other.mode, ..one.clone() },
        std::cmp::Ordering::Greater => one.clone(),
    }
}

/// Who has a file that both bring.
fn verdict(earlier: &Control, later: &Control) -> Verdict {
    let origin = |control: &Control| control.info.origin.clone().filter(|origin| !origin.is_empty());
    if origin(earlier).is_some() && origin(earlier) == origin(later) {
        return Verdict::Later;
    }
    // Nothing is less than the lowest priority.
    let (its, mine) = (priority(earlier, later), priority(later, earlier));
    if its > mine {
        Verdict::Earlier
    } else if mine.is_some() {
        Verdict::Later
    } else {
        Verdict::Clash
    }
}

/// The priority with which a package replaces another one; nothing where it does not.
fn priority(package: &Control, other: &Control) -> Option<u32> {
    let info = &package.info;
    let any =
        info.replaces.iter().filter_map(|term| Dependency::parse(term).ok()).any(|term| is(&term, other));
    any.then(|| info.replaces_priority.unwrap_or(0))
}

/// Whether a term means this very package: what it provides does not count.
fn is(term: &Dependency<'_>, package: &Control) -> bool {
    if term.conflict || term.name != package.info.name {
        return false;
    }
    match term.constraint {
        Some(constraint) if constraint.operator == Operator::CHECKSUM => {
            let wanted = constraint.version.parse::<Identity>().ok();
            wanted.is_some_and(|wanted| wanted == package.identity || wanted == package.strong_identity)
        }
        _ => term.accepts(Some(&package.info.version)),
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
