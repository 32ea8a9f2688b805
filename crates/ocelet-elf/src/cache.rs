//! [`LoaderCache`]: `/etc/ld.so.cache`, read and written.
//!
//! Format: glibc's `sysdeps/generic/dl-cache.h`. Three layouts are read: the old one, the new one, and the
//! new one inside of the old; the new one is written. Numbers are in the byte order of the machine that the
//! cache is for. It refuses tables that do not fit into their file, and reads nothing else of a damaged one.

use std::cmp::Ordering;

use crate::{Endianness, Text};

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// `sizeof (struct cache_file_new)`: magic, version, five words; entries follow.
const NEW_HEADER: usize = 48;
const NEW_ENTRY: usize = 24;
/// `sizeof (struct cache_file)`: magic with its padding, and the count.
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
/// `cache_extension_magic` (`dl-cache.h`).
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// `cache_extension_tag_glibc_hwcaps`.
const HWCAPS_TAG: u32 = 1;
/// `DL_CACHE_HWCAP_EXTENSION >> 32`: the low word of `hwcap` is an index into the hwcaps section.
const HWCAP_EXTENSION: u64 = 1 << 30;
/// `DL_CACHE_HWCAP_ISA_LEVEL_MASK`: bits beside it that tell a level.
const ISA_LEVEL_MASK: u64 = 0x3ff;

/// What `/etc/ld.so.cache` says: which file answers to which name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoaderCache {
    /// The entries in the order of the file, best first among those of one name.
    pub entries: Vec<CacheEntry>,
}

/// One line of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The machine's mark, such as 0x0303 for x86-64 (`ldconfig.h`, the `FLAG_` numbers).
    pub flags: u32,
    /// The name that is asked for.
    pub name: Text,
    /// The file.
    pub path: Text,
    /// What the processor must be able to do for it.
    pub hwcap: Hwcap,
}

/// What the processor must be able to do for a library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hwcap {
    /// Nothing beyond the baseline.
    Baseline,
    /// What the `glibc-hwcaps` subdirectory of this name stands for.
    Subdirectory(Text),
    /// Bits of glibc before 2.37: a legacy platform directory.
    Legacy(u64),
}

/// Why bytes are not a loader cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Neither of the two magic words.
    #[error("not a loader cache: neither \"ld.so-1.7.0\" nor \"glibc-ld.so.cache1.1\" at its start")]
    Magic,
    /// A table or a name lies outside of the file.
    #[error("damaged loader cache: {what} of {size} bytes do not hold it")]
    Outside {
        /// What is outside.
        what: &'static str,
        /// The size of the file in bytes.
        size: usize,
    },
}

struct Reader<'data> {
    bytes: &'data [u8],
    endianness: Endianness,
}

