//! Plans for every release and every choice: which flags, mounts and scripts they have, and what they refuse.

use super::*;
use crate::flags::{self, Fit};

fn image() -> Image {
    let commands = ["kubelet", "kubeadm", "kube-proxy", "install-cni", "nsenter", "sh", "rbd"];
    Image {
        name: "localhost/kubelet".to_owned(),
        tag: Some("v1.36.4".to_owned()),
        release: Some(Release::new(1, 36)),
        platform: "linux/amd64".to_owned(),
        commands: Some(commands.iter().map(|&command| command.to_owned()).collect()),
        ..Image::default()
    }
}

fn kubelet() -> Request {
    Request::new(Component::Kubelet, Runtime::Podman)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn no_release_is_given_a_flag_that_it_does_not_know() {
    let facts = Facts::embedded();
    let mut held = 0;
    for minor in 18..=38 {
        let release = Release::new(1, minor);
        for (component, table) in [
            (Component::Kubelet, flags::Program::Kubelet),
            (Component::Kubeadm, flags::Program::Kubeadm),
            (Component::KubeProxy, flags::Program::KubeProxy),
        ] {
            for (cri, cgroups, endpoint) in choices() {
                let request = Request {
                    cri: Some(cri),
                    cgroups,
                    endpoint,
                    release: Some(release),
                    arguments: if component == Component::Kubeadm {
                        words(&["join", "x:1"])
                    } else {
                        Vec::new()
                    },
                    ..Request::new(component, Runtime::Podman)
                };
                // docker is refused from 1.24 on, which another test says.
                let Ok(plan) = plan(&image(), &request, facts) else { continue };
                for argument in plan.arguments.iter().filter(|argument| argument.starts_with('-')) {
                    let fit = facts.flags.fit(table, release, argument);
                    assert!(fit.is_accepted(), "{component} {release} {cri}: {argument} is {fit:?}");
                    held += 1;
                }
            }
        }
    }
    assert!(held > 1_000, "only {held} flags were held against the tables");
}

/// Everything that a user may choose and that flags go by.
fn choices() -> impl Iterator<Item = (Cri, Cgroups, Option<String>)> {
    let endpoints = [None, Some("unix:///run/own.sock".to_owned())];
    Cri::ALL.iter().flat_map(move |cri| {
        let endpoints = endpoints.clone();
        Cgroups::ALL.iter().flat_map(move |cgroups| {
            endpoints.clone().into_iter().map(move |endpoint| (*cri, *cgroups, endpoint))
        })
    })
}

#[test]
fn a_file_of_an_earlier_kubeadm_is_freed_of_what_went() {
    let facts = Facts::embedded();
    let wrote = words(&["--pod-infra-container-image=registry.k8s.io/pause:3.9", "--node-ip=10.0.0.2"]);
    for (minor, kept) in [(34, 2), (35, 1)] {
        let request =
            Request { kubeadm_flags: wrote.clone(), release: Some(Release::new(1, minor)), ..kubelet() };
        let plan = plan(&image(), &request, facts).expect("it can be started");
        let there = wrote.iter().filter(|flag| plan.arguments.contains(flag)).count();
        assert_eq!(there, kept, "1.{minor}: {:?}", plan.arguments);
        assert_eq!(plan.gone_flags.contains(&"pod-infra-container-image".to_owned()), kept == 1);
    }
}

#[test]
fn kubeadm_is_told_of_the_socket_where_it_takes_it() {
    let facts = Facts::embedded();
    let socket = "--cri-socket=unix:///run/containerd/containerd.sock";
    for (arguments, told) in [
        (&["join", "10.0.0.1:6443"][..], true),
        (&["reset"], true),
        (&["init", "--upload-certs"], true),
        (&["init", "--config", "x.yaml"], false),
        (&["init", "--config=x.yaml"], false),
        (&["join", "x:1", "--cri-socket", "unix:///a"], false),
        (&["init", "phase", "preflight"], false),
        (&["token", "create"], false),
        (&[], false),
    ] {
        let request =
            Request { arguments: words(arguments), ..Request::new(Component::Kubeadm, Runtime::Podman) };
        let plan = plan(&image(), &request, facts).expect("it can be started");
        assert_eq!(plan.arguments.contains(&socket.to_owned()), told, "{arguments:?}");
    }
}

#[test]
fn what_cannot_work_is_said_with_what_to_do() {
    let facts = Facts::embedded();
    let old = || Some(Release::new(1, 23));
    let bare = || Image { commands: Some(["kubelet".to_owned()].into()), ..image() };
    for (image, request, want) in [
        (Image { release: None, ..image() }, kubelet(), "name it with --kubernetes"),
        (
            bare(),
            Request::new(Component::Kubeadm, Runtime::Podman),
            "no program \"kubeadm\"; take a tag with kubeadm",
        ),
        (bare(), Request { wishes: [Wish::Iscsi].into(), ..kubelet() }, "--set volumes=iscsi"),
        (image(), Request::new(Component::Kubelet, Runtime::Kubernetes), "is not started by kubernetes"),
        (image(), Request::new(Component::Kubeadm, Runtime::Quadlet), "use --runtime podman"),
        (
            image(),
            Request { cri: Some(Cri::Docker), ..kubelet() },
            "only before Kubernetes 1.24, and this is 1.36",
        ),
        (
            image(),
            Request { endpoint: Some("/run/x.sock".to_owned()), ..kubelet() },
            "must be written as a URL",
        ),
        (
            image(),
            Request { arguments: words(&["--network-plugin=cni"]), ..kubelet() },
            "went with Kubernetes 1.24",
        ),
        (
            image(),
            Request { arguments: words(&["--config-dir=/x"]), release: old(), ..kubelet() },
            "came with Kubernetes",
        ),
        (
            image(),
            Request { without: ["/nowhere".to_owned()].into(), ..kubelet() },
            "nothing is mounted on /nowhere",
        ),
        (image(), Request { wishes: [Wish::Rbd].into(), ..kubelet() }, "use the CSI driver"),
        (image(), Request { name: Some("a b".to_owned()), ..kubelet() }, "cannot be the name of a container"),
        (image(), Request { arguments: words(&["a\nb"]), ..kubelet() }, "a\\nb: it has control characters"),
        (image(), Request { environment_file: Some("node.env".to_owned()), ..kubelet() }, "is not absolute"),
        (
            image(),
            Request { environment: [("A B".to_owned(), String::new())].into(), ..kubelet() },
            "no name of a variable",
        ),
    ] {
        let error = plan(&image, &request, facts).expect_err(want).to_string();
        assert!(error.contains(want), "wanted {want:?}, got {error}");
    }
}

#[test]
fn all_problems_are_said_at_once() {
    let request = Request {
        cri: Some(Cri::Docker),
        arguments: words(&["--network-plugin=cni", "--docker-endpoint=x"]),
        without: ["/nowhere".to_owned()].into(),
        ..kubelet()
    };
    let error = plan(&image(), &request, Facts::embedded()).expect_err("four things are wrong");
    assert_eq!(error.problems.len(), 4, "{error}");
}

#[test]
fn mounts_are_left_out_replaced_and_added() {
    let facts = Facts::embedded();
    let request = Request {
        without: ["/lib/modules".to_owned()].into(),
        mounts: vec![
            "/etc/hosts.kubelet:/etc/hosts:ro".parse().expect("a mount"),
            "/data".parse().expect("a mount"),
        ],
        wishes: [Wish::Certificates, Wish::Iscsi, Wish::Modprobe].into(),
        ..kubelet()
    };
    let plan = plan(&image(), &request, facts).expect("it can be started");
    let sources = |target: &str| -> Vec<&str> {
        plan.mounts.iter().filter(|mount| mount.target == target).map(|mount| mount.path.as_str()).collect()
    };
    for (target, want) in [
        ("/lib/modules", &[][..]),
        ("/etc/hosts", &["/etc/hosts.kubelet"]),
        ("/data", &["/data"]),
        ("/etc/ssl/certs", &["/etc/ssl/certs"]),
        ("/usr/local/sbin/iscsiadm", &["/usr/local/libexec/kubelet/iscsiadm"]),
        ("/usr/local/sbin/modprobe", &["/usr/local/libexec/kubelet/modprobe"]),
        ("/etc/ceph", &[]),
    ] {
        assert_eq!(sources(target), want, "{target}");
    }
    let targets: Vec<&String> = plan.mounts.iter().map(|mount| &mount.target).collect();
    assert!(targets.is_sorted(), "what lies below another is mounted after it: {targets:?}");
}

#[test]
fn what_an_image_has_is_not_mounted_over() {
    let facts = Facts::embedded();
    for (runtime, minor, path, target) in [
        (Runtime::Docker, 23, "/opt/cni/bin/bridge", "/opt/cni/bin"),
        (Runtime::Podman, 36, "/var/run", "/var/run"),
    ] {
        for (paths, mounted) in [(BTreeSet::new(), true), (BTreeSet::from([path.to_owned()]), false)] {
            let image = Image { paths, release: Some(Release::new(1, minor)), ..image() };
            let request = Request::new(Component::Kubelet, runtime);
            let plan = plan(&image, &request, facts).expect("it can be started");
            assert_eq!(plan.mounts.iter().any(|mount| mount.target == target), mounted, "{target}");
        }
    }
}

#[test]
fn what_is_good_to_know_is_told() {
    let pod = Request::new(Component::KubeProxy, Runtime::Kubernetes);
    let on_host = Request::new(Component::Kubelet, Runtime::Crio);
    let loaders = [("kubelet".to_owned(), "/lib64/ld-linux-x86-64.so.2".to_owned())].into();
    let registry = || Image { name: "r.example/kube-proxy".to_owned(), ..image() };
    for (image, request, want) in [
        (image(), pod.clone(), Some("name it with --image")),
        (registry(), pod, None),
        (image(), Request::new(Component::Kubelet, Runtime::Bundle), Some("--kubeadm-flags")),
        (image(), on_host.clone(), Some("the host must have CRI-O")),
        (Image { loaders, ..image() }, on_host, Some("it takes /lib64/ld-linux-x86-64.so.2")),
        (image(), Request { cgroups: Cgroups::V1, ..kubelet() }, Some("in their last releases")),
        (image(), kubelet(), None),
    ] {
        let notes = plan(&image, &request, Facts::embedded()).expect("it can be started").notes;
        let told = match want {
            Some(want) => notes.iter().any(|note| note.contains(want)),
            None => notes.is_empty(),
        };
        assert!(told, "wanted {want:?}, got {notes:?}");
    }
}

#[test]
fn mistyped_flags_are_noticed() {
    let request = Request { arguments: words(&["--node-ipp=10.0.0.2"]), ..kubelet() };
    let plan = plan(&image(), &request, Facts::embedded()).expect("the tables may lack a flag");
    assert!(plan.notes.iter().any(|note| note.contains("is --node-ip meant?")), "{:?}", plan.notes);
    let fit = Facts::embedded().flags.fit(flags::Program::Kubelet, plan.release, "--node-ipp");
    assert!(matches!(fit, Fit::Unknown { .. }));
}
