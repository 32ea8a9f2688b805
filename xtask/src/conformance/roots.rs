//! Root file systems to compare loaders in: Debian's packages of other machines, musl of Debian, Alpine.
//!
//! Packages are fetched with a configuration of their own that copies the machine's sources, so that nothing of the
//! machine's package state changes.

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::shell::{command, list, make_directory, output, root, show, write};

/// A machine that this one can only emulate.
pub(super) struct Foreign {
    /// Debian's name.
    pub(super) debian: &'static str,
    pub(super) emulator: &'static str,
    pub(super) loader: &'static str,
}

pub(super) const FOREIGN: &[Foreign] = &[
    Foreign { debian: "arm64", emulator: "qemu-aarch64-static", loader: "/lib/ld-linux-aarch64.so.1" },
    Foreign { debian: "armhf", emulator: "qemu-arm-static", loader: "/lib/ld-linux-armhf.so.3" },
];

/// What a node runs, with all that these depend on.
const PACKAGES: &[&str] = &[
    "bash",
    "conntrack",
    "coreutils",
    "curl",
    "dash",
    "e2fsprogs",
    "ethtool",
    "findutils",
    "gzip",
    "ipset",
    "iproute2",
    "iptables",
    "kmod",
    "libc-bin",
    "libpam-modules",
    "libnss-systemd",
    "mount",
    "nftables",
    "openssl",
    "procps",
    "python3-minimal",
    "socat",
    "tar",
    "util-linux",
    "xfsprogs",
];

