//! Brings the lists of packages home that a verified Release vouches for.

use ocelet_oci::Digest;
use ocelet_package::deb_trust::{IndexChoice, PACKAGES_LIMIT, PackagesError};
use rayon::prelude::*;

use super::Failures;
use super::releases::Released;
use crate::error::sentence;
use crate::fetch::{Goods, bring};
use crate::lock::{LockedFile, LockedIndex, mirror_path};
use crate::locking::error::Trouble;
use crate::locking::indexes::{Found, Reading};
use crate::locking::{bytes, expanded, sources};
use crate::recipe::Location;
use crate::resolve::Listing;

/// What the Release calls packages of no architecture.
const ALL: &str = "all";

/// A list that is to be had.
struct Wish<'all, 'run> {
    released: &'all Released<'run>,
    choice: IndexChoice,
    location: Location,
    file: LockedFile,
}

/// Reads every list, each behind the files of its Release.
pub(super) fn read(reading: &Reading<'_>, released: &[Released<'_>], failures: &mut Failures) -> Vec<Found> {
    let mut wishes: Vec<(&Released<'_>, Vec<Wish<'_, '_>>)> = Vec::new();
    for one in released {
        let mine = wishes_of(reading, one, failures);
        if !mine.is_empty() {
            wishes.push((one, mine));
        }
    }
    let files: Vec<(String, LockedFile)> = wishes
        .iter()
        .flat_map(|(_, wishes)| wishes)
        .map(|wish| (wish.location.to_string(), expanded(&wish.file, &reading.recipe.variables)))
        .collect();
    let files: Vec<(String, &LockedFile)> = files.iter().map(|(name, file)| (name.clone(), file)).collect();
    let goods = match bring(&files, reading.supply, reading.host) {
        Ok(goods) => goods,
        Err(error) => {
            failures.trouble.push(error.into());
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (one, wishes) in &wishes {
        found.push(Found { indexes: one.indexes.clone(), listing: None });
        let outcomes: Vec<Result<Found, Trouble>> =
            wishes.par_iter().map(|wish| open(wish, &goods)).collect();
        for outcome in outcomes {
            match outcome {
                Ok(list) => found.push(list),
                Err(problem) => failures.take(reading, &one.suite, problem),
            }
        }
    }
    found
}

/// What is to be had of a suite: for each component the list of its architecture, and that of packages of none where
/// these have their own (Debian's repository format, "No-Support-for-Architecture-all").
fn wishes_of<'all, 'run>(
    reading: &Reading<'_>,
    released: &'all Released<'run>,
    failures: &mut Failures,
) -> Vec<Wish<'all, 'run>> {
    let suite = &released.suite;
    let components: Vec<Option<&str>> = match suite.components.as_slice() {
        [] => vec![None],
        several => several.iter().map(|component| Some(component.as_str())).collect(),
    };
    let mut wishes = Vec::new();
    for component in components {
        match released.release.choose_packages(component, suite.architecture) {
            Ok(choice) => wishes.push(wish(reading, released, choice)),
            // apt passes over what a repository does not have, too.
            Err(error @ PackagesError::NotListed { .. }) if suite.machine.is_some() => {
                failures.leave_out(suite, &sentence(&error));
            }
            Err(error) => failures.trouble.push(error.into()),
        }
        if component.is_some() && released.release.release().has_index_of_all() {
            let choice = released.release.choose_packages(component, ALL);
            wishes.extend(choice.ok().map(|choice| wish(reading, released, choice)));
        }
    }
    wishes
}

fn wish<'all, 'run>(
    reading: &Reading<'_>,
    released: &'all Released<'run>,
    choice: IndexChoice,
) -> Wish<'all, 'run> {
    let location = released.suite.release.join(&choice.path);
    let path = mirror_path(&location);
    // By its digest it can still be had when the repository has moved on.
    let by_hash = choice.by_hash.as_ref().map(|path| released.suite.release.join(path));
    let sources = by_hash.into_iter().chain(sources(reading.recipe, &location, &path)).collect();
    let sha256 = Digest::from_bytes(choice.entry.sha256);
    let file = LockedFile { path, size: choice.entry.size, sha256, sources };
    Wish { released, choice, location, file }
}

fn open(wish: &Wish<'_, '_>, goods: &Goods) -> Result<Found, Trouble> {
    let (released, suite) = (wish.released, &wish.released.suite);
    let label = wish.location.to_string();
    let blob = goods.get(&wish.file.sha256).expect("all that was wanted is here");
    let bytes = bytes(&label, &blob.content())?;
    let packages = released.release.open_packages(&wish.choice, &bytes, PACKAGES_LIMIT)?;
    let listing = Listing::read_deb(&suite.root, &label, packages)?;
    let index = LockedIndex {
        source: suite.source.clone(),
        platform: suite.platform.clone(),
        file: wish.file.clone(),
        signed_by: released.signed_by.clone(),
        description: String::new(),
        generated: released.release.release().date.0,
        newest_build: None,
    };
    Ok(Found { indexes: vec![index], listing: Some(listing) })
}
