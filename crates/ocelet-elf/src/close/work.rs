//! The walk from the roots to the whole closure, in rounds: what a round finds to look at is the next one.
//!
//! Looking at files happens on all threads; putting together what was seen happens on one, in the order of
//! the jobs, so that the answer does not depend on who was faster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ocelet_tree::TreePath;
use rayon::prelude::*;

use super::dlopen::{Traced, word};
use super::reason::{Reason, Why};
use super::rulework::Fired;
use super::{Closure, Options, Problem, Root};
use crate::files::{Facts, File, Lost, Place};
use crate::script::Shebang;
use crate::{Hwcaps, Loaded, Loader, Priority, Request, Text, WantKind, WhyUnfound, World};

/// One path to look at.
pub(super) struct Job {
    pub(super) path: TreePath,
    pub(super) reason: Reason,
    /// The program in which a library is loaded, and the object that loads it.
    pub(super) inside: Option<(Arc<Loaded>, usize)>,
    /// Whether it may be missing.
    pub(super) optional: bool,
}

/// What a job saw.
enum Seen {
    Lost(Arc<Lost>),
    /// Nothing to follow, or followed before.
    Known(Arc<Place>),
    Script(Arc<Place>, Shebang),
    Problem(Arc<Place>, Problem),
    /// A library that the program around it cannot load, found by a wide rule: not meant.
    NotMeant,
    Traced(Arc<Place>, Box<Traced>),
}

/// A closure in the making.
pub(super) struct Work<'work, 'view> {
    pub(super) loader: &'work Loader<'view>,
    pub(super) options: &'work Options,
    pub(super) closure: Closure,
    pub(super) next: Vec<Job>,
    /// What was looked at, each path once for each world.
    asked: BTreeSet<(TreePath, Option<World>)>,
    /// Edges that are known, as numbers: who, whom, by which links.
    edges: BTreeSet<(usize, usize, usize, usize)>,
    versions: BTreeSet<(usize, usize)>,
    /// Every traced file, by path, with a program that maps it.
    pub(super) traced: BTreeMap<TreePath, (Arc<Loaded>, usize)>,
    pub(super) fired: Fired,
}

impl<'work, 'view> Work<'work, 'view> {
    pub(super) fn new(loader: &'work Loader<'view>, options: &'work Options) -> Self {
        Self {
            loader,
            options,
            closure: Closure::default(),
            next: Vec::new(),
            asked: BTreeSet::new(),
            edges: BTreeSet::new(),
            versions: BTreeSet::new(),
            traced: BTreeMap::new(),
            fired: Fired::default(),
        }
    }

    pub(super) fn run(mut self, roots: &[Root]) -> Closure {
        for root in roots {
            let reason = Reason { why: Why::Root { label: root.label.clone() }, from: None };
            self.next.push(Job { path: root.path.clone(), reason, inside: None, optional: root.optional });
        }
        loop {
            while !self.next.is_empty() {
                self.round();
            }
            self.fire_rules();
            if self.next.is_empty() {
                return self.finish();
            }
        }
    }

    fn round(&mut self) {
        let jobs: Vec<(Job, bool)> = std::mem::take(&mut self.next)
            .into_iter()
            .map(|job| {
                let world = job.inside.as_ref().map(|(process, _)| process.world);
                let fresh = self.asked.insert((job.path.clone(), world));
                (job, fresh)
            })
            .collect();
        let (loader, options) = (self.loader, self.options);
        // A thread costs more than a handful of files.
        let seen: Vec<Seen> = if jobs.len() < 8 {
            jobs.iter().map(|(job, fresh)| look(loader, options, job, *fresh)).collect()
        } else {
            jobs.par_iter().map(|(job, fresh)| look(loader, options, job, *fresh)).collect()
        };
        for ((job, _), seen) in jobs.into_iter().zip(seen) {
            self.take(&job, seen);
        }
    }

    fn take(&mut self, job: &Job, seen: Seen) {
        match seen {
            Seen::NotMeant => {}
            Seen::Lost(lost) => self.lost(job, &lost),
            Seen::Known(place) => self.keep(&place, &job.reason),
            Seen::Problem(place, problem) => {
                self.keep(&place, &job.reason);
                self.closure.problems.push(problem);
            }
            Seen::Script(place, shebang) => {
                self.keep(&place, &job.reason);
                self.script(&place, &shebang);
            }
            Seen::Traced(place, traced) => {
                self.keep(&place, &job.reason);
                self.trace(*traced);
            }
        }
    }

