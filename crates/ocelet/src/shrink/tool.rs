//! [`Upx`]: the program that packs, told by its bytes and its own word, run from a copy that nobody changes meanwhile.
//!
//! It refuses versions whose packed programs are known to crash:
//!
//! - 5.0 and later: with more than some 500 environment variables the program dies before its first instruction. amd64:
//!   upx issue 18902 and discussion 958 (5.2.0, the stub jumps one word too high in `amd64-linux.elf-fold.S`); arm64:
//!   issue 952 (5.0.2); 32-bit ARM with LZMA: issue 901 (5.0.0). Kubernetes sets seven variables for each service of
//!   a namespace, so such environments are usual where these images run.
//! - before 4.2.2: the same on arm64, issue 743.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ocelet_oci::Digest;
use ocelet_tree::Content;
use tempfile::TempDir;

use super::error::{Fault, ShrinkError};
use crate::host::{self, Ended, Ending, Host, ProcessError, Program};
use crate::recipe::PackMethod;

/// How long upx may work on one file. 33 MB take two minutes of one processor.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// How long a question about itself may take.
const QUESTION: Duration = Duration::from_secs(60);

/// What identifies an upx, and so what packed bytes depend on beside the file and the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its version, as it says itself.
    pub version: String,
    /// The SHA-256 of the program.
    pub sha256: Digest,
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "upx {} ({})", self.version, self.sha256)
    }
}

/// A usable upx.
#[derive(Debug)]
pub struct Upx {
    /// What the user calls it.
    label: String,
    version: String,
    sha256: Digest,
    program: PathBuf,
    /// The directory that the program is in; it goes when this does.
    directory: TempDir,
}

impl Upx {
    /// The program at a path of this machine.
    ///
    /// # Errors
    /// It cannot be read or run, is not upx, or one that is known to be unfit.
    pub fn at(path: &Path, host: &Host<'_>) -> Result<Self, ShrinkError> {
        Self::of(&path.display().to_string(), &host::open(path)?.content(), host)
    }

    /// The program with this content; `label` is what messages call it.
    ///
    /// # Errors
    /// As [`Upx::at`].
    pub fn of(label: &str, content: &Content, host: &Host<'_>) -> Result<Self, ShrinkError> {
        let directory = host::private_directory(host.scratch)?;
        let program = directory.path().join("upx");
        host::write_program(&program, &mut content.reader())?;
        let bytes = host::open(&program)?.content().bytes()?;
        let sha256 = Digest::of(&bytes);
        let mut upx = Self { label: label.to_owned(), version: String::new(), sha256, program, directory };
        let told = upx.call(&["--version"], upx.directory.path(), QUESTION)?;
        let first = told.said.lines().next().unwrap_or_default().trim().to_owned();
        match first.strip_prefix("upx ").filter(|_| told.ending == Ending::Exit(0)) {
            Some(version) => version.clone_into(&mut upx.version),
            None => return Err(ShrinkError::NotUpx { program: upx.label, ending: told.ending, said: first }),
        }
        match unfit(&upx.version) {
            Some(why) => Err(ShrinkError::Unfit { program: upx.label, version: upx.version, why }),
            None => Ok(upx),
        }
    }

    /// What identifies it, wherever it came from.
    pub fn identity(&self) -> Tool {
        Tool { version: self.version.clone(), sha256: self.sha256 }
    }

    /// Checks that it is the version that the recipe says.
    ///
    /// # Errors
    /// It is another.
    pub(crate) fn must_be(&self, wanted: Option<&str>) -> Result<(), ShrinkError> {
        match wanted.filter(|wanted| *wanted != self.version) {
            None => Ok(()),
            Some(wanted) => Err(ShrinkError::OtherVersion {
                program: self.label.clone(),
                wanted: wanted.to_owned(),
                got: self.version.clone(),
            }),
        }
    }

    /// The SHA-256 of the program.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Runs it, and takes no other end than success.
    pub(super) fn work(&self, arguments: &[&str], directory: &Path) -> Result<(), Fault> {
        let ended = self.ask(arguments, directory)?;
        if ended.ending == Ending::Exit(0) { Ok(()) } else { Err(fault(arguments, &ended)) }
    }

    /// Runs it.
    pub(super) fn ask(&self, arguments: &[&str], directory: &Path) -> Result<Ended, ProcessError> {
        self.call(arguments, directory, LIMIT)
    }

