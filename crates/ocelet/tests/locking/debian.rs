//! Debian repositories and apt of a machine into locks: who vouches, what is refused, and what is left out.

use ocelet::ExitClass::{self, Failed, Unavailable, Usage, Verification};
use ocelet::lock::parse;
use ocelet::locking;
use ocelet::recipe::Recipe;
use ocelet_testkit::deb::{BuiltDeb, DebBuilder, Repository, Signatures};
use ocelet_testkit::openpgp::{DAY, Forged, Plan, SIGNED};

use crate::scene::{Scene, names, recipe, says};

/// The recipe's repository below the scene's directory.
pub(crate) const LISTED: &str = "deb = ['repo bookworm main']\nkeys = ['keys/first.gpg']";
pub(crate) const INRELEASE: &str = "repo/dists/bookworm/InRelease";
pub(crate) const PACKAGES: &str = "repo/dists/bookworm/main/binary-amd64/Packages.xz";

pub(crate) fn key(seed: u64) -> Forged {
    Forged::new(seed, &Plan::default())
}

/// A package with one file, not yet built.
pub(crate) fn package(name: &str, version: &str) -> DebBuilder {
    DebBuilder::new(name, version, "amd64").directory("usr").directory("usr/bin").file(
        &format!("usr/bin/{name}"),
        0o755,
        format!("{name} {version}").as_bytes(),
    )
}

pub(crate) fn built(name: &str, version: &str) -> BuiltDeb {
    package(name, version).build()
}

pub(crate) fn suite(packages: &[BuiltDeb]) -> Repository {
    let empty = Repository::new("bookworm").component("main").architecture("amd64");
    packages.iter().fold(empty, |repository, one| repository.package("main", one))
}

/// A scene with the first two keys in `keys/`.
pub(crate) fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("keys/first.gpg", &key(1).packets);
    scene.file("keys/second.gpg", &key(2).packets);
    scene
}

pub(crate) fn written(scene: &Scene, at: &str, repository: &Repository) {
    repository.build().write_to(&scene.path(at));
}

/// A scene with the repository `repo`.
fn with(repository: &Repository) -> Scene {
    let scene = scene();
    written(&scene, "repo", repository);
    scene
}

/// A recipe that wants packages of a Debian source with these settings.
fn wanting(settings: &str, packages: &str) -> Recipe {
    recipe(&format!("[source.debian]\n{settings}\n[flavor.x]\npackages = [{packages}]\n"))
}

fn tool() -> Recipe {
    wanting(LISTED, "'tool'")
}

#[test]
fn a_lock_says_what_was_chosen_and_who_vouches() {
    let scene = with(
        &suite(&[
            package("tool", "1.0-1").depends("library (>= 2)").build(),
            DebBuilder::new("library", "1:2.0-1", "all").build(),
            built("other", "3"),
        ])
        .by_hash(),
    );
    let lock = scene.lock(&tool(), None).expect("it can be locked");
    assert_eq!(names(&lock), ["library 1:2.0-1", "tool 1.0-1"]);
    let signed_by = format!("bookworm {}", key(1).fingerprint());
    let shown: Vec<String> = lock
        .packages
        .iter()
        .map(|one| format!("{} {} {:?}", one.identity, one.file.path, one.because))
        .collect();
    assert_eq!(
        shown,
        [
            "all local/repo/pool/main/library_2.0-1_all.deb {\"needed by tool\"}",
            "amd64 local/repo/pool/main/tool_1.0-1_amd64.deb {\"tool\"}",
        ]
    );
    assert!(lock.packages.iter().all(|one| one.signed_by == signed_by), "{lock:?}");
    let indexes: Vec<&str> = lock.indexes.iter().map(|one| one.file.path.as_str()).collect();
    assert_eq!(indexes, [format!("local/{INRELEASE}"), format!("local/{PACKAGES}")]);
    for index in &lock.indexes {
        assert_eq!((&index.signed_by, index.generated), (&signed_by, i64::from(SIGNED)));
    }
    let first = lock.indexes[1].file.sources[0].to_string();
    assert!(first.contains("main/binary-amd64/by-hash/SHA256/"), "{first}");
    let text = lock.to_text();
    assert_eq!(parse(&text).expect("our own text"), lock);
    let again = scene.lock(&tool(), Some(&lock)).expect("nothing has changed");
    assert_eq!(again.to_text(), text);
}

#[test]
fn every_way_to_lay_a_repository_out_is_read() {
    let all = DebBuilder::new("data", "1", "all").build();
    let tools = [built("tool", "1.0-1")];
    let flat = Repository::flat().package("main", &tools[0]).package("main", &all);
    let with_data = |repository: Repository| repository.package("main", &all);
    for (what, repository, line) in [
        ("as usual", with_data(suite(&tools)), "repo bookworm main"),
        ("with an index of all", with_data(suite(&tools)).index_of_all(), "repo bookworm main"),
        ("signed beside it", with_data(suite(&tools)).signatures(Signatures::Detached), "repo bookworm main"),
        ("by its role", with_data(suite(&tools)).codename("other"), "repo bookworm main"),
        ("flat", flat.clone(), "repo ./"),
        ("flat and signed beside it", flat.signatures(Signatures::Detached), "repo ./"),
    ] {
        let scene = with(&repository);
        let recipe = wanting(&LISTED.replace("repo bookworm main", line), "'tool', 'data'");
        let lock = scene.lock(&recipe, None).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(names(&lock), ["data 1", "tool 1.0-1"], "{what}");
    }
}

