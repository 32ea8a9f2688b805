//! Tools of Alpine built against musl from Debian's source packages, for machines whose copy of Alpine's repositories
//! lacks them: iptables with all of its modules, findutils, coreutils and util-linux.
//!
//! It needs musl-tools, a compiler, and apt with a source of source packages, which it configures for itself. Not built are
//! conntrack-tools, libmnl, libnftnl and with them the nft half of iptables: their sources are not in every mirror.

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::shell::{below, command, is_installed, list, make_directory, output, read, show, write};

/// A source package and how it is configured.
struct Source {
    name: &'static str,
    switches: &'static [&'static str],
}

const SOURCES: &[Source] = &[
    Source {
        name: "iptables",
        switches: &["--disable-nftables", "--with-xtlibdir=/usr/lib/xtables", "--sbindir=/sbin"],
    },
    Source { name: "findutils", switches: &[] },
    // As Alpine before 3.17: one program, and no OpenSSL for its sums.
    Source {
        name: "coreutils",
        switches: &[
            "--enable-single-binary=symlinks",
            "--enable-no-install-program=hostname,su,kill,uptime",
            "--without-openssl",
            "--without-gmp",
            "--without-selinux",
            "--disable-libcap",
        ],
    },
    // Without what wants ncurses, PAM or a user database of its own.
    Source {
        name: "util-linux",
        switches: &[
            "--without-systemd",
            "--without-udev",
            "--without-ncurses",
            "--without-ncursesw",
            "--without-tinfo",
            "--without-python",
            "--without-readline",
            "--without-cap-ng",
            "--without-selinux",
            "--without-audit",
            "--without-libz",
            "--without-user",
            "--without-cryptsetup",
            "--disable-login",
            "--disable-su",
            "--disable-runuser",
            "--disable-nologin",
            "--disable-sulogin",
            "--disable-chfn-chsh",
            "--disable-kill",
            "--disable-last",
            "--disable-utmpdump",
            "--disable-wall",
            "--disable-mesg",
            "--disable-uuidd",
            "--disable-makeinstall-chown",
            "--disable-makeinstall-setuid",
            "--disable-use-tty-group",
            "--disable-asciidoc",
            "--disable-poman",
            "--libdir=/lib",
            "--bindir=/bin",
            "--sbindir=/sbin",
        ],
    },
];

/// What was built: the name of the source, its version, and the directory that it was installed into.
pub(super) struct Built {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) files: PathBuf,
}

/// Builds every source below a directory; what is installed there already stays.
pub(super) fn build(work: &Path) -> Result<Vec<Built>, String> {
    for program in ["musl-gcc", "make", "apt-get", "strip"] {
        if !is_installed(program) {
            return Err(format!("{program} is not installed"));
        }
    }
    let work = work.join("musl");
    let headers = headers(&work)?;
    SOURCES.iter().map(|source| one(source, &work, &headers)).collect()
}

fn one(source: &Source, work: &Path, headers: &Path) -> Result<Built, String> {
    let name = source.name;
    let files = work.join("files").join(name);
    let unpacked = unpacked(name, work)?;
    let version =
        unpacked.file_name().and_then(|full| full.to_str()?.rsplit_once('-')).map(|(_, version)| version);
    let version = version.ok_or_else(|| format!("the source of {name} tells no version"))?.to_owned();
    if files.is_dir() {
        return Ok(Built { name, version, files });
    }
    let place = work.join("build").join(name);
    make_directory(&place)?;
    let mut configure = command("sh");
    configure.arg(unpacked.join("configure")).current_dir(&place);
    configure.args([
        "--host=x86_64-linux-musl",
        "--prefix=/usr",
        "--sysconfdir=/etc",
        "--localstatedir=/var",
    ]);
    configure.args(["--disable-nls", "--disable-static"]).args(source.switches);
    configure.env("CC", "musl-gcc").env("CPPFLAGS", format!("-idirafter {}", headers.display()));
    configure.env("CFLAGS", "-Os -fomit-frame-pointer").env("LDFLAGS", "-Wl,--as-needed,-O1,--sort-common");
    // Libraries of the machine are glibc's.
    configure.env("PKG_CONFIG", "/bin/false").env("FORCE_UNSAFE_CONFIGURE", "1");
    output(&mut configure)?;
    // Debian's patches are newer than what the release generated, which is right all the same.
    let generators = ["AUTOMAKE=:", "ACLOCAL=:", "AUTOCONF=:", "AUTOHEADER=:", "MAKEINFO=:"];
    let mut make = command("make");
    output(make.current_dir(&place).arg("-j2").args(generators))?;
    let staged = work.join("staged").join(name);
    let mut install = command("make");
    install.current_dir(&place).args(generators).arg("install").arg(format!("DESTDIR={}", staged.display()));
    output(&mut install)?;
    strip(&staged)?;
    make_directory(&work.join("files"))?;
    output(command("mv").arg(&staged).arg(&files))?;
    Ok(Built { name, version, files })
}

/// Takes the symbols out of programs and libraries, as abuild does.
fn strip(files: &Path) -> Outcome {
    for file in below(files).iter().filter(|file| !file.is_symlink()) {
        if read(file)?.starts_with(b"\x7fELF") {
            output(command("strip").arg("--strip-unneeded").arg(file))?;
        }
    }
    Ok(())
}

/// The headers of the kernel alone: those of glibc beside them would be taken for musl's.
fn headers(work: &Path) -> Result<PathBuf, String> {
    let place = work.join("headers");
    make_directory(&place)?;
    let multiarch = Path::new("/usr/include/x86_64-linux-gnu/asm");
    for directory in ["linux", "asm-generic", "mtd", "scsi", "sound", "rdma"]
        .map(|name| Path::new("/usr/include").join(name))
    {
        output(
            command("ln")
                .arg("-sfn")
                .arg(&directory)
                .arg(place.join(directory.file_name().unwrap_or_default())),
        )?;
    }
    output(command("ln").arg("-sfn").arg(multiarch).arg(place.join("asm")))?;
    Ok(place)
}

/// A source package as Debian has it, unpacked and patched.
fn unpacked(name: &str, work: &Path) -> Result<PathBuf, String> {
    let place = work.join("source").join(name);
    let find = || list(&place).into_iter().find(|path| path.is_dir());
    if let Some(there) = find() {
        return Ok(there);
    }
    make_directory(&place)?;
    let configuration = apt(work)?;
    let mut source = command("apt-get");
    source.env("APT_CONFIG", &configuration).current_dir(&place).args(["source", "--quiet=2", name]);
    show(&mut source)?;
    find().ok_or_else(|| format!("apt-get source {name} left no directory"))
}

/// A configuration of apt of its own, with a source of source packages.
fn apt(work: &Path) -> Result<PathBuf, String> {
    let place = work.join("apt");
    let configuration = place.join("apt.conf");
    if configuration.is_file() {
        return Ok(configuration);
    }
    make_directory(&place.join("lists/partial"))?;
    make_directory(&place.join("cache"))?;
    write(
        &place.join("sources.list"),
        b"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n",
    )?;
    let shown = place.display();
    let text = format!(
        "Dir::Etc::sourcelist \"{shown}/sources.list\";\nDir::Etc::sourceparts \"-\";\nDir::State::lists \"{shown}/lists\";\n\
         Dir::Cache \"{shown}/cache\";\nAPT::Sandbox::User \"root\";\n"
    );
    write(&configuration, text.as_bytes())?;
    output(command("apt-get").env("APT_CONFIG", &configuration).args(["update", "--quiet=2"]))?;
    Ok(configuration)
}
