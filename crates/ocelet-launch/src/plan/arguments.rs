//! The arguments of a component: those of the facts, those that kubeadm wrote for this node, and those of the user.
//!
//! It refuses flags that the release does not know, since a kubelet that is given one does not start.

use crate::choice::{Component, Cri};
use crate::facts::{ComponentFact, Facts, Situation};
use crate::flags::{self, Fit};
use crate::version::Release;

use super::{Problem, Request};

/// All arguments, in the order in which the later ones count.
pub(super) fn planned(
    component: &ComponentFact,
    request: &Request,
    situation: &Situation<'_>,
    endpoint: &str,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let usual = component
        .argument
        .iter()
        .filter(|fact| fact.holds(situation))
        .map(|fact| fact.text.replace("{endpoint}", endpoint));
    let mut arguments: Vec<String> = usual.collect();
    if request.component == Component::Kubelet {
        // A file of an earlier kubeadm is freed of what this kubelet does not know, as it is where a script reads it.
        let gone = facts.flags.kubeadm_wrote_and_gone(situation.release);
        let is_gone = |flag: &str| {
            let name = flag.trim_start_matches('-').split('=').next().unwrap_or_default();
            gone.contains(&name)
        };
        arguments.extend(request.kubeadm_flags.iter().filter(|flag| !is_gone(flag)).cloned());
    }
    arguments.extend(request.arguments.iter().cloned());
    if request.component == Component::Kubeadm {
        arguments.extend(socket(request, situation.cri, endpoint));
    }
    unfit(request, situation, facts, &arguments, problems);
    arguments
}

/// The table of flags that a component's arguments are held against; kubeadm's other commands have flags of their own.
fn table(request: &Request) -> Option<flags::Program> {
    match request.component {
        Component::Kubelet => Some(flags::Program::Kubelet),
        Component::KubeProxy => Some(flags::Program::KubeProxy),
        Component::Kubeadm if acts(request) => Some(flags::Program::Kubeadm),
        Component::Kubeadm | Component::InstallCni => None,
    }
}

/// Flags that the release does not know any more, or not yet.
fn unfit(
    request: &Request,
    situation: &Situation<'_>,
    facts: &Facts,
    arguments: &[String],
    problems: &mut Vec<Problem>,
) {
    for argument in arguments.iter().filter(|argument| argument.contains(|one: char| one.is_control())) {
        let why = "it has control characters, which cannot be passed on".to_owned();
        problems.push(Problem::Flag { flag: argument.escape_debug().to_string(), why });
    }
    let Some(table) = table(request) else { return };
    let release = situation.release;
    for argument in arguments.iter().filter(|argument| argument.starts_with("--")) {
        let flag = argument.split('=').next().unwrap_or_default().to_owned();
        let why = match facts.flags.fit(table, release, argument) {
            Fit::Gone { since, instead, .. } => {
                let instead =
                    instead.map_or_else(|| "leave it out".to_owned(), |instead| format!("use {instead}"));
                format!("went with Kubernetes {since}, and this is {release}; {instead}")
            }
            Fit::NotYet { since } => {
                format!("came with Kubernetes {since}, and this is {release}; leave it out")
            }
            Fit::Fits | Fit::Deprecated { .. } | Fit::Unknown { .. } => continue,
        };
        problems.push(Problem::Flag { flag, why });
    }
}

/// Flags that no release knows: most likely mistyped, but the tables may lack one.
pub(super) fn unknown(request: &Request, release: Release, facts: &Facts) -> Vec<String> {
    let Some(table) = table(request) else { return Vec::new() };
    let given =
        request.kubeadm_flags.iter().chain(&request.arguments).filter(|argument| argument.starts_with("--"));
    given
        .filter_map(|argument| match facts.flags.fit(table, release, argument) {
            Fit::Unknown { nearest } => {
                let meant = nearest.map_or_else(String::new, |nearest| format!("; is --{nearest} meant?"));
                Some(format!("{} knows no flag {argument}{meant}", request.component))
            }
            _ => None,
        })
        .collect()
}

/// Flags that kubeadm of an earlier release wrote into a node's file, and that a kubelet of this one does not know.
pub(super) fn gone(component: Component, release: Release, facts: &Facts) -> Vec<String> {
    match component {
        Component::Kubelet => {
            facts.flags.kubeadm_wrote_and_gone(release).into_iter().map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// kubeadm looks for sockets below /var/run, which an image need not have, so it is told; but not where it would refuse to be:
/// beside a configuration file.
fn socket(request: &Request, cri: Cri, endpoint: &str) -> Option<String> {
    let says = |flag: &str| {
        request
            .arguments
            .iter()
            .any(|word| word == flag || word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
    };
    // Where the kubelet has its own way to docker, kubeadm finds it by itself.
    (acts(request) && cri != Cri::Docker && !says("--cri-socket") && !says("--config"))
        .then(|| format!("--cri-socket={endpoint}"))
}

/// Whether kubeadm is asked for one of the commands that change a node.
fn acts(request: &Request) -> bool {
    request.arguments.first().is_some_and(|verb| ["init", "join", "reset"].contains(&verb.as_str()))
        && request.arguments.get(1).is_none_or(|word| word != "phase")
}
