//! `deb = "system"`: what apt of a machine has, into locks; what is left out as apt does, and what is not.

use ocelet::ExitClass::{self, Unavailable, Usage, Verification};
use ocelet::locking;
use ocelet::recipe::Recipe;
use ocelet::{Error, Options, Provisions};
use ocelet_testkit::deb::{DebBuilder, Repository, Signatures};
use ocelet_testkit::openpgp::{DAY, SIGNED};

use crate::debian::{built, key, package, scene, suite, written};
use crate::scene::{Scene, names, recipe, says};

const SOURCES: &str = "machine/etc/apt/sources.list";
const TRUSTED: &str = "machine/etc/apt/trusted.gpg.d/first.gpg";

fn tool() -> Recipe {
    recipe("[source.debian]\ndeb = 'system'\n[flavor.x]\npackages = ['tool']\n")
}

impl Scene {
    /// Writes apt's list; `AT` in it is this scene's directory.
    fn sources(&self, text: &str) {
        self.file(SOURCES, text.replace("AT", &self.path("").display().to_string()).as_bytes());
    }
}

/// A machine whose apt takes packages from `repo`, with the first key.
fn machine(repository: &Repository) -> Scene {
    let scene = scene();
    written(&scene, "repo", repository);
    scene.file(TRUSTED, &key(1).packets);
    scene.sources("deb file:ATrepo bookworm main\n");
    scene
}

#[test]
fn every_platform_has_its_own_packages_and_the_lock_is_of_no_machine() {
    let repository = Repository::new("bookworm")
        .package("main", &built("tool", "1.0-1"))
        .package("main", &DebBuilder::new("tool", "1.0-2", "armhf").build());
    let scene = machine(&repository);
    let text = "platforms = ['linux/amd64', 'linux/arm/v7']\n[source.debian]\ndeb = 'system'\n[flavor.x]\npackages = ['tool']\n";
    let both = recipe(text);
    let lock = scene.lock(&both, None).expect("it can be locked");
    assert_eq!(names(&lock), ["tool 1.0-1", "tool 1.0-2"]);
    assert_eq!(lock.indexes.len(), 4, "a Release and a list for each platform");
    let asked = format!("{:?}", lock.asked);
    assert!(asked.contains("system") && !asked.contains("repo"), "{asked}");
    // On another machine the lock answers the same recipe.
    scene.sources("deb https://elsewhere.example.org/debian bookworm main\n");
    assert_eq!(locking::stale(&both, &lock), []);
}

#[test]
fn the_keys_are_those_that_the_source_names() {
    let scene = machine(&suite(&[built("tool", "1.0-1")]));
    scene.remove(TRUSTED);
    scene.file("machine/usr/share/keyrings/first.gpg", &key(1).packets);
    scene.sources("deb [signed-by=/usr/share/keyrings/first.gpg] file:ATrepo bookworm main\n");
    let lock = scene.lock(&tool(), None).expect("it is signed");
    assert_eq!(lock.packages[0].signed_by, format!("bookworm {}", key(1).fingerprint()));
    scene.file("machine/usr/share/keyrings/first.gpg", &key(2).packets);
    scene.refused(
        "another key",
        &tool(),
        Unavailable,
        &["none of apt's sources can be used", "not in the keyring"],
    );
}

/// What stands in the list besides the repository that is right, what is in the directory `other`, and what the
/// warning says.
type Left = (&'static str, fn() -> Repository, &'static str);

const LEFT_OUT: &[Left] = &[
    (
        "deb file:ATgone bookworm main",
        || suite(&[]),
        "gone/dists/bookworm of apt's source in /etc/apt/sources.list, line ",
    ),
    ("deb file:ATother bookworm main", || suite(&[built("tool", "9")]).signer(&key(2)), "not in the keyring"),
    (
        "deb file:ATother bookworm main",
        || suite(&[built("tool", "9")]).signatures(Signatures::Missing),
        "InRelease",
    ),
    (
        "deb file:ATother bookworm main",
        || Repository::new("bookworm").package("main", &DebBuilder::new("tool", "9", "arm64").build()),
        "lists no main/binary-amd64/Packages",
    ),
    (
        "deb file:ATother bookworm extra",
        || suite(&[built("tool", "9")]),
        "lists no extra/binary-amd64/Packages",
    ),
    ("deb tor+https://a.example.org/d bookworm main", || suite(&[]), "cannot fetch by \"tor+https\""),
    (
        "deb file:ATother bookworm main",
        || suite(&[built("tool", "9")]).field("NotAutomatic", "yes"),
        "only when told to (NotAutomatic)",
    ),
];

