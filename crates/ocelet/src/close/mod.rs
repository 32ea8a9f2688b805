//! The close room: keeps what the wishes of each flavor need, with a reason for every file, and says what is missing.
//!
//! It never guesses silently: a file is kept for a reason that can be told, and what it cannot know — a program that
//! loads libraries by names it makes up at run time — is reported.

mod accounts;
mod advice;
pub(crate) mod commands;
mod error;
mod flavor;
mod gather;
mod image;
mod mounted;
mod packages;
mod roots;
mod scripts;
mod text;
mod unfit;
mod wanted;
mod warnings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ocelet_elf::{Inhabitants, Text};
use ocelet_tree::{Node, Owner, Tree, TreePath};
use serde::{Deserialize, Serialize};

use crate::recipe::{FlavorName, Platform, Stability};

pub use error::{CloseError, Missing, Unfit};
pub use flavor::{close, hold_something, settle};
pub(crate) use gather::reason_of;
pub(crate) use mounted::is_mounted;
pub use packages::{Distribution, KeptPackage, PackageKind};
pub(crate) use roots::DEFAULT_PATH;
pub use scripts::{UnrunScript, UnrunStep};

/// What all flavors of a recipe keep for one platform.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The platform.
    pub platform: Platform,
    /// The files of all flavors, with the epoch as their time.
    pub tree: Tree,
    /// What each flavor keeps of them.
    pub flavors: BTreeMap<FlavorName, Kept>,
    /// What is missing, for all flavors.
    pub missing: Vec<Missing>,
    /// What the recipe calls its root file systems.
    pub sources: BTreeMap<String, String>,
    /// How often the files of each owner change.
    pub(crate) stabilities: BTreeMap<Owner, Stability>,
}

/// What one flavor keeps.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The paths with their reasons; plain parent directories are not among them.
    pub paths: BTreeMap<TreePath, Vec<Because>>,
    /// The commands that were asked for, and where each was found.
    pub commands: BTreeMap<String, Option<TreePath>>,
    /// Programs that load libraries at run time without saying which, and that nobody has acknowledged.
    pub unexplained_dlopen: Vec<TreePath>,
    /// What is missing, as sentences.
    pub missing: Vec<String>,
    /// The files that ocelet makes for this flavor, which other flavors may have otherwise. They win over those of
    /// [`Closed::tree`], where the directories above them are too; all of them are among [`Kept::paths`].
    pub own: Tree,
    /// The packages and artifacts of which the flavor keeps at least one file, by the owner of their files.
    pub packages: BTreeMap<Owner, KeptPackage>,
    /// The distribution that its packages are of, where they tell.
    pub distribution: Option<Distribution>,
    /// The scripts of its packages that were not run.
    pub scripts: Vec<UnrunScript>,
    /// The C libraries' worlds and who lives in them, by the path of the loader.
    pub worlds: BTreeMap<Text, Inhabitants>,
}

impl Closed {
    /// What a flavor has at a path.
    pub fn node<'closed>(&'closed self, kept: &'closed Kept, path: &TreePath) -> Option<&'closed Node> {
        kept.own.get(path).filter(|node| !node.is_directory()).or_else(|| self.tree.get(path))
    }

    /// How often the files of an owner change: a package's as often as its source's.
    pub(crate) fn stability(&self, owner: &Owner) -> Option<Stability> {
        let source = || owner.as_str().split_once('/').map(|(source, _)| Owner::new(source));
        self.stabilities.get(owner).or_else(|| self.stabilities.get(&source()?)).copied()
    }
}

impl Kept {
    /// Whether the file at a path is one that ocelet made for this flavor.
    pub fn is_own(&self, path: &TreePath) -> bool {
        self.own.get(path).is_some_and(|node| !node.is_directory())
    }
}

/// One reason why a file is kept: an edge from another file, or from the recipe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// The kind of reason: `command`, `file`, `needed`, `interpreter`, `link` …
    pub kind: String,
    /// The kept file that asks for it; nothing where the recipe itself does.
    pub from: Option<String>,
    /// What exactly is asked for: a soname, a rule and its source, the recipe's line.
    pub detail: String,
}

impl Because {
    /// A reason for a file that ocelet makes.
    fn generated(detail: impl Into<String>) -> Self {
        Self { kind: "generated".to_owned(), from: None, detail: detail.into() }
    }
}
