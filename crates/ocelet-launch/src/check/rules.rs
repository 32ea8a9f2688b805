//! What several fields, the flags beside them, the host and the image say together.
//!
//! It refuses to judge what it was not told of: without the mounts no path is missing, without the commands no program.

use std::rc::Rc;

use super::fields::{Fields, Holds};
use super::scalar::{Scalar, resolve};
use super::yaml::{Node, Place, Value};
use super::{Cgroups, CheckContext, Report, Severity, shown};
use crate::flags::{Fit, Flags, Program};
use crate::version::Release;

/// The first release that starts on cgroup v1 only when it is told to.
const CGROUP_V1_REFUSED: Release = Release::new(1, 35);
const CGROUP_V1_SOURCE: &str = "https://github.com/kubernetes/kubernetes/blob/v1.36.4/pkg/kubelet/apis/config/validation/validation_linux.go";
/// The first release without Docker in the kubelet, which wants to be told of a runtime.
const WITHOUT_DOCKER: Release = Release::new(1, 24);
const ENDPOINT_SOURCE: &str =
    "https://github.com/kubernetes/kubernetes/blob/v1.26.0/cmd/kubelet/app/options/options.go";
/// The first release that has the endpoint in its configuration, and containerd's as the default.
const ENDPOINT_IS_FIELD: Release = Release::new(1, 27);
const ENDPOINT_DEFAULT_SOURCE: &str =
    "https://github.com/kubernetes/kubernetes/blob/v1.36.4/pkg/kubelet/apis/config/v1beta1/defaults.go";
/// The first release that asks the runtime for its cgroup driver without a feature gate.
const DRIVER_IS_ASKED: Release = Release::new(1, 34);
const DRIVER_SOURCE: &str =
    "https://github.com/kubernetes/kubernetes/blob/v1.26.0/pkg/kubelet/apis/config/v1beta1/defaults.go";

/// The text of a field at the top, as it stands there.
pub(super) fn text_of<'node>(document: &'node Node, name: &str) -> Option<&'node str> {
    match &field(document, name)?.value {
        Value::Scalar { text, .. } => Some(text),
        Value::List(_) | Value::Map(_) => None,
    }
}

/// The last value of a field: a dot goes into a section.
fn field<'node>(document: &'node Node, path: &str) -> Option<&'node Rc<Node>> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let (_, node) = document.entries().into_iter().rfind(|(key, _)| key.text == name)?;
    rest.map_or(Some(node), |rest| field(node, rest))
}

/// The place and text of a field that is a text and not empty.
fn given<'node>(document: &'node Node, path: &str) -> Option<(Place, &'node str)> {
    let node = field(document, path)?;
    match &node.value {
        Value::Scalar { text, is_plain } => match resolve(text, *is_plain) {
            Scalar::Text(text) if !text.is_empty() => Some((node.place, text)),
            _ => None,
        },
        Value::List(_) | Value::Map(_) => None,
    }
}

/// Whether a field or flag is switched on or off.
fn switch(document: &Node, path: &str) -> Option<(Place, bool)> {
    let node = field(document, path)?;
    match &node.value {
        Value::Scalar { text, is_plain } => match resolve(text, *is_plain) {
            Scalar::Bool(is_on) => Some((node.place, is_on)),
            _ => None,
        },
        Value::List(_) | Value::Map(_) => None,
    }
}

/// The value of a flag on the command line, empty where it has none of its own.
fn flag<'context>(context: &'context CheckContext, name: &str) -> Option<&'context str> {
    let mut flags = context.flags.iter().enumerate();
    flags.find_map(|(number, flag)| {
        let bare = flag.strip_prefix("--")?;
        let (found, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
        let next = || context.flags.get(number + 1).map_or("", String::as_str);
        (found == name).then(|| value.unwrap_or_else(next))
    })
}

/// What the fields of a document say together.
pub(super) fn document(document: &Node, context: &CheckContext, report: &mut Report) {
    if !matches!(document.value, Value::Map(_)) {
        return;
    }
    header(document, report);
    cgroups(document, context, report);
    endpoint(document, context, report);
    paths(document, context, report);
}

/// A wrong value of these is found like any other; here, that they are there at all.
fn header(document: &Node, report: &mut Report) {
    for (name, value) in [("apiVersion", "kubelet.config.k8s.io/v1beta1"), ("kind", "KubeletConfiguration")] {
        if text_of(document, name).is_none_or(str::is_empty) {
            let what = format!("there is no {name}: the kubelet does not start");
            report.add(document.place, Severity::Error, name, what, format!("write {name}: {value}"), None);
        }
    }
}

fn cgroups(document: &Node, context: &CheckContext, report: &mut Report) {
    let fields = Fields::embedded();
    let name = "failCgroupV1";
    let has_field =
        fields.get(name).and_then(|field| field.since).is_some_and(|since| since <= context.release);
    let by_flag = flag(context, "fail-cgroupv1").map(|value| value != "false");
    let by_field = switch(document, name);
    let fails = by_flag.or(by_field.map(|(_, fails)| fails)).unwrap_or(context.release >= CGROUP_V1_REFUSED);
    if context.cgroup == Some(Cgroups::V1) && has_field && fails {
        let place = by_field.map_or(document.place, |(place, _)| place);
        let what =
            format!("the host has cgroup v1, on which the kubelet {} does not start so", context.release);
        let advice = "write failCgroupV1: false, or start the host with cgroup v2".to_owned();
        report.add(place, Severity::Error, name, what, advice, Some(CGROUP_V1_SOURCE));
    }
    let has_driver = given(document, "cgroupDriver").is_some() || flag(context, "cgroup-driver").is_some();
    if context.cgroup == Some(Cgroups::V2) && context.release < DRIVER_IS_ASKED && !has_driver {
        let what = "without it the kubelet manages cgroups itself, beside systemd where the host runs that"
            .to_owned();
        let advice = "write cgroupDriver: systemd on such a host, and have the container runtime do the same"
            .to_owned();
        report.add(document.place, Severity::Note, "cgroupDriver", what, advice, Some(DRIVER_SOURCE));
    }
}

