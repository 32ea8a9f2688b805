//! Debian packages that share paths, diversions, alternatives, and packages that are not the ones of the lock.

use ocelet_testkit::deb::DebBuilder;

use super::*;
use crate::unpack::Unpacked;
use crate::unpack::testing::{Bench, check};

const SOURCE: &str = "[source.debian]\ndeb = ['/m bookworm main']\nkeys = ['k.gpg']\n";

fn named(name: &str) -> DebBuilder {
    DebBuilder::new(name, "1", "amd64")
}

fn bench_of(source: &str, packages: &[(&str, DebBuilder)]) -> Bench {
    let mut bench = Bench::new(source);
    for (name, builder) in packages {
        bench.package("debian", name, "1", "amd64", &builder.build().file);
    }
    bench
}

fn postinst(builder: DebBuilder, line: &str) -> DebBuilder {
    let script = format!("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n{line}\nfi\n");
    builder.control_file("postinst", script.as_bytes())
}

/// update-alternatives(1) for `/bin/e`, by the name of the program.
fn offer(name: &str, priority: i32) -> DebBuilder {
    let line = format!(
        "update-alternatives --install /bin/e e /bin/{name} {priority} --slave /man/e e.1 /man/{name}"
    );
    let builder = postinst(named(name), &line).directory("bin").directory("man");
    builder.file(&format!("bin/{name}"), 0o755, name.as_bytes()).file(&format!("man/{name}"), 0o644, b"m")
}

#[test]
fn one_path_in_two_packages() {
    let file = |builder: DebBuilder, content: &str| builder.file("f", 0o644, content.as_bytes());
    let replaces = |name, term: &str, content| file(named(name).field("Replaces", term), content);
    let (a, b) = (|| file(named("a"), "A"), || file(named("b"), "B"));
    let (of_a, of_b) = (Ok("/f A 644 0:0 debian/a-1"), Ok("/f B 644 0:0 debian/b-1"));
    let clash =
        Err("/f is in debian/a-1 and in debian/b-1 (other bytes), and neither replaces the other [1]");
    for (what, one, other, want) in [
        ("strangers", a(), b(), clash),
        ("the later replaces", a(), replaces("b", "a", "B"), of_b),
        ("the earlier replaces", replaces("a", "b", "A"), b(), of_a),
        ("both: the later", replaces("a", "b", "A"), replaces("b", "a", "B"), of_b),
        (
            "both, in the order of installation",
            replaces("a", "b", "A").depends("b"),
            replaces("b", "a", "B"),
            of_a,
        ),
        (
            "a dependency in circles begins at the first name",
            replaces("a", "b", "A").depends("b"),
            replaces("b", "a", "B").field("Pre-Depends", "a"),
            of_a,
        ),
        ("a version that fits", a(), replaces("b", "a (<< 2)", "B"), of_b),
        ("a version that does not", a(), replaces("b", "a (>> 1)", "B"), clash),
        ("one of several", a(), replaces("b", "x, a (= 1)", "B"), of_b),
        (
            "what it provides is not it",
            file(named("a").field("Provides", "x"), "A"),
            replaces("b", "x", "B"),
            clash,
        ),
        ("breaks alone", a(), file(named("b").field("Breaks", "a"), "B"), clash),
        ("the same bytes, beyond dpkg", a(), file(named("b"), "A"), of_a),
        (
            "the same bytes, another mode",
            a(),
            named("b").file("f", 0o755, b"A"),
            Err("(another mode or owner)"),
        ),
        ("a link and a file", named("a").symlink("f", "x"), b(), Err("(a file and a link)")),
    ] {
        for packages in [[("a", one.clone()), ("b", other.clone())], [("b", other), ("a", one)]] {
            let said = bench_of(SOURCE, &packages).said();
            check(what, &said, &want.as_ref().map(std::slice::from_ref).map_err(|error| *error));
        }
    }
}

