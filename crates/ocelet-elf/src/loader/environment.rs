//! [`Environment`]: one loader of a view, and where it looks when no search path says otherwise.
//!
//! The default directories are compiled into a loader, so they are read out of its file: distributions
//! differ, and a table would be wrong for the next one. The table of [`crate::Target`] is for roots without
//! the loader. It refuses to look at anything but the view: neither the running machine nor
//! `LD_LIBRARY_PATH` has a say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, RwLock};

use ocelet_tree::{Glob, TreePath};

use super::{Answer, Loader, absolute};
use crate::cache::LoaderCache;
use crate::files::{Directory, Files, Place};
use crate::target::Machine;
use crate::{Abi, Binary, Text, World};

/// How deep `include` lines of `/etc/ld.so.conf` may nest (`ldconfig.c`, `max_recursion`).
const DEEPEST_INCLUDE: usize = 10;
/// As much of a configuration file as is read, in bytes.
const LONGEST_FILE: usize = 1 << 20;

/// One loader and its search.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) world: World,
    pub(crate) abi: Abi,
    pub(crate) machine: Option<&'static Machine>,
    /// The loader's path, as programs ask for it.
    pub(crate) loader_path: Vec<u8>,
    /// Where that leads.
    pub(crate) place: Option<Arc<Place>>,
    /// The default directories that exist, in order.
    pub(crate) defaults: Vec<Arc<Directory>>,
    /// The default directories as the loader spells them, with a slash at the end.
    pub(crate) default_texts: Vec<Vec<u8>>,
    /// glibc: the loader cache, where there is one.
    pub(crate) cache: Option<LoaderCache>,
    /// glibc: the directories of `/etc/ld.so.conf`, where there is no cache yet.
    pub(crate) configured: Vec<Arc<Directory>>,
    /// The file that tells the default directories: musl's `/etc/ld-musl-ARCH.path`.
    pub(crate) told_by: Option<Arc<Place>>,
    /// What was looked up in the defaults before.
    pub(crate) known: RwLock<BTreeMap<Text, Answer>>,
}

/// The environments of a view, by loader path and kind of file.
#[derive(Debug, Default)]
pub(crate) struct Environments(Mutex<BTreeMap<Key, Arc<Environment>>>);

/// The path of a loader, what its programs are made for, and its world.
type Key = (Vec<u8>, Abi, World);

impl Loader<'_> {
    /// The environment in which a file is loaded: that of the loader that it asks for, else that of the
    /// world that it was linked against, else of `fallback`.
    pub(crate) fn environment(&self, binary: &Binary, fallback: World) -> Arc<Environment> {
        let machine = Machine::of(binary.abi);
        let (path, world) = if let Some(interpreter) = &binary.interpreter {
            let path = interpreter.as_bytes().to_vec();
            let world = World::of_loader(&path).unwrap_or_else(|| self.by_file(&path));
            (path, world)
        } else {
            let world = binary.linked_against().unwrap_or(fallback);
            let path = machine.and_then(|machine| machine.loader(world)).unwrap_or_default();
            (path.as_bytes().to_vec(), world)
        };
        let key = (path, binary.abi, world);
        let mut known = self.environments.0.lock().expect("no holder panics");
        if let Some(environment) = known.get(&key) {
            return Arc::clone(environment);
        }
        let environment = Arc::new(Environment::new(&self.files, &key.0, binary.abi, world));
        known.insert(key, Arc::clone(&environment));
        environment
    }

    /// The world of a loader with an unknown name, told by what it is.
    fn by_file(&self, path: &[u8]) -> World {
        let Ok(place) = self.files.at(path) else { return World::Other };
        let Some(binary) = place.binary() else { return World::Other };
        match &binary.soname {
            Some(soname) => World::of_loader(soname.as_bytes()).unwrap_or(World::Other),
            None => World::Other,
        }
    }
}

impl Environment {
    fn new(files: &Files<'_>, loader_path: &[u8], abi: Abi, world: World) -> Self {
        let machine = Machine::of(abi);
        let mut environment = Self {
            world,
            abi,
            machine,
            loader_path: loader_path.to_vec(),
            place: files.at(loader_path).ok().filter(|place| place.binary().is_some()),
            defaults: Vec::new(),
            default_texts: Vec::new(),
            cache: None,
            configured: Vec::new(),
            told_by: None,
            known: RwLock::default(),
        };
        match world {
            World::Glibc => environment.read_glibc(files),
            World::Musl => environment.read_musl(files),
            World::Other => {}
        }
        environment.defaults =
            environment.default_texts.iter().filter_map(|text| files.directory(text)).collect();
        environment
    }

    fn read_glibc(&mut self, files: &Files<'_>) {
        let loader = self.place.as_ref().and_then(|place| place.file.as_ref()?.bytes().ok());
        self.default_texts = loader.map(|bytes| compiled_directories(&bytes)).unwrap_or_default();
        if self.default_texts.is_empty() {
            self.default_texts =
                self.machine.map_or_else(Vec::new, |machine| usual_directories(machine, files));
        }
        let cache = files.at(b"/etc/ld.so.cache").ok().and_then(|place| place.file.as_ref()?.bytes().ok());
        self.cache = cache.and_then(|bytes| LoaderCache::read(&bytes, self.abi.endianness).ok());
        if self.cache.is_none() {
            let mut found = Configured::default();
            configured(files, &TreePath::new("etc/ld.so.conf").expect("a path"), 0, &mut found);
            self.configured = found.directories.iter().filter_map(|text| files.directory(text)).collect();
        }
    }

