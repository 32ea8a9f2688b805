//! [`Loader`]: what a program's loader would map, and from where, without running it.
//!
//! It walks needed names breadth first as glibc's `dl-deps.c` and musl's `dynlink.c` do, and asks the rules
//! of the program's world for each name. It refuses to stop at the first missing library: all are told.

mod answer;
mod environment;
mod glibc;
mod musl;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ocelet_tree::{TreePath, View};

use crate::files::{Directory, Facts, File, Files, Place};
use crate::target::Machine;
use crate::{Binary, Text, WantKind, World};
pub(crate) use answer::Answer;
pub use answer::{Request, Unfound, WhyUnfound};
pub(crate) use environment::{Environment, Environments};

/// More directories of one search path than any file has; what a hostile one has beyond is not searched.
const MOST_DIRECTORIES: usize = 1024;

/// Which variants for better processors take part in the search (`glibc-hwcaps` subdirectories).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hwcaps {
    /// None: what every machine of the platform finds, which is what an image must hold.
    #[default]
    Baseline,
    /// None in the search, but what a better machine would find is kept beside it.
    KeepVariants,
    /// The machine has these levels, best first, such as `x86-64-v3`, `x86-64-v2`.
    Running(Vec<String>),
}

/// How a library was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// It is the program, or was asked for by its path.
    ByPath,
    /// The kernel maps it: `PT_INTERP`.
    AsLoader,
    /// In a directory of a `DT_RPATH`, its own or one further up.
    Rpath,
    /// In a directory of a `DT_RUNPATH`.
    Runpath,
    /// Through `/etc/ld.so.cache`, or where `/etc/ld.so.conf` says that one would lead.
    Cache,
    /// In a default directory.
    Default,
}

/// Everything that one program maps at its start, in the order in which it is mapped.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The rules by which it was found.
    pub world: World,
    /// The program first, then its loader, then libraries.
    pub objects: Vec<Object>,
    /// Who asked for what, and got what.
    pub edges: Vec<Edge>,
    /// What was asked for and is not there.
    pub missing: Vec<Unfound>,
    pub(crate) environment: Arc<Environment>,
    /// The program's loader among the objects, and whether the program asks the kernel for it.
    pub(crate) loader: Option<usize>,
    pub(crate) interpreted: bool,
    /// How many objects have had their wants loaded.
    done: usize,
}

/// One mapped file.
#[derive(Debug, Clone)]
pub struct Object {
    pub(crate) file: Arc<File>,
    /// The path by which the loader knows it.
    pub path: Vec<u8>,
    /// How it was found.
    pub found: Found,
    /// Which object asked for it first; nothing for the program and its loader.
    pub asked_by: Option<usize>,
    pub(crate) place: Arc<Place>,
    pub(crate) directory: Option<Arc<Directory>>,
    /// What `$ORIGIN` stands for in it.
    origin: TreePath,
    names: Vec<Text>,
}

/// One request, answered.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Which object asked.
    pub from: usize,
    /// Which object it got.
    pub to: usize,
    /// The name that was asked for.
    pub name: Text,
    /// How it was asked for.
    pub request: Request,
}

/// Loads programs of one view, remembering every file and directory between them.
pub struct Loader<'view> {
    pub(crate) files: Files<'view>,
    pub(crate) environments: Environments,
    pub(crate) hwcaps: Hwcaps,
}

/// Why a file cannot be loaded at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is there.
    #[error("{path} does not exist")]
    Absent {
        /// The path.
        path: TreePath,
    },
    /// It is not an ELF program or library.
    #[error("{path} is not an ELF program or library: {why}")]
    NotLoadable {
        /// The path.
        path: TreePath,
        /// What it is instead.
        why: String,
    },
}

impl<'view> Loader<'view> {
    /// A loader over a view.
    pub fn new(view: &'view dyn View, hwcaps: Hwcaps) -> Self {
        Self { files: Files::new(view), environments: Environments::default(), hwcaps }
    }

    /// Follows everything that the file at `path` maps when it starts, or when something loads it.
    ///
    /// # Errors
    /// See [`LoadError`]. A missing library is no error: it is in [`Loaded::missing`].
    pub fn load(&self, path: &TreePath) -> Result<Loaded, LoadError> {
        let place = self.files.place(path).map_err(|_| LoadError::Absent { path: path.clone() })?;
        let Some(file) = place.file.clone() else {
            return Err(LoadError::NotLoadable { path: path.clone(), why: "it is a directory".to_owned() });
        };
        if file.binary().is_none_or(|binary| !binary.is_loadable()) {
            let why = unloadable(&file);
            return Err(LoadError::NotLoadable { path: path.clone(), why });
        }
        Ok(self.load_place(path, &place))
    }

    /// Loads a file that is known to be loadable. A library without a loader of its own takes the world that
    /// it was linked against; where nothing tells that, the world that has all that it needs, glibc's first.
    pub(crate) fn load_place(&self, path: &TreePath, place: &Arc<Place>) -> Loaded {
        let in_glibc = self.load_as(path, place, World::Glibc);
        let open = place
            .binary()
            .is_some_and(|binary| binary.interpreter.is_none() && binary.linked_against().is_none());
        if !open || in_glibc.missing.is_empty() {
            return in_glibc;
        }
        let in_musl = self.load_as(path, place, World::Musl);
        if in_musl.missing.is_empty() { in_musl } else { in_glibc }
    }

