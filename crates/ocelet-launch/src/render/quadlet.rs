//! A file from which podman's generator makes a unit of systemd.
//!
//! Only keys that every generator knows, back to podman 4.4, are written; everything else is passed to podman as it is
//! (`podman-systemd.unit(5)`). The generator itself removes an old container, and delegates the cgroup.

use std::fmt::Write;

use crate::facts::Namespace;
use crate::plan::Plan;

use super::engine::{namespace_option, podman_brings, volume};
use super::{FromImage, Launch, LaunchFile, script, unit, wrappers};

pub(super) fn launch(plan: &Plan) -> Launch {
    let printed = container(plan);
    let path = format!("etc/containers/systemd/{}.container", plan.name);
    let mut files = vec![LaunchFile { path, text: printed.clone(), is_program: false }];
    files.extend(plan.reads_flags().then(|| unit::environment_file(plan, &[])));
    files.extend(wrappers(plan));
    let next = vec![format!("cp -a DIR/. / && systemctl daemon-reload && systemctl start {}", plan.name)];
    Launch { printed, files, from_image: FromImage::Nothing, bring: podman_brings(plan), next }
}

fn container(plan: &Plan) -> String {
    let mut text = unit::head(plan, "in podman", None);
    text.push('\n');
    text.push_str(&script::reasons(plan));
    let _ = writeln!(text, "[Container]\nContainerName={}\nImage={}", plan.name, plan.reference());
    for namespace in &plan.namespaces {
        match namespace {
            Namespace::Network => text.push_str("Network=host\n"),
            other => {
                let _ = writeln!(text, "PodmanArgs={}", namespace_option(*other));
            }
        }
    }
    text.push_str("PodmanArgs=--privileged\nPodmanArgs=--log-driver passthrough\n");
    if plan.image.starts_with("localhost/") {
        text.push_str("PodmanArgs=--pull never\n");
    }
    let _ = writeln!(text, "PodmanArgs=--entrypoint {}", plan.program);
    for (name, value) in &plan.environment {
        let _ = writeln!(text, "Environment={}", unit::word(&format!("{name}={value}")));
    }
    if let Some(file) = &plan.environment_file {
        let _ = writeln!(text, "EnvironmentFile={file}");
    }
    for mount in &plan.mounts {
        let _ = writeln!(text, "Volume={}", volume(mount, plan.relabel));
    }
    let _ = writeln!(text, "Exec={}", unit::arguments(plan).join(" "));
    text.push_str("\n[Service]\n");
    text.push_str(&unit::directories(plan));
    text.push_str(&unit::kubeadm_flags(plan));
    text.push_str(unit::RESTART);
    text.push_str(unit::INSTALL);
    text
}
