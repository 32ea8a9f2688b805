//! The walk over an ELF file: header, program headers, dynamic section, strings, imported names.
//!
//! Generic over the two classes; the byte order is read at run time.

use object::elf::{self, DynamicTag};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness as ByteOrder, ReadRef};

use super::{
    Abi, Binary, Class, ElfError, Endianness, FloatAbi, Kind, Text, Want, WantKind, notes, versions,
};

/// More program headers than any linker writes; the kernel itself takes at most 64 KiB of them.
const MOST_SEGMENTS: usize = 1170;
/// More entries of a dynamic section than any linker writes.
const MOST_DYNAMIC: usize = 65_536;
/// More needed libraries than any program has.
const MOST_WANTS: usize = 4096;
/// The longest string that is read: a search path of many directories.
const LONGEST_STRING: usize = 65_536;
/// At most this many imported symbols are looked at for `dlopen`.
const MOST_IMPORTS: u64 = 262_144;

pub(super) fn parse(bytes: &[u8]) -> Result<Binary, ElfError> {
    if !Binary::is_elf(bytes) {
        return Err(ElfError::NotElf);
    }
    match bytes.get(4) {
        Some(1) => Walk::<elf::FileHeader32<ByteOrder>>::new(bytes)?.binary(Class::Bits32),
        Some(2) => Walk::<elf::FileHeader64<ByteOrder>>::new(bytes)?.binary(Class::Bits64),
        Some(_) => Err(ElfError::Header { what: "its class is neither 32 nor 64 bits" }),
        None => Err(ElfError::Header { what: "it is cut off" }),
    }
}

/// A file on the way to a [`Binary`].
pub(super) struct Walk<'data, Elf: FileHeader<Endian = ByteOrder>> {
    pub(super) bytes: &'data [u8],
    pub(super) order: ByteOrder,
    header: &'data Elf,
    segments: &'data [Elf::ProgramHeader],
}

/// The places that the dynamic section names, as addresses.
#[derive(Default)]
struct Addresses {
    strings: Option<u64>,
    strings_size: Option<u64>,
    symbols: Option<u64>,
    gnu_hash: Option<u64>,
    hash: Option<u64>,
    version_needs: Option<u64>,
    version_definitions: Option<u64>,
}

impl<'data, Elf: FileHeader<Endian = ByteOrder>> Walk<'data, Elf> {
    fn new(bytes: &'data [u8]) -> Result<Self, ElfError> {
        let header = Elf::parse(bytes)
            .map_err(|_| ElfError::Header { what: "it is cut off, or of an unknown version" })?;
        let order = header.endian().map_err(|_| ElfError::Header { what: "its byte order is unknown" })?;
        let segments = header
            .program_headers(order, bytes)
            .map_err(|_| ElfError::Header { what: "its program headers lie outside of the file" })?;
        if segments.len() > MOST_SEGMENTS {
            let count = segments.len() as u64;
            return Err(ElfError::TooMany { table: "program headers", count, limit: MOST_SEGMENTS as u64 });
        }
        Ok(Self { bytes, order, header, segments })
    }

    fn binary(&self, class: Class) -> Result<Binary, ElfError> {
        let mut binary = Binary {
            abi: self.abi(class),
            kind: self.kind(),
            interpreter: None,
            dynamic: false,
            soname: None,
            wants: Vec::new(),
            rpath: None,
            runpath: None,
            flags_1: 0,
            version_needs: Vec::new(),
            version_definitions: None,
            dlopen_notes: Vec::new(),
            imports_dlopen: false,
        };
        if !binary.is_loadable() {
            return Ok(binary);
        }
        for segment in self.segments {
            match segment.p_type(self.order) {
                // Files that hold only debugging information keep the header of a segment without its bytes.
                elf::PT_INTERP if binary.interpreter.is_none() && segment.p_filesz(self.order).into() > 0 => {
                    binary.interpreter = Some(self.interpreter(segment)?);
                }
                elf::PT_DYNAMIC if !binary.dynamic && segment.p_filesz(self.order).into() > 0 => {
                    binary.dynamic = true;
                    self.dynamic(segment, &mut binary)?;
                }
                _ => {}
            }
        }
        self.notes(&mut binary);
        Ok(binary)
    }

