//! Fixtures of every kind of ELF file, and files that were damaged on purpose.

use ocelet_testkit::ElfBuilder;
use proptest::prelude::*;

use super::*;

fn parse(builder: &ElfBuilder) -> Binary {
    Binary::parse(&builder.build()).expect("a fixture")
}

fn rich(platform: &str) -> ElfBuilder {
    ElfBuilder::library(platform, "libx.so.1")
        .interpreter("/lib/ld-test.so.1")
        .needs("liba.so.1")
        .needs("libb.so.2")
        .auxiliary("libfast.so")
        .filter("libreal.so")
        .rpath("$ORIGIN/../r")
        .runpath("/opt/run:/opt/path")
        .flags_1(Binary::NODEFLIB)
        .imports("open")
        .imports("dlopen")
        .needs_version("liba.so.1", "A_1.0", false)
        .needs_version("liba.so.1", "A_1.1", true)
        .needs_version("libb.so.2", "B_1", false)
        .defines_version("X_1")
        .defines_version("X_2")
        .dlopen_note(r#"[{"soname":["libz.so.1","libz.so.0"],"feature":"z","description":"packs","priority":"required"}]"#)
}

#[test]
fn every_table_is_read_on_every_machine() {
    for (platform, class, endianness, float) in [
        ("linux/amd64", Class::Bits64, Endianness::Little, None),
        ("linux/arm64", Class::Bits64, Endianness::Little, None),
        ("linux/arm/v7", Class::Bits32, Endianness::Little, Some(FloatAbi::Hard)),
        ("linux/arm/v5", Class::Bits32, Endianness::Little, Some(FloatAbi::Soft)),
        ("linux/386", Class::Bits32, Endianness::Little, None),
        ("linux/s390x", Class::Bits64, Endianness::Big, None),
    ] {
        let binary = parse(&rich(platform));
        assert_eq!((binary.abi.class, binary.abi.endianness, binary.abi.float), (class, endianness, float));
        assert_eq!(binary.soname, Some("libx.so.1".into()), "{platform}");
        assert_eq!(binary.needed().map(ToString::to_string).collect::<Vec<_>>(), ["liba.so.1", "libb.so.2"]);
        let kinds: Vec<WantKind> = binary.wants.iter().map(|want| want.kind).collect();
        assert_eq!(kinds, [WantKind::Needed, WantKind::Needed, WantKind::Auxiliary, WantKind::Filter]);
        assert_eq!(binary.interpreter, Some("/lib/ld-test.so.1".into()));
        assert_eq!(binary.rpath, Some("$ORIGIN/../r".into()));
        assert_eq!(binary.runpath, Some("/opt/run:/opt/path".into()));
        assert_eq!(binary.flags_1, Binary::NODEFLIB);
        assert!(binary.imports_dlopen, "{platform}");
        let needs: Vec<String> = binary
            .version_needs
            .iter()
            .map(|need| format!("{} {} {}", need.file, need.version, need.weak))
            .collect();
        assert_eq!(needs, ["liba.so.1 A_1.0 false", "liba.so.1 A_1.1 true", "libb.so.2 B_1 false"]);
        assert_eq!(binary.version_definitions, Some(vec!["X_1".into(), "X_2".into()]));
        let [note] = binary.dlopen_notes.as_slice() else { panic!("{platform}: {:?}", binary.dlopen_notes) };
        assert_eq!((note.feature.as_str(), note.priority), ("z", Priority::Required));
        assert_eq!(note.sonames, ["libz.so.1".into(), "libz.so.0".into()]);
    }
}

#[test]
fn kinds_are_told_apart() {
    let amd64 = || ElfBuilder::program("linux/amd64");
    let loader = "/lib64/ld-linux-x86-64.so.2";
    for (name, builder, program, is_static) in [
        ("a program", amd64().interpreter(loader).needs("libc.so.6"), true, false),
        ("a program at a fixed address", amd64().kind(2).interpreter(loader), true, false),
        ("a library", ElfBuilder::library("linux/amd64", "liba.so.1"), false, false),
        (
            "a library with a loader",
            ElfBuilder::library("linux/amd64", "libc.so.6").interpreter(loader),
            false,
            false,
        ),
        ("a static program", ElfBuilder::static_program("linux/amd64"), true, true),
        ("a static program at any address", amd64().flags_1(Binary::PIE), true, true),
        ("a plugin without soname", amd64().needs("libc.so.6"), false, false),
        ("a program of klibc", amd64().kind(2).interpreter("/lib/klibc-x.so"), true, false),
        ("an object file", ElfBuilder::static_program("linux/amd64").kind(1), false, false),
        ("a memory image", ElfBuilder::static_program("linux/amd64").kind(4), false, false),
    ] {
        let binary = parse(&builder);
        assert_eq!((binary.is_program(), binary.is_static()), (program, is_static), "{name}");
    }
}

#[test]
fn worlds_are_told_by_what_is_needed() {
    let library = || ElfBuilder::library("linux/amd64", "libx.so.1");
    for (builder, want) in [
        (library().needs("libc.so.6"), Some(crate::World::Glibc)),
        (
            library().needs("libz.so.1").needs_version("libz.so.1", "GLIBC_2.2.5", false),
            Some(crate::World::Glibc),
        ),
        (library().needs("libc.so"), Some(crate::World::Musl)),
        (library().needs("libc.musl-x86_64.so.1"), Some(crate::World::Musl)),
        (library().needs("libz.so.1"), None),
        (ElfBuilder::library("linux/amd64", "libc.musl-x86_64.so.1"), Some(crate::World::Musl)),
        (ElfBuilder::library("linux/amd64", "libc.so.6"), Some(crate::World::Glibc)),
    ] {
        assert_eq!(parse(&builder).linked_against(), want, "{builder:?}");
    }
}

#[test]
fn notes_come_in_many_forms() {
    for (json, want) in [
        (r#"[{"soname":["a"]}]"#, &[("a", Priority::Recommended)][..]),
        (r#"{"soname":"a","priority":"suggested"}"#, &[("a", Priority::Suggested)]),
        (
            r#"[{"soname":["a"],"priority":"required"},{"soname":["b"],"priority":"recommended"}]"#,
            &[("a", Priority::Required), ("b", Priority::Recommended)],
        ),
        (r#"[{"soname":["a"],"more":1}]"#, &[("a", Priority::Recommended)]),
        ("[{", &[]),
        ("[{}]", &[]),
        ("", &[]),
    ] {
        let binary = parse(&ElfBuilder::program("linux/amd64").dlopen_note(json));
        let got: Vec<(String, Priority)> =
            binary.dlopen_notes.iter().map(|note| (note.sonames[0].to_string(), note.priority)).collect();
        let want: Vec<(String, Priority)> =
            want.iter().map(|(name, how)| ((*name).to_owned(), *how)).collect();
        assert_eq!(got, want, "{json}");
    }
}

#[test]
fn damage_is_an_error_or_harmless() {
    for (bytes, want) in [
        (&b""[..], ElfError::NotElf),
        (b"#!/bin/sh", ElfError::NotElf),
        (b"\x7fELF", ElfError::Header { what: "it is cut off" }),
        (b"\x7fELF\x09", ElfError::Header { what: "its class is neither 32 nor 64 bits" }),
    ] {
        assert_eq!(Binary::parse(bytes), Err(want));
    }
    let good = rich("linux/amd64").build();
    for length in 0..good.len() {
        // A file that ends early may lack its last table; it is never read as if it had it.
        if let Ok(binary) = Binary::parse(&good[..length]) {
            assert!(!binary.dynamic || binary.soname.is_some(), "{length}");
        }
    }
}

#[test]
fn chains_of_versions_end() {
    // One record that is a requirement and its auxiliary entry at once, many times over: each of 65,536
    // requirements would lead through 65,535 entries.
    let record = [1, 0, 0xff, 0xff, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0];
    let table = record.repeat(1 << 16);
    let read = versions::needs(&table, object::Endianness::Little, &[0; 32]);
    assert!(matches!(read, Err(ElfError::TooMany { table: "symbol versions", .. })), "{read:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(
        platform in prop::sample::select(vec!["linux/amd64", "linux/386", "linux/s390x", "linux/arm/v7"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = rich(platform).build();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(binary) = Binary::parse(&bytes) {
            prop_assert!(binary.wants.len() <= bytes.len());
        }
    }
}
