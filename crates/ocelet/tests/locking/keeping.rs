//! What a lock keeps: a second run brings nothing home, a changed recipe is told exactly, and only what is new is
//! chosen.

use ocelet::ExitClass::Failed;
use ocelet::lock::parse;
use ocelet::locking::{self, Settled, Staleness, Trouble};

use crate::backend::{BACKENDS, Backend, described};
use crate::scene::{names, recipe, says};

#[test]
fn a_lock_is_text_that_is_read_back_and_a_second_run_fetches_nothing() {
    for backend in BACKENDS {
        let scene = backend.scene(&[described("tool", "1.0-r0"), described("other", "2.0-r0")]);
        let recipe = backend.recipe("'tool'");
        let lock = scene.lock(&recipe, None).expect("it can be locked");
        assert!(scene.heard.take().contains("Fetched"), "the first run fetches");
        let text = lock.to_text();
        assert_eq!(parse(&text).expect("our own text"), lock);
        // Not even the index is looked at: there is none any more.
        scene.remove(backend.files()[0]);
        for staleness in [Staleness::Refused, Staleness::Replaced] {
            let previous = Some(parse(&text).expect("our own text"));
            let settled =
                scene.with(|supply, host| locking::settle(&recipe, previous, staleness, supply, host));
            assert_eq!(settled.expect("it fits"), Settled { lock: lock.clone(), is_new: false });
        }
        assert_eq!(scene.heard.take(), "", "nothing was done");
    }
}

#[test]
fn what_was_locked_is_kept_until_it_is_named_or_gone() {
    for backend in BACKENDS {
        let scene = backend.scene(&[described("tool", "1.0-r0"), described("other", "2.0-r0")]);
        let recipe = backend.recipe("'tool', 'other'");
        let lock = scene.lock(&recipe, None).expect("it can be locked");
        scene.heard.take();
        let again = scene.lock(&recipe, Some(&lock)).expect("nothing has changed");
        assert_eq!(again.to_text(), lock.to_text());
        assert!(!scene.heard.take().contains("tool-1.0-r0"), "its bytes are known");

        let all = [
            described("tool", "1.0-r0"),
            described("tool", "1.1-r0"),
            described("other", "2.0-r0"),
            described("other", "2.1-r0"),
        ];
        backend.repository(&scene, &all);
        for (update, want) in [
            (None, ["other 2.0-r0", "tool 1.0-r0"]),
            (Some(&["tool"][..]), ["other 2.0-r0", "tool 1.1-r0"]),
            (Some(&[][..]), ["other 2.1-r0", "tool 1.1-r0"]),
        ] {
            let now = match update {
                None => scene.lock(&recipe, Some(&lock)),
                Some(update) => scene.update(&recipe, &lock, update),
            };
            assert_eq!(names(&now.expect("there is a choice")), want, "{update:?}");
        }

        backend.repository(&scene, &all[1..3]);
        scene.heard.take();
        let now = scene.lock(&recipe, Some(&lock)).expect("there is a newer one");
        assert_eq!(names(&now), ["other 2.0-r0", "tool 1.1-r0"]);
        let heard = scene.heard.take();
        assert!(heard.contains("tool 1.0-r0, which was locked, cannot be kept; it is now 1.1-r0"), "{heard}");
    }
}

const THING: &str = "[source.thing]\nartifact = 'release/thing'\ninstall = '/usr/bin/thing'\n";

/// What is changed in the recipe, and the differences from the lock; `source @` is the source.
type Change = (&'static str, &'static str, &'static [&'static str]);

const CHANGES: &[Change] = &[
    ("packages = ['tool']", "packages = [{ name = 'tool', reason = 'why not' }]", &[]),
    ("packages = ['tool']", "packages = ['tool']\nenv = { A = 'b' }", &[]),
    ("packages = ['tool']", "packages = ['tool', 'other']", &["source @ for linux/amd64: +other"]),
    ("packages = ['tool']", "packages = ['other']", &["source @ for linux/amd64: +other -tool"]),
    ("packages = ['tool']", "packages = ['tool>=1']", &["source @ for linux/amd64: +tool>=1 -tool"]),
    (
        "[flavor.x]",
        "pin = { tool = '<2' }\n[flavor.x]",
        &["source @: pin is tool<2, and was nothing when it was locked"],
    ),
    (
        "[source.thing]",
        "mirrors = ['copy']\n[source.thing]",
        &[
            "source @: mirrors is copy, and was nothing when it was locked",
            "source thing: mirrors is copy, and was nothing when it was locked",
        ],
    ),
    (
        "[source.thing]",
        "platforms = ['linux/amd64', 'linux/arm64']\n[source.thing]",
        &["source @: linux/arm64 is not in the lock", "source thing: linux/arm64 is not in the lock"],
    ),
    (
        "release/thing",
        "release/thing-2",
        &[
            "source thing: artifact is release/thing-2, and was release/thing when it was locked",
            "source thing for linux/amd64: +release/thing-2 -release/thing",
        ],
    ),
    (
        "install = '/usr/bin/thing'",
        "install = '/usr/bin/thing'\nchecksum = 'release/sums'",
        &["source thing for linux/amd64: +sums release/sums"],
    ),
    (THING, "", &["source thing is in the lock only"]),
    (
        "[source.thing]",
        "[source.more]\nartifact = 'release/more'\ninstall = '/usr/bin/more'\n[source.thing]",
        &["source more is not in the lock"],
    ),
];

