//! The recipes of node images, for every version of Kubernetes that they are for: which commands, sources and arguments
//! the same text comes down to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocelet::recipe::{Context, Flavor, Parsed, Recipe, parse};

/// The versions whose images people run, the newest ones, and one that is still to come.
const VERSIONS: [&str; 10] =
    ["1.19.11", "1.20.7", "1.21.1", "1.24.9", "1.25.5", "1.26.0", "1.34.11", "1.35.8", "1.36.4", "1.38.0"];

fn read(name: &str, set: &[(&str, &str)]) -> Recipe {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../recipes/{name}.toml"));
    #[expect(clippy::disallowed_methods, reason = "a test reads the recipes of this repository")]
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let context = Context {
        known_rules: ocelet::rules().names().map(str::to_owned).collect(),
        set: set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let Parsed { recipe, warnings } =
        parse(&text, &context).unwrap_or_else(|problems| panic!("{set:?}: {}", problems.render(name, &text)));
    assert!(warnings.is_empty(), "{set:?}: {}", warnings.render(name, &text));
    recipe
}

fn flavor<'recipe>(recipe: &'recipe Recipe, name: &str) -> &'recipe Flavor {
    let mut flavors = recipe.flavors.values();
    flavors.find(|flavor| flavor.name.value.as_str() == name).unwrap_or_else(|| panic!("no flavor {name}"))
}

fn commands(flavor: &Flavor) -> BTreeSet<&str> {
    flavor.commands.keys().map(ocelet::recipe::CommandName::as_str).collect()
}

/// Minor versions from the first to the last, both included.
type Span = (u32, u32);
const ALL: Span = (0, 99);
const NEVER: Span = (99, 0);

fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).expect("versions have a minor one")
}

fn is_within(version: &str, (first, last): Span) -> bool {
    (first..=last).contains(&minor(version))
}

/// Each command, and for which versions the flavor has it.
fn check_commands(name: &str, set: &[(&str, &str)], table: &[(&str, &str, Span)]) {
    for version in VERSIONS {
        let recipe = read(name, &[&[("kubernetes", version)], set].concat());
        for (of, command, span) in table {
            let has = commands(flavor(&recipe, of)).contains(command);
            assert_eq!(has, is_within(version, *span), "{name} {version}: {command} of {of}");
        }
    }
}

#[test]
fn the_kubelet_has_the_commands_of_its_version() {
    check_commands(
        "kubelet",
        &[],
        &[
            ("kubelet", "kubelet", ALL),
            ("kubelet", "mount", ALL),
            ("kubelet", "umount", ALL),
            ("kubelet", "iptables", ALL),
            ("kubelet", "ip6tables-restore", ALL),
            ("kubelet", "du", (0, 21)),
            ("kubelet", "nice", (0, 21)),
            ("kubelet", "find", (0, 21)),
            ("kubelet", "socat", (0, 23)),
            ("kubelet", "nsenter", (0, 23)),
            ("kubelet", "getent", (38, 99)),
            ("kubelet", "blkid", NEVER),
            ("kubelet", "losetup", NEVER),
            ("kubelet", "conntrack", NEVER),
            ("kubelet", "kubeadm", NEVER),
            ("kubelet", "install-cni", NEVER),
            ("flannel", "install-cni", ALL),
            ("cni", "install-cni", ALL),
            ("kubeadm", "kubeadm", ALL),
            ("kubeadm", "ip", ALL),
            ("kubeadm", "nsenter", (0, 32)),
            ("kubeadm", "losetup", (33, 99)),
            ("kubeadm", "conntrack", (0, 31)),
            ("kubeadm", "crictl", (0, 31)),
            ("kubeadm", "install-cni", NEVER),
            ("kubeadm-cni", "kubeadm", ALL),
            ("kubeadm-cni", "install-cni", ALL),
        ],
    );
}

#[test]
fn volumes_bring_what_they_need() {
    check_commands(
        "kubelet",
        &[("volumes", "ext4,xfs,nfs,iscsi,ceph")],
        &[
            ("kubelet", "blkid", ALL),
            ("kubelet", "fsck", ALL),
            ("kubelet", "blockdev", (22, 99)),
            ("kubelet", "mkfs.ext4", ALL),
            ("kubelet", "resize2fs", ALL),
            ("kubelet", "mkfs.xfs", ALL),
            ("kubelet", "mkfs.btrfs", NEVER),
            ("kubelet", "mount.nfs", ALL),
            ("kubelet", "mount.cifs", NEVER),
            ("kubelet", "iscsiadm", ALL),
            ("kubelet", "nsenter", ALL),
            ("kubelet", "rbd", (0, 30)),
            ("kubelet", "losetup", NEVER),
        ],
    );
    let recipe = read("kubelet", &[("volumes", "btrfs")]);
    let flavor = flavor(&recipe, "kubelet");
    let blkid =
        flavor.commands.iter().find(|(name, _)| name.as_str() == "blkid").expect("it formats disks").1;
    assert!(blkid.value.not_from.contains("busybox"), "{blkid:?}");
    let (reason, source) = (blkid.value.reason.as_deref(), blkid.value.source.as_deref());
    assert!(reason.is_some_and(|reason| reason.contains("formats it")), "{reason:?}");
    assert!(source.is_some_and(|source| source.starts_with("https://")), "{source:?}");
}

