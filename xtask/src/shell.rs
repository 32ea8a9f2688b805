//! Running other programs: the tools of the checks, never anything that an image is built with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A command that starts in the checkout's root.
#[expect(clippy::disallowed_methods, reason = "tasks run the tools that they check with")]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Whether a program is on the machine; says so where it is not.
pub(crate) fn have(program: &str) -> bool {
    let found = command("sh")
        .args(["-c", "command -v \"$0\" >/dev/null", program])
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {program} not installed");
    }
    found
}

/// Runs to the end, showing the command line and its output as it comes.
pub(crate) fn show(command: &mut Command) -> Result<(), String> {
    println!("$ {}", line(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", line(command))),
        Err(error) => Err(format!("cannot run `{}`: {error}", line(command))),
    }
}

/// Runs to the end and gives what it printed on both streams; an error holds that too.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run `{}`: {error}", line(command)))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("`{}` ended with {}:\n{text}", line(command), output.status))
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
