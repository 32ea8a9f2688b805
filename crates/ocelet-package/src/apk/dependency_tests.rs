//! Facts about the grammar of dependencies, one table each.

use proptest::prelude::*;

use super::*;

#[test]
fn a_term_has_its_parts() {
    let plain = |name| Dependency { conflict: false, name, tag: None, constraint: None };
    let with = |name, operator, version| Dependency {
        constraint: Some(Constraint { operator, version }),
        ..plain(name)
    };
    for (text, want) in [
        ("busybox", plain("busybox")),
        ("so:libc.musl-x86_64.so.1", plain("so:libc.musl-x86_64.so.1")),
        ("cmd:mount", plain("cmd:mount")),
        ("py3.11:six", plain("py3.11:six")),
        ("/bin/sh", plain("/bin/sh")),
        ("pc:zlib>=1.2.3", with("pc:zlib", Operator::AT_LEAST, "1.2.3")),
        ("a=1.0-r0", with("a", Operator::EQUAL, "1.0-r0")),
        ("a<2", with("a", Operator::LESS, "2")),
        ("a<=2", with("a", Operator::AT_MOST, "2")),
        ("a>2", with("a", Operator::GREATER, "2")),
        ("a~2.2", with("a", Operator::BEGINS, "2.2")),
        ("a=~2.2", with("a", Operator::BEGINS, "2.2")),
        ("a~=2.2", with("a", Operator::BEGINS, "2.2")),
        ("a>~2.2", with("a", Operator::BEGINS_OR_GREATER, "2.2")),
        ("a<~2.2", with("a", Operator::BEGINS_OR_LESS, "2.2")),
        ("a><Q1AAAA=", with("a", Operator::CHECKSUM, "Q1AAAA=")),
        ("!a", Dependency { conflict: true, ..plain("a") }),
        ("!a<1", Dependency { conflict: true, ..with("a", Operator::LESS, "1") }),
        ("a@edge", Dependency { tag: Some("edge"), ..plain("a") }),
        ("a@edge>=3", Dependency { tag: Some("edge"), ..with("a", Operator::AT_LEAST, "3") }),
    ] {
        assert_eq!(Dependency::parse(text).expect(text), want, "{text}");
        // What is printed means the same.
        let printed = want.to_string();
        assert_eq!(Dependency::parse(&printed).expect(text), want, "{printed}");
    }
}

#[test]
fn what_is_no_term_is_refused() {
    type Error = DependencyError;
    let text = |text: &str| text.to_owned();
    for (given, want) in [
        ("", Error::NoName { text: text("") }),
        ("!", Error::NoName { text: text("!") }),
        (">=1", Error::NoName { text: text(">=1") }),
        ("@edge", Error::NoName { text: text("@edge") }),
        ("a=", Error::NoVersion { text: text("a=") }),
        ("a==", Error::NoVersion { text: text("a==") }),
        ("a@", Error::NoTag { text: text("a@") }),
        ("a b", Error::Several { text: text("a b") }),
    ] {
        assert_eq!(Dependency::parse(given).expect_err(given), want);
    }
    for given in ["a=invalid", "a>1<2", "a=1.0-1"] {
        assert!(matches!(Dependency::parse(given), Err(Error::BadVersion { .. })), "{given}");
    }
    let tagged = Dependency::parse_of_package("a@edge").expect_err("packages have no tags");
    assert_eq!(tagged, Error::TagNotAllowed { text: text("a@edge"), tag: text("edge") });
}

#[test]
fn a_term_accepts_versions() {
    for (term, version, want) in [
        ("a", Some("1"), true),
        ("a", None, true),
        ("a>=2", Some("2"), true),
        ("a>=2", Some("2_rc1"), false),
        ("a>2", Some("2"), false),
        ("a~2.2", Some("2.2.9-r1"), true),
        ("a~2.2", Some("2.20"), false),
        ("a>~2.5", Some("2.10"), true),
        ("a>~2.5", Some("2.5.1"), true),
        ("a<~2.5", Some("2.6"), false),
        // A name that is provided without version satisfies every constraint.
        ("a>=2", None, true),
        ("!a", Some("1"), false),
        ("!a", None, false),
        ("!a<2", Some("1"), false),
        ("!a<2", Some("2"), true),
    ] {
        assert_eq!(Dependency::parse(term).expect(term).accepts(version), want, "{term} {version:?}");
    }
}

#[test]
fn a_list_is_read_term_by_term() {
    let list = DependencyList::new("so:a=1 !b  c>1 c<3 d@x");
    let texts: Vec<_> = list.iter().map(|term| term.map(|term| term.to_string())).collect();
    assert_eq!(texts[..4], ["so:a=1", "!b", "c>1", "c<3"].map(|text| Ok(text.to_owned())));
    assert!(matches!(texts[4], Err(DependencyError::TagNotAllowed { .. })));
    assert!(DependencyList::new(" ").is_empty() && !list.is_empty());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[!a-z@<>=~0-9. _:/-]{0,16}") {
        if let Ok(term) = Dependency::parse(&text) {
            let printed = term.to_string();
            prop_assert_eq!(Dependency::parse(&printed), Ok(term), "{}", printed);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in ".*") {
        let _ = Dependency::parse(&text).is_ok();
        prop_assert!(DependencyList::new(&text).iter().count() <= text.len());
    }
}
