//! Images as single files, in the forms that other tools load.

use std::io::Write;

use ocelet_oci::Wanted;
use ocelet_oci::export::{DockerLayers, ExportError, Referrers, docker_archive, oci_archive};

use super::reference::Finished;
use crate::error::{ExitClass, class_of};
use crate::recipe::Platform;

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// What `docker save` writes; one platform, no zstd layers, and the manifest's digest does not survive.
    Docker,
    /// A layout in a tar; digests survive. Reports are left out: some clients take them for images.
    Oci,
}

/// What kind of end it is that an archive cannot be written.
pub fn export_class(error: &ExportError) -> ExitClass {
    match error {
        ExportError::Source(cause) => class_of(cause),
        // What the system says of a disk is no verdict on the bytes; what a digest or a decoder says is.
        ExportError::Write { source, .. } if source.raw_os_error().is_none() => ExitClass::Verification,
        _ => ExitClass::Failed,
    }
}

/// Writes one tag as an archive. Blobs are proved as they are copied.
///
/// # Errors
/// The image is not there or not clear, is damaged, cannot be held by the form, or the archive cannot be written.
pub fn write_archive(
    finished: &Finished,
    archive: Archive,
    platform: Option<&Platform>,
    sink: &mut dyn Write,
) -> Result<(), ExportError> {
    let wanted = Wanted { tag: finished.reference.tag.clone(), platform: platform.map(Platform::to_oci) };
    match archive {
        Archive::Docker => {
            docker_archive(finished.source(), &wanted, DockerLayers::AsTheyAre, sink).map(drop)
        }
        Archive::Oci => oci_archive(finished.source(), &wanted, Referrers::Skip, sink).map(drop),
    }
}
