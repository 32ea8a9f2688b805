//! Images of real programs: what `cargo xtask binaries` built and what Alpine signed, assembled by `recipes/kubelet.toml`.
//!
//! Neither is part of this project. `OCELET_BINARIES` names the directory of the first, `OCELET_ALPINE` that of the second;
//! without one of them the checks say so and do nothing. The recipe is the one that everybody has, with other hosts, other
//! keys and without what neither directory holds, which each check prints.

pub(super) mod foreign;
pub(super) mod launch;
pub(super) mod node;
pub(super) mod predecessor;
mod recipe;
pub(super) mod sizes;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::bundle::{assembled, cached};
use super::{plain, skip};
use crate::Outcome;
use crate::shell::{alpine, below, command, output, variable, write};

pub(super) use recipe::Wanted;

/// Where the programs and the packages are.
pub(super) struct Inputs {
    binaries: PathBuf,
    alpine: PathBuf,
}

/// The directories, or nothing where one of them is not named. CI has no time to build Kubernetes.
fn inputs() -> Result<Option<Inputs>, String> {
    let binaries = variable("OCELET_BINARIES").and_then(|place| Path::new(&place).canonicalize().ok());
    let Some(binaries) = binaries else {
        println!("skipped: OCELET_BINARIES does not name a directory that `cargo xtask binaries` wrote");
        return Ok(None);
    };
    let Some(alpine) = alpine() else {
        println!("skipped: OCELET_ALPINE does not name a directory of Alpine's repositories");
        return Ok(None);
    };
    if !binaries.join(crate::binaries::alpine_list()).is_file() {
        let why = format!("{} has no {}", binaries.display(), crate::binaries::alpine_list());
        return skip(&why).map(|()| None);
    }
    Ok(Some(Inputs { binaries, alpine }))
}

/// A place to work in, with a recipe, its lock and a mirror.
struct Site<'site> {
    ocelet: &'site str,
    work: &'site Path,
    inputs: &'site Inputs,
}

impl Site<'_> {
    fn command(&self, word: &str) -> Command {
        let mut command = cached(self.ocelet, &self.work.join("cache"));
        command.args([word, "--quiet"]);
        command
    }

    fn recipe(&self) -> PathBuf {
        self.work.join("kubelet.toml")
    }

    /// What was built, as a mirror of the host that the recipe names.
    fn given(&self) -> PathBuf {
        self.work.join("given")
    }

    fn mirror(&self) -> PathBuf {
        self.work.join("mirror")
    }

    /// Writes the recipe, locks it, and gathers what the lock names in a mirror.
    fn prepare(&self, wanted: &Wanted) -> Outcome {
        let text = recipe::text(self.inputs, wanted)?;
        write(&self.recipe(), text.as_bytes())?;
        own_hosts(self.inputs, &self.given())?;
        output(self.command("lock").arg(self.recipe()).arg("--mirror").arg(self.given()))?;
        self.gather(&[])
    }

    /// Gathers what the lock names in a mirror.
    fn gather(&self, words: &[String]) -> Outcome {
        let mut mirror = self.command("mirror");
        mirror.arg(self.recipe()).args(words).arg("--mirror").arg(self.given());
        output(mirror.arg("--to").arg(self.mirror())).map(drop)
    }

    /// Assembles out of the mirror alone into a layout, and verifies it.
    fn assemble(&self, name: &str, words: &[&str]) -> Result<PathBuf, String> {
        let layout = self.work.join(name);
        let mut assemble = self.command("assemble");
        assemble.arg(self.recipe()).args(["--offline", "--locked", "--format", "json", "--mirror"]);
        assemble.arg(self.mirror()).args(words).arg("--output").arg(&layout);
        assembled(&mut assemble)?;
        output(self.command("verify").arg(&layout))?;
        Ok(layout)
    }

    /// The files of an image.
    fn unpacked(&self, layout: &Path, tag: &str, platform: &str) -> Result<PathBuf, String> {
        let name = layout.file_name().unwrap_or_default().to_string_lossy();
        let files = self.work.join("files").join(format!("{name}-{tag}-{}", platform.replace('/', "-")));
        let mut export = self.command("export");
        export.arg(format!("{}:{tag}", layout.display())).args(["--platform", platform]);
        plain::unpack(&mut export, &files)?;
        Ok(files)
    }

    /// What `inspect` tells of a layout.
    fn inspected(&self, layout: &Path) -> Result<Value, String> {
        let text = output(self.command("inspect").args(["--format", "json"]).arg(layout))?;
        serde_json::from_str(&text).map_err(|error| format!("inspect gave no JSON: {error}\n{text}"))
    }
}

/// Lays what was built out as a mirror has it.
fn own_hosts(inputs: &Inputs, mirror: &Path) -> Outcome {
    let given = mirror.join(recipe::HOST);
    crate::shell::make_directory(&given)?;
    for host in ["dl.k8s.io", "github.com"] {
        let (from, to) = (inputs.binaries.join(host), given.join(host));
        if output(command("cp").arg("-al").arg(&from).arg(&to)).is_err() {
            output(command("cp").arg("-a").arg(&from).arg(&to))?;
        }
    }
    Ok(())
}

/// The bytes of all blobs of a layout.
pub(super) fn stored(layout: &Path) -> Result<u64, String> {
    let blobs = below(&layout.join("blobs"));
    let sizes = blobs.iter().map(|blob| blob.metadata().map(|metadata| metadata.len()));
    sizes.sum::<Result<u64, _>>().map_err(|error| format!("cannot look at the blobs: {error}"))
}
