//! The tables of symbol versions: what a file requires of others, and what it defines.
//!
//! Layout: "ELF Symbol Versioning" (LSB Core, section 10.7). Both are chains of relative offsets, so a
//! hostile file could send a reader round for long: each step must go forward and all are counted.

use object::elf::{Verdaux, Verdef, Vernaux, Verneed};
use object::{Endianness as ByteOrder, ReadRef};

use super::{ElfError, Text, read};

/// More versions than any library has.
const MOST_VERSIONS: u64 = 16_384;
/// `VER_FLG_WEAK` (`elf.h`).
const WEAK: u16 = 2;

/// One symbol version that a file requires of a library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionNeed {
    /// The soname of the library.
    pub file: Text,
    /// The version, such as `GLIBC_2.34`.
    pub version: Text,
    /// Whether a loader goes on without it.
    pub weak: bool,
}

pub(super) fn needs(table: &[u8], order: ByteOrder, strings: &[u8]) -> Result<Vec<VersionNeed>, ElfError> {
    let mut found = Vec::new();
    let mut steps = Steps::default();
    let mut at = 0u64;
    loop {
        let need: &Verneed<ByteOrder> = table.read_at(at).map_err(|()| outside())?;
        let file = Text::new(read::string(strings, need.vn_file.get(order).into())?);
        let mut aux_at = at + u64::from(need.vn_aux.get(order));
        for _ in 0..need.vn_cnt.get(order) {
            steps.count()?;
            let aux: &Vernaux<ByteOrder> = table.read_at(aux_at).map_err(|()| outside())?;
            found.push(VersionNeed {
                file: file.clone(),
                version: Text::new(read::string(strings, aux.vna_name.get(order).into())?),
                weak: aux.vna_flags.get(order).0 & WEAK != 0,
            });
            match aux.vna_next.get(order) {
                0 => break,
                next => aux_at += u64::from(next),
            }
        }
        steps.count()?;
        match need.vn_next.get(order) {
            0 => return Ok(found),
            next => at += u64::from(next),
        }
    }
}

pub(super) fn definitions(table: &[u8], order: ByteOrder, strings: &[u8]) -> Result<Vec<Text>, ElfError> {
    let mut found = Vec::new();
    let mut steps = Steps::default();
    let mut at = 0u64;
    loop {
        steps.count()?;
        let definition: &Verdef<ByteOrder> = table.read_at(at).map_err(|()| outside())?;
        // The first auxiliary entry is the version's name; what follows are its parents.
        let aux_at = at + u64::from(definition.vd_aux.get(order));
        let aux: &Verdaux<ByteOrder> = table.read_at(aux_at).map_err(|()| outside())?;
        // The base entry, which is named like the library, counts as well: glibc's dl-version.c takes it.
        found.push(Text::new(read::string(strings, aux.vda_name.get(order).into())?));
        match definition.vd_next.get(order) {
            0 => return Ok(found),
            next => at += u64::from(next),
        }
    }
}

#[derive(Default)]
struct Steps(u64);

impl Steps {
    fn count(&mut self) -> Result<(), ElfError> {
        self.0 += 1;
        if self.0 > MOST_VERSIONS {
            return Err(ElfError::TooMany { table: "symbol versions", count: self.0, limit: MOST_VERSIONS });
        }
        Ok(())
    }
}

fn outside() -> ElfError {
    ElfError::Dynamic { what: "its version tables lie outside of the file" }
}
