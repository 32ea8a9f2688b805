//! [`Event`]: what a fetch tells while it runs, and [`Observer`], who is told.
//!
//! Progress is data, not text: it refuses to print. Every address in an event shows itself redacted.

use std::time::Duration;

use crate::address::Address;
use crate::failure::Failure;

/// One thing that happened. `name` is what the caller called the thing that is fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A source began to answer.
    Started {
        /// What is fetched.
        name: &'a str,
        /// Where from.
        address: &'a Address,
        /// The position of the first byte that comes; above zero where a fetch goes on.
        from: u64,
        /// The length of the whole, where it is known.
        total: Option<u64>,
    },
    /// A source sent the request elsewhere.
    Redirected {
        /// What is fetched.
        name: &'a str,
        /// The address that was asked.
        address: &'a Address,
        /// The address that answered.
        to: &'a Address,
    },
    /// More bytes are home.
    Progress {
        /// What is fetched.
        name: &'a str,
        /// Where from.
        address: &'a Address,
        /// The number of bytes held now.
        held: u64,
        /// The length of the whole, where it is known.
        total: Option<u64>,
    },
    /// The bytes held so far were given up, and the fetch begins at zero again.
    StartedOver {
        /// What is fetched.
        name: &'a str,
        /// Where from.
        address: &'a Address,
        /// Why they were no use.
        why: &'static str,
    },
    /// An attempt failed.
    Failed {
        /// What is fetched.
        name: &'a str,
        /// Where from.
        address: &'a Address,
        /// The attempt at this source, from one.
        number: u32,
        /// What happened.
        failure: &'a Failure,
        /// How long is waited before the next attempt; nothing where this source is given up.
        wait: Option<Duration>,
    },
    /// A source gave bytes that are not the wanted ones. Told besides [`Event::Failed`], even when a later
    /// source gives the right ones, for it may be an attack.
    VerificationFailed {
        /// What is fetched.
        name: &'a str,
        /// Where from.
        address: &'a Address,
        /// What was wanted and got.
        failure: &'a Failure,
    },
    /// A source is given up, and the next one is asked.
    NextSource {
        /// What is fetched.
        name: &'a str,
        /// The source that failed.
        failed: &'a Address,
        /// The source that is asked now.
        next: &'a Address,
    },
    /// All bytes are home and, where a digest was expected, proved.
    Done {
        /// What was fetched.
        name: &'a str,
        /// The source that completed it.
        address: Option<&'a Address>,
        /// The number of bytes.
        size: u64,
    },
}

/// Is told of events, from whichever thread works.
pub trait Observer: Sync {
    /// Takes one event. It should return quickly: the fetch waits for it.
    fn event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Sync> Observer for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: &Event<'_>) {}
}
