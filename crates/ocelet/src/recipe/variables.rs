//! [`Variable`]: what templates may name — `[versions]`, `[parameters]` and what `--set` says about them.
//!
//! It refuses a `--set` for a name that the recipe does not have, and notices what no template uses. A value is
//! never itself a template.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Fields;
use super::names::VariableName;
use super::problem::{Code, Findings, Span};
use super::template::RESERVED_VARIABLES;

/// A variable and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// Whether it is a path of this machine, which a lock must not depend on.
    pub is_path: bool,
}

/// Where the value of a variable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `[versions]` of the recipe.
    Version,
    /// The default of a parameter.
    Default,
    /// Whoever builds the image, with `--set`.
    Set,
}

/// All variables while a recipe is read, and which of them were used.
#[derive(Debug)]
pub(super) struct Variables {
    /// The name of the image, for `{name}`.
    pub(super) image: String,
    known: BTreeMap<String, Known>,
    used: BTreeSet<String>,
    /// Whether some definitions could not be read: then no name is certainly unknown.
    has_gaps: bool,
}

#[derive(Debug)]
struct Known {
    span: Span,
    help: Option<String>,
    /// Nothing for a parameter that was not given.
    value: Option<Variable>,
    /// The value had a problem: using it again is no news.
    is_broken: bool,
}

impl Variable {
    fn new(value: String, origin: Origin) -> Self {
        Self { value, origin, is_path: false }
    }
}

impl Variables {
    pub(super) fn read(
        recipe: &mut Fields,
        set: &BTreeMap<String, String>,
        findings: &mut Findings<'_>,
    ) -> Self {
        let has_gaps = recipe.had_problem(&["versions", "parameters"]);
        let mut variables =
            Self { image: String::new(), known: BTreeMap::new(), used: BTreeSet::new(), has_gaps };
        for (name, (span, text)) in recipe.text_map("versions") {
            let given = set.get(&name).map(|value| Variable::new(value.clone(), Origin::Set));
            if let Some(empty) = text.as_ref().filter(|text| given.is_none() && text.value.is_empty()) {
                findings.error(Code::InvalidValue, empty.span, format!("the version \"{name}\" is empty"));
            }
            let value = given.or(text.map(|text| Variable::new(text.value, Origin::Version)));
            let is_broken = value.is_none();
            variables.add(name, Known { span, help: None, value, is_broken }, findings);
        }
        for (name, fields) in recipe.tables("parameters") {
            let known = parameter(&name, fields, set.get(&name), findings);
            variables.add(name, known, findings);
        }
        variables.check_set(set, findings);
        variables
    }

    fn add(&mut self, name: String, known: Known, findings: &mut Findings<'_>) {
        if let Err(error) = VariableName::new(&name) {
            findings.error(Code::InvalidName, known.span, error.to_string());
            self.used.insert(name.clone());
        } else if RESERVED_VARIABLES.contains(&name.as_str()) {
            let message = format!("\"{name}\" cannot be defined: templates give it a meaning already");
            findings.error(Code::InvalidName, known.span, message);
            self.used.insert(name.clone());
        } else if let Some(first) = self.known.get(&name) {
            let message = format!("\"{name}\" is both a version and a parameter");
            findings.error(Code::Duplicate, known.span, message).note(first.span, "first defined here");
            return;
        }
        self.known.insert(name, known);
    }

    fn check_set(&mut self, set: &BTreeMap<String, String>, findings: &mut Findings<'_>) {
        for (name, value) in set {
            if let Some(known) = self.known.get_mut(name) {
                if value.contains(char::is_control) {
                    let message = format!(
                        "the value that --set gives to \"{name}\" has a control character or line break"
                    );
                    findings.error(Code::InvalidValue, None, message);
                    (known.value, known.is_broken) = (None, true);
                }
            } else if !self.has_gaps {
                let message = format!("the recipe has no variable \"{name}\", which --set gives a value");
                let problem = findings.error(Code::UnknownVariable, None, message);
                problem.did_you_mean(name, self.known.keys().map(String::as_str));
                let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
                problem.label(if names.is_empty() {
                    "it has no variables; [versions] and [parameters] define them".to_owned()
                } else {
                    format!("the variables are {}", names.join(", "))
                });
            }
        }
    }

    /// The value of a variable that a template names at `span`.
    pub(super) fn value(&mut self, name: &str, span: Span, findings: &mut Findings<'_>) -> Option<Variable> {
        let Some(known) = self.known.get(name) else {
            if self.has_gaps {
                return None;
            }
            let message = format!("unknown variable \"{name}\"");
            let names = || self.known.keys().map(String::as_str).chain(RESERVED_VARIABLES.iter().copied());
            let problem = findings.error(Code::UnknownVariable, span, message);
            problem.did_you_mean(name, names());
            problem.label("define it in [versions] or [parameters]; write \"{{\" for a brace");
            return None;
        };
        self.used.insert(name.to_owned());
        if let Some(variable) = &known.value {
            return Some(variable.clone());
        }
        if !known.is_broken {
            let message = format!("the parameter \"{name}\" has no value");
            let problem = findings.error(Code::MissingParameter, span, message);
            problem.label(format!("give it with --set {name}=VALUE"));
            if let Some(help) = &known.help {
                problem.note(known.span, format!("{name}: {help}"));
            }
        }
        None
    }

    /// Warns of what nobody used, and gives out all that have a value.
    pub(super) fn finish(self, findings: &mut Findings<'_>) -> BTreeMap<String, Variable> {
        // A template with a problem may have used what seems unused.
        let is_certain = !findings.has_errors();
        for (name, known) in &self.known {
            if is_certain && !self.used.contains(name) {
                let message = format!("nothing uses the variable \"{name}\"");
                findings
                    .warning(Code::Unused, known.span, message)
                    .label(format!("write {{{name}}} in a template, or remove it"));
            }
        }
        self.known.into_iter().filter_map(|(name, known)| Some((name, known.value?))).collect()
    }
}

fn parameter(name: &str, mut fields: Fields, set: Option<&String>, findings: &mut Findings<'_>) -> Known {
    let span = fields.span;
    let help = fields.text("help").map(|text| text.value);
    let default = fields.text("default");
    let choices = fields.texts("choices");
    let is_path = fields.boolean("path").unwrap_or(false);
    let mut is_broken = !fields.is_sound;
    fields.finish();
    let (mut value, at) = match (set, default) {
        (Some(given), _) => (Some(Variable::new(given.clone(), Origin::Set)), None),
        (None, Some(text)) => (Some(Variable::new(text.value, Origin::Default)), Some(text.span)),
        (None, None) => (None, None),
    };
    if let Some(variable) = &mut value {
        variable.is_path = is_path;
    }
    if let (Some(variable), Some((choices, list))) = (&value, &choices)
        && !choices.iter().any(|choice| choice.value == variable.value)
    {
        let message = format!("the parameter \"{name}\" cannot be \"{}\"", variable.value);
        let problem = findings.error(Code::UnknownName, at, message);
        let words: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
        problem.did_you_mean(&variable.value, words.iter().copied());
        problem.label(format!("it is one of {}", words.join(", "))).note(*list, "the choices");
        is_broken = true;
        value = None;
    }
    Known { span, help, value, is_broken }
}
