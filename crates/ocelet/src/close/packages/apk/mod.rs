//! Alpine's package database of a flavor: `installed`, `scripts.tar` and `triggers` in its directory, and the list
//! of wanted packages, without which apk does not open it (apk-tools, `src/database.c`, `apk_db_read_state`).
//!
//! A database that a root file system brings and that is true as it stands is kept as it is.

mod base;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_package::apk::{self, Identity, InstalledScript};
use ocelet_tree::{Metadata, Name, TreePath};

use super::settled::{Listed, Settled};
use super::{CloseError, Packages, Record, Recorded};
use crate::close::gather::{Gather, Made};
use crate::close::image::ImageView;
use crate::close::warnings::Warnings;
use crate::close::{Because, Kept};
use crate::recipe::Flavor;
use crate::unpack::Installed;
pub(super) use base::Base;

/// The list of wanted packages.
const WORLD: &str = "/etc/apk/world";

/// A package with its record in Alpine's database.
type Known<'all> = (&'all Recorded<'all>, &'all apk::Installed);

/// What a record says of its paths.
pub(super) fn paths(installed: &apk::Installed) -> Vec<(TreePath, Listed)> {
    let mut paths = Vec::new();
    for directory in &installed.directories {
        paths.push((directory.path.clone(), Listed::Directory));
        paths.extend(directory.files.iter().map(|file| (directory.path.join(&file.name), Listed::File)));
    }
    paths
}

impl Packages<'_> {
    /// Writes the database of these packages, which are in the order of their names.
    pub(super) fn apk_database(
        &self,
        flavor: &Flavor,
        recorded: &[Recorded<'_>],
        gather: &mut Gather<'_>,
        kept: &mut Kept,
        warnings: &mut Warnings,
    ) -> Result<(), CloseError> {
        let recorded: Vec<Known<'_>> = recorded
            .iter()
            .filter_map(|one| match one.record {
                Record::Apk(installed) => Some((one, installed)),
                Record::Deb(_) => None,
            })
            .collect();
        if recorded.is_empty() {
            return Ok(());
        }
        let image = ImageView::new(kept, gather.tree());
        let cut = recorded.iter().flat_map(|(one, installed)| {
            let whole = apk::Database { packages: vec![(*installed).clone()] };
            whole.kept(|path| Self::place_of(one, path, gather, &image)).packages
        });
        let mut database = apk::Database { packages: cut.collect() };
        drop_unwritable(&mut database, flavor, warnings);
        if self.is_true_already(&database, kept) {
            return Ok(());
        }
        let world = self.world(flavor, &recorded, kept);
        let mut scripts: Vec<InstalledScript> = Vec::new();
        let mut triggers: Vec<(Identity, &[String])> = Vec::new();
        for (one, installed) in &recorded {
            let identity = installed.record.identity;
            let brought = one.packaged.and_then(|packaged| packaged.installed.as_deref());
            match (brought, &self.apk) {
                (Some(Installed::Apk(installed)), _) => {
                    scripts.extend(installed.scripts.iter().cloned());
                    triggers.push((identity, &installed.triggers));
                }
                (None, Some(base)) => {
                    scripts.extend(base.scripts(installed)?);
                    triggers.push((identity, base.triggers(installed)));
                }
                _ => {}
            }
        }
        let there = |name: &str| self.directory.join(&Name::new(name).expect("a plain name"));
        let files = [
            (there("installed"), database.to_bytes(), "package database of the packages that are kept"),
            (
                there("scripts.tar"),
                apk::scripts_archive(&scripts, self.epoch),
                "scripts of the packages that are kept: apk runs them on upgrade and removal",
            ),
            (there("triggers"), apk::triggers(triggers), "triggers of the packages that are kept"),
            (
                TreePath::new(WORLD).expect("a plain path"),
                apk::world(world.iter().map(String::as_str)),
                "the packages that were asked for, of those that are kept: apk does not work without the list",
            ),
        ];
        for (path, bytes, detail) in files {
            let because = vec![Because::generated(detail)];
            let metadata = Metadata::root_owned(0o644);
            gather.own(flavor, Made { path, bytes, metadata, because }, kept)?;
        }
        Ok(())
    }

    /// Whether the flavor keeps a database of the root file system that says exactly this.
    fn is_true_already(&self, database: &apk::Database, kept: &Kept) -> bool {
        let Some(base) = self.apk.as_ref().filter(|base| kept.paths.contains_key(&base.place)) else {
            return false;
        };
        let whole = apk::Database { packages: base.packages.iter().map(|(one, _)| one.clone()).collect() };
        // The same order of directories and files on both sides.
        let mut whole = whole.kept(|path| Some(path.clone()));
        whole.packages.sort_by(|one, other| one.record.name.cmp(&other.record.name));
        whole == *database
    }

    /// What was asked for: packages by name, packages whose files the recipe itself asks for, and what the root file
    /// system had in its list.
    fn world(&self, flavor: &Flavor, recorded: &[Known<'_>], kept: &Kept) -> BTreeSet<String> {
        let mut owners: BTreeMap<&TreePath, &str> = BTreeMap::new();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (one, installed) in recorded {
            let name = installed.record.name.as_str();
            names.insert(name);
            owners.extend(one.settled.files().map(|path| (path, name)));
        }
        let is_asked =
            |because: &Because| because.from.is_none() && matches!(because.kind.as_str(), "command" | "file");
        let asked = kept.paths.iter().filter(|(_, because)| because.iter().any(is_asked));
        // A command may be a link of one package to the program of another: both were asked for.
        let asked = asked.map(|(path, _)| path).chain(kept.commands.values().flatten());
        let mut world: BTreeSet<String> =
            asked.filter_map(|path| owners.get(path)).map(|name| (*name).to_owned()).collect();
        for wanted in flavor.packages.keys() {
            let provides = |(_, installed): &&Known<'_>| {
                let record = &installed.record;
                record.name == wanted.as_str()
                    || record.provides.iter().any(|text| bare(text) == wanted.as_str())
            };
            world
                .extend(recorded.iter().filter(provides).map(|(_, installed)| installed.record.name.clone()));
        }
        if let Some(base) = &self.apk {
            for line in base.world.iter().filter(|line| names.contains(bare(line))) {
                world.remove(bare(line));
                world.insert(line.clone());
            }
        }
        world
    }
}

/// The name in a dependency, without its version and tag.
fn bare(dependency: &str) -> &str {
    dependency.split(['<', '>', '=', '~', '@']).next().unwrap_or(dependency)
}

/// Leaves out files whose names the format cannot hold, and tells of them.
fn drop_unwritable(database: &mut apk::Database, flavor: &Flavor, warnings: &mut Warnings) {
    let unwritable: BTreeSet<TreePath> = database.unwritable().into_iter().collect();
    for path in &unwritable {
        let message = format!("{path} is not in the package database: its name has the end of a line in it");
        warnings.add(flavor, message);
    }
    for package in &mut database.packages {
        package.directories.retain(|directory| !unwritable.contains(&directory.path));
        for directory in &mut package.directories {
            let path = directory.path.clone();
            directory.files.retain(|file| !unwritable.contains(&path.join(&file.name)));
        }
    }
}
