//! Repositories that the tests build: they are verified here, and apt takes the same ones. Tests of rooms rely on them.
#![expect(clippy::disallowed_methods, reason = "a test writes files and runs the real tool")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ocelet_package::deb::{Archive, Index};
use ocelet_package::deb_trust::{Keyring, PACKAGES_LIMIT, ReleaseError, Validity, VerifiedRelease};
use ocelet_testkit::deb::{BuiltDeb, BuiltRepository, DebBuilder, Packing, Repository, Signatures};
use ocelet_testkit::openpgp::{DAY, Forged, Plan, SIGNED};

const NOW: Validity = Validity { now: SIGNED as i64, archived: false };

fn tool() -> BuiltDeb {
    let tool = DebBuilder::new("tool", "1:2.0-1", "amd64").depends("data (>= 1.0)");
    let tool = tool.directory("usr").directory("usr/bin").directory_of("var", 0o700);
    tool.file("usr/bin/tool", 0o755, b"tool").conffile("etc/tool.conf", 0o644, b"none\n").build()
}

fn data() -> BuiltDeb {
    DebBuilder::new("data", "1.0", "all").file("usr/share/data", 0o644, b"data").build()
}

fn foreign() -> BuiltDeb {
    DebBuilder::new("tool", "1:2.0-1", "arm64").build()
}

fn full(repository: Repository) -> Repository {
    repository.package("main", &tool()).package("main", &data()).package("main", &foreign())
}

fn suite() -> Repository {
    full(Repository::new("bookworm"))
}

fn keyring(built: &BuiltRepository) -> Keyring {
    let mut keyring = Keyring::new();
    keyring.add("test.gpg", &built.key).expect("a certificate");
    let mut armored = Keyring::new();
    armored.add("test.asc", built.armored_key.as_bytes()).expect("a certificate");
    let fingerprints = keyring.fingerprints();
    assert_eq!(fingerprints, armored.fingerprints());
    assert_eq!(fingerprints.len(), 1);
    keyring
}

/// The Release below a directory, from whichever files there are.
fn release(built: &BuiltRepository, directory: &str, now: Validity) -> Result<VerifiedRelease, ReleaseError> {
    let keyring = keyring(built);
    let file = |name: &str| built.files.get(&format!("{directory}{name}"));
    match file("InRelease") {
        Some(inline) => VerifiedRelease::open_inline("InRelease", inline, &keyring, now),
        None => VerifiedRelease::open_detached(
            "Release",
            file("Release").expect("a Release"),
            file("Release.gpg").map_or(b"", |bytes| bytes),
            &keyring,
            now,
        ),
    }
}

