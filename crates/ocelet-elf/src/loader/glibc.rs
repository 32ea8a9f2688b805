//! How glibc's loader finds a library: `elf/dl-load.c`, `elf/dl-cache.c`.
//!
//! The order is: `DT_RPATH` of the file that asks and of all through which it was loaded, unless it has a
//! `DT_RUNPATH`; `DT_RUNPATH`; the cache; the default directories. Files of another class or machine are
//! passed over, anything else that is no library ends the search. `LD_LIBRARY_PATH`, `LD_PRELOAD` and paths
//! relative to the working directory are not modelled: an image must not depend on them.

use std::sync::Arc;

use ocelet_tree::{Name, TreePath};

use super::MOST_DIRECTORIES;
use super::tokens::Tokens;
use super::{Answer, Environment, Found, Hwcaps, Loaded, Loader, Object, WhyUnfound, absolute, unloadable};
use crate::files::{Directory, File, Place};
use crate::target::floats_agree;
use crate::{Abi, Binary, Mismatch, Text};

/// What a file is to a loader that looks for a library of its own kind.
enum Verdict {
    Take,
    /// It is for another machine: look further.
    PassOver(Mismatch),
    /// It is no library: give up.
    Refuse(String),
}

/// A search under way: what was looked at so far.
#[derive(Default)]
struct Trail {
    searched: Vec<TreePath>,
    passed_over: Option<(TreePath, Mismatch)>,
}

pub(super) fn search(process: &Loaded, loader: &Loader<'_>, from: usize, name: &Text) -> Answer {
    let asking = &process.objects[from];
    let Some(binary) = asking.file.binary() else {
        return Answer::Miss(WhyUnfound::Nowhere { searched: Vec::new() });
    };
    if name.as_bytes().contains(&b'/') {
        return by_path(process, loader, asking, name);
    }
    let mut trail = Trail::default();
    if binary.runpath.is_none() {
        for above in process.chain(from) {
            let Some(binary) = above.file.binary() else { continue };
            if let (Some(rpath), None) = (&binary.rpath, &binary.runpath)
                && let Some(answer) = along(process, loader, above, rpath, Found::Rpath, name, &mut trail)
            {
                return answer;
            }
        }
    } else if let Some(runpath) = &binary.runpath
        && let Some(answer) = along(process, loader, asking, runpath, Found::Runpath, name, &mut trail)
    {
        return answer;
    }
    in_defaults(&process.environment, loader, name, binary.flags_1 & Binary::NODEFLIB != 0, trail)
}

/// A name with a slash is a path; tokens count in it, search paths do not.
fn by_path(process: &Loaded, loader: &Loader<'_>, asking: &Object, name: &Text) -> Answer {
    let nowhere = || Answer::Miss(WhyUnfound::Nowhere { searched: Vec::new() });
    let Some(path) = expand(process, asking, name.as_bytes()) else { return nowhere() };
    if path.first() != Some(&b'/') {
        return nowhere();
    }
    let Ok(place) = loader.files.at(&path) else { return nowhere() };
    let mut trail = Trail::default();
    match judge(&place, process.environment.abi, &mut trail) {
        Some(Ok(())) => {
            let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            let directory = loader.files.directory(&path[..end.max(1)]);
            Answer::Hit { place, directory, path, found: Found::ByPath }
        }
        Some(Err(why)) => Answer::Miss(why),
        None => Answer::Miss(trail.unfound()),
    }
}

/// The directories of one search path, in order.
fn along(
    process: &Loaded,
    loader: &Loader<'_>,
    owner: &Object,
    search_path: &Text,
    found: Found,
    name: &Text,
    trail: &mut Trail,
) -> Option<Answer> {
    for written in search_path.as_bytes().split(|byte| *byte == b':').take(MOST_DIRECTORIES) {
        let Some(directory) = expand(process, owner, written).and_then(|path| loader.files.directory(&path))
        else {
            continue;
        };
        if let Some(answer) = inside(loader, process.environment.abi, &directory, name, found, trail) {
            return Some(answer);
        }
    }
    None
}

fn expand(process: &Loaded, owner: &Object, text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'$') {
        return Some(text.to_vec());
    }
    let origin = absolute(owner.origin());
    let platform = process.machine().and_then(|machine| machine.token).map(str::as_bytes);
    Tokens { origin: &origin, lib: process.environment.lib_token(), platform }.expand(text)
}

/// One directory, its subdirectories for better processors first where the machine has them.
fn inside(
    loader: &Loader<'_>,
    abi: Abi,
    directory: &Arc<Directory>,
    name: &Text,
    found: Found,
    trail: &mut Trail,
) -> Option<Answer> {
    let base = Name::new(name.as_bytes()).ok()?;
    if let Hwcaps::Running(levels) = &loader.hwcaps {
        for level in levels {
            let written = [&directory.written[..], b"/glibc-hwcaps/", level.as_bytes()].concat();
            let Some(better) = loader.files.directory(&written) else { continue };
            if let Some(answer) = take(loader, abi, &better, &base, found, trail) {
                return Some(answer);
            }
        }
    }
    trail.searched.push(directory.real.clone());
    take(loader, abi, directory, &base, found, trail)
}

fn take(
    loader: &Loader<'_>,
    abi: Abi,
    directory: &Arc<Directory>,
    name: &Name,
    found: Found,
    trail: &mut Trail,
) -> Option<Answer> {
    let place = loader.files.place(&directory.real.join(name)).ok()?;
    match judge(&place, abi, trail)? {
        Ok(()) => {
            let path = [&directory.written[..], b"/", name.as_bytes()].concat();
            Some(Answer::Hit { place, directory: Some(Arc::clone(directory)), path, found })
        }
        Err(why) => Some(Answer::Miss(why)),
    }
}