    /// Keeps a file and every symbolic link on the way to it.
    pub(super) fn keep(&mut self, place: &Place, reason: &Reason) {
        self.keep_path(&place.real, reason.clone());
        self.keep_links(&place.real, place.links.iter());
    }

    fn keep_path(&mut self, path: &TreePath, reason: Reason) {
        // The root is a directory, and there without being kept.
        if !path.is_root() {
            self.closure.files.entry(path.clone()).or_default().reasons.insert(reason);
        }
    }

    fn keep_links<'links>(&mut self, to: &TreePath, links: impl Iterator<Item = &'links TreePath>) {
        for link in links {
            self.keep_path(link, Reason { why: Why::LeadsTo, from: Some(to.clone()) });
        }
    }

    fn lost(&mut self, job: &Job, lost: &Lost) {
        let path = job.path.clone();
        let problem = match (lost, &job.reason.why, &job.reason.from) {
            (Lost::Unreadable(why), _, _) => Problem::Unreadable { path, why: why.clone() },
            (Lost::Tangled { links }, _, _) => {
                let links = each_once(links.iter().cloned());
                Problem::TangledLinks { path, links }
            }
            (Lost::Absent(_), _, _) if job.optional => return,
            (Lost::Absent(_), Why::Shebang { written }, Some(script)) => {
                Problem::MissingInterpreter { script: script.clone(), interpreter: written.clone() }
            }
            (Lost::Absent(end), Why::Root { label }, _) => {
                Problem::MissingRoot { label: label.clone(), path, at: end.path.clone() }
            }
            (Lost::Absent(end), why, _) => {
                Problem::MissingRoot { label: why.to_string(), path, at: end.path.clone() }
            }
        };
        self.closure.problems.push(problem);
    }

    fn script(&mut self, place: &Place, shebang: &Shebang) {
        let missing = |interpreter: &[u8]| Problem::MissingInterpreter {
            script: place.real.clone(),
            interpreter: Text::new(interpreter).to_string(),
        };
        match TreePath::new(&shebang.interpreter) {
            Ok(path) if shebang.interpreter.starts_with(b"/") => {
                let written = Text::new(&shebang.interpreter).to_string();
                self.interpreter(place, path, written);
            }
            Ok(_) | Err(_) => self.closure.problems.push(missing(&shebang.interpreter)),
        }
        let Some(command) = shebang.looked_up_by_env() else { return };
        let name = ocelet_tree::Name::new(&command).ok();
        let found = name.and_then(|name| {
            let mut candidates = self.options.path.iter().map(|directory| directory.join(&name));
            candidates.find(|path| self.loader.files.place(path).is_ok_and(|place| place.file.is_some()))
        });
        match found {
            Some(path) => self.interpreter(place, path, format!("env {}", Text::new(&command))),
            None => self.closure.problems.push(missing(&command)),
        }
    }

    fn interpreter(&mut self, script: &Place, path: TreePath, written: String) {
        let reason = Reason { why: Why::Shebang { written }, from: Some(script.real.clone()) };
        self.next.push(Job { path, reason, inside: None, optional: false });
    }

    /// Puts a loaded program into the closure.
    fn trace(&mut self, traced: Traced) {
        let start = traced.start;
        for (caller, note) in &traced.unanswered {
            let problem = Problem::MissingNoted {
                by: traced.process.objects[*caller].real().clone(),
                names: note.sonames.clone(),
                feature: note.feature.clone(),
                priority: word(note.priority),
            };
            let required = note.priority == Priority::Required;
            if required { &mut self.closure.problems } else { &mut self.closure.absent }.push(problem);
        }
        self.edges(&traced);
        let process = Arc::new(traced.process);
        self.check_program(&process);
        self.missing(&process);
        self.loaders(&process);
        for index in start..process.objects.len() {
            if !process.maps(index) {
                continue;
            }
            let object = &process.objects[index];
            self.settle_in(&process, index);
            self.check_versions(&process, index);
            if self.options.hwcaps == Hwcaps::KeepVariants {
                self.variants(&process, index);
            }
            self.traced.entry(object.real().clone()).or_insert_with(|| (Arc::clone(&process), index));
        }
    }

    fn edges(&mut self, traced: &Traced) {
        let process = &traced.process;
        let mut noted = traced.noted.iter().peekable();
        for (index, edge) in process.edges.iter().enumerate() {
            let note = noted.next_if(|noted| noted.edge == index);
            let (from, to) = (&process.objects[edge.from], &process.objects[edge.to]);
            let directory = to.directory.as_ref().map_or(0, |directory| Arc::as_ptr(directory) as usize);
            let key = (from.file.number, to.file.number, Arc::as_ptr(&to.place) as usize, directory);
            if note.is_none() && !self.edges.insert(key) {
                continue;
            }
            let name = edge.name.clone();
            let why = match (&edge.request, note) {
                (Request::Dlopen, Some(note)) => {
                    Why::Note { name, feature: note.feature.clone(), priority: note.priority }
                }
                (Request::Want(kind), _) => Why::Library { name, kind: *kind, found: to.found },
                // What a rule opened is kept for the rule's reason.
                (Request::Dlopen, None) => continue,
            };
            self.keep_path(to.real(), Reason { why, from: Some(from.real().clone()) });
            let (real, links) = (to.real().clone(), to.links());
            self.keep_links(&real, links);
        }
    }

    /// The loader of the program, the file that tells it where to look, and what is wrong with it.
    fn loaders(&mut self, process: &Arc<Loaded>) {
        let program = &process.objects[0];
        let wanted = program.binary().and_then(|binary| binary.interpreter.clone());
        let program = program.real().clone();
        if let (Some(written), None) = (&wanted, process.loader) {
            self.closure.problems.push(self.without_loader(&program, written));
        }
        let Some(loader) = process.loader.filter(|loader| process.maps(*loader)) else { return };
        let object = &process.objects[loader];
        if let Some(written) = wanted {
            let mismatch = object.binary().and_then(|binary| self.options.target.check(binary).err());
            if let Some(mismatch) = mismatch {
                let (program, loader, why) = (program.clone(), written.clone(), mismatch.to_string());
                self.closure.problems.push(Problem::UnusableLoader { program, loader, why });
            }
            let key =
                (process.objects[0].file.number, object.file.number, Arc::as_ptr(&object.place) as usize, 1);
            if self.edges.insert(key) {
                self.keep(&object.place, &Reason { why: Why::Loader { written }, from: Some(program) });
            }
        }
        if let Some(place) = &process.environment.told_by {
            let from = Some(object.real().clone());
            self.keep(place, &Reason { why: Why::LoaderConfiguration, from });
        }
    }

    fn without_loader(&self, program: &TreePath, written: &Text) -> Problem {
        let (program, loader) = (program.clone(), written.clone());
        match self.loader.files.at(written.as_bytes()) {
            Ok(place) => {
                let why = place
                    .file
                    .as_ref()
                    .map_or("a directory".to_owned(), |file| crate::loader::unloadable(file));
                Problem::UnusableLoader { program, loader, why }
            }
            Err(_) => Problem::MissingLoader { program, loader },
        }
    }

    fn missing(&mut self, process: &Loaded) {
        let program = process.objects[0].real();
        if process.world == World::Other && !process.missing.is_empty() {
            let loader = Text::new(&process.environment.loader_path);
            self.closure.problems.push(Problem::UnknownLoader { program: program.clone(), loader });
            return;
        }
        for unfound in &process.missing {
            if unfound.request == Request::Want(WantKind::Auxiliary) {
                continue;
            }
            if process.lacks_its_loader() && process.world.has_part(unfound.name.as_bytes()) {
                // The loader comes with them: it is told, and once is enough.
                continue;
            }
            let by = process.objects[unfound.from].real().clone();
            let name = unfound.name.clone();
            self.closure.problems.push(match unfound.why.clone() {
                WhyUnfound::Nowhere { searched } => {
                    let searched = each_once(searched);
                    Problem::MissingLibrary { name, by, program: program.clone(), searched }
                }
                WhyUnfound::OtherMachine { path, mismatch } => {
                    Problem::LibraryForOtherMachine { name, by, path, mismatch }
                }
                WhyUnfound::OtherWorld { path, world } => Problem::MixedWorlds {
                    name,
                    by,
                    program: program.clone(),
                    world: process.world,
                    path,
                    other: world,
                },
                WhyUnfound::Unusable { path, why } => Problem::UnusableLibrary { name, by, path, why },
            });
        }
    }

    /// glibc refuses to start what needs a version that is not defined (`dl-version.c`); a library without
    /// any versions satisfies all. musl does not look before a symbol is wanted.
    fn check_versions(&mut self, process: &Loaded, index: usize) {
        let object = &process.objects[index];
        let Some(binary) = object.binary().filter(|_| process.world == World::Glibc) else { return };
        let mut rest = binary.version_needs.as_slice();
        while let Some(first) = rest.first() {
            let (needs, after) = rest.split_at(rest.partition_point(|need| need.file == first.file).max(1));
            rest = after;
            let Some(provider) = process.objects.iter().find(|other| other.is_called(&first.file)) else {
                let unloaded = needs.iter().find(|need| !need.weak);
                // A library that is missing altogether is told as that.
                let told = process.missing.iter().any(|unfound| unfound.name == first.file);
                if let Some(need) = unloaded.filter(|_| !told) {
                    let (by, version) = (object.real().clone(), need.version.clone());
                    let problem = Problem::VersionOfUnloaded { by, version, name: need.file.clone() };
                    self.closure.problems.push(problem);
                }
                continue;
            };
            if !self.versions.insert((object.file.number, provider.file.number)) {
                continue;
            }
            let Some(defined) = provider.binary().and_then(|binary| binary.version_definitions.as_ref())
            else {
                continue;
            };
            for need in needs.iter().filter(|need| !need.weak && !defined.contains(&need.version)) {
                self.closure.problems.push(Problem::MissingVersion {
                    by: object.real().clone(),
                    version: need.version.clone(),
                    name: need.file.clone(),
                    path: provider.real().clone(),
                });
            }
        }
    }

    /// The variants of a library for better processors, beside where it was found.
    fn variants(&mut self, process: &Arc<Loaded>, index: usize) {
        let object = &process.objects[index];
        let (Some(directory), World::Glibc) = (&object.directory, process.world) else { return };
        let name = object
            .path
            .rsplit(|byte| *byte == b'/')
            .next()
            .and_then(|name| ocelet_tree::Name::new(name).ok());
        let below = TreePath::new("glibc-hwcaps").expect("a path");
        let levels = directory.real.descend(&below);
        let Some(name) = name else { return };
        for level in self.loader.files.view().names(&levels).unwrap_or_default() {
            let path = levels.join(&level).join(&name);
            let why = Why::Variant { level: level.to_string() };
            let reason = Reason { why, from: Some(object.real().clone()) };
            self.next.push(Job { path, reason, inside: Some((Arc::clone(process), index)), optional: true });
        }
    }
}

