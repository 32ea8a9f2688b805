//! [`check`]: whether a set of packages is a solution, found out anew.
//!
//! It shares nothing with the solver but the grammar of dependencies: it looks at the packages as the index
//! describes them, one demand after the other. It does not ask whether a better set exists, nor
//! whether every package that would install itself is there.

use std::collections::BTreeMap;

use crate::apk::{Dependency, DependencyError, Operator, Package, ShortIdentity};

/// What keeps a set of packages from being a solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Nothing satisfies a demand.
    #[error("nothing satisfies \"{dependency}\", which {who} demands")]
    Unsatisfied {
        /// The package, or "a root".
        who: String,
        /// The demand.
        dependency: String,
    },
    /// A package is there that must not.
    #[error("{package} is there, which \"{dependency}\" of {who} forbids")]
    Forbidden {
        /// The package, or "a root".
        who: String,
        /// The demand.
        dependency: String,
        /// The package that must not be there.
        package: String,
    },
    /// Two packages own one name.
    #[error("{first} and {second} both own the name \"{name}\"")]
    SharedName {
        /// The name.
        name: String,
        /// One package.
        first: String,
        /// The other one.
        second: String,
    },
    /// A demand cannot be read.
    #[error("{who}: {source}")]
    Unreadable {
        /// The package.
        who: String,
        /// What is wrong.
        source: DependencyError,
    },
}

/// Who goes by each name, with which version.
type Owners<'set, 'text> = BTreeMap<&'text str, Vec<(&'set Package<'text>, Option<&'text str>)>>;

/// Looks whether `packages` satisfy the roots and each other.
///
/// # Errors
/// Everything that is wrong.
pub fn check<'text>(roots: &[Dependency<'text>], packages: &[Package<'text>]) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    let owners = owners(packages);
    for (name, of_name) in &owners {
        shared_names(name, of_name, &mut violations);
    }
    for root in roots {
        look(None, root, &owners, &mut violations);
    }
    for package in packages {
        for dependency in package.depends.iter() {
            match dependency {
                Ok(dependency) => look(Some(package), &dependency, &owners, &mut violations),
                Err(source) => violations.push(Violation::Unreadable { who: package.label(), source }),
            }
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

fn owners<'set, 'text>(packages: &'set [Package<'text>]) -> Owners<'set, 'text> {
    let mut owners = Owners::new();
    for package in packages {
        owners.entry(package.name).or_default().push((package, Some(package.version)));
        for provided in package.provides.as_str().split_ascii_whitespace() {
            let end = provided.find(['=', '<', '>', '~']).unwrap_or(provided.len());
            let version = provided[end..].trim_start_matches(['=', '<', '>', '~']);
            let version = (!version.is_empty()).then_some(version);
            owners.entry(&provided[..end]).or_default().push((package, version));
        }
    }
    owners
}

fn shared_names(name: &str, owners: &[(&Package<'_>, Option<&str>)], violations: &mut Vec<Violation>) {
    // With n owners of which one has a version, n - 1 clashes say enough.
    let Some((first, _)) = owners.iter().find(|(_, version)| version.is_some()) else { return };
    let mut first_passed = false;
    for (second, _) in owners {
        if std::ptr::eq(*first, *second) && !std::mem::replace(&mut first_passed, true) {
            continue;
        }
        let (first, second) = (first.label(), second.label());
        violations.push(Violation::SharedName { name: name.to_owned(), first, second });
    }
}

fn look(
    who: Option<&Package<'_>>,
    dependency: &Dependency<'_>,
    owners: &Owners<'_, '_>,
    violations: &mut Vec<Violation>,
) {
    let named = owners.get(dependency.name).map_or(&[][..], Vec::as_slice);
    let fits = |(package, version): &(&Package<'_>, Option<&str>)| match dependency.constraint {
        Some(constraint) if constraint.operator == Operator::CHECKSUM => {
            ShortIdentity::parse(constraint.version) == Ok(package.identity)
        }
        Some(constraint) => {
            version.is_none_or(|version| constraint.operator.accepts(version, constraint.version))
        }
        None => true,
    };
    let asking = who.map_or("a root".to_owned(), Package::label);
    if !dependency.conflict {
        if !named.iter().any(fits) {
            violations.push(Violation::Unsatisfied { who: asking, dependency: dependency.to_string() });
        }
        return;
    }
    let others = named.iter().filter(|(package, _)| who.is_none_or(|who| !std::ptr::eq(who, *package)));
    for (package, _) in others.filter(|owner| fits(owner)) {
        violations.push(Violation::Forbidden {
            who: asking.clone(),
            dependency: dependency.to_string(),
            package: package.label(),
        });
    }
}
