//! [`ResolveError`]: why no choice of packages answers the recipe, for all sources and platforms at once.

use ocelet_package::apk::solve::Unsolvable;
use ocelet_package::apk::{DependencyError, Package};

use crate::exit::ExitClass;
use crate::recipe::{Platform, SourceName};

/// Why no choice of packages answers a recipe.
#[derive(Debug, thiserror::Error)]
#[error("no choice of packages answers the recipe:\n{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ResolveError {
    /// Everything that speaks against it.
    pub problems: Vec<Problem>,
}

/// One thing that speaks against it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A command that no package has, and that no other source can bring.
    #[error("{source_name} for {platform}: no package provides the command \"{command}\"{}", did_you_mean(.near))]
    NoCommand {
        /// The source.
        source_name: SourceName,
        /// The platform.
        platform: Platform,
        /// The command.
        command: String,
        /// Commands with a similar name.
        near: Vec<String>,
    },
    /// A wish that apk could not read.
    #[error("{source_name} for {platform}: the wish \"{wish}\" cannot be read: {cause}")]
    Wish {
        /// The source.
        source_name: SourceName,
        /// The platform.
        platform: Platform,
        /// The wish.
        wish: String,
        /// Why.
        #[source]
        cause: DependencyError,
    },
    /// The packages do not go together.
    #[error("{source_name} for {platform}: {cause}")]
    Unsolvable {
        /// The source.
        source_name: SourceName,
        /// The platform.
        platform: Platform,
        /// Why.
        #[source]
        cause: Box<Unsolvable>,
    },
    /// A package whose name or version could not be that of a file.
    #[error(
        "{source_name} for {platform}: the index lists \"{package}\", which cannot be the name of a file"
    )]
    Name {
        /// The source.
        source_name: SourceName,
        /// The platform.
        platform: Platform,
        /// The package.
        package: String,
    },
}

impl Problem {
    pub(super) fn name(source: &SourceName, platform: &Platform, package: &Package<'_>) -> Self {
        Self::Name { source_name: source.clone(), platform: platform.clone(), package: package.label() }
    }
}

impl ResolveError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        let is_hostile = |problem: &Problem| matches!(problem, Problem::Name { .. });
        if self.problems.iter().any(is_hostile) { ExitClass::Verification } else { ExitClass::Failed }
    }
}

fn did_you_mean(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}
