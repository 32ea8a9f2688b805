//! Units of systemd around a container, and what all units have in common.
//!
//! Programs are named without a directory: systemd looks for them in its own path (`systemd.service(5)`, "Command lines").

use std::fmt::Write;

use crate::plan::Plan;

use super::{ContainerRuntime, LaunchFile, script};

/// The unit that starts a container's script and stops the container.
pub(super) fn of_container(plan: &Plan, runtime: &dyn ContainerRuntime, start: &str) -> String {
    let mut text = head(plan, &format!("in {}", runtime.name()), runtime.daemon());
    text.push_str("\n[Service]\n");
    let _ = writeln!(text, "EnvironmentFile=-/{}", environment_path(plan));
    for command in runtime.cleanup(plan) {
        let _ = writeln!(text, "ExecStartPre=-{command}");
    }
    let _ = writeln!(text, "ExecStart={start}");
    let _ = writeln!(text, "ExecStop=-{}", runtime.stop(plan));
    for command in runtime.cleanup(plan) {
        let _ = writeln!(text, "ExecStopPost=-{command}");
    }
    text.push_str(RESTART);
    text.push_str(INSTALL);
    text
}

/// The section `[Unit]`: after the network, the container runtime that the kubelet speaks to, and what starts the container.
pub(super) fn head(plan: &Plan, how: &str, daemon: Option<&str>) -> String {
    let mut text = format!(
        "# Written by `ocelet launch` for Kubernetes {}.\n[Unit]\nDescription={} of Kubernetes {}",
        plan.release,
        capital(&plan.summary),
        plan.release
    );
    if !how.is_empty() {
        let _ = write!(text, " {how}");
    }
    text.push_str("\nDocumentation=https://kubernetes.io/docs/reference/command-line-tools-reference/\nWants=network-online.target\nAfter=network-online.target\n");
    let mut units: Vec<&str> = daemon.into_iter().collect();
    if plan.reads_flags() && !units.contains(&plan.cri_unit.as_str()) {
        units.push(&plan.cri_unit);
    }
    for unit in units {
        let _ = writeln!(text, "Wants={unit}\nAfter={unit}");
    }
    // A kubelet before its node has joined ends at once, and is started again until it has.
    text.push_str("StartLimitIntervalSec=0\n");
    text
}

/// A sentence begins with a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Started again whatever ended it.
pub(super) const RESTART: &str = "Restart=always\nRestartSec=10\n";

/// Started with the host.
pub(super) const INSTALL: &str = "\n[Install]\nWantedBy=multi-user.target\n";

/// Where a node's owner sets variables of a component; for the kubelet as Kubernetes' own packages have it.
pub(super) fn environment_path(plan: &Plan) -> String {
    format!("etc/default/{}", plan.name)
}

/// That file, with nothing set; `lines` are what else can be set, each behind its reason.
pub(super) fn environment_file(plan: &Plan, lines: &[(&str, String)]) -> LaunchFile {
    let flags = plan.reads_flags().then(|| ("More flags.", "KUBELET_EXTRA_ARGS=".to_owned()));
    let mut text = String::new();
    for (reason, line) in lines.iter().chain(&flags) {
        let _ = writeln!(text, "# {reason}\n#{line}");
    }
    LaunchFile { path: environment_path(plan), text, is_program: false }
}

/// What a script takes another image from.
pub(super) fn other_image(plan: &Plan) -> Vec<(&'static str, String)> {
    let name = script::variable(plan);
    let mut lines = vec![(
        "Another image of the same minor version of Kubernetes.",
        format!("{name}_IMAGE={}", plan.reference()),
    )];
    if let Some(tag) = &plan.tag {
        lines.push((
            "Another tag of the same image, of the same minor version.",
            format!("{name}_IMAGE_TAG={tag}"),
        ));
    }
    lines
}

/// The lines of `[Service]` that read what kubeadm wrote for this node, without flags that this release does not know.
pub(super) fn kubeadm_flags(plan: &Plan) -> String {
    if !plan.reads_flags() {
        return String::new();
    }
    let written = "/var/lib/kubelet/kubeadm-flags.env";
    if plan.gone_flags.is_empty() {
        return format!("EnvironmentFile=-{written}\nEnvironmentFile=-/{}\n", environment_path(plan));
    }
    let kept = format!("/run/{}/kubeadm-flags.env", plan.name);
    format!(
        "# Flags that kubeadm of an earlier version may have written, and that this one does not know.\n\
         RuntimeDirectory={}\n\
         ExecStartPre=-/bin/sh -c \"sed -E 's! ?--({})=[-A-Za-z0-9_.:/@,]*!!g' {written} >{kept}\"\n\
         EnvironmentFile=-{kept}\nEnvironmentFile=-/{}\n",
        plan.name,
        plan.gone_flags.join("|"),
        environment_path(plan)
    )
}

/// A word of a command line in a unit, where `$` means something too.
pub(super) fn word(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// The program's arguments as a unit has them, with those that it reads from files.
pub(super) fn arguments(plan: &Plan) -> Vec<String> {
    let mut words: Vec<String> = plan.arguments.iter().map(|argument| word(argument)).collect();
    if plan.reads_flags() {
        words.extend(["$KUBELET_KUBEADM_ARGS".to_owned(), "$KUBELET_EXTRA_ARGS".to_owned()]);
    }
    words
}

/// A word of a setting in a unit: `%` means something there, and so do spaces and quotes.
fn quoted(text: &str) -> String {
    let escaped = text.replace('%', "%%");
    if text.is_empty()
        || text.contains(|character: char| character.is_whitespace() || "\"'\\;".contains(character))
    {
        return format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\""));
    }
    escaped
}

/// `mkdir` and `touch` of what must be there first, as lines of `[Service]`.
pub(super) fn directories(plan: &Plan) -> String {
    let line = |program: &str, paths: Vec<String>| {
        if paths.is_empty() { String::new() } else { format!("ExecStartPre={program} {}\n", paths.join(" ")) }
    };
    line("mkdir -p", plan.directories().map(word).collect())
        + &line("touch", plan.empty_files().map(word).collect())
}

/// `Environment=` lines.
pub(super) fn environment(plan: &Plan) -> String {
    let mut text = String::new();
    for (name, value) in &plan.environment {
        let _ = writeln!(text, "Environment={}", quoted(&format!("{name}={value}")));
    }
    if let Some(file) = &plan.environment_file {
        let _ = writeln!(text, "EnvironmentFile={file}");
    }
    text
}
