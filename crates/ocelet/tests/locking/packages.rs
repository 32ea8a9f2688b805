//! Packages that are not the ones that their signed index lists, indexes that were taken back, and formats that are
//! not read.

use ocelet::ExitClass::Verification;
use ocelet_testkit::apk::BuiltPackage;

use crate::scene::{SIGNERS, Scene, TIME, built, package, recipe, says, wanting};

const APK: &str = "repo/main/x86_64/tool-1.0-r0.apk";
const INDEX: &str = "repo/main/x86_64/APKINDEX.tar.gz";

/// A repository with the package, after something was done to what was built.
fn forged(forge: impl FnOnce(&mut BuiltPackage)) -> Scene {
    let scene = Scene::new();
    let mut tool = built("tool", "1.0-r0");
    forge(&mut tool);
    scene.repository(&[tool]);
    scene
}

/// Another package's bytes under this one's record; the record says their length.
fn exchanged(tool: &mut BuiltPackage, file: Vec<u8>) {
    let size = |length: usize| format!("\nS:{length}\n");
    tool.record = tool.record.replace(&size(tool.file.len()), &size(file.len()));
    tool.file = file;
}

#[test]
fn a_package_that_is_not_the_listed_one_is_refused() {
    let recipe = recipe(&wanting("'tool'"));
    let scene =
        forged(|tool| exchanged(tool, package("tool", "1.0-r0").replace("commit", "x").build(SIGNERS).file));
    scene.refused("another build", &recipe, Verification, &[APK, "but the index lists Q1", "another build"]);

    let scene = forged(|tool| exchanged(tool, built("other", "1.0-r0").file));
    scene.refused("another package", &recipe, Verification, &[APK, "but the index lists Q1"]);

    let scene = forged(|tool| {
        let control = built("tool", "0.9-r0");
        let identity = control.record.lines().next().expect("C:").to_owned();
        exchanged(tool, control.file);
        let own = tool.record.lines().next().expect("C:").to_owned();
        tool.record = tool.record.replace(&own, &identity);
    });
    scene.refused(
        "an older one as a newer one",
        &recipe,
        Verification,
        &[APK, "says that it is tool-0.9-r0", "lists tool-1.0-r0"],
    );

    let scene = forged(|tool| {
        let last = tool.file.len() - 12;
        tool.file[last] ^= 1;
    });
    scene.refused("other data", &recipe, Verification, &[APK, "data member", "has sha256", "wants"]);

    let scene = forged(|tool| {
        let other =
            package("tool", "1.0-r0").file("usr/bin/back-door", 0o4755, b"#!/bin/sh\n").build(SIGNERS);
        let file = [&tool.file[..tool.ends[1]], &other.file[other.ends[1]..]].concat();
        exchanged(tool, file);
    });
    scene.refused("the data of another build", &recipe, Verification, &[APK, "data member", "wants"]);

    let scene = forged(|tool| {
        let file = [&tool.file[..], b"more"].concat();
        exchanged(tool, file);
    });
    scene.refused("something behind it", &recipe, Verification, &[APK]);
}

#[test]
fn a_package_of_another_length_is_not_taken() {
    let recipe = recipe(&wanting("'tool'"));
    for (what, forge) in [
        ("longer", (|tool| tool.file.push(0)) as fn(&mut BuiltPackage)),
        ("shorter", |tool| tool.file.truncate(tool.file.len() - 1)),
        ("empty", |tool| tool.file.clear()),
    ] {
        let scene = forged(forge);
        scene.refused(what, &recipe, Verification, &[APK, "tool-1.0-r0", "bytes where"]);
    }
}

#[test]
fn formats_of_version_three_are_named() {
    let recipe = recipe(&wanting("'tool'"));
    for magic in [&b"ADB.pckg"[..], b"ADBd\x78\x9c", b"ADBc\x01\x03"] {
        let scene = forged(|tool| exchanged(tool, magic.to_vec()));
        scene.refused(
            "package",
            &recipe,
            Verification,
            &[APK, "format version 3", "repository of format version 2"],
        );
        let scene = forged(|_| ());
        scene.file(INDEX, magic);
        scene.refused("index", &recipe, Verification, &[INDEX, "format version 3", "take APKINDEX.tar.gz"]);
    }
}

#[test]
fn an_index_that_was_taken_back_is_refused() {
    let recipe = recipe(&wanting("'tool'"));
    let at = "repo/main/x86_64";
    let at_time = |time: &str| package("tool", "1.0-r0").replace("builddate", time).build(SIGNERS);
    let (old, new) = (at_time("1700000000"), at_time("1700000500"));
    let scene = Scene::new();
    scene.repository_at(at, std::slice::from_ref(&new), TIME + 1000, SIGNERS);
    let lock = scene.lock(&recipe, None).expect("it is signed");
    for (what, tool, time, is_older) in [
        ("written earlier, older", &old, TIME, true),
        ("written then, older", &old, TIME + 1000, true),
        ("written later, with the newest package withdrawn", &old, TIME + 2000, false),
    ] {
        scene.repository_at(at, std::slice::from_ref(tool), time, SIGNERS);
        match scene.update(&recipe, &lock, &[]) {
            Ok(_) => assert!(!is_older, "{what}"),
            Err(error) => {
                assert!(is_older, "{what}: {error}");
                let (seen, got) = ((TIME + 1000).to_string(), time.to_string());
                says(what, &error, Verification, &[INDEX, "was taken back", &seen, &got]);
                assert!(error.hints()[0].contains("remove the lock"), "{what}");
            }
        }
    }
}

#[test]
fn an_index_that_is_signed_and_no_index_is_refused() {
    let scene = Scene::new();
    let recipe = recipe(&wanting("'tool'"));
    let broken = BuiltPackage { record: "P:tool\nV:1\n?".to_owned(), ..built("tool", "1.0-r0") };
    scene.repository(&[broken]);
    scene.refused("a record that is none", &recipe, Verification, &[INDEX, "signed", "cannot be read"]);
    let hostile = built("tool", "1.0-r0");
    let record = hostile.record.replace("P:tool", "P:../../tool") + "p:tool=1.0-r0\n";
    scene.repository(&[BuiltPackage { record, ..hostile }]);
    scene.refused(
        "a name that climbs",
        &recipe,
        Verification,
        &["../../tool", "cannot be the name of a file"],
    );
}
