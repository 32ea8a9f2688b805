//! YAML as a tree that knows the line and column of every key and value.
//!
//! It refuses what could fill memory or the stack: texts over [`LARGEST`], nesting over [`DEEPEST`], and aliases that would
//! unfold to more than [`MOST`] values. Values stand once in memory however often aliases name them.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::CheckError;

/// The bytes of a text that is read.
pub(super) const LARGEST: usize = 1 << 20;
/// How deep lists and mappings may lie in each other.
const DEEPEST: usize = 64;
/// How many values a text may have, aliases unfolded.
const MOST: usize = 20_000;

/// A place in a text, both from one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// How many values it is, itself and aliases unfolded.
    weight: usize,
}

#[derive(Debug)]
pub(super) enum Value {
    /// A text; what it means is decided where it is plain, that is without quotes.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// The key of an entry.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
    is_plain: bool,
}

impl Node {
    /// The entries of a mapping, those that `<<` merges behind its own.
    pub(super) fn entries(&self) -> Vec<(&Key, &Rc<Self>)> {
        let Value::Map(entries) = &self.value else { return Vec::new() };
        let is_merge = |key: &Key| key.is_plain && key.text == "<<";
        let mut all: Vec<_> =
            entries.iter().filter(|(key, _)| !is_merge(key)).map(|(key, node)| (key, node)).collect();
        for (_, merged) in entries.iter().filter(|(key, _)| is_merge(key)) {
            for (key, node) in merged.entries() {
                if !all.iter().any(|(known, _)| known.text == key.text) {
                    all.push((key, node));
                }
            }
        }
        all
    }
}

/// The documents of a text, each with the value that it is; an empty one is none.
pub(super) fn documents(text: &str) -> Result<Vec<Rc<Node>>, CheckError> {
    if text.len() > LARGEST {
        return Err(CheckError::TooLarge { bytes: text.len(), limit: LARGEST });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| CheckError::NotYaml {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            why: error.info().to_owned(),
        })?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

/// A list or mapping that is not at its end yet.
#[derive(Debug)]
struct Open {
    place: Place,
    anchor: usize,
    weight: usize,
    kind: OpenKind,
}

#[derive(Debug)]
enum OpenKind {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<(Key, Rc<Node>)>, key: Option<Key> },
}

#[derive(Debug, Default)]
struct Builder {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    /// Values by the number of their anchor.
    anchors: BTreeMap<usize, Rc<Node>>,
    weight: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), CheckError> {
        let place = Place { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && !is_text(tag.as_deref());
                let value = Value::Scalar { text: text.into_owned(), is_plain };
                self.put(Node { place, value, weight: 1 }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(place, anchor, OpenKind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.open(place, anchor, OpenKind::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).map(Rc::clone).ok_or_else(|| CheckError::NotYaml {
                    line: place.line,
                    column: place.column,
                    why: "an alias of a value that is not at its end".to_owned(),
                })?;
                self.append(node, place)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, place: Place, anchor: usize, kind: OpenKind) -> Result<(), CheckError> {
        if self.open.len() >= DEEPEST {
            return Err(CheckError::TooDeep { line: place.line, limit: DEEPEST });
        }
        self.open.push(Open { place, anchor, weight: 1, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), CheckError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.put(Node { place: open.place, value, weight: open.weight }, open.anchor)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), CheckError> {
        let place = node.place;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.append(node, place)
    }

    fn append(&mut self, node: Rc<Node>, place: Place) -> Result<(), CheckError> {
        let Some(open) = self.open.last_mut() else {
            self.weight = self.weight.saturating_add(node.weight);
            self.documents.push(node);
            return within(self.weight, place);
        };
        open.weight = open.weight.saturating_add(node.weight);
        within(open.weight.saturating_add(self.weight), place)?;
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, key } => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(key_of(&node, place)?),
            },
        }
        Ok(())
    }
}

fn within(weight: usize, place: Place) -> Result<(), CheckError> {
    if weight > MOST {
        return Err(CheckError::TooMuch { line: place.line, limit: MOST });
    }
    Ok(())
}

fn key_of(node: &Node, place: Place) -> Result<Key, CheckError> {
    match &node.value {
        Value::Scalar { text, is_plain } => Ok(Key { place, text: text.clone(), is_plain: *is_plain }),
        Value::List(_) | Value::Map(_) => Err(CheckError::NotYaml {
            line: place.line,
            column: place.column,
            why: "a list or mapping as the key of an entry".to_owned(),
        }),
    }
}

/// Whether a tag says that a value is a text, however it looks.
fn is_text(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.suffix == "str" || tag.suffix.ends_with(":str"))
}
