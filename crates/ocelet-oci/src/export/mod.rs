//! Archives of one image: `docker-archive` for `docker load`, `oci-archive` for everything else.
//!
//! Both are tar streams whose bytes only depend on the image: entries in a fixed order, with no times, owners or
//! names of the machine. Every blob is checked against its digest while it is written.

mod docker_archive;
mod error;
mod oci_archive;
mod tar_stream;
#[cfg(test)]
mod tests;

pub use docker_archive::{DockerLayers, docker_archive};
pub use error::ExportError;
pub use oci_archive::{Referrers, oci_archive};
