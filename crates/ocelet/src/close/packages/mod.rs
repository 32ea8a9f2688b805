//! The packages of a flavor, and the package database that tells the truth about its files.
//!
//! Scanners find packages by `lib/apk/db/installed`, and vulnerabilities by the distribution in `os-release`: both
//! are in every image that has a file of an Alpine package. The database lists only the packages and files that are
//! kept; one that a root file system brings is cut down in the same way. Nothing is written where no package is kept.

mod base;
mod database;
mod distribution;
mod settled;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;
use ocelet_package::apk;
use ocelet_tree::{Overlay, Owner, TreePath};

use super::error::CloseError;
use super::gather::Gather;
use super::image::ImageView;
use super::warnings::Warnings;
use super::{Because, Kept};
use crate::recipe::Flavor;
use crate::unpack::{Packaged, Unpacked};
use base::Base;
pub use distribution::Distribution;
use settled::Settled;

/// A package or artifact of which at least one file is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPackage {
    /// What kind of thing it is.
    pub kind: PackageKind,
    /// The source of the recipe.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Its version; empty where an artifact has none.
    pub version: String,
    /// The architecture that it was built for, where it says.
    pub architecture: Option<String>,
    /// The source package that it was built from, where it says.
    pub origin: Option<String>,
    /// Its licence, as it says; may be empty.
    pub license: String,
    /// What it is; may be empty.
    pub description: String,
    /// Where its upstream is; may be empty.
    pub homepage: String,
    /// The sha256 of the file that it came in; nothing for packages of a root file system.
    pub sha256: Option<Digest>,
    /// The length of that file in bytes.
    pub size: u64,
    /// Where that file can be had; nothing for packages of a root file system.
    pub location: Option<String>,
    /// How many of its files and links are kept.
    pub files: usize,
}

/// What kind of thing brings files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageKind {
    /// An Alpine package.
    Apk,
    /// A released file or archive.
    Artifact,
}

/// All packages of one platform.
pub(super) struct Packages<'unpacked> {
    brought: &'unpacked BTreeMap<Owner, Packaged>,
    /// Where the files of each package lie.
    settled: BTreeMap<Owner, Settled>,
    base: Option<Base>,
    /// The directory of the database.
    directory: TreePath,
    distribution: Option<Distribution>,
    epoch: u64,
}

/// A package with its record in a database.
struct Recorded<'all> {
    owner: Owner,
    installed: &'all apk::Installed,
    settled: &'all Settled,
    packaged: Option<&'all Packaged>,
}

impl<'unpacked> Packages<'unpacked> {
    /// Looks at the packages of a platform, and at the database of its root file system if it has one.
    ///
    /// # Errors
    /// The sources cannot be read.
    pub(super) fn new(
        unpacked: &'unpacked Unpacked,
        epoch: i64,
        warn: &mut dyn FnMut(String),
    ) -> Result<Self, CloseError> {
        // A view of its own: that two sources differ at a path which nobody keeps is no conflict.
        let view: Overlay<'_> = unpacked.view();
        let directory = apk::database_directory(&view)?;
        let brought = &unpacked.packages;
        let mut settled = BTreeMap::new();
        for (owner, packaged) in brought {
            if let Some(installed) = &packaged.installed {
                let mine = |other: &Owner| other == owner;
                settled.insert(owner.clone(), Settled::of(&installed.package, &view, &mine)?);
            }
        }
        let base = Base::read(&view, &directory, brought, warn)?;
        let known = base.is_some() || brought.values().any(|packaged| packaged.installed.is_some());
        let distribution = if known { Distribution::read(&view)? } else { None };
        let epoch = u64::try_from(epoch).unwrap_or(0);
        Ok(Self { brought, settled, base, directory, distribution, epoch })
    }