    /// Loads a file, in `fallback` where it does not tell its world.
    fn load_as(&self, path: &TreePath, place: &Arc<Place>, fallback: World) -> Loaded {
        let file = Arc::clone(place.file.as_ref().expect("the caller saw a file"));
        let binary = file.binary().expect("the caller saw an ELF file");
        let environment = self.environment(binary, fallback);
        let origin = if binary.is_program() {
            // Both loaders ask the kernel for the program's real path (dl-origin.c, dynlink.c).
            file.path.parent()
        } else {
            path.parent().and_then(|above| self.files.place(&above).ok()).map(|above| above.real.clone())
        };
        let program = Object {
            path: absolute(path),
            found: Found::ByPath,
            asked_by: None,
            directory: None,
            origin: origin.unwrap_or_else(TreePath::root),
            names: Vec::new(),
            place: Arc::clone(place),
            file: Arc::clone(&file),
        };
        let mut process = Loaded {
            world: environment.world,
            objects: vec![program],
            edges: Vec::new(),
            missing: Vec::new(),
            interpreted: binary.interpreter.is_some(),
            loader: None,
            done: 0,
            environment,
        };
        process.map_loader(binary);
        process.run(self);
        process
    }

    /// Everything that `caller` of a loaded program maps when it loads one more library by name. Which
    /// object answered; nothing where none does, which is noted as missing.
    pub(crate) fn open(&self, process: &mut Loaded, caller: usize, name: &Text) -> Option<usize> {
        let opened = process.request(self, caller, name, &Request::Dlopen);
        process.run(self);
        opened
    }

    /// Everything that `caller` of a loaded program maps when it loads the library at a path.
    pub(crate) fn open_place(
        &self,
        process: &mut Loaded,
        caller: usize,
        path: &TreePath,
        place: &Arc<Place>,
    ) -> usize {
        let written = absolute(path);
        let directory = path.parent().and_then(|above| self.files.directory(&absolute(&above)));
        let name = Text::new(&written);
        let opened = process.map(Arc::clone(place), directory, written, Found::ByPath, caller, &name, false);
        process.edges.push(Edge { from: caller, to: opened, name, request: Request::Dlopen });
        process.run(self);
        opened
    }
}

impl Loaded {
    /// The objects that are really mapped: the loader of a library is only where something needs it.
    pub fn mapped(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().enumerate().filter(|(index, _)| self.maps(*index)).map(|(_, object)| object)
    }

    /// Whether the program asks for a loader that is not there.
    pub(crate) fn lacks_its_loader(&self) -> bool {
        self.interpreted && self.loader.is_none()
    }

    pub(crate) fn maps(&self, index: usize) -> bool {
        Some(index) != self.loader || self.interpreted || self.edges.iter().any(|edge| edge.to == index)
    }

    /// Maps the loader, so that what needs it by name finds it.
    fn map_loader(&mut self, binary: &Binary) {
        let Some(place) = self.environment.place.clone() else { return };
        let Some(file) = place.file.clone() else { return };
        let mut names = vec![Text::new(&self.environment.loader_path)];
        names.extend(file.binary().and_then(|loader| loader.soname.clone()));
        if let Some(interpreter) = &binary.interpreter {
            names.push(interpreter.clone());
        }
        self.loader = Some(self.objects.len());
        self.objects.push(Object {
            path: self.environment.loader_path.clone(),
            found: Found::AsLoader,
            asked_by: None,
            directory: None,
            origin: place.real.parent().unwrap_or_else(TreePath::root),
            names,
            place,
            file,
        });
    }

    /// Loads the wants of every object, in the order in which the objects came.
    fn run(&mut self, loader: &Loader<'_>) {
        while self.done < self.objects.len() {
            let from = self.done;
            self.done += 1;
            // glibc's loader needs nothing, and musl's maps itself.
            if Some(from) == self.loader {
                continue;
            }
            let file = Arc::clone(&self.objects[from].file);
            let Some(binary) = file.binary() else { continue };
            for want in &binary.wants {
                // musl knows neither filters nor auxiliary libraries.
                if want.kind == WantKind::Needed || self.world == World::Glibc {
                    self.request(loader, from, &want.name, &Request::Want(want.kind));
                }
            }
        }
    }

