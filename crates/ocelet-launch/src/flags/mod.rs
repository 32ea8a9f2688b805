//! [`Flags`]: which flags the kubelet, kubeadm and kube-proxy have in which release, as `facts/flags-*.toml` say.
//!
//! It refuses a file of facts that is not read whole: an unknown key or a release that is none is a mistake of this crate,
//! found by its tests. What a flag's value may be is not looked at.

mod fit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

pub use self::fit::Fit;
use crate::version::Release;

/// A program of Kubernetes that runs on nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The kubelet.
    Kubelet,
    /// kubeadm, with its commands `init`, `join` and `reset`.
    Kubeadm,
    /// kube-proxy.
    KubeProxy,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kubelet, Self::Kubeadm, Self::KubeProxy];

    /// The name of the program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::Kubeadm => "kubeadm",
            Self::KubeProxy => "kube-proxy",
        }
    }
}

/// From when to when a flag is there, and what to use instead of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lifetime {
    /// The first release that has it; without one it was there in the oldest that is spoken of.
    pub since: Option<Release>,
    /// The first release without it.
    pub until: Option<Release>,
    /// The first release that calls it deprecated; the oldest stands for earlier ones too.
    pub deprecated: Option<Release>,
    /// What to use in its place.
    pub instead: Option<String>,
    /// Whether kubeadm wrote it into `/var/lib/kubelet/kubeadm-flags.env`.
    #[serde(default)]
    pub kubeadm_wrote: bool,
    /// Whether `--help` may keep it to itself.
    #[serde(default)]
    pub hidden: bool,
    /// The commands of kubeadm that have it; all where there are none.
    #[serde(default)]
    pub commands: BTreeSet<String>,
    /// Commands of kubeadm that got it later than the others.
    #[serde(default)]
    pub since_in: BTreeMap<String, Release>,
    /// What is not known for sure about its bounds, and what is.
    pub unsure: Option<String>,
    /// Where it says so.
    pub source: Option<String>,
}

impl Lifetime {
    /// Whether a release has the flag.
    pub fn covers(&self, release: Release) -> bool {
        release.is_within(self.since, self.until)
    }

    /// Whether a release has it and warns of it.
    pub fn is_deprecated_in(&self, release: Release) -> bool {
        self.covers(release) && self.deprecated.is_some_and(|since| since <= release)
    }

    /// Whether kubeadm's command has it in a release.
    pub fn covers_command(&self, command: &str, release: Release) -> bool {
        self.covers(release)
            && (self.commands.is_empty() || self.commands.contains(command))
            && self.since_in.get(command).is_none_or(|since| *since <= release)
    }
}

/// A file of facts as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    oldest: Release,
    newest: Release,
    read: Vec<Release>,
    source: String,
    always: Vec<String>,
    #[serde(default)]
    by_mistake: Vec<String>,
    #[serde(default)]
    in_configuration: BTreeMap<String, String>,
    flag: BTreeMap<String, Lifetime>,
}

/// The flags of one program.
#[derive(Debug)]
struct Table {
    /// Releases whose program or source was read; the bounds between them come from changelogs.
    read: Vec<Release>,
    newest: Release,
    flags: BTreeMap<String, Lifetime>,
}

/// The flags of all programs.
#[derive(Debug)]
pub struct Flags {
    tables: BTreeMap<Program, Table>,
}

impl Flags {
    /// The facts that this crate brings, read once.
    ///
    /// # Panics
    ///
    /// Never: the tests read the same text.
    pub fn embedded() -> &'static Self {
        static FLAGS: LazyLock<Flags> = LazyLock::new(Flags::read_tables);
        &FLAGS
    }

    fn read_tables() -> Self {
        let files = [
            (Program::Kubelet, include_str!("../../facts/flags-kubelet.toml")),
            (Program::Kubeadm, include_str!("../../facts/flags-kubeadm.toml")),
            (Program::KubeProxy, include_str!("../../facts/flags-kube-proxy.toml")),
        ];
        let tables = files
            .into_iter()
            .map(|(program, text)| {
                let file = toml::from_str(text).expect("the embedded facts are read by the tests");
                (program, table(file))
            })
            .collect();
        Self { tables }
    }

    /// From when to when a flag is there; its name has no dashes in front.
    pub fn lifetime(&self, program: Program, name: &str) -> Option<&Lifetime> {
        self.table(program).flags.get(name)
    }

    /// The names of all flags that a program has in a release, in order.
    pub fn of(&self, program: Program, release: Release) -> impl Iterator<Item = &str> {
        let flags = &self.table(program).flags;
        flags.iter().filter(move |(_, lifetime)| lifetime.covers(release)).map(|(name, _)| name.as_str())
    }

    /// The names of the flags of one command of kubeadm in a release, in order.
    pub fn of_command<'flags>(
        &'flags self,
        command: &'flags str,
        release: Release,
    ) -> impl Iterator<Item = &'flags str> {
        let flags = &self.table(Program::Kubeadm).flags;
        let there = move |lifetime: &Lifetime| lifetime.covers_command(command, release);
        flags.iter().filter(move |(_, lifetime)| there(lifetime)).map(|(name, _)| name.as_str())
    }

    /// What kubeadm once wrote into `/var/lib/kubelet/kubeadm-flags.env` and a release's kubelet refuses to start with, in
    /// order: a file that an older kubeadm left is to be freed of it.
    pub fn kubeadm_wrote_and_gone(&self, release: Release) -> Vec<&str> {
        let flags = &self.table(Program::Kubelet).flags;
        let gone = |lifetime: &Lifetime| {
            lifetime.kubeadm_wrote && lifetime.until.is_some_and(|until| until <= release)
        };
        flags.iter().filter(|(_, lifetime)| gone(lifetime)).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether a release is newer than all that were read of a program: what is told of it then is the newest one's.
    pub fn is_beyond_what_was_read(&self, program: Program, release: Release) -> bool {
        self.table(program).newest < release
    }

    /// The releases of a program that were read whole; the bounds between them come from changelogs.
    pub fn read(&self, program: Program) -> &[Release] {
        &self.table(program).read
    }

    fn table(&self, program: Program) -> &Table {
        self.tables.get(&program).expect("a table for each program")
    }
}

/// What is written in groups is spread to the flags, so that each says everything itself.
fn table(file: File) -> Table {
    let mut flags = file.flag;
    let source = Some(file.source);
    for lifetime in flags.values_mut() {
        lifetime.source = lifetime.source.take().or_else(|| source.clone());
    }
    let deprecated = Some(file.oldest);
    for name in file.always {
        flags.insert(name, Lifetime { source: source.clone(), ..Lifetime::default() });
    }
    for name in file.by_mistake {
        flags.insert(name, Lifetime { deprecated, source: source.clone(), ..Lifetime::default() });
    }
    for (name, field) in file.in_configuration {
        let instead = Some(format!("{field} of the configuration"));
        flags.insert(name, Lifetime { deprecated, instead, source: source.clone(), ..Lifetime::default() });
    }
    Table { read: file.read, newest: file.newest, flags }
}

#[cfg(test)]
mod tests;
