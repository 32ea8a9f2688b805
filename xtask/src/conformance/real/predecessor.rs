//! The predecessor's way to an image, done by hand with the same programs and the same packages: whole packages on a
//! minirootfs, upx for what is no daemon, gzip.
//!
//! It packed with upx as it comes, which is NRV: its published sizes of the CNI plugins are NRV's to the third digit, while
//! LZMA would have been a fifth smaller. Both are measured.

use std::path::{Path, PathBuf};

use super::Inputs;
use crate::binaries::{CRI_TOOLS, OLD_CNI_PLUGINS, PREDECESSOR, alpine_repository, upstream};
use crate::shell::{below, command, list, make_directory, output, temporary};

/// The packages of a minirootfs of Alpine 3.19.
const MINIROOTFS: &[&str] = &[
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-keys",
    "alpine-release",
    "apk-tools",
    "busybox",
    "busybox-binsh",
    "ca-certificates-bundle",
    "libc-utils",
    "libcrypto3",
    "libssl3",
    "musl",
    "musl-utils",
    "scanelf",
    "ssl_client",
    "zlib",
];

/// What `apk add util-linux coreutils findutils ca-certificates conntrack-tools iptables` brings, of what can be had here.
const ADDED: &[&str] = &[
    "ca-certificates",
    "coreutils",
    "findutils",
    "iptables",
    "libxtables",
    "libip4tc",
    "libip6tc",
    "mount",
    "lsblk",
    "partx",
    "sfdisk",
    "libblkid",
    "libmount",
    "libfdisk",
    "libsmartcols",
    "libuuid",
    "libncursesw",
    "ncurses-terminfo-base",
    "umount",
    "blkid",
    "losetup",
    "findmnt",
    "wipefs",
    "fstrim",
    "flock",
    "logger",
    "mcookie",
    "hexdump",
    "uuidgen",
    "util-linux-misc",
];

/// How upx packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// As it comes.
    Nrv,
    /// With `--lzma`.
    Lzma,
}

/// Bytes to pull and bytes on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) compressed: u64,
    pub(super) extracted: u64,
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self { compressed: self.compressed + other.compressed, extracted: self.extracted + other.extracted }
    }
}

/// One program as it is, and packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) name: String,
    pub(super) before: PathBuf,
    pub(super) after: PathBuf,
}

/// The layers of the predecessor's images.
pub(super) struct Layers {
    pub(super) base: Size,
    pub(super) tools: Size,
    kubelet: Size,
    kubeadm: Size,
    plugins: Size,
    flannel: Size,
}

impl Layers {
    /// The image of a flavor.
    pub(super) fn of(&self, flavor: &str) -> Size {
        let image = self.base.and(self.tools).and(self.kubelet);
        match flavor {
            "flannel" => image.and(self.flannel),
            "cni" => image.and(self.plugins),
            "kubeadm" => image.and(self.kubeadm),
            "kubeadm-cni" => image.and(self.kubeadm).and(self.plugins),
            _ => image,
        }
    }
}

/// Weighs the predecessor's layers.
pub(super) fn layers(inputs: &Inputs, method: Method, packed: &[Packed]) -> Result<Layers, String> {
    let work = temporary()?;
    let place = |name: &str| work.path().join(name);
    install(inputs, MINIROOTFS, &place("base"))?;
    install(inputs, ADDED, &place("tools"))?;
    let kubelet = inputs.binaries.join(upstream::kubernetes(PREDECESSOR, "amd64", "kubelet"));
    copy(&[&kubelet], &place("kubelet"))?;
    let of = |names: &dyn Fn(&str) -> bool| -> Vec<&PathBuf> {
        packed.iter().filter(|one| names(&one.name)).map(|one| &one.after).collect()
    };
    let is_tool = |name: &str| name == "kubeadm" || name == "crictl";
    copy(&of(&is_tool), &place("kubeadm"))?;
    copy(&of(&|name| !is_tool(name)), &place("plugins"))?;
    let flannels = ["bridge", "flannel", "host-local", "loopback", "portmap"];
    copy(&of(&|name| flannels.contains(&name)), &place("flannel"))?;
    let layers = Layers {
        base: weigh(&place("base"))?,
        tools: weigh(&place("tools"))?,
        kubelet: weigh(&place("kubelet"))?,
        kubeadm: weigh(&place("kubeadm"))?,
        plugins: weigh(&place("plugins"))?,
        flannel: weigh(&place("flannel"))?,
    };
    println!(
        "the predecessor's minirootfs {:?}, its tools {:?}, packed by {method:?}",
        layers.base, layers.tools
    );
    Ok(layers)
}

