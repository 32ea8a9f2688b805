//! Progress as data: one enum of events and a one-method observer.
//!
//! Rooms tell what they do; whoever runs them decides how it is shown. No room prints.

use crate::layer::Layer;

/// Something that a room has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'room> {
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
