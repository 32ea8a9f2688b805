//! What is known of components, mounts and container runtimes: read from the tables beside this crate, each line of which
//! names its source.
//!
//! It refuses tables with a key that nobody reads: a condition that is spelled wrong must not hold for everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::choice::{Cgroups, Component, Cri, Wish};
use crate::flags::Flags;
use crate::version::Release;

const COMPONENTS: &str = include_str!("../facts/components.toml");
const MOUNTS: &str = include_str!("../facts/mounts.toml");
const KUBEADM_API: &str = include_str!("../facts/kubeadm-api.toml");
const RUNTIMES: &str = include_str!("../facts/runtimes.toml");

/// All tables.
#[derive(Debug)]
pub struct Facts {
    pub(crate) components: BTreeMap<Component, ComponentFact>,
    pub(crate) mounts: Vec<MountFact>,
    pub(crate) wrappers: Vec<WrapperFact>,
    pub(crate) runtimes: BTreeMap<Cri, RuntimeFact>,
    pub(crate) flags: &'static Flags,
    kubeadm_api: Vec<ApiVersion>,
}

/// What a component is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ComponentFact {
    pub(crate) program: String,
    /// For people, in a sentence.
    pub(crate) summary: String,
    /// The namespaces of the host that it shares.
    pub(crate) namespaces: BTreeSet<Namespace>,
    /// Whether it runs until it is stopped.
    pub(crate) stays: bool,
    #[serde(default)]
    pub(crate) argument: Vec<ArgumentFact>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test asks for it"))]
    source: String,
}

/// An argument of a component, and when it is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ArgumentFact {
    pub(crate) text: String,
    since: Option<Release>,
    until: Option<Release>,
    #[serde(default)]
    runtimes: BTreeSet<Cri>,
    asked: Option<Asked>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test asks for it"))]
    reason: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test asks for it"))]
    source: String,
}

/// What a user must have said for an argument to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Asked {
    /// Where the container runtime is.
    Endpoint,
    /// That the host has cgroups of version 1.
    CgroupV1,
}

/// A namespace of Linux that a component shares with the host (`namespaces(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Interfaces, addresses and firewall.
    Network,
    /// Processes.
    Pid,
    /// The host's name.
    Uts,
    /// What is the root of the cgroups.
    Cgroup,
}

/// What of the host is mounted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MountFact {
    pub(crate) path: String,
    pub(crate) target: Option<String>,
    components: BTreeSet<Component>,
    since: Option<Release>,
    until: Option<Release>,
    #[serde(default)]
    runtimes: BTreeSet<Cri>,
    with: Option<Wish>,
    /// Not where the image has something there.
    #[serde(default)]
    pub(crate) unless_in_image: bool,
    pub(crate) access: Access,
    pub(crate) propagation: Propagation,
    pub(crate) kind: Presence,
    #[serde(default)]
    pub(crate) relabel: bool,
    pub(crate) reason: String,
    pub(crate) source: String,
}

/// Whether a mount may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read only.
    Read,
    /// Read and written.
    Write,
}

impl Access {
    /// How mounts are asked for it (`mount(8)`).
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Read => "ro",
            Self::Write => "rw",
        }
    }
}

/// Which mounts that are made later cross a mount (`mount_namespaces(7)`, "Shared subtrees").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Propagation {
    /// In both directions.
    Shared,
    /// From the host alone.
    Slave,
    /// None.
    Private,
}

impl Propagation {
    /// How mounts are asked for it, with all that lies below them (`mount(8)`).
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Shared => "rshared",
            Self::Slave => "rslave",
            Self::Private => "rprivate",
        }
    }
}

/// What is done about a path that the host may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is made, as a directory.
    Directory,
    /// It is made, as an empty file.
    File,
    /// It is not mounted.
    Present,
    /// Every host has it.
    Required,
}

/// A script in the place of a program, that runs the host's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapperFact {
    pub(crate) name: String,
    pub(crate) with: Wish,
    pub(crate) reason: String,
    /// As `nsenter` spells them.
    pub(crate) namespaces: Vec<String>,
    pub(crate) source: String,
}

