//! The image of this machine's own tools under real clients: skopeo, umoci, podman, containerd.
//!
//! Every command that the image was asked to hold has to run `--version` inside it, in podman and in
//! containerd.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::containerd::Containerd;
use super::need;
use crate::Outcome;
use crate::shell::{command, line, output, root, show};

/// How a command is asked to show that it runs.
struct Probe {
    name: &'static str,
    arguments: &'static [&'static str],
    /// How it has to end.
    code: i32,
}

/// The commands that do not know `--version`.
const PROBES: &[Probe] = &[
    Probe { name: "e2fsck", arguments: &["-V"], code: 0 },
    Probe { name: "fsck.ext4", arguments: &["-V"], code: 0 },
    Probe { name: "ip", arguments: &["-V"], code: 0 },
    // Its version is also the kernel's, for which a container has no right to ask.
    Probe { name: "ipset", arguments: &["help"], code: 0 },
    // It takes no arguments, and says so; without any it needs a kernel with modules.
    Probe { name: "lsmod", arguments: &["--version"], code: 1 },
    Probe { name: "mkfs.ext4", arguments: &["-V"], code: 0 },
    Probe { name: "mkfs.xfs", arguments: &["-V"], code: 0 },
    // It tells its version before it complains that no device is named.
    Probe { name: "resize2fs", arguments: &[], code: 1 },
    Probe { name: "sh", arguments: &["-c", "echo a shell"], code: 0 },
    Probe { name: "socat", arguments: &["-V"], code: 0 },
    Probe { name: "tc", arguments: &["-V"], code: 0 },
    Probe { name: "xfs_growfs", arguments: &["-V"], code: 0 },
];

const USUAL: Probe = Probe { name: "", arguments: &["--version"], code: 0 };

fn probe(name: &str) -> &'static Probe {
    PROBES.iter().find(|probe| probe.name == name).unwrap_or(&USUAL)
}

/// Assembles the recipe and walks the image through every client.
pub(super) fn run(ocelet: &str) -> Outcome {
    // podman takes a layout's path for a name, and names are in lower case: no random letters.
    let name = format!("ocelet-clients-{}", std::process::id());
    let work = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir();
    let work = work.map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let layout = work.path().join("layout");
    show(command(ocelet).args(["assemble", "--quiet", "recipes/host-tools.toml", "--output"]).arg(&layout))?;
    let tags = tags(ocelet, &layout)?;
    for (tag, commands) in &tags {
        show(command(ocelet).arg("verify").arg(format!("{}:{tag}", layout.display())))?;
        copies(work.path(), &layout, tag)?;
        in_podman(work.path(), &layout, tag, commands)?;
    }
    in_containerd(ocelet, work.path(), &layout, &tags)
}

/// The tags of the layout, each with the commands that its image was asked for and has.
fn tags(ocelet: &str, layout: &Path) -> Result<Vec<(String, Vec<String>)>, String> {
    let text = output(command(ocelet).args(["inspect", "--format", "json", "--quiet"]).arg(layout))?;
    let inspected: Value =
        serde_json::from_str(&text).map_err(|error| format!("inspect gave no JSON: {error}\n{text}"))?;
    let images = inspected["images"].as_array().ok_or("inspect names no images")?;
    let mut tags = Vec::new();
    for image in images {
        let tag = image["tag"].as_str().ok_or("an image without a tag")?.to_owned();
        let commands = image["platforms"][0]["commands"].as_array().ok_or("an image without its commands")?;
        let commands: Vec<String> =
            commands.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        if commands.is_empty() {
            return Err(format!("the image {tag} has no commands to run"));
        }
        tags.push((tag, commands));
    }
    Ok(tags)
}

