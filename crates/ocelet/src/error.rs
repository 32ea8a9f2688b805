//! [`Error`]: one variant for each room, an exit class, and what to do next.

use ocelet_oci::{LayoutError, SourceError};
use ocelet_tree::PathError;

use crate::close::CloseError;
use crate::exit::ExitClass;
use crate::fetch::BringError;
use crate::finished::FinishedError;
use crate::image::BindError;
use crate::layer::LayerError;
use crate::locking::LockingError;
use crate::recipe::Problems;
use crate::shrink::ShrinkError;
use crate::unpack::UnpackError;

/// Why the hallway ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recipe has problems.
    #[error("the recipe has {} problems", .0.len())]
    Recipe(Problems),
    /// A flavor was asked for that the recipe does not have.
    #[error("the recipe has no flavor \"{name}\"; it has {}", .known.join(", "))]
    NoSuchFlavor {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A platform was asked for that the recipe does not have.
    #[error("the recipe is not for \"{name}\"; it is for {}", .known.join(", "))]
    NoSuchPlatform {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Rule packs were asked for that do not exist.
    #[error("there is no rule pack {}", .names.join(", "))]
    NoSuchRules {
        /// What was asked for.
        names: Vec<String>,
        /// The nearest names that exist.
        near: Vec<String>,
    },
    /// A path was asked for that no image can have.
    #[error("\"{path}\" cannot be the path of a file")]
    NoSuchPath {
        /// What was asked for.
        path: String,
        /// Why.
        #[source]
        cause: PathError,
    },
    /// A finished image cannot be looked at.
    #[error(transparent)]
    Finished(#[from] FinishedError),
    /// The recipe cannot be locked.
    #[error(transparent)]
    Locking(#[from] LockingError),
    /// What is locked cannot be brought home.
    #[error(transparent)]
    Fetch(#[from] BringError),
    /// The sources cannot be laid together.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Something that was asked for is missing, or cannot be read.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// The files that are flagged cannot be packed.
    #[error(transparent)]
    Shrink(#[from] ShrinkError),
    /// A layer cannot be written.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The parts do not make an image.
    #[error(transparent)]
    Image(#[from] BindError),
    /// The layout cannot be read or written.
    #[error("cannot write the layout")]
    Ship(#[source] LayoutError),
}

impl Error {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Recipe(_)
            | Self::NoSuchFlavor { .. }
            | Self::NoSuchPlatform { .. }
            | Self::NoSuchRules { .. }
            | Self::NoSuchPath { .. } => ExitClass::Usage,
            Self::Finished(error) => error.class(),
            Self::Locking(error) => error.class(),
            Self::Fetch(error) => error.class(),
            Self::Unpack(error) => error.class(),
            Self::Shrink(error) => error.class(),
            Self::Close(_) | Self::Layer(_) | Self::Image(_) | Self::Ship(_) => ExitClass::Failed,
        }
    }

    /// The command line's exit code for it.
    pub fn exit_code(&self) -> u8 {
        self.class() as u8
    }

    /// What to do next, where there is something to say beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Close(error) => error.hints(),
            Self::Locking(error) => error.hints(),
            Self::Fetch(error) => error.hints(),
            Self::Unpack(error) => error.hints(),
            Self::Shrink(error) => error.hints(),
            Self::NoSuchRules { near, .. } if !near.is_empty() => {
                vec![format!("did you mean {}?", near.join(", "))]
            }
            _ => Vec::new(),
        }
    }
}

/// What kind of end it is that an image cannot be read: it is not there, not clearly named, or damaged.
pub(crate) fn class_of(cause: &SourceError) -> ExitClass {
    match cause {
        SourceError::NoTag { .. }
        | SourceError::NoPlatform { .. }
        | SourceError::Empty { .. }
        | SourceError::Io { .. } => ExitClass::Unavailable,
        SourceError::TagNeeded { .. } | SourceError::PlatformNeeded { .. } => ExitClass::Usage,
        _ => ExitClass::Verification,
    }
}

/// An error with all its causes as one sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !sentence.ends_with(&text) {
            sentence.push_str(": ");
            sentence.push_str(&text);
        }
        next = cause.source();
    }
    sentence
}
