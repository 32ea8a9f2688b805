//! [`bring`]: every file of a lock, from the store, a mirror or its sources, and proved.
//!
//! It refuses to fetch one digest twice, to wait for another process while there is something else to do, and to
//! stop at the first file that cannot be had.

use std::collections::BTreeMap;

use ocelet_net::{self as net, Address, Expectation, Fetcher};
use ocelet_oci::Digest;

use crate::event::Event;
use crate::host::Host;
use crate::lock::LockedFile;

use super::error::{BringError, Shortfall};
use super::goods::Goods;
use super::parallel::{Step, each};
use super::store::{Begun, Partial, VerifiedBlob};
use super::supply::{Supply, abreast};
use super::telling::Telling;

/// Some bytes that are wanted, whatever the number of files that consist of them.
struct Want<'lock> {
    name: &'lock str,
    digest: Digest,
    size: u64,
    places: Vec<Address>,
    /// Whether to wait for another process that brings them.
    patient: bool,
}

/// Brings files home, each with the name that messages call it by: from the store, else from the mirrors in their
/// order, else from the file's own sources in theirs. Whatever comes is kept in the store.
///
/// Several files are brought at a time. What another process is bringing meanwhile is waited for, and a file that
/// was cut off in an earlier run is gone on with where its source can do that.
///
/// # Errors
/// All files that could not be had, or that are not what the lock says.
pub fn bring(
    files: &[(String, &LockedFile)],
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Goods, BringError> {
    let mut shortfalls = Vec::new();
    let wants = gather(files, supply, &mut shortfalls);
    let threads = abreast(host);
    let looks = each(wants, threads, |want| {
        Step::Done(supply.store.get(&want.digest, want.size).map_err(|cause| store(want.name, cause)).map(
            |held| match held {
                Some(blob) => Ok(blob),
                None => Err(want),
            },
        ))
    });
    let mut goods = Goods::new(supply.store.clone());
    let mut missing = Vec::new();
    for look in looks {
        match look {
            Ok(Ok(blob)) => goods.add(blob),
            Ok(Err(want)) => missing.push(want),
            Err(shortfall) => shortfalls.push(shortfall),
        }
    }
    if !missing.is_empty() {
        let bytes = missing.iter().fold(0_u64, |sum, want| sum.saturating_add(want.size));
        host.observer.observe(&Event::FetchingBegins { files: missing.len(), bytes: Some(bytes) });
        for result in each(missing, threads, |want| bring_one(want, supply, host)) {
            match result {
                Ok(blob) => goods.add(blob),
                Err(shortfall) => shortfalls.push(shortfall),
            }
        }
        host.observer.observe(&Event::FetchingEnded);
    }
    BringError::of(shortfalls, &supply.mirrors).map_or(Ok(goods), Err)
}

/// What is wanted, each content once, with all places that any of its files names.
fn gather<'lock>(
    files: &'lock [(String, &LockedFile)],
    supply: &Supply<'_>,
    shortfalls: &mut Vec<Shortfall>,
) -> Vec<Want<'lock>> {
    let mut seen: BTreeMap<(Digest, u64), usize> = BTreeMap::new();
    let mut wants: Vec<Want<'lock>> = Vec::new();
    for (name, file) in files {
        let places = match supply.places(&file.path, &file.sources) {
            Ok(places) => places,
            Err(cause) => {
                shortfalls.push(Shortfall::Address { name: name.clone(), cause });
                continue;
            }
        };
        let (digest, size) = (file.sha256, file.size);
        if let Some(number) = seen.get(&(digest, size)) {
            let known = &mut wants[*number].places;
            let new: Vec<Address> = places.into_iter().filter(|place| !known.contains(place)).collect();
            known.extend(new);
            continue;
        }
        seen.insert((digest, size), wants.len());
        wants.push(Want { name, digest, size, places, patient: false });
    }
    wants
}

fn bring_one<'lock>(
    want: Want<'lock>,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Step<Want<'lock>, Result<VerifiedBlob, Shortfall>> {
    let mut begun = supply.store.try_begin(&want.digest, want.size);
    if matches!(begun, Ok(Begun::Busy)) {
        if !want.patient {
            return Step::Later(Want { patient: true, ..want });
        }
        host.observer.observe(&Event::Waiting { name: want.name });
        begun = supply.store.begin(&want.digest, want.size);
    }
    Step::Done(match begun {
        Ok(Begun::Held(blob)) => {
            host.observer.observe(&Event::Fetched { name: want.name, size: blob.size(), from: None });
            Ok(blob)
        }
        Ok(Begun::Write(partial)) => download(&want, partial, supply, host),
        // Not after `begin`, which waits; and taking it up again is right in any case.
        Ok(Begun::Busy) => return Step::Later(want),
        Err(cause) => Err(store(want.name, cause)),
    })
}

fn download(
    want: &Want<'_>,
    mut partial: Partial,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<VerifiedBlob, Shortfall> {
    let telling = Telling::new(host.observer, want.name);
    let fetcher = Fetcher::new(supply.source, supply.sleeper, &telling).patience(supply.patience.clone());
    let expectation = Expectation::pinned(pinned(&want.digest), want.size);
    // A part that stays behind after a failure is gone on with by the next run.
    let fetched =
        fetcher.fetch_any(want.name, &want.places, &expectation, &mut partial).map_err(Shortfall::Fetch)?;
    let blob = partial.finish().map_err(|cause| store(want.name, cause))?;
    telling.fetched(blob.size(), fetched.from());
    Ok(blob)
}

pub(super) fn store(name: &str, cause: super::store::StoreError) -> Shortfall {
    Shortfall::Store { name: name.to_owned(), cause: Box::new(cause) }
}

/// The same digest, as the network crate has it.
fn pinned(digest: &Digest) -> net::Digest {
    digest.hex().parse().expect("a digest shows itself as 64 hexadecimal digits")
}
