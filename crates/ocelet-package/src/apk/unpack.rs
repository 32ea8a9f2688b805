//! [`VerifiedPackage`]: the files of a package, after the digest of its data member was checked.
//!
//! The member is hashed as it is stored and inflated in the same go, on two threads where it is large, and nothing
//! is handed out before the digest fits. Its archive is then read into a [`Tree`] whose content stays where the
//! member was inflated to. Per-file checksums (`APK-TOOLS.checksum.SHA1`) are compared with the content: they are
//! what the installed database will tell scanners and `apk audit`. Refused are a member that is not exactly one
//! gzip stream to the end of the file, more bytes than the caller allows, and checksums that do not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::thread;

use ocelet_tree::{Blob, Inode, Kind, Node, Owner, Tree, TreePath, tar_in};
use sha2::{Digest, Sha256};

use super::archive::{Control, VerifiedControl};
use super::identity::{Identity, hex, unhex};
use super::member::{MemberError, Members, inflate_whole};

pub use ocelet_tree::tar_in::Skipped;

/// The most bytes of a data member that are inflated in one go, which holds all of them in memory.
pub const DATA_LIMIT: u64 = 2 << 30;
/// From how many bytes on a second thread pays.
const LARGE: usize = 1 << 20;

/// A package with all of its files, checked. Its data lies in memory.
#[derive(Debug, Clone)]
pub struct VerifiedPackage {
    control: Control,
    data: Blob,
}

/// A package whose inflated data was written to where the caller wanted it, checked.
#[derive(Debug, Clone)]
pub struct WrittenPackage {
    control: Control,
    length: u64,
    sha256: [u8; 32],
}

/// The files of a package.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Contents {
    /// The files, as they are to be installed.
    pub tree: Tree,
    /// The SHA-1 of each file's content, and of each symbolic link's target, computed here.
    pub identities: BTreeMap<TreePath, Identity>,
    /// Files for which the package has no checksum. abuild writes them; other builders may not.
    pub unlisted: Vec<TreePath>,
    /// Devices and pipes, which an image has no place for.
    pub skipped: Vec<Skipped>,
}

/// Why the files of a package cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The data member is not the one that `.PKGINFO` speaks of.
    #[error(
        "the data member of {label}, from byte {offset} on, has sha256 {}, but its signed .PKGINFO wants {}; it was changed or cut short", hex(.got), hex(.wanted)
    )]
    DataHash {
        /// What the package is called.
        label: String,
        /// Where in the file the member begins.
        offset: u64,
        /// The digest in `.PKGINFO`.
        wanted: [u8; 32],
        /// The digest of the member.
        got: [u8; 32],
    },
    /// The data member cannot be inflated.
    #[error("the data member of {label} cannot be inflated")]
    Member {
        /// What the package is called.
        label: String,
        /// Why.
        #[source]
        cause: MemberError,
    },
    /// Something follows the data member.
    #[error(
        "the data member of {label} ends at byte {offset}, and something follows; wanted three members and no more"
    )]
    Trailing {
        /// What the package is called.
        label: String,
        /// Where in the file the member ends.
        offset: u64,
    },
    /// What was inflated could not be written.
    #[error("the inflated data of {label} cannot be written at byte {offset}")]
    Write {
        /// What the package is called.
        label: String,
        /// Where in the inflated data.
        offset: u64,
        /// What the writer said.
        #[source]
        cause: io::Error,
    },
    /// The archive of files is damaged.
    #[error("the files of {label} cannot be read")]
    Tar {
        /// What the package is called.
        label: String,
        /// Why.
        #[source]
        cause: tar_in::TarError,
    },
    /// A file does not have the checksum that the package has for it.
    #[error("{path} in {label} has the checksum {got}, but the package says {wanted}")]
    Checksum {
        /// What the package is called.
        label: String,
        /// The file.
        path: TreePath,
        /// What the package says: hexadecimal digits.
        wanted: String,
        /// The SHA-1 of the content: hexadecimal digits.
        got: String,
    },
    /// The blob is not what was inflated.
    #[error("{got} holds {length} bytes; the inflated data of {label} has {wanted}")]
    Blob {
        /// What the package is called.
        label: String,
        /// What the blob is called.
        got: String,
        /// The length of the blob.
        length: u64,
        /// The length of the inflated data.
        wanted: u64,
    },
    /// The content of a file could not be read back.
    #[error("the files of {label} cannot be read back")]
    Read {
        /// What the package is called.
        label: String,
        /// Why.
        #[source]
        cause: ocelet_tree::ReadError,
    },
}

