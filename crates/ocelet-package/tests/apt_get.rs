//! What the solver chooses, beside what `apt-get --simulate` of this machine chooses from the same lists.
//!
//! apt is told that nothing is installed, so that neither adds what the other does not: `apt-get install` adds no
//! essential packages either. Skipped where apt or its lists are missing.
#![expect(clippy::disallowed_methods, reason = "a test runs the real tool")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use ocelet_package::deb::{Index, Package};
use ocelet_package::deb_solve::{FoundBy, Listed, Request, Root, check, solve};

/// Sets of packages that nodes need, and some that are known for their alternatives and conflicts.
const SETS: &[&str] = &[
    "runc",
    "crun",
    "conmon",
    "containernetworking-plugins",
    "iptables",
    "conntrack",
    "util-linux",
    "mount",
    "e2fsprogs",
    "xfsprogs",
    "nfs-common",
    "open-iscsi",
    "socat",
    "ethtool",
    "iproute2",
    "ebtables",
    "kmod",
    "ca-certificates",
    "openssh-client",
    "systemd",
    "bash coreutils",
    "systemd systemd-sysv dbus udev",
    "multipath-tools lvm2 cryptsetup",
    "ceph-common glusterfs-client",
    "python3 perl git",
    "openssh-server",
    "mdadm smartmontools",
    "containerd",
    "podman buildah",
    "nftables ipset ipvsadm",
    "runc crun conmon containernetworking-plugins iptables conntrack util-linux mount e2fsprogs socat ethtool kmod",
    "xfsprogs nfs-common open-iscsi iproute2 ebtables ca-certificates openssh-client systemd",
    "postfix cron logrotate",
    "xserver-xorg lightdm",
    "default-jre-headless",
    "network-manager chrony",
    "gcc make libssl-dev",
];

/// The lists of packages that apt uses here, in its order.
fn lists() -> Option<Vec<Index>> {
    let command = Command::new("apt-get")
        .args(["indextargets", "--format", "$(FILENAME)", "Created-By: Packages"])
        .output()
        .ok()?;
    let paths = String::from_utf8(command.stdout).ok()?;
    let mut indexes = Vec::new();
    for path in paths.lines() {
        let text = Command::new("/usr/lib/apt/apt-helper").args(["cat-file", path]).output().ok()?;
        if !text.status.success() {
            return None;
        }
        indexes.push(Index::from_bytes(text.stdout).expect("a list that apt takes can be read"));
    }
    Some(indexes).filter(|indexes| !indexes.is_empty())
}

fn architecture() -> Option<String> {
    let command = Command::new("dpkg").arg("--print-architecture").output().ok()?;
    Some(String::from_utf8(command.stdout).ok()?.trim().to_owned())
}

/// Name and version of what apt would install; the error of apt where it would not.
fn apt(directory: &Path, packages: &str) -> Result<BTreeSet<(String, String)>, String> {
    let directory = directory.display();
    let command = Command::new("apt-get")
        .args(["--simulate", "--no-install-recommends"])
        .args(["-o", "Dir::State::status=/dev/null"])
        .args(["-o", &format!("Dir::State::extended_states={directory}/extended_states")])
        .args(["-o", &format!("Dir::Cache={directory}")])
        // Images for containers turn these off, and each call would read all lists again.
        .args(["-o", "Dir::Cache::pkgcache=packages", "-o", "Dir::Cache::srcpkgcache=lists"])
        .args(["-o", "Dir::Etc::preferences=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null"])
        .arg("install")
        .args(packages.split(' '))
        .env("LC_ALL", "C")
        .output()
        .expect("apt-get was there before");
    if !command.status.success() {
        return Err(String::from_utf8_lossy(&command.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&command.stdout);
    let installed = text.lines().filter_map(|line| line.strip_prefix("Inst "));
    let words = installed.filter_map(|line| {
        let (name, rest) = line.split_once(" (")?;
        Some((name.to_owned(), rest.split_once(' ')?.0.to_owned()))
    });
    Ok(words.collect())
}

/// What becomes of a set here and there.
enum Outcome {
    Agree,
    /// apt cannot install it from these lists.
    NotThere,
    Differ(String),
}

fn compare(set: &str, indexes: &[Index], architecture: &str, directory: &Path) -> Outcome {
    let Ok(theirs) = apt(directory, set) else {
        return Outcome::NotThere;
    };
    let roots: Vec<Root<'_>> = set.split(' ').map(|root| Root::parse(root).expect("a root")).collect();
    let request = Request {
        indexes: indexes.iter().map(Listed::new).collect(),
        architecture,
        roots: roots.clone(),
        ..Request::default()
    };
    let solution = solve(&request).unwrap_or_else(|error| panic!("{set}: {error}"));
    let packages: Vec<Package<'_>> = solution.packages.iter().map(|chosen| chosen.package).collect();
    check(architecture, &roots, &packages).expect("the packages go together");
    let ours: BTreeSet<(String, String)> =
        packages.iter().map(|each| (each.name.to_owned(), each.version_text.to_owned())).collect();
    if ours == theirs && solution.found_by == FoundBy::Apt {
        return Outcome::Agree;
    }
    let more: Vec<_> = ours.difference(&theirs).collect();
    let less: Vec<_> = theirs.difference(&ours).collect();
    Outcome::Differ(format!("{set} ({:?}): only here {more:?}, only apt {less:?}", solution.found_by))
}

#[test]
fn the_same_packages_are_chosen_as_by_apt() {
    let (Some(indexes), Some(architecture)) = (lists(), architecture()) else {
        eprintln!("skipped: this machine has no apt with lists of packages");
        return;
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    // The first call writes the cache that all others read.
    let (first, rest) = SETS.split_first().expect("there are sets");
    let all = |sets: &[&'static str]| -> Vec<_> {
        sets.iter().map(|set| (*set, compare(set, &indexes, &architecture, directory.path()))).collect()
    };
    let mut outcomes = all(&[first]);
    let (left, right) = rest.split_at(rest.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| all(left));
        outcomes.extend(all(right));
        outcomes.extend(other.join().expect("no set panics"));
    });
    let (mut agree, mut differing) = (0, Vec::new());
    for (set, outcome) in outcomes {
        match outcome {
            Outcome::Agree => agree += 1,
            Outcome::NotThere => eprintln!("{set}: apt cannot install it from these lists"),
            Outcome::Differ(how) => differing.push(how),
        }
    }
    assert!(differing.is_empty(), "{agree} agree, these do not:\n{}", differing.join("\n"));
    eprintln!("{agree} sets agree with apt");
}
