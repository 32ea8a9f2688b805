//! Configurations with and without misfits, through one check function; broken ones; and real kubelets where there are any.

use proptest::prelude::*;

use super::*;

const HEADER: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
/// As kubeadm 1.36 writes it.
const OF_KUBEADM: &str = "\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    cacheTTL: 0s
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
  webhook:
    cacheAuthorizedTTL: 0s
    cacheUnauthorizedTTL: 0s
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
kind: KubeletConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: \"0\"
    text:
      infoBufferSize: \"0\"
  verbosity: 0
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
resolvConf: /run/systemd/resolve/resolv.conf
rotateCertificates: true
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
";

fn release(text: &str) -> Release {
    text.parse().unwrap()
}

/// A node with cgroup v2 and the usual mounts.
fn usual(at: &str) -> CheckContext {
    let paths = ["/etc/kubernetes", "/run", "/var/lib/kubelet/", "/etc/resolv.conf"];
    let mounts = paths.into_iter().map(str::to_owned).collect();
    CheckContext { cgroup: Some(Cgroups::V2), mounts: Some(mounts), ..CheckContext::new(release(at)) }
}

/// Findings as `line:column severity field`.
fn found(text: &str, context: &CheckContext) -> Vec<String> {
    let findings = check(text, context).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for finding in &findings {
        assert!(!finding.what.is_empty() && !finding.advice.is_empty(), "{finding}");
    }
    let short = |finding: &Finding| {
        format!("{}:{} {} {}", finding.line, finding.column, finding.severity, finding.field)
    };
    findings.iter().map(short).collect()
}

/// A recipe's text with its parameters as they are by default.
fn of_the_recipe(source: &str) -> String {
    let recipe = include_str!("../../../../recipes/kubelet.toml");
    let (_, text) = recipe.split_once(&format!("[source.{source}]")).unwrap();
    let text = text.split("\"\"\"").nth(1).unwrap().trim_start();
    text.replace("{cgroup-driver}", "systemd")
        .replace("{cluster-dns}", "10.96.0.10")
        .replace("{runtime-endpoint}", "unix:///run/containerd/containerd.sock")
}

#[test]
fn configurations_that_fit_have_no_findings() {
    let flagged = |at: &str| CheckContext {
        flags: vec!["--container-runtime-endpoint=unix:///run/crio/crio.sock".to_owned()],
        ..usual(at)
    };
    let old = of_the_recipe("configuration");
    for (text, context) in [
        (OF_KUBEADM, usual("1.36")),
        (OF_KUBEADM, usual("1.37")),
        (OF_KUBEADM, usual("1.38")),
        (&old, usual("1.18")),
        (&old, usual("1.23")),
        (&old, flagged("1.24")),
        (&old, flagged("1.26")),
        (&of_the_recipe("configuration-with-endpoint"), usual("1.27")),
        (&of_the_recipe("configuration-with-endpoint"), usual("1.36")),
        (&OF_KUBEADM.replace('\n', "\r\n"), usual("1.36")),
        (&format!("\u{feff}{OF_KUBEADM}"), usual("1.36")),
        (&format!("---\n# of kubeadm\n{OF_KUBEADM}...\n"), usual("1.36")),
    ] {
        assert_eq!(found(text, &context), Vec::<String>::new(), "{} {text}", context.release);
    }
}

#[test]
fn five_misfits_are_five_findings_with_their_lines() {
    let text = "\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509:
    clientCAFile: /srv/pki/ca.crt
cgroupDriver: sytemd
clusterDns: [10.96.0.10]
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
imageMaximumGCAge: 24h
rotateCertificates: \"yes\"
";
    let want = [
        "5:19 error authentication.x509.clientCAFile",
        "6:15 error cgroupDriver",
        "7:1 warning clusterDns",
        "9:1 warning imageMaximumGCAge",
        "10:21 error rotateCertificates",
    ];
    assert_eq!(found(text, &usual("1.28")), want);
    assert_eq!(found(&text.replace('\n', "\r\n"), &usual("1.28")), want, "with CR");
    assert_eq!(found(&format!("\u{feff}{text}"), &usual("1.28")), want, "with a byte order mark");
}

