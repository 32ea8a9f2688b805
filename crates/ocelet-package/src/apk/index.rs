//! [`Index`]: the text of an `APKINDEX`, or of an installed database, as packages.
//!
//! The format is one field a line, a letter and a colon before the value, and an empty line after each package
//! (apk-package(5)). Reading is one pass over the text: a package keeps places in it, not copies. Fields
//! in small letters that are not known are skipped, as apk does. It refuses lines without a field, numbers
//! that are none, and packages without name, version or identity, and tells of all of them at once.

use std::sync::Arc;

use super::dependency::DependencyList;
use super::package::{Package, ShortIdentity, ShortIdentityError};

/// Texts are addressed with 31 bits; Alpine's largest index has less than 2^24 bytes.
const LONGEST_TEXT: usize = 1 << 31;
/// No more problems than these are told of one text.
const MOST_PROBLEMS: usize = 20;

/// The packages of one repository.
#[derive(Debug, Clone)]
pub struct Index {
    text: Arc<str>,
    /// Values of fields that stand in several lines of one package, joined.
    joined: String,
    records: Vec<Record>,
}

/// What is wrong with an index: all of it, at most 20 problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the package index is malformed: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct MalformedIndex {
    /// What is wrong, in the order of the lines; never empty.
    pub problems: Vec<IndexProblem>,
}

/// One thing that is wrong with an index. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexProblem {
    /// Bytes that are not UTF-8.
    #[error("byte {offset} is not UTF-8 text")]
    NotText {
        /// Where, in bytes from the beginning.
        offset: usize,
    },
    /// More text than an index can have.
    #[error("it has {length} bytes; at most {LONGEST_TEXT} can be read")]
    TooLong {
        /// The length, in bytes.
        length: usize,
    },
    /// A line that does not begin with a letter and a colon.
    #[error("line {line} \"{text}\" is not a field; wanted a letter, a colon and a value")]
    NotAField {
        /// The line.
        line: usize,
        /// The beginning of it.
        text: String,
    },
    /// A number that is none, or too great.
    #[error("line {line}: field {field} is \"{value}\"; wanted a number below 2^64")]
    NotANumber {
        /// The line.
        line: usize,
        /// The letter of the field.
        field: char,
        /// The value.
        value: String,
    },
    /// List fields that alternate so often that joining their lines would take far more room than the text.
    #[error("line {line}: the lists of a package are spread over too many lines; wanted one line for each")]
    Scattered {
        /// The line.
        line: usize,
    },
    /// An identity that is none.
    #[error("line {line}: {source}")]
    BadIdentity {
        /// The line.
        line: usize,
        /// What is wrong with it.
        source: ShortIdentityError,
    },
    /// A package without a field that each must have.
    #[error("the package that ends at line {line} has no field {field}")]
    Missing {
        /// The line after the last one of the package.
        line: usize,
        /// The letter of the field.
        field: char,
    },
}

/// A stretch of the text, or of the joined values.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    start: u32,
    end: u32,
}

/// The bit of a place's start that says that it lies in the joined values.
const JOINED: u32 = 1 << 31;

#[derive(Debug, Clone, Default)]
struct Record {
    identity: Option<ShortIdentity>,
    name: Place,
    version: Place,
    architecture: Place,
    description: Place,
    url: Place,
    license: Place,
    origin: Place,
    maintainer: Place,
    commit: Place,
    repository_tag: Place,
    depends: Place,
    provides: Place,
    install_if: Place,
    replaces: Place,
    size: u64,
    installed_size: u64,
    build_time: u64,
    provider_priority: u64,
    replaces_priority: u64,
    unknown_field: Option<char>,
    begun: bool,
}

impl Index {
    /// Reads the text of an index.
    ///
    /// # Errors
    /// Everything that is wrong with it, at most 20 problems.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, MalformedIndex> {
        let text = text.into();
        if text.len() >= LONGEST_TEXT {
            return Err(MalformedIndex { problems: vec![IndexProblem::TooLong { length: text.len() }] });
        }
        let mut reader =
            Reader { text: &text, joined: String::new(), records: Vec::new(), problems: Vec::new() };
        reader.read();
        let Reader { joined, records, problems, .. } = reader;
        if problems.is_empty() {
            Ok(Self { text, joined, records })
        } else {
            Err(MalformedIndex { problems })
        }
    }

    /// Reads the bytes of an index.
    ///
    /// # Errors
    /// As [`Index::parse`], and bytes that are not UTF-8.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MalformedIndex> {
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(MalformedIndex { problems: vec![IndexProblem::NotText { offset }] })
            }
        }
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no packages.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The packages, in the order of the text.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> {
        self.records.iter().map(|record| self.package(record))
    }

    /// Every version of the package with this name.
    pub fn named<'index>(&'index self, name: &str) -> impl Iterator<Item = Package<'index>> {
        self.packages().filter(move |package| package.name == name)
    }

    /// The same index without the packages that `keep` refuses: as if the repository did not have them.
    #[must_use]
    pub fn filtered(self, keep: impl Fn(&Package<'_>) -> bool) -> Self {
        let kept: Vec<bool> = self.packages().map(|package| keep(&package)).collect();
        let mut kept = kept.into_iter();
        let mut index = self;
        index.records.retain(|_| kept.next().unwrap_or(true));
        index
    }

    fn package(&self, record: &Record) -> Package<'_> {
        let at = |place: Place| value(&self.text, &self.joined, place);
        Package {
            identity: record.identity.expect("a record without identity was refused when it was read"),
            name: at(record.name),
            version: at(record.version),
            architecture: at(record.architecture),
            description: at(record.description),
            url: at(record.url),
            license: at(record.license),
            origin: at(record.origin),
            maintainer: at(record.maintainer),
            commit: at(record.commit),
            repository_tag: at(record.repository_tag),
            size: record.size,
            installed_size: record.installed_size,
            build_time: record.build_time,
            provider_priority: record.provider_priority,
            replaces_priority: record.replaces_priority,
            depends: DependencyList::new(at(record.depends)),
            provides: DependencyList::new(at(record.provides)),
            install_if: DependencyList::new(at(record.install_if)),
            replaces: DependencyList::new(at(record.replaces)),
            unknown_field: record.unknown_field,
        }
    }
}

