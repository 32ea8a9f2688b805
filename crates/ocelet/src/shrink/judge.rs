//! [`refused`]: which flagged files are left as they are, and why; told by the file alone, before any tool is asked.
//!
//! Packing changes how a file is loaded: a packed file has no `PT_INTERP`, no `PT_DYNAMIC` and no symbols, and unpacks
//! itself as a running program. What is loaded by others (libraries, kernel modules), what a kernel gives rights to
//! by the file, and what is no program at all stays what it is.

use ocelet_elf::{Binary, Kind};
use ocelet_tree::Metadata;

/// `DF_1_PIE` (glibc's elf.h): the file is a program that runs at any address, not a library.
const DF_1_PIE: u64 = 0x0800_0000;

/// What a flagged file is, where it may be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// The loader that it asks for (`PT_INTERP`).
    pub(super) interpreter: Option<String>,
}

/// Looks at a flagged file.
///
/// # Errors
/// Why it is left as it is, in words.
pub(super) fn program(metadata: &Metadata, bytes: &[u8]) -> Result<Program, String> {
    if metadata.mode & 0o6000 != 0 {
        return Err("it is setuid or setgid".to_owned());
    }
    if metadata.xattrs.contains_key(Metadata::CAPABILITY) {
        return Err("it has file capabilities".to_owned());
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Err("it is no ELF program".to_owned());
    }
    if metadata.mode & 0o111 == 0 {
        return Err("it is not executable".to_owned());
    }
    if is_packed(bytes) {
        return Err("it is packed already".to_owned());
    }
    let binary = Binary::parse(bytes).map_err(|error| error.to_string())?;
    let is_library = binary.soname.is_some()
        || (binary.kind == Kind::Shared && binary.interpreter.is_none() && binary.flags_1 & DF_1_PIE == 0);
    match binary.kind {
        Kind::Executable | Kind::Shared if !is_library => {
            Ok(Program { interpreter: binary.interpreter.map(|path| path.to_string()) })
        }
        Kind::Executable | Kind::Shared => Err("it is a library".to_owned()),
        Kind::Relocatable | Kind::Core | Kind::Other(_) => Err("it is no ELF program".to_owned()),
    }
}

/// Whether an ELF file looks packed by upx: `l_info`, whose second word is `UPX!`, stands right behind the program
/// headers (upx, `src/p_unix.h` and `src/stub/src/include/linux.h`).
pub(crate) fn is_packed(head: &[u8]) -> bool {
    let half = |at: usize| Some(u64::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    let word = |at: usize| Some(u64::from(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?)));
    let headers_end = || match head.get(4)? {
        // e_phoff, e_phentsize and e_phnum of Elf64_Ehdr and Elf32_Ehdr (gABI, chapter 4).
        2 => Some(word(0x20)? + half(0x36)? * half(0x38)?),
        1 => Some(word(0x1c)? + half(0x2a)? * half(0x2c)?),
        _ => None,
    };
    if !head.starts_with(b"\x7fELF") {
        return false;
    }
    let magic =
        headers_end().and_then(|end| usize::try_from(end).ok()).and_then(|end| head.get(end + 4..end + 8));
    magic == Some(b"UPX!")
}

/// How much of a file [`is_packed`] looks at: a packed file has few program headers, close behind its own.
pub(crate) const HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use ocelet_testkit::elf::ElfBuilder;
    use std::collections::BTreeMap;

    fn check(mode: u16, capability: bool, bytes: &[u8], want: &str) {
        let mut metadata = Metadata::root_owned(mode);
        if capability {
            metadata.xattrs = BTreeMap::from([(Metadata::CAPABILITY.to_vec(), vec![1])]);
        }
        let got = match program(&metadata, bytes) {
            Ok(program) => format!("program {}", program.interpreter.unwrap_or_default()),
            Err(why) => why,
        };
        assert_eq!(got.trim(), want);
    }

    #[test]
    fn only_programs_are_packed() {
        let target = "linux/amd64";
        let dynamic =
            ElfBuilder::program(target).interpreter("/lib/ld-musl-x86_64.so.1").needs("libc.so").build();
        let fixed = ElfBuilder::static_program(target).build();
        let library = ElfBuilder::library(target, "libx.so.1").build();
        let plugin = ElfBuilder::program(target).needs("libc.so").build();
        let anywhere = ElfBuilder::program(target).flags_1(DF_1_PIE).build();
        check(0o755, false, &dynamic, "program /lib/ld-musl-x86_64.so.1");
        check(0o755, false, &fixed, "program");
        check(0o755, false, &library, "it is a library");
        check(0o755, false, &plugin, "it is a library");
        check(0o755, false, &anywhere, "program");
        check(0o4755, false, &fixed, "it is setuid or setgid");
        check(0o2755, false, &fixed, "it is setuid or setgid");
        check(0o755, true, &fixed, "it has file capabilities");
        check(0o644, false, &fixed, "it is not executable");
        check(0o755, false, b"#!/bin/sh\n", "it is no ELF program");
        check(0o755, false, b"", "it is no ELF program");
        check(0o755, false, &packed(), "it is packed already");
        for length in 0..200 {
            assert!(!is_packed(&packed()[..length.min(235)]), "cut off at {length}");
        }
    }

    /// The beginning of a file that upx 4.2.2 has packed for amd64: one header of 64 bytes, three of 56, `l_info`.
    fn packed() -> Vec<u8> {
        let mut bytes = vec![0; 256];
        bytes[..5].copy_from_slice(b"\x7fELF\x02");
        bytes[0x20] = 64;
        bytes[0x36] = 56;
        bytes[0x38] = 3;
        bytes[0xec..0xf0].copy_from_slice(b"UPX!");
        bytes
    }
}