const OF_ALPINE: &[Change] = &[
    ("packages = ['tool']", "packages = ['tool?']", &["source alpine for linux/amd64: +tool? -tool"]),
    (
        "packages = ['tool']",
        "packages = ['tool']\ncommands = ['tool']",
        &["source alpine for linux/amd64: +cmd:tool"],
    ),
    (
        "packages = ['tool']",
        "packages = ['tool']\nfiles = ['/usr/bin/tool']",
        &["source alpine for linux/amd64: +/usr/bin/tool?"],
    ),
    (
        "'repo/main'",
        "['repo/main', '@edge repo/edge']",
        &["source alpine: apk is repo/main @edge repo/edge, and was repo/main when it was locked"],
    ),
    (
        "first.rsa",
        "second.rsa",
        &[
            "source alpine: keys is keys/test-only-second.rsa.pub, and was keys/test-only-first.rsa.pub when it was locked",
        ],
    ),
];

const OF_DEBIAN: &[Change] = &[
    ("packages = ['tool']", "packages = ['tool']\ncommands = ['tool']", &[]),
    (
        "'repo bookworm main'",
        "'repo bookworm main', 'repo bookworm extra'",
        &[
            "source debian: deb is repo bookworm main repo bookworm extra, and was repo bookworm main when it was locked",
        ],
    ),
    (
        "first.gpg",
        "second.gpg",
        &["source debian: keys is keys/second.gpg, and was keys/first.gpg when it was locked"],
    ),
    (
        "[flavor.x]",
        "snapshot = true\n[flavor.x]",
        &["source debian: snapshot is true, and was nothing when it was locked"],
    ),
];

#[test]
fn a_changed_recipe_is_stale_with_exactly_the_differences() {
    for backend in BACKENDS {
        let scene = backend.scene(&[described("tool", "1.0-r0")]);
        scene.file("release/thing", b"thing");
        let text = format!("{THING}{}", backend.wanting("'tool'"));
        let lock = scene.lock(&recipe(&text), None).expect("it can be locked");
        let source = format!("source {}", backend.source());
        let own = match backend {
            Backend::Alpine => OF_ALPINE,
            Backend::Debian => OF_DEBIAN,
        };
        for (from, to, want) in CHANGES.iter().chain(own) {
            let want: Vec<String> = want.iter().map(|line| line.replace("source @", &source)).collect();
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let recipe = recipe(&changed);
            let got: Vec<String> = locking::stale(&recipe, &lock).iter().map(ToString::to_string).collect();
            assert_eq!(got, want, "{to}");
            let previous = Some(lock.clone());
            let settled = scene
                .with(|supply, host| locking::settle(&recipe, previous, Staleness::Refused, supply, host));
            match settled {
                Ok(settled) => assert!(want.is_empty() && !settled.is_new, "{to}"),
                Err(error) => {
                    assert!(matches!(error.trouble.as_slice(), [Trouble::Stale { .. }]), "{to}: {error}");
                    let words: Vec<&str> = want.iter().map(String::as_str).collect();
                    says(
                        to,
                        &error,
                        Failed,
                        &[&["the lock does not answer the recipe"], &words[..]].concat(),
                    );
                }
            }
        }
        let none = scene
            .with(|supply, host| locking::settle(&recipe(&text), None, Staleness::Refused, supply, host));
        says("no lock", &none.expect_err("there is none"), Failed, &["the recipe has no lock"]);
    }
}

#[test]
fn a_recipe_that_wants_more_keeps_the_rest() {
    for backend in BACKENDS {
        let scene = backend.scene(&[described("tool", "1.0-r0")]);
        let lock = scene.lock(&backend.recipe("'tool'"), None).expect("it can be locked");
        backend.repository(
            &scene,
            &[described("tool", "1.0-r0"), described("tool", "1.1-r0"), described("other", "2.0-r0")],
        );
        scene.forget();
        scene.heard.take();
        let wants_more = backend.recipe("'tool', 'other'");
        let settled = scene
            .with(|supply, host| {
                locking::settle(&wants_more, Some(lock.clone()), Staleness::Replaced, supply, host)
            })
            .expect("there is a choice");
        assert!(settled.is_new);
        assert_eq!(names(&settled.lock), ["other 2.0-r0", "tool 1.0-r0"]);
        let kept = settled.lock.packages.iter().find(|one| one.name == "tool").expect("it is there");
        assert_eq!(*kept, lock.packages[0]);
        let heard = scene.heard.take();
        assert!(heard.contains("other-2.0-r0") && !heard.contains("tool-1"), "{heard}");
    }
}
