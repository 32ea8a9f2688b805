//! Our loader against the real ones: for files of this machine, what `ld.so --list` maps is what we say.
//!
//! A spread sample is compared; all files with `OCELET_ALL=1`. Other roots with their own loader command are
//! compared where `OCELET_TRUTH_ROOT` and `OCELET_TRUTH_COMMAND` name them.

use std::collections::BTreeSet;

use ocelet_elf::{Abi, Binary, Found, Hwcaps, Loader};
use ocelet_testkit::DirectoryView;
use ocelet_testkit::loader_truth::{Mapped, Oracle, Tally};
use ocelet_testkit::trees::path;
use ocelet_tree::{Content, Kind, TreePath, View};

const PLACES: [&str; 9] =
    ["/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/lib", "/bin", "/sbin", "/lib", "/usr/local", "/opt"];

/// Every loadable ELF file below the places, at its real path, with what it is made for.
fn elf_files(view: &DirectoryView) -> Vec<(TreePath, Abi)> {
    let mut found = Vec::new();
    let mut todo: Vec<TreePath> = PLACES.iter().map(|place| path(place)).collect();
    while let Some(at) = todo.pop() {
        match view.entry(&at).expect("readable").map(|node| node.kind) {
            Some(Kind::Directory) => {
                let names = view.names(&at).expect("readable");
                todo.extend(names.iter().map(|name| at.join(name)));
            }
            Some(Kind::File { content, .. }) => {
                found.extend(loadable(&content).map(|abi| (at, abi)));
            }
            Some(Kind::Symlink { .. }) | None => {}
        }
    }
    found.sort();
    found
}

fn loadable(content: &Content) -> Option<Abi> {
    if !Binary::is_elf(&content.head(4).ok()?) {
        return None;
    }
    let binary = Binary::parse(&content.bytes().ok()?).ok()?;
    (binary.is_loadable() && binary.dynamic && !binary.is_static()).then_some(binary.abi)
}

fn ours(loader: &Loader<'_>, file: &TreePath) -> Option<Mapped> {
    let process = loader.load(file).ok()?;
    let mut files: BTreeSet<TreePath> = process.mapped().map(|object| object.real().clone()).collect();
    files.remove(process.objects[0].real());
    let missing = process.missing.iter().map(|unfound| unfound.name.to_string()).collect();
    Some(Mapped { files, missing })
}

#[expect(clippy::print_stdout, reason = "what was compared is told")]
fn compare(root: &str, command: &[&str], every: usize, machine: &str) -> Option<Tally> {
    let view = DirectoryView::new(root);
    let oracle = Oracle { command: command.iter().map(ToString::to_string).collect() };
    let loader_path = path(command.iter().rev().find(|word| word.starts_with('/')).expect("a loader"));
    let loader_file = ocelet_tree::resolve(&view, &loader_path).ok()?;
    let abi = Binary::parse(&loader_file.node.content()?.bytes().ok()?).ok()?.abi;
    let loader = Loader::new(&view, Hwcaps::Baseline);
    let world = loader.load(&loader_path).ok()?.world;
    let files: Vec<TreePath> = elf_files(&view)
        .into_iter()
        .filter(|(file, made_for)| {
            *made_for == abi
                && *file != loader_file.path
                && loader.load(file).is_ok_and(|process| process.world == world)
        })
        .map(|(file, _)| file)
        .collect();
    let sample: Vec<&TreePath> = files.iter().step_by((files.len() / every.max(1)).max(1)).collect();
    let tally = oracle.compare(&view, sample, |file| ours(&loader, file));
    println!(
        "{machine}: {} of {} files compared, {} agree, {} refused",
        tally.compared,
        files.len(),
        tally.agree,
        tally.refused.len()
    );
    for (file, said) in &tally.refused {
        println!("  refused {file}: {}", said.lines().next().unwrap_or_default());
    }
    for line in &tally.differ {
        println!("  differs {line}");
    }
    Some(tally)
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment how much to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
fn this_machine_agrees() {
    let loader = "/lib64/ld-linux-x86-64.so.2";
    if !cfg!(target_arch = "x86_64") || !std::path::Path::new(loader).exists() {
        println!("skipped: {loader} not installed");
        return;
    }
    let most = if told("OCELET_ALL").is_some() { usize::MAX } else { 150 };
    let tally = compare("/", &[loader, "--list"], most, "this machine").expect("the loader is an ELF file");
    assert!(tally.compared > 0, "nothing was compared");
    assert_eq!(tally.differ, Vec::<String>::new());
}

#[test]
fn another_root_agrees() {
    let (Some(root), Some(command)) = (told("OCELET_TRUTH_ROOT"), told("OCELET_TRUTH_COMMAND")) else {
        println!("skipped: OCELET_TRUTH_ROOT and OCELET_TRUTH_COMMAND not given");
        return;
    };
    let command: Vec<&str> = command.split(' ').collect();
    let tally = compare(&root, &command, usize::MAX, &root).expect("the loader is an ELF file");
    assert!(tally.compared > 0, "nothing was compared");
    assert_eq!(tally.differ, Vec::<String>::new());
}

#[test]
fn what_the_default_directories_find_needs_no_cache() {
    let view = DirectoryView::new("/");
    let loader = Loader::new(&view, Hwcaps::Baseline);
    let Ok(process) = loader.load(&path("/bin/sh")) else {
        println!("skipped: /bin/sh not installed");
        return;
    };
    let cached = process.objects.iter().filter(|object| object.found == Found::Cache).count();
    assert_eq!(cached, 0, "{:?}", process.objects);
}
