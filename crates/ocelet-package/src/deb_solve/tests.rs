//! Choices from small indexes, each with the packages or the message that come of it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::deb::{Index, Package};

/// An index of packages written `NAME VERSION; Field: value; …`, one a line.
fn index(lines: &str) -> Index {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(';').map(str::trim);
        let (name, version) = parts.next().and_then(|head| head.split_once(' ')).expect("NAME VERSION");
        writeln!(text, "Package: {name}\nVersion: {version}").expect("texts grow");
        writeln!(text, "Filename: pool/{name}_{version}.deb\nSize: 1\nSHA256: {:064}", 0)
            .expect("texts grow");
        let fields: Vec<&str> = parts.collect();
        if !fields.iter().any(|field| field.starts_with("Architecture:")) {
            text.push_str("Architecture: amd64\n");
        }
        for field in fields {
            writeln!(text, "{field}").expect("texts grow");
        }
        text.push('\n');
    }
    Index::parse(text).expect("an index")
}

fn request<'text>(indexes: &'text [Index], wishes: &'text str) -> Request<'text> {
    Request {
        indexes: indexes.iter().map(Listed::new).collect(),
        architecture: "amd64",
        roots: wishes.split(", ").map(|wish| Root::parse(wish).expect("a root")).collect(),
        ..Request::default()
    }
}

/// What is chosen, as `name=version` sorted by name with `!` behind it where the search found it; or the message.
fn outcome(request: &Request<'_>) -> String {
    match solve(request) {
        Err(error) => error.to_string(),
        Ok(solution) => {
            let packages: Vec<Package<'_>> = solution.packages.iter().map(|chosen| chosen.package).collect();
            check(request.architecture, &request.roots, &packages).expect("the packages go together");
            assert!(solution.packages.iter().all(|chosen| !chosen.reasons.is_empty()), "all have reasons");
            let mut words: Vec<String> =
                packages.iter().map(|each| format!("{}={}", each.name, each.version_text)).collect();
            words.sort();
            words.join(" ") + if solution.found_by == FoundBy::Search { " !" } else { "" }
        }
    }
}

#[test]
fn packages_are_chosen_as_policy_and_apt_say() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("the newest version, by dpkg's order", "a 1.9\na 1.10\na 1.10~rc1", "a", "a=1.10"),
        ("a version that is asked for", "a 1\na 2", "a=1", "a=1"),
        ("a bound on the version", "a 1\na 2\na 3", "a<<3", "a=2"),
        ("needs of needs", "a 1; Depends: b\nb 1; Pre-Depends: c\nc 1\nd 1", "a", "a=1 b=1 c=1"),
        ("a circle", "a 1; Depends: b\nb 1; Depends: a", "b", "a=1 b=1"),
        ("the first alternative", "a 1; Depends: x | b | c\nb 1\nc 1", "a", "a=1 b=1"),
        ("an alternative that is there anyway", "a 1; Depends: b | c\nb 1\nc 1", "a, c", "a=1 c=1"),
        ("alternatives of a root", "b 1\nc 1", "a | c | b", "c=1"),
        ("a provided name", "a 1; Depends: v\nb 1; Provides: v", "a", "a=1 b=1"),
        ("the package before who provides it", "a 1; Depends: v\nb 1; Provides: v\nv 1", "a", "a=1 v=1"),
        (
            "who provides it with the higher priority",
            "a 1; Depends: v\nb 1; Provides: v; Priority: optional\nc 1; Provides: v; Priority: important",
            "a",
            "a=1 c=1",
        ),
        (
            "a provided version",
            "a 1; Depends: v (>= 2)\nb 1; Provides: v (= 1)\nc 1; Provides: v (= 2)\nd 9; Provides: v",
            "a",
            "a=1 c=1",
        ),
        ("a root that one package provides", "b 1; Provides: v", "v", "b=1"),
        (
            "a root that several provide, one of them a root",
            "b 1; Provides: v\nc 1; Provides: v",
            "v, c",
            "c=1",
        ),
        ("its own provided name excluded", "a 1; Provides: v; Conflicts: v", "a", "a=1"),
        ("any architecture", "a 1; Depends: b:any\nb 1; Multi-Arch: allowed", "a", "a=1 b=1"),
        ("an architecture by name", "a 1; Depends: b:amd64\nb 1", "a", "a=1 b=1"),
        ("packages for all architectures", "a 1; Architecture: all\na 2; Architecture: arm64", "a", "a=1"),
        ("nothing essential by itself", "a 1\nb 1; Essential: yes", "a", "a=1"),
        ("nothing recommended by itself", "a 1; Recommends: b\nb 1", "a", "a=1"),
        (
            "an alternative that fails below",
            "a 1; Depends: b | c\nb 1; Depends: d\nd 1; Depends: none\nc 1",
            "a",
            "a=1 c=1",
        ),
        (
            "an older version where the newest does not fit",
            "a 1; Depends: b (<< 2)\nb 1\nb 2",
            "a",
            "a=1 b=1 !",
        ),
        ("an exclusion that only an older version escapes", "a 1\na 2; Breaks: b\nb 1", "a, b", "a=1 b=1 !"),
        (
            "an alternative that a later root excludes",
            "a 1; Depends: b | c\nb 1\nc 1\nd 1; Conflicts: b",
            "a, d",
            "a=1 c=1 d=1 !",
        ),
    ];
    for (name, packages, wishes, wanted) in cases {
        let mut lines: Vec<&str> = packages.lines().collect();
        for _ in 0..2 {
            let indexes = [index(&lines.join("\n"))];
            assert_eq!(outcome(&request(&indexes, wishes)), *wanted, "{name}");
            lines.reverse();
        }
    }
}

