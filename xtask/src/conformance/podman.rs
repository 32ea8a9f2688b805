//! A podman of our own, for as long as a check runs: its images and containers in a temporary directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{command, output, root};

/// Where this podman keeps everything.
pub(super) struct Podman {
    work: PathBuf,
}

impl Podman {
    pub(super) fn new(work: &Path) -> Self {
        Self { work: work.to_path_buf() }
    }

    pub(super) fn command(&self) -> Command {
        let mut podman = command("podman");
        podman.env("CONTAINERS_CONF", root().join("xtask/clients/containers.conf"));
        podman.arg("--root").arg(self.work.join("store")).arg("--runroot").arg(self.work.join("run"));
        podman.arg("--tmpdir").arg(self.work.join("tmp")).args(["--storage-driver", "overlay"]);
        podman
    }

    /// Takes an image from a layout, `oci:DIR:TAG`; its number.
    pub(super) fn pull(&self, image: &str) -> Result<String, String> {
        let said = output(self.command().args(["pull", "--quiet", image]))?;
        Ok(said.trim().to_owned())
    }

    /// Takes an image from a docker-archive; its name.
    pub(super) fn load(&self, archive: &Path) -> Result<String, String> {
        let said = output(self.command().args(["load", "--quiet", "--input"]).arg(archive))?;
        let name = said.lines().find_map(|line| line.strip_prefix("Loaded image: "));
        name.map(str::to_owned).ok_or_else(|| format!("podman load names no image: {said}"))
    }

    /// What runs a program of an image; its arguments come behind.
    pub(super) fn run(&self, image: &str, program: &str) -> Command {
        let mut run = self.command();
        run.args(["run", "--rm", "--network=none", "--pull=never", "--entrypoint", program, image]);
        run
    }
}
