//! Real programs of other platforms on Debian's tools: `recipes/kubelet-debian.toml` with the plugins of
//! `recipes/kubelet.toml`, assembled packed out of a mirror without a network, and run under emulators.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::super::clients::says;
use super::super::debian::apt::{self, Sources};
use super::super::debian::{MACHINES, Machine, inside};
use super::super::plain::devices;
use super::super::{need, skip};
use super::recipe::{from_here, strings, table};
use super::{Site, inputs, own_hosts};
use crate::Outcome;
use crate::binaries::{CNI_PLUGINS, CRI_TOOLS, KUBERNETES, upstream};
use crate::shell::{command, list, read_text, root, write};

/// The platforms that this machine has to emulate, as far as programs were built for them.
pub(in crate::conformance) fn run(ocelet: &str) -> Outcome {
    let Some(inputs) = inputs()? else { return Ok(()) };
    let inputs = &inputs;
    let built = |architecture: &str| {
        inputs.binaries.join(upstream::kubernetes(KUBERNETES, architecture, "kubelet")).is_file()
    };
    let machines: Vec<&Machine> = MACHINES
        .iter()
        .filter(|machine| machine.emulator.is_some())
        .filter(|machine| built(machine.platform.trim_start_matches("linux/").trim_end_matches("/v7")))
        .collect();
    if machines.is_empty() {
        println!("skipped: {KUBERNETES} is not built for other platforms");
        return Ok(());
    }
    for machine in &machines {
        if let Some(emulator) = machine.emulator
            && !need(emulator)?
        {
            return Ok(());
        }
    }
    let work = crate::shell::temporary()?;
    let site = Site { ocelet, work: work.path(), inputs };
    write(&site.recipe(), text(&machines)?.as_bytes())?;
    own_hosts(inputs, &site.given())?;
    let lock = || {
        let mut lock = site.command("lock");
        lock.arg(site.recipe()).arg("--mirror").arg(site.given());
        lock
    };
    let root = match apt::lock(lock, &work.path().join("apt"))? {
        Sources::Machine => PathBuf::from("/"),
        Sources::Copy(copy) => copy,
        Sources::Nothing(why) => return skip(&format!("no Debian packages: {}", why.trim())),
    };
    let words = ["--apt-root".to_owned(), root.display().to_string()];
    site.gather(&words)?;
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--upx", "system"]).collect();
    let layout = site.assemble("foreign", &words)?;
    machines.into_iter().try_for_each(|machine| {
        started(&site, &layout, machine).map_err(|error| format!("{}: {error}", machine.platform))
    })
}

/// The recipe's text.
fn text(machines: &[&Machine]) -> Result<String, String> {
    let read = |name: &str| -> Result<Table, String> {
        toml::from_str(&read_text(&root().join("recipes").join(name))?).map_err(|error| error.to_string())
    };
    let (mut recipe, mut other) = (read("kubelet-debian.toml")?, read("kubelet.toml")?);
    recipe.insert("platforms".to_owned(), strings(machines.iter().map(|machine| machine.platform)));
    let versions = [("kubernetes", KUBERNETES), ("cri-tools", CRI_TOOLS), ("cni-plugins", CNI_PLUGINS)];
    from_here(&mut recipe, &versions)?;
    let parameters = table(&mut recipe, &["parameters"])?;
    parameters.remove("debian-packages");
    parameters.remove("debian-keys");
    let sources = table(&mut recipe, &["source"])?;
    let debian = table(sources, &["debian"])?;
    debian.insert("deb".to_owned(), Value::from("system"));
    debian.remove("keys");
    table(sources, &["crictl"])?.remove("when");
    let plugins = table(&mut other, &["source", "cni-plugins"])?.clone();
    sources.insert("cni-plugins".to_owned(), Value::from(plugins));
    let mut cni = Table::new();
    cni.insert("extends".to_owned(), Value::from("kubeadm"));
    cni.insert("commands".to_owned(), strings(["crictl"]));
    cni.insert("files".to_owned(), strings(["/opt/cni/bin/*"]));
    table(&mut recipe, &["flavor"])?.insert("kubeadm-cni".to_owned(), Value::from(cni));
    toml::to_string(&recipe).map_err(|error| error.to_string())
}

/// What the largest image is for, and every plugin that it has.
fn started(site: &Site<'_>, layout: &Path, machine: &Machine) -> Outcome {
    let files = site.unpacked(layout, &format!("{KUBERNETES}-kubeadm-cni-bookworm"), machine.platform)?;
    devices(&files)?;
    for (program, arguments, want) in [
        ("kubelet", &["--version"][..], KUBERNETES),
        ("kubeadm", &["version", "--output", "short"], KUBERNETES),
        ("crictl", &["--version"], CRI_TOOLS),
        ("mount", &["--version"], "util-linux"),
    ] {
        says(program, inside(&files, machine, program)?.args(arguments), want)?;
    }
    let plugins = list(&files.join("opt/cni/bin"));
    if plugins.is_empty() {
        return Err("there are no plugins".to_owned());
    }
    let emulator = machine.emulator.ok_or("only what is emulated is run here")?;
    for plugin in &plugins {
        let name = plugin.file_name().unwrap_or_default().to_string_lossy();
        let mut run = command("chroot");
        run.arg(&files).arg(format!("/{emulator}")).arg(format!("/opt/cni/bin/{name}"));
        says(&name, run.env("CNI_COMMAND", "VERSION"), "supportedVersions")?;
    }
    println!("{}: kubelet, kubeadm, crictl and {} plugins run", machine.platform, plugins.len());
    Ok(())
}
