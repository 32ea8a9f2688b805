//! Zip archives (APPNOTE.TXT 6.3.10): the central directory read and checked, the content of all members inflated once,
//! one after the other, into a blob of the store.
//!
//! The sizes of the central directory say where each member lies in that blob, so a second run only reads the directory.
//! They are proved, with the CRCs, when it is written. Understood are stored and deflated members, Zip64, and modes and
//! symbolic links as Unix tools write them (4.4.7). Refused are encrypted members, other methods, members that overlap,
//! names that the two headers of a member give differently, names that are absolute or climb, devices, and two members
//! of one name.

use std::io::{self, Read, Write};

use flate2::bufread::DeflateDecoder;
use ocelet_tree::{
    Blob, InsertError, LinkTarget, LinkTargetError, Metadata, PathError, ReadError, Tree, TreePath,
};
use rawzip::{CompressionMethod, CreatorSystem, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::Wanted;
use super::error::ArtifactError;
use crate::fetch::store::{Kind, Store, VerifiedBlob};

/// How the content of all members is made from the archive.
const CONTENT: Kind = Kind::new("zip-content.1");
/// No archive with more members is read: as many headers as a tar archive may have.
const MOST_MEMBERS: usize = 1_000_000;
/// No target of a symbolic link is longer, in bytes (`PATH_MAX` without its NUL, `linux/limits.h`).
const LONGEST_TARGET: u64 = 4095;

/// A zip archive that cannot be read, or that must not be.
#[derive(Debug, thiserror::Error)]
#[error("the zip {} is refused", .member.as_ref().map_or_else(|| "directory".to_owned(), |name| format!("member \"{name}\"")))]
pub struct ZipError {
    /// The member as the archive names it; nothing for the archive as a whole.
    pub member: Option<String>,
    /// What is wrong with it.
    #[source]
    pub problem: Box<ZipProblem>,
}

/// What is wrong with a zip archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZipProblem {
    /// The archive is damaged, or none.
    #[error("it is damaged or cut short")]
    Damaged(#[source] rawzip::Error),
    /// The content of a member is damaged.
    #[error("its content is damaged: wanted {wanted} bytes with the CRC32 {crc:08x}")]
    Content {
        /// The length that the directory says, in bytes.
        wanted: u64,
        /// The checksum that the directory says.
        crc: u32,
        /// What the decoder said.
        #[source]
        cause: io::Error,
    },
    /// Another number of members than announced.
    #[error("it says that it has {said} members, and has {got}; it is damaged")]
    Count {
        /// What the end of the directory says.
        said: u64,
        /// How many there are.
        got: usize,
    },
    /// More than may be.
    #[error("it has more than {limit} {unit}")]
    Limit {
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// Encrypted content.
    #[error("it is encrypted, and there is no place for a password")]
    Encrypted,
    /// A compression method that is not understood.
    #[error("it is packed with {method}; wanted stored or deflate")]
    Method {
        /// Its name or number.
        method: String,
    },
    /// The local header has another name than the directory, so readers disagree.
    #[error("its local header names it \"{local}\"; readers disagree about what that means")]
    TwoNames {
        /// The other name.
        local: String,
    },
    /// Content that two members share: a small archive may so inflate to very much.
    #[error("its content overlaps with that of another member")]
    Overlap,
    /// A name that begins at the root.
    #[error("its name is absolute; names in an archive must be relative")]
    Absolute,
    /// A name that cannot be the name of a file in a tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A symbolic link with a target that cannot be.
    #[error(transparent)]
    LinkTarget(#[from] LinkTargetError),
    /// A directory with content.
    #[error("it is a directory with {size} bytes of content")]
    DirectoryContent {
        /// How many bytes.
        size: u64,
    },
    /// A device, pipe or socket.
    #[error("its mode {mode:o} is that of a device, pipe or socket, which has no place in an image")]
    Device {
        /// The whole mode.
        mode: u32,
    },
    /// A second member of one name.
    #[error("the archive already has a member of that name")]
    Duplicate,
    /// The member cannot be put into the tree.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// What was inflated cannot be read back.
    #[error("its content cannot be read back")]
    Read(#[from] ReadError),
    /// What was inflated before is not as long as the directory says.
    #[error("the store has {got} bytes of its content; wanted {wanted}")]
    Inflated {
        /// The length by the directory, in bytes.
        wanted: u64,
        /// The length of what is stored.
        got: u64,
    },
}

/// A member of the archive.
struct Member<'bytes> {
    /// The name as it stands there, for messages.
    name: String,
    path: TreePath,
    kind: MemberKind,
    metadata: Metadata,
    record: ZipFileHeaderRecord<'bytes>,
    /// Where its content begins in the blob of all contents.
    offset: u64,
}

#[derive(PartialEq, Eq)]
enum MemberKind {
    Directory,
    File,
    Symlink,
}

type Archive<'bytes> = ZipSliceArchive<&'bytes [u8]>;

/// The files of an archive; their content lies in the store.
pub(super) fn read(blob: &VerifiedBlob, store: &Store, wanted: &Wanted<'_>) -> Result<Tree, ArtifactError> {
    let bytes = blob.content().bytes()?;
    let failed = |cause| ArtifactError::Zip { file: wanted.file().to_owned(), cause };
    let archive =
        ZipArchive::from_slice(&bytes[..]).map_err(|cause| failed(whole(ZipProblem::Damaged(cause))))?;
    let members = members(&archive, wanted.limit).map_err(failed)?;
    let content = store.derive(blob.digest(), CONTENT, |sink| {
        members.iter().try_for_each(|member| inflate(&archive, member, sink)).map_err(failed)
    })?;
    tree(&members, content.blob(), wanted).map_err(failed)
}

fn whole(problem: ZipProblem) -> ZipError {
    ZipError { member: None, problem: Box::new(problem) }
}

/// Reads and checks the directory. Contents follow one another in its order.
fn members<'bytes>(archive: &'bytes Archive<'_>, limit: u64) -> Result<Vec<Member<'bytes>>, ZipError> {
    let mut members: Vec<Member<'bytes>> = Vec::new();
    let mut offset = 0_u64;
    for record in archive.entries() {
        let record = record.map_err(|cause| whole(ZipProblem::Damaged(cause)))?;
        if members.len() == MOST_MEMBERS {
            let limit = MOST_MEMBERS as u64;
            return Err(whole(ZipProblem::Limit { limit, unit: "members" }));
        }
        let size = record.uncompressed_size_hint();
        let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        let member = member(archive, record, name.clone(), offset)
            .map_err(|problem| ZipError { member: Some(name), problem: Box::new(problem) })?;
        members.push(member);
        offset = offset.saturating_add(size);
        if offset > limit {
            return Err(whole(ZipProblem::Limit { limit, unit: "bytes of content" }));
        }
    }
    // Writers without Zip64 count modulo 2^16 (4.4.22).
    let (said, got) = (archive.entries_hint(), members.len());
    if said != got as u64 && said != got as u64 % (1 << 16) {
        return Err(whole(ZipProblem::Count { said, got }));
    }
    refuse_overlap(archive, &members)?;
    Ok(members)
}

/// Reads one record of the directory and compares it with the member's local header.
fn member<'bytes>(
    archive: &Archive<'_>,
    record: ZipFileHeaderRecord<'bytes>,
    name: String,
    offset: u64,
) -> Result<Member<'bytes>, ZipProblem> {
    let raw = record.file_path().as_bytes().to_vec();
    let entry = archive.get_entry(record.wayfinder()).map_err(ZipProblem::Damaged)?;
    let local = entry.local_header();
    if local.file_path().as_bytes() != raw {
        let local = String::from_utf8_lossy(local.file_path().as_bytes()).into_owned();
        return Err(ZipProblem::TwoNames { local });
    }
    let flags = record.flags();
    if flags.is_encrypted()
        || flags.has_strong_encryption()
        || flags.is_masked()
        || local.flags().is_encrypted()
    {
        return Err(ZipProblem::Encrypted);
    }
    let method = record.compression_method();
    let (packed, size) = (record.compressed_size_hint(), record.uncompressed_size_hint());
    if method != CompressionMethod::STORE && method != CompressionMethod::DEFLATE {
        return Err(ZipProblem::Method { method: method_name(method) });
    }
    if method == CompressionMethod::STORE && packed != size {
        let cause = io::Error::other(format!("it is stored in {packed} bytes"));
        return Err(ZipProblem::Content { wanted: size, crc: record.crc32(), cause });
    }
    if raw.starts_with(b"/") {
        return Err(ZipProblem::Absolute);
    }
    let path = TreePath::new(&raw)?;
    let (kind, mode) = kind_and_mode(&record)?;
    if kind == MemberKind::Directory && size > 0 {
        return Err(ZipProblem::DirectoryContent { size });
    }
    if kind == MemberKind::Symlink && size > LONGEST_TARGET {
        return Err(ZipProblem::Limit { limit: LONGEST_TARGET, unit: "bytes in the target of a link" });
    }
    Ok(Member { name, path, kind, metadata: Metadata::root_owned(mode), record, offset })
}

fn method_name(method: CompressionMethod) -> String {
    method.name().map_or_else(|| format!("method {}", method.as_u16()), str::to_owned)
}

/// What a member is, and its permission bits; the usual ones where its writer knew none (4.4.2 and 4.4.15).
fn kind_and_mode(record: &ZipFileHeaderRecord<'_>) -> Result<(MemberKind, u16), ZipProblem> {
    /// The kind of a file in its mode, and its values (`S_IFMT`, `linux/stat.h`).
    const KIND: u32 = 0o170_000;
    let unix =
        matches!(record.version_made_by().creator_system(), CreatorSystem::UNIX | CreatorSystem::MACOS);
    let stored = if unix { record.external_attributes() >> 16 } else { 0 };
    let kind = match stored & KIND {
        _ if record.is_dir() => MemberKind::Directory,
        0o040_000 => MemberKind::Directory,
        0o120_000 => MemberKind::Symlink,
        0 | 0o100_000 => MemberKind::File,
        _ => return Err(ZipProblem::Device { mode: stored }),
    };
    let usual = if kind == MemberKind::Directory { 0o755 } else { 0o644 };
    let bits = u16::try_from(stored & 0o7777).expect("twelve bits");
    Ok((kind, if stored == 0 { usual } else { bits }))
}

fn refuse_overlap(archive: &Archive<'_>, members: &[Member<'_>]) -> Result<(), ZipError> {
    let named = |member: &Member<'_>, problem| ZipError {
        member: Some(member.name.clone()),
        problem: Box::new(problem),
    };
    let mut ranges = Vec::with_capacity(members.len());
    for member in members {
        let entry = archive
            .get_entry(member.record.wayfinder())
            .map_err(|cause| named(member, ZipProblem::Damaged(cause)))?;
        // The header belongs to it as well: a member must not lie in another one's.
        ranges.push((member.record.local_header_offset(), entry.compressed_data_range().1, member));
    }
    ranges.sort_by_key(|(start, end, _)| (*start, *end));
    match ranges.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        Some(pair) => Err(named(pair[1].2, ZipProblem::Overlap)),
        None => Ok(()),
    }
}

