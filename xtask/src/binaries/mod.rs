//! `cargo xtask binaries --to DIR [--only WORD]…`: real programs of Kubernetes nodes, built from their sources here, in a
//! directory that is laid out like the places where upstream releases them.
//!
//! Released binaries cannot be had everywhere; sources can. The checks that run and weigh real programs take them from such
//! a directory, which `OCELET_BINARIES` names. They are not what upstream released: other digests, no commit. What is in its
//! place already is not built again.

mod alpine;
mod go;
mod kubernetes;
mod musl;
pub(crate) mod upstream;

use std::path::PathBuf;

use go::{Build, C, Go, module, requirements};

use crate::Outcome;
use crate::shell::{list, make_directory};

/// The release that all programs are built of, for all platforms.
pub(crate) const KUBERNETES: &str = "v1.36.4";
/// The release that images are weighed with: one that the predecessor published.
pub(crate) const PREDECESSOR: &str = "v1.20.7";
/// The crictl of today.
pub(crate) const CRI_TOOLS: &str = "v1.36.0";
/// The crictl of the predecessor's release.
pub(crate) const OLD_CRI_TOOLS: &str = "v1.20.0";
/// The plugins of today.
pub(crate) const CNI_PLUGINS: &str = "v1.9.1";
/// The plugins of the predecessor: the last with flannel among them.
pub(crate) const OLD_CNI_PLUGINS: &str = "v0.9.1";

const ARCHITECTURES: &[&str] = &["amd64", "arm64", "arm"];

/// One thing to build: its word, what it is, what builds it.
type Part = (&'static str, &'static str, fn(&Place) -> Outcome);

const PARTS: &[Part] = &[
    (
        "predecessor",
        "Kubernetes 1.20.7, crictl 1.20.0 and CNI plugins 0.9.1 against musl, for amd64",
        predecessor,
    ),
    ("cri-tools", "crictl, linked statically", cri_tools),
    ("cni-plugins", "CNI plugins, linked statically", cni_plugins),
    ("kubernetes", "kubelet, kubeadm and kube-proxy for three platforms", kubernetes_programs),
    (
        "alpine-tools",
        "packages of Alpine's form that are not in every copy of its repositories",
        alpine_tools,
    ),
];

/// Where the repository of Alpine's form lies in the mirror.
pub(crate) fn alpine_repository() -> &'static str {
    alpine::REPOSITORY
}

/// The key of that repository, in the mirror.
pub(crate) fn alpine_key() -> &'static str {
    alpine::KEY
}

/// The list of its packages with their versions, in the mirror.
pub(crate) fn alpine_list() -> &'static str {
    alpine::LIST
}

/// Where everything goes.
struct Place {
    mirror: PathBuf,
    work: PathBuf,
}

/// Builds what is named, or all of it.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (mut to, mut only) = (None, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--to", Some(directory)) => to = Some(PathBuf::from(directory)),
            ("--only", Some(part)) if PARTS.iter().any(|(name, _, _)| name == part) => {
                only.push(part.clone());
            }
            _ => return Err(usage()),
        }
    }
    let mirror = to.ok_or_else(usage)?;
    make_directory(&mirror)?;
    let mirror = mirror.canonicalize().map_err(|error| error.to_string())?;
    let place = Place { work: mirror.join(".work"), mirror };
    for (name, _, build) in PARTS {
        if only.is_empty() || only.iter().any(|one| one == name) {
            build(&place)?;
        }
    }
    println!("OCELET_BINARIES={}", place.mirror.display());
    Ok(())
}

fn usage() -> String {
    let parts = PARTS.iter().map(|(name, what, _)| format!("  {name:<13} {what}"));
    format!("binaries --to DIR [--only PART]…\n{}", parts.collect::<Vec<_>>().join("\n"))
}

fn kubernetes_programs(place: &Place) -> Outcome {
    for architecture in ARCHITECTURES {
        release(place, KUBERNETES, architecture, C::Gnu, &["kubelet", "kubeadm", "kube-proxy"])?;
    }
    Ok(())
}

fn predecessor(place: &Place) -> Outcome {
    release(place, PREDECESSOR, "amd64", C::Musl, &["kubelet", "kubeadm"])?;
    old_cri_tools(place)?;
    plugins(place, OLD_CNI_PLUGINS, "amd64", C::Musl, Go::Old)
}

