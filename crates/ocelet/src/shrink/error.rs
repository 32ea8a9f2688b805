//! [`ShrinkError`]: why the files of a recipe cannot be packed. All problems of all files at once.

use ocelet_tree::{ReadError, TreePath};

use super::trial::Difference;
use crate::exit::ExitClass;
use crate::fetch::store::StoreError;
use crate::host::{Ending, FileError, ProcessError};
use crate::recipe::Platform;

/// Why the files of a recipe cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShrinkError {
    /// Programs that run for long are flagged.
    #[error("programs that run for long are flagged for packing:\n  {}", .problems.join("\n  "))]
    Daemons {
        /// One sentence for each, with the line of the flag.
        problems: Vec<String>,
    },
    /// Files are flagged, and there is no upx.
    #[error("the recipe flags files for packing (line {line}), and there is no upx to pack them with")]
    NoTool {
        /// The line of the first flag.
        line: usize,
    },
    /// The upx that is to be used cannot be read.
    #[error("cannot open upx")]
    NoFile(#[from] FileError),
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// What is to be used as upx is something else.
    #[error("{program} is not upx: asked for its version, it ended with {ending} and said \"{said}\"")]
    NotUpx {
        /// What was run.
        program: String,
        /// How it ended.
        ending: Ending,
        /// The first line that it said.
        said: String,
    },
    /// The locked upx is not the version that the recipe says.
    #[error("{program} is upx {got}, and the recipe says {wanted}")]
    OtherVersion {
        /// What was run.
        program: String,
        /// What the recipe says.
        wanted: String,
        /// What it says itself.
        got: String,
    },
    /// An upx whose programs are known to crash.
    #[error("{program} is upx {version}: {why}")]
    Unfit {
        /// What was run.
        program: String,
        /// Its version.
        version: String,
        /// What is wrong with it, with its source.
        why: &'static str,
    },
    /// The threads could not be started.
    #[error("cannot start threads to pack with")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// A program cannot be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Packed files cannot be kept.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// Some files failed.
    #[error("{} could not be packed:\n  {}", many(.0.len()), shown(.0))]
    Files(Vec<Failed>),
}

impl From<StoreError> for ShrinkError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// One file that failed.
#[derive(Debug)]
pub struct Failed {
    /// Where it lies.
    pub path: TreePath,
    /// For which platform.
    pub platform: Platform,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A program cannot be run, or its files not written.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// upx failed, where it should not.
    #[error("`upx {arguments}` ended with {ending}: {said}")]
    Upx {
        /// How it was called.
        arguments: String,
        /// How it ended.
        ending: Ending,
        /// What it said.
        said: String,
    },
    /// What comes out of unpacking is not what was packed.
    #[error("unpacked again it is another file: {got}, and was {wanted}")]
    NotTheSame {
        /// The digest of the original.
        wanted: String,
        /// That of what came back.
        got: String,
    },
    /// The packed program behaves otherwise.
    #[error("packed it ends otherwise: {0}")]
    EndsOtherwise(Difference),
    /// A cached result is not what is written there.
    #[error("what the store has of it is damaged")]
    Cache,
}

fn many(count: usize) -> String {
    if count == 1 { "a file".to_owned() } else { format!("{count} files") }
}

fn shown(failed: &[Failed]) -> String {
    let line =
        |one: &Failed| format!("{} for {}: {}", one.path, one.platform, crate::error::sentence(&one.fault));
    failed.iter().map(line).collect::<Vec<_>>().join("\n  ")
}

impl ShrinkError {
    /// What kind of end it is.
    pub(crate) fn class(&self) -> ExitClass {
        match self {
            Self::Daemons { .. } | Self::NotUpx { .. } | Self::OtherVersion { .. } | Self::Unfit { .. } => {
                ExitClass::Usage
            }
            Self::NoTool { .. } | Self::NoFile(_) => ExitClass::Unavailable,
            Self::Store(error) => error.class(),
            _ => ExitClass::Failed,
        }
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<String> {
        let instead = "--no-pack leaves all files as they are".to_owned();
        match self {
            Self::Daemons { .. } => {
                vec!["name only the other files: pack = { files = [\"/usr/bin/kubeadm\"] }".to_owned()]
            }
            Self::NoTool { .. } => vec![
                "--upx system uses the one on PATH, --upx FILE any other".to_owned(),
                "[tool.upx] in the recipe has one locked and brought home".to_owned(),
                instead,
            ],
            Self::NotUpx { .. } | Self::NoFile(_) => vec![instead],
            Self::Unfit { .. } => vec!["take one of 4.2.2 to 4.2.4".to_owned(), instead],
            Self::Files(failed) => {
                let crashed = failed.iter().any(|one| matches!(one.fault, Fault::EndsOtherwise(_)));
                let hint = "take the file out of \"pack\"; --no-run packs without trying, at your own risk";
                if crashed { vec![hint.to_owned()] } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }
}
