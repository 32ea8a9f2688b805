//! Packing by the real upx: Go programs of this machine, packed, proved, and run in podman with few and with very many
//! variables; a second time nothing is packed again; a daemon is refused.

use std::path::Path;
use std::process::Command;

use super::bundle::{assembled, cached};
use super::clients::says;
use super::need;
use super::podman::Podman;
use super::real::stored;
use crate::Outcome;
use crate::shell::{ended, is_installed, output, temporary_for, write};

/// Programs that are written in Go, with what they say of themselves.
const PROGRAMS: [(&str, &str); 2] = [("skopeo", "skopeo version"), ("umoci", "umoci version")];

/// The platform of this machine.
const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };

/// How many variables the programs of a container are given: programs that upx 5 packed crash with some 500.
const VARIABLES: [usize; 3] = [0, 600, 2_000];

pub(super) fn run(ocelet: &str) -> Outcome {
    for (program, _) in PROGRAMS.iter().chain(&[("upx", ""), ("podman", "")]) {
        if !need(program)? {
            return Ok(());
        }
    }
    let work = temporary_for("pack")?;
    let work = work.path();
    let recipe = work.join("tools.toml");
    write(&recipe, text(&PROGRAMS.map(|(program, _)| program)).as_bytes())?;
    let assemble = |name: &str, flags: &[&str]| -> Command {
        let mut assemble = cached(ocelet, &work.join("cache"));
        assemble
            .arg("assemble")
            .arg(&recipe)
            .args(["--format", "json"])
            .args(flags)
            .arg("--output")
            .arg(work.join(name));
        assemble
    };
    let packed = &["--upx", "system"][..];
    let first = assembled(&mut assemble("packed", packed))?;
    let layout = work.join("packed");
    output(cached(ocelet, &work.join("cache")).args(["verify", "--quiet"]).arg(&layout))?;
    if assembled(&mut assemble("again", packed))? != first {
        return Err("packing a second time gives other images".to_owned());
    }
    assembled(&mut assemble("plain", &["--no-pack"]))?;
    let (less, more) = (stored(&layout)?, stored(&work.join("plain"))?);
    println!("packed {less} bytes, with --no-pack {more}");
    if less >= more {
        return Err(format!("packing saves nothing: {less} bytes, and {more} without"));
    }
    started(&layout, work)?;
    daemons(ocelet, work)
}

fn text(packed: &[&str]) -> String {
    let files: Vec<String> = packed.iter().map(|name| format!("\"/usr/bin/{name}\"")).collect();
    format!(
        "image = \"tools\"\nplatforms = [\"{PLATFORM}\"]\ntag = \"v1\"\n[source.host]\nrootfs = \"/\"\n\
         pack = {{ files = [{}] }}\n[flavor.tools]\ncommands = [{}]\n",
        files.join(", "),
        packed.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "),
    )
}

/// Runs what was packed, in a container, with each number of variables.
fn started(layout: &Path, work: &Path) -> Outcome {
    let podman = Podman::new(&work.join("podman"));
    let image = podman.pull(&format!("oci:{}:v1", layout.display()))?;
    for (program, want) in PROGRAMS {
        for count in VARIABLES {
            let file = work.join("variables");
            let lines: String =
                (0..count).flat_map(|number| ["OCELET_".to_owned(), format!("{number}=x\n")]).collect();
            write(&file, lines.as_bytes())?;
            let mut run = podman.command();
            run.args(["run", "--rm", "--network=none", "--pull=never", "--env-file"]).arg(&file);
            run.args(["--entrypoint", program, &image, "--version"]);
            says(&format!("{program} with {count} variables"), &mut run, want)?;
        }
        println!("{program} runs packed with {VARIABLES:?} variables");
    }
    Ok(())
}

/// A program that runs for long is refused, whatever the profile says.
fn daemons(ocelet: &str, work: &Path) -> Outcome {
    let Some(daemon) = ["containerd", "conmon"].into_iter().find(|name| is_installed(name)) else {
        return super::skip("no daemon is installed");
    };
    let recipe = work.join("daemon.toml");
    write(&recipe, text(&[daemon]).as_bytes())?;
    let mut assemble = cached(ocelet, &work.join("cache"));
    assemble
        .arg("assemble")
        .arg(&recipe)
        .args(["--quiet", "--upx", "system", "--output"])
        .arg(work.join("daemon"));
    let ended = ended(&mut assemble)?;
    let said = ended.err;
    if ended.status.code() == Some(2) && said.contains(daemon) && said.contains("run for long") {
        println!("{daemon} is refused");
        return Ok(());
    }
    Err(format!("{daemon} flagged for packing ends with {}: {said}", ended.status))
}
