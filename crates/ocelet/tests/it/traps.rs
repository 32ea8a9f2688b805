//! The known traps of writing image layers that concern the rooms, by the numbers of the project's list: each test
//! fails when the trap is stepped into.

use std::collections::BTreeSet;
use std::io::Read;

use ocelet::ExitClass;
use ocelet::finished::FinishedImage;
use ocelet::layer::Compression;
use ocelet::tree::Kind;
use ocelet_oci::{Digest, Layout};
use ocelet_testkit::rootfs::{CAPABILITY, debian};
use serde_json::Value;

use crate::layers::layer_tree;
use crate::scenario::{Outcome, Scenario, check, path, sentence};

const TWO: &str = "source.host.rootfs = 'root.tar'\nsource.motd = { text = 'hi', install = '/etc/motd' }\n\
    flavor.a = { commands = ['dash'], files = ['/etc/*'] }\nflavor.b = { extends = 'a', commands = ['mount'], directories = [{ path = '/tmp', mode = '1777' }] }";

fn two() -> Outcome {
    let outcome = Scenario::new(TWO, &[("root.tar", debian("amd64"))]).run();
    outcome.is_sound(true);
    outcome
}

/// The tar of a layer.
fn tar_of(image: &FinishedImage, position: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = image.image.layers[position].open().expect("a layer");
    std::io::copy(&mut reader, &mut bytes).expect("the digest is right");
    bytes
}

/// The headers of a tar: type, name, mode, and whatever else a test looks at.
fn headers(tar: &[u8]) -> Vec<(u8, String, u32)> {
    let mut headers = Vec::new();
    let mut at = 0;
    while at + 512 <= tar.len() && tar[at] != 0 {
        let header = &tar[at..at + 512];
        let octal = |field: &[u8]| {
            let text: String = field
                .iter()
                .take_while(|byte| **byte != 0 && **byte != b' ')
                .map(|byte| char::from(*byte))
                .collect();
            u64::from_str_radix(&text, 8).expect("an octal number")
        };
        let name: String =
            header[..100].iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        headers.push((header[156], name, u32::try_from(octal(&header[100..108])).expect("a mode")));
        at += 512 + usize::try_from(octal(&header[124..136]).next_multiple_of(512)).expect("a size");
    }
    headers
}

