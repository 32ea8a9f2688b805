//! Whole closures over small trees: what is kept, why, and what is told as missing.

use ocelet_testkit::ElfBuilder;
use ocelet_testkit::trees::{add, add_bytes, path};
use ocelet_tree::Tree;

use super::*;
use crate::rules::RulePacks;

mod worlds;

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

fn program(loader: &str) -> ElfBuilder {
    ElfBuilder::program("linux/amd64").interpreter(loader)
}

fn library(soname: &str) -> ElfBuilder {
    ElfBuilder::library("linux/amd64", soname)
}

fn world(files: &[(&str, ElfBuilder)], lines: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for (at, builder) in files {
        add_bytes(&mut tree, at, builder.build());
    }
    for line in lines {
        add(&mut tree, line);
    }
    tree
}

fn options() -> Options {
    Options::new(Target::parse("linux/amd64").expect("known"))
}

fn roots(paths: &[&str]) -> Vec<Root> {
    paths.iter().map(|at| Root::new(path(at), format!("file {at}"))).collect()
}

fn kept(closure: &Closure) -> Vec<String> {
    closure.files.keys().map(ToString::to_string).collect()
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn chain(closure: &Closure, at: &str) -> Vec<String> {
    let steps = closure.chain(&path(at)).unwrap_or_default();
    steps.iter().map(|step| format!("{}: {}", step.path, step.reason.why)).collect()
}

fn glibc_files() -> Vec<(&'static str, ElfBuilder)> {
    vec![
        ("/usr/lib64/ld-linux-x86-64.so.2", library("ld-linux-x86-64.so.2")),
        (
            "/usr/lib64/libc.so.6",
            library("libc.so.6")
                .needs("ld-linux-x86-64.so.2")
                .interpreter(GLIBC)
                .defines_version("GLIBC_2.34"),
        ),
    ]
}

#[test]
fn links_loader_and_libraries_are_kept_with_their_reasons() {
    let mut files = glibc_files();
    files.push(("/usr/bin/kmod", program(GLIBC).needs("libz.so.1").needs("libc.so.6")));
    files.push(("/usr/lib64/libz.so.1.3", library("libz.so.1").needs("libc.so.6")));
    files.push(("/usr/bin/other", program(GLIBC)));
    let lines = [
        "/lib64 -> usr/lib64",
        "/sbin -> usr/bin",
        "/usr/bin/modprobe -> /bin/kmod",
        "/bin -> usr/bin",
        "/usr/lib64/libz.so.1 -> libz.so.1.3",
    ];
    let tree = world(&files, &lines);
    let closure = close(&tree, &[Root::new(path("/sbin/modprobe"), "command \"modprobe\"")], &options());
    let want = [
        "/bin",
        "/lib64",
        "/sbin",
        "/usr/bin/kmod",
        "/usr/bin/modprobe",
        "/usr/lib64/ld-linux-x86-64.so.2",
        "/usr/lib64/libc.so.6",
        "/usr/lib64/libz.so.1",
        "/usr/lib64/libz.so.1.3",
    ];
    assert_eq!(kept(&closure), want);
    assert_eq!(told(&closure.problems), Vec::<String>::new());
    assert_eq!(
        chain(&closure, "/usr/lib64/libz.so.1"),
        [
            "/usr/bin/kmod: command \"modprobe\"",
            "/usr/lib64/libz.so.1.3: needs libz.so.1, found in a default directory",
            "/usr/lib64/libz.so.1: is reached through this link",
        ]
    );
    assert_eq!(chain(&closure, "/usr/bin/other"), Vec::<String>::new());
    assert!(!closure.needs_loader_cache());
}

#[test]
fn every_problem_is_told_at_once() {
    let mut files = glibc_files();
    files.extend([
        ("/b/loader", program("/lib64/none.so.2")),
        ("/b/library", program(GLIBC).needs("libnone.so.1").needs("libarm.so.1").needs("libtext.so.1")),
        ("/b/arm", ElfBuilder::program("linux/arm64").interpreter("/lib/ld-linux-aarch64.so.1")),
        (
            "/b/version",
            program(GLIBC)
                .needs("libc.so.6")
                .needs_version("libc.so.6", "GLIBC_2.38", false)
                .needs_version("libc.so.6", "GLIBC_9", true)
                .needs_version("libc.so.6", "GLIBC_2.34", false),
        ),
        ("/b/unloaded", program(GLIBC).needs_version("libm.so.6", "GLIBC_2.2", false)),
        ("/b/mixed", program(MUSL).needs("libg.so.1")),
        ("/b/odd", program("/lib/odd-loader.so.1").needs("libc.so.6")),
        ("/b/link-loader", program("/lib64/gone.so")),
        ("/lib/libg.so.1", library("libg.so.1").needs("libc.so.6")),
        ("/lib/ld-musl-x86_64.so.1", library("libc.musl-x86_64.so.1")),
        ("/usr/lib64/libarm.so.1", ElfBuilder::library("linux/arm64", "libarm.so.1")),
        ("/lib/odd-loader.so.1", library("odd")),
    ]);
    let lines = [
        "/lib64 -> usr/lib64",
        "*/b/script = #!/usr/bin/nothing -x\\n",
        "*/b/env = #!/usr/bin/env frobnicate\\n",
        "*/usr/bin/env = env",
        "*/b/relative = #!perl\\n",
        "/b/circle -> circle",
        "/b/dangling -> /gone/x",
        "/usr/lib64/libtext.so.1 = text of a linker",
        "*/b/damaged = \x7fELF damaged",
        "/usr/lib64/gone.so -> nowhere",
    ];
    let tree = world(&files, &lines);
    let names = [
        "loader",
        "library",
        "arm",
        "version",
        "unloaded",
        "mixed",
        "odd",
        "script",
        "env",
        "relative",
        "circle",
        "dangling",
        "damaged",
        "absent",
        "link-loader",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("/b/{name}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let said = told(&close(&tree, &roots(&paths), &options()).problems);
    for want in [
        "/b/loader wants /lib64/none.so.2, its loader, which no source provides",
        "/b/link-loader wants /lib64/gone.so, its loader, which no source provides",
        "/b/library needs libnone.so.1, which is in none of the directories that its loader searches: /usr/lib64",
        "/b/library needs libarm.so.1; /usr/lib64/libarm.so.1 is made for linux/arm64, not for linux/amd64",
        "/b/library needs libtext.so.1; its loader takes /usr/lib64/libtext.so.1, which is no ELF file",
        "/b/arm is made for linux/arm64, not for linux/amd64",
        "/b/version needs version GLIBC_2.38 of libc.so.6; /usr/lib64/libc.so.6 does not define it",
        "/b/unloaded needs version GLIBC_2.2 of libm.so.6, and nothing loads a library of that name",
        "/b/mixed needs libg.so.1, and its loader takes /lib/libg.so.1, which was linked against glibc; /b/mixed is a musl program",
        "/b/odd needs libraries through the loader /lib/odd-loader.so.1, whose rules are not known; known are glibc and musl",
        "/b/script is run by /usr/bin/nothing, which no source provides",
        "/b/env is run by frobnicate, which no source provides",
        "/b/relative is run by perl, which no source provides",
        "/b/circle leads through a circle of symbolic links",
        "file /b/dangling is /b/dangling, which no source provides: it leads to /gone, which does not exist",
        "file /b/absent is /b/absent, which no source provides",
        "/b/damaged cannot be understood",
    ] {
        assert!(said.iter().any(|said| said.starts_with(want)), "{want}\n{said:#?}");
    }
    assert_eq!(said.len(), 17, "{said:#?}");
}

#[test]
fn scripts_bring_their_interpreters() {
    let mut files = glibc_files();
    files.push(("/usr/bin/python3.11", program(GLIBC).needs("libc.so.6")));
    files.push(("/usr/bin/env", program(GLIBC).needs("libc.so.6")));
    files.push(("/bin/busybox", ElfBuilder::static_program("linux/amd64")));
    let lines = [
        "/lib64 -> usr/lib64",
        "*/usr/bin/tool = #!/usr/bin/env -S python3 -u\\n",
        "/usr/bin/python3 -> python3.11",
        "*/sbin/wrap = #!/sbin/inner\\n",
        "*/sbin/inner = #! /bin/sh -e\\n",
        "/bin/sh -> busybox",
        "/usr/bin/text = #!/bin/none\\n",
    ];
    let tree = world(&files, &lines);
    let closure = close(&tree, &roots(&["/usr/bin/tool", "/sbin/wrap", "/usr/bin/text"]), &options());
    assert_eq!(told(&closure.problems), Vec::<String>::new());
    for want in [
        "/usr/bin/env",
        "/usr/bin/python3",
        "/usr/bin/python3.11",
        "/sbin/inner",
        "/bin/sh",
        "/bin/busybox",
        "/usr/lib64/libc.so.6",
    ] {
        assert!(closure.files.contains_key(&path(want)), "{want}");
    }
    assert_eq!(
        chain(&closure, "/bin/busybox"),
        [
            "/sbin/wrap: file /sbin/wrap",
            "/sbin/inner: is a script of /sbin/inner",
            "/bin/busybox: is a script of /bin/sh",
        ]
    );
}

#[test]
fn notes_are_followed_as_far_as_wanted() {
    let note = |name: &str, priority: &str| {
        format!(r#"[{{"soname":["{name}.so.9","{name}.so.1"],"feature":"{name}","priority":"{priority}"}}]"#)
    };
    let mut files = glibc_files();
    files.push((
        "/b/p",
        program(GLIBC)
            .needs("libc.so.6")
            .imports("dlopen")
            .dlopen_note(&note("libreq", "required"))
            .dlopen_note(&note("librec", "recommended"))
            .dlopen_note(&note("libsug", "suggested")),
    ));
    files.push(("/usr/lib64/libreq.so.1", library("libreq.so.1").needs("libdeep.so.1")));
    files.push(("/usr/lib64/libdeep.so.1", library("libdeep.so.1")));
    files.push(("/usr/lib64/libsug.so.9", library("libsug.so.9")));
    let tree = world(&files, &["/lib64 -> usr/lib64"]);
    for (least, kept, absent) in [
        (None, &[][..], 0),
        (Some(Priority::Required), &["libreq.so.1", "libdeep.so.1"], 0),
        (Some(Priority::Recommended), &["libreq.so.1", "libdeep.so.1"], 1),
        (Some(Priority::Suggested), &["libreq.so.1", "libdeep.so.1", "libsug.so.9"], 1),
    ] {
        let closure = close(&tree, &roots(&["/b/p"]), &Options { dlopen: least, ..options() });
        for name in ["libreq.so.1", "libdeep.so.1", "libsug.so.9"] {
            let is = closure.files.contains_key(&path(&format!("/usr/lib64/{name}")));
            assert_eq!(is, kept.contains(&name), "{least:?} {name}");
        }
        assert_eq!((closure.absent.len(), closure.problems.len()), (absent, 0), "{least:?}");
        assert_eq!(closure.unexplained, []);
    }
    let without = world(
        &files.iter().filter(|file| !file.0.contains("libreq")).cloned().collect::<Vec<_>>(),
        &["/lib64 -> usr/lib64"],
    );
    let said = told(&close(&without, &roots(&["/b/p"]), &options()).problems);
    assert_eq!(
        said,
        [
            "/b/p loads one of libreq.so.9, libreq.so.1 for libreq (.note.dlopen, required), which no source provides"
        ]
    );
}

#[test]
fn worlds_live_side_by_side() {
    let mut files = glibc_files();
    files.extend([
        ("/lib/ld-musl-x86_64.so.1", library("libc.musl-x86_64.so.1")),
        ("/usr/bin/m", program(MUSL).needs("libxtables.so.12").needs("libc.musl-x86_64.so.1")),
        (
            "/usr/lib/libxtables.so.12",
            library("libxtables.so.12").needs("libc.musl-x86_64.so.1").imports("dlopen"),
        ),
        (
            "/usr/lib/xtables/libxt_a.so",
            library("libxt_a.so").needs("libxtables.so.12").needs("libc.musl-x86_64.so.1"),
        ),
        ("/usr/lib64/xtables/libxt_g.so", ElfBuilder::program("linux/amd64").needs("libc.so.6")),
        ("/usr/lib64/xtables/libxt_arm.so", ElfBuilder::program("linux/arm64").needs("libc.so.6")),
    ]);
    let tree = world(&files, &["/lib64 -> usr/lib64", "/etc/ld-musl-x86_64.path = /lib:/usr/lib\\n"]);
    let rules = RulePacks::embedded().choose(&["xtables"]).expect("known");
    let closure = close(&tree, &roots(&["/usr/bin/m"]), &Options { rules, ..options() });
    let want = [
        "/etc/ld-musl-x86_64.path",
        "/lib/ld-musl-x86_64.so.1",
        "/usr/bin/m",
        "/usr/lib/libxtables.so.12",
        "/usr/lib/xtables/libxt_a.so",
    ];
    assert_eq!(kept(&closure), want);
    assert_eq!(told(&closure.problems), Vec::<String>::new());
    assert_eq!(closure.unexplained, []);
    let bare = close(&tree, &roots(&["/usr/bin/m"]), &options());
    let packs = ["xtables", "xtables-kubernetes"].map(str::to_owned).to_vec();
    assert_eq!(bare.unexplained, [UnexplainedDlopen { path: path("/usr/lib/libxtables.so.12"), packs }]);
}

#[test]
fn a_library_alone_finds_its_own_world() {
    let mut files = glibc_files();
    files.push(("/usr/lib64/plugin.so", ElfBuilder::program("linux/amd64").needs("libc.so.6")));
    files.push(("/lib/ld-musl-x86_64.so.1", library("libc.musl-x86_64.so.1")));
    files.push(("/usr/lib/mplugin.so", ElfBuilder::program("linux/amd64").needs("libc.musl-x86_64.so.1")));
    files.push(("/usr/lib/free.so", library("free.so")));
    files.push(("/usr/bin/k", program("/lib/klibc-x.so").kind(2)));
    files.push(("/lib/klibc-x.so", ElfBuilder::static_program("linux/amd64")));
    let tree = world(&files, &["/lib64 -> usr/lib64"]);
    for (root, want) in [
        (
            "/usr/lib64/plugin.so",
            &["/lib64", "/usr/lib64/ld-linux-x86-64.so.2", "/usr/lib64/libc.so.6", "/usr/lib64/plugin.so"][..],
        ),
        ("/usr/lib/mplugin.so", &["/lib/ld-musl-x86_64.so.1", "/usr/lib/mplugin.so"]),
        ("/usr/lib/free.so", &["/usr/lib/free.so"]),
        // A library with a loader of its own, as libc.so.6 has it.
        ("/usr/lib64/libc.so.6", &["/lib64", "/usr/lib64/ld-linux-x86-64.so.2", "/usr/lib64/libc.so.6"]),
        // A program of klibc: its loader is all that it needs.
        ("/usr/bin/k", &["/lib/klibc-x.so", "/usr/bin/k"]),
    ] {
        let closure = close(&tree, &roots(&[root]), &options());
        assert_eq!(kept(&closure), want, "{root}");
        assert_eq!(told(&closure.problems), Vec::<String>::new());
    }
}

#[test]
fn a_cache_is_written_where_one_is_needed() {
    let mut files = glibc_files();
    files.push(("/b/p", program(GLIBC).needs("libo.so.1").needs("libc.so.6")));
    files.push(("/opt/lib/libo.so.1.5", library("libo.so.1")));
    files.push(("/opt/lib/libunused.so.1", library("libunused.so.1")));
    let lines = ["/lib64 -> usr/lib64", "/opt/lib/libo.so.1 -> libo.so.1.5", "/etc/ld.so.conf = /opt/lib\\n"];
    let tree = world(&files, &lines);
    let closure = close(&tree, &roots(&["/b/p"]), &options());
    assert!(closure.needs_loader_cache());
    let cache = crate::LoaderCache::read(closure.loader_cache().expect("needed"), crate::Endianness::Little)
        .expect("ours");
    let entries: Vec<String> = cache
        .entries
        .iter()
        .map(|entry| format!("{:#x} {} {}", entry.flags, entry.name, entry.path))
        .collect();
    assert_eq!(entries, ["0x303 libo.so.1 /opt/lib/libo.so.1"]);
    // With the cache in place of the configuration, the same files are found.
    let mut image = world(&files, &lines[..2]);
    add_bytes(&mut image, "/etc/ld.so.cache", closure.loader_cache().expect("needed").to_vec());
    let again = close(&image, &roots(&["/b/p"]), &options());
    assert_eq!(kept(&again), kept(&closure));
    assert_eq!(again.loader_cache(), closure.loader_cache());
}

#[test]
fn variants_are_kept_on_request() {
    let mut files = glibc_files();
    files.push(("/b/p", program(GLIBC).needs("libo.so.1").needs("libc.so.6")));
    files.push(("/usr/lib64/libo.so.1", library("libo.so.1")));
    files.push(("/usr/lib64/glibc-hwcaps/x86-64-v3/libo.so.1", library("libo.so.1").needs("libv.so.1")));
    files.push(("/usr/lib64/libv.so.1", library("libv.so.1")));
    let tree = world(&files, &["/lib64 -> usr/lib64"]);
    for (hwcaps, more) in [(Hwcaps::Baseline, false), (Hwcaps::KeepVariants, true)] {
        let closure = close(&tree, &roots(&["/b/p"]), &Options { hwcaps, ..options() });
        for at in ["/usr/lib64/glibc-hwcaps/x86-64-v3/libo.so.1", "/usr/lib64/libv.so.1"] {
            assert_eq!(closure.files.contains_key(&path(at)), more, "{at}");
        }
    }
}

#[test]
fn a_musl_library_alone_misses_its_loader() {
    let plugin = ElfBuilder::program("linux/amd64").needs("libc.musl-x86_64.so.1");
    let tree = world(&[("/usr/lib/mplugin.so", plugin)], &[]);
    let said = told(&close(&tree, &roots(&["/usr/lib/mplugin.so"]), &options()).problems);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("/usr/lib/mplugin.so needs libc.musl-x86_64.so.1, which is in none"),
        "{said:?}"
    );
}

#[test]
fn a_deep_tree_has_room() {
    let deep = "/d".repeat(2000);
    let link = format!("/l -> {deep}");
    let tree = world(&[], &[&format!("{deep}/f"), &link]);
    let closure = close(&tree, &roots(&["/l/f", &format!("{deep}/f")]), &options());
    assert_eq!((closure.files.len(), told(&closure.problems)), (2, Vec::new()));
}

#[test]
fn optional_roots_may_be_missing() {
    let tree = world(&[], &["/a"]);
    let missing = Root { optional: true, ..Root::new(path("/none"), "file /none") };
    let closure = close(&tree, &[missing, Root::new(path("/a"), "file /a")], &options());
    assert_eq!((kept(&closure), told(&closure.problems)), (vec!["/a".to_owned()], Vec::new()));
}

#[test]
fn the_order_of_roots_and_threads_does_not_matter() {
    let mut files = glibc_files();
    let names: Vec<String> = (0..40).map(|number| format!("/b/p{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let name: &'static str = Box::leak(name.clone().into_boxed_str());
        files.push((
            name,
            program(GLIBC).needs("libc.so.6").needs(&format!("lib{}.so", number % 7)).rpath("/o"),
        ));
    }
    for number in 0..7 {
        let at: &'static str = Box::leak(format!("/o/lib{number}.so").into_boxed_str());
        files.push((at, library(&format!("lib{number}.so")).needs(&format!("lib{}.so", (number + 1) % 7))));
    }
    let tree = world(&files, &["/lib64 -> usr/lib64"]);
    let mut all = roots(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let first = format!("{:?}", close(&tree, &all, &options()));
    for turn in [3, 11, 29] {
        all.rotate_left(turn);
        assert_eq!(format!("{:?}", close(&tree, &all, &options())), first);
    }
}

#[test]
fn what_is_not_kept_says_who_would_need_it() {
    let mut files = glibc_files();
    files.push(("/b/p", program(GLIBC).needs("libo.so.1").needs("libc.so.6")));
    files.push(("/b/q", program(GLIBC).needs("libc.so.6")));
    files.push(("/usr/lib64/libo.so.1.5", library("libo.so.1")));
    let tree =
        world(&files, &["/lib64 -> usr/lib64", "/usr/lib64/libo.so.1 -> libo.so.1.5", "*/b/s = #!/b/p\\n"]);
    let loader = Loader::new(&tree, Hwcaps::Baseline);
    let candidates: Vec<TreePath> = ["/b/p", "/b/q", "/b/s"].iter().map(|at| path(at)).collect();
    for wanted in ["/usr/lib64/libo.so.1", "/usr/lib64/libo.so.1.5"] {
        let found = who_would_need(&loader, &path(wanted), &candidates, &options());
        let found: Vec<(String, usize)> =
            found.iter().map(|need| (need.candidate.to_string(), need.chain.len())).collect();
        let more = usize::from(wanted.ends_with(".1"));
        assert_eq!(found, [("/b/p".to_owned(), 2 + more), ("/b/s".to_owned(), 3 + more)], "{wanted}");
    }
}