impl VerifiedControl<'_> {
    /// Checks the data member and inflates it to memory, at most `limit` bytes ([`DATA_LIMIT`] if in doubt).
    ///
    /// # Errors
    /// See [`UnpackError`].
    ///
    /// # Panics
    /// Never, unless the decoder does.
    pub fn unpack(self, limit: u64) -> Result<VerifiedPackage, UnpackError> {
        let data = self.data;
        let (hash, inflated) = if data.len() < LARGE {
            let hash = self.check_hash();
            let inflated = if hash.is_ok() { inflate_whole(data, limit) } else { None };
            (hash, inflated)
        } else {
            thread::scope(|scope| {
                let inflating = scope.spawn(|| inflate_whole(data, limit));
                let hash = self.check_hash();
                (hash, inflating.join().expect("inflating never panics"))
            })
        };
        hash?;
        let inflated = if let Some(inflated) = inflated {
            inflated
        } else {
            let mut inflated = Vec::new();
            self.inflate(limit, |piece| {
                inflated.extend_from_slice(piece);
                Ok(())
            })?;
            inflated
        };
        let data = Blob::from_bytes(self.control.label.clone(), inflated);
        Ok(VerifiedPackage { control: self.control, data })
    }

    /// Checks the data member, and then inflates it into `sink`, at most `limit` bytes, a piece at a time.
    ///
    /// # Errors
    /// See [`UnpackError`]. The sink then holds a part of the data, and must be dropped.
    pub fn unpack_into(self, sink: &mut dyn Write, limit: u64) -> Result<WrittenPackage, UnpackError> {
        self.check_hash()?;
        let (mut length, mut digest) = (0, Sha256::new());
        self.inflate(limit, |piece| {
            sink.write_all(piece).map_err(|cause| UnpackError::Write {
                label: self.control.label.clone(),
                offset: length,
                cause,
            })?;
            digest.update(piece);
            length += piece.len() as u64;
            Ok(())
        })?;
        Ok(WrittenPackage { control: self.control, length, sha256: digest.finalize().into() })
    }

    /// The files, out of data that was inflated before: `blob` must be what [`VerifiedControl::unpack_into`] has
    /// written for this very package, and the caller answers for that, with a digest that was kept. The data member
    /// is not looked at again; the checksum of each file is computed and compared all the same.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn contents_of_inflated(&self, blob: &Blob, owner: &Owner) -> Result<Contents, UnpackError> {
        contents(&self.control, blob, owner)
    }

    pub(super) fn check_hash(&self) -> Result<(), UnpackError> {
        let got: [u8; 32] = Sha256::digest(self.data).into();
        if got == self.control.data_hash {
            return Ok(());
        }
        Err(UnpackError::DataHash {
            label: self.control.label.clone(),
            offset: self.data_offset,
            wanted: self.control.data_hash,
            got,
        })
    }

    /// Inflates the one member that the data is, piece by piece.
    fn inflate(
        &self,
        limit: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        let mut members = Members::new(self.data);
        let outcome = members.inflate(limit, |piece| take(piece).map_err(Stop::Sink));
        match outcome {
            Ok(_) if members.rest().is_empty() => Ok(()),
            Ok(range) => Err(UnpackError::Trailing {
                label: self.control.label.clone(),
                offset: self.data_offset + range.end as u64,
            }),
            Err(Stop::Sink(error)) => Err(error),
            Err(Stop::Member(cause)) => Err(UnpackError::Member { label: self.control.label.clone(), cause }),
        }
    }
}

/// Why inflating stopped.
enum Stop {
    Member(MemberError),
    Sink(UnpackError),
}

impl From<MemberError> for Stop {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

impl VerifiedPackage {
    /// What the package says of itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The inflated data: a plain tar archive.
    pub fn data(&self) -> &Blob {
        &self.data
    }

