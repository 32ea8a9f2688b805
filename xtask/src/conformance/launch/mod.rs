//! What `ocelet launch` writes, started: by runc, crun, podman, containerd's ctr, docker, nerdctl, podman's generator and as a
//! unit of systemd, each on a machine that is thrown away.
//!
//! The embedded bundle's programs cannot run, so that the image holds a probe: it tells what it sees of the host, and mounts
//! something that has to reach it. What was printed is started as it was printed; where this machine lacks the right to raise
//! limits (`CAP_SYS_RESOURCE`), `start.sh` says what it takes away.

mod files;
mod seen;
mod units;

use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet::launch::Runtime;
use serde_json::Value;

use self::seen::Seen;
use super::{need, skip};
use crate::Outcome;
use crate::shell::{
    command, ended, is_installed, line, make_directory, output, read_text, root, temporary_for, write,
};

/// The release that the probe says it is.
const RELEASE: &str = "1.36.4";

/// One way to start something.
struct Way {
    /// What `start.sh` calls it.
    name: &'static str,
    /// What `ocelet launch` calls it.
    runtime: Runtime,
    /// Programs without which it cannot be tried.
    needs: &'static [&'static str],
    /// Whether Debian 12 has those programs. Where it has not, a machine without them passes all the same.
    is_in_debian: bool,
    /// Whether it is started by hand too, and not only by a unit.
    by_hand: bool,
    /// What it starts that stays.
    components: &'static [&'static str],
    /// Whether it runs a command once, such as kubeadm.
    once: bool,
}

const BOTH: &[&str] = &["kubelet", "kube-proxy"];

const WAYS: &[Way] = &[
    Way { by_hand: false, ..container("runc", Runtime::Bundle, &["runc"]) },
    Way { by_hand: false, ..container("crun", Runtime::Bundle, &["crun"]) },
    container("podman", Runtime::Podman, &["podman", "runc"]),
    container("ctr", Runtime::Ctr, &["containerd", "ctr"]),
    container("docker", Runtime::Docker, &["dockerd", "docker"]),
    Way { is_in_debian: false, ..container("nerdctl", Runtime::Nerdctl, &["containerd", "ctr", "nerdctl"]) },
    Way { is_in_debian: false, ..unit("quadlet", Runtime::Quadlet, &["podman", "quadlet"]) },
    unit("systemd", Runtime::Systemd, &["systemd-tmpfiles"]),
    unit("sysext", Runtime::Systemd, &["systemd-sysext"]),
    // Its kube-proxy is a static pod.
    Way { components: &["kubelet"], ..unit("crio", Runtime::Crio, &["systemd-tmpfiles"]) },
];

