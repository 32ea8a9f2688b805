//! From text to values of the right types: the TOML document held against the tables of [`super::keys`].
//!
//! What comes out holds only known keys with values of their type; everything else is a problem with its place.
//! It refuses to judge what a value means, and it goes on after every problem, a syntax error included.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};

use super::fields::{Data, Fields, Text, Value};
use super::keys::{Key, RECIPE, Shape, TABLES, Table};
use super::nearest::nearest;
use super::problem::{Code, Findings, Span};

/// No recipe is longer than this, in bytes. What is long belongs into a file beside it.
const LONGEST_RECIPE: usize = 1 << 20;

/// Reads the whole document. Nothing where the text cannot be a recipe at all; then there is a problem.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) -> Option<Fields> {
    if text.len() > LONGEST_RECIPE {
        let message = format!("the recipe has {} bytes; at most {LONGEST_RECIPE} are read", text.len());
        let start = findings.span(0..0);
        findings.error(Code::TooLarge, start, message).label("put long texts into files beside the recipe");
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let broken_at = syntax_errors(&errors, findings);
    let span = findings.span(0..0);
    let noted = findings.errors();
    let mut reader = Reader { findings, is_whole: broken_at.is_none() };
    let fields = reader.table(document.get_ref(), &RECIPE, span, "");
    match broken_at {
        None => Some(fields),
        Some(broken_at) => {
            // Behind a mistake keys may have ended up in tables that they were not written in.
            findings.forget_behind(broken_at, noted);
            None
        }
    }
}

/// Notes the syntax errors, and tells from which byte on the document cannot be trusted.
fn syntax_errors(errors: &[toml::de::Error], findings: &mut Findings<'_>) -> Option<usize> {
    let mut broken_at: Option<usize> = None;
    let mut last_line = 0;
    for error in errors {
        let span = findings.span(error.span().unwrap_or(0..0));
        // Of a key that is written twice the first value was taken, and nothing else is lost.
        if error.message() == "duplicate key" {
            let message = format!("the key \"{}\" is written twice", findings.written(span));
            findings.error(Code::Duplicate, span, message).label("remove or join them");
            continue;
        }
        broken_at = Some(broken_at.map_or(span.start, |first| first.min(span.start)));
        // What follows on the same line is the echo of the first mistake.
        if span.line != last_line {
            findings.error(Code::Syntax, span, format!("the recipe is not valid TOML: {}", error.message()));
            last_line = span.line;
        }
    }
    broken_at
}

struct Reader<'findings, 'text> {
    findings: &'findings mut Findings<'text>,
    /// Whether all of the document was understood; otherwise a missing key says nothing.
    is_whole: bool,
}

impl Reader<'_, '_> {
    fn table(&mut self, given: &DeTable<'_>, table: &'static Table, span: Span, title: &str) -> Fields {
        let (mut values, mut refused) = (BTreeMap::new(), BTreeSet::new());
        let mut missing: Vec<&Key> = table.keys.iter().filter(|key| key.required).collect();
        let errors = self.findings.errors();
        for (name, value) in given {
            let at = self.findings.span(name.span());
            let Some(key) = table.find(name.get_ref()) else {
                let meant = self.unknown_key(name.get_ref(), at, table, title);
                if let Some(meant) = meant.and_then(|meant| table.find(&meant)) {
                    missing.retain(|other| other.name != meant.name);
                    refused.insert(meant.name);
                }
                continue;
            };
            missing.retain(|other| other.name != key.name);
            if let Some(value) = self.value(key, value.get_ref(), value.span(), title) {
                values.insert(key.name, (at, value));
            } else {
                refused.insert(key.name);
            }
        }
        for key in missing.iter().filter(|_| self.is_whole) {
            let message = format!(
                "{} lacks the key \"{}\"",
                if title.is_empty() { "the recipe" } else { title },
                key.name
            );
            self.findings
                .error(Code::MissingKey, span, message)
                .label(format!("add {} = {}", key.name, key.example))
                .note(None, key.doc);
        }
        Fields {
            table,
            values,
            refused,
            span,
            title: title.to_owned(),
            is_short: false,
            is_sound: self.findings.errors() == errors,
        }
    }

