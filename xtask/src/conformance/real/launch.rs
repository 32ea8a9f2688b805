//! Real programs started by what `ocelet launch` writes for them: a kubelet out of its bundle gets as far as the container runtime
//! that is not there, and every flag of a plan stands in the help of the program itself.

use std::path::Path;

use ocelet::launch::Release;
use serde_json::Value;

use super::super::launch::{cgroups, lend, on_machine, recipe};
use super::super::need;
use super::node::RELEASES;
use super::{Inputs, Site, Wanted, inputs};
use crate::Outcome;
use crate::shell::{command, ended, make_directory, output, temporary_for, write};

/// What a kubelet may speak to; those that a release cannot speak to are refused, and that is not asked here.
const CRIS: &[&str] = &["containerd", "crio", "cri-dockerd", "docker"];

/// Programs, and how each is asked for its flags.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("kubelet", &["--help"]),
    ("kubeadm", &["join", "--help"]),
    ("kubeadm", &["init", "--help"]),
    ("kubeadm", &["reset", "--help"]),
];

/// Every release that was built.
pub(in crate::conformance) fn run(ocelet: &str) -> Outcome {
    let Some(inputs) = inputs()? else { return Ok(()) };
    for program in ["unshare", "runc", "ip"] {
        if !need(program)? {
            return Ok(());
        }
    }
    for wanted in RELEASES {
        let kubelet = crate::binaries::upstream::kubernetes(wanted.kubernetes, "amd64", "kubelet");
        if inputs.binaries.join(&kubelet).is_file() {
            release(ocelet, &inputs, wanted).map_err(|error| format!("{}: {error}", wanted.kubernetes))?;
        } else {
            println!("skipped: {kubelet} is not built");
        }
    }
    Ok(())
}

fn release(ocelet: &str, inputs: &Inputs, wanted: &Wanted) -> Outcome {
    let work = temporary_for("launch-real")?;
    let site = Site { ocelet, work: work.path(), inputs };
    site.prepare(wanted)?;
    let layout = site.assemble("wire", &["--profile", "wire", "--flavor", "kubeadm"])?;
    let inspected = site.inspected(&layout)?;
    let tag = inspected["images"][0]["tag"].as_str().ok_or("the layout has no tag")?;
    let files = site.unpacked(&layout, tag, "linux/amd64")?;
    let image = format!("{}:{tag}", layout.display());
    for runtime in ["runc", "crun"] {
        if need(runtime)? {
            started(&site, &image, wanted, runtime)?;
        }
    }
    flags(&site, &image, &files, wanted)
}

/// The kubelet ends because there is no container runtime, and for no other reason.
fn started(site: &Site<'_>, image: &str, wanted: &Wanted, runtime: &str) -> Outcome {
    let bundle = site.work.join(format!("bundle-{runtime}"));
    let mut launch = site.command("launch");
    launch.args([image, "--runtime", "bundle", "--component", "kubelet", "--cgroups", cgroups(), "--to"]);
    output(launch.arg(&bundle))?;
    lend(site.work, "xtask/src/conformance/launch", &["machine.sh", "real.sh"])?;
    // From 1.27 on the configuration says where the container runtime is.
    let endpoint = "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n";
    let release: Release = wanted.kubernetes.parse().map_err(|error| format!("{error}"))?;
    let is_field = release >= Release::new(1, 27);
    write(&site.work.join("more.yaml"), if is_field { endpoint.as_bytes() } else { b"" })?;
    let ended = ended(on_machine(site.work, "real.sh").arg(&bundle).env("RUNTIME", runtime))?;
    let said = ended.said();
    let last = said.lines().rfind(|line| line.contains("containerd.sock") && line.contains("no such file"));
    match last {
        Some(line) if !ended.status.success() => {
            println!("{} under {runtime}: {}", wanted.kubernetes, line.chars().take(300).collect::<String>());
            Ok(())
        }
        _ => Err(format!("under {runtime} the kubelet ended with {} and said:\n{said}", ended.status)),
    }
}