/// Fetches and unpacks Debian packages of another machine.
pub(super) fn debian(machine: &Foreign, work: &Path, target: &Path) -> Outcome {
    let apt = work.join(format!("apt-{}", machine.debian));
    for directory in ["state/lists/partial", "cache/archives/partial", "etc"] {
        make_directory(&apt.join(directory))?;
    }
    write(&apt.join("state/status"), b"")?;
    let copy = apt.join("etc/apt");
    show(command("cp").args(["-a", "/etc/apt"]).arg(&copy))?;
    let configuration = apt.join("apt.conf");
    let (name, place) = (machine.debian, apt.display());
    let text = format!(
        "Dir::Etc \"{place}/etc/apt\";\nDir::State \"{place}/state\";\nDir::State::status \"{place}/state/status\";\n\
         Dir::Cache \"{place}/cache\";\nAPT::Architecture \"{name}\";\nAPT::Architectures {{ \"{name}\"; }};\n\
         APT::Sandbox::User \"root\";\nAPT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\n\
         Acquire::Retries \"3\";\nDPkg::Post-Invoke {{}};\nAPT::Update::Post-Invoke {{}};\n"
    );
    write(&configuration, text.as_bytes())?;
    let apt_get = || {
        let mut apt_get = command("apt-get");
        apt_get.env("APT_CONFIG", &configuration).args(["-qq", "-o", "Debug::NoLocking=true"]);
        apt_get
    };
    // A mirror that is being written to lacks some index: where that matters the next step fails.
    if let Err(why) = show(apt_get().arg("update")) {
        println!("{why}; going on with what there is");
    }
    show(apt_get().args(["install", "--yes", "--download-only"]).args(PACKAGES))?;
    merged_usr(target)?;
    let packages: Vec<PathBuf> = list(&apt.join("cache/archives"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect();
    if packages.len() < PACKAGES.len() {
        return Err(format!("apt-get fetched only {} packages", packages.len()));
    }
    println!("{} packages for {}", packages.len(), machine.debian);
    for package in &packages {
        let mut unpack = command("sh");
        // Links for directories that packages still ship stay: that is what a merged /usr is.
        unpack.args(["-c", "dpkg-deb --fsys-tarfile \"$0\" | tar -xf - --keep-directory-symlink -C \"$1\""]);
        output(unpack.arg(package).arg(target))?;
    }
    let emulator = output(command("sh").args(["-c", "command -v \"$0\"", machine.emulator]))?;
    show(command("cp").arg(emulator.trim()).arg(target.join(machine.emulator)))?;
    // The loader's cache, as the packages' own scripts would make it.
    let emulator = format!("/{}", machine.emulator);
    show(command("chroot").arg(target).args([&emulator, "/sbin/ldconfig"]))
}

fn merged_usr(target: &Path) -> Outcome {
    for name in ["bin", "sbin", "lib"] {
        make_directory(&target.join("usr").join(name))?;
        let link = target.join(name);
        std::os::unix::fs::symlink(Path::new("usr").join(name), &link)
            .map_err(|error| format!("cannot link {}: {error}", link.display()))?;
    }
    Ok(())
}

/// musl's loader as this machine has it, and programs and libraries built for it that use each way of its search.
pub(super) fn musl(target: &Path) -> Outcome {
    let script = r#"
set -e
mkdir -p "$0" && cd "$0"
mkdir -p lib usr/lib usr/local/lib usr/bin opt/lib etc lib/x86_64-linux-musl
cp -L /lib/ld-musl-x86_64.so.1 lib/ld-musl-x86_64.so.1
ln -s /lib/ld-musl-x86_64.so.1 lib/x86_64-linux-musl/libc.so
build() { out=$1; shift; echo "$CODE" | musl-gcc -x c - -x none -o "$out" "$@"; }
CODE='int c(void){return 3;}' build opt/lib/libc3.so -shared -fPIC -Wl,-soname,libc3.so
CODE='int c(void);int b(void){return c();}' build usr/lib/libb.so.1 -shared -fPIC -Wl,-soname,libb.so.1 opt/lib/libc3.so -Wl,-rpath,'$ORIGIN/../../opt/lib'
CODE='int b(void);int a(void){return b();}' build usr/local/lib/liba.so -shared -fPIC -Wl,-soname,other-name.so usr/lib/libb.so.1
CODE='int d(void){return 4;}' build lib/libd.so -shared -fPIC -Wl,-soname,/lib/libd-link.so
ln -s libd.so lib/libd-link.so
ln -s liba.so usr/local/lib/other-name.so
MAIN='int a(void);int main(void){return a();}'
CODE=$MAIN build usr/bin/program usr/local/lib/liba.so -Wl,--no-as-needed -Wl,-rpath,/usr/local/lib -Wl,--allow-shlib-undefined
CODE=$MAIN build usr/bin/program-runpath usr/local/lib/liba.so -Wl,--enable-new-dtags -Wl,-rpath,/opt/lib:/usr/local/lib -Wl,--allow-shlib-undefined
CODE='int d(void);int main(void){return d();}' build usr/bin/by-path lib/libd.so
CODE='int main(void){return 0;}' build usr/bin/plain
CODE='int d(void);int main(void){return d();}' build usr/bin/missing lib/libd.so -Wl,--no-as-needed -L opt/lib -l:libc3.so
"#;
    output(command("sh").args(["-c", script]).arg(target)).map(drop)
}

/// What a node runs that Alpine has as well, with all that it needs: one soname in two worlds.
const MIXED: &[&str] = &[
    "iptables",
    "kmod",
    "libblkid1",
    "libc6",
    "libgcc-s1",
    "libip4tc2",
    "libip6tc2",
    "libkmod2",
    "liblzma5",
    "libmnl0",
    "libmount1",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libnftnl11",
    "libpcre2-8-0",
    "libseccomp2",
    "libselinux1",
    "libsmartcols1",
    "libssl3",
    "libudev1",
    "libxtables12",
    "libzstd1",
    "mount",
    "runc",
    "zlib1g",
];

/// Debian's packages of this machine, and Alpine's over them, in one root.
pub(super) fn mixed(alpine_packages: &[PathBuf], work: &Path, target: &Path) -> Outcome {
    let packages = work.join("mixed");
    make_directory(&packages)?;
    let mut download = command("apt-get");
    download.args(["-qq", "-o", "APT::Sandbox::User=root", "download"]).args(MIXED);
    show(download.current_dir(&packages))?;
    for package in &list(&packages) {
        output(command("dpkg-deb").arg("--extract").arg(package).arg(target))?;
    }
    alpine(alpine_packages, target)
}

/// Alpine's packages, where the directory that holds them is beside the checkout.
pub(super) fn alpine_packages() -> Option<Vec<PathBuf>> {
    let packages = list(&root().join("../shared/alpine/v3.19-boot/main/x86_64"));
    let packages: Vec<PathBuf> =
        packages.into_iter().filter(|path| path.extension().is_some_and(|end| end == "apk")).collect();
    (!packages.is_empty()).then_some(packages)
}

/// Unpacks Alpine packages: three gzip members of tar, the last of them the files.
pub(super) fn alpine(packages: &[PathBuf], target: &Path) -> Outcome {
    make_directory(target)?;
    println!("{} packages of Alpine", packages.len());
    for package in packages {
        let mut unpack = command("tar");
        unpack.args(["-xzf"]).arg(package).args(["--warning=no-unknown-keyword", "--exclude=.[A-Z]*", "-C"]);
        output(unpack.arg(target))?;
    }
    Ok(())
}
