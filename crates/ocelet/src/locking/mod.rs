//! The other corridor: a recipe in, a lock out. It calls the rooms `resolve`, `fetch` and
//! `lock` in order: indexes are brought home and verified, packages chosen, and everything that is new
//! is brought home too, since only whole bytes have a sha256.
//!
//! It keeps what a lock has already, unless it is told to choose anew, and refuses what nobody known has signed.

mod alpine;
mod anatomy;
mod artifacts;
mod debian;
mod error;
mod indexes;
mod mirroring;
mod packages;
mod released;
mod sums;

use std::collections::BTreeMap;

use ocelet_net::Address;
use ocelet_tree::{Bytes, Content};

use crate::event::Event;
use crate::fetch::store::VerifiedBlob;
use crate::fetch::{BringError, Listed, Served, Supply, Wanted};
use crate::host::Host;
use crate::lock::{self, Difference, Lock, LockDiff, LockedArtifact, LockedFile, Vouched, mirror_path};
use crate::recipe::{Location, Recipe, SourceName, Variable};
use crate::resolve::{self, Asked, Before, Plan, Update};

use debian::Nearby;
pub use error::{LockingError, Trouble, WrongArtifact, WrongRelease};
pub use indexes::check_mirrors;
pub use mirroring::mirror;
pub(crate) use released::contradictions;

/// The packages of a recipe before any of their bytes are here, and the indexes that they were chosen from.
#[derive(Debug)]
pub struct Planned {
    /// The packages.
    pub plan: Plan,
    /// How many packages the indexes list.
    pub listed: usize,
}

/// A lock that answers a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The lock.
    pub lock: Lock,
    /// Whether it is another than before, and has to be written down.
    pub is_new: bool,
}

/// Whether a lock that does not answer the recipe may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// It is replaced by one that does, which keeps what it can.
    Replaced,
    /// It is an error, which tells the difference.
    Refused,
}

