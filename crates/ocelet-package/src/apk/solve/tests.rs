//! Scenarios, one table for each rule, and properties of every solution.
//!
//! A repository is written one package a line: `name version`, then fields such as `D:` after bars.

use proptest::prelude::*;

use super::*;
use crate::apk::{Dependency, Index, Package};

/// The index that these lines describe; equal lines are the same package.
fn index(lines: &str) -> Index {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let identity =
            line.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(1_099_511_628_211) ^ u64::from(byte));
        let mut fields = line.split('|').map(str::trim);
        let (name, version) =
            fields.next().and_then(|first| first.split_once(' ')).expect("name and version");
        let head = format!("C:Q1{identity:A<27}=\nP:{name}\nV:{version}\nI:1\n");
        text += &head;
        for field in fields {
            text += field;
            text.push('\n');
        }
        text.push('\n');
    }
    Index::parse(text).expect("a well-formed index")
}

fn roots(text: &str) -> Vec<Root<'_>> {
    text.split_whitespace().map(|term| Root::new(Dependency::parse(term).expect("a dependency"))).collect()
}

/// The packages in the order of installation, or the problems.
fn outcome(request: &Request<'_>) -> String {
    match solve(request) {
        Ok(solution) => {
            let packages: Vec<Package<'_>> = solution.packages.iter().map(|chosen| chosen.package).collect();
            let demands: Vec<_> = request.roots.iter().map(|root| root.dependency).collect();
            if request.broken_roots == BrokenRoots::Refused && request.files.is_empty() {
                assert_eq!(check(&demands, &packages), Ok(()));
            }
            let labels = solution.packages.iter().map(|chosen| {
                let tag = chosen.tag.map_or(String::new(), |tag| format!("@{tag}"));
                format!("{}{tag}-{}", chosen.package.name, chosen.package.version)
            });
            let found = if solution.found_by == FoundBy::Search { "searched: " } else { "" };
            format!("{found}{}", labels.collect::<Vec<_>>().join(" "))
        }
        Err(error) => error.to_string(),
    }
}

/// Solves for each row of roots and compares.
fn table(lines: &str, rows: &[(&str, &str)]) {
    let index = index(lines);
    for (wanted, want) in rows {
        let request = Request {
            repositories: vec![Repository::new(&index)],
            roots: roots(wanted),
            ..Request::default()
        };
        assert_eq!(outcome(&request), *want, "{wanted}");
    }
}

#[test]
fn the_newest_that_fits_is_taken_after_what_it_needs() {
    table(
        "app 1|D:lib<2
         app 2|D:lib>=2 so:c
         lib 1
         lib 2
         lib 3
         musl 1|p:so:c=1",
        &[
            ("app", "lib-3 musl-1 app-2"),
            ("app<2", "lib-1 app-1"),
            ("app lib<3", "lib-2 musl-1 app-2"),
            ("app lib=1", "lib-1 app-1"),
            ("app lib~2", "lib-2 musl-1 app-2"),
            ("lib>1 lib<3", "lib-2"),
            ("!lib musl", "musl-1"),
        ],
    );
}

#[test]
fn names_can_be_provided() {
    table(
        "mta-one 1|p:mta|k:1
         mta-two 1|p:mta|k:2
         plain-one 1|p:plain
         plain-two 1|p:plain
         only 1|p:lone
         tool 2|p:cmd:tool=2
         shell 1|p:/bin/sh|k:5
         other 1|p:/bin/sh
         user 1|D:plain",
        &[
            ("mta", "mta-two-1"),
            ("mta mta-one", "mta-one-1"),
            ("mta-one mta-two", "mta-one-1 mta-two-1"),
            ("cmd:tool", "tool-2"),
            ("cmd:tool>=2", "tool-2"),
            ("/bin/sh", "shell-1"),
            ("plain plain-two", "plain-two-1"),
            ("user plain-one", "plain-one-1 user-1"),
            (
                "user",
                "unable to select packages:\n  plain (provided by packages, one of which has to be named):\n    \
                 provided by: plain-one plain-two\n    required by: user-1[plain]\n  \
                 (name one of the packages that provide what is missing)",
            ),
        ],
    );
}

