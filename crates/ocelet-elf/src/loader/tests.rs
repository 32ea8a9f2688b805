//! Small worlds: which file answers, by the rules of each loader.

use ocelet_testkit::ElfBuilder;
use ocelet_testkit::trees::{add, add_bytes, path};
use ocelet_tree::Tree;

use super::*;

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

fn program(loader: &str) -> ElfBuilder {
    ElfBuilder::program("linux/amd64").interpreter(loader)
}

fn library(soname: &str) -> ElfBuilder {
    ElfBuilder::library("linux/amd64", soname)
}

/// A tree with both loaders, files with these builders and further lines.
fn world(files: &[(&str, ElfBuilder)], lines: &[&str]) -> Tree {
    let mut tree = Tree::new();
    let mut glibc = library("ld-linux-x86-64.so.2").build();
    glibc.extend(b"\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0\0");
    add_bytes(&mut tree, GLIBC, glibc);
    add_bytes(&mut tree, MUSL, library("libc.musl-x86_64.so.1").build());
    for (at, builder) in files {
        add_bytes(&mut tree, at, builder.build());
    }
    for line in lines {
        add(&mut tree, line);
    }
    tree
}

/// The real paths of what is mapped beside program and loader, then the missing names with `!`.
fn list(tree: &Tree, program: &str, hwcaps: Hwcaps) -> Vec<String> {
    let process = Loader::new(tree, hwcaps).load(&path(program)).expect(program);
    let libraries = process.objects.iter().filter(|object| object.asked_by.is_some());
    let missing = process.missing.iter().map(|unfound| format!("!{}", unfound.name));
    libraries.map(|object| object.real().to_string()).chain(missing).collect()
}

fn check(name: &str, tree: &Tree, want: &[&str]) {
    assert_eq!(list(tree, "/bin/p", Hwcaps::Baseline), want, "{name}");
}

#[test]
fn rpath_is_inherited_and_runpath_is_not_in_glibc() {
    for (loader, by_rpath, by_runpath) in [
        (GLIBC, &["/o/a.so", "/o/b.so"][..], &["/o/a.so", "!b.so"][..]),
        (MUSL, &["/o/a.so", "/o/b.so"], &["/o/a.so", "/o/b.so"]),
    ] {
        let libraries = [("/o/a.so", library("a.so").needs("b.so")), ("/o/b.so", library("b.so"))];
        for (program, want) in [
            (program(loader).needs("a.so").rpath("/o"), by_rpath),
            (program(loader).needs("a.so").runpath("/o"), by_runpath),
            // A RUNPATH makes glibc and musl forget the RPATH beside it.
            (program(loader).needs("a.so").rpath("/o").runpath("/none"), &["!a.so"]),
        ] {
            let mut files = libraries.to_vec();
            files.push(("/bin/p", program));
            check(loader, &world(&files, &[]), want);
        }
    }
}

#[test]
fn a_runpath_cuts_inheritance_for_its_own_needs_only() {
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").rpath("/o")),
        ("/o/a.so", library("a.so").needs("b.so").runpath("/none")),
        ("/o/b.so", library("b.so")),
    ];
    check("glibc", &world(&files, &[]), &["/o/a.so", "!b.so"]);
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").rpath("/o")),
        ("/o/a.so", library("a.so").needs("b.so").runpath("/r")),
        ("/r/b.so", library("b.so").needs("c.so")),
        ("/o/c.so", library("c.so")),
    ];
    check("the parent's parent", &world(&files, &[]), &["/o/a.so", "/r/b.so", "/o/c.so"]);
}

#[test]
fn the_origin_is_the_real_program_and_the_found_library() {
    let files = [
        ("/opt/x/bin/p", program(GLIBC).needs("a.so").runpath("$ORIGIN/../lib")),
        ("/opt/x/lib/a.so", library("a.so").needs("b.so").runpath("${ORIGIN}/deep")),
        ("/opt/x/lib/deep/b.so", library("b.so")),
    ];
    check(
        "a link to the program",
        &world(&files, &["/bin/p -> /opt/x/bin/p"]),
        &["/opt/x/lib/a.so", "/opt/x/lib/deep/b.so"],
    );
    // A library is where the link to it was found: what lies beside its real file does not count.
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").runpath("/l")),
        ("/real/a-1.so", library("a.so").needs("b.so").runpath("$ORIGIN")),
        ("/real/b.so", library("b.so")),
    ];
    check(
        "a link to the library",
        &world(&files, &["/l/a.so -> ../real/a-1.so"]),
        &["/real/a-1.so", "!b.so"],
    );
}

