//! Mirrors on a real directory: what is written, what is left alone, and what is refused.
#![expect(clippy::disallowed_methods, reason = "tests make files, and damage those of others")]

use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use ocelet_oci::Digest;

use super::*;
use crate::event::Silent;
use crate::fetch::store::Store;
use crate::host::Scratch;
use crate::lock::{LockedArtifact, Vouched};
use crate::recipe::{Platform, SourceName};

/// A store, a mirror, and what is to be mirrored.
struct Scene {
    directory: tempfile::TempDir,
    lock: Lock,
    goods: Goods,
    indexes: Vec<(String, VerifiedBlob)>,
}

impl Scene {
    fn new(files: &[(&str, &str)], indexes: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path().join("store")).expect("a store");
        let keep = |text: &str| {
            let mut partial = store.begin_unnamed().expect("a file");
            partial.append(text.as_bytes()).expect("it can be written");
            partial.finish().expect("it is right")
        };
        let mut goods = Goods::new(store.clone());
        let mut lock = Lock::default();
        for (path, text) in files {
            goods.add(keep(text));
            let (size, sha256) = (text.len() as u64, Digest::of(text.as_bytes()));
            lock.artifacts.push(LockedArtifact {
                source: SourceName::new("tools").expect("a name"),
                platform: "linux/amd64".parse::<Platform>().expect("a platform"),
                file: LockedFile { path: (*path).to_owned(), size, sha256, sources: Vec::new() },
                vouched: Vouched::FirstUse,
            });
        }
        let indexes = indexes.iter().map(|(path, text)| ((*path).to_owned(), keep(text))).collect();
        Self { directory, lock, goods, indexes }
    }

    fn to(&self) -> std::path::PathBuf {
        self.directory.path().join("mirror")
    }

    fn write(&self, to: &Path) -> Result<MirrorReport, MirrorError> {
        let scratch = Scratch::new(self.directory.path());
        let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &Silent };
        write_mirror(&self.lock, &self.goods, &self.indexes, to, &host)
    }
}

fn scene() -> Scene {
    Scene::new(&[("a/b/one", "1"), ("two", "22"), ("empty", "")], &[("a/INDEX", "index")])
}

fn sums(to: &Path) -> String {
    std::fs::read_to_string(to.join(SUMS)).expect("sums")
}

fn line(path: &str, text: &str) -> String {
    format!("{}  {path}\n", Digest::of(text.as_bytes()).hex())
}

#[test]
fn a_mirror_is_plain_files_with_sums_and_a_second_run_touches_nothing() {
    let scene = scene();
    let to = scene.to();
    let report = scene.write(&to).expect("a mirror");
    let want = MirrorReport { files: 4, bytes: 8, written: 4, bytes_written: 8, ..MirrorReport::default() };
    assert_eq!(report, want);
    for (path, text) in [("a/b/one", "1"), ("two", "22"), ("empty", ""), ("a/INDEX", "index")] {
        assert_eq!(std::fs::read_to_string(to.join(path)).expect(path), text);
        let mode = std::fs::metadata(to.join(path)).expect(path).permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{path}");
    }
    let all = [line("a/INDEX", "index"), line("a/b/one", "1"), line("empty", ""), line("two", "22")].concat();
    assert_eq!(sums(&to), all);
    let inodes = |path: &str| std::fs::metadata(to.join(path)).expect(path).ino();
    let before = ["a/b/one", "two", "a/INDEX", SUMS].map(inodes);
    let report = scene.write(&to).expect("again");
    assert_eq!(report, MirrorReport { files: 4, bytes: 8, ..MirrorReport::default() });
    assert_eq!(["a/b/one", "two", "a/INDEX", SUMS].map(inodes), before);
}

