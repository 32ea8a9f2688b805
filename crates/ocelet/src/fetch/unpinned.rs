//! [`bring_unpinned`]: files whose digest nobody knows yet, for whoever writes a lock: package indexes, files of
//! sums, artifacts and packages that are locked for the first time.
//!
//! Nothing here is proved to be the right content, only that the digest is the content's own: who calls checks a
//! signature or a sum. It refuses to take such a file from the store by a name, and to take more bytes than the
//! caller allows.

use ocelet_net::{Address, Expectation, Fetcher};

use crate::event::Event;
use crate::host::Host;
use crate::lock::LockedFile;
use crate::recipe::Location;

use super::bring::store;
use super::error::{BringError, Shortfall};
use super::parallel::{Step, each};
use super::store::VerifiedBlob;
use super::supply::{Supply, abreast};
use super::telling::Telling;

/// A file that is wanted by its place alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What messages call it.
    pub name: String,
    /// Where it lies in a mirror, as [`LockedFile::path`] says it.
    pub path: String,
    /// Where it can be had, best first.
    pub sources: Vec<Location>,
    /// No more bytes than this are taken.
    pub most: u64,
    /// Its length in bytes, where that is known.
    pub exact: Option<u64>,
}

/// A file that was served.
#[derive(Debug)]
pub struct Served {
    /// Its bytes, in the store under their digest.
    pub blob: VerifiedBlob,
    /// Who served it; nothing where the store had it.
    pub from: Option<Address>,
    /// The source that served it; nothing where a mirror did, or the store had it.
    pub source: Option<Location>,
}

/// Brings files home whose digest is not known, from the mirrors and then from their sources. Results come in the
/// order of what is wanted.
///
/// # Errors
/// For each file alone: no place gave it, or the store could not take it.
pub fn bring_unpinned(
    wanted: &[Wanted],
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Vec<Result<Served, BringError>> {
    let bytes = wanted.iter().map(|one| one.exact).try_fold(0_u64, |sum, one| sum.checked_add(one?));
    abreast_with(wanted.iter().collect(), bytes, host, |one| {
        let places = places(one, supply)?;
        let (blob, from) = serve(one, &places, supply, host).map_err(|short| error(short, supply))?;
        let source = places.iter().position(|place| *place == from);
        Ok(Served {
            blob,
            source: source.and_then(|number| source_of(one, number, supply)),
            from: Some(from),
        })
    })
}

/// Brings files home as they were locked, or, where no place has them so any more, as they are now: for package
/// indexes, which are replaced by newer ones under the same name. The caller compares the digests, and checks who
/// signed one that is new. No more than `most` bytes are taken for each.
///
/// # Errors
/// For each file alone: no place gave it, or the store could not take it.
pub fn bring_current(
    files: &[(String, &LockedFile)],
    most: u64,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Vec<Result<Served, BringError>> {
    abreast_with(files.iter().collect(), None, host, |(name, file)| {
        match supply.store.get(&file.sha256, file.size) {
            Ok(Some(blob)) => {
                host.observer.observe(&Event::Fetched { name, size: blob.size(), from: None });
                return Ok(Served { blob, from: None, source: None });
            }
            Ok(None) => {}
            Err(cause) => return Err(error(store(name, cause), supply)),
        }
        let (path, sources) = (file.path.clone(), file.sources.clone());
        newest(file, &Wanted { name: name.clone(), path, sources, most, exact: None }, supply, host)
    })
}

/// The locked content from whichever place has it; else what the first source gives, else what the first mirror
/// does: a mirror is as old as its last update.
fn newest(
    file: &LockedFile,
    wanted: &Wanted,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Served, BringError> {
    let places = places(wanted, supply)?;
    let mut others: Vec<Served> = Vec::new();
    let mut next = 0;
    // At least once: without any place that is the error to tell.
    while next == 0 || next < places.len() {
        let (blob, from) = match serve(wanted, &places[next..], supply, host) {
            Ok(served) => served,
            Err(short) if others.is_empty() => return Err(error(short, supply)),
            Err(_) => break,
        };
        let number = next + places[next..].iter().position(|place| *place == from).unwrap_or(0);
        let served = Served { from: Some(from), source: source_of(wanted, number, supply), blob };
        if *served.blob.digest() == file.sha256 {
            return Ok(served);
        }
        others.push(served);
        next = number + 1;
    }
    let best = others.iter().position(|served| served.source.is_some()).unwrap_or(0);
    Ok(others.swap_remove(best))
}

/// Works on all of them, several at a time, and tells when it begins and ends.
fn abreast_with<T: Send>(
    items: Vec<T>,
    bytes: Option<u64>,
    host: &Host<'_>,
    work: impl Fn(T) -> Result<Served, BringError> + Sync,
) -> Vec<Result<Served, BringError>> {
    if items.is_empty() {
        return Vec::new();
    }
    host.observer.observe(&Event::FetchingBegins { files: items.len(), bytes });
    let results = each(items, abreast(host), |item| Step::Done(work(item)));
    host.observer.observe(&Event::FetchingEnded);
    results
}

/// The content that the first of some places gives, and which place that is.
fn serve(
    wanted: &Wanted,
    places: &[Address],
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<(VerifiedBlob, Address), Shortfall> {
    let name = wanted.name.as_str();
    let mut partial = supply.store.begin_unnamed().map_err(|cause| store(name, cause))?;
    let telling = Telling::new(host.observer, name);
    let fetcher = Fetcher::new(supply.source, supply.sleeper, &telling).patience(supply.patience.clone());
    let expectation = Expectation { sha256: None, size: wanted.exact, most: wanted.most };
    let fetched = fetcher.fetch_any(name, places, &expectation, &mut partial).map_err(Shortfall::Fetch)?;
    let blob = partial.finish().map_err(|cause| store(name, cause))?;
    let from = fetched.from().cloned().expect("an empty sink without a digest is only filled by a source");
    telling.fetched(blob.size(), Some(&from));
    Ok((blob, from))
}

fn places(wanted: &Wanted, supply: &Supply<'_>) -> Result<Vec<Address>, BringError> {
    supply
        .places(&wanted.path, &wanted.sources)
        .map_err(|cause| error(Shortfall::Address { name: wanted.name.clone(), cause }, supply))
}

/// The source behind the place of this number; nothing for a mirror.
fn source_of(wanted: &Wanted, number: usize, supply: &Supply<'_>) -> Option<Location> {
    wanted.sources.get(number.checked_sub(supply.mirrors.len())?).cloned()
}

fn error(shortfall: Shortfall, supply: &Supply<'_>) -> BringError {
    BringError::of(vec![shortfall], &supply.mirrors).expect("there is one")
}
