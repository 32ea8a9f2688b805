//! Sources in lines: `deb [arch=amd64 signed-by=/path] uri suite component …` (sources.list(5), "One-line-style format").
//!
//! Words are split as apt does (`ParseQuoteWord`): at spaces that are neither in quotation marks nor in square brackets,
//! and `%` with two digits is a byte.

use super::super::stanza::BadLine;
use super::{AptSource, SourceType, take_option};

/// Reads all lines.
pub(super) fn read(file: &str, text: &str) -> (Vec<AptSource>, Vec<BadLine>) {
    let (mut sources, mut bad) = (Vec::new(), Vec::new());
    for (index, text) in text.split('\n').enumerate() {
        let line = index + 1;
        let text = without_comment(text).trim();
        if text.is_empty() {
            continue;
        }
        match source(file, line, text) {
            Ok(source) => sources.push(source),
            Err(what) => bad.push(BadLine { line, what }),
        }
    }
    (sources, bad)
}

fn source(file: &str, line: usize, text: &str) -> Result<AptSource, String> {
    let (kind, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let mut source = AptSource::new(file, line);
    source.types.push(match kind {
        "deb" => SourceType::Deb,
        "deb-src" => SourceType::DebSrc,
        other => {
            return Err(format!("begins with \"{}\"; wanted deb or deb-src", other.escape_debug()));
        }
    });
    let mut rest = rest.trim();
    if let Some(inside) = rest.strip_prefix('[') {
        let Some((options, behind)) = inside.split_once(']') else {
            return Err("has an option list without an end; wanted \"]\"".into());
        };
        for option in words(options)? {
            let Some((name, value)) = option.split_once('=') else {
                return Err(format!("has the option \"{}\" without a value", option.escape_debug()));
            };
            take_option(&mut source, &name.to_ascii_lowercase(), value)?;
        }
        rest = behind.trim();
    }
    let mut words = words(rest)?.into_iter();
    source.uris.extend(words.next());
    source.suites.extend(words.next());
    source.components.extend(words);
    Ok(source)
}

/// A line up to a `#` that is not in square brackets.
fn without_comment(line: &str) -> &str {
    let mut depth = false;
    let end = line.bytes().position(|byte| {
        match byte {
            b'[' => depth = true,
            b']' => depth = false,
            _ => {}
        }
        byte == b'#' && !depth
    });
    &line[..end.unwrap_or(line.len())]
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut started) = (Vec::new(), String::new(), false);
    let (mut quoted, mut bracketed) = (false, false);
    for character in text.chars() {
        match character {
            '"' => (quoted, started) = (!quoted, true),
            ' ' | '\t' | '\r' if !quoted && !bracketed => {
                if started {
                    words.push(decoded(&word)?);
                }
                word.clear();
                started = false;
            }
            other => {
                bracketed = (bracketed || other == '[') && other != ']';
                started = true;
                word.push(other);
            }
        }
    }
    if quoted || bracketed {
        return Err("has a quotation mark or bracket without its end".into());
    }
    if started {
        words.push(decoded(&word)?);
    }
    Ok(words)
}

/// Replaces `%` and two digits by the byte.
fn decoded(word: &str) -> Result<String, String> {
    if !word.contains('%') {
        return Ok(word.to_owned());
    }
    let bytes = word.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| format!("has \"{}\", which is no text", word.escape_debug()))
}
