//! `ocelet launch` as whoever runs it sees it: scripts, directories, bundles and checks of a configuration.
#![expect(clippy::disallowed_methods, reason = "these tests run a program over files of their own")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocelet_testkit::{Said, said};
use serde_json::Value;

/// An image with programs that are only there to be found.
const RECIPE: &str = r#"
image = "kubelet"
tag = "v{kubernetes}{-flavor}"
platforms = ["linux/amd64", "linux/arm64"]
default-flavor = "kubelet"
[versions]
kubernetes = "1.36.4"
[source.kubelet]
text = "kubelet"
install = "/usr/bin/kubelet"
mode = "0755"
[source.kubeadm]
text = "kubeadm"
install = "/usr/bin/kubeadm"
mode = "0755"
[source.bridge]
text = "bridge"
install = "/opt/cni/bin/bridge"
mode = "0755"
[flavor.kubelet]
commands = ["kubelet"]
labels = { "org.opencontainers.image.version" = "{kubernetes}" }
[flavor.full]
extends = "kubelet"
commands = ["kubeadm"]
files = ["/opt/cni/bin/*"]
"#;

/// What a kubelet of 1.36 makes of each is said behind it.
const MISFITS: &str = "\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: systemctl
maxPods: \"110\"
clusterDns: [10.96.0.10]
authentication:
  x509:
    clientCAFile: /srv/pki/ca.crt
featureGates:
  DynamicKubeletConfig: true
";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        place.write("recipe.toml", RECIPE);
        let said = place.run(&["assemble", "recipe.toml", "--output", "kubelet"]);
        assert_eq!(said.code, 0, "{}", said.err);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).expect("a file");
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocelet"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null());
        said(&mut command)
    }

    fn launch(&self, arguments: &[&str]) -> Said {
        self.run(&[&["launch"], arguments].concat())
    }
}