fn value<'text>(text: &'text str, joined: &'text str, place: Place) -> &'text str {
    let source = if place.start & JOINED == 0 { text } else { joined };
    &source[(place.start & !JOINED) as usize..place.end as usize]
}

/// An index being read.
struct Reader<'text> {
    text: &'text str,
    joined: String,
    records: Vec<Record>,
    problems: Vec<IndexProblem>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut record = Record::default();
        let (mut start, mut line) = (0, 0);
        // The end of the text ends a package as well as an empty line does.
        for content in self.text.split('\n').chain([""]) {
            line += 1;
            if content.is_empty() {
                self.finish(std::mem::take(&mut record), line);
            } else {
                self.field(&mut record, content, start, line);
            }
            start += content.len() + 1;
        }
    }

    fn refuse(&mut self, problem: IndexProblem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn finish(&mut self, record: Record, line: usize) {
        if !record.begun {
            return;
        }
        let empty = |place: Place| place.start == place.end;
        for (missing, field) in
            [(record.identity.is_none(), 'C'), (empty(record.name), 'P'), (empty(record.version), 'V')]
        {
            if missing {
                self.refuse(IndexProblem::Missing { line, field });
            }
        }
        self.records.push(record);
    }

    fn field(&mut self, record: &mut Record, content: &str, start: usize, line: usize) {
        record.begun = true;
        let bytes = content.as_bytes();
        if bytes.len() < 2 || bytes[1] != b':' || !bytes[0].is_ascii_alphabetic() {
            let text = content.chars().take(60).collect();
            return self.refuse(IndexProblem::NotAField { line, text });
        }
        let place = place(start + 2, start + content.len());
        let value = &content[2..];
        match bytes[0] {
            b'C' => match ShortIdentity::parse(value) {
                Ok(identity) => record.identity = Some(identity),
                Err(source) => self.refuse(IndexProblem::BadIdentity { line, source }),
            },
            b'P' => record.name = place,
            b'V' => record.version = place,
            b'A' => record.architecture = place,
            b'T' => record.description = place,
            b'U' => record.url = place,
            b'L' => record.license = place,
            b'o' => record.origin = place,
            b'm' => record.maintainer = place,
            b'c' => record.commit = place,
            b's' => record.repository_tag = place,
            b'D' => record.depends = self.join(record.depends, place, line),
            b'p' => record.provides = self.join(record.provides, place, line),
            b'i' => record.install_if = self.join(record.install_if, place, line),
            b'r' => record.replaces = self.join(record.replaces, place, line),
            b'S' => record.size = self.number('S', value, line),
            b'I' => record.installed_size = self.number('I', value, line),
            b't' => record.build_time = self.number('t', value, line),
            b'k' => record.provider_priority = self.number('k', value, line),
            b'q' => record.replaces_priority = self.number('q', value, line),
            // The files of an installed package; another part of the crate reads them.
            b'F' | b'M' | b'R' | b'Z' => {}
            letter if letter.is_ascii_lowercase() => {}
            letter => record.unknown_field = Some(letter.into()),
        }
    }

    fn number(&mut self, field: char, value: &str, line: usize) -> u64 {
        match value.parse() {
            Ok(number) if value.bytes().all(|byte| byte.is_ascii_digit()) => number,
            _ => {
                let value = value.chars().take(60).collect();
                self.refuse(IndexProblem::NotANumber { line, field, value });
                0
            }
        }
    }

    /// The value of a list field that may stand in several lines.
    fn join(&mut self, before: Place, more: Place, line: usize) -> Place {
        if before.start == before.end {
            return more;
        }
        let at_the_end = before.start & JOINED != 0 && before.end as usize == self.joined.len();
        let start = if at_the_end { (before.start & !JOINED) as usize } else { self.joined.len() };
        if !at_the_end {
            let first = value(self.text, &self.joined, before).to_owned();
            self.joined.push_str(&first);
        }
        self.joined.push(' ');
        self.joined.push_str(value(self.text, "", more));
        // Lists that take turns line by line would be copied again and again.
        if self.joined.len() >= LONGEST_TEXT.min(self.text.len().saturating_mul(8)) {
            self.joined.truncate(start);
            self.refuse(IndexProblem::Scattered { line });
            return more;
        }
        let joined = place(start, self.joined.len());
        Place { start: joined.start | JOINED, end: joined.end }
    }
}

/// A place in a text whose length was found to fit in 31 bits.
fn place(start: usize, end: usize) -> Place {
    let narrow = |at: usize| u32::try_from(at).expect("the text is shorter than 2^31 bytes");
    Place { start: narrow(start), end: narrow(end) }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