#[test]
fn a_name_with_version_has_one_owner() {
    table(
        "a 1|p:service=1
         b 1|p:service=2
         c 1|p:twice=1 twice=2
         d 1|D:!e
         e 1|p:d-like
         f 1|D:!g|p:g",
        &[
            ("service", "b-1"),
            ("service<2", "a-1"),
            ("f", "f-1"),
            (
                "a b",
                "unable to select packages:\n  a-1:\n    conflicts: b-1[service=1]\n    satisfies: world[a]\n  \
                 b-1:\n    conflicts: a-1[service=2]\n    satisfies: world[b]",
            ),
            ("d e", "unable to select packages:\n  e-1:\n    breaks: d-1[!e]\n    satisfies: world[e]"),
            (
                "c",
                "unable to select packages:\n  c-1:\n    conflicts: c-1[twice=1] c-1[twice=2]\n    \
                 satisfies: world[c]",
            ),
        ],
    );
}

#[test]
fn packages_install_themselves() {
    table(
        "app 1
         docs 1
         app-doc 1|i:docs app=1|D:man
         man 1
         man-doc 1|i:docs man
         app-extra 1|i:app !docs
         app-broken 1|i:app|D:app nowhere",
        &[
            ("app docs", "app-1 docs-1 man-1 man-doc-1 app-doc-1"),
            ("app", "app-1 app-extra-1"),
            ("docs", "docs-1"),
        ],
    );
}

#[test]
fn a_package_that_installs_itself_and_cannot_is_left_out() {
    // Here apk fails: nothing makes it look at the needs of app-broken before it is taken.
    table(
        "app 1
         app-doc 1|i:app
         app-broken 1|i:app|D:nowhere",
        &[("app", "searched: app-1 app-doc-1")],
    );
}

#[test]
fn replaces_is_about_files() {
    table("a 1|r:b\nb 1|r:a|q:5", &[("a b", "a-1 b-1")]);
}

#[test]
fn where_apk_stops_every_combination_is_tried() {
    // apk takes the newest of both names before it finds that they do not go together.
    let lines = "left 1|D:core<2
         left 2|D:core=2
         right 1|D:core<2
         right 2|D:core=3
         core 1
         core 2
         core 3";
    table(lines, &[("left right", "searched: core-1 left-1 right-1")]);
    let index = index(lines);
    let request = Request {
        repositories: vec![Repository::new(&index)],
        roots: roots("left right"),
        effort: Effort::AsApk,
        ..Request::default()
    };
    let Err(Unsolvable::NoSolution { searched, .. }) = solve(&request) else { panic!("apk finds nothing") };
    assert_eq!(searched, Searched::NotTried);
}

#[test]
fn failures_say_who_asked_and_what_clashes() {
    table(
        "kubelet 1|D:tools
         tools 1|D:lib>2
         lib 1
         iptables 1
         cmd 1|p:cmd:mount=1",
        &[
            (
                "kublet iptabels mount",
                "unable to select packages:\n  iptabels (no such package):\n    required by: world[iptabels]\n    \
                 did you mean: iptables\n  kublet (no such package):\n    required by: world[kublet]\n    \
                 did you mean: kubelet\n  mount (no such package):\n    required by: world[mount]\n    \
                 did you mean: cmd:mount",
            ),
            (
                "kubelet nowhere",
                "unable to select packages:\n  nowhere (no such package):\n    required by: world[nowhere]\n  \
                 lib-1:\n    breaks: tools-1[lib>2]\n    asked for by: world[kubelet] → kubelet-1[tools] → tools-1[lib>2]",
            ),
        ],
    );
}

#[test]
fn repositories_come_in_order_and_tags_keep_them_apart() {
    let main = index("a 1\nb 1|D:a\nsame 1|T:main");
    let more = index("a 2\nsame 1|T:more");
    let edge = index("a 3\nb 3|D:a>=3\nonly 1");
    let repositories = vec![
        Repository::new(&main),
        Repository::new(&more),
        Repository { tag: Some("edge"), ..Repository::new(&edge) },
    ];
    for (wanted, want) in [
        ("a", "a-2"),
        ("b", "a-2 b-1"),
        ("a@edge", "a@edge-3"),
        ("b@edge", "a@edge-3 b@edge-3"),
        ("a<2", "a-1"),
        ("only@edge", "only@edge-1"),
        ("only", "unable to select packages:\n  only-1:\n    masked in: @edge\n    satisfies: world[only]"),
        ("a@test", "unable to select packages:\n  a@test: no repository has this tag\n    tags: @edge"),
    ] {
        let request =
            Request { repositories: repositories.clone(), roots: roots(wanted), ..Request::default() };
        assert_eq!(outcome(&request), want, "{wanted}");
    }
    let request = Request { repositories, roots: roots("same"), ..Request::default() };
    let solution = solve(&request).expect("two equal candidates");
    assert_eq!(
        (solution.packages[0].repository, solution.packages[0].package.description),
        (Some(0), "main")
    );
}

