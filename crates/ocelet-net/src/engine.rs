//! [`Run`]: the state of fetching one thing — what is held, its hash so far — and one attempt to add to it.
//!
//! It refuses to take a byte beyond the bound, to put bytes of two versions together where nothing would notice,
//! and to keep bytes that turned out wrong.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::error::FetchError;
use crate::event::{Event, Observer};
use crate::expectation::{Digest, Expectation};
use crate::failure::Failure;
use crate::fetch::Cancel;
use crate::sink::Sink;
use crate::source::{Answer, Ask, Setback, Source, Validator};

/// Bytes taken from a body at a time.
const CHUNK: usize = 64 << 10;

/// Fetching one thing.
pub(crate) struct Run<'a> {
    pub(crate) name: &'a str,
    pub(crate) expectation: &'a Expectation,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
    sink: &'a mut dyn Sink,
    hash: Sha256,
    /// Bytes in the sink, all of them hashed.
    held: u64,
    /// The most that was ever held: progress that no restart can claim twice.
    best: u64,
    /// Whether the held bytes come from more than one answer.
    joined: bool,
    /// The version that the held bytes came from, and where.
    version: Option<(Address, Validator)>,
}

/// Why an attempt ended.
pub(crate) enum Stop {
    /// The source failed; another attempt may be made.
    Setback(Setback),
    /// This side failed; no other source can help.
    Hopeless(FetchError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Setback(failure.into())
    }
}

