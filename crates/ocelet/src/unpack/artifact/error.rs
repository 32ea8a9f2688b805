//! [`ArtifactError`]: why an artifact cannot be laid out.

use std::io;

use ocelet_oci::Digest;
use ocelet_tree::tar_in::TarError;
use ocelet_tree::{DecodeError, InsertError, ReadError, TreePath};

use super::zip::ZipError;
use crate::exit::ExitClass;
use crate::fetch::store::StoreError;

/// Why an artifact cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Its file was not brought home.
    #[error("{location} ({sha256}) is not there")]
    Missing {
        /// Where it would be.
        location: String,
        /// The digest of the file.
        sha256: Digest,
    },
    /// The name says one thing and the first bytes another.
    #[error("{file} should be {wanted} by its name, and is {got} by its first bytes")]
    Form {
        /// The name of the file.
        file: String,
        /// What the name says.
        wanted: &'static str,
        /// What the bytes say.
        got: &'static str,
    },
    /// The stream is damaged, or too large.
    #[error("{file} cannot be inflated")]
    Inflate {
        /// The name of the file.
        file: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The tar archive is damaged or hostile.
    #[error("{file} cannot be unpacked")]
    Tar {
        /// The name of the file.
        file: String,
        /// Why.
        #[source]
        cause: Box<TarError>,
    },
    /// The zip archive is damaged or hostile.
    #[error("{file} cannot be unpacked")]
    Zip {
        /// The name of the file.
        file: String,
        /// Why.
        #[source]
        cause: ZipError,
    },
    /// A key of archives for what is none.
    #[error("{file} is no archive, so \"{key}\" has no meaning for it")]
    NotAnArchive {
        /// The name of the file.
        file: String,
        /// `members` or `strip`.
        key: &'static str,
    },
    /// Patterns that match no member.
    #[error("{}", unmatched(.file, .patterns))]
    NoMember {
        /// The name of the file.
        file: String,
        /// Each pattern, with the names that it may have meant.
        patterns: Vec<(String, Vec<TreePath>)>,
    },
    /// Not exactly one file where one is to be installed.
    #[error("{file} has {count} files to install as {path}{}; wanted one, chosen by \"members\"", listed(.found))]
    NotOne {
        /// The name of the file.
        file: String,
        /// Where it would go.
        path: TreePath,
        /// How many there are.
        count: usize,
        /// The first of them.
        found: Vec<TreePath>,
    },
    /// The one member is not a file.
    #[error("{member} in {file} is a {noun}; wanted a file to install, such as the one that it leads to")]
    NotAFile {
        /// The name of the file.
        file: String,
        /// The member.
        member: TreePath,
        /// What it is.
        noun: &'static str,
    },
    /// No file is left after the leading components were removed.
    #[error(
        "no file of {file} is left to install after \"strip\" has removed {strip} components from their names"
    )]
    Nothing {
        /// The name of the file.
        file: String,
        /// How many.
        strip: u32,
    },
    /// Two members land at one place.
    #[error("{first} and {second} in {file} both become {path} when \"strip\" shortens their names")]
    Twice {
        /// The name of the file.
        file: String,
        /// The place.
        path: TreePath,
        /// The one.
        first: TreePath,
        /// The other.
        second: TreePath,
    },
    /// A file in a directory needs a name, and the address has none.
    #[error("{location} ends without a file name; give \"install\" the whole path of the file")]
    NoName {
        /// The address.
        location: String,
    },
    /// A member cannot be placed.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// The store cannot keep or give what it inflates to.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ArtifactError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Missing { .. } => ExitClass::Unavailable,
            Self::Inflate { cause, .. } if DecodeError::of(cause).is_none() => ExitClass::Failed,
            Self::Form { .. } | Self::Inflate { .. } | Self::Tar { .. } | Self::Zip { .. } => {
                ExitClass::Verification
            }
            Self::Store(error) => error.class(),
            // The bytes are right: the recipe wants something of them that they do not have.
            Self::NotAnArchive { .. }
            | Self::NoMember { .. }
            | Self::NotOne { .. }
            | Self::NotAFile { .. }
            | Self::Nothing { .. }
            | Self::Twice { .. }
            | Self::NoName { .. }
            | Self::Insert(_)
            | Self::Read(_) => ExitClass::Failed,
        }
    }

    /// What to do next, beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => {
                vec!["run again without --offline, or with a --mirror that has it".to_owned()]
            }
            Self::Store(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

impl From<StoreError> for ArtifactError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

fn unmatched(file: &str, patterns: &[(String, Vec<TreePath>)]) -> String {
    let lines: Vec<String> = patterns
        .iter()
        .map(|(pattern, near)| {
            let names: Vec<String> = near.iter().map(relative).collect();
            format!("\n  \"{pattern}\" matches no member; it has {}", names.join(", "))
        })
        .collect();
    format!("{file} lacks members that the recipe names:{}", lines.concat())
}

fn listed(found: &[TreePath]) -> String {
    let names: Vec<String> = found.iter().map(relative).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// A member as patterns name it: without a slash before it.
fn relative(path: &TreePath) -> String {
    path.to_string().trim_start_matches('/').to_owned()
}