impl LoaderCache {
    /// Reads a cache that was written for a machine of this byte order.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub fn read(bytes: &[u8], endianness: Endianness) -> Result<Self, CacheError> {
        let reader = Reader { bytes, endianness };
        if bytes.starts_with(NEW_MAGIC) {
            return reader.new_table(0);
        }
        if !bytes.starts_with(OLD_MAGIC) {
            return Err(CacheError::Magic);
        }
        let count = reader.word(12)? as usize;
        let table = reader.fits(OLD_HEADER, count, OLD_ENTRY)?;
        // The new table is aligned to 8 bytes behind the old one.
        let inner = table.next_multiple_of(8);
        match bytes.get(inner..) {
            Some(rest) if rest.starts_with(NEW_MAGIC) => reader.new_table(inner),
            _ => reader.old_table(count, table),
        }
    }

    /// The files that answer to a name on a machine with these flags, in the order in which glibc prefers
    /// them (`dl-cache.c`), without those that need more than the baseline.
    pub fn lookup<'cache>(
        &'cache self,
        name: &'cache [u8],
        flags: u32,
    ) -> impl Iterator<Item = &'cache Text> {
        self.range(name)
            .iter()
            .filter(move |entry| entry.flags == flags && entry.hwcap == Hwcap::Baseline)
            .map(|entry| &entry.path)
    }

    /// The files of a name that need a `glibc-hwcaps` level.
    pub fn variants<'cache>(
        &'cache self,
        name: &'cache [u8],
        flags: u32,
    ) -> impl Iterator<Item = (&'cache Text, &'cache Text)> {
        self.range(name).iter().filter(move |entry| entry.flags == flags).filter_map(|entry| {
            match &entry.hwcap {
                Hwcap::Subdirectory(level) => Some((level, &entry.path)),
                Hwcap::Baseline | Hwcap::Legacy(_) => None,
            }
        })
    }

    /// The table is sorted downwards, so that glibc can search it by halves.
    fn range(&self, name: &[u8]) -> &[CacheEntry] {
        let compare = |entry: &CacheEntry| compare_names(entry.name.as_bytes(), name);
        let first = self.entries.partition_point(|entry| compare(entry) == Ordering::Greater);
        let length = self.entries[first..].partition_point(|entry| compare(entry) == Ordering::Equal);
        &self.entries[first..first + length]
    }

    /// Writes the new layout. Equal entries give equal bytes, whatever their order was. The section that
    /// names the generator is left out: it would only tell which tool wrote the file.
    pub fn write(&self, endianness: Endianness) -> Vec<u8> {
        let mut entries: Vec<&CacheEntry> =
            self.entries.iter().filter(|entry| !matches!(entry.hwcap, Hwcap::Legacy(_))).collect();
        // ldconfig's order: names downwards; within one, those that need more come first.
        entries.sort_by(|one, other| {
            compare_names(other.name.as_bytes(), one.name.as_bytes())
                .then(other.flags.cmp(&one.flags))
                .then(other.hwcap.cmp(&one.hwcap))
        });
        let mut levels: Vec<&Text> = entries.iter().filter_map(|entry| entry.level()).collect();
        levels.sort();
        levels.dedup();
        Writer { endianness, entries, levels }.bytes()
    }
}

