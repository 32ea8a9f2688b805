//! [`plan()`]: what is to be started and with what, as one value, whatever starts it.
//!
//! It refuses what cannot work, all of it at once: a program that the image does not have, flags that the release does not
//! know, a runtime that the kubelet of this release cannot speak to.

mod arguments;
mod mounts;
mod problem;
#[cfg(test)]
mod tests;
mod wrappers;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::choice::{Cgroups, Component, Cri, Runtime, Wish};
use crate::facts::{Access, Facts, Namespace, Presence, Propagation, Situation};
use crate::version::Release;

pub use mounts::{BadMount, HostMount};
pub use problem::{PlanError, Problem};

/// What is known of an image.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Its name without a tag, as a container runtime of the host knows it: `localhost/kubelet`.
    pub name: String,
    /// Its tag.
    pub tag: Option<String>,
    /// The name that archives of it carry, as `docker.io/library/kubelet:v1.36.4`.
    pub archived_as: Option<String>,
    /// The release of Kubernetes that its label names.
    pub release: Option<Release>,
    /// What it was made for, as OCI spells it: `linux/arm64`.
    pub platform: String,
    /// The names of the programs in its `PATH`; `None` where nobody looked.
    pub commands: Option<BTreeSet<String>>,
    /// Paths of its files.
    pub paths: BTreeSet<String>,
    /// Its environment, as `NAME=VALUE`.
    pub environment: Vec<String>,
    /// The loaders of its dynamically linked programs, by the name of the program.
    pub loaders: BTreeMap<String, String>,
}

/// What a user asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is started.
    pub component: Component,
    /// What starts it.
    pub runtime: Runtime,
    /// What the kubelet speaks to; where it is `None`, what fits the runtime.
    pub cri: Option<Cri>,
    /// Where that is, as `unix:///run/…`; where it is `None`, where that usually is.
    pub endpoint: Option<String>,
    /// Which cgroups the host has.
    pub cgroups: Cgroups,
    /// The release, in place of the one that the image names.
    pub release: Option<Release>,
    /// The container's name, in place of the component's.
    pub name: Option<String>,
    /// What more is wanted of the host.
    pub wishes: BTreeSet<Wish>,
    /// More mounts. One on the target of a usual mount takes its place.
    pub mounts: Vec<HostMount>,
    /// Targets of usual mounts that are left out.
    pub without: BTreeSet<String>,
    /// More environment.
    pub environment: BTreeMap<String, String>,
    /// A file of the host with more environment, as `NAME=VALUE` lines.
    pub environment_file: Option<String>,
    /// Flags that kubeadm wrote for this node, for what cannot read them when it starts.
    pub kubeadm_flags: Vec<String>,
    /// More arguments of the program.
    pub arguments: Vec<String>,
}

impl Request {
    /// A component as it is usually started, on a host with cgroups of version 2.
    pub fn new(component: Component, runtime: Runtime) -> Self {
        Self {
            component,
            runtime,
            cri: None,
            endpoint: None,
            cgroups: Cgroups::V2,
            release: None,
            name: None,
            wishes: BTreeSet::new(),
            mounts: Vec::new(),
            without: BTreeSet::new(),
            environment: BTreeMap::new(),
            environment_file: None,
            kubeadm_flags: Vec::new(),
            arguments: Vec::new(),
        }
    }
}

