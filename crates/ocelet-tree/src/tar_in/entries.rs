//! [`Entries`]: the members of an archive in order, each with all that its headers say of it.
//!
//! A member may be several headers: a PAX header, a GNU long name, a GNU long link, then the entry itself. How
//! many bytes follow is decided here and in one place only: the PAX size, if there is one, else the field.

use std::io::Read;

use super::error::{Ambiguity, Problem, TarError};
use super::header::{Field, Header};
use super::input::{BLOCK, Input};
use super::pax::{self, Records};
use super::{End, Limits, Options};
use crate::{Content, LinkTarget, Metadata, TreePath};

/// All members of an archive.
pub(super) struct Entries(pub(super) Vec<Entry>);

/// One member of an archive.
pub(super) struct Entry {
    /// The name as it stands in the archive.
    pub(super) name: Vec<u8>,
    /// Where its headers begin.
    pub(super) offset: u64,
    /// The name as a place in a tree. Links above it are not followed yet.
    pub(super) path: TreePath,
    pub(super) kind: EntryKind,
    pub(super) metadata: Metadata,
    /// What an apk package says that the SHA-1 of the content is; nothing where it says nothing.
    pub(super) checksum: Option<Vec<u8>>,
}

pub(super) enum EntryKind {
    Directory,
    File(Content),
    Symlink(LinkTarget),
    HardLink(TreePath),
    /// A device, pipe or socket, by its noun.
    Device(&'static str),
}

/// What stands before an entry.
#[derive(Default)]
struct Extensions {
    begin: Option<u64>,
    records: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

struct Reader<'settings, R> {
    input: Input<R>,
    limits: Limits,
    spent: Limits,
    label: &'settings str,
    global: Records,
}

impl Entries {
    /// Reads all members; `label` is what their content is called in errors.
    pub(super) fn read<R: Read>(input: Input<R>, options: &Options, label: &str) -> Result<Self, TarError> {
        let mut reader =
            Reader { input, limits: options.limits, spent: NOTHING, label, global: Records::default() };
        let mut entries = Vec::new();
        let mut before = Extensions::default();
        loop {
            let offset = reader.input.position();
            let begin = before.begin.unwrap_or(offset);
            let header = match reader.header(options.end).map_err(|problem| problem.at(None, offset))? {
                Some(header) => header,
                None if before.begin.is_some() => {
                    return Err(Problem::Ambiguous(Ambiguity::Dangling).at(None, begin));
                }
                None => return Ok(Self(entries)),
            };
            let named = |problem: Problem| problem.at(Some(&header.name), begin);
            if matches!(header.flag, b'x' | b'g' | b'L' | b'K') {
                reader.extension(&header, &mut before).map_err(named)?;
                before.begin = (header.flag != b'g').then_some(begin);
                continue;
            }
            entries.push(reader.entry(&header, std::mem::take(&mut before), begin)?);
        }
    }
}

impl Entry {
    /// A problem with this entry.
    pub(super) fn problem(&self, problem: impl Into<Problem>) -> TarError {
        problem.into().at(Some(&self.name), self.offset)
    }
}

impl<R: Read> Reader<'_, R> {
    /// The next header; nothing at the end of the archive.
    fn header(&mut self, end: End) -> Result<Option<Header>, Problem> {
        match self.input.block()? {
            Some(block) if block == [0; BLOCK] => {}
            Some(block) => {
                spend(&mut self.spent.headers, 1, self.limits.headers, "headers")?;
                return Header::parse(&block).map(Some);
            }
            None if end == End::Optional => return Ok(None),
            None => return Err(Problem::NoEnd),
        }
        match self.input.block()? {
            Some(block) if block == [0; BLOCK] => {}
            Some(_) => return Err(Problem::Ambiguous(Ambiguity::LoneEnd)),
            None if end == End::Optional => return Ok(None),
            None => return Err(Problem::NoEnd),
        }
        if self.input.only_nul_left()? { Ok(None) } else { Err(Problem::AfterEnd) }
    }

    /// An extended header: its own size is that of its own field, whatever a PAX header before it says.
    fn extension(&mut self, header: &Header, before: &mut Extensions) -> Result<(), Problem> {
        let bytes = self.input.extension(header.size.unsigned()?, self.limits.extension)?;
        let repeated = match header.flag {
            b'x' => before.records.replace(Records::parse(&bytes)?).is_some(),
            b'L' => before.long_name.replace(long(&bytes)).is_some(),
            b'K' => before.long_link.replace(long(&bytes)).is_some(),
            _ if before.begin.is_some() => return Err(Problem::Ambiguous(Ambiguity::Dangling)),
            _ => {
                self.global = self.global.with(&Records::parse(&bytes)?);
                false
            }
        };
        if repeated { Err(Problem::Ambiguous(Ambiguity::Repeated)) } else { Ok(()) }
    }