fn json(outcome: &Outcome, digest: &Digest) -> Value {
    let bytes = std::fs::read(outcome.layout().join("blobs/sha256").join(digest.hex())).expect("a blob");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn manifest(outcome: &Outcome, image: &FinishedImage) -> Value {
    json(outcome, &image.manifest.as_ref().expect("a layout").digest)
}

#[test]
fn trap_01_no_path_is_twice_in_a_layer_or_an_image() {
    let outcome = two();
    for image in outcome.images() {
        let mut files = BTreeSet::new();
        for position in 0..image.image.layers.len() {
            let mut names = BTreeSet::new();
            for (kind, name, _) in headers(&tar_of(&image, position)) {
                assert!(
                    names.insert(name.trim_end_matches('/').to_owned()),
                    "{name} is twice in layer {position}"
                );
                assert!(!name.starts_with('/') && !name.starts_with('.') && !name.contains("//"), "{name}");
                assert!(kind == b'5' || files.insert(name.clone()), "{name} is in two layers");
            }
        }
    }
}

#[test]
fn trap_02_parents_come_first_and_are_alike_in_every_layer() {
    let root = format!(
        "{}/var/\n1777 /var/tmp/\n0711:3:4 /var/lib/\n/var/lib/a = a\n/var/lib/b = b",
        debian("amd64")
    );
    let lines = "source.host.rootfs = 'root.tar'\nsource.c = { text = 'c', install = '/var/lib/c' }\nflavor.a.files = ['/var/lib/a', '/var/lib/c', '/var/tmp']\nflavor.b.files = ['/var/lib/*']";
    let outcome = Scenario::new(lines, &[("root.tar", root)]).run();
    let mut seen = BTreeSet::new();
    for image in outcome.images() {
        for position in 0..image.image.layers.len() {
            let mut known = BTreeSet::from([String::new()]);
            for (kind, name, mode) in headers(&tar_of(&image, position)) {
                let name = name.trim_end_matches('/').to_owned();
                let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
                assert!(known.contains(parent), "{name} comes before its parent");
                if kind == b'5' {
                    let wanted = match name.as_str() {
                        "var/lib" => 0o711,
                        "var/tmp" => 0o1777,
                        _ => 0o755,
                    };
                    assert_eq!(mode, wanted, "{name} in layer {position} of {:?}", image.tag);
                    seen.insert(name.clone());
                }
                known.insert(name);
            }
        }
    }
    assert!(seen.contains("var/tmp") && seen.contains("var/lib"), "{seen:?}");
}

#[test]
fn trap_04_a_hard_link_has_its_file_before_it_in_its_layer() {
    let root = "/a/one = x\n/a/two == /a/one\n/b/three == /a/one\n/b/four == /a/one\n0755 /bin/x = #!/bin/y\\n\n/bin/y elf amd64 static";
    let lines =
        "source.host.rootfs = 'root.tar'\nflavor.p.files = ['/a/*']\nflavor.q.files = ['/a/*', '/b/*']";
    let outcome = Scenario::new(lines, &[("root.tar", root.to_owned())]).run();
    outcome.is_sound(true);
    let image = outcome.images().pop().expect("q");
    assert_eq!(image.image.layers.len(), 2);
    let kinds: Vec<Vec<(char, String)>> = (0..2)
        .map(|position| {
            headers(&tar_of(&image, position))
                .into_iter()
                .map(|(kind, name, _)| (char::from(kind), name))
                .collect()
        })
        .collect();
    let entry = |kind: char, name: &str| (kind, name.to_owned());
    assert_eq!(kinds[0], [entry('5', "a/"), entry('0', "a/one"), entry('1', "a/two")]);
    assert_eq!(kinds[1], [entry('5', "b/"), entry('0', "b/four"), entry('1', "b/three")]);
}

#[test]
fn trap_05_nothing_is_written_through_a_link() {
    let lines = "source.host.rootfs = 'root.tar'\nsource.conf = { text = 'x', install = '/lib/modprobe.d/x.conf' }\n\
        flavor.a = { files = ['/lib/modprobe.d/x.conf'], directories = ['/lib/modules'], links = [{ path = '/bin/vi', target = '/../usr/bin/dash' }], commands = ['dash'] }";
    check(
        "links",
        &Scenario::new(lines, &[("root.tar", debian("amd64"))]),
        "v1 linux/amd64
        /bin link 0777 usr/bin 0:0 host 0
        /lib link 0777 usr/lib 0:0 host 0
        /lib64 link 0777 usr/lib64 0:0 host 0
        /usr/bin/dash file 0755 elf 0:0 host 0
        /usr/bin/vi link 0777 /../usr/bin/dash 0:0 recipe 1
        /usr/lib/modprobe.d/x.conf file 0644 1 0:0 conf 1
        /usr/lib/modules dir 0755 - 0:0 recipe 1
        /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
        /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
        /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0",
    );
}

#[test]
fn trap_06_whiteout_names_are_refused() {
    let place = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(place.path().join("root/etc")).expect("a directory");
    std::fs::write(place.path().join("root/etc/.wh.passwd"), "x").expect("a file");
    let lines = "source.host.rootfs = 'root'\nflavor.a.files = ['/etc/**']";
    let outcome = Scenario::new(lines, &[]).run_in(place);
    assert!(!outcome.layout().exists());
    let text = sentence(&outcome.result.expect_err("a whiteout"));
    assert!(text.contains("/etc/.wh.passwd") && text.contains("reserve for deletions"), "{text}");
}

#[test]
fn trap_10_modes_survive() {
    let root = "4755 /bin/su = x\n2755 /bin/wall = x\n6711 /bin/both = x\n1777 /tmp/\n2775:0:50 /var/mail/\n0000 /etc/gshadow = x\n/etc/l -> gshadow";
    for place in ["root.tar", "root/"] {
        let lines =
            format!("source.host.rootfs = '{}'\nflavor.a.files = ['/**']", place.trim_end_matches('/'));
        check(
            place,
            &Scenario::new(&lines, &[(place, root.to_owned())]),
            "v1 linux/amd64
            /bin dir 0755 - 0:0 host 0
            /bin/both file 6711 1 0:0 host 0
            /bin/su file 4755 1 0:0 host 0
            /bin/wall file 2755 1 0:0 host 0
            /etc dir 0755 - 0:0 host 0
            /etc/gshadow file 0000 1 0:0 host 0
            /etc/l link 0777 gshadow 0:0 host 0
            /tmp dir 1777 - 0:0 host 0
            /var dir 0755 - 0:0 host 0
            /var/mail dir 2775 - 0:50 host 0",
        );
    }
}

#[test]
fn trap_11_capabilities_survive_and_count() {
    let lines = "source.host.rootfs = 'root.tar'\nflavor.a.files = ['/bin/*']";
    let with = check(
        "with",
        &Scenario::new(lines, &[("root.tar", "cap 0755 /bin/ping = x".to_owned())]),
        "v1 linux/amd64
        /bin/ping file 0755 1 0:0 host 0 cap",
    );
    let images = with.images();
    let tree = with.tree(&images[0]);
    let xattrs = &tree.get(&path("/bin/ping")).expect("ping").metadata.xattrs;
    assert_eq!(
        xattrs.iter().map(|(name, value)| (&name[..], &value[..])).collect::<Vec<_>>(),
        [(&b"security.capability"[..], &CAPABILITY[..])]
    );
    let tar = tar_of(&images[0], 0);
    let record = [b"SCHILY.xattr.security.capability=".as_slice(), &CAPABILITY, b"\n"].concat();
    assert!(tar.windows(record.len()).any(|bytes| bytes == record), "a PAX record with the raw bytes");
    let without = Scenario::new(lines, &[("root.tar", "0755 /bin/ping = x".to_owned())]).run();
    assert_ne!(with.digests(), without.digests());
}

#[test]
fn trap_14_absolute_links_are_followed_inside_of_the_root() {
    let root = "/etc/alternatives/vi -> /usr/bin/vim\n/usr/bin/vi -> /etc/alternatives/vi\n/usr/bin/vim elf amd64 static\n/usr/bin/esc -> ../../../../usr/bin/vim\n/usr/bin/out -> /../../etc/hostname-of-no-host";
    for place in ["root.tar", "root/"] {
        let lines = format!(
            "source.host.rootfs = '{}'\nflavor.a.commands = ['vi', 'esc']",
            place.trim_end_matches('/')
        );
        check(
            place,
            &Scenario::new(&lines, &[(place, root.to_owned())]),
            "v1 linux/amd64
            /etc/alternatives/vi link 0777 /usr/bin/vim 0:0 host 0
            /usr/bin/esc link 0777 ../../../../usr/bin/vim 0:0 host 0
            /usr/bin/vi link 0777 /etc/alternatives/vi 0:0 host 0
            /usr/bin/vim file 0755 elf 0:0 host 0",
        );
        let outside = lines.replace("'vi', 'esc'", "'out'");
        let error =
            Scenario::new(&outside, &[(place, root.to_owned())]).run().result.expect_err("no such file");
        assert!(error.to_string().contains("command \"out\" is in none of"), "{error}");
    }
}

/// gzip: a series of members with time 0, no name and system 255, whose content is the tar of the diff id.
#[test]
fn trap_15_gzip_members_tell_nothing_of_the_machine() {
    let outcome = two();
    for image in outcome.images() {
        for layer in &image.image.layers {
            let blob = outcome.layout().join("blobs/sha256").join(layer.digest().expect("a layout").hex());
            let bytes = std::fs::read(blob).expect("a blob");
            assert_eq!(bytes[..4], [0x1f, 0x8b, 8, 0], "no flags: no name, no comment, no extra field");
            assert_eq!(bytes[4..8], [0; 4], "no time");
            assert_eq!(bytes[9], 255, "no system");
            let mut tar = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..])
                .read_to_end(&mut tar)
                .expect("gzip, and nothing behind it");
            assert_eq!(Digest::of(&tar), layer.diff_id.0);
        }
    }
}

