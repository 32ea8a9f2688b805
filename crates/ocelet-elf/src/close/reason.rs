//! [`Kept`], [`Reason`]: why a file is in the closure, as edges that chains are made of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use ocelet_tree::TreePath;

use crate::{Found, Priority, Text, WantKind};

/// One kept file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// All reasons.
    pub reasons: BTreeSet<Reason>,
}

/// One reason for keeping a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// What kind of reason.
    pub why: Why,
    /// The kept file that is the reason; nothing where the recipe itself is.
    pub from: Option<TreePath>,
}

/// Kinds of reasons. The order is that in which they are preferred where two chains are equally short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The recipe asks for it.
    Root {
        /// What the recipe calls it.
        label: String,
    },
    /// It is the loader that a program asks the kernel for.
    Loader {
        /// The path, as the program has it.
        written: Text,
    },
    /// A library wants it.
    Library {
        /// The name that is asked for.
        name: Text,
        /// How much it is wanted.
        kind: WantKind,
        /// How it is found.
        found: Found,
    },
    /// A script is run by it.
    Shebang {
        /// What the first line says: the interpreter, or the command that `env` looks up.
        written: String,
    },
    /// A library that a `.note.dlopen` names.
    Note {
        /// The name that is asked for.
        name: Text,
        /// What it is for.
        feature: String,
        /// How much is lost without it.
        priority: Priority,
    },
    /// A rule of a pack.
    Rule {
        /// The pack.
        pack: String,
        /// Why.
        reason: String,
        /// Where that is written.
        source: String,
    },
    /// The variant of a library for better processors.
    Variant {
        /// The level, such as `x86-64-v3`.
        level: String,
    },
    /// The loader reads it to know where libraries are.
    LoaderConfiguration,
    /// It is a symbolic link on the way to the file.
    LeadsTo,
}

/// One step of a chain: a file, and why it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub path: TreePath,
    /// Why it is kept; its `from` is the path of the step before.
    pub reason: Reason,
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { label } => write!(formatter, "{label}"),
            Self::Loader { written } => write!(formatter, "is its loader {written}"),
            Self::Library { name, kind, found } => {
                let how = match found {
                    Found::ByPath | Found::AsLoader => "",
                    Found::Rpath => ", found by RPATH",
                    Found::Runpath => ", found by RUNPATH",
                    Found::Cache => ", found by the loader cache",
                    Found::Default => ", found in a default directory",
                };
                let verb = match kind {
                    WantKind::Needed => "needs",
                    WantKind::Filter => "is a filter for",
                    WantKind::Auxiliary => "prefers",
                };
                write!(formatter, "{verb} {name}{how}")
            }
            Self::Shebang { written } => write!(formatter, "is a script of {written}"),
            Self::Note { name, feature, .. } => {
                write!(formatter, "loads {name} for {feature} (.note.dlopen)")
            }
            Self::Rule { pack, reason, .. } => write!(formatter, "{reason} (rule pack {pack})"),
            Self::Variant { level } => write!(formatter, "has this variant for {level}"),
            Self::LoaderConfiguration => formatter.write_str("reads its search path there"),
            Self::LeadsTo => formatter.write_str("is reached through this link"),
        }
    }
}

/// The shortest chain to a file, by a breadth-first search backwards; among equals, the first in order.
pub(super) fn chain(files: &BTreeMap<TreePath, Kept>, path: &TreePath) -> Option<Vec<Step>> {
    let mut towards: BTreeMap<TreePath, Option<Step>> = BTreeMap::from([(path.clone(), None)]);
    let mut queue = VecDeque::from([path.clone()]);
    while let Some(at) = queue.pop_front() {
        for reason in &files.get(&at)?.reasons {
            let step = Step { path: at.clone(), reason: reason.clone() };
            match &reason.from {
                None => return Some(forwards(step, &towards)),
                Some(from) if !towards.contains_key(from) && files.contains_key(from) => {
                    towards.insert(from.clone(), Some(step));
                    queue.push_back(from.clone());
                }
                Some(_) => {}
            }
        }
    }
    None
}

fn forwards(first: Step, towards: &BTreeMap<TreePath, Option<Step>>) -> Vec<Step> {
    let mut steps = vec![first];
    while let Some(Some(next)) = steps.last().and_then(|step| towards.get(&step.path)) {
        steps.push(next.clone());
    }
    steps
}
