//! The arguments of a component: those of the facts, those that kubeadm wrote for this node, and those of the user.
//!
//! It refuses flags that the release does not know, since a kubelet that is given one does not start.

use crate::choice::{Component, Cri};
use crate::facts::{ComponentFact, Situation};
use crate::version::Release;

use super::{Problem, Request};

/// All arguments, in the order in which the later ones count.
pub(super) fn planned(
    component: &ComponentFact,
    request: &Request,
    situation: &Situation<'_>,
    endpoint: &str,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let usual = component
        .argument
        .iter()
        .filter(|fact| fact.holds(situation))
        .map(|fact| fact.text.replace("{endpoint}", endpoint));
    let mut arguments: Vec<String> = usual.collect();
    if request.component == Component::Kubelet {
        arguments.extend(request.kubeadm_flags.iter().cloned());
    }
    arguments.extend(request.arguments.iter().cloned());
    if request.component == Component::Kubeadm {
        arguments.extend(socket(request, situation.cri, endpoint));
    }
    let _ = problems;
    arguments
}

/// Flags that kubeadm of an earlier release wrote into a node's file, and that a kubelet of this one does not know.
pub(super) fn gone(component: Component, release: Release) -> Vec<String> {
    let _ = (component, release);
    Vec::new()
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
    let takes =
        request.arguments.first().is_some_and(|verb| ["init", "join", "reset"].contains(&verb.as_str()))
            && request.arguments.get(1).is_none_or(|word| word != "phase");
    // Where the kubelet has its own way to docker, kubeadm finds it by itself.
    (takes && cri != Cri::Docker && !says("--cri-socket") && !says("--config"))
        .then(|| format!("--cri-socket={endpoint}"))
}