    /// Notes an unknown key, and tells which one was meant.
    fn unknown_key(&mut self, name: &str, at: Span, table: &'static Table, title: &str) -> Option<String> {
        let place = if title.is_empty() { "at the top level" } else { title };
        let within = if title.is_empty() { "" } else { "in " };
        let message = format!("unknown key \"{name}\" {within}{place}");
        let problem = self.findings.error(Code::UnknownKey, at, message);
        let elsewhere =
            TABLES.iter().find(|(_, other)| !std::ptr::eq(*other, table) && other.find(name).is_some());
        match elsewhere {
            // A key that is right elsewhere was put below the wrong header rather than misspelled.
            Some((header, _)) if nearest(name, table.names()).is_none() => {
                problem.label(format!("this is a key of {header}"));
            }
            _ => {
                problem.did_you_mean(name, table.names());
                let names: Vec<&str> = table.names().collect();
                problem.label(format!("the keys are {}", names.join(", ")));
            }
        }
        problem.nearest.clone()
    }

    fn value(&mut self, key: &Key, given: &DeValue<'_>, range: Range<usize>, title: &str) -> Option<Value> {
        let span = self.findings.span(range);
        let place = if title.is_empty() { String::new() } else { format!(" in {title}") };
        let what = format!("\"{}\"{place}", key.name);
        let data = match key.shape {
            Shape::Text => Data::Text(self.text(given, span, &what, Some(key.name))?),
            Shape::AnyText => Data::Text(self.any_text(given, span, &what)?),
            Shape::Choice(words) => Data::Text(self.choice(given, span, &what, words, false)?),
            Shape::Integer(most) => Data::Integer(self.integer(given, span, &what, most)?),
            Shape::Boolean => match given {
                DeValue::Boolean(value) => Data::Boolean(*value),
                _ => return self.wrong_type(given, span, &what, "true or false"),
            },
            Shape::Choices { words, table } => match given {
                DeValue::Boolean(value) => Data::Boolean(*value),
                DeValue::String(_) => Data::Text(self.choice(given, span, &what, words, false)?),
                DeValue::Table(given) => Data::Table(self.table(given, table, span, &what)),
                _ => return self.wrong_type(given, span, &what, "true, false, a word or a table"),
            },
            Shape::TextOrTexts if matches!(given, DeValue::String(_)) => {
                Data::Texts(vec![self.text(given, span, &what, Some(key.name))?])
            }
            Shape::Texts | Shape::TextOrTexts => Data::Texts(self.texts(given, span, &what)?),
            Shape::TextMap => Data::TextMap(self.text_map(given, span, &what)?),
            Shape::TextOrTextMap => match given {
                DeValue::String(_) => Data::Text(self.text(given, span, &what, Some(key.name))?),
                DeValue::Table(_) => Data::TextMap(self.text_map(given, span, &what)?),
                _ => return self.wrong_type(given, span, &what, "text or a table of texts"),
            },
            Shape::TemplateOrTexts(_) if matches!(given, DeValue::String(text) if text.contains('{')) => {
                Data::Text(self.text(given, span, &what, None)?)
            }
            Shape::ChoiceOrTexts(words) | Shape::TemplateOrTexts(words) => match given {
                DeValue::String(_) => Data::Text(self.choice(given, span, &what, words, true)?),
                DeValue::Array(_) => Data::Texts(self.texts(given, span, &what)?),
                _ => return self.wrong_type(given, span, &what, "a name or a list of texts"),
            },
            Shape::Table(table) => match given {
                DeValue::Table(given) => Data::Table(self.table(given, table, span, &what)),
                _ => return self.wrong_type(given, span, &what, "a table"),
            },
            Shape::Tables(table) => Data::Tables(self.tables(given, span, key.name, table)?),
            Shape::Items { table, short } => Data::Items(self.items(given, span, &what, table, short)?),
        };
        Some(Value { span, data })
    }

