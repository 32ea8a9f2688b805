//! What cannot work, said all at once, and what the user should know.

use crate::choice::{Component, Cri, Runtime, Wish};
use crate::facts::{ComponentFact, RuntimeFact};
use crate::version::Release;

use super::{Image, Request};

/// Everything about a request that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("{}", shown(.problems))]
pub struct PlanError {
    /// Each of it; never empty.
    pub problems: Vec<Problem>,
}

/// One thing about a request that cannot work, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nobody says which Kubernetes it is.
    #[error(
        "{image} does not say which version of Kubernetes it holds (label org.opencontainers.image.version); name it with --kubernetes"
    )]
    NoRelease {
        /// The image.
        image: String,
    },
    /// The image lacks the program.
    #[error("the image has no program {program:?}; {hint}")]
    NoProgram {
        /// Its name.
        program: String,
        /// What to do.
        hint: String,
    },
    /// A component that this runtime is not for.
    #[error("{component} is not started by {runtime}: {hint}")]
    NotBy {
        /// The component.
        component: Component,
        /// What was to start it.
        runtime: Runtime,
        /// What to do.
        hint: &'static str,
    },
    /// A container runtime that the kubelet of this release cannot speak to.
    #[error(
        "the kubelet speaks to {cri} itself only before Kubernetes {until}, and this is {release}; use --cri cri-dockerd, or containerd"
    )]
    NoRuntime {
        /// The container runtime.
        cri: Cri,
        /// The first release that cannot.
        until: Release,
        /// The release.
        release: Release,
    },
    /// A socket that is not written as a URL.
    #[error("the socket {endpoint:?} must be written as a URL, like unix:///run/containerd/containerd.sock")]
    BareEndpoint {
        /// What was written.
        endpoint: String,
    },
    /// A flag that the release does not know.
    #[error("{flag}: {why}")]
    Flag {
        /// The flag.
        flag: String,
        /// What about it, and what to do.
        why: String,
    },
    /// A usual mount that is to be left out and is none.
    #[error("nothing is mounted on {target}, so nothing can be left out there; there are {}", .there.join(", "))]
    NoSuchMount {
        /// What was to be left out.
        target: String,
        /// What there is.
        there: Vec<String>,
    },
    /// A script that enters the host, for an image that cannot run it.
    #[error("the host's {name} takes a shell and nsenter in the image, which has not both; assemble it with commands = [\"busybox\", \"nsenter\"]{}", if *.wish == Wish::Iscsi { ", or with --set volumes=iscsi" } else { "" })]
    NoWrapper {
        /// The program.
        name: String,
        /// What asked for it.
        wish: Wish,
    },
    /// Volumes of Ceph, which went with the kubelet's own plugin.
    #[error(
        "the kubelet attaches no volumes of Ceph itself from Kubernetes 1.31 on, and this is {release}; leave --with rbd out and use the CSI driver"
    )]
    NoCeph {
        /// The release.
        release: Release,
    },
    /// A name that cannot be that of a container and a file.
    #[error(
        "{name:?} cannot be the name of a container: letters, digits, `-`, `_` and `.` make one, the first a letter or digit"
    )]
    Name {
        /// What was written.
        name: String,
    },
    /// A file of the host that not every form can name.
    #[error("the file {path:?} {why}")]
    File {
        /// What was written.
        path: String,
        /// What about it.
        why: String,
    },
    /// Environment that cannot be written in all forms.
    #[error("the environment variable {name:?} cannot be passed on: {why}")]
    Environment {
        /// Its name.
        name: String,
        /// What about it.
        why: &'static str,
    },
}

fn shown(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => {
            let each: String =
                many.iter().flat_map(|problem| ["\n  - ".to_owned(), problem.to_string()]).collect();
            format!("{} things about this cannot work:{each}", many.len())
        }
    }
}

