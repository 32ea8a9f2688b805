//! Programs of the image on the host itself: a directory below `usr` and `opt` alone, so that it can be copied to a host, or be
//! a system extension (`systemd-sysext(8)`), which has nothing else.
//!
//! What belongs into `/etc` lies below `/usr/share` and is copied by `systemd-tmpfiles` where the host has nothing of its own.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::choice::{Component, Runtime};
use crate::facts::{Access, Presence};
use crate::plan::{Image, Plan};

use super::{FromImage, Launch, LaunchFile, unit};

/// Directories whose programs are a node's own, and not tools that every host has.
const WHOLE: &[&str] = &["/opt/cni/bin/", "/usr/share/kubelet/"];

/// And those of a node whose containers CRI-O runs.
const WHOLE_OF_CRIO: &[&str] = &["/usr/libexec/crio/", "/usr/lib/systemd/system/crio.service"];

/// Programs of a node. What they run (mount, iptables) is the host's.
const PROGRAMS: &[&str] = &["kubelet", "kubeadm", "crictl"];

/// And those of a node whose containers CRI-O runs.
const PROGRAMS_OF_CRIO: &[&str] = &["crio", "pinns"];

/// Where an image's programs are looked for.
const PATH: &[&str] = &["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/"];

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
        files.push(file(format!("usr/share/{}/kubeadm.yaml", plan.name), kubeadm(plan)));
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
    Launch { printed, files, from_image: FromImage::Files(copied), bring: Vec::new(), next }
}

/// The unit that starts a program of the host.
fn service(plan: &Plan, program: &str) -> String {
    let mut text = unit::head(plan, "", None);
    if let Some(loader) = &plan.loader {
        let _ = writeln!(
            text,
            "# It is linked dynamically, against the host's own libraries.\nAssertPathExists={loader}"
        );
    }
    text.push_str("\n[Service]\n");
    text.push_str(&unit::kubeadm_flags(plan));
    text.push_str(&unit::environment(plan));
    let mut words = vec![program.to_owned()];
    words.extend(unit::arguments(plan));
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
    let is_node = plan.component == Component::Kubelet;
    let wanted: Vec<&str> = match runtime {
        Runtime::Crio if is_node => [PROGRAMS, PROGRAMS_OF_CRIO].concat(),
        _ if is_node => PROGRAMS.to_vec(),
        _ => vec![plan.program.as_str()],
    };
    let programs = wanted.iter().filter_map(|program| found(image, program));
    let whole = image
        .paths
        .iter()
        .filter(|path| is_below(path, WHOLE) || runtime == Runtime::Crio && is_below(path, WHOLE_OF_CRIO))
        .filter(|_| is_node);
    let paths: BTreeSet<&String> = programs.chain(whole).collect();
    paths.into_iter().map(|path| (path.clone(), path.trim_start_matches('/').to_owned())).collect()
}

fn upheld(plan: &Plan, image: &Image, runtime: Runtime) -> Vec<String> {
    let mut units = vec![format!("{}.service", plan.name)];
    if runtime == Runtime::Crio && found(image, "crio").is_some() {
        units.push("crio.service".to_owned());
    }
    units
}

/// A configuration for `kubeadm init --config`, which says where the container runtime is.
fn kubeadm(plan: &Plan) -> String {
    format!(
        "# kubeadm init --config /usr/share/{}/kubeadm.yaml\napiVersion: kubeadm.k8s.io/{}\nkind: InitConfiguration\n\
         nodeRegistration:\n  criSocket: {}\n---\napiVersion: kubelet.config.k8s.io/v1beta1\n\
         kind: KubeletConfiguration\ncgroupDriver: systemd\n",
        plan.name, plan.kubeadm_api, plan.endpoint
    )
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
    // What others make with modes of their own is theirs: logs, and images of the container runtime.
    let own = plan.mounts.iter().filter(|mount| {
        mount.kind == Presence::Directory && mount.access == Access::Write && mount.path != "/var/log"
    });
    for mount in own {
        let _ = writeln!(text, "d {} 0755 root root -", mount.path);
    }
    for path in configuration {
        let _ = writeln!(text, "C {path} 0644 root root - /usr/share/{}{path}", plan.name);
    }
    text
}

fn is_below(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || place.ends_with('/') && path.starts_with(place))
}