    fn wrong_type<T>(&mut self, given: &DeValue<'_>, span: Span, what: &str, wanted: &str) -> Option<T> {
        let got = match given {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let written = self.findings.written(span);
        let fits_a_line = !written.contains(['\n', '"']) && written.len() < 60;
        let problem =
            self.findings.error(Code::WrongType, span, format!("{what} must be {wanted}, not {got}"));
        match given {
            // Octal digits are how modes are written, which are texts.
            DeValue::Integer(number) if wanted == "text" && number.radix() == 8 => {
                problem.label(format!("write \"0{}\"", number.as_str()));
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)
                if wanted == "text" && fits_a_line =>
            {
                problem.label(format!("write \"{written}\""));
            }
            DeValue::String(text)
                if wanted.starts_with("a list") && fits_a_line
                    || text.len() < 60 && wanted.starts_with("a list") =>
            {
                problem.label(format!("write [\"{text}\"]"));
            }
            _ => {}
        }
        None
    }

    fn any_text(&mut self, given: &DeValue<'_>, span: Span, what: &str) -> Option<Text> {
        let DeValue::String(value) = given else {
            return self.wrong_type(given, span, what, "text");
        };
        if value.contains('\0') {
            self.findings.error(Code::InvalidValue, span, format!("{what} has a NUL character"));
            return None;
        }
        let first = first_character(self.findings.written(span), value).map(|offset| span.start + offset);
        Some(Text { value: value.clone().into_owned(), span, first })
    }

    /// A text of one line; `name` is given where the whole key is one text.
    fn text(&mut self, given: &DeValue<'_>, span: Span, what: &str, name: Option<&str>) -> Option<Text> {
        let text = self.any_text(given, span, what)?;
        if text.value.is_empty() {
            let problem = self.findings.error(Code::InvalidValue, span, format!("{what} is empty"));
            if let Some(name) = name {
                problem.label(format!("give a value or leave \"{name}\" out"));
            }
            return None;
        }
        if text.value.contains(char::is_control) {
            self.findings.error(
                Code::InvalidValue,
                span,
                format!("{what} has a control character or line break"),
            );
            return None;
        }
        Some(text)
    }

    fn choice(
        &mut self,
        given: &DeValue<'_>,
        span: Span,
        what: &str,
        words: &[&'static str],
        or_list: bool,
    ) -> Option<Text> {
        let text = self.text(given, span, what, None)?;
        if words.contains(&text.value.as_str()) {
            return Some(text);
        }
        let message = format!("{what} cannot be \"{}\"", text.value);
        let problem = self.findings.error(Code::UnknownName, span, message);
        problem.did_you_mean(&text.value, words.iter().copied());
        let list = if or_list { format!(", or a list like [\"{}\"]", text.value) } else { String::new() };
        problem.label(format!("it is one of {}{list}", words.join(", ")));
        None
    }

    fn integer(&mut self, given: &DeValue<'_>, span: Span, what: &str, most: i64) -> Option<i64> {
        let DeValue::Integer(number) = given else {
            return self.wrong_type(given, span, what, "a whole number");
        };
        let value = integer(number).filter(|value| (0..=most).contains(value));
        if value.is_none() {
            self.findings.error(Code::InvalidValue, span, format!("{what} must lie between 0 and {most}"));
        }
        value
    }

    fn texts(&mut self, given: &DeValue<'_>, span: Span, what: &str) -> Option<Vec<Text>> {
        let DeValue::Array(list) = given else {
            return self.wrong_type(given, span, what, "a list of texts");
        };
        let entry = format!("an entry of {what}");
        let texts = list.iter().filter_map(|item| {
            let span = self.findings.span(item.span());
            self.text(item.get_ref(), span, &entry, None)
        });
        Some(texts.collect())
    }

    fn text_map(
        &mut self,
        given: &DeValue<'_>,
        span: Span,
        what: &str,
    ) -> Option<BTreeMap<String, (Span, Option<Text>)>> {
        let DeValue::Table(given) = given else {
            return self.wrong_type(given, span, what, "a table of texts");
        };
        let mut map = BTreeMap::new();
        for (name, value) in given {
            let at = self.findings.span(name.span());
            let what = format!("\"{}\" in {what}", name.get_ref());
            let span = self.findings.span(value.span());
            let text = self.any_text(value.get_ref(), span, &what);
            map.insert(name.get_ref().clone().into_owned(), (at, text));
        }
        Some(map)
    }

    fn tables(
        &mut self,
        given: &DeValue<'_>,
        span: Span,
        name: &str,
        table: &'static Table,
    ) -> Option<BTreeMap<String, Fields>> {
        let DeValue::Table(given) = given else {
            return self.wrong_type(
                given,
                span,
                &format!("\"{name}\""),
                &format!("tables like [{name}.NAME]"),
            );
        };
        let mut map = BTreeMap::new();
        for (entry, value) in given {
            let at = self.findings.span(entry.span());
            let title = format!("[{name}.{}]", entry.get_ref());
            let entry = entry.get_ref().clone().into_owned();
            if let DeValue::Table(given) = value.get_ref() {
                map.insert(entry, self.table(given, table, at, &title));
            } else {
                let span = self.findings.span(value.span());
                self.wrong_type::<()>(value.get_ref(), span, &title, "a table");
                // The name is known all the same, to whoever refers to it.
                let (values, refused) = (BTreeMap::new(), BTreeSet::new());
                map.insert(
                    entry,
                    Fields { table, values, refused, span: at, title, is_short: false, is_sound: false },
                );
            }
        }
        Some(map)
    }

    fn items(
        &mut self,
        given: &DeValue<'_>,
        span: Span,
        what: &str,
        table: &'static Table,
        short: Option<&'static str>,
    ) -> Option<Vec<Fields>> {
        let wanted = if short.is_some() { "a list of texts and tables" } else { "a list of tables" };
        let DeValue::Array(list) = given else {
            return self.wrong_type(given, span, what, wanted);
        };
        let entry = format!("an entry of {what}");
        let mut items = Vec::new();
        for item in list {
            let span = self.findings.span(item.span());
            match (item.get_ref(), short) {
                (DeValue::Table(given), _) => items.push(self.table(given, table, span, &entry)),
                (given @ DeValue::String(_), Some(short)) => {
                    let Some(text) = self.text(given, span, &entry, None) else { continue };
                    let value = Value { span, data: Data::Text(text) };
                    let values = BTreeMap::from([(short, (span, value))]);
                    let refused = BTreeSet::new();
                    items.push(Fields {
                        table,
                        values,
                        refused,
                        span,
                        title: entry.clone(),
                        is_short: true,
                        is_sound: true,
                    });
                }
                (given, Some(_)) => {
                    self.wrong_type::<()>(given, span, &entry, "text or a table");
                }
                (given, None) => {
                    self.wrong_type::<()>(given, span, &entry, "a table");
                }
            }
        }
        Some(items)
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// How far behind the beginning of `written` the first character of the value stands, if there is no escape in
/// it (TOML 1.0, "String": basic, literal, and both over several lines).
fn first_character(written: &str, value: &str) -> Option<usize> {
    for (quotes, breaks) in
        [("\"\"\"", &["\r\n", "\n", ""][..]), ("'''", &["\r\n", "\n", ""]), ("\"", &[""]), ("'", &[""])]
    {
        let Some(inner) = written.strip_prefix(quotes).and_then(|rest| rest.strip_suffix(quotes)) else {
            continue;
        };
        let skipped = breaks.iter().find(|skipped| inner.strip_prefix(**skipped) == Some(value))?;
        return Some(quotes.len() + skipped.len());
    }
    None
}