/// zstd: its own media type, the magic of zstd, a window that clients accept, and never in a docker-archive.
#[test]
fn trap_16_zstd_is_called_so() {
    let zstd = Some(Compression::Zstd { level: 19, window: None });
    let outcome =
        Scenario { compression: zstd, ..Scenario::new(TWO, &[("root.tar", debian("amd64"))]) }.run();
    outcome.is_sound(true);
    for image in outcome.images() {
        let manifest = manifest(&outcome, &image);
        assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        for (layer, described) in
            image.image.layers.iter().zip(manifest["layers"].as_array().expect("a list"))
        {
            assert_eq!(described["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
            let blob = outcome.layout().join("blobs/sha256").join(layer.digest().expect("a layout").hex());
            let bytes = std::fs::read(blob).expect("a blob");
            assert_eq!(bytes[..4], [0x28, 0xb5, 0x2f, 0xfd]);
            let mut decoder = zstd::Decoder::new(&bytes[..]).expect("zstd");
            decoder.window_log_max(27).expect("a window");
            let mut tar = Vec::new();
            decoder.read_to_end(&mut tar).expect("a window of 128 MiB at most");
            assert_eq!(Digest::of(&tar), layer.diff_id.0, "trap 17: the padding of the tar counts");
        }
        let reference = ocelet::finished::Reference { path: outcome.layout(), tag: image.tag.clone() };
        let finished = ocelet::finished::Finished::open(reference).expect("a layout");
        let error = ocelet::finished::write_archive(
            &finished,
            ocelet::finished::Archive::Docker,
            None,
            &mut Vec::new(),
        );
        assert!(sentence(&error.expect_err("zstd")).contains("zstd"));
    }
}

#[test]
fn trap_18_an_image_without_files_is_a_clear_error() {
    let lines =
        "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['nothing?']\nflavor.b.commands = ['dash']";
    let outcome = Scenario::new(lines, &[("root.tar", debian("amd64"))]).run();
    let error = outcome.result.as_ref().expect_err("an image without files");
    let text = sentence(error);
    assert!(text.contains("flavor a") && text.contains("linux/amd64") && text.contains("no file"), "{text}");
    assert_eq!(error.class(), ExitClass::Failed);
    assert!(!outcome.layout().exists(), "nothing is written");
    // A directory is enough.
    let lines = lines.replace("['nothing?']", "['nothing?']\nflavor.a.directories = ['/run']");
    let outcome = Scenario::new(&lines, &[("root.tar", debian("amd64"))]).run();
    outcome.is_sound(true);
    assert!(outcome.images().iter().all(|image| !image.image.layers.is_empty()));
}

#[test]
fn trap_19_the_configuration_says_what_it_must() {
    let lines = "platforms = ['linux/amd64', 'linux/arm/v7', 'linux/arm64']\nsource.host.rootfs = '{arch}{-variant}.tar'\nflavor.a.commands = ['mount']";
    let files =
        [("amd64.tar", debian("amd64")), ("arm64.tar", debian("arm64")), ("arm-v7.tar", debian("armv7"))];
    let outcome = Scenario::new(lines, &files).run();
    outcome.is_sound(true);
    let mut platforms = Vec::new();
    for image in outcome.images() {
        let manifest = manifest(&outcome, &image);
        let digest: Digest =
            manifest["config"]["digest"].as_str().expect("a digest").parse().expect("a digest");
        let config = json(&outcome, &digest);
        assert_eq!(config["rootfs"]["type"], "layers");
        let ids: Vec<&str> = config["rootfs"]["diff_ids"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(ids.len(), manifest["layers"].as_array().expect("a list").len());
        for (position, id) in ids.iter().enumerate() {
            assert_eq!(*id, Digest::of(&tar_of(&image, position)).to_string());
        }
        platforms.push((config["os"].clone(), config["architecture"].clone(), config["variant"].clone()));
    }
    let platform =
        |architecture: &str, variant: Value| (Value::from("linux"), Value::from(architecture), variant);
    assert_eq!(
        platforms,
        [platform("amd64", Value::Null), platform("arm", "v7".into()), platform("arm64", Value::Null)]
    );
}

#[test]
fn trap_20_history_has_one_entry_with_a_time_for_each_layer() {
    let outcome = two();
    for image in outcome.images() {
        let manifest = manifest(&outcome, &image);
        let digest: Digest =
            manifest["config"]["digest"].as_str().expect("a digest").parse().expect("a digest");
        let config = json(&outcome, &digest);
        let history = config["history"].as_array().expect("a list");
        assert_eq!(history.len(), image.image.layers.len());
        for entry in history {
            assert_eq!(entry["created"], "1970-01-01T00:00:01Z");
            assert_eq!(entry.get("empty_layer"), None);
        }
    }
}

#[test]
fn trap_22_a_tag_has_both_names() {
    let outcome = two();
    assert!(outcome.layout().join("oci-layout").is_file());
    let index: Value =
        serde_json::from_slice(&std::fs::read(outcome.layout().join("index.json")).expect("a file"))
            .expect("JSON");
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json", "trap 21");
    let tagged: Vec<(&str, &str)> = index["manifests"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| {
            let names = &entry["annotations"];
            Some((
                names["org.opencontainers.image.ref.name"].as_str()?,
                names["io.containerd.image.name"].as_str()?,
            ))
        })
        .collect();
    assert_eq!(tagged, [("v1-a", "docker.io/library/x:v1-a"), ("v1-b", "docker.io/library/x:v1-b")]);
    assert!(Layout::open(outcome.layout()).is_ok());
}

#[test]
fn trap_25_what_runtimes_mount_over_is_found_by_verify() {
    for (root, files, word) in [
        (
            "/etc/resolv.conf -> ../run/resolv.conf\n/run/resolv.conf = x",
            "'/etc/resolv.conf'",
            "/etc/resolv.conf is a symbolic link",
        ),
        ("/etc/hosts -> /usr/hosts\n/usr/hosts = x", "'/etc/hosts'", "/etc/hosts is a symbolic link"),
        ("/etc -> usr/etc\n/usr/etc/a = x", "'/etc/a'", "/etc is a symbolic link"),
    ] {
        let lines = format!("source.host.rootfs = 'root.tar'\nflavor.a.files = [{files}]");
        let outcome = Scenario::new(&lines, &[("root.tar", root.to_owned())]).run();
        let findings = crate::verify::findings(&outcome);
        assert!(findings.iter().any(|(broken, text)| *broken && text.contains(word)), "{findings:?}");
    }
    // Mount points, the link that saves a layer at run time, and plain empty files are all well.
    let lines = "flavor.a = { files = ['/etc/resolv.conf'], directories = ['/dev', '/proc', '/sys', '/run', { path = '/tmp', mode = '1777' }], links = [{ path = '/etc/mtab', target = '../proc/self/mounts' }] }\nsource.dns = { text = '', install = '/etc/resolv.conf' }";
    let outcome = check(
        "mount points",
        &Scenario::new(lines, &[]),
        "v1 linux/amd64
        /dev dir 0755 - 0:0 recipe 0
        /etc/mtab link 0777 ../proc/self/mounts 0:0 recipe 0
        /etc/resolv.conf file 0644 0 0:0 dns 0
        /proc dir 0755 - 0:0 recipe 0
        /run dir 0755 - 0:0 recipe 0
        /sys dir 0755 - 0:0 recipe 0
        /tmp dir 1777 - 0:0 recipe 0",
    );
    let tree = layer_tree(&outcome.images()[0], 0);
    assert!(
        tree.iter()
            .all(|(_, node)| !matches!(&node.kind, Kind::File { content, .. } if content.length() > 0))
    );
}

#[test]
fn trap_27_scanners_find_the_distribution() {
    let lines = "source.host.rootfs = 'root.tar'\nflavor.a = { commands = ['dash'], rules = ['os-release'] }\nflavor.b.commands = ['dash']";
    let outcome = Scenario::new(lines, &[("root.tar", debian("amd64"))]).run();
    outcome.is_sound(true);
    let images = outcome.images();
    let tree = outcome.tree(&images[0]);
    assert!(
        matches!(&tree.get(&path("/etc/os-release")).expect("kept").kind, Kind::Symlink { target } if !target.is_absolute())
    );
    assert!(tree.get(&path("/usr/lib/os-release")).is_some());
    let told: Vec<_> = crate::verify::findings(&outcome)
        .into_iter()
        .filter(|(_, text)| text.contains("os-release"))
        .collect();
    assert_eq!(told.len(), 1, "only flavor b lacks it: {told:?}");
    assert!(!told[0].0);
    let absolute = debian("amd64").replace("/etc/os-release -> ../usr", "/etc/os-release -> /usr");
    let outcome = Scenario::new(lines, &[("root.tar", absolute)]).run();
    assert!(
        crate::verify::findings(&outcome)
            .iter()
            .any(|(_, text)| text.contains("/etc/os-release is an absolute link"))
    );
}
