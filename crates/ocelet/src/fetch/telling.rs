//! [`Telling`]: what one fetch has to tell, in the words of the hallway's events.
//!
//! A source that was given up is told of only once another had the file: where none had it, the error lists them
//! all, and nothing is said twice.

use std::sync::{Mutex, PoisonError};

use ocelet_net::{self as net, Address};

use crate::event::{Event, Observer};

/// Turns the events of one fetch into those of the hallway.
pub(super) struct Telling<'run> {
    observer: &'run dyn Observer,
    name: &'run str,
    setbacks: Mutex<Vec<Setback>>,
}

/// A source that was given up.
struct Setback {
    address: Address,
    reason: String,
    wrong: bool,
}

impl<'run> Telling<'run> {
    pub(super) fn new(observer: &'run dyn Observer, name: &'run str) -> Self {
        Self { observer, name, setbacks: Mutex::default() }
    }

    /// The file is home, whole and right.
    pub(super) fn fetched(self, size: u64, from: Option<&Address>) {
        let name = self.name;
        let setbacks = self.setbacks.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(from) = from {
            for Setback { address, reason, wrong } in &setbacks {
                let event = Event::OtherSource { name, failed: address, reason, wrong: *wrong, from };
                self.observer.observe(&event);
            }
        }
        self.observer.observe(&Event::Fetched { name, size, from });
    }
}

impl net::Observer for Telling<'_> {
    fn event(&self, event: &net::Event<'_>) {
        let name = self.name;
        match event {
            net::Event::Started { from, total, .. } => {
                self.observer.observe(&Event::Fetching { name, held: *from, total: *total });
            }
            net::Event::Progress { held, total, .. } => {
                self.observer.observe(&Event::Fetching { name, held: *held, total: *total });
            }
            net::Event::Failed { address, failure, wait: Some(wait), .. } if !wait.is_zero() => {
                self.observer.observe(&Event::Retrying { name, address, failure, wait: *wait });
            }
            net::Event::Failed { address, failure, wait: None, .. } => {
                let setback = Setback {
                    address: (*address).clone(),
                    reason: failure.to_string(),
                    wrong: failure.is_verification(),
                };
                self.setbacks.lock().unwrap_or_else(PoisonError::into_inner).push(setback);
            }
            _ => {}
        }
    }
}
