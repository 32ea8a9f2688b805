//! Several trees, single files and at most one directory of the host as one view.

use std::collections::BTreeSet;

use ocelet_tree::{
    Conflict, Content, MergeOptions, Metadata, Overlay, Owner, Tree, TreePath, View, lookup, rehome, resolve,
};

use super::UnpackError;
use crate::host::{DirectoryView, FileError};
use crate::recipe::FileSource;

/// A directory of the host or nothing, the tree over it, and where the tree wins.
pub(super) type Combined = (Box<dyn View + Send>, Tree, BTreeSet<TreePath>);

/// Merges what is held in memory, all at once, and lays it over the directory, if there is one.
///
/// A file that replaces takes its place where the links of the merged trees lead, after whatever file or link was
/// there is gone. What it does not replace is a directory, or another file that wants to replace too.
pub(super) fn combine(
    directory: Option<DirectoryView>,
    mut trees: Vec<Tree>,
    files: &[(String, &FileSource)],
    content: &dyn Fn(&FileSource) -> Result<Content, FileError>,
) -> Result<Combined, UnpackError> {
    let mut replacements = Vec::new();
    for (name, file) in files {
        let bytes = content(file).map_err(|cause| UnpackError::File { name: name.clone(), cause })?;
        let tree = single(name, file, &file.install.value, bytes.clone())?;
        if file.replace {
            // Only the directories above it, since a link may lead to one that nothing else brings.
            let mut above = tree;
            above.remove(&file.install.value);
            trees.push(above);
            replacements.push((name, *file, bytes));
        } else {
            trees.push(tree);
        }
    }
    let conflicts = |conflicts| UnpackError::Conflicts { conflicts };
    let mut whole = Tree::merge_all(trees, &MergeOptions::default()).map_err(conflicts)?;
    let mut replacing = BTreeSet::new();
    let mut above = Vec::new();
    for (name, file, bytes) in replacements {
        let place = settle(&whole, &file.install.value);
        if whole.get(&place).is_some_and(|node| !node.is_directory()) {
            whole.remove(&place);
        }
        above.push(single(name, file, &place, bytes)?);
        replacing.insert(place);
    }
    let whole =
        Tree::merge_all(std::iter::once(whole).chain(above), &MergeOptions::default()).map_err(conflicts)?;
    let Some(directory) = directory else { return Ok((Box::new(Tree::new()), whole, replacing)) };
    let top = rehome(whole, &directory).map_err(conflicts)?;
    // A replaced file is found where its parents' links lead.
    let laid = Overlay::new(top.clone(), &directory, BTreeSet::new());
    let settled = |path: TreePath| lookup(&laid, &path).map_or(path, |there| there.path);
    let replacing: BTreeSet<TreePath> = replacing.into_iter().map(settled).collect();
    let hidden = hidden_directories(&directory, &top, &replacing)?;
    if !hidden.is_empty() {
        return Err(conflicts(hidden));
    }
    Ok((Box::new(directory), top, replacing))
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
fn single(name: &str, file: &FileSource, path: &TreePath, content: Content) -> Result<Tree, UnpackError> {
    let mut tree = Tree::new();
    let metadata = Metadata { uid: file.uid, gid: file.gid, ..Metadata::root_owned(file.mode) };
    tree.add_file(path, content, metadata, &Owner::new(name))
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