impl<'a> Run<'a> {
    /// Takes up what the sink holds from an earlier run, where it can be of use: a digest must be known, for
    /// nothing else would notice that the beginning is of another version.
    pub(crate) fn begin(
        name: &'a str,
        expectation: &'a Expectation,
        sink: &'a mut dyn Sink,
        observer: &'a dyn Observer,
        cancel: &'a Cancel,
    ) -> Result<Self, FetchError> {
        let hash = Sha256::new();
        let mut run = Self {
            name,
            expectation,
            observer,
            cancel,
            sink,
            hash,
            held: 0,
            best: 0,
            joined: false,
            version: None,
        };
        let length = run.sink.length().map_err(|reason| run.broken_sink("read back", reason))?;
        if length > expectation.bound() || expectation.sha256.is_none() {
            run.restart()?;
        } else if length > 0 {
            let (hash, held) = (&mut run.hash, &mut run.held);
            let replayed = run.sink.replay(&mut |bytes| {
                hash.update(bytes);
                *held += bytes.len() as u64;
            });
            replayed.map_err(|reason| run.broken_sink("read back", reason))?;
            run.best = run.held;
        }
        Ok(run)
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// The most bytes that were ever held.
    pub(crate) fn best(&self) -> u64 {
        self.best
    }

    /// Whether the held bytes come from more than one answer, so that a wrong digest may be the seam's fault.
    pub(crate) fn is_joined(&self) -> bool {
        self.joined
    }

    /// Whether as much is held as can be right.
    pub(crate) fn is_full(&self) -> bool {
        self.held > 0 && self.expectation.size == Some(self.held)
    }

    /// Gives up the held bytes, and tells so if there were any.
    pub(crate) fn start_over(&mut self, address: &Address, why: &'static str) -> Result<(), FetchError> {
        if self.held > 0 {
            self.observer.event(&Event::StartedOver { name: self.name, address, why });
        }
        self.restart()
    }

    /// Gives up the held bytes.
    pub(crate) fn restart(&mut self) -> Result<(), FetchError> {
        self.sink.restart().map_err(|reason| self.broken_sink("emptied", reason))?;
        self.hash = Sha256::new();
        self.held = 0;
        self.joined = false;
        self.version = None;
        Ok(())
    }

    /// The digest of the held bytes, or why they are not the wanted ones.
    pub(crate) fn verify(&self) -> Result<Digest, Failure> {
        let got = Digest(self.hash.clone().finalize().into());
        match self.expectation.sha256 {
            Some(wanted) if wanted != got => Err(Failure::WrongDigest { wanted, got, size: self.held }),
            _ => Ok(got),
        }
    }

    /// One attempt: asks for what is missing (or, without `resume`, for everything) and takes it.
    pub(crate) fn attempt(
        &mut self,
        source: &dyn Source,
        address: &Address,
        resume: bool,
    ) -> Result<(), Stop> {
        self.check_cancelled()?;
        let same_version = self.version.clone().filter(|(of, _)| of == address).map(|(_, version)| version);
        if !resume || (self.expectation.sha256.is_none() && same_version.is_none()) {
            self.start_over(address, "the source is asked for the whole").map_err(Stop::Hopeless)?;
        }
        let from = self.held;
        let validator = same_version.as_ref().filter(|_| from > 0);
        let answer = match source.open(&Ask { address, from, validator }) {
            Ok(answer) => answer,
            Err(setback) => return self.refused(setback, address),
        };
        self.take_answer(answer, address, from)
    }

    /// A refusal to resume is an answer when the source says that all of it is held already.
    fn refused(&mut self, setback: Setback, address: &Address) -> Result<(), Stop> {
        if let Failure::RangeRefused { length, .. } = &*setback.failure {
            let complete = *length == Some(self.held) && self.expectation.size.is_none();
            if complete {
                return Ok(());
            }
            self.start_over(address, "the source has no such part").map_err(Stop::Hopeless)?;
        }
        Err(Stop::Setback(setback))
    }

    fn take_answer(&mut self, answer: Answer, address: &Address, from: u64) -> Result<(), Stop> {
        let Answer { start, total, validator, landed, mut body } = answer;
        if let Some(to) = &landed {
            self.observer.event(&Event::Redirected { name: self.name, address, to });
        }
        let at_landing = |failure| {
            Stop::Setback(Setback { failure: Box::new(failure), landed: landed.clone(), retry_after: None })
        };
        if start != from && start != 0 {
            let got = format!("bytes {start}-");
            return Err(at_landing(Failure::WrongRange { asked: from, got }));
        }
        self.check_length(total, address).map_err(at_landing)?;
        if start != from {
            self.start_over(address, "the source sends the whole").map_err(Stop::Hopeless)?;
        }
        self.joined |= self.held > 0;
        self.version = validator.map(|validator| (address.clone(), validator));
        self.observer.event(&Event::Started { name: self.name, address, from: start, total });
        let limit = total.unwrap_or(u64::MAX).min(self.expectation.bound());
        let mut buffer = vec![0; CHUNK];
        loop {
            self.check_cancelled()?;
            let read = body.read(&mut buffer).map_err(at_landing)?;
            if read == 0 {
                break;
            }
            if self.held + read as u64 > limit {
                // What is held is a beginning of something else.
                self.restart().map_err(Stop::Hopeless)?;
                return Err(at_landing(Failure::TooLong { most: limit, declared: None }));
            }
            self.take(&buffer[..read]).map_err(Stop::Hopeless)?;
            self.observer.event(&Event::Progress { name: self.name, address, held: self.held, total });
        }
        match total.or(self.expectation.size) {
            Some(wanted) if self.held < wanted => {
                Err(at_landing(Failure::Truncated { got: self.held, wanted }))
            }
            _ => Ok(()),
        }
    }

    /// What is declared must be what is known, and within the bound.
    fn check_length(&self, declared: Option<u64>, address: &Address) -> Result<(), Failure> {
        let Some(declared) = declared else {
            return Ok(());
        };
        match self.expectation.size {
            Some(wanted) if declared != wanted && address.is_remote() => {
                Err(Failure::OtherLength { declared, wanted })
            }
            Some(wanted) if declared != wanted => Err(Failure::WrongSize { wanted, got: declared }),
            _ if declared > self.expectation.bound() => {
                Err(Failure::TooLong { most: self.expectation.bound(), declared: Some(declared) })
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.sink.append(bytes).map_err(|reason| self.broken_sink("written", reason))?;
        self.hash.update(bytes);
        self.held += bytes.len() as u64;
        self.best = self.best.max(self.held);
        Ok(())
    }

    fn check_cancelled(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Hopeless(FetchError::Cancelled { name: self.name.to_owned() }));
        }
        Ok(())
    }

    fn broken_sink(&self, doing: &'static str, reason: io::Error) -> FetchError {
        FetchError::Sink { name: self.name.to_owned(), doing, reason }
    }
}
