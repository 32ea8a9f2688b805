//! The unpack room: lays the sources of one platform into one view. Every path has an owner, and two owners of one
//! path are an error that names both.
//!
//! It writes nothing to the disk but unnamed scratch files for inflated tarballs and, in the store, what packages and
//! artifacts inflate to. It runs nothing.

mod artifact;
mod combine;
mod error;
mod package;
mod packaged;
mod rootfs;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocelet_oci::SourceLayer;
use ocelet_tree::{Content, Node, Overlay, Owner, Tree, TreePath, View};

use crate::event::Event;
use crate::fetch::Goods;
use crate::host::{self, DirectoryView, FileError, Host};
use crate::lock::{Lock, LockedArtifact};
use crate::recipe::{FileContent, FileSource, Platform, Recipe, SourceKind, Stability, Tool};

pub use artifact::{ArtifactError, LARGEST, ZipError, ZipProblem};
pub use error::UnpackError;
pub(crate) use error::describe;
pub use package::{Clash, PackageError, PackageFault};
pub use packaged::{ApkInstalled, DebInstalled, Installed, Packaged};

/// The sources of one platform, laid together.
pub struct Unpacked {
    /// A directory of the host, or nothing.
    base: Box<dyn View + Send>,
    /// Everything that is held in memory.
    top: Tree,
    /// Where the tree wins over the directory.
    replacing: BTreeSet<TreePath>,
    /// How often the files of each source change, by the source's name.
    pub stabilities: BTreeMap<String, Stability>,
    /// What the recipe calls its root file systems, by the source's name.
    pub locations: BTreeMap<String, String>,
    /// The packages and artifacts in it, by the owner of their files.
    pub packages: BTreeMap<Owner, Packaged>,
    /// Links that stand in for what a script would have linked, as the packages spell them, and why each is there.
    pub declared: BTreeMap<TreePath, String>,
}

impl Unpacked {
    /// All sources as one view; where two owners do not agree, [`Overlay::take_conflicts`] tells after the view was
    /// used.
    pub fn view(&self) -> Overlay<'_> {
        Overlay::new(self.top.clone(), &*self.base, self.replacing.clone())
    }

    /// Files in memory with the packages that brought them, for the tests of later rooms.
    #[cfg(test)]
    pub(crate) fn of(top: Tree, packages: BTreeMap<Owner, Packaged>) -> Self {
        Self {
            base: Box::new(Tree::new()),
            top,
            replacing: BTreeSet::new(),
            stabilities: BTreeMap::new(),
            locations: BTreeMap::new(),
            packages,
            declared: BTreeMap::new(),
        }
    }
}

impl Unpacked {
    /// What one owner brought, directories of the host left out.
    pub(crate) fn owned_by(&self, owner: &Owner) -> impl Iterator<Item = (&TreePath, &Node)> {
        let owner = owner.clone();
        self.top.iter().filter(move |(_, node)| node.owner == owner)
    }
}

impl std::fmt::Debug for Unpacked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Unpacked")
            .field("top", &self.top)
            .field("replacing", &self.replacing)
            .finish_non_exhaustive()
    }
}

/// The program of a tool, out of the file that was locked for one machine.
///
/// # Errors
/// It was not brought, or its archive does not have exactly the wanted member.
pub(crate) fn tool(
    tool: &Tool,
    locked: &LockedArtifact,
    goods: &Goods,
    host: &Host<'_>,
) -> Result<Content, UnpackError> {
    artifact::program(tool, locked, goods, host)
}

/// Lays the sources of `platform` together. Relative paths of the recipe begin at `base`, the recipe's directory;
/// packages and artifacts are those of the lock, as they were brought home.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(
    recipe: &Recipe,
    locked: Option<(&Lock, &Goods)>,
    platform: &Platform,
    base: &Path,
    host: &Host<'_>,
) -> Result<Unpacked, UnpackError> {
    let mut laid = Laid::default();
    for source in recipe.sources.values().filter(|source| source.is_for(platform)) {
        let name = source.name.value.to_string();
        let locked = || locked.ok_or_else(|| UnpackError::NotLocked { name: name.clone() });
        match &source.kind {
            SourceKind::Rootfs(rootfs) => {
                let opened = rootfs::open(&name, rootfs, platform, base, host)?;
                laid.take_rootfs(name, opened, host)?;
            }
            SourceKind::File(file) => {
                let content = content(file, platform, base)
                    .map_err(|cause| UnpackError::File { name: name.clone(), cause })?;
                laid.take_tree(combine::single(&name, file, content)?, file.replace);
            }
            SourceKind::Apk(_) | SourceKind::Deb(_) => {
                let (lock, goods) = locked()?;
                let package::Laid { trees, packages, declared } =
                    package::lay(source, platform, lock, goods, host)?;
                let entries = trees.iter().map(Tree::len).sum();
                host.observer.observe(&Event::Unpacked { source: &name, entries: Some(entries) });
                laid.trees.extend(trees);
                laid.packages.extend(packages);
                laid.declared.extend(declared);
            }
            SourceKind::Artifact(artifact) => {
                let artifact::Laid { tree, owner, packaged } =
                    artifact::lay(recipe, source, artifact, platform, locked()?, host)?;
                host.observer.observe(&Event::Unpacked { source: &name, entries: Some(tree.len()) });
                laid.take_tree(tree, artifact.replace);
                laid.packages.insert(owner, packaged);
            }
        }
    }
    let Laid { directory, trees, replacing, packages, declared } = laid;
    let (base_view, top, replacing) = combine::combine(directory.map(|(_, view)| view), trees, &replacing)?;
    let mut stabilities = BTreeMap::new();
    let mut locations = BTreeMap::new();
    for source in recipe.sources.values() {
        stabilities.insert(source.name.value.to_string(), source.stability);
        if let SourceKind::Rootfs(rootfs) = &source.kind {
            locations.insert(source.name.value.to_string(), rootfs.location.value.for_platform(platform));
        }
    }
    Ok(Unpacked { base: base_view, top, replacing, stabilities, locations, packages, declared })
}

