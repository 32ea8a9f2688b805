//! [`Missing`]: something that a flavor needs and no source provides; [`CloseError`]: all of them at once.

use std::collections::BTreeSet;
use std::fmt;

use ocelet_tree::{Conflict, InsertError, Owner, ReadError, TreePath};

use crate::recipe::{FlavorName, Platform};

/// Something that a flavor needs and that is not there, or not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The platform.
    pub platform: Platform,
    /// What is missing: the file, the requirement.
    pub message: String,
    /// Who asked: the wish at the end of the chain, with the recipe's line; empty where the message says it.
    pub asked: String,
    /// What to do, where something is known.
    pub hint: Option<String>,
    /// The flavors that it is missing for.
    pub flavors: BTreeSet<FlavorName>,
}

/// A program that answers for a command and must not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfit {
    /// The platform.
    pub platform: Platform,
    /// The command, the program, and the reason.
    pub message: String,
    /// What to do, where something is known.
    pub hint: Option<String>,
    /// The flavors that have it.
    pub flavors: BTreeSet<FlavorName>,
}

/// Why the close room gives up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// Things are missing.
    #[error("{}", list(.missing))]
    Missing {
        /// All of them.
        missing: Vec<Missing>,
    },
    /// A program answers for a command and must not.
    #[error("{}", harm(.unfit))]
    Unfit {
        /// All of them.
        unfit: Vec<Unfit>,
    },
    /// Nothing that a flavor asks for is there, and an image without a layer is none.
    #[error(
        "flavor {flavor} has no file for {platform}: nothing that it asks for is there; make something required, or add a directory"
    )]
    NoFiles {
        /// The flavor.
        flavor: FlavorName,
        /// The platform.
        platform: Platform,
    },
    /// Two sources bring different things to a path that is kept.
    #[error("{}", crate::unpack::describe(.conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// Two flavors want different things at one path; layers are shared, so an image has one answer.
    #[error("flavor {flavor} wants {path} to be {wanted}, and {other} wants {there}")]
    FlavorsDisagree {
        /// The path.
        path: TreePath,
        /// The one flavor.
        flavor: FlavorName,
        /// What it wants.
        wanted: String,
        /// Who else.
        other: String,
        /// What they want.
        there: String,
    },
    /// Something that the recipe adds cannot be placed.
    #[error("cannot place what flavor {flavor} adds")]
    Place {
        /// The flavor.
        flavor: FlavorName,
        /// Why.
        #[source]
        cause: InsertError,
    },
    /// Something is in the way of a file that ocelet makes.
    #[error("cannot make {path} for flavor {flavor}: {at} is a {noun} of source {owner}")]
    InTheWay {
        /// The file.
        path: TreePath,
        /// The flavor.
        flavor: FlavorName,
        /// What is in the way: the path itself, or one above it.
        at: TreePath,
        /// What it is.
        noun: &'static str,
        /// Who brings it.
        owner: Owner,
    },
    /// A file that must be read as a whole is larger than any such file.
    #[error("{path} of source {owner} has {size} bytes; no more than {limit} are read")]
    TooLarge {
        /// The file.
        path: TreePath,
        /// Who brings it.
        owner: Owner,
        /// Its size in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A kept file cannot be placed.
    #[error("cannot keep a file")]
    Keep(#[source] InsertError),
    /// A platform that no loader's rules are known for.
    #[error("cannot close for {platform}")]
    Platform {
        /// The platform.
        platform: Platform,
        /// Why.
        #[source]
        cause: ocelet_elf::UnknownPlatform,
    },
    /// The sources cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn harm(unfit: &[Unfit]) -> String {
    let lines: Vec<String> = unfit.iter().map(|one| format!("\n  {one}")).collect();
    let noun = if unfit.len() == 1 { "program does" } else { "programs do" };
    format!("{} {noun} not do what the image needs:{}", unfit.len(), lines.concat())
}

fn list(missing: &[Missing]) -> String {
    let lines: Vec<String> = missing.iter().map(|one| format!("\n  {one}")).collect();
    let noun = if missing.len() == 1 { "thing is" } else { "things are" };
    format!("{} {noun} missing:{}", missing.len(), lines.concat())
}

impl CloseError {
    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { missing } => {
                let known: BTreeSet<&String> = missing.iter().filter_map(|one| one.hint.as_ref()).collect();
                let mut hints: Vec<String> = known.into_iter().cloned().collect();
                hints.push("--allow-missing lists these as warnings and builds without them".to_owned());
                hints
            }
            Self::Unfit { unfit } => {
                let hints: BTreeSet<&String> = unfit.iter().filter_map(|one| one.hint.as_ref()).collect();
                hints.into_iter().cloned().collect()
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavors: Vec<&str> = self.flavors.iter().map(FlavorName::as_str).collect();
        write!(formatter, "{} ({} for {})", self.message, flavors.join(", "), self.platform)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavors: Vec<&str> = self.flavors.iter().map(FlavorName::as_str).collect();
        write!(formatter, "{} ({} for {}", self.message, flavors.join(", "), self.platform)?;
        if !self.asked.is_empty() {
            write!(formatter, "; asked for by {}", self.asked)?;
        }
        formatter.write_str(")")
    }
}
