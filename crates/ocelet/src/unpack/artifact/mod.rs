//! A released file or archive: its form told by its name and checked by its first bytes, its members chosen, stripped
//! and put where the recipe wants them.
//!
//! What has to be inflated is inflated once, into the store, and never to memory. Refused are files that are not of the
//! form that their name says, members that match nothing, names that lead elsewhere than they say, and more bytes than
//! [`LARGEST`].

mod error;
mod form;
mod members;
#[cfg(test)]
mod tests;
mod version;
mod zip;

use std::io;

use ocelet_tree::tar_in::{self, Devices, Options, Paths};
use ocelet_tree::{Compression, Content, DecodeLimits, Decoder, Metadata, Name, Owner, Tree};

use super::packaged::Packaged;
use super::{UnpackError, rootfs};
use crate::fetch::Goods;
use crate::fetch::store::{Kind, VerifiedBlob};
use crate::host::Host;
use crate::lock::{Lock, LockedArtifact};
use crate::recipe::{ArtifactSource, Install, Platform, Recipe, Source, Tool};

pub use error::ArtifactError;
use form::Form;
pub use zip::{ZipError, ZipProblem};

/// The most bytes that an artifact may inflate to: 4 GiB.
pub const LARGEST: u64 = 4 << 30;
/// How a plain stream is made from a compressed one.
const INFLATED: Kind = Kind::new("inflated.1");

/// An artifact, laid out.
#[derive(Debug)]
pub(super) struct Laid {
    /// Its files.
    pub(super) tree: Tree,
    /// Who has them.
    pub(super) owner: Owner,
    /// What bills of materials need to know of it.
    pub(super) packaged: Packaged,
}

/// Lays out the artifact of a source for a platform.
pub(super) fn lay(
    recipe: &Recipe,
    source: &Source,
    artifact: &ArtifactSource,
    platform: &Platform,
    (lock, goods): (&Lock, &Goods),
    host: &Host<'_>,
) -> Result<Laid, UnpackError> {
    let name = source.name.value.to_string();
    let Some(locked) = lock.artifact_of(&source.name.value, platform) else {
        return Err(UnpackError::NotLocked { name });
    };
    let failed = |cause| UnpackError::Artifact { name: name.clone(), cause: Box::new(cause) };
    let owner = Owner::new(&name);
    let location = artifact.location_for(platform);
    let missing = ArtifactError::Missing { location: location.to_string(), sha256: locked.file.sha256 };
    let blob = goods.get(&locked.file.sha256).ok_or(missing).map_err(failed)?;
    let wanted = Wanted { artifact, location: location.as_str(), owner: &owner, limit: LARGEST };
    let tree = wanted.tree(blob, goods, host).map_err(failed)?;
    let packaged = Packaged {
        version: version::of(&name, &recipe.variables, location.as_str()),
        source: name.clone(),
        name,
        license: String::new(),
        description: String::new(),
        sha256: locked.file.sha256,
        size: locked.file.size,
        location: locked.file.sources.first().map(ToString::to_string).unwrap_or_default(),
        installed: None,
    };
    Ok(Laid { tree, owner, packaged })
}

/// The program of a tool: the one file that is wanted of its artifact.
pub(super) fn program(
    tool: &Tool,
    locked: &LockedArtifact,
    goods: &Goods,
    host: &Host<'_>,
) -> Result<Content, UnpackError> {
    let name = tool.name.to_string();
    let failed = |cause| UnpackError::Artifact { name: name.clone(), cause: Box::new(cause) };
    let artifact = tool.artifact_for(&locked.platform);
    let (owner, location) = (Owner::new(&name), artifact.location_for(&locked.platform));
    let missing = || ArtifactError::Missing { location: location.to_string(), sha256: locked.file.sha256 };
    let blob = goods.get(&locked.file.sha256).ok_or_else(missing).map_err(failed)?;
    let wanted = Wanted { artifact: &artifact, location: location.as_str(), owner: &owner, limit: LARGEST };
    let tree = wanted.tree(blob, goods, host).map_err(failed)?;
    let content = tree.iter().find_map(|(_, node)| node.content().cloned());
    content.ok_or_else(missing).map_err(failed)
}

/// What is wanted of an artifact.
struct Wanted<'recipe> {
    artifact: &'recipe ArtifactSource,
    /// Where it is: its last component says of which form it is.
    location: &'recipe str,
    owner: &'recipe Owner,
    /// The most bytes that may come out.
    limit: u64,
}

impl Wanted<'_> {
    /// The files, where the recipe wants them.
    fn tree(&self, blob: &VerifiedBlob, goods: &Goods, host: &Host<'_>) -> Result<Tree, ArtifactError> {
        let (form, stem) = form::of(self.location);
        form.check(self.file(), &blob.content().head(form::HEAD)?)?;
        match form {
            Form::Raw => self.single(blob.content(), stem),
            Form::Stream(_) => self.single(self.inflated(blob, goods)?.content(), stem),
            Form::Tar(Compression::Plain) => self.archive(&self.tar(blob, host)?),
            Form::Tar(_) => self.archive(&self.tar(&self.inflated(blob, goods)?, host)?),
            Form::Zip => self.archive(&zip::read(blob, &goods.store, self)?),
        }
    }

    /// The name of the file, for messages.
    fn file(&self) -> &str {
        form::file_name(self.location)
    }

    /// The plain bytes of a compressed stream.
    fn inflated(&self, blob: &VerifiedBlob, goods: &Goods) -> Result<VerifiedBlob, ArtifactError> {
        goods.store.derive(blob.digest(), INFLATED, |sink| {
            let limits = DecodeLimits { output: Some(self.limit) };
            Decoder::new(blob.content().reader(), limits)
                .and_then(|mut plain| io::copy(&mut plain, sink))
                .map(drop)
                .map_err(|cause| ArtifactError::Inflate { file: self.file().to_owned(), cause })
        })
    }

    /// The files of a tar archive.
    fn tar(&self, plain: &VerifiedBlob, host: &Host<'_>) -> Result<Tree, ArtifactError> {
        let options = Options { devices: Devices::Skip, paths: Paths::Literal, ..Options::default() };
        let unpacked = tar_in::read_blob(plain.blob(), self.owner, &options)
            .map_err(|cause| ArtifactError::Tar { file: self.file().to_owned(), cause: Box::new(cause) })?;
        rootfs::tell_skipped(&format!("source {}", self.owner), &unpacked.skipped, host);
        Ok(unpacked.tree)
    }

    /// What is no archive: one file.
    fn single(&self, content: Content, stem: &str) -> Result<Tree, ArtifactError> {
        let ArtifactSource { install, members, strip, mode, uid, gid, .. } = self.artifact;
        let key = if members.is_empty() { "strip" } else { "members" };
        if !members.is_empty() || *strip > 0 {
            return Err(ArtifactError::NotAnArchive { file: self.file().to_owned(), key });
        }
        let path = match &install.value {
            Install::File(path) => path.clone(),
            Install::Directory(directory) => {
                let no_name = |_| ArtifactError::NoName { location: self.location.to_owned() };
                directory.join(&Name::new(stem).map_err(no_name)?)
            }
        };
        let metadata = Metadata { uid: *uid, gid: *gid, ..Metadata::root_owned(mode.unwrap_or(0o755)) };
        let mut tree = Tree::new();
        tree.add_file(&path, content, metadata, self.owner)?;
        Ok(tree)
    }

    /// The chosen members of an archive.
    fn archive(&self, tree: &Tree) -> Result<Tree, ArtifactError> {
        members::place(tree, self.artifact, self.file(), self.owner)
    }
}
