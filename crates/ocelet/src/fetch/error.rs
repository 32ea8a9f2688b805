//! [`BringError`]: every file that could not be brought home, what was tried for each, and what to do.
//!
//! It never stops at the first: whoever fixes a mirror wants to know all that it lacks.

use std::fmt;
use std::io;

use ocelet_net::{AddressError, Class, Failure, FetchError, Mirror};

use crate::error::sentence;
use crate::exit::ExitClass;

use super::store::StoreError;

/// Files that could not be brought home; at least one.
#[derive(Debug)]
pub struct BringError {
    shortfalls: Vec<Shortfall>,
    /// The mirrors that were looked at, as they show themselves.
    mirrors: Vec<String>,
}

/// A file that could not be brought home.
#[derive(Debug)]
#[non_exhaustive]
pub enum Shortfall {
    /// No source gave it.
    Fetch(FetchError),
    /// The store holds it damaged, or cannot be written.
    Store {
        /// What was wanted.
        name: String,
        /// Why the store did not give or take it.
        cause: Box<StoreError>,
    },
    /// A place that it should come from cannot be one.
    Address {
        /// What was wanted.
        name: String,
        /// What is wrong with the place.
        cause: AddressError,
    },
}

impl Shortfall {
    fn class(&self) -> ExitClass {
        match self {
            Self::Fetch(error) => match error.class() {
                Class::Verification => ExitClass::Verification,
                Class::Work => ExitClass::Failed,
                _ => ExitClass::Unavailable,
            },
            Self::Store { cause, .. } => cause.class(),
            Self::Address { .. } => ExitClass::Unavailable,
        }
    }

    /// Whether every source says that it has no such file.
    fn is_absent(&self) -> bool {
        let Self::Fetch(error) = self else { return false };
        let absent = |failure: &Failure| {
            matches!(failure, Failure::Status { status: 404 | 410 } | Failure::NoFile { .. })
        };
        !error.attempts().is_empty() && error.attempts().iter().all(|attempt| absent(&attempt.failure))
    }

    /// Whether a source says that it has no such file, or does not show it; some say 403 for both.
    fn is_absent_somewhere(&self) -> bool {
        let Self::Fetch(error) = self else { return false };
        error.attempts().iter().any(|attempt| {
            matches!(attempt.failure, Failure::Status { status: 403 | 404 | 410 } | Failure::NoFile { .. })
        })
    }

    fn is_offline(&self) -> bool {
        let Self::Fetch(error) = self else { return false };
        error.attempts().iter().any(|attempt| matches!(attempt.failure, Failure::Offline))
    }

    /// What the store says is to be done about it.
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Store { cause, .. } => cause.hints(),
            Self::Fetch(FetchError::Sink { reason, .. }) => {
                let cause = reason.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
                cause.map(StoreError::hints).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

impl BringError {
    /// From all that could not be had; nothing where that is none.
    pub(super) fn of(shortfalls: Vec<Shortfall>, mirrors: &[Mirror]) -> Option<Self> {
        let mirrors = mirrors.iter().map(ToString::to_string).collect();
        (!shortfalls.is_empty()).then_some(Self { shortfalls, mirrors })
    }

    /// Several of them as one; nothing where there is none.
    pub fn all(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        errors.into_iter().reduce(|mut all, next| {
            all.shortfalls.extend(next.shortfalls);
            all.mirrors.extend(next.mirrors);
            all
        })
    }

    /// What could not be had, each for itself.
    pub fn shortfalls(&self) -> &[Shortfall] {
        &self.shortfalls
    }

    /// Whether every source of every file answered that it has no such file: it does not exist, as far as anyone
    /// can tell.
    pub fn is_absent(&self) -> bool {
        self.shortfalls.iter().all(Shortfall::is_absent)
    }

    /// Whether some source answered that it has no such file.
    pub(crate) fn is_absent_somewhere(&self) -> bool {
        self.shortfalls.iter().any(Shortfall::is_absent_somewhere)
    }

    /// What kind of end it is: wrong bytes before bytes that could not be had, and these before a store that
    /// cannot be written.
    pub fn class(&self) -> ExitClass {
        let has = |class| self.shortfalls.iter().any(|one| one.class() == class);
        let order = [ExitClass::Verification, ExitClass::Unavailable];
        order.into_iter().find(|class| has(*class)).unwrap_or(ExitClass::Failed)
    }

    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.shortfalls.iter().any(Shortfall::is_offline) {
            let mut mirrors = self.mirrors.clone();
            mirrors.dedup();
            let looked = match mirrors.as_slice() {
                [] => "no mirror was given".to_owned(),
                mirrors => format!("this was looked for in the cache and in {}", mirrors.join(", ")),
            };
            hints.push(format!(
                "offline: {looked}; run `ocelet mirror RECIPE --to DIR` where there is a network, bring DIR here, \
                 and give it with --mirror DIR"
            ));
        }
        for hint in self.shortfalls.iter().flat_map(Shortfall::hints) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints
    }
}

impl std::error::Error for BringError {}

impl fmt::Display for BringError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.shortfalls.as_slice() {
            return only.fmt(formatter);
        }
        write!(formatter, "{} files could not be brought home:", self.shortfalls.len())?;
        for shortfall in &self.shortfalls {
            write!(formatter, "\n  {}", shortfall.to_string().replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(FetchError::Sink { name, reason, .. }) => {
                write!(formatter, "{name} could not be kept: {}", in_full(reason))
            }
            Self::Fetch(error) => error.fmt(formatter),
            Self::Store { name, cause } => {
                write!(formatter, "{name} could not be had: {}", sentence(&**cause))
            }
            Self::Address { name, cause } => {
                write!(formatter, "{name} could not be had: {}", sentence(cause))
            }
        }
    }
}

/// What the store said, where an error only carries it.
fn in_full(reason: &io::Error) -> String {
    let inner = reason.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
    inner.map_or_else(|| sentence(reason), |inner| sentence(inner))
}