    fn entry(&mut self, header: &Header, before: Extensions, offset: u64) -> Result<Entry, TarError> {
        let records = self.global.with(&before.records.unwrap_or_default());
        let either = |long: Option<Vec<u8>>, keyword, short: &[u8]| match (long, records.get(keyword)) {
            (Some(gnu), Some(pax)) if gnu != pax => Err(Problem::Ambiguous(Ambiguity::TwoNames)),
            (Some(gnu), _) => Ok(gnu),
            (None, Some(pax)) => Ok(pax.to_vec()),
            (None, None) => Ok(short.to_vec()),
        };
        let name = either(before.long_name, "path", &header.name)
            .map_err(|problem| problem.at(Some(&header.name), offset))?;
        self.finish(header, &records, &name, either(before.long_link, "linkpath", &header.link))
            .map(|(path, kind, metadata)| Entry {
                name: name.clone(),
                offset,
                path,
                kind,
                metadata,
                checksum: records.get(pax::APK_CHECKSUM).map(<[u8]>::to_vec),
            })
            .map_err(|problem| problem.at(Some(&name), offset))
    }

    fn finish(
        &mut self,
        header: &Header,
        records: &Records,
        name: &[u8],
        link: Result<Vec<u8>, Problem>,
    ) -> Result<(TreePath, EntryKind, Metadata), Problem> {
        let link = link?;
        if name.is_empty() {
            return Err(Problem::NoName);
        }
        let bytes = (name.len() + link.len()) as u64;
        spend(&mut self.spent.names, bytes, self.limits.names, "bytes of names")?;
        if let Some(form) = records.sparse() {
            return Err(Problem::Sparse { form });
        }
        let path = TreePath::new(name)?;
        let size = match records.get("size") {
            Some(digits) => Field::decimal("size", digits)?,
            None => header.size.unsigned()?,
        };
        let metadata = metadata(header, records)?;
        let kind = self.kind(header.flag, name, &link, size)?;
        Ok((path, kind, metadata))
    }

    fn kind(&mut self, flag: u8, name: &[u8], link: &[u8], size: u64) -> Result<EntryKind, Problem> {
        let slash = name.ends_with(b"/");
        let (noun, kind) = match flag {
            // Before ustar there were no directories, only names that end with a slash.
            0 if slash => ("directory", EntryKind::Directory),
            b'5' => ("directory", EntryKind::Directory),
            0 | b'0' | b'7' if slash => return Err(Problem::Ambiguous(Ambiguity::TrailingSlash)),
            // '7' is a contiguous file, which everyone takes as any other.
            0 | b'0' | b'7' => {
                if !self.input.is_blob() {
                    spend(&mut self.spent.memory, size, self.limits.memory, "bytes of content")?;
                }
                return Ok(EntryKind::File(self.input.content(size, self.label)?));
            }
            b'1' => ("hard link", EntryKind::HardLink(TreePath::new(link)?)),
            b'2' => ("symbolic link", EntryKind::Symlink(LinkTarget::new(link)?)),
            b'3' => ("character device", EntryKind::Device("character device")),
            b'4' => ("block device", EntryKind::Device("block device")),
            b'6' => ("named pipe", EntryKind::Device("named pipe")),
            b'S' => return Err(Problem::Sparse { form: "old GNU" }),
            flag => return Err(Problem::UnknownType { flag }),
        };
        if size == 0 { Ok(kind) } else { Err(Problem::Ambiguous(Ambiguity::Size { noun })) }
    }
}

fn metadata(header: &Header, records: &Records) -> Result<Metadata, Problem> {
    let id = |name, keyword, field: &Field| match records.get(keyword) {
        Some(digits) => u32::try_from(Field::decimal(name, digits)?)
            .map_err(|_| Problem::Number { field: name, stored: digits.to_vec() }),
        None => field.id(),
    };
    let mtime = match records.get("mtime") {
        Some(value) => pax::seconds(value)?,
        None => header.mtime.number()?,
    };
    // Some writers leave the kind of the file in the mode; the lowest 12 bits are what counts.
    let mode = u16::try_from(header.mode & 0o7777).expect("twelve bits");
    let mut metadata = Metadata {
        uid: id("user number", "uid", &header.uid)?,
        gid: id("group number", "gid", &header.gid)?,
        mtime,
        ..Metadata::root_owned(mode)
    };
    if let Some(value) = records.get("SCHILY.xattr.security.capability") {
        metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), value.to_vec());
    }
    Ok(metadata)
}

/// What was read before anything is.
const NOTHING: Limits = Limits { headers: 0, extension: 0, names: 0, memory: 0, steps: 0 };

/// Adds to what was spent, which must stay within the limit.
fn spend(spent: &mut u64, more: u64, limit: u64, unit: &'static str) -> Result<(), Problem> {
    *spent = spent.saturating_add(more);
    if *spent > limit { Err(Problem::Limit { limit, unit }) } else { Ok(()) }
}

/// A GNU long name without the NUL bytes that close it. One inside of it stays, and is refused with the name.
fn long(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes[..end].to_vec()
}