/// A container runtime that a kubelet speaks to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeFact {
    pub(crate) socket: String,
    pub(crate) state: String,
    pub(crate) unit: String,
    pub(crate) until: Option<Release>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test asks for it"))]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KubeadmApi {
    version: Vec<ApiVersion>,
}

/// A version of kubeadm's configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiVersion {
    name: String,
    since: Release,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table; a test asks for it"))]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mounts {
    mount: Vec<MountFact>,
    wrapper: Vec<WrapperFact>,
}

/// What the conditions of a fact are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) component: Component,
    pub(crate) release: Release,
    pub(crate) cri: Cri,
    pub(crate) wishes: &'a BTreeSet<Wish>,
    pub(crate) endpoint_is_asked: bool,
    pub(crate) cgroups: Cgroups,
}

impl Facts {
    /// The tables that this crate was built with, read once.
    pub fn embedded() -> &'static Self {
        static FACTS: LazyLock<Facts> = LazyLock::new(Facts::read);
        &FACTS
    }

    fn read() -> Self {
        let Mounts { mount, wrapper } = table(MOUNTS);
        Self {
            components: table(COMPONENTS),
            mounts: mount,
            wrappers: wrapper,
            runtimes: table(RUNTIMES),
            flags: Flags::embedded(),
            kubeadm_api: table::<KubeadmApi>(KUBEADM_API).version,
        }
    }

    pub(crate) fn component(&self, component: Component) -> &ComponentFact {
        self.components.get(&component).expect("a test reads the table of each component")
    }

    /// The newest version of kubeadm's configuration that a release reads.
    pub(crate) fn kubeadm_api(&self, release: Release) -> &str {
        let read = self.kubeadm_api.iter().find(|version| version.since <= release);
        // Before the oldest in the table there is nothing that this crate could start either.
        read.or(self.kubeadm_api.last()).map_or("v1beta4", |version| version.name.as_str())
    }

    pub(crate) fn runtime(&self, cri: Cri) -> &RuntimeFact {
        self.runtimes.get(&cri).expect("a test reads the table of each runtime")
    }
}

fn table<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    toml::from_str(text).expect("a test reads all tables that are built in")
}

impl ArgumentFact {
    pub(crate) fn holds(&self, situation: &Situation<'_>) -> bool {
        situation.release.is_within(self.since, self.until)
            && (self.runtimes.is_empty() || self.runtimes.contains(&situation.cri))
            && self.asked.is_none_or(|asked| match asked {
                Asked::Endpoint => situation.endpoint_is_asked,
                Asked::CgroupV1 => situation.cgroups == Cgroups::V1,
            })
    }
}

impl MountFact {
    pub(crate) fn holds(&self, situation: &Situation<'_>) -> bool {
        self.components.contains(&situation.component)
            && situation.release.is_within(self.since, self.until)
            && (self.runtimes.is_empty() || self.runtimes.contains(&situation.cri))
            && self.with.is_none_or(|wish| situation.wishes.contains(&wish))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tables_are_read_and_every_line_has_a_source() {
        let facts = Facts::embedded();
        for component in Component::ALL.iter().copied() {
            let fact = facts.component(component);
            assert!(fact.source.starts_with("https://"), "{component}");
            for argument in &fact.argument {
                assert!(
                    argument.source.starts_with("https://") && !argument.reason.is_empty(),
                    "{argument:?}"
                );
            }
        }
        for cri in Cri::ALL.iter().copied() {
            assert!(facts.runtime(cri).source.starts_with("https://"), "{cri}");
        }
        for mount in &facts.mounts {
            assert!(mount.source.starts_with("https://") && !mount.reason.is_empty(), "{mount:?}");
            assert!(mount.path.starts_with('/') || mount.path == "{state}", "{mount:?}");
        }
        for version in &facts.kubeadm_api {
            assert!(version.source.starts_with("https://"), "{version:?}");
        }
        let api = |minor| facts.kubeadm_api(Release::new(1, minor));
        assert_eq!(
            [api(18), api(22), api(30), api(31), api(38)],
            ["v1beta2", "v1beta3", "v1beta3", "v1beta4", "v1beta4"]
        );
        for wrapper in &facts.wrappers {
            assert!(wrapper.source.starts_with("https://"), "{wrapper:?}");
        }
    }
}
