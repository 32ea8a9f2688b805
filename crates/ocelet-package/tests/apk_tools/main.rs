//! The test tables that apk-tools publishes, run against this crate.
//!
//! The tables are not part of this repository: `OCELET_APK_TOOLS_TESTS` names the `test` directory of a
//! source tree of apk-tools (or any directory with `*.test`, `*.repo`, `*.installed` and `version.data`
//! files in it or one level below). Without it the tests say so and return. Both forms of the
//! format are read: `@REPO`, `@INSTALLED`, `@WORLD`, `@CACHE` of apk-tools 3 and `--test-repo` and its like of 2.x.

mod commands;
mod render;
mod scenario;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scenario::Scenario;

/// Where the published tables are, if anywhere.
#[expect(clippy::print_stdout, reason = "a test that does not run says so")]
#[expect(
    clippy::disallowed_methods,
    reason = "the tables of another project come from outside of the repository"
)]
pub(crate) fn tables() -> Option<PathBuf> {
    let directory = std::env::var_os("OCELET_APK_TOOLS_TESTS").map(PathBuf::from);
    if directory.is_none() {
        println!("skipped: OCELET_APK_TOOLS_TESTS names no test directory of apk-tools");
    }
    directory
}

/// The text of a file.
#[expect(
    clippy::disallowed_methods,
    reason = "the tables of another project come from outside of the repository"
)]
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Files with this extension in a directory and one level below, by name.
pub(crate) fn files(directory: &Path, extension: &str) -> BTreeMap<String, PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the result is sorted")]
    fn list(directory: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(directory).expect("the directory of the tables can be listed");
        entries.map(|entry| entry.expect("its entries can be read").path()).collect()
    }
    let mut found = list(directory);
    found.extend(found.clone().iter().filter(|path| path.is_dir()).flat_map(|path| list(path)));
    let named = found.into_iter().filter(|path| path.extension().is_some_and(|have| have == extension));
    named.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path)).collect()
}

/// Scenarios about something else than the choice of packages.
const NOT_ABOUT_SOLVING: [(&str, &str); 1] =
    [("iolimit1", "the bound on the size of a downloaded index, which is not this crate's")];

#[test]
fn published_scenarios_come_out_as_published() {
    let Some(directory) = tables() else { return };
    let scenarios = files(&directory, "test");
    assert!(!scenarios.is_empty(), "no scenario in {}", directory.display());
    let mut wrong = Vec::new();
    let mut run = 0;
    for (name, path) in &scenarios {
        if let Some((_, reason)) = NOT_ABOUT_SOLVING.iter().find(|(skipped, _)| skipped == name) {
            println!("left out: {name}: {reason}");
            continue;
        }
        let scenario = Scenario::parse(&read(path));
        let directory = path.parent().expect("a file is in a directory");
        let got = commands::run(&scenario, directory);
        run += 1;
        if render::comparable(&got) != render::comparable(&scenario.expect) {
            wrong.push(format!("{name}: wanted\n{}got\n{got}", scenario.expect));
        }
    }
    println!("{} of {run} published scenarios agree", run - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