/// The lock that answers a recipe: the one that there is, if it does, else a new one.
///
/// # Errors
/// As [`lock()`]; and a lock that does not fit, or none, where that is refused; and a lock that fits and has other bytes
/// than a release is known to have.
pub fn settle(
    recipe: &Recipe,
    previous: Option<Lock>,
    staleness: Staleness,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Settled, LockingError> {
    if !needs_lock(recipe) {
        return Ok(Settled { lock: Lock::default(), is_new: false });
    }
    let differences = previous.as_ref().map(|lock| stale(recipe, lock));
    match (previous, differences) {
        (Some(lock), Some(differences)) if differences.is_empty() => {
            let trouble = contradictions(recipe, &lock);
            if trouble.is_empty() { Ok(Settled { lock, is_new: false }) } else { Err(trouble.into()) }
        }
        (_, differences) if staleness == Staleness::Refused => {
            Err(vec![Trouble::Stale { differences: differences.unwrap_or_default() }].into())
        }
        (previous, _) => {
            let lock = lock(recipe, previous.as_ref(), &Update::Nothing, supply, host)?;
            Ok(Settled { lock, is_new: true })
        }
    }
}

/// What the recipe asks now and the lock does not answer; empty where the lock fits.
pub fn stale(recipe: &Recipe, lock: &Lock) -> Vec<Difference> {
    lock::stale(&lock.asked, &resolve::asked(recipe))
}

/// Whether a recipe has sources that need a lock at all.
pub fn needs_lock(recipe: &Recipe) -> bool {
    !resolve::asked(recipe).is_empty()
}

/// Chooses packages without bringing any home: only the indexes are needed.
///
/// # Errors
/// Indexes that cannot be had or trusted, or wishes that do not go together.
pub fn plan(
    recipe: &Recipe,
    previous: Option<&Lock>,
    update: &Update,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Planned, LockingError> {
    let Chosen { read, plan, .. } = choose(recipe, previous, update, supply, host)?;
    let listed = read.catalog.listings.values().flatten().map(resolve::Listing::len).sum();
    Ok(Planned { plan, listed })
}

/// Decides on every byte that the recipe's images may hold. What `previous` has is kept where it still answers the
/// recipe, but for what shall be chosen anew.
///
/// # Errors
/// See [`Trouble`]; all of them at once, as far as one does not follow from another.
pub fn lock(
    recipe: &Recipe,
    previous: Option<&Lock>,
    update: &Update,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Lock, LockingError> {
    let Chosen { asked, read, plan } = choose(recipe, previous, update, supply, host)?;
    for note in &plan.notes {
        host.observer.observe(&Event::Warning { message: note });
    }
    let mut trouble = Vec::new();
    let packages = packages::pin(recipe, &plan, previous, &read, supply, host, &mut trouble);
    let artifacts = artifacts::pin(recipe, previous, update, &read.listed, supply, host, &mut trouble);
    if !trouble.is_empty() {
        return Err(trouble.into());
    }
    let is_tool = |artifact: &LockedArtifact| {
        recipe.upx.as_ref().is_some_and(|tool| tool.name.value == artifact.source)
    };
    let (tools, artifacts) = artifacts.into_iter().partition(is_tool);
    let mut lock = Lock { asked, indexes: read.indexes, packages, artifacts, tools };
    lock.packages.sort_by(|one, other| {
        (&one.source, &one.platform, &one.name).cmp(&(&other.source, &other.platform, &other.name))
    });
    for list in [&mut lock.artifacts, &mut lock.tools] {
        list.sort_by(|one, other| (&one.source, &one.platform).cmp(&(&other.source, &other.platform)));
    }
    Ok(lock)
}

/// What was chosen, and from what.
struct Chosen {
    asked: BTreeMap<SourceName, Asked>,
    read: indexes::Read,
    plan: Plan,
}

/// Reads the indexes, and chooses from them.
fn choose(
    recipe: &Recipe,
    previous: Option<&Lock>,
    update: &Update,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Chosen, LockingError> {
    let asked = resolve::asked(recipe);
    let read = indexes::read(recipe, &asked, previous, supply, host)?;
    let plan = resolve::resolve(recipe, &asked, &read.catalog, &before(previous), update)
        .map_err(|error| LockingError::from(vec![Trouble::Resolve(error)]))?;
    Ok(Chosen { asked, read, plan })
}

/// What changes from one lock to another, with what is in each package as far as it can be had.
pub fn compare(recipe: &Recipe, old: &Lock, new: &Lock, supply: &Supply<'_>, host: &Host<'_>) -> LockDiff {
    let nearby = [old, new].map(|lock| Nearby::of(recipe, lock, supply));
    lock::diff(old, new, &|file| {
        let file = nearby.iter().fold(expanded(file, &recipe.variables), |file, nearby| nearby.with(file));
        anatomy::of(&file, supply, host)
    })
}

/// The same lock as this machine can have it: with its paths in place of the parameters' names, and what apt of another
/// machine had from where apt of this one has it too.
#[must_use]
pub fn placed(recipe: &Recipe, lock: &Lock, supply: &Supply<'_>) -> Lock {
    let mut lock = lock.clone();
    let nearby = Nearby::of(recipe, &lock, supply);
    let files = lock.indexes.iter_mut().map(|one| &mut one.file);
    let files = files.chain(lock.packages.iter_mut().map(|one| &mut one.file));
    for file in files.chain(lock.artifacts.iter_mut().chain(&mut lock.tools).map(|one| &mut one.file)) {
        *file = nearby.with(expanded(file, &recipe.variables));
    }
    lock
}

fn expanded(file: &LockedFile, variables: &BTreeMap<String, Variable>) -> LockedFile {
    let sources = file.sources.iter().map(|location| location.expanded(variables)).collect();
    LockedFile { sources, ..file.clone() }
}

/// Where a file can be had: where the recipe says, then in the mirrors that it names.
fn sources(recipe: &Recipe, location: &Location, path: &str) -> Vec<Location> {
    let mirrors = recipe.mirrors.iter().map(|mirror| mirror.value.join(path));
    std::iter::once(location.clone()).chain(mirrors).collect()
}

/// The files of sums that vouch for the artifacts of a lock.
fn sums_files(lock: &Lock) -> impl Iterator<Item = &Location> {
    lock.artifacts.iter().chain(&lock.tools).filter_map(|artifact| match &artifact.vouched {
        Vouched::Sums(location) => Some(location),
        Vouched::Recipe | Vouched::Known | Vouched::FirstUse => None,
    })
}

/// The wish for a file at a location, of at most `most` bytes.
fn wanted(recipe: &Recipe, name: String, location: &Location, most: u64) -> Wanted {
    let path = mirror_path(location);
    let sources = sources(recipe, location, &path);
    let sources = sources.iter().map(|location| location.expanded(&recipe.variables)).collect();
    Wanted { name, path, sources, most, exact: None }
}

/// What was served, if the mirror that served it lists no other digest.
fn checked(listed: &Listed, served: Result<Served, BringError>) -> Result<Served, Trouble> {
    let served = served?;
    served.from.iter().try_for_each(|from| listed.check(from, served.blob.digest()))?;
    Ok(served)
}

/// What errors call a file: whoever served it is to blame, not whose it is.
fn blamed(from: Option<&Address>, location: &Location) -> String {
    from.map_or_else(|| location.to_string(), ToString::to_string)
}

/// The bytes of what was brought home; `label` is what it is called if they cannot be read back.
fn bytes(label: &str, content: &Content) -> Result<Bytes, Trouble> {
    content.bytes().map_err(|cause| Trouble::Read { label: label.to_owned(), cause })
}

/// A file as a lock has it, from the bytes that were proved to be the right ones.
fn locked_file(recipe: &Recipe, location: &Location, path: &str, blob: &VerifiedBlob) -> LockedFile {
    LockedFile {
        path: path.to_owned(),
        size: blob.size(),
        sha256: *blob.digest(),
        sources: sources(recipe, location, path),
    }
}

/// The versions that a lock has.
fn before(previous: Option<&Lock>) -> Before {
    let mut before = Before::new();
    for package in previous.into_iter().flat_map(|lock| &lock.packages) {
        before
            .entry((package.source.clone(), package.platform.clone()))
            .or_default()
            .push((package.name.clone(), package.version.clone()));
    }
    before
}
