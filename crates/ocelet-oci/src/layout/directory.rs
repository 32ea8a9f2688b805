//! [`Layout`]: opening, creating and reading a layout directory.

use super::entries::Entries;
use super::error::LayoutError;
use super::lock::Session;
use crate::json::{DOCUMENT_LIMIT, canonical};
use crate::{Blob, Descriptor, Digest, Verified, VerifyingReader};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File as CapFile, OpenOptions};
use cap_tempfile::TempFile;
use ocidir::{OciDir, OciRead as _};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where blobs are.
pub(super) const BLOBS: &str = "blobs/sha256";
/// What says that the directory is a layout (image-layout.md, "oci-layout file").
pub(super) const MARKER: &str = "oci-layout";
/// The list of what is in it (image-layout.md, "index.json file").
pub(super) const INDEX: &str = "index.json";

const MARKER_CONTENT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An OCI layout directory. May be shared between threads; other processes may work on the same directory.
///
/// ocidir finds the directory's way and opens blobs, never outside of it. Its blob writer is not used: it panics
/// when the disk is full at the last moment, and renames blobs that are not yet on the disk.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
    oci: OciDir,
    pub(super) session: Mutex<Session>,
}

impl Layout {
    /// Opens the layout in a directory, or makes an empty one. Missing parents are made.
    ///
    /// # Errors
    /// The directory cannot be written, has other things in it but no layout, or has a layout of another version.
    pub fn create_or_open(path: impl AsRef<Path>) -> Result<Self, LayoutError> {
        let path = path.as_ref();
        let io = |action, at: &Path| {
            let path = at.to_owned();
            move |source| LayoutError::Io { action, path, source }
        };
        std::fs::create_dir_all(path).map_err(io("create", path))?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(io("open", path))?;
        if !dir.try_exists(MARKER).map_err(io("look for", &path.join(MARKER)))? {
            let mut names = dir.entries().map_err(io("list", path))?;
            // Hidden files may be those of another process that makes the same layout just now.
            let ours =
                |name: &str| name == "blobs" || name == MARKER || name == INDEX || name.starts_with('.');
            let foreign =
                names.any(|name| name.is_ok_and(|name| !name.file_name().to_str().is_some_and(ours)));
            if foreign && !dir.try_exists(MARKER).map_err(io("look for", &path.join(MARKER)))? {
                let reason = "it has other files in it; give an empty or a new directory";
                return Err(LayoutError::NotALayout { path: path.to_owned(), reason });
            }
            dir.create_dir_all(BLOBS).map_err(io("create", &path.join(BLOBS)))?;
            write_marker(&dir).map_err(io("write", &path.join(MARKER)))?;
        }
        dir.create_dir_all(BLOBS).map_err(io("create", &path.join(BLOBS)))?;
        let layout = Self::of(path, dir)?;
        let lock = layout.lock_index()?;
        if !layout.dir().try_exists(INDEX).map_err(io("look for", &path.join(INDEX)))? {
            layout.write_entries(&Entries::default())?;
        }
        drop(lock);
        Ok(layout)
    }