    /// The files; `owner` is who brings them. Their content stays in [`VerifiedPackage::data`].
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn contents(&self, owner: &Owner) -> Result<Contents, UnpackError> {
        contents(&self.control, &self.data, owner)
    }
}

impl WrittenPackage {
    /// What the package says of itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// How many bytes were written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The SHA-256 of what was written.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The files; `owner` is who brings them. Their content stays in `blob`, which must be what was written:
    /// its length and the checksum of each file are compared.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn contents(&self, blob: &Blob, owner: &Owner) -> Result<Contents, UnpackError> {
        if blob.length() != self.length {
            return Err(UnpackError::Blob {
                label: self.control.label.clone(),
                got: blob.label(),
                length: blob.length(),
                wanted: self.length,
            });
        }
        contents(&self.control, blob, owner)
    }
}

fn contents(control: &Control, blob: &Blob, owner: &Owner) -> Result<Contents, UnpackError> {
    let options = tar_in::Options { devices: tar_in::Devices::Skip, ..tar_in::Options::default() };
    let unpacked = tar_in::read_blob(blob, owner, &options)
        .map_err(|cause| UnpackError::Tar { label: control.label.clone(), cause })?;
    let tar_in::Unpacked { mut tree, skipped, checksums } = unpacked;
    let identities = check_all(control, &tree, &checksums)?;
    let unlisted = unlisted(&tree, &checksums);
    let mut contents = Contents { tree: Tree::new(), identities, unlisted, skipped };
    for path in not_installed(&tree) {
        tree.remove(&path);
    }
    contents.tree = tree;
    contents.identities.retain(|path, _| contents.tree.get(path).is_some());
    contents.unlisted.retain(|path| contents.tree.get(path).is_some());
    Ok(contents)
}

/// The identity of every file and symbolic link, each compared with what the package says.
fn check_all(
    control: &Control,
    tree: &Tree,
    checksums: &BTreeMap<TreePath, Vec<u8>>,
) -> Result<BTreeMap<TreePath, Identity>, UnpackError> {
    let mut files: BTreeMap<Inode, Identity> = BTreeMap::new();
    let mut identities = BTreeMap::new();
    for (path, node) in tree.iter() {
        let identity = match &node.kind {
            Kind::Directory => continue,
            Kind::Symlink { target } => Identity::sha1_of(target.as_bytes()),
            Kind::File { inode, .. } if files.contains_key(inode) => files[inode],
            Kind::File { content, inode } => {
                let bytes = content
                    .bytes()
                    .map_err(|cause| UnpackError::Read { label: control.label.clone(), cause })?;
                let identity = Identity::sha1_of(&bytes);
                files.insert(*inode, identity);
                identity
            }
        };
        if let (Some(wanted), Identity::Sha1(got)) = (checksums.get(path), identity)
            && unhex(wanted) != Some(got)
        {
            return Err(UnpackError::Checksum {
                label: control.label.clone(),
                path: path.clone(),
                wanted: String::from_utf8_lossy(wanted).into_owned(),
                got: hex(&got),
            });
        }
        identities.insert(path.clone(), identity);
    }
    Ok(identities)
}

/// The files for which the package has no checksum under any of their names: hard links have none of their own.
fn unlisted(tree: &Tree, checksums: &BTreeMap<TreePath, Vec<u8>>) -> Vec<TreePath> {
    let listed: BTreeSet<Inode> =
        checksums.keys().filter_map(|path| tree.get(path)).filter_map(Node::inode).collect();
    tree.iter()
        .filter(|(path, node)| match &node.kind {
            Kind::Directory => false,
            Kind::Symlink { .. } => !checksums.contains_key(*path),
            Kind::File { inode, .. } => !listed.contains(inode),
        })
        .map(|(path, _)| path.clone())
        .collect()
}

/// What apk-tools leaves out when it installs a package (`src/database.c`, `apk_db_install_file`): hidden files at
/// the root, such as `.dummy` in packages without files, and `.keep_…`, which hold directories open.
fn not_installed(tree: &Tree) -> Vec<TreePath> {
    let unwanted = |path: &TreePath, node: &Node| {
        let name = path.name().expect("only the root has none");
        let keeper = name.as_bytes().len() > 6 && name.as_bytes().starts_with(b".keep_");
        path.as_bytes().starts_with(b".") || (keeper && !node.is_directory())
    };
    tree.iter().filter(|(path, node)| unwanted(path, node)).map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests;