    fn call(&self, arguments: &[&str], directory: &Path, limit: Duration) -> Result<Ended, ProcessError> {
        let program = Program { path: &self.program, arguments, environment: &[], limit };
        host::run(&program, directory)
    }
}

/// What upx did not do.
pub(super) fn fault(arguments: &[&str], ended: &Ended) -> Fault {
    let said = words(&ended.said).unwrap_or_else(|| "it says nothing".to_owned());
    Fault::Upx { arguments: arguments.join(" "), ending: ended.ending, said }
}

/// The arguments for a method, fixed: they are part of what a packed file's bytes depend on.
///
/// Measured with upx 4.2.2 on Go programs of Debian 12 (amd64, dynamically linked; processor time of packing; bytes of the
/// packed file, and of it after `gzip -6`; processor time of `--help`, median of 3):
///
/// | program (bytes; gzip; start) | arguments | packing | bytes | gzip | start |
/// |---|---|---:|---:|---:|---:|
/// | bridge (2,943,104; 1,246,263; 0.00 s) | `--lzma` | 4.5 s | 958,188 | 957,032 | 0.14 s |
/// | | `--lzma --best` | 4.5 s | 958,188 | 957,032 | 0.14 s |
/// | | `-9` | 7.4 s | 1,204,872 | 1,179,835 | 0.04 s |
/// | | `--best` | 38.8 s | 1,202,352 | 1,177,360 | 0.04 s |
/// | runc (8,752,456; 3,437,206; 0.01 s) | `--lzma` | 11.3 s | 2,673,824 | 2,672,993 | 0.36 s |
/// | | `-7` | 3.3 s | 3,480,796 | 3,399,208 | 0.08 s |
/// | skopeo (16,294,464; 6,283,350; 0.01 s) | `--lzma` | 18.8 s | 4,752,936 | 4,752,464 | 0.62 s |
/// | | `-9` | 26.0 s | 6,281,652 | 6,122,745 | 0.17 s |
/// | podman (32,969,312; 12,382,932; 0.03 s) | `--lzma` | 40.9 s | 9,218,188 | 9,218,327 | 1.31 s |
/// | | `-9` | 51.5 s | 12,320,240 | 12,023,635 | 0.31 s |
///
/// So LZMA is what a recipe gets that does not choose: a fifth to a quarter less than NRV, on disk and in the layer, and
/// in less time. It starts three to four times slower, which a recipe that minds says with `pack = "nrv"`. `--best` adds
/// nothing to LZMA, and five times the time for 0.2 % to NRV. NRV hardly saves anything in a gzip layer.
pub(super) fn arguments(method: PackMethod) -> &'static str {
    match method {
        PackMethod::Lzma => "--lzma",
        PackMethod::Nrv => "-9",
    }
}

/// What upx says of a file in its own words: `CantPackException: bad e_shoff`.
pub(super) fn words(said: &str) -> Option<String> {
    let line = said.lines().rev().find_map(|line| line.trim().strip_prefix("upx: "))?;
    // The file's name comes first.
    Some(line.split_once(": ").map_or(line, |(_, words)| words).to_owned())
}

/// Why a version is not to be used, where it is not.
fn unfit(version: &str) -> Option<&'static str> {
    let mut numbers = version.split(['.', '-', ' ']).map_while(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().unwrap_or(0);
    let number = (next(), next(), next());
    if number >= (5, 0, 0) {
        Some(
            "programs that 5.0 and later have packed crash with more than some 500 environment variables \
             (upx issues 952 and 18902)",
        )
    } else if number < (4, 2, 2) {
        Some(
            "arm64 programs that it has packed crash with more than 500 environment variables (upx issue 743)",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_crash_are_refused() {
        for (version, fit) in [
            ("4.2.2", true),
            ("4.2.4", true),
            ("4.3.0", true),
            ("4.2.1", false),
            ("3.96", false),
            ("5.0.0", false),
            ("5.2.1", false),
            ("5.0.0-devel", false),
            ("nonsense", false),
        ] {
            assert_eq!(unfit(version).is_none(), fit, "{version}");
        }
    }

    #[test]
    fn its_own_words_are_found() {
        for (said, want) in [
            ("upx: in: CantPackException: bad e_shoff\n", Some("CantPackException: bad e_shoff")),
            ("Packed 0 files.\nupx: in: AlreadyPackedException\n\n", Some("AlreadyPackedException")),
            ("Packed 1 file.\n", None),
            ("", None),
        ] {
            assert_eq!(words(said).as_deref(), want, "{said:?}");
        }
    }
}