#[test]
fn fields_and_values_are_told_by_release() {
    let endpoint = "containerRuntimeEndpoint: unix:///run/x\n";
    for (at, below, want) in [
        ("1.36", "cluster_domain: x\n", "4:1 warning cluster_domain"),
        ("1.36", "ClusterDomain: x\n", "4:1 warning ClusterDomain"),
        ("1.36", "authentication.x509: x\n", "4:1 warning authentication.x509"),
        ("1.36", "logging: {sanitization: true}\n", "4:11 warning logging.sanitization"),
        ("1.28", "failCgroupV1: false\n", "4:1 warning failCgroupV1"),
        ("1.36", "clusterDomain: a\nclusterDomain: b\n", "5:1 warning clusterDomain"),
        ("1.36", "evictionHard: {a: 1%, a: 2%}\n", "4:23 warning evictionHard.a"),
        ("1.36", "clusterDomain: 10\n", "4:16 error clusterDomain"),
        ("1.36", "clusterDomain: on\n", "4:16 error clusterDomain"),
        ("1.36", "clusterDomain: [a]\n", "4:16 error clusterDomain"),
        ("1.36", "clusterDNS: 10.96.0.10\n", "4:13 error clusterDNS"),
        ("1.36", "clusterDNS:\n- a\n- 5\n", "6:3 error clusterDNS[1]"),
        ("1.36", "syncFrequency: 10\n", "4:16 error syncFrequency"),
        ("1.36", "syncFrequency: 1d\n", "4:16 error syncFrequency"),
        ("1.36", "maxPods: \"110\"\n", "4:10 error maxPods"),
        ("1.36", "maxPods: 1.5\n", "4:10 error maxPods"),
        ("1.36", "port: 70000\n", "4:7 error port"),
        ("1.36", "evictionHard: {memory.available: 5}\n", "4:34 error evictionHard.memory.available"),
        ("1.36", "memorySwap: {swapBehavior: UnlimitedSwap}\n", "4:28 error memorySwap.swapBehavior"),
        ("1.29", "memorySwap: {swapBehavior: NoSwap}\n", "4:28 error memorySwap.swapBehavior"),
        ("1.36", "topologyManagerPolicy: all\n", "4:24 error topologyManagerPolicy"),
        (
            "1.36",
            "registerWithTaints:\n- key: a\n  effect: Never\n",
            "6:11 error registerWithTaints[0].effect",
        ),
        (
            "1.36",
            "logging: {options: {json: {infoBufferSize: much}}}\n",
            "4:44 error logging.options.json.infoBufferSize",
        ),
        (
            "1.36",
            "featureGates: {DynamicKubeletConfig: true}\n",
            "4:16 error featureGates.DynamicKubeletConfig",
        ),
        ("1.36", "featureGates: {MemoryQos: true}\n", "4:16 error featureGates.MemoryQos"),
        ("1.36", "featureGates: {AllAlpha: \"false\"}\n", "4:26 error featureGates.AllAlpha"),
        ("1.36", "tlsCertFile: /srv/a.crt\n", "4:14 error tlsCertFile"),
        ("1.36", "tlsCertFile: /run/../srv/a.crt\n", "4:14 error tlsCertFile"),
        ("1.36", "tlsCertFile: /runner/a.crt\n", "4:14 error tlsCertFile"),
        ("1.36", "staticPodPath: /srv/pods\n", "4:16 warning staticPodPath"),
        ("1.36", "imageServiceEndpoint: unix:///srv/i.sock\n", "4:23 error imageServiceEndpoint"),
        ("1.36", "imageServiceEndpoint: /run/i.sock\n", "4:23 warning imageServiceEndpoint"),
        ("1.36", "imageServiceEndpoint: tcp://localhost:1\n", "4:23 error imageServiceEndpoint"),
        // And what is no misfit.
        ("1.36", "rotateCertificates: yes\nport: 010250\n", ""),
        ("1.36", "x: &a {b: c}\n", "4:1 warning x"),
        ("1.36", "evictionHard: &a {nodefs.available: 1%}\nevictionSoft: *a\n", ""),
        ("1.36", "evictionHard:\n  <<: {nodefs.available: 1%}\n  imagefs.available: 5%\n", ""),
        ("1.36", "clusterDomain: !!str 10\nmaxPods: 1e2\nsyncFrequency:\n", ""),
        ("1.36", "tlsCertFile: /var/lib/kubelet/pki/a.crt\nstaticPodPath: pods\n", ""),
        ("1.36", "registerWithTaints:\n- {key: a, effect: NoExecute}\n", ""),
    ] {
        let text = format!("{HEADER}{endpoint}{below}");
        let context = CheckContext { cgroup: None, ..usual(at) };
        let findings = found(&text, &context);
        assert_eq!(findings.join(", "), want, "{at} {below}");
    }
}

