//! kube-proxy as what the cluster runs: a DaemonSet as kubeadm makes it, or a static pod of one node.
//!
//! The fields are those of kubeadm's own manifest
//! (`https://github.com/kubernetes/kubernetes/blob/v1.36.4/cmd/kubeadm/app/phases/addons/proxy/manifests.go`).

use std::fmt::Write;

use crate::facts::{Access, Presence};
use crate::plan::Plan;

use super::{FromImage, Launch, LaunchFile};

/// The cluster's, whose configuration is a ConfigMap.
pub(super) fn daemon_set(plan: &Plan) -> Launch {
    let name = &plan.name;
    let mut text = format!(
        "# {} of Kubernetes {} on every node, with the ConfigMap and the service account that kubeadm makes.\n\
         # Written by `ocelet launch`: kubectl apply -f FILE\n",
        plan.summary, plan.release
    );
    let _ = write!(
        text,
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: {name}\n  namespace: kube-system\n  labels:\n    k8s-app: {name}\n\
         spec:\n  selector:\n    matchLabels:\n      k8s-app: {name}\n  updateStrategy:\n    type: RollingUpdate\n  template:\n    metadata:\n      \
         labels:\n        k8s-app: {name}\n    spec:\n"
    );
    text.push_str(&pod(plan, 6, true));
    launch(
        plan,
        text,
        format!("{name}-daemonset.yaml"),
        vec![format!("kubectl apply -f {name}-daemonset.yaml")],
    )
}

/// One node's, whose configuration is on the node.
pub(super) fn static_pod(plan: &Plan) -> Launch {
    let name = &plan.name;
    let mut text = format!(
        "# {} of Kubernetes {} as a static pod: the kubelet starts what lies in /etc/kubernetes/manifests.\n\
         # Written by `ocelet launch`. /var/lib/kube-proxy/config.conf and the kubeconfig that it names are the node's.\n",
        plan.summary, plan.release
    );
    let _ = write!(
        text,
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: kube-system\n  labels:\n    k8s-app: {name}\nspec:\n"
    );
    text.push_str(&pod(plan, 2, false));
    launch(plan, text, format!("etc/kubernetes/manifests/{name}.yaml"), Vec::new())
}

fn launch(plan: &Plan, text: String, path: String, next: Vec<String>) -> Launch {
    let _ = plan;
    Launch {
        printed: text.clone(),
        files: vec![LaunchFile { path, text, is_program: false }],
        from_image: FromImage::Nothing,
        bring: Vec::new(),
        next,
    }
}

/// The fields of a pod's `spec`, so far in.
fn pod(plan: &Plan, indent: usize, in_cluster: bool) -> String {
    let mut lines = vec![
        "priorityClassName: system-node-critical".to_owned(),
        "hostNetwork: true".to_owned(),
        "containers:".to_owned(),
        format!("- name: {}", plan.name),
        format!("  image: {}", scalar(&plan.reference())),
        "  imagePullPolicy: IfNotPresent".to_owned(),
        "  command:".to_owned(),
        format!("  - {}", plan.program),
    ];
    lines.extend(plan.arguments.iter().map(|argument| format!("  - {}", scalar(argument))));
    lines.push("  - --hostname-override=$(NODE_NAME)".to_owned());
    lines.extend(
        [
            "  env:",
            "  - name: NODE_NAME",
            "    valueFrom:",
            "      fieldRef:",
            "        fieldPath: spec.nodeName",
        ]
        .map(str::to_owned),
    );
    for (name, value) in &plan.environment {
        lines.push(format!("  - name: {name}"));
        lines.push(format!("    value: {}", scalar(value)));
    }
    lines.extend(["  securityContext:", "    privileged: true", "  volumeMounts:"].map(str::to_owned));
    let mut volumes = vec!["volumes:".to_owned()];
    for (number, mount) in plan.mounts.iter().enumerate() {
        let name = format!("host-{number}");
        lines.push(format!("  # {}", mount.reason));
        lines.push(format!("  - name: {name}"));
        lines.push(format!("    mountPath: {}", scalar(&mount.target)));
        if mount.access == Access::Read {
            lines.push("    readOnly: true".to_owned());
        }
        volumes.push(format!("- name: {name}"));
        if in_cluster && mount.target == "/var/lib/kube-proxy" {
            volumes.extend(["  configMap:", "    name: kube-proxy"].map(str::to_owned));
        } else {
            volumes.push("  hostPath:".to_owned());
            volumes.push(format!("    path: {}", scalar(&mount.path)));
            if let Some(kind) = kind(mount.kind) {
                volumes.push(format!("    type: {kind}"));
            }
        }
    }
    lines.append(&mut volumes);
    if in_cluster {
        lines.push("serviceAccountName: kube-proxy".to_owned());
    }
    lines.extend(
        ["tolerations:", "- operator: Exists", "nodeSelector:", "  kubernetes.io/os: linux"]
            .map(str::to_owned),
    );
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{:indent$}{line}", "");
        text
    })
}

/// What the kubelet does where the host lacks a path (`HostPathType` in `k8s.io/api/core/v1/types.go`).
fn kind(presence: Presence) -> Option<&'static str> {
    match presence {
        Presence::Directory => Some("DirectoryOrCreate"),
        Presence::File => Some("FileOrCreate"),
        Presence::Present | Presence::Required => None,
    }
}

/// A string as YAML: plain where nothing in it could mean something else, otherwise as JSON writes it, which YAML reads.
fn scalar(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=".contains(&byte);
    let starts_well =
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/') || text.starts_with("--");
    let reads_otherwise = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if starts_well
        && !reads_otherwise
        && text.bytes().all(|byte| is_plain(byte) || byte == b':')
        && !text.ends_with(':')
    {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn strings_stay_strings_in_yaml() {
        for (text, want) in [
            ("kube-proxy", "kube-proxy"),
            ("localhost/kube-proxy:v1", "localhost/kube-proxy:v1"),
            ("--v=2", "--v=2"),
            ("yes", "\"yes\""),
            ("12", "\"12\""),
            ("a: b", "\"a: b\""),
            ("# no", "\"# no\""),
            ("", "\"\""),
            ("say \"x\"", "\"say \\\"x\\\"\""),
        ] {
            assert_eq!(scalar(text), want);
        }
    }
}
