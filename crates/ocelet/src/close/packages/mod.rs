//! The packages of a flavor, and the package database that tells the truth about its files.
//!
//! Scanners find packages by `lib/apk/db/installed` and `var/lib/dpkg`, and vulnerabilities by the distribution in
//! `os-release`: they are in every image that has a file of a package. A database lists only the packages and files
//! that are kept; one that a root file system brings is cut down in the same way. Nothing is written where no package
//! is kept, and an image with packages of both worlds has both databases.

mod apk;
mod distribution;
mod dpkg;
mod record;
mod settled;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;
use ocelet_tree::{Overlay, Owner, TreePath};

use super::error::CloseError;
use super::gather::Gather;
use super::image::ImageView;
use super::warnings::Warnings;
use super::{Because, Kept};
use crate::recipe::Flavor;
use crate::unpack::{Installed, Packaged, Unpacked};
pub use distribution::Distribution;
use record::{Record, Recorded};
use settled::Settled;

/// A package or artifact of which at least one file is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Who stands up for it: a Debian package's maintainer; may be empty.
    pub supplier: String,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum PackageKind {
    /// An Alpine package.
    #[default]
    Apk,
    /// A Debian package.
    Deb,
    /// A released file or archive.
    Artifact,
}

/// All packages of one platform.
pub(super) struct Packages<'unpacked> {
    brought: &'unpacked BTreeMap<Owner, Packaged>,
    /// Where the files of each package lie.
    settled: BTreeMap<Owner, Settled>,
    /// What a root file system brings of either database.
    apk: Option<apk::Base>,
    dpkg: Option<dpkg::Base>,
    /// The directory of Alpine's database.
    directory: TreePath,
    distribution: Option<Distribution>,
    epoch: u64,
}

