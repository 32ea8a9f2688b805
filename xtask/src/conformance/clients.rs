//! The image of this machine's own tools under real clients: skopeo, umoci, podman, containerd.
//!
//! Every command that the image was asked to hold has to run `--version` inside it, in podman and in
//! containerd.

use std::path::Path;

use serde_json::Value;

use super::containerd::Containerd;
use super::need;
use crate::Outcome;
use crate::shell::{command, output, root, show};

/// Commands that have another word for `--version`, and those that have none and are asked for their usage.
const VERSION_FLAGS: &[(&str, &str)] = &[("mkfs.ext4", "-V"), ("e2fsck", "-V"), ("fsck.ext4", "-V"), ("socat", "-V"), ("ebtables", "-V")];

/// Assembles the recipe and walks the image through every client.
pub(super) fn run(ocelet: &str) -> Outcome {
    let work = tempfile::tempdir().map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let layout = work.path().join("layout");
    show(command(ocelet).args(["assemble", "recipes/host-tools.toml", "--output"]).arg(&layout))?;
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
    let inspected: Value = serde_json::from_str(&text).map_err(|error| format!("inspect gave no JSON: {error}\n{text}"))?;
    let images = inspected["images"].as_array().ok_or("inspect names no images")?;
    let mut tags = Vec::new();
    for image in images {
        let tag = image["tag"].as_str().ok_or("an image without a tag")?.to_owned();
        let commands = image["platforms"][0]["commands"].as_array().ok_or("an image without its commands")?;
        let commands: Vec<String> = commands.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
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

/// The flag that makes a command tell its version.
fn version_flag(name: &str) -> &'static str {
    VERSION_FLAGS.iter().find(|(other, _)| *other == name).map_or("--version", |(_, flag)| flag)
}

fn in_podman(work: &Path, layout: &Path, tag: &str, commands: &[String]) -> Outcome {
    if !need("podman")? {
        return Ok(());
    }
    println!("{} commands of {tag} in podman", commands.len());
    for name in commands {
        let mut podman = command("podman");
        podman.env("CONTAINERS_CONF", root().join("xtask/clients/containers.conf"));
        podman.arg("--root").arg(work.join("podman")).arg("--runroot").arg(work.join("podman-run"));
        podman.arg("--tmpdir").arg(work.join("podman-tmp")).args(["--storage-driver", "overlay"]);
        podman.args(["run", "--rm", "--network=none", "--pull=never", "--entrypoint", name]);
        podman.arg(format!("oci:{}:{tag}", layout.display())).arg(version_flag(name));
        let text = output(&mut podman)?;
        if text.trim().is_empty() {
            return Err(format!("{name} {} said nothing in podman", version_flag(name)));
        }
    }
    Ok(())
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
        println!("{} commands of {name} in containerd", commands.len());
        for (number, program) in commands.iter().enumerate() {
            let container = format!("check-{tag}-{number}").replace('.', "-");
            let mut run = containerd.ctr();
            run.args(["run", "--rm", name, &container, program, version_flag(program)]);
            output(&mut run)?;
        }
    }
    Ok(())
}
