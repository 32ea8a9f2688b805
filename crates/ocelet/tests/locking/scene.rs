//! What every test here needs: a directory with repositories and releases, a store, and somebody who listens.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ocelet::fetch::Supply;
use ocelet::fetch::store::Store;
use ocelet::host::{Host, Scratch};
use ocelet::lock::Lock;
use ocelet::locking::{self, LockingError};
use ocelet::net::{FileOnly, Mirror, Patience, ThreadSleeper};
use ocelet::recipe::{Context, Recipe, parse};
use ocelet::resolve::Update;
use ocelet::{Event, ExitClass, Observer};
use ocelet_testkit::apk::{Algorithm, BuiltPackage, PackageBuilder, TestKey, index};
use ocelet_testkit::openpgp::{DAY, SIGNED};

/// The time at which indexes are written, where a test does not care.
pub(crate) const TIME: u64 = 1_700_000_000;
/// Who signs, where a test does not care.
pub(crate) const SIGNERS: &[(TestKey, Algorithm)] = &[(TestKey::first(), Algorithm::Rsa)];

pub(crate) struct Scene {
    directory: tempfile::TempDir,
    pub(crate) mirrors: Vec<Mirror>,
    /// What time it is, in seconds since 1970.
    pub(crate) now: i64,
    pub(crate) heard: Heard,
}

/// Keeps every event but those of progress, as text; warnings as they are.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        let line = match event {
            Event::Fetching { .. } => return,
            Event::Warning { message } => format!("warning: {message}"),
            other => format!("{other:?}"),
        };
        self.0.lock().expect("the events").push(line);
    }
}

impl Heard {
    /// All that was heard since the last call, a line each.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("the events")).join("\n")
    }
}

impl Scene {
    /// With the public halves of all test keys in `keys/`.
    pub(crate) fn new() -> Self {
        let directory = quick_directory();
        let scene = Self {
            directory,
            mirrors: Vec::new(),
            now: i64::from(SIGNED + 30 * DAY),
            heard: Heard::default(),
        };
        for key in [TestKey::first(), TestKey::second(), TestKey::large()] {
            scene.file(&format!("keys/{}", key.name()), key.public_pem().as_bytes());
        }
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect(name);
    }

    pub(crate) fn remove_all(&self, name: &str) {
        std::fs::remove_dir_all(self.path(name)).expect(name);
    }

    /// Changes the text of a file.
    pub(crate) fn edited(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        let before = std::fs::read_to_string(self.path(name)).expect(name);
        let after = edit(&before);
        assert_ne!(after, before, "{name}");
        self.file(name, after.as_bytes());
    }

    /// Flips a bit in the middle of a file.
    pub(crate) fn flipped(&self, name: &str) {
        let mut bytes = std::fs::read(self.path(name)).expect(name);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        self.file(name, &bytes);
    }

    /// Forgets everything that was downloaded.
    pub(crate) fn forget(&self) {
        if self.path("store").exists() {
            std::fs::remove_dir_all(self.path("store")).expect("it is ours");
        }
    }

    /// Writes packages and their signed index below `repo/main/x86_64/`.
    pub(crate) fn repository(&self, packages: &[BuiltPackage]) {
        self.repository_at("repo/main/x86_64", packages, TIME, SIGNERS);
    }

    pub(crate) fn repository_at(
        &self,
        at: &str,
        packages: &[BuiltPackage],
        time: u64,
        signers: &[(TestKey, Algorithm)],
    ) {
        for package in packages {
            self.file(&format!("{at}/{}", package.file_name), &package.file);
        }
        let records: Vec<&str> = packages.iter().map(|package| package.record.as_str()).collect();
        self.file(&format!("{at}/APKINDEX.tar.gz"), &index("v1", &records, time, signers));
    }