impl<'unpacked> Packages<'unpacked> {
    /// Looks at the packages of a platform, and at the database of its root file system if it has one; `kept` are the
    /// paths that its flavors keep.
    ///
    /// # Errors
    /// The sources cannot be read.
    pub(super) fn new(
        unpacked: &'unpacked Unpacked,
        epoch: i64,
        kept: &BTreeSet<TreePath>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Self, CloseError> {
        // A view of its own: that two sources differ at a path which nobody keeps is no conflict.
        let view: Overlay<'_> = unpacked.view();
        let directory = ocelet_package::apk::database_directory(&view)?;
        let brought = &unpacked.packages;
        let mut settled = BTreeMap::new();
        for (owner, packaged) in brought {
            if let Some(installed) = &packaged.installed {
                let mine = |other: &Owner| other == owner;
                let places = match &**installed {
                    Installed::Apk(apk) => Settled::of(apk::paths(&apk.package), &view, &mine)?,
                    Installed::Deb(deb) => Settled::of(dpkg::paths(&deb.package), &view, &mine)?,
                };
                settled.insert(owner.clone(), places);
            }
        }
        let apk = apk::Base::read(&view, &directory, brought, warn)?;
        let dpkg = dpkg::Base::read(&view, brought, kept, warn)?;
        let known =
            apk.is_some() || dpkg.is_some() || brought.values().any(|packaged| packaged.installed.is_some());
        let distribution = if known { Distribution::read(&view)? } else { None };
        let epoch = u64::try_from(epoch).unwrap_or(0);
        Ok(Self { brought, settled, apk, dpkg, directory, distribution, epoch })
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
        let known = self.recorded();
        if known.iter().any(|one| Self::count(one, gather, kept) > 0) {
            tell_distribution(gather, kept)?;
            kept.distribution.clone_from(&self.distribution);
            // A licence may be a link to another package's, which then has to come with its own.
            dpkg::keep_licenses(&known, gather, kept)?;
            dpkg::keep_licenses(&known, gather, kept)?;
        }
        let counted = known.into_iter().map(|one| (Self::count(&one, gather, kept), one));
        let counted: Vec<(usize, Recorded<'_>)> = counted.filter(|(files, _)| *files > 0).collect();
        for (files, one) in &counted {
            kept.packages.insert(one.owner.clone(), one.kept(*files));
        }
        self.artifacts(gather, kept);
        let recorded: Vec<Recorded<'_>> = counted.into_iter().map(|(_, one)| one).collect();
        self.warn_of_strangers(flavor, &recorded, warnings);
        self.apk_database(flavor, &recorded, gather, kept, warnings)?;
        self.dpkg_database(flavor, &recorded, gather, kept, warnings)
    }

    /// Tells of packages that no `os-release` goes with: scanners find them, and nothing about them.
    fn warn_of_strangers(&self, flavor: &Flavor, recorded: &[Recorded<'_>], warnings: &mut Warnings) {
        for kind in [PackageKind::Apk, PackageKind::Deb] {
            let of_kind = recorded.iter().filter(|one| one.record.kind() == kind);
            let sources: BTreeSet<&str> = of_kind.map(|one| one.source).collect();
            let why = match &self.distribution {
                _ if sources.is_empty() => continue,
                // Of Alpine many images have single files and no os-release, which `verify` tells of.
                None if kind == PackageKind::Deb => {
                    "no os-release says of which distribution: scanners cannot look them up; add base-files to the \
                     packages of the source"
                        .to_owned()
                }
                Some(one) if !Distribution::has(&one.id, kind) => format!(
                    "os-release names {}: scanners that go by it cannot look them up; give them the bill of materials",
                    one.id
                ),
                None | Some(_) => continue,
            };
            let sources: Vec<&str> = sources.into_iter().collect();
            warnings.add(flavor, format!("packages of source {} are kept, and {why}", sources.join(", ")));
        }
    }

    /// The packages of a flavor that the recipe brings, with their scripts. Those of a root file system have been run
    /// by whoever made it.
    pub(super) fn with_scripts(&self, kept: &Kept) -> Vec<(&Packaged, &Installed)> {
        let packaged = kept.packages.keys().filter_map(|owner| self.brought.get(owner));
        packaged.filter_map(|packaged| Some((packaged, packaged.installed.as_deref()?))).collect()
    }

    /// Every package that has a record, by name. A package that the recipe brings counts more than one of the same
    /// name in a root file system.
    fn recorded(&self) -> Vec<Recorded<'_>> {
        let mut all: Vec<Recorded<'_>> = Vec::new();
        for (owner, packaged) in self.brought {
            if let (Some(installed), Some(settled)) = (&packaged.installed, self.settled.get(owner)) {
                let record = match &**installed {
                    Installed::Apk(apk) => Record::Apk(&apk.package),
                    Installed::Deb(deb) => Record::Deb(&deb.package),
                };
                let (owner, source) = (owner.clone(), packaged.source.as_str());
                all.push(Recorded { owner, source, record, settled, packaged: Some(packaged) });
            }
        }
        let names: BTreeSet<(PackageKind, &str)> =
            all.iter().map(|one| (one.record.kind(), one.record.name())).collect();
        let apk = self.apk.iter().flat_map(|base| {
            base.packages.iter().map(|(one, settled)| (base.source.as_str(), Record::Apk(one), settled))
        });
        let dpkg = self.dpkg.iter().flat_map(|base| {
            base.packages.iter().map(|(one, settled)| (base.source.as_str(), Record::Deb(one), settled))
        });
        let base: Vec<Recorded<'_>> = apk
            .chain(dpkg)
            .filter(|(_, record, _)| !names.contains(&(record.kind(), record.name())))
            .map(|(source, record, settled)| {
                let owner = record.owner(source);
                Recorded { owner, source, record, settled, packaged: None }
            })
            .collect();
        all.extend(base);
        all.sort_by(|one, other| one.record.name().cmp(other.record.name()));
        all
    }

    /// How many files and links of a package are kept. What ocelet made in their place does not count.
    fn count(one: &Recorded<'_>, gather: &Gather<'_>, kept: &Kept) -> usize {
        let is_kept = |path: &&TreePath| {
            kept.paths.contains_key(*path) && !kept.is_own(path) && Self::is_of(one, path, gather)
        };
        one.settled.files().filter(is_kept).count()
    }

    /// Whether what was kept at a path is still the package's: the recipe may have put a link in its place.
    fn is_of(one: &Recorded<'_>, path: &TreePath, gather: &Gather<'_>) -> bool {
        let owner = gather.tree().get(path).map(|node| &node.owner);
        owner.is_none_or(|owner| match one.packaged {
            Some(_) => *owner == one.owner,
            None => one.source == owner.as_str(),
        })
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

    /// Where the image has a path of a package; nothing where it has it no more.
    fn place_of(
        one: &Recorded<'_>,
        path: &TreePath,
        gather: &Gather<'_>,
        image: &ImageView<'_>,
    ) -> Option<TreePath> {
        let place = one.settled.place(path)?;
        let there = image.get(place)?;
        let fits = there.is_directory() || Self::is_of(one, place, gather);
        fits.then(|| place.clone())
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
        license: packaged.license.clone(),
        description: packaged.description.clone(),
        sha256: Some(packaged.sha256),
        size: packaged.size,
        location: Some(packaged.location.clone()),
        files,
        ..KeptPackage::default()
    }
}