fn release(place: &Place, version: &str, architecture: &str, c: C, programs: &[&str]) -> Outcome {
    let built = place.work.join(format!("{version}-{architecture}"));
    let places = |program: &str| upstream::kubernetes(version, architecture, program);
    let absent: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| !upstream::path(&place.mirror, &places(program)).is_file())
        .collect();
    kubernetes::build(version, architecture, c, &absent, &place.work, &built)?;
    for program in absent {
        upstream::put_program(&place.mirror, &places(program), &built.join(program))?;
    }
    Ok(())
}

/// Older releases of crictl cannot be had from every Go module proxy, but that of a fork can.
fn old_cri_tools(place: &Place) -> Outcome {
    let archive = upstream::cri_tools(OLD_CRI_TOOLS, "amd64");
    if upstream::path(&place.mirror, &archive).is_file() {
        return Ok(());
    }
    let own = place.work.join(format!("crictl-{OLD_CRI_TOOLS}"));
    let built = place.work.join(format!("crictl-{OLD_CRI_TOOLS}-amd64"));
    kubernetes::crictl_of_fork(OLD_CRI_TOOLS, PREDECESSOR, &own, &built)?;
    upstream::put_archive(&place.mirror, &archive, &built)
}

fn cri_tools(place: &Place) -> Outcome {
    let name = "sigs.k8s.io/cri-tools";
    let programs = Programs {
        name,
        version: CRI_TOOLS,
        packages: vec!["./cmd/crictl".to_owned()],
        variables: vec![(format!("{name}/pkg/version.Version"), CRI_TOOLS.to_owned())],
        c: C::Without,
        go: Go::Current,
    };
    ARCHITECTURES.iter().try_for_each(|architecture| {
        programs.archive(place, architecture, &upstream::cri_tools(CRI_TOOLS, architecture))
    })
}

fn cni_plugins(place: &Place) -> Outcome {
    ARCHITECTURES
        .iter()
        .try_for_each(|architecture| plugins(place, CNI_PLUGINS, architecture, C::Without, Go::Current))
}

fn plugins(place: &Place, version: &'static str, architecture: &str, c: C, go: Go) -> Outcome {
    let name = "github.com/containernetworking/plugins";
    let directory = module(name, version)?;
    let packages = ["meta", "main", "ipam"]
        .iter()
        .flat_map(|kind| list(&directory.join("plugins").join(kind)))
        .filter(|plugin| plugin.is_dir() && !plugin.ends_with("windows"))
        .filter_map(|plugin| Some(format!("./{}", plugin.strip_prefix(&directory).ok()?.display())))
        .collect();
    let variables = vec![(format!("{name}/pkg/utils/buildversion.BuildVersion"), version.to_owned())];
    let programs = Programs { name, version, packages, variables, c, go };
    programs.archive(place, architecture, &upstream::cni_plugins(version, architecture))
}

/// Programs of one module that are released in one archive.
struct Programs {
    name: &'static str,
    version: &'static str,
    packages: Vec<String>,
    variables: Vec<(String, String)>,
    c: C,
    go: Go,
}

impl Programs {
    /// Builds them and packs them, unless the archive is there.
    fn archive(&self, place: &Place, architecture: &str, archive: &str) -> Outcome {
        if upstream::path(&place.mirror, archive).is_file() {
            return Ok(());
        }
        let directory = module(self.name, self.version)?;
        let stem = format!("{}-{}", self.name.replace('/', "-"), self.version);
        let own = place.work.join(&stem);
        if !own.join("go.mod").is_file() {
            requirements(&directory, &own)?;
        }
        let built = place.work.join(format!("{stem}-{architecture}"));
        let build = Build {
            module: &directory,
            requirements: Some(&own.join("go.mod")),
            packages: &self.packages,
            tags: "",
            variables: &self.variables,
            linker: "",
            c: self.c,
            go: self.go,
            architecture,
        };
        build.write_to(&built)?;
        upstream::put_archive(&place.mirror, archive, &built)
    }
}

fn alpine_tools(place: &Place) -> Outcome {
    let built = musl::build(&place.work)?;
    alpine::repository(&built, &place.mirror)
}
