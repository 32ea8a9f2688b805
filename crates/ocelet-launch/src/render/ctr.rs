//! ctr, containerd's own client: it restarts nothing, so that systemd does.
//!
//! The flags are those of containerd 1.6 and later; `--rootfs-propagation` came with 1.6.0
//! (`https://github.com/containerd/containerd/blob/v1.6.0/cmd/ctr/commands/run/run_unix.go`).

use crate::choice::Cgroups;
use crate::facts::{Namespace, Propagation};
use crate::plan::{Plan, PlannedMount};

use super::{ContainerRuntime, Form, script};

/// A namespace of containerd that is not the kubelet's, whose garbage collection would otherwise see this container.
const NAMESPACE: &str = "system";

/// containerd's own client.
#[derive(Debug)]
pub(super) struct Ctr;

impl ContainerRuntime for Ctr {
    fn name(&self) -> &'static str {
        "ctr"
    }

    fn daemon(&self) -> Option<&'static str> {
        Some("containerd.service")
    }

    fn command(&self, plan: &Plan, form: Form) -> Vec<String> {
        let mut words = vec![format!("ctr --namespace {NAMESPACE} run")];
        let mut option = |text: String| words.push(text);
        match (plan.stays, form) {
            (true, Form::ByHand) => option(format!("--detach --log-uri file:///var/log/{}.log", plan.name)),
            (true, Form::ByUnit) => option(format!("--rm --pid-file /run/{}.pid", plan.name)),
            (false, _) => option("--rm".to_owned()),
        }
        option("--runtime io.containerd.runc.v2".to_owned());
        if !plan.namespaces.is_empty() {
            option("--privileged".to_owned());
        }
        for namespace in &plan.namespaces {
            match namespace {
                Namespace::Network => option("--net-host".to_owned()),
                Namespace::Pid => option("--with-ns pid:/proc/1/ns/pid".to_owned()),
                Namespace::Uts => option("--with-ns uts:/proc/1/ns/uts".to_owned()),
                // With cgroups of version 1 containerd makes no namespace of cgroups at all.
                Namespace::Cgroup if plan.cgroups == Cgroups::V2 => {
                    option("--with-ns cgroup:/proc/1/ns/cgroup".to_owned());
                }
                Namespace::Cgroup => {}
            }
        }
        // Without it a mount that is shared inside is still hidden from the host.
        if plan.mounts.iter().any(|mount| mount.propagation == Propagation::Shared) {
            option("--rootfs-propagation rshared".to_owned());
        }
        script::environment(plan).into_iter().for_each(&mut option);
        for mount in plan.mounts.iter().filter(|mount| !script::depends(mount)) {
            option(format!("--mount {}", mount_option(mount)));
        }
        option("\"$@\"".to_owned());
        option("\"$image\"".to_owned());
        option(plan.name.clone());
        option(plan.program.clone());
        words.extend(script::arguments(plan));
        words
    }

    fn mount_of_variable(&self) -> &'static str {
        "--mount \"type=bind,src=$path,dst=$path,options=rbind:ro\""
    }

    fn cleanup(&self, plan: &Plan) -> Vec<String> {
        vec![
            format!("ctr --namespace {NAMESPACE} tasks delete --force {}", plan.name),
            format!("ctr --namespace {NAMESPACE} containers delete {}", plan.name),
        ]
    }

    fn stop(&self, plan: &Plan) -> String {
        format!("ctr --namespace {NAMESPACE} tasks kill {}", plan.name)
    }

    fn bring(&self, plan: &Plan) -> Vec<String> {
        super::engine::containerd_brings(plan, NAMESPACE)
    }
}

fn mount_option(mount: &PlannedMount) -> String {
    let crossing = (mount.propagation != Propagation::Private).then(|| mount.propagation.option());
    let options: Vec<&str> = ["rbind"].into_iter().chain(crossing).chain([mount.access.option()]).collect();
    format!("type=bind,src={},dst={},options={}", mount.path, mount.target, options.join(":"))
}
