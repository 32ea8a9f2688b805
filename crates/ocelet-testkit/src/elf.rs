//! [`ElfBuilder`]: ELF files of a few hundred bytes, for any machine, with just the tables that loading looks at.
//!
//! Layout: header, program headers, then one stretch that all tables share; addresses are file offsets.
//! There are no sections, as in a stripped file, and no code: nothing here can run.

/// Describes an ELF file and writes it.
#[derive(Debug, Clone)]
pub struct ElfBuilder {
    machine: u16,
    bits64: bool,
    big_endian: bool,
    flags: u32,
    kind: u16,
    interpreter: Option<String>,
    dynamic: bool,
    strings: Vec<(u64, String)>,
    numbers: Vec<(u64, u64)>,
    imports: Vec<String>,
    needs: Vec<(String, Vec<(String, bool)>)>,
    definitions: Vec<String>,
    notes: Vec<(String, u32, Vec<u8>)>,
}

const SONAME: u64 = 14;
const NEEDED: u64 = 1;

impl ElfBuilder {
    /// A dynamically linked program for a platform such as `linux/arm64`.
    ///
    /// # Panics
    /// At a platform that is not known here.
    pub fn program(platform: &str) -> Self {
        let (machine, bits64, big_endian, flags) = match platform {
            "linux/amd64" => (62, true, false, 0),
            "linux/arm64" => (183, true, false, 0),
            "linux/arm/v7" => (40, false, false, 0x0500_0400),
            "linux/arm/v5" => (40, false, false, 0x0500_0200),
            "linux/386" => (3, false, false, 0),
            "linux/riscv64" => (243, true, false, 5),
            "linux/ppc64le" => (21, true, false, 2),
            "linux/s390x" => (22, true, true, 0),
            "x32" => (62, false, false, 0),
            other => panic!("no fixture for platform {other}"),
        };
        Self {
            machine,
            bits64,
            big_endian,
            flags,
            kind: 3,
            interpreter: None,
            dynamic: true,
            strings: Vec::new(),
            numbers: Vec::new(),
            imports: Vec::new(),
            needs: Vec::new(),
            definitions: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A library with a soname.
    pub fn library(platform: &str, soname: &str) -> Self {
        Self::program(platform).string(SONAME, soname)
    }

    /// A program without a dynamic section.
    pub fn static_program(platform: &str) -> Self {
        Self { dynamic: false, kind: 2, ..Self::program(platform) }
    }

    /// `e_type`: 1 object file, 2 program, 3 library, 4 core.
    #[must_use]
    pub fn kind(mut self, kind: u16) -> Self {
        self.kind = kind;
        self
    }

    /// The loader.
    #[must_use]
    pub fn interpreter(mut self, path: &str) -> Self {
        self.interpreter = Some(path.to_owned());
        self
    }

    /// One needed library.
    #[must_use]
    pub fn needs(self, name: &str) -> Self {
        self.string(NEEDED, name)
    }

    /// `DT_RPATH`.
    #[must_use]
    pub fn rpath(self, path: &str) -> Self {
        self.string(15, path)
    }

    /// `DT_RUNPATH`.
    #[must_use]
    pub fn runpath(self, path: &str) -> Self {
        self.string(29, path)
    }

    /// `DT_AUXILIARY`.
    #[must_use]
    pub fn auxiliary(self, name: &str) -> Self {
        self.string(0x7fff_fffd, name)
    }

    /// `DT_FILTER`.
    #[must_use]
    pub fn filter(self, name: &str) -> Self {
        self.string(0x7fff_ffff, name)
    }

    /// Bits of `DT_FLAGS_1`.
    #[must_use]
    pub fn flags_1(mut self, flags: u64) -> Self {
        self.numbers.push((0x6fff_fffb, flags));
        self
    }

    /// An undefined symbol.
    #[must_use]
    pub fn imports(mut self, symbol: &str) -> Self {
        self.imports.push(symbol.to_owned());
        self
    }

    /// A symbol version that is required of a library; weak ones may be missing.
    #[must_use]
    pub fn needs_version(mut self, file: &str, version: &str, weak: bool) -> Self {
        let entry = (version.to_owned(), weak);
        match self.needs.iter_mut().find(|(known, _)| known == file) {
            Some((_, versions)) => versions.push(entry),
            None => self.needs.push((file.to_owned(), vec![entry])),
        }
        self
    }

    /// A symbol version that is defined.
    #[must_use]
    pub fn defines_version(mut self, version: &str) -> Self {
        self.definitions.push(version.to_owned());
        self
    }

    /// A note of `.note.dlopen` with this JSON text.
    #[must_use]
    pub fn dlopen_note(mut self, json: &str) -> Self {
        self.notes.push(("FDO".to_owned(), 0x407c_0c0a, [json.as_bytes(), b"\0"].concat()));
        self
    }

    #[must_use]
    pub(crate) fn string(mut self, tag: u64, text: &str) -> Self {
        self.strings.push((tag, text.to_owned()));
        self
    }

    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let header = if self.bits64 { 64 } else { 52 };
        let segment = if self.bits64 { 56 } else { 32 };
        let segments = 1
            + usize::from(self.interpreter.is_some())
            + usize::from(self.dynamic)
            + usize::from(!self.notes.is_empty());
        let mut file = Layout { bytes: vec![0; header + segment * segments], big_endian: self.big_endian };
        let mut table = Vec::new();
        if let Some(interpreter) = &self.interpreter {
            let at = file.append(&[interpreter.as_bytes(), b"\0"].concat(), 1);
            table.push((3, at, interpreter.len() + 1, 1));
        }
        if !self.notes.is_empty() {
            let notes = self.note_bytes();
            let at = file.append(&notes, 4);
            table.push((4, at, notes.len(), 4));
        }
        if self.dynamic {
            let (at, size) = self.dynamic_section(&mut file);
            table.push((2, at, size, 8));
        }
        table.insert(0, (1, 0, file.bytes.len(), 0x1000));
        self.headers(&mut file, &table, header, segment);
        file.bytes
    }

    fn note_bytes(&self) -> Vec<u8> {
        let mut notes = Layout { bytes: Vec::new(), big_endian: self.big_endian };
        for (owner, kind, description) in &self.notes {
            notes.number(owner.len() as u64 + 1, 4);
            notes.number(description.len() as u64, 4);
            notes.number((*kind).into(), 4);
            notes.append(&[owner.as_bytes(), b"\0"].concat(), 1);
            notes.append(description, 4);
            notes.pad(4);
        }
        notes.bytes
    }

    fn dynamic_section(&self, file: &mut Layout) -> (usize, usize) {
        let mut strings = vec![0];
        let mut place = |text: &str| {
            let at = strings.len() as u64;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let mut entries: Vec<(u64, u64)> = Vec::new();
        for (tag, text) in &self.strings {
            entries.push((*tag, place(text)));
        }
        entries.extend(&self.numbers);
        let symbols: Vec<u64> = self.imports.iter().map(|symbol| place(symbol)).collect();
        let needs = self.needs_table(&mut place);
        let definitions = self.definitions_table(&mut place);
        let symbol_size = if self.bits64 { 24 } else { 16 };
        let symbols_at = file.pad(8);
        file.bytes.resize(symbols_at + symbol_size, 0);
        for name in symbols {
            let start = file.bytes.len();
            file.number(name, 4);
            if self.bits64 {
                file.bytes.extend([0x12, 0, 0, 0]);
            } else {
                file.bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0, 0, 0]);
            }
            file.bytes.resize(start + symbol_size, 0);
        }
        // DT_HASH with one bucket: it tells the number of symbols.
        let hash_at = file.pad(8);
        for word in [1, self.imports.len() as u64 + 1, 0] {
            file.number(word, 4);
        }
        entries.extend([(6, symbols_at as u64), (4, hash_at as u64), (11, symbol_size as u64)]);
        if !needs.is_empty() {
            entries.extend([
                (0x6fff_fffe, file.append(&needs, 4) as u64),
                (0x6fff_ffff, self.needs.len() as u64),
            ]);
        }
        if !definitions.is_empty() {
            let count = self.definitions.len() as u64;
            entries.extend([(0x6fff_fffc, file.append(&definitions, 4) as u64), (0x6fff_fffd, count)]);
        }
        entries.extend([(5, file.append(&strings, 1) as u64), (10, strings.len() as u64), (0, 0)]);
        let word = if self.bits64 { 8 } else { 4 };
        let at = file.pad(8);
        let size = entries.len() * 2 * word;
        for (tag, value) in entries {
            file.number(tag, word);
            file.number(value, word);
        }
        (at, size)
    }