#[test]
fn a_lock_is_kept_unless_it_is_to_be_updated() {
    let index = index("app 1|D:lib\napp 2|D:lib\nlib 1\nlib 2");
    let upgrade = Preference { own: Flags::UPGRADE, inherited: Flags::NONE };
    for (locked, updated, want) in [
        (&[][..], None, "lib-2 app-2"),
        (&[("app", "1"), ("lib", "1")], None, "lib-1 app-1"),
        (&[("app", "1"), ("lib", "1")], Some("app"), "lib-1 app-2"),
        (&[("app", "1"), ("lib", "1")], Some("lib"), "lib-2 app-1"),
        (&[("app", "0"), ("lib", "1")], None, "lib-1 app-2"),
    ] {
        let request = Request {
            repositories: vec![Repository::new(&index)],
            roots: roots("app"),
            locked: locked.to_vec(),
            preferences: updated.map(|name| (name, upgrade)).into_iter().collect(),
            ..Request::default()
        };
        assert_eq!(outcome(&request), want, "{locked:?} {updated:?}");
    }
}

#[test]
fn files_can_be_roots() {
    let index = index("mount 2\nbusybox 1\nutil 1");
    for (path, owners, want) in [
        ("/bin/mount", &["mount"][..], "mount-2"),
        (
            "/bin/mount",
            &["mount", "busybox"],
            "unable to select packages:\n  /bin/mount: several packages hold this file; name one of them\n    \
             held by: busybox mount",
        ),
        (
            "/bin/mount",
            &[],
            "unable to select packages:\n  /bin/mount (no such package):\n    required by: world[/bin/mount]",
        ),
    ] {
        let request = Request {
            repositories: vec![Repository::new(&index)],
            roots: roots(path),
            files: [(path, owners.to_vec())].into_iter().collect(),
            ..Request::default()
        };
        assert_eq!(outcome(&request), want, "{owners:?}");
    }
}

#[test]
fn what_cannot_be_installed_is_told_apart() {
    let index = index("foreign 1|A:armv7\nnative 1|A:x86_64\nnew 1|X:field\nodd 1|D:a=b");
    for (wanted, want) in [
        ("native", "native-1"),
        (
            "foreign",
            "unable to select packages:\n  foreign-1:\n    is for another architecture: armv7\n    \
             satisfies: world[foreign]",
        ),
        (
            "new",
            "unable to select packages:\n  new-1:\n    has a field that is not known and has to be: X\n    \
             satisfies: world[new]",
        ),
        (
            "odd",
            "unable to select packages:\n  odd-1:\n    has dependencies that cannot be read: a=b\n    \
             satisfies: world[odd]",
        ),
    ] {
        let request = Request {
            repositories: vec![Repository::new(&index)],
            roots: roots(wanted),
            architectures: vec!["x86_64"],
            ..Request::default()
        };
        assert_eq!(outcome(&request), want, "{wanted}");
    }
}

#[test]
fn every_package_says_why_it_is_there() {
    let index = index("app 1|D:lib>=1\nlib 1\napp-doc 1|i:app lib");
    let request =
        Request { repositories: vec![Repository::new(&index)], roots: roots("app"), ..Request::default() };
    let solution = solve(&request).expect("a solution");
    let reasons: Vec<(&str, &[Reason])> =
        solution.packages.iter().map(|chosen| (chosen.package.name, &chosen.reasons[..])).collect();
    let needed = Reason::Needed { by: "app-1".to_owned(), dependency: "lib>=1".to_owned() };
    let conditions = vec!["app".to_owned(), "lib".to_owned()];
    assert_eq!(
        reasons,
        [
            ("lib", &[needed][..]),
            ("app-doc", &[Reason::InstallIf { conditions }]),
            ("app", &[Reason::Root { dependency: "app".to_owned() }]),
        ]
    );
}

