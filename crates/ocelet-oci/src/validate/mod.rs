//! Re-checks a finished layout: every digest, size, document and layer, without trusting what wrote them.
//!
//! All problems are found, not the first. The rules are those of the image-spec, each named with its section, and
//! what its readers are known to fail on. Layers are unpacked to compare them with their diff ids, but not looked
//! into: what a tar has in it is for those who know what should be there.

mod config;
mod directory;
mod finding;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

use crate::{Descriptor, Layout, Platform, Tag};
pub use finding::{Finding, Problem, Severity};
use walk::Checker;

/// An index whose every image was checked, down to the bytes in its layers. Only [`validate_tag`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedIndex {
    tag: Tag,
    descriptor: Descriptor,
    images: Vec<(Platform, Descriptor)>,
    warnings: Vec<Problem>,
}

impl ValidatedIndex {
    /// The tag under which it was found.
    pub fn tag(&self) -> &Tag {
        &self.tag
    }

    /// The entry of `index.json`.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The images, in the order in which they are listed.
    pub fn images(&self) -> &[(Platform, Descriptor)] {
        &self.images
    }

    /// What is not wrong, but worth a word.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }
}

/// Checks all that is in a layout. An empty list means that nothing is wrong, and nothing is odd.
pub fn validate(layout: &Layout) -> Vec<Problem> {
    let mut checker = Checker::new(layout);
    checker.marker();
    checker.index_file(None);
    checker.directory();
    checker.into_problems()
}

/// Checks what one tag names.
///
/// # Errors
/// All problems, warnings among them, if at least one is an error.
pub fn validate_tag(layout: &Layout, tag: &Tag) -> Result<ValidatedIndex, Vec<Problem>> {
    let mut checker = Checker::new(layout);
    checker.marker();
    let entries = checker.index_file(Some(tag.as_str()));
    let images = checker.images().to_vec();
    let problems = checker.into_problems();
    match entries.into_iter().next() {
        Some(descriptor) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(ValidatedIndex { tag: tag.clone(), descriptor, images, warnings: problems })
        }
        _ => Err(problems),
    }
}
