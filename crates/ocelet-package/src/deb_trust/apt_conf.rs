//! The little of apt.conf(5) that decides how a repository is reached: proxies, architectures, and whether ends of
//! validity are looked at.
//!
//! The grammar is read whole, and takes the files of `apt.conf.d` and what `apt-config dump` prints alike: `A::B "value";`,
//! scopes in braces, lists, comments of three kinds, `#clear` and `#include`, of which the latter is only named
//! ([`AptConfiguration::includes`]) for the caller to read.

use std::collections::BTreeMap;

/// How deep scopes may lie in each other.
const DEEPEST: usize = 64;

/// What apt is configured with. Names are not case-sensitive; of a value that is set twice the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptConfiguration {
    values: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
    includes: Vec<String>,
}

/// Why a text is no configuration of apt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of {file} {what}")]
#[non_exhaustive]
pub struct ConfigurationError {
    /// The name of the file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, after "line N of FILE".
    pub what: String,
}

/// The proxy that apt uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// Nothing is said: the environment decides.
    Unset,
    /// None is to be used.
    Direct,
    /// This one.
    Via(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Open,
    Close,
    End,
    Directive(String),
}

impl AptConfiguration {
    /// A configuration in which nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one more file; `file` is its name. Files are to be given in the order in which apt reads them.
    ///
    /// # Errors
    /// [`ConfigurationError`]. What stands before the error is kept.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), ConfigurationError> {
        let fail = |line: usize, what: &str| {
            Err(ConfigurationError { file: file.to_owned(), line, what: what.to_owned() })
        };
        let tokens = match tokens(text) {
            Ok(tokens) => tokens,
            Err((line, what)) => return fail(line, what),
        };
        let mut scopes: Vec<String> = Vec::new();
        let mut statement: Vec<(bool, String)> = Vec::new();
        let mut last = 0;
        for (line, token) in tokens {
            last = line;
            match token {
                Token::Word(word) => statement.push((false, word)),
                Token::Quoted(word) => statement.push((true, word)),
                Token::Directive(text) => self.directive(&text),
                Token::Open => {
                    let [(false, name)] = &statement[..] else {
                        return fail(line, "has a \"{\" that does not stand behind one name");
                    };
                    if scopes.len() == DEEPEST {
                        return fail(line, "nests scopes too deep");
                    }
                    scopes.push(joined(&scopes, name));
                    statement.clear();
                }
                Token::Close => {
                    self.assign(&scopes, &mut statement);
                    if scopes.pop().is_none() {
                        return fail(line, "has a \"}\" that ends nothing");
                    }
                }
                Token::End => self.assign(&scopes, &mut statement),
            }
        }
        if !scopes.is_empty() || !statement.is_empty() {
            return fail(last, "is the last one, and a \";\" or \"}\" is missing");
        }
        Ok(())
    }

    fn assign(&mut self, scopes: &[String], statement: &mut Vec<(bool, String)>) {
        let scope = scopes.last().map_or("", String::as_str);
        match std::mem::take(statement).as_slice() {
            [(true, value)] => self.push(scope, value),
            [(_, name), (_, value)] => {
                let name = joined(scopes, name);
                // "A::B:: value" appends, as the dump writes lists.
                match name.strip_suffix("::") {
                    Some(list) => self.push(list, value),
                    None => {
                        self.values.insert(name.to_ascii_lowercase(), value.clone());
                    }
                }
            }
            // A name without a value sets nothing.
            _ => {}
        }
    }

    fn push(&mut self, list: &str, value: &str) {
        self.lists.entry(list.to_ascii_lowercase()).or_default().push(value.to_owned());
    }

    fn directive(&mut self, text: &str) {
        let mut words = text.trim_end_matches(';').split_ascii_whitespace();
        match words.next() {
            Some("include") => self.includes.extend(words.map(|word| word.trim_matches('"').to_owned())),
            Some("clear") => {
                for name in words {
                    let name = name.trim_end_matches(':').to_ascii_lowercase();
                    let below = format!("{name}::");
                    self.values.retain(|key, _| *key != name && !key.starts_with(&below));
                    self.lists.retain(|key, _| *key != name && !key.starts_with(&below));
                }
            }
            _ => {}
        }
    }

    /// The value of that name, in whatever case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The values of the list of that name, in whatever case.
    pub fn list(&self, name: &str) -> &[String] {
        self.lists.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The files that are to be included, which were not read.
    pub fn includes(&self) -> &[String] {
        &self.includes
    }

    /// The architecture of the machine, if it is set (`APT::Architecture`).
    pub fn architecture(&self) -> Option<&str> {
        self.get("APT::Architecture").filter(|one| !one.is_empty())
    }

    /// The architectures that packages are wanted for (`APT::Architectures`).
    pub fn architectures(&self) -> &[String] {
        self.list("APT::Architectures")
    }

    /// Whether ends of validity are not looked at (`Acquire::Check-Valid-Until "no"`).
    pub fn is_archived(&self) -> bool {
        let value = self.get("Acquire::Check-Valid-Until").map(str::to_ascii_lowercase);
        matches!(value.as_deref(), Some("no" | "false" | "without" | "off" | "disable" | "0"))
    }

    /// The proxy for a host, over `http` or `https`: that of the host before that of all, and what is set for http holds
    /// for https too (apt-transport-http(1), apt-transport-https(1)).
    pub fn proxy(&self, scheme: &str, host: &str) -> Proxy {
        let schemes = if scheme.eq_ignore_ascii_case("https") { &["https", "http"][..] } else { &["http"] };
        let find = |tail: &str| {
            schemes.iter().find_map(|scheme| self.get(&format!("Acquire::{scheme}::Proxy{tail}")))
        };
        let specific = find(&format!("::{host}")).filter(|value| !value.is_empty());
        match specific.or_else(|| find("").filter(|value| !value.is_empty())) {
            None => Proxy::Unset,
            // "false" is what apt's own documentation of old had.
            Some(value) if value.eq_ignore_ascii_case("DIRECT") || value == "false" => Proxy::Direct,
            Some(value) => Proxy::Via(value.to_owned()),
        }
    }
}

