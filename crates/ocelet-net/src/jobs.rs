//! [`Fetcher::fetch_all`]: many things at once, a bounded number at a time.
//!
//! It refuses to let the order of completion show: results come in the order of the jobs.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use crate::address::Address;
use crate::error::FetchError;
use crate::expectation::Expectation;
use crate::fetch::{Fetched, Fetcher};
use crate::sink::Sink;

/// One thing to fetch.
pub struct Job<'s> {
    /// What messages call it.
    pub name: String,
    /// Where it can be had, best first.
    pub sources: Vec<Address>,
    /// What is known of it.
    pub expectation: Expectation,
    /// Where it goes.
    pub sink: &'s mut dyn Sink,
}

/// What the failure of one job means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The others go on, so that all problems are told at once.
    GoOn,
    /// The others of the same call are called off.
    CallOff,
}

impl Fetcher<'_> {
    /// Fetches all `jobs`, at most `parallelism` at a time, and returns their results in the same order.
    pub fn fetch_all(
        &self,
        jobs: Vec<Job<'_>>,
        parallelism: NonZeroUsize,
        on_failure: OnFailure,
    ) -> Vec<Result<Fetched, FetchError>> {
        let count = jobs.len();
        let together = self.clone().cancel(self.cancel_token().child());
        let waiting = Mutex::new(jobs.into_iter().enumerate());
        let finished = Mutex::new(Vec::with_capacity(count));
        std::thread::scope(|scope| {
            for _ in 0..parallelism.get().min(count) {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((index, job)) = next else {
                            break;
                        };
                        let result = together.fetch_any(&job.name, &job.sources, &job.expectation, job.sink);
                        if result.is_err() && on_failure == OnFailure::CallOff {
                            together.cancel_token().cancel();
                        }
                        finished.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                    }
                });
            }
        });
        let mut finished = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        finished.sort_by_key(|(index, _)| *index);
        finished.into_iter().map(|(_, result)| result).collect()
    }
}

impl std::fmt::Debug for Job<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Job")
            .field("name", &self.name)
            .field("sources", &self.sources)
            .field("expectation", &self.expectation)
            .finish_non_exhaustive()
    }
}
