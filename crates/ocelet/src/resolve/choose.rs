//! [`resolve`]: the packages of every source and platform, each set chosen as apk would.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_package::apk::solve::{
    Chosen, Flags, FoundBy, Preference, Reason, Repository, Request, Root, Solution, solve,
};
use ocelet_package::apk::{Dependency, Package};
use rayon::prelude::*;

use super::asked::Asked;
use super::catalog::{Catalog, Listing};
use super::error::{Problem, ResolveError};
use super::plan::{Plan, PlannedPackage};
use super::supply::{self, Terms};
use crate::recipe::{Platform, Recipe, SourceName};

/// The versions that were chosen before, by source and platform: names and versions.
pub type Before = BTreeMap<(SourceName, Platform), Vec<(String, String)>>;

/// What shall be chosen anew although it was chosen before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Update {
    /// Only what the recipe needs now and did not before.
    #[default]
    Nothing,
    /// These packages, and what they need.
    Names(BTreeSet<String>),
    /// Everything.
    Everything,
}

impl Update {
    /// Whether a package or artifact of this name is chosen anew.
    pub(crate) fn reaches(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Names(names) => names.contains(name),
        }
    }
}

/// No package is listed as wanted by more than this many others by name.
const MOST_REASONS: usize = 4;

/// Chooses the packages that answer a recipe.
///
/// # Errors
/// Everything that speaks against it, for all sources and platforms.
pub fn resolve(
    recipe: &Recipe,
    asked: &BTreeMap<SourceName, Asked>,
    catalog: &Catalog,
    before: &Before,
    update: &Update,
) -> Result<Plan, ResolveError> {
    let mut problems = Vec::new();
    let platforms: BTreeSet<&Platform> = catalog.listings.keys().map(|(_, platform)| platform).collect();
    let mut tasks = Vec::new();
    for platform in platforms {
        for (source, terms) in supply::assign(recipe, asked, catalog, platform, &mut problems) {
            tasks.push((source, platform.clone(), terms));
        }
    }
    tasks.sort();
    let outcomes: Vec<Result<Plan, Vec<Problem>>> = tasks
        .into_par_iter()
        .map(|(source, platform, terms)| {
            let at = (source, platform);
            let task = Task {
                listings: catalog.listings.get(&at).map_or(&[], Vec::as_slice),
                before: before.get(&at).map_or(&[], Vec::as_slice),
                source: &at.0,
                platform: &at.1,
                update,
            };
            task.run(&terms)
        })
        .collect();
    let mut plan = Plan::default();
    for outcome in outcomes {
        match outcome {
            Ok(one) => {
                plan.packages.extend(one.packages);
                plan.notes.extend(one.notes);
            }
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(ResolveError { problems }) }
}

/// One source for one platform.
struct Task<'all> {
    source: &'all SourceName,
    platform: &'all Platform,
    listings: &'all [Listing],
    before: &'all [(String, String)],
    update: &'all Update,
}

