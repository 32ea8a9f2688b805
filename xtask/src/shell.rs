//! The doors of the tasks: files of the checkout, and other programs — the tools of the checks, never anything that
//! an image is built with.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A variable of the environment, where it is set.
#[expect(clippy::disallowed_methods, reason = "tasks are told by their environment how much to do")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The directory of Alpine's repositories that `OCELET_ALPINE` names, which are not part of this project; nothing
/// where it names none.
pub(crate) fn alpine() -> Option<PathBuf> {
    variable("OCELET_ALPINE").and_then(|directory| Path::new(&directory).canonicalize().ok())
}

/// The bytes of a file.
#[expect(clippy::disallowed_methods, reason = "tasks read the checkout's files")]
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read(path)?).map_err(|error| format!("{} is not text: {error}", path.display()))
}

/// Writes a file, and the directories above it.
#[expect(clippy::disallowed_methods, reason = "tasks write the checkout's files")]
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if let Some(above) = path.parent() {
        make_directory(above)?;
    }
    std::fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Makes a directory, and those above it.
pub(crate) fn make_directory(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path).map_err(|error| format!("cannot make {}: {error}", path.display()))
}

/// What is in a directory, sorted; nothing where it is not there.
#[expect(clippy::disallowed_methods, reason = "the names are sorted")]
pub(crate) fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory);
    let mut paths: Vec<PathBuf> =
        entries.map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    paths.sort();
    paths
}

/// Every file below a directory, sorted; links are not followed.
pub(crate) fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in list(directory) {
        if path.is_dir() && !path.is_symlink() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> Result<(), String> {
    std::fs::remove_file(path).map_err(|error| format!("cannot remove {}: {error}", path.display()))
}

/// A directory that is gone when the value is.
pub(crate) fn temporary() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("cannot make a temporary directory: {error}"))
}

/// The same with a name of small letters and digits: podman takes a layout's path for the name of an image, and those have
/// no capitals.
pub(crate) fn temporary_for(what: &str) -> Result<tempfile::TempDir, String> {
    let name = format!("ocelet-{what}-{}", std::process::id());
    let made = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir();
    made.map_err(|error| format!("cannot make a temporary directory: {error}"))
}

/// A command that starts in the checkout's root.
#[expect(clippy::disallowed_methods, reason = "tasks run the tools that they check with")]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Whether a program is on the machine.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut look = command("sh");
    look.args(["-c", "command -v \"$0\" >/dev/null", program]);
    look.status().is_ok_and(|status| status.success())
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

/// How a command ended, well or not, and what it said before.
pub(crate) struct Ended {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// What it printed to stdout.
    pub(crate) out: String,
    /// What it printed to stderr.
    pub(crate) err: String,
}

impl Ended {
    /// What it printed to stdout, and then what it printed to stderr.
    pub(crate) fn said(&self) -> String {
        [self.out.as_str(), &self.err].concat()
    }
}

/// Runs to the end, however that is.
pub(crate) fn ended(command: &mut Command) -> Result<Ended, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", line(command)))?;
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Ended { status: output.status, out, err })
}

/// Runs to the end and gives what it printed to stdout; an error holds what it printed to both streams.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let ended = ended(command)?;
    if ended.status.success() {
        Ok(ended.out)
    } else {
        Err(format!("`{}` ended with {}:\n{}", line(command), ended.status, ended.said()))
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
