//! Machines that are written out here: what apt would take from them, what is left out, and what is refused.

use ocelet_testkit::openpgp::{Forged, Plan, armored};

use super::*;

/// The keyring that every machine here has, and another one.
const KEYRING: &str = "/usr/share/keyrings/first.gpg";

fn key(seed: u64) -> Forged {
    Forged::new(seed, &Plan::default())
}

/// A machine with these files, and keyrings of the first key at [`KEYRING`] and of the second for all sources.
#[expect(clippy::disallowed_methods, reason = "a test makes files")]
fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let write = |path: &str, bytes: &[u8]| {
        let path = below(root.path(), path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    };
    write(KEYRING, &key(1).packets);
    write(&format!("{TRUSTED}/all.asc"), armored("PUBLIC KEY BLOCK", &key(2).packets).as_bytes());
    for (path, text) in files {
        write(path, text.as_bytes());
    }
    root
}

const TRUSTED: &str = ocelet_package::deb_trust::sources::TRUSTED_PARTS;

/// A line for each repository: its Release, its components, and what is unusual.
fn shown(sources: &AptSources) -> Vec<String> {
    let line = |one: &AptRepository| {
        let keys: Vec<&str> = one
            .keyring
            .fingerprints()
            .iter()
            .map(|found| {
                [(1, "first"), (2, "all")]
                    .into_iter()
                    .find(|(seed, _)| key(*seed).fingerprint() == found.to_string())
            })
            .map(|found| found.map_or("another", |(_, name)| name))
            .collect();
        let mut words =
            vec![one.release.clone(), one.suite.clone(), one.components.join(","), keys.join("+")];
        words.extend(one.archived.then(|| "archived".to_owned()));
        words.extend(one.unsigned.then(|| "unsigned".to_owned()));
        words.join(" ")
    };
    sources.repositories.iter().map(line).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], architecture: &str, want: &[&str], left_out: &[&str]) {
    let root = machine(files);
    let found =
        apt_sources(root.path(), architecture).unwrap_or_else(|errors| panic!("{files:?}: {errors:?}"));
    assert_eq!(shown(&found), want, "{files:?}");
    assert_eq!(found.left_out.len(), left_out.len(), "{:?}", found.left_out);
    for (got, words) in found.left_out.iter().zip(left_out) {
        assert!(got.contains(words), "{files:?}: no \"{words}\" in {got}");
    }
}

#[test]
fn sources_of_both_styles_are_read_in_their_order() {
    let debian = "Types: deb deb-src\nURIs: http://deb.example.org/debian\nSuites: bookworm bookworm-updates\n\
                  Components: main contrib\nSigned-By: /usr/share/keyrings/first.gpg\n";
    check(
        &[
            (SOURCES_FILE, "# none\ndeb https://one.example.org/d stable main\n"),
            ("/etc/apt/sources.list.d/b.sources", debian),
            ("/etc/apt/sources.list.d/a.list", "deb [check-valid-until=no] file:/srv/repo ./\n"),
            ("/etc/apt/sources.list.d/c.sources.disabled", "nonsense"),
            ("/etc/apt/sources.list.d/d.list", "deb-src https://two.example.org/d stable main\n"),
            ("/etc/apt/sources.list.d/e.sources", &format!("Enabled: no\n{debian}")),
        ],
        "amd64",
        &[
            "https://one.example.org/d/dists/stable/ stable main all",
            "file:///srv/repo/ ./  all archived",
            "http://deb.example.org/debian/dists/bookworm/ bookworm main,contrib first",
            "http://deb.example.org/debian/dists/bookworm-updates/ bookworm-updates main,contrib first",
        ],
        &[],
    );
}

#[test]
fn architectures_decide_for_which_platform_a_source_is() {
    let files: &[(&str, &str)] = &[(
        SOURCES_FILE,
        "deb [arch=amd64] https://a.example.org/d s main\ndeb [arch=amd64,armhf] https://b.example.org/$(ARCH) s main\n\
         deb [arch-=armhf] https://c.example.org/d s main\n",
    )];
    check(files, "armhf", &["https://b.example.org/armhf/dists/s/ s main all"], &[]);
    check(files, "arm64", &["https://c.example.org/d/dists/s/ s main all"], &[]);
}

#[test]
fn a_suite_that_stands_there_twice_is_one_with_the_components_of_both() {
    let line = "deb https://a.example.org/d s main\ndeb https://a.example.org/d s extra main\n";
    check(&[(SOURCES_FILE, line)], "amd64", &["https://a.example.org/d/dists/s/ s main,extra all"], &[]);
}