    /// Calls the library over this scene's files and nothing else.
    pub(crate) fn with<V>(&self, work: impl FnOnce(&Supply<'_>, &Host<'_>) -> V) -> V {
        let supply = Supply {
            store: Store::open(self.path("store")).expect("a store"),
            source: &FileOnly,
            sleeper: &ThreadSleeper,
            patience: Patience { attempts: 1, ..Patience::default() },
            mirrors: self.mirrors.clone(),
            base: self.directory.path().to_path_buf(),
            now: self.now,
            apt_root: self.path("machine"),
        };
        let scratch = Scratch::new(self.directory.path());
        let jobs = NonZeroUsize::new(2).expect("two");
        work(&supply, &Host { jobs, epoch: None, scratch: &scratch, observer: &self.heard })
    }

    pub(crate) fn lock(&self, recipe: &Recipe, previous: Option<&Lock>) -> Result<Lock, LockingError> {
        self.with(|supply, host| locking::lock(recipe, previous, &Update::Nothing, supply, host))
    }

    pub(crate) fn update(
        &self,
        recipe: &Recipe,
        previous: &Lock,
        names: &[&str],
    ) -> Result<Lock, LockingError> {
        let names: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
        let update = if names.is_empty() { Update::Everything } else { Update::Names(names) };
        self.with(|supply, host| locking::lock(recipe, Some(previous), &update, supply, host))
    }

    /// Mirrors what a lock names to `mirror`; then that is all there is, for `repo` is gone.
    pub(crate) fn mirror_alone(&mut self, recipe: &Recipe, lock: &Lock) {
        let to = self.path("mirror");
        self.with(|supply, host| locking::mirror(recipe, lock, &to, supply, host)).expect("all is there");
        self.remove_all("repo");
        self.forget();
        self.mirrors = vec![Mirror::directory(&to)];
    }

    /// Asserts that a recipe is refused with this class and these words.
    pub(crate) fn refused(&self, what: &str, recipe: &Recipe, class: ExitClass, words: &[&str]) {
        match self.lock(recipe, None) {
            Ok(_) => panic!("{what}: it was locked"),
            Err(error) => says(what, &error, class, words),
        }
    }
}

/// A directory in memory where there is such a place: the store syncs each file, which thousands of cases would wait
/// for.
pub(crate) fn quick_directory() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Asserts the class of an error, and that its text has all the words.
pub(crate) fn says(what: &str, error: &LockingError, class: ExitClass, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.class(), class, "{what}: {text}");
    for word in words {
        assert!(text.contains(word), "{what}: no \"{word}\" in {text}");
    }
}

/// A recipe for amd64 with these lines.
pub(crate) fn recipe(lines: &str) -> Recipe {
    let head = if lines.contains("platforms = [") { "" } else { "platforms = ['linux/amd64']\n" };
    let text = format!("image = 'x'\ntag = 'v1'\n{head}{lines}");
    match parse(&text, &Context::default()) {
        Ok(parsed) => parsed.recipe,
        Err(problems) => panic!("{}", problems.render("recipe", &text)),
    }
}

/// The lines of a recipe that wants packages of the repository `repo/main`, which the first key signs.
pub(crate) fn wanting(packages: &str) -> String {
    format!(
        "[source.alpine]\napk = 'repo/main'\nkeys = ['keys/test-only-first.rsa.pub']\n[flavor.x]\npackages = [{packages}]\n"
    )
}

/// A package with one file, not yet built.
pub(crate) fn package(name: &str, version: &str) -> PackageBuilder {
    PackageBuilder::new(name, version, "x86_64").directory("usr").directory("usr/bin").file(
        &format!("usr/bin/{name}"),
        0o755,
        format!("{name} {version}").as_bytes(),
    )
}

/// A signed package with one file.
pub(crate) fn built(name: &str, version: &str) -> BuiltPackage {
    package(name, version).build(SIGNERS)
}

/// The packages and versions of a lock.
pub(crate) fn names(lock: &Lock) -> Vec<String> {
    lock.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect()
}