impl Task<'_> {
    fn run(&self, terms: &Terms) -> Result<Plan, Vec<Problem>> {
        if terms.is_empty() {
            return Ok(Plan::default());
        }
        let mut problems = Vec::new();
        let roots: Vec<Dependency<'_>> = terms
            .keys()
            .filter_map(|term| {
                Dependency::parse(term).map_err(|cause| problems.push(self.unreadable(term, cause))).ok()
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let solution = solve(&self.request(&roots)).map_err(|cause| {
            vec![Problem::Unsolvable {
                source_name: self.source.clone(),
                platform: self.platform.clone(),
                cause: Box::new(cause),
            }]
        })?;
        self.plan(&solution, terms)
    }

    fn unreadable(&self, wish: &str, cause: ocelet_package::apk::DependencyError) -> Problem {
        Problem::Wish {
            source_name: self.source.clone(),
            platform: self.platform.clone(),
            wish: wish.to_owned(),
            cause,
        }
    }

    fn request<'text>(&'text self, roots: &[Dependency<'text>]) -> Request<'text> {
        let repository =
            |listing: &'text Listing| Repository { tag: listing.tag(), ..Repository::new(listing.index()) };
        let locked = self.before.iter().filter(|(name, _)| !self.update.reaches(name));
        let upgraded = Preference { own: Flags::UPGRADE, inherited: Flags::NONE };
        let preferences = match self.update {
            Update::Names(names) => names.iter().map(|name| (name.as_str(), upgraded)).collect(),
            Update::Nothing | Update::Everything => BTreeMap::new(),
        };
        Request {
            repositories: self.listings.iter().map(repository).collect(),
            roots: roots.iter().copied().map(Root::new).collect(),
            locked: locked.map(|(name, version)| (name.as_str(), version.as_str())).collect(),
            preferences,
            architectures: self.platform.apk_architecture().into_iter().collect(),
            ..Request::default()
        }
    }

    fn plan(&self, solution: &Solution<'_>, terms: &Terms) -> Result<Plan, Vec<Problem>> {
        let names: BTreeMap<String, &str> =
            solution.packages.iter().map(|one| (one.package.label(), one.package.name)).collect();
        let mut problems = Vec::new();
        let mut packages: Vec<PlannedPackage> = Vec::new();
        for chosen in &solution.packages {
            if !is_file_name(&chosen.package) {
                problems.push(Problem::name(self.source, self.platform, &chosen.package));
            } else if let Some(package) = self.package(chosen, &names, terms) {
                packages.push(package);
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let mut notes = Vec::new();
        if solution.found_by == FoundBy::Search {
            notes.push(format!(
                "{} for {}: apk itself would find no solution; this one was found by trying other combinations",
                self.source, self.platform
            ));
        }
        let gone =
            self.before.iter().filter(|_| *self.update == Update::Nothing).filter_map(|(name, version)| {
                let now = packages.iter().find(|package| package.name == *name)?;
                (now.version != *version).then(|| {
                    format!(
                        "{} for {}: {name} {version}, which was locked, cannot be kept; it is now {}",
                        self.source, self.platform, now.version
                    )
                })
            });
        notes.extend(gone);
        Ok(Plan { packages, notes })
    }

    fn package(
        &self,
        chosen: &Chosen<'_>,
        names: &BTreeMap<String, &str>,
        terms: &Terms,
    ) -> Option<PlannedPackage> {
        let listing = &self.listings[chosen.repository?];
        let package = &chosen.package;
        Some(PlannedPackage {
            source: self.source.clone(),
            platform: self.platform.clone(),
            name: package.name.to_owned(),
            version: package.version.to_owned(),
            architecture: package.architecture.to_owned(),
            size: package.size,
            installed_size: package.installed_size,
            identity: package.identity,
            location: listing.location().join(&format!("{}.apk", package.label())),
            because: because(&chosen.reasons, names, terms),
        })
    }
}

/// A package's name and version become the name of a file: nothing else may be done with them.
fn is_file_name(package: &Package<'_>) -> bool {
    let is_plain = |text: &str| {
        !text.is_empty() && !text.contains(['/', '\\', '\0']) && !text.contains(char::is_control)
    };
    is_plain(package.name) && is_plain(package.version) && !package.name.starts_with('.')
}

/// A term as the solver shows it: `tool@edge>=1` is `tool>=1`, from whichever repository it came.
fn without_tag(term: &str) -> String {
    let Some((name, rest)) = term.split_once('@') else { return term.to_owned() };
    format!("{name}{}", &rest[rest.find(['<', '>', '=', '~']).unwrap_or(rest.len())..])
}

/// Who asked for a package: all wishes of the recipe, and the first few of the packages by their names.
fn because(reasons: &[Reason], names: &BTreeMap<String, &str>, terms: &Terms) -> BTreeSet<String> {
    let mut because = BTreeSet::new();
    let mut others = BTreeSet::new();
    for reason in reasons {
        match reason {
            Reason::Root { dependency } => {
                let mut asked = terms.iter().filter(|(term, _)| without_tag(term) == *dependency).peekable();
                if asked.peek().is_none() {
                    because.insert(dependency.clone());
                }
                because.extend(asked.flat_map(|(_, wishes)| wishes.iter().cloned()));
            }
            Reason::Needed { by, .. } => {
                others.insert(names.get(by).map_or(by.as_str(), |name| *name).to_owned());
            }
            Reason::InstallIf { conditions } => {
                because.insert(format!("installs itself beside {}", conditions.join(" and ")));
            }
        }
    }
    let more = others.len().saturating_sub(MOST_REASONS);
    because.extend(others.into_iter().take(MOST_REASONS).map(|name| format!("needed by {name}")));
    if more > 0 {
        because.insert(format!("needed by {more} more"));
    }
    because
}
