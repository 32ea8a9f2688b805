//! [`VerifiedPackage`]: the files of a package whose digest was checked.
//!
//! The data member is unpacked into memory or into a sink of the caller's, never beyond a limit, and its archive is then
//! read into a [`Tree`] whose content stays where it was unpacked to. The MD5 of each file is computed and compared with
//! the package's own `md5sums`: that is what its database will tell scanners and `dpkg --verify`. Refused are sums that do
//! not fit, two entries for one path, names that are absolute, climb, or lead through a link of the archive; devices are
//! left out and told.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::thread;

use md5::Md5;
use ocelet_tree::{
    Blob, Content, DecodeLimits, Decoder, Inode, Kind, Owner, ReadError, Tree, TreePath, tar_in,
};
use sha2::{Digest, Sha256};

use super::archive::VerifiedArchive;
use super::control::Control;
use super::digest::hex;

pub use ocelet_tree::tar_in::Skipped;

/// The most bytes of data that are unpacked in one go, which holds all of them in memory.
pub const DATA_LIMIT: u64 = 2 << 30;
/// How many bytes are unpacked at a time.
const PIECE: usize = 256 << 10;
/// From how many bytes on a second thread pays.
const LARGE: u64 = 1 << 20;

/// A package with all of its files, in memory.
#[derive(Debug, Clone)]
pub struct VerifiedPackage {
    control: Control,
    data: Blob,
}

/// A package whose unpacked data was written to where the caller wanted it.
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
    /// The MD5 of each file's content, computed here.
    pub md5: BTreeMap<TreePath, [u8; 16]>,
    /// Files that the package's `md5sums` does not list, conffiles left out: those are never listed.
    pub unlisted: Vec<TreePath>,
    /// What it lists and does not have as a file.
    pub absent: Vec<TreePath>,
    /// Devices and pipes, which an image has no place for.
    pub skipped: Vec<Skipped>,
}

/// Why the files of a package cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The data member cannot be unpacked.
    #[error("the member {member} of {label}, at byte {offset}, cannot be unpacked")]
    Decode {
        /// What the package is called.
        label: String,
        /// The name of the member.
        member: String,
        /// Where in the file it begins.
        offset: usize,
        /// What the decoder said.
        #[source]
        cause: io::Error,
    },
    /// What was unpacked could not be written.
    #[error("the unpacked data of {label} cannot be written at byte {offset}")]
    Write {
        /// What the package is called.
        label: String,
        /// Where in the unpacked data.
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
    /// A file does not have the MD5 that the package has for it.
    #[error("{path} in {label} has md5 {}, but the package's md5sums says {}", hex(.got), hex(.wanted))]
    Checksum {
        /// What the package is called.
        label: String,
        /// The file.
        path: TreePath,
        /// What the package says.
        wanted: [u8; 16],
        /// The MD5 of the content.
        got: [u8; 16],
    },
    /// The blob is not what was unpacked.
    #[error("{got} holds {length} bytes; the unpacked data of {label} has {wanted}")]
    Blob {
        /// What the package is called.
        label: String,
        /// What the blob is called.
        got: String,
        /// The length of the blob.
        length: u64,
        /// The length of the unpacked data.
        wanted: u64,
    },
    /// The content of a file could not be read back.
    #[error("the files of {label} cannot be read back")]
    Read {
        /// What the package is called.
        label: String,
        /// Why.
        #[source]
        cause: ReadError,
    },
}