    fn needs_table(&self, place: &mut impl FnMut(&str) -> u64) -> Vec<u8> {
        let mut table = Layout { bytes: Vec::new(), big_endian: self.big_endian };
        for (index, (library, versions)) in self.needs.iter().enumerate() {
            let count = versions.len() as u64;
            let last = index + 1 == self.needs.len();
            table.number(1, 2);
            table.number(count, 2);
            table.number(place(library), 4);
            table.number(16, 4);
            table.number(if last { 0 } else { 16 + 16 * count }, 4);
            for (aux, (version, weak)) in versions.iter().enumerate() {
                table.number(hash(version).into(), 4);
                table.number(if *weak { 2 } else { 0 }, 2);
                table.number(2 + aux as u64, 2);
                table.number(place(version), 4);
                table.number(if aux + 1 == versions.len() { 0 } else { 16 }, 4);
            }
        }
        table.bytes
    }

    fn definitions_table(&self, place: &mut impl FnMut(&str) -> u64) -> Vec<u8> {
        let mut table = Layout { bytes: Vec::new(), big_endian: self.big_endian };
        for (index, version) in self.definitions.iter().enumerate() {
            table.number(1, 2);
            table.number(0, 2);
            table.number(index as u64 + 2, 2);
            table.number(1, 2);
            table.number(hash(version).into(), 4);
            table.number(20, 4);
            table.number(if index + 1 == self.definitions.len() { 0 } else { 28 }, 4);
            table.number(place(version), 4);
            table.number(0, 4);
        }
        table.bytes
    }

