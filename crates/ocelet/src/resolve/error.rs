//! [`ResolveError`]: why no choice of packages answers the recipe, for all sources and platforms at once.

use ocelet_package::{apk, deb_solve};

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
    /// A wish that the package manager could not read.
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
        cause: WishError,
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
        cause: Box<NoChoice>,
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

/// Why a wish cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WishError {
    /// apk could not.
    #[error(transparent)]
    Apk(#[from] apk::DependencyError),
    /// dpkg could not.
    #[error(transparent)]
    Deb(#[from] deb_solve::RootError),
}

/// Why packages do not go together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoChoice {
    /// By the rules of apk.
    #[error(transparent)]
    Apk(#[from] apk::solve::Unsolvable),
    /// By the rules of dpkg.
    #[error(transparent)]
    Deb(#[from] deb_solve::Unsolvable),
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
