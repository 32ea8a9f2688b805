//! What paragraphs say of packages, and which of them are refused.

use super::*;
use crate::deb::paragraph::Comments;

const FULL: &str = "\
Package: libc6
Source: glibc (2.36-9+deb12u3)
Version: 2.36-9+deb12u4
Architecture: amd64
Multi-Arch: same
Essential: yes
Protected: no
Priority: optional
Section: libs
Maintainer: Someone <a@example.org>
Homepage: https://example.org/
Installed-Size: 12985
Pre-Depends: p
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~)
Recommends: r
Suggests: s
Enhances: e
Breaks: b (<< 1)
Conflicts: c
Replaces: x
Provides: y (= 1)
Description: GNU C Library: Shared libraries
 Contains the standard libraries.
 .
 More.
Filename: pool/main/g/glibc/libc6_2.36-9+deb12u4_amd64.deb
Size: 2756304
SHA256: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
X-Unknown: kept aside
";

fn read(text: &str) -> Result<Package<'_>, PackageError> {
    Package::read(&Paragraph::parse(text, Comments::Refuse).expect("a paragraph"))
}

#[test]
fn a_package_has_all_that_was_said() {
    let package = read(FULL).expect("a package");
    assert_eq!(
        (package.name, package.version_text, package.architecture),
        ("libc6", "2.36-9+deb12u4", "amd64")
    );
    assert_eq!(package.version().expect("valid").revision(), "9+deb12u4");
    assert_eq!(package.source(), ("glibc", "2.36-9+deb12u3"));
    assert_eq!((package.multi_arch, package.essential, package.protected), (MultiArch::Same, true, false));
    assert_eq!((package.installed_size, package.size), (Some(12985), Some(2_756_304)));
    assert_eq!(package.summary(), "GNU C Library: Shared libraries");
    assert_eq!(package.description.lines().count(), 4);
    assert_eq!(package.sha256.map(|digest| digest[31]), Some(31));
    assert_eq!(package.label(), "libc6_2.36-9+deb12u4_amd64");
    let relations = RelationKind::BINARY.map(|kind| package.relations(kind).as_str());
    let depends = "libgcc-s1, libcrypt1 (>= 1:4.4.10-10~)";
    assert_eq!(relations, ["x", "y (= 1)", depends, "p", "r", "s", "b (<< 1)", "c", "e"]);
    assert!(package.relations(RelationKind::Build).is_empty());
    let lower = FULL.to_ascii_lowercase().replace("multi-arch: same", "MULTI-ARCH: same");
    assert_eq!(read(&lower).expect("names have no case").multi_arch, MultiArch::Same);
}

#[test]
fn a_source_package_is_called_as_the_package_where_nothing_is_said() {
    for (source, want) in [("", ("a", "1-2")), ("Source: b\n", ("b", "1-2")), ("Source: b (3)\n", ("b", "3"))]
    {
        let text = format!("Package: a\nVersion: 1-2\n{source}Architecture: all\n");
        assert_eq!(read(&text).expect("a package").source(), want);
    }
}

#[test]
fn what_is_no_package_is_refused() {
    let whole = "Package: a\nVersion: 1\nArchitecture: all\n";
    for (text, want) in [
        ("Version: 1\nArchitecture: all\n".to_owned(), "the package at line 1 has no field Package"),
        ("Package: a\nArchitecture: all\n".to_owned(), "no field Version"),
        ("Package: a\nVersion: 1\n".to_owned(), "no field Architecture"),
        ("Package: ../a\n".to_owned(), "line 1: Package \"../a\" is not one"),
        ("Package: a\nArchitecture: a/b\n".to_owned(), "line 2: Architecture \"a/b\" is not one"),
        (format!("Package: {}\n", "a".repeat(LONGEST_NAME + 1)), "wanted at most 112 letters"),
        (format!("{whole}Multi-Arch: maybe\n"), "line 4: Multi-Arch is \"maybe\"; wanted no, same"),
        (format!("{whole}Essential: 1\n"), "wanted yes or no"),
        (format!("{whole}Size: -1\n"), "Size is \"-1\"; wanted a number"),
        (format!("{whole}Size: +1\n"), "wanted a number"),
        (format!("{whole}Installed-Size: 18446744073709551616\n"), "wanted a number below 2^64"),
        (format!("{whole}SHA256: 00\n"), "wanted 64 hexadecimal digits"),
        (format!("{whole}Filename: a\n b\n"), "wanted one line"),
    ] {
        let error = read(&text).expect_err(want).to_string();
        assert!(error.contains(want), "{error}: wanted {want}");
    }
}
