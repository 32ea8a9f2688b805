//! The values of a recipe's tables while they are read: [`Text`] with its place, and [`Fields`], which are taken
//! out one by one until none is left.
//!
//! They refuse to be forgotten: in tests, a key that nobody takes is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::keys::Table;
use super::problem::{Findings, Span};

/// A text of the recipe, with its place. Equal when the values are.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    /// The place, quotes included.
    pub(super) span: Span,
    /// Where the first character stands, if the text is written without escapes.
    pub(super) first: Option<usize>,
}

/// A value that has the shape of its key.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) data: Data,
}

#[derive(Debug)]
pub(super) enum Data {
    Text(Text),
    Integer(i64),
    Boolean(bool),
    Texts(Vec<Text>),
    /// An entry whose value was a problem has none.
    TextMap(BTreeMap<String, (Span, Option<Text>)>),
    Table(Fields),
    Tables(BTreeMap<String, Fields>),
    Items(Vec<Fields>),
}

/// The values of one table, taken out one by one.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) table: &'static Table,
    pub(super) values: BTreeMap<&'static str, (Span, Value)>,
    /// The keys that were there, but misspelled or with values that were a problem.
    pub(super) refused: BTreeSet<&'static str>,
    /// The place of the table: its key where it has one.
    pub(super) span: Span,
    /// How the table is called in a message.
    pub(super) title: String,
    /// Whether it was written as one text, in the short form.
    pub(super) is_short: bool,
    /// Whether nothing in it was a problem.
    pub(super) is_sound: bool,
}

impl Text {
    /// The place of a stretch of the value; of the whole text where escapes make that uncertain.
    pub(super) fn part(&self, findings: &Findings<'_>, range: Range<usize>) -> Span {
        match self.first {
            Some(first) => findings.span(first + range.start..first + range.end),
            None => self.span,
        }
    }
}

impl Text {
    /// The text from this byte of the value on.
    pub(super) fn rest(&self, offset: usize) -> Self {
        let value = self.value.get(offset..).unwrap_or_default().to_owned();
        Self { value, span: self.span, first: self.first.map(|first| first + offset) }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Text {}

/// Each taker gives nothing where the key was left out or its value was a problem. The key's shape in
/// [`super::keys`] decides which one fits; a wrong one is a mistake in this crate, and every test would show it.
impl Fields {
    fn take(&mut self, name: &'static str) -> Option<Value> {
        debug_assert!(
            self.table.find(name).is_some(),
            "internal error: {name} is not in the table of {}",
            self.title
        );
        self.values.remove(name).map(|(_, value)| value)
    }

    /// Whether the table has a key of this name at all.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.table.find(name).is_some()
    }

    /// The place of a key, while it is not taken yet.
    pub(super) fn key_span(&self, name: &str) -> Option<Span> {
        self.values.get(name).map(|(span, _)| *span)
    }

    /// Whether nothing is left to be taken.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether one of these keys was there with a value that was a problem: then its absence is none.
    pub(super) fn had_problem(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.refused.contains(name))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<Text> {
        match self.take(name)?.data {
            Data::Text(text) => Some(text),
            _ => misfit(name),
        }
    }

    pub(super) fn integer(&mut self, name: &'static str) -> Option<i64> {
        match self.take(name)?.data {
            Data::Integer(value) => Some(value),
            _ => misfit(name),
        }
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)?.data {
            Data::Boolean(value) => Some(value),
            _ => misfit(name),
        }
    }

    /// The value of a key that may have several shapes.
    pub(super) fn any(&mut self, name: &'static str) -> Option<Value> {
        self.take(name)
    }

    /// The texts and the place of the whole list.
    pub(super) fn texts(&mut self, name: &'static str) -> Option<(Vec<Text>, Span)> {
        let Value { data, span } = self.take(name)?;
        match data {
            Data::Texts(texts) => Some((texts, span)),
            _ => misfit(name),
        }
    }

    pub(super) fn text_map(&mut self, name: &'static str) -> BTreeMap<String, (Span, Option<Text>)> {
        match self.take(name).map(|value| value.data) {
            Some(Data::TextMap(map)) => map,
            None => BTreeMap::new(),
            Some(_) => misfit(name).unwrap_or_default(),
        }
    }

    pub(super) fn table(&mut self, name: &'static str) -> Option<Fields> {
        match self.take(name)?.data {
            Data::Table(fields) => Some(fields),
            _ => misfit(name),
        }
    }

    pub(super) fn tables(&mut self, name: &'static str) -> BTreeMap<String, Fields> {
        match self.take(name).map(|value| value.data) {
            Some(Data::Tables(tables)) => tables,
            None => BTreeMap::new(),
            Some(_) => misfit(name).unwrap_or_default(),
        }
    }

    pub(super) fn items(&mut self, name: &'static str) -> Vec<Fields> {
        match self.take(name).map(|value| value.data) {
            Some(Data::Items(items)) => items,
            None => Vec::new(),
            Some(_) => misfit(name).unwrap_or_default(),
        }
    }

    /// The items and the place of the whole list; nothing where there is none, which an empty one is not.
    pub(super) fn listed(&mut self, name: &'static str) -> Option<(Vec<Fields>, Span)> {
        let Value { data, span } = self.take(name)?;
        match data {
            Data::Items(items) => Some((items, span)),
            _ => misfit(name),
        }
    }

    /// Ends the reading of this table: what is left was in the tables of keys, and read by nobody.
    pub(super) fn finish(self) {
        debug_assert!(
            self.values.is_empty(),
            "internal error: nobody reads {:?} of {}",
            self.values.keys(),
            self.title
        );
    }
}

fn misfit<T>(name: &str) -> Option<T> {
    debug_assert!(false, "internal error: {name} is read with another shape than its table says");
    None
}