/// What is started, and with what.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Plan {
    /// What is started.
    pub component: Component,
    /// For people, in a sentence.
    pub summary: String,
    /// For which release of Kubernetes.
    pub release: Release,
    /// The container's name, and that of its files and units.
    pub name: String,
    /// The image's name without its tag.
    pub image: String,
    /// The image's tag.
    pub tag: Option<String>,
    /// The name that archives of it carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_as: Option<String>,
    /// What the image was made for.
    pub platform: String,
    /// The image's own environment, as `NAME=VALUE`.
    pub image_environment: Vec<String>,
    /// The program, found in the image's `PATH`.
    pub program: String,
    /// The loader that starts it, for one that is linked dynamically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// Its arguments: those of the facts, those that kubeadm wrote, and those of the user.
    pub arguments: Vec<String>,
    /// Whether it runs until it is stopped.
    pub stays: bool,
    /// Which namespaces of the host it shares.
    pub namespaces: BTreeSet<Namespace>,
    /// What of the host it sees, parents before what lies below them.
    pub mounts: Vec<PlannedMount>,
    /// Scripts that stand for programs of the host.
    pub wrappers: Vec<Wrapper>,
    /// More environment.
    pub environment: BTreeMap<String, String>,
    /// A file of the host with more environment.
    pub environment_file: Option<String>,
    /// What the kubelet speaks to.
    pub cri: Cri,
    /// Where that is.
    pub endpoint: String,
    /// The unit of systemd that starts what the kubelet speaks to.
    pub cri_unit: String,
    /// The version of kubeadm's configuration, as `v1beta4`.
    pub kubeadm_api: String,
    /// Which cgroups the host has.
    pub cgroups: Cgroups,
    /// Flags that kubeadm of an earlier release may have written for this node, and that this release does not know.
    pub gone_flags: Vec<String>,
    /// Whether files on the host are labelled for SELinux.
    pub relabel: bool,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A part of the host that is seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedMount {
    /// The path on the host.
    pub path: String,
    /// The path inside.
    pub target: String,
    /// Whether it may be written to.
    pub access: Access,
    /// Which later mounts cross it.
    pub propagation: Propagation,
    /// What is done where the host lacks it.
    pub kind: Presence,
    /// Whether SELinux labels it for containers, where that is asked for.
    pub relabel: bool,
    /// Why it is there.
    pub reason: String,
    /// Where that is known from; the user's own have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A script that runs a program of the host under its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wrapper {
    /// Where it is on the host.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Decides what is started, and with what.
///
/// # Errors
/// Everything about the request that cannot work with this image.
pub fn plan(image: &Image, request: &Request, facts: &Facts) -> Result<Plan, PlanError> {
    let mut problems = Vec::new();
    let Some(release) = request.release.or(image.release) else {
        return Err(PlanError { problems: vec![Problem::NoRelease { image: image.name.clone() }] });
    };
    let cri = request.cri.unwrap_or_else(|| usual(request.runtime, release));
    let runtime = facts.runtime(cri);
    let component = facts.component(request.component);
    let situation = Situation {
        component: request.component,
        release,
        cri,
        wishes: &request.wishes,
        endpoint_is_asked: request.endpoint.is_some(),
        cgroups: request.cgroups,
    };
    let endpoint = request.endpoint.clone().unwrap_or_else(|| format!("unix://{}", runtime.socket));

    problem::fits(request, release, cri, runtime, &mut problems);
    problem::programs(image, request, component, release, &mut problems);
    let mut mounts = mounts::planned(image, request, &situation, facts, &mut problems);
    let name = request.name.clone().unwrap_or_else(|| request.component.word().to_owned());
    let (wrappers, over) = wrappers::planned(image, request, facts, &name, &mut problems);
    mounts.extend(over);
    mounts.sort_by(|one, other| one.target.cmp(&other.target));
    let arguments = arguments::planned(component, request, &situation, &endpoint, facts, &mut problems);

    if !problems.is_empty() {
        return Err(PlanError { problems });
    }
    let mut notes = problem::notes(image, request, component, release);
    notes.extend(arguments::unknown(request, release, facts));
    Ok(Plan {
        component: request.component,
        summary: component.summary.clone(),
        release,
        name,
        image: image.name.clone(),
        tag: image.tag.clone(),
        archived_as: image.archived_as.clone(),
        platform: image.platform.clone(),
        image_environment: image.environment.clone(),
        program: component.program.clone(),
        loader: image.loaders.get(&component.program).cloned(),
        arguments,
        stays: component.stays,
        namespaces: component.namespaces.clone(),
        mounts,
        wrappers,
        environment: request.environment.clone(),
        environment_file: request.environment_file.clone(),
        cri,
        endpoint,
        cri_unit: runtime.unit.clone(),
        kubeadm_api: facts.kubeadm_api(release).to_owned(),
        cgroups: request.cgroups,
        gone_flags: arguments::gone(request.component, release, facts),
        relabel: request.wishes.contains(&Wish::Selinux),
        notes,
    })
}

/// What a kubelet speaks to where nobody says: on a host of docker, docker.
fn usual(runtime: Runtime, release: Release) -> Cri {
    match runtime {
        Runtime::Docker if release < Release::new(1, 24) => Cri::Docker,
        Runtime::Docker => Cri::CriDockerd,
        Runtime::Crio => Cri::Crio,
        _ => Cri::Containerd,
    }
}

impl Plan {
    /// The image's name with its tag, as container runtimes take it.
    pub fn reference(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.image),
            None => self.image.clone(),
        }
    }

    /// Whether flags of kubeadm and of the node are read when it starts.
    pub(crate) fn reads_flags(&self) -> bool {
        self.component == Component::Kubelet
    }

    /// Directories of the host that are made before anything is mounted.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        self.made(Presence::Directory)
    }

    /// Files of the host that are made, empty, before anything is mounted.
    pub(crate) fn empty_files(&self) -> impl Iterator<Item = &str> {
        self.made(Presence::File)
    }

    fn made(&self, kind: Presence) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter(move |mount| mount.kind == kind).map(|mount| mount.path.as_str())
    }
}
