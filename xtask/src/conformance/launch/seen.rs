//! What a started component saw, held against the plan: mounts with their propagation, namespaces, the words of its command.

use std::path::Path;

use ocelet::launch::Runtime;
use serde_json::Value;

use crate::shell::read_text;

/// Namespaces that a plan names, as the kernel calls them (`namespaces(7)`).
const NAMESPACES: &[(&str, &str)] =
    &[("network", "net"), ("pid", "pid"), ("uts", "uts"), ("cgroup", "cgroup")];

/// What kubeadm has written for the node, without what a later release does not know.
const FROM_KUBEADM: &str = "--node-ip=10.0.0.1";

/// What the kubelet is given besides; none of it means anything on the way.
pub(super) const VARIABLE: &str = "PROBE=a b%c\"d";

/// A component's own words, and the host beside it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: Vec<String>,
    variables: Vec<String>,
    namespaces: Vec<String>,
    mounts: Vec<Mount>,
    host_namespaces: Vec<String>,
    host_mounts: Vec<Mount>,
}

/// A line of `mountinfo` (`proc(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    target: String,
    /// Whether it may only be read.
    is_read_only: bool,
    /// The group whose mounts it shares.
    shared: Option<String>,
    /// Whether mounts of another group reach it.
    is_slave: bool,
}

impl Mount {
    fn read(line: &str) -> Option<Self> {
        let (before, _) = line.split_once(" - ")?;
        let fields: Vec<&str> = before.split(' ').collect();
        let (target, options) = (fields.get(4)?, fields.get(5)?);
        let tag = |name: &str| fields.iter().skip(6).find_map(|field| field.strip_prefix(name));
        target.starts_with('/').then(|| Self {
            target: (*target).to_owned(),
            is_read_only: options.split(',').any(|option| option == "ro"),
            shared: tag("shared:").map(str::to_owned),
            is_slave: tag("master:").is_some(),
        })
    }
}

impl Seen {
    /// Reads what `start.sh` kept.
    pub(super) fn read(place: &Path, form: &str) -> Result<Self, String> {
        let text = |what: &str| read_text(&place.join(format!("{form}.{what}")));
        Ok(Self::of(&text("report")?, &text("mountinfo")?, &text("namespaces")?))
    }

    fn of(report: &str, host_mounts: &str, host_namespaces: &str) -> Self {
        let told = |key: &str| -> Vec<String> {
            report.lines().filter_map(|line| line.strip_prefix(key)).map(str::to_owned).collect()
        };
        Self {
            words: told("word "),
            variables: told("variable "),
            namespaces: told("namespace "),
            mounts: report.lines().filter_map(Mount::read).collect(),
            host_namespaces: host_namespaces.lines().map(str::to_owned).collect(),
            host_mounts: host_mounts.lines().filter_map(Mount::read).collect(),
        }
    }

    /// Everything that the plan promises; in a sentence what was found.
    pub(super) fn check(&self, plan: &Value, runtime: Runtime) -> Result<String, String> {
        let mut wrong: Vec<String> = self.words_differ(plan, runtime).into_iter().collect();
        let mut mounts = 0;
        if !runtime.is_host() {
            wrong.extend(self.namespaces_differ(plan));
            if is_kubelet(plan) && !self.variables.iter().any(|variable| variable == VARIABLE) {
                wrong.push(format!("its variables are {:?}, wanted {VARIABLE}", self.variables));
            }
            let planned = plan["mounts"].as_array().ok_or("the plan has no mounts")?;
            for mount in planned {
                match self.mount_differs(mount) {
                    Some(difference) => wrong.push(difference),
                    None => mounts += 1,
                }
            }
        }
        let reaches = self.host_mounts.iter().any(|mount| mount.target == "/var/lib/kubelet/mounted");
        if is_kubelet(plan) && !reaches {
            wrong.push("what it mounts in /var/lib/kubelet does not reach the host".to_owned());
        }
        if wrong.is_empty() {
            let own = if reaches { ", and its own mount reaches the host" } else { "" };
            Ok(format!("{} words and {mounts} mounts as planned{own}", self.words.len()))
        } else {
            Err(wrong.join("\n"))
        }
    }

