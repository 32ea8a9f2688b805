//! [`run`]: the one door to processes. A program runs in a directory of its own, with the environment that it is given
//! and no other, without input, for a bounded time and with a bounded amount of output.
//!
//! It refuses to search a `PATH` and to go through a shell. What the program does is its own business: no room may run
//! what was not asked for.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tempfile::TempDir;

use super::scratch::Scratch;

/// The most that is remembered of what a program says, in bytes; the rest is read and dropped.
const MOST_SAID: u64 = 64 << 10;
/// How often a program is started that another thread's child still holds open for writing.
const STARTS: u32 = 50;

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program<'run> {
    /// The file.
    pub path: &'run Path,
    /// Its arguments.
    pub arguments: &'run [&'run str],
    /// Its whole environment.
    pub environment: &'run [(String, String)],
    /// It is ended after this time.
    pub limit: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It was still running when its time was over.
    TimedOut,
}

/// A program that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// How long it ran.
    pub took: Duration,
    /// What it said on standard output and standard error, as far as it is remembered.
    pub said: String,
}

/// A program that could not be run, or a directory for it that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", .path.display())]
pub struct ProcessError {
    /// What was tried.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

impl ProcessError {
    /// For `map_err`.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self { action, path, cause }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(formatter, "exit code {code}"),
            Self::Signal(number) => write!(formatter, "signal {number}"),
            Self::TimedOut => formatter.write_str("no end in time"),
        }
    }
}

/// Runs a program in `directory` and waits for its end. Whatever it has started in its process group ends with it.
///
/// # Errors
/// It cannot be started or waited for.
pub fn run(program: &Program<'_>, directory: &Path) -> Result<Ended, ProcessError> {
    let path = program.path;
    let begun = Instant::now();
    let mut child = start(program, directory).map_err(ProcessError::at("run", path))?;
    let said = [listen(child.stdout.take()), listen(child.stderr.take())];
    let waited = wait(&mut child, program.limit);
    let took = begun.elapsed();
    let status = match waited {
        Ok(status) => status,
        Err(cause) => {
            // Nobody else would end it.
            let _ = child.kill();
            let _ = child.wait();
            return Err(ProcessError::at("wait for", path)(cause));
        }
    };
    let said: Vec<String> = said.into_iter().flatten().filter_map(|reader| reader.join().ok()).collect();
    Ok(Ended { ending: ending(status), took, said: said.concat() })
}

fn ending(status: Option<ExitStatus>) -> Ending {
    match status {
        None => Ending::TimedOut,
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exit(code),
            (None, signal) => Ending::Signal(signal.unwrap_or_default()),
        },
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door to processes")]
/// Starts the program. Where another thread forks while this one writes the file, the fork holds it open until it has
/// become its own program, and the file is busy (execve(2), ETXTBSY): it is tried again.
fn start(program: &Program<'_>, directory: &Path) -> io::Result<Child> {
    let mut command = Command::new(program.path);
    command.args(program.arguments).current_dir(directory).env_clear();
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    for _ in 1..STARTS {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(20));
            }
            started => return started,
        }
    }
    command.spawn()
}

/// Reads all that is said, so that nobody waits for a full pipe, and remembers the beginning.
fn listen(from: Option<impl Read + Send + 'static>) -> Option<thread::JoinHandle<String>> {
    let mut from = from?;
    Some(thread::spawn(move || {
        let mut said = Vec::new();
        let _ = (&mut from).take(MOST_SAID).read_to_end(&mut said);
        let _ = io::copy(&mut from, &mut io::sink());
        String::from_utf8_lossy(&said).into_owned()
    }))
}

/// Waits until the program ends, and ends it where it runs for too long; nothing for one that did.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let pid = Pid::from_child(child);
    let end = pidfd_open(pid, PidfdFlags::empty())?;
    let limit = Timespec { tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
    let in_time = loop {
        match poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&limit)) {
            Ok(ready) => break ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    // The group is the program's own. It is not waited for yet, so its number is nobody else's.
    let _ = kill_process_group(pid, Signal::KILL);
    let status = child.wait()?;
    Ok(in_time.then_some(status))
}

/// An empty directory that nobody else may look into; it goes with the value.
///
/// # Errors
/// It cannot be made.
pub fn private_directory(scratch: &Scratch) -> Result<TempDir, ProcessError> {
    let place = scratch.directory();
    let made = tempfile::Builder::new().prefix("ocelet-").tempdir_in(place);
    made.map_err(ProcessError::at("make a private directory in", place))
}

/// Whether this machine has something at a path.
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// Writes a file that only its owner may read and run.
///
/// # Errors
/// It cannot be written, or is there already.
pub fn write_program(path: &Path, content: &mut dyn Read) -> Result<u64, ProcessError> {
    use std::os::unix::fs::OpenOptionsExt;
    let written = File::options().write(true).create_new(true).mode(0o700).open(path).and_then(|mut file| {
        let length = io::copy(content, &mut file)?;
        file.flush()?;
        Ok(length)
    });
    written.map_err(ProcessError::at("write", path))
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, or is longer.
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, ProcessError> {
    let read = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            let text = format!("it has more than {most} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(bytes)
    });
    read.map_err(ProcessError::at("read", path))
}

/// The platform that this machine runs programs of, by the name that images use; nothing where images have none.
pub fn machine() -> Option<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Some("linux/amd64"),
        "aarch64" => Some("linux/arm64"),
        "arm" => Some("linux/arm/v7"),
        "x86" => Some("linux/386"),
        "riscv64" => Some("linux/riscv64"),
        "s390x" => Some("linux/s390x"),
        "powerpc64" if cfg!(target_endian = "little") => Some("linux/ppc64le"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, environment: &[(String, String)], limit: u64) -> Ended {
        let place = tempfile::tempdir().expect("a directory");
        let program = Program {
            path: Path::new("/bin/sh"),
            arguments: &["-c", script],
            environment,
            limit: Duration::from_secs(limit),
        };
        run(&program, place.path()).expect("a shell")
    }

    #[test]
    fn programs_end_in_different_ways() {
        for (script, want) in [
            ("exit 0", Ending::Exit(0)),
            ("exit 127", Ending::Exit(127)),
            ("kill -11 $$", Ending::Signal(11)),
            ("cat", Ending::Exit(0)),
            ("head -c 1000000 /dev/zero", Ending::Exit(0)),
        ] {
            assert_eq!(shell(script, &[], 60).ending, want, "{script}");
        }
        let slow = shell("sleep 100 & sleep 100", &[], 1);
        assert_eq!(slow.ending, Ending::TimedOut);
        assert!(slow.took < Duration::from_secs(50), "what it started was waited for");
        // Who leaves something running behind is not waited for either.
        assert!(shell("sleep 100 & exit 3", &[], 60).took < Duration::from_secs(50));
    }

    #[test]
    fn programs_get_their_environment_and_an_empty_directory() {
        let environment = [("A".to_owned(), "1".to_owned())];
        let ended = shell("ls -a | wc -l; echo \"$A$HOME$USER\"; echo err >&2", &environment, 60);
        let words: Vec<&str> = ended.said.split_whitespace().collect();
        assert_eq!(words, ["2", "1", "err"]);
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("x");
        write_program(&path, &mut &b"12345"[..]).expect("a new file");
        assert_eq!(read_whole(&path, 5).expect("five bytes"), b"12345");
        assert!(read_whole(&path, 4).is_err());
        assert!(write_program(&path, &mut &b"1"[..]).is_err(), "it is there already");
    }
}
