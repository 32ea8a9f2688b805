//! Debian packages as Debian signed and published them, through the machine's own apt sources: locked, assembled for three
//! platforms, run in podman and under emulators, held against each platform's real loader, read by `dpkg-query` and by the
//! scanners' rules; and glibc beside musl in one image.
//!
//! It needs a machine whose apt has sources and keys. The mixed image needs `OCELET_ALPINE` too, as `apk-real` does.

pub(super) mod apt;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet::host::DirectoryView;
use ocelet_package::deb::{Database, Layout};
use ocelet_testkit::scanner::scan;
use ocelet_tree::{Owner, TreePath};
use serde_json::Value;

use apt::Sources;

use super::bundle::{assembled, cached};
use super::clients::runs;
use super::loader::{both_worlds, compare};
use super::podman::Podman;
use super::{need, plain, skip};
use crate::Outcome;
use crate::shell::{alpine, below, command, ended, output, read, root, temporary_for, write};

/// A platform, and how its programs run on this machine.
pub(super) struct Machine {
    pub(super) platform: &'static str,
    loader: &'static str,
    pub(super) emulator: Option<&'static str>,
}

pub(super) const MACHINES: &[Machine] = &[
    Machine { platform: "linux/amd64", loader: "/lib64/ld-linux-x86-64.so.2", emulator: None },
    Machine {
        platform: "linux/arm64",
        loader: "/lib/ld-linux-aarch64.so.1",
        emulator: Some("qemu-aarch64-static"),
    },
    Machine {
        platform: "linux/arm/v7",
        loader: "/lib/ld-linux-armhf.so.3",
        emulator: Some("qemu-arm-static"),
    },
];

/// Commands that ask the kernel for what qemu-user does not pass on, and what they say of it: they were loaded whole
/// and ran that far. In podman they have to end well.
const UNEMULATED: &[(&str, &str)] = &[
    ("conntrack", "mnl_socket_open: Protocol not supported"),
    // It starts itself anew through /proc, which plain files have not.
    ("crun", "Failed to re-execute libcrun"),
    ("ebtables", "Could not initialize nftables layer"),
    ("ip6tables", "Failed to initialize nft: Protocol not supported"),
    ("iptables", "Failed to initialize nft: Protocol not supported"),
];

/// The recipe for three platforms, then the mixed image.
pub(super) fn run(ocelet: &str) -> Outcome {
    if !Path::new("/etc/apt").is_dir() {
        return skip("/etc/apt is not on this machine, and with it no source of Debian packages");
    }
    let work = temporary_for("debian")?;
    let run = Run {
        ocelet,
        work: work.path(),
        podman: need("podman")?.then(|| Podman::new(&work.path().join("podman"))),
    };
    run.node()?;
    let Some(alpine) = alpine() else {
        // Not even CI has them.
        println!("skipped: OCELET_ALPINE does not name a directory of Alpine's repositories");
        return Ok(());
    };
    run.mixed(&alpine)
}

/// The checks, in a place of their own.
struct Run<'run> {
    ocelet: &'run str,
    work: &'run Path,
    podman: Option<Podman>,
}

/// One image of a layout, as `inspect` tells it.
struct Image {
    tag: String,
    platform: String,
    commands: Vec<String>,
    /// Packages with their versions.
    packages: BTreeMap<String, String>,
    worlds: Vec<String>,
}