#[test]
fn each_runtime_prints_what_starts_the_image() {
    let place = Place::new();
    for (arguments, wants) in [
        (
            &["--runtime", "docker"][..],
            &["exec docker run", "--volume /var/lib/kubelet:/var/lib/kubelet:rshared"][..],
        ),
        (&["--runtime", "nerdctl"], &["exec nerdctl run", "--cgroupns host"]),
        (&["--runtime", "podman"], &["exec podman run", "localhost/kubelet:${KUBELET_IMAGE_TAG:-v1.36.4}"]),
        (&["--runtime", "ctr"], &["--rootfs-propagation rshared", "--with-ns pid:/proc/1/ns/pid"]),
        (&["--runtime", "quadlet"], &["[Container]", "Network=host", "$KUBELET_KUBEADM_ARGS"]),
        (&["--runtime", "systemd"], &["ExecStart=/usr/bin/kubelet --config="]),
        (&["--runtime", "crio"], &["After=crio.service"]),
        (&["--runtime", "bundle"], &["\"rootfsPropagation\": \"shared\""]),
        (&["--runtime", "podman", "--image", "r.example/k:v2"], &["r.example/k:${KUBELET_IMAGE_TAG:-v2}"]),
        (&["--runtime", "docker", "--kubernetes", "1.23"], &["--network-plugin=cni", "/var/lib/dockershim"]),
        (&["--runtime", "podman", "--format", "json"], &["\"reason\":", "\"source\": \"https://"]),
    ] {
        let said = place.launch(&[&["kubelet:v1.36.4"], arguments].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        for want in wants {
            assert!(said.out.contains(want), "{arguments:?} lacks {want:?}: {}", said.out);
        }
    }
}

#[test]
fn what_cannot_be_started_is_said_and_not_printed() {
    let place = Place::new();
    place.write("empty.env", "OTHER=x\n");
    for (arguments, code, wants) in [
        (&["kubelet", "--runtime", "podman"][..], 2, &["holds 4 images", "LAYOUT:TAG and --platform"][..]),
        (&["nowhere", "--runtime", "podman"], 4, &["no layout or archive nowhere"]),
        (&["kubelet:v1.36.4", "--runtime", "rkt"], 2, &["there is no runtime \"rkt\", only docker"]),
        (&["kubelet:v1.36.4"], 2, &["--runtime"]),
        (
            &["kubelet:v1.36.4", "--runtime", "podman", "--component", "kubeadm"],
            2,
            &["no program \"kubeadm\""],
        ),
        (
            &["kubelet:v1.36.4", "--runtime", "podman", "--", "--network-plugin=cni"],
            2,
            &["went with Kubernetes 1.24"],
        ),
        (&["kubelet:v1.36.4", "--runtime", "podman", "--with", "iscsi"], 2, &["a shell and nsenter"]),
        (
            &["kubelet:v1.36.4", "--runtime", "podman", "--kubeadm-flags", "empty.env"],
            2,
            &["KUBELET_KUBEADM_ARGS"],
        ),
        (
            &["kubelet:v1.36.4", "--runtime", "podman", "--image", "a b"],
            2,
            &["cannot be the name of an image"],
        ),
    ] {
        let said = place.launch(arguments);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{arguments:?}: {}", said.err);
        for want in wants {
            assert!(said.err.contains(want), "{arguments:?} lacks {want:?}: {}", said.err);
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

#[test]
fn directories_hold_units_scripts_and_what_belongs_to_them() {
    let place = Place::new();
    for (runtime, files) in [
        (
            "podman",
            &[("usr/local/libexec/kubelet/start", 0o755), ("etc/systemd/system/kubelet.service", 0o644)][..],
        ),
        ("quadlet", &[("etc/containers/systemd/kubelet.container", 0o644)]),
        (
            "systemd",
            &[
                ("usr/bin/kubelet", 0o755),
                ("usr/bin/kubeadm", 0o755),
                ("opt/cni/bin/bridge", 0o755),
                ("usr/lib/systemd/system/kubelet.service", 0o644),
                ("usr/lib/extension-release.d/extension-release.kubelet", 0o644),
            ],
        ),
        ("bundle", &[("start", 0o755), ("config.json", 0o644), ("rootfs/usr/bin/kubelet", 0o755)]),
    ] {
        let arguments =
            ["kubelet:v1.36.4-full", "--platform", "linux/arm64", "--runtime", runtime, "--to", runtime];
        let said = place.launch(&arguments);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{runtime}: {}", said.err);
        for (file, want) in files {
            assert_eq!(mode(&place.at(runtime).join(file)), *want, "{runtime}: {file}");
        }
        let again = place.launch(&arguments);
        assert_eq!(again.code, 2, "{runtime} is there already: {}", again.err);
    }
    let extension = place.at("systemd/usr/lib/extension-release.d/extension-release.kubelet");
    let text = std::fs::read_to_string(extension).expect("a file");
    assert_eq!(text, "ID=_any\nARCHITECTURE=arm64\n");
}

#[test]
fn plugins_are_files_of_the_host() {
    let place = Place::new();
    let said = place.launch(&[
        "kubelet:v1.36.4-full",
        "--platform",
        "linux/amd64",
        "--runtime",
        "systemd",
        "--component",
        "install-cni",
        "--to",
        "host",
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(ocelet_testkit::files_below(&place.at("host")), ["opt/cni/bin/bridge".to_owned()].into());
}

#[test]
fn five_misfits_are_five_findings_with_their_lines() {
    let place = Place::new();
    place.write("config.yaml", MISFITS);
    let said = place.launch(&["kubelet:v1.36.4", "--platform", "linux/amd64", "--check", "config.yaml"]);
    assert_eq!(said.code, 1, "{}", said.err);
    let found: Vec<&str> = said.out.lines().filter(|line| line.starts_with("config.yaml:")).collect();
    assert_eq!(found.len(), 5, "{}", said.out);
    for (line, want) in found.iter().zip([
        "config.yaml:4:15: error: cgroupDriver",
        "config.yaml:5:10: error: maxPods",
        "config.yaml:6:1: warning: clusterDns",
        "config.yaml:9:19: error: authentication.x509.clientCAFile",
        "config.yaml:11:3: error: featureGates.DynamicKubeletConfig",
    ]) {
        assert!(line.starts_with(want), "wanted {want}, got {line}");
    }
    assert!(said.err.contains("would not start: 4 errors"), "{}", said.err);

    let json = place.launch(&[
        "kubelet:v1.36.4",
        "--check",
        "config.yaml",
        "--format",
        "json",
        "--platform",
        "linux/amd64",
    ]);
    let document: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_mount_and_a_volume_are_part_of_the_check() {
    let place = Place::new();
    let fits = MISFITS.lines().take(3).flat_map(|line| [line, "\n"]).collect::<String>();
    place.write("config.yaml", &(fits + "authentication:\n  x509:\n    clientCAFile: /srv/pki/ca.crt\n"));
    let image = ["kubelet:v1.36.4", "--platform", "linux/amd64", "--check", "config.yaml"];
    for (more, code, wants) in [
        (&["--mount", "/srv/pki:ro"][..], 0, &[][..]),
        (&["--runtime", "systemd"], 0, &[]),
        (&[], 1, &["mount it"]),
        (&["--mount", "/srv/pki:ro", "--volumes", "nfs"], 0, &["want mount.nfs, which the image has not"]),
        (&["--volumes", "floppy"], 2, &["there is no kind of volumes \"floppy\", only block"]),
        (&["--mount", "/srv/pki:ro", "--", "--network-plugin=cni"], 1, &["gone since Kubernetes 1.24"]),
    ] {
        let said = place.launch(&[&image, more].concat());
        assert_eq!(said.code, code, "{more:?}: {}{}", said.out, said.err);
        for want in wants {
            assert!(said.out.contains(want) || said.err.contains(want), "{more:?}: {}{}", said.out, said.err);
        }
        assert!(!wants.is_empty() || said.out.is_empty(), "{more:?}: {}", said.out);
    }
}
