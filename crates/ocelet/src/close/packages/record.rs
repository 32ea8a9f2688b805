//! [`Record`]: what a package database says of a package, in either of the two formats.

use ocelet_package::{apk, deb};
use ocelet_tree::Owner;

use super::settled::Settled;
use super::{KeptPackage, PackageKind};
use crate::unpack::Packaged;

/// A record of a package database.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record<'all> {
    /// Of Alpine's.
    Apk(&'all apk::Installed),
    /// Of Debian's.
    Deb(&'all deb::Installed),
}

/// A package with its record in a database.
pub(super) struct Recorded<'all> {
    /// What the package is called in reports.
    pub(super) owner: Owner,
    /// The source that brings it.
    pub(super) source: &'all str,
    pub(super) record: Record<'all>,
    pub(super) settled: &'all Settled,
    /// What the lock knows of it; nothing for a package of a root file system.
    pub(super) packaged: Option<&'all Packaged>,
}

impl<'all> Record<'all> {
    pub(super) fn kind(self) -> PackageKind {
        match self {
            Self::Apk(_) => PackageKind::Apk,
            Self::Deb(_) => PackageKind::Deb,
        }
    }

    pub(super) fn name(self) -> &'all str {
        match self {
            Self::Apk(installed) => &installed.record.name,
            Self::Deb(installed) => installed.name(),
        }
    }

    /// What a package of a root file system is called as an owner.
    pub(super) fn owner(self, source: &str) -> Owner {
        let version = match self {
            Self::Apk(installed) => &installed.record.version,
            Self::Deb(installed) => installed.version(),
        };
        Owner::new(format!("{source}/{}-{version}", self.name()))
    }
}

impl Recorded<'_> {
    /// What a report says of it.
    pub(super) fn kept(&self, files: usize) -> KeptPackage {
        let size = self.packaged.map(|packaged| packaged.size);
        let common = KeptPackage {
            kind: self.record.kind(),
            source: self.source.to_owned(),
            name: self.record.name().to_owned(),
            sha256: self.packaged.map(|packaged| packaged.sha256),
            location: self.packaged.map(|packaged| packaged.location.clone()),
            files,
            ..KeptPackage::default()
        };
        match self.record {
            Record::Apk(apk::Installed { record, .. }) => KeptPackage {
                version: record.version.clone(),
                architecture: record.architecture.clone(),
                origin: record.origin.clone(),
                license: record.license.clone(),
                description: record.description.clone(),
                homepage: record.url.clone(),
                size: record.size,
                ..common
            },
            // Licences are in the file `copyright`, which no field repeats.
            Record::Deb(installed) => installed.with_package(|package| KeptPackage {
                version: package.version_text.to_owned(),
                architecture: Some(package.architecture.to_owned()),
                origin: Some(origin(package)),
                description: package.summary().to_owned(),
                homepage: package.homepage.to_owned(),
                supplier: package.maintainer.to_owned(),
                size: size.unwrap_or(0),
                ..common
            }),
        }
    }
}

/// The source package as the field `Source` has it: with its version where that is another one.
fn origin(package: &deb::Package<'_>) -> String {
    match package.source() {
        (name, version) if version == package.version_text => name.to_owned(),
        (name, version) => format!("{name} ({version})"),
    }
}
