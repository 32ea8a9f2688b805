//! [`Database`]: what dpkg knows of the packages that are installed, below `var/lib/dpkg`.
//!
//! Two forms are read and written. dpkg's own is one file `status` with a paragraph for each package, and for each
//! `info/NAME.list` and `info/NAME.md5sums` (dpkg(1), "FILES"). Images without dpkg have a directory `status.d` with a file
//! for each package, and `NAME.md5sums` beside it: that form is distroless's (`PACKAGE_METADATA.md` there); scanners read
//! both, and dpkg only its own. Of several architectures of one package all but the first are called `NAME:ARCHITECTURE`.
//!
//! [`Database::kept`] cuts it down to the files that an image has. Refused are paragraphs that are none, lists with names
//! that leave the tree, and files that belong to no package.

mod filter;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Kind, TreePath};

use super::control::{Control, ControlError};
use super::package::{Package, PackageError};
use super::paragraph::{Comments, Paragraph, ParagraphError};
use super::unpack::Contents;

/// Packages that are installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Database {
    /// The packages, in the order of the database.
    pub packages: Vec<Installed>,
}

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    fields: Vec<(String, String)>,
    /// Its files, links and directories, without the root.
    pub files: BTreeSet<TreePath>,
    /// The MD5 of its files.
    pub md5sums: BTreeMap<TreePath, [u8; 16]>,
    /// Its conffiles, with their MD5 as the package brought them.
    pub conffiles: BTreeMap<TreePath, Conffile>,
}

/// A file of the administrator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conffile {
    /// The MD5 of what the package brought; nothing where dpkg writes `newconffile`, because there was nothing yet.
    pub md5: Option<[u8; 16]>,
    /// What stands behind it: `obsolete`, `remove-on-upgrade`.
    pub flags: Vec<String>,
}

/// How a database is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// dpkg's: `status` and `info/`.
    Status,
    /// That of images without dpkg: `status.d/`.
    StatusDirectory,
}

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// A file that holds no paragraphs.
    #[error("{file} is refused")]
    Paragraph {
        /// The file, below `var/lib/dpkg`.
        file: TreePath,
        /// Why.
        #[source]
        cause: ParagraphError,
    },
    /// A paragraph that is no package.
    #[error("{file} is refused")]
    Package {
        /// The file, below `var/lib/dpkg`.
        file: TreePath,
        /// Why.
        #[source]
        cause: PackageError,
    },
    /// A list that cannot be read.
    #[error("{file} is refused")]
    List {
        /// The file, below `var/lib/dpkg`.
        file: TreePath,
        /// Why.
        #[source]
        cause: ControlError,
    },
    /// A line of the field `Conffiles` that is wrong.
    #[error("{file}: {package} has the conffile \"{}\"; wanted a name, an MD5 and perhaps words", line.escape_debug())]
    Conffile {
        /// The file, below `var/lib/dpkg`.
        file: TreePath,
        /// The package.
        package: String,
        /// The line.
        line: String,
    },
}

impl Installed {
    /// The package as dpkg would write it down after installing all of its files.
    pub fn of(control: &Control, contents: &Contents) -> Self {
        let paragraph = control.paragraph();
        let mut fields: Vec<(String, String)> =
            paragraph.fields().iter().map(|field| (field.name.to_owned(), field.value.to_owned())).collect();
        // dpkg writes it second.
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Status"));
        fields.insert(fields.len().min(1), ("Status".to_owned(), INSTALLED.to_owned()));
        let conffiles: BTreeMap<_, _> = control
            .conffiles
            .iter()
            .filter_map(|path| {
                Some((path.clone(), Conffile { md5: Some(*contents.md5.get(path)?), flags: Vec::new() }))
            })
            .collect();
        // As dh_md5sums does: regular files, without the conffiles.
        let sums = contents.md5.iter().filter(|(path, _)| !conffiles.contains_key(*path));
        let md5sums = sums.map(|(path, sum)| (path.clone(), *sum)).collect();
        let files = contents.tree.iter().map(|(path, _)| path.clone()).collect();
        Self { fields, files, md5sums, conffiles }
    }

    /// What the database says of it.
    ///
    /// # Panics
    /// Never: the paragraph was read before.
    pub fn with_package<Answer>(&self, ask: impl FnOnce(&Package<'_>) -> Answer) -> Answer {
        let text = self.paragraph_text();
        let paragraph = Paragraph::parse(&text, Comments::Refuse).expect("it was read from a paragraph");
        ask(&Package::read(&paragraph).expect("it was read from a package"))
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.value("Package").unwrap_or("")
    }

    /// The version.
    pub fn version(&self) -> &str {
        self.value("Version").unwrap_or("")
    }

    /// The architecture.
    pub fn architecture(&self) -> &str {
        self.value("Architecture").unwrap_or("")
    }

    /// The fields in their order, without `Conffiles`. Further lines of a value begin with a blank.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The value of a field, in whatever case its name is.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether its files are there: `Status` is `… installed`, or there is none, as in `status.d`.
    pub fn is_installed(&self) -> bool {
        self.value("Status").is_none_or(|status| status.split_whitespace().last() == Some("installed"))
    }

    /// Where the package says under which terms it may be copied: `/usr/share/doc/NAME/copyright` (policy 12.5), or
    /// the link `/usr/share/doc/NAME` to the directory of another package. An image keeps it beside the package's files.
    /// Nothing where the package has neither.
    ///
    /// # Panics
    /// Never: names of packages are plain.
    pub fn copyright(&self) -> Option<TreePath> {
        copyright_place(self.name(), |path| self.files.contains(path))
    }
}

impl Contents {
    /// As [`Installed::copyright`], for a package with this name.
    pub fn copyright(&self, name: &str) -> Option<TreePath> {
        copyright_place(name, |path| {
            self.tree.get(path).is_some_and(|node| !matches!(node.kind, Kind::Directory))
        })
    }
}

/// What dpkg writes for a package that is there and shall stay there.
const INSTALLED: &str = "install ok installed";

fn copyright_place(name: &str, has: impl Fn(&TreePath) -> bool) -> Option<TreePath> {
    let directory = TreePath::new(format!("usr/share/doc/{name}")).ok()?;
    let file = TreePath::new(format!("usr/share/doc/{name}/copyright")).ok()?;
    [file, directory].into_iter().find(has)
}

#[cfg(test)]
mod tests;
