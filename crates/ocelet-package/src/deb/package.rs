//! [`Package`]: what an index, a database or a package itself says about one package.
//!
//! All texts borrow from the paragraph; nothing is copied. Fields are those of deb-control(5), and of the `Packages`
//! files of a repository (apt-ftparchive(1)). Refused are packages without a name, a version or an architecture,
//! numbers that are none, digests that are none, and words that a field does not have. A version that is not valid
//! is told by [`Package::version`], so that one wrong package does not make a repository unusable.

use super::paragraph::{Field, Paragraph};
use super::relation::{RelationKind, Relations};
use super::version::{Version, VersionError};

/// What is said about one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Package<'text> {
    /// `Package`: the name.
    pub name: &'text str,
    /// `Version`, as it is written; [`Package::version`] reads it.
    pub version_text: &'text str,
    /// `Architecture`: `all`, or that of the files.
    pub architecture: &'text str,
    /// `Multi-Arch`.
    pub multi_arch: MultiArch,
    /// `Source`: the source package; [`Package::source`] reads it. Empty where it is called as the package.
    pub source_text: &'text str,
    /// `Essential`: whether other packages need not depend on it.
    pub essential: bool,
    /// `Protected`: whether it is needed to start the machine.
    pub protected: bool,
    /// `Priority`; empty where nothing is said.
    pub priority: &'text str,
    /// `Section`; empty where nothing is said.
    pub section: &'text str,
    /// `Maintainer`; empty where nothing is said.
    pub maintainer: &'text str,
    /// `Homepage`; empty where nothing is said.
    pub homepage: &'text str,
    /// `Description`, all of its lines; [`Package::summary`] is the first.
    pub description: &'text str,
    /// `Installed-Size`: an estimate of what the files take, in KiB.
    pub installed_size: Option<u64>,
    /// `Filename`: where the package lies below the base of the repository. Only indexes have it.
    pub filename: &'text str,
    /// `Size`: the size of the package in bytes. Only indexes have it.
    pub size: Option<u64>,
    /// `SHA256`: the digest of the package. Only indexes have it.
    pub sha256: Option<[u8; 32]>,
    relations: [&'text str; RelationKind::BINARY.len()],
}

/// How packages of several architectures go together (`Multi-Arch`, deb-control(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MultiArch {
    /// Not at all.
    #[default]
    No,
    /// Packages of several architectures can be installed beside each other.
    Same,
    /// It answers relations of packages of other architectures.
    Foreign,
    /// It does where the relation says `:any`.
    Allowed,
}

/// Why a paragraph is not a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A field that each package must have.
    #[error("the package at line {line} has no field {field}")]
    Missing {
        /// The line of its first field.
        line: usize,
        /// The name of the field.
        field: &'static str,
    },
    /// A name or an architecture that cannot be one.
    #[error("line {line}: {field} \"{}\" is not one; wanted at most {LONGEST_NAME} letters, digits and -+._, the first a letter or a digit", value.escape_debug())]
    Word {
        /// The line.
        line: usize,
        /// The name of the field.
        field: &'static str,
        /// The value.
        value: String,
    },
    /// A value that is not one of those that the field has.
    #[error("line {line}: {field} is \"{}\"; wanted {wanted}", value.escape_debug())]
    Value {
        /// The line.
        line: usize,
        /// The name of the field.
        field: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

impl<'text> Package<'text> {
    /// Reads what a paragraph says.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn read(paragraph: &Paragraph<'text>) -> Result<Self, PackageError> {
        let mut package = Package {
            name: "",
            version_text: "",
            architecture: "",
            multi_arch: MultiArch::No,
            source_text: "",
            essential: false,
            protected: false,
            priority: "",
            section: "",
            maintainer: "",
            homepage: "",
            description: "",
            installed_size: None,
            filename: "",
            size: None,
            sha256: None,
            relations: [""; RelationKind::BINARY.len()],
        };
        for field in paragraph.fields() {
            package.field(field)?;
        }
        let missing = [
            ("Package", package.name),
            ("Version", package.version_text),
            ("Architecture", package.architecture),
        ];
        match missing.iter().find(|(_, value)| value.is_empty()) {
            None => Ok(package),
            Some((field, _)) => Err(PackageError::Missing { line: paragraph.line(), field }),
        }
    }

    fn field(&mut self, field: &Field<'text>) -> Result<(), PackageError> {
        let value = field.value;
        // The usual spelling costs one comparison; any other is told apart from it without regard to case.
        let Some(name) = KNOWN.iter().find(|name| name.eq_ignore_ascii_case(field.name)) else {
            return Ok(());
        };
        match *name {
            "Package" => self.name = word(field, "Package")?,
            "Version" => self.version_text = line(field, "Version")?,
            "Architecture" => self.architecture = word(field, "Architecture")?,
            "Multi-Arch" => self.multi_arch = MultiArch::read(field)?,
            "Source" => self.source_text = line(field, "Source")?,
            "Essential" => self.essential = yes(field, "Essential")?,
            "Protected" => self.protected = yes(field, "Protected")?,
            "Priority" => self.priority = line(field, "Priority")?,
            "Section" => self.section = line(field, "Section")?,
            "Maintainer" => self.maintainer = value,
            "Homepage" => self.homepage = value,
            "Description" => self.description = value,
            "Installed-Size" => self.installed_size = Some(number(field, "Installed-Size")?),
            "Filename" => self.filename = line(field, "Filename")?,
            "Size" => self.size = Some(number(field, "Size")?),
            "SHA256" => self.sha256 = Some(sha256(field)?),
            relations => {
                let kind = RelationKind::BINARY.iter().position(|kind| kind.name() == relations);
                self.relations[kind.expect("every other known field is one of relations")] = value;
            }
        }
        Ok(())
    }

    /// The version.
    ///
    /// # Errors
    /// It is not a valid one.
    pub fn version(&self) -> Result<Version<'text>, VersionError> {
        Version::new(self.version_text)
    }

    /// The name and the version of the source package (`Source: name (version)`); those of the package where they
    /// are not said.
    pub fn source(&self) -> (&'text str, &'text str) {
        if self.source_text.is_empty() {
            return (self.name, self.version_text);
        }
        match self.source_text.split_once('(') {
            None => (self.source_text, self.version_text),
            Some((name, version)) => (name.trim(), version.trim_end_matches(')').trim()),
        }
    }

    /// The first line of the description.
    pub fn summary(&self) -> &'text str {
        self.description.lines().next().unwrap_or("").trim()
    }

    /// The relations of one kind; none for [`RelationKind::Build`], which no binary package has.
    pub fn relations(&self, kind: RelationKind) -> Relations<'text> {
        let at = RelationKind::BINARY.iter().position(|other| *other == kind);
        Relations::new(kind, at.map_or("", |at| self.relations[at]))
    }

    /// Name, version and architecture in one word, as dpkg names files.
    pub fn label(&self) -> String {
        let version = self.version_text.split_once(':').map_or(self.version_text, |(_, rest)| rest);
        format!("{}_{version}_{}", self.name, self.architecture)
    }
}

