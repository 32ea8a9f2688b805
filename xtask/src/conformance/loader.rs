//! What a program maps, against the real loaders: the set of files that `LOADER --list FILE` names, for every dynamic
//! ELF file of this machine, of foreign Debian root file systems under qemu, and of musl ones.
//!
//! A difference fails unless it stands in [`EXPLAINED`] with its reason, which LIMITS.md repeats; so does an
//! explanation that no longer explains anything.

use std::collections::BTreeSet;
use std::path::Path;

use ocelet::host::DirectoryView;
use ocelet_elf::{Abi, Binary, Hwcaps, Loader, World};
use ocelet_testkit::loader_truth::{Mapped, Oracle, Tally};
use ocelet_testkit::trees::path;
use ocelet_tree::{Kind, Owner, TreePath, View, resolve};

use super::{need, roots, skip};
use crate::Outcome;
use crate::shell::temporary;

/// Where programs and libraries are.
const PLACES: [&str; 6] = ["/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/lib", "/usr/local", "/opt"];
/// The same where `/usr` is not merged.
const UNMERGED: [&str; 3] = ["/bin", "/sbin", "/lib"];

/// Differences that are known by name, with the reason.
const EXPLAINED: &[(&str, &str)] = &[];

/// Every dynamic ELF file of this machine.
pub(super) fn host(_: &str) -> Outcome {
    let loader = "/lib64/ld-linux-x86-64.so.2";
    if !Path::new(loader).exists() {
        return skip(&format!("{loader} is not on this machine"));
    }
    compare("this machine", Path::new("/"), &[loader, "--list"])
}

/// Debian's packages for arm64 and armhf, under qemu.
pub(super) fn foreign(_: &str) -> Outcome {
    let work = temporary()?;
    for machine in roots::FOREIGN {
        if !need("apt-get")? || !need("dpkg-deb")? || !need(machine.emulator)? {
            continue;
        }
        let root = work.path().join(machine.debian);
        roots::debian(machine, work.path(), &root)?;
        let root_text = root.display().to_string();
        let emulator = format!("/{}", machine.emulator);
        compare(machine.debian, &root, &["chroot", &root_text, &emulator, machine.loader, "--list"])?;
    }
    Ok(())
}

/// musl of Debian, and of Alpine where its packages are at hand.
pub(super) fn musl(_: &str) -> Outcome {
    let work = temporary()?;
    let musl = "/lib/ld-musl-x86_64.so.1";
    if need("musl-gcc")? {
        let root = work.path().join("musl");
        roots::musl(&root)?;
        compare("musl", &root, &["chroot", &root.display().to_string(), musl, "--list"])?;
    }
    let Some(packages) = roots::alpine_packages() else {
        println!("skipped: no packages of Alpine beside the checkout");
        return Ok(());
    };
    let root = work.path().join("alpine");
    roots::alpine(&packages, &root)?;
    compare("alpine", &root, &["chroot", &root.display().to_string(), musl, "--list"])
}

/// Debian and Alpine in one root: each loader maps what is its own, and nothing of the other's.
pub(super) fn worlds(_: &str) -> Outcome {
    let Some(packages) = roots::alpine_packages() else {
        println!("skipped: no packages of Alpine beside the checkout");
        return Ok(());
    };
    if !need("apt-get")? || !need("dpkg-deb")? {
        return Ok(());
    }
    let work = temporary()?;
    let root = work.path().join("root");
    roots::mixed(&packages, work.path(), &root)?;
    both_worlds("Debian and Alpine", &root)
}

/// Compares the files of both C libraries of a root of this machine.
pub(super) fn both_worlds(name: &str, root: &Path) -> Outcome {
    for loader in ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"] {
        compare(name, root, &["chroot", &root.display().to_string(), loader, "--list"])?;
    }
    Ok(())
}

