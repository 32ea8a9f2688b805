//! Runs the benchmarks, which measure and print: `cargo bench` of the program against its peers, and of the package
//! crate on real packages and indexes.
//!
//! Those are not part of this project. `OCELET_ALPINE` names a directory that holds Alpine's as
//! `RELEASE/REPOSITORY/ARCHITECTURE/`; Debian's are fetched with the machine's own apt, and kept in `target/bench/`.
//! Without these, what needs them says so and is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{self, command, is_installed, make_directory, output, root, show, write};

/// What a node of Alpine's own packages is made of.
const NODE: &str = "kubelet,kubeadm,cri-tools,cni-plugins,iptables,util-linux,conntrack-tools";
/// What a node of Debian's packages is made of, with the names that its releases have in common.
const DEBIAN: [&str; 62] = [
    "runc",
    "containernetworking-plugins",
    "containerd",
    "iptables",
    "util-linux",
    "util-linux-extra",
    "e2fsprogs",
    "kmod",
    "iproute2",
    "libc6",
    "libc-bin",
    "perl-base",
    "python3-minimal",
    "ethtool",
    "conntrack",
    "socat",
    "ipset",
    "nftables",
    "xfsprogs",
    "procps",
    "mount",
    "bsdutils",
    "bsdextrautils",
    "logsave",
    "ebtables",
    "arptables",
    "conmon",
    "crun",
    "zlib1g",
    "libgcc-s1",
    "libstdc++6",
    "openssl",
    "ca-certificates",
    "nfs-common",
    "cifs-utils",
    "lvm2",
    "bash",
    "coreutils",
    "grep",
    "sed",
    "tar",
    "gzip",
    "findutils",
    "libcap2-bin",
    "libmnl0",
    "libcap2",
    "libuuid1",
    "libblkid1",
    "libmount1",
    "libsmartcols1",
    "libfdisk1",
    "libzstd1",
    "liblzma5",
    "libselinux1",
    "libudev1",
    "libsystemd0",
    "libkmod2",
    "libxtables12",
    "libseccomp2",
    "libnfnetlink0",
    "udev",
    "systemd",
];
/// The benchmarks of the program.
const PEERS: [&str; 2] = ["closure", "layer"];
/// The benchmarks of the package crate, with what each is given of the directory of packages.
const PACKAGES: [(&str, &[&str]); 2] = [
    ("unpack", &["v3.19-boot", "v3.13-boot"]),
    ("resolve", &["v3.19/main/x86_64/APKINDEX.tar.gz", "v3.19/community/x86_64/APKINDEX.tar.gz"]),
];
/// The benchmarks of the package crate on Debian's packages.
const DEBIAN_PACKAGES: [&str; 2] = ["unpack_deb", "resolve_deb"];

/// Runs the benchmarks that are named, or all.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let names = PEERS.into_iter().chain(PACKAGES.map(|(name, _)| name)).chain(DEBIAN_PACKAGES);
    let names: Vec<&str> = names.collect();
    if let Some(unknown) = arguments.iter().find(|argument| !names.contains(&argument.as_str())) {
        return Err(format!("no benchmark is called {unknown}; there are {}", names.join(", ")));
    }
    let wants = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let peers: Vec<&str> = PEERS.into_iter().filter(|name| wants(name)).collect();
    if !peers.is_empty() {
        show(
            command("cargo")
                .args(["bench", "--locked", "-p", "ocelet-cli", "--bench", "peers", "--"])
                .args(peers),
        )?;
    }
    for (name, wanted) in PACKAGES.into_iter().filter(|(name, _)| wants(name)) {
        let Some(files) = alpine(wanted) else {
            println!("skipped: {name} needs OCELET_ALPINE to name a directory with {}", wanted.join(", "));
            continue;
        };
        let mut bench = of_packages(name);
        if name == "resolve" {
            bench.arg(NODE);
        }
        show(bench.args(files))?;
    }
    DEBIAN_PACKAGES.into_iter().filter(|name| wants(name)).try_for_each(debian)
}

fn of_packages(name: &str) -> Command {
    let mut bench = command("cargo");
    bench.args(["bench", "--locked", "-p", "ocelet-package", "--bench", name, "--"]);
    bench
}

/// Runs a benchmark on Debian's packages or indexes, if they can be had.
fn debian(name: &str) -> Outcome {
    if !is_installed("apt-get") {
        println!("skipped: {name} needs apt-get, which is not installed");
        return Ok(());
    }
    let directory = root().join("target/bench/debian");
    make_directory(&directory)?;
    let mut bench = of_packages(name);
    let fetched = if name == "unpack_deb" {
        output(command("apt-get").args(["--quiet", "download"]).args(DEBIAN).current_dir(&directory)).map(
            |_| {
                bench.arg(&directory);
            },
        )
    } else {
        indexes(&directory).map(|(architecture, indexes)| {
            bench.args([&architecture, &DEBIAN.join(",")]).args(indexes);
        })
    };
    match fetched {
        Ok(()) => show(&mut bench),
        Err(why) => {
            println!("skipped: {name} needs what apt cannot give: {why}");
            Ok(())
        }
    }
}

/// The machine's architecture, and the indexes that apt has of it, unpacked into the directory.
fn indexes(directory: &Path) -> Result<(String, Vec<PathBuf>), String> {
    let architecture = output(command("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let ours = format!("Architecture: {architecture}");
    let wanted = ["indextargets", "--format", "$(FILENAME)", "Created-By: Packages", &ours];
    let mut indexes = Vec::new();
    for (number, file) in output(command("apt-get").args(wanted))?.lines().enumerate() {
        let text = output(command("/usr/lib/apt/apt-helper").args(["cat-file", file]))?;
        let index = directory.join(format!("{number}.Packages"));
        write(&index, text.as_bytes())?;
        indexes.push(index);
    }
    if indexes.is_empty() {
        return Err("its lists are empty; apt-get update fetches them".to_owned());
    }
    Ok((architecture, indexes))
}

/// Those of the wanted files and directories, where all are there.
fn alpine(wanted: &[&str]) -> Option<Vec<PathBuf>> {
    let directory = shell::alpine()?;
    let found: Vec<PathBuf> = wanted.iter().map(|name| directory.join(name)).collect();
    found.iter().all(|path| path.exists()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn what_does_not_exist_is_not_run() {
        let error =
            run(&["unpack".to_owned(), "nothing".to_owned()]).expect_err("there is no such benchmark");
        assert!(
            error.contains("nothing") && error.contains("closure, layer, unpack, resolve, unpack_deb"),
            "{error}"
        );
    }
}