#[test]
fn directories_are_those_of_the_package_that_comes_first() {
    let directory = |name, mode| {
        let entry = ocelet_testkit::apk::Entry::directory("./d/", mode);
        named(name).entry(entry)
    };
    let (a, b) = (directory("a", 0o755), directory("b", 0o700));
    check(
        "by name",
        &bench_of(SOURCE, &[("b", b.clone()), ("a", a.clone())]).said(),
        &Ok(&["/d/ 755 0:0 debian/a-1"]),
    );
    let said = bench_of(SOURCE, &[("b", b), ("a", a.depends("b"))]).said().expect("they fit");
    assert!(said[0].starts_with("/d/ 700 0:0"), "{said:?}");
}

/// base-files of Debian 13 has the links of the merged /usr, and other packages may still say `/lib`.
#[test]
fn files_go_where_the_links_of_the_merged_usr_lead() {
    let base = named("base-files").directory("usr").directory("usr/lib").symlink("lib", "usr/lib");
    let libc = named("libc6").directory("lib").file("lib/libc.so.6", 0o755, b"C");
    let bench = bench_of(SOURCE, &[("base-files", base), ("libc6", libc)]);
    let said = bench.said().expect("the link leads to a directory");
    assert_eq!(said.last().map(String::as_str), Some("/usr/lib/libc.so.6 C 755 0:0 debian/libc6-1"));
}

#[test]
fn diverted_files_move_out_of_the_way() {
    let preinst =
        |text: &str| named("mine").control_file("preinst", format!("#!/bin/sh\n{text}\n").as_bytes());
    let theirs = || named("theirs").directory("bin").file("bin/x", 0o755, b"T");
    let mine = |text| preinst(text).directory("bin").file("bin/x", 0o755, b"M");
    let both: &[&str] = &["/bin/x M 755 0:0 debian/mine-1", "/bin/x.distrib T 755 0:0 debian/theirs-1"];
    let clash = Err("/bin/x is in debian/mine-1 and in debian/theirs-1 (other bytes)");
    for (what, script, want) in [
        ("diverted", "dpkg-divert --package mine --add --rename /bin/x", Ok(both)),
        (
            "with a place",
            "dpkg-divert --package mine --add --rename --divert /bin/x.distrib /bin/x",
            Ok(both),
        ),
        ("by nobody", "true", clash),
        ("of another", "dpkg-divert --package mine --add --rename /bin/y", clash),
    ] {
        let bench = bench_of(SOURCE, &[("mine", mine(script)), ("theirs", theirs())]);
        let said = bench.said().map(|lines| lines.into_iter().filter(|line| !line.contains("/ ")).collect());
        check(what, &said, &want);
        let Ok(unpacked) = bench.unpack() else { continue };
        let Some(Installed::Deb(installed)) =
            unpacked.packages[&Owner::new("debian/theirs-1")].installed.as_deref()
        else {
            panic!("a Debian package")
        };
        let sums: Vec<String> = installed.package.md5sums.keys().map(ToString::to_string).collect();
        assert_eq!(sums, ["/bin/x.distrib"], "{what}: the record has it where it is");
    }
}

/// The links of a tree, each with who has it.
fn links(unpacked: &Unpacked) -> Vec<String> {
    let shown = crate::unpack::testing::shown(&unpacked.top);
    shown.into_iter().filter(|line| line.contains(" -> ")).map(|line| line.replace(" 777 0:0", "")).collect()
}

