//! Programs that are built here, with the search paths that distributions hardly use, against the loaders.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use ocelet_elf::{Hwcaps, Loader};
use ocelet_testkit::DirectoryView;
use ocelet_testkit::loader_truth::{Mapped, Oracle};
use ocelet_tree::TreePath;

/// One file to build: where, from which options, needing which of the others.
struct Built(&'static str, &'static str);

/// A name, the files to build with the program first, and symbolic links; `DIR` stands for the directory.
type Set = (&'static str, &'static [Built], &'static [(&'static str, &'static str)]);

const SETS: [Set; 8] = [
    (
        "rpath is inherited",
        &[
            Built("bin/p", "bin/p.c -LDIR/l -la -Wl,-rpath-link,DIR/l -Wl,--disable-new-dtags,-rpath,DIR/l"),
            Built("l/liba.so", "-shared -LDIR/l -lb -Wl,-soname,liba.so"),
            Built("l/libb.so", "-shared -Wl,-soname,libb.so"),
        ],
        &[],
    ),
    (
        "runpath is not",
        &[
            Built("bin/p", "bin/p.c -LDIR/l -la -Wl,-rpath-link,DIR/l -Wl,--enable-new-dtags,-rpath,DIR/l"),
            Built("l/liba.so", "-shared -LDIR/l -lb -Wl,-soname,liba.so"),
            Built("l/libb.so", "-shared -Wl,-soname,libb.so"),
        ],
        &[],
    ),
    (
        "the origin of a linked library",
        &[
            Built(
                "bin/p",
                "bin/p.c -LDIR/link -la -Wl,-rpath-link,DIR/real -Wl,--enable-new-dtags,-rpath,DIR/link",
            ),
            Built(
                "real/liba-1.so",
                "-shared -LDIR/real -lb -Wl,-soname,liba.so -Wl,--enable-new-dtags,-rpath,$ORIGIN",
            ),
            Built("real/libb.so", "-shared -Wl,-soname,libb.so"),
        ],
        &[("link/liba.so", "../real/liba-1.so")],
    ),
    (
        "the origin below a linked directory",
        &[
            Built(
                "bin/p",
                "bin/p.c -LDIR/link -la -Wl,-rpath-link,DIR/real -Wl,--enable-new-dtags,-rpath,DIR/link",
            ),
            Built(
                "real/liba.so",
                "-shared -LDIR/real -lb -Wl,-soname,liba.so -Wl,--enable-new-dtags,-rpath,$ORIGIN/../beside",
            ),
            Built("beside/libb.so", "-shared -Wl,-soname,libb.so"),
        ],
        &[("link", "real"), ("real/libb.so", "../beside/libb.so")],
    ),
    (
        "no default libraries",
        &[
            Built("bin/p", "bin/p.c -LDIR/l -la -Wl,-z,nodefaultlib -Wl,--enable-new-dtags,-rpath,DIR/l"),
            Built("l/liba.so", "-shared -Wl,-soname,liba.so"),
        ],
        &[],
    ),
    ("a needed path", &[Built("bin/p", "bin/p.c DIR/l/a.so"), Built("l/a.so", "-shared")], &[]),
    (
        "filters",
        &[
            Built("bin/p", "bin/p.c -LDIR/l -la -Wl,-rpath-link,DIR/l -Wl,--disable-new-dtags,-rpath,DIR/l"),
            Built(
                "l/liba.so",
                "-shared -Wl,-soname,liba.so -Wl,-f,libaux.so -Wl,-f,libnone.so -Wl,-F,libfilter.so",
            ),
            Built("l/libaux.so", "-shared -Wl,-soname,libaux.so"),
            Built("l/libfilter.so", "-shared -Wl,-soname,libfilter.so"),
        ],
        &[],
    ),
    (
        "a library under two names",
        &[
            Built(
                "bin/p",
                "bin/p.c -LDIR/l -la -lb -Wl,-rpath-link,DIR/l -Wl,--disable-new-dtags,-rpath,$ORIGIN/../l:$ORIGIN/../l/deep",
            ),
            Built("l/libb.so", "-shared -LDIR/l -la2 -Wl,-soname,libb.so"),
            Built("l/liba.so", "-shared"),
        ],
        &[("l/liba2.so", "liba.so"), ("l/deep", ".")],
    ),
];

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "the compiler builds the fixtures")]
fn run(program: &str, arguments: &[&str]) -> Option<bool> {
    let output = Command::new(program).args(arguments).output().ok()?;
    if !output.status.success() {
        println!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(output.status.success())
}

#[expect(clippy::disallowed_methods, reason = "fixtures are written to a directory of the test's own")]
fn build(compiler: &str, directory: &Path, files: &[Built], links: &[(&str, &str)]) {
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).expect("a fixture");
    for place in files.iter().map(|file| file.0).chain(links.iter().map(|link| link.0)) {
        let above = directory.join(place).parent().expect("a directory").to_owned();
        std::fs::create_dir_all(above).expect("a fixture");
    }
    write("bin/p.c", "int main(void) { return 0; }");
    write("l.c", "int x(void) { return 0; }");
    // Links first: a library may be named by one. What a library is linked with comes behind it in the list.
    for (link, target) in links {
        std::os::unix::fs::symlink(target, directory.join(link)).expect("a fixture");
    }
    for Built(place, options) in files.iter().rev() {
        let output = directory.join(place).display().to_string();
        let options = options.replace("DIR", &directory.display().to_string());
        let options = options.replace("bin/p.c", &directory.join("bin/p.c").display().to_string());
        let source = directory.join("l.c").display().to_string();
        let mut arguments = vec!["-o", &output, "-fPIC", "-Wl,--no-as-needed"];
        if options.starts_with("-shared") {
            arguments.push(&source);
        }
        arguments.extend(options.split(' '));
        assert_eq!(run(compiler, &arguments), Some(true), "{compiler} {place}");
    }
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn compare(compiler: &str, loader_path: &str) {
    if run(compiler, &["--version"]).is_none() || !Path::new(loader_path).exists() {
        println!("skipped: {compiler} not installed");
        return;
    }
    let mut differ = Vec::new();
    for (name, files, links) in &SETS {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().canonicalize().expect("a directory");
        build(compiler, &directory, files, links);
        let view = DirectoryView::new("/");
        let program = TreePath::new(directory.join("bin/p").display().to_string()).expect("a path");
        let loaded = Loader::new(&view, Hwcaps::Baseline).load(&program).expect("a program");
        let found: BTreeSet<TreePath> = loaded.mapped().skip(1).map(|object| object.real().clone()).collect();
        let missing = loaded
            .missing
            .iter()
            .filter(|unfound| unfound.request != ocelet_elf::Request::Want(ocelet_elf::WantKind::Auxiliary))
            .map(|unfound| unfound.name.to_string())
            .collect();
        let ours = Mapped { files: found, missing };
        let oracle = Oracle { command: vec![loader_path.to_owned(), "--list".to_owned()] };
        match oracle.list(&view, &program) {
            Ok(theirs) if theirs == ours => {}
            Ok(theirs) => differ.push(format!("{name}: we {ours:?}, the loader {theirs:?}")),
            // Outside of the trace a loader gives up at the first missing library.
            Err(said) if ours.missing.iter().any(|name| said.contains(name.as_str())) => {}
            Err(said) => differ.push(format!("{name}: we {ours:?}, the loader refuses: {said}")),
        }
    }
    assert_eq!(differ, Vec::<String>::new());
}

#[test]
fn glibc_agrees() {
    compare("gcc", "/lib64/ld-linux-x86-64.so.2");
}

#[test]
fn musl_agrees() {
    compare("musl-gcc", "/lib/ld-musl-x86_64.so.1");
}
