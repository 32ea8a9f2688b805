//! What a report says of the C libraries: which there are in the image, each by its loader, and whose each file is.
//!
//! A glibc program and a musl program can share an image, and never a library that has a C library. Reports of
//! images without dynamically linked programs have none of it.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_elf::{Inhabitants, Text};
use serde::{Deserialize, Serialize};

use super::Report;

/// One C library of an image and what it loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedWorld {
    /// `glibc` or `musl`; `foreign` for programs of other loaders.
    pub libc: String,
    /// The programs that ask for the loader.
    pub programs: BTreeSet<String>,
    /// The libraries that it loads, itself among them. One that needs no C library may be in two worlds.
    pub libraries: BTreeSet<String>,
}

/// The worlds of a closure in the words of the report, by the path of the loader.
pub(crate) fn worlds(worlds: &BTreeMap<Text, Inhabitants>) -> BTreeMap<String, ReportedWorld> {
    let paths = |paths: &BTreeSet<ocelet_tree::TreePath>| paths.iter().map(ToString::to_string).collect();
    let reported = |inhabitants: &Inhabitants| ReportedWorld {
        libc: inhabitants.world.to_string(),
        programs: paths(&inhabitants.programs),
        libraries: paths(&inhabitants.libraries),
    };
    worlds.iter().map(|(loader, inhabitants)| (loader.to_string(), reported(inhabitants))).collect()
}

/// The loaders that map the file at a path, each with its C library: none for what is no dynamically linked file, two
/// for a library that needs no C library and is used by programs of both.
pub(super) fn of<'report>(
    report: &'report Report,
    path: &str,
) -> impl Iterator<Item = (&'report str, &'report ReportedWorld)> {
    report
        .worlds
        .iter()
        .filter(move |(_, world)| world.programs.contains(path) || world.libraries.contains(path))
        .map(|(loader, world)| (loader.as_str(), world))
}
