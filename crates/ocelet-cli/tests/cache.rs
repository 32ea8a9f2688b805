//! `ocelet cache` as a user types it: what it prints, where it looks, and its exit codes.
#![expect(clippy::disallowed_methods, reason = "the test starts the program, and damages files")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use ocelet::fetch::store::{Store, VerifiedBlob};

fn ocelet(arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ocelet"));
    command.args(arguments).env_clear();
    command.envs(environment.iter().copied());
    command.output().expect("it was built")
}

/// Runs a command on the cache of a directory; its exit code, and all that it said.
fn cache(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let directory = directory.to_str().expect("text");
    let output = ocelet(&[&["cache", "--dir", directory], arguments].concat(), &[]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

fn put(directory: &Path, content: &[u8]) -> VerifiedBlob {
    let mut partial = Store::open(directory).and_then(|store| store.begin_unnamed()).expect("room");
    partial.write_all(content).expect("room");
    partial.finish().expect("nothing was announced")
}

/// What is typed, the exit code, what is said.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn a_damaged_file_is_told_with_exit_code_3_and_cleaned_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let cached = directory.path();
    let (right, damaged) = (put(cached, b"right"), put(cached, b"damaged"));
    let path = damaged.path().to_str().expect("text").to_owned();
    assert_eq!(cache(cached, &["verify"]), (Some(0), "    Verified 2 blobs, 12 B\n".to_owned()));
    std::fs::remove_file(&path).and_then(|()| std::fs::write(&path, b"changed")).expect("ours");
    let wanted = format!("wanted {}", damaged.digest());
    let kept = format!("{}        5 B  used today", right.digest());
    let cases: [Case<'_>; 10] = [
        (&["list"], 0, &[&kept, "2 blobs, 12 B"]),
        (&["verify"], 3, &[&path, &wanted, "got sha256:", "was moved to", "1 files of"]),
        (&["verify", "--format", "json"], 0, &["\"problems\": []", "\"blobs\": 1"]),
        (&["list"], 0, &[&kept, "damaged, moved aside", "1 blobs"]),
        (&["list", "--format", "json"], 0, &["\"size\": 5", "\"set_aside\": [\n    {"]),
        (&["clean", "--older-than", "1", "--all"], 2, &["cannot be used with"]),
        (&["clean"], 0, &["Removed 0 files", "1 blobs kept"]),
        (&["clean", "--older-than", "3"], 0, &["Removed 0 files", "1 blobs kept"]),
        (&["clean", "--all"], 0, &["Removed 2 files, 12 B; 0 blobs kept"]),
        (&["list"], 0, &["0 blobs, 0 B"]),
    ];
    for (typed, code, want) in cases {
        let (got, said) = cache(cached, typed);
        assert_eq!(got, Some(code), "{typed:?}: {said}");
        for want in want {
            assert!(said.contains(want), "{typed:?}: {want:?} in {said}");
        }
    }
}

#[test]
fn the_cache_is_where_the_environment_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let [own, caches, home] = ["own", "caches", "home"].map(|name| directory.path().join(name));
    let (empty, relative) = (Path::new(""), Path::new("relative"));
    // (OCELET_CACHE, XDG_CACHE_HOME, HOME, where the cache is)
    let cases = [
        (Some(own.as_path()), Some(caches.as_path()), Some(home.as_path()), Some(own.clone())),
        (None, Some(&caches), Some(&home), Some(caches.join("ocelet"))),
        (Some(empty), Some(&caches), Some(&home), Some(caches.join("ocelet"))),
        (None, None, Some(&home), Some(home.join(".cache/ocelet"))),
        (None, Some(empty), Some(&home), Some(home.join(".cache/ocelet"))),
        (None, Some(relative), Some(&home), Some(home.join(".cache/ocelet"))),
        (None, None, None, None),
    ];
    for (own, caches, home, want) in cases {
        let environment: Vec<(&str, &Path)> =
            [("OCELET_CACHE", own), ("XDG_CACHE_HOME", caches), ("HOME", home)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
        let output = ocelet(&["cache", "list"], &environment);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        if let Some(place) = want {
            assert_eq!(said, format!("{}: 0 blobs, 0 B\n", place.display()), "{environment:?}");
        } else {
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("set OCELET_CACHE or HOME"), "{said}");
        }
    }
}
