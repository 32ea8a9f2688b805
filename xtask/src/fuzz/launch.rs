//! What a launch reads of its user: a KubeletConfiguration, mounts and versions.
//!
//! Whatever is asked for and can be planned must also be written, by every runtime.

use ocelet::launch::check::{CheckContext, check};
use ocelet::launch::{
    Cgroups, Component, Facts, HostMount, Image, Release, Request, Runtime, Wish, plan, render,
};

use super::targets::{Bench, Target};

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "kubelet-configuration",
        seeds: |_| CONFIGURATIONS.iter().map(|text| text.as_bytes().to_vec()).collect(),
        words: YAML,
        repair: |_| {},
        call: configuration,
    },
    Target {
        name: "launch",
        seeds: |_| REQUESTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
        words: REQUEST,
        repair: |_| {},
        call: launch,
    },
];

const CONFIGURATIONS: &[&str] = &[
    "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\nclusterDNS:\n- 10.96.0.10\n\
     authentication:\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nfeatureGates: {NodeSwap: true}\n",
    "kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\n---\n&a [*a, \"\\u0041\", |\n  text\n]\n",
    "? [a, b]\n: !!str 010\n<<: {x: 1e3}\n# …\n...\n%YAML 1.1\n---\ny: 0x1F\n",
];
const YAML: &[&str] = &[
    ": ",
    "- ",
    "\n  ",
    "---\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "{",
    "}",
    "[",
    "]",
    "|\n",
    ">-\n",
    "? ",
    "\"",
    "'",
    "\\u0000",
    "!!int ",
    "\t",
    "\u{feff}",
    "featureGates:\n",
    "evictionHard:\n",
    "10s",
    "1Gi",
    "0755",
];
/// A line each: the version, a mount, a name, an argument, a variable, flags of kubeadm.
const REQUESTS: &[&str] = &[
    "v1.36.4\n/srv/data:/data:ro,rslave\nagent\n--node-ip=10.0.0.2\nA=b c\n--pod-infra-container-image=x",
    "1.18\n/a\nk\n--network-plugin=cni\nNO_PROXY=$x %h 'a' \"b\"\n--container-runtime=remote",
];
const REQUEST: &[&str] =
    &["\n", ":", ",", "rshared", "--", "=", "$(", "`", "'", "\"", "\\", "%", " ", "v1.", "../", "é"];

fn configuration(_: &Bench, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for minor in [18, 26, 36] {
        let mut context = CheckContext::new(Release::new(1, minor));
        context.cgroup = Some(Cgroups::V1);
        context.mounts = Some(Vec::new());
        if let Ok(findings) = check(&text, &context) {
            drop(findings.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}

fn launch(_: &Bench, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let Ok(release) = next().parse::<Release>() else { return };
    let mounts: Vec<HostMount> = next().parse().into_iter().collect();
    let (name, argument, variable, flags) = (next(), next(), next(), next());
    let variable = variable.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let image = Image { name: "localhost/fuzz".to_owned(), release: Some(release), ..Image::default() };
    let facts = Facts::embedded();
    for runtime in Runtime::ALL {
        let component =
            if *runtime == Runtime::Kubernetes { Component::KubeProxy } else { Component::Kubelet };
        let request = Request {
            name: Some(name.clone()),
            wishes: [Wish::Iscsi, Wish::Certificates].into(),
            mounts: mounts.clone(),
            environment: variable.iter().cloned().collect(),
            kubeadm_flags: vec![flags.clone()],
            arguments: vec![argument.clone()],
            ..Request::new(component, *runtime)
        };
        if let Ok(plan) = plan(&image, &request, facts) {
            drop(render(&plan, &image, *runtime));
        }
    }
}
