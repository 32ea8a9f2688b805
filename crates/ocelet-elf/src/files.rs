//! [`Files`]: a view, remembered. Each path is walked once, each file is read once, whoever asks.
//!
//! The closure of a few hundred programs asks some ten thousand times for the same forty directories and
//! libraries, from many threads. It refuses to remember what depends on how deep a walk already was, so that
//! answers do not depend on the order of questions.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, RwLock};

use ocelet_tree::{Content, DeadEnd, Inode, Kind, LINK_LIMIT, Name, ReadError, TreePath, View};

use crate::script::Shebang;
use crate::{Binary, ElfError};

/// Longer paths are walked from the top down.
const DEEP: usize = 512;

/// A view with a memory.
pub(crate) struct Files<'view> {
    view: &'view dyn View,
    places: RwLock<BTreeMap<TreePath, Outcome>>,
    directories: RwLock<BTreeMap<Vec<u8>, Option<Arc<Directory>>>>,
    known: RwLock<BTreeMap<TreePath, Arc<File>>>,
}

type Outcome = Result<Arc<Place>, Arc<Lost>>;

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Place {
    /// The place itself; no component of it is a symbolic link.
    pub(crate) real: TreePath,
    /// The regular file there; nothing for a directory.
    pub(crate) file: Option<Arc<File>>,
    /// The symbolic links on the way.
    pub(crate) links: Vec<TreePath>,
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Nothing is there.
    Absent(DeadEnd),
    /// Links in a circle, or one that no file system can follow.
    Tangled { links: Vec<TreePath> },
    /// The view failed.
    Unreadable(String),
}

/// A regular file at its real path.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: TreePath,
    pub(crate) inode: Inode,
    /// A number of its own within one [`Files`]; it depends on the order of questions and is for comparing only.
    pub(crate) number: usize,
    executable: bool,
    content: Content,
    facts: OnceLock<Facts>,
}

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Facts {
    /// An ELF file.
    Elf(Box<Binary>),
    /// It begins like an ELF file, and is none.
    DamagedElf(ElfError),
    /// An executable text with a first line that names its interpreter.
    Script(Shebang),
    /// Anything else.
    Plain,
    /// It cannot be read.
    Unreadable(String),
}

/// A directory as it was written, and where it is.
#[derive(Debug)]
pub(crate) struct Directory {
    /// As it was written, without a slash at its end.
    pub(crate) written: Vec<u8>,
    pub(crate) real: TreePath,
    pub(crate) links: Vec<TreePath>,
}

impl<'view> Files<'view> {
    pub(crate) fn new(view: &'view dyn View) -> Self {
        Self { view, places: RwLock::default(), directories: RwLock::default(), known: RwLock::default() }
    }

