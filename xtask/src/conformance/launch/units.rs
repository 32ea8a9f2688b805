//! Units of systemd that `ocelet launch` writes for every release on both sides of a change: `systemd-analyze verify` must have
//! nothing to say of any.

use std::path::{Path, PathBuf};

use ocelet::launch::Runtime;

use super::Bench;
use crate::Outcome;
use crate::shell::{command, ended, is_installed, make_directory, output, read_text, write};

/// Releases on both sides of every change that starting a node knows.
const RELEASES: &[&str] = &["1.18", "1.23", "1.24", "1.26", "1.27", "1.33", "1.35", "1.37", "1.38"];

/// Runtimes with units, each with the program that its unit runs. Quadlet's are made by its generator, when they are started.
const RUNTIMES: &[(Runtime, &str)] = &[
    (Runtime::Docker, "docker"),
    (Runtime::Nerdctl, "nerdctl"),
    (Runtime::Podman, "podman"),
    (Runtime::Ctr, "ctr"),
    (Runtime::Systemd, "sh"),
    (Runtime::Crio, "sh"),
    (Runtime::Bundle, "sh"),
];

/// Where a unit can be in what is written.
const PLACES: &[&str] = &["etc/systemd/system", "usr/lib/systemd/system", "."];

/// Every unit of every release.
pub(super) fn run(bench: &Bench<'_>) -> Outcome {
    let mut count = 0;
    for &(runtime, _) in RUNTIMES.iter().filter(|(_, program)| is_installed(program)) {
        for release in RELEASES {
            for component in ["kubelet", "kube-proxy"] {
                // There kube-proxy is a pod.
                if (runtime, component) == (Runtime::Crio, "kube-proxy") {
                    continue;
                }
                verify(bench, runtime, release, component)
                    .map_err(|error| format!("{runtime}, {release}, {component}: {error}"))?;
                count += 1;
            }
        }
    }
    println!("systemd-analyze has nothing to say of {count} units");
    Ok(())
}

fn verify(bench: &Bench<'_>, runtime: Runtime, release: &str, component: &str) -> Outcome {
    let to = bench.work.join("units").join(format!("{runtime}-{release}-{component}"));
    make_directory(&bench.work.join("units"))?;
    let mut launch = bench.launch(runtime, component);
    output(launch.args(["--kubernetes", release, "--quiet", "--to"]).arg(&to))?;
    let name = format!("{component}.service");
    let unit = PLACES.iter().map(|place| to.join(place).join(&name)).find(|path| path.is_file());
    let unit: PathBuf = unit.ok_or("there is no unit")?;
    // It names what it starts by where that will be on a host.
    let text = read_text(&unit)?
        .replace(&format!("ExecStart=/var/lib/ocelet/{component}/"), &started(&to))
        .replace("ExecStart=/usr/", &(started(&to) + "usr/"));
    let copy = bench.work.join("units/verify").join(&name);
    write(&copy, text.as_bytes())?;
    let mut analyze = command("systemd-analyze");
    let ended = ended(analyze.args(["--man=no", "verify"]).arg(&copy))?;
    let said = ended.said();
    if ended.status.success() && said.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("systemd-analyze says:\n{said}\nof:\n{text}"))
    }
}

fn started(to: &Path) -> String {
    format!("ExecStart={}/", to.display())
}
