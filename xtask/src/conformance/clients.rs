//! The image of this machine's own tools under real clients: skopeo, umoci, podman, containerd.
//!
//! Every command that the image was asked to hold has to run `--version` inside it, in podman and in
//! containerd.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::containerd::Containerd;
use super::need;
use super::podman::Podman;
use crate::Outcome;
use crate::shell::{command, ended, line, make_directory, output, show, temporary_for};

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

/// Assembles the recipe and walks the image through every client, in every form.
pub(super) fn run(ocelet: &str) -> Outcome {
    let work = temporary_for("clients")?;
    let work = work.path();
    let clients = Clients {
        ocelet,
        podman: need("podman")?.then(|| Podman::new(&work.join("podman"))),
        containerd: (need("containerd")? && need("ctr")? && need("runc")?)
            .then(|| Containerd::start(&work.join("containerd")))
            .transpose()?,
        work,
    };
    let layout = clients.assemble("layout", "gzip")?;
    for (tag, commands) in &tags(ocelet, &layout)? {
        show(command(ocelet).arg("verify").arg(format!("{}:{tag}", layout.display())))?;
        copies(work, &layout, tag)?;
        clients.run(&layout, tag, commands)?;
        clients.run_exported(&layout, tag)?;
    }
    // skopeo cannot make a docker-archive of zstd layers, and umoci 0.4 does not read them.
    let layout = clients.assemble("zstd", "zstd")?;
    for (tag, commands) in tags(ocelet, &layout)?.iter().take(1) {
        clients.run(&layout, tag, commands)?;
    }
    Ok(())
}

/// The program under test, and the runtimes that this machine has.
struct Clients<'run> {
    ocelet: &'run str,
    work: &'run Path,
    podman: Option<Podman>,
    containerd: Option<Containerd>,
}

impl Clients<'_> {
    /// Assembles the image of this machine's tools.
    fn assemble(&self, name: &str, compression: &str) -> Result<PathBuf, String> {
        let layout = self.work.join(name);
        let mut assemble = command(self.ocelet);
        assemble.args(["assemble", "--quiet", "recipes/host-tools.toml", "--compression", compression]);
        show(assemble.arg("--output").arg(&layout))?;
        Ok(layout)
    }

    /// Writes a tag in another form.
    fn export(&self, layout: &Path, tag: &str, form: &str) -> Result<PathBuf, String> {
        let file = self.work.join(format!("{tag}.{form}.tar"));
        let image = format!("{}:{tag}", layout.display());
        show(command(self.ocelet).args(["export", "--quiet", &image, "--format", form, "--to"]).arg(&file))?;
        Ok(file)
    }

    /// Every command of a tag: in podman from the layout, in containerd from an oci-archive.
    fn run(&self, layout: &Path, tag: &str, commands: &[String]) -> Outcome {
        if let Some(podman) = &self.podman {
            let image = podman.pull(&format!("oci:{}:{tag}", layout.display()))?;
            all_run(commands, |program| podman.run(&image, program))?;
            println!("{} commands of {tag} run in podman", commands.len());
        }
        if let Some(containerd) = &self.containerd {
            let archive = self.export(layout, tag, "oci-archive")?;
            let image = containerd.import(&archive, tag)?;
            all_run(commands, |program| containerd.run(&image, program))?;
            println!("{} commands of {image} run in containerd", commands.len());
        }
        Ok(())
    }

    /// One command of a tag: in podman from a docker-archive, and in the plain files.
    fn run_exported(&self, layout: &Path, tag: &str) -> Outcome {
        let one = ["mount".to_owned()];
        if let Some(podman) = &self.podman {
            let image = podman.load(&self.export(layout, tag, "docker-archive")?)?;
            all_run(&one, |program| podman.run(&image, program))?;
            println!("{image} runs in podman from a docker-archive");
        }
        let files = self.export(layout, tag, "rootfs")?;
        let place = self.work.join(format!("{tag}.rootfs"));
        make_directory(&place)?;
        output(command("tar").arg("-xf").arg(&files).arg("-C").arg(&place))?;
        all_run(&one, |program| {
            let mut chroot = command("chroot");
            chroot.arg(&place).arg(program);
            chroot
        })?;
        println!("{tag} runs as plain files");
        Ok(())
    }
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

/// Runs each command as `start` says; all that fail, at once.
fn all_run(commands: &[String], start: impl Fn(&str) -> Command) -> Outcome {
    let failures: Vec<String> =
        commands.iter().filter_map(|program| runs(program, &mut start(program)).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// How often a command is started that ended well and said nothing: `ctr` loses the output of one that is faster than
/// its own copying, now and then, on a busy machine.
const STARTS: usize = 3;

/// A command has to end well, and to say this on its stdout.
pub(super) fn says(what: &str, run: &mut Command, want: &str) -> Outcome {
    let said = output(run)?;
    if said.contains(want) { Ok(()) } else { Err(format!("{what} does not say {want}: {said}")) }
}

/// A command has to end as it does on the host, and to say something on one of its streams.
pub(super) fn runs(name: &str, run: &mut Command) -> Outcome {
    let probe = probe(name);
    run.args(probe.arguments);
    let mut said = String::new();
    for _ in 0..STARTS {
        let ended = ended(run)?;
        said = ended.said();
        if ended.status.code() != Some(probe.code) {
            return Err(format!("`{}` ended with {}:\n{said}", line(run), ended.status));
        }
        if !said.trim().is_empty() {
            break;
        }
    }
    if said.trim().is_empty() {
        return Err(format!("{name} said nothing: `{}`", line(run)));
    }
    Ok(())
}