/// Whether what is asked for goes together.
pub(super) fn fits(
    request: &Request,
    release: Release,
    cri: Cri,
    runtime: &RuntimeFact,
    problems: &mut Vec<Problem>,
) {
    let component = request.component;
    let not_by = match (component, request.runtime) {
        (Component::Kubelet, Runtime::Kubernetes) => Some("what runs a cluster's pods cannot be one of them"),
        (Component::Kubeadm | Component::InstallCni, Runtime::Quadlet) => {
            Some("it runs once and a unit is for what stays; use --runtime podman")
        }
        (Component::Kubeadm | Component::InstallCni, Runtime::Kubernetes) => {
            Some("a DaemonSet is for what stays; use --runtime ctr, or the one that the host has")
        }
        _ => None,
    };
    if let Some(hint) = not_by {
        problems.push(Problem::NotBy { component, runtime: request.runtime, hint });
    }
    if let Some(until) = runtime.until.filter(|until| release >= *until) {
        problems.push(Problem::NoRuntime { cri, until, release });
    }
    if let Some(endpoint) = request.endpoint.as_ref().filter(|endpoint| !endpoint.starts_with("unix:///")) {
        problems.push(Problem::BareEndpoint { endpoint: endpoint.clone() });
    }
    if request.wishes.contains(&Wish::Rbd) && release >= Release::new(1, 31) {
        problems.push(Problem::NoCeph { release });
    }
    if let Some(name) = request.name.as_ref().filter(|name| !is_name(name)) {
        problems.push(Problem::Name { name: name.clone() });
    }
    if let Some(path) = &request.environment_file
        && let Err(why) = super::mounts::sound(path)
    {
        problems.push(Problem::File { path: path.clone(), why });
    }
    for (name, value) in &request.environment {
        let why = if !is_variable(name) {
            "its name is no name of a variable"
        } else if value.contains(|character: char| character.is_control()) {
            "its value has control characters"
        } else {
            continue;
        };
        problems.push(Problem::Environment { name: name.clone(), why });
    }
}

/// Whether the image has what is started.
pub(super) fn programs(
    image: &Image,
    request: &Request,
    component: &ComponentFact,
    release: Release,
    problems: &mut Vec<Problem>,
) {
    let Some(commands) = &image.commands else { return };
    let mut missing = |program: &str, hint: String| {
        if !commands.contains(program) {
            problems.push(Problem::NoProgram { program: program.to_owned(), hint });
        }
    };
    let hint = match request.component {
        Component::Kubeadm => "take a tag with kubeadm in its name, or assemble the flavor kubeadm",
        Component::InstallCni => "take a tag with cni or flannel in its name, or assemble the flavor cni",
        Component::Kubelet => "is it another component's image? see --component",
        Component::KubeProxy => "take the image of recipes/kube-proxy.toml",
    };
    // On the host itself the plugins are copied as files, without the script.
    if !(request.component == Component::InstallCni && request.runtime.is_host()) {
        missing(&component.program, hint.to_owned());
    }
    if request.component == Component::Kubelet
        && request.wishes.contains(&Wish::Rbd)
        && release < Release::new(1, 31)
    {
        missing("rbd", "assemble the image with --set volumes=ceph".to_owned());
    }
}

/// What is no mistake and still good to know.
pub(super) fn notes(
    image: &Image,
    request: &Request,
    component: &ComponentFact,
    release: Release,
) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |holds: bool, text: &str| {
        if holds {
            notes.push(text.to_owned());
        }
    };
    let kubelet = request.component == Component::Kubelet;
    note(
        kubelet && request.runtime == Runtime::Bundle && request.kubeadm_flags.is_empty(),
        "a bundle is made once and cannot read what kubeadm writes to /var/lib/kubelet/kubeadm-flags.env; give that file with \
         --kubeadm-flags once the node has joined",
    );
    note(
        kubelet && release >= Release::new(1, 35) && request.cgroups == crate::choice::Cgroups::V1,
        "cgroups of version 1 are in their last releases: the next kubelets will not start on this host",
    );
    let is_pod = request.runtime == Runtime::Kubernetes
        || request.runtime == Runtime::Crio && request.component == Component::KubeProxy;
    note(
        is_pod && image.name.starts_with("localhost/"),
        "nodes pull no image of localhost: name it with --image as your registry has it, or import it on each node",
    );
    let lacks = |program: &str| image.commands.as_ref().is_some_and(|commands| !commands.contains(program));
    note(
        kubelet && request.runtime == Runtime::Crio && lacks("crio"),
        "the image has no crio, so the host must have CRI-O; recipes/cri-o-node.toml makes images with both",
    );
    if let Some(loader) = image.loaders.get(&component.program).filter(|_| request.runtime.is_host()) {
        notes.push(format!(
            "{} is linked dynamically: on the host it takes {loader} and the libraries of that system; a bundle brings them",
            component.program
        ));
    }
    notes
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 64
        && name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
}
