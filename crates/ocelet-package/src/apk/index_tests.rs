//! Facts about the format of an index, one table each.

use proptest::prelude::*;

use super::*;

const IDENTITY: &str = "Q1AAECAwQFBgcICQoLDA0ODxAREhM=";

#[test]
fn every_field_is_read() {
    let text = format!(
        "C:{IDENTITY}\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:407278\nI:667648\nT:the musl C library (libc) implementation\n\
         U:https://musl.libc.org/\nL:MIT\no:musl\nm:Someone <s@example.org>\nt:1700000000\nc:0af\nk:10\nq:3\n\
         D:so:x !y\np:so:libc.musl-x86_64.so.1=1\ni:docs musl=1.2.4-r2\nr:libc6-compat\nz:not known\ns:edge\n\n"
    );
    let index = Index::parse(text).expect("a well-formed index");
    let package = index.packages().next().expect("one package");
    assert_eq!(index.len(), 1);
    assert_eq!(package.label(), "musl-1.2.4-r2");
    assert_eq!(package.identity, ShortIdentity::parse(IDENTITY).expect("an identity"));
    assert_eq!((package.size, package.installed_size, package.build_time), (407_278, 667_648, 1_700_000_000));
    assert_eq!((package.provider_priority, package.replaces_priority), (10, 3));
    assert_eq!(package.architecture, "x86_64");
    assert_eq!(package.description, "the musl C library (libc) implementation");
    assert_eq!((package.url, package.license, package.origin), ("https://musl.libc.org/", "MIT", "musl"));
    assert_eq!((package.maintainer, package.commit), ("Someone <s@example.org>", "0af"));
    assert_eq!(
        (package.depends.as_str(), package.provides.as_str()),
        ("so:x !y", "so:libc.musl-x86_64.so.1=1")
    );
    assert_eq!(
        (package.install_if.as_str(), package.replaces.as_str()),
        ("docs musl=1.2.4-r2", "libc6-compat")
    );
    assert_eq!((package.repository_tag, package.unknown_field), ("edge", None));
}

#[test]
fn lists_may_have_several_lines() {
    let text = format!("P:a\np:x\nD:one\np:y=1\nV:1\np:z\nC:{IDENTITY}\nD:two three\nX:new");
    let index = Index::parse(text).expect("a well-formed index without an empty line at its end");
    let package = index.packages().next().expect("one package");
    assert_eq!(package.provides.as_str(), "x y=1 z");
    assert_eq!(package.depends.as_str(), "one two three");
    assert_eq!(package.unknown_field, Some('X'));
}

#[test]
fn everything_that_is_wrong_is_told() {
    let text = format!("C:{IDENTITY}\nP:a\nV:1\nS:12k\nnonsense\n\n\n\nC:Q1\nP:b\nI:-1\n");
    let problems = Index::parse(text).expect_err("malformed").problems;
    let want = [
        "line 4: field S is \"12k\"; wanted a number below 2^64",
        "line 5 \"nonsense\" is not a field; wanted a letter, a colon and a value",
        "line 9: \"Q1\" is not the identity of a package; wanted Q1 or Q2 and a digest in base64",
        "line 11: field I is \"-1\"; wanted a number below 2^64",
        "the package that ends at line 12 has no field C",
        "the package that ends at line 12 has no field V",
    ];
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    assert_eq!(Index::parse("x\n".repeat(100)).expect_err("malformed").problems.len(), MOST_PROBLEMS);
    let not_text = Index::from_bytes(b"P:a\n\xff".to_vec()).expect_err("not UTF-8").problems;
    assert_eq!(not_text, [IndexProblem::NotText { offset: 4 }]);
}

#[test]
fn lists_that_take_turns_do_not_grow_without_bound() {
    let lines = "D:a\np:b\n".repeat(20_000);
    let problems = Index::parse(format!("C:{IDENTITY}\nP:a\nV:1\n{lines}")).expect_err("too much").problems;
    assert!(matches!(problems[0], IndexProblem::Scattered { .. }), "{:?}", problems[0]);
    let long = format!("C:{IDENTITY}\nP:a\nV:1\n{}", "p:b\n".repeat(20_000));
    let index = Index::parse(long).expect("one list in many lines is no trouble");
    assert_eq!(index.packages().next().expect("one package").provides.iter().count(), 20_000);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([A-Za-z]:?.{0,8}\n|\n){0,12}") {
        if let Ok(index) = Index::parse(text) {
            for package in index.packages() {
                prop_assert!(!package.name.is_empty() && !package.version.is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Index::from_bytes(bytes).is_ok();
    }
}
