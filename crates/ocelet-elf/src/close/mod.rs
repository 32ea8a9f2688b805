//! [`close`]: the smallest set of files that some roots need, with a reason for each.
//!
//! The set is closed: whatever a kept file needs is kept, or told as a [`Problem`]. Nothing is dropped in
//! silence, nothing is executed, and equal inputs give equal answers however many threads work on them. It
//! keeps directories only where something asks for them: whoever writes the files writes those above them.

mod absence;
mod dlopen;
mod problem;
mod reason;
mod rulework;
mod work;
mod worlds;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ocelet_tree::{TreePath, View};

use crate::rules::RulePack;
use crate::{Hwcaps, Loader, Priority, Target, Text};
pub use absence::{WouldNeed, who_would_need};
pub use problem::Problem;
pub use reason::{Kept, Reason, Step, Why};
pub use worlds::Inhabitants;

/// Where a closure begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// The file.
    pub path: TreePath,
    /// What the recipe calls it, such as `command "mount"`.
    pub label: String,
    /// Whether it may be missing.
    pub optional: bool,
}

/// What a closure is for, and what takes part in it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The platform: every ELF file that is kept must run on it.
    pub target: Target,
    /// The rule packs that are chosen.
    pub rules: Vec<RulePack>,
    /// Which variants for better processors are kept.
    pub hwcaps: Hwcaps,
    /// The least important `.note.dlopen` libraries that are kept; nothing keeps none.
    pub dlopen: Option<Priority>,
    /// Where `#!/usr/bin/env` looks, in order.
    pub path: Vec<TreePath>,
}

/// The kept files, why each is kept, and what is wrong.
#[derive(Debug, Clone, Default)]
pub struct Closure {
    /// The kept files and symbolic links, by path.
    pub files: BTreeMap<TreePath, Kept>,
    /// What makes the set unfit to run, sorted, each once.
    pub problems: Vec<Problem>,
    /// What is missing and may be: libraries of notes that only recommend or suggest them.
    pub absent: Vec<Problem>,
    /// Files that load libraries at run time, and nothing tells which.
    pub unexplained: Vec<UnexplainedDlopen>,
    /// The C libraries' worlds and who lives in them, by the path of the loader, as programs ask for it.
    pub worlds: BTreeMap<Text, Inhabitants>,
    cache: Option<Vec<u8>>,
}

/// A file that imports `dlopen`, has no `.note.dlopen`, and that no chosen rule explains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnexplainedDlopen {
    /// The file.
    pub path: TreePath,
    /// The packs that were not chosen and would explain it.
    pub packs: Vec<String>,
}

impl Options {
    /// Options for a platform: no rule packs, no variants, notes that require or recommend, the usual `PATH`.
    ///
    /// # Panics
    /// Never: the paths are written here.
    pub fn new(target: Target) -> Self {
        let path = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];
        Self {
            target,
            rules: Vec::new(),
            hwcaps: Hwcaps::Baseline,
            dlopen: Some(Priority::Recommended),
            path: path.iter().map(|place| TreePath::new(place).expect("a path")).collect(),
        }
    }
}

impl Root {
    /// A root that must be there.
    pub fn new(path: TreePath, label: impl Into<String>) -> Self {
        Self { path, label: label.into(), optional: false }
    }
}

impl Closure {
    /// Whether some kept library is only found through `/etc/ld.so.cache`, so that one must be written.
    pub fn needs_loader_cache(&self) -> bool {
        self.cache.is_some()
    }

    /// The `/etc/ld.so.cache` for the kept libraries, where one is needed: those of directories that only
    /// `/etc/ld.so.conf` names. The same bytes for the same closure.
    pub fn loader_cache(&self) -> Option<&[u8]> {
        self.cache.as_deref()
    }

    /// The shortest chain of reasons from a root to a kept file, the root first; nothing for other paths.
    pub fn chain(&self, path: &TreePath) -> Option<Vec<Step>> {
        reason::chain(&self.files, path)
    }
}

/// Computes the closure of some roots.
///
/// Libraries and plugins may be roots. One without a loader of its own takes the world of what pulled it in
/// (for a rule, the file that set it off); as a plain root, that of the C library that it needs, else glibc.
pub fn close(view: &dyn View, roots: &[Root], options: &Options) -> Closure {
    close_with(&Loader::new(view, options.hwcaps.clone()), roots, options)
}

/// Computes a closure with a loader that remembers what earlier ones looked at; its view is the one that counts.
pub fn close_with(loader: &Loader<'_>, roots: &[Root], options: &Options) -> Closure {
    work::Work::new(loader, options).run(roots)
}
