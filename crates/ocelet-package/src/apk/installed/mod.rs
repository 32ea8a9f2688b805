//! [`Database`]: what is installed, as `lib/apk/db/installed` says it, in and out.
//!
//! ```text
//! lib/apk/db/installed     one record a package, an empty line after each
//! lib/apk/db/scripts.tar   their maintainer scripts
//! lib/apk/db/triggers      whose trigger watches which directories
//! etc/apk/world            what was asked for
//! ```
//!
//! A record is lines of a letter, a colon and a value (apk-tools 2.14, `src/database.c`, `apk_db_index_read` and
//! `apk_db_write_fdb`, `src/package.c`, `apk_pkg_write_index_header`): `C P V A S I T U L o m t c k D p i`, then
//! `r q s f`, then for each directory `F`, `M` where it is not 0:0:755, and for each file in it `R`, `a` where it
//! is not 0:0:644, and `Z`. Files at the root stand below an empty `F:`. Reading refuses what apk-tools refuses,
//! and says in which line; lower-case letters that are not known are kept.

mod filter;
mod read;
mod scripts;
mod write;

use ocelet_tree::{Kind, Name, ReadError, Tree, TreePath, View};

use super::archive::Control;
use super::identity::Identity;
use super::pkginfo::PackageInfo;
use super::script::Script;
use super::unpack::Contents;

pub use read::{DatabaseError, RecordError};
pub use scripts::{InstalledScript, scripts_archive, triggers, world};

/// All installed packages, in the order of the file: apk writes them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database {
    /// The packages.
    pub packages: Vec<Installed>,
}

/// An installed package with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What indexes say of it too.
    pub record: Record,
    /// `r`: whose files it may overwrite.
    pub replaces: Vec<String>,
    /// `q`: who wins when two packages replace each other.
    pub replaces_priority: u32,
    /// `s`: the tag of the repository that it was pinned to.
    pub repository_tag: Option<String>,
    /// `f`: letters for what went wrong when it was installed (`f` files, `s` script, `x` attributes).
    pub broken: String,
    /// Its directories with their files.
    pub directories: Vec<InstalledDirectory>,
}

/// What an index and the database both say of a package. Text that is not UTF-8 has its wrong bytes replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `C`: the identity of the package.
    pub identity: Identity,
    /// `P`: the name.
    pub name: String,
    /// `V`: the version, as it is written.
    pub version: String,
    /// `A`: the architecture.
    pub architecture: Option<String>,
    /// `S`: the size of the package file in bytes.
    pub size: u64,
    /// `I`: how much its files take, in bytes.
    pub installed_size: u64,
    /// `T`: the description.
    pub description: String,
    /// `U`: where its upstream is.
    pub url: String,
    /// `L`: the licence.
    pub license: String,
    /// `o`: the source package.
    pub origin: Option<String>,
    /// `m`: the maintainer.
    pub maintainer: Option<String>,
    /// `t`: when it was built, in seconds since 1970; 0 where it is not said.
    pub build_time: u64,
    /// `c`: the commit of the source package.
    pub commit: Option<String>,
    /// `k`: who is chosen where several packages provide one name; 0 where it is not said.
    pub provider_priority: u32,
    /// `D`: what it needs, and with `!` what it cannot be installed with.
    pub depends: Vec<String>,
    /// `p`: what it provides.
    pub provides: Vec<String>,
    /// `i`: what makes it wanted.
    pub install_if: Vec<String>,
    /// Lines with lower-case letters that are not known, in their order.
    pub unknown: Vec<(char, String)>,
}

/// A directory of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledDirectory {
    /// Where it is; the root for files that lie there.
    pub path: TreePath,
    /// Who may do what with it.
    pub access: Access,
    /// What the package has in it, directories left out.
    pub files: Vec<InstalledFile>,
}

/// A file or a symbolic link of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledFile {
    /// Its name in the directory.
    pub name: Name,
    /// Who may do what with it.
    pub access: Access,
    /// `Z`: the identity of its content, or of the target of a symbolic link.
    pub identity: Option<Identity>,
}

/// Owner and mode of a file or a directory (`M` and `a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The number of the owner.
    pub uid: u32,
    /// The number of the group.
    pub gid: u32,
    /// The lowest 12 bits of the mode.
    pub mode: u16,
    /// The identity of its extended attributes, where it has any.
    pub attributes: Option<Identity>,
}

impl Access {
    /// What a directory has where there is no `M`.
    pub const DIRECTORY: Self = Self { uid: 0, gid: 0, mode: 0o755, attributes: None };
    /// What a file has where there is no `a`.
    pub const FILE: Self = Self { uid: 0, gid: 0, mode: 0o644, attributes: None };
}

