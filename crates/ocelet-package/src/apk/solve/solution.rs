//! [`Solution`]: what was chosen, why, and what changes; [`Unsolvable`]: why nothing was.

use std::fmt;

use super::Searched;
use super::changes;
use super::explain::{Clash, Problem};
use super::solver::World;
use super::universe::{Demand, PackageId, Relation, Universe};
use crate::apk::{Package, compare_versions};

/// The packages that the roots come down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution<'text> {
    /// The packages, in the order in which apk installs them: what a package needs comes before it, but for
    /// circles, and for a package that installs itself beside the one that needs the last of its conditions.
    pub packages: Vec<Chosen<'text>>,
    /// What changes compared with what is installed, in the order in which it happens; for a fresh root an
    /// installation for each package.
    pub changes: Vec<Change<'text>>,
    /// Whether apk would choose the same.
    pub found_by: FoundBy,
    /// Roots that were left out, where that was asked for.
    pub left_out: Vec<String>,
}

/// Who finds a solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// apk's way led to it: `apk add` installs the same.
    Apk,
    /// apk's way ends in a conflict; this was found by trying other combinations.
    Search,
}

/// One package of a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<'text> {
    /// The package.
    pub package: Package<'text>,
    /// The first repository that offers it now, by its place in the request; none for a package that is only installed or
    /// cached.
    pub repository: Option<usize>,
    /// The tag that opened its repository, without `@`.
    pub tag: Option<&'text str>,
    /// Who asked for it; roots first.
    pub reasons: Vec<Reason>,
}

/// Why a package was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A root asks for it.
    Root {
        /// The root.
        dependency: String,
    },
    /// Another package needs it.
    Needed {
        /// Name and version of that package.
        by: String,
        /// How it says so.
        dependency: String,
    },
    /// It installs itself, since all of these are there.
    InstallIf {
        /// The conditions.
        conditions: Vec<String>,
    },
}

/// One change of what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'text> {
    /// What was there.
    pub old: Option<Package<'text>>,
    /// What is there afterwards.
    pub new: Option<Package<'text>>,
    /// The tag it was installed from, without `@`.
    pub old_tag: Option<&'text str>,
    /// The tag it comes from now, without `@`.
    pub new_tag: Option<&'text str>,
    /// What it is.
    pub kind: ChangeKind,
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A package comes.
    Install,
    /// A package goes.
    Remove,
    /// A newer version comes.
    Upgrade,
    /// An older version comes.
    Downgrade,
    /// Another package of the same version comes.
    Replace,
    /// The same package comes again.
    Reinstall,
    /// The package stays and belongs to another tag.
    Retag,
    /// The package stays as it is.
    Keep,
}

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsolvable {
    /// More repositories than can be told apart.
    #[error("there are {count} repositories; at most 63 can be used at once")]
    TooManyRepositories {
        /// How many there are.
        count: usize,
    },
    /// The wishes cannot be met.
    #[error("unable to select packages:\n{}{}", problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"), afterword(*searched))]
    NoSolution {
        /// Everything that speaks against them.
        problems: Vec<Problem>,
        /// What a complete search said.
        searched: Searched,
    },
}

fn afterword(searched: Searched) -> &'static str {
    match searched {
        Searched::NotTried | Searched::Impossible => "",
        Searched::GivenUp => "\n  (not all combinations of versions were tried: there are too many)",
        Searched::NotApks => "\n  (name one of the packages that provide what is missing)",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPackage { name, required_by, nearest } => {
                write!(formatter, "{name} (no such package):")?;
                line(formatter, "required by", required_by)?;
                line(formatter, "did you mean", nearest)
            }
            Self::Undecided { name, provided_by, required_by } => {
                write!(formatter, "{name} (provided by packages, one of which has to be named):")?;
                line(formatter, "provided by", provided_by)?;
                line(formatter, "required by", required_by)
            }
            Self::Clash(clash) => clash.fmt(formatter),
            Self::UnknownTag { root, known } => {
                write!(formatter, "{root}: no repository has this tag")?;
                line(formatter, "tags", known)
            }
            Self::SeveralOwners { path, packages } => {
                write!(formatter, "{path}: several packages hold this file; name one of them")?;
                line(formatter, "held by", packages)
            }
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.package)?;
        if let Some(architecture) = &self.architecture {
            write!(formatter, "\n    is for another architecture: {architecture}")?;
        }
        if let Some(field) = self.unknown_field {
            write!(formatter, "\n    has a field that is not known and has to be: {field}")?;
        }
        line(formatter, "has dependencies that cannot be read", &self.broken_depends)?;
        line(formatter, "masked in", &self.masked_in)?;
        line(formatter, "conflicts", &self.conflicts)?;
        line(formatter, "breaks", &self.breaks)?;
        line(formatter, "satisfies", &self.satisfies)?;
        if self.chain.len() > 1 {
            write!(formatter, "\n    asked for by: {}", self.chain.join(" → "))?;
        }
        Ok(())
    }
}