impl CacheEntry {
    fn level(&self) -> Option<&Text> {
        match &self.hwcap {
            Hwcap::Subdirectory(level) => Some(level),
            Hwcap::Baseline | Hwcap::Legacy(_) => None,
        }
    }
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Result<u32, CacheError> {
        let bytes: [u8; 4] = self
            .bytes
            .get(at..at.saturating_add(4))
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| self.outside("a number"))?;
        Ok(match self.endianness {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        })
    }

    fn outside(&self, what: &'static str) -> CacheError {
        CacheError::Outside { what, size: self.bytes.len() }
    }

    /// Where a table ends, if the file holds all of it.
    fn fits(&self, start: usize, count: usize, size: usize) -> Result<usize, CacheError> {
        let end = count.checked_mul(size).and_then(|length| length.checked_add(start));
        end.filter(|end| *end <= self.bytes.len()).ok_or_else(|| self.outside("the table"))
    }

    fn text(&self, at: usize) -> Result<Text, CacheError> {
        let rest = self.bytes.get(at..).ok_or_else(|| self.outside("a name"))?;
        // No path is longer than PATH_MAX: a missing NUL does not make every name as long as the file.
        let window = &rest[..rest.len().min(4097)];
        let end = window.iter().position(|byte| *byte == 0).ok_or_else(|| self.outside("a name"))?;
        Ok(Text::new(&window[..end]))
    }

    fn old_table(&self, count: usize, strings: usize) -> Result<LoaderCache, CacheError> {
        let entry = |index: usize| {
            let at = OLD_HEADER + index * OLD_ENTRY;
            Ok(CacheEntry {
                flags: self.word(at)?,
                name: self.text(strings.saturating_add(self.word(at + 4)? as usize))?,
                path: self.text(strings.saturating_add(self.word(at + 8)? as usize))?,
                hwcap: Hwcap::Baseline,
            })
        };
        Ok(LoaderCache { entries: (0..count).map(entry).collect::<Result<_, CacheError>>()? })
    }

    fn new_table(&self, base: usize) -> Result<LoaderCache, CacheError> {
        let count = self.word(base + 20)? as usize;
        self.fits(base + NEW_HEADER, count, NEW_ENTRY)?;
        let levels = self.levels(base)?;
        let mut entries = Vec::with_capacity(count);
        for index in 0..count {
            let at = base + NEW_HEADER + index * NEW_ENTRY;
            let (low, high) = match self.endianness {
                Endianness::Little => (self.word(at + 16)?, self.word(at + 20)?),
                Endianness::Big => (self.word(at + 20)?, self.word(at + 16)?),
            };
            let hwcap = match (low, u64::from(high)) {
                (0, 0) => Hwcap::Baseline,
                (index, high) if high & !ISA_LEVEL_MASK == HWCAP_EXTENSION => {
                    match levels.get(index as usize) {
                        Some(level) => Hwcap::Subdirectory(level.clone()),
                        None => return Err(self.outside("a hwcaps level")),
                    }
                }
                (low, high) => Hwcap::Legacy(high << 32 | u64::from(low)),
            };
            entries.push(CacheEntry {
                flags: self.word(at)?,
                name: self.text(base.saturating_add(self.word(at + 4)? as usize))?,
                path: self.text(base.saturating_add(self.word(at + 8)? as usize))?,
                hwcap,
            });
        }
        Ok(LoaderCache { entries })
    }

    /// The names of the hwcaps section, where there is one (glibc 2.33).
    fn levels(&self, base: usize) -> Result<Vec<Text>, CacheError> {
        let directory = self.word(base + 32)? as usize;
        if directory == 0 || self.word(directory)? != EXTENSION_MAGIC {
            return Ok(Vec::new());
        }
        let sections = self.word(directory.saturating_add(4))?.min(64) as usize;
        let mut levels = Vec::new();
        for section in 0..sections {
            let at = directory.saturating_add(8 + section * 16);
            if self.word(at)? != HWCAPS_TAG {
                continue;
            }
            let (offset, size) = (self.word(at + 8)? as usize, self.word(at + 12)? as usize);
            self.fits(offset, size, 1)?;
            for index in 0..size / 4 {
                levels.push(self.text(self.word(offset + index * 4)? as usize)?);
            }
        }
        Ok(levels)
    }
}

struct Writer<'cache> {
    endianness: Endianness,
    entries: Vec<&'cache CacheEntry>,
    levels: Vec<&'cache Text>,
}

impl Writer<'_> {
    fn bytes(&self) -> Vec<u8> {
        let table_end = NEW_HEADER + self.entries.len() * NEW_ENTRY;
        let mut strings = Vec::new();
        let mut place = |text: &Text| {
            let at = table_end + strings.len();
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let levels: Vec<usize> = self.levels.iter().map(|level| place(level)).collect();
        let names: Vec<(usize, usize)> =
            self.entries.iter().map(|entry| (place(&entry.name), place(&entry.path))).collect();
        let extension = (table_end + strings.len()).next_multiple_of(4);
        let mut bytes = NEW_MAGIC.to_vec();
        self.word(&mut bytes, self.entries.len());
        self.word(&mut bytes, strings.len());
        // One byte tells the byte order (`cache_file_new_flags_endian_*`), three are padding.
        bytes.extend([if self.endianness == Endianness::Little { 2 } else { 3 }, 0, 0, 0]);
        self.word(&mut bytes, if levels.is_empty() { 0 } else { extension });
        bytes.resize(NEW_HEADER, 0);
        for (entry, (name, path)) in self.entries.iter().zip(names) {
            self.word(&mut bytes, entry.flags as usize);
            self.word(&mut bytes, name);
            self.word(&mut bytes, path);
            self.word(&mut bytes, 0);
            self.hwcap(&mut bytes, entry);
        }
        bytes.extend(strings);
        if !levels.is_empty() {
            bytes.resize(extension, 0);
            for word in
                [EXTENSION_MAGIC as usize, 1, HWCAPS_TAG as usize, 0, extension + 24, levels.len() * 4]
            {
                self.word(&mut bytes, word);
            }
            for level in levels {
                self.word(&mut bytes, level);
            }
        }
        bytes
    }

    fn hwcap(&self, bytes: &mut Vec<u8>, entry: &CacheEntry) {
        let index = entry.level().and_then(|level| self.levels.iter().position(|other| *other == level));
        let value = index.map_or(0, |index| HWCAP_EXTENSION << 32 | index as u64);
        bytes.extend(match self.endianness {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        });
    }

    /// A number of four bytes. A cache is far smaller than 4 GiB: it holds two short names for each entry.
    fn word(&self, bytes: &mut Vec<u8>, value: usize) {
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        bytes.extend(match self.endianness {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        });
    }
}

