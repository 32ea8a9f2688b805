//! What is the same for repositories of both distributions: what is chosen, who vouches, what is refused, and mirrors.

use ocelet::ExitClass::{Failed, Unavailable, Verification};
use ocelet::lock::Lock;
use ocelet::locking;
use ocelet::recipe::Recipe;
use ocelet_oci::Digest;

use crate::backend::{BACKENDS, Backend, Described, described};
use crate::scene::{Scene, names, says};

fn tool() -> Described {
    described("tool", "1.0-r0")
}

/// A scene with that package, and the recipe that wants it.
fn with_tool(backend: Backend) -> (Scene, Recipe) {
    (backend.scene(&[tool()]), backend.recipe("'tool'"))
}

#[test]
fn what_is_needed_comes_along_and_the_order_of_an_index_does_not_matter() {
    for backend in BACKENDS {
        let mut packages = [
            tool().depends("library"),
            described("tool", "0.9-r0"),
            described("library", "2.0-r0"),
            described("other", "1-r0"),
        ];
        let scene = backend.scene(&packages);
        let lock = scene.lock(&backend.recipe("'tool'"), None).expect("it can be locked");
        assert_eq!(names(&lock), ["library 2.0-r0", "tool 1.0-r0"], "{backend:?}");
        assert!(lock.packages[0].because.contains("needed by tool"), "{:?}", lock.packages[0]);
        for _ in 1..packages.len() {
            packages.rotate_left(1);
            backend.repository(&scene, &packages);
            let again = scene.lock(&backend.recipe("'tool'"), None).expect("it can be locked");
            assert_eq!(again.packages, lock.packages, "{backend:?}");
        }
    }
}

#[test]
fn what_is_damaged_missing_or_signed_by_a_stranger_is_refused() {
    for backend in BACKENDS {
        let (scene, recipe) = with_tool(backend);
        for file in backend.files() {
            let bytes = std::fs::read(scene.path(file)).expect(file);
            scene.flipped(file);
            scene.refused(file, &recipe, Verification, &[file]);
            scene.remove(file);
            scene.forget();
            scene.refused(file, &recipe, Unavailable, &[file, "no such file"]);
            scene.file(file, &bytes);
        }
        scene.forget();
        backend.repository_at(&scene, "", &[tool()], 0, false);
        scene.refused("a stranger", &recipe, Verification, &[backend.files()[0], "not in the keyring"]);
        backend.repository(&scene, &[described("tole", "1.0-r0")]);
        let platform = format!("{} for linux/amd64", backend.source());
        scene.refused("no such package", &recipe, Failed, &[&platform, "tool"]);
        scene.remove(backend.key());
        scene.refused("no key", &recipe, Unavailable, &[backend.source(), backend.key()]);
    }
}

#[test]
fn an_index_that_was_taken_back_is_refused() {
    for backend in BACKENDS {
        let (scene, recipe) = with_tool(backend);
        backend.repository_at(&scene, "", &[tool()], 2, true);
        let lock = scene.lock(&recipe, None).expect("it is signed");
        for (days, is_older) in [(2, false), (3, false), (1, true)] {
            backend.repository_at(&scene, "", &[tool()], days, true);
            match scene.update(&recipe, &lock, &[]) {
                Ok(_) => assert!(!is_older, "{backend:?}, {days}"),
                Err(error) => {
                    assert!(is_older, "{backend:?}, {days}: {error}");
                    says("older", &error, Verification, &[backend.files()[0]]);
                }
            }
        }
    }
}

/// A scene whose repository was mirrored to `mirror` and is gone, with its recipe and lock.
fn mirrored(backend: Backend) -> (Scene, Recipe, Lock) {
    let (mut scene, recipe) = with_tool(backend);
    let lock = scene.lock(&recipe, None).expect("it can be locked");
    scene.mirror_alone(&recipe, &lock);
    (scene, recipe, lock)
}

#[test]
fn each_file_of_a_mirror_counts() {
    for backend in BACKENDS {
        let (scene, recipe, lock) = mirrored(backend);
        let check = || scene.with(|supply, _| locking::check_mirrors(&recipe, &lock, supply));
        let digest = |file: &str| Digest::of(&std::fs::read(scene.path(file)).expect(file)).hex();
        let files: Vec<String> = backend.files().iter().map(|file| format!("mirror/local/{file}")).collect();
        for page in [true, false] {
            if !page {
                scene.remove("mirror/SHA256SUMS");
            }
            for (number, file) in files.iter().enumerate() {
                let wanted = digest(file);
                scene.flipped(file);
                scene.forget();
                let got = digest(file);
                let words = [file.as_str(), wanted.as_str(), got.as_str()];
                // Without the page a signed index has no digest that it should have.
                let words = if page { &words[..] } else { &words[..1] };
                scene.refused(file, &recipe, Verification, words);
                match check() {
                    // Packages are checked where they are brought home.
                    Ok(()) => assert_eq!(number, files.len() - 1, "{file}"),
                    Err(error) => says(file, &error, Verification, &[file]),
                }
                scene.flipped(file);
            }
        }
        check().expect("it is as it was locked");
        assert_eq!(scene.lock(&recipe, None).expect("the mirror has all").to_text(), lock.to_text());
    }
}

#[test]
fn a_mirror_may_be_newer_than_the_lock_if_a_known_key_vouches() {
    for backend in BACKENDS {
        let (scene, recipe, lock) = mirrored(backend);
        scene.remove("mirror/SHA256SUMS");
        let newer = [tool(), described("tool", "1.1-r0")];
        let check = || scene.with(|supply, _| locking::check_mirrors(&recipe, &lock, supply));
        backend.repository_at(&scene, "mirror/local/", &newer, 1, true);
        check().expect("it is signed");
        backend.repository_at(&scene, "mirror/local/", &newer, 1, false);
        says("another key", &check().expect_err("who is that"), Verification, &["not in the keyring"]);
    }
}

#[test]
fn a_repository_that_has_moved_on_is_mirrored_as_it_is_now() {
    for backend in BACKENDS {
        let (mut scene, recipe) = with_tool(backend);
        let lock = scene.lock(&recipe, None).expect("it can be locked");
        backend.repository_at(&scene, "", &[tool(), described("tool", "1.1-r0")], 1, true);
        scene.forget();
        scene.heard.take();
        scene.mirror_alone(&recipe, &lock);
        let heard = scene.heard.take();
        let (_, indexes) = backend.files().split_last().expect("there are several");
        for file in indexes {
            assert!(heard.contains(&format!("local/{file} that was locked is gone")), "{heard}");
        }
        assert_eq!(names(&scene.lock(&recipe, Some(&lock)).expect("all is there")), ["tool 1.0-r0"]);
    }
}
