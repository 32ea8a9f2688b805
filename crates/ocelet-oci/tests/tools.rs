//! What this crate writes is accepted by the tools of others, where they are installed.
//!
//! Each test says `skipped: NAME not installed` and passes where its tool is absent. No test needs a network.

use ocelet_oci::export::{DockerLayers, Referrers, docker_archive, oci_archive};
use ocelet_oci::{
    Annotations, Descriptor, DiffId, Digest, History, ImageBuilder, ImageSource, Index, Layer, LayerKind,
    Layout, Plan, RuntimeConfig, Timestamp, Wanted, artifact, validate,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A layer with one file, in two gzip members.
fn layer(layout: &Layout, content: &str) -> Layer {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, "hello", content.as_bytes()).expect("a short name");
    let tar = tar.into_inner().expect("memory");
    let mut packed = Vec::new();
    for member in tar.chunks(700) {
        let level = libdeflater::CompressionLvl::new(6).expect("a level");
        let mut compressor = libdeflater::Compressor::new(level);
        let mut out = vec![0; compressor.gzip_compress_bound(member.len())];
        let size = compressor.gzip_compress(member, &mut out).expect("room");
        packed.extend_from_slice(&out[..size]);
    }
    let blob = layout.put_bytes(&packed).expect("room");
    Layer { blob, diff_id: DiffId(Digest::of(&tar)), kind: LayerKind::Gzip, annotations: Annotations::new() }
}

/// A layout with the tag `v1` for three platforms, the tag `one` for one, and an SBOM of `v1`.
fn sample(path: &Path) -> Layout {
    let layout = Layout::create_or_open(path).expect("empty");
    let created = Timestamp::from_epoch(1_795_286_400);
    let images = ["linux/amd64", "linux/arm64", "linux/arm/v7"].map(|platform| {
        let config = RuntimeConfig {
            env: vec!["PATH=/bin".to_owned()],
            entrypoint: vec!["/hello".to_owned()],
            ..RuntimeConfig::default()
        };
        let history = Some(History::of_layer(&created, "ocelet"));
        let image = ImageBuilder::new(platform.parse().expect("known"))
            .created(&created)
            .config(config)
            .layer(layer(&layout, platform), history.clone())
            .layer(layer(&layout, &format!("{platform} again")), history)
            .finish()
            .expect("fits");
        layout.put_image(&image).expect("room");
        image
    });
    let index = Index::of_images(&images, Annotations::new()).expect("three").document();
    let payload = Descriptor::new("text/spdx".into(), &layout.put_bytes(b"SPDXVersion").expect("room"));
    let sbom = artifact("text/spdx".into(), &index.descriptor(), vec![payload], Annotations::new());
    let plan = Plan::new("example.org/kubelet".parse().expect("a name"))
        .tag("v1".parse().expect("a tag"), &index)
        .tag("one".parse().expect("a tag"), images[0].manifest())
        .referrer(&sbom);
    layout.commit(&plan).expect("whole");
    assert!(validate(&layout).is_empty());
    layout
}

#[expect(clippy::disallowed_methods, reason = "the tests run the tools of others")]
fn command(program: &str) -> Command {
    Command::new(program)
}

#[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
fn installed(program: &str) -> bool {
    let found =
        command(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {program} not installed");
    }
    found
}

/// Runs a tool, which must succeed; what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = command(program).args(arguments).output().expect("it is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn wanted(tag: &str, platform: Option<&str>) -> Wanted {
    Wanted { tag: Some(tag.to_owned()), platform: platform.map(|platform| platform.parse().expect("known")) }
}

fn archives(directory: &Path, source: &ImageSource) -> (PathBuf, PathBuf) {
    let (docker, oci) = (directory.join("docker.tar"), directory.join("oci.tar"));
    let file = |path: &Path| File::create(path).expect("room");
    let platform = wanted("v1", Some("linux/amd64"));
    docker_archive(source, &platform, DockerLayers::AsTheyAre, file(&docker)).expect("written");
    oci_archive(source, &wanted("v1", None), Referrers::Skip, file(&oci)).expect("written");
    (docker, oci)
}