#[test]
fn kube_proxy_has_the_commands_of_its_version() {
    check_commands(
        "kube-proxy",
        &[],
        &[
            ("kube-proxy", "kube-proxy", ALL),
            ("kube-proxy", "iptables-nft-save", ALL),
            ("kube-proxy", "ip6tables-legacy-restore", ALL),
            ("kube-proxy", "ipset", ALL),
            ("kube-proxy", "nft", (29, 99)),
            ("kube-proxy", "conntrack", (0, 31)),
            ("kube-proxy", "ipvsadm", NEVER),
        ],
    );
}

#[test]
fn every_version_starts_with_flags_that_it_knows() {
    const ENDPOINT: &str = "--container-runtime-endpoint=unix:///run/containerd/containerd.sock";
    for version in VERSIONS {
        let recipe = read("kubelet", &[("kubernetes", version)]);
        let arguments = |name: &str| flavor(&recipe, name).config.cmd.as_ref().map(|cmd| cmd.value.clone());
        for name in ["kubelet", "flannel", "cni", "kubeadm", "kubeadm-cni"] {
            let with_plugins = ["flannel", "cni", "kubeadm-cni"].contains(&name);
            let want: &[&str] = match minor(version) {
                ..=23 if with_plugins => &["--network-plugin=cni"],
                24..=26 => &[ENDPOINT],
                _ => &[],
            };
            assert_eq!(arguments(name).unwrap_or_default(), want, "{version} {name}");
            let entrypoint = &flavor(&recipe, name).config.entrypoint.as_ref().expect("it starts").value;
            assert_eq!(
                entrypoint[..2],
                ["kubelet", "--config=/var/lib/kubelet/config.yaml"],
                "{version} {name}"
            );
        }
    }
}

#[test]
fn every_version_takes_its_programs_from_where_they_are() {
    let with = |version: &str, more: &[(&str, &str)]| {
        let recipe = read("kubelet", &[&[("kubernetes", version)], more].concat());
        recipe.sources.keys().map(ToString::to_string).collect::<BTreeSet<String>>()
    };
    for version in VERSIONS {
        let sources = with(version, &[]);
        for (name, span) in [
            ("alpine", ALL),
            ("glibc", (0, 37)),
            ("glibc-arm", (0, 26)),
            ("kubelet", ALL),
            ("kubelet-arm", (0, 26)),
            ("kubeadm-arm", (0, 26)),
            ("crictl", (0, 31)),
            ("crictl-arm", (0, 26)),
            ("configuration", (0, 26)),
            ("configuration-with-endpoint", (27, 99)),
            ("flannel-plugin", ALL),
            ("iscsiadm", NEVER),
        ] {
            assert_eq!(sources.contains(name), is_within(version, span), "{version}: {name}");
        }
        let old = with(version, &[("cni-plugins", "0.9.1"), ("volumes", "iscsi")]);
        assert!(!old.contains("flannel-plugin") && old.contains("iscsiadm"), "{version}");
    }
}

#[test]
fn tags_are_what_they_were() {
    let recipe = read("kubelet", &[("kubernetes", "1.26.0"), ("alpine", "3.15")]);
    let tags: BTreeMap<&str, &str> =
        recipe.flavors.values().map(|flavor| (flavor.name.value.as_str(), flavor.tag.as_str())).collect();
    let want = [
        ("cni", "v1.26.0-cni-alpine3.15"),
        ("flannel", "v1.26.0-flannel-alpine3.15"),
        ("kubeadm", "v1.26.0-kubeadm-alpine3.15"),
        ("kubeadm-cni", "v1.26.0-kubeadm-cni-alpine3.15"),
        ("kubelet", "v1.26.0-alpine3.15"),
    ];
    assert_eq!(tags, BTreeMap::from(want));
    assert_eq!(recipe.platforms.len(), 3);
}

#[test]
fn the_other_recipes_are_right_for_every_version_too() {
    for version in VERSIONS {
        let debian = read("kubelet-debian", &[("kubernetes", version)]);
        assert!(commands(flavor(&debian, "kubeadm")).contains("tc"), "{version}");
        let alpine = read("kubelet-alpine", &[("kubernetes", version)]);
        assert_eq!(commands(flavor(&alpine, "kubelet")).contains("du"), minor(version) < 22, "{version}");
        let node = read("cri-o-node", &[("kubernetes", version)]);
        let files: Vec<String> =
            flavor(&node, "cri-o-node").files.keys().map(|glob| glob.as_str().to_owned()).collect();
        let (arguments, configuration) = ("/etc/kubernetes/kubelet", "/usr/share/kubelet/config.yaml");
        for (file, is_wanted) in [(arguments, minor(version) < 27), (configuration, minor(version) >= 27)] {
            assert_eq!(files.iter().any(|one| one == file), is_wanted, "{version}: {file}");
        }
    }
}