    /// Finds the packages of a flavor, and makes their database.
    ///
    /// # Errors
    /// Something is in the way of the database, or the sources cannot be read.
    pub(super) fn add(
        &self,
        flavor: &Flavor,
        gather: &mut Gather<'_>,
        kept: &mut Kept,
        warnings: &mut Warnings,
    ) -> Result<(), CloseError> {
        if self.recorded().iter().any(|one| self.count(one, gather, kept) > 0) {
            tell_distribution(gather, kept)?;
            kept.distribution.clone_from(&self.distribution);
        }
        let counted: Vec<(Recorded<'_>, usize)> = self
            .recorded()
            .into_iter()
            .map(|one| {
                let count = self.count(&one, gather, kept);
                (one, count)
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        for (one, files) in &counted {
            kept.packages.insert(one.owner.clone(), self.kept_package(one, *files));
        }
        self.artifacts(gather, kept);
        let recorded: Vec<Recorded<'_>> = counted.into_iter().map(|(one, _)| one).collect();
        if recorded.is_empty() { Ok(()) } else { self.database(flavor, &recorded, gather, kept, warnings) }
    }

    /// The scripts of a flavor's packages that apk would have run when it installed them. Those of a root file system
    /// have been run by whoever made it.
    pub(super) fn scripts_of(&self, kept: &Kept) -> Vec<&apk::InstalledScript> {
        let installed = kept.packages.keys().filter_map(|owner| self.brought.get(owner)?.installed.as_ref());
        let scripts = installed.flat_map(|installed| &installed.scripts);
        scripts.filter(|script| script.script.kind.runs_on_install()).collect()
    }

    /// Every package that has a record, by name. A package that the recipe brings counts more than one of the same
    /// name in a root file system.
    fn recorded(&self) -> Vec<Recorded<'_>> {
        let mut all: Vec<Recorded<'_>> = Vec::new();
        for (owner, packaged) in self.brought {
            if let (Some(installed), Some(settled)) = (&packaged.installed, self.settled.get(owner)) {
                let (owner, installed) = (owner.clone(), &installed.package);
                all.push(Recorded { owner, installed, settled, packaged: Some(packaged) });
            }
        }
        let names: BTreeSet<&str> = all.iter().map(|one| one.installed.record.name.as_str()).collect();
        let is_new = |installed: &apk::Installed| !names.contains(installed.record.name.as_str());
        let base = self.base.iter().flat_map(|base| base.packages.iter().map(move |package| (base, package)));
        let base: Vec<Recorded<'_>> = base
            .filter(|(_, (installed, _))| is_new(installed))
            .map(|(base, (installed, settled))| {
                let owner = Owner::new(format!(
                    "{}/{}-{}",
                    base.source, installed.record.name, installed.record.version
                ));
                Recorded { owner, installed, settled, packaged: None }
            })
            .collect();
        all.extend(base);
        all.sort_by(|one, other| one.installed.record.name.cmp(&other.installed.record.name));
        all
    }

    /// How many files and links of a package are kept. What ocelet made in their place does not count.
    fn count(&self, one: &Recorded<'_>, gather: &Gather<'_>, kept: &Kept) -> usize {
        let is_kept = |path: &&TreePath| {
            kept.paths.contains_key(*path) && !kept.is_own(path) && self.is_of(one, path, gather)
        };
        one.settled.files().filter(is_kept).count()
    }

    /// Whether what was kept at a path is still the package's: the recipe may have put a link in its place.
    fn is_of(&self, one: &Recorded<'_>, path: &TreePath, gather: &Gather<'_>) -> bool {
        let owner = gather.tree().get(path).map(|node| &node.owner);
        owner.is_none_or(|owner| match one.packaged {
            Some(_) => *owner == one.owner,
            None => self.base.as_ref().is_some_and(|base| base.source == owner.as_str()),
        })
    }

    fn kept_package(&self, one: &Recorded<'_>, files: usize) -> KeptPackage {
        let record = &one.installed.record;
        KeptPackage {
            kind: PackageKind::Apk,
            source: match (one.packaged, &self.base) {
                (Some(packaged), _) => packaged.source.clone(),
                (None, base) => base.as_ref().map_or_else(String::new, |base| base.source.clone()),
            },
            name: record.name.clone(),
            version: record.version.clone(),
            architecture: record.architecture.clone(),
            origin: record.origin.clone(),
            license: record.license.clone(),
            description: record.description.clone(),
            homepage: record.url.clone(),
            sha256: one.packaged.map(|packaged| packaged.sha256),
            size: record.size,
            location: one.packaged.map(|packaged| packaged.location.clone()),
            files,
        }
    }

    fn artifacts(&self, gather: &Gather<'_>, kept: &mut Kept) {
        let mut counts: BTreeMap<&Owner, usize> = BTreeMap::new();
        for path in kept.paths.keys().filter(|path| !kept.is_own(path)) {
            if let Some(node) = gather.tree().get(path).filter(|node| !node.is_directory()) {
                *counts.entry(&node.owner).or_default() += 1;
            }
        }
        for (owner, files) in counts {
            let artifact = self.brought.get(owner).filter(|packaged| packaged.installed.is_none());
            if let Some(packaged) = artifact {
                kept.packages.insert(owner.clone(), artifact_of(packaged, files));
            }
        }
    }

    /// The record of a package with the files that the image has.
    fn cut_down(&self, one: &Recorded<'_>, gather: &Gather<'_>, image: &ImageView<'_>) -> apk::Database {
        let whole = apk::Database { packages: vec![one.installed.clone()] };
        whole.kept(|path| {
            let place = one.settled.place(path)?;
            let there = image.get(place)?;
            let fits = there.is_directory() || self.is_of(one, place, gather);
            fits.then(|| place.clone())
        })
    }
}

/// Keeps the files that tell the distribution, where the sources have them.
fn tell_distribution(gather: &mut Gather<'_>, kept: &mut Kept) -> Result<(), CloseError> {
    let because = Because {
        kind: "scanner".to_owned(),
        from: None,
        detail: "scanners look up the packages of the image by the distribution that it names".to_owned(),
    };
    for path in distribution::PLACES {
        gather.keep(&TreePath::new(path).expect("a plain path"), &because, kept)?;
    }
    Ok(())
}

fn artifact_of(packaged: &Packaged, files: usize) -> KeptPackage {
    KeptPackage {
        kind: PackageKind::Artifact,
        source: packaged.source.clone(),
        name: packaged.name.clone(),
        version: packaged.version.clone(),
        architecture: None,
        origin: None,
        license: packaged.license.clone(),
        description: packaged.description.clone(),
        homepage: String::new(),
        sha256: Some(packaged.sha256),
        size: packaged.size,
        location: Some(packaged.location.clone()),
        files,
    }
}
