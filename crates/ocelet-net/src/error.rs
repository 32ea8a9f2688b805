//! [`FetchError`]: nothing brought the wanted bytes — every address that was asked, and what it said.
//!
//! It refuses to forget: each attempt is listed, and the [`Class`] tells a failed verification from bytes that
//! could not be had.

use std::fmt;
use std::io;

use crate::address::Address;
use crate::failure::Failure;

/// One failed attempt.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The source that was asked.
    pub address: Address,
    /// Where it had sent the request, when that is what failed.
    pub landed: Option<Address>,
    /// The attempt at this source, from one.
    pub number: u32,
    /// What happened.
    pub failure: Failure,
}

/// What kind of failure it was; a command line turns it into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// At least one source gave wrong bytes, and none gave the right ones (exit 3).
    Verification,
    /// No source gave the bytes (exit 4).
    Unavailable,
    /// The work failed on this side (exit 1).
    Work,
}

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No source gave the bytes.
    #[error("{name} could not be had from {}; give another source or a mirror that has it:{}", sources(.attempts), Listed(.attempts))]
    Unavailable {
        /// What was wanted.
        name: String,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// Wrong bytes came, and no source gave the right ones.
    #[error("{name} failed verification, and no source gave the right content; do not use it before you know why:{}", Listed(.attempts))]
    Unverified {
        /// What was wanted.
        name: String,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// No source was given at all.
    #[error("{name} has no source to be fetched from")]
    NoSource {
        /// What was wanted.
        name: String,
    },
    /// What came could not be kept.
    #[error("{name} was being fetched but could not be {doing}: {reason}")]
    Sink {
        /// What was wanted.
        name: String,
        /// What failed: `read back`, `written` or `emptied`.
        doing: &'static str,
        /// What the system said.
        #[source]
        reason: io::Error,
    },
    /// The caller, or another fetch that failed, called it off.
    #[error("{name} was called off")]
    Cancelled {
        /// What was wanted.
        name: String,
    },
}

impl FetchError {
    /// The error for a list of attempts that all failed.
    pub(crate) fn from_attempts(name: &str, attempts: Vec<Attempt>) -> Self {
        let name = name.to_owned();
        if attempts.is_empty() {
            return Self::NoSource { name };
        }
        if attempts.iter().any(|attempt| attempt.failure.is_verification()) {
            return Self::Unverified { name, attempts };
        }
        Self::Unavailable { name, attempts }
    }

    /// What kind of failure it was.
    pub fn class(&self) -> Class {
        match self {
            Self::Unverified { .. } => Class::Verification,
            Self::Unavailable { .. } | Self::NoSource { .. } => Class::Unavailable,
            Self::Sink { .. } | Self::Cancelled { .. } => Class::Work,
        }
    }

    /// What was tried, in order.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Unavailable { attempts, .. } | Self::Unverified { attempts, .. } => attempts,
            _ => &[],
        }
    }
}

/// Runs of attempts at one address, in order.
fn by_source(attempts: &[Attempt]) -> impl Iterator<Item = &[Attempt]> {
    attempts.chunk_by(|one, next| one.address == next.address && next.number > one.number)
}

fn sources(attempts: &[Attempt]) -> String {
    match by_source(attempts).count() {
        1 => "its only source".to_owned(),
        count => format!("any of its {count} sources"),
    }
}

/// One line for each source: the address, the number of attempts, and what each said, repetitions counted.
struct Listed<'a>(&'a [Attempt]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in by_source(self.0) {
            let plural = if source.len() == 1 { "" } else { "s" };
            write!(formatter, "\n  {} ({} attempt{plural}): ", source[0].address, source.len())?;
            let mut said: Vec<(String, usize)> = Vec::new();
            for attempt in source {
                let text = match &attempt.landed {
                    Some(landed) => format!("redirected to {landed}: {}", attempt.failure),
                    None => attempt.failure.to_string(),
                };
                match said.last_mut() {
                    Some((last, times)) if *last == text => *times += 1,
                    _ => said.push((text, 1)),
                }
            }
            for (index, (text, times)) in said.iter().enumerate() {
                let separator = if index == 0 { "" } else { "; then " };
                let repeated = if *times == 1 { String::new() } else { format!(" ({times} times)") };
                write!(formatter, "{separator}{text}{repeated}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(address: &str, number: u32, status: u16) -> Attempt {
        let address = Address::parse(address).expect("an address");
        Attempt { address, landed: None, number, failure: Failure::Status { status } }
    }

    #[test]
    fn every_address_is_named_with_its_attempts() {
        let attempts = vec![
            attempt("https://u:p@a.org/x?k=v", 1, 503),
            attempt("https://u:p@a.org/x?k=v", 2, 503),
            attempt("https://u:p@a.org/x?k=v", 3, 500),
            attempt("https://b.org/x", 1, 404),
        ];
        let error = FetchError::from_attempts("kubelet", attempts);
        assert_eq!(error.class(), Class::Unavailable);
        assert_eq!(
            error.to_string(),
            "kubelet could not be had from any of its 2 sources; give another source or a mirror that has it:\n  \
             https://a.org/x?k=… (3 attempts): status 503 (the server failed) (2 times); then status 500 (the server failed)\n  \
             https://b.org/x (1 attempt): status 404 (not found)"
        );
    }

    #[test]
    fn wrong_bytes_anywhere_decide_the_class() {
        let mut attempts = vec![attempt("https://a.org/x", 1, 404), attempt("https://b.org/x", 1, 404)];
        attempts[0].failure = Failure::WrongSize { wanted: 1, got: 2 };
        assert_eq!(FetchError::from_attempts("x", attempts).class(), Class::Verification);
        assert_eq!(FetchError::from_attempts("x", Vec::new()).class(), Class::Unavailable);
    }
}