    fn headers(&self, file: &mut Layout, table: &[(u64, usize, usize, u64)], header: usize, segment: usize) {
        let word = if self.bits64 { 8 } else { 4 };
        let mut front = Layout { bytes: b"\x7fELF".to_vec(), big_endian: self.big_endian };
        front.bytes.extend([if self.bits64 { 2 } else { 1 }, if self.big_endian { 2 } else { 1 }, 1]);
        front.bytes.resize(16, 0);
        front.number(self.kind.into(), 2);
        front.number(self.machine.into(), 2);
        front.number(1, 4);
        for address in [0, header as u64, 0] {
            front.number(address, word);
        }
        front.number(self.flags.into(), 4);
        for half in [header, segment, table.len(), 0, 0, 0] {
            front.number(half as u64, 2);
        }
        for (kind, at, size, align) in table {
            let (at, size) = (*at as u64, *size as u64);
            front.number(*kind, 4);
            if self.bits64 {
                front.number(4, 4);
            }
            for value in [at, at, at, size, size] {
                front.number(value, word);
            }
            if !self.bits64 {
                front.number(4, 4);
            }
            front.number(*align, word);
        }
        file.bytes[..front.bytes.len()].copy_from_slice(&front.bytes);
    }
}

/// Bytes in an order.
struct Layout {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Layout {
    fn pad(&mut self, align: usize) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
        self.bytes.len()
    }

    fn append(&mut self, bytes: &[u8], align: usize) -> usize {
        let at = self.pad(align);
        self.bytes.extend_from_slice(bytes);
        at
    }

    fn number(&mut self, value: u64, size: usize) {
        if self.big_endian {
            self.bytes.extend_from_slice(&value.to_be_bytes()[8 - size..]);
        } else {
            self.bytes.extend_from_slice(&value.to_le_bytes()[..size]);
        }
    }
}

/// The hash of a version's name (gABI, "Hash Table").
fn hash(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(byte.into());
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}
