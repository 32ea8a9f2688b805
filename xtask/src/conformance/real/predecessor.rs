//! The predecessor's way to an image, done by hand with the same programs and the same packages: whole packages on a
//! minirootfs, upx for what is no daemon, gzip.
//!
//! It packed with upx as it comes, which is NRV: its published sizes of the CNI plugins are NRV's to the third digit, while
//! LZMA would have been a fifth smaller. Both are measured.
//!
//! Packages that the copy of Alpine's repositories lacks weigh what its signed index says: the size of the package, and the
//! installed size, which counts blocks of 4 KiB. So that is how sizes on disk are counted here, on both sides.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Inputs;
use crate::binaries::{OLD_CNI_PLUGINS, OLD_CRI_TOOLS, PREDECESSOR, upstream};
use crate::shell::{command, list, make_directory, output, temporary};

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

/// What `apk add util-linux coreutils findutils ca-certificates conntrack-tools iptables` adds to that in Alpine 3.19: the
/// choice of `ocelet lock --plan` from its index.
const ADDED: &[&str] = &[
    "agetty",
    "blkid",
    "ca-certificates",
    "cfdisk",
    "conntrack-tools",
    "coreutils",
    "coreutils-env",
    "coreutils-fmt",
    "coreutils-sha512sum",
    "findmnt",
    "findutils",
    "flock",
    "fstrim",
    "hexdump",
    "iptables",
    "libacl",
    "libattr",
    "libblkid",
    "libcap-ng",
    "libeconf",
    "libfdisk",
    "libmnl",
    "libmount",
    "libncursesw",
    "libnetfilter_conntrack",
    "libnetfilter_cthelper",
    "libnetfilter_cttimeout",
    "libnetfilter_queue",
    "libnfnetlink",
    "libnftnl",
    "libsmartcols",
    "libuuid",
    "libxtables",
    "linux-pam",
    "logger",
    "losetup",
    "lsblk",
    "mcookie",
    "mount",
    "ncurses-terminfo-base",
    "partx",
    "runuser",
    "setarch",
    "setpriv",
    "sfdisk",
    "skalibs",
    "umount",
    "util-linux",
    "util-linux-misc",
    "utmps-libs",
    "uuidgen",
    "wipefs",
];

/// The size of a block on disk, in bytes, and what a directory takes.
const BLOCK: u64 = 4_096;
/// The directories that each package's installed size counts for itself: `/`, `/usr`, `/usr/bin` or the like, and its own.
const DIRECTORIES: u64 = 4 * BLOCK;

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
    let absent = install(inputs, MINIROOTFS, &place("base"))?;
    if let Some(name) = absent.first() {
        return Err(format!("there is no package {name}"));
    }
    let absent = install(inputs, ADDED, &place("tools"))?;
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
        tools: weigh(&place("tools"))?.and(indexed(inputs, &absent)?),
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

/// Unpacks whole packages; those that are not there.
fn install<'name>(inputs: &Inputs, packages: &[&'name str], into: &Path) -> Result<Vec<&'name str>, String> {
    make_directory(into)?;
    let mut absent = Vec::new();
    for name in packages {
        let Some(package) = find(inputs, name) else {
            absent.push(*name);
            continue;
        };
        let mut tar = command("tar");
        tar.arg("-xzf").arg(&package).arg("-C").arg(into);
        tar.args(["--warning=no-unknown-keyword", "--no-same-owner"]);
        for control in [".PKGINFO", ".SIGN.*", ".pre-*", ".post-*", ".trigger"] {
            tar.arg(format!("--exclude={control}"));
        }
        output(&mut tar)?;
    }
    Ok(absent)
}

/// The file of a package of Alpine's own.
fn find(inputs: &Inputs, name: &str) -> Option<PathBuf> {
    let places = ["v3.19-boot/main/x86_64", "v3.19/main/x86_64"].map(|place| inputs.alpine.join(place));
    places.iter().find_map(|place| {
        list(place).into_iter().find(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        })
    })
}

/// What packages weigh by Alpine's index.
fn indexed(inputs: &Inputs, packages: &[&str]) -> Result<Size, String> {
    let index = inputs.alpine.join("v3.19/main/x86_64/APKINDEX.tar.gz");
    let text =
        output(command("tar").args(["--warning=no-unknown-keyword", "-xzOf"]).arg(&index).arg("APKINDEX"))?;
    let mut sum = Size::default();
    for name in packages {
        let size = record(&text, name).ok_or_else(|| format!("Alpine's index has no package {name}"))?;
        sum = sum.and(size);
    }
    println!("{} packages by their sizes in the index: {sum:?}", packages.len());
    Ok(sum)
}

/// One package of an index: its fields `S`, the size of the file, and `I`, the installed size (apk-package(5)).
fn record(index: &str, name: &str) -> Option<Size> {
    let wanted = format!("P:{name}");
    let record = index.split("\n\n").find(|record| record.lines().any(|line| line == wanted))?;
    let field = |key: &str| record.lines().find_map(|line| line.strip_prefix(key))?.parse().ok();
    let installed: u64 = field("I:")?;
    Some(Size { compressed: field("S:")?, extracted: installed.saturating_sub(DIRECTORIES) })
}

/// A layer as `docker build` writes one: tar and `gzip -6`.
fn weigh(directory: &Path) -> Result<Size, String> {
    let script = "tar --numeric-owner --sort=name -C \"$0\" -cf - . | gzip -n -6 | wc -c";
    let said = output(command("sh").args(["-c", script]).arg(directory))?;
    let compressed = said.trim().parse().map_err(|_| format!("wc says {said}"))?;
    Ok(Size { compressed, extracted: on_disk(directory)? })
}

/// The blocks of all files and directories, in bytes; links take none.
pub(super) fn on_disk(directory: &Path) -> Result<u64, String> {
    let mut blocks = 1;
    let mut seen = BTreeSet::new();
    for path in list(directory) {
        let metadata = path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
        if metadata.is_dir() {
            blocks += on_disk(&path)? / BLOCK;
        } else if metadata.is_file() && seen.insert(metadata.ino()) {
            blocks += metadata.len().div_ceil(BLOCK);
        }
    }
    Ok(blocks * BLOCK)
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
    for archive in
        [upstream::cri_tools(OLD_CRI_TOOLS, "amd64"), upstream::cni_plugins(OLD_CNI_PLUGINS, "amd64")]
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
    fn sizes_of_an_index_are_those_of_its_record() {
        let index = "C:Q1\nP:a\nS:7\nI:20000\n\nP:b\nS:9\nI:12288\n\n";
        for (name, want) in [
            ("a", Some(Size { compressed: 7, extracted: 3_616 })),
            ("b", Some(Size { compressed: 9, extracted: 0 })),
            ("c", None),
        ] {
            assert_eq!(record(index, name), want, "{name}");
        }
    }

    #[test]
    fn files_take_whole_blocks() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("d");
        make_directory(&directory).expect("a new directory");
        for (name, length) in [("empty", 0), ("one", 1), ("block", 4_096), ("more", 4_097)] {
            crate::shell::write(&directory.join(name), &vec![0; length]).expect("a new file");
        }
        assert_eq!(on_disk(place.path()), Ok((1 + 1 + 1 + 1 + 2) * BLOCK));
    }

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
