//! [`Failure`]: what went wrong, as the user sees it, and the exit code that goes with it.

use std::error::Error;
use std::process::ExitCode;

use ocelet::ExitClass;
use ocelet::fetch::store::StoreError;
use ocelet::fetch::{BringError, MirrorError};
use ocelet::finished::{ExportError, FinishedError, FlattenError, LaunchError, export_class};
use ocelet::locking::LockingError;

use crate::output::Talk;

/// The end of a command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// Wrong usage: exit code 2.
    pub(crate) fn usage(message: String) -> Self {
        Self { code: 2, message, causes: Vec::new(), hints: Vec::new() }
    }

    /// The work failed: exit code 1.
    pub(crate) fn failed(message: String) -> Self {
        Self { code: 1, ..Self::usage(message) }
    }

    /// An input failed verification: exit code 3.
    pub(crate) fn verification(message: String) -> Self {
        Self { code: ExitClass::Verification as u8, ..Self::usage(message) }
    }

    /// An input is not there: exit code 4.
    pub(crate) fn absent(message: String) -> Self {
        Self { code: ExitClass::Unavailable as u8, ..Self::usage(message) }
    }

    /// An input could not be had: exit code 4.
    pub(crate) fn unavailable(error: &dyn Error) -> Self {
        Self { code: 4, ..Self::of(error) }
    }

    /// Any error with all that caused it: exit code 1.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self { code: 1, message: error.to_string(), causes: causes(error), hints: Vec::new() }
    }

    /// The same failure as the cause of a larger one.
    #[must_use]
    pub(crate) fn within(self, what: &str) -> Self {
        let causes = std::iter::once(self.message).chain(self.causes).collect();
        Self { message: what.to_owned(), causes, ..self }
    }

    /// With what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn tell(&self, talk: &Talk) -> ExitCode {
        talk.error(&self.message, &self.causes, &self.hints, self.code);
        ExitCode::from(self.code)
    }
}

impl From<ocelet::Error> for Failure {
    fn from(error: ocelet::Error) -> Self {
        let code = error.exit_code();
        let hints = error.hints();
        Self { code, message: error.to_string(), causes: causes(&error), hints }
    }
}

impl From<LockingError> for Failure {
    fn from(error: LockingError) -> Self {
        ocelet::Error::from(error).into()
    }
}

impl From<FinishedError> for Failure {
    fn from(error: FinishedError) -> Self {
        ocelet::Error::from(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { code: error.class() as u8, hints: error.hints(), ..Self::of(&error) }
    }
}

impl From<BringError> for Failure {
    fn from(error: BringError) -> Self {
        Self { code: error.class() as u8, hints: error.hints(), ..Self::of(&error) }
    }
}

impl From<MirrorError> for Failure {
    fn from(error: MirrorError) -> Self {
        Self { code: error.class() as u8, hints: error.hints(), ..Self::of(&error) }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self { code: export_class(&error) as u8, ..Self::of(&error) }
    }
}

impl From<FlattenError> for Failure {
    fn from(error: FlattenError) -> Self {
        Self { code: error.class() as u8, ..Self::of(&error) }
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        Self { code: error.class() as u8, ..Self::of(&error) }
    }
}

fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}
