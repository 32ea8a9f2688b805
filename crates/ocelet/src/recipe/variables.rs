//! [`Variable`]: what templates and conditions may name — `[versions]`, `[parameters]` and what `--set` says about them.
//!
//! A version may name other variables, in any order; what is given with `--set` and the value of a parameter are never
//! templates. It refuses circles and a `--set` for a name that the recipe does not have, and notices what nothing uses.

use std::collections::{BTreeMap, BTreeSet};

use super::condition;
use super::fields::{Fields, Text};
use super::names::VariableName;
use super::problem::{Code, Findings, Span};
use super::template::{self, RESERVED_VARIABLES, Scope};

/// A variable and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// Whether it is a path of this machine, which a lock must not depend on.
    pub is_path: bool,
    /// Whether the value is a list: words in order, none twice, joined by commas.
    pub is_list: bool,
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
    /// Whether what is read now will not be used: then a parameter need not be given.
    pub(super) is_absent: bool,
}

#[derive(Debug)]
struct Known {
    span: Span,
    help: Option<String>,
    /// Nothing for a parameter that was not given.
    value: Option<Variable>,
    /// The only words that it may have; empty for any.
    choices: Vec<String>,
    /// The value had a problem: using it again is no news.
    is_broken: bool,
}

impl Variable {
    fn new(value: String, origin: Origin) -> Self {
        Self { value, origin, is_path: false, is_list: false }
    }

    /// The words of a list.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.value.split(',').filter(|word| !word.is_empty())
    }
}

/// What ends a variable's name in a template that means only the first two numbers of its version.
const MINOR: &str = ".minor";

impl Variables {
    pub(super) fn read(
        recipe: &mut Fields,
        image: String,
        set: &BTreeMap<String, String>,
        findings: &mut Findings<'_>,
    ) -> Self {
        let has_gaps = recipe.had_problem(&["versions", "parameters"]);
        let (known, used) = (BTreeMap::new(), BTreeSet::new());
        let mut variables = Self { image, known, used, has_gaps, is_absent: false };
        let mut templates = BTreeMap::new();
        for (name, (span, text)) in recipe.text_map("versions") {
            let given = set.get(&name).map(|value| Variable::new(value.clone(), Origin::Set));
            if let Some(empty) = text.as_ref().filter(|text| given.is_none() && text.value.is_empty()) {
                findings.error(Code::InvalidValue, empty.span, format!("the version \"{name}\" is empty"));
            }
            let is_template = text.as_ref().is_some_and(|text| text.value.contains(['{', '}']));
            // Also where --set says otherwise: what a recipe uses does not depend on that.
            for named in text.iter().flat_map(|text| template::names(&text.value)) {
                variables.used.extend([named, named.strip_suffix(MINOR).unwrap_or(named)].map(str::to_owned));
            }
            let value = match (given, text) {
                (None, Some(text)) if is_template => {
                    templates.insert(name.clone(), text);
                    None
                }
                (given, text) => given.or(text.map(|text| Variable::new(text.value, Origin::Version))),
            };
            let is_broken = value.is_none();
            variables.add(name, Known { span, help: None, value, choices: Vec::new(), is_broken }, findings);
        }
        for (name, fields) in recipe.tables("parameters") {
            let known = parameter(&name, fields, set.get(&name), findings);
            variables.add(name, known, findings);
        }
        variables.check_set(set, findings);
        variables.resolve(&templates, findings);
        variables
    }