fn copy(files: &[&PathBuf], into: &Path) -> Result<(), String> {
    make_directory(into)?;
    output(command("cp").args(files).arg(into)).map(drop)
}

/// Unpacks whole packages.
fn install(inputs: &Inputs, packages: &[&str], into: &Path) -> Result<(), String> {
    make_directory(into)?;
    for name in packages {
        let package = find(inputs, name).ok_or_else(|| format!("there is no package {name}"))?;
        let mut tar = command("tar");
        tar.arg("-xzf").arg(&package).arg("-C").arg(into);
        tar.args(["--warning=no-unknown-keyword", "--no-same-owner"]);
        for control in [".PKGINFO", ".SIGN.*", ".pre-*", ".post-*", ".trigger"] {
            tar.arg(format!("--exclude={control}"));
        }
        output(&mut tar)?;
    }
    Ok(())
}

/// The file of a package; the own ones stand in where Alpine's are not there.
fn find(inputs: &Inputs, name: &str) -> Option<PathBuf> {
    let places = [
        inputs.binaries.join(alpine_repository()).join("x86_64"),
        inputs.alpine.join("v3.19-boot/main/x86_64"),
        inputs.alpine.join("v3.19/main/x86_64"),
    ];
    places.iter().find_map(|place| {
        list(place).into_iter().find(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        })
    })
}

/// A layer as `docker build` writes one: tar and `gzip -6`; on disk, what its files hold.
fn weigh(directory: &Path) -> Result<Size, String> {
    let script = "tar --numeric-owner --sort=name -C \"$0\" -cf - . | gzip -n -6 | wc -c";
    let said = output(command("sh").args(["-c", script]).arg(directory))?;
    let compressed = said.trim().parse().map_err(|_| format!("wc says {said}"))?;
    let files = below(directory).into_iter().filter(|file| !file.is_symlink());
    let sizes = files.map(|file| file.metadata().map(|metadata| metadata.len()));
    let extracted = sizes.sum::<Result<u64, _>>().map_err(|error| error.to_string())?;
    Ok(Size { compressed, extracted })
}

/// Everything that the predecessor packed, packed once and kept beside the programs.
pub(super) fn packed(inputs: &Inputs, method: Method) -> Result<Vec<Packed>, String> {
    let work = inputs.binaries.join(".work");
    let (name, switches) = match method {
        Method::Nrv => ("nrv", &[][..]),
        Method::Lzma => ("lzma", &["--lzma"][..]),
    };
    let plain = work.join("unpacked");
    make_directory(&plain)?;
    for archive in [upstream::cri_tools(CRI_TOOLS, "amd64"), upstream::cni_plugins(OLD_CNI_PLUGINS, "amd64")]
    {
        output(command("tar").arg("-xzf").arg(inputs.binaries.join(archive)).arg("-C").arg(&plain))?;
    }
    output(
        command("cp")
            .arg(inputs.binaries.join(upstream::kubernetes(PREDECESSOR, "amd64", "kubeadm")))
            .arg(&plain),
    )?;
    let into = work.join("packed").join(name);
    make_directory(&into)?;
    let mut all = Vec::new();
    for before in list(&plain) {
        let name = before.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let after = into.join(&name);
        if !after.is_file() {
            let part = into.join(format!("{name}.part"));
            output(command("upx").arg("-qq").args(switches).arg("-o").arg(&part).arg(&before))?;
            output(command("mv").arg(&part).arg(&after))?;
        }
        all.push(Packed { name, before, after });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavors_are_the_layers_that_they_have() {
        let size = |compressed| Size { compressed, extracted: compressed * 2 };
        let layers = Layers {
            base: size(1),
            tools: size(2),
            kubelet: size(4),
            kubeadm: size(8),
            plugins: size(16),
            flannel: size(32),
        };
        for (flavor, want) in
            [("kubelet", 7), ("flannel", 39), ("cni", 23), ("kubeadm", 15), ("kubeadm-cni", 31)]
        {
            assert_eq!(layers.of(flavor), size(want), "{flavor}");
        }
    }
}
