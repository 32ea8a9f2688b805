//! A containerd of our own, for as long as a check runs: its root, state and socket in a temporary directory.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::shell::{command, make_directory, output, root};

/// A running containerd; it ends with this value.
pub(super) struct Containerd {
    child: Child,
    socket: PathBuf,
    /// How many containers have run: each has a name of its own.
    containers: Cell<u64>,
}

impl Containerd {
    /// Starts one and waits until it answers.
    pub(super) fn start(work: &Path) -> Result<Self, String> {
        make_directory(work)?;
        let socket = work.join("socket");
        let mut containerd = command("containerd");
        containerd.arg("--config").arg(root().join("xtask/clients/containerd.toml"));
        containerd.arg("--root").arg(work.join("root")).arg("--state").arg(work.join("state"));
        containerd.arg("--address").arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let child = containerd.spawn().map_err(|error| format!("cannot start containerd: {error}"))?;
        let started = Self { child, socket, containers: Cell::new(0) };
        for _ in 0..150 {
            if output(started.ctr().arg("version")).is_ok() {
                return Ok(started);
            }
            thread::sleep(Duration::from_millis(200));
        }
        Err("containerd did not answer within 30 seconds".to_owned())
    }

    /// Takes an image from an oci-archive; the name that it gets, which ends with the tag.
    pub(super) fn import(&self, archive: &Path, tag: &str) -> Result<String, String> {
        output(self.ctr().args(["images", "import"]).arg(archive))?;
        let listed = output(self.ctr().args(["images", "list", "--quiet"]))?;
        let wanted = format!(":{tag}");
        let name = listed.lines().find(|name| name.ends_with(&wanted));
        name.map(str::to_owned)
            .ok_or_else(|| format!("containerd imported no image named …{wanted}; it has:\n{listed}"))
    }

    /// What runs a program of an image; its arguments come behind.
    pub(super) fn run(&self, image: &str, program: &str) -> Command {
        let number = self.containers.get();
        self.containers.set(number + 1);
        let mut run = self.ctr();
        run.args(["run", "--rm", image, &format!("check-{number}"), program]);
        run
    }

    /// The command line client of this containerd.
    fn ctr(&self) -> Command {
        let mut ctr = command("ctr");
        ctr.arg("--address").arg(&self.socket);
        ctr
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nobody left to tell.
        let _ = output(command("kill").arg(self.child.id().to_string()));
        let _ = self.child.wait();
    }
}
