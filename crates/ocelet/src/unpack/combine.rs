//! Several trees, some of which replace what others bring, and at most one directory of the host as one view.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{
    Conflict, Content, Inode, Kind, MergeOptions, Metadata, Overlay, Owner, Tree, TreePath, View, lookup,
    rehome, resolve,
};

use super::UnpackError;
use crate::host::DirectoryView;
use crate::recipe::FileSource;

/// A directory of the host or nothing, the tree over it, and where the tree wins.
pub(super) type Combined = (Box<dyn View + Send>, Tree, BTreeSet<TreePath>);

/// Merges what is held in memory, all at once, and lays it over the directory, if there is one.
///
/// A file of `replacing` takes its place where the links of the merged trees lead, after whatever file or link was
/// there is gone. What it does not replace is a directory, or another file that wants to replace too.
pub(super) fn combine(
    directory: Option<DirectoryView>,
    mut trees: Vec<Tree>,
    replacing: &[Tree],
) -> Result<Combined, UnpackError> {
    let conflicts = |conflicts| UnpackError::Conflicts { conflicts };
    // Only the directories at first, since a link may lead to one that nothing else brings.
    trees.extend(replacing.iter().map(directories));
    let mut whole = Tree::merge_all(trees, &MergeOptions::default()).map_err(conflicts)?;
    let mut above = Vec::new();
    let mut places = BTreeSet::new();
    for tree in replacing {
        let settled = settled(&whole, tree)?;
        places.extend(files(&settled));
        above.push(settled);
    }
    for place in &places {
        if whole.get(place).is_some_and(|node| !node.is_directory()) {
            whole.remove(place);
        }
    }
    let whole =
        Tree::merge_all(std::iter::once(whole).chain(above), &MergeOptions::default()).map_err(conflicts)?;
    let Some(directory) = directory else { return Ok((Box::new(Tree::new()), whole, places)) };
    let top = rehome(whole, &directory).map_err(conflicts)?;
    // A replaced file is found where its parents' links lead.
    let laid = Overlay::new(top.clone(), &directory, BTreeSet::new());
    let settled = |path: TreePath| lookup(&laid, &path).map_or(path, |there| there.path);
    let replacing: BTreeSet<TreePath> = places.into_iter().map(settled).collect();
    let hidden = hidden_directories(&directory, &top, &replacing)?;
    if !hidden.is_empty() {
        return Err(conflicts(hidden));
    }
    Ok((Box::new(directory), top, replacing))
}

/// The tree without its files and links.
fn directories(tree: &Tree) -> Tree {
    let mut directories = tree.clone();
    for path in files(tree) {
        directories.remove(&path);
    }
    directories
}

/// The paths of all files and links.
fn files(tree: &Tree) -> Vec<TreePath> {
    tree.iter().filter(|(_, node)| !node.is_directory()).map(|(path, _)| path.clone()).collect()
}

/// The files and links of a tree, each where the links of `whole` above it lead.
fn settled(whole: &Tree, tree: &Tree) -> Result<Tree, UnpackError> {
    let mut moved = Tree::new();
    let mut names: BTreeMap<Inode, TreePath> = BTreeMap::new();
    for (path, node) in tree.iter() {
        let place = settle(whole, path);
        let added = match &node.kind {
            Kind::Directory => Ok(()),
            Kind::Symlink { target } => {
                moved.add_symlink(&place, target.clone(), node.metadata.clone(), &node.owner)
            }
            Kind::File { content, inode } => {
                if let Some(first) = names.get(inode) {
                    moved.add_hard_link(&place, first, &node.owner)
                } else {
                    names.insert(*inode, place.clone());
                    moved.add_file(&place, content.clone(), node.metadata.clone(), &node.owner)
                }
            }
        };
        added.map_err(|cause| UnpackError::Insert { name: node.owner.to_string(), cause })?;
    }
    Ok(moved)
}

/// The directories of the host that a replacing file would hide with all that is in them.
fn hidden_directories(
    directory: &DirectoryView,
    top: &Tree,
    replacing: &BTreeSet<TreePath>,
) -> Result<Vec<Conflict>, UnpackError> {
    let mut conflicts = Vec::new();
    for path in replacing {
        let (Some(file), Some(there)) = (top.get(path), directory.entry(path)?) else { continue };
        if there.is_directory() {
            conflicts.push(Conflict::Kinds {
                path: path.clone(),
                owner: there.owner,
                noun: there.kind.noun(),
                other: file.owner.clone(),
                other_noun: file.kind.noun(),
            });
        }
    }
    Ok(conflicts)
}

/// A tree with nothing but one file of the recipe.
pub(super) fn single(name: &str, file: &FileSource, content: Content) -> Result<Tree, UnpackError> {
    let mut tree = Tree::new();
    let metadata = Metadata { uid: file.uid, gid: file.gid, ..Metadata::root_owned(file.mode) };
    tree.add_file(&file.install.value, content, metadata, &Owner::new(name))
        .map_err(|cause| UnpackError::Insert { name: name.to_owned(), cause })?;
    Ok(tree)
}

/// The path with the links above its last component followed. The directories above it are in the tree.
fn settle(tree: &Tree, path: &TreePath) -> TreePath {
    let parent = path.parent().and_then(|parent| resolve(tree, &parent).ok());
    match (parent, path.name()) {
        (Some(parent), Some(name)) => parent.path.join(&name),
        _ => path.clone(),
    }
}