/// Paths in their order, each where it came first.
fn each_once(paths: impl IntoIterator<Item = TreePath>) -> Vec<TreePath> {
    let mut seen = BTreeSet::new();
    paths.into_iter().filter(|path| seen.insert(path.clone())).collect()
}

/// Looks at the file of one job, and loads it where it can be loaded.
fn look(loader: &Loader<'_>, options: &Options, job: &Job, fresh: bool) -> Seen {
    let place = match loader.files.place(&job.path) {
        Ok(place) => place,
        Err(lost) => return Seen::Lost(lost),
    };
    let Some(file) = place.file.clone().filter(|_| fresh) else { return Seen::Known(place) };
    match file.facts() {
        Facts::Plain => Seen::Known(place),
        Facts::Script(shebang) => {
            let shebang = shebang.clone();
            Seen::Script(place, shebang)
        }
        Facts::DamagedElf(error) => {
            let problem = Problem::DamagedElf { path: file.path.clone(), why: error.to_string() };
            Seen::Problem(place, problem)
        }
        Facts::Unreadable(why) => {
            let problem = Problem::Unreadable { path: file.path.clone(), why: why.clone() };
            Seen::Problem(place, problem)
        }
        Facts::Elf(binary) if !binary.is_loadable() => Seen::Known(place),
        Facts::Elf(_) => look_at_elf(loader, options, job, place, &file),
    }
}

fn look_at_elf(loader: &Loader<'_>, options: &Options, job: &Job, place: Arc<Place>, file: &File) -> Seen {
    let binary = file.binary().expect("the caller saw an ELF file");
    let around = job.inside.as_ref().filter(|_| !binary.is_program());
    if let Err(mismatch) = options.target.check(binary) {
        if around.is_some() {
            return Seen::NotMeant;
        }
        let problem = Problem::WrongPlatform { path: file.path.clone(), mismatch };
        return Seen::Problem(place, problem);
    }
    let (process, start) = match around {
        None => (loader.load_place(&job.path, &place), 0),
        Some((process, _)) if process.stranger(&place).is_some() => {
            return Seen::NotMeant;
        }
        Some((around, caller)) => {
            let mut process = Loaded::clone(around);
            // What was missing before is told already.
            process.missing.clear();
            let start = process.objects.len();
            loader.open_place(&mut process, *caller, &job.path, &place);
            (process, start)
        }
    };
    let traced = Traced::follow_notes(loader, process, start, options.dlopen);
    Seen::Traced(place, Box::new(traced))
}
