//! A recipe with a lock and a store, made by hand: what the tests of packages and artifacts unpack.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use ocelet_oci::Digest;
use ocelet_tree::{Kind, Node, Tree, TreePath};

use super::{UnpackError, Unpacked, unpack};
use crate::error::sentence;
use crate::event::{Event, Observer};
use crate::fetch::Goods;
use crate::fetch::store::{Begun, Store};
use crate::host::{Host, Scratch};
use crate::lock::{Lock, LockedArtifact, LockedFile, LockedPackage, Vouched};
use crate::recipe::{Context, Location, Platform, Recipe, SourceName, parse};
use crate::resolve::Asked;

/// A bench to unpack on; its store goes with it.
pub(super) struct Bench {
    directory: tempfile::TempDir,
    pub(super) recipe: Recipe,
    pub(super) lock: Lock,
    pub(super) goods: Goods,
    pub(super) jobs: usize,
    warnings: Warnings,
}

#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Observer for Warnings {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            self.0.lock().expect("nobody panics").push((*message).to_owned());
        }
    }
}

impl Bench {
    /// A recipe for amd64 with these lines of sources, and a lock that names them all and has nothing yet.
    pub(super) fn new(sources: &str) -> Self {
        let text = format!(
            "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'x'\n{sources}\n[flavor.x]\nfiles = ['/**']\n"
        );
        let parsed = parse(&text, &Context::default());
        let recipe = parsed.unwrap_or_else(|problems| panic!("{}", problems.render("recipe", &text))).recipe;
        let asked = recipe.sources.keys().map(|name| (name.clone(), Asked::default())).collect();
        let directory = tempfile::tempdir().expect("a directory");
        let goods = Goods::new(Store::open(directory.path().join("cache")).expect("nothing is there"));
        let lock = Lock { asked, ..Lock::default() };
        Self { directory, recipe, lock, goods, jobs: 2, warnings: Warnings::default() }
    }

    pub(super) fn platform(&self) -> Platform {
        self.recipe.platforms[0].value.clone()
    }

    fn source(&self, name: &str) -> SourceName {
        self.recipe.sources.keys().find(|one| one.as_str() == name).expect("a source of the recipe").clone()
    }

    /// Brings a file home.
    pub(super) fn bring(&mut self, bytes: &[u8]) -> LockedFile {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        let blob = match self.goods.store.begin(&digest, size).expect("there is room") {
            Begun::Held(blob) => blob,
            Begun::Write(mut partial) => {
                partial.append(bytes).expect("there is room");
                partial.finish().expect("it is right")
            }
            Begun::Busy => panic!("begin waits"),
        };
        self.goods.add(blob);
        let sources = vec![Location::Url("https://example.org/first".to_owned())];
        LockedFile { path: "a/b".to_owned(), size, sha256: digest, sources }
    }

    /// Locks a package and brings it home.
    pub(super) fn package(&mut self, source: &str, name: &str, version: &str, identity: &str, bytes: &[u8]) {
        let package = LockedPackage {
            source: self.source(source),
            platform: self.platform(),
            name: name.to_owned(),
            version: version.to_owned(),
            file: self.bring(bytes),
            identity: identity.to_owned(),
            signed_by: String::new(),
            because: std::collections::BTreeSet::new(),
        };
        self.lock.packages.push(package);
    }

    /// Locks an artifact and brings it home.
    pub(super) fn artifact(&mut self, source: &str, bytes: &[u8]) {
        let (source, platform) = (self.source(source), self.platform());
        let file = self.bring(bytes);
        self.lock.artifacts.push(LockedArtifact { source, platform, file, vouched: Vouched::Recipe });
    }

    pub(super) fn unpack(&self) -> Result<Unpacked, UnpackError> {
        let scratch = Scratch::new(self.directory.path());
        let jobs = NonZeroUsize::new(self.jobs).expect("at least one");
        let host = Host { jobs, epoch: None, scratch: &scratch, observer: &self.warnings };
        unpack(&self.recipe, Some((&self.lock, &self.goods)), &self.platform(), Path::new("."), &host)
    }

    /// The files, or what is said instead: message and causes, then the number of the exit class.
    pub(super) fn said(&self) -> Result<Vec<String>, String> {
        match self.unpack() {
            Ok(unpacked) => Ok(shown(&unpacked.top)),
            Err(error) => Err(format!("{} [{}]", sentence(&error), error.class() as u8)),
        }
    }

    /// What was warned of so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.0.lock().expect("nobody panics").clone()
    }

    /// How many blobs there are in the store.
    pub(super) fn blobs(&self) -> usize {
        self.goods.store.list().expect("it can be read").blobs.len()
    }
}

/// Every entry as a line: path, what it is, mode, owner and who has it. Second names say whose they are.
pub(super) fn shown(tree: &Tree) -> Vec<String> {
    let mut first: BTreeMap<_, TreePath> = BTreeMap::new();
    let mut line = |(path, node): (&TreePath, &Node)| {
        let what = match &node.kind {
            Kind::Directory => "/".to_owned(),
            Kind::Symlink { target } => format!(" -> {target}"),
            Kind::File { inode, .. } if first.contains_key(inode) => format!(" == {}", first[inode]),
            Kind::File { content, inode } => {
                first.insert(*inode, path.clone());
                let bytes = content.bytes().expect("it can be read");
                if bytes.len() > 40 {
                    format!(" {} bytes", bytes.len())
                } else {
                    format!(" {}", bytes.escape_ascii())
                }
            }
        };
        let metadata = &node.metadata;
        format!("{path}{what} {:o} {}:{} {}", metadata.mode, metadata.uid, metadata.gid, node.owner)
    };
    tree.iter().filter(|(path, _)| !tree.is_implicit(path)).map(&mut line).collect()
}

/// Asserts what is said: the lines, or a part of the error.
pub(super) fn check(what: &str, said: &Result<Vec<String>, String>, want: &Result<&[&str], &str>) {
    match (said, want) {
        (Ok(lines), Ok(want)) => assert_eq!(lines, want, "{what}"),
        (Err(said), Err(want)) => assert!(said.contains(want), "{what}: {said}"),
        (said, want) => panic!("{what}: {said:?} instead of {want:?}"),
    }
}