#[test]
fn what_cannot_be_is_explained_from_the_root_on() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "iptables 1",
            "iptabels",
            "iptabels: there is no such package; did you mean iptables?\n    iptabels is asked for by the root iptabels",
        ),
        (
            "a 1\na 2",
            "a>=3",
            "a (>= 3): no version fits; there is a 2, a 1\n    a (>= 3) is asked for by the root a (>= 3)",
        ),
        ("b 1; Provides: v\nc 1; Provides: v", "v", "v: several packages provide it; ask for one of b, c"),
        (
            "a 1; Depends: b\nb 1; Depends: c (>= 2) | d\nc 1",
            "a",
            "c (>= 2): no version fits; there is c 1\n    c (>= 2) is asked for by the root a → a 1 [Depends: b] → b 1 [Depends: c (>= 2) | d]\n  \
             d: there is no such package; did you mean a, b, c?\n    d is asked for by the root a → a 1 [Depends: b] → b 1 [Depends: c (>= 2) | d]",
        ),
        (
            "a 1; Depends: b\nb 1; Breaks: c (<< 2)\nc 1\nd 1",
            "d, a, c",
            "b 1 and c 1 cannot be together: b 1 says Breaks: c (<< 2)\n    b 1 is asked for by the root a → a 1 [Depends: b]\n    c 1 is asked for by the root c",
        ),
        (
            "a 1; Depends: c (= 1)\nb 1; Depends: c (= 2)\nc 1\nc 2",
            "a, b",
            "c 2 and c 1 are two versions of one package\n    c 2 is asked for by the root b → b 1 [Depends: c (= 2)]\n    c 1 is asked for by the root a → a 1 [Depends: c (= 1)]",
        ),
        (
            "a 1; Depends: b:any\nb 1",
            "a",
            "b:any: no version fits; there is b 1\n    b:any is asked for by the root a → a 1 [Depends: b:any]",
        ),
        (
            "a 1; Depends: b (1)\nb 1",
            "a",
            "a 1: Depends: \"b (1)\" is not a relation: \"1\" does not begin with one of << <= = >= >>\n    a 1 is asked for by the root a",
        ),
    ];
    for (packages, wishes, wanted) in cases {
        let indexes = [index(packages)];
        let wanted = format!("unable to choose packages:\n  {wanted}");
        assert_eq!(outcome(&request(&indexes, wishes)), wanted, "{packages}");
    }
}

