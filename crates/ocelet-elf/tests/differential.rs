//! Two readers, one truth: what we read of this machine's ELF files is what goblin reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use goblin::elf::Elf;
use goblin::elf::dynamic::DT_NEEDED;
use ocelet_elf::{Binary, Class, Endianness};

/// `DT_AUXILIARY` and `DT_FILTER` (`elf.h`), which goblin has no names for.
const FILTERS: [u64; 2] = [0x7fff_fffd, 0x7fff_ffff];

#[expect(clippy::disallowed_methods, reason = "the files of this machine are the fixture")]
fn walk(at: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(at) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let Ok(metadata) = entry.symlink_metadata() else { continue };
        if metadata.is_dir() {
            walk(&entry, found);
        } else if metadata.is_file() && metadata.len() > 64 && metadata.len() < 64 << 20 {
            found.push(entry);
        }
    }
}

fn versions(elf: &Elf<'_>) -> (BTreeSet<String>, Option<BTreeSet<String>>) {
    let text = |at: usize| elf.dynstrtab.get_at(at).unwrap_or_default().to_owned();
    let needs = elf.verneed.iter().flat_map(goblin::elf::VerneedSection::iter).flat_map(|need| {
        let file = text(need.vn_file);
        need.iter().map(move |aux| (file.clone(), aux.vna_name)).collect::<Vec<_>>()
    });
    let needs = needs.map(|(file, name)| format!("{file} {}", text(name))).collect();
    let defines = elf.verdef.as_ref().map(|table| {
        table.iter().filter_map(|entry| entry.iter().next().map(|aux| text(aux.vda_name))).collect()
    });
    (needs, defines)
}

fn compare(path: &Path, bytes: &[u8]) -> Option<Result<(), String>> {
    let ours = Binary::parse(bytes).ok()?;
    let elf = Elf::parse(bytes).ok()?;
    if !ours.is_loadable() {
        return None;
    }
    let names = |values: Vec<&str>| values.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
    let text = |text: &Option<ocelet_elf::Text>| text.iter().map(ToString::to_string).collect::<Vec<_>>();
    let imports = elf.dynsyms.iter().filter(|symbol| symbol.st_shndx == 0).any(|symbol| {
        matches!(elf.dynstrtab.get_at(symbol.st_name), Some("dlopen" | "dlmopen" | "__libc_dlopen_mode"))
    });
    let (needs, defines) = versions(&elf);
    let ours_needs: BTreeSet<String> =
        ours.version_needs.iter().map(|need| format!("{} {}", need.file, need.version)).collect();
    let ours_defines =
        ours.version_definitions.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
    let wants = elf.dynamic.iter().flat_map(|dynamic| &dynamic.dyns);
    let wants = wants.filter(|entry| entry.d_tag == DT_NEEDED || FILTERS.contains(&entry.d_tag)).count();
    let checks = [
        ("class", (ours.abi.class == Class::Bits64) == elf.is_64),
        ("byte order", (ours.abi.endianness == Endianness::Little) == elf.little_endian),
        ("machine", ours.abi.machine == elf.header.e_machine),
        ("interpreter", text(&ours.interpreter) == names(elf.interpreter.into_iter().collect())),
        ("soname", text(&ours.soname) == names(elf.soname.into_iter().collect())),
        (
            "needed",
            ours.needed().map(ToString::to_string).collect::<Vec<_>>() == names(elf.libraries.clone()),
        ),
        ("wants", ours.wants.len() == wants),
        ("rpath", text(&ours.rpath) == names(elf.rpaths.clone())),
        ("runpath", text(&ours.runpath) == names(elf.runpaths.clone())),
        ("version needs", ours_needs == needs),
        ("version definitions", ours_defines == defines),
        ("imports of dlopen", ours.imports_dlopen == imports),
    ];
    let wrong: Vec<&str> = checks.iter().filter(|check| !check.1).map(|check| check.0).collect();
    Some(if wrong.is_empty() { Ok(()) } else { Err(format!("{}: {}", path.display(), wrong.join(", "))) })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the files of this machine are the fixture; all on request")]
fn goblin_reads_the_same() {
    let mut files = Vec::new();
    for place in ["/usr/lib", "/usr/bin", "/usr/sbin", "/lib", "/tmp/foreign"] {
        if place != "/tmp/foreign" || std::env::var("OCELET_ALL").is_ok() {
            walk(Path::new(place), &mut files);
        }
    }
    let every = if std::env::var("OCELET_ALL").is_ok() { 1 } else { (files.len() / 2000).max(1) };
    let mut compared = 0;
    let mut differ = Vec::new();
    for file in files.iter().step_by(every) {
        let Ok(bytes) = std::fs::read(file) else { continue };
        match compare(file, &bytes) {
            None => {}
            Some(Ok(())) => compared += 1,
            Some(Err(difference)) => differ.push(difference),
        }
    }
    if files.is_empty() {
        println!("skipped: no libraries installed");
        return;
    }
    println!("{compared} files agree");
    assert_eq!(differ, Vec::<String>::new());
}
