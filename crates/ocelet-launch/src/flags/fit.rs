//! [`Fit`]: whether a flag on a command line is right for a release.
//!
//! It refuses to guess: a flag that is in no release is unknown, with the nearest name of one that is there.

use super::{Flags, Lifetime, Program};
use crate::nearest::nearest;
use crate::version::Release;

/// What a release makes of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It takes it.
    Fits,
    /// It takes it, and warns.
    Deprecated {
        /// The first release that warns, or an older one.
        since: Release,
        /// What to use in its place.
        instead: Option<String>,
    },
    /// It had it once: the program ends with `unknown flag`.
    Gone {
        /// The first release without it.
        since: Release,
        /// What to use in its place.
        instead: Option<String>,
        /// Where it says so.
        source: String,
    },
    /// A later release has it: the program ends with `unknown flag`.
    NotYet {
        /// The first release with it.
        since: Release,
    },
    /// No release has it.
    Unknown {
        /// The name of a flag of the release that is spelt nearly the same.
        nearest: Option<String>,
    },
}

impl Fit {
    /// Whether the program starts with it.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Fits | Self::Deprecated { .. })
    }
}

impl Flags {
    /// Whether a flag as it stands on a command line is right for a release: `--network-plugin=cni`, `--v=2`, `-v`.
    pub fn fit(&self, program: Program, release: Release, argument: &str) -> Fit {
        let name = name_of(argument);
        match self.lifetime(program, &name) {
            Some(lifetime) => fit_of(lifetime, release),
            None => Fit::Unknown { nearest: nearest(&name, self.of(program, release)).map(str::to_owned) },
        }
    }
}

fn fit_of(lifetime: &Lifetime, release: Release) -> Fit {
    let instead = lifetime.instead.clone();
    match (lifetime.until, lifetime.since, lifetime.deprecated) {
        (Some(since), _, _) if since <= release => {
            Fit::Gone { since, instead, source: lifetime.source.clone().unwrap_or_default() }
        }
        (_, Some(since), _) if release < since => Fit::NotYet { since },
        (_, _, Some(since)) if since <= release => Fit::Deprecated { since, instead },
        _ => Fit::Fits,
    }
}

/// The name of a flag without dashes and value; the programs take `_` for `-`, and know `-h` as `--help`.
fn name_of(argument: &str) -> String {
    let bare = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')).unwrap_or(argument);
    let name = bare.split('=').next().unwrap_or_default();
    let name = if name == "h" { "help" } else { name };
    name.replace('_', "-")
}
