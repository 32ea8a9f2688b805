//! docker, nerdctl and podman: the same words, but for a few.
//!
//! Sources: docs.docker.com/reference/cli/docker/container/run, nerdctl's docs/command-reference.md and podman-run(1).

use crate::facts::{Access, Namespace, Propagation};
use crate::plan::{Plan, PlannedMount};

use super::{ContainerRuntime, Form, script};

/// One of the three.
#[derive(Debug)]
pub(super) struct Engine {
    name: &'static str,
    daemon: Option<&'static str>,
    /// Whether what a unit starts can write to the unit's own output.
    passes_output_through: bool,
}

pub(super) const DOCKER: Engine =
    Engine { name: "docker", daemon: Some("docker.service"), passes_output_through: false };
pub(super) const NERDCTL: Engine =
    Engine { name: "nerdctl", daemon: Some("containerd.service"), passes_output_through: false };
pub(super) const PODMAN: Engine = Engine { name: "podman", daemon: None, passes_output_through: true };

impl ContainerRuntime for Engine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn daemon(&self) -> Option<&'static str> {
        self.daemon
    }

    fn command(&self, plan: &Plan, form: Form) -> Vec<String> {
        let mut words = vec![format!("{} run", self.name)];
        let mut option = |text: String| words.push(text);
        match (plan.stays, form) {
            (false, _) => option("--rm --interactive".to_owned()),
            (true, Form::ByHand) => option("--detach --restart always".to_owned()),
            (true, Form::ByUnit) => option(format!("--rm --cidfile /run/{}.cid", plan.name)),
        }
        if plan.image.starts_with("localhost/") {
            option("--pull never".to_owned());
        }
        option(format!("--name {}", plan.name));
        if form == Form::ByUnit && self.passes_output_through {
            option("--log-driver passthrough".to_owned());
        }
        if !plan.namespaces.is_empty() {
            option("--privileged".to_owned());
        }
        for namespace in &plan.namespaces {
            option(namespace_option(*namespace).to_owned());
        }
        script::environment(plan).into_iter().for_each(&mut option);
        for mount in plan.mounts.iter().filter(|mount| !script::depends(mount)) {
            option(format!("--volume {}", volume(mount, plan.relabel)));
        }
        option("\"$@\"".to_owned());
        option(format!("--entrypoint {}", plan.program));
        option("\"$image\"".to_owned());
        words.extend(script::arguments(plan));
        words
    }

    fn mount_of_variable(&self) -> &'static str {
        "--volume \"$path:$path:ro\""
    }

    fn cleanup(&self, plan: &Plan) -> Vec<String> {
        vec![format!("{} rm --force {}", self.name, plan.name), format!("rm -f /run/{}.cid", plan.name)]
    }

    fn stop(&self, plan: &Plan) -> String {
        format!("{} stop {}", self.name, plan.name)
    }

    fn bring(&self, plan: &Plan) -> Vec<String> {
        match self.name {
            "podman" => podman_brings(plan),
            "nerdctl" => containerd_brings(plan, "default"),
            _ => vec![
                format!(
                    "ocelet export LAYOUT:TAG --platform {} --format docker-archive --to {}.tar",
                    plan.platform, plan.name
                ),
                format!(
                    "docker tag \"$(docker load --quiet --input {}.tar | sed 's/.*: //')\" {}",
                    plan.name,
                    plan.reference()
                ),
            ],
        }
    }
}

/// podman reads layouts as they are, and prints the identity of what it has read.
pub(super) fn podman_brings(plan: &Plan) -> Vec<String> {
    vec![format!("podman tag \"$(podman pull --quiet oci:LAYOUT:TAG)\" {}", plan.reference())]
}

/// containerd takes the name that an archive carries, which for ocelet's is that of an image of docker's own registry; it gets the
/// one that is asked for beside it. An archive without a name has one made of a base and its tag.
pub(super) fn containerd_brings(plan: &Plan, namespace: &str) -> Vec<String> {
    let file = format!("{}.tar", plan.name);
    let images = format!("ctr --namespace {namespace} images");
    let mut steps = vec![format!("ocelet export LAYOUT:TAG --format oci-archive --to {file}")];
    match &plan.archived_as {
        Some(name) => {
            steps.push(format!("{images} import {file}"));
            steps.push(format!("{images} tag --force {name} {}", plan.reference()));
        }
        None => steps.push(format!("{images} import --base-name {} {file}", plan.image)),
    }
    steps
}

/// How a namespace of the host is asked for.
pub(super) fn namespace_option(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Network => "--network host",
        Namespace::Pid => "--pid host",
        Namespace::Uts => "--uts host",
        Namespace::Cgroup => "--cgroupns host",
    }
}

/// A mount as `PATH:TARGET:OPTIONS`.
pub(super) fn volume(mount: &PlannedMount, relabel: bool) -> String {
    let mut options = Vec::new();
    if mount.access == Access::Read {
        options.push(mount.access.option());
    }
    if mount.propagation != Propagation::Private {
        options.push(mount.propagation.option());
    }
    if relabel && mount.relabel {
        options.push("z");
    }
    let suffix = if options.is_empty() { String::new() } else { format!(":{}", options.join(",")) };
    format!("{}:{}{suffix}", mount.path, mount.target)
}
