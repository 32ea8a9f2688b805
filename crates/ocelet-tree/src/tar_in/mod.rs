//! Tar archives in: root file system archives and image layers, turned into a [`Tree`].
//!
//! Understood are old (v7), ustar, GNU and PAX headers, as pax(1) (POSIX.1-2017), the GNU tar manual
//! ("Basic Tar Format") and tar(5) of libarchive describe them. Symbolic links that stand above an entry are
//! followed inside the tree, so nothing lands outside of it. Refused are `..` in names, sparse files, devices
//! (unless skipped), damaged or missing checksums, and every header that two readers could take differently.
//! Each error names the entry and the byte where its headers begin.
//!
//! Times are cut to whole seconds, downwards (-0.5 becomes -1), as `st_mtim.tv_sec` holds them. User and group
//! names are ignored: the numbers count. Of the extended attributes only `security.capability` is kept.

mod build;
mod entries;
mod error;
mod header;
mod input;
mod layer;
mod pax;

use std::collections::BTreeMap;
use std::io::Read;

use crate::{Blob, Owner, Tree, TreePath};
use entries::Entries;
use input::Input;

pub use error::{Ambiguity, EntryName, PaxFault, Problem, TarError};
pub(crate) use pax::XATTR;

/// How an archive is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What a second entry for one path does.
    pub duplicates: Duplicates,
    /// What a device, pipe or socket does.
    pub devices: Devices,
    /// What a name does that leads elsewhere than it says.
    pub paths: Paths,
    /// Whether the archive must say where it ends.
    pub end: End,
    /// What reading may cost.
    pub limits: Limits,
}

/// What a second entry for one path does. Paths are compared where they land: `./a`, `a/` and, where `b` links
/// to `.`, `b/a` are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It replaces the first, as extracting the archive would: a directory keeps what is in it and takes the new
    /// metadata; anything else goes, a directory with all that is in it.
    #[default]
    Replace,
    /// It is an error, as image-spec demands of layers (layer.md, "Distributable Format").
    Refuse,
}

/// What a device, pipe or socket does: a tree has no place for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Devices {
    /// It is an error.
    #[default]
    Refuse,
    /// It is left out and told in [`Unpacked::skipped`], and so is each hard link to it. Root file systems that
    /// were exported from a running container hold the nodes of `/dev`.
    Skip,
}

/// What a name does that begins at the root or leads through a symbolic link of the archive. Nothing ever leaves the
/// tree, either way; `..` is always refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paths {
    /// It lands where extracting the archive as root file system would put it.
    #[default]
    Follow,
    /// It is an error. Where members are chosen by their names, a name must say where its file is.
    Literal,
}

/// Whether an archive must say where it ends, with two blocks of NUL bytes (pax(1), "ustar Interchange Format").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    /// Without them it was cut short.
    #[default]
    Required,
    /// They may be missing, as in the control segment of an apk package.
    Optional,
}

/// What reading an archive may cost. The defaults are far above any root file system that was seen.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most headers, those of extensions counted.
    pub headers: u64,
    /// The most bytes of one PAX header, or of one GNU long name.
    pub extension: u64,
    /// The most bytes of all names and link targets.
    pub names: u64,
    /// The most bytes of content that are held in memory. Only a stream's content is; a blob's stays where it is.
    pub memory: u64,
    /// The most directories and links that are passed on the way to all entries.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { headers: 1_000_000, extension: 1 << 20, names: 256 << 20, memory: 1 << 30, steps: 50_000_000 }
    }
}

/// What came out of an archive.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The files.
    pub tree: Tree,
    /// What was left out, where [`Devices::Skip`] was asked for.
    pub skipped: Vec<Skipped>,
    /// What apk packages say that the SHA-1 of a file, or of a symbolic link's target, is: the value of the PAX
    /// record `APK-TOOLS.checksum.SHA1`, as it stands there. It is told and not checked; hard links have none.
    pub checksums: BTreeMap<TreePath, Vec<u8>>,
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it would have been.
    pub path: TreePath,
    /// What it is: `character device`, `block device`, `named pipe`, or `hard link to a device`.
    pub noun: &'static str,
}

/// Reads a plain tar stream; the content of its files is copied to memory. The stream is read to its very end,
/// so that a decoder underneath gets to check its checksum.
///
/// # Errors
/// See [`Problem`]. Whiteout names (`.wh.…`) are refused: this is a root file system, not a layer.
pub fn read(reader: impl Read, owner: &Owner, options: &Options) -> Result<Unpacked, TarError> {
    let entries = Entries::read(Input::stream(reader), options, owner.as_str())?;
    build::root_file_system(entries, owner, options)
}

/// Reads a plain tar archive that is a blob; the content of its files stays there.
///
/// # Errors
/// See [`read`].
pub fn read_blob(blob: &Blob, owner: &Owner, options: &Options) -> Result<Unpacked, TarError> {
    let entries = Entries::read(Input::<std::io::Empty>::blob(blob), options, owner.as_str())?;
    build::root_file_system(entries, owner, options)
}

/// Applies one image layer, a plain tar stream, to the tree of the layers below it, as image-spec's layer.md says
/// and as leniently as the unpackers in the field: a hard link may point to a file of a lower layer, parents may
/// be missing, whiteouts of files that never were are ignored, and so is what old AUFS drivers left behind
/// (`.wh..wh.*`).
///
/// All whiteouts apply to the lower layers and to them only, wherever in the layer they stand.
///
/// # Errors
/// See [`Problem`]. The tree is then left half way and must be dropped.
pub fn apply_layer(
    tree: &mut Tree,
    reader: impl Read,
    owner: &Owner,
    options: &Options,
) -> Result<Vec<Skipped>, TarError> {
    let entries = Entries::read(Input::stream(reader), options, owner.as_str())?;
    layer::apply(tree, entries, owner, options)
}

/// As [`apply_layer`], from a plain tar archive that is a blob; the content of its files stays there.
///
/// # Errors
/// See [`apply_layer`].
pub fn apply_layer_blob(
    tree: &mut Tree,
    blob: &Blob,
    owner: &Owner,
    options: &Options,
) -> Result<Vec<Skipped>, TarError> {
    let entries = Entries::read(Input::<std::io::Empty>::blob(blob), options, owner.as_str())?;
    layer::apply(tree, entries, owner, options)
}

#[cfg(test)]
mod tests;
