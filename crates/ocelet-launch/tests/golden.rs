//! What is written for nine releases of Kubernetes and every runtime, held against files that people have read.
//!
//! `OCELET_BLESS=1 cargo test -p ocelet-launch --test golden` writes them anew; what then differs is read again.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read and written here, and scripts shown to a shell"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocelet_launch::{
    Cgroups, Component, Cri, Facts, FromImage, Image, Launch, Release, Request, Runtime, Wish, plan, render,
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
        "/var/run",
    ];
    Image {
        name: name.to_owned(),
        tag: Some(format!("v{release}.0")),
        archived_as: Some(format!(
            "docker.io/library/{}:v{release}.0",
            name.trim_start_matches("localhost/")
        )),
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
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Request { arguments, ..Request::new(component, runtime) }
}

/// What is printed, and every file behind its path.
fn shown(launch: &Launch) -> String {
    let steps = launch.bring.iter().chain(&launch.next);
    let mut text: String = steps.flat_map(|line| ["#> ", line, "\n"]).collect();
    text.push_str(&launch.printed);
    for file in launch.files.iter().filter(|file| file.text != launch.printed) {
        let program = if file.is_program { " (program)" } else { "" };
        text.extend(["\n#> ", &file.path, program, "\n", &file.text]);
    }
    match &launch.from_image {
        FromImage::Nothing => {}
        FromImage::Whole { to } => text.extend(["\n#> ", to, ": the image\n"]),
        FromImage::Files(files) => {
            text.push_str("\n#> from the image\n");
            for (path, to) in files {
                text.extend([path, " -> ", to, "\n"]);
            }
        }
    }
    text
}

/// Whether a shell can read a script, without running it.
fn is_script(text: &str) -> bool {
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().expect("every system has sh");
    let mut input = shell.stdin.take().expect("it is piped");
    input.write_all(text.as_bytes()).expect("the shell reads it");
    drop(input);
    shell.wait().expect("the shell ends").success()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn check(name: &str, launch: &Launch, wrong: &mut Vec<String>) {
    let texts = launch.files.iter().map(|file| &file.text).chain([&launch.printed]);
    for text in texts.filter(|text| text.starts_with("#!")) {
        assert!(is_script(text), "{name} has a script that no shell reads:\n{text}");
    }
    let (path, got) = (golden(name), shown(launch));
    if std::env::var_os("OCELET_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has a directory")).expect("a directory");
        std::fs::write(&path, &got).expect("a golden file");
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
                let Ok(plan) = plan(&image, &request(*component, *runtime), facts) else {
                    continue;
                };
                let launch = render(&plan, &image, *runtime);
                check(&format!("{component}/{release}/{runtime}"), &launch, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything that can be asked for at once, with names and values that need quoting.
fn everything(runtime: Runtime) -> Request {
    let mount = |text: &str| text.parse().expect("a mount");
    Request {
        cri: Some(Cri::Crio),
        endpoint: Some("unix:///run/own/crio.sock".to_owned()),
        cgroups: Cgroups::V1,
        name: Some("node-agent".to_owned()),
        wishes: Wish::ALL.iter().copied().collect(),
        mounts: vec![mount("/srv/data:rslave"), mount("/etc/hosts.node:/etc/hosts:ro")],
        without: ["/lib/modules".to_owned()].into(),
        environment: [("NO_PROXY".to_owned(), "10.0.0.0/8,a b $x 100%".to_owned())].into(),
        environment_file: Some("/etc/node.env".to_owned()),
        kubeadm_flags: vec!["--node-ip=10.0.0.2".to_owned()],
        arguments: vec!["--node-labels=a=b,c='d e'".to_owned()],
        ..request(Component::Kubelet, runtime)
    }
}

#[test]
fn everything_that_can_be_asked_for_is_written() {
    let facts = Facts::embedded();
    let mut wrong = Vec::new();
    for runtime in Runtime::ALL.iter().filter(|runtime| **runtime != Runtime::Kubernetes) {
        let release = Release::new(1, 30);
        let mut image = image(Component::Kubelet, release);
        image.commands.get_or_insert_default().insert("rbd".to_owned());
        let plan = plan(&image, &everything(*runtime), facts).expect("all of it goes together");
        check(&format!("everything/{runtime}"), &render(&plan, &image, *runtime), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
