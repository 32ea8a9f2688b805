//! [`Reference`]: an image as it is named on the command line, and what is found there.

use std::path::{Path, PathBuf};

use ocelet_oci::{Descriptor, ImageSource, SourceError, SourceImage, Wanted};

use crate::exit::ExitClass;
use crate::recipe::Platform;
use crate::report::{REPORT_TYPE, Report};

/// The largest report that is read, in bytes.
const LARGEST_REPORT: u64 = 256 << 20;

/// `LAYOUT_DIR[:TAG]`, or an archive with or without `:TAG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The layout or archive.
    pub path: PathBuf,
    /// The tag, where one is named.
    pub tag: Option<String>,
}

/// A layout or archive with the images that were asked for.
#[derive(Debug)]
pub struct Finished {
    /// What was asked for.
    pub reference: Reference,
    source: ImageSource,
}

/// One image: a tag and a platform.
#[derive(Debug)]
pub struct FinishedImage {
    /// The tag; nothing where the layout names none.
    pub tag: Option<String>,
    /// What it is for.
    pub platform: ocelet_oci::Platform,
    /// Its manifest; nothing in a docker-archive.
    pub manifest: Option<Descriptor>,
    /// Its configuration and layers.
    pub image: SourceImage,
    /// What ocelet said when it built the image; nothing for images of other tools.
    pub report: Option<Report>,
}

impl FinishedImage {
    /// What is pulled of it: the bytes of its layers as they are stored.
    pub(super) fn compressed(&self) -> u64 {
        self.image.layers.iter().map(ocelet_oci::SourceLayer::size).sum()
    }
}

/// Why an image cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FinishedError {
    /// Nothing of that name.
    #[error("there is no layout or archive {}", .path.display())]
    Absent {
        /// The path.
        path: PathBuf,
    },
    /// It is damaged, or has no such image.
    #[error("cannot read {}", .path.display())]
    Source {
        /// The layout or archive.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<SourceError>,
    },
    /// Its report is not one.
    #[error("cannot read the report of {} in {}", .tag.as_deref().unwrap_or("an image"), .path.display())]
    Report {
        /// The layout.
        path: PathBuf,
        /// The image's tag.
        tag: Option<String>,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

impl FinishedError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Absent { .. } => ExitClass::Unavailable,
            Self::Source { cause, .. } => crate::error::class_of(cause),
            Self::Report { .. } => ExitClass::Verification,
        }
    }
}

impl Reference {
    /// Takes a reference apart. A path that exists is one as a whole, even with a colon in it.
    pub fn new(text: &str) -> Self {
        let whole = Self { path: PathBuf::from(text), tag: None };
        if whole.path.exists() {
            return whole;
        }
        match text.rsplit_once(':') {
            Some((path, tag)) if !path.is_empty() && !tag.is_empty() && !tag.contains('/') => {
                Self { path: PathBuf::from(path), tag: Some(tag.to_owned()) }
            }
            _ => whole,
        }
    }
}

impl Finished {
    /// Opens what is referred to.
    ///
    /// # Errors
    /// It is not there, or is not a layout or archive.
    pub fn open(reference: Reference) -> Result<Self, FinishedError> {
        if !reference.path.exists() {
            return Err(FinishedError::Absent { path: reference.path });
        }
        let source = ImageSource::open(&reference.path).map_err(|cause| failed(&reference.path, cause))?;
        Ok(Self { reference, source })
    }

    /// The layout or archive.
    pub fn path(&self) -> &Path {
        &self.reference.path
    }

    /// Where the bytes are.
    pub fn source(&self) -> &ImageSource {
        &self.source
    }

    /// The tags that were asked for: the one that is named, or all that there are.
    pub fn tags(&self) -> Vec<Option<String>> {
        if let Some(tag) = &self.reference.tag {
            return vec![Some(tag.clone())];
        }
        let tags: Vec<Option<String>> = self.source.tags().into_iter().map(Some).collect();
        if tags.is_empty() { vec![None] } else { tags }
    }

    /// The images that were asked for: every tag and platform, or those of one platform.
    ///
    /// # Errors
    /// One of them cannot be read, or there is none.
    pub fn images(&self, platform: Option<&Platform>) -> Result<Vec<FinishedImage>, FinishedError> {
        let mut images = Vec::new();
        for tag in self.tags() {
            let found = self.source.images(tag.as_deref()).map_err(|cause| failed(self.path(), cause))?;
            let wanted = platform.map(Platform::to_oci);
            // A platform that is not there is an error with the list of those that are: `image` below says it.
            let platforms: Vec<ocelet_oci::Platform> = match wanted {
                Some(platform) => vec![platform],
                None => found.into_iter().map(|found| found.platform).collect(),
            };
            for platform in platforms {
                images.push(self.image(tag.clone(), platform)?);
            }
        }
        Ok(images)
    }

    fn image(
        &self,
        tag: Option<String>,
        platform: ocelet_oci::Platform,
    ) -> Result<FinishedImage, FinishedError> {
        let wanted = Wanted { tag: tag.clone(), platform: Some(platform) };
        let image = self.source.image(&wanted).map_err(|cause| failed(self.path(), cause))?;
        let manifest = image.manifest.as_ref().map(|(descriptor, _)| descriptor.clone());
        let report = match &manifest {
            Some(descriptor) => self.report(descriptor, tag.as_deref())?,
            None => None,
        };
        Ok(FinishedImage { tag, platform: image.config.platform.clone(), manifest, image, report })
    }

    /// The report whose subject is this manifest.
    fn report(&self, manifest: &Descriptor, tag: Option<&str>) -> Result<Option<Report>, FinishedError> {
        let source = |cause| failed(self.path(), cause);
        for artifact in self.source.referrers(&manifest.digest).map_err(source)? {
            let artifact = self.source.manifest(&artifact).map_err(source)?;
            let is_report =
                artifact.artifact_type.as_ref().is_some_and(|kind| kind.to_string() == REPORT_TYPE);
            let Some(content) =
                artifact.layers.first().filter(|content| is_report && content.size <= LARGEST_REPORT)
            else {
                continue;
            };
            let bytes = self.source.document(content).map_err(source)?;
            let report = Report::parse(bytes.bytes()).map_err(|cause| FinishedError::Report {
                path: self.path().to_path_buf(),
                tag: tag.map(str::to_owned),
                cause,
            })?;
            return Ok(Some(report));
        }
        Ok(None)
    }
}

fn failed(path: &Path, cause: SourceError) -> FinishedError {
    FinishedError::Source { path: path.to_path_buf(), cause: Box::new(cause) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart_at_their_tag() {
        for (text, path, tag) in [
            ("dist/tools:v1", "dist/tools", Some("v1")),
            ("dist/tools", "dist/tools", None),
            ("/a:b/c", "/a:b/c", None),
            ("/a:b/c:d", "/a:b/c", Some("d")),
            (":v1", ":v1", None),
            ("/usr", "/usr", None),
        ] {
            let want = Reference { path: PathBuf::from(path), tag: tag.map(str::to_owned) };
            assert_eq!(Reference::new(text), want, "{text}");
        }
    }
}