/// What is done to a repository that was right, the class of the end, and words of the message.
type Case = (&'static str, fn(&Scene), ExitClass, &'static [&'static str]);

const REFUSED: &[Case] = &[
    (
        "a changed InRelease",
        |scene| scene.edited(INRELEASE, |text| text.replace("Origin: Test", "Origin: Tast")),
        Verification,
        &[INRELEASE, "does not fit the bytes that it signs"],
    ),
    (
        "text before the signed part",
        |scene| scene.edited(INRELEASE, |text| format!("Suite: other\n{text}")),
        Verification,
        &[INRELEASE, "it is not signed, or text that nobody signed was put before it"],
    ),
    (
        "no signature",
        |scene| {
            scene.remove(INRELEASE);
            written(scene, "repo", &suite(&[built("tool", "1.0-1")]).signatures(Signatures::Missing));
        },
        Unavailable,
        &["InRelease", "no such file"],
    ),
    (
        "an expired Release",
        |scene| written(scene, "repo", &suite(&[built("tool", "1.0-1")]).valid_until(SIGNED + DAY)),
        Verification,
        &[INRELEASE, "was valid until 2024-04-11T00:00:00Z"],
    ),
    (
        "a Release of the future",
        |scene| written(scene, "repo", &suite(&[built("tool", "1.0-1")]).date(SIGNED + 99 * DAY)),
        Verification,
        &[INRELEASE, "clock of this machine"],
    ),
    (
        "another suite",
        |scene| {
            let other = suite(&[built("tool", "1.0-1")]).codename("trixie").field("Suite", "testing");
            written(scene, "repo", &other);
        },
        Verification,
        &[INRELEASE, "is of suite testing with codename trixie; wanted bookworm"],
    ),
    (
        "a swapped list",
        |scene| {
            let other = suite(&[built("tool", "1.0-2")]).build();
            scene.file(PACKAGES, &other.files["dists/bookworm/main/binary-amd64/Packages.xz"]);
        },
        Verification,
        &["Packages.xz", "failed verification"],
    ),
    (
        "a package that says another name",
        |scene| {
            let mut tool = built("tool", "1.0-1");
            let other = built("other", "1.0-1");
            tool.record = other.record.replace("Package: other", "Package: tool");
            tool.file_name.clone_from(&other.file_name);
            tool.file = other.file;
            written(scene, "repo", &suite(&[tool]));
        },
        Verification,
        &["says that it is other_1.0-1_amd64, but the index lists tool_1.0-1_amd64"],
    ),
    (
        "a package whose sums do not fit",
        |scene| {
            let wrong = b"00000000000000000000000000000000  usr/bin/tool\n";
            let tool = package("tool", "1.0-1").without_sums().control_file("md5sums", wrong).build();
            written(scene, "repo", &suite(&[tool]));
        },
        Verification,
        &["usr/bin/tool", "md5sums says 00000000000000000000000000000000"],
    ),
    (
        "no list for the architecture",
        |scene| {
            let other = DebBuilder::new("tool", "1.0-1", "arm64").build();
            let repository = Repository::new("bookworm").component("main").package("main", &other);
            written(scene, "repo", &repository);
        },
        Failed,
        &["lists no main/binary-amd64/Packages", "its architectures are arm64"],
    ),
    (
        "a keyring that is none",
        |scene| drop(scene.file("keys/first.gpg", b"no key")),
        Usage,
        &["debian", "keys/first.gpg is no keyring"],
    ),
];

#[test]
fn what_nobody_known_vouches_for_is_refused() {
    for (what, change, class, words) in REFUSED {
        let scene = with(&suite(&[built("tool", "1.0-1")]));
        scene.lock(&tool(), None).unwrap_or_else(|error| panic!("{what}: {error}"));
        scene.forget();
        change(&scene);
        scene.refused(what, &tool(), *class, words);
    }
}

#[test]
fn a_snapshot_may_be_old() {
    let scene = with(&suite(&[built("tool", "1.0-1")]).valid_until(SIGNED + DAY));
    let snapshot = wanting(&format!("{LISTED}\nsnapshot = true"), "'tool'");
    assert_eq!(names(&scene.lock(&snapshot, None).expect("it is signed")), ["tool 1.0-1"]);
    let error = scene.lock(&tool(), None).expect_err("it is expired");
    assert!(error.hints()[0].contains("snapshot = true"), "{:?}", error.hints());
}

#[test]
fn a_release_that_was_taken_back_is_refused_wherever_its_signature_is() {
    let scene = with(&suite(&[built("tool", "1.0-1")]).date(SIGNED + 2 * DAY));
    let lock = scene.lock(&tool(), None).expect("it is signed");
    scene.remove_all("repo");
    written(
        &scene,
        "repo",
        &suite(&[built("tool", "1.0-1")]).date(SIGNED + DAY).signatures(Signatures::Detached),
    );
    let error = scene.update(&tool(), &lock, &[]).expect_err("it is older");
    says("older", &error, Verification, &["one of 2024-04-12T00:00:00Z was seen before"]);
}

#[test]
fn from_a_mirror_alone_the_same_is_locked() {
    for signatures in [Signatures::Inline, Signatures::Detached] {
        let tools = [built("tool", "1.0-1"), built("other", "1")];
        let mut scene = with(&suite(&tools).by_hash().signatures(signatures));
        let lock = scene.lock(&tool(), None).expect("it can be locked");
        scene.mirror_alone(&tool(), &lock);
        let again = scene.lock(&tool(), None).unwrap_or_else(|error| panic!("{signatures:?}: {error}"));
        assert_eq!(again.to_text(), lock.to_text(), "{signatures:?}");
        scene
            .with(|supply, _| locking::check_mirrors(&tool(), &lock, supply))
            .expect("it is as it was locked");
    }
}