#[test]
fn alternatives_become_links() {
    let both = || vec![("low", offer("low", 10)), ("top", offer("top", 20))];
    let to = |name: &str| {
        vec![
            format!("/bin/e -> /etc/alternatives/e debian/{name}-1"),
            format!("/etc/alternatives/e -> /bin/{name} debian/{name}-1"),
            format!("/etc/alternatives/e.1 -> /man/{name} debian/{name}-1"),
            format!("/man/e -> /etc/alternatives/e.1 debian/{name}-1"),
        ]
    };
    let choose = |text: &str| format!("{SOURCE}alternatives = {{ {text} }}\n");
    for (what, source, packages, want) in [
        ("the highest priority", SOURCE.to_owned(), both(), to("top")),
        ("the recipe's choice", choose("e = '/bin/low'"), both(), to("low")),
        (
            "of two alike the one that is installed first",
            SOURCE.to_owned(),
            vec![("b", offer("b", 5)), ("a", offer("a", 5).depends("b"))],
            to("b"),
        ),
        (
            "without the program there is none",
            SOURCE.to_owned(),
            vec![("low", postinst(named("low"), "update-alternatives --install /bin/e e /bin/low 1"))],
            vec![],
        ),
        (
            "a file of a package stays",
            SOURCE.to_owned(),
            vec![("low", offer("low", 1)), ("z", named("z").directory("bin").file("bin/e", 0o755, b"Z"))],
            to("low").into_iter().filter(|line| !line.starts_with("/bin/e ")).collect(),
        ),
        (
            "a link of a package gives way",
            SOURCE.to_owned(),
            vec![("low", offer("low", 1)), ("z", named("z").directory("bin").symlink("bin/e", "old"))],
            to("low"),
        ),
    ] {
        let unpacked = bench_of(&source, &packages).unpack().expect(what);
        assert_eq!(links(&unpacked), want, "{what}");
        for package in unpacked.packages.values() {
            let Some(Installed::Deb(deb)) = package.installed.as_deref() else { panic!("{what}") };
            assert!(
                !deb.package.files.iter().any(|path| path.to_string().contains("alternatives")),
                "{what}"
            );
        }
    }
    let unpacked = bench_of(SOURCE, &both()).unpack().expect("they fit");
    let why = &unpacked.declared[&ocelet_tree::TreePath::new("/bin/e").expect("a path")];
    assert!(why.contains("/bin/top, which debian/top-1 offers: it has the highest priority, 20"), "{why}");
}

#[test]
fn alternatives_that_nobody_offers_are_named() {
    let choose = |text: &str| format!("{SOURCE}alternatives = {{ {text} }}\n");
    for (what, source, want) in [
        (
            "another program",
            choose("e = '/bin/other'"),
            "e is wanted as /bin/other, which no package offers; offered are /bin/low",
        ),
        (
            "another name",
            choose("f = '/bin/low'"),
            "f is wanted as /bin/low, which no package offers; offered are none",
        ),
    ] {
        let error = bench_of(&source, &[("low", offer("low", 10))]).unpack().expect_err(what);
        let said = crate::error::sentence(&error);
        assert!(said.contains(want), "{what}: {said}");
        assert_eq!(error.hints(), ["the packages of source debian offer alternatives for e"]);
        assert_eq!(error.class() as u8, 1, "{what}");
    }
}

#[test]
fn packages_that_are_not_those_of_the_lock() {
    let good = named("a").file("f", 0o644, b"A").build().file;
    let wrong_sum = named("a").file("f", 0o644, b"A");
    let wrong_sum = wrong_sum.entry(ocelet_testkit::apk::Entry::file("./g", 0o644, b"G"));
    let wrong_sum = wrong_sum.control_file("unused", b"").without_sums().control_entry(
        ocelet_testkit::apk::Entry::file("./md5sums", 0o644, format!("{}  f\n", "0".repeat(32)).as_bytes()),
    );
    for (what, name, version, identity, file, want) in [
        (
            "another name",
            "b",
            "1",
            "amd64",
            good.clone(),
            "b-1: its file says that it is a-1 for amd64; run `ocelet lock` again [3]",
        ),
        ("another version", "a", "2", "amd64", good.clone(), "its file says that it is a-1 for amd64"),
        ("another architecture", "a", "1", "arm64", good.clone(), "its file says that it is a-1 for amd64"),
        ("no package", "a", "1", "amd64", b"nonsense".to_vec(), "a-1.deb is no package"),
        ("a wrong checksum", "a", "1", "amd64", wrong_sum.build().file, "/f in a-1.deb has md5"),
    ] {
        let mut bench = Bench::new(SOURCE);
        bench.package("debian", name, version, identity, &file);
        for _ in 0..2 {
            check(what, &bench.said(), &Err(want));
            assert!(bench.said().expect_err(what).ends_with("[3]"), "{what}");
        }
    }
    let mut bench = bench_of(SOURCE, &[("a", named("a").file("f", 0o644, b"A"))]);
    check("good", &bench.said(), &Ok(&["/f A 644 0:0 debian/a-1"]));
    assert_eq!(bench.blobs(), 2, "the package and what it unpacks to");
    bench.lock.packages[0].file.sha256 = ocelet_oci::Digest::of(b"elsewhere");
    check("not brought home", &bench.said(), &Err("is not there; run again without --offline"));
}
