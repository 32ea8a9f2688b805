//! What is written for nine releases of Kubernetes and every runtime, held against files that people have read.
//!
//! `OCELET_BLESS=1 cargo test -p ocelet-launch --test golden` writes them anew; what then differs is read again.
#![expect(clippy::disallowed_methods, reason = "golden files are read and written here")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ocelet_launch::{
    Cgroups, Component, Facts, FromImage, Image, Launch, Release, Request, Runtime, plan, render,
};

/// Releases on both sides of every change that starting a node knows.
const RELEASES: &[(u16, u16)] =
    &[(1, 18), (1, 23), (1, 24), (1, 26), (1, 27), (1, 33), (1, 35), (1, 37), (1, 38)];

fn image(component: Component, release: Release) -> Image {
    let (name, commands): (&str, &[&str]) = match component {
        Component::KubeProxy => ("localhost/kube-proxy", &["kube-proxy", "busybox", "sh"]),
        _ => {
            ("localhost/kubelet", &["kubelet", "kubeadm", "install-cni", "busybox", "sh", "nsenter", "crio"])
        }
    };
    let paths = [
        "/usr/bin/kubelet",
        "/usr/bin/kubeadm",
        "/usr/local/bin/crio",
        "/usr/libexec/crio/crun",
        "/opt/cni/bin/bridge",
        "/opt/cni/bin/host-local",
        "/etc/crio/policy.json",
        "/etc/crictl.yaml",
        "/usr/lib/systemd/system/crio.service",
        "/usr/local/bin/kube-proxy",
    ];
    Image {
        name: name.to_owned(),
        tag: Some(format!("v{release}.0")),
        release: Some(release),
        platform: "linux/amd64".to_owned(),
        commands: Some(commands.iter().map(|&command| command.to_owned()).collect()),
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        loaders: loaders(component, release),
        environment: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
    }
}

/// The kubelet is linked statically from 1.38 on.
fn loaders(component: Component, release: Release) -> BTreeMap<String, String> {
    let loader = ("kubelet".to_owned(), "/lib64/ld-linux-x86-64.so.2".to_owned());
    let dynamic = component == Component::Kubelet && release < Release::new(1, 38);
    dynamic.then_some(loader).into_iter().collect()
}

fn request(component: Component, runtime: Runtime) -> Request {
    let arguments: &[&str] = match component {
        Component::Kubeadm => &["join", "10.0.0.1:6443", "--token", "abcdef.0123456789abcdef"],
        _ => &[],
    };
    Request {
        component,
        runtime,
        cri: None,
        endpoint: None,
        cgroups: Cgroups::V2,
        release: None,
        name: None,
        wishes: BTreeSet::new(),
        mounts: Vec::new(),
        without: BTreeSet::new(),
        environment: BTreeMap::new(),
        environment_file: None,
        kubeadm_flags: Vec::new(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    }
}

/// What is printed, and every file behind its path.
fn shown(launch: &Launch) -> String {
    let mut text = String::new();
    for line in launch.bring.iter().chain(&launch.next) {
        text.push_str(&format!("#> {line}\n"));
    }
    text.push_str(&launch.printed);
    for file in launch.files.iter().filter(|file| file.text != launch.printed) {
        let program = if file.is_program { " (program)" } else { "" };
        text.push_str(&format!("\n#> {}{program}\n{}", file.path, file.text));
    }
    match &launch.from_image {
        FromImage::Nothing => {}
        FromImage::Whole { to } => text.push_str(&format!("\n#> {to}: the image\n")),
        FromImage::Files(files) => {
            text.push_str("\n#> from the image\n");
            for (path, to) in files {
                text.push_str(&format!("{path} -> {to}\n"));
            }
        }
    }
    text
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn check(name: &str, got: &str, wrong: &mut Vec<String>) {
    let path = golden(name);
    if std::env::var_os("OCELET_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has a directory")).expect("a directory");
        std::fs::write(&path, got).expect("a golden file");
        return;
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    if want != got {
        wrong.push(format!("{name} is another:\n{got}"));
    }
}

#[test]
fn every_release_and_runtime_is_written_as_it_was_read() {
    let facts = Facts::embedded();
    let mut wrong = Vec::new();
    for (major, minor) in RELEASES {
        let release = Release::new(*major, *minor);
        for component in Component::ALL {
            for runtime in Runtime::ALL {
                // What differs by release is the kubelet; of the others the first and the last tell.
                if *component != Component::Kubelet && ![(1, 18), (1, 38)].contains(&(*major, *minor)) {
                    continue;
                }
                let image = image(*component, release);
                let Ok(plan) = plan(&image, &request(*component, *runtime), &facts) else {
                    continue;
                };
                let launch = render(&plan, &image, *runtime);
                check(&format!("{component}/{release}/{runtime}"), &shown(&launch), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