#[test]
fn skopeo_reads_the_layout_and_both_archives() {
    if !installed("skopeo") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = ImageSource::of_layout(sample(&directory.path().join("layout"))).expect("a layout");
    let (docker, oci) = archives(directory.path(), &source);
    let at = |name: &str| directory.path().join(name).display().to_string();
    let layout = format!("oci:{}:v1", at("layout"));
    let unpacked = directory.path().join("unpacked.tar");
    let file = File::create(&unpacked).expect("room");
    docker_archive(&source, &wanted("v1", Some("linux/amd64")), DockerLayers::Unpacked, file)
        .expect("written");
    let raw = run("skopeo", &["inspect", "--raw", &layout]);
    assert!(raw.contains("application/vnd.oci.image.index.v1+json"), "{raw}");

    let image = source.image(&wanted("v1", Some("linux/amd64"))).expect("there");
    let config = String::from_utf8_lossy(image.config_document.bytes()).into_owned();
    for place in [
        layout.clone(),
        format!("docker-archive:{}", docker.display()),
        format!("docker-archive:{}", unpacked.display()),
        format!("oci-archive:{}:v1", oci.display()),
    ] {
        let arguments =
            ["--override-arch=amd64", "--override-os=linux", "inspect", "--config", "--raw", &place];
        assert_eq!(run("skopeo", &arguments).trim_end(), config, "{place}");
    }
    // All platforms come through unchanged, and what skopeo writes is read here.
    let copy = format!("oci:{}:v1", at("copy"));
    run("skopeo", &["--insecure-policy", "copy", "--all", "--preserve-digests", &layout, &copy]);
    let copied = ImageSource::open(directory.path().join("copy")).expect("a layout");
    assert_eq!(copied.images(Some("v1")).expect("there"), source.images(Some("v1")).expect("there"));

    let saved = format!("docker-archive:{}:example.org/kubelet:v1", at("saved.tar"));
    run("skopeo", &["--insecure-policy", "--override-arch=arm64", "copy", &layout, &saved]);
    let saved = ImageSource::open(at("saved.tar")).expect("an archive");
    let back = saved.image(&wanted("v1", Some("linux/arm64"))).expect("there");
    let image = source.image(&wanted("v1", Some("linux/arm64"))).expect("there");
    assert_eq!(back.config.diff_ids, image.config.diff_ids);
    for layer in &back.layers {
        std::io::copy(&mut layer.open().expect("readable"), &mut std::io::sink()).expect("right");
    }
}

#[test]
fn umoci_unpacks_an_image() {
    if !installed("umoci") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = ImageSource::of_layout(sample(&directory.path().join("layout"))).expect("a layout");
    // umoci cannot choose a platform: it takes a tag that names one image, or an archive of one.
    let archive = directory.path().join("one.tar");
    let platform = wanted("v1", Some("linux/amd64"));
    oci_archive(&source, &platform, Referrers::Skip, File::create(&archive).expect("room")).expect("written");
    let at = |name: &str| directory.path().join(name).display().to_string();
    run("mkdir", &[&at("unpacked")]);
    run("tar", &["-C", &at("unpacked"), "-xf", &at("one.tar")]);
    for (number, image) in
        [format!("{}:one", at("layout")), format!("{}:v1", at("unpacked"))].iter().enumerate()
    {
        let bundle = directory.path().join(format!("bundle{number}"));
        run("umoci", &["unpack", "--rootless", "--image", image, &bundle.display().to_string()]);
        #[expect(clippy::disallowed_methods, reason = "the test looks at what umoci wrote")]
        let content = std::fs::read_to_string(bundle.join("rootfs/hello")).expect("unpacked");
        assert_eq!(content, "linux/amd64 again");
    }
}

