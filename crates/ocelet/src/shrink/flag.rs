//! [`flagged`]: which files of a closed platform the recipe wants packed, and how; daemons among them are errors.
//!
//! A file is flagged by the source that brought it. Nothing is ever packed that no source is flagged for.

use std::collections::BTreeMap;

use ocelet_tree::{Inode, Kind, Owner, TreePath};

use super::daemons;
use crate::close::Closed;
use crate::recipe::{PackMethod, Recipe, Source, SourceName};

/// A file to be packed, with all its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flagged {
    /// Its names, at least one, in order.
    pub(super) paths: Vec<TreePath>,
    /// How it is to be packed.
    pub(super) method: PackMethod,
}

/// The line of the first flag of a recipe; nothing where it has none.
pub fn first_flag(recipe: &Recipe) -> Option<usize> {
    recipe.sources.values().filter_map(|source| Some(source.pack.as_ref()?.span.line)).min()
}

/// The flagged files of a platform, in the order of their first names. What may not be flagged is added to `problems`.
pub(super) fn flagged(recipe: &Recipe, closed: &Closed, problems: &mut Vec<String>) -> Vec<Flagged> {
    let mut files: BTreeMap<Inode, Flagged> = BTreeMap::new();
    for (path, node) in closed.tree.iter() {
        let Kind::File { inode, .. } = &node.kind else { continue };
        let Some((source, pack)) =
            source_of(recipe, &node.owner).and_then(|source| Some((source, source.pack.as_ref()?)))
        else {
            continue;
        };
        let is_named =
            pack.value.files.is_empty() || pack.value.files.iter().any(|glob| glob.value.matches(path));
        if !is_named {
            continue;
        }
        if let Some(what) = daemon(path) {
            problems.push(format!(
                "{path}: {what}; source {} flags it in line {}",
                source.name.value, pack.span.line
            ));
            continue;
        }
        let method = pack.value.method.unwrap_or(PackMethod::Lzma);
        files.entry(*inode).or_insert_with(|| Flagged { paths: Vec::new(), method }).paths.push(path.clone());
    }
    let mut files: Vec<Flagged> = files.into_values().collect();
    files.sort_by(|one, other| one.paths.cmp(&other.paths));
    files
}

/// The source that an owner's files come from: itself, or that of a package.
fn source_of<'recipe>(recipe: &'recipe Recipe, owner: &Owner) -> Option<&'recipe Source> {
    let name = owner.as_str().split_once('/').map_or(owner.as_str(), |(source, _)| source);
    recipe.sources.get(&SourceName::new(name).ok()?)
}

/// What kind of daemon a file is, where it is one. A source that says so itself cannot be flagged at all.
fn daemon(path: &TreePath) -> Option<String> {
    let name = path.name()?.to_string();
    daemons::known(&name).map(|what| format!("{name} is {what}"))
}