    /// Opens a layout that is there, of whatever tool.
    ///
    /// # Errors
    /// It is not there, or not a layout of version 1.0.0.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LayoutError> {
        let path = path.as_ref();
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(|source| LayoutError::Io {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        Self::of(path, dir)
    }

    fn of(path: &Path, dir: Dir) -> Result<Self, LayoutError> {
        let wrong = |reason| LayoutError::NotALayout { path: path.to_owned(), reason };
        let marker = match dir.open(MARKER) {
            Ok(marker) => read_document(marker.into_std(), path, MARKER)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(wrong("it has no file oci-layout"));
            }
            Err(source) => {
                return Err(LayoutError::Io { action: "open", path: path.join(MARKER), source });
            }
        };
        let version = parse_marker(&marker).map_err(|source| LayoutError::Document {
            path: path.to_owned(),
            what: MARKER.to_owned(),
            source,
        })?;
        if version != "1.0.0" {
            return Err(LayoutError::Version { path: path.to_owned(), version });
        }
        let oci = OciDir::open(dir).map_err(|_| wrong("it has no directory blobs/sha256"))?;
        Ok(Self { path: path.to_owned(), oci, session: Mutex::new(Session::default()) })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn dir(&self) -> &Dir {
        self.oci.dir()
    }

    pub(super) fn blobs(&self) -> &Dir {
        self.oci.blobs_dir()
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn io(&self, action: &'static str, at: &str) -> impl FnOnce(io::Error) -> LayoutError + use<> {
        let path = self.path.join(at);
        move |source| LayoutError::Io { action, path, source }
    }

    /// The size of a blob that is there, in bytes; nothing if it is not.
    pub(crate) fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, LayoutError> {
        match self.blobs().symlink_metadata(digest.hex()) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(self.io("read", &blob_path(digest))(io::Error::other("not a regular file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.io("look for", &blob_path(digest))(source)),
        }
    }

    /// The file of a blob of this size. Its content is not yet proved: [`Layout::open_blob`] does that.
    pub(crate) fn blob_file(&self, digest: &Digest, size: u64) -> Result<File, LayoutError> {
        match self.blob_size(digest)? {
            None => return Err(LayoutError::MissingBlob { path: self.path.clone(), digest: *digest }),
            Some(got) if got != size => {
                return Err(self.damaged(crate::ContentError::Size {
                    digest: *digest,
                    wanted: size,
                    got,
                    at_least: false,
                }));
            }
            Some(_) => {}
        }
        let descriptor =
            Descriptor::new(crate::MediaType::EmptyJSON, &Blob::held(*digest, size)).to_oci_spec();
        self.oci.read_blob(&descriptor).map_err(|error| {
            let source = match error {
                ocidir::Error::Io(source) => source,
                other => io::Error::other(other),
            };
            self.io("open", &blob_path(digest))(source)
        })
    }

    /// Reads a blob; the end is only reported if size and digest were right.
    ///
    /// # Errors
    /// The blob is not there, has another size or cannot be opened.
    pub fn open_blob(&self, digest: &Digest, size: u64) -> Result<VerifyingReader<File>, LayoutError> {
        Ok(VerifyingReader::new(self.blob_file(digest, size)?, *digest, size))
    }

    /// Reads a document: a blob of at most [`DOCUMENT_LIMIT`] bytes.
    ///
    /// # Errors
    /// The blob is not there, is larger, or is not what its digest and size say.
    pub fn read_blob(&self, digest: &Digest, size: u64) -> Result<Verified, LayoutError> {
        if size > DOCUMENT_LIMIT {
            let what = digest.to_string();
            return Err(LayoutError::TooLarge { path: self.path.clone(), what, size, limit: DOCUMENT_LIMIT });
        }
        let file = self.blob_file(digest, size)?;
        let mut bytes = Vec::new();
        file.take(size + 1).read_to_end(&mut bytes).map_err(self.io("read", &blob_path(digest)))?;
        Verified::new(bytes, digest, size).map_err(|source| self.damaged(source))
    }

    pub(super) fn damaged(&self, source: crate::ContentError) -> LayoutError {
        LayoutError::Content { path: self.path.clone(), source }
    }

    /// The entries of `index.json`, as they are. None where there is no such file.
    pub(crate) fn read_entries(&self) -> Result<Entries, LayoutError> {
        let bytes = match self.dir().open(INDEX) {
            Ok(file) => read_document(file.into_std(), &self.path, INDEX)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::default()),
            Err(source) => return Err(self.io("open", INDEX)(source)),
        };
        Entries::parse(&bytes).map_err(|source| LayoutError::Document {
            path: self.path.clone(),
            what: INDEX.to_owned(),
            source,
        })
    }

    /// Replaces `index.json`; the lock must be held.
    pub(super) fn write_entries(&self, entries: &Entries) -> Result<(), LayoutError> {
        let mut file = TempFile::new(self.dir()).map_err(self.io("write", INDEX))?;
        file.write_all(&canonical(&entries.to_value())).map_err(self.io("write", INDEX))?;
        file.as_file().sync_all().map_err(self.io("sync", INDEX))?;
        file.replace(INDEX).map_err(self.io("replace", INDEX))?;
        self.sync_directory(".")
    }

    /// Makes the names in a directory last.
    pub(super) fn sync_directory(&self, at: &str) -> Result<(), LayoutError> {
        let directory = self.dir().open(at).map_err(self.io("open", at))?;
        directory.sync_all().map_err(self.io("sync", at))
    }
}

/// Where a blob is, seen from the layout.
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

/// Writes `oci-layout` so that it is there complete or not at all, and never a second time: its file is what is
/// locked, so it must stay the same one. A hard link does that, where the file system has them.
fn write_marker(dir: &Dir) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!(".oci-layout.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    // Not a `TempFile`: it would be seen under a name of its own for a moment, and another process would take the
    // directory for somebody else's.
    let mut file = dir.open_with(&name, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all(MARKER_CONTENT.as_bytes())?;
    file.sync_all()?;
    match dir.hard_link(&name, dir, MARKER) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(_) => return dir.rename(&name, dir, MARKER),
    }
    dir.remove_file(&name)
}

/// The version in `oci-layout`.
pub(crate) fn parse_marker(bytes: &[u8]) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    serde_json::from_slice::<Marker>(bytes).map(|marker| marker.image_layout_version)
}

/// Reads a small file of a layout.
fn read_document(file: File, path: &Path, what: &str) -> Result<Vec<u8>, LayoutError> {
    let mut bytes = Vec::new();
    file.take(DOCUMENT_LIMIT + 1).read_to_end(&mut bytes).map_err(|source| LayoutError::Io {
        action: "read",
        path: path.join(what),
        source,
    })?;
    if bytes.len() as u64 > DOCUMENT_LIMIT {
        let (path, what, size) = (path.to_owned(), what.to_owned(), bytes.len() as u64);
        return Err(LayoutError::TooLarge { path, what, size, limit: DOCUMENT_LIMIT });
    }
    Ok(bytes)
}

/// The system's own handle of a file in the layout.
pub(super) fn std_file(file: CapFile) -> File {
    file.into_std()
}
