//! [`Binary`]: what an ELF file says about itself, as far as loading it is concerned.
//!
//! Only program headers are trusted, as the kernel and the loaders do: section headers may be stripped, and
//! are looked at for nothing but the notes of a file without note segments. Every count and length of the
//! file is checked against its size and against a cap, so a hostile file costs a bounded amount of work and
//! never a panic. It refuses to guess: a needed name that cannot be read is an error, not a missing entry.

mod notes;
mod read;
mod text;
mod versions;

#[cfg(test)]
mod tests;

pub use notes::{DlopenNote, Priority};
pub use text::Text;
pub use versions::VersionNeed;

/// What an ELF file says about itself. Sources: the System V gABI, chapters 4 and 5, and glibc's `elf.h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The machine, class, byte order and float convention that it is made for.
    pub abi: Abi,
    /// `e_type`: program, library, object file or core.
    pub kind: Kind,
    /// The loader that the kernel is asked for (`PT_INTERP`), as it is written.
    pub interpreter: Option<Text>,
    /// Whether it has a dynamic section (`PT_DYNAMIC`) that its file holds.
    pub dynamic: bool,
    /// The name by which others need it (`DT_SONAME`).
    pub soname: Option<Text>,
    /// What it wants loaded, in the order in which it is written.
    pub wants: Vec<Want>,
    /// Where its needs and those of what it loads are looked for (`DT_RPATH`).
    pub rpath: Option<Text>,
    /// Where its own needs are looked for (`DT_RUNPATH`).
    pub runpath: Option<Text>,
    /// `DT_FLAGS_1`: bits such as [`Binary::NODEFLIB`].
    pub flags_1: u64,
    /// The symbol versions that it requires of others (`DT_VERNEED`).
    pub version_needs: Vec<VersionNeed>,
    /// The symbol versions that it defines (`DT_VERDEF`); nothing where it has no such table.
    pub version_definitions: Option<Vec<Text>>,
    /// The libraries that it declares to load later (`.note.dlopen`).
    pub dlopen_notes: Vec<DlopenNote>,
    /// Whether it imports `dlopen`, `dlmopen` or `__libc_dlopen_mode`: it may load what no table names.
    pub imports_dlopen: bool,
}

/// What a file is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abi {
    /// `e_machine`, the `EM_` number.
    pub machine: u16,
    /// `EI_CLASS`: 32 or 64 bits.
    pub class: Class,
    /// `EI_DATA`: the order of bytes.
    pub endianness: Endianness,
    /// The float calling convention that a 32-bit ARM file declares in `e_flags`, where it declares one.
    pub float: Option<FloatAbi>,
}

/// The width of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

/// The order of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endianness {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

/// How floating-point arguments are passed on 32-bit ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FloatAbi {
    /// In general registers (`EF_ARM_ABI_FLOAT_SOFT`).
    Soft,
    /// In floating-point registers (`EF_ARM_ABI_FLOAT_HARD`).
    Hard,
}

/// `e_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `ET_EXEC`: a program at a fixed address.
    Executable,
    /// `ET_DYN`: a library, or a program that runs at any address.
    Shared,
    /// `ET_REL`: an object file or kernel module. It is not loaded.
    Relocatable,
    /// `ET_CORE`: a memory image. It is not loaded.
    Core,
    /// Any other number. It is not loaded.
    Other(u16),
}

/// One library that a file wants loaded together with itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// How much it is wanted.
    pub kind: WantKind,
    /// The name, as it is written.
    pub name: Text,
}

/// How much a library is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WantKind {
    /// `DT_NEEDED`: nothing starts without it.
    Needed,
    /// `DT_FILTER`: its definitions take the place of this file's, and must be there.
    Filter,
    /// `DT_AUXILIARY`: its definitions take the place of this file's where it is there.
    Auxiliary,
}

/// Why bytes are not an ELF file that can be understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The file does not begin with `\x7fELF`.
    #[error("not an ELF file: it does not begin with \\x7fELF")]
    NotElf,
    /// A header is cut off, or has a value that no version of ELF defines.
    #[error("damaged ELF header: {what}")]
    Header {
        /// What is wrong.
        what: &'static str,
    },
    /// More entries of a table than any real file has.
    #[error("ELF file with {count} {table}; at most {limit} are read")]
    TooMany {
        /// Which table.
        table: &'static str,
        /// How many there are.
        count: u64,
        /// How many are read.
        limit: u64,
    },
    /// The dynamic section refers to bytes that the file does not have.
    #[error("damaged dynamic section: {what}")]
    Dynamic {
        /// What is wrong.
        what: &'static str,
    },
}

impl Binary {
    /// `DF_1_NODEFLIB` (`elf.h`): the default directories are not searched for this file's needs.
    pub const NODEFLIB: u64 = 0x800;
    /// `DF_1_PIE` (`elf.h`): a program that runs at any address.
    pub const PIE: u64 = 0x0800_0000;

    /// Reads an ELF file from all of its bytes. Few pages of them are touched.
    ///
    /// # Errors
    /// See [`ElfError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ElfError> {
        read::parse(bytes)
    }

    /// Whether these first bytes are those of an ELF file.
    pub fn is_elf(head: &[u8]) -> bool {
        head.starts_with(b"\x7fELF")
    }

    /// The names of `DT_NEEDED`, in order.
    pub fn needed(&self) -> impl Iterator<Item = &Text> {
        self.wants.iter().filter(|want| want.kind == WantKind::Needed).map(|want| &want.name)
    }

    /// Whether a loader can map it: a program or a library.
    pub fn is_loadable(&self) -> bool {
        matches!(self.kind, Kind::Executable | Kind::Shared)
    }

    /// Whether the kernel runs it as a program, rather than a loader mapping it as a library. A position
    /// independent file counts as a program where it says so (`DF_1_PIE`), or has a loader and no soname:
    /// `libc.so.6` has a loader of its own and is a library all the same.
    pub fn is_program(&self) -> bool {
        match self.kind {
            Kind::Executable => true,
            Kind::Shared => {
                self.flags_1 & Self::PIE != 0 || (self.interpreter.is_some() && self.soname.is_none())
            }
            Kind::Relocatable | Kind::Core | Kind::Other(_) => false,
        }
    }

    /// Whether it runs without any loader: no `PT_INTERP`, and nothing needed.
    pub fn is_static(&self) -> bool {
        self.is_loadable() && self.interpreter.is_none() && self.wants.is_empty() && self.soname.is_none()
    }

    /// Which C library it was linked against, told by what it needs or is; nothing where that is open.
    ///
    /// A library of glibc's world needs `libc.so.6` or its loader, or a version that begins with `GLIBC_`.
    /// One of musl's needs `libc.musl-ARCH.so.1` (Alpine) or `libc.so` (musl-gcc).
    pub fn linked_against(&self) -> Option<crate::World> {
        let glibc = |name: &Text| {
            name.as_bytes() == b"libc.so.6"
                || name.as_bytes().starts_with(b"ld-linux")
                || name.as_bytes().starts_with(b"ld64.so")
        };
        let musl = |name: &Text| {
            name.as_bytes() == b"libc.so"
                || name.as_bytes().starts_with(b"libc.musl-")
                || name.as_bytes().starts_with(b"ld-musl-")
        };
        if self.needed().chain(&self.soname).any(musl) {
            return Some(crate::World::Musl);
        }
        let versioned = self.version_needs.iter().any(|need| need.version.as_bytes().starts_with(b"GLIBC_"));
        (versioned || self.needed().chain(&self.soname).any(glibc)).then_some(crate::World::Glibc)
    }
}
