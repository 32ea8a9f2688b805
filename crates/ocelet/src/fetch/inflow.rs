//! A file of the store that is being written, as the sink of a fetch.
//!
//! The store's own words for what went wrong stay inside the error that the fetch tells.

use std::io;

use ocelet_net::Sink;

use super::store::{Partial, StoreError};

impl Sink for Partial {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.written())
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        Partial::replay(self, each).map_err(in_words)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        Partial::append(self, bytes).map_err(in_words)
    }

    fn restart(&mut self) -> io::Result<()> {
        Partial::restart(self).map_err(in_words)
    }
}

fn in_words(error: StoreError) -> io::Error {
    let kind = match &error {
        StoreError::Io { cause, .. } => cause.kind(),
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
