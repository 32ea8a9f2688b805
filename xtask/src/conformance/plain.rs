//! An image as plain files, and what its programs want there that no image has: devices, and an emulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{command, make_directory, output, remove};

/// Unpacks what `ocelet export IMAGE` gives, the command that is handed in, with its platform where there are several.
pub(super) fn unpack(export: &mut Command, files: &Path) -> Outcome {
    make_directory(files)?;
    let tar = PathBuf::from(format!("{}.tar", files.display()));
    output(export.args(["--format", "rootfs", "--to"]).arg(&tar))?;
    output(command("tar").arg("--numeric-owner").arg("-xpf").arg(&tar).arg("-C").arg(files))?;
    remove(&tar)
}

/// What libcrypto, ssh and others read from before all else. No image has devices: runtimes bring them.
pub(super) fn devices(files: &Path) -> Outcome {
    make_directory(&files.join("dev"))?;
    output(command("mknod").arg(files.join("dev/null")).args(["c", "1", "3"])).map(drop)
}

/// Puts the emulator into plain files.
pub(super) fn bring(files: &Path, emulator: &str) -> Outcome {
    if files.join(emulator).exists() {
        return Ok(());
    }
    let place = output(command("sh").args(["-c", "command -v \"$0\"", emulator]))?;
    output(command("cp").arg(place.trim()).arg(files.join(emulator))).map(drop)
}
