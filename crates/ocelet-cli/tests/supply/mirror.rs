//! `ocelet mirror`: a directory that other tools can check and copy, and that is enough to build from.

use std::process::Command;

use ocelet_testkit::{files_below, said};

use crate::place::{Place, RECIPE};

const FROM: [&str; 3] = ["--offline", "--mirror", "fixtures/mirror"];

fn mirror(place: &Place, to: &str, from: &[&str]) -> String {
    place.run(&[&["mirror", RECIPE, "--to", to][..], from].concat()).succeeds().err
}

#[test]
fn a_mirror_is_plain_files_with_their_sums_and_is_not_touched_twice() {
    let place = Place::bundle();
    let err = mirror(&place, "m", &FROM);
    let files = files_below(&place.path("m"));
    let count = files.len() - 2;
    assert!(
        err.contains(&format!("Mirrored {count} files")) && err.contains(&format!("({count} written)")),
        "{err}"
    );
    let own = files_below(&place.path("fixtures/mirror"));
    for file in files.iter().filter(|file| !["SHA256SUMS", ".ocelet-lock"].contains(&file.as_str())) {
        assert!(own.contains(file), "{file}");
        assert_eq!(
            place.read(&format!("m/{file}")),
            place.read(&format!("fixtures/mirror/{file}")),
            "{file}"
        );
    }
    if let Ok(checked) = Command::new("sha256sum")
        .args(["-c", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(place.path("m"))
        .output()
    {
        assert!(checked.status.success(), "{checked:?}");
    }
    let err = mirror(&place, "m", &["--offline", "--mirror", "m"]);
    assert!(err.contains("(0 written)"), "{err}");
    // Out of the cache alone, where nothing but the indexes and sums is asked of anybody.
    let err = mirror(&place, "n", &FROM);
    assert!(err.contains(&format!("({count} written)")), "{err}");
    assert_eq!(place.read("n/SHA256SUMS"), place.read("m/SHA256SUMS"));
}

#[test]
fn a_mirror_of_one_recipe_is_enough_to_lock_and_assemble_it() {
    let place = Place::bundle();
    mirror(&place, "m", &FROM);
    let lock = place.text("recipes/bundle-node.lock");
    place.remove("fixtures/mirror");
    place.remove("recipes/bundle-node.lock");
    place.run_afresh(&["lock", RECIPE, "--offline", "--mirror", "m"]).succeeds();
    assert_eq!(place.text("recipes/bundle-node.lock"), lock);
    let arguments = [
        "assemble",
        RECIPE,
        "--offline",
        "--locked",
        "--mirror",
        "m",
        "--flavor",
        "kubelet",
        "--output",
        "out",
    ];
    place.run_afresh(&arguments).succeeds();
}

#[test]
fn a_file_that_is_missing_from_every_mirror_is_named() {
    let place = Place::bundle();
    let gone = "packages.example.org/alpine/v3.22/main/x86_64/musl-1.2.5-r10.apk";
    place.remove(&format!("fixtures/mirror/{gone}"));
    let words = ["musl-1.2.5-r10 could not be had", gone, "no such file", "offline", "--mirror DIR"];
    for arguments in [&["assemble", RECIPE, "--locked"][..], &["mirror", RECIPE, "--to", "m"]] {
        place.run_afresh(&[arguments, &FROM].concat()).fails(4, &words);
    }
    assert!(!place.path("m").exists(), "nothing is written by halves");
}

#[test]
fn two_who_write_one_mirror_wait_for_each_other() {
    let place = Place::bundle();
    let arguments = [&["mirror", RECIPE, "--to", "m"][..], &FROM].concat();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| said(&mut place.command(&arguments)).succeeds());
        }
    });
    let err = mirror(&place, "m", &["--offline", "--mirror", "m"]);
    assert!(err.contains("(0 written)"), "{err}");
}
