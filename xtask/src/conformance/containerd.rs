//! A containerd of our own, for as long as a check runs: its root, state and socket in a temporary directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::shell::{command, output, root};

/// A running containerd; it ends with this value.
pub(super) struct Containerd {
    child: Child,
    socket: PathBuf,
}

impl Containerd {
    /// Starts one and waits until it answers.
    pub(super) fn start(work: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(work).map_err(|error| format!("cannot make {}: {error}", work.display()))?;
        let socket = work.join("socket");
        let mut containerd = command("containerd");
        containerd.arg("--config").arg(root().join("xtask/clients/containerd.toml"));
        containerd.arg("--root").arg(work.join("root")).arg("--state").arg(work.join("state"));
        containerd.arg("--address").arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let child = containerd.spawn().map_err(|error| format!("cannot start containerd: {error}"))?;
        let started = Self { child, socket };
        for _ in 0..150 {
            if output(started.ctr().arg("version")).is_ok() {
                return Ok(started);
            }
            thread::sleep(Duration::from_millis(200));
        }
        Err("containerd did not answer within 30 seconds".to_owned())
    }

    /// The command line client of this containerd.
    pub(super) fn ctr(&self) -> Command {
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
