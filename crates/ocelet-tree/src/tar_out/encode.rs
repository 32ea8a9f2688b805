//! The header blocks of one entry, as a pure function of path, node and link.
//!
//! Offsets and lengths of the fields are those of pax(1), "ustar Interchange Format".

use std::collections::BTreeMap;
use std::ops::Range;

use crate::{Kind, Node, TreePath};

const BLOCK: usize = 512;
/// The fields of the name and of what stands before its last slashes.
const NAME: Range<usize> = 0..100;
const PREFIX: Range<usize> = 345..500;
const LINK: Range<usize> = 157..257;
/// The largest numbers of 7 and of 11 octal digits.
const LARGEST_ID: u32 = 0o7_777_777;
const LARGEST: u64 = 0o77_777_777_777;
/// The name of every PAX header: constant, so that it says nothing of the machine. Readers skip it; this one is
/// what Python's `tarfile` writes, and so is known to all of them.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// How many bytes an entry takes in the archive: its headers, its content and what pads them. With `link`, the
/// first name of the same file, it is a hard link and takes no content.
pub fn entry_size(path: &TreePath, node: &Node, link: Option<&TreePath>) -> u64 {
    let content = if link.is_some() { 0 } else { node.content().map_or(0, crate::Content::length) };
    headers(path, node, link).len() as u64 + content + padding(content)
}

/// How many bytes fill the last block of a content of that length.
pub(super) fn padding(length: u64) -> u64 {
    let block = BLOCK as u64;
    (block - length % block) % block
}

/// The header blocks of an entry.
pub(super) fn headers(path: &TreePath, node: &Node, link: Option<&TreePath>) -> Vec<u8> {
    let mut records = BTreeMap::new();
    let header = entry(path, node, link, &mut records);
    for (name, value) in &node.metadata.xattrs {
        records.insert([crate::tar_in::XATTR, name].concat(), value.clone());
    }
    if records.is_empty() {
        return header.to_vec();
    }
    let mut body = Vec::new();
    for (keyword, value) in &records {
        body.extend(record(keyword, value));
    }
    let mut extended = block(PAX_NAME, b'x', 0o644);
    octal(&mut extended, 124..136, body.len() as u64);
    sum(&mut extended);
    body.resize(body.len().next_multiple_of(BLOCK), 0);
    [&extended[..], &body, &header].concat()
}

/// The ustar header; what does not fit goes to the records.
fn entry(
    path: &TreePath,
    node: &Node,
    link: Option<&TreePath>,
    records: &mut BTreeMap<Vec<u8>, Vec<u8>>,
) -> [u8; BLOCK] {
    let mut name = path.as_bytes().to_vec();
    let (flag, target, size) = match (&node.kind, link) {
        (Kind::Directory, _) => {
            name.push(b'/');
            (b'5', &b""[..], 0)
        }
        (Kind::Symlink { target }, _) => (b'2', target.as_bytes(), 0),
        (Kind::File { .. }, Some(first)) => (b'1', first.as_bytes(), 0),
        (Kind::File { content, .. }, None) => (b'0', &b""[..], content.length()),
    };
    let mut record = |keyword: &[u8], value: Vec<u8>| records.insert(keyword.to_vec(), value);
    let metadata = &node.metadata;
    let mode = if flag == b'2' { 0o777 } else { metadata.mode & 0o7777 };
    let mut header = if let Some((prefix, rest)) = split(&name) {
        let mut header = block(rest, flag, mode);
        header[PREFIX][..prefix.len()].copy_from_slice(prefix);
        header
    } else {
        record(b"path", name.clone());
        block(shortened(&name), flag, mode)
    };
    if target.len() <= LINK.len() {
        header[LINK][..target.len()].copy_from_slice(target);
    } else {
        record(b"linkpath", target.to_vec());
        header[LINK].copy_from_slice(&target[..LINK.len()]);
    }
    for (keyword, field, id) in [(b"uid", 108..116, metadata.uid), (b"gid", 116..124, metadata.gid)] {
        if id > LARGEST_ID {
            record(keyword, id.to_string().into_bytes());
        } else {
            octal(&mut header, field, u64::from(id));
        }
    }
    if size > LARGEST {
        record(b"size", size.to_string().into_bytes());
    } else {
        octal(&mut header, 124..136, size);
    }
    match u64::try_from(metadata.mtime) {
        Ok(mtime) if mtime <= LARGEST => octal(&mut header, 136..148, mtime),
        _ => {
            record(b"mtime", metadata.mtime.to_string().into_bytes());
        }
    }
    sum(&mut header);
    header
}

/// A header with zeros for all numbers but the mode, and no checksum yet.
fn block(name: &[u8], flag: u8, mode: u16) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    header[NAME][..name.len()].copy_from_slice(name);
    octal(&mut header, 100..108, u64::from(mode));
    // The user, the group, the size, the time, and the numbers of a device.
    for field in [108..116, 116..124, 124..136, 136..148, 329..337, 337..345] {
        octal(&mut header, field, 0);
    }
    header[156] = flag;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header
}

/// A name as prefix and rest: at most 155 and 100 bytes, cut at a slash that is not written.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME.len() {
        return Some((b"", name));
    }
    // The last slash that leaves a rest; the one that closes a directory's name leaves none.
    let most = (PREFIX.len() + 1).min(name.len() - 1);
    let slash = name[..most].iter().rposition(|byte| *byte == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && rest.len() <= NAME.len()).then_some((prefix, rest))
}

/// What stands in the field where the name stands in a record: its beginning, which readers of ustar alone must
/// not take for a directory.
fn shortened(name: &[u8]) -> &[u8] {
    let mut short = &name[..name.len().min(NAME.len())];
    while let [rest @ .., b'/'] = short {
        short = rest;
    }
    short
}

/// All of the field in octal digits but the last byte, which is NUL.
fn octal(header: &mut [u8; BLOCK], field: Range<usize>, number: u64) {
    let width = field.len() - 1;
    header[field][..width].copy_from_slice(format!("{number:0width$o}").as_bytes());
}

/// The sum of all bytes, the field itself taken as spaces.
fn sum(header: &mut [u8; BLOCK]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// `LENGTH KEYWORD=VALUE\n`, the length being that of the whole record with its own digits.
fn record(keyword: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", keyword, b"=", value, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for (value, want) in [(0, 5), (3, 8), (4, 9), (5, 11), (93, 99), (94, 101), (992, 999), (993, 1001)] {
            let written = record(b"k", &vec![b'v'; value]);
            assert_eq!(written.len(), want, "{value}");
            assert!(written.starts_with(format!("{want} k=").as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_name_is_split_where_both_halves_fit() {
        let dir = |length| "d".repeat(length);
        for (name, want) in [
            (dir(100), Some((0, 100))),
            (dir(101), None),
            (format!("{}/{}", dir(155), dir(100)), Some((155, 100))),
            (format!("{}/{}", dir(156), dir(99)), None),
            (format!("{}/{}", dir(99), dir(101)), None),
            (format!("{}/", dir(100)), None),
            (format!("{}/{}/", dir(50), dir(99)), Some((50, 100))),
            (format!("a/{}/{}", dir(98), dir(5)), Some((100, 5))),
        ] {
            let got = split(name.as_bytes()).map(|(prefix, rest)| (prefix.len(), rest.len()));
            assert_eq!(got, want, "{name}");
        }
    }
}
