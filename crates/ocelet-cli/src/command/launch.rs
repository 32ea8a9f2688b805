//! `ocelet launch`: from an image to a running node component.

mod check;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ocelet::Silent;
use ocelet::finished::{Finished, FinishedImage, Reference, launched, lay_out_launch};
use ocelet::host::{Host, Scratch, machine, read_text};
use ocelet::launch::{
    Cgroups, Component, Cri, Facts, FromImage, HostMount, Image, Plan, Release, Request, Runtime, Wish, plan,
    render,
};

use super::assemble::platform;
use super::only;
use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet launch dist/kubelet:v1.36.4-alpine3.24 --runtime docker            a script, on stdout\n  \
    ocelet launch dist/kubelet:v1.36.4-alpine3.24 --runtime quadlet --to node  files to copy to a host\n  \
    ocelet launch dist/kubelet:v1.36.4-alpine3.24 --runtime bundle --to kubelet && kubelet/start\n  \
    ocelet launch dist/kubelet:v1.36.4-kubeadm-alpine3.24 --runtime podman --component kubeadm -- join 10.0.0.1:6443 --token …\n  \
    ocelet launch dist/kube-proxy --runtime kubernetes | kubectl apply -f -\n  \
    ocelet launch dist/kubelet:v1.36.4-alpine3.24 --check config.yaml         does it fit this version?\n\n\
    Flags, mounts and namespaces are those of the image's version of Kubernetes; --format json shows each with its reason and \
    its source.\n\
    Runtimes: docker, nerdctl, podman and ctr are scripts, with --to a unit of systemd around one; quadlet is a unit for podman; \
    systemd and crio are directories with the image's programs, to be copied to a host or used as a system extension; bundle is \
    a directory that runc and crun start; kubernetes is a DaemonSet of kube-proxy."
)]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR[:TAG], or an archive
    image: String,

    /// What starts it: docker, ctr, nerdctl, podman, quadlet, systemd, crio, bundle or kubernetes
    #[arg(long, value_name = "RUNTIME", required_unless_present = "check")]
    runtime: Option<Runtime>,

    /// What is started: kubelet, kubeadm, kube-proxy or install-cni [default: kubelet, or kube-proxy in its image]
    #[arg(long, value_name = "COMPONENT")]
    component: Option<Component>,

    /// Write files that are copied to a host into this new directory, instead of printing
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    /// Start nothing, and tell what of this KubeletConfiguration (YAML) does not fit the image's version, mounts and programs
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    check: Option<PathBuf>,

    /// Kinds of volumes that the node mounts, for --check: block, btrfs, ceph, cifs, ext4, iscsi, nfs, xfs
    #[arg(long, value_name = "KIND", value_delimiter = ',', requires = "check")]
    volumes: Vec<String>,

    /// The platform, where the tag has several and none is this machine's
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// The version of Kubernetes, where the image does not say it
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<Release>,

    /// The image's name as the runtime knows it [default: localhost/NAME:TAG]
    #[arg(long = "image", value_name = "NAME[:TAG]")]
    known_as: Option<String>,

    /// The container's name [default: the component's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// What the kubelet speaks to: containerd, crio, cri-dockerd or docker [default: what fits --runtime]
    #[arg(long, value_name = "RUNTIME")]
    cri: Option<Cri>,

    /// Its socket, like unix:///run/containerd/containerd.sock
    #[arg(long, value_name = "URL")]
    runtime_endpoint: Option<String>,

    /// Which cgroups the host has: 1 or 2
    #[arg(long, value_name = "VERSION", default_value = "2")]
    cgroups: Cgroups,

    /// What more is wanted of the host: certificates, flexvolume, iscsi, modprobe, rbd, selinux
    #[arg(long = "with", value_name = "WHAT", value_delimiter = ',')]
    wishes: Vec<Wish>,

    /// One more mount: PATH[:TARGET][:ro,rshared,rslave]; one on the target of a usual mount takes its place
    #[arg(long, value_name = "MOUNT")]
    mount: Vec<HostMount>,

    /// A usual mount that is left out, by its target
    #[arg(long, value_name = "TARGET")]
    without: Vec<String>,

    /// One more environment variable
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,

    /// A file of the host with more environment variables
    #[arg(long, value_name = "PATH")]
    env_file: Option<String>,

    /// What kubeadm wrote for this node (kubeadm-flags.env), for a bundle, which cannot read it when it starts
    #[arg(long, value_name = "FILE")]
    kubeadm_flags: Option<PathBuf>,

    /// How it is printed: the text itself, or all that it was made from
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,

    /// More arguments of the program; for kubeadm, what it is to do
    #[arg(last = true, value_name = "ARGUMENT")]
    given: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let finished = Finished::open(Reference::new(&arguments.image))?;
    let found = one(arguments, &finished)?;
    let scratch = Scratch::new(environment::scratch());
    let host = Host {
        jobs: environment::jobs(None),
        epoch: environment::epoch()?,
        scratch: &scratch,
        observer: &Silent,
    };
    let mut image =
        launched(&found, &finished, &host).map_err(|error| Failure::from(ocelet::Error::from(error)))?;
    let is_own = arguments.known_as.is_none();
    if let Some(name) = &arguments.known_as {
        (image.name, image.tag) = files::known_as(name, image.tag.take())?;
    }
    let facts = Facts::embedded();
    let request = request(arguments, &image)?;
    if let Some(path) = &arguments.check {
        return check::run(path, arguments, &image, &request, facts, talk);
    }
    let plan = plan(&image, &request, facts).map_err(|error| Failure::usage(error.to_string()))?;
    let launch = render(&plan, &image, request.runtime);
    for note in &plan.notes {
        talk.status("Note", note);
    }
    match &arguments.to {
        Some(to) => {
            let laid = lay_out_launch(&launch, &found, &finished, to, &host)?;
            talk.status("Wrote", &format!("{} files and directories to {}", laid.entries, to.display()));
            if laid.not_given > 0 && launch.from_image != FromImage::Nothing {
                talk.warning(&format!(
                    "{} of them belong to you, and not to whom the image gives them: run this as root",
                    laid.not_given
                ));
            }
        }
        None => show(arguments, &plan, &launch.printed)?,
    }
    let bring = launch.bring.iter().filter(|_| is_own);
    let next = launch.next.iter().filter(|_| arguments.to.is_some());
    for step in bring.chain(next) {
        talk.status(
            "Next",
            &files::step(step, &files::named(&arguments.image, &found), arguments.to.as_deref()),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn show(arguments: &Arguments, plan: &Plan, printed: &str) -> Result<(), Failure> {
    match arguments.format {
        MessageFormat::Text => print(printed),
        MessageFormat::Json => {
            let mut document = serde_json::to_value(plan).map_err(|error| Failure::of(&error))?;
            document["text"] = printed.into();
            print_json(&document)
        }
    }
}

/// The one image that is meant: of this machine's platform, where nobody says another.
fn one(arguments: &Arguments, finished: &Finished) -> Result<FinishedImage, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let mut images = finished.images(wanted.as_ref())?;
    let tags: BTreeSet<_> = images.iter().map(|image| image.tag.clone()).collect();
    if tags.len() == 1 && images.len() > 1 {
        let own = machine()
            .and_then(|machine| images.iter().position(|image| image.platform.to_string() == machine));
        if let Some(own) = own {
            return Ok(images.swap_remove(own));
        }
    }
    only(images, &arguments.image)
}

fn request(arguments: &Arguments, image: &Image) -> Result<Request, Failure> {
    let has = |program: &str| image.commands.as_ref().is_some_and(|commands| commands.contains(program));
    let usual = if has("kube-proxy") && !has("kubelet") { Component::KubeProxy } else { Component::Kubelet };
    let mut variables = BTreeMap::new();
    for variable in &arguments.env {
        let (name, value) = variable
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--env {variable:?} is not written as NAME=VALUE")))?;
        variables.insert(name.to_owned(), value.to_owned());
    }
    let kubeadm_flags = match &arguments.kubeadm_flags {
        Some(path) => files::kubeadm_flags(&text(path)?, path)?,
        None => Vec::new(),
    };
    Ok(Request {
        component: arguments.component.unwrap_or(usual),
        // Only a check goes without one, and it is for what the scripts mount.
        runtime: arguments.runtime.unwrap_or(Runtime::Podman),
        cri: arguments.cri,
        endpoint: arguments.runtime_endpoint.clone(),
        cgroups: arguments.cgroups,
        release: arguments.kubernetes,
        name: arguments.name.clone(),
        wishes: arguments.wishes.iter().copied().collect(),
        mounts: arguments.mount.clone(),
        without: arguments.without.iter().cloned().collect(),
        environment: variables,
        environment_file: arguments.env_file.clone(),
        kubeadm_flags,
        arguments: arguments.given.clone(),
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    read_text(path).map_err(|error| Failure::unavailable(&error))
}
