//! Tables of relations: what they mean, and why others are refused.

use proptest::prelude::*;

use super::*;

#[test]
fn relations_are_read() {
    use RelationKind::{Build, Conflicts, Depends, Provides};
    let check = |kind: RelationKind, text: &str, want: &[&str]| {
        let groups = Relations::new(kind, text).groups();
        let got: Vec<String> = groups
            .map(|group| {
                let group = group.unwrap_or_else(|error| panic!("{error}"));
                group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
            })
            .collect();
        assert_eq!(got, want, "{text:?}");
    };
    check(Depends, "", &[]);
    check(Depends, " a ", &["a"]);
    check(Depends, "a, b,\n c ,", &["a", "b", "c"]);
    check(Depends, "a|b | c(>=1)", &["a | b | c (>= 1)"]);
    check(Depends, "libc6 (>= 2.34), libgcc-s1 (>=\t3.0)", &["libc6 (>= 2.34)", "libgcc-s1 (>= 3.0)"]);
    check(Depends, "a (<< 1), b (<= 1), c (= 1), d (>> 1)", &["a (<< 1)", "b (<= 1)", "c (= 1)", "d (>> 1)"]);
    check(Depends, "a (< 1), b(>1)", &["a (<= 1)", "b (>= 1)"]);
    check(Depends, "python3:any (>= 3.9~), x:arm64", &["python3:any (>= 3.9~)", "x:arm64"]);
    check(Conflicts, "a:any, b (= 1:2-3)", &["a:any", "b (= 1:2-3)"]);
    check(Provides, "x (= 1), y", &["x (= 1)", "y"]);
    check(
        Build,
        "gcc:native [linux-any !arm] <!nocheck> <stage1 cross> , b [i386] | c <x>",
        &["gcc:native [linux-any !arm] <!nocheck> <stage1 cross>", "b [i386] | c <x>"],
    );
}

#[test]
fn what_is_no_relation_is_refused() {
    use RelationKind::{Breaks, Build, Depends, Provides};
    for (kind, text, want) in [
        (Depends, "(= 1)", "it has no name"),
        (Depends, "a | ", "it has no name"),
        (Depends, "+a", "\"+a\" cannot be the name"),
        (Depends, "a b", "\"b\" stands where the relation should end"),
        (Depends, "a (= 1) (= 2)", "\"(= 2)\" stands where"),
        (Depends, "a (= 1", "the '(' is not closed"),
        (Depends, "a (1)", "\"1\" does not begin with one of"),
        (Depends, "a (!= 1)", "does not begin with one of"),
        (Depends, "a (= )", "\"\" is not a version"),
        (Depends, "a (=> 1)", "is not a version"),
        (Depends, "a (= b)", "does not begin with a digit"),
        (Depends, "a:", "\"\" behind the colon"),
        (Depends, "a:!x", "\"!x\" behind the colon"),
        (Depends, "a:native", "\":native\" may only stand in"),
        (Depends, "a [i386]", "a list of architectures may only stand in"),
        (Depends, "a <x>", "a list of build profiles may only stand in"),
        (Depends, "${shlibs:Depends}", "substitution variable"),
        (Breaks, "a | b", "this field has no alternatives"),
        (Provides, "a (>= 1)", "only \"=\" may stand"),
        (Build, "a []", "the '[' holds nothing"),
        (Build, "a <x", "the '<' is not closed"),
        (Build, "a [x!]", "\"x!\" stands where"),
    ] {
        let first = Relations::new(kind, text).groups().next().expect("a group");
        let error = first.expect_err(text).to_string();
        assert!(error.contains(want), "{error}: wanted {want}");
        assert!(error.starts_with(kind.name()), "{error}");
    }
}

#[test]
fn versions_meet_constraints() {
    for (relation, version, want) in [
        ("a", "1", true),
        ("a (>= 2)", "2", true),
        ("a (>= 2)", "2~rc1", false),
        ("a (>> 2)", "2", false),
        ("a (>> 2)", "2-1", true),
        ("a (<< 2)", "2~", true),
        ("a (<= 2)", "1:1", false),
        ("a (= 2)", "2.0", false),
        ("a (= 2)", "2-0", true),
    ] {
        let group = Relations::new(RelationKind::Depends, relation).groups().next().expect("one");
        let version = Version::new(version).expect("valid");
        let relation = &group.expect("valid")[0];
        assert_eq!(relation.accepts(&version), want, "{relation} and {version}");
        assert_eq!(relation.accepts_provided(Some(&version)), want);
        assert_eq!(relation.accepts_provided(None), relation.constraint.is_none());
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([ab1,|:() \\[\\]<>=!$\\{\u{e9}]|any|>=){0,24}") {
        for kind in [RelationKind::Depends, RelationKind::Build, RelationKind::Provides] {
            for group in Relations::new(kind, &text).groups().flatten() {
                prop_assert!(!group.is_empty());
                // What is written again means the same.
                for relation in group {
                    let text = relation.to_string();
                    let again = Relations::new(kind, &text).each().next().expect("one");
                    prop_assert_eq!(again.as_ref(), Ok(&relation));
                }
            }
        }
    }
}
