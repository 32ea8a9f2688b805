//! Several trees, single files and at most one directory of the host as one view.

use std::collections::BTreeSet;

use ocelet_tree::{
    Conflict, Content, MergeOptions, Metadata, Overlay, Owner, Tree, TreePath, View, lookup, rehome,
};

use super::UnpackError;
use crate::host::{DirectoryView, FileError};
use crate::recipe::FileSource;

/// A directory of the host or nothing, the tree over it, and where the tree wins.
pub(super) type Combined = (Box<dyn View + Send>, Tree, BTreeSet<TreePath>);

/// Merges what is held in memory, and lays it over the directory, if there is one.
pub(super) fn combine(
    directory: Option<DirectoryView>,
    trees: Vec<Tree>,
    files: &[(String, &FileSource)],
    content: &dyn Fn(&FileSource) -> Result<Content, FileError>,
) -> Result<Combined, UnpackError> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    let mut whole = Tree::new();
    for tree in trees {
        if let Err(found) = whole.merge(tree) {
            conflicts.extend(found);
        }
    }
    let mut replacing = BTreeSet::new();
    for (name, file) in files {
        let owner = Owner::new(name);
        let bytes = content(file).map_err(|cause| UnpackError::File { name: name.clone(), cause })?;
        let mut tree = Tree::new();
        let metadata = Metadata { uid: file.uid, gid: file.gid, ..Metadata::root_owned(file.mode) };
        tree.add_file(&file.install.value, bytes, metadata, &owner)
            .map_err(|cause| UnpackError::Insert { name: name.clone(), cause })?;
        let mut options = MergeOptions::default();
        if file.replace {
            replacing.insert(file.install.value.clone());
            // A link would be a thing of another kind, which no preference settles.
            if whole.get(&file.install.value).is_some_and(|node| !node.is_directory()) {
                whole.remove(&file.install.value);
            }
            options.prefer.push(owner);
        }
        if let Err(found) = whole.merge_with(tree, &options) {
            conflicts.extend(found);
        }
    }
    let (base, top): (Box<dyn View + Send>, Tree) = match directory {
        None => (Box::new(Tree::new()), whole),
        Some(directory) => match rehome(whole, &directory) {
            Ok(top) => (Box::new(directory), top),
            Err(found) => {
                conflicts.extend(found);
                (Box::new(directory), Tree::new())
            }
        },
    };
    if !conflicts.is_empty() {
        return Err(UnpackError::Conflicts { conflicts });
    }
    // A replaced file is found where its parents' links lead.
    let replacing = replacing
        .into_iter()
        .map(|path| {
            lookup(&Overlay::new(top.clone(), &*base, BTreeSet::new()), &path)
                .map_or(path, |there| there.path)
        })
        .collect();
    Ok((base, top, replacing))
}