/// Every flag of every plan is one that the program knows.
fn flags(site: &Site<'_>, image: &str, files: &Path, wanted: &Wanted) -> Outcome {
    super::super::plain::devices(files)?;
    for (program, help) in PROGRAMS {
        let known = output(command("chroot").arg(files).arg(format!("/usr/bin/{program}")).args(*help))?;
        known_to(
            &known,
            planned(site, image, program, help)?,
            &format!("{} {program} {}", wanted.kubernetes, help[0]),
        )?;
    }
    let own = crate::binaries::upstream::kubernetes(wanted.kubernetes, "amd64", "kube-proxy");
    let own = site.inputs.binaries.join(&own);
    if !own.is_file() {
        println!("skipped: kube-proxy {} is not built", wanted.kubernetes);
        return Ok(());
    }
    let image = proxy(site, &own, wanted.kubernetes.trim_start_matches('v'))?;
    let known = output(command(&own.display().to_string()).arg("--help"))?;
    known_to(&known, planned(site, &image, "kube-proxy", &[])?, &format!("{} kube-proxy", wanted.kubernetes))
}

fn known_to(help: &str, mut flags: Vec<String>, program: &str) -> Outcome {
    flags.sort();
    flags.dedup();
    let unknown: Vec<&String> = flags.iter().filter(|flag| !knows(help, flag)).collect();
    if unknown.is_empty() {
        println!("{program} knows {flags:?}");
        return Ok(());
    }
    Err(format!("{program} does not know {unknown:?}"))
}

/// An image of the one program, which needs nothing else.
fn proxy(site: &Site<'_>, program: &Path, release: &str) -> Result<String, String> {
    let place = site.work.join("proxy");
    let programs = place.join("files/usr/bin");
    make_directory(&programs)?;
    output(command("cp").arg(program).arg(programs.join("kube-proxy")))?;
    let text = recipe("files", release, &["kube-proxy"]);
    write(&place.join("recipe.toml"), text.as_bytes())?;
    let layout = place.join("layout");
    output(site.command("assemble").arg(place.join("recipe.toml")).arg("--output").arg(&layout))?;
    Ok(format!("{}:v{release}", layout.display()))
}

/// The flags of the plans for a program, whatever the kubelet speaks to.
fn planned(site: &Site<'_>, image: &str, program: &str, help: &[&str]) -> Result<Vec<String>, String> {
    let mut flags = Vec::new();
    let mut plans = 0;
    for cri in CRIS {
        for cgroups in ["1", "2"] {
            let mut launch = site.command("launch");
            launch.args([image, "--runtime", "podman", "--component", program, "--format", "json"]);
            launch.args(["--cri", cri, "--cgroups", cgroups]);
            if program == "kubeadm" {
                launch.args(["--", help[0]]);
            }
            // Not every release speaks to every container runtime, or runs on every host.
            let Ok(text) = output(&mut launch) else { continue };
            plans += 1;
            let plan: Value =
                serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}\n{text}"))?;
            let words = plan["arguments"].as_array().into_iter().flatten().filter_map(Value::as_str);
            flags.extend(
                words
                    .filter(|word| word.starts_with("--"))
                    .map(|word| word.split_once('=').map_or(word, |(name, _)| name).to_owned()),
            );
        }
    }
    if plans == 0 { Err(format!("there is no plan for {program}")) } else { Ok(flags) }
}

/// Whether a help has a flag: as a word of its own, behind a short form perhaps.
fn knows(help: &str, flag: &str) -> bool {
    help.split_whitespace().any(|word| word.trim_end_matches(',').split(['=', '[']).next() == Some(flag))
}

#[cfg(test)]
mod tests {
    use super::knows;

    #[test]
    fn flags_are_found_as_whole_words() {
        let help = "  -v, --v Level     number\n      --config string   the file\n  --one-output[=true]  x";
        for (flag, want) in
            [("--config", true), ("--v", true), ("--one-output", true), ("--conf", false), ("--file", false)]
        {
            assert_eq!(knows(help, flag), want, "{flag}");
        }
    }
}