fn joined(scopes: &[String], name: &str) -> String {
    scopes.last().map_or_else(|| name.to_owned(), |scope| format!("{scope}::{name}"))
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, (usize, &'static str)> {
    let (mut found, mut rest, mut line) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        let (length, token) = token(rest).map_err(|what| (line, what))?;
        found.extend(token.map(|token| (line, token)));
        let (taken, behind) = rest.split_at(length);
        line += taken.bytes().filter(|byte| *byte == b'\n').count();
        rest = behind;
    }
    Ok(found)
}

/// The token that a text begins with, if it is not blank or a comment, and its length in bytes.
fn token(text: &str) -> Result<(usize, Option<Token>), &'static str> {
    let to_end = || text.find('\n').unwrap_or(text.len());
    Ok(match text.chars().next() {
        Some('{') => (1, Some(Token::Open)),
        Some('}') => (1, Some(Token::Close)),
        Some(';') => (1, Some(Token::End)),
        Some('"') => {
            let end = text[1..].find('"').ok_or("has a quotation mark without its end")? + 1;
            (end + 1, Some(Token::Quoted(text[1..end].to_owned())))
        }
        Some('#') => {
            let line = &text[1..to_end()];
            let known = line.starts_with("include") || line.starts_with("clear");
            (to_end(), known.then(|| Token::Directive(line.to_owned())))
        }
        Some('/') if text.starts_with("//") => (to_end(), None),
        Some('/') if text.starts_with("/*") => {
            (text.find("*/").ok_or("has a comment without its end")? + 2, None)
        }
        Some(space) if space.is_whitespace() => (space.len_utf8(), None),
        _ => {
            let stop = |one: char| one.is_whitespace() || matches!(one, '{' | '}' | ';' | '"');
            let end = text.find(stop).unwrap_or(text.len());
            (end, Some(Token::Word(text[..end].to_owned())))
        }
    })
}

#[cfg(test)]
mod tests;