#[test]
fn what_apt_goes_on_without_is_left_out_and_told() {
    for (line, other, words) in LEFT_OUT {
        let scene = machine(&suite(&[built("tool", "1.0-1")]));
        written(&scene, "other", &other());
        scene.sources(&format!("deb file:ATrepo bookworm main\n{line}\n"));
        let lock = scene.lock(&tool(), None).unwrap_or_else(|error| panic!("{line}, {words}: {error}"));
        assert_eq!(names(&lock), ["tool 1.0-1"], "{line}, {words}");
        let heard = scene.heard.take();
        let warnings: Vec<&str> = heard.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert!(warnings.len() == 1 && heard.contains(words), "{line}: no \"{words}\" in {heard}");
        scene.sources(&format!("{line}\n"));
        scene.refused(line, &tool(), Unavailable, &["none of apt's sources can be used", words]);
    }
}

/// The list, what is in `other`, how it ends, and words of the message.
type Case = (&'static str, fn() -> Repository, ExitClass, &'static [&'static str]);

const REFUSED: &[Case] = &[
    (
        "deb file:ATrepo bookworm main\ndeb file:ATother bookworm main",
        || suite(&[]).valid_until(SIGNED + DAY),
        Verification,
        &["apt's source in /etc/apt/sources.list, line 2", "was valid until"],
    ),
    (
        "deb file:ATrepo bookworm main\ndeb file:ATother bookworm main",
        || suite(&[]).field("Codename", "sid").field("Suite", "unstable"),
        Verification,
        &["apt's source in /etc/apt/sources.list, line 2", "is of suite unstable"],
    ),
    (
        "deb file:ATrepo bookworm main\ndeb [trusted=yes] file:ATother bookworm main",
        || suite(&[]).signer(&key(2)),
        Verification,
        &["line 2 without a signature (trusted=yes)", "ocelet takes nothing unsigned"],
    ),
    (
        "deb-src file:ATrepo bookworm main",
        || suite(&[]),
        Unavailable,
        &["apt has no sources of packages for amd64"],
    ),
    ("deb file:ATrepo", || suite(&[]), Usage, &["/etc/apt/sources.list cannot be read"]),
];

#[test]
fn what_is_forged_expired_or_unreadable_ends_the_run() {
    for (list, other, class, words) in REFUSED {
        let scene = machine(&suite(&[built("tool", "1.0-1")]));
        written(&scene, "other", &other());
        scene.sources(&format!("{list}\n"));
        scene.refused(list, &tool(), *class, words);
    }
    let scene = machine(&suite(&[built("tool", "1.0-1")]));
    scene.edited("repo/dists/bookworm/InRelease", |text| text.replace("Origin: Test", "Origin: Tost"));
    let error = scene.lock(&tool(), None).expect_err("it was changed");
    says("changed", &error, Verification, &["apt's source in", "does not fit the bytes"]);
    assert!(error.hints().concat().contains("disable it for apt"), "{:?}", error.hints());
}

#[test]
fn what_the_lock_was_made_from_is_never_left_out() {
    let scene = machine(&suite(&[built("tool", "1.0-1")]));
    written(&scene, "other", &suite(&[package("tool", "1.1-1").build()]));
    scene.sources("deb file:ATrepo bookworm main\ndeb file:ATother bookworm main\n");
    let lock = scene.lock(&tool(), None).expect("both are signed");
    assert_eq!(names(&lock), ["tool 1.1-1"]);
    scene.remove_all("other");
    let error = scene.update(&tool(), &lock, &[]).expect_err("packages would grow old");
    says("gone", &error, Unavailable, &["other/dists/bookworm/InRelease", "line 2"]);
    assert_eq!(names(&scene.lock(&tool(), None).expect("a new lock does without")), ["tool 1.0-1"]);
}

#[test]
fn a_mirror_of_the_machines_sources_serves_without_them() {
    let mut scene = machine(&suite(&[built("tool", "1.0-1")]));
    let lock = scene.lock(&tool(), None).expect("it can be locked");
    scene.mirror_alone(&tool(), &lock);
    assert_eq!(scene.lock(&tool(), None).expect("the mirror has it").to_text(), lock.to_text());
    // A machine without these sources, or without apt, takes the lock as it is.
    scene.remove_all("machine");
    scene.with(|supply, _| locking::check_mirrors(&tool(), &lock, supply)).expect("it is as it was locked");
    scene.refused("no apt", &tool(), Unavailable, &["apt has no sources of packages for amd64 in"]);
}

/// What is done before another machine uses the lock: to the list of its apt and to the repositories. Where the package
/// comes from then; nothing where it cannot be had.
type Elsewhere = (&'static str, fn(&Scene), Option<&'static str>);

const INTERNAL: &str = "deb file:ATgone bookworm main\ndeb file:ATinternal bookworm main\n";

const ELSEWHERE: &[Elsewhere] = &[
    ("the same machine", |scene| scene.forget(), Some("/repo/pool/")),
    (
        "both mirrors on one machine",
        |scene| scene.sources(&format!("{INTERNAL}deb file:ATrepo bookworm main\n")),
        Some("/repo/pool/"),
    ),
    (
        "an internal mirror, though the first can be reached",
        |scene| scene.sources(INTERNAL),
        Some("/internal/pool/"),
    ),
    (
        "other bytes of the same name",
        |scene| {
            scene.sources(INTERNAL);
            scene.flipped("internal/pool/main/tool_1.0-1_amd64.deb");
        },
        Some("/repo/pool/"),
    ),
    (
        "an internal mirror alone",
        |scene| {
            scene.sources(INTERNAL);
            scene.remove_all("repo");
        },
        Some("/internal/pool/"),
    ),
    ("no other mirror", |scene| scene.remove_all("repo"), None),
    (
        "no apt",
        |scene| {
            scene.remove_all("machine");
            scene.remove_all("repo");
        },
        None,
    ),
    (
        "sources that cannot be read",
        |scene| {
            scene.sources("deb file:ATinternal\n");
            scene.remove_all("repo");
        },
        None,
    ),
];

#[test]
fn another_machine_has_the_locked_bytes_from_where_its_own_apt_has_them() {
    for (what, change, from) in ELSEWHERE {
        let scene = machine(&suite(&[built("tool", "1.0-1")]));
        written(&scene, "internal", &suite(&[built("tool", "1.0-1")]));
        let lock = scene.lock(&tool(), None).expect("it can be locked");
        let text = lock.to_text();
        change(&scene);
        let to = scene.path("mirror");
        for step in ["assemble", "mirror"] {
            scene.forget();
            scene.heard.take();
            let outcome = scene.with(|supply, host| match step {
                "mirror" => Ok(locking::mirror(&tool(), &lock, &to, supply, host).map(drop)?),
                _ => ocelet::assemble(
                    &tool(),
                    Some(Provisions { lock: &lock, supply }),
                    &ocelet::rules(),
                    &scene.path(""),
                    &scene.path("out"),
                    &Options::default(),
                    host,
                )
                .map(drop),
            });
            let heard = scene.heard.take();
            match (outcome, from) {
                (Ok(()), Some(from)) => {
                    let told = |line: &str| line.starts_with("Fetched {") && line.contains(from);
                    assert!(heard.lines().any(told), "{what}, {step}: {heard}");
                }
                (Err(error), None) => {
                    assert_eq!(Error::class(&error), Unavailable, "{what}, {step}: {error}");
                }
                (outcome, _) => panic!("{what}, {step}: {outcome:?}"),
            }
        }
        assert_eq!(lock.to_text(), text, "{what}");
        assert!(!text.contains("internal"), "{text}");
    }
}

#[test]
fn what_changes_is_told_on_another_machine_too() {
    let scene = machine(&suite(&[built("tool", "1.0-1")]));
    let before = scene.lock(&tool(), None).expect("it can be locked");
    let new = package("tool", "1.1-1").file("usr/bin/more", 0o755, b"").build();
    written(&scene, "internal", &suite(&[built("tool", "1.0-1"), new]));
    scene.remove_all("repo");
    scene.sources("deb file:ATinternal bookworm main\n");
    let after = scene.update(&tool(), &before, &["tool"]).expect("it is signed");
    scene.forget();
    let diff = scene.with(|supply, host| locking::compare(&tool(), &before, &after, supply, host));
    assert!(diff.changes[0].to_string().contains("new file /usr/bin/more"), "{diff:?}");
}