impl VerifiedArchive<'_> {
    /// Unpacks the data to memory, at most `limit` bytes ([`DATA_LIMIT`] if in doubt).
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn unpack(self, limit: u64) -> Result<VerifiedPackage, UnpackError> {
        let mut data = Vec::new();
        self.decode(limit, |piece| {
            data.extend_from_slice(piece);
            Ok(())
        })?;
        let data = Blob::from_bytes(self.control.label.clone(), data);
        Ok(VerifiedPackage { control: self.control, data })
    }

    /// Unpacks the data into `sink`, at most `limit` bytes, a piece at a time.
    ///
    /// # Errors
    /// See [`UnpackError`]. The sink then holds a part of the data, and must be dropped.
    pub fn unpack_into(self, sink: &mut dyn Write, limit: u64) -> Result<WrittenPackage, UnpackError> {
        let (mut length, mut digest) = (0, Sha256::new());
        self.decode(limit, |piece| {
            let failed =
                |cause| UnpackError::Write { label: self.control.label.clone(), offset: length, cause };
            sink.write_all(piece).map_err(failed)?;
            digest.update(piece);
            length += piece.len() as u64;
            Ok(())
        })?;
        Ok(WrittenPackage { control: self.control, length, sha256: digest.finalize().into() })
    }

    /// The files, out of data that was unpacked before: `blob` must be what [`VerifiedArchive::unpack_into`] has
    /// written for this very package, and the caller answers for that, with a digest that was kept. The MD5 of each
    /// file is computed and compared all the same.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn contents_of_unpacked(&self, blob: &Blob, owner: &Owner) -> Result<Contents, UnpackError> {
        contents(&self.control, blob, owner)
    }

    fn decode(
        &self,
        limit: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        let failed = |cause| UnpackError::Decode {
            label: self.control.label.clone(),
            member: self.data.name.clone(),
            offset: self.data.offset,
            cause,
        };
        let mut decoder =
            Decoder::new(self.data.content, DecodeLimits { output: Some(limit) }).map_err(failed)?;
        let mut buffer = vec![0; PIECE];
        loop {
            match decoder.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => take(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

impl VerifiedPackage {
    /// What the package says of itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The unpacked data: a plain tar archive.
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
    /// its length is compared, and the MD5 of each file.
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
    let options = tar_in::Options {
        duplicates: tar_in::Duplicates::Refuse,
        devices: tar_in::Devices::Skip,
        paths: tar_in::Paths::Literal,
        ..tar_in::Options::default()
    };
    let label = || control.label.clone();
    let unpacked = tar_in::read_blob(blob, owner, &options)
        .map_err(|cause| UnpackError::Tar { label: label(), cause })?;
    let tree = unpacked.tree;
    let md5 = sums(&tree).map_err(|cause| UnpackError::Read { label: label(), cause })?;
    let mut absent = Vec::new();
    for (path, wanted) in &control.md5sums {
        match md5.get(path) {
            Some(got) if got == wanted => {}
            Some(got) => {
                let (path, wanted, got) = (path.clone(), *wanted, *got);
                return Err(UnpackError::Checksum { label: label(), path, wanted, got });
            }
            None => absent.push(path.clone()),
        }
    }
    let listed = |path: &TreePath| control.md5sums.contains_key(path) || control.conffiles.contains(path);
    let unlisted = md5.keys().filter(|path| !listed(path)).cloned().collect();
    Ok(Contents { tree, md5, unlisted, absent, skipped: unpacked.skipped })
}

/// The MD5 of every file; each content is read once, whatever the number of its names.
fn sums(tree: &Tree) -> Result<BTreeMap<TreePath, [u8; 16]>, ReadError> {
    let mut contents: BTreeMap<Inode, &Content> = BTreeMap::new();
    for (_, node) in tree.iter() {
        if let Kind::File { content, inode } = &node.kind {
            contents.insert(*inode, content);
        }
    }
    let contents: Vec<(Inode, &Content)> = contents.into_iter().collect();
    let total: u64 = contents.iter().map(|(_, content)| content.length()).sum();
    let hashed = if total < LARGE {
        hash(&contents)?
    } else {
        // Halves of the bytes, not of the files.
        let mut before = 0;
        let mut in_first = |(_, content): &&(Inode, &Content)| {
            before += content.length();
            before <= total / 2
        };
        let half = contents.iter().take_while(|one| in_first(one)).count();
        let (first, second) = contents.split_at(half);
        thread::scope(|scope| {
            let other = scope.spawn(|| hash(second));
            let mut hashed = hash(first)?;
            hashed.extend(other.join().expect("hashing never panics")?);
            Ok(hashed)
        })?
    };
    let of =
        |(path, node): (&TreePath, &ocelet_tree::Node)| Some((path.clone(), *hashed.get(&node.inode()?)?));
    Ok(tree.iter().filter_map(of).collect())
}

fn hash(contents: &[(Inode, &Content)]) -> Result<BTreeMap<Inode, [u8; 16]>, ReadError> {
    contents.iter().map(|(inode, content)| Ok((*inode, Md5::digest(&*content.bytes()?).into()))).collect()
}

#[cfg(test)]
mod tests;
