//! The digests of upstream releases that are known beforehand: a table that is part of the program, each row with the
//! public commit where it stands. An artifact at an address of the table has that digest, or is refused; so is a recipe,
//! a lock or a file of sums that says another.
//!
//! Addresses count, not names: who builds a release anew, or serves it from a place of their own, is not bound.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use ocelet_oci::Digest;
use serde::Deserialize;

use super::error::{Trouble, WrongRelease};
use super::sums::Sum;
use crate::lock::{Lock, LockedArtifact};
use crate::recipe::{Location, Recipe, SourceKind};
use crate::resolve;

/// The tables, by the name of their file in `crates/ocelet/digests`.
const TABLES: &[(&str, &str)] = &[
    ("cni-plugins", include_str!("../../digests/cni-plugins.toml")),
    ("containerd", include_str!("../../digests/containerd.toml")),
    ("cri-o-bundle", include_str!("../../digests/cri-o-bundle.toml")),
    ("crictl", include_str!("../../digests/crictl.toml")),
    ("crun", include_str!("../../digests/crun.toml")),
    ("etcd", include_str!("../../digests/etcd.toml")),
    ("flannel-cni-plugin", include_str!("../../digests/flannel-cni-plugin.toml")),
    ("kubeadm", include_str!("../../digests/kubeadm.toml")),
    ("kubelet", include_str!("../../digests/kubelet.toml")),
    ("runc", include_str!("../../digests/runc.toml")),
    ("upx", include_str!("../../digests/upx.toml")),
];

/// A table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// With `{version}` and `{arch}`.
    address: String,
    releases: Vec<Row>,
    /// Where digests stand, by a name that rows use.
    sources: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    version: String,
    arch: String,
    sha256: String,
    from: Vec<String>,
    #[serde(default)]
    once: Vec<Once>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Once {
    sha256: String,
    from: String,
}

/// A release whose digest is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) sha256: Digest,
    /// Where that stands.
    sources: Vec<String>,
    /// What it was said to be before, and where: the release was made anew under its name, or the source was wrong.
    once: Vec<(Digest, String)>,
}

static RELEASES: LazyLock<BTreeMap<String, Release>> = LazyLock::new(|| {
    let tables = TABLES.iter().map(|(_, text)| toml::from_str::<Table>(text));
    tables.flat_map(|table| table.expect("a test reads the tables").into_releases()).collect()
});

/// What is known of the release at an address.
pub(super) fn known(location: &Location) -> Option<&'static Release> {
    let Location::Url(address) = location else { return None };
    RELEASES.get(address)
}

/// Every artifact of the lock that is known to be another one.
pub(crate) fn contradictions(recipe: &Recipe, lock: &Lock) -> Vec<Trouble> {
    let mut trouble = Vec::new();
    for (name, source) in &recipe.sources {
        let SourceKind::Artifact(artifact) = &source.kind else { continue };
        for platform in resolve::platforms(recipe, source) {
            let location = artifact.shown_for(platform);
            let locked = lock.artifact_of(name, platform);
            trouble.extend(locked.and_then(|locked| contradiction(&location, locked)));
        }
    }
    for (tool, platform) in
        recipe.upx.iter().flat_map(|tool| tool.platforms.iter().map(move |at| (tool, &at.value)))
    {
        let location = tool.artifact_for(platform).shown_for(platform);
        let locked = lock.tool_of(&tool.name.value, platform);
        trouble.extend(locked.and_then(|locked| contradiction(&location, locked)));
    }
    trouble
}

/// The same for one of them.
pub(super) fn contradiction(location: &Location, locked: &LockedArtifact) -> Option<Trouble> {
    known(location)?.refuse(location, "the lock", Sum::Sha256(*locked.file.sha256.as_bytes()))
}

impl Release {
    /// The refusal of what `who` says that the release is; nothing where that may be right. Of a SHA-512 nothing is
    /// known before there are bytes.
    pub(super) fn refuse(&self, location: &Location, who: &str, got: Sum) -> Option<Trouble> {
        let Sum::Sha256(bytes) = got else { return None };
        if bytes == *self.sha256.as_bytes() {
            return None;
        }
        Some(Trouble::Known(Box::new(WrongRelease {
            address: location.to_string(),
            who: who.to_owned(),
            wanted: self.sha256,
            sources: self.sources.clone(),
            got,
            doubt: self.doubt(&bytes),
        })))
    }

    /// What is known of other digests of the release.
    fn doubt(&self, got: &[u8; 32]) -> String {
        let mut doubt = String::new();
        for (sha256, source) in &self.once {
            // Writing to a String cannot fail.
            let _ = if sha256.as_bytes() == got {
                write!(doubt, "; {source} once had what is served, and was corrected")
            } else {
                write!(doubt, "; {source} once had a third one, {sha256}")
            };
        }
        doubt
    }
}

