//! Progress as data: one enum of events and a one-method observer.
//!
//! Rooms tell what they do; whoever runs them decides how it is shown. No room prints.

use std::time::Duration;

use ocelet_net::{Address, Failure};

use crate::layer::Layer;
use crate::shrink::Packed;

/// Something that a room has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'room> {
    /// Files are going to be brought home. Until [`Event::FetchingEnded`], each of them is told of by its name.
    FetchingBegins {
        /// How many.
        files: usize,
        /// How many bytes they have together, where that is known of all.
        bytes: Option<u64>,
    },
    /// Bytes of a file came.
    Fetching {
        /// What is fetched.
        name: &'room str,
        /// How many bytes of it are home; fewer than before where it was begun again.
        held: u64,
        /// How many it has, where that is known.
        total: Option<u64>,
    },
    /// Another process brings the same file, and is waited for.
    Waiting {
        /// What is waited for.
        name: &'room str,
    },
    /// A source failed, and is asked again after a while.
    Retrying {
        /// What is fetched.
        name: &'room str,
        /// The source. It shows itself without secrets.
        address: &'room Address,
        /// What happened.
        failure: &'room Failure,
        /// How long is waited.
        wait: Duration,
    },
    /// A source was given up, and a later one had the file.
    OtherSource {
        /// What was fetched.
        name: &'room str,
        /// The source that was given up. It shows itself without secrets.
        failed: &'room Address,
        /// Why.
        reason: &'room str,
        /// Whether it served bytes that are not the wanted ones, which may be an attack.
        wrong: bool,
        /// The source that had it.
        from: &'room Address,
    },
    /// A file is home, and in the store.
    Fetched {
        /// What was fetched.
        name: &'room str,
        /// How many bytes it has.
        size: u64,
        /// Where it came from; nothing where an earlier run had brought all of it.
        from: Option<&'room Address>,
    },
    /// All that was told of by [`Event::FetchingBegins`] is home, or has failed.
    FetchingEnded,
    /// A source was read.
    Unpacked {
        /// The name of the source in the recipe.
        source: &'room str,
        /// How many entries it brought; nothing for a directory, which is read as it is needed.
        entries: Option<usize>,
    },
    /// The closure of one flavor is complete.
    Closed {
        /// The flavor.
        flavor: &'room str,
        /// The platform, as in `linux/amd64`.
        platform: &'room str,
        /// How many files and links it keeps.
        files: usize,
        /// How many bytes these have.
        bytes: u64,
    },
    /// A file is going to be packed; nothing is told where the store has it packed already.
    Packing {
        /// Where it lies.
        path: &'room str,
        /// The platform, as in `linux/amd64`.
        platform: &'room str,
        /// Its size in bytes.
        size: u64,
    },
    /// A file is packed, and proved.
    Packed {
        /// Where it lies.
        path: &'room str,
        /// The platform, as in `linux/amd64`.
        platform: &'room str,
        /// What it was, and what came of trying it.
        packed: &'room Packed,
    },
    /// A file is flagged for packing and stays as it is.
    LeftUnpacked {
        /// Where it lies.
        path: &'room str,
        /// The platform, as in `linux/amd64`.
        platform: &'room str,
        /// Why.
        why: &'room str,
    },
    /// A layer was written, or found complete.
    LayerWritten {
        /// The layer.
        layer: &'room Layer,
        /// Its place among all layers that are being written, from 1.
        number: usize,
        /// How many layers are being written.
        of: usize,
    },
    /// A tag points to its new index.
    Tagged {
        /// The tag.
        tag: &'room str,
        /// The digest of the index.
        digest: &'room str,
    },
    /// Something that the user should know and that stops nothing.
    Warning {
        /// The whole sentence.
        message: &'room str,
    },
}

/// Whoever wants to know of progress.
pub trait Observer: Sync {
    /// Takes note of an event. It must not block for long: rooms wait for it.
    fn observe(&self, event: &Event<'_>);
}

/// An observer that wants to know nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Event<'_>) {}
}