    /// Expands the versions that name other variables, each after those that it names.
    fn resolve(&mut self, templates: &BTreeMap<String, Text>, findings: &mut Findings<'_>) {
        let mut waiting: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut named_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, text) in templates {
            let names = template::names(&text.value).into_iter().map(|named| self.base(named));
            let names = names.filter_map(|named| Some(templates.get_key_value(named)?.0.as_str()));
            let names: BTreeSet<&str> = names.collect();
            for other in &names {
                named_by.entry(other).or_default().push(name);
            }
            waiting.insert(name, names);
        }
        let is_free = |(name, names): (&&str, &BTreeSet<&str>)| names.is_empty().then(|| (*name).to_owned());
        let mut ready: Vec<String> = waiting.iter().filter_map(is_free).collect();
        while let Some(name) = ready.pop() {
            waiting.remove(name.as_str());
            let value = template::expand_fixed(&templates[&name], Scope::Image, self, findings);
            if let Some(known) = self.known.get_mut(&name).filter(|known| known.value.is_none()) {
                known.value = value.map(|value| Variable::new(value, Origin::Version));
                known.is_broken = known.value.is_none();
            }
            for other in named_by.get(name.as_str()).into_iter().flatten() {
                if let Some(names) = waiting.get_mut(other) {
                    names.remove(name.as_str());
                    if names.is_empty() {
                        ready.push((*other).to_owned());
                    }
                }
            }
        }
        let names: BTreeSet<&str> = waiting.keys().copied().collect();
        self.used.extend(names.iter().map(|name| (*name).to_owned()));
        if let Some(first) = names.first() {
            let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let message = format!("versions name each other in a circle: {list}");
            findings.error(Code::Circle, templates[*first].span, message).label("one of them must not");
        }
    }

    /// The variable that a name of a template is about.
    fn base<'name>(&self, name: &'name str) -> &'name str {
        let short = name.strip_suffix(MINOR).filter(|_| !self.known.contains_key(name));
        short.unwrap_or(name)
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

    /// The value of a variable that a template names at `span`; with `.minor` behind the name its first two numbers.
    pub(super) fn value(&mut self, name: &str, span: Span, findings: &mut Findings<'_>) -> Option<Variable> {
        let base = self.base(name);
        let variable = self.find(base, span, "; write \"{{\" for a brace", findings)?;
        if base == name {
            return Some(variable);
        }
        let minor = condition::minor(&variable.value).filter(|_| !variable.is_path && !variable.is_list);
        if minor.is_none() {
            let message =
                format!("the variable \"{base}\" is \"{}\", which has no minor version", variable.value);
            findings
                .error(Code::InvalidValue, span, message)
                .label("it begins with two numbers, like 1.36.4");
        }
        Some(Variable { value: minor?, ..variable })
    }

    /// The value of a variable that a condition names at `span`.
    pub(super) fn asked(&mut self, name: &str, span: Span, findings: &mut Findings<'_>) -> Option<Variable> {
        self.find(name, span, "", findings)
    }

    /// Whether the recipe defines a variable; if so, it counts as used.
    pub(super) fn defines(&mut self, name: &str) -> bool {
        if self.known.contains_key(name) {
            self.used.insert(name.to_owned());
        }
        self.has_gaps || self.known.contains_key(name)
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// The only words that a parameter may have; none for any.
    pub(super) fn choices(&self, name: &str) -> &[String] {
        self.known.get(name).map(|known| known.choices.as_slice()).unwrap_or_default()
    }

    fn find(&mut self, name: &str, span: Span, more: &str, findings: &mut Findings<'_>) -> Option<Variable> {
        let Some(known) = self.known.get(name) else {
            if self.has_gaps {
                return None;
            }
            let message = format!("unknown variable \"{name}\"");
            let names = || self.known.keys().map(String::as_str).chain(RESERVED_VARIABLES.iter().copied());
            let problem = findings.error(Code::UnknownVariable, span, message);
            problem.did_you_mean(name, names());
            problem.label(format!("define it in [versions] or [parameters]{more}"));
            return None;
        };
        self.used.insert(name.to_owned());
        if let Some(variable) = &known.value {
            return Some(variable.clone());
        }
        if !known.is_broken && !self.is_absent {
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
                    .label(format!("write {{{name}}} in a template, name it in a condition, or remove it"));
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
    let list_at = fields.key_span("list");
    let is_list = fields.boolean("list").unwrap_or(false);
    let mut is_broken = !fields.is_sound;
    let title = fields.title.clone();
    fields.finish();
    if let Some(at) = list_at.filter(|_| is_list && is_path) {
        let message = format!("\"list\" has no meaning in {title}, which is a path");
        findings.error(Code::MisplacedKey, at, message).label("remove one of them");
    }
    let (mut value, at) = match (set, default) {
        (Some(given), _) => (Some(Variable::new(given.clone(), Origin::Set)), None),
        (None, Some(text)) => (Some(Variable::new(text.value, Origin::Default)), Some(text.span)),
        (None, None) => (None, None),
    };
    if let Some(variable) = &mut value {
        (variable.is_path, variable.is_list) = (is_path, is_list);
        if is_list {
            variable.value = sorted(&variable.value);
        }
    }
    let (choices, list) = choices.unzip();
    let choices: Vec<String> = choices.into_iter().flatten().map(|choice| choice.value).collect();
    if let (Some(variable), Some(list)) = (&value, list) {
        let whole = (!is_list).then_some(variable.value.as_str());
        let words = variable.words().filter(|_| is_list);
        let is_wrong = |word: &&str| choices.iter().all(|choice| choice != word);
        let wrong: Vec<&str> = whole.into_iter().chain(words).filter(is_wrong).collect();
        for word in &wrong {
            let verb = if is_list { "have the word" } else { "be" };
            let problem = findings.error(
                Code::UnknownName,
                at,
                format!("the parameter \"{name}\" cannot {verb} \"{word}\""),
            );
            problem.did_you_mean(word, choices.iter().map(String::as_str));
            let each = if is_list { "its words are" } else { "it is one of" };
            problem.label(format!("{each} {}", choices.join(", "))).note(list, "the choices");
        }
        if !wrong.is_empty() {
            (value, is_broken) = (None, true);
        }
    }
    Known { span, help, value, choices, is_broken }
}

/// The words of a list in order, none twice.
fn sorted(list: &str) -> String {
    let words: BTreeSet<&str> = list.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    words.into_iter().collect::<Vec<_>>().join(",")
}
