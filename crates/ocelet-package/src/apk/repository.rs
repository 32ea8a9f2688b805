//! [`VerifiedIndex`]: what a repository lists, after its signature was checked.
//!
//! The signature of `APKINDEX.tar.gz` is over all bytes behind the signature members, so it is checked before any
//! of them is inflated. An index has no serial number and no end of validity: a mirror can serve an old one for
//! ever, and its signature will hold. What can be compared are two times that are signed with it ([`Freshness`]);
//! whoever remembers those of the last index can tell when a newer one was taken back.

use std::fmt;

use ocelet_tree::{Blob, Content, TreePath, tar_in};

use super::keys::Keyring;
use super::member::{MemberError, Members};
use super::signature::{SignatureError, Signatures, SignedBy, small_archive};

/// The most bytes that an index may inflate to. Alpine's largest has 8 MB.
pub const INDEX_LIMIT: u64 = 512 << 20;
/// The entry that holds the records.
const RECORDS: &str = "APKINDEX";
/// The entry that says what the repository is.
const DESCRIPTION: &str = "DESCRIPTION";

/// An index that someone known has signed. Only a verification makes one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifiedIndex {
    /// What the repository says that it is: a release, or the output of `git describe`. Empty where it says nothing.
    pub description: String,
    /// The records: the text of `APKINDEX`.
    pub records: Content,
    /// Who signed it.
    pub signed_by: SignedBy,
    generated: i64,
}

/// When an index was made, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The time at which `APKINDEX` was written, in seconds since 1970, from the header of its entry.
    pub generated: i64,
    /// The newest build of all packages in it (`t:`), in seconds since 1970.
    pub newest_build: Option<u64>,
}

/// An index that is older than one that was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the index was written at {} with its newest package from {}, but one written at {} with a package from {} was seen before; a mirror is behind, or someone serves old packages on purpose",
    .got.generated, Build(.got.newest_build), .seen.generated, Build(.seen.newest_build)
)]
pub struct Rollback {
    /// What was seen before.
    pub seen: Freshness,
    /// What is served now.
    pub got: Freshness,
}

/// Why a file is not an index that can be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The index is of format version 3.
    #[error(
        "{label} is an index of format version 3 (it begins with \"ADB\"), which is not supported; take APKINDEX.tar.gz"
    )]
    VersionThree {
        /// What the file is called.
        label: String,
    },
    /// The signatures cannot be read, or do not hold.
    #[error("{label} cannot be trusted")]
    Signature {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: SignatureError,
    },
    /// The index is signed, and cannot be inflated.
    #[error("{label} cannot be inflated")]
    Member {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: MemberError,
    },
    /// The index is signed, and its archive is damaged.
    #[error("the archive in {label} is refused")]
    Tar {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: tar_in::TarError,
    },
    /// There is no `APKINDEX` in it.
    #[error("{label} has no entry {RECORDS}; it is signed, but is no index of a repository")]
    NoRecords {
        /// What the file is called.
        label: String,
    },
}

impl VerifiedIndex {
    /// Checks and reads the bytes of an `APKINDEX.tar.gz`, which may inflate to at most `limit` bytes
    /// ([`INDEX_LIMIT`] if in doubt); `label` is what it is called in errors.
    ///
    /// # Errors
    /// See [`IndexError`].
    ///
    /// # Panics
    /// Never: what was inflated lies in memory.
    pub fn open(label: &str, bytes: &[u8], keyring: &Keyring, limit: u64) -> Result<Self, IndexError> {
        let distrusted = |cause| IndexError::Signature { label: label.to_owned(), cause };
        if bytes.starts_with(b"ADB") {
            return Err(IndexError::VersionThree { label: label.to_owned() });
        }
        let mut members = Members::new(bytes);
        let signatures = Signatures::read_before_large(&mut members).map_err(distrusted)?;
        let signed_by = signatures.verify(members.rest(), keyring).map_err(distrusted)?;
        let archive = inflate_all(members, limit)
            .map_err(|cause| IndexError::Member { label: label.to_owned(), cause })?;
        let tree = small_archive(&Blob::from_bytes(label, archive))
            .map_err(|cause| IndexError::Tar { label: label.to_owned(), cause })?;
        let entry = |name: &str| tree.get(&TreePath::new(name).expect("a name without dots"));
        let found = entry(RECORDS).and_then(|node| Some((node.content()?.clone(), node.metadata.mtime)));
        let Some((records, generated)) = found else {
            return Err(IndexError::NoRecords { label: label.to_owned() });
        };
        let description = entry(DESCRIPTION).and_then(|node| node.content());
        let description = description.map_or_else(String::new, |content| {
            let bytes = content.head(4096).expect("a blob in memory answers");
            String::from_utf8_lossy(&bytes).trim().to_owned()
        });
        Ok(Self { description, records, signed_by, generated })
    }

    /// When the index was made; reads all records.
    ///
    /// # Panics
    /// Never: the records lie in memory.
    pub fn freshness(&self) -> Freshness {
        let records = self.records.bytes().expect("a blob in memory answers");
        let newest_build = records
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.strip_prefix(b"t:"))
            .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok())
            .max();
        Freshness { generated: self.generated, newest_build }
    }
}

impl Freshness {
    /// Whether `got` is an older index than this one, of the same repository. It is when it was written earlier
    /// and has no newer package; a package that was withdrawn alone makes no index older, nor does a clock alone.
    ///
    /// # Errors
    /// [`Rollback`].
    pub fn check_not_older(&self, got: &Self) -> Result<(), Rollback> {
        let earlier = got.generated < self.generated && got.newest_build <= self.newest_build;
        let fewer = got.generated == self.generated && got.newest_build < self.newest_build;
        if earlier || fewer { Err(Rollback { seen: *self, got: *got }) } else { Ok(()) }
    }
}

/// Inflates all members that are left: what they are signed as is one stream, in however many members.
fn inflate_all(mut members: Members<'_>, limit: u64) -> Result<Vec<u8>, MemberError> {
    if let Some(whole) = super::member::inflate_whole(members.rest(), limit) {
        return Ok(whole);
    }
    let mut inflated = Vec::new();
    while !members.rest().is_empty() {
        members.inflate(limit.saturating_sub(inflated.len() as u64), |piece| {
            inflated.extend_from_slice(piece);
            Ok::<_, MemberError>(())
        })?;
    }
    Ok(inflated)
}

/// The time of a build in a sentence.
struct Build(Option<u64>);

impl fmt::Display for Build {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => time.fmt(formatter),
            None => formatter.write_str("no time"),
        }
    }
}

#[cfg(test)]
mod tests;
