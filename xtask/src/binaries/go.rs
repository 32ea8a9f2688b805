//! Programs built from their Go modules, with the switches that their projects release them with.
//!
//! Sources come from the Go module proxy, whose sums Go itself checks. Nothing is built twice: what is in its place stays.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::shell::{command, is_installed, make_directory, output, read_text, show, write};

/// The C library that a program is linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum C {
    /// glibc, as the programs that Kubernetes releases.
    Gnu,
    /// musl, as programs that are built on Alpine.
    Musl,
    /// None: the program is linked statically.
    Without,
}

/// The toolchain that a release can be built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// The machine's own.
    Current,
    /// Debian's golang-1.19-go, for what was written before Go 1.21 changed the rules of linking names.
    Old,
}

/// One call of `go build`.
#[derive(Debug)]
pub(super) struct Build<'build> {
    /// The directory of the module.
    pub(super) module: &'build Path,
    /// A file of requirements in place of the module's own, which nobody may write.
    pub(super) requirements: Option<&'build Path>,
    pub(super) packages: &'build [String],
    pub(super) tags: &'build str,
    /// What the linker writes into variables: name and value.
    pub(super) variables: &'build [(String, String)],
    pub(super) linker: &'build str,
    pub(super) c: C,
    pub(super) go: Go,
    /// The architecture, as Go names it.
    pub(super) architecture: &'build str,
}

impl Build<'_> {
    /// Builds the packages into a directory.
    pub(super) fn write_to(&self, directory: &Path) -> Outcome {
        make_directory(directory)?;
        let mut go = command(toolchain(self.go)?);
        go.current_dir(self.module).args(["build", "-trimpath", "-buildvcs=false", "-mod=mod"]);
        if let Some(requirements) = self.requirements {
            go.arg("-modfile").arg(requirements);
        }
        if !self.tags.is_empty() {
            go.args(["-tags", self.tags]);
        }
        let mut linker = format!("-s -w {}", self.linker);
        for (name, value) in self.variables {
            linker.extend([" -X ", name, "=", value]);
        }
        go.arg("-ldflags").arg(linker.trim()).arg("-o").arg(directory.join("")).args(self.packages);
        go.env("GOFLAGS", "").env("GOTOOLCHAIN", "local").env("GOOS", "linux");
        go.env("GOARCH", self.architecture).env("GOARM", "7");
        self.with_c(&mut go)?;
        show(&mut go)
    }

    fn with_c(&self, go: &mut Command) -> Outcome {
        let compiler = match (self.c, self.architecture) {
            (C::Without, _) => {
                go.env("CGO_ENABLED", "0");
                return Ok(());
            }
            (C::Gnu, "amd64") => "x86_64-linux-gnu-gcc",
            (C::Gnu, "arm64") => "aarch64-linux-gnu-gcc",
            (C::Gnu, "arm") => "arm-linux-gnueabihf-gcc",
            (C::Musl, "amd64") => "musl-gcc",
            (c, architecture) => return Err(format!("there is no compiler for {architecture} with {c:?}")),
        };
        if !is_installed(compiler) {
            return Err(format!("{compiler} is not installed"));
        }
        go.env("CGO_ENABLED", "1").env("CC", compiler);
        Ok(())
    }
}

fn toolchain(go: Go) -> Result<&'static str, String> {
    let (program, package) = match go {
        Go::Current => ("go", "a current Go"),
        Go::Old => ("/usr/lib/go-1.19/bin/go", "golang-1.19-go"),
    };
    if is_installed(program) { Ok(program) } else { Err(format!("{package} is not installed")) }
}

/// The directory of a module in Go's cache, filled from the proxy where it is not there yet.
pub(super) fn module(name: &str, version: &str) -> Result<PathBuf, String> {
    let mut go = command(toolchain(Go::Current)?);
    go.env("GOFLAGS", "").args(["mod", "download", "-json", &format!("{name}@{version}")]);
    let told = output(&mut go)?;
    let told: Value = serde_json::from_str(&told).map_err(|error| format!("go told no JSON: {error}"))?;
    told["Dir"].as_str().map(PathBuf::from).ok_or_else(|| format!("go tells no directory of {name}"))
}

/// A copy of a module's requirements that may be written: `go.mod`, and its sums beside it.
pub(super) fn requirements(module: &Path, copy: &Path) -> Outcome {
    write(&copy.join("go.mod"), read_text(&module.join("go.mod"))?.as_bytes())?;
    write(&copy.join("go.sum"), read_text(&module.join("go.sum"))?.as_bytes())
}
