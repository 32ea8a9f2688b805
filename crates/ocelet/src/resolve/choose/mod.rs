//! [`resolve`]: the packages of every source and platform, each set chosen as the package manager of its distribution
//! would.
//!
//! What is the same for all of them stands here; apk's part is `alpine`, Debian's `debian`.

mod alpine;
mod debian;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::asked::Asked;
use super::catalog::{Catalog, Listing};
use super::error::{Problem, ResolveError};
use super::plan::{Plan, PlannedPackage};
use super::supply::{self, Terms};
use crate::recipe::{Platform, Recipe, Source, SourceKind, SourceName};

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
        .filter_map(|(name, platform, terms)| {
            let source = recipe.sources.get(&name)?;
            let at = (name, platform);
            let task = Task {
                listings: catalog.listings.get(&at).map_or(&[], Vec::as_slice),
                before: before.get(&at).map_or(&[], Vec::as_slice),
                source,
                platform: &at.1,
                update,
            };
            Some(task.run(&terms))
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
    source: &'all Source,
    platform: &'all Platform,
    listings: &'all [Listing],
    before: &'all [(String, String)],
    update: &'all Update,
}

/// What a solver found.
struct Picked {
    packages: Vec<PlannedPackage>,
    /// Whether the package manager itself would have found nothing.
    by_search: bool,
}

/// Why a package was chosen.
enum Asker {
    /// A term of the recipe, as it was given to the solver or as that one shows it.
    Term(String),
    /// Another package, by its name.
    Package(String),
    /// Packages which it installs itself beside.
    Beside(Vec<String>),
}

impl<'all> Task<'all> {
    fn run(&self, terms: &Terms) -> Result<Plan, Vec<Problem>> {
        if terms.is_empty() {
            return Ok(Plan::default());
        }
        match &self.source.kind {
            SourceKind::Apk(_) => Ok(self.plan(alpine::pick(self, terms)?, "apk")),
            SourceKind::Deb(deb) => Ok(self.plan(debian::pick(self, deb, terms)?, "apt")),
            SourceKind::Rootfs(_) | SourceKind::Artifact(_) | SourceKind::File(_) => Ok(Plan::default()),
        }
    }

    fn name(&self) -> &SourceName {
        &self.source.name.value
    }

    /// What was locked and is to be kept if it will do.
    fn locked(&self) -> Vec<(&'all str, &'all str)> {
        let kept = self.before.iter().filter(|(name, _)| !self.update.reaches(name));
        kept.map(|(name, version)| (name.as_str(), version.as_str())).collect()
    }

    /// Puts what was found into order, and says what a person should know of it. `manager` is whose rules were
    /// followed.
    fn plan(&self, picked: Picked, manager: &str) -> Plan {
        let Picked { mut packages, by_search } = picked;
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let at = format!("{} for {}", self.name(), self.platform);
        let mut notes = Vec::new();
        if by_search {
            notes.push(format!(
                "{at}: {manager} itself would find no solution; this one was found by trying other combinations"
            ));
        }
        let before = self.before.iter().filter(|_| *self.update == Update::Nothing);
        notes.extend(before.filter_map(|(name, version)| {
            let now = packages.iter().find(|package| package.name == *name)?;
            (now.version != *version).then(|| {
                format!("{at}: {name} {version}, which was locked, cannot be kept; it is now {}", now.version)
            })
        }));
        Plan { packages, notes }
    }

    /// A package whose name, version or place could not be that of a file.
    fn hostile(&self, package: String) -> Problem {
        Problem::Name { source_name: self.name().clone(), platform: self.platform.clone(), package }
    }

    fn unreadable(&self, wish: &str, cause: impl Into<super::error::WishError>) -> Problem {
        Problem::Wish {
            source_name: self.name().clone(),
            platform: self.platform.clone(),
            wish: wish.to_owned(),
            cause: cause.into(),
        }
    }

    fn unsolvable(&self, cause: impl Into<super::error::NoChoice>) -> Vec<Problem> {
        vec![Problem::Unsolvable {
            source_name: self.name().clone(),
            platform: self.platform.clone(),
            cause: Box::new(cause.into()),
        }]
    }
}

/// A package's name and version become the name of a file: nothing else may be done with them.
fn is_file_name(name: &str, version: &str) -> bool {
    let is_plain = |text: &str| {
        !text.is_empty() && !text.contains(['/', '\\', '\0']) && !text.contains(char::is_control)
    };
    is_plain(name) && is_plain(version) && !name.starts_with('.')
}

/// Who asked for a package: all wishes of the recipe, and the first few of the packages by their names. `shown` is how
/// the solver shows a term.
fn because(
    askers: impl Iterator<Item = Asker>,
    terms: &Terms,
    shown: impl Fn(&str) -> String,
) -> BTreeSet<String> {
    let mut because = BTreeSet::new();
    let mut others = BTreeSet::new();
    for asker in askers {
        match asker {
            Asker::Term(term) => {
                let mut asked = terms.iter().filter(|(one, _)| shown(one) == term).peekable();
                if asked.peek().is_none() {
                    because.insert(term.clone());
                }
                because.extend(asked.flat_map(|(_, wishes)| wishes.iter().cloned()));
            }
            Asker::Package(name) => drop(others.insert(name)),
            Asker::Beside(conditions) => {
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