/// The most bytes of a name. With an architecture and an ending it is still a file name; Debian 12's longest has 75.
const LONGEST_NAME: usize = 112;

/// The fields that are read, the most frequent ones first.
const KNOWN: [&str; 25] = [
    "Package",
    "Version",
    "Architecture",
    "Maintainer",
    "Installed-Size",
    "Depends",
    "Description",
    "Section",
    "Priority",
    "Filename",
    "Size",
    "SHA256",
    "Multi-Arch",
    "Source",
    "Homepage",
    "Suggests",
    "Recommends",
    "Provides",
    "Breaks",
    "Replaces",
    "Conflicts",
    "Pre-Depends",
    "Enhances",
    "Essential",
    "Protected",
];

impl MultiArch {
    /// The value of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Same => "same",
            Self::Foreign => "foreign",
            Self::Allowed => "allowed",
        }
    }

    fn read(field: &Field<'_>) -> Result<Self, PackageError> {
        let all = [Self::No, Self::Same, Self::Foreign, Self::Allowed];
        all.into_iter()
            .find(|one| one.name().eq_ignore_ascii_case(field.value))
            .ok_or_else(|| refused(field, "Multi-Arch", "no, same, foreign or allowed"))
    }
}

/// Whether a package can have this name: what dpkg takes (`pkg_name_is_illegal`), which is more than policy 5.6.7.
/// Longer names than [`LONGEST_NAME`] are no names: files are called after packages.
pub(super) fn is_package_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_'))
}

fn refused(field: &Field<'_>, name: &'static str, wanted: &'static str) -> PackageError {
    let value = field.value.chars().take(80).collect();
    PackageError::Value { line: field.line, field: name, value, wanted }
}

fn word<'text>(field: &Field<'text>, name: &'static str) -> Result<&'text str, PackageError> {
    if is_package_name(field.value) {
        return Ok(field.value);
    }
    let value = field.value.chars().take(80).collect();
    Err(PackageError::Word { line: field.line, field: name, value })
}

fn line<'text>(field: &Field<'text>, name: &'static str) -> Result<&'text str, PackageError> {
    field.single_line().map_err(|_| refused(field, name, "one line"))
}

fn yes(field: &Field<'_>, name: &'static str) -> Result<bool, PackageError> {
    match field.value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(refused(field, name, "yes or no")),
    }
}

fn number(field: &Field<'_>, name: &'static str) -> Result<u64, PackageError> {
    let digits = field.value.bytes().all(|byte| byte.is_ascii_digit());
    let number = field.value.parse().ok().filter(|_| digits);
    number.ok_or_else(|| refused(field, name, "a number below 2^64"))
}

fn sha256(field: &Field<'_>) -> Result<[u8; 32], PackageError> {
    super::digest::unhex(field.value).ok_or_else(|| refused(field, "SHA256", "64 hexadecimal digits"))
}

#[cfg(test)]
mod tests;
