//! [`Fetcher`]: asks sources, one after the other and each several times, until the wanted bytes are home.
//!
//! It refuses to return bytes that do not meet the [`Expectation`]: a [`Fetched`] exists only after the check.
//! A source whose bytes are wrong is told of loudly and not asked again; the next one is.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::address::Address;
use crate::engine::{Run, Stop};
use crate::error::{Attempt, FetchError};
use crate::event::{Event, Observer};
use crate::expectation::{Digest, Expectation};
use crate::failure::{Failure, Verdict};
use crate::patience::{Patience, Sleeper};
use crate::sink::Sink;
use crate::source::{Setback, Source};

/// A wait is slept in slices of this length, so that it can be called off.
const SLICE: Duration = Duration::from_millis(250);

/// Fetches over a [`Source`], with the caller's doors.
#[derive(Clone)]
pub struct Fetcher<'a> {
    source: &'a dyn Source,
    sleeper: &'a dyn Sleeper,
    observer: &'a dyn Observer,
    patience: Patience,
    cancel: Cancel,
}

/// Calls fetches off, from any thread. A fetch notices at its next chunk or slice of a wait.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    /// Calling that one off calls this one off too.
    parent: Option<Arc<Cancel>>,
}

/// Bytes that are home and meet their expectation. Only the check makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    sha256: Digest,
    size: u64,
    proved: bool,
    from: Option<Address>,
}

impl Fetched {
    /// The sha256 of the bytes, whether or not one was expected.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether a digest was expected, and so these bytes are proved to be the wanted ones.
    pub fn is_proved(&self) -> bool {
        self.proved
    }

    /// The source that completed them; nothing where the sink held them all already.
    pub fn from(&self) -> Option<&Address> {
        self.from.as_ref()
    }
}

impl Cancel {
    /// Not called off yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls off.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed) || self.parent.as_ref().is_some_and(|parent| parent.is_cancelled())
    }

    /// One that is called off with this one, and can be without it.
    pub(crate) fn child(&self) -> Self {
        Self { flag: Arc::default(), parent: Some(Arc::new(self.clone())) }
    }
}

impl<'a> Fetcher<'a> {
    /// Over `source`, waiting through `sleeper` and telling `observer`.
    pub fn new(source: &'a dyn Source, sleeper: &'a dyn Sleeper, observer: &'a dyn Observer) -> Self {
        Self { source, sleeper, observer, patience: Patience::default(), cancel: Cancel::new() }
    }

    /// Uses this patience instead of the default.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Lets `cancel` call fetches off.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The token that calls this fetcher's work off.
    pub(crate) fn cancel_token(&self) -> &Cancel {
        &self.cancel
    }

    /// Fetches from one address.
    ///
    /// # Errors
    /// As [`Fetcher::fetch_any`].
    pub fn fetch(
        &self,
        name: &str,
        address: &Address,
        expectation: &Expectation,
        sink: &mut dyn Sink,
    ) -> Result<Fetched, FetchError> {
        self.fetch_any(name, std::slice::from_ref(address), expectation, sink)
    }

    /// Fetches from the first of `sources` that gives the right bytes. What `sink` holds already is gone on
    /// with, where a digest is expected; bytes that one source began can be completed by the next.
    ///
    /// After a failure the sink holds nothing, or a beginning that a later call can go on with.
    ///
    /// # Errors
    /// No source gave them (every attempt is listed), the sink failed, or it was called off.
    pub fn fetch_any(
        &self,
        name: &str,
        sources: &[Address],
        expectation: &Expectation,
        sink: &mut dyn Sink,
    ) -> Result<Fetched, FetchError> {
        let mut run = Run::begin(name, expectation, sink, self.observer, &self.cancel)?;
        if run.is_full() {
            if let Ok(sha256) = run.verify() {
                return Ok(self.done(&run, sha256, None));
            }
            run.restart()?;
        }
        let mut attempts = Vec::new();
        for (index, address) in sources.iter().enumerate() {
            if let Some(failed) = index.checked_sub(1).and_then(|before| sources.get(before)) {
                self.observer.event(&Event::NextSource { name, failed, next: address });
            }
            if let Some(sha256) = self.one_source(&mut run, address, &mut attempts)? {
                return Ok(self.done(&run, sha256, Some(address)));
            }
        }
        Err(FetchError::from_attempts(name, attempts))
    }

