//! Applying an image layer: whiteouts first, then the entries (image-spec, layer.md, "Applying Changesets").

use super::build::{Builder, landing};
use super::entries::{Entries, Entry};
use super::error::{Problem, TarError};
use super::{Options, Skipped};
use crate::{Name, Owner, Tree, TreePath};

/// Hides everything that the lower layers have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What AUFS kept for itself began like this; unpackers drop it.
const BOOKKEEPING: &[u8] = b".wh..wh.";
/// Hides what follows it in the lower layers.
const WHITEOUT: &[u8] = b".wh.";

/// What the name of an entry means in a layer.
enum Meaning {
    Entry,
    Opaque(TreePath),
    Hide(TreePath),
    Nothing,
}

/// Applies the entries of a layer to the tree of the layers below.
pub(super) fn apply(
    tree: &mut Tree,
    entries: Entries,
    owner: &Owner,
    options: &Options,
) -> Result<Vec<Skipped>, TarError> {
    let mut kept = Vec::with_capacity(entries.0.len());
    for entry in entries.0 {
        match meaning(&entry).map_err(|problem| entry.problem(problem))? {
            Meaning::Entry => kept.push(entry),
            Meaning::Opaque(directory) => {
                // The directory itself may be reached through a link: a name in it is what gets placed.
                if let Some(directory) = lower(tree, &directory.join(&probe())).and_then(|path| path.parent())
                {
                    empty(tree, &directory);
                }
            }
            Meaning::Hide(path) => {
                if let Some(path) = lower(tree, &path) {
                    tree.remove(&path);
                }
            }
            Meaning::Nothing => {}
        }
    }
    let mut builder = Builder::new(tree, owner, options);
    for entry in &kept {
        builder.put(entry)?;
    }
    Ok(builder.finish())
}

fn meaning(entry: &Entry) -> Result<Meaning, Problem> {
    let (Some(name), Some(directory)) = (entry.path.name(), entry.path.parent()) else {
        return Ok(Meaning::Entry);
    };
    let bookkeeping = |name: &Name| name.as_bytes().starts_with(BOOKKEEPING);
    match name.as_bytes() {
        OPAQUE => Ok(Meaning::Opaque(directory)),
        _ if entry.path.components().any(|name| bookkeeping(&name)) => Ok(Meaning::Nothing),
        name => match name.strip_prefix(WHITEOUT) {
            None => Ok(Meaning::Entry),
            Some(hidden) => {
                let hidden = Name::new(hidden).map_err(|_| Problem::Whiteout)?;
                Ok(Meaning::Hide(directory.join(&hidden)))
            }
        },
    }
}

fn probe() -> Name {
    Name::new(OPAQUE).expect("a name")
}

/// Where a whiteout points in the lower layers; nothing where there is no way there, and so nothing to hide.
fn lower(tree: &Tree, path: &TreePath) -> Option<TreePath> {
    landing(tree, path).ok()
}

fn empty(tree: &mut Tree, directory: &TreePath) {
    let children: Vec<TreePath> = tree
        .below(directory)
        .map(|(path, _)| path.clone())
        .filter(|path| path.parent().as_ref() == Some(directory))
        .collect();
    for child in children {
        tree.remove(&child);
    }
}
