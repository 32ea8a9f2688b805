//! Opening a root file system: a directory, a tarball, an OCI layout, or an OCI or Docker archive. Which one it is
//! is told by what is there, not by its name.

use std::path::Path;

use ocelet_oci::{ImageSource, SourceLayer};
use ocelet_tree::tar_in::{self, Devices, Options, Skipped, TarError};
use ocelet_tree::{Blob, Compression, DecodeLimits, Decoder, Glob, MAGIC_LENGTH, Owner, Tree, TreePath};

use super::UnpackError;
use crate::event::Event;
use crate::host::{self, DirectoryView, Host};
use crate::recipe::{At, Platform, RootfsSource};

/// The most bytes that a tarball may inflate to: 64 GiB.
const LARGEST: u64 = 64 << 30;

/// A root file system, opened.
pub(super) enum Opened {
    /// Read as it is asked for.
    Directory(DirectoryView),
    /// Read whole; contents stay in the tarball or a scratch file.
    Tree(Tree),
}

/// Opens the source of that name for a platform.
pub(super) fn open(
    name: &str,
    source: &RootfsSource,
    platform: &Platform,
    base: &Path,
    host: &Host<'_>,
) -> Result<Opened, UnpackError> {
    let path = base.join(source.location.value.for_platform(platform));
    let globs = |globs: &[At<Glob>]| globs.iter().map(|glob| glob.value.clone()).collect::<Vec<Glob>>();
    let (include, exclude) = (globs(&source.include), globs(&source.exclude));
    let tag = source.tag.as_ref().map(|tag| tag.value.as_str());
    Ok(match read(&Wanted { name, path: &path, tag, platform }, host)? {
        Opened::Directory(view) => Opened::Directory(view.filtered(include, exclude)),
        Opened::Tree(tree) => Opened::Tree(filter(tree, &include, &exclude)),
    })
}

/// Which root file system is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'wish> {
    /// Who brings its files: the name of the source.
    pub(super) name: &'wish str,
    /// Where it is.
    pub(super) path: &'wish Path,
    /// Which image of a layout or archive.
    pub(super) tag: Option<&'wish str>,
    /// Which platform of an image.
    pub(super) platform: &'wish Platform,
}

pub(super) fn read(wanted: &Wanted<'_>, host: &Host<'_>) -> Result<Opened, UnpackError> {
    let Wanted { name, path, .. } = *wanted;
    if path.is_dir() {
        if path.join("oci-layout").is_file() {
            return image(wanted, host).map(Opened::Tree);
        }
        return DirectoryView::open(path, &Owner::new(name))
            .map(Opened::Directory)
            .map_err(|cause| UnpackError::Directory { name: name.to_owned(), cause });
    }
    let blob = host::open(path).map_err(|cause| UnpackError::File { name: name.to_owned(), cause })?;
    let plain = inflate(name, &blob, host)?;
    let options = Options { devices: Devices::Skip, ..Options::default() };
    let unpacked =
        tar_in::read_blob(&plain, &Owner::new(name), &options).map_err(|cause| tar(name, path, cause))?;
    if is_image_archive(&unpacked.tree)? {
        return image(wanted, host).map(Opened::Tree);
    }
    tell_skipped(&format!("source {name}"), &unpacked.skipped, host);
    Ok(Opened::Tree(unpacked.tree))
}

/// The blob itself where it is a plain tar, or a scratch blob with what it inflates to.
fn inflate(name: &str, blob: &Blob, host: &Host<'_>) -> Result<Blob, UnpackError> {
    let content = blob.content();
    let head = content.head(MAGIC_LENGTH)?;
    if Compression::detect(&head) == Compression::Plain {
        return Ok(blob.clone());
    }
    let limits = DecodeLimits { output: Some(LARGEST) };
    let kept = host.scratch.keep(&blob.label(), || Decoder::new(content.reader(), limits));
    kept.map_err(|cause| UnpackError::Scratch { name: name.to_owned(), cause })
}

/// Whether the files of a tarball are those of an OCI archive (image-layout.md) or of `docker save`.
fn is_image_archive(tree: &Tree) -> Result<bool, UnpackError> {
    let at_root = |name: &str| TreePath::new(name).ok().and_then(|path| tree.get(&path)?.content().cloned());
    if at_root("oci-layout").is_some() {
        return Ok(true);
    }
    Ok(match at_root("manifest.json") {
        Some(manifest) => manifest.head(1)? == b"[",
        None => false,
    })
}

/// Applies the layers of an image, each proved by its digest before anything is read from it.
fn image(wanted: &Wanted<'_>, host: &Host<'_>) -> Result<Tree, UnpackError> {
    let failed = |cause| UnpackError::Image {
        name: wanted.name.to_owned(),
        path: wanted.path.to_path_buf(),
        cause: Box::new(cause),
    };
    let source = ImageSource::open(wanted.path).map_err(failed)?;
    let choice =
        ocelet_oci::Wanted { tag: wanted.tag.map(str::to_owned), platform: Some(wanted.platform.to_oci()) };
    let image = source.image(&choice).map_err(failed)?;
    flatten(wanted.name, wanted.path, &image.layers, host)
}

/// The files of some layers, the lowest first.
pub(super) fn flatten(
    name: &str,
    path: &Path,
    layers: &[SourceLayer],
    host: &Host<'_>,
) -> Result<Tree, UnpackError> {
    let owner = Owner::new(name);
    let options = Options { devices: Devices::Skip, ..Options::default() };
    let mut tree = Tree::new();
    for layer in layers {
        let reader = layer.open().map_err(|cause| UnpackError::Image {
            name: name.to_owned(),
            path: path.to_path_buf(),
            cause: Box::new(cause),
        })?;
        let label = format!("layer {} of {}", layer.diff_id.0, path.display());
        let blob = host
            .scratch
            .keep(&label, || Ok(reader))
            .map_err(|cause| UnpackError::Scratch { name: name.to_owned(), cause })?;
        let skipped = tar_in::apply_layer_blob(&mut tree, &blob, &owner, &options)
            .map_err(|cause| tar(name, path, cause))?;
        tell_skipped(&format!("source {name}"), &skipped, host);
    }
    Ok(tree)
}

fn tar(name: &str, path: &Path, cause: TarError) -> UnpackError {
    UnpackError::Tar { name: name.to_owned(), path: path.to_path_buf(), cause: Box::new(cause) }
}

/// Devices cannot be in an image; whoever gave something with some is told. `name` begins the sentence.
pub(super) fn tell_skipped(name: &str, skipped: &[Skipped], host: &Host<'_>) {
    if let Some(first) = skipped.first() {
        let message = format!(
            "{name} has {} devices, pipes or sockets that no image can hold, {} among them; they are left out",
            skipped.len(),
            first.path
        );
        host.observer.observe(&Event::Warning { message: &message });
    }
}

/// Drops what the recipe does not want of a source. Directories on the way to what it may want stay, even empty.
fn filter(tree: Tree, include: &[Glob], exclude: &[Glob]) -> Tree {
    if include.is_empty() && exclude.is_empty() {
        return tree;
    }
    let mut filtered = tree.clone();
    let shown = |path: &TreePath| {
        let included =
            include.is_empty() || include.iter().any(|glob| glob.matches(path) || glob.may_match_below(path));
        included && !exclude.iter().any(|glob| glob.matches(path))
    };
    for (path, _) in tree.iter().filter(|(path, _)| !shown(path)) {
        filtered.remove(path);
    }
    filtered
}
