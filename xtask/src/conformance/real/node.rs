//! All five flavors of real programs: locked, assembled out of a mirror without a network, verified, explained file by file,
//! and run in podman — packed for every client, and unpacked in solid layers.

use std::path::Path;

use serde_json::Value;

use super::super::clients::{runs, says};
use super::super::need;
use super::super::podman::Podman;
use super::{Inputs, Site, Wanted, inputs, stored};
use crate::Outcome;
use crate::binaries::{CNI_PLUGINS, CRI_TOOLS, KUBERNETES, OLD_CNI_PLUGINS, OLD_CRI_TOOLS, PREDECESSOR};
use crate::shell::{output, temporary_for};

/// What is built for each release: upstream's way with glibc, and the predecessor's with musl.
pub(super) const RELEASES: &[Wanted] = &[
    Wanted {
        kubernetes: PREDECESSOR,
        cri_tools: OLD_CRI_TOOLS,
        cni_plugins: OLD_CNI_PLUGINS,
        has_glibc: false,
        without: &[("kubelet", &["socat"]), ("kubeadm", &["conntrack", "ip"])],
    },
    Wanted {
        kubernetes: KUBERNETES,
        cri_tools: CRI_TOOLS,
        cni_plugins: CNI_PLUGINS,
        has_glibc: true,
        without: &[("kubeadm", &["ip"])],
    },
];

/// Five flavors of one platform may take that much more than the largest of them, in thousandths.
const TOGETHER: u64 = 1_030;

/// Every release that was built.
pub(in crate::conformance) fn run(ocelet: &str) -> Outcome {
    let Some(inputs) = inputs()? else { return Ok(()) };
    if !need("upx")? {
        return Ok(());
    }
    for wanted in RELEASES {
        let kubelet = crate::binaries::upstream::kubernetes(wanted.kubernetes, "amd64", "kubelet");
        if !inputs.binaries.join(&kubelet).is_file() {
            println!("skipped: {kubelet} is not built");
            continue;
        }
        release(ocelet, &inputs, wanted).map_err(|error| format!("{}: {error}", wanted.kubernetes))?;
    }
    Ok(())
}

fn release(ocelet: &str, inputs: &Inputs, wanted: &Wanted) -> Outcome {
    let work = temporary_for("node")?;
    let site = Site { ocelet, work: work.path(), inputs };
    site.prepare(wanted)?;
    println!("{}: without {:?}", wanted.kubernetes, wanted.without);
    for (profile, words) in
        [("compat", &["--profile", "compat", "--upx", "system"][..]), ("wire", &["--profile", "wire"])]
    {
        let layout = site.assemble(profile, words)?;
        let images = tags(&site.inspected(&layout)?)?;
        if images.len() != 5 {
            return Err(format!("{profile} has the tags {images:?}, wanted five"));
        }
        for tag in &images {
            started(&site, &layout, tag, wanted)?;
        }
        println!("{} {profile}: {} images run", wanted.kubernetes, images.len());
        if profile == "compat" {
            explained(&site, &layout, &images)?;
            together(&site, &layout, words)?;
        }
    }
    Ok(())
}

fn tags(inspected: &Value) -> Result<Vec<String>, String> {
    let images = inspected["images"].as_array().ok_or("inspect names no images")?;
    Ok(images.iter().filter_map(|image| image["tag"].as_str().map(str::to_owned)).collect())
}

/// Starts what a flavor is for, in podman, and every CNI plugin that it has.
fn started(site: &Site<'_>, layout: &Path, tag: &str, wanted: &Wanted) -> Outcome {
    if !need("podman")? {
        return Ok(());
    }
    let podman = Podman::new(&site.work.join("podman"));
    let image = podman.pull(&format!("oci:{}:{tag}", layout.display()))?;
    let told = |program: &str, arguments: &[&str], want: &str| {
        says(&format!("{program} of {tag}"), podman.run(&image, program).args(arguments), want)
    };
    told("kubelet", &["--version"], wanted.kubernetes)?;
    for tool in ["mount", "umount", "iptables", "ip6tables"] {
        runs(tool, &mut podman.run(&image, tool))?;
    }
    if tag.contains("kubeadm") {
        told("kubeadm", &["version", "--output", "short"], wanted.kubernetes)?;
    }
    let files = files(site, layout, tag)?;
    if files.iter().any(|path| path == "/usr/bin/crictl") {
        told("crictl", &["--version"], wanted.cri_tools)?;
    }
    for plugin in plugins(files, tag)? {
        // A plugin answers with the versions of the interface that it speaks.
        let mut run = podman.command();
        run.args(["run", "--rm", "--network=none", "--pull=never", "--env", "CNI_COMMAND=VERSION"]);
        run.args(["--entrypoint", &plugin, &image]);
        says(&format!("{plugin} of {tag}"), &mut run, "supportedVersions")?;
    }
    Ok(())
}

/// The files of an image, by absolute path.
fn files(site: &Site<'_>, layout: &Path, tag: &str) -> Result<Vec<String>, String> {
    let tar = site.work.join("files.tar");
    let place = format!("{}:{tag}", layout.display());
    output(site.command("export").arg(&place).args(["--format", "rootfs", "--to"]).arg(&tar))?;
    let listed = output(crate::shell::command("tar").arg("-tf").arg(&tar))?;
    crate::shell::remove(&tar)?;
    let path = |name: &str| format!("/{}", name.trim_start_matches("./").trim_matches('/'));
    Ok(listed.lines().map(path).filter(|path| path != "/").collect())
}

fn plugins(all: Vec<String>, tag: &str) -> Result<Vec<String>, String> {
    let plugins: Vec<String> = all.into_iter().filter(|path| path.starts_with("/opt/cni/bin/")).collect();
    if plugins.is_empty() && (tag.contains("cni") || tag.contains("flannel")) {
        return Err(format!("{tag} has no plugins"));
    }
    Ok(plugins)
}

/// `ocelet why` answers for every path of every flavor, but for directories that are there for what lies in them.
fn explained(site: &Site<'_>, layout: &Path, tags: &[String]) -> Outcome {
    let (mut failures, mut count) = (Vec::new(), 0);
    for tag in tags {
        let place = format!("{}:{tag}", layout.display());
        let files = files(site, layout, tag)?;
        let holds = |path: &str| {
            files.iter().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
        };
        for path in files.iter().filter(|path| !holds(path)) {
            count += 1;
            if let Err(error) = output(site.command("why").args([&place, path])) {
                failures.push(error);
            }
        }
    }
    println!("`ocelet why` answers for {} of {count} paths", count - failures.len());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// All flavors in one layout against the largest alone.
fn together(site: &Site<'_>, layout: &Path, words: &[&str]) -> Outcome {
    let alone = site.assemble("alone", &[words, &["--flavor", "kubeadm-cni"]].concat())?;
    let (all, largest) = (stored(layout)?, stored(&alone)?);
    println!("all five flavors take {all} bytes, the largest alone {largest}: {:.3}", ratio(all, largest));
    if all * 1_000 <= largest * TOGETHER {
        Ok(())
    } else {
        Err(format!("all flavors take {all} bytes, more than {TOGETHER} thousandths of {largest}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
