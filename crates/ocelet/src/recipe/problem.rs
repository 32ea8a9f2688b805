//! [`Problem`]: one thing that is wrong with a recipe, and where; [`Problems`]: all of them at once.
//!
//! A problem is data: a stable code, a message, a place and the nearest valid name. How it looks is decided in
//! `render.rs` for people and in [`Problem::to_json`] for programs. It refuses to stop at the first one.

use std::fmt;

use serde_json::{Value, json};

use super::nearest::nearest;

/// A stretch of a recipe's text. An empty stretch stands before its character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte, counted from 0.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The character within that line, counted from 1; a tab is one character.
    pub column: usize,
}

/// A value and the place in the recipe that it comes from. Two are equal when the values are: where something
/// is written does not change what is asked.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// What was asked.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// Whether a problem stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The recipe cannot be used.
    Error,
    /// The recipe can be used, but hardly means what it says.
    Warning,
}

/// The kind of a problem; its text is stable and made for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// The text or a list in it is larger than any recipe.
    TooLarge,
    /// A key that its table does not have.
    UnknownKey,
    /// A key that does not go together with another.
    MisplacedKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of another type.
    WrongType,
    /// A value that breaks the rules of its key.
    InvalidValue,
    /// A name that breaks the rules of names.
    InvalidName,
    /// A path or pattern that no image can have.
    InvalidPath,
    /// A template that cannot be read.
    InvalidTemplate,
    /// A variable that does not exist.
    UnknownVariable,
    /// A variable that exists, but not here.
    MisplacedVariable,
    /// A parameter without a value.
    MissingParameter,
    /// A name of something that is not there: flavor, rule pack, platform, choice.
    UnknownName,
    /// The same thing twice.
    Duplicate,
    /// Two wishes that cannot both be granted.
    Conflict,
    /// Flavors that extend each other in a circle.
    Circle,
    /// Something is removed that is not there.
    NothingToRemove,
    /// A recipe or flavor that asks for nothing.
    Empty,
    /// Something has no effect.
    Unused,
}

/// More about a problem, perhaps with a second place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is to be known.
    pub message: String,
    /// Where, if it has a place.
    pub span: Option<Span>,
}

/// One thing that is wrong with a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the work.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// What is wrong: a lowercase fragment that names the thing.
    pub message: String,
    /// Where in the recipe; nothing for what came from outside of it (`--set`).
    pub span: Option<Span>,
    /// What to do, said beside the caret; may be empty.
    pub label: String,
    /// The nearest valid name, where there is one; already part of the label.
    pub nearest: Option<String>,
    /// More about it.
    pub notes: Vec<Note>,
}

/// All problems of a recipe, in the order of their places. At least one, unless they are the warnings of a
/// recipe without any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Code {
    /// The stable text: words joined by hyphens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::TooLarge => "too-large",
            Self::UnknownKey => "unknown-key",
            Self::MisplacedKey => "misplaced-key",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::InvalidName => "invalid-name",
            Self::InvalidPath => "invalid-path",
            Self::InvalidTemplate => "invalid-template",
            Self::UnknownVariable => "unknown-variable",
            Self::MisplacedVariable => "misplaced-variable",
            Self::MissingParameter => "missing-parameter",
            Self::UnknownName => "unknown-name",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Circle => "circle",
            Self::NothingToRemove => "nothing-to-remove",
            Self::Empty => "empty",
            Self::Unused => "unused",
        }
    }
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Span {
    fn to_json(self) -> Value {
        json!({ "start": self.start, "end": self.end, "line": self.line, "column": self.column })
    }
}