    fn done(&self, run: &Run<'_>, sha256: Digest, address: Option<&Address>) -> Fetched {
        self.observer.event(&Event::Done { name: run.name, address, size: run.held() });
        let proved = run.expectation.sha256.is_some();
        Fetched { sha256, size: run.held(), proved, from: address.cloned() }
    }

    /// Asks one source until it gives the bytes or is given up.
    fn one_source(
        &self,
        run: &mut Run<'_>,
        address: &Address,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Option<Digest>, FetchError> {
        // Attempts that count: those without real progress.
        let mut counted = 0;
        let mut resume = true;
        let mut number = 0_u32;
        loop {
            number = number.saturating_add(1);
            let best = run.best();
            let setback = match run.attempt(self.source, address, resume) {
                Ok(()) => match Self::judge(run, address, resume)? {
                    Ok(sha256) => return Ok(Some(sha256)),
                    Err(failure) => failure.into(),
                },
                Err(Stop::Setback(setback)) => setback,
                Err(Stop::Hopeless(error)) => return Err(error),
            };
            if run.best() - best < self.patience.progress.max(1) {
                counted += 1;
            }
            // Whatever was wrong with a part, the whole is asked for next.
            resume &= !matches!(
                *setback.failure,
                Failure::WrongRange { .. } | Failure::RangeRefused { .. } | Failure::DoesNotJoin { .. }
            );
            let wait = self.wait(&setback, address, NonZeroU32::new(counted));
            let Setback { failure, landed, .. } = setback;
            let failure = *failure;
            let event = Event::Failed { name: run.name, address, number, failure: &failure, wait };
            self.observer.event(&event);
            if failure.is_verification() {
                self.observer.event(&Event::VerificationFailed {
                    name: run.name,
                    address,
                    failure: &failure,
                });
            }
            attempts.push(Attempt { address: address.clone(), landed, number, failure });
            match wait {
                Some(wait) => self.rest(run.name, wait)?,
                None => return Ok(None),
            }
        }
    }

    /// The digest, once a body ended as it should. Wrong bytes are given up; where they had been put together
    /// from several answers, that is named as the reason, and the source is asked for the whole.
    fn judge(
        run: &mut Run<'_>,
        address: &Address,
        resume: bool,
    ) -> Result<Result<Digest, Failure>, FetchError> {
        let failure = match run.verify() {
            Ok(sha256) => return Ok(Ok(sha256)),
            Err(failure) => failure,
        };
        let joined = run.is_joined() && resume;
        run.start_over(address, "its content is wrong")?;
        Ok(Err(match failure {
            Failure::WrongDigest { wanted, got, .. } if joined => Failure::DoesNotJoin { wanted, got },
            other => other,
        }))
    }

    /// How long to wait before this source is asked again; nothing where it is given up.
    fn wait(&self, setback: &Setback, address: &Address, counted: Option<NonZeroU32>) -> Option<Duration> {
        if setback.failure.verdict() == Verdict::NextSource {
            return None;
        }
        let counted = counted.map_or(0, NonZeroU32::get);
        if counted >= self.patience.attempts.max(1) {
            // A seam of two sources is not the second one's fault: it is asked for the whole once.
            let unjoined = matches!(*setback.failure, Failure::DoesNotJoin { .. });
            return unjoined.then_some(Duration::ZERO);
        }
        match (&*setback.failure, setback.retry_after) {
            // Nothing suggests that time would help: only another question.
            (Failure::WrongRange { .. } | Failure::RangeRefused { .. } | Failure::DoesNotJoin { .. }, _) => {
                Some(Duration::ZERO)
            }
            (_, Some(asked)) if asked > self.patience.longest_retry_after => None,
            (_, asked) => {
                let own = self.patience.wait(counted.max(1), &address.to_string());
                Some(asked.map_or(own, |asked| asked.max(own)))
            }
        }
    }

    /// Sleeps in slices, so that it can be called off.
    fn rest(&self, name: &str, wait: Duration) -> Result<(), FetchError> {
        let mut left = wait;
        while !left.is_zero() {
            if self.cancel.is_cancelled() {
                return Err(FetchError::Cancelled { name: name.to_owned() });
            }
            let slice = left.min(SLICE);
            self.sleeper.sleep(slice);
            left -= slice;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Fetcher<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fetcher").field("patience", &self.patience).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