/// The order of names in the cache: runs of digits count as numbers (`_dl_cache_libcmp`).
fn compare_names(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        match (one.split_first(), other.split_first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((a, _)), Some((b, _))) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, rest) = number(one);
                let (b, other_rest) = number(other);
                if a != b {
                    return a.cmp(&b);
                }
                (one, other) = (rest, other_rest);
            }
            (Some((a, rest)), Some((b, other_rest))) => match (a.is_ascii_digit(), b.is_ascii_digit()) {
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                _ if a != b => return a.cmp(b),
                _ => (one, other) = (rest, other_rest),
            },
        }
    }
}

fn number(text: &[u8]) -> (u64, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..digits]
        .iter()
        .fold(0u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    (value, &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, path: &str, level: Option<&str>) -> CacheEntry {
        let hwcap = level.map_or(Hwcap::Baseline, |level| Hwcap::Subdirectory(level.into()));
        CacheEntry { flags: 0x0303, name: name.into(), path: path.into(), hwcap }
    }

    #[test]
    fn what_is_written_is_read() {
        let entries = [
            entry("libz.so.1", "/opt/lib/libz.so.1", None),
            entry("liba.so.9", "/usr/local/lib/liba.so.9", None),
            entry("liba.so.10", "/usr/local/lib/liba.so.10", None),
            entry("libz.so.1", "/opt/lib/glibc-hwcaps/x86-64-v3/libz.so.1", Some("x86-64-v3")),
        ];
        for endianness in [Endianness::Little, Endianness::Big] {
            let written = LoaderCache { entries: entries.to_vec() }.write(endianness);
            let shuffled = LoaderCache { entries: entries.iter().rev().cloned().collect() }.write(endianness);
            assert_eq!(written, shuffled);
            let read = LoaderCache::read(&written, endianness).expect("our own bytes");
            let names: Vec<String> = read.entries.iter().map(|entry| entry.name.to_string()).collect();
            assert_eq!(names, ["libz.so.1", "libz.so.1", "liba.so.10", "liba.so.9"]);
            let found: Vec<String> = read.lookup(b"libz.so.1", 0x0303).map(ToString::to_string).collect();
            assert_eq!(found, ["/opt/lib/libz.so.1"]);
            assert_eq!(read.variants(b"libz.so.1", 0x0303).count(), 1);
            assert_eq!(read.lookup(b"libz.so.1", 0x0003).count(), 0);
            assert_eq!(read.lookup(b"libb.so.1", 0x0303).count(), 0);
        }
    }

    #[test]
    fn damaged_caches_are_refused() {
        let good = LoaderCache { entries: vec![entry("libz.so.1", "/l/libz.so.1", Some("v3"))] };
        let good = good.write(Endianness::Little);
        assert_eq!(LoaderCache::read(b"nothing", Endianness::Little), Err(CacheError::Magic));
        for length in 20..good.len() {
            assert!(LoaderCache::read(&good[..length], Endianness::Little).is_err(), "{length}");
        }
        for at in 20..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _: Result<LoaderCache, CacheError> = LoaderCache::read(&bad, Endianness::Little);
            }
        }
    }
}