/// Writes the content of one member, proved by length and checksum.
fn inflate(archive: &Archive<'_>, member: &Member<'_>, sink: &mut dyn Write) -> Result<(), ZipError> {
    let named = |problem| ZipError { member: Some(member.name.clone()), problem: Box::new(problem) };
    let wanted = member.record.uncompressed_size_hint();
    let damaged = |cause| named(ZipProblem::Content { wanted, crc: member.record.crc32(), cause });
    let entry =
        archive.get_entry(member.record.wayfinder()).map_err(|cause| named(ZipProblem::Damaged(cause)))?;
    let copy = |reader: &mut dyn Read, sink: &mut dyn Write| {
        // One byte more than announced tells a member that is too long; the checksum is compared at its end.
        io::copy(&mut entry.verifying_reader(reader).take(wanted.saturating_add(1)), sink)
    };
    let mut packed = entry.data();
    let written = if member.record.compression_method() == CompressionMethod::STORE {
        copy(&mut packed, sink)
    } else {
        copy(&mut DeflateDecoder::new(packed), sink)
    };
    let written = written.map_err(damaged)?;
    if written == wanted {
        Ok(())
    } else {
        Err(damaged(io::Error::other(format!("it has {written} bytes or more"))))
    }
}

/// Puts the members into a tree.
fn tree(members: &[Member<'_>], content: &Blob, wanted: &Wanted<'_>) -> Result<Tree, ZipError> {
    let length = members.last().map_or(0, |last| last.offset + last.record.uncompressed_size_hint());
    if content.length() != length {
        return Err(whole(ZipProblem::Inflated { wanted: length, got: content.length() }));
    }
    let mut tree = Tree::new();
    for member in members {
        put(&mut tree, member, content, wanted)
            .map_err(|problem| ZipError { member: Some(member.name.clone()), problem: Box::new(problem) })?;
    }
    Ok(tree)
}

fn put(tree: &mut Tree, member: &Member<'_>, blob: &Blob, wanted: &Wanted<'_>) -> Result<(), ZipProblem> {
    let Member { path, metadata, record, offset, .. } = member;
    let (owner, metadata) = (wanted.owner, metadata.clone());
    let size = record.uncompressed_size_hint();
    if tree.get(path).is_some() && !tree.is_implicit(path) {
        return Err(ZipProblem::Duplicate);
    }
    let content = || {
        blob.slice(*offset, size)
            .map_err(|_| ZipProblem::Inflated { wanted: offset + size, got: blob.length() })
    };
    match member.kind {
        MemberKind::Directory => tree.add_directory(path, metadata, owner)?,
        MemberKind::File => tree.add_file(path, content()?, metadata, owner)?,
        MemberKind::Symlink => {
            let target = LinkTarget::new(content()?.bytes()?)?;
            tree.add_symlink(path, target, metadata, owner)?;
        }
    }
    Ok(())
}