/// The index of an architecture, by its digest where the repository offers that; each package is compared with it.
fn names(built: &BuiltRepository, directory: &str, component: Option<&str>, architecture: &str) -> String {
    let release = release(built, directory, NOW).expect("signed");
    let choice = release.choose_packages(component, architecture).expect("listed");
    let path = choice.by_hash.as_ref().unwrap_or(&choice.path);
    let bytes = built.files.get(&format!("{directory}{path}")).expect("served");
    let index = release.open_packages(&choice, bytes, PACKAGES_LIMIT).expect("the right bytes");
    let index = Index::from_bytes(index.into_text()).expect("an index");
    let names = index.packages().map(|package| {
        let file = built.files.get(package.filename).expect("served");
        let digest = package.sha256.expect("a digest");
        Archive::open("a package", file).expect("a package").verify_digest(digest).expect("the right file");
        format!("{}:{}", package.name, package.architecture)
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_shape_is_verified_down_to_its_packages() {
    let check = |what: &str, repository: Repository, wanted: &[(&str, &str)]| {
        let (built, again) = (repository.build(), repository.build());
        assert!(built.files == again.files, "{what}: other bytes the second time");
        let bookworm = release(&built, "dists/bookworm/", NOW).expect(what);
        assert!(bookworm.check_suite("bookworm").is_ok(), "{what}");
        for (architecture, names) in wanted {
            let got = self::names(&built, "dists/bookworm/", Some("main"), architecture);
            assert_eq!(got, *names, "{what}: {architecture}");
        }
    };
    let wanted = &[("amd64", "tool:amd64 data:all"), ("arm64", "data:all tool:arm64")][..];
    check("plainest", suite(), wanted);
    check("apart", suite().signatures(Signatures::Detached), wanted);
    check("by hash", suite().by_hash().signatures(Signatures::Both), wanted);
    check("unpacked", suite().packings(&[Packing::Plain]), wanted);
    check("gzip", suite().packings(&[Packing::Gzip]), wanted);
    let of_all = &[("amd64", "tool:amd64"), ("arm64", "tool:arm64"), ("all", "data:all")];
    check("of all", suite().index_of_all(), of_all);
    check("empty", suite().architecture("armhf"), &[("armhf", "data:all")]);
    let flat = full(Repository::flat()).build();
    assert_eq!(names(&flat, "", None, "amd64"), "tool:amd64 data:all tool:arm64");
}

#[test]
fn what_a_test_makes_wrong_is_refused() {
    let opened = |repository: Repository, now: Validity| release(&repository.build(), "dists/bookworm/", now);
    let until = suite().valid_until(SIGNED + DAY);
    let later = Validity::at(i64::from(SIGNED + 2 * DAY));
    assert!(opened(until.clone(), NOW).is_ok());
    assert!(matches!(opened(until, later), Err(ReleaseError::Expired { .. })));
    let ahead = opened(suite().date(SIGNED + DAY), NOW);
    assert!(matches!(ahead, Err(ReleaseError::Signature { .. } | ReleaseError::Future { .. })), "{ahead:?}");
    assert!(opened(suite().signatures(Signatures::Missing), NOW).is_err());
    let other = suite().signer(&Forged::new(2, &Plan::default())).build();
    let inline = &other.files["dists/bookworm/InRelease"];
    let stranger = VerifiedRelease::open_inline("", inline, &keyring(&suite().build()), NOW);
    assert!(matches!(stranger, Err(ReleaseError::Signature { .. })), "{stranger:?}");
    let path = "dists/bookworm/main/binary-amd64/Packages.xz";
    let swapped = suite().replace(path, b"other").build();
    let verified = release(&swapped, "dists/bookworm/", NOW).expect("signed");
    let choice = verified.choose_packages(Some("main"), "amd64").expect("listed");
    assert!(verified.open_packages(&choice, &swapped.files[path], PACKAGES_LIMIT).is_err());
}

#[test]
fn apt_takes_the_same_repositories() {
    let shapes = BTreeMap::from([
        ("inline", (suite().by_hash(), "bookworm main")),
        ("apart", (suite().signatures(Signatures::Detached).packings(&[Packing::Gzip]), "bookworm main")),
        ("of all", (suite().index_of_all().valid_until(u32::MAX), "bookworm main")),
        ("flat", (full(Repository::flat()), "./")),
    ]);
    for (what, (repository, rest)) in shapes {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let Some(got) = apt(directory.path(), &repository.build(), rest) else {
            eprintln!("skipped: apt-get not installed");
            return;
        };
        assert_eq!(got, ["Inst data 1.0", "Inst tool 1:2.0-1"], "{what}");
    }
}

/// What apt would install for `tool` from that repository alone.
fn apt(directory: &Path, built: &BuiltRepository, rest: &str) -> Option<Vec<String>> {
    let path = |name: &str| directory.join(name).display().to_string();
    built.write_to(&directory.join("repository"));
    for name in ["etc", "state/lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(directory.join(name)).expect("writable");
    }
    std::fs::write(directory.join("etc/key.asc"), &built.armored_key).expect("writable");
    let line = format!("deb [signed-by={}] file:{} {rest}\n", path("etc/key.asc"), path("repository"));
    std::fs::write(directory.join("etc/sources.list"), line).expect("writable");
    let run = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        for (name, value) in [
            ("Dir::Etc", path("etc")),
            ("Dir::State", path("state")),
            ("Dir::Cache", path("cache")),
            ("Dir::State::status", "/dev/null".to_owned()),
            ("APT::Architecture", "amd64".to_owned()),
            ("APT::Architectures", "amd64".to_owned()),
            ("APT::Sandbox::User", String::new()),
            ("APT::Update::Error-Mode", "any".to_owned()),
        ] {
            command.args(["-o", &format!("{name}={value}")]);
        }
        command.args(words).env("LC_ALL", "C").output()
    };
    let updated = run(&["update"]).ok()?;
    assert!(updated.status.success(), "{}", String::from_utf8_lossy(&updated.stderr));
    let simulated = run(&["--simulate", "install", "tool"]).ok()?;
    let text = String::from_utf8_lossy(&simulated.stdout).into_owned();
    assert!(simulated.status.success(), "{text}{}", String::from_utf8_lossy(&simulated.stderr));
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("Inst "))
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" ").replace('(', ""))
        .collect();
    lines.sort();
    Some(lines)
}
