//! Chooses Alpine packages with apk's solver.

use std::collections::BTreeMap;

use ocelet_package::apk::Dependency;
use ocelet_package::apk::solve::{
    Chosen, Flags, FoundBy, Preference, Reason, Repository, Request, Root, Solution, solve,
};

use super::super::catalog::Listing;
use super::super::error::Problem;
use super::super::plan::{PlannedIdentity, PlannedPackage};
use super::super::supply::Terms;
use super::{Asker, Picked, Task, Update, because, is_file_name};

pub(super) fn pick(task: &Task<'_>, terms: &Terms) -> Result<Picked, Vec<Problem>> {
    let mut problems = Vec::new();
    let roots: Vec<Dependency<'_>> = terms
        .keys()
        .filter_map(|term| {
            Dependency::parse(term).map_err(|cause| problems.push(task.unreadable(term, cause))).ok()
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let solution = solve(&request(task, &roots)).map_err(|cause| task.unsolvable(cause))?;
    let by_search = solution.found_by == FoundBy::Search;
    Ok(Picked { packages: packages(task, &solution, terms)?, by_search })
}

fn request<'text>(task: &Task<'text>, roots: &[Dependency<'text>]) -> Request<'text> {
    let repository = |listing: &'text Listing| {
        let index = listing.apk()?;
        Some(Repository { tag: listing.tag(), ..Repository::new(index) })
    };
    let upgraded = Preference { own: Flags::UPGRADE, inherited: Flags::NONE };
    let preferences = match task.update {
        Update::Names(names) => names.iter().map(|name| (name.as_str(), upgraded)).collect(),
        Update::Nothing | Update::Everything => BTreeMap::new(),
    };
    Request {
        repositories: task.listings.iter().filter_map(repository).collect(),
        roots: roots.iter().copied().map(Root::new).collect(),
        locked: task.locked().into_iter().collect(),
        preferences,
        architectures: task.platform.apk_architecture().into_iter().collect(),
        ..Request::default()
    }
}

fn packages(
    task: &Task<'_>,
    solution: &Solution<'_>,
    terms: &Terms,
) -> Result<Vec<PlannedPackage>, Vec<Problem>> {
    let names: BTreeMap<String, &str> =
        solution.packages.iter().map(|one| (one.package.label(), one.package.name)).collect();
    let mut problems = Vec::new();
    let mut packages = Vec::new();
    for chosen in &solution.packages {
        if is_file_name(chosen.package.name, chosen.package.version) {
            packages.extend(planned(task, chosen, &names, terms));
        } else {
            problems.push(task.hostile(chosen.package.label()));
        }
    }
    if problems.is_empty() { Ok(packages) } else { Err(problems) }
}

fn planned(
    task: &Task<'_>,
    chosen: &Chosen<'_>,
    names: &BTreeMap<String, &str>,
    terms: &Terms,
) -> Option<PlannedPackage> {
    let listing = &task.listings[chosen.repository?];
    let package = &chosen.package;
    let askers = chosen.reasons.iter().map(|reason| match reason {
        Reason::Root { dependency } => Asker::Term(dependency.clone()),
        Reason::Needed { by, .. } => {
            Asker::Package(names.get(by).map_or(by.as_str(), |name| *name).to_owned())
        }
        Reason::InstallIf { conditions } => Asker::Beside(conditions.clone()),
    });
    Some(PlannedPackage {
        source: task.name().clone(),
        platform: task.platform.clone(),
        name: package.name.to_owned(),
        version: package.version.to_owned(),
        architecture: package.architecture.to_owned(),
        size: package.size,
        installed_size: package.installed_size,
        identity: PlannedIdentity::Apk(package.identity),
        location: listing.location().join(&format!("{}.apk", package.label())),
        because: because(askers, terms, without_tag),
    })
}

/// A term as the solver shows it: `tool@edge>=1` is `tool>=1`, from whichever repository it came.
fn without_tag(term: &str) -> String {
    let Some((name, rest)) = term.split_once('@') else { return term.to_owned() };
    format!("{name}{}", &rest[rest.find(['<', '>', '=', '~']).unwrap_or(rest.len())..])
}