    fn words_differ(&self, plan: &Value, runtime: Runtime) -> Option<String> {
        let mut want: Vec<&str> =
            plan["arguments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // A bundle is given these when it is made.
        if is_kubelet(plan) && runtime != Runtime::Bundle {
            want.push(FROM_KUBEADM);
        }
        let got: Vec<&str> = self.words.iter().skip(1).map(String::as_str).collect();
        (got != want).then(|| format!("its words are {got:?}, wanted {want:?}"))
    }

    fn namespaces_differ(&self, plan: &Value) -> Vec<String> {
        let planned: Vec<&str> =
            plan["namespaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let of = |all: &[String], name: &str| {
            all.iter().find(|namespace| namespace.starts_with(&format!("{name}:"))).cloned()
        };
        let differs = |name: &str| of(&self.namespaces, name) != of(&self.host_namespaces, name);
        let named = NAMESPACES.iter().filter(|(word, name)| planned.contains(word) && differs(name));
        let mut wrong: Vec<String> =
            named.map(|(word, _)| format!("its namespace {word} is not the host's")).collect();
        if !differs("mnt") {
            wrong.push("its mounts are the host's".to_owned());
        }
        wrong
    }

    fn mount_differs(&self, planned: &Value) -> Option<String> {
        let text = |key: &str| planned[key].as_str().unwrap_or_default();
        let (path, target) = (text("path"), text("target"));
        let Some(mount) = self.mounts.iter().rfind(|mount| mount.target == target) else {
            return Some(format!("{target} is not mounted"));
        };
        if mount.is_read_only != (text("access") == "read") {
            return Some(format!("{target} is wanted for {}, and it is {mount:?}", text("access")));
        }
        let group = self.group_of_host(path);
        match text("propagation") {
            "shared" if mount.shared.is_none() || mount.shared != group => {
                Some(format!("{target} is not shared with the host's group {group:?}: {mount:?}"))
            }
            "slave" if !mount.is_slave && mount.shared != group => {
                Some(format!("{target} does not see what the host mounts: {mount:?}"))
            }
            _ => None,
        }
    }

    /// The group of the mount that a path of the host lies on.
    fn group_of_host(&self, path: &str) -> Option<String> {
        let holds = |mount: &&Mount| {
            mount.target == "/"
                || path
                    .strip_prefix(&mount.target)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.host_mounts
            .iter()
            .filter(holds)
            .max_by_key(|mount| mount.target.len())
            .and_then(|mount| mount.shared.clone())
    }
}

/// Whether it is what mounts volumes, and what kubeadm writes flags for.
fn is_kubelet(plan: &Value) -> bool {
    plan["component"] == "kubelet"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOST: &str = "\
1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
2 1 0:5 / /dev rw shared:2 - devtmpfs devtmpfs rw
3 1 0:6 / /var/lib/kubelet/mounted rw shared:9 - tmpfs probe rw";

    /// A component as it should be, with one thing replaced.
    fn seen(from: &str, to: &str) -> Seen {
        let report = "\
word kubelet
word --config=x
word --node-ip=10.0.0.1
variable PROBE=a b%c\"d
namespace mnt:[2]
namespace net:[1]
10 0 0:9 / / rw - overlay overlay rw
11 10 0:5 / /dev rw master:2 - devtmpfs devtmpfs rw
12 10 8:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/vda rw
13 10 8:1 /etc/hosts /etc/hosts ro - ext4 /dev/vda rw";
        assert!(from.is_empty() || report.contains(from) || HOST.contains(from), "{from}");
        Seen::of(&report.replace(from, to), &HOST.replace(from, to), "mnt:[1]\nnet:[1]")
    }

    #[test]
    fn what_differs_from_the_plan_is_told() {
        let mount = |path: &str, access: &str, propagation: &str| json!({ "path": path, "target": path, "access": access, "propagation": propagation });
        let plan = json!({
            "component": "kubelet",
            "arguments": ["--config=x"],
            "namespaces": ["network"],
            "mounts": [
                mount("/dev", "write", "slave"),
                mount("/var/lib/kubelet", "write", "shared"),
                mount("/etc/hosts", "read", "private"),
            ],
        });
        for (from, to, want) in [
            ("none of these", "", Ok("3 words and 3 mounts")),
            ("net:[1]", "net:[3]", Err("its namespace network")),
            ("mnt:[2]", "mnt:[1]", Err("its mounts are the host's")),
            ("--node-ip=10.0.0.1", "--node-ip=10.0.0.1 --gone", Err("its words are")),
            ("a b%c", "a", Err("its variables are")),
            ("rw master:2", "rw", Err("/dev does not see")),
            ("rw shared:1 -", "rw shared:7 master:1 -", Err("/var/lib/kubelet is not shared with")),
            ("/etc/hosts ro", "/etc/hosts rw", Err("/etc/hosts is wanted for read")),
            ("/etc/hosts ro", "/etc/other ro", Err("/etc/hosts is not mounted")),
            ("kubelet/mounted", "kubelet/else", Err("does not reach the host")),
        ] {
            let seen = if from == "none of these" { seen("", "") } else { seen(from, to) };
            match (seen.check(&plan, Runtime::Podman), want) {
                (Ok(said), Ok(want)) => assert!(said.contains(want), "{said}"),
                (Err(said), Err(want)) => assert!(said.contains(want), "{from}: {said}"),
                (got, _) => panic!("{from}: {got:?}"),
            }
        }
    }
}
