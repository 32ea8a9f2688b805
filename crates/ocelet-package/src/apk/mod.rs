//! Alpine packages: the version order ([`Version`]), the dependency grammar ([`Dependency`]), the package
//! index ([`Index`], [`Package`]) and the choice of packages ([`solve`]).
//!
//! The rules are those of apk-tools 3.0, which reads the format 2 repositories that Alpine publishes.

mod dependency;
mod index;
mod package;
pub mod solve;
mod version;

pub use dependency::{Constraint, Dependency, DependencyError, DependencyList, Operator};
pub use index::{Index, IndexError, MalformedIndex};
pub use package::{Identity, IdentityError, Package};
pub use version::{Version, VersionError, compare_versions};