    fn abi(&self, class: Class) -> Abi {
        let machine = self.header.e_machine(self.order);
        let flags = self.header.e_flags(self.order).0;
        let float = if machine != elf::EM_ARM {
            None
        } else if flags & 0x400 != 0 {
            Some(FloatAbi::Hard)
        } else if flags & 0x200 != 0 {
            Some(FloatAbi::Soft)
        } else {
            None
        };
        let endianness = if self.header.is_little_endian() { Endianness::Little } else { Endianness::Big };
        Abi { machine: machine.0, class, endianness, float }
    }

    fn kind(&self) -> Kind {
        match self.header.e_type(self.order) {
            elf::ET_EXEC => Kind::Executable,
            elf::ET_DYN => Kind::Shared,
            elf::ET_REL => Kind::Relocatable,
            elf::ET_CORE => Kind::Core,
            other => Kind::Other(other.0),
        }
    }

    fn interpreter(&self, segment: &Elf::ProgramHeader) -> Result<Text, ElfError> {
        let outside = ElfError::Header { what: "the name of its loader lies outside of the file" };
        let data = segment.data(self.order, self.bytes).map_err(|()| outside)?;
        // The kernel refuses a name that is not shorter than PATH_MAX or does not end in NUL (binfmt_elf.c).
        if data.len() > 4096 || data.last() != Some(&0) {
            return Err(ElfError::Header { what: "the name of its loader has no end" });
        }
        Ok(Text::new(data))
    }

    fn dynamic(&self, segment: &'data Elf::ProgramHeader, binary: &mut Binary) -> Result<(), ElfError> {
        let Ok(Some(entries)) = segment.dynamic(self.order, self.bytes) else {
            return Err(ElfError::Dynamic { what: "it lies outside of the file" });
        };
        let end = entries.iter().position(|entry| entry.tag(self.order) == elf::DT_NULL);
        let entries = &entries[..end.unwrap_or(entries.len())];
        if entries.len() > MOST_DYNAMIC {
            let count = entries.len() as u64;
            return Err(ElfError::TooMany { table: "dynamic entries", count, limit: MOST_DYNAMIC as u64 });
        }
        let addresses = self.addresses(entries, binary);
        let strings = self.strings(&addresses);
        self.names(entries, strings, binary)?;
        if let Some(address) = addresses.version_needs {
            binary.version_needs = versions::needs(self.at(address)?, self.order, strings)?;
        }
        if let Some(address) = addresses.version_definitions {
            binary.version_definitions = Some(versions::definitions(self.at(address)?, self.order, strings)?);
        }
        binary.imports_dlopen = self.imports_dlopen(&addresses, strings);
        Ok(())
    }

    fn addresses(&self, entries: &[Elf::Dyn], binary: &mut Binary) -> Addresses {
        let mut addresses = Addresses::default();
        for entry in entries {
            let value = entry.val(self.order);
            match entry.tag(self.order) {
                elf::DT_STRTAB => addresses.strings = Some(value),
                elf::DT_STRSZ => addresses.strings_size = Some(value),
                elf::DT_SYMTAB => addresses.symbols = Some(value),
                elf::DT_GNU_HASH => addresses.gnu_hash = Some(value),
                elf::DT_HASH => addresses.hash = Some(value),
                elf::DT_VERNEED => addresses.version_needs = Some(value),
                elf::DT_VERDEF => addresses.version_definitions = Some(value),
                elf::DT_FLAGS_1 => binary.flags_1 = value,
                _ => {}
            }
        }
        addresses
    }

    fn names(&self, entries: &[Elf::Dyn], strings: &[u8], binary: &mut Binary) -> Result<(), ElfError> {
        for entry in entries {
            let tag = entry.tag(self.order);
            let kind = match tag {
                elf::DT_NEEDED => Some(WantKind::Needed),
                elf::DT_FILTER => Some(WantKind::Filter),
                elf::DT_AUXILIARY => Some(WantKind::Auxiliary),
                elf::DT_SONAME | elf::DT_RPATH | elf::DT_RUNPATH => None,
                _ => continue,
            };
            let name = Text::new(string(strings, entry.val(self.order))?);
            match (kind, tag) {
                (Some(kind), _) => binary.wants.push(Want { kind, name }),
                (None, elf::DT_SONAME) => binary.soname = Some(name),
                (None, elf::DT_RPATH) => binary.rpath = Some(name),
                (None, DynamicTag(_)) => binary.runpath = Some(name),
            }
        }
        if binary.wants.len() > MOST_WANTS {
            let count = binary.wants.len() as u64;
            return Err(ElfError::TooMany { table: "needed libraries", count, limit: MOST_WANTS as u64 });
        }
        Ok(())
    }