fn endpoint(document: &Node, context: &CheckContext, report: &mut Report) {
    for name in ["containerRuntimeEndpoint", "imageServiceEndpoint"] {
        let Some((place, address)) = given(document, name) else { continue };
        match address.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => {}
            None if address.starts_with('/') => {
                let what =
                    format!("{:?} is a path without unix:// in front, which is deprecated", shown(address));
                let advice = format!("write unix://{}", shown(address));
                report.add(place, Severity::Warning, name, what, advice, None);
            }
            _ => {
                let what = format!("{:?} is no address of a socket on Linux", shown(address));
                let advice = "write one like unix:///run/containerd/containerd.sock".to_owned();
                report.add(place, Severity::Error, name, what, advice, None);
            }
        }
    }
    let name = "containerRuntimeEndpoint";
    let is_told = given(document, name).is_some() || flag(context, "container-runtime-endpoint").is_some();
    if is_told || context.release < WITHOUT_DOCKER {
        return;
    }
    if context.release < ENDPOINT_IS_FIELD {
        let what = "the kubelet is not told of a container runtime, and does not start".to_owned();
        let advice =
            "give --container-runtime-endpoint=unix:///run/containerd/containerd.sock on its command line"
                .to_owned();
        report.add(
            document.place,
            Severity::Error,
            "--container-runtime-endpoint",
            what,
            advice,
            Some(ENDPOINT_SOURCE),
        );
    } else {
        let what =
            "no container runtime is named, so unix:///run/containerd/containerd.sock is taken".to_owned();
        let advice = "name it, if it is another one".to_owned();
        report.add(document.place, Severity::Note, name, what, advice, Some(ENDPOINT_DEFAULT_SOURCE));
    }
}

fn paths(document: &Node, context: &CheckContext, report: &mut Report) {
    let Some(mounts) = &context.mounts else { return };
    let fields = Fields::embedded();
    for (name, holds) in fields.of_the_host(context.release) {
        let Some((place, text)) = given(document, name) else { continue };
        let path = match holds {
            Holds::Socket => text.strip_prefix("unix://").unwrap_or(text),
            Holds::File | Holds::Directory => text,
        };
        // Others are relative to the file itself, or no paths, which is told elsewhere.
        if !path.starts_with('/') || mounts.iter().any(|mount| covers(mount, path)) {
            continue;
        }
        let severity = if holds == Holds::Directory { Severity::Warning } else { Severity::Error };
        let what =
            format!("nothing is mounted at {}, and the container does not see the host's", shown(path));
        let advice = format!("mount it: --mount {0}:{0}", shown(path));
        report.add(place, severity, name, what, advice, None);
    }
}

/// Whether a path lies at or below what is mounted. A path with `..` lies nowhere.
fn covers(mount: &str, path: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    let (target, path) = (parts(mount), parts(path));
    !path.iter().any(|part| part == "..") && path.starts_with(&target)
}

/// What is wrong beside the configuration: flags of the kubelet, and programs that volumes want.
pub(super) fn beside(place: Option<Place>, context: &CheckContext, report: &mut Report) {
    let place = place.unwrap_or(Place { line: 1, column: 1 });
    let flags = Flags::embedded();
    for argument in context.flags.iter().filter(|argument| argument.starts_with('-')) {
        let name = shown(argument.split('=').next().unwrap_or_default());
        let release = context.release;
        let (what, advice, source) = match flags.fit(Program::Kubelet, release, argument) {
            Fit::Fits | Fit::Deprecated { .. } => continue,
            Fit::Gone { since, instead, source } => {
                let advice =
                    instead.map_or_else(|| "remove it".to_owned(), |instead| format!("use {instead}"));
                (
                    format!("this flag is gone since Kubernetes {since}: the kubelet does not start"),
                    advice,
                    Some(source),
                )
            }
            Fit::NotYet { since } => {
                let what = format!("this flag is there from Kubernetes {since} on, not in {release}");
                (what, "remove it: the kubelet does not start with it".to_owned(), None)
            }
            Fit::Unknown { nearest } => {
                let advice =
                    nearest.map_or_else(|| "remove it".to_owned(), |near| format!("did you mean --{near}?"));
                ("no such flag is known: the kubelet does not start".to_owned(), advice, None)
            }
        };
        report.add(place, Severity::Error, &name, what, advice, source.as_deref());
    }
    let Some(commands) = &context.commands else { return };
    for need in &context.needs {
        if !commands.contains(&need.command) {
            let what = format!(
                "volumes of the kind {} want {}, which the image has not: {}",
                need.volume, need.command, need.reason
            );
            let advice = format!("assemble the image with --set volumes={}", need.volume);
            report.add(place, Severity::Warning, "volumes", what, advice, None);
        }
    }
}