#[test]
fn what_is_installed_changes_in_order() {
    let repository = index("app 2|D:new\nnew 1|D:!old\nstay 1");
    let before = index("app 1|D:old\nold 1\nstay 1\norphan 1");
    let request = Request {
        repositories: vec![Repository::new(&repository)],
        installed: before.packages().map(|package| Installed { package, tag: None }).collect(),
        roots: roots("app stay"),
        flags: Flags::UPGRADE,
        ..Request::default()
    };
    let solution = solve(&request).expect("a solution");
    let changes: Vec<(ChangeKind, &str)> = solution
        .changes
        .iter()
        .map(|change| (change.kind, change.new.or(change.old).expect("something changes").name))
        .collect();
    assert_eq!(
        changes,
        [
            (ChangeKind::Remove, "orphan"),
            (ChangeKind::Remove, "old"),
            (ChangeKind::Install, "new"),
            (ChangeKind::Upgrade, "app"),
            (ChangeKind::Keep, "stay"),
        ]
    );
}

#[test]
fn a_long_chain_is_no_trouble() {
    let lines: Vec<String> =
        (0..20_000).map(|number| format!("p{number} 1|D:p{} q{number}|p:q{number}", number + 1)).collect();
    let index = index(&format!("{}\np20000 1", lines.join("\n")));
    let request =
        Request { repositories: vec![Repository::new(&index)], roots: roots("p0"), ..Request::default() };
    assert_eq!(solve(&request).expect("a solution").packages.len(), 20_001);
}

#[test]
fn no_more_repositories_than_can_be_told_apart() {
    let index = index("a 1");
    let request = Request { repositories: vec![Repository::new(&index); 64], ..Request::default() };
    assert_eq!(solve(&request), Err(Unsolvable::TooManyRepositories { count: 64 }));
}

/// One line of a small repository.
fn line() -> impl Strategy<Value = String> {
    let term = "!?[abcv](=[12]|<2|>1)?";
    let list = proptest::string::string_regex(&format!("({term}( {term})?)?")).expect("a pattern");
    let provides = proptest::string::string_regex("(v|v=[12]|w|w=1)?").expect("a pattern");
    let condition = proptest::string::string_regex("([abc]( !?[abcv])?)?").expect("a pattern");
    ("[abcd]", 1..3_u8, list, provides, condition, 0..2_u8).prop_map(
        |(name, version, depends, provides, condition, priority)| {
            let mut line = format!("{name} {version}");
            for (field, value) in [("D", depends), ("p", provides), ("i", condition)] {
                if !value.is_empty() {
                    line = format!("{line}|{field}:{value}");
                }
            }
            format!("{line}|k:{priority}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_solution_is_one_and_none_is_missed(
        lines in proptest::collection::vec(line(), 1..8),
        wanted in "[abcdv]( [abcd](=[12])?)?( ![abv])?",
        shift in 0..8_usize,
    ) {
        let repository = index(&lines.join("\n"));
        let request =
            Request { repositories: vec![Repository::new(&repository)], roots: roots(&wanted), ..Request::default() };
        let first = outcome(&request);
        // The order of packages within an index decides nothing.
        let mut turned = lines.clone();
        turned.rotate_left(shift % lines.len());
        turned.reverse();
        let turned = index(&turned.join("\n"));
        let again = Request { repositories: vec![Repository::new(&turned)], ..request.clone() };
        prop_assert_eq!(&outcome(&again), &first);
        if let Err(Unsolvable::NoSolution { searched: Searched::Impossible, .. }) = solve(&request) {
            let packages: Vec<Package<'_>> = repository.packages().collect();
            let demands: Vec<_> = request.roots.iter().map(|root| root.dependency).collect();
            for bits in 0..1_u32 << packages.len() {
                let some: Vec<Package<'_>> =
                    packages.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, each)| *each).collect();
                prop_assert!(check(&demands, &some).is_err(), "missed {:?}", some.iter().map(Package::label).collect::<Vec<_>>());
            }
        }
    }
}
