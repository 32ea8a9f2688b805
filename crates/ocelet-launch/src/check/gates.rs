//! [`Gates`]: which feature gates the kubelet knows, as `facts/feature-gates.toml` says of the releases that were read.
//!
//! It refuses to guess when a gate came or went between two of those: then it says what is known.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::nearest::nearest;
use crate::version::Release;

/// What is known of a gate in a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate<'gates> {
    /// Known to a release that was read and is this one, or to those on both sides of it.
    Known,
    /// Known to an earlier release, and not to this one or one before it that was read; the kubelet does not start then.
    Gone { last: Release, without: Release },
    /// Not known to this release or a later one that was read; the kubelet does not start then.
    NotYet { without: Release, first: Release },
    /// It came or went somewhere around the release.
    Perhaps { known: Release, unknown: Release },
    /// In no release that was read, though a later one may have it.
    Unknown { nearest: Option<&'gates str>, newest: Release },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Group {
    known_in: Vec<Release>,
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    read: Vec<Release>,
    source: String,
    gates: Vec<Group>,
}

/// All gates, with the releases that were read and know them.
#[derive(Debug)]
pub(super) struct Gates {
    /// Where they are told of.
    pub(super) source: String,
    read: Vec<Release>,
    known_in: BTreeMap<String, Vec<Release>>,
}

impl Gates {
    /// The facts that this crate brings, read once.
    pub(super) fn embedded() -> &'static Self {
        static GATES: LazyLock<Gates> = LazyLock::new(Gates::read);
        &GATES
    }

    fn read() -> Self {
        let text = include_str!("../../facts/feature-gates.toml");
        let file: File = toml::from_str(text).expect("the embedded facts are read by the tests");
        let mut known_in = BTreeMap::new();
        for group in file.gates {
            for name in group.names {
                known_in.insert(name, group.known_in.clone());
            }
        }
        Self { source: file.source, read: file.read, known_in }
    }

    /// What is known of a gate in a release.
    pub(super) fn find(&self, name: &str, release: Release) -> Gate<'_> {
        let newest = self.read.last().copied().unwrap_or(release);
        let Some(known_in) = self.known_in.get(name) else {
            let names = self.known_in.keys().map(String::as_str);
            return Gate::Unknown { nearest: nearest(name, names), newest };
        };
        let before = self.read.iter().rev().find(|read| **read <= release).copied();
        let after = self.read.iter().find(|read| release <= **read).copied();
        let knows = |read: Option<Release>| read.is_none_or(|read| known_in.contains(&read));
        let (Some(&first), Some(&last)) = (known_in.first(), known_in.last()) else { return Gate::Known };
        match (before, after) {
            _ if knows(before) && knows(after) => Gate::Known,
            (_, Some(after)) if after < first => Gate::NotYet { without: after, first },
            (Some(before), _) if last < before => Gate::Gone { last, without: before },
            (Some(known), Some(unknown)) if knows(before) => Gate::Perhaps { known, unknown },
            (Some(unknown), Some(known)) => Gate::Perhaps { known, unknown },
            _ => Gate::Known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_told_by_the_releases_that_were_read() {
        let gates = Gates::embedded();
        let release = |text: &str| text.parse::<Release>().unwrap();
        for (name, at, want) in [
            ("MemoryQoS", "1.36", Gate::Known),
            ("MemoryQoS", "1.37", Gate::Known),
            ("MemoryQoS", "1.30", Gate::Known),
            ("MemoryQoS", "1.22", Gate::Perhaps { known: release("1.26"), unknown: release("1.20") }),
            ("MemoryQoS", "1.20", Gate::NotYet { without: release("1.20"), first: release("1.26") }),
            ("MemoryQoS", "1.18", Gate::NotYet { without: release("1.20"), first: release("1.26") }),
            ("DynamicKubeletConfig", "1.18", Gate::Known),
            (
                "DynamicKubeletConfig",
                "1.22",
                Gate::Perhaps { known: release("1.20"), unknown: release("1.26") },
            ),
            ("DynamicKubeletConfig", "1.20", Gate::Known),
            ("DynamicKubeletConfig", "1.36", Gate::Gone { last: release("1.20"), without: release("1.36") }),
            ("MemoryQos", "1.36", Gate::Unknown { nearest: Some("MemoryQoS"), newest: release("1.36") }),
            ("", "1.36", Gate::Unknown { nearest: None, newest: release("1.36") }),
        ] {
            assert_eq!(gates.find(name, release(at)), want, "{name} in {at}");
        }
    }
}
