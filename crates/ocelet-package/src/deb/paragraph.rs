//! [`Paragraphs`]: text in the form of deb822(5), cut into paragraphs of fields without copying a byte.
//!
//! A paragraph is lines `Name: value`, a value goes on in lines that begin with a space or a tab, and an empty line
//! ends the paragraph. Refused is what dpkg refuses too: a field twice, a line that is no field, a name with other
//! characters than the format allows, a line of nothing but blanks inside of a value. Lines that begin with `#` are
//! comments in configuration and sources only; in indexes and databases they are refused.

/// The most bytes of one paragraph. The largest of Debian's indexes have some 40 KiB.
pub const PARAGRAPH_LIMIT: usize = 4 << 20;
/// The most fields of one paragraph. Debian's packages have about 30.
const MOST_FIELDS: usize = 256;

/// Whether lines that begin with `#` are comments (deb822(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// They are left out: `debian/control`, `*.sources`.
    Skip,
    /// They are an error: `Packages`, `Release`, `status`, the `control` of a package.
    Refuse,
}

/// One field of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'text> {
    /// The name, as it is written; names are compared without regard to case.
    pub name: &'text str,
    /// The value, without blanks around it. Further lines stand in it as they are, with the blank that each begins
    /// with, and comments between them as well; [`Field::lines`] cuts it.
    pub value: &'text str,
    /// The line that the field begins with, counted from 1.
    pub line: usize,
}

/// The fields between two empty lines, in their order; never without any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paragraph<'text> {
    fields: Vec<Field<'text>>,
    text: &'text str,
}

/// The paragraphs of a text, in their order.
#[derive(Debug, Clone)]
pub struct Paragraphs<'text> {
    text: &'text str,
    position: usize,
    line: usize,
    comments: Comments,
}

/// Why a text is not a paragraph. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParagraphError {
    /// A line without a field.
    #[error("line {line} \"{}\" is not a field; wanted a name, a colon and a value", text.escape_debug())]
    NotAField {
        /// The line.
        line: usize,
        /// The beginning of it.
        text: String,
    },
    /// A line that continues nothing.
    #[error("line {line} begins with a blank, but no field stands before it that it could go on with")]
    NothingToContinue {
        /// The line.
        line: usize,
    },
    /// A name with characters that it cannot have.
    #[error(
        "line {line}: \"{}\" cannot be the name of a field: it must be printable ASCII without blanks and colons, and not begin with '#' or '-'",
        name.escape_debug()
    )]
    Name {
        /// The line.
        line: usize,
        /// The beginning of the name.
        name: String,
    },
    /// A line of nothing but blanks.
    #[error(
        "line {line} has nothing but blanks; readers disagree whether that ends a paragraph, so it must be empty or hold a dot"
    )]
    BlankLine {
        /// The line.
        line: usize,
    },
    /// A comment where none may be.
    #[error("line {line} is a comment; this kind of file has none")]
    Comment {
        /// The line.
        line: usize,
    },
    /// A field that is there twice.
    #[error("line {line}: the paragraph has had the field {name} before, in line {first}")]
    Duplicate {
        /// The line.
        line: usize,
        /// The name.
        name: String,
        /// The line of the first.
        first: usize,
    },
    /// More than a paragraph may have.
    #[error("the paragraph at line {line} has more than {limit} {unit}; it is no package")]
    Limit {
        /// The line.
        line: usize,
        /// The limit.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// Bytes that are not text.
    #[error("byte {offset} is not UTF-8 text")]
    NotText {
        /// Where, in bytes from the beginning.
        offset: usize,
    },
    /// A text of which one paragraph is wanted has another number of them.
    #[error("it has {got} paragraphs; wanted one")]
    NotOne {
        /// None, or more than one.
        got: &'static str,
    },
}

impl ParagraphError {
    /// Takes bytes as text.
    pub(super) fn text(bytes: &[u8]) -> Result<&str, Self> {
        std::str::from_utf8(bytes).map_err(|error| Self::NotText { offset: error.valid_up_to() })
    }
}

impl<'text> Field<'text> {
    /// The lines of the value without the blanks around them; comments are left out.
    pub fn lines(&self) -> impl Iterator<Item = &'text str> + use<'text> {
        let mut lines = self.value.split('\n');
        let first = lines.next();
        first.into_iter().chain(lines.filter(|line| !line.starts_with('#'))).map(str::trim)
    }

    /// The value as a simple one.
    ///
    /// # Errors
    /// The line of the field, where the value goes over more than one line.
    pub fn single_line(&self) -> Result<&'text str, usize> {
        if self.value.contains('\n') { Err(self.line) } else { Ok(self.value) }
    }
}

impl<'text> Paragraph<'text> {
    /// Reads a text of exactly one paragraph.
    ///
    /// # Errors
    /// See [`ParagraphError`].
    pub fn parse(text: &'text str, comments: Comments) -> Result<Self, ParagraphError> {
        let mut all = Paragraphs::new(text, comments);
        let paragraph = all.next().ok_or(ParagraphError::NotOne { got: "no" })??;
        match all.next() {
            None => Ok(paragraph),
            Some(other) => other.and(Err(ParagraphError::NotOne { got: "several" })),
        }
    }

