//! The close room: keeps what the wishes of each flavor need, with a reason for every file, and says what is missing.
//!
//! It never guesses silently: a file is kept for a reason that can be told, and what it cannot know — a program that
//! loads libraries by names it makes up at run time — is reported.

pub(crate) mod commands;
mod error;
mod flavor;
mod gather;
mod mounted;
mod roots;
mod wanted;

use std::collections::BTreeMap;

use ocelet_tree::{Owner, Tree, TreePath};
use serde::{Deserialize, Serialize};

use crate::recipe::{FlavorName, Platform, Stability};

pub use error::{CloseError, Missing};
pub use flavor::{close, hold_something, settle};
pub(crate) use gather::reason_of;
pub(crate) use mounted::is_mounted;

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
