//! Each key and value of a configuration against the fields of a release.
//!
//! It refuses nothing: what is of the wrong type is told once, and not looked into.

use std::collections::BTreeMap;

use super::fields::{Field, Fields, Kind};
use super::gates::{Gate, Gates};
use super::scalar::{Scalar, is_duration, is_quantity, resolve};
use super::yaml::{Key, Node, Place, Value};
use super::{CheckContext, Report, Severity, shown};

/// Checks all fields of a document.
pub(super) fn document(root: &Node, context: &CheckContext, report: &mut Report) {
    let fields = Fields::embedded();
    if context.release < fields.oldest || fields.newest < context.release {
        let what = format!("Kubernetes {} is not among the releases that were read", context.release);
        let advice = format!("take what is said as said of {} to {}", fields.oldest, fields.newest);
        report.add(root.place, Severity::Note, "apiVersion", what, advice, Some(&fields.source));
    }
    let mut walk = Walk { fields, gates: Gates::embedded(), context, report };
    if matches!(root.value, Value::Map(_)) {
        walk.section(root, "", "");
    } else {
        let what = "a configuration is a mapping of fields".to_owned();
        let advice = "begin with apiVersion: kubelet.config.k8s.io/v1beta1".to_owned();
        walk.report.add(root.place, Severity::Error, "kind", what, advice, None);
    }
}

struct Walk<'check> {
    fields: &'static Fields,
    gates: &'static Gates,
    context: &'check CheckContext,
    report: &'check mut Report,
}

