//! Where upstream has its releases, and how they are packed: what a mirror of them looks like.

use std::path::{Path, PathBuf};

use ocelet_oci::Digest;
use ocelet_testkit::apk::{Entry, TarEnd, gzip, tar};

use crate::Outcome;
use crate::shell::{list, read, write};

/// A program of Kubernetes, as `dl.k8s.io` has it.
pub(crate) fn kubernetes(version: &str, architecture: &str, program: &str) -> String {
    format!("dl.k8s.io/release/{version}/bin/linux/{architecture}/{program}")
}

/// The archive with crictl.
pub(crate) fn cri_tools(version: &str, architecture: &str) -> String {
    format!(
        "github.com/kubernetes-sigs/cri-tools/releases/download/{version}/crictl-{version}-linux-{architecture}.tar.gz"
    )
}

/// The archive with the CNI plugins.
pub(crate) fn cni_plugins(version: &str, architecture: &str) -> String {
    format!(
        "github.com/containernetworking/plugins/releases/download/{version}/cni-plugins-linux-{architecture}-{version}.tgz"
    )
}

/// Puts a program into the mirror, its digest beside it.
pub(super) fn put_program(mirror: &Path, place: &str, program: &Path) -> Outcome {
    put(mirror, place, &read(program)?, false)
}

/// Puts the programs of a directory into the mirror as an archive, its digest beside it.
pub(super) fn put_archive(mirror: &Path, place: &str, directory: &Path) -> Outcome {
    let mut entries = vec![Entry::directory("./", 0o755)];
    for program in list(directory) {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        entries.push(Entry::file(&format!("./{name}"), 0o755, &read(&program)?));
    }
    if entries.len() == 1 {
        return Err(format!("{} has no programs", directory.display()));
    }
    put(mirror, place, &gzip(&tar(&entries, TarEnd::Written)), true)
}

fn put(mirror: &Path, place: &str, bytes: &[u8], is_named: bool) -> Outcome {
    let digest = Digest::of(bytes).hex();
    let sum = match Path::new(place).file_name() {
        Some(name) if is_named => format!("{digest}  {}\n", name.to_string_lossy()),
        _ => digest,
    };
    let path = path(mirror, place);
    write(&path, bytes)?;
    write(&PathBuf::from(format!("{}.sha256", path.display())), sum.as_bytes())
}

/// The file of a place.
pub(crate) fn path(mirror: &Path, place: &str) -> PathBuf {
    mirror.join(place)
}