    /// The string table, as far as the file holds it.
    fn strings(&self, addresses: &Addresses) -> &'data [u8] {
        let Some(table) = addresses.strings.and_then(|address| self.at(address).ok()) else { return &[] };
        let size = addresses.strings_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        &table[..size.min(table.len())]
    }

    /// The bytes from an address to the end of the segment that holds it.
    fn at(&self, address: u64) -> Result<&'data [u8], ElfError> {
        for segment in self.segments {
            let first: u64 = segment.p_vaddr(self.order).into();
            let (offset, size) = segment.file_range(self.order);
            if segment.p_type(self.order) != elf::PT_LOAD || address < first || address - first >= size {
                continue;
            }
            let skip = address - first;
            if let Some(start) = offset.checked_add(skip) {
                // A file may be cut off inside of its last segment: what is there is read.
                let length = (size - skip).min((self.bytes.len() as u64).saturating_sub(start));
                if let Ok(data) = self.bytes.read_bytes_at(start, length) {
                    return Ok(data);
                }
            }
        }
        Err(ElfError::Dynamic { what: "an address lies outside of every loaded segment" })
    }

    /// Looks for an undefined symbol by which libraries are loaded at run time. The symbols that a GNU hash
    /// table does not cover come first, and all undefined ones are among them.
    fn imports_dlopen(&self, addresses: &Addresses, strings: &[u8]) -> bool {
        let Some(symbols) = addresses.symbols.and_then(|address| self.at(address).ok()) else { return false };
        let size = size_of::<Elf::Sym>();
        let count = self.import_count(addresses, size as u64).min((symbols.len() / size) as u64);
        let count = usize::try_from(count.min(MOST_IMPORTS)).unwrap_or(0);
        let Ok(symbols) = symbols.read_slice_at::<Elf::Sym>(0, count) else { return false };
        symbols.iter().any(|symbol| {
            let name = symbol.st_name(self.order) as usize;
            // The first letter decides nearly always, without a look at the rest.
            matches!(strings.get(name), Some(b'd' | b'_'))
                && symbol.st_shndx(self.order) == elf::SHN_UNDEF
                && [&b"dlopen\0"[..], b"dlmopen\0", b"__libc_dlopen_mode\0"]
                    .iter()
                    .any(|wanted| strings[name..].starts_with(wanted))
        })
    }

    fn import_count(&self, addresses: &Addresses, size: u64) -> u64 {
        let word = |table: u64, index: u64| -> Option<u32> {
            let word: &object::U32<ByteOrder> = self.at(table).ok()?.read_at(index * 4).ok()?;
            Some(word.get(self.order))
        };
        if let Some(first) = addresses.gnu_hash.and_then(|table| word(table, 1))
            && first > 1
        {
            return first.into();
        }
        if let Some(count) = addresses.hash.and_then(|table| word(table, 1)) {
            return count.into();
        }
        // A GNU hash table without any entry does not tell the number; the strings follow the symbols.
        match (addresses.symbols, addresses.strings) {
            (Some(symbols), Some(strings)) if strings > symbols => (strings - symbols) / size,
            _ => 0,
        }
    }

    fn notes(&self, binary: &mut Binary) {
        let mut seen = false;
        for segment in self.segments.iter().filter(|segment| segment.p_type(self.order) == elf::PT_NOTE) {
            seen = true;
            if let Ok(Some(notes)) = segment.notes(self.order, self.bytes) {
                notes::collect(notes, self.order, &mut binary.dlopen_notes);
            }
        }
        if seen {
            return;
        }
        let Ok(sections) = self.header.section_headers(self.order, self.bytes) else { return };
        for section in sections.iter().take(MOST_SEGMENTS) {
            if let Ok(Some(notes)) = section.notes(self.order, self.bytes) {
                notes::collect(notes, self.order, &mut binary.dlopen_notes);
            }
        }
    }
}

/// The string at an offset of a string table, without its NUL.
pub(super) fn string(strings: &[u8], offset: u64) -> Result<&[u8], ElfError> {
    let outside = ElfError::Dynamic { what: "a name lies outside of the string table" };
    let from = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).ok_or(outside)?;
    let window = &from[..from.len().min(LONGEST_STRING)];
    match window.iter().position(|byte| *byte == 0) {
        Some(end) => Ok(&window[..end]),
        None => Err(ElfError::Dynamic { what: "a name in the string table has no end" }),
    }
}