impl Problem {
    /// What was meant, if one of `names` is near `word`: becomes the label.
    pub(super) fn did_you_mean<'names>(
        &mut self,
        word: &str,
        names: impl IntoIterator<Item = &'names str>,
    ) -> &mut Self {
        if let Some(name) = nearest(word, names) {
            self.label = format!("did you mean \"{name}\"?");
            self.nearest = Some(name.to_owned());
        }
        self
    }

    /// What stands beside the caret, unless a nearest name already does.
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        if self.label.is_empty() {
            self.label = label.into();
        }
        self
    }

    /// Adds a note, with a second place or without.
    pub(super) fn note(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Self {
        self.notes.push(Note { message: message.into(), span: span.into() });
        self
    }

    /// The problem for programs: `severity`, `code`, `message`, and where they exist `label`, `nearest`, `span`
    /// (`start`, `end` in bytes; `line`, `column` from 1) and `notes`.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "severity": self.severity.as_str(),
            "code": self.code.as_str(),
            "message": self.message,
        });
        if !self.label.is_empty() {
            value["label"] = json!(self.label);
        }
        if let Some(nearest) = &self.nearest {
            value["nearest"] = json!(nearest);
        }
        if let Some(span) = self.span {
            value["span"] = span.to_json();
        }
        if !self.notes.is_empty() {
            let notes = self.notes.iter().map(|note| {
                let mut value = json!({ "message": note.message });
                if let Some(span) = note.span {
                    value["span"] = span.to_json();
                }
                value
            });
            value["notes"] = notes.collect();
        }
        value
    }
}

impl Problems {
    /// Sorted by place — those without one last —, each only once.
    pub(super) fn new(mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| (problem.span.is_none(), problem.span.map(|span| (span.start, span.end))));
        let mut kept: Vec<Problem> = Vec::with_capacity(list.len());
        for problem in list {
            // What is inherited by several flavors is found once in each.
            let again = kept.iter().rev().take_while(|other| other.span == problem.span).any(|other| {
                (other.code, &other.message) == (problem.code, &problem.message) && other.span.is_some()
            });
            if !again {
                kept.push(problem);
            }
        }
        Self { list: kept }
    }

    /// Every problem, in the order of the places.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them stops the work.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The list for programs; see [`Problem::to_json`].
    pub fn to_json(&self) -> Value {
        self.list.iter().map(Problem::to_json).collect()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    /// One line: every error with its line number. [`Problems::render`] shows more.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<&Problem> =
            self.list.iter().filter(|problem| problem.severity == Severity::Error).collect();
        write!(
            formatter,
            "the recipe has {} error{}",
            errors.len(),
            if errors.len() == 1 { "" } else { "s" }
        )?;
        for (index, problem) in errors.iter().enumerate() {
            formatter.write_str(if index == 0 { ": " } else { "; " })?;
            if let Some(span) = problem.span {
                write!(formatter, "line {}: ", span.line)?;
            }
            formatter.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T> std::ops::Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> At<T> {
    pub(super) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// The text of a recipe with the beginnings of its lines, and the problems found in it so far.
#[derive(Debug)]
pub(super) struct Findings<'text> {
    text: &'text str,
    lines: Vec<usize>,
    list: Vec<Problem>,
    errors: usize,
}

impl<'text> Findings<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines, list: Vec::new(), errors: 0 }
    }

    /// The place of a range of bytes; what lies outside of the text is pulled into it.
    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        let mut start = range.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let line = self.lines.partition_point(|beginning| *beginning <= start);
        let column = self.text[self.lines[line - 1]..start].chars().count() + 1;
        Span { start, end, line, column }
    }

    /// The text as it is written at a place.
    pub(super) fn written(&self, span: Span) -> &'text str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Notes what stops the work.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, code, span.into(), message.into())
    }

    /// Notes what does not.
    pub(super) fn warning(
        &mut self,
        code: Code,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, code, span.into(), message.into())
    }

    fn add(&mut self, severity: Severity, code: Code, span: Option<Span>, message: String) -> &mut Problem {
        self.errors += usize::from(severity == Severity::Error);
        self.list.push(Problem {
            severity,
            code,
            message,
            span,
            label: String::new(),
            nearest: None,
            notes: Vec::new(),
        });
        self.list.last_mut().expect("one was just added")
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors were noted so far.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Forgets what was noted about places behind `end`, unless it is one of the first `kept` problems.
    pub(super) fn forget_behind(&mut self, end: usize, kept: usize) {
        let mut index = 0;
        self.list.retain(|problem| {
            index += 1;
            index <= kept || problem.span.is_some_and(|span| span.start < end)
        });
        self.errors = self.list.iter().filter(|problem| problem.severity == Severity::Error).count();
    }

    pub(super) fn finish(self) -> Problems {
        Problems::new(self.list)
    }
}
