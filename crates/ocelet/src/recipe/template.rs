//! Templates: texts with `{variable}` in them, read and expanded.
//!
//! `{name}` stands for the value of a variable, `{-name}` for a hyphen and the value, or for nothing where the
//! value is empty; `{{` and `}}` are single braces. What differs per platform stays open in a [`PlatformText`].
//! It refuses variables that do not exist, and those that have no meaning where they stand.

use std::fmt;
use std::ops::Range;

use super::fields::Text;
use super::platform::Platform;
use super::problem::{Code, Findings, Span};
use super::variables::Variables;

/// A text that is complete but for what differs per platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlatformText {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Platform {
        variable: PlatformVariable,
        hyphen: bool,
    },
    /// A path of this machine: replaced, but not shown.
    Path {
        name: String,
        hyphen: bool,
        value: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PlatformVariable {
    Platform,
    Os,
    Architecture,
    Variant,
    ApkArchitecture,
}

/// The variables that a platform brings, as templates name them.
const PLATFORM_VARIABLES: &[(&str, PlatformVariable)] = &[
    ("platform", PlatformVariable::Platform),
    ("os", PlatformVariable::Os),
    ("arch", PlatformVariable::Architecture),
    ("variant", PlatformVariable::Variant),
    ("apk-arch", PlatformVariable::ApkArchitecture),
];

/// The variables that a recipe cannot define, since they have a meaning already.
pub(super) const RESERVED_VARIABLES: &[&str] =
    &["name", "flavor", "platform", "os", "arch", "variant", "apk-arch"];

/// What is known where a template stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'flavor> {
    /// In what says where a source is: the image, the platform and paths of this machine.
    Location,
    /// In the content of a source: the image and the platform.
    Source,
    /// Where only the image is known.
    Image,
    /// In a flavor: the image and the flavor; whether it is the default one.
    Flavor { name: &'flavor str, is_default: bool },
}

impl PlatformText {
    pub(super) fn fixed(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(text.into())] }
    }

    /// The text for one platform.
    pub fn for_platform(&self, platform: &Platform) -> String {
        self.for_platform_called(platform, None)
    }

    /// The same, where somebody has another name for its architecture.
    pub(super) fn for_platform_called(&self, platform: &Platform, architecture: Option<&str>) -> String {
        self.expanded(platform, architecture, &|_, value| value.to_owned())
    }

    /// The same with each path of this machine by the name of its parameter, in braces: what a lock may hold.
    pub(super) fn shown_for(&self, platform: &Platform, architecture: Option<&str>) -> String {
        self.expanded(platform, architecture, &|name, _| format!("{{{name}}}"))
    }

    fn expanded(
        &self,
        platform: &Platform,
        architecture: Option<&str>,
        path: &dyn Fn(&str, &str) -> String,
    ) -> String {
        let architecture = architecture.unwrap_or(platform.architecture());
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Path { name, value, hyphen } => push_value(&mut out, &path(name, value), *hyphen),
                Piece::Platform { variable, hyphen } => match variable {
                    PlatformVariable::Platform => push_value(&mut out, &platform.to_string(), *hyphen),
                    PlatformVariable::Os => push_value(&mut out, platform.os(), *hyphen),
                    PlatformVariable::Architecture => push_value(&mut out, architecture, *hyphen),
                    PlatformVariable::Variant => {
                        push_value(&mut out, platform.variant().unwrap_or_default(), *hyphen);
                    }
                    PlatformVariable::ApkArchitecture => {
                        push_value(&mut out, platform.apk_architecture().unwrap_or_default(), *hyphen);
                    }
                },
            }
        }
        out
    }

    /// Whether it names `{arch}`.
    pub(super) fn names_architecture(&self) -> bool {
        self.names(PlatformVariable::Architecture)
    }

    /// Whether it names `{apk-arch}`, which not every platform has.
    pub(super) fn names_apk_architecture(&self) -> bool {
        self.names(PlatformVariable::ApkArchitecture)
    }

    fn names(&self, wanted: PlatformVariable) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Platform { variable, .. } if *variable == wanted))
    }

    /// The text, where it is the same for every platform.
    pub fn for_every_platform(&self) -> Option<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Path { value, hyphen, .. } => push_value(&mut out, value, *hyphen),
                Piece::Platform { .. } => return None,
            }
        }
        Some(out)
    }

    fn push(&mut self, text: &str) {
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
    }
}

fn push_value(out: &mut String, value: &str, hyphen: bool) {
    if hyphen && !value.is_empty() {
        out.push('-');
    }
    out.push_str(value);
}

impl fmt::Display for PlatformText {
    /// As a template: the variables of the platform and the paths of this machine in braces, every other brace
    /// doubled.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = |formatter: &mut fmt::Formatter<'_>, name: &str, hyphen: bool| {
            write!(formatter, "{{{}{name}}}", if hyphen { "-" } else { "" })
        };
        for piece in &self.pieces {
            match piece {
                Piece::Path { name, hyphen, .. } => variable(formatter, name, *hyphen)?,
                Piece::Text(text) => formatter.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Piece::Platform { variable: known, hyphen } => {
                    let name =
                        PLATFORM_VARIABLES.iter().find(|(_, other)| other == known).map(|(name, _)| *name);
                    variable(formatter, name.unwrap_or_default(), *hyphen)?;
                }
            }
        }
        Ok(())
    }
}

