//! Small tar archives and gzip members, as abuild writes them.

use sha1::{Digest, Sha1};

/// One entry of an archive.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name as it is written.
    pub name: String,
    /// The type flag of the header (pax(1), "ustar Interchange Format").
    pub flag: u8,
    /// The permission bits.
    pub mode: u32,
    /// The owner and the group.
    pub owner: (u32, u32),
    /// The target of a link; empty for everything else.
    pub link: String,
    /// The content of a file.
    pub content: Vec<u8>,
    /// The time of the last change.
    pub time: u64,
    /// The records of a PAX header before it.
    pub records: Vec<(String, String)>,
}

/// Whether an archive ends with two blocks of NUL bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TarEnd {
    /// As tar writes it.
    Written,
    /// As abuild-tar --cut leaves it, so that another archive may follow.
    Cut,
}

impl Entry {
    /// A file that root owns.
    pub fn file(name: &str, mode: u32, content: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            flag: b'0',
            mode,
            owner: (0, 0),
            link: String::new(),
            content: content.to_vec(),
            time: 1_700_000_000,
            records: Vec::new(),
        }
    }

    /// A directory that root owns.
    pub fn directory(name: &str, mode: u32) -> Self {
        Self { flag: b'5', ..Self::file(name, mode, b"") }
    }

    /// A symbolic link.
    pub fn symlink(name: &str, target: &str) -> Self {
        Self { flag: b'2', link: target.to_owned(), ..Self::file(name, 0o777, b"") }
    }

    /// A second name of a file.
    pub fn hard_link(name: &str, target: &str) -> Self {
        Self { flag: b'1', link: target.to_owned(), ..Self::file(name, 0o644, b"") }
    }

    /// The same entry with the checksum record that abuild-tar --hash adds to files and symbolic links.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        let digest = match self.flag {
            b'0' => Sha1::digest(&self.content),
            b'2' => Sha1::digest(&self.link),
            _ => return self,
        };
        let digits = hex(&digest);
        self.records.push(("APK-TOOLS.checksum.SHA1".to_owned(), digits));
        self
    }
}

/// An archive of the entries in their order.
///
/// # Panics
/// A name or a link that is longer than the fields of a header.
pub fn tar(entries: &[Entry], end: TarEnd) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        if !entry.records.is_empty() {
            let content: String = entry.records.iter().map(|(key, value)| record(key, value)).collect();
            let header = Entry::file("PaxHeaders/entry", 0o644, content.as_bytes());
            append(&mut archive, &Entry { flag: b'x', ..header });
        }
        append(&mut archive, entry);
    }
    if end == TarEnd::Written {
        archive.resize(archive.len() + 1024, 0);
    }
    archive
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// One gzip member with an empty header (RFC 1952), whose bytes depend on nothing but the content.
///
/// # Panics
/// Never: the room is what the compressor asks for.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut member = vec![0; compressor.gzip_compress_bound(content.len())];
    let length = compressor.gzip_compress(content, &mut member).expect("the bound is enough");
    member.truncate(length);
    member
}

fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    // The length counts its own digits.
    let length =
        (1..20).find(|digits| (rest + digits).to_string().len() == *digits).expect("some length fits");
    format!("{} {key}={value}\n", rest + length)
}

fn append(archive: &mut Vec<u8>, entry: &Entry) {
    let mut header = [0; 512];
    let mut put = |offset: usize, bytes: &[u8]| header[offset..offset + bytes.len()].copy_from_slice(bytes);
    assert!(entry.name.len() <= 100 && entry.link.len() <= 100, "too long for a header: {}", entry.name);
    put(0, entry.name.as_bytes());
    put(100, format!("{:07o}\0", entry.mode).as_bytes());
    put(108, format!("{:07o}\0", entry.owner.0).as_bytes());
    put(116, format!("{:07o}\0", entry.owner.1).as_bytes());
    put(124, format!("{:011o}\0", entry.content.len()).as_bytes());
    put(136, format!("{:011o}\0", entry.time).as_bytes());
    put(148, b"        ");
    put(156, &[entry.flag]);
    put(157, entry.link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend_from_slice(&header);
    archive.extend_from_slice(&entry.content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}
