//! [`Index`]: the text of a `Packages` file.
//!
//! It is read in one pass that checks every paragraph; what is kept is where each package stands, and [`Package`]s
//! borrow from the text. Debian's largest index has some 50 MB and 63,000 packages. Refused is what [`Paragraphs`]
//! and [`Package::read`] refuse; all of it is told, at most 20 problems.

use std::ops::Range;
use std::sync::Arc;

use super::package::{Package, PackageError};
use super::paragraph::{Comments, Paragraph, ParagraphError, Paragraphs};
use super::relation::RelationKind;

/// Texts are addressed with 32 bits.
const LONGEST_TEXT: usize = u32::MAX as usize;
/// No more problems than these are told of one text.
const MOST_PROBLEMS: usize = 20;

/// The packages of one component and architecture of a repository.
#[derive(Debug, Clone)]
pub struct Index {
    text: Arc<str>,
    places: Vec<Place>,
}

/// Where a package stands in the text, and its name.
#[derive(Debug, Clone)]
struct Place {
    paragraph: Range<u32>,
    name: Range<u32>,
}

/// What is wrong with an index: all of it, at most 20 problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the package index is malformed: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct MalformedIndex {
    /// What is wrong, in the order of the lines; never empty.
    pub problems: Vec<IndexProblem>,
}

/// One thing that is wrong with an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexProblem {
    /// More text than can be addressed.
    #[error("it has {length} bytes; at most {LONGEST_TEXT} can be read")]
    TooLong {
        /// The length, in bytes.
        length: usize,
    },
    /// A paragraph that is none. Nothing behind it was read.
    #[error(transparent)]
    Paragraph(#[from] ParagraphError),
    /// A paragraph that is no package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A package that could not be fetched.
    #[error("the package {name} at line {line} has no {field}, so it cannot be fetched")]
    NotFetchable {
        /// The line of its first field.
        line: usize,
        /// Its name.
        name: String,
        /// What is missing: `Filename`, `Size`, `SHA256`.
        field: &'static str,
    },
}

impl Index {
    /// Reads the text of an index of a repository: each package must say where it is, and its size and SHA-256.
    ///
    /// # Errors
    /// Everything that is wrong with it, at most 20 problems. A paragraph that is none ends the reading.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, MalformedIndex> {
        Self::read(text.into(), true)
    }

    /// Reads bytes as [`Index::parse`] reads text.
    ///
    /// # Errors
    /// As [`Index::parse`], and bytes that are not UTF-8.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MalformedIndex> {
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(MalformedIndex { problems: vec![ParagraphError::NotText { offset }.into()] })
            }
        }
    }

    fn read(text: Arc<str>, fetchable: bool) -> Result<Self, MalformedIndex> {
        if text.len() > LONGEST_TEXT {
            return Err(MalformedIndex { problems: vec![IndexProblem::TooLong { length: text.len() }] });
        }
        let (mut places, mut problems) = (Vec::new(), Vec::new());
        let mut paragraphs = Paragraphs::new(&text, Comments::Refuse);
        let mut paragraph = Paragraph::default();
        while problems.len() < MOST_PROBLEMS {
            match paragraphs.read_into(&mut paragraph) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    problems.push(error.into());
                    break;
                }
            }
            match Package::read(&paragraph) {
                Ok(package) => {
                    let missing = missing(&package).filter(|_| fetchable);
                    problems.extend(missing.map(|field| {
                        let (line, name) = (paragraph.line(), package.name.to_owned());
                        IndexProblem::NotFetchable { line, name, field }
                    }));
                    let (whole, name) = (place(&text, paragraph.text()), place(&text, package.name));
                    places.push(Place { paragraph: whole, name });
                }
                Err(error) => problems.push(error.into()),
            }
        }
        if problems.is_empty() { Ok(Self { text, places }) } else { Err(MalformedIndex { problems }) }
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no packages.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The packages, in the order of the text. Each is read from it anew: who asks often keeps them.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> {
        self.places.iter().map(|place| self.package(place))
    }

    /// Every version of the package with this name.
    pub fn named<'index>(&'index self, name: &str) -> impl Iterator<Item = Package<'index>> {
        let places = self.places.iter().filter(move |place| stretch(&self.text, &place.name) == name);
        places.map(|place| self.package(place))
    }

    /// Every package that has this name among those that it provides (`Provides`, policy 7.5).
    pub fn providing<'index>(&'index self, name: &'index str) -> impl Iterator<Item = Package<'index>> {
        // Most paragraphs do not have the word at all, and need not be read.
        let places =
            self.places.iter().filter(move |place| stretch(&self.text, &place.paragraph).contains(name));
        places.map(|place| self.package(place)).filter(move |package| {
            let groups = package.relations(RelationKind::Provides).groups().filter_map(Result::ok);
            groups.flatten().any(|relation| relation.name == name)
        })
    }

    /// The paragraphs of the packages, in the order of the text, as they stand there.
    pub fn paragraphs(&self) -> impl ExactSizeIterator<Item = &str> {
        self.places.iter().map(|place| stretch(&self.text, &place.paragraph))
    }

    fn package(&self, place: &Place) -> Package<'_> {
        let text = stretch(&self.text, &place.paragraph);
        let paragraph = Paragraph::parse(text, Comments::Refuse).expect("it was read when the index was");
        Package::read(&paragraph).expect("it was read when the index was")
    }
}

/// What a package lacks to be fetched.
fn missing(package: &Package<'_>) -> Option<&'static str> {
    if package.filename.is_empty() {
        Some("Filename")
    } else if package.size.is_none() {
        Some("Size")
    } else if package.sha256.is_none() {
        Some("SHA256")
    } else {
        None
    }
}

fn stretch<'text>(text: &'text str, place: &Range<u32>) -> &'text str {
    &text[place.start as usize..place.end as usize]
}

/// Where a stretch of the text begins and ends, from its address.
fn place(text: &str, part: &str) -> Range<u32> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    let at = |position: usize| u32::try_from(position).expect("the text is no longer than 32 bits can say");
    at(start)..at(start + part.len())
}

#[cfg(test)]
mod tests;
