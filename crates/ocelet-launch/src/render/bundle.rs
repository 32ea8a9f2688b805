//! An OCI runtime bundle: `config.json` and the root file system, which runc and crun start without any daemon.
//!
//! Written by the types of the OCI runtime specification 1.0 (`config.md`, `config-linux.md`). No namespace but that of mounts is
//! new, nothing is masked, and every capability is there, as for a privileged container.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::facts::{Namespace, Presence, Propagation};
use crate::plan::{Plan, PlannedMount};

use super::{FromImage, Launch, LaunchFile, script, unit};

/// Where the bundle is put on a host, unless it is put elsewhere.
const PLACE: &str = "/var/lib/ocelet";

/// All capabilities up to Linux 5.9 (`capabilities(7)`), since a runtime refuses one that it does not know.
const CAPABILITIES: &[&str] = &[
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_READ",
    "CAP_AUDIT_WRITE",
    "CAP_BLOCK_SUSPEND",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_KILL",
    "CAP_LEASE",
    "CAP_LINUX_IMMUTABLE",
    "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE",
    "CAP_MKNOD",
    "CAP_NET_ADMIN",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_RAW",
    "CAP_PERFMON",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_NICE",
    "CAP_SYS_PACCT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
];

pub(super) fn launch(plan: &Plan) -> Launch {
    let configuration = configuration(plan);
    let place = format!("{PLACE}/{}", plan.name);
    let mut files = vec![
        LaunchFile { path: "config.json".to_owned(), text: configuration.clone(), is_program: false },
        LaunchFile { path: "start".to_owned(), text: start(plan), is_program: true },
    ];
    files.extend(plan.wrappers.iter().map(|wrapper| LaunchFile {
        path: wrapper_path(&wrapper.path),
        text: wrapper.text.clone(),
        is_program: true,
    }));
    let mut next = vec!["DIR/start, or RUNTIME=crun DIR/start".to_owned()];
    if plan.stays {
        let path = format!("{}.service", plan.name);
        files.push(LaunchFile { path: path.clone(), text: service(plan, &place), is_program: false });
        next.push(format!(
            "or with systemd, as {place}: cp {place}/{path} /etc/systemd/system/ && systemctl enable --now {}",
            plan.name
        ));
    }
    Launch {
        printed: configuration,
        files,
        from_image: FromImage::Whole { to: "rootfs" },
        bring: Vec::new(),
        next,
    }
}

