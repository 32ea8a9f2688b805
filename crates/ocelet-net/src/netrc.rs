//! [`Netrc`]: the logins of a `.netrc` file, given as text.
//!
//! The format is that of ftp(1) as curl reads it: `machine`, `login`, `password`, `account`, `default` and
//! `macdef`, separated by white space, quotes with backslash escapes, `#` comments. It refuses unknown words
//! and values that are missing, naming the line; macros are skipped.

use crate::credentials::{Login, Secret};

/// The logins of one netrc file, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    /// The host, in lower case; nothing for `default`.
    machine: Option<String>,
    login: Option<String>,
    password: Option<Secret>,
}

/// What is wrong with a netrc file. The message never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetrcError {
    /// A word where a keyword was wanted. It is not shown: it may be a part of a password.
    #[error("line {line} of the netrc file: wanted machine, default, login, password, account or macdef")]
    UnknownWord {
        /// The line, counted from one.
        line: usize,
    },
    /// A keyword at the end of the file.
    #[error("line {line} of the netrc file: \"{keyword}\" has no value")]
    NoValue {
        /// The line, counted from one.
        line: usize,
        /// The keyword.
        keyword: &'static str,
    },
    /// A login or password before the first `machine` or `default`.
    #[error("line {line} of the netrc file: \"{keyword}\" comes before any \"machine\" or \"default\"")]
    NoMachine {
        /// The line, counted from one.
        line: usize,
        /// The keyword.
        keyword: &'static str,
    },
}

impl Netrc {
    /// Reads the text of a netrc file.
    ///
    /// # Errors
    /// The first line that does not follow the format.
    pub fn parse(text: &str) -> Result<Self, NetrcError> {
        let mut words = Words { rest: text, line: 1 };
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(word) = words.next() {
            let line = words.line;
            let keyword = KEYWORDS.into_iter().find(|keyword| *keyword == word);
            let keyword = keyword.ok_or(NetrcError::UnknownWord { line })?;
            if keyword == "default" {
                entries.push(Entry::default());
                continue;
            }
            if keyword == "macdef" {
                words.skip_macro();
                continue;
            }
            let value = words.next().ok_or(NetrcError::NoValue { line, keyword })?;
            if keyword == "machine" {
                entries.push(Entry { machine: Some(value.to_ascii_lowercase()), ..Entry::default() });
                continue;
            }
            let entry = entries.last_mut().ok_or(NetrcError::NoMachine { line, keyword })?;
            match keyword {
                "login" => entry.login = Some(value),
                "password" => entry.password = Some(Secret::new(value)),
                _ => {}
            }
        }
        Ok(Self { entries })
    }

    /// The login for `host` (without port): the first entry of that name, or else `default`.
    pub fn login(&self, host: &str) -> Option<Login> {
        let host = host.to_ascii_lowercase();
        let named = self.entries.iter().find(|entry| entry.machine.as_deref() == Some(host.as_str()));
        let entry = named.or_else(|| self.entries.iter().find(|entry| entry.machine.is_none()))?;
        Some(Login::Basic {
            user: entry.login.clone().unwrap_or_default(),
            password: entry.password.clone().unwrap_or_else(|| Secret::new("")),
        })
    }
}

const KEYWORDS: [&str; 6] = ["machine", "default", "login", "password", "account", "macdef"];

/// The words of the file, with the line that the last one stood in.
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl Words<'_> {
    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }

    fn next(&mut self) -> Option<String> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.advance(blank);
            if !self.rest.starts_with('#') {
                break;
            }
            self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
        if self.rest.is_empty() {
            return None;
        }
        if self.rest.starts_with('"') {
            return Some(self.quoted());
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.advance(end);
        Some(word)
    }

    /// A quoted value, `\n`, `\r`, `\t` and `\x` resolved; an open quote ends with the file.
    fn quoted(&mut self) -> String {
        let mut word = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, 't')) => word.push('\t'),
                    Some((_, other)) => word.push(other),
                    None => {}
                },
                other => word.push(other),
            }
        }
        self.advance(end);
        word
    }

    /// A macro runs up to the first empty line.
    fn skip_macro(&mut self) {
        let end = ["\n\n", "\n\r\n"].into_iter().filter_map(|blank| self.rest.find(blank)).min();
        self.advance(end.unwrap_or(self.rest.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_by_host() {
        let netrc = Netrc::parse(
            "# mine\nmachine One.org login a password \"p \\\"w\"\nmacdef init\n  machine evil login x\n\n\
             machine two.org\n\tlogin b\n\tpassword \"#hash\"\naccount z\ndefault login anonymous password me@",
        )
        .expect("a netrc");
        for (host, user, password) in [
            ("one.org", "a", "p \"w"),
            ("TWO.ORG", "b", "#hash"),
            ("evil", "anonymous", "me@"),
            ("other.org", "anonymous", "me@"),
        ] {
            let want = Login::Basic { user: user.into(), password: Secret::new(password) };
            assert_eq!(netrc.login(host), Some(want), "{host}");
        }
        assert_eq!(Netrc::parse("machine a login b").expect("a netrc").login("c"), None);
    }

    #[test]
    fn a_malformed_file_names_its_line_and_no_secret() {
        for (given, want) in [
            ("machine a\nlogin x password hunter2 hunter3", NetrcError::UnknownWord { line: 2 }),
            ("machine a\n\npassword", NetrcError::NoValue { line: 3, keyword: "password" }),
            ("login x", NetrcError::NoMachine { line: 1, keyword: "login" }),
        ] {
            let error = Netrc::parse(given).expect_err(given);
            assert_eq!(error, want);
            assert!(!error.to_string().contains("hunter"));
        }
    }
}