#[test]
fn podman_loads_both_archives() {
    if !installed("podman") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = ImageSource::of_layout(sample(&directory.path().join("layout"))).expect("a layout");
    let (docker, oci) = archives(directory.path(), &source);
    for (number, archive) in [docker, oci].iter().enumerate() {
        let at = |name: &str| directory.path().join(format!("{name}{number}")).display().to_string();
        let (root, runroot) = (at("root"), at("runroot"));
        let store = ["--root", &root, "--runroot", &runroot, "--storage-driver", "vfs"];
        let probe = command("podman").args(store).arg("info").output().expect("it is installed");
        if !probe.status.success() {
            println!("skipped: podman cannot run here");
            return;
        }
        let archive = archive.display().to_string();
        run("podman", &[&store[..], &["load", "--quiet", "--input", &archive]].concat());
        let listed =
            run("podman", &[&store[..], &["images", "--format", "{{.Repository}}:{{.Tag}}"]].concat());
        assert!(listed.contains(":v1"), "{archive}: {listed}");
    }
}

/// A containerd of our own, ended when the test is.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn containerd(directory: &Path) -> Option<(Daemon, String)> {
    let at = |name: &str| directory.join(name).display().to_string();
    let config = at("config.toml");
    let text = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
    #[expect(clippy::disallowed_methods, reason = "the test configures its own daemon")]
    std::fs::write(&config, text).expect("room");
    let socket = at("s");
    let child = command("containerd")
        .args(["--config", &config, "--root", &at("root"), "--state", &at("state"), "--address", &socket])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut daemon = Daemon(child);
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let ready =
            command("ctr").args(["-a", &socket, "version"]).output().is_ok_and(|out| out.status.success());
        if ready {
            return Some((daemon, socket));
        }
        if !matches!(daemon.0.try_wait(), Ok(None)) {
            break;
        }
    }
    None
}

#[test]
fn containerd_imports_the_archives_and_the_layout_as_it_is() {
    if !installed("containerd") || !installed("ctr") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = ImageSource::of_layout(sample(&directory.path().join("layout"))).expect("a layout");
    let (docker, oci) = archives(directory.path(), &source);
    let Some((_daemon, socket)) = containerd(directory.path()) else {
        println!("skipped: containerd cannot run here");
        return;
    };
    let whole = directory.path().join("layout.tar").display().to_string();
    run("tar", &["-C", &directory.path().join("layout").display().to_string(), "-cf", &whole, "."]);
    for archive in [docker.display().to_string(), oci.display().to_string(), whole] {
        let import = ["-a", &socket, "images", "import", "--snapshotter", "native", &archive];
        run("ctr", &import);
        let listed = run("ctr", &["-a", &socket, "images", "list", "-q"]);
        assert!(listed.lines().any(|name| name == "example.org/kubelet:v1"), "{archive}: {listed}");
        run("ctr", &["-a", &socket, "images", "remove", "example.org/kubelet:v1"]);
    }
}

/// A file system of a few pages, gone when dropped.
struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &[&self.0.display().to_string()]);
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_behind() {
    use std::io::Write as _;

    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path().display().to_string();
    let mount = command("mount").args(["-t", "tmpfs", "-o", "size=256k", "none", &at]).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: mount not installed or not allowed");
        return;
    }
    let _disk = SmallDisk(directory.path().to_owned());
    let path = directory.path().join("layout");
    let layout = Layout::create_or_open(&path).expect("a little room");
    // What fails at once, and what fits into the writer's buffer and only fails when that is emptied.
    for size in [1 << 20, 100 << 10] {
        let filler = layout.put_bytes(&vec![1; 180 << 10]);
        let mut sink = layout.blob_sink().expect("an empty file");
        let written = sink.write_all(&vec![7; size]);
        let finished = written.is_ok().then(|| sink.finish().expect_err("no room").to_string());
        assert_eq!(finished.is_some(), size < 128 << 10, "{size}");
        assert!(finished.is_none_or(|said| said.starts_with("write ")));
        assert!(filler.is_ok());
    }
    let left = validate(&layout);
    assert_eq!(left.len(), 1, "only the filler is there: {left:?}");
    layout.put_bytes(b"the rest of the disk is free again").expect("room");
}
