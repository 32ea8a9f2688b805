//! Kubernetes from the Go module proxy.
//!
//! Its module refers to some thirty of its own modules by directories of its repository, which a module from the proxy has
//! not. All of them are released beside it, v1.36.4 as v0.36.4, so a module of ours with the same requirements takes those.

use std::path::Path;

use super::go::{Build, C, Go, module, requirements};
use crate::Outcome;
use crate::shell::{make_directory, read_text, write};

const NAME: &str = "k8s.io/kubernetes";
/// What the module of crictl called itself up to 1.23.
const CRI_TOOLS: &str = "github.com/kubernetes-sigs/cri-tools";
/// The fork of it that can be had from the proxy.
const FORK: &str = "github.com/k3s-io/cri-tools";
/// The first minor version that the current Go builds.
const CURRENT_FROM: u32 = 27;
/// The first minor version without the cloud providers in its tree.
const WITHOUT_PROVIDERS_FROM: u32 = 31;

/// Builds programs of a release for an architecture into a directory. The kubelet is linked with the C library; the others,
/// which upstream builds without cgo, are linked statically from the same compiled packages, which halves the time.
pub(super) fn build(
    version: &str,
    architecture: &str,
    c: C,
    programs: &[&str],
    work: &Path,
    into: &Path,
) -> Outcome {
    let minor = minor(version)?;
    let own = work.join(format!("kubernetes-{version}"));
    if !own.join("go.mod").is_file() {
        make_directory(&own)?;
        let published = module(NAME, version)?;
        requirements(&published, &own)?;
        let text = with_staging(&read_text(&own.join("go.mod"))?, version)?;
        write(&own.join("go.mod"), text.as_bytes())?;
    }
    let variables = variables(version, minor);
    let tags = if minor < WITHOUT_PROVIDERS_FROM { "providerless" } else { "" };
    let go = if minor < CURRENT_FROM { Go::Old } else { Go::Current };
    for program in programs {
        if into.join(program).is_file() {
            continue;
        }
        let (c, linker) = match (*program, architecture) {
            ("kubelet", _) => (c, ""),
            // Linked with glibc's static library it crashes at once under qemu-user.
            (_, "arm") => (C::Without, ""),
            _ => (c, "-linkmode external -extldflags -static"),
        };
        let packages = [format!("{NAME}/cmd/{program}")];
        let build = Build {
            module: &own,
            requirements: None,
            packages: &packages,
            tags,
            variables: &variables,
            linker,
            c,
            go,
            architecture,
        };
        build.write_to(into)?;
    }
    Ok(())
}

/// Builds crictl of a release from the fork of k3s, which makes it a package of a larger program, with the modules of a
/// release of Kubernetes.
pub(super) fn crictl_of_fork(version: &str, kubernetes: &str, own: &Path, into: &Path) -> Outcome {
    let fork = format!("{version}-k3s1");
    let published = module(FORK, &fork)?;
    requirements(&published, own)?;
    let text = released(&read_text(&own.join("go.mod"))?, CRI_TOOLS, kubernetes)?;
    let text = format!("{text}\nrequire {CRI_TOOLS} v0.0.0\nreplace {CRI_TOOLS} => {FORK} {fork}\n");
    write(&own.join("go.mod"), text.as_bytes())?;
    let main =
        format!("package main\n\nimport \"{CRI_TOOLS}/cmd/crictl\"\n\nfunc main() {{ crictl.Main() }}\n");
    write(&own.join("crictl/main.go"), main.as_bytes())?;
    let build = Build {
        module: own,
        requirements: None,
        packages: &["programs/crictl".to_owned()],
        tags: "selinux",
        variables: &[(format!("{CRI_TOOLS}/pkg/version.Version"), version.to_owned())],
        linker: "",
        c: C::Without,
        go: Go::Old,
        architecture: "amd64",
    };
    build.write_to(into)
}

fn minor(version: &str) -> Result<u32, String> {
    let minor = version.strip_prefix("v1.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse().ok()).ok_or_else(|| format!("{version} is no version of Kubernetes"))
}

/// The requirements of a module as those of a module of ours, Kubernetes and the modules of its tree by their releases.
fn released(published: &str, name: &str, version: &str) -> Result<String, String> {
    let staging = version.strip_prefix("v1.").ok_or("a version of Kubernetes begins with v1.")?;
    let mut text = String::new();
    for line in published.lines() {
        let line = match line.split_once(" => ") {
            Some((module, from)) if from.contains("/staging/") => {
                format!("{module} => {} v0.{staging}", module.trim_start_matches("replace ").trim())
            }
            Some((module, from)) if from.starts_with(NAME) => format!("{module} => {NAME} {version}"),
            None if line == format!("module {name}") => "module programs".to_owned(),
            _ => line.to_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// The requirements of Kubernetes as those of a module of ours, the modules of its own tree by their releases.
fn with_staging(published: &str, version: &str) -> Result<String, String> {
    Ok(format!("{}\nrequire {NAME} {version}\n", released(published, NAME, version)?))
}

/// What `hack/lib/version.sh` has the linker write.
fn variables(version: &str, minor: u32) -> Vec<(String, String)> {
    let minor = minor.to_string();
    let values = [
        ("gitVersion", version),
        ("gitMajor", "1"),
        ("gitMinor", &minor),
        ("gitTreeState", "clean"),
        ("gitCommit", "0000000000000000000000000000000000000000"),
        ("buildDate", "1970-01-01T00:00:00Z"),
    ];
    let packages = ["k8s.io/client-go/pkg/version", "k8s.io/component-base/version"];
    let of = |package: &str| {
        values
            .iter()
            .map(|(name, value)| (format!("{package}.{name}"), (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    packages.iter().flat_map(|package| of(package)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_modules_are_taken_by_their_releases() {
        let published = "module k8s.io/kubernetes\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\ta => b v1.0.0\n)\n";
        let want = "module programs\n\nreplace (\n\tk8s.io/api => k8s.io/api v0.36.4\n\ta => b v1.0.0\n)\n\n\
                    require k8s.io/kubernetes v1.36.4\n";
        assert_eq!(with_staging(published, "v1.36.4").as_deref(), Ok(want));
        assert!(with_staging(published, "2").is_err());
        let fork = "module github.com/kubernetes-sigs/cri-tools\n\
                    replace k8s.io/api => k8s.io/kubernetes/staging/src/k8s.io/api v0.0.0-2020\n\
                    \tk8s.io/kubernetes => k8s.io/kubernetes v1.20.0\n";
        let want = "module programs\nreplace k8s.io/api => k8s.io/api v0.20.7\n\
                    \tk8s.io/kubernetes => k8s.io/kubernetes v1.20.7\n";
        assert_eq!(released(fork, CRI_TOOLS, "v1.20.7").as_deref(), Ok(want));
    }

    #[test]
    fn versions_are_read() {
        for (version, want) in
            [("v1.36.4", Some(36)), ("v1.20.7", Some(20)), ("1.36.4", None), ("v1.x", None)]
        {
            assert_eq!(minor(version).ok(), want, "{version}");
        }
        let written = variables("v1.36.4", 36);
        assert!(
            written.contains(&("k8s.io/component-base/version.gitVersion".to_owned(), "v1.36.4".to_owned()))
        );
    }
}
