//! What a report says of packages: those that have a file in the image, the distribution that they are of, and their
//! scripts that nobody ran. Reports of images without packages have none of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::close::{Distribution, Kept, KeptPackage, PackageKind, UnrunScript};

/// A package or artifact with at least one file in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedPackage {
    /// `apk`, `deb` or `artifact`.
    pub kind: String,
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
    /// Who stands up for it: the maintainer of a Debian package; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub supplier: String,
    /// The sha256 of the file that it came in, as hexadecimal digits; nothing for packages of a root file system.
    pub sha256: Option<String>,
    /// The length of that file in bytes.
    pub size: u64,
    /// Where that file can be had; nothing for packages of a root file system.
    pub location: Option<String>,
    /// How many of its files and links are in the image.
    pub files: usize,
}

/// The distribution that the packages are of, as `os-release` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedDistribution {
    /// `alpine`.
    pub id: String,
    /// `3.19.1`; empty where it is not said.
    pub version: String,
}

/// A maintainer script that a package manager would have run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedScript {
    /// The package with its version.
    pub package: String,
    /// When it would have run: `post-install`, `postinst`.
    pub kind: String,
    /// What it would have done, as far as that could be read.
    pub effects: Vec<ReportedEffect>,
    /// The commands that could not be read.
    pub unread: Vec<ReportedCommand>,
}

/// Something that a script would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedEffect {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// The command, in its plainest form.
    pub command: String,
    /// Whether the script may not have got there.
    pub conditional: bool,
    /// Whether the image is already as the command would have left it.
    pub declared: bool,
}

/// A command of a script as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedCommand {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// The command.
    pub text: String,
}

/// The packages of a flavor, by the owner of their files.
pub(super) fn packages(kept: &Kept) -> BTreeMap<String, ReportedPackage> {
    kept.packages.iter().map(|(owner, package)| (owner.to_string(), reported(package))).collect()
}

fn reported(package: &KeptPackage) -> ReportedPackage {
    ReportedPackage {
        kind: match package.kind {
            PackageKind::Apk => "apk",
            PackageKind::Deb => "deb",
            PackageKind::Artifact => "artifact",
        }
        .to_owned(),
        source: package.source.clone(),
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        origin: package.origin.clone(),
        license: package.license.clone(),
        description: package.description.clone(),
        homepage: package.homepage.clone(),
        supplier: package.supplier.clone(),
        sha256: package.sha256.as_ref().map(ocelet_oci::Digest::hex),
        size: package.size,
        location: package.location.clone(),
        files: package.files,
    }
}

pub(super) fn distribution(distribution: &Distribution) -> ReportedDistribution {
    ReportedDistribution { id: distribution.id.clone(), version: distribution.version.clone() }
}

pub(super) fn script(script: &UnrunScript) -> ReportedScript {
    let effects = script.steps.iter().map(|step| ReportedEffect {
        line: step.line,
        command: step.command.clone(),
        conditional: step.conditional,
        declared: step.is_declared,
    });
    let unread = script.unread.iter().map(|(line, text)| ReportedCommand { line: *line, text: text.clone() });
    ReportedScript {
        package: script.package.clone(),
        kind: script.kind.clone(),
        effects: effects.collect(),
        unread: unread.collect(),
    }
}
