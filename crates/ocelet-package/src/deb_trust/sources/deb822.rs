//! Sources in stanzas (sources.list(5), "deb822-style format").
//!
//! `Signed-By` may hold the keys themselves: an armored block of which each line is indented and empty lines are a dot.

use super::super::stanza::{self, BadLine, Field, Stanza};
use super::{AptSource, SignedByOption, SourceType, answer, take_option};

/// The fields that are no options, and those whose one-line name differs (sources.list(5), "Options").
const OPTIONS: [(&str, &str); 6] = [
    ("Architectures", "arch"),
    ("Architectures-Add", "arch+"),
    ("Architectures-Remove", "arch-"),
    ("Languages", "lang"),
    ("Targets", "target"),
    ("Trusted", "trusted"),
];

/// Reads all stanzas.
pub(super) fn read(file: &str, text: &str) -> (Vec<AptSource>, Vec<BadLine>) {
    let stanzas = match stanza::read(text) {
        Ok(stanzas) => stanzas,
        Err(bad) => return (Vec::new(), bad),
    };
    let (mut sources, mut bad) = (Vec::new(), Vec::new());
    for stanza in &stanzas {
        let before = bad.len();
        let source = source(file, stanza, &mut bad);
        // One that is switched off harms nobody, whatever else it says.
        if !source.enabled {
            bad.truncate(before);
        } else if bad.len() == before {
            sources.push(source);
        }
    }
    (sources, bad)
}

fn source(file: &str, stanza: &Stanza, bad: &mut Vec<BadLine>) -> AptSource {
    let line = stanza.fields.first().map_or(0, |field| field.line);
    let mut source = AptSource::new(file, line);
    for field in &stanza.fields {
        if let Err(what) = take(&mut source, field) {
            bad.push(BadLine { line: field.line, what });
        }
    }
    source
}

fn take(source: &mut AptSource, field: &Field) -> Result<(), String> {
    match field.name.to_ascii_lowercase().as_str() {
        "types" => {
            for word in field.words() {
                source.types.push(match word.as_str() {
                    "deb" => SourceType::Deb,
                    "deb-src" => SourceType::DebSrc,
                    other => {
                        return Err(format!(
                            "has the type \"{}\"; wanted deb or deb-src",
                            other.escape_debug()
                        ));
                    }
                });
            }
        }
        "uris" => source.uris = field.words(),
        "suites" => source.suites = field.words(),
        "components" => source.components = field.words(),
        "enabled" => source.enabled = answer("Enabled", &field.joined())?,
        "signed-by" if field.lines.iter().any(|line| line.starts_with("-----BEGIN PGP ")) => {
            let lines: Vec<&str> =
                field.lines.iter().map(|line| if line == "." { "" } else { line.as_str() }).collect();
            source.signed_by = SignedByOption::Embedded(lines.join("\n").trim_start().to_owned() + "\n");
        }
        // Names for people (repolib, GNOME Software).
        name if name.starts_with("x-") => {}
        name => {
            let short = OPTIONS.iter().find(|(long, _)| long.eq_ignore_ascii_case(name));
            take_option(source, short.map_or(name, |(_, short)| short), &field.joined())?;
        }
    }
    Ok(())
}
