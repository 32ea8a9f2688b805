//! [`Request`], [`Unfound`]: what a file asks its loader for, and why nothing answers.

use std::sync::Arc;

use ocelet_tree::TreePath;

use super::Found;
use crate::files::{Directory, Place};
use crate::{Mismatch, Text, WantKind, World};

/// How a library was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// By a table of the file.
    Want(WantKind),
    /// By a call at run time that a note or a rule tells of.
    Dlopen,
}

/// One request that nothing answers.
#[derive(Debug, Clone)]
pub struct Unfound {
    /// Which object asked.
    pub from: usize,
    /// The name that was asked for.
    pub name: Text,
    /// How it was asked for.
    pub request: Request,
    /// Why not.
    pub why: WhyUnfound,
}

/// Why a library was not found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyUnfound {
    /// No file of that name in these directories.
    Nowhere {
        /// The directories that exist and were searched, in order.
        searched: Vec<TreePath>,
    },
    /// There are files of that name, but none for this machine: the first of them, and what it is made for.
    OtherMachine {
        /// The first file that was passed over.
        path: TreePath,
        /// What it is made for.
        mismatch: Mismatch,
    },
    /// The file that the loader takes is the other C library's: two C libraries in one process do not work,
    /// though neither loader looks before it maps.
    OtherWorld {
        /// The file.
        path: TreePath,
        /// The world that it was linked against.
        world: World,
    },
    /// The file that the loader takes cannot be loaded.
    Unusable {
        /// The file.
        path: TreePath,
        /// Why.
        why: String,
    },
}

/// What a search came to.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Hit {
        place: Arc<Place>,
        directory: Option<Arc<Directory>>,
        path: Vec<u8>,
        found: Found,
    },
    /// The loader itself answers to the name.
    Itself,
    Miss(WhyUnfound),
}
