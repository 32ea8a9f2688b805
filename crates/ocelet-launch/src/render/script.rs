//! The script that starts a container: what must be there first, flags that kubeadm wrote, mounts that depend on the host, and
//! the command.
//!
//! It refuses to guess: what a host may lack is looked for when the script runs.

use std::fmt::Write;

use crate::choice::Component;
use crate::facts::{Access, Presence, Propagation};
use crate::plan::{Plan, PlannedMount};

use super::shell::{command, word};
use super::{ContainerRuntime, Form};

/// The whole script.
pub(super) fn script(plan: &Plan, runtime: &dyn ContainerRuntime, form: Form) -> String {
    let mut text = head(plan, runtime.name());
    text.push_str(&image(plan));
    text.push_str(&prepared(plan));
    if form == Form::ByHand {
        text.push_str(&wrappers(plan));
    }
    text.push_str(&flags(plan));
    text.push_str(&present(plan, runtime.mount_of_variable()));
    if !plan.stays {
        text.push_str("\nif [ -t 0 ] && [ -t 1 ]; then\n    set -- \"$@\" --tty\nfi\n");
    }
    text.push('\n');
    let _ = write!(text, "{}", reasons(plan));
    let _ = writeln!(text, "exec {}", command(&runtime.command(plan, form)));
    text
}

/// What it is, for whoever finds it on a host.
pub(super) fn head(plan: &Plan, by: &str) -> String {
    format!(
        "#!/bin/sh\n# Starts {} of Kubernetes {} with {by}, as root. Flags and mounts are those of {}: for another minor version\n\
         # have `ocelet launch` write this again.\nset -euf\n",
        plan.summary, plan.release, plan.release
    )
}

/// The image, unless the environment says another.
fn image(plan: &Plan) -> String {
    let name = variable(plan);
    let named = match &plan.tag {
        Some(tag) => format!("{}:${{{name}_IMAGE_TAG:-{tag}}}", plan.image),
        None => plan.image.clone(),
    };
    format!(
        "\n# Another image of the same minor version: {name}_IMAGE; another tag alone: {name}_IMAGE_TAG.\nimage=${{{name}_IMAGE:-{named}}}\n"
    )
}

/// The component's name as that of variables: `KUBE_PROXY`.
pub(super) fn variable(plan: &Plan) -> String {
    plan.component.word().to_ascii_uppercase().replace('-', "_")
}

/// Directories that must be there, and mounts that others must see.
pub(super) fn prepared(plan: &Plan) -> String {
    let directories: Vec<&str> = plan.directories().collect();
    let empty_files: Vec<&str> = plan.empty_files().collect();
    let mut text = String::new();
    if !directories.is_empty() || !empty_files.is_empty() {
        text.push_str("\n# What is mounted must be there first.\n");
    }
    for (program, paths) in [("mkdir -p", directories), ("touch", empty_files)] {
        if !paths.is_empty() {
            let _ = writeln!(text, "{}", list(program, &paths));
        }
    }
    let crossing: Vec<&str> = plan
        .mounts
        .iter()
        .filter(|mount| mount.propagation != Propagation::Private)
        .map(|mount| mount.path.as_str())
        .collect();
    if !crossing.is_empty() {
        let _ = write!(text, "{SHARE}{}", list("share", &crossing));
        text.push('\n');
    }
    text
}