/// skopeo reads and converts the image; umoci unpacks it.
fn copies(work: &Path, layout: &Path, tag: &str) -> Outcome {
    let source = format!("oci:{}:{tag}", layout.display());
    if need("skopeo")? {
        let text = output(command("skopeo").args(["inspect", &source]))?;
        if !text.contains("\"Layers\"") {
            return Err(format!("skopeo inspect of {tag} names no layers:\n{text}"));
        }
        let docker = format!("docker-archive:{}/{tag}.docker.tar:localhost/host-tools:{tag}", work.display());
        show(command("skopeo").args(["copy", "--quiet", &source, &docker]))?;
        let directory = format!("dir:{}/{tag}.dir", work.display());
        show(command("skopeo").args(["copy", "--quiet", &source, &directory]))?;
    }
    if need("umoci")? {
        let image = format!("{}:{tag}", layout.display());
        let bundle = work.join(format!("{tag}.bundle"));
        show(command("umoci").args(["unpack", "--image", &image]).arg(&bundle))?;
        if !bundle.join("rootfs/usr/bin").is_dir() {
            return Err(format!("umoci unpacked no /usr/bin from {tag}"));
        }
    }
    Ok(())
}

fn in_podman(work: &Path, layout: &Path, tag: &str, commands: &[String]) -> Outcome {
    if !need("podman")? {
        return Ok(());
    }
    let podman = || {
        let mut podman = command("podman");
        podman.env("CONTAINERS_CONF", root().join("xtask/clients/containers.conf"));
        podman.arg("--root").arg(work.join("podman")).arg("--runroot").arg(work.join("podman-run"));
        podman.arg("--tmpdir").arg(work.join("podman-tmp")).args(["--storage-driver", "overlay"]);
        podman
    };
    let pulled = output(podman().args(["pull", "--quiet"]).arg(format!("oci:{}:{tag}", layout.display())))?;
    let image = pulled.trim();
    let mut failures = Vec::new();
    for name in commands {
        let mut run = podman();
        run.args(["run", "--rm", "--network=none", "--pull=never", "--entrypoint", name, image]);
        failures.extend(runs(name, &mut run).err());
    }
    none(&failures)?;
    println!("{} commands of {tag} run in podman", commands.len());
    Ok(())
}

/// A command has to end as it does on the host, and to say something on one of its streams.
fn runs(name: &str, run: &mut Command) -> Outcome {
    let probe = probe(name);
    run.args(probe.arguments);
    let ended =
        run.stdin(Stdio::null()).output().map_err(|error| format!("cannot run `{}`: {error}", line(run)))?;
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if ended.status.code() != Some(probe.code) {
        return Err(format!("`{}` ended with {}:\n{said}", line(run), ended.status));
    }
    if said.trim().is_empty() {
        return Err(format!("{name} said nothing: `{}`", line(run)));
    }
    Ok(())
}

/// All commands that do not run, at once.
fn none(failures: &[String]) -> Outcome {
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn in_containerd(ocelet: &str, work: &Path, layout: &Path, tags: &[(String, Vec<String>)]) -> Outcome {
    if !need("containerd")? || !need("ctr")? || !need("runc")? {
        return Ok(());
    }
    let containerd = Containerd::start(&work.join("containerd"))?;
    for (tag, commands) in tags {
        let archive = work.join(format!("{tag}.oci.tar"));
        let image = format!("{}:{tag}", layout.display());
        show(command(ocelet).args(["export", &image, "--format", "oci-archive", "--to"]).arg(&archive))?;
        show(containerd.ctr().args(["images", "import"]).arg(&archive))?;
        let listed = output(containerd.ctr().args(["images", "list", "--quiet"]))?;
        let wanted = format!(":{tag}");
        let name = listed
            .lines()
            .find(|name| name.ends_with(&wanted))
            .ok_or_else(|| format!("containerd imported no image named …{wanted}; it has:\n{listed}"))?;
        let mut failures = Vec::new();
        for (number, program) in commands.iter().enumerate() {
            let container = format!("check-{tag}-{number}").replace('.', "-");
            let mut run = containerd.ctr();
            run.args(["run", "--rm", name, &container, program]);
            failures.extend(runs(program, &mut run).err());
        }
        none(&failures)?;
        println!("{} commands of {name} run in containerd", commands.len());
    }
    Ok(())
}