/// Whether a file is taken, ends the search, or (nothing) is passed over.
fn judge(place: &Place, abi: Abi, trail: &mut Trail) -> Option<Result<(), WhyUnfound>> {
    let file = place.file.as_ref()?;
    match verdict(file, abi) {
        Verdict::Take => Some(Ok(())),
        Verdict::Refuse(why) => Some(Err(WhyUnfound::Unusable { path: file.path.clone(), why })),
        Verdict::PassOver(mismatch) => {
            trail.passed_over.get_or_insert_with(|| (file.path.clone(), mismatch));
            None
        }
    }
}

/// What `open_verify` of `dl-load.c` makes of a file.
fn verdict(file: &File, abi: Abi) -> Verdict {
    let Some(binary) = file.binary() else { return Verdict::Refuse(unloadable(file)) };
    let (is, wanted) = (binary.abi, abi);
    let mismatch = Mismatch { is, wanted };
    if is.class != wanted.class {
        return Verdict::PassOver(mismatch);
    }
    if is.endianness != wanted.endianness {
        return Verdict::Refuse(mismatch.to_string());
    }
    if is.machine != wanted.machine || !floats_agree(is.float, wanted.float) {
        return Verdict::PassOver(mismatch);
    }
    if !binary.is_loadable() {
        return Verdict::Refuse(unloadable(file));
    }
    Verdict::Take
}

impl Trail {
    fn unfound(self) -> WhyUnfound {
        match self.passed_over {
            Some((path, mismatch)) => WhyUnfound::OtherMachine { path, mismatch },
            None => WhyUnfound::Nowhere { searched: self.searched },
        }
    }
}

/// The cache and the default directories: the same for every program of a loader, so they are remembered.
fn in_defaults(
    environment: &Environment,
    loader: &Loader<'_>,
    name: &Text,
    no_defaults: bool,
    mut trail: Trail,
) -> Answer {
    if no_defaults {
        return match cached(environment, loader, name, true, &mut trail) {
            Some(answer) => answer,
            None => Answer::Miss(trail.unfound()),
        };
    }
    let known = environment.known.read().expect("no holder panics").get(name).cloned();
    let answer = known.unwrap_or_else(|| {
        let answer = look_up(environment, loader, name);
        environment.known.write().expect("no holder panics").insert(name.clone(), answer.clone());
        answer
    });
    match answer {
        Answer::Miss(WhyUnfound::Nowhere { searched }) => {
            trail.searched.extend(searched);
            Answer::Miss(trail.unfound())
        }
        other => other,
    }
}

fn look_up(environment: &Environment, loader: &Loader<'_>, name: &Text) -> Answer {
    let mut trail = Trail::default();
    let through_cache = cached(environment, loader, name, false, &mut trail);
    if let Some(answer @ Answer::Miss(_)) = through_cache {
        return answer;
    }
    let default = environment
        .defaults
        .iter()
        .find_map(|directory| inside(loader, environment.abi, directory, name, Found::Default, &mut trail));
    match (through_cache, default) {
        // What the defaults find as well needs no cache.
        (Some(Answer::Hit { place, .. }), Some(Answer::Hit { place: same, directory, path, found }))
            if place.real == same.real =>
        {
            Answer::Hit { place: same, directory, path, found }
        }
        (Some(answer), _) | (None, Some(answer)) => answer,
        (None, None) => Answer::Miss(trail.unfound()),
    }
}

/// What the cache answers, or what `ldconfig` would put there from `/etc/ld.so.conf`.
fn cached(
    environment: &Environment,
    loader: &Loader<'_>,
    name: &Text,
    no_defaults: bool,
    trail: &mut Trail,
) -> Option<Answer> {
    let Some(cache) = &environment.cache else {
        // ldconfig knows libraries by their names only: lib*.so* and ld-*.so* (`_dl_is_dso`).
        let library = (name.as_bytes().starts_with(b"lib") || name.as_bytes().starts_with(b"ld-"))
            && name.as_bytes().windows(3).any(|window| window == b".so");
        return environment
            .configured
            .iter()
            .filter(|directory| library && !(no_defaults && in_default(environment, &directory.written)))
            .find_map(|directory| inside(loader, environment.abi, directory, name, Found::Cache, trail));
    };
    let flags = environment.machine.map_or(3, |machine| machine.cache_flags);
    let better = match &loader.hwcaps {
        Hwcaps::Running(levels) => levels
            .iter()
            .find_map(|level| {
                let mut variants = cache.variants(name.as_bytes(), flags);
                variants.find(|(text, _)| text.as_bytes() == level.as_bytes())
            })
            .map(|(_, path)| path),
        Hwcaps::Baseline | Hwcaps::KeepVariants => None,
    };
    let path = better.or_else(|| cache.lookup(name.as_bytes(), flags).next())?.as_bytes().to_vec();
    if no_defaults && in_default(environment, &path) {
        return None;
    }
    let place = loader.files.at(&path).ok()?;
    match judge(&place, environment.abi, trail)? {
        Ok(()) => {
            let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            let directory = loader.files.directory(&path[..end.max(1)]);
            Some(Answer::Hit { place, directory, path, found: Found::Cache })
        }
        Err(why) => Some(Answer::Miss(why)),
    }
}

/// `DF_1_NODEFLIB` forbids what the cache has below a default directory, by comparing texts (`dl-load.c`).
fn in_default(environment: &Environment, path: &[u8]) -> bool {
    let path = if path.last() == Some(&b'/') { path.to_vec() } else { [path, b"/"].concat() };
    environment.default_texts.iter().any(|directory| path.starts_with(directory))
}
