//! [`Source`]: answers one question once — the bytes at an address, from a position.
//!
//! It refuses to ask again, to wait, and to judge content: that is the [`crate::Fetcher`]'s part, which works
//! over any source, so that its rules are tested without a socket.

use std::time::Duration;

use crate::address::Address;
use crate::failure::Failure;

/// What identifies one version of what lies at an address (RFC 9110, 8.8), so that a later request can ask for
/// the rest of that version only. Always a strong one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator(pub(crate) String);

impl Validator {
    /// A strong entity tag or a date, as it is sent back in `If-Range`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
}

/// A question to a source.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Where the bytes lie.
    pub address: &'a Address,
    /// The position of the first wanted byte.
    pub from: u64,
    /// The version that the bytes before that position came from.
    pub validator: Option<&'a Validator>,
}

/// The beginning of an answer.
pub struct Answer {
    /// The position of the first byte that comes: the one asked for, or zero.
    pub start: u64,
    /// The length of the whole, where the source says it.
    pub total: Option<u64>,
    /// The version of the bytes.
    pub validator: Option<Validator>,
    /// Where the request was sent on to, where it was.
    pub landed: Option<Address>,
    /// The bytes.
    pub body: Box<dyn Body>,
}

/// A failure to answer.
#[derive(Debug)]
pub struct Setback {
    /// What happened. Boxed, for a setback is returned where an answer hardly ever is one.
    pub failure: Box<Failure>,
    /// Where the request had been sent on to, where it was.
    pub landed: Option<Address>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self { failure: Box::new(failure), landed: None, retry_after: None }
    }
}

/// Bytes on their way.
pub trait Body: Send {
    /// Reads some bytes into `buffer`, zero at the end.
    ///
    /// # Errors
    /// The body broke off or stalled.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure>;
}

/// Something that answers.
pub trait Source: Send + Sync {
    /// Begins to answer.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn open(&self, ask: &Ask<'_>) -> Result<Answer, Setback>;
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("start", &self.start)
            .field("total", &self.total)
            .field("validator", &self.validator)
            .field("landed", &self.landed)
            .finish_non_exhaustive()
    }
}