impl Run<'_> {
    fn node(&self) -> Outcome {
        let text = read(&root().join("recipes/debian-node.toml"))?;
        let Some(layout) = self.assembled("debian-node", &text)? else { return Ok(()) };
        let images = self.images(&layout)?;
        let mut failures = Vec::new();
        for image in &images {
            if let Err(error) = self.image(&layout, image) {
                failures.push(format!("{} for {}: {error}", image.tag, image.platform));
            }
        }
        for machine in MACHINES.iter().filter(|one| images.iter().all(|image| image.platform != one.platform))
        {
            failures.push(format!("there is no image for {}", machine.platform));
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }

    /// Locks and assembles a recipe; where the layout is, or nothing where no package can be had on this machine.
    fn assembled(&self, name: &str, recipe: &[u8]) -> Result<Option<PathBuf>, String> {
        let place = self.work.join(format!("{name}.toml"));
        write(&place, recipe)?;
        let lock = || {
            let mut lock = self.command("lock");
            lock.arg(&place);
            lock
        };
        let mut assemble = self.command("assemble");
        match apt::lock(lock, &self.work.join(format!("{name}-apt")))? {
            Sources::Machine => {}
            Sources::Copy(copy) => drop(assemble.arg("--apt-root").arg(copy)),
            Sources::Nothing(why) => {
                return skip(&format!("no Debian packages: {}", why.trim())).map(|()| None);
            }
        }
        let layout = self.work.join(name);
        assemble.arg(&place).args(["--locked", "--format", "json", "--output"]).arg(&layout);
        assembled(&mut assemble)?;
        output(self.command("verify").arg(&layout))?;
        Ok(Some(layout))
    }

    fn command(&self, word: &str) -> Command {
        let mut command = cached(self.ocelet, &self.work.join("cache"));
        command.args([word, "--quiet"]);
        command
    }

    fn images(&self, layout: &Path) -> Result<Vec<Image>, String> {
        let text = output(self.command("inspect").args(["--format", "json"]).arg(layout))?;
        let inspected: Value =
            serde_json::from_str(&text).map_err(|error| format!("inspect gave no JSON: {error}\n{text}"))?;
        let tags = inspected["images"].as_array().ok_or("inspect names no images")?;
        let platforms = tags.iter().flat_map(|tag| {
            let all = tag["platforms"].as_array().map_or(&[][..], Vec::as_slice);
            all.iter().map(move |platform| image(tag, platform))
        });
        platforms.collect()
    }

    /// Every command of one image, its loader, its database, what scanners see.
    fn image(&self, layout: &Path, image: &Image) -> Outcome {
        let machine = MACHINES.iter().find(|machine| machine.platform == image.platform);
        let machine = machine.ok_or("it is not known how its programs run here")?;
        if image.worlds != [machine.loader] {
            return Err(format!("its worlds are {:?}, wanted glibc's alone", image.worlds));
        }
        if let Some(emulator) = machine.emulator
            && !need(emulator)?
        {
            return Ok(());
        }
        let files = self.unpack(layout, image)?;
        match (&self.podman, machine.emulator) {
            (Some(podman), None) => {
                let pulled = podman.pull(&format!("oci:{}:{}", layout.display(), image.tag))?;
                all_run(image, |program| Ok(podman.run(&pulled, program)))?;
            }
            _ => run_in(&files, machine, image)?,
        }
        loaders_agree(image, machine, &files)?;
        databases_agree(image, &files)?;
        scanners_agree(image, &files)?;
        println!("{} for {}: {} commands run", image.tag, image.platform, image.commands.len());
        Ok(())
    }

    /// The image as plain files.
    fn unpack(&self, layout: &Path, image: &Image) -> Result<PathBuf, String> {
        let name = format!("{}-{}", image.tag, image.platform.replace('/', "-"));
        let files = self.work.join(&name);
        let mut export = self.command("export");
        export.arg(format!("{}:{}", layout.display(), image.tag)).args(["--platform", &image.platform]);
        plain::unpack(&mut export, &files)?;
        Ok(files)
    }

    /// A glibc program of Debian beside tools of Alpine: both run in one container, each by its own loader.
    fn mixed(&self, alpine: &Path) -> Outcome {
        let recipe = mixed_recipe(alpine);
        let Some(layout) = self.assembled("mixed", recipe.as_bytes())? else { return Ok(()) };
        let images = self.images(&layout)?;
        let image = images.first().ok_or("there is no mixed image")?;
        if image.worlds != ["/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2"] {
            return Err(format!("the worlds of the mixed image are {:?}", image.worlds));
        }
        let place = format!("{}:{}", layout.display(), image.tag);
        for (path, want) in [
            ("/usr/sbin/runc", "world: glibc, loader /lib64/ld-linux-x86-64.so.2"),
            ("/bin/busybox", "world: musl, loader /lib/ld-musl-x86_64.so.1"),
            ("/lib/x86_64-linux-gnu/libc.so.6", "world: glibc, loader /lib64/ld-linux-x86-64.so.2"),
        ] {
            let told = output(self.command("why").args([&place, path]))?;
            if !told.contains(want) {
                return Err(format!("`ocelet why {path}` does not say \"{want}\":\n{told}"));
            }
        }
        let files = self.unpack(&layout, image)?;
        both_worlds("mixed", &files)?;
        // Alpine's shell starts Debian's program and Alpine's.
        let script = ["-c", "runc --version && lsblk --version && mount --version"];
        let said = match &self.podman {
            Some(podman) => {
                let pulled = podman.pull(&format!("oci:{place}"))?;
                output(podman.run(&pulled, "sh").args(script))?
            }
            None => output(command("chroot").arg(&files).args(["/bin/sh"]).args(script))?,
        };
        if !said.contains("runc version") || !said.contains("util-linux") {
            return Err(format!("the programs of the mixed image say:\n{said}"));
        }
        println!("mixed: runc of Debian and tools of Alpine run in one container");
        self.without_libc(&files)
    }

    /// The same image without Debian's C library is refused, with what wants it.
    fn without_libc(&self, files: &Path) -> Outcome {
        let recipe = format!(
            "image = \"without\"\nplatforms = [\"linux/amd64\"]\ntag = \"t\"\n\
             [source.mixed]\nrootfs = {:?}\nexclude = [\"/lib64/**\", \"/lib/x86_64-linux-gnu/{{ld-,libc.so}}*\"]\n\
             [flavor.without]\ncommands = [\"runc\", \"sh\"]\n",
            files.display().to_string()
        );
        let place = self.work.join("without.toml");
        write(&place, recipe.as_bytes())?;
        let mut assemble = self.command("assemble");
        assemble.arg(&place).arg("--output").arg(self.work.join("without"));
        let ended = ended(&mut assemble)?;
        let said = ended.err;
        if ended.status.success() || !said.contains("wants /lib64/ld-linux-x86-64.so.2") {
            return Err(format!("without libc6 the build ends with {} and says:\n{said}", ended.status));
        }
        Ok(())
    }
}

