//! [`Fields`]: the fields of a `KubeletConfiguration` in each release, as `facts/fields-kubelet.toml` says.
//!
//! It refuses a file of facts that is not read whole, which the tests of this crate would find.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::nearest::nearest;
use crate::version::Release;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A mapping with fields of its own.
    Section,
    /// A mapping whose keys are not fixed.
    Map,
    List,
    String,
    Bool,
    Integer,
    Number,
    Duration,
    DurationOrNumber,
    Quantity,
}

impl Kind {
    /// What it is, in words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Section | Self::Map => "a mapping",
            Self::List => "a list",
            Self::String => "a text",
            Self::Bool => "true or false",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Duration => "a duration like 10s or 5m",
            Self::DurationOrNumber => "a duration like 5s, or nanoseconds",
            Self::Quantity => "a quantity like 50Mi",
        }
    }
}

/// What of the host a field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Holds {
    File,
    Directory,
    /// The address of a socket, as `unix:///run/containerd/containerd.sock`.
    Socket,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Field {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) since: Option<Release>,
    pub(super) until: Option<Release>,
    pub(super) holds: Option<Holds>,
    pub(super) range: Option<(i64, i64)>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    values_since: BTreeMap<String, Release>,
    #[serde(default)]
    values_until: BTreeMap<String, Release>,
}

impl Field {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            since: None,
            until: None,
            holds: None,
            range: None,
            values: Vec::new(),
            values_since: BTreeMap::new(),
            values_until: BTreeMap::new(),
        }
    }

    fn is_in(&self, release: Release) -> bool {
        release.is_within(self.since, self.until)
    }

    /// The values that a release takes, if they are counted; any otherwise.
    pub(super) fn values_in(&self, release: Release) -> Option<Vec<&str>> {
        let fits = |value: &&String| {
            release.is_within(self.values_since.get(*value).copied(), self.values_until.get(*value).copied())
        };
        (!self.values.is_empty()).then(|| self.values.iter().filter(fits).map(String::as_str).collect())
    }
}

/// The field of a file of facts: a type alone, or all of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    Kind(Kind),
    Field(Box<Field>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    oldest: Release,
    newest: Release,
    source: String,
    field: BTreeMap<String, Written>,
}

/// All fields by their paths.
#[derive(Debug)]
pub(super) struct Fields {
    /// Where they are told of.
    pub(super) source: String,
    pub(super) oldest: Release,
    pub(super) newest: Release,
    by_path: BTreeMap<String, Field>,
}

impl Fields {
    /// The facts that this crate brings, read once.
    pub(super) fn embedded() -> &'static Self {
        static FIELDS: LazyLock<Fields> = LazyLock::new(Fields::read);
        &FIELDS
    }

    fn read() -> Self {
        let text = include_str!("../../facts/fields-kubelet.toml");
        let file: File = toml::from_str(text).expect("the embedded facts are read by the tests");
        let plain = |written| match written {
            Written::Kind(kind) => Field::of(kind),
            Written::Field(field) => *field,
        };
        let by_path = file.field.into_iter().map(|(path, written)| (path, plain(written))).collect();
        Self { source: file.source, oldest: file.oldest, newest: file.newest, by_path }
    }

    /// A field by its path, with `[]` for items and `{}` for values.
    pub(super) fn get(&self, path: &str) -> Option<&Field> {
        self.by_path.get(path)
    }

    /// The fields that name something of the host, which a release has.
    pub(super) fn of_the_host(&self, release: Release) -> impl Iterator<Item = (&str, Holds)> {
        let fields = self.by_path.iter().filter(move |(_, field)| field.is_in(release));
        fields.filter_map(|(path, field)| Some((path.as_str(), field.holds?)))
    }

    /// The name of a field of the same section that is spelt nearly the same and is there in a release.
    pub(super) fn nearest(&self, section: &str, name: &str, release: Release) -> Option<&str> {
        let names = self.by_path.iter().filter(|(_, field)| field.is_in(release));
        let names = names.filter_map(|(path, _)| name_in(section, path));
        nearest(name, names)
    }
}

/// The last part of a path, if it lies right in a section.
fn name_in<'path>(section: &str, path: &'path str) -> Option<&'path str> {
    let rest = if section.is_empty() { path } else { path.strip_prefix(section)?.strip_prefix('.')? };
    (!rest.contains(['.', '[', '{'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_in_fields_of_the_right_type() {
        let fields = Fields::embedded();
        for (path, field) in &fields.by_path {
            let (parent, wanted) = match path {
                path if path.ends_with("[]") => (path.strip_suffix("[]"), Kind::List),
                path if path.ends_with("{}") => (path.strip_suffix("{}"), Kind::Map),
                path => (path.rsplit_once('.').map(|(parent, _)| parent), Kind::Section),
            };
            if let Some(parent) = parent {
                assert_eq!(fields.get(parent).map(|field| field.kind), Some(wanted), "{path}");
            }
            assert!(field.holds.is_none() || field.kind == Kind::String, "{path}");
            assert!(
                field.range.is_none_or(|(low, high)| low < high && field.kind == Kind::Integer),
                "{path}"
            );
        }
        assert!(fields.oldest < fields.newest && fields.source.starts_with("https://"));
    }

    #[test]
    fn names_are_looked_for_in_their_section() {
        let fields = Fields::embedded();
        for (section, name, want) in [
            ("", "cgroupdriver", Some("cgroupDriver")),
            ("", "clientCAFile", None),
            ("authentication.x509", "clientCaFile", Some("clientCAFile")),
            ("registerWithTaints[]", "effects", Some("effect")),
        ] {
            assert_eq!(fields.nearest(section, name, Release::new(1, 36)), want, "{section}.{name}");
        }
    }
}