    /// musl reads the directories from a file beside the parent of its own directory (`dynlink.c`,
    /// `load_library`); an empty or unreadable file means none at all.
    fn read_musl(&mut self, files: &Files<'_>) {
        let path = self.loader_path.as_slice();
        let mut slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        let directory_end = slashes.next().map_or(0, |(at, _)| at);
        let prefix = &path[..slashes.next().map_or(0, |(at, _)| at)];
        let name = &path[(directory_end + 1).min(path.len())..];
        let architecture = name
            .strip_prefix(b"ld-musl-")
            .map(|rest| rest.strip_suffix(b".so.1").unwrap_or(rest))
            .unwrap_or_default();
        let file = [prefix, b"/etc/ld-musl-", architecture, b".path"].concat();
        let told_by = files.at(&file).ok();
        let text = match &told_by {
            Some(place) => text_of(place),
            None => b"/lib:/usr/local/lib:/usr/lib".to_vec(),
        };
        self.told_by = told_by;
        self.default_texts = text
            .split(|byte| matches!(byte, b':' | b'\n'))
            .filter(|directory| !directory.is_empty())
            .map(|directory| [directory, b"/"].concat())
            .collect();
    }

    /// What `$LIB` stands for: the directory below `/usr` that the loader was built for (`DL_DST_LIB`).
    pub(crate) fn lib_token(&self) -> &[u8] {
        let first = self.default_texts.first().map_or(&b"/lib/"[..], Vec::as_slice);
        let first = first.strip_suffix(b"/").unwrap_or(first);
        let first = first.strip_prefix(b"/usr").unwrap_or(first);
        first.strip_prefix(b"/").unwrap_or(first)
    }
}

/// Where glibc's loader of a machine usually looks: Debian's directories where the view has them (`multiarch`,
/// <https://wiki.debian.org/Multiarch/Tuples>), then upstream's.
fn usual_directories(machine: &Machine, files: &Files<'_>) -> Vec<Vec<u8>> {
    let debian = ["/lib/", "/usr/lib/"].map(|above| format!("{above}{}/", machine.tuple).into_bytes());
    let debian = debian.into_iter().filter(|text| files.directory(text).is_some());
    debian.chain(machine.directories.iter().map(|text| text.as_bytes().to_vec())).collect()
}

fn text_of(place: &Place) -> Vec<u8> {
    let Some(file) = &place.file else { return Vec::new() };
    match file.bytes() {
        Ok(bytes) => bytes[..bytes.len().min(LONGEST_FILE)].to_vec(),
        Err(_) => Vec::new(),
    }
}

/// The directories that glibc's loader has compiled in (`system_dirs` of `dl-load.c`): paths that begin and
/// end with a slash, one NUL after each, at least two in a row.
fn compiled_directories(loader: &[u8]) -> Vec<Vec<u8>> {
    let mut best: Vec<&[u8]> = Vec::new();
    let mut run: Vec<&[u8]> = Vec::new();
    // The empty text at the end closes the last run.
    for text in loader.split(|byte| *byte == 0).chain([&b""[..]]) {
        let path = text.len() > 2
            && text.len() < 256
            && text.first() == Some(&b'/')
            && text.last() == Some(&b'/')
            && text.iter().all(u8::is_ascii_graphic);
        if path {
            run.push(text);
            continue;
        }
        let libraries = run.iter().any(|path| path.windows(4).any(|window| window == b"/lib"));
        if libraries && run.len() >= 2 && run.len() > best.len() {
            best.clone_from(&run);
        }
        run.clear();
    }
    best.into_iter().map(<[u8]>::to_vec).collect()
}

/// What `/etc/ld.so.conf` and the files that it includes say.
#[derive(Default)]
struct Configured {
    /// The directories, each once, in the order in which they are searched.
    directories: Vec<Vec<u8>>,
    known: BTreeSet<Vec<u8>>,
    /// How deep each file was when it was read.
    read: BTreeMap<TreePath, usize>,
}

/// Reads `/etc/ld.so.conf` as `ldconfig` does: one directory a line, `include` with patterns, comments.
///
/// A file that is included again says nothing new, and is not read again unless it now may include more. `ldconfig` would go
/// around a circle of files ten times, and find the same directories, if in another order.
fn configured(files: &Files<'_>, path: &TreePath, depth: usize, found: &mut Configured) {
    if found.read.get(path).is_some_and(|before| *before <= depth) {
        return;
    }
    found.read.insert(path.clone(), depth);
    let Ok(place) = files.place(path) else { return };
    for line in text_of(&place).split(|byte| *byte == b'\n') {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        let included =
            line.strip_prefix(b"include").filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace));
        match included {
            Some(patterns) if depth < DEEPEST_INCLUDE => {
                for pattern in patterns.split(u8::is_ascii_whitespace).filter(|pattern| !pattern.is_empty()) {
                    for included in expand(files, path, pattern) {
                        configured(files, &included, depth + 1, found);
                    }
                }
            }
            None if line.first() == Some(&b'/') => {
                // A directory may be followed by the kind of its libraries, "=libc6", since long without use.
                let directory = line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
                if found.known.insert(directory.to_vec()) {
                    found.directories.push(directory.to_vec());
                }
            }
            Some(_) | None => {}
        }
    }
}

/// The files of an `include` pattern, which is relative to the file that has it.
fn expand(files: &Files<'_>, from: &TreePath, pattern: &[u8]) -> Vec<TreePath> {
    let Ok(pattern) = std::str::from_utf8(pattern) else { return Vec::new() };
    let whole = match (pattern.starts_with('/'), from.parent()) {
        (false, Some(above)) => format!("{}/{pattern}", String::from_utf8_lossy(&absolute(&above))),
        _ => pattern.to_owned(),
    };
    Glob::new(&whole).ok().and_then(|glob| glob.expand(files.view()).ok()).unwrap_or_default()
}