impl Record {
    /// The record of a package from what it says of itself.
    pub fn of(control: &Control) -> Self {
        Self::from_parts(&control.info, control.identity, control.size)
    }

    fn from_parts(info: &PackageInfo, identity: Identity, size: u64) -> Self {
        Self {
            identity,
            name: info.name.clone(),
            version: info.version.clone(),
            architecture: info.architecture.clone(),
            size,
            installed_size: info.installed_size,
            description: info.description.clone(),
            url: info.url.clone(),
            license: info.license.clone(),
            origin: info.origin.clone(),
            maintainer: info.maintainer.clone(),
            build_time: info.build_time.unwrap_or(0),
            commit: info.commit.clone(),
            provider_priority: info.provider_priority.unwrap_or(0),
            depends: info.depends.clone(),
            provides: info.provides.clone(),
            install_if: info.install_if.clone(),
            unknown: Vec::new(),
        }
    }
}

impl Installed {
    /// What apk would write down after installing a package with all of its files. `record` is what the index says
    /// of it ([`Record::parse`]), which may differ from the package: a `noarch` package has the architecture of the
    /// repository there. Without an index, [`Record::of`] gives what the package says itself.
    pub fn of(record: Record, control: &Control, contents: &Contents) -> Self {
        Self {
            record,
            replaces: control.info.replaces.clone(),
            replaces_priority: control.info.replaces_priority.unwrap_or(0),
            repository_tag: None,
            broken: String::new(),
            directories: directories(contents),
        }
    }

    /// The scripts of a package, under the name that [`scripts_archive`] needs.
    pub fn scripts(control: &Control) -> Vec<InstalledScript> {
        let of = |script: &Script| InstalledScript {
            package: control.info.name.clone(),
            version: control.info.version.clone(),
            identity: control.identity,
            script: script.clone(),
        };
        control.scripts.iter().map(of).collect()
    }
}

/// The directories of a package with their files, as apk would write them after installing it.
fn directories(contents: &Contents) -> Vec<InstalledDirectory> {
    let mut directories = Vec::new();
    let mut all = vec![TreePath::root()];
    all.extend(paths(&contents.tree, |kind| matches!(kind, Kind::Directory)));
    for path in all {
        let names = contents.tree.names(&path).expect("a tree in memory answers");
        let files: Vec<InstalledFile> =
            names.into_iter().filter_map(|name| file(contents, &path, name)).collect();
        // The root belongs to no package: it is only there where a file lies in it.
        if path.is_root() && files.is_empty() {
            continue;
        }
        let access = if path.is_root() { Access::DIRECTORY } else { access(&contents.tree, &path) };
        directories.push(InstalledDirectory { path, access, files });
    }
    directories
}

fn file(contents: &Contents, directory: &TreePath, name: Name) -> Option<InstalledFile> {
    let path = directory.join(&name);
    let node = contents.tree.get(&path).filter(|node| !node.is_directory())?;
    let symlink = matches!(node.kind, Kind::Symlink { .. });
    let mut access = access(&contents.tree, &path);
    if symlink {
        access.mode = 0o777;
    }
    Some(InstalledFile { name, access, identity: contents.identities.get(&path).copied() })
}

fn paths(tree: &Tree, wanted: impl Fn(&Kind) -> bool) -> Vec<TreePath> {
    tree.iter().filter(|(_, node)| wanted(&node.kind)).map(|(path, _)| path.clone()).collect()
}

fn access(tree: &Tree, path: &TreePath) -> Access {
    let metadata = &tree.get(path).expect("a path of this tree").metadata;
    Access { uid: metadata.uid, gid: metadata.gid, mode: metadata.mode, attributes: None }
}

/// Where the database lies in a root file system: `/usr/lib/apk/db` where `/lib` is a symbolic link into `/usr`
/// (usr-merge), and `/lib/apk/db` everywhere else.
///
/// # Errors
/// The files cannot be read.
///
/// # Panics
/// Never: the paths are plain.
pub fn database_directory(view: &dyn View) -> Result<TreePath, ReadError> {
    let lib = view.entry(&TreePath::new("lib").expect("a plain name"))?;
    let merged = lib.is_some_and(|node| matches!(node.kind, Kind::Symlink { .. }));
    let place = if merged { "usr/lib/apk/db" } else { "lib/apk/db" };
    Ok(TreePath::new(place).expect("a plain path"))
}

#[cfg(test)]
mod tests;
