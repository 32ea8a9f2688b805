//! Debian's part of locking: a Release that is signed, indexes that it vouches for, and packages that these vouch for.
//!
//! ```text
//! suites ──▶ InRelease (else Release and Release.gpg) ──▶ Packages, by their digests ──▶ packages, by theirs
//! ```
//!
//! A source's suites are the recipe's own, or those that apt of this machine has. Of the latter one that cannot be had,
//! or that no known key has signed, is left out and told, as apt goes on without it; but not if the lock was made from it
//! before, and not if what came is damaged, expired or forged.

mod held;
mod lists;
mod nearby;
mod package;
mod releases;
mod suites;

use std::collections::BTreeSet;

use ocelet_package::deb_trust::{ReleaseError, SignatureError};

use super::error::Trouble;
use super::indexes::{Found, Reading};
use crate::event::Event;
use crate::exit::ExitClass;
use crate::lock::mirror_path;
use crate::recipe::{Platform, SourceName};

pub(super) use held::vouched_anyway;
pub(super) use nearby::Nearby;
pub(super) use package::pin;
use suites::Suite;

/// What could not be used.
#[derive(Default)]
struct Failures {
    /// What ends the run.
    trouble: Vec<Trouble>,
    /// What was left out of the machine's sources, as sentences.
    left_out: BTreeSet<String>,
}

/// Reads the indexes of every suite, in the recipe's order.
pub(super) fn read(reading: &Reading<'_>, trouble: &mut Vec<Trouble>) -> Vec<Found> {
    let mut failures = Failures::default();
    let suites = suites::of(reading, &mut failures);
    let wanted: BTreeSet<(&SourceName, &Platform)> = suites::tasks(reading).collect();
    let released = releases::read(reading, suites, &mut failures);
    let found = lists::read(reading, &released, &mut failures);
    if failures.trouble.is_empty() {
        let has = |name: &SourceName, platform: &Platform| {
            let mut indexes = found.iter().filter(|one| one.listing.is_some()).flat_map(|one| &one.indexes);
            indexes.any(|index| index.source == *name && index.platform == *platform)
        };
        let without = wanted.into_iter().filter(|(name, platform)| !has(name, platform));
        failures.trouble.extend(without.map(|(name, platform)| Trouble::NothingLeft {
            source_name: name.to_string(),
            platform: platform.clone(),
            reasons: failures.left_out.iter().cloned().collect(),
        }));
    }
    for message in &failures.left_out {
        reading.host.observer.observe(&Event::Warning { message });
    }
    trouble.append(&mut failures.trouble);
    found
}

impl Failures {
    /// Takes what went wrong with a suite: of the machine's own it is left out where apt would go on without it.
    fn take(&mut self, reading: &Reading<'_>, suite: &Suite<'_>, problem: Trouble) {
        let Some(machine) = &suite.machine else { return self.trouble.push(problem) };
        let place = machine.place.clone();
        if !is_passed_over(&problem) {
            self.trouble.push(Trouble::OfMachine { place, cause: Box::new(problem) });
        } else if machine.unsigned {
            self.trouble.push(Trouble::Unsigned { place, cause: Box::new(problem) });
        } else if was_locked(reading, suite) {
            self.trouble.push(Trouble::OfMachine { place, cause: Box::new(problem) });
        } else {
            self.leave_out(suite, &crate::error::sentence(&problem));
        }
    }

    fn leave_out(&mut self, suite: &Suite<'_>, why: &str) {
        let place = suite.machine.as_ref().map_or("", |machine| &machine.place);
        self.left_out.insert(format!("{} of apt's source in {place} is left out: {why}", suite.release));
    }
}

/// Whether apt goes on without a source for such a reason: it cannot be reached, or there is no key for it.
fn is_passed_over(problem: &Trouble) -> bool {
    match problem {
        Trouble::Bring(error) => error.class() == ExitClass::Unavailable,
        Trouble::Release(error) => matches!(
            **error,
            ReleaseError::Signature {
                cause: SignatureError::Unsigned | SignatureError::UnknownKey { .. },
                ..
            }
        ),
        _ => false,
    }
}

/// Whether the lock was made from this suite before: then packages would vanish without it, or grow old.
fn was_locked(reading: &Reading<'_>, suite: &Suite<'_>) -> bool {
    let directory = format!("{}/", mirror_path(&suite.release));
    let mut indexes = reading.previous.iter().flat_map(|lock| &lock.indexes);
    indexes.any(|index| index.source == *suite.source && index.file.path.starts_with(&directory))
}