/// What a template is made of.
#[derive(Debug, PartialEq, Eq)]
enum Part<'text> {
    Literal(&'text str),
    Variable {
        name: &'text str,
        hyphen: bool,
        range: Range<usize>,
    },
    /// A brace without its partner, or with nothing between.
    Broken {
        message: &'static str,
        range: Range<usize>,
    },
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']).map(|found| at + found) {
        parts.push(Part::Literal(&text[at..found]));
        let rest = &text[found..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            parts.push(Part::Literal(&rest[..1]));
            at = found + 2;
        } else if rest.starts_with('}') {
            parts.push(Part::Broken {
                message: "a \"}\" closes nothing; write \"}}\" for the character",
                range: found..found + 1,
            });
            at = found + 1;
        } else if let Some(length) = rest[1..].find(['{', '}']).filter(|end| rest[1 + end..].starts_with('}'))
        {
            let inner = &rest[1..=length];
            at = found + length + 2;
            let (hyphen, name) = inner.strip_prefix('-').map_or((false, inner), |name| (true, name));
            parts.push(if name.is_empty() {
                Part::Broken { message: "no variable is named between the braces", range: found..at }
            } else {
                Part::Variable { name, hyphen, range: found..at }
            });
        } else {
            parts.push(Part::Broken {
                message: "a \"{\" is never closed; write \"{{\" for the character",
                range: found..found + 1,
            });
            at = found + 1;
        }
    }
    parts.push(Part::Literal(&text[at..]));
    parts
}

/// The variables that a template names.
pub(super) fn names(text: &str) -> Vec<&str> {
    let named = |part| match part {
        Part::Variable { name, .. } => Some(name),
        Part::Literal(_) | Part::Broken { .. } => None,
    };
    parts(text).into_iter().filter_map(named).collect()
}

/// Expands a template; nothing where it has a problem, which is noted.
pub(super) fn expand(
    text: &Text,
    scope: Scope<'_>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<PlatformText> {
    let mut out = PlatformText { pieces: Vec::new() };
    let mut is_whole = true;
    for part in parts(&text.value) {
        match part {
            Part::Literal("") => {}
            Part::Literal(literal) => out.push(literal),
            Part::Broken { message, range } => {
                let span = text.part(findings, range);
                findings.error(Code::InvalidTemplate, span, message);
                is_whole = false;
            }
            Part::Variable { name, hyphen, range } => {
                let span = text.part(findings, range);
                match value(name, scope, span, variables, findings) {
                    Some(Piece::Text(value)) => {
                        let nothing = match scope {
                            Scope::Flavor { is_default, .. } => name == "flavor" && is_default,
                            Scope::Location | Scope::Source | Scope::Image => false,
                        };
                        if hyphen && !value.is_empty() && !nothing {
                            out.push("-");
                            out.push(&value);
                        } else if !hyphen {
                            out.push(&value);
                        }
                    }
                    Some(Piece::Platform { variable, .. }) => {
                        out.pieces.push(Piece::Platform { variable, hyphen });
                    }
                    Some(Piece::Path { name, value, .. }) => {
                        out.pieces.push(Piece::Path { name, hyphen, value });
                    }
                    None => is_whole = false,
                }
            }
        }
    }
    is_whole.then_some(out)
}

/// Expands a template where no platform is known.
pub(super) fn expand_fixed(
    text: &Text,
    scope: Scope<'_>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<String> {
    expand(text, scope, variables, findings)?.for_every_platform()
}

fn value(
    name: &str,
    scope: Scope<'_>,
    span: Span,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Piece> {
    let platform_variable =
        PLATFORM_VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable);
    match (name, platform_variable, scope) {
        ("name", ..) => Some(Piece::Text(variables.image.clone())),
        ("flavor", _, Scope::Flavor { name, .. }) => Some(Piece::Text(name.to_owned())),
        ("flavor", ..) => {
            let message = "the variable \"flavor\" has no value here: sources are shared by all flavors";
            findings
                .error(Code::MisplacedVariable, span, message)
                .label("only texts of flavors and the tag know it");
            None
        }
        (_, Some(variable), Scope::Location | Scope::Source) => {
            Some(Piece::Platform { variable, hyphen: false })
        }
        (_, Some(_), _) => {
            let message = format!(
                "the variable \"{name}\" has no value here: one tag and one configuration serve all platforms"
            );
            findings
                .error(Code::MisplacedVariable, span, message)
                .label("only the places and texts of sources know it");
            None
        }
        _ => {
            let variable = variables.value(name, span, findings)?;
            match scope {
                _ if !variable.is_path => Some(Piece::Text(variable.value)),
                Scope::Location => {
                    Some(Piece::Path { name: name.to_owned(), hyphen: false, value: variable.value })
                }
                _ => {
                    let message = format!(
                        "the parameter \"{name}\" has no value here: it is a path of this machine, which no image may depend on"
                    );
                    findings
                        .error(Code::MisplacedVariable, span, message)
                        .label("only rootfs, apk, deb, keys, artifact and file of sources know it");
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_read_in_pairs() {
        for (text, want) in [
            ("", ""),
            ("plain", "plain"),
            ("a{b}c", "a<b>c"),
            ("{-b}", "<-b>"),
            ("{{a}}", "{a}"),
            ("{{{a}}}", "{<a>}"),
            ("{", "!0..1"),
            ("a}b", "a!1..2b"),
            ("{}", "!0..2"),
            ("{-}", "!0..3"),
            ("{a{b}", "!0..1a<b>"),
            ("ä{ö}ü", "ä<ö>ü"),
            ("{a}}}", "<a>}"),
        ] {
            let read: String = parts(text)
                .into_iter()
                .map(|part| match part {
                    Part::Literal(literal) => literal.to_owned(),
                    Part::Variable { name, hyphen, .. } => {
                        format!("<{}{name}>", if hyphen { "-" } else { "" })
                    }
                    Part::Broken { range, .. } => format!("!{range:?}"),
                })
                .collect();
            assert_eq!(read, want, "{text}");
        }
    }
}