fn image(tag: &Value, platform: &Value) -> Result<Image, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = platform["packages"].as_object().cloned().unwrap_or_default();
    let image = Image {
        tag: text(&tag["tag"]),
        platform: text(&platform["platform"]),
        commands: list(&platform["commands"]).iter().map(text).collect(),
        packages: packages
            .values()
            .filter(|package| package["kind"] != "artifact")
            .map(|package| (text(&package["name"]), text(&package["version"])))
            .collect(),
        worlds: list(&platform["worlds"]).iter().map(|world| text(&world["loader"])).collect(),
    };
    if image.commands.is_empty() || image.packages.is_empty() {
        return Err(format!("the image {} for {} has no commands or no packages", image.tag, image.platform));
    }
    Ok(image)
}

/// Every command; all that fail, at once.
fn all_run(image: &Image, start: impl Fn(&str) -> Result<Command, String>) -> Outcome {
    every(image, |name| start(name).and_then(|mut command| runs(name, &mut command)))
}

/// Every command of plain files, under the platform's emulator.
fn run_in(files: &Path, machine: &Machine, image: &Image) -> Outcome {
    plain::devices(files)?;
    every(image, |name| {
        let mut inside = inside(files, machine, name)?;
        let Some((_, want)) = UNEMULATED.iter().find(|(other, _)| *other == name) else {
            return runs(name, &mut inside);
        };
        let ended = ended(inside.arg("--version"))?;
        let said = ended.said();
        if ended.status.success() || said.contains(want) {
            Ok(())
        } else {
            Err(format!("{name} says:\n{said}"))
        }
    })
}

