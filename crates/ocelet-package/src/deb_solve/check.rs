//! [`check`]: whether a set of packages meets its roots and goes together, without anything that the solver knows.

use super::request::{Root, group_text};
use crate::deb::{MultiArch, Package, Qualifier, Relation, RelationError, RelationKind, VersionError};

/// One rule that a set of packages breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A need that nothing in the set meets.
    Unmet {
        /// The package that needs it; nothing for a root.
        by: Option<String>,
        /// The need.
        relation: String,
    },
    /// Two packages that cannot be together.
    Excluded {
        /// The one that says so.
        package: String,
        /// The other one.
        other: String,
        /// How it says so.
        relation: String,
    },
    /// Two versions of one name.
    Twice {
        /// The name.
        name: String,
    },
    /// A relation that cannot be read.
    Relation(RelationError),
    /// A version that cannot be read.
    Version(VersionError),
}

/// Looks whether packages of one architecture meet their roots and each other's needs.
///
/// # Errors
/// Every violation.
pub fn check(architecture: &str, roots: &[Root<'_>], packages: &[Package<'_>]) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    let unmet = |alternatives: &[Relation<'_>]| {
        !alternatives.iter().any(|relation| packages.iter().any(|each| meets(architecture, relation, each)))
    };
    for root in roots.iter().filter(|root| unmet(root.alternatives())) {
        violations.push(Violation::Unmet { by: None, relation: root.to_string() });
    }
    for (at, package) in packages.iter().enumerate() {
        violations.extend(package.version().err().map(Violation::Version));
        if packages[..at].iter().any(|other| other.name == package.name) {
            violations.push(Violation::Twice { name: package.name.to_owned() });
        }
        for kind in [RelationKind::PreDepends, RelationKind::Depends] {
            for group in package.relations(kind).groups() {
                match group {
                    Ok(group) if unmet(&group) => violations
                        .push(Violation::Unmet { by: Some(package.label()), relation: group_text(&group) }),
                    Ok(_) => {}
                    Err(error) => violations.push(Violation::Relation(error)),
                }
            }
        }
        for kind in [RelationKind::Conflicts, RelationKind::Breaks] {
            for relation in package.relations(kind).each() {
                match relation {
                    Ok(relation) => excluded(architecture, package, &relation, packages, &mut violations),
                    Err(error) => violations.push(Violation::Relation(error)),
                }
            }
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

fn excluded(
    architecture: &str,
    package: &Package<'_>,
    relation: &Relation<'_>,
    packages: &[Package<'_>],
    violations: &mut Vec<Violation>,
) {
    let others = packages.iter().filter(|other| other.name != package.name);
    for other in others.filter(|other| meets(architecture, relation, other)) {
        let (package, other) = (package.label(), other.label());
        violations.push(Violation::Excluded { package, other, relation: relation.to_string() });
    }
}

fn meets(architecture: &str, relation: &Relation<'_>, package: &Package<'_>) -> bool {
    let wanted_here = match relation.qualifier {
        None | Some(Qualifier::Native) => true,
        Some(Qualifier::Any) => package.multi_arch == MultiArch::Allowed,
        Some(Qualifier::Architecture(wanted)) => wanted == architecture,
    };
    let itself =
        package.name == relation.name && package.version().is_ok_and(|version| relation.accepts(&version));
    if itself && wanted_here {
        return true;
    }
    let provides = package.relations(RelationKind::Provides);
    provides.each().filter_map(Result::ok).any(|provided| {
        let version = provided.constraint.map(|constraint| constraint.version);
        let answers = match provided.qualifier {
            Some(Qualifier::Any) => relation.qualifier == Some(Qualifier::Any),
            Some(Qualifier::Architecture(other)) => other == architecture && wanted_here,
            _ => wanted_here,
        };
        answers && provided.name == relation.name && relation.accepts_provided(version.as_ref())
    })
}