/// Compares every file of a root that the loader at the end of `command` is for.
pub(super) fn compare(name: &str, root: &Path, command: &[&str]) -> Outcome {
    let view = DirectoryView::open(root, &Owner::new(name)).map_err(|error| error.to_string())?;
    let oracle = Oracle { command: command.iter().map(ToString::to_string).collect() };
    let written =
        command.iter().rev().find(|word| word.contains("/ld-")).ok_or("the command names no loader")?;
    let real = resolve(&view, &path(written)).map_err(|error| error.to_string())?;
    let bytes = real.node.content().map(ocelet_tree::Content::bytes);
    let bytes = bytes.ok_or("the loader is no file")?.map_err(|error| error.to_string())?;
    let abi = Binary::parse(&bytes).map_err(|error| error.to_string())?.abi;
    let loader = Loader::new(&view, Hwcaps::Baseline);
    let world = if written.contains("ld-musl") { World::Musl } else { World::Glibc };
    let mut files = Vec::new();
    let mut others = 0;
    for (file, made_for) in elf_files(&view)? {
        let loaded = loader.load(&file).map_err(|error| format!("{file}: {error}"))?;
        if made_for == abi && loaded.world == world && file != real.path {
            files.push(file);
        } else {
            others += 1;
        }
    }
    if files.is_empty() {
        return Err(format!("{name} has no dynamic ELF file of {written}"));
    }
    let tally = oracle.compare(&view, &files, |file| ours(&loader, file));
    println!(
        "{name}: {} dynamic ELF files of {written}: {} compared, {} agree, {} differ, {} that the loader refuses; {others} of other loaders",
        files.len(),
        tally.compared,
        tally.agree,
        tally.differ.len(),
        tally.refused.len()
    );
    judge(name, &tally)
}

/// Accepts what is explained by name, and nothing else.
fn judge(name: &str, tally: &Tally) -> Outcome {
    let mut unexplained = Vec::new();
    let refused = tally.refused.iter().map(|(file, said)| format!("{file}: the loader says: {said}"));
    for difference in tally.differ.iter().cloned().chain(refused) {
        match EXPLAINED.iter().find(|(file, _)| difference.starts_with(&format!("{file}:"))) {
            Some((_, reason)) => println!("  explained ({reason}): {difference}"),
            None => unexplained.push(difference),
        }
    }
    if unexplained.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{name}: {} differences that nothing explains:\n  {}",
        unexplained.len(),
        unexplained.join("\n  ")
    ))
}

/// Every dynamic ELF file below the places, at its real path, with what it is made for.
fn elf_files(view: &DirectoryView) -> Result<BTreeSet<(TreePath, Abi)>, String> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<TreePath> = PLACES.iter().chain(&UNMERGED).map(|place| path(place)).collect();
    while let Some(at) = todo.pop() {
        match view.entry(&at).map_err(|error| error.to_string())?.map(|node| node.kind) {
            Some(Kind::Directory) => {
                let names = view.names(&at).map_err(|error| error.to_string())?;
                todo.extend(names.iter().map(|name| at.join(name)));
            }
            Some(Kind::File { content, .. }) => {
                let head = content.head(4).map_err(|error| error.to_string())?;
                if !Binary::is_elf(&head) {
                    continue;
                }
                let bytes = content.bytes().map_err(|error| error.to_string())?;
                if let Ok(binary) = Binary::parse(&bytes)
                    && binary.is_loadable()
                    && binary.dynamic
                    && !binary.is_static()
                {
                    found.insert((at, binary.abi));
                }
            }
            Some(Kind::Symlink { .. }) | None => {}
        }
    }
    Ok(found)
}

fn ours(loader: &Loader<'_>, file: &TreePath) -> Option<Mapped> {
    let process = loader.load(file).ok()?;
    let mut files: BTreeSet<TreePath> = process.mapped().map(|object| object.real().clone()).collect();
    files.remove(process.objects[0].real());
    let missing = process.missing.iter().map(|unfound| unfound.name.to_string()).collect();
    Some(Mapped { files, missing })
}