#[test]
fn locks_priorities_and_recommendations_count() {
    let indexes = [index("a 1\na 2; Recommends: r, none\nr 1"), index("a 3; Depends: b\nb 1")];
    let plain = request(&indexes, "a");
    let locked = Request { locked: vec![("a", "1"), ("b", "1")], ..plain.clone() };
    let gone = Request { locked: vec![("a", "0")], ..plain.clone() };
    let updated = Request { update: BTreeSet::from(["a"]), ..locked.clone() };
    let unfitting = Request { roots: vec![Root::parse("a>=2").expect("a root")], ..locked.clone() };
    let mut preferred = plain.clone();
    preferred.indexes[0].priority = 900;
    let mut never = plain.clone();
    never.indexes[1].priority = -1;
    let pin = Pin { name: "a", index: None, version: Some("1"), priority: 990 };
    let pinned = Request { pins: vec![pin], ..plain.clone() };
    let recommended = Request { recommends: true, ..preferred.clone() };
    for (name, request, wanted) in [
        ("plain", plain, "a=3 b=1"),
        ("locked", locked, "a=1"),
        ("locked to what is gone", gone, "a=3 b=1"),
        ("locked and updated", updated, "a=3 b=1"),
        ("locked to what does not fit", unfitting, "a=3 b=1"),
        ("an index of higher priority", preferred, "a=2"),
        ("an index that is never used", never, "a=2"),
        ("a pinned version", pinned, "a=1"),
        ("with what is recommended", recommended, "a=2 r=1"),
    ] {
        assert_eq!(outcome(&request), wanted, "{name}");
    }
}

#[test]
fn wishes_are_read_or_refused() {
    for (text, wanted) in [
        ("runc", Ok("runc")),
        ("runc=1.1.5+ds1-1", Ok("runc (= 1.1.5+ds1-1)")),
        ("runc >= 1:1", Ok("runc (>= 1:1)")),
        ("runc (<< 2) | crun:any", Ok("runc (<< 2) | crun:any")),
        ("", Err("it is empty")),
        ("a | ", Err("it is empty")),
        ("a=", Err("is not a version")),
        ("a b", Err("stands where the relation should end")),
        ("/usr/bin/env", Err("cannot be the name of a package")),
    ] {
        match (Root::parse(text), wanted) {
            (Ok(root), Ok(wanted)) => assert_eq!(root.to_string(), wanted),
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{text}: {error}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }
}

#[test]
fn long_chains_of_needs_are_no_harm() {
    let lines: Vec<String> = (0..3000).map(|at| format!("p{at} 1; Depends: p{}", at + 1)).collect();
    let indexes = [index(&format!("{}\np3000 1", lines.join("\n")))];
    let solution = solve(&request(&indexes, "p0")).expect("a chain can be installed");
    assert_eq!((solution.packages.len(), solution.found_by), (3001, FoundBy::Search));
    assert_eq!(solution.packages[0].package.name, "p3000", "what is needed comes first");
    let indexes = [index(&lines.join("\n"))];
    let error = solve(&request(&indexes, "p0")).expect_err("its end is missing").to_string();
    assert!(error.contains("p3000: there is no such package"), "{error}");
    assert_eq!(error.matches(" → ").count(), 3000, "the whole way is told");
}

/// Whether any set of the packages meets the roots, by trying all sets.
fn is_possible(index: &Index, roots: &[Root<'_>]) -> bool {
    let all: Vec<Package<'_>> = index.packages().collect();
    (0..1_u32 << all.len()).any(|bits| {
        let some = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        let some: Vec<Package<'_>> = some.map(|(_, package)| *package).collect();
        check("amd64", roots, &some).is_ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_solution_is_found_where_there_is_one(
        packages in proptest::collection::btree_map(
            (0..4_u8, 1..3_u8),
            proptest::collection::vec((0..4_u8, 0..5_u8, 0..3_u8, 0..5_u8), 0..3),
            1..8,
        )
    ) {
        let mut lines = String::new();
        for ((name, version), relations) in &packages {
            write!(lines, "p{name} {version}").expect("texts grow");
            let mut kinds = BTreeSet::new();
            for (kind, target, bound, other) in relations {
                let kind = ["Depends", "Conflicts", "Breaks", "Provides"][usize::from(*kind)];
                let versioned = ["", " (= 1)", " (= 2)"][usize::from(*bound)];
                let alternative = if kind == "Depends" { format!(" | p{other}") } else { String::new() };
                if kinds.insert(kind) {
                    write!(lines, "; {kind}: p{target}{versioned}{alternative}").expect("texts grow");
                }
            }
            lines.push('\n');
        }
        let indexes = [index(&lines)];
        let request = request(&indexes, "p0 | p4, p1 | p2");
        match solve(&request) {
            Ok(solution) => {
                let packages: Vec<_> = solution.packages.iter().map(|chosen| chosen.package).collect();
                prop_assert_eq!(check("amd64", &request.roots, &packages), Ok(()));
            }
            Err(error) => {
                prop_assert!(!error.problems.is_empty(), "{}", lines);
                prop_assert!(!is_possible(&indexes[0], &request.roots), "{}\n{}", lines, error);
            }
        }
    }
}
