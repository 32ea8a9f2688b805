//! Packages that share paths, packages that are not the ones of the lock, and what is told of them.

mod debian;

use ocelet_package::apk::{self, Identity};
use ocelet_testkit::apk::{BuiltPackage, Entry, PackageBuilder};

use super::*;
use crate::unpack::packaged::{ApkInstalled, Installed};
use crate::unpack::testing::{Bench, check};

const SOURCE: &str = "[source.alpine]\napk = '/m'\nkeys = 'alpine'\n";

fn named(name: &str) -> PackageBuilder {
    PackageBuilder::new(name, "1", "x86_64")
}

/// `PackageBuilder` without `origin`, which is the name otherwise.
fn from(name: &str, origin: &str) -> PackageBuilder {
    named(name).replace("origin", origin)
}

fn identity(built: &BuiltPackage) -> String {
    built.record.lines().next().and_then(|line| line.strip_prefix("C:")).expect("it comes first").to_owned()
}

fn bench(packages: &[(&str, PackageBuilder)]) -> Bench {
    let mut bench = Bench::new(SOURCE);
    for (name, builder) in packages {
        let built = builder.build(&[]);
        bench.package("alpine", name, "1", &identity(&built), &built.file);
    }
    bench
}

fn apk_record(packaged: &Packaged) -> &ApkInstalled {
    match packaged.installed.as_deref() {
        Some(Installed::Apk(installed)) => installed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_path_in_two_packages() {
    let file = |builder: PackageBuilder, content: &str| builder.file("f", 0o644, content.as_bytes());
    let replaces = |name, term: &str, content| file(named(name).field("replaces", term), content);
    let weighed = |name, term: &str, weight: &str, content| {
        file(named(name).field("replaces", term).field("replaces_priority", weight), content)
    };
    let (a, b) = (|| file(named("a"), "A"), || file(named("b"), "B"));
    let (of_a, of_b) = (Ok("/f A 644 0:0 alpine/a-1"), Ok("/f B 644 0:0 alpine/b-1"));
    let clash =
        Err("/f is in alpine/a-1 and in alpine/b-1 (other bytes), and neither replaces the other [1]");
    for (what, one, other, want) in [
        ("strangers", a(), b(), clash),
        ("the later replaces", a(), replaces("b", "a", "B"), of_b),
        ("the earlier replaces", replaces("a", "b", "A"), b(), of_a),
        ("both, alike", replaces("a", "b", "A"), replaces("b", "a", "B"), of_b),
        ("both, the earlier more", weighed("a", "b", "2", "A"), weighed("b", "a", "1", "B"), of_a),
        ("both, the later more", weighed("a", "b", "1", "A"), weighed("b", "a", "2", "B"), of_b),
        (
            "a weight without replaces",
            file(named("a").field("replaces_priority", "9"), "A"),
            replaces("b", "a", "B"),
            of_b,
        ),
        ("a version that fits", a(), replaces("b", "a<2", "B"), of_b),
        ("a version that does not", a(), replaces("b", "a>1", "B"), clash),
        ("one of several terms", a(), replaces("b", "x a>1 a=1", "B"), of_b),
        ("what it provides is not it", file(named("a").provide("x=1"), "A"), replaces("b", "x", "B"), clash),
        ("a term that is none", a(), replaces("b", "a>", "B"), clash),
        ("a conflict is no replacement", a(), replaces("b", "!a", "B"), clash),
        ("one source package", file(from("a", "o"), "A"), file(from("b", "o"), "B"), of_b),
        (
            "one source package, in order",
            file(from("a", "o").depend("b"), "A"),
            file(from("b", "o"), "B"),
            of_a,
        ),
        ("no source package is not the same", file(from("a", ""), "A"), file(from("b", ""), "B"), clash),
        ("the same bytes", a(), file(named("b"), "A"), of_a),
        (
            "the same bytes, another mode",
            a(),
            named("b").file("f", 0o755, b"A"),
            Err("(another mode or owner)"),
        ),
        ("a link and a file", named("a").symlink("f", "x"), b(), Err("(a file and a link)")),
        ("two links", named("a").symlink("f", "x"), named("b").symlink("f", "y"), Err("(another target)")),
        (
            "one link",
            named("a").symlink("f", "x"),
            named("b").symlink("f", "x"),
            Ok("/f -> x 777 0:0 alpine/a-1"),
        ),
        (
            "a file and a directory",
            a(),
            named("b").directory("f"),
            Err("/f is a file in alpine/a-1 and a directory"),
        ),
    ] {
        let bench = bench(&[("a", one), ("b", other)]);
        check(what, &bench.said(), &want.as_ref().map(std::slice::from_ref).map_err(|error| *error));
    }
}

#[test]
fn a_replaced_checksum_is_that_of_one_package() {
    let a = named("a").file("f", 0o644, b"A");
    let its = identity(&a.build(&[]));
    for (term, want) in [
        (format!("a><{its}"), Ok(&["/f B 644 0:0 alpine/b-1"][..])),
        (format!("a><{}", Identity::sha1_of(b"another")), Err("neither replaces the other")),
    ] {
        let b = named("b").field("replaces", &term).file("f", 0o644, b"B");
        check(&term, &bench(&[("a", a.clone()), ("b", b)]).said(), &want);
    }
}

#[test]
fn directories_that_packages_see_differently() {
    let directory = |name, mode, owner| named(name).entry(Entry { owner, ..Entry::directory("d", mode) });
    let third = |builder: PackageBuilder| builder.file("d/x", 0o644, b"x");
    for (what, packages, want) in [
        ("modes", [directory("a", 0o755, (0, 0)), directory("b", 0o770, (0, 0))], "/d/ 750 0:0"),
        ("users", [directory("a", 0o755, (9, 0)), directory("b", 0o700, (3, 8))], "/d/ 700 3:8"),
        ("groups", [directory("a", 0o2755, (3, 7)), directory("b", 0o700, (3, 8))], "/d/ 2755 3:7"),
        ("sticky", [directory("a", 0o1777, (0, 0)), directory("b", 0o755, (0, 0))], "/d/ 755 0:0"),
        ("nobody declares", [directory("a", 0o1777, (0, 0)), third(named("b"))], "/d/ 1777 0:0"),
    ] {
        let [a, b] = packages;
        for packages in [[("a", a.clone()), ("b", b.clone())], [("b", b), ("a", a)]] {
            let said = bench(&packages).said().expect(what);
            assert!(said[0].starts_with(want), "{what}: {said:?}");
        }
    }
}

#[test]
fn what_the_database_will_say() {
    let mut bench = bench(&[
        (
            "a",
            PackageBuilder::new("a", "1", "noarch")
                .field("triggers", "/bin /lib/*")
                .script("trigger", "#!/bin/sh\n")
                .entry(Entry::directory("d", 0o700))
                .file("d/lost", 0o4755, b"A")
                .file("d/kept", 0o4711, b"K")
                .entry(Entry::hard_link("d/twin", "d/kept"))
                .entry(Entry { flag: b'3', ..Entry::file("d/null", 0o666, b"") }),
        ),
        ("b", named("b").field("replaces", "a").directory("d").file("d/lost", 0o644, b"B")),
    ]);
    let want = [
        "/d/ 700 0:0 alpine/a-1",
        "/d/kept K 4711 0:0 alpine/a-1",
        "/d/lost B 644 0:0 alpine/b-1",
        "/d/twin == /d/kept 4711 0:0 alpine/a-1",
    ];
    assert_eq!(bench.said().expect("they fit"), want);
    let blobs = bench.blobs();
    assert_eq!(blobs, 4, "two packages and what they inflate to");
    for jobs in [1, 3] {
        bench.jobs = jobs;
        assert_eq!(bench.said().expect("they fit"), want);
        assert_eq!(bench.blobs(), blobs);
    }
    let warned = "package alpine/a-1 has 1 devices, pipes or sockets that no image can hold, /d/null among them; they are left out";
    assert_eq!(bench.warnings(), [warned; 3]);

    let unpacked = bench.unpack().expect("they fit");
    let a = &unpacked.packages[&Owner::new("alpine/a-1")];
    let installed = apk_record(a);
    assert_eq!((a.source.as_str(), a.name.as_str(), a.version.as_str()), ("alpine", "a", "1"));
    assert_eq!((a.license.as_str(), a.location.as_str()), ("MIT", "https://example.org/first"));
    assert_eq!((a.sha256, a.size), (bench.lock.packages[0].file.sha256, bench.lock.packages[0].file.size));
    assert_eq!(installed.package.record.architecture.as_deref(), Some("x86_64"), "that of the repository");
    assert_eq!(installed.package.record.size, a.size);
    assert_eq!(installed.triggers, ["/bin", "/lib/*"]);
    assert_eq!(installed.scripts.len(), 1);
    let [directory] = installed.package.directories.as_slice() else { panic!("one directory") };
    assert_eq!(directory.access.mode, 0o700, "as the package has it");
    let files: Vec<String> = installed.package.files().map(|path| path.to_string()).collect();
    assert_eq!(files, ["/d/kept", "/d/twin"], "what b has is b's");
    assert!(directory.files.iter().all(|file| file.identity == Some(Identity::sha1_of(b"K"))));
}

#[test]
fn packages_that_are_not_those_of_the_lock() {
    let good = named("a").file("f", 0o644, b"A").build(&[]);
    let its = identity(&good);
    let other = identity(&named("b").build(&[]));
    let flipped = {
        let mut file = good.file.clone();
        let middle = usize::midpoint(good.ends[1], good.ends[2]);
        file[middle] ^= 1;
        file
    };
    let bad_checksum = named("a").entry(Entry {
        records: vec![("APK-TOOLS.checksum.SHA1".to_owned(), "00".repeat(20))],
        ..Entry::file("f", 0o644, b"A")
    });
    let bad_checksum = bad_checksum.build(&[]);
    for (what, name, version, identity_text, file, want) in [
        (
            "another name",
            "b",
            "1",
            &its,
            &good.file,
            "b-1: its file says that it is a-1; run `ocelet lock` again [3]",
        ),
        ("another version", "a", "2", &its, &good.file, "a-2: its file says that it is a-1"),
        ("another build", "a", "1", &other, &good.file, "but the index lists Q1"),
        ("no identity", "a", "1", &"Q1".to_owned(), &good.file, "the lock has a wrong identity"),
        (
            "no package",
            "a",
            "1",
            &its,
            &b"nonsense".to_vec(),
            "wanted a gzip member at byte 0, got bytes nons",
        ),
        ("version three", "a", "1", &its, &b"ADB.pckg".to_vec(), "an apk of format version 3"),
        ("changed data", "a", "1", &its, &flipped, "a-1: the data member of a-1.apk"),
        ("cut", "a", "1", &its, &good.file[..good.ends[1]].to_vec(), "without its data member"),
        (
            "a wrong checksum",
            "a",
            "1",
            &identity(&bad_checksum),
            &bad_checksum.file,
            "/f in a-1.apk has the checksum",
        ),
    ] {
        let mut bench = Bench::new(SOURCE);
        bench.package("alpine", name, version, identity_text, file);
        // A second time, when the store may have something of it.
        for _ in 0..2 {
            check(what, &bench.said(), &Err(want));
            assert!(bench.said().expect_err(what).ends_with("[3]"));
        }
    }
    let mut bench = Bench::new(SOURCE);
    bench.package("alpine", "a", "1", &its, &good.file);
    bench.package("alpine", "a", "1", &its, &good.file);
    bench.package("alpine", "b", "1", &its, &good.file);
    check(
        "all problems",
        &bench.said(),
        &Err("2 packages of source alpine cannot be unpacked:\n  a-1: the lock has it twice"),
    );
    bench.lock.packages.truncate(1);
    bench.lock.packages[0].file.sha256 = ocelet_oci::Digest::of(b"elsewhere");
    check("not brought home", &bench.said(), &Err("is not there; run again without --offline"));
    assert!(bench.said().expect_err("not there").ends_with("[4]"));
    bench.lock.packages.clear();
    assert_eq!(bench.said(), Ok(Vec::new()), "nothing is wanted of it");
    bench.lock.asked.clear();
    check("not asked", &bench.said(), &Err("source alpine needs a lock; run `ocelet lock` [1]"));
}

#[test]
fn a_database_of_links_follows_the_files() {
    // A link of one package where another has a directory: the merged /usr.
    let bench = bench(&[
        ("a", named("a").directory("usr").directory("usr/lib").symlink("lib", "usr/lib")),
        ("b", named("b").directory("lib").file("lib/x", 0o755, b"X")),
    ]);
    let said = bench.said().expect("the link leads to a directory");
    assert_eq!(said.last().map(String::as_str), Some("/usr/lib/x X 755 0:0 alpine/b-1"));
    let unpacked = bench.unpack().expect("they fit");
    let installed = apk_record(&unpacked.packages[&Owner::new("alpine/b-1")]);
    let files: Vec<String> = installed.package.files().map(|path| path.to_string()).collect();
    assert_eq!(files, ["/lib/x"], "apk writes the names of the package");
    assert!(matches!(installed.package.record, apk::Record { build_time: 1_700_000_000, .. }));
}
