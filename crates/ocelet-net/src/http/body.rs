//! [`WebBody`]: the bytes of an answer, with a watch on how they come.
//!
//! It refuses a body that trickles: within each window of waiting a fewest number of bytes must come. Only the
//! time spent waiting for the network counts, not that of a slow disk.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout};

use super::{Wire, classify};
use crate::failure::Failure;
use crate::source::Body;

/// A body on its way.
pub(super) struct WebBody {
    wire: Arc<Wire>,
    response: Response,
    /// A chunk of the client, and how much of it was handed on.
    chunk: Vec<u8>,
    used: usize,
    /// The time spent waiting in this window, and the bytes that came in it.
    waited: Duration,
    came: u64,
}

impl WebBody {
    pub(super) fn new(wire: Arc<Wire>, response: Response) -> Self {
        Self { wire, response, chunk: Vec::new(), used: 0, waited: Duration::ZERO, came: 0 }
    }

    /// Waits for the next chunk; whether there is one.
    fn next_chunk(&mut self) -> Result<bool, Failure> {
        let timeouts = self.wire.timeouts;
        let left = timeouts.stall.saturating_sub(self.waited);
        let response = &mut self.response;
        let (came, took) = self.wire.runtime.wait_for(async {
            let began = Instant::now();
            (timeout(left, response.chunk()).await, began.elapsed())
        });
        self.waited += took;
        let chunk = match came {
            Err(_) => {
                return Err(Failure::Stalled { least: timeouts.least, within: timeouts.stall });
            }
            Ok(Err(error)) => return Err(classify::failure(&error, &self.wire.roots)),
            Ok(Ok(None)) => return Ok(false),
            Ok(Ok(Some(chunk))) => chunk,
        };
        self.came += chunk.len() as u64;
        if self.came >= timeouts.least {
            self.waited = Duration::ZERO;
            self.came = 0;
        }
        self.chunk.clear();
        self.chunk.extend_from_slice(&chunk);
        self.used = 0;
        Ok(true)
    }
}

impl Body for WebBody {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        // An empty chunk is no end.
        while self.used == self.chunk.len() {
            if !self.next_chunk()? {
                return Ok(0);
            }
        }
        let waiting = &self.chunk[self.used..];
        let taken = waiting.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&waiting[..taken]);
        self.used += taken;
        Ok(taken)
    }
}