#[test]
fn the_loader_tells_its_directories() {
    let needs = program(GLIBC).needs("a.so").needs("b.so").needs("c.so");
    let files = [
        ("/bin/p", needs),
        ("/usr/lib/x86_64-linux-gnu/a.so", library("a.so")),
        ("/usr/lib/a.so", library("a.so")),
        ("/lib64/b.so", library("b.so")),
        ("/usr/lib/c.so", library("c.so")),
    ];
    check("debian", &world(&files, &[]), &["/usr/lib/x86_64-linux-gnu/a.so", "/usr/lib/c.so", "!b.so"]);
}

#[test]
fn other_machines_are_passed_over() {
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").needs("b.so").needs("c.so").rpath("/o:/n")),
        ("/o/a.so", ElfBuilder::library("linux/386", "a.so")),
        ("/n/a.so", library("a.so")),
        ("/o/b.so", ElfBuilder::library("linux/arm64", "b.so")),
        ("/o/c.so", ElfBuilder::library("linux/s390x", "c.so")),
        ("/n/c.so", library("c.so")),
    ];
    let tree = world(&files, &[]);
    check("glibc", &tree, &["/n/a.so", "!b.so", "!c.so"]);
    let process = Loader::new(&tree, Hwcaps::Baseline).load(&path("/bin/p")).expect("a program");
    assert!(
        matches!(&process.missing[0].why, WhyUnfound::OtherMachine { path, .. } if path.to_string() == "/o/b.so")
    );
    assert!(
        matches!(&process.missing[1].why, WhyUnfound::Unusable { path, .. } if path.to_string() == "/o/c.so")
    );
    let x32 = [("/bin/p", program(GLIBC).needs("a.so")), ("/lib/a.so", ElfBuilder::library("x32", "a.so"))];
    check("x32", &world(&x32, &[]), &["!a.so"]);
}

#[test]
fn one_file_is_mapped_once() {
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").needs("a-alias.so").needs("/lib/a.so").needs("b.so")),
        ("/lib/a.so", library("liba.so.1")),
        ("/lib/b.so", library("b.so").needs("liba.so.1")),
    ];
    check("by inode and soname", &world(&files, &["/lib/a-alias.so -> a.so"]), &["/lib/a.so", "/lib/b.so"]);
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so").needs("ld-linux-x86-64.so.2")),
        ("/lib/a.so", library("a.so")),
    ];
    check("the loader", &world(&files, &[]), &["/lib/a.so"]);
}

#[test]
fn no_default_directories() {
    let flagged = program(GLIBC).needs("a.so").needs("b.so").runpath("/o").flags_1(Binary::NODEFLIB);
    let files =
        [("/bin/p", flagged), ("/o/a.so", library("a.so").needs("b.so")), ("/lib/b.so", library("b.so"))];
    // The flag is the program's own: what its library needs is looked for as ever.
    check("nodeflib", &world(&files, &[]), &["/o/a.so", "/lib/b.so", "!b.so"]);
}

#[test]
fn configuration_stands_for_a_cache_that_is_not_there() {
    let files = [
        ("/bin/p", program(GLIBC).needs("liba.so.1").needs("plugin.so")),
        ("/opt/c/liba.so.1", library("liba.so.1")),
        ("/opt/c/plugin.so", library("plugin.so")),
    ];
    let conf = [
        "/etc/ld.so.conf = # comment\\ninclude ld.so.conf.d/*.conf\\n",
        "/etc/ld.so.conf.d/a.conf = /opt/c # here\\n",
    ];
    check("conf", &world(&files, &conf), &["/opt/c/liba.so.1", "!plugin.so"]);
    check("without", &world(&files, &[]), &["!liba.so.1", "!plugin.so"]);
    // Each is read once, and not nine times as often at each of ten depths.
    let around = "include ld.so.conf\\n".repeat(9) + "include other.conf\\n";
    let circle = [format!("/etc/ld.so.conf = {around}"), format!("/etc/other.conf = {around}/opt/c\\n")];
    check(
        "a circle",
        &world(&files, &circle.each_ref().map(String::as_str)),
        &["/opt/c/liba.so.1", "!plugin.so"],
    );
    let mut tree = world(&files, &conf);
    let entry = crate::CacheEntry {
        flags: 0x0303,
        name: "plugin.so".into(),
        path: "/opt/c/plugin.so".into(),
        hwcap: crate::Hwcap::Baseline,
    };
    let cache = crate::LoaderCache { entries: vec![entry] };
    add_bytes(&mut tree, "/etc/ld.so.cache", cache.write(crate::Endianness::Little));
    check("a cache rules alone", &tree, &["/opt/c/plugin.so", "!liba.so.1"]);
}