/// What is run from a command line.
const fn container(name: &'static str, runtime: Runtime, needs: &'static [&'static str]) -> Way {
    Way { name, runtime, needs, is_in_debian: true, by_hand: true, components: BOTH, once: true }
}

/// What systemd alone starts.
const fn unit(name: &'static str, runtime: Runtime, needs: &'static [&'static str]) -> Way {
    Way { by_hand: false, once: false, ..container(name, runtime, needs) }
}

/// Makes the image, has what starts it written in every way, and starts it.
pub(super) fn run(ocelet: &str) -> Outcome {
    for program in ["unshare", "systemd-analyze", "ip", "cc"] {
        if !need(program)? {
            return Ok(());
        }
    }
    let work = temporary_for("launch")?;
    let bench = Bench { ocelet, work: work.path() };
    bench.prepare()?;
    let mut failures = Vec::new();
    for way in WAYS {
        if let Some(lacking) = way.needs.iter().find(|program| !is_installed(program)) {
            let why = format!("{}: {lacking} is not installed", way.name);
            if way.is_in_debian {
                skip(&why)?;
            } else {
                println!("skipped: {why}, and Debian 12 has none");
            }
            continue;
        }
        // One that does not start says nothing of the others.
        let stays = way.components.iter().filter_map(|component| bench.stays(way, component).err());
        let once = way.once.then(|| bench.once(way).err()).flatten();
        failures.extend(stays.chain(once).map(|error| format!("{}: {error}", way.name)));
    }
    failures.extend(files::run(&bench));
    failures.extend(units::run(&bench).err());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// A place to work in, and the program under test.
struct Bench<'run> {
    ocelet: &'run str,
    work: &'run Path,
}

impl Bench<'_> {
    /// The image in all forms, and what the scripts need beside it.
    fn prepare(&self) -> Outcome {
        let programs = self.work.join("probe/usr/bin");
        make_directory(&programs)?;
        let probe = programs.join("kubelet");
        let source = root().join("xtask/src/conformance/launch/probe.c");
        output(command("cc").args(["-static", "-O1", "-o"]).arg(&probe).arg(source))?;
        // The last two are what wrappers of the host's programs take.
        for other in ["kubeadm", "kube-proxy", "sh", "nsenter"] {
            output(command("ln").arg(&probe).arg(programs.join(other)))?;
        }
        let recipe = recipe("probe", RELEASE, &["kubelet", "kubeadm", "kube-proxy", "sh", "nsenter"]);
        write(&self.work.join("recipe.toml"), recipe.as_bytes())?;
        let mut assemble = command(self.ocelet);
        assemble.args(["assemble", "--quiet"]).arg(self.work.join("recipe.toml"));
        output(assemble.arg("--output").arg(self.layout()))?;
        lend(self.work, "xtask/clients", &["containerd.toml", "containers.conf"])?;
        lend(self.work, "xtask/src/conformance/launch", &["machine.sh", "start.sh"])
    }

    fn layout(&self) -> PathBuf {
        self.work.join("layout")
    }

    fn image(&self) -> String {
        format!("{}:v{RELEASE}", self.layout().display())
    }

    /// `ocelet launch` of the image; its words come behind.
    fn launch(&self, runtime: Runtime, component: &str) -> Command {
        let mut launch = command(self.ocelet);
        launch.args(["launch", &self.image(), "--runtime", &runtime.to_string(), "--component", component]);
        launch.args(["--cgroups", cgroups()]);
        if component == "kubelet" && !runtime.is_host() {
            launch.args(["--with", "certificates,iscsi,modprobe", "--mount", "/srv/host:/srv/inside:ro"]);
            launch.args(["--env", seen::VARIABLE]);
        }
        launch
    }

    /// What is printed, the commands that bring the image, and the directory, where `start.sh` looks for them.
    fn written(&self, runtime: Runtime, component: &str, arguments: &[&str]) -> Result<PathBuf, String> {
        let place = self.work.join("out").join(format!("{runtime}-{component}"));
        if place.exists() {
            return Ok(place);
        }
        let behind = |launch: &mut Command| {
            if !arguments.is_empty() {
                launch.arg("--").args(arguments);
            }
            let ended = ended(launch)?;
            if ended.status.success() {
                Ok((ended.out, ended.err))
            } else {
                Err(format!("`{}` ended: {}", line(launch), ended.err))
            }
        };
        let (printed, steps) = behind(&mut self.launch(runtime, component))?;
        write(&place.join("printed"), printed.as_bytes())?;
        self.brought(&steps, &place)?;
        behind(self.launch(runtime, component).arg("--to").arg(place.join("files")))?;
        Ok(place)
    }

    /// What is said to come next, as far as it brings the image: exported here, and the rest for `start.sh`.
    fn brought(&self, steps: &str, place: &Path) -> Outcome {
        let steps = steps.lines().filter_map(|text| text.trim_start().strip_prefix("Next "));
        let mut rest = String::new();
        for step in steps {
            let program = step.split(' ').next().unwrap_or_default();
            if let Some(words) = step.strip_prefix("ocelet ") {
                let mut own = command("sh");
                own.args(["-c", &format!("cd \"$1\" && exec \"$0\" {words} --quiet"), self.ocelet]);
                output(own.arg(place))?;
            } else if ["docker", "ctr", "nerdctl", "podman"].contains(&program) {
                rest.push_str(step);
                rest.push('\n');
            }
        }
        write(&place.join("bring"), rest.as_bytes())
    }

    /// Starts it on a machine that is thrown away; where it left what it saw.
    fn start(&self, way: &Way, component: &str) -> Result<PathBuf, String> {
        let ended = ended(on_machine(self.work, "start.sh").args([way.name, component]))?;
        if !ended.status.success() {
            return Err(format!("{component} does not start:\n{}", ended.said()));
        }
        Ok(self.work.join("seen").join(format!("{}-{component}", way.name)))
    }

    /// What stays: its mounts, its namespaces, its words.
    fn stays(&self, way: &Way, component: &str) -> Outcome {
        self.written(way.runtime, component, &[])?;
        let plan = output(self.launch(way.runtime, component).args(["--quiet", "--format", "json"]))?;
        let plan: Value = serde_json::from_str(&plan).map_err(|error| format!("no JSON: {error}\n{plan}"))?;
        let place = self.start(way, component)?;
        let verified = read_text(&place.join("verify"))?;
        if !verified.trim().is_empty() {
            return Err(format!("systemd-analyze says of the unit:\n{verified}"));
        }
        let forms = if way.by_hand { &["hand", "unit"][..] } else { &["unit"] };
        for form in forms {
            let seen = Seen::read(&place, form)?;
            let said = seen
                .check(&plan, way.runtime)
                .map_err(|error| format!("{component} started by {form}: {error}"))?;
            println!("{}: {component} ({form}): {said}", way.name);
        }
        Ok(())
    }

    /// kubeadm, which answers and ends.
    fn once(&self, way: &Way) -> Outcome {
        self.written(way.runtime, "kubeadm", &["version", "--output", "short"])?;
        let said = read_text(&self.start(way, "kubeadm")?.join("said"))?;
        if said.contains(&format!("Kubernetes v{RELEASE}")) {
            println!("{}: kubeadm says {}", way.name, said.trim());
            return Ok(());
        }
        Err(format!("kubeadm does not say its version: {said}"))
    }
}

/// The recipe of an image of programs in a directory beside it, which says that it is of this release.
pub(super) fn recipe(rootfs: &str, release: &str, commands: &[&str]) -> String {
    let commands: Vec<String> = commands.iter().map(|command| format!("\"{command}\"")).collect();
    format!(
        "image = \"kubelet\"\nplatforms = [\"linux/amd64\"]\ntag = \"v{release}\"\n[source.host]\nrootfs = \"{rootfs}\"\n\
         [flavor.kubelet]\ncommands = [{}]\nlabels = {{ \"org.opencontainers.image.version\" = \"{release}\" }}\n",
        commands.join(", ")
    )
}

/// Copies files of the checkout to where the machine sees them.
pub(super) fn lend(work: &Path, directory: &str, names: &[&str]) -> Outcome {
    names.iter().try_for_each(|name| {
        let text = read_text(&root().join(directory).join(name))?;
        write(&work.join(name), text.as_bytes())
    })
}

/// Runs one of the scripts that were lent on a machine that is thrown away; its words come behind.
pub(super) fn on_machine(work: &Path, script: &str) -> Command {
    let mut start = command("sh");
    start.arg(work.join("machine.sh")).arg(work).arg("sh").arg(work.join(script)).arg(work);
    start
}

/// Which cgroups this machine has, as `--cgroups` takes it.
pub(super) fn cgroups() -> &'static str {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { "2" } else { "1" }
}
