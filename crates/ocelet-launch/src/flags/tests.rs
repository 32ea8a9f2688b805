//! The facts about flags against themselves, and against real programs where there are any.

use super::*;

fn release(text: &str) -> Release {
    text.parse().unwrap()
}

#[test]
fn all_facts_have_a_source_and_bounds_in_order() {
    let flags = Flags::embedded();
    for program in Program::ALL {
        let table = flags.table(program);
        assert!(table.read.is_sorted() && table.read.last() == Some(&table.newest), "{program:?}");
        for (name, lifetime) in &table.flags {
            let source = lifetime.source.as_deref().unwrap_or_default();
            assert!(source.starts_with("https://"), "{program:?} --{name}: {source:?}");
            let bounds = [lifetime.since, lifetime.deprecated, lifetime.until];
            let bounds: Vec<_> = bounds.into_iter().flatten().collect();
            assert!(bounds.windows(2).all(|two| two[0] <= two[1]), "{program:?} --{name}: {bounds:?}");
            assert!(!name.contains('_') && !name.starts_with('-'), "{program:?} {name:?}");
        }
    }
}

#[test]
fn flags_are_told_by_release() {
    use Program::{KubeProxy, Kubeadm, Kubelet};
    let flags = Flags::embedded();
    let fit = |program, at: &str, argument: &str| match flags.fit(program, release(at), argument) {
        Fit::Fits => "fits".to_owned(),
        Fit::Deprecated { since, .. } => format!("deprecated {since}"),
        Fit::Gone { since, source, .. } => {
            assert!(source.starts_with("https://"), "{argument}");
            format!("gone {since}")
        }
        Fit::NotYet { since } => format!("not yet {since}"),
        Fit::Unknown { nearest } => format!("unknown {}", nearest.unwrap_or_default()),
    };
    for (program, at, argument, want) in [
        (Kubelet, "1.23", "--network-plugin=cni", "deprecated 1.20"),
        (Kubelet, "1.24", "--network-plugin=cni", "gone 1.24"),
        (Kubelet, "1.18", "--network_plugin=cni", "fits"),
        (Kubelet, "1.26", "--container-runtime=remote", "deprecated 1.24"),
        (Kubelet, "1.27", "--container-runtime=remote", "gone 1.27"),
        (Kubelet, "1.34", "--pod-infra-container-image", "deprecated 1.26"),
        (Kubelet, "1.35", "--pod-infra-container-image", "gone 1.35"),
        (Kubelet, "1.26", "--container-runtime-endpoint=unix:///run/x", "fits"),
        (Kubelet, "1.27", "--container-runtime-endpoint=unix:///run/x", "deprecated 1.27"),
        (Kubelet, "1.27", "--config-dir=/etc/kubelet.d", "not yet 1.28"),
        (Kubelet, "1.28", "--config-dir=/etc/kubelet.d", "fits"),
        (Kubelet, "1.36", "-v", "fits"),
        (Kubelet, "1.36", "-h", "fits"),
        (Kubelet, "1.38", "--config=/x", "fits"),
        (Kubelet, "1.36", "--kubeconfg=/x", "unknown kubeconfig"),
        (Kubelet, "1.36", "--tea", "unknown "),
        (Kubelet, "1.36", "", "unknown "),
        (Kubeadm, "1.23", "--experimental-patches=/x", "gone 1.23"),
        (Kubeadm, "1.21", "--patches=/x", "not yet 1.22"),
        (KubeProxy, "1.31", "--proxy-port-range=", "gone 1.31"),
        (KubeProxy, "1.28", "--init-only", "not yet 1.29"),
    ] {
        assert_eq!(fit(program, at, argument), want, "{program:?} {at} {argument}");
    }
}

#[test]
fn what_kubeadm_left_behind_is_told() {
    let flags = Flags::embedded();
    for (at, want) in [
        ("1.23", &[][..]),
        ("1.24", &["network-plugin"]),
        ("1.27", &["container-runtime", "network-plugin"]),
        ("1.37", &["container-runtime", "network-plugin", "pod-infra-container-image"]),
    ] {
        assert_eq!(flags.kubeadm_wrote_and_gone(release(at)), want, "{at}");
    }
}

/// The flags that a text of `--help` tells of.
fn told(help: &str) -> BTreeSet<&str> {
    let names = help.lines().filter(|line| line.starts_with("  ")).filter_map(|line| {
        let line = line.trim_start();
        let line = line
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-'))
            .map_or(line, |rest| rest.split_once(", ").map_or(line, |(_, long)| long));
        let name = line.strip_prefix("--")?;
        name.split([' ', '=']).next()
    });
    names.collect()
}

fn check_against_help(flags: &Flags, known: &BTreeSet<&str>, program: Program, help: &str, what: &str) {
    let told = told(help);
    let unknown: Vec<_> = told.difference(known).collect();
    let silent: Vec<_> = known
        .difference(&told)
        .filter(|name| !flags.lifetime(program, name).is_some_and(|lifetime| lifetime.hidden))
        .collect();
    assert!(
        unknown.is_empty() && silent.is_empty(),
        "{what}: not in the facts {unknown:?}, not told {silent:?}"
    );
}

/// `OCELET_BINARIES` is a directory with real programs as `vVERSION/bin/linux/amd64/PROGRAM` somewhere below it.
#[test]
fn real_programs_have_just_the_flags_of_the_facts() {
    let help = |path: &std::path::Path, command: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "a test against real programs")]
        let output = std::process::Command::new(path).args(command).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    #[expect(clippy::disallowed_methods, reason = "where the real programs are")]
    let Ok(directory) = std::env::var("OCELET_BINARIES") else {
        println!("skipped: OCELET_BINARIES names no directory of real programs");
        return;
    };
    let flags = Flags::embedded();
    let mut compared = 0;
    for version in ["v1.20.7", "v1.36.4"] {
        let release = release(version);
        for program in Program::ALL {
            let path = std::path::Path::new(&directory)
                .join("dl.k8s.io/release")
                .join(version)
                .join("bin/linux/amd64")
                .join(program.name());
            let is_there = path.is_file();
            if !is_there {
                continue;
            }
            compared += 1;
            if program == Program::Kubeadm {
                for command in ["init", "join", "reset"] {
                    let known = flags.of_command(command, release).collect();
                    let what = format!("kubeadm {command} {version}");
                    check_against_help(flags, &known, program, &help(&path, &[command]), &what);
                }
            } else {
                let known = flags.of(program, release).collect();
                let what = format!("{} {version}", program.name());
                check_against_help(flags, &known, program, &help(&path, &[]), &what);
            }
        }
    }
    assert!(compared > 0, "no real program below {directory}");
}
