//! How musl's loader finds a library: `ldso/dynlink.c`, `load_library`.
//!
//! `DT_RUNPATH` takes the place of `DT_RPATH`, and either is inherited by everything that is loaded through
//! its file. Then come the directories of `/etc/ld-musl-ARCH.path`, or the three that are compiled in. The
//! names of the C library's parts are the loader itself. The first file of a name is taken, whatever it is.
//! There is no cache, no `$LIB`, no variant for better processors.

use std::sync::Arc;

use ocelet_tree::Name;

use super::tokens::expand_for_musl;
use super::{Answer, Found, Loaded, Loader, MOST_DIRECTORIES, WhyUnfound, absolute, unloadable};
use crate::files::{Directory, Place};
use crate::target::floats_agree;
use crate::{Mismatch, Text};

/// Names that begin with `lib` and one of these are the loader itself.
const RESERVED: [&[u8]; 7] = [b"c.", b"pthread.", b"rt.", b"m.", b"dl.", b"util.", b"xnet."];

pub(super) fn search(process: &Loaded, loader: &Loader<'_>, from: usize, name: &Text) -> Answer {
    let environment = &process.environment;
    let bytes = name.as_bytes();
    let reserved =
        bytes.strip_prefix(b"lib").is_some_and(|rest| RESERVED.iter().any(|part| rest.starts_with(part)));
    if reserved || bytes == environment.loader_path {
        return Answer::Itself;
    }
    let mut searched = Vec::new();
    if bytes.contains(&b'/') {
        let nowhere = Answer::Miss(WhyUnfound::Nowhere { searched });
        let Ok(place) = loader.files.at(bytes) else { return nowhere };
        return if bytes.first() == Some(&b'/') && place.file.is_some() {
            take(process, place, None, bytes.to_vec(), Found::ByPath)
        } else {
            nowhere
        };
    }
    let Ok(base) = Name::new(bytes) else { return Answer::Miss(WhyUnfound::Nowhere { searched }) };
    let mut look = |directory: Arc<Directory>, found: Found| -> Option<Answer> {
        searched.push(directory.real.clone());
        let place = loader.files.place(&directory.real.join(&base)).ok()?;
        place.file.as_ref()?;
        let path = [&directory.written[..], b"/", bytes].concat();
        Some(take(process, place, Some(directory), path, found))
    };
    for above in process.chain(from) {
        let Some(binary) = above.file.binary() else { continue };
        let (written, found) = match (&binary.runpath, &binary.rpath) {
            (Some(runpath), _) => (runpath, Found::Runpath),
            (None, Some(rpath)) => (rpath, Found::Rpath),
            (None, None) => continue,
        };
        let Some(expanded) = expand_for_musl(written.as_bytes(), &absolute(above.origin())) else { continue };
        for directory in expanded.split(|byte| matches!(byte, b':' | b'\n')).take(MOST_DIRECTORIES) {
            let directory = loader.files.directory(directory);
            if let Some(answer) = directory.and_then(|directory| look(directory, found)) {
                return answer;
            }
        }
    }
    for directory in &environment.defaults {
        if let Some(answer) = look(Arc::clone(directory), Found::Default) {
            return answer;
        }
    }
    Answer::Miss(WhyUnfound::Nowhere { searched })
}

/// musl maps whatever it opened; a file for another machine would crash, so it is told as missing here.
fn take(
    process: &Loaded,
    place: Arc<Place>,
    directory: Option<Arc<Directory>>,
    path: Vec<u8>,
    found: Found,
) -> Answer {
    let file = place.file.as_ref().expect("the caller saw a file");
    let Some(binary) = file.binary().filter(|binary| binary.is_loadable()) else {
        return Answer::Miss(WhyUnfound::Unusable { path: file.path.clone(), why: unloadable(file) });
    };
    let (is, wanted) = (binary.abi, process.environment.abi);
    let same = (is.machine, is.class, is.endianness) == (wanted.machine, wanted.class, wanted.endianness);
    if !same || !floats_agree(is.float, wanted.float) {
        let mismatch = Mismatch { is, wanted };
        return Answer::Miss(WhyUnfound::OtherMachine { path: file.path.clone(), mismatch });
    }
    Answer::Hit { place, directory, path, found }
}