impl Table {
    fn into_releases(self) -> Vec<(String, Release)> {
        let source = |name: &String| self.sources.get(name).expect("a test looks for it").clone();
        let digest = |hex: &str| Digest::from_hex(hex).expect("a test reads it");
        let release = |row: &Row| Release {
            sha256: digest(&row.sha256),
            sources: row.from.iter().map(source).collect(),
            once: row.once.iter().map(|once| (digest(&once.sha256), source(&once.from))).collect(),
        };
        self.releases.iter().map(|row| (self.address_of(row), release(row))).collect()
    }

    fn address_of(&self, row: &Row) -> String {
        self.address.replace("{version}", &row.version).replace("{arch}", &row.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(version: &str) -> Vec<u32> {
        version.split('.').map(|part| part.parse().expect("a version is numbers")).collect()
    }

    #[test]
    fn every_row_is_sorted_unique_complete_and_has_a_source() {
        let mut addresses = std::collections::BTreeSet::new();
        for (name, text) in TABLES {
            let table: Table = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(table.address.starts_with("https://"), "{name}");
            let order: Vec<_> =
                table.releases.iter().map(|row| (numbers(&row.version), row.arch.as_str())).collect();
            assert!(order.is_sorted_by(|one, other| one < other), "{name} is not sorted, or has a row twice");
            let mut used = std::collections::BTreeSet::new();
            for row in &table.releases {
                assert!(addresses.insert(table.address_of(row)), "{name}: {row:?}");
                assert!(!row.from.is_empty(), "{name}: {row:?}");
                let once = row.once.iter().map(|once| (&once.sha256, &once.from));
                for (hex, source) in row.from.iter().map(|from| (&row.sha256, from)).chain(once) {
                    assert!(hex.len() == 64 && *hex == hex.to_lowercase(), "{name}: {row:?}");
                    assert!(Digest::from_hex(hex).is_some(), "{name}: {row:?}");
                    assert!(
                        table.sources.get(source).is_some_and(|text| !text.is_empty()),
                        "{name}: {row:?}"
                    );
                    used.insert(source);
                }
                assert!(row.once.iter().all(|once| once.sha256 != row.sha256), "{name}: {row:?}");
            }
            assert_eq!(used.len(), table.sources.len(), "{name}: a source that no row names");
        }
        assert_eq!(addresses.len(), RELEASES.len());
        let all: usize = TABLES.iter().map(|(_, text)| text.len()).sum();
        assert!(all < 150_000, "{all} bytes");
    }

    #[test]
    fn the_versions_that_matter_are_known() {
        for version in
            ["1.19.11", "1.20.7", "1.21.1", "1.24.9", "1.25.5", "1.26.0", "1.34.11", "1.35.8", "1.36.4"]
        {
            for arch in ["amd64", "arm64", "arm"] {
                // Upstream releases nothing for 32-bit ARM from 1.27 on.
                let is_released = arch != "arm" || numbers(version) < vec![1, 27];
                for program in ["kubelet", "kubeadm"] {
                    let address = format!("https://dl.k8s.io/release/v{version}/bin/linux/{arch}/{program}");
                    assert_eq!(known(&Location::of(address.clone())).is_some(), is_released, "{address}");
                }
            }
        }
    }

    #[test]
    fn other_digests_are_refused_with_both_and_their_sources() {
        let address = "https://storage.googleapis.com/cri-o/artifacts/cri-o.arm64.v1.26.0.tar.gz";
        let location = Location::of(address.to_owned());
        let release = known(&location).expect("it is in the table");
        let refused = |who: &str, got| {
            let trouble = release.refuse(&location, who, Sum::Sha256(got)).expect("it is another");
            trouble.to_string()
        };
        let made_anew = *release.once[0].0.as_bytes();
        for (who, got, words) in [
            ("the recipe", [1; 32], ["the recipe has sha256 0101", "once had a third one, sha256:8605b166"]),
            (
                "the lock",
                made_anew,
                ["the lock has sha256 8605b166", "once had what is served, and was corrected"],
            ),
        ] {
            let message = refused(who, got);
            for word in
                words.into_iter().chain([address, &release.sha256.hex(), "kubernetes-sigs/kubespray@"])
            {
                assert!(message.contains(word), "no \"{word}\" in {message}");
            }
        }
        assert!(release.refuse(&location, "the lock", Sum::Sha256(*release.sha256.as_bytes())).is_none());
        assert!(release.refuse(&location, "sums", Sum::Sha512([1; 64])).is_none());
    }
}
