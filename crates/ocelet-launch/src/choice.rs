//! What a user chooses between: components, what starts them, what the kubelet speaks to, and what is wanted of the host.
//!
//! It refuses other words, and says which there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that is none of those that there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} {text:?}, only {}", .words.join(", "))]
pub struct UnknownWord {
    /// What was to be chosen.
    pub kind: &'static str,
    /// What was there instead.
    pub text: String,
    /// What there is.
    pub words: Vec<&'static str>,
}

/// Writes an enum of words: their spelling, all of them in order, and reading one.
macro_rules! words {
    ($(#[$documentation:meta])* $name:ident, $kind:literal, { $($(#[$line:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        pub enum $name {
            $($(#[$line])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All that there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How it is written.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| UnknownWord {
                    kind: $kind,
                    text: text.to_owned(),
                    words: Self::ALL.iter().map(|one| one.word()).collect(),
                })
            }
        }
    };
}

words! {
    /// What is started.
    Component, "component", {
        /// The node's agent.
        Kubelet = "kubelet",
        /// What joins a node to a cluster, once.
        Kubeadm = "kubeadm",
        /// What makes services reachable.
        KubeProxy = "kube-proxy",
        /// What copies network plugins to the host, once.
        InstallCni = "install-cni",
    }
}

words! {
    /// What starts it.
    Runtime, "runtime", {
        /// `docker run`.
        Docker = "docker",
        /// containerd's own client.
        Ctr = "ctr",
        /// `nerdctl run`, docker's words for containerd.
        Nerdctl = "nerdctl",
        /// `podman run`.
        Podman = "podman",
        /// A file from which podman's generator makes a unit of systemd.
        Quadlet = "quadlet",
        /// A unit of systemd that runs the programs on the host itself.
        Systemd = "systemd",
        /// A whole node on the host itself, whose containers CRI-O runs; for kube-proxy a static pod.
        Crio = "crio",
        /// An OCI runtime bundle, for runc and crun.
        Bundle = "bundle",
        /// The cluster: a DaemonSet.
        Kubernetes = "kubernetes",
    }
}

impl Runtime {
    /// Whether programs are run on the host itself, in no container.
    pub const fn is_host(self) -> bool {
        matches!(self, Self::Systemd | Self::Crio)
    }
}

words! {
    /// The container runtime that the kubelet speaks to.
    Cri, "container runtime", {
        /// containerd and its CRI plugin.
        Containerd = "containerd",
        /// CRI-O.
        Crio = "crio",
        /// docker, through cri-dockerd.
        CriDockerd = "cri-dockerd",
        /// docker, through the kubelet itself; up to Kubernetes 1.23.
        Docker = "docker",
    }
}

words! {
    /// What more is wanted of the host.
    Wish, "wish", {
        /// The host's certificates in place of those of the image.
        Certificates = "certificates",
        /// Drivers of FlexVolumes that are installed on the host.
        Flexvolume = "flexvolume",
        /// The host's iscsiadm.
        Iscsi = "iscsi",
        /// The host's modprobe.
        Modprobe = "modprobe",
        /// The host's configuration of Ceph, and modprobe.
        Rbd = "rbd",
        /// Labels of SELinux.
        Selinux = "selinux",
    }
}

words! {
    /// Which cgroups the host has.
    Cgroups, "version of cgroups", {
        /// One tree for each controller.
        V1 = "1",
        /// One tree for all (`cgroups(7)`).
        V2 = "2",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for runtime in Runtime::ALL {
            assert_eq!(runtime.word().parse::<Runtime>().as_ref(), Ok(runtime));
        }
        let error = "rkt".parse::<Runtime>().expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "there is no runtime \"rkt\", only docker, ctr, nerdctl, podman, quadlet, systemd, crio, bundle, kubernetes"
        );
    }
}
