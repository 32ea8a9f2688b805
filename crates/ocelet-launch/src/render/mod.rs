//! [`render()`]: a plan as text, for whatever starts it: what is printed, and the files that are copied to a host.
//!
//! It refuses nothing: whatever can be planned can be written.

mod bundle;
mod ctr;
mod engine;
mod host;
mod install;
mod manifest;
mod quadlet;
mod script;
mod shell;
mod unit;

use crate::choice::{Component, Runtime};
use crate::plan::{Image, Plan};

/// What starts a component.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Launch {
    /// What is printed: what somebody runs or copies by hand.
    pub printed: String,
    /// Files of a directory that is copied to a host, by path.
    pub files: Vec<LaunchFile>,
    /// What of the image stands in that directory.
    pub from_image: FromImage,
    /// How the image comes to what runs it: commands, where LAYOUT:TAG stands for the image as ocelet knows it.
    pub bring: Vec<String>,
    /// What to do with the files once they are on a host; DIR stands for the directory.
    pub next: Vec<String>,
}

/// A file that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchFile {
    /// Below the directory, without a slash in front.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// What of an image is written beside the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromImage {
    /// Nothing: a container runtime has it.
    Nothing,
    /// All of it, as a directory.
    Whole {
        /// Below the directory.
        to: &'static str,
    },
    /// Some files: path in the image, and path below the directory.
    Files(Vec<(String, String)>),
}

/// Whether a script is started by somebody, or by systemd, which then watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    ByHand,
    ByUnit,
}

/// Writes what starts a plan.
pub fn render(plan: &Plan, image: &Image, runtime: Runtime) -> Launch {
    match (runtime, plan.component) {
        (Runtime::Docker, _) => container(plan, &engine::DOCKER),
        (Runtime::Nerdctl, _) => container(plan, &engine::NERDCTL),
        (Runtime::Podman, _) => container(plan, &engine::PODMAN),
        (Runtime::Ctr, _) => container(plan, &ctr::Ctr),
        (Runtime::Quadlet, _) => quadlet::launch(plan),
        (Runtime::Bundle, _) => bundle::launch(plan),
        (Runtime::Kubernetes, _) => manifest::daemon_set(plan),
        (Runtime::Crio, Component::KubeProxy) => manifest::static_pod(plan),
        (Runtime::Systemd | Runtime::Crio, Component::InstallCni) => install::plugins(image),
        (Runtime::Systemd | Runtime::Crio, Component::Kubeadm) => install::kubeadm(plan),
        (Runtime::Systemd | Runtime::Crio, _) => host::launch(plan, image, runtime),
    }
}

/// What runs containers from a command line.
trait ContainerRuntime {
    /// Its name, which is that of its program.
    fn name(&self) -> &'static str;
    /// The unit of systemd that it needs, if it has a daemon.
    fn daemon(&self) -> Option<&'static str>;
    /// The command that starts the plan, a word or an option with its value on each line; `"$@"` holds mounts that depend on the host.
    fn command(&self, plan: &Plan, form: Form) -> Vec<String>;
    /// The option that mounts `$path` where a shell has that, onto itself and read-only.
    fn mount_of_variable(&self) -> &'static str;
    /// Commands that take away what an earlier start has left.
    fn cleanup(&self, plan: &Plan) -> Vec<String>;
    /// The command that stops it.
    fn stop(&self, plan: &Plan) -> String;
    /// How the image comes to this runtime.
    fn bring(&self, plan: &Plan) -> Vec<String>;
}

fn container(plan: &Plan, runtime: &dyn ContainerRuntime) -> Launch {
    let printed = script::script(plan, runtime, Form::ByHand);
    if !plan.stays {
        let files = vec![LaunchFile {
            path: format!("usr/local/bin/{}-once", plan.name),
            text: printed.clone(),
            is_program: true,
        }];
        return Launch {
            printed,
            files,
            from_image: FromImage::Nothing,
            bring: runtime.bring(plan),
            next: Vec::new(),
        };
    }
    let start = format!("usr/local/libexec/{}/start", plan.name);
    let mut files = vec![
        LaunchFile {
            path: start.clone(),
            text: script::script(plan, runtime, Form::ByUnit),
            is_program: true,
        },
        LaunchFile {
            path: format!("etc/systemd/system/{}.service", plan.name),
            text: unit::of_container(plan, runtime, &format!("/{start}")),
            is_program: false,
        },
        unit::environment_file(plan, &unit::other_image(plan)),
    ];
    files.extend(wrappers(plan));
    let next =
        vec![format!("cp -a DIR/. / && systemctl daemon-reload && systemctl enable --now {}", plan.name)];
    Launch { printed, files, from_image: FromImage::Nothing, bring: runtime.bring(plan), next }
}

/// The scripts that enter the host, as files.
fn wrappers(plan: &Plan) -> impl Iterator<Item = LaunchFile> {
    plan.wrappers.iter().map(|wrapper| LaunchFile {
        path: wrapper.path.trim_start_matches('/').to_owned(),
        text: wrapper.text.clone(),
        is_program: true,
    })
}