impl Walk<'_> {
    /// The fields of a section; `path` is that of the facts, `name` that of the file.
    fn section(&mut self, node: &Node, path: &str, name: &str) {
        let dotted = |parent: &str, child: &str| {
            if parent.is_empty() { child.to_owned() } else { format!("{parent}.{child}") }
        };
        self.doubled(node, name);
        for (key, value) in node.entries() {
            let (path_of_field, shown_name) = (dotted(path, &key.text), dotted(name, &shown(&key.text)));
            let Some(field) = self.fields.get(&path_of_field).filter(|_| !key.text.contains('.')) else {
                self.unknown(key, path, &shown_name);
                continue;
            };
            if self.is_there(field, key.place, &shown_name) {
                self.value(value, field, &path_of_field, &shown_name);
            }
        }
    }

    /// Keys that stand twice: the kubelet takes the last.
    fn doubled(&mut self, node: &Node, name: &str) {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        for (key, _) in node.entries() {
            if let Some(first) = seen.insert(&key.text, key.place) {
                let name =
                    if name.is_empty() { shown(&key.text) } else { format!("{name}.{}", shown(&key.text)) };
                let what = format!("the key is there already, in line {}", first.line);
                let advice = "remove one of them; the kubelet warns and takes the last".to_owned();
                self.report.add(key.place, Severity::Warning, &name, what, advice, None);
            }
        }
    }

    fn unknown(&mut self, key: &Key, section: &str, name: &str) {
        let release = self.context.release;
        let advice = match self.fields.nearest(section, &key.text, release) {
            Some(near) => format!("did you mean {near}? The kubelet warns and goes on without it"),
            None => "remove it; the kubelet warns and goes on without it".to_owned(),
        };
        let what = format!("Kubernetes {release} has no such field");
        self.report.add(key.place, Severity::Warning, name, what, advice, Some(&self.fields.source));
    }

    fn is_there(&mut self, field: &Field, place: Place, name: &str) -> bool {
        let release = self.context.release;
        let (what, advice) = match (field.since, field.until) {
            (Some(since), _) if release < since => {
                (format!("this field is there from Kubernetes {since} on, not in {release}"), not_yet(name))
            }
            (_, Some(until)) if until <= release => {
                let what = format!("this field is gone since Kubernetes {until}");
                (what, "remove it; the kubelet warns and goes on without it".to_owned())
            }
            _ => return true,
        };
        self.report.add(place, Severity::Warning, name, what, advice, Some(&self.fields.source));
        false
    }

    fn value(&mut self, node: &Node, field: &Field, path: &str, name: &str) {
        match (&node.value, field.kind) {
            (Value::Scalar { text, is_plain }, _) => self.scalar(node, field, text, *is_plain, name),
            (Value::Map(_), Kind::Section) => self.section(node, path, name),
            (Value::Map(_), Kind::Map) => self.map(node, path, name),
            (Value::List(items), Kind::List) => {
                let below = format!("{path}[]");
                let Some(item) = self.fields.get(&below) else { return };
                for (number, node) in items.iter().enumerate() {
                    self.value(node, item, &below, &format!("{name}[{number}]"));
                }
            }
            (Value::Map(_), wanted) => self.wrong_type(node, wanted, "a mapping", name),
            (Value::List(_), wanted) => self.wrong_type(node, wanted, "a list", name),
        }
    }

    fn map(&mut self, node: &Node, path: &str, name: &str) {
        self.doubled(node, name);
        let below = format!("{path}{{}}");
        let Some(field) = self.fields.get(&below) else { return };
        for (key, value) in node.entries() {
            let name = format!("{name}.{}", shown(&key.text));
            if path == "featureGates" {
                self.gate(key, &name);
            }
            self.value(value, field, &below, &name);
        }
    }

    fn gate(&mut self, key: &Key, name: &str) {
        let release = self.context.release;
        let (severity, what, advice) = match self.gates.find(&key.text, release) {
            Gate::Known => return,
            Gate::Gone { last, without } => (
                Severity::Error,
                format!("Kubernetes {last} knows this feature gate, and {without} no more: the kubelet does not start"),
                "remove it: what it was about is there for good, or was given up".to_owned(),
            ),
            Gate::NotYet { without, first } => (
                Severity::Error,
                format!("Kubernetes {first} knows this feature gate, and {without} not yet: the kubelet does not start"),
                "remove it".to_owned(),
            ),
            Gate::Perhaps { known, unknown } => (
                Severity::Warning,
                format!("Kubernetes {known} knows this feature gate and {unknown} does not; of {release} it is not known"),
                "ask kubelet --help of the image: with a gate that it does not know the kubelet does not start".to_owned(),
            ),
            Gate::Unknown { nearest: Some(near), .. } => (
                Severity::Error,
                "no such feature gate is known: the kubelet does not start".to_owned(),
                format!("did you mean {near}?"),
            ),
            Gate::Unknown { nearest: None, newest } => (
                Severity::Warning,
                format!("no such feature gate is known up to Kubernetes {newest}"),
                "ask kubelet --help of the image: with a gate that it does not know the kubelet does not start".to_owned(),
            ),
        };
        self.report.add(key.place, severity, name, what, advice, Some(&self.gates.source));
    }

    fn scalar(&mut self, node: &Node, field: &Field, text: &str, is_plain: bool, name: &str) {
        let value = resolve(text, is_plain);
        let fits = match (&value, field.kind) {
            (Scalar::Null, _)
            | (Scalar::Text(_), Kind::String)
            | (Scalar::Bool(_), Kind::Bool)
            | (Scalar::Integer(_), Kind::Integer | Kind::Number | Kind::DurationOrNumber | Kind::Quantity)
            | (Scalar::Fraction, Kind::Number | Kind::Quantity) => true,
            (Scalar::Text(text), Kind::Duration | Kind::DurationOrNumber) => is_duration(text),
            (Scalar::Text(text), Kind::Quantity) => is_quantity(text),
            _ => false,
        };
        if !fits {
            return self.wrong_type(node, field.kind, &in_words(&value, text), name);
        }
        match value {
            Scalar::Integer(number) => self.range(node, field, number, name),
            Scalar::Text(text) => self.one_of(node, field, text, name),
            _ => {}
        }
    }

    fn range(&mut self, node: &Node, field: &Field, number: i128, name: &str) {
        // Fields without a range of their own are of 64 bits at most.
        let (low, high) = field.range.unwrap_or((i64::MIN, i64::MAX));
        if field.kind == Kind::Integer && !(i128::from(low)..=i128::from(high)).contains(&number) {
            let what = format!("{number} is not between {low} and {high}: the kubelet does not start");
            let advice = "write a number in between".to_owned();
            self.report.add(node.place, Severity::Error, name, what, advice, Some(&self.fields.source));
        }
    }

    fn one_of(&mut self, node: &Node, field: &Field, text: &str, name: &str) {
        let Some(values) = field.values_in(self.context.release) else { return };
        if text.is_empty() || values.contains(&text) {
            return;
        }
        let what = format!("{:?} is no value of it in Kubernetes {}", shown(text), self.context.release);
        let advice = format!("write {}", any_of(&values));
        self.report.add(node.place, Severity::Error, name, what, advice, Some(&self.fields.source));
    }

    fn wrong_type(&mut self, node: &Node, wanted: Kind, got: &str, name: &str) {
        let what = format!("wanted {}, and this is {got}: the kubelet does not start", wanted.name());
        let advice = match (&node.value, wanted) {
            (Value::Scalar { is_plain: true, .. }, Kind::String) => "put it in quotes",
            (Value::Scalar { .. }, Kind::Bool) => "write true or false, without quotes",
            (Value::Scalar { is_plain: false, .. }, Kind::Integer | Kind::Number) => {
                "write it without quotes"
            }
            (Value::Scalar { .. }, Kind::Duration) => "write it with a unit",
            _ => "write what is wanted",
        };
        self.report.add(
            node.place,
            Severity::Error,
            name,
            what,
            advice.to_owned(),
            Some(&self.fields.source),
        );
    }
}

/// What to do about a field that a later release has.
fn not_yet(name: &str) -> String {
    let flag = match name {
        "containerRuntimeEndpoint" => "--container-runtime-endpoint",
        "imageServiceEndpoint" => "--image-service-endpoint",
        "registerWithTaints" => "--register-with-taints",
        "registerNode" => "--register-node",
        "volumePluginDir" => "--volume-plugin-dir",
        _ => return "remove it; the kubelet warns and goes on without it".to_owned(),
    };
    format!("give {flag} on the command line; the kubelet warns and goes on without the field")
}

/// What a value is, and how it stands there where that is not the same.
fn in_words(value: &Scalar<'_>, text: &str) -> String {
    match value {
        Scalar::Bool(_) if text != "true" && text != "false" => {
            format!("{}, which is what {text} means here", value.name())
        }
        Scalar::Text(text) => format!("the text {:?}", shown(text)),
        _ => value.name().to_owned(),
    }
}

fn any_of(values: &[&str]) -> String {
    match values {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
