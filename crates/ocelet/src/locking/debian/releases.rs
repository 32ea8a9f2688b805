//! Brings the Release of each suite home, once for all platforms, and verifies it for each.

use std::collections::BTreeMap;

use ocelet_package::deb_trust::{RELEASE_LIMIT, VerifiedRelease};

use super::Failures;
use super::suites::Suite;
use crate::fetch::{Served, Wanted};
use crate::lock::{LockedIndex, mirror_path};
use crate::locking::error::Trouble;
use crate::locking::indexes::{Reading, bring};
use crate::locking::{blamed, bytes, checked, locked_file, wanted};
use crate::recipe::Location;

/// The file that is signed in itself, and the one that is signed beside it by the third.
pub(super) const INLINE: &str = "InRelease";
pub(super) const PLAIN: &str = "Release";
pub(super) const SIGNATURES: &str = "Release.gpg";

/// The most bytes of each of them.
const MOST: u64 = RELEASE_LIMIT as u64;

/// A suite whose Release is here and verified.
pub(super) struct Released<'run> {
    pub(super) suite: Suite<'run>,
    pub(super) release: VerifiedRelease,
    /// Who signed it, as a lock has it.
    pub(super) signed_by: String,
    /// Its files.
    pub(super) indexes: Vec<LockedIndex>,
}

/// The files of a Release.
enum Files {
    Inline(Served),
    Apart { release: Served, signatures: Served },
}

/// Reads the Release of every suite.
pub(super) fn read<'run>(
    reading: &Reading<'_>,
    suites: Vec<Suite<'run>>,
    failures: &mut Failures,
) -> Vec<Released<'run>> {
    let mut places: Vec<&Location> = Vec::new();
    for suite in &suites {
        if !places.contains(&&suite.release) {
            places.push(&suite.release);
        }
    }
    let places: Vec<Location> = places.into_iter().cloned().collect();
    let mut brought: BTreeMap<Location, Files> = BTreeMap::new();
    for (place, outcome) in places.iter().zip(bring_all(reading, &places)) {
        match outcome {
            Ok(files) => drop(brought.insert(place.clone(), files)),
            Err(problem) => {
                // One failure is told once, for the suite that can least do without it.
                let mut mine = suites.iter().filter(|suite| suite.release == *place).peekable();
                let first = mine.peek().copied();
                if let Some(suite) = mine.find(|suite| suite.machine.is_none()).or(first) {
                    failures.take(reading, suite, problem);
                }
            }
        }
    }
    let mut released = Vec::new();
    for suite in suites {
        let Some(files) = brought.get(&suite.release) else { continue };
        match verify(reading, &suite, files) {
            Ok((release, signed_by, indexes))
                if suite.machine.is_some() && release.release().not_automatic =>
            {
                drop((release, signed_by, indexes));
                failures.leave_out(
                    &suite,
                    "apt takes packages from it only when told to (NotAutomatic); a recipe can list it",
                );
            }
            Ok((release, signed_by, indexes)) => {
                released.push(Released { suite, release, signed_by, indexes });
            }
            Err(problem) => failures.take(reading, &suite, problem),
        }
    }
    released
}

/// The files of the Release in each directory.
fn bring_all(reading: &Reading<'_>, places: &[Location]) -> Vec<Result<Files, Trouble>> {
    let inline: Vec<Wanted> = places.iter().map(|place| wish(reading, place, INLINE)).collect();
    let inline = bring(&inline, reading.supply, reading.host);
    let is_elsewhere =
        |number: &usize| inline[*number].as_ref().is_err_and(crate::fetch::BringError::is_absent_somewhere);
    let elsewhere: Vec<usize> = (0..places.len()).filter(is_elsewhere).collect();
    let apart: Vec<Wanted> = elsewhere
        .iter()
        .flat_map(|number| [PLAIN, SIGNATURES].map(|name| wish(reading, &places[*number], name)))
        .collect();
    let mut apart = bring(&apart, reading.supply, reading.host).into_iter();
    let mut outcomes = Vec::new();
    for (number, served) in inline.into_iter().enumerate() {
        let pair = elsewhere.contains(&number).then(|| (apart.next(), apart.next()));
        outcomes.push(match (served, pair) {
            (Err(_), Some((Some(Ok(release)), Some(Ok(signatures))))) => checked(reading.listed, Ok(release))
                .and_then(|release| {
                    let signatures = checked(reading.listed, Ok(signatures))?;
                    Ok(Files::Apart { release, signatures })
                }),
            (served, _) => checked(reading.listed, served).map(Files::Inline),
        });
    }
    outcomes
}

fn wish(reading: &Reading<'_>, place: &Location, name: &str) -> Wanted {
    let location = place.join(name);
    wanted(reading.recipe, location.to_string(), &location, MOST)
}

fn verify(
    reading: &Reading<'_>,
    suite: &Suite<'_>,
    files: &Files,
) -> Result<(VerifiedRelease, String, Vec<LockedIndex>), Trouble> {
    let label = |served: &Served, name: &str| blamed(served.from.as_ref(), &suite.release.join(name));
    let read = |served: &Served, name: &str| bytes(&label(served, name), &served.blob.content());
    let (release, named) = match files {
        Files::Inline(served) => {
            let text = read(served, INLINE)?;
            let release =
                VerifiedRelease::open_inline(&label(served, INLINE), &text, &suite.keyring, suite.validity)?;
            (release, vec![(INLINE, served)])
        }
        Files::Apart { release: served, signatures } => {
            let (text, signature) = (read(served, PLAIN)?, read(signatures, SIGNATURES)?);
            let release = VerifiedRelease::open_detached(
                &label(served, PLAIN),
                &text,
                &signature,
                &suite.keyring,
                suite.validity,
            )?;
            (release, vec![(PLAIN, served), (SIGNATURES, signatures)])
        }
    };
    release.check_suite(&suite.name)?;
    for name in [INLINE, PLAIN] {
        if let Some(seen) = reading.seen(&mirror_path(&suite.release.join(name))) {
            release.check_not_older(seen.generated)?;
        }
    }
    let signed_by = shown(suite, &release);
    let indexes = named.into_iter().map(|(name, served)| {
        let location = suite.release.join(name);
        LockedIndex {
            source: suite.source.clone(),
            platform: suite.platform.clone(),
            file: locked_file(reading.recipe, &location, &mirror_path(&location), &served.blob),
            signed_by: signed_by.clone(),
            description: description(&release),
            generated: release.release().date.0,
            newest_build: None,
        }
    });
    let indexes = indexes.collect();
    Ok((release, signed_by, indexes))
}

/// Who signed a Release as a lock has it: the suite, and the certificate of each key.
fn shown(suite: &Suite<'_>, release: &VerifiedRelease) -> String {
    let mut keys: Vec<String> =
        release.signed_by().iter().map(|signed| signed.certificate.to_string()).collect();
    keys.dedup();
    format!("{} {}", suite.name, keys.join(" "))
}

/// What the publisher calls it.
fn description(release: &VerifiedRelease) -> String {
    let release = release.release();
    let words = [&release.origin, &release.codename, &release.version];
    words.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}