/// `config.json`, checked by the types of the specification.
fn configuration(plan: &Plan) -> String {
    let mut arguments = vec![plan.program.clone()];
    arguments.extend(plan.arguments.iter().cloned());
    let capabilities =
        json!({ "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES });
    let document = json!({
        "ociVersion": "1.0.2",
        "root": { "path": "rootfs", "readonly": false },
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": arguments,
            "env": environment(plan),
            "cwd": "/",
            "capabilities": capabilities,
            "noNewPrivileges": false,
        },
        "mounts": mounts(plan),
        "linux": {
            "namespaces": namespaces(plan),
            "resources": { "devices": [{ "allow": true, "access": "rwm" }] },
            // With less, a mount that is shared inside is still hidden from the host.
            "rootfsPropagation": if shares(plan) { "shared" } else { "slave" },
        },
    });
    let specification: oci_spec::runtime::Spec =
        serde_json::from_value(document).expect("a test reads what every plan makes");
    let mut document = serde_json::to_value(specification).expect("strings, numbers and lists are JSON");
    // The types keep capabilities in no order.
    if let Some(sets) = document["process"]["capabilities"].as_object_mut() {
        for set in sets.values_mut().filter_map(Value::as_array_mut) {
            set.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        }
    }
    let text = serde_json::to_string_pretty(&document).expect("strings, numbers and lists are JSON");
    text + "\n"
}

/// The image's environment with that of the user, each name once.
fn environment(plan: &Plan) -> Vec<String> {
    let pairs = plan.image_environment.iter().filter_map(|line| line.split_once('='));
    let mut environment: BTreeMap<&str, &str> = pairs.collect();
    environment.entry("PATH").or_insert("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    environment.extend(plan.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    environment.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Which namespaces are new: that of mounts, and those that the component does not share with the host.
fn namespaces(plan: &Plan) -> Vec<Value> {
    let own = [
        (Namespace::Network, "network"),
        (Namespace::Pid, "pid"),
        (Namespace::Uts, "uts"),
        (Namespace::Cgroup, "cgroup"),
    ];
    // What shares nothing is no container that must see the host; it still copies as the host's root.
    let own = own.iter().filter(|(one, _)| !plan.namespaces.is_empty() && !plan.namespaces.contains(one));
    let mut namespaces = vec![json!({ "type": "mount" })];
    namespaces.extend(own.map(|(_, name)| json!({ "type": name })));
    namespaces
}

fn shares(plan: &Plan) -> bool {
    plan.mounts.iter().any(|mount| mount.propagation == Propagation::Shared)
}

/// What every process needs, and what of the host is seen.
fn mounts(plan: &Plan) -> Vec<Value> {
    let mut mounts = vec![json!({ "destination": "/proc", "type": "proc", "source": "proc" })];
    let sees = |target: &str| plan.mounts.iter().any(|mount| mount.target == target);
    if !plan.namespaces.is_empty() {
        mounts.push(bind("/sys", "/sys", &["rbind", "rslave", "rw"]));
    }
    if !sees("/dev") {
        mounts.push(bind("/dev", "/dev", &["rbind", "rslave", "rw"]));
    }
    mounts.extend(plan.mounts.iter().map(planned));
    mounts
}

fn planned(mount: &PlannedMount) -> Value {
    let is_wrapper = mount.path.starts_with("/usr/local/libexec/");
    let source = if is_wrapper { wrapper_path(&mount.path) } else { mount.path.clone() };
    bind(&source, &mount.target, &["rbind", mount.propagation.option(), mount.access.option()])
}

fn bind(source: &str, destination: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": "bind", "source": source, "options": options })
}

/// Scripts lie in the bundle: a relative source is one below it (`config.md`, "Mounts").
fn wrapper_path(path: &str) -> String {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    format!("wrappers/{name}")
}

/// What must be there first, and then the runtime.
fn start(plan: &Plan) -> String {
    let mut text = script::head(plan, "runc, or what RUNTIME names");
    text.push_str(&script::prepared(plan));
    let present: Vec<&str> = plan
        .mounts
        .iter()
        .filter(|mount| mount.kind == Presence::Present)
        .map(|mount| mount.path.as_str())
        .collect();
    if !present.is_empty() {
        let _ = write!(
            text,
            "\n# A bundle is made once, so that what a host lacks is said and not left out.\n{}; do\n    \
             if ! [ -e \"$path\" ]; then\n        echo \"$0: this host has no $path; have ocelet launch write the bundle again \
             --without $path\" >&2\n        exit 1\n    fi\ndone\n",
            script::list("for path in", &present)
        );
    }
    text.push_str(ROOT);
    let _ = write!(
        text,
        "\n\"${{RUNTIME:-runc}}\" delete --force {name} 2>/dev/null || :\nexec \"${{RUNTIME:-runc}}\" run --bundle \"$(dirname \"$0\")\" \
         --pid-file /run/{name}.pid {name}\n",
        name = plan.name
    );
    text
}

/// Seen with runc 1.1.5 and crun 1.8.1: without it what the kubelet mounts is hidden from the host.
const ROOT: &str = r#"
# The runtime makes the mount that the root lies on private. With one of its own, the host's stay shared.
root=$(cd "$(dirname "$0")" && pwd -P)/rootfs
if ! grep -qF " $root " /proc/self/mountinfo; then
    mount --bind "$root" "$root"
fi
"#;

fn service(plan: &Plan, place: &str) -> String {
    let mut text = unit::head(plan, "as a bundle", None);
    let name = &plan.name;
    let _ = write!(
        text,
        "\n[Service]\n# Another runtime: RUNTIME=crun.\nEnvironmentFile=-/{}\nExecStart={place}/start\n\
         ExecStopPost=-/bin/sh -c \"$${{RUNTIME:-runc}} delete --force {name}\"\nDelegate=yes\n",
        unit::environment_path(plan)
    );
    text.push_str(unit::RESTART);
    text.push_str(unit::INSTALL);
    text
}
