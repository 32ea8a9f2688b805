//! Programs of the image on the host itself: a directory below `usr` and `opt` alone, so that it can be copied to a host, or be
//! a system extension (`systemd-sysext(8)`), which has nothing else.
//!
//! What belongs into `/etc` lies below `/usr/share` and is copied by `systemd-tmpfiles` where the host has nothing of its own.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::choice::{Component, Runtime};
use crate::plan::{Image, Plan};

use super::{FromImage, Launch, LaunchFile, unit};

/// Directories whose programs are a node's own, and not tools that every host has.
const WHOLE: &[&str] = &["/opt/cni/bin/", "/usr/libexec/crio/"];

/// Programs of a node. What they run (mount, iptables) is the host's.
const PROGRAMS: &[&str] = &["kubelet", "kubeadm", "kube-proxy", "crictl", "crio", "pinns"];

/// Where an image's programs are looked for.
const PATH: &[&str] = &["/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"];

/// Configuration of CRI-O and of what starts with it.
const CONFIGURATION: &[&str] = &["/etc/crio/", "/etc/containers/", "/etc/cni/net.d/", "/etc/crictl.yaml"];

/// Modules and settings of the kernel without which pods have no network
/// (`https://kubernetes.io/docs/setup/production-environment/container-runtimes/`).
const MODULES: &str = "overlay\nbr_netfilter\n";
const SETTINGS: &str = "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n";

pub(super) fn launch(plan: &Plan, image: &Image, runtime: Runtime) -> Launch {
    let program = placed(image, &plan.program);
    let printed = service(plan, &program);
    let file = |path: String, text: String| LaunchFile { path, text, is_program: false };
    let mut files = vec![
        file(format!("usr/lib/systemd/system/{}.service", plan.name), printed.clone()),
        // Links in multi-user.target.wants would do for a copy; an extension that comes later is started by this alone.
        file(
            format!("usr/lib/systemd/system/multi-user.target.d/10-{}.conf", plan.name),
            format!("[Unit]\nUpholds={}\n", upheld(plan, image, runtime).join(" ")),
        ),
        file(format!("usr/lib/extension-release.d/extension-release.{}", plan.name), release(plan)),
    ];
    let mut copied = copied(plan, image, runtime);
    let configuration: Vec<&String> = match runtime {
        Runtime::Crio => image.paths.iter().filter(|path| is_below(path, CONFIGURATION)).collect(),
        _ => Vec::new(),
    };
    for path in &configuration {
        copied.push(((*path).clone(), format!("usr/share/{}{path}", plan.name)));
    }
    files.push(file(format!("usr/lib/tmpfiles.d/{}.conf", plan.name), tmpfiles(plan, &configuration)));
    if plan.component == Component::Kubelet {
        files.push(file(format!("usr/lib/modules-load.d/{}.conf", plan.name), MODULES.to_owned()));
        files.push(file(format!("usr/lib/sysctl.d/99-{}.conf", plan.name), SETTINGS.to_owned()));
    }
    let name = &plan.name;
    let next = vec![
        format!(
            "as a copy: cp -a DIR/. / && systemd-tmpfiles --create && systemctl daemon-reload && systemctl start {name}"
        ),
        format!(
            "as a system extension: put it at /var/lib/extensions/{name}, then systemd-sysext refresh && systemd-tmpfiles --create"
        ),
    ];
    Launch { printed, files, from_image: FromImage::Files(copied), next }
}

/// The unit that starts a program of the host.
fn service(plan: &Plan, program: &str) -> String {
    let mut text = unit::head(plan, "", None);
    text.push_str("\n[Service]\n");
    text.push_str(&unit::kubeadm_flags(plan));
    text.push_str(&unit::environment(plan));
    let mut words = vec![program.to_owned()];
    words.extend(plan.arguments.iter().map(|argument| unit::word(argument)));
    if plan.reads_flags() {
        words.extend(["$KUBELET_KUBEADM_ARGS".to_owned(), "$KUBELET_EXTRA_ARGS".to_owned()]);
    }
    let _ = writeln!(text, "ExecStart={}", words.join(" "));
    text.push_str(unit::RESTART);
    text.push_str(unit::INSTALL);
    text
}

/// Where a program is in the image; `/usr/bin` where nobody looked.
fn placed(image: &Image, program: &str) -> String {
    found(image, program).cloned().unwrap_or_else(|| format!("/usr/bin/{program}"))
}

fn found<'a>(image: &'a Image, program: &str) -> Option<&'a String> {
    PATH.iter().find_map(|directory| image.paths.get(&format!("{directory}{program}")))
}

/// Files of the image that are the node's own.
fn copied(plan: &Plan, image: &Image, runtime: Runtime) -> Vec<(String, String)> {
    let wanted: Vec<&str> = match runtime {
        Runtime::Crio => PROGRAMS.to_vec(),
        _ => vec![plan.program.as_str(), "kubeadm", "crictl"],
    };
    let programs = wanted.iter().filter_map(|program| found(image, program));
    let whole = image
        .paths
        .iter()
        .filter(|path| is_below(path, WHOLE) || runtime == Runtime::Crio && *path == CRIO_UNIT);
    let paths: BTreeSet<&String> = programs.chain(whole).collect();
    paths.into_iter().map(|path| (path.clone(), path.trim_start_matches('/').to_owned())).collect()
}

/// The unit that CRI-O's own recipe brings.
const CRIO_UNIT: &str = "/usr/lib/systemd/system/crio.service";

fn upheld(plan: &Plan, image: &Image, runtime: Runtime) -> Vec<String> {
    let mut units = vec![format!("{}.service", plan.name)];
    if runtime == Runtime::Crio && image.paths.contains(CRIO_UNIT) {
        units.push("crio.service".to_owned());
    }
    units
}

/// That the extension fits every distribution of its architecture (`os-release(5)`, "/usr/lib/extension-release.d/").
fn release(plan: &Plan) -> String {
    let architecture = match plan.platform.split('/').nth(1) {
        Some("amd64") => "x86-64",
        Some("386") => "x86",
        Some(other) => other,
        None => return "ID=_any\n".to_owned(),
    };
    format!("ID=_any\nARCHITECTURE={architecture}\n")
}

/// Directories that must be there, and configuration where the host has none (`tmpfiles.d(5)`).
fn tmpfiles(plan: &Plan, configuration: &[&String]) -> String {
    let mut text = String::new();
    for directory in plan.directories() {
        let _ = writeln!(text, "d {directory} 0755 root root -");
    }
    for path in configuration {
        let _ = writeln!(text, "C {path} 0644 root root - /usr/share/{}{path}", plan.name);
    }
    text
}

fn is_below(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || place.ends_with('/') && path.starts_with(place))
}