#[test]
fn what_is_wrong_is_replaced_and_what_others_put_there_stays() {
    let scene = scene();
    let to = scene.to();
    std::fs::create_dir_all(to.join("a")).expect("a directory");
    std::fs::write(to.join("two"), "2x").expect("a file");
    std::fs::write(to.join("a/.ocelet-partial"), "left by one that died").expect("a file");
    std::os::unix::fs::symlink("/etc/passwd", to.join("a/INDEX")).expect("a link");
    std::fs::write(to.join(SUMS), [line("other", "o"), line("two", "2x")].concat()).expect("sums");
    let report = scene.write(&to).expect("a mirror");
    assert_eq!(report.replaced, ["two", "a/INDEX"]);
    assert_eq!((report.written, report.others), (4, 1));
    assert!(!to.join("a/INDEX").is_symlink());
    assert!(!to.join("a/.ocelet-partial").exists());
    assert_eq!(std::fs::read_to_string(to.join("two")).expect("it is there"), "22");
    assert!(sums(&to).contains(&line("other", "o")) && sums(&to).contains(&line("two", "22")));
}

#[test]
fn nothing_outside_is_written_and_problems_come_at_once() {
    let scene = Scene::new(
        &[("../out", "1"), ("/abs", "2"), ("same", "3"), ("same", "4"), (".ocelet-lock", "5")],
        &[("same", "3"), ("a\nb", "6")],
    );
    let to = scene.to();
    let error = scene.write(&to).expect_err("it is refused").to_string();
    for want in ["../out", "/abs", "same has two contents", ".ocelet-lock", "a\\nb", "both an index"] {
        assert!(error.contains(want), "{want}: {error}");
    }
    assert!(!to.exists() && !scene.directory.path().join("out").exists());
}

#[test]
fn what_cannot_be_used_is_named() {
    type Damage = fn(&Path);
    let table: [(&str, Damage, u8); 4] = [
        (
            "wanted a directory, got a symbolic link",
            |to| {
                std::fs::create_dir(to.join("elsewhere")).expect("a directory");
                std::os::unix::fs::symlink("elsewhere", to.join("a")).expect("a link");
            },
            1,
        ),
        ("wanted a directory", |to| std::fs::write(to.join("a"), "").expect("a file"), 1),
        ("cannot write", |to| std::fs::create_dir(to.join("two")).expect("a directory"), 1),
        ("line 1", |to| std::fs::write(to.join(SUMS), "0123  x\n").expect("sums"), 3),
    ];
    for (want, damage, class) in table {
        let scene = scene();
        let to = scene.to();
        std::fs::create_dir_all(&to).expect("a directory");
        damage(&to);
        let error = scene.write(&to).expect_err(want);
        assert!(error.to_string().contains(want), "{want}: {error}");
        assert_eq!(error.class() as u8, class, "{error}");
        assert!(!to.join("elsewhere/b").exists(), "no link was followed");
    }
}

#[test]
fn a_file_that_was_not_brought_is_named() {
    let mut scene = scene();
    scene.goods = Goods::new(scene.goods.store);
    let error = scene.write(&scene.to()).expect_err("nothing was brought").to_string();
    assert_eq!(error.matches("was not brought home").count(), 3, "{error}");
}

#[test]
fn many_writers_at_once_leave_one_right_mirror() {
    let scenes: Vec<Scene> = (0..6)
        .map(|number: u32| {
            let (path, text) = (format!("own/{number}"), number.to_string());
            Scene::new(&[(&path, &text), ("shared/x", "shared")], &[("INDEX", &text)])
        })
        .collect();
    let to = scenes[0].to();
    std::thread::scope(|scope| {
        for scene in &scenes {
            let to = &to;
            scope.spawn(move || scene.write(to).expect("a mirror"));
        }
    });
    let page = sums(&to);
    assert_eq!(page.lines().count(), 8, "{page}");
    for line in page.lines() {
        let (digest, path) = line.split_once("  ").expect("a line");
        let found = std::fs::read(to.join(path)).expect(path);
        assert_eq!(Digest::of(&found).hex(), digest, "{path}");
    }
}