fn every(image: &Image, check: impl Fn(&str) -> Outcome) -> Outcome {
    let failures: Vec<String> = image.commands.iter().filter_map(|name| check(name).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// A program of plain files. The emulator is named outright, so that nothing has to be registered with the kernel.
pub(super) fn inside(files: &Path, machine: &Machine, program: &str) -> Result<Command, String> {
    let directories = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];
    let place = directories
        .iter()
        .map(|directory| format!("{directory}/{program}"))
        .find(|place| files.join(place).symlink_metadata().is_ok())
        .ok_or_else(|| format!("the image has no command {program}"))?;
    let mut chroot = command("chroot");
    chroot.arg(files);
    if let Some(emulator) = machine.emulator {
        plain::bring(files, emulator)?;
        // A link's own name is what a program of many names looks at.
        chroot.args([&format!("/{emulator}"), "-0", program]);
    }
    chroot.arg(format!("/{place}"));
    Ok(chroot)
}

/// The closure of each program is the list of its loader, inside the image.
fn loaders_agree(image: &Image, machine: &Machine, files: &Path) -> Outcome {
    let place = files.display().to_string();
    let mut words = vec!["chroot".to_owned(), place];
    if let Some(emulator) = machine.emulator {
        plain::bring(files, emulator)?;
        words.push(format!("/{emulator}"));
    }
    words.extend([machine.loader, "--list"].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    compare(&format!("{} for {}", image.tag, image.platform), files, &words)
}

/// `dpkg-query` reads the database in dpkg's own form, and names the packages of the report with their files.
fn databases_agree(image: &Image, files: &Path) -> Outcome {
    if !need("dpkg-query")? {
        return Ok(());
    }
    let there = files.join("var/lib/dpkg");
    let mut database = BTreeMap::new();
    for file in below(&there).iter().filter(|file| file.is_file()) {
        let name = file.strip_prefix(&there).map_err(|error| error.to_string())?;
        let name = TreePath::new(name.to_string_lossy().as_bytes()).map_err(|error| error.to_string())?;
        database.insert(name, read(file)?);
    }
    let database = Database::read(&database).map_err(|error| error.to_string())?;
    let admin = files.with_extension("dpkg");
    for (name, bytes) in database.to_files(Layout::Status) {
        write(&admin.join(name.to_string().trim_start_matches('/')), &bytes)?;
    }
    let ask = |words: &[&str]| {
        let mut query = command("dpkg-query");
        output(query.arg(format!("--admindir={}", admin.display())).args(words))
    };
    let told: BTreeMap<String, String> = ask(&["-W", "-f", "${Package} ${Version}\n"])?
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    if told != image.packages {
        return Err(format!("dpkg-query tells {told:?}, and the report {:?}", image.packages));
    }
    for package in &database.packages {
        let name = package.name();
        let listed = ask(&["-L", name])?;
        if let Some(absent) =
            package.files.iter().find(|file| !listed.lines().any(|line| line == file.to_string()))
        {
            return Err(format!("`dpkg-query -L {name}` does not tell {absent}"));
        }
        if !ask(&["-s", name])?.contains("Status: install ok installed") && package.value("Status").is_some()
        {
            return Err(format!("`dpkg-query -s {name}` does not tell that it is installed"));
        }
    }
    Ok(())
}

/// What scanners see is what the report tells, and all of it is there.
fn scanners_agree(image: &Image, files: &Path) -> Outcome {
    let view = DirectoryView::open(files, &Owner::new("image")).map_err(|error| error.to_string())?;
    let found = scan(&view);
    let names: BTreeMap<String, String> =
        found.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let mut wrong = found.missed.clone();
    wrong.extend(found.untrue(&view).iter().map(|file| format!("listed and not there: {file}")));
    if names != image.packages {
        wrong.push(format!("scanners see {names:?}, and the report tells {:?}", image.packages));
    }
    if found.distribution.as_ref().is_none_or(|one| one.family != "debian") {
        wrong.push(format!("scanners take it for {:?}", found.distribution));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// runc of Debian with all that it needs, and tools of Alpine.
fn mixed_recipe(alpine: &Path) -> String {
    let repositories = ["v3.19-boot/main", "v3.19/main"].map(|name| alpine.join(name).display().to_string());
    let pins: Vec<String> = super::apk_real::PINS_OF_V3_19
        .iter()
        .map(|(name, version)| format!("{name} = {version:?}"))
        .collect();
    format!(
        "image = \"mixed\"\nplatforms = [\"linux/amd64\"]\ntag = \"t\"\n\
         [source.debian]\ndeb = \"system\"\npackages = [\"runc\"]\n\
         [source.alpine]\napk = {repositories:?}\nkeys = \"alpine\"\npin = {{ {} }}\n\
         [flavor.mixed]\ncommands = [\n\
         {{ name = \"runc\", from = \"debian\" }},\n{{ name = \"sh\", from = \"alpine\" }},\n\
         {{ name = \"lsblk\", from = \"alpine\" }},\n{{ name = \"mount\", from = \"alpine\" }},\n]\n\
         env = {{ PATH = \"/usr/sbin:/usr/bin:/sbin:/bin\" }}\n",
        pins.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_read_out_of_what_inspect_says() {
        let tag = json!({"tag": "t"});
        let platform = json!({
            "platform": "linux/amd64",
            "commands": ["runc"],
            "packages": {
                "debian/runc-1": {"kind": "deb", "name": "runc", "version": "1"},
                "x": {"kind": "artifact", "name": "x", "version": ""},
            },
            "worlds": [{"libc": "glibc", "loader": "/lib64/ld-linux-x86-64.so.2"}],
        });
        let read = image(&tag, &platform).expect("an image");
        assert_eq!((read.tag.as_str(), read.platform.as_str()), ("t", "linux/amd64"));
        assert_eq!(read.commands, ["runc"]);
        assert_eq!(read.packages, BTreeMap::from([("runc".to_owned(), "1".to_owned())]));
        assert_eq!(read.worlds, ["/lib64/ld-linux-x86-64.so.2"]);
        assert!(image(&tag, &json!({"platform": "linux/amd64"})).is_err());
    }
}