#[test]
fn tokens_and_paths() {
    let files = [
        (
            "/bin/p",
            program(GLIBC)
                .needs("$ORIGIN/x/a.so")
                .needs("b.so")
                .needs("c.so")
                .rpath("/q/$LIB:/q/$PLATFORM:rel:"),
        ),
        ("/bin/x/a.so", library("a.so")),
        ("/q/lib/x86_64-linux-gnu/b.so", library("b.so")),
        ("/q/x86_64/c.so", library("c.so")),
    ];
    check("glibc", &world(&files, &[]), &["/bin/x/a.so", "/q/lib/x86_64-linux-gnu/b.so", "/q/x86_64/c.so"]);
    let files = [
        ("/bin/p", program(MUSL).needs("a.so").needs("b.so").rpath("/q/$LIB:/o")),
        ("/o/a.so", library("a.so")),
        ("/usr/local/lib/b.so", library("b.so")),
    ];
    check("musl knows no $LIB", &world(&files, &[]), &["/usr/local/lib/b.so", "!a.so"]);
}

#[test]
fn musl_is_its_own_library() {
    let needs =
        ["libc.so", "libc.musl-x86_64.so.1", "libpthread.so.0", "libm.so.6", "libdl.so.2", "librt.so.1"];
    let needing = needs.iter().fold(program(MUSL), |program, name| program.needs(name)).needs("libmnl.so.0");
    let files = [
        ("/bin/p", needing),
        ("/usr/lib/libmnl.so.0", library("libmnl.so.0").needs("libc.musl-x86_64.so.1")),
    ];
    check("reserved names", &world(&files, &[]), &["/usr/lib/libmnl.so.0"]);
    check(
        "a path file",
        &world(&files, &["/etc/ld-musl-x86_64.path = /x\\n/usr/lib\\n"]),
        &["/usr/lib/libmnl.so.0"],
    );
    check(
        "a path file with nothing in it",
        &world(&files, &["/etc/ld-musl-x86_64.path = \\n"]),
        &["!libmnl.so.0"],
    );
}

#[test]
fn musl_takes_the_first_file_of_a_name() {
    let files = [
        ("/bin/p", program(MUSL).needs("liba.so.1")),
        ("/lib/liba.so.1", ElfBuilder::library("linux/arm64", "liba.so.1")),
        ("/usr/lib/liba.so.1", library("liba.so.1")),
    ];
    check("musl", &world(&files, &[]), &["!liba.so.1"]);
}

#[test]
fn filters_and_auxiliaries() {
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so")),
        ("/lib/a.so", library("a.so").auxiliary("fast.so").auxiliary("none.so").filter("real.so")),
        ("/lib/fast.so", library("fast.so")),
        ("/lib/real.so", library("real.so")),
    ];
    check("glibc", &world(&files, &[]), &["/lib/a.so", "/lib/fast.so", "/lib/real.so", "!none.so"]);
}

#[test]
fn better_processors_find_more() {
    let files = [
        ("/bin/p", program(GLIBC).needs("a.so")),
        ("/lib/a.so", library("a.so")),
        ("/lib/glibc-hwcaps/x86-64-v2/a.so", library("a.so")),
        ("/lib/glibc-hwcaps/x86-64-v3/a.so", library("a.so")),
    ];
    let tree = world(&files, &[]);
    check("baseline", &tree, &["/lib/a.so"]);
    for (levels, want) in [
        (&["x86-64-v3", "x86-64-v2"][..], "/lib/glibc-hwcaps/x86-64-v3/a.so"),
        (&["x86-64-v2"], "/lib/glibc-hwcaps/x86-64-v2/a.so"),
    ] {
        let levels = levels.iter().map(ToString::to_string).collect();
        assert_eq!(list(&tree, "/bin/p", Hwcaps::Running(levels)), [want]);
    }
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let tree = world(&[("/o.o", ElfBuilder::static_program("linux/amd64").kind(1))], &["/text", "/d/"]);
    let loader = Loader::new(&tree, Hwcaps::Baseline);
    for (at, want) in [
        ("/none", "/none does not exist"),
        ("/text", "no ELF file"),
        ("/d", "it is a directory"),
        ("/o.o", "an object file that is not linked"),
    ] {
        let error = loader.load(&path(at)).expect_err(at).to_string();
        assert!(error.contains(want), "{error}");
    }
}
