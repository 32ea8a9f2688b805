//! Debian packages, by the rules of dpkg (1.22, `src/main/archives.c`, `tarobject`; `src/main/unpack.c`,
//! `does_replace`; policy 7.6.1).
//!
//! A file that is there already is overwritten if the new package `Replaces` the other by its name and version, stays
//! if only the other replaces the new one, and is refused otherwise. What a package provides does not count. A
//! directory that is there already stays as it is.

use ocelet_package::deb::{self, Contents, Control, DATA_LIMIT, Package, RelationKind, ScriptEffects};
use ocelet_tree::tar_in::Skipped;
use ocelet_tree::{Kind as NodeKind, Metadata, Node, Owner, Tree, TreePath};

use super::error::PackageFault;
use super::format::{Format, Names, Verdict};
use crate::fetch::Goods;
use crate::fetch::store::Kind;
use crate::lock::LockedPackage;
use crate::recipe::Platform;
use crate::unpack::UnpackError;
use crate::unpack::packaged::{DebInstalled, Installed, Packaged};

/// How the unpacked data of a package is made from the whole file.
const UNPACKED: Kind = Kind::new("deb-data.1");

/// A package that was proved, with its files.
#[derive(Debug)]
pub(super) struct Opened {
    owner: Owner,
    control: Control,
    contents: Contents,
    /// What its scripts would have linked and moved.
    effects: ScriptEffects,
}

impl Opened {
    /// What its scripts would have linked and moved.
    pub(super) fn effects(&self) -> &ScriptEffects {
        &self.effects
    }
}

impl Format for Opened {
    fn open(source: &str, locked: &LockedPackage, goods: &Goods) -> Result<Self, PackageFault> {
        let LockedPackage { name, version, file, identity, .. } = locked;
        let missing = PackageFault::Missing { sha256: file.sha256 };
        let blob = goods.get(&file.sha256).ok_or(missing)?;
        let bytes = blob.content().bytes()?;
        let archive = deb::Archive::open(&format!("{name}-{version}.deb"), &bytes)?;
        let verified = archive.verify_digest(*file.sha256.as_bytes())?;
        let package = verified.control().package();
        if package.name != name || package.version_text != version || package.architecture != identity {
            let got = format!("{}-{} for {}", package.name, package.version_text, package.architecture);
            return Err(PackageFault::Other { got });
        }
        let owner = Owner::new(format!("{source}/{name}-{version}"));
        let unpacked = goods.store.derive(&file.sha256, UNPACKED, |sink| {
            verified.clone().unpack_into(sink, DATA_LIMIT).map(drop).map_err(PackageFault::from)
        })?;
        let contents = verified.contents_of_unpacked(unpacked.blob(), &owner)?;
        let control = verified.control().clone();
        Ok(Self { owner, effects: control.effects(), control, contents })
    }

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn names(&self) -> Names {
        let package = self.control.package();
        let read = |kind| {
            let relations = package.relations(kind);
            relations.each().filter_map(Result::ok).map(|relation| relation.name.to_owned())
        };
        Names {
            name: package.name.to_owned(),
            provides: read(RelationKind::Provides).collect(),
            needs: read(RelationKind::PreDepends).chain(read(RelationKind::Depends)).collect(),
        }
    }

    fn tree(&self) -> &Tree {
        &self.contents.tree
    }

    fn tree_mut(&mut self) -> &mut Tree {
        &mut self.contents.tree
    }

    fn into_tree(self) -> Tree {
        self.contents.tree
    }

    fn skipped(&self) -> &[Skipped] {
        &self.contents.skipped
    }

    fn forget(&mut self, path: &TreePath) {
        self.contents.tree.remove(path);
        self.contents.md5.remove(path);
    }

    fn verdict(earlier: &Self, later: &Self) -> Verdict {
        let (earlier, later) = (earlier.control.package(), later.control.package());
        if replaces(&later, &earlier) {
            Verdict::Later
        } else if replaces(&earlier, &later) {
            Verdict::Earlier
        } else {
            Verdict::Clash
        }
    }

    fn agree(earlier: &Metadata, _later: &Metadata) -> Metadata {
        earlier.clone()
    }

    fn packaged(&self, source: &str, locked: &LockedPackage, _platform: &Platform) -> Packaged {
        let Self { control, contents, effects, .. } = self;
        let directories = contents.tree.iter().filter(|(_, node)| node.is_directory());
        Packaged {
            description: control.package().summary().to_owned(),
            installed: Some(Box::new(Installed::Deb(DebInstalled {
                package: deb::Installed::of(control, contents),
                directories: directories.map(|(path, _)| path.clone()).collect(),
                scripts: control.scripts.clone(),
                effects: effects.clone(),
            }))),
            ..Packaged::of(source, locked)
        }
    }
}

/// Whether a package says that it replaces another one.
fn replaces(package: &Package<'_>, other: &Package<'_>) -> bool {
    let Ok(version) = other.version() else { return false };
    let relations = package.relations(RelationKind::Replaces);
    relations
        .each()
        .filter_map(Result::ok)
        .any(|relation| relation.name == other.name && relation.accepts(&version))
}

/// Moves the files that a package of the source diverts (dpkg-divert(1)): the ones that other packages have at that
/// place go where the diverting package wants them, and its own stays.
///
/// # Errors
/// The package itself has something where its file would go.
pub(super) fn divert(source: &str, packages: &mut [Opened]) -> Result<(), UnpackError> {
    let name = |package: &Opened| package.control.package().name.to_owned();
    let diversions: Vec<deb::Diversion> =
        packages.iter().flat_map(|package| package.effects.diversions.iter().cloned()).collect();
    for diversion in &diversions {
        for package in packages.iter_mut() {
            if diversion.package.as_ref().is_none_or(|keeper| *keeper != name(package)) {
                package
                    .relocate(&diversion.path, &diversion.to)
                    .map_err(|cause| UnpackError::Insert { name: source.to_owned(), cause })?;
            }
        }
    }
    Ok(())
}

impl Opened {
    /// Gives a file or link another name, if there is one.
    fn relocate(&mut self, from: &TreePath, to: &TreePath) -> Result<(), ocelet_tree::InsertError> {
        let tree = &mut self.contents.tree;
        let Some(node) = tree.get(from).filter(|node| !node.is_directory()).cloned() else { return Ok(()) };
        tree.remove(from);
        let Node { kind, metadata, owner } = node;
        match kind {
            NodeKind::Symlink { target } => tree.add_symlink(to, target, metadata, &owner)?,
            NodeKind::File { content, inode } => {
                let twin = tree.iter().find(|(_, other)| other.inode() == Some(inode));
                match twin.map(|(path, _)| path.clone()) {
                    Some(twin) => tree.add_hard_link(to, &twin, &owner)?,
                    None => tree.add_file(to, content, metadata, &owner)?,
                }
            }
            NodeKind::Directory => {}
        }
        if let Some(sum) = self.contents.md5.remove(from) {
            self.contents.md5.insert(to.clone(), sum);
        }
        Ok(())
    }
}
