//! What every test here needs: a store, a client with short timeouts, and somebody who listens.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ocelet::fetch::store::Store;
use ocelet::fetch::{BringError, Goods, Served, Supply, Wanted, bring, bring_current, bring_unpinned};
use ocelet::host::{Host, Scratch};
use ocelet::lock::LockedFile;
use ocelet::net::{FileOnly, Mirror, Online, Patience, Roots, Source, Timeouts, Transport};
use ocelet::recipe::Location;
use ocelet::{Event, Observer};
use ocelet_oci::Digest;

use crate::server::{Counted, content};

pub(crate) const LENGTH: usize = 200_000;

pub(crate) struct Scene {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) heard: Heard,
    store: PathBuf,
    transport: Transport,
    offline: bool,
}

/// Keeps every event but those of progress, as text.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        if !matches!(event, Event::Fetching { .. }) {
            self.0.lock().expect("the events").push(format!("{event:?}"));
        }
    }
}

impl Heard {
    /// All that was heard since the last call, a line each.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("the events")).join("\n")
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let timeouts = Timeouts {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(2),
            stall: Duration::from_millis(700),
            least: 64,
        };
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            store: directory.path().join("store"),
            directory,
            mirrors: Vec::new(),
            heard: Heard::default(),
            transport: Online::new().roots(Roots::none()).timeouts(timeouts).connect().expect("a client"),
            offline: false,
        }
    }

    pub(crate) fn offline() -> Self {
        Self { offline: true, ..Self::new() }
    }

    /// Over somebody else's store.
    pub(crate) fn over(store: PathBuf) -> Self {
        Self { store, ..Self::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file below the scene's directory.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.store).expect("a store")
    }

    pub(crate) fn with<V>(&self, work: impl FnOnce(&Supply<'_>, &Host<'_>) -> V) -> V {
        let source: &dyn Source = if self.offline { &FileOnly } else { &self.transport };
        let sleeper = Counted::default();
        let supply = Supply {
            store: self.store(),
            source,
            sleeper: &sleeper,
            patience: Patience { attempts: 2, ..Patience::default() },
            mirrors: self.mirrors.clone(),
            base: self.directory.path().to_path_buf(),
            now: 0,
            apt_root: "/nowhere".into(),
        };
        let scratch = Scratch::new(self.directory.path());
        let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &self.heard };
        let began = Instant::now();
        let value = work(&supply, &host);
        assert!(began.elapsed() < Duration::from_secs(30), "bounded time: {:?}", began.elapsed());
        value
    }

    pub(crate) fn bring(&self, files: &[(String, &LockedFile)]) -> Result<Goods, BringError> {
        self.with(|supply, host| bring(files, supply, host))
    }

    /// Brings one file, and compares its bytes.
    pub(crate) fn bring_one(&self, file: &LockedFile) -> Result<(), BringError> {
        let goods = self.bring(&[("thing".to_owned(), file)])?;
        let blob = goods.get(&file.sha256).expect("it was brought");
        assert_eq!(Digest::of(&blob.content().bytes().expect("it can be read")), file.sha256);
        Ok(())
    }

    pub(crate) fn unpinned(&self, wanted: &Wanted) -> Result<Served, BringError> {
        self.with(|supply, host| bring_unpinned(std::slice::from_ref(wanted), supply, host)).remove(0)
    }

    pub(crate) fn current(&self, file: &LockedFile) -> Result<Served, BringError> {
        self.with(|supply, host| bring_current(&[("index".to_owned(), file)], 1 << 20, supply, host))
            .remove(0)
    }

    /// Asserts that the store holds so many blobs, nothing wrong, and so many bytes that can be gone on with.
    pub(crate) fn assert_store(&self, blobs: usize, unfinished: u64, what: &str) {
        let store = self.store();
        let found = store.verify().expect("it can be looked at");
        assert_eq!((found.blobs, found.problems.len()), (blobs, 0), "{what}: {:?}", found.problems);
        let left = store.list().expect("it can be listed").unfinished;
        assert!(left.iter().all(|file| !file.in_use), "{what}: {left:?}");
        assert_eq!(left.iter().map(|file| file.size).sum::<u64>(), unfinished, "{what}: {left:?}");
    }
}

/// A locked file of these bytes, at these places: addresses, or paths beside the recipe.
pub(crate) fn locked(bytes: &[u8], path: &str, sources: &[&str]) -> LockedFile {
    LockedFile {
        path: path.to_owned(),
        size: bytes.len() as u64,
        sha256: Digest::of(bytes),
        sources: locations(sources),
    }
}

pub(crate) fn locations(sources: &[&str]) -> Vec<Location> {
    let location = |text: &str| {
        if text.contains("://") { Location::Url(text.to_owned()) } else { Location::Path(text.to_owned()) }
    };
    sources.iter().map(|text| location(text)).collect()
}

/// The file that most tests want, at one place.
pub(crate) fn thing(source: &str) -> LockedFile {
    locked(&content(LENGTH), "dir/thing", &[source])
}
