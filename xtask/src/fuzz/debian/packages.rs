//! Packages, their index, their scripts, and dpkg's database of them.

use std::collections::BTreeMap;

use ocelet_package::deb::{
    Archive, Database, Index, Installed, Layout, MaintainerScript, MaintainerScriptKind, RelationKind,
    alternative_links,
};
use ocelet_package::deb_solve::{Listed, Request, Root, check, solve};
use ocelet_tree::{Owner, TreePath};
use sha2::{Digest, Sha256};

use super::told;
use crate::fuzz::targets::Bench;

/// A small package must not unpack to more.
const LIMIT: u64 = 32 << 20;
/// What stands between the files of a database in one input.
pub(super) const BETWEEN: u8 = 0x1e;
/// The names of those files below `var/lib/dpkg`.
const FILES: [&str; 6] = [
    "status",
    "info/one.list",
    "info/one.md5sums",
    "info/one:amd64.list",
    "status.d/two",
    "status.d/two.md5sums",
];

/// What a package says, and a choice of packages.
pub(super) fn index(_: &Bench, input: &[u8]) {
    let index = match Index::from_bytes(input.to_vec()) {
        Ok(index) => index,
        Err(error) => return told(&error),
    };
    for package in index.packages() {
        let _ = (package.version().map(|version| version.epoch()), package.source(), package.summary());
        for kind in RelationKind::BINARY {
            for relation in package.relations(kind).each() {
                let _ = relation.map_or_else(|error| error.to_string(), |relation| relation.to_string());
            }
        }
        let _ = index.providing(package.name).count();
    }
    let roots = ["one", "two (>= 1)"].map(|text| Root::parse(text).expect("a root"));
    let request = Request {
        indexes: vec![Listed::new(&index)],
        architecture: "amd64",
        roots: roots.to_vec(),
        ..Request::default()
    };
    match solve(&request) {
        Ok(solution) => {
            let packages: Vec<_> = solution.packages.iter().map(|chosen| chosen.package).collect();
            check("amd64", &roots, &packages).expect("what was chosen fits together");
        }
        Err(error) => told(&error),
    }
}

/// As unpack opens it, and close writes it down: its own digest is that of the index.
pub(super) fn package(_: &Bench, input: &[u8]) {
    let archive = match Archive::open("fuzz", input) {
        Ok(archive) => archive,
        Err(error) => return told(&error),
    };
    let verified = match archive.verify_digest(Sha256::digest(input).into()) {
        Ok(verified) => verified,
        Err(error) => return told(&error),
    };
    let control = verified.control().clone();
    let effects = control.effects();
    links(&effects.alternatives);
    for script in &control.scripts {
        let _ = script.steps();
    }
    let contents = verified.unpack(LIMIT).and_then(|package| package.contents(&Owner::new("fuzz")));
    match contents {
        Ok(contents) => {
            let _ = contents.copyright(control.package().name);
            let packages = vec![Installed::of(&control, &contents)];
            written(&Database { packages });
        }
        Err(error) => told(&error),
    }
}

/// What a script would have done.
pub(super) fn script(_: &Bench, input: &[u8]) {
    let script = MaintainerScript { kind: MaintainerScriptKind::PostInst, text: input.to_vec() };
    let _ = script.steps();
    links(&script.effects().alternatives);
}

fn links(alternatives: &[ocelet_package::deb::Alternative]) {
    let wanted = alternatives.last().map(|one| (one.leader.name.clone(), one.leader.path.clone()));
    for wanted in [BTreeMap::new(), wanted.into_iter().collect()] {
        let _ = alternative_links(alternatives, &wanted, |_| true).map_err(|error| error.to_string());
    }
}

/// The database of an image that packages are laid over.
pub(super) fn database(_: &Bench, input: &[u8]) {
    let parts = input.split(|byte| *byte == BETWEEN).map(<[u8]>::to_vec);
    let place = |name: &str| TreePath::new(name).expect("a plain path");
    let files = FILES.map(place).into_iter().zip(parts).collect();
    match Database::read(&files) {
        Ok(database) => written(&database),
        Err(error) => told(&error),
    }
}

/// What was read is cut down and written, and can be read again.
fn written(database: &Database) {
    for package in &database.packages {
        package.with_package(|package| package.version().is_ok());
        let _ = (package.is_installed(), package.copyright());
    }
    let kept = database.kept(|path| (!path.as_bytes().ends_with(b"x")).then(|| path.clone()));
    let _ = (kept.files().count(), kept.unwritable());
    for layout in [Layout::Status, Layout::StatusDirectory] {
        let again = Database::read(&kept.to_files(layout)).expect("it was just written");
        if kept.unwritable().is_empty() {
            assert_eq!(again.packages.len(), kept.packages.len(), "a package was lost");
        }
    }
}
