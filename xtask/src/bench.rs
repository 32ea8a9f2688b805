//! Runs the benchmarks, which measure and print: `cargo bench` of the program against its peers, and of the package
//! crate on real packages and indexes.
//!
//! Those are not part of this project: `OCELET_ALPINE` names a directory that holds them as
//! `RELEASE/REPOSITORY/ARCHITECTURE/`. Without it, what needs them says so and is skipped.

use std::path::PathBuf;

use crate::Outcome;
use crate::shell::{self, command, show};

/// What a node of Alpine's own packages is made of.
const NODE: &str = "kubelet,kubeadm,cri-tools,cni-plugins,iptables,util-linux,conntrack-tools";
/// The benchmarks of the program.
const PEERS: [&str; 2] = ["closure", "layer"];
/// The benchmarks of the package crate, with what each is given of the directory of packages.
const PACKAGES: [(&str, &[&str]); 2] = [
    ("unpack", &["v3.19-boot", "v3.13-boot"]),
    ("resolve", &["v3.19/main/x86_64/APKINDEX.tar.gz", "v3.19/community/x86_64/APKINDEX.tar.gz"]),
];

/// Runs the benchmarks that are named, or all.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let names: Vec<&str> = PEERS.into_iter().chain(PACKAGES.map(|(name, _)| name)).collect();
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
        let mut bench = command("cargo");
        bench.args(["bench", "--locked", "-p", "ocelet-package", "--bench", name, "--"]);
        if name == "resolve" {
            bench.arg(NODE);
        }
        show(bench.args(files))?;
    }
    Ok(())
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
        assert!(error.contains("nothing") && error.contains("closure, layer, unpack, resolve"), "{error}");
    }
}