/// The sources that were read so far.
#[derive(Default)]
struct Laid {
    /// A directory of the host, and the source that it is.
    directory: Option<(String, DirectoryView)>,
    trees: Vec<Tree>,
    /// Trees whose files take the place of others.
    replacing: Vec<Tree>,
    packages: BTreeMap<Owner, Packaged>,
    declared: BTreeMap<TreePath, String>,
}

impl Laid {
    fn take_rootfs(
        &mut self,
        name: String,
        opened: rootfs::Opened,
        host: &Host<'_>,
    ) -> Result<(), UnpackError> {
        match (opened, &self.directory) {
            (rootfs::Opened::Directory(_), Some((first, _))) => {
                return Err(UnpackError::TwoDirectories { first: first.clone(), second: name });
            }
            (rootfs::Opened::Directory(view), None) => self.directory = Some((name, view)),
            (rootfs::Opened::Tree(tree), _) => {
                host.observer.observe(&Event::Unpacked { source: &name, entries: Some(tree.len()) });
                self.trees.push(tree);
            }
        }
        Ok(())
    }

    fn take_tree(&mut self, tree: Tree, replace: bool) {
        if replace { self.replacing.push(tree) } else { self.trees.push(tree) }
    }
}

/// The bytes of a single file: the recipe's own text, or a file beside the recipe.
fn content(file: &FileSource, platform: &Platform, base: &Path) -> Result<Content, FileError> {
    match &file.content {
        FileContent::Text(text) => Ok(Content::from_bytes(
            format!("the text of {}", file.install.value),
            text.value.for_platform(platform).into_bytes(),
        )),
        FileContent::Local(path) => {
            host::open(&base.join(path.value.for_platform(platform))).map(|blob| blob.content())
        }
    }
}

/// Opens any root file system — a directory, tarball, layout or archive — for one platform.
///
/// # Errors
/// It is not there, or is damaged.
pub fn open(
    name: &str,
    path: &Path,
    tag: Option<&str>,
    platform: &Platform,
    host: &Host<'_>,
) -> Result<Box<dyn View + Send>, UnpackError> {
    Ok(match rootfs::read(&rootfs::Wanted { name, path, tag, platform }, host)? {
        rootfs::Opened::Directory(view) => Box::new(view),
        rootfs::Opened::Tree(tree) => Box::new(tree),
    })
}

/// The files of some layers of the image at `path`, the lowest first; each layer is proved before it is believed.
pub(crate) fn flatten(
    name: &str,
    path: &Path,
    layers: &[SourceLayer],
    host: &Host<'_>,
) -> Result<Tree, UnpackError> {
    rootfs::flatten(name, path, layers, host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::ExitClass;
    use crate::recipe::{Context, parse};

    #[test]
    fn what_needs_a_lock_says_so() {
        for source in ["apk = '/m'\nkeys = 'alpine'", "artifact = '/a'\ninstall = '/a'"] {
            let text = format!(
                "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'x'\n[source.far]\n{source}\n[flavor.x]\ncommands = ['a']\n"
            );
            let recipe = parse(&text, &Context::default()).expect("a good recipe").recipe;
            let scratch = host::Scratch::new(std::env::temp_dir());
            let host = Host {
                jobs: std::num::NonZeroUsize::MIN,
                epoch: None,
                scratch: &scratch,
                observer: &crate::event::Silent,
            };
            let platform = recipe.platforms[0].value.clone();
            let error =
                unpack(&recipe, None, &platform, Path::new("."), &host).expect_err("there is no lock");
            assert_eq!(error.to_string(), "source far needs a lock; run `ocelet lock`");
            assert!(matches!(error, UnpackError::NotLocked { .. }) && error.class() == ExitClass::Failed);
        }
    }
}