fn line(formatter: &mut fmt::Formatter<'_>, label: &str, words: &[String]) -> fmt::Result {
    if words.is_empty() { Ok(()) } else { write!(formatter, "\n    {label}: {}", words.join(" ")) }
}

/// Puts what was decided into words.
pub(super) fn describe<'text>(
    universe: &Universe<'text>,
    world: &[World<'text>],
    changed: &[changes::Change],
    found_by: FoundBy,
    left_out: Vec<String>,
) -> Solution<'text> {
    let tag = |number: usize| Some(universe.tags[number].text).filter(|text| !text.is_empty());
    let package = |id: PackageId| universe.entry(id).package;
    let chosen: Vec<(PackageId, usize)> =
        changed.iter().filter_map(|change| Some((change.new?, change.new_tag))).collect();
    let mut reasons = reasons(universe, world, &chosen);
    let packages = chosen.iter().map(|(id, new_tag)| {
        let offered = universe.entry(*id).repositories & universe.available;
        Chosen {
            package: package(*id),
            repository: (offered != 0).then(|| offered.trailing_zeros() as usize),
            tag: tag(*new_tag),
            reasons: std::mem::take(&mut reasons[*id as usize]),
        }
    });
    let packages = packages.collect();
    let told = changed.iter().map(|change| Change {
        old: change.old.map(package),
        new: change.new.map(package),
        old_tag: change.old.and_then(|_| tag(change.old_tag)),
        new_tag: change.new.and_then(|_| tag(change.new_tag)),
        kind: kind(universe, change),
    });
    Solution { packages, changes: told.collect(), found_by, left_out }
}

fn kind(universe: &Universe<'_>, change: &changes::Change) -> ChangeKind {
    match (change.old, change.new) {
        (_, None) => ChangeKind::Remove,
        (None, Some(_)) => ChangeKind::Install,
        (Some(old), Some(new)) if old == new => {
            if change.reinstall {
                ChangeKind::Reinstall
            } else if change.old_tag != change.new_tag {
                ChangeKind::Retag
            } else {
                ChangeKind::Keep
            }
        }
        (Some(old), Some(new)) => {
            let version = |id: PackageId| universe.entry(id).package.version;
            match compare_versions(version(new), version(old)) {
                std::cmp::Ordering::Less => ChangeKind::Downgrade,
                std::cmp::Ordering::Equal => ChangeKind::Replace,
                std::cmp::Ordering::Greater => ChangeKind::Upgrade,
            }
        }
    }
}

/// Who asked for each chosen package.
fn reasons(universe: &Universe<'_>, world: &[World<'_>], chosen: &[(PackageId, usize)]) -> Vec<Vec<Reason>> {
    let mut reasons: Vec<Vec<Reason>> = vec![Vec::new(); universe.packages.len()];
    let mut there = vec![false; universe.packages.len()];
    for (id, _) in chosen {
        there[*id as usize] = true;
    }
    let mut answer = |who: Option<PackageId>, demand: &Demand<'_>, reason: &dyn Fn(String) -> Reason| {
        for provider in universe.providers(demand.name) {
            let id = provider.package;
            let answers = there[id as usize] && universe.relation(who, demand, id) == Relation::Satisfies;
            if answers && !demand.conflict && who != Some(id) {
                let reason = reason(demand.text(universe));
                if !reasons[id as usize].contains(&reason) {
                    reasons[id as usize].push(reason);
                }
            }
        }
    };
    for root in world {
        answer(None, &root.demand, &|dependency| Reason::Root { dependency });
    }
    for (id, _) in chosen {
        for demand in universe.depends(*id) {
            let by = universe.label(*id);
            answer(Some(*id), demand, &|dependency| Reason::Needed { by: by.clone(), dependency });
        }
    }
    for (id, _) in chosen {
        let conditions = universe.install_if(*id);
        let met = |demand: &Demand<'_>| {
            let mut answers =
                universe.providers(demand.name).iter().filter(|each| there[each.package as usize]);
            match answers.next() {
                None => demand.conflict,
                Some(first) => {
                    universe.satisfies(Some(*id), demand, Some(*first))
                        || answers.any(|each| universe.satisfies(Some(*id), demand, Some(*each)))
                }
            }
        };
        if !conditions.is_empty() && conditions.iter().all(met) {
            let conditions = conditions.iter().map(|demand| demand.text(universe)).collect();
            reasons[*id as usize].push(Reason::InstallIf { conditions });
        }
    }
    reasons
}