#[test]
fn host_image_and_flags_are_told_of() {
    let config = format!("{HEADER}cgroupDriver: systemd\n");
    let with_endpoint = format!("{config}containerRuntimeEndpoint: unix:///run/x\n");
    let off = format!("{with_endpoint}failCgroupV1: false\n");
    let on = format!("{with_endpoint}failCgroupV1: true\n");
    let v1 = |at: &str| CheckContext { cgroup: Some(Cgroups::V1), ..CheckContext::new(release(at)) };
    let flags = |at: &str, flags: &[&str]| CheckContext {
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        ..v1(at)
    };
    let volumes = |commands: &[&str]| CheckContext {
        commands: Some(commands.iter().map(|&name| name.to_owned()).collect()),
        needs: vec![VolumeNeed {
            volume: "nfs".to_owned(),
            command: "mount.nfs".to_owned(),
            reason: "mounts it".to_owned(),
        }],
        ..CheckContext::new(release("1.36"))
    };
    let endpoint_flag = "--container-runtime-endpoint";
    for (text, context, want) in [
        (&with_endpoint, v1("1.34"), ""),
        (&with_endpoint, v1("1.35"), "1:1 error failCgroupV1"),
        (&off, v1("1.35"), ""),
        (&on, v1("1.31"), "5:15 error failCgroupV1"),
        (&with_endpoint, flags("1.35", &["--fail-cgroupv1=false"]), ""),
        (&with_endpoint, usual("1.36"), ""),
        (&config, flags("1.23", &[]), ""),
        (&config, flags("1.24", &[]), "1:1 error --container-runtime-endpoint"),
        (&config, flags("1.24", &[endpoint_flag, "unix:///run/x"]), ""),
        (&config, flags("1.27", &["--container-runtime-endpoint=unix:///run/x"]), ""),
        (&config, flags("1.27", &[]), "1:1 note containerRuntimeEndpoint"),
        (&HEADER.to_owned(), usual("1.23"), "1:1 note cgroupDriver"),
        (&with_endpoint, flags("1.27", &["--network-plugin=cni", "-v=2", "x"]), "1:1 error --network-plugin"),
        (&with_endpoint, flags("1.27", &["--config-dir=/x"]), "1:1 error --config-dir"),
        (&with_endpoint, flags("1.27", &["--kubeconfg=/x"]), "1:1 error --kubeconfg"),
        (&with_endpoint, volumes(&["mount"]), "1:1 warning volumes"),
        (&with_endpoint, volumes(&["mount.nfs"]), ""),
        (&String::new(), v1("1.34"), "1:1 error kind"),
        (&"# nothing\n".to_owned(), v1("1.34"), "1:1 error kind"),
        (&"- a\n".to_owned(), v1("1.34"), "1:1 error kind"),
        (&with_endpoint.replace("v1beta1", "v1"), v1("1.34"), "1:13 error apiVersion"),
        (&with_endpoint.replace("kind", "Kind"), v1("1.34"), "1:1 error kind, 2:1 warning Kind"),
        (&format!("{with_endpoint}---\na: b\n"), v1("1.34"), "6:1 warning ---"),
        (
            &format!(
                "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n---\n{with_endpoint}port: x\n"
            ),
            v1("1.34"),
            "8:7 error port",
        ),
        (&with_endpoint, v1("1.40"), "1:1 note apiVersion, 1:1 error failCgroupV1"),
    ] {
        assert_eq!(found(text, &context).join(", "), want, "{} {:?} {text}", context.release, context.flags);
    }
}