#[test]
fn keys_are_those_that_the_source_names() {
    let embedded = armored("PUBLIC KEY BLOCK", &key(1).packets);
    let embedded: String = embedded
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    let second = key(2).fingerprint();
    let root = machine(&[
        (
            "/etc/apt/sources.list.d/a.sources",
            &format!(
                "Types: deb\nURIs: https://a.example.org\nSuites: s\nComponents: main\nSigned-By:\n{embedded}"
            ),
        ),
        (SOURCES_FILE, &format!("deb [signed-by={second}] https://b.example.org s main\n")),
    ]);
    let found = apt_sources(root.path(), "amd64").expect("it can be read");
    assert_eq!(
        shown(&found),
        ["https://b.example.org/dists/s/ s main all", "https://a.example.org/dists/s/ s main first"]
    );
    assert_eq!(found.left_out, Vec::<String>::new());
}

#[test]
fn what_cannot_be_used_is_left_out_and_named() {
    check(
        &[
            (
                SOURCES_FILE,
                "deb cdrom:[Debian]/ bookworm main\ndeb mirror+file:/etc/list bookworm main\n\
                 deb https://user:secret@a.example.org/d s main\ndeb [signed-by=/gone.gpg] https://b.example.org/d s main\n\
                 deb [trusted=no] https://c.example.org/d s main\ndeb [trusted=yes] https://d.example.org/d s main\n",
            ),
            ("/etc/apt/trusted.gpg.d/broken.gpg", "no key"),
        ],
        "amd64",
        &["https://d.example.org/d/dists/s/ s main all unsigned"],
        &[
            "/etc/apt/sources.list, line 1 is left out: ocelet cannot fetch by \"cdrom\"",
            "line 2 is left out: ocelet cannot fetch by \"mirror+file\"",
            "line 3 is left out: its address holds a name or password",
            "line 4 is left out: none of its keys can be had: the keyring /gone.gpg does not exist",
            "line 5 is left out: apt trusts it with no signature either",
            "the keyring /etc/apt/trusted.gpg.d/broken.gpg is passed over",
        ],
    );
    let root = machine(&[(SOURCES_FILE, "deb https://user:secret@a.example.org/d s main\n")]);
    let found = apt_sources(root.path(), "amd64").expect("it can be read");
    assert!(!format!("{found:?}").contains("secret"), "{found:?}");
}

#[test]
fn the_configuration_says_whether_ends_of_validity_count() {
    let source = (SOURCES_FILE, "deb https://a.example.org s main\n");
    let conf = |name: &'static str, value: &'static str| (name, value);
    for (files, want) in [
        (vec![], false),
        (vec![conf("/etc/apt/apt.conf.d/99x", "Acquire::Check-Valid-Until \"false\";\n")], true),
        (vec![conf("/etc/apt/apt.conf.d/99x.bak", "Acquire::Check-Valid-Until \"false\";\n")], false),
        (
            vec![
                conf("/etc/apt/apt.conf.d/99x", "Acquire::Check-Valid-Until \"false\";\n"),
                conf("/etc/apt/apt.conf", "Acquire { Check-Valid-Until \"yes\"; };\n"),
            ],
            false,
        ),
    ] {
        let root = machine(&[&[source], files.as_slice()].concat());
        let found = apt_sources(root.path(), "amd64").expect("it can be read");
        assert_eq!(found.repositories[0].archived, want, "{files:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    for (files, want) in [
        (vec![], vec!["apt has no sources of packages for amd64 in ", "etc/apt/sources.list.d"]),
        (
            vec![(SOURCES_FILE, "deb [arch=arm64] https://a.example.org s main\n")],
            vec!["apt has no sources of packages for amd64"],
        ),
        (
            vec![
                (SOURCES_FILE, "deb https://a.example.org\n"),
                ("/etc/apt/sources.list.d/a.sources", "Types: debs\n"),
                ("/etc/apt/apt.conf.d/a", "A {\n"),
            ],
            vec![
                "line 1 of /etc/apt/apt.conf.d/a",
                "/etc/apt/sources.list cannot be read",
                "a.sources cannot be read",
            ],
        ),
        (
            vec![(
                SOURCES_FILE,
                "deb https://a.example.org s main\ndeb [signed-by=/usr/share/keyrings/first.gpg] https://a.example.org s x\n",
            )],
            vec![
                "/etc/apt/sources.list, line 1 and /etc/apt/sources.list, line 2 name the same https://a.example.org/dists/s/",
            ],
        ),
    ] {
        let root = machine(&files);
        let errors = apt_sources(root.path(), "amd64").expect_err("it is wrong");
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let text = text.join("\n");
        for words in want {
            assert!(text.contains(words), "{files:?}: no \"{words}\" in {text}");
        }
    }
}