    pub(crate) fn view(&self) -> &'view dyn View {
        self.view
    }

    /// Follows a path to its end.
    pub(crate) fn place(&self, path: &TreePath) -> Outcome {
        if path.as_bytes().len() > DEEP {
            // From the top down, so that no step has far to go up: a path may have 2,000 components.
            for above in path.ancestors() {
                self.walk(&above, 0)?;
            }
        }
        self.walk(path, 0)
    }

    fn walk(&self, path: &TreePath, depth: usize) -> Outcome {
        if let Some(known) = self.places.read().expect("no holder panics").get(path) {
            return known.clone();
        }
        let outcome = self.step(path, depth);
        // How far a circle was followed depends on where the walk began: only whole walks are remembered.
        if depth == 0 || outcome.is_ok() {
            self.places.write().expect("no holder panics").insert(path.clone(), outcome.clone());
        }
        outcome
    }

    fn step(&self, path: &TreePath, depth: usize) -> Outcome {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Ok(Arc::new(Place { real: TreePath::root(), file: None, links: Vec::new() }));
        };
        let above = self.walk(&parent, depth)?;
        let real = above.real.join(&name);
        if above.file.is_some() {
            return Err(absent(above.real.clone(), &above.links));
        }
        let node = match self.view.entry(&real) {
            Ok(Some(node)) => node,
            Ok(None) => return Err(absent(real, &above.links)),
            Err(error) => return Err(Arc::new(Lost::Unreadable(describe(&error)))),
        };
        let mut links = above.links.clone();
        match &node.kind {
            Kind::Directory => Ok(Arc::new(Place { real, file: None, links })),
            Kind::File { content, inode } => {
                let executable = node.metadata.mode & 0o111 != 0;
                let file = self.file(real.clone(), *inode, executable, content);
                Ok(Arc::new(Place { real, file: Some(file), links }))
            }
            Kind::Symlink { target } => {
                links.push(real.clone());
                let start = if target.is_absolute() { TreePath::root() } else { above.real.clone() };
                self.follow(start, target.as_bytes(), links, depth + 1)
            }
        }
    }

    /// Walks the components of a written path from a real directory on, as the kernel does: `..` leads to
    /// the directory above the one that was reached.
    fn follow(&self, start: TreePath, written: &[u8], mut links: Vec<TreePath>, depth: usize) -> Outcome {
        let tangled = |links: Vec<TreePath>| Err(Arc::new(Lost::Tangled { links }));
        if depth > LINK_LIMIT || links.len() > LINK_LIMIT {
            return tangled(links);
        }
        let mut at = Place { real: start, file: None, links: Vec::new() };
        for component in written.split(|byte| *byte == b'/') {
            if component.is_empty() || component == b"." {
                continue;
            }
            if at.file.is_some() {
                return Err(absent(at.real, &links));
            }
            if component == b".." {
                at.real = at.real.parent().unwrap_or_else(TreePath::root);
                continue;
            }
            let Ok(name) = Name::new(component) else { return tangled(links) };
            match self.walk(&at.real.join(&name), depth) {
                Ok(next) => {
                    links.extend(next.links.iter().cloned());
                    at = Place { real: next.real.clone(), file: next.file.clone(), links: Vec::new() };
                }
                Err(lost) => return Err(with_links(&lost, links)),
            }
            if links.len() > LINK_LIMIT {
                return tangled(links);
            }
        }
        Ok(Arc::new(Place { links, ..at }))
    }

    fn file(&self, path: TreePath, inode: Inode, executable: bool, content: &Content) -> Arc<File> {
        let mut files = self.known.write().expect("no holder panics");
        let number = files.len();
        let file = files.entry(path.clone()).or_insert_with(|| {
            let facts = OnceLock::new();
            Arc::new(File { path, inode, number, executable, content: content.clone(), facts })
        });
        Arc::clone(file)
    }

    /// The directory that an absolute written path names; nothing where there is none.
    pub(crate) fn directory(&self, written: &[u8]) -> Option<Arc<Directory>> {
        if let Some(known) = self.directories.read().expect("no holder panics").get(written) {
            return known.clone();
        }
        let found = self.find_directory(written).map(Arc::new);
        self.directories.write().expect("no holder panics").insert(written.to_vec(), found.clone());
        found
    }

    fn find_directory(&self, written: &[u8]) -> Option<Directory> {
        if written.first() != Some(&b'/') {
            return None;
        }
        let place = self.follow(TreePath::root(), written, Vec::new(), 0).ok()?;
        let end = written.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
        place.file.is_none().then(|| Directory {
            written: written[..end].to_vec(),
            real: place.real.clone(),
            links: place.links.clone(),
        })
    }

    /// The file that an absolute written path names, and the links on the way.
    pub(crate) fn at(&self, written: &[u8]) -> Outcome {
        self.follow(TreePath::root(), written, Vec::new(), 0)
    }
}

impl Place {
    /// The ELF file here, where it is one that can be understood.
    pub(crate) fn binary(&self) -> Option<&Binary> {
        self.file.as_ref()?.binary()
    }
}

impl File {
    /// What is in it, read at the first call.
    pub(crate) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| self.read())
    }

    /// What it says about itself, where it is an ELF file.
    pub(crate) fn binary(&self) -> Option<&Binary> {
        match self.facts() {
            Facts::Elf(binary) => Some(binary),
            Facts::DamagedElf(_) | Facts::Script(_) | Facts::Plain | Facts::Unreadable(_) => None,
        }
    }

    fn read(&self) -> Facts {
        if self.content.length() < 4 {
            return Facts::Plain;
        }
        let bytes = match self.content.bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Facts::Unreadable(describe(&error)),
        };
        if Binary::is_elf(&bytes) {
            return match Binary::parse(&bytes) {
                Ok(binary) => Facts::Elf(Box::new(binary)),
                Err(error) => Facts::DamagedElf(error),
            };
        }
        match Shebang::read(&bytes) {
            Some(shebang) if self.executable => Facts::Script(shebang),
            Some(_) | None => Facts::Plain,
        }
    }

    /// All of its bytes.
    pub(crate) fn bytes(&self) -> Result<ocelet_tree::Bytes, ReadError> {
        self.content.bytes()
    }
}

fn absent(path: TreePath, links: &[TreePath]) -> Arc<Lost> {
    Arc::new(Lost::Absent(DeadEnd { path, links: links.to_vec() }))
}

fn with_links(lost: &Lost, mut before: Vec<TreePath>) -> Arc<Lost> {
    Arc::new(match lost {
        Lost::Absent(end) => {
            before.extend(end.links.iter().cloned());
            Lost::Absent(DeadEnd { path: end.path.clone(), links: before })
        }
        Lost::Tangled { links } => {
            before.extend(links.iter().cloned());
            Lost::Tangled { links: before }
        }
        Lost::Unreadable(cause) => Lost::Unreadable(cause.clone()),
    })
}

/// An error and what caused it, in one line.
pub(crate) fn describe(error: &ReadError) -> String {
    format!("{error}: {}", error.cause)
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Files(..)")
    }
}
