//! The host's doors: everything that the hallway may ask of the machine it runs on, passed in and never found.
//!
//! Files are read through [`DirectoryView`] and [`open`], written through [`Scratch`] and [`lay_out`], and time is the
//! [`Host::epoch`] that the caller chose. Programs are run by [`run()`]. What apt of the machine is configured with is read by [`apt_sources`]. No
//! room opens a file, reads a clock or looks at the environment by any other way.

mod apt;
mod beneath;
mod directory;
mod file;
mod lay_out;
mod mapping;
mod process;
mod scratch;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

pub use apt::{AptError, AptRepository, AptSources, apt_sources};
pub use directory::{DirectoryError, DirectoryView};
pub(crate) use file::opened;
pub use file::{FileError, open, read_text, write_text};
pub use lay_out::{LaidOut, LayOutError, lay_out};
pub use process::{Ended, Ending, ProcessError, Program, machine, private_directory, run, write_program};
pub(crate) use process::{exists, read_whole};
pub use scratch::{Scratch, ScratchError, ScratchFile};

use crate::event::Observer;

/// What the machine offers to one run.
#[derive(Clone, Copy)]
pub struct Host<'run> {
    /// How many threads may work at a time. The output does not depend on it.
    pub jobs: NonZeroUsize,
    /// The time that every file and document gets, in seconds since 1970: `SOURCE_DATE_EPOCH`, where the
    /// caller has one. A recipe's own `epoch` comes before it.
    pub epoch: Option<i64>,
    /// Where temporary files go.
    pub scratch: &'run Scratch,
    /// Who is told of progress.
    pub observer: &'run dyn Observer,
}

impl std::fmt::Debug for Host<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Host")
            .field("jobs", &self.jobs)
            .field("epoch", &self.epoch)
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}