    fn request(&mut self, loader: &Loader<'_>, from: usize, name: &Text, request: &Request) -> Option<usize> {
        let answered = match self.by_name(name) {
            Some(known) => Ok(known),
            None => match self.search(loader, from, name) {
                Answer::Hit { place, .. } if self.stranger(&place).is_some() => {
                    let world = self.stranger(&place).expect("the guard saw it");
                    Err(Some(WhyUnfound::OtherWorld { path: place.real.clone(), world }))
                }
                Answer::Hit { place, directory, path, found } => {
                    let searched = !name.as_bytes().contains(&b'/');
                    Ok(self.map(place, directory, path, found, from, name, searched))
                }
                // A program's missing loader is told for the program, not for each of its libraries.
                Answer::Itself => self
                    .loader
                    .ok_or_else(|| (!self.interpreted).then(|| WhyUnfound::Nowhere { searched: Vec::new() })),
                Answer::Miss(why) => Err(Some(why)),
            },
        };
        match answered {
            Ok(to) => {
                self.edges.push(Edge { from, to, name: name.clone(), request: request.clone() });
                Some(to)
            }
            Err(why) => {
                if let Some(why) = why {
                    self.missing.push(Unfound { from, name: name.clone(), request: request.clone(), why });
                }
                None
            }
        }
    }

    fn search(&self, loader: &Loader<'_>, from: usize, name: &Text) -> Answer {
        match self.world {
            World::Glibc => glibc::search(self, loader, from, name),
            World::Musl => musl::search(self, loader, from, name),
            World::Other => Answer::Miss(WhyUnfound::Nowhere { searched: Vec::new() }),
        }
    }

    /// The world of a library, where it is not the program's. A program of neither world is not judged.
    pub(crate) fn stranger(&self, place: &Place) -> Option<World> {
        let linked = place.binary().and_then(Binary::linked_against);
        linked.filter(|world| *world != self.world && self.world != World::Other)
    }

    /// The object that already answers to a name.
    fn by_name(&self, name: &Text) -> Option<usize> {
        self.objects.iter().position(|object| object.answers_to(name, self.world))
    }

    /// Takes a found file: as an object that is mapped already, where it is one, or as a new one.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one object; a struct of them would be Object"
    )]
    fn map(
        &mut self,
        place: Arc<Place>,
        directory: Option<Arc<Directory>>,
        path: Vec<u8>,
        found: Found,
        from: usize,
        name: &Text,
        searched: bool,
    ) -> usize {
        let file = Arc::clone(place.file.as_ref().expect("a search ends at a file"));
        if let Some(known) = self.objects.iter().position(|object| object.file.inode == file.inode) {
            let object = &mut self.objects[known];
            // musl gives a name only to what was searched for; glibc to everything.
            if self.world != World::Musl || (searched && object.names.is_empty()) {
                object.names.push(name.clone());
            }
            return known;
        }
        let origin = match &directory {
            Some(directory) => directory.real.clone(),
            None => TreePath::new(&path).ok().and_then(|path| path.parent()).unwrap_or_else(TreePath::root),
        };
        let names = if self.world == World::Musl && !searched { Vec::new() } else { vec![name.clone()] };
        self.objects.push(Object {
            path,
            found,
            asked_by: Some(from),
            origin,
            names,
            place,
            directory,
            file,
        });
        self.objects.len() - 1
    }

    /// The objects through which `from` was loaded, itself first, the program last.
    pub(crate) fn chain(&self, from: usize) -> impl Iterator<Item = &Object> {
        std::iter::successors(Some(from), |index| self.objects[*index].asked_by)
            .map(|index| &self.objects[index])
    }

    pub(crate) fn machine(&self) -> Option<&'static Machine> {
        self.environment.machine
    }
}

impl Object {
    /// Where the file really is: no component of the path is a symbolic link.
    pub fn real(&self) -> &TreePath {
        &self.file.path
    }

    /// What it says about itself.
    pub fn binary(&self) -> Option<&Binary> {
        self.file.binary()
    }

    /// The symbolic links through which it was found.
    pub fn links(&self) -> impl Iterator<Item = &TreePath> {
        let above = self.directory.iter().flat_map(|directory| &directory.links);
        above.chain(&self.place.links)
    }

    /// Whether a version requirement for a library of this name means this object.
    pub(crate) fn is_called(&self, name: &Text) -> bool {
        self.answers_to(name, World::Glibc)
    }

    pub(crate) fn origin(&self) -> &TreePath {
        &self.origin
    }

    fn answers_to(&self, name: &Text, world: World) -> bool {
        if self.names.contains(name) {
            return true;
        }
        world == World::Glibc
            && (self.path == name.as_bytes()
                || self.binary().is_some_and(|binary| binary.soname.as_ref() == Some(name)))
    }
}

/// A path as it is written from the root on.
pub(crate) fn absolute(path: &TreePath) -> Vec<u8> {
    [b"/", path.as_bytes()].concat()
}

/// Why a file is no ELF program or library.
pub(crate) fn unloadable(file: &File) -> String {
    match file.facts() {
        Facts::Elf(binary) => match binary.kind {
            crate::Kind::Relocatable => "an object file that is not linked".to_owned(),
            crate::Kind::Core => "a memory image".to_owned(),
            _ => "an ELF file of an unknown kind".to_owned(),
        },
        Facts::DamagedElf(error) => error.to_string(),
        Facts::Script(_) => "a script".to_owned(),
        Facts::Plain => "no ELF file".to_owned(),
        Facts::Unreadable(cause) => cause.clone(),
    }
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Loader").field("hwcaps", &self.hwcaps).finish_non_exhaustive()
    }
}