#[test]
fn broken_and_excessive_texts_are_refused() {
    let deep = format!("{HEADER}a: {}{}", "[".repeat(70), "]".repeat(70));
    let deeper = format!("{HEADER}a: {}", "[".repeat(100_000));
    let indented: Vec<_> = (0..200).map(|depth| format!("{}a:", " ".repeat(depth))).collect();
    let indented = indented.join("\n");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
    }
    for (text, want) in [
        ("a: b: c\n", "no YAML"),
        ("a:\n\tb: c\n", "no YAML"),
        ("a: [b\n", "no YAML"),
        ("a: *nobody\n", "no YAML"),
        ("a: &a [*a]\n", "no YAML"),
        ("{a: b}: c\n", "no YAML"),
        (&"#".repeat(10 << 20), "bytes"),
        (&deep, "in each other"),
        (&deeper, ""),
        (&indented, "in each other"),
        (&bomb, "more than"),
        (&"- a\n".repeat(30_000), "more than"),
    ] {
        let error = check(text, &usual("1.36")).expect_err(&shown(text));
        assert!(error.to_string().contains(want), "{}: {error}", shown(text));
    }
    let long = format!("{HEADER}{}: x\n", "k".repeat(1000));
    assert!(
        check(&long, &usual("1.36")).unwrap().iter().all(|finding| finding.field.len() < 100),
        "a long key"
    );
    let many: Vec<_> = (0..5000).map(|number| format!("k{number}: x")).collect();
    let many = many.join("\n");
    assert_eq!(check(&format!("{HEADER}{many}"), &usual("1.36")).unwrap().len(), MOST_FINDINGS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_file_makes_it_panic(
        changes in prop::collection::vec((0..OF_KUBEADM.len(), "[-:\\[\\]{}&*!|>'\"#%@, \t\r\na0\u{feff}\u{0}é]{0,3}"), 1..6),
        release in prop::sample::select(vec!["1.18", "1.24", "1.36", "1.40"]),
    ) {
        let mut text = OF_KUBEADM.to_owned();
        for (place, with) in changes {
            if text.is_char_boundary(place) && place < text.len() {
                let end = text[place..].chars().next().map_or(place, |first| place + first.len_utf8());
                text.replace_range(place..end, &with);
            }
        }
        if let Ok(findings) = check(&text, &usual(release)) {
            let lines = text.lines().count() + 1;
            prop_assert!(findings.iter().all(|finding| (1..=lines).contains(&finding.line) && finding.column > 0));
        }
    }
}

/// A field's text, and whether a kubelet refuses it: 1.20 and 1.36. Each lies beside a port that no kubelet takes, so that
/// none starts.
const REFUSED: [(&str, bool, bool); 17] = [
    ("clusterDnss: [a]", false, false),
    ("ClusterDomains: x", false, false),
    ("clusterDomain: a\nclusterDomain: b", false, false),
    ("clusterDomain: 10", true, true),
    ("clusterDomain: null", false, false),
    ("rotateCertificates: yes", false, false),
    ("rotateCertificates: y", false, false),
    ("rotateCertificates: \"true\"", true, true),
    ("syncFrequency: 10", true, true),
    ("syncFrequency: 0", true, true),
    ("syncFrequency: 1h30m", false, false),
    ("maxPods: 1e2", false, false),
    ("maxPods: 1.5", true, true),
    ("evictionHard: {memory.available: 5}", true, true),
    ("evictionHard:\n  <<: {memory.available: 5%}", false, false),
    ("featureGates: {NoSuchGatesAtAll: \"true\"}", true, true),
    ("featureGates: {DynamicKubeletConfig: true}", false, true),
];

#[test]
fn real_kubelets_refuse_what_is_called_an_error() {
    #[expect(clippy::disallowed_methods, reason = "where the real programs are")]
    let Ok(directory) = std::env::var("OCELET_BINARIES") else {
        println!("skipped: OCELET_BINARIES names no directory of real programs");
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("config.yaml");
    for (number, version) in ["v1.20.7", "v1.36.4"].into_iter().enumerate() {
        let program = format!("{directory}/dl.k8s.io/release/{version}/bin/linux/amd64/kubelet");
        for (below, old, new) in REFUSED {
            let refused = [old, new][number];
            let text = format!("{HEADER}healthzPort: 99999\n{below}\n");
            #[expect(clippy::disallowed_methods, reason = "a test against real programs")]
            std::fs::write(&file, &text).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test against real programs")]
            let mut kubelet = std::process::Command::new(&program);
            kubelet.arg("--config").arg(&file).arg("--root-dir").arg(work.path());
            let output = kubelet.arg("--cert-dir").arg(work.path()).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{version} {below}: it started");
            let is_refused = told.contains("failed to decode") || told.contains("unrecognized feature gate");
            assert_eq!(is_refused, refused, "{version} {below}: {told}");
            assert!(is_refused || told.contains("99999 must be between"), "{version} {below}: {told}");
            let findings = check(&text, &CheckContext::new(release(version))).unwrap();
            let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
            let is_error = errors.any(|finding| finding.line > 3);
            assert_eq!(is_error, refused, "{version} {below}: {findings:?}");
        }
    }
}