    /// The field of that name, in whatever case.
    pub fn get(&self, name: &str) -> Option<&Field<'text>> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&'text str> {
        self.get(name).map(|field| field.value)
    }

    /// The fields in their order.
    pub fn fields(&self) -> &[Field<'text>] {
        &self.fields
    }

    /// The line of the first field, counted from 1.
    pub fn line(&self) -> usize {
        self.fields.first().map_or(1, |field| field.line)
    }

    /// All lines of the paragraph as they stand, with the end of the last.
    pub fn text(&self) -> &'text str {
        self.text
    }
}

impl<'text> Paragraphs<'text> {
    /// The paragraphs of a text.
    pub fn new(text: &'text str, comments: Comments) -> Self {
        Self { text, position: 0, line: 1, comments }
    }

    /// Reads the next paragraph into one that may be used again and again, which saves its memory; whether there
    /// was one. After an error the text is at its end.
    ///
    /// # Errors
    /// See [`ParagraphError`].
    pub fn read_into(&mut self, paragraph: &mut Paragraph<'text>) -> Result<bool, ParagraphError> {
        let outcome = self.read(paragraph);
        if outcome.is_err() {
            self.position = self.text.len();
        }
        outcome
    }

    fn read(&mut self, paragraph: &mut Paragraph<'text>) -> Result<bool, ParagraphError> {
        paragraph.fields.clear();
        let (mut begin, mut line) = (self.position, self.line);
        while let Some(first) = self.rest().as_bytes().first() {
            if *first != b'\n' {
                self.step(paragraph)?;
            } else if paragraph.fields.is_empty() {
                // Comments alone are no paragraph either.
                (self.position, self.line) = (self.position + 1, self.line + 1);
                (begin, line) = (self.position, self.line);
            } else {
                break;
            }
            if self.position - begin > PARAGRAPH_LIMIT {
                return Err(ParagraphError::Limit { line, limit: PARAGRAPH_LIMIT, unit: "bytes" });
            }
        }
        paragraph.text = &self.text[begin..self.position];
        Ok(!paragraph.fields.is_empty())
    }

    /// Reads one comment, or one field with the lines that it goes on in.
    fn step(&mut self, paragraph: &mut Paragraph<'text>) -> Result<(), ParagraphError> {
        let (begin, line, first) = (self.position, self.line, self.take_line());
        if first.starts_with('#') {
            return if self.comments == Comments::Skip {
                Ok(())
            } else {
                Err(ParagraphError::Comment { line })
            };
        }
        if first.starts_with([' ', '\t']) {
            let blank = first.trim().is_empty();
            return Err(if blank {
                ParagraphError::BlankLine { line }
            } else {
                ParagraphError::NothingToContinue { line }
            });
        }
        let Some(colon) = first.as_bytes().iter().position(|byte| *byte == b':') else {
            return Err(ParagraphError::NotAField { line, text: first.chars().take(60).collect() });
        };
        let name = &first[..colon];
        if !is_name(name) {
            return Err(ParagraphError::Name { line, name: name.chars().take(60).collect() });
        }
        let same = |other: &&Field<'_>| other.name.eq_ignore_ascii_case(name);
        if let Some(other) = paragraph.fields.iter().find(same) {
            let (name, first) = (name.to_owned(), other.line);
            return Err(ParagraphError::Duplicate { line, name, first });
        }
        if paragraph.fields.len() == MOST_FIELDS {
            return Err(ParagraphError::Limit { line, limit: MOST_FIELDS, unit: "fields" });
        }
        let end = self.value_end(begin + first.len())?;
        // An empty first line is told from none: only the blanks before it go.
        let value = self.text[begin + colon + 1..end].trim_start_matches([' ', '\t']).trim_end();
        paragraph.fields.push(Field { name, value, line });
        Ok(())
    }

    /// Where the last line ends that belongs to the value whose first line ends at `end`.
    fn value_end(&mut self, mut end: usize) -> Result<usize, ParagraphError> {
        loop {
            let comment = self.comments == Comments::Skip && self.rest().starts_with('#');
            if !comment && !self.rest().starts_with([' ', '\t']) {
                return Ok(end);
            }
            let (begin, line, content) = (self.position, self.line, self.take_line());
            if content.trim().is_empty() {
                return Err(ParagraphError::BlankLine { line });
            }
            if !comment {
                end = begin + content.len();
            }
        }
    }

    fn rest(&self) -> &'text str {
        &self.text[self.position..]
    }

    /// The next line without its end.
    fn take_line(&mut self) -> &'text str {
        let rest = self.rest();
        let length = rest.find('\n');
        self.line += 1;
        self.position += length.map_or(rest.len(), |length| length + 1);
        &rest[..length.unwrap_or(rest.len())]
    }
}

impl<'text> Iterator for Paragraphs<'text> {
    type Item = Result<Paragraph<'text>, ParagraphError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut paragraph = Paragraph::default();
        self.read_into(&mut paragraph).map(|some| some.then_some(paragraph)).transpose()
    }
}

/// deb822(5): U+0021 to U+0039 and U+003B to U+007E, not beginning with `#` or `-`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['#', '-'])
        && name.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b':')
}

#[cfg(test)]
mod tests;
