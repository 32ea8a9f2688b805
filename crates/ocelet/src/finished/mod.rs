//! Looking at finished images: what `inspect`, `why`, `verify`, `export`, `sbom`, `sizes`, `diff` and `closure` ask
//! of a layout or an archive.
//!
//! It stands beside the hallway: no room needs it, and it changes nothing. Every blob is proved by its digest before
//! it is believed.

mod archive;
mod closure;
mod diff;
mod flatten;
mod inspect;
mod launch;
mod packed;
mod reference;
mod sbom;
mod sizes;
mod verify;
mod why;

pub use archive::{Archive, export_class, write_archive};
pub use closure::{ClosureAnswer, ClosureQuery, closure};
pub use diff::{FileChange, ImageDiff, ImagesDiff, PackageChange, diff};
pub use flatten::{FlattenError, rootfs, unpack};
pub use inspect::inspect;
pub use launch::{LaunchError, launched, lay_out_launch};
pub use ocelet_oci::export::ExportError;
pub use reference::{Finished, FinishedError, FinishedImage, Reference};
pub use sbom::sbom;
pub use sizes::{
    Budget, BudgetError, Excess, ImageSizes, LayerSizes, Matrix, Measure, NoSize, Share, SizedSet,
    parse_size, shown_size, sizes,
};
pub use verify::{Finding, Verified, verify};
pub use why::{NotThere, who_would_bring};
