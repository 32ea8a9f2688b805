//! The bill of materials of a finished image, made from the report that travels beside it.

use super::reference::FinishedImage;
use crate::report::sbom::{Format, Subject, bill};

/// The bill of materials of an image as canonical JSON; nothing where no report is there to make it from. In SPDX it is
/// byte for byte what was attached to the image when it was assembled.
pub fn sbom(image: &FinishedImage, format: Format) -> Option<Vec<u8>> {
    let (report, manifest) = (image.report.as_ref()?, image.manifest.as_ref()?);
    // Images of ocelet always say when they were created; 1970 is what the others mean.
    let created = image.image.config.created.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    Some(bill(report, &Subject { digest: &manifest.digest, created }, format))
}