const SHARE: &str = r#"
# Lets mounts that are made below a directory be seen by others. systemd does so for the whole host; other systems do not.
share() {
    for directory; do
        place=$directory
        until grep -Eq "^([^ ]+ ){4}$place " /proc/self/mountinfo || [ "$place" = / ]; do
            place=${place%/*}
            place=${place:-/}
        done
        if grep -E "^([^ ]+ ){4}$place " /proc/self/mountinfo | tail -n 1 | grep -q " shared:"; then
            continue
        fi
        if [ "$place" != "$directory" ]; then
            mount --rbind "$directory" "$directory"
        fi
        mount --make-rshared "$directory"
    done
}
"#;

/// A command with its arguments, on lines that can be read.
pub(super) fn list(program: &str, arguments: &[&str]) -> String {
    let mut text = program.to_owned();
    let mut width = text.len();
    for argument in arguments {
        let argument = word(argument);
        if width + argument.len() > 110 {
            text.push_str(" \\\n   ");
            width = 3;
        }
        width += argument.len() + 1;
        let _ = write!(text, " {argument}");
    }
    text
}

/// Scripts that enter the host, written where they are mounted from.
fn wrappers(plan: &Plan) -> String {
    let mut text = String::new();
    for wrapper in &plan.wrappers {
        let path = word(&wrapper.path);
        let directory = wrapper.path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        let _ = write!(
            text,
            "\nmkdir -p {}\ncat >{path} <<'END'\n{}END\nchmod 0755 {path}\n",
            word(directory),
            wrapper.text
        );
    }
    text
}

/// Flags that kubeadm and the node's owner wrote, in `$flags`.
fn flags(plan: &Plan) -> String {
    if !plan.reads_flags() {
        return String::new();
    }
    let mut text = String::from("\n# Flags that kubeadm wrote for this node");
    let gone: Vec<String> = plan.gone_flags.iter().map(|flag| format!("--{flag} | --{flag}=*")).collect();
    if gone.is_empty() {
        text.push_str(".\n");
    } else {
        let _ = writeln!(text, ", but for those that Kubernetes {} does not know.", plan.release);
    }
    text.push_str(
        "if [ -r /var/lib/kubelet/kubeadm-flags.env ]; then\n    . /var/lib/kubelet/kubeadm-flags.env\nfi\n",
    );
    if gone.is_empty() {
        text.push_str("flags=\"${KUBELET_KUBEADM_ARGS:-} ${KUBELET_EXTRA_ARGS:-}\"\n");
    } else {
        let _ = write!(
            text,
            "flags=\nfor flag in ${{KUBELET_KUBEADM_ARGS:-}} ${{KUBELET_EXTRA_ARGS:-}}; do\n    case $flag in\n    {}) ;;\n    \
             *) flags=\"$flags $flag\" ;;\n    esac\ndone\n",
            gone.join(" | \\\n    ")
        );
    }
    text
}

/// Whether a mount is left to the script, since hosts may lack its path.
pub(super) fn depends(mount: &PlannedMount) -> bool {
    mount.kind == Presence::Present
        && mount.path == mount.target
        && mount.access == Access::Read
        && mount.propagation == Propagation::Private
}

/// Mounts of what not every host has.
fn present(plan: &Plan, option: &str) -> String {
    let paths: Vec<&str> =
        plan.mounts.iter().filter(|mount| depends(mount)).map(|mount| mount.path.as_str()).collect();
    let mut text = String::from("\nset --\n");
    if !paths.is_empty() {
        let _ = write!(
            text,
            "# What not every host has, read-only.\n{}; do\n    if [ -e \"$path\" ]; then\n        set -- \"$@\" {option}\n    fi\ndone\n",
            list("for path in", &paths)
        );
    }
    text
}

/// Why each mount is there.
pub(super) fn reasons(plan: &Plan) -> String {
    let width = plan.mounts.iter().map(|mount| mount.target.len()).max().unwrap_or(0);
    plan.mounts.iter().fold(String::new(), |mut text, mount| {
        let _ = writeln!(text, "# {:<width$}  {}", mount.target, mount.reason);
        text
    })
}

/// The options that add to the environment, which all these runtimes spell alike.
pub(super) fn environment(plan: &Plan) -> Vec<String> {
    let file = plan.environment_file.iter().map(|file| format!("--env-file {}", word(file)));
    let variables = plan.environment.iter();
    file.chain(variables.map(|(name, value)| format!("--env {}", word(&format!("{name}={value}"))))).collect()
}

/// The program's words behind the image: arguments, and what the script found.
pub(super) fn arguments(plan: &Plan) -> Vec<String> {
    let mut words: Vec<String> = plan.arguments.iter().map(|argument| word(argument)).collect();
    if plan.component == Component::Kubelet {
        words.push("$flags".to_owned());
    }
    words
}
