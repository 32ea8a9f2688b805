//! Programs that run for as long as a node does, and are never packed.
//!
//! A packed program lives in memory of its own: its pages are not those of the file, so the kernel can neither share
//! them between processes nor drop and read them again when memory is short (upx(1), and measured with Go programs:
//! the whole image counts as anonymous memory). For a program that ends soon this costs nothing; for a daemon it is
//! paid all the time, on every node.

/// Names of programs, and what each is. A name matches whole, but for those that end with `*`.
const DAEMONS: &[(&str, &str)] = &[
    ("kubelet", "the node's agent"),
    ("kube-proxy", "the node's service proxy"),
    ("kube-apiserver", "a server of the control plane"),
    ("kube-controller-manager", "a server of the control plane"),
    ("kube-scheduler", "a server of the control plane"),
    ("cloud-controller-manager", "a server of the control plane"),
    ("etcd", "the cluster's database"),
    ("coredns", "the cluster's name server"),
    ("flanneld", "the node's network agent"),
    ("calico-node", "the node's network agent"),
    ("cilium-agent", "the node's network agent"),
    ("crio", "a container engine"),
    ("containerd*", "a container engine, or the shim that stays beside each container"),
    ("dockerd", "a container engine"),
    ("docker-proxy", "a proxy that stays for each published port"),
    ("cri-dockerd", "a container engine's front"),
    ("buildkitd", "a builder that stays"),
    ("conmon*", "the monitor that stays beside each container"),
    ("pause", "the program that stays in each pod"),
    ("catatonit", "the first process of containers"),
    ("tini*", "the first process of containers"),
    ("dumb-init", "the first process of containers"),
];

/// What a program of this name is, where it is known to run for long.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    DAEMONS.iter().find(|(pattern, _)| is(pattern)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    #[test]
    fn daemons_are_known_by_name() {
        for (name, want) in [
            ("kubelet", true),
            ("containerd", true),
            ("containerd-shim-runc-v2", true),
            ("conmonrs", true),
            ("crio", true),
            ("pause", true),
            ("kubeadm", false),
            ("crictl", false),
            ("crio-status", false),
            ("bridge", false),
            ("runc", false),
        ] {
            assert_eq!(super::known(name).is_some(), want, "{name}");
        }
    }
}
