//! The machine's own lists and keyrings, where it is a Debian with apt: each `InRelease` is verified, then changed in
//! ways that must be refused, and each cached index is compared with its Release. Skipped where there is none.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads real files, or says why not"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet_package::deb_trust::sources::{self, SourceFormat};
use ocelet_package::deb_trust::{
    AptConfiguration, Keyring, ReleaseError, SignatureError, Validity, VerifiedRelease,
};
use sha2::{Digest, Sha256};

fn listed(directory: &str, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())));
    paths.sort();
    paths
}

fn keyring(paths: &[PathBuf]) -> Keyring {
    let mut keyring = Keyring::new();
    for path in paths {
        let bytes = std::fs::read(path).expect("readable");
        let added = keyring.add(&path.to_string_lossy(), &bytes);
        assert!(added.is_ok_and(|keys| !keys.is_empty()), "{}", path.display());
    }
    keyring
}

/// A list and where it lies.
type List = (PathBuf, Vec<u8>);

/// The archive's keys, and the lists that Debian's archive signed.
fn machine() -> Option<(Keyring, Vec<List>)> {
    let keys = listed("/usr/share/keyrings", |name| name == "debian-archive-keyring.gpg");
    let lists = listed("/var/lib/apt/lists", |name| name.ends_with("InRelease"));
    let lists = lists.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("readable")));
    let of_debian = |bytes: &[u8]| bytes.windows(16).take(400).any(|window| window == b"\nOrigin: Debian\n");
    let lists: Vec<List> = lists.filter(|(_, bytes)| of_debian(bytes)).collect();
    if keys.is_empty() || lists.is_empty() {
        println!("skipped: no keyring of Debian's archive or no lists here");
        return None;
    }
    Some((keyring(&keys), lists))
}

/// A time at which the list was fresh: when it was signed.
fn fresh(bytes: &[u8], keyring: &Keyring) -> Validity {
    let release = VerifiedRelease::open_inline("", bytes, keyring, Validity::archived(i64::from(u32::MAX)))
        .expect("Debian's own");
    Validity::at(release.signed_by()[0].created)
}

#[test]
fn every_keyring_of_the_machine_is_read() {
    let home = tempfile::tempdir().expect("a directory");
    for directory in ["/usr/share/keyrings", sources::TRUSTED_PARTS, "/etc/apt/keyrings"] {
        let alone = Path::new(sources::TRUSTED_FILE);
        let alone =
            Some(alone.to_owned()).filter(|path| directory == sources::TRUSTED_PARTS && path.exists());
        for path in listed(directory, sources::is_trusted_part).into_iter().chain(alone) {
            let read = keyring(std::slice::from_ref(&path));
            println!(
                "{}: {} certificates, left out {:?}",
                path.display(),
                read.fingerprints().len(),
                read.unread()
            );
            let shown = Command::new("gpg")
                .arg("--homedir")
                .arg(home.path())
                .args(["--batch", "--no-options", "--with-colons", "--show-keys"])
                .arg(&path)
                .output();
            let Ok(shown) = shown else { continue };
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            let mut wanted: Vec<String> = Vec::new();
            let mut primary = false;
            for line in text.lines() {
                let fields: Vec<&str> = line.split(':').collect();
                match fields[0] {
                    "pub" => primary = true,
                    "fpr" if std::mem::take(&mut primary) => wanted.push(fields[9].to_owned()),
                    _ => {}
                }
            }
            let mut got: Vec<String> = read.fingerprints().iter().map(ToString::to_string).collect();
            got.extend(read.unread().iter().map(|one| one.certificate.clone()));
            wanted.sort();
            wanted.dedup();
            got.sort();
            assert_eq!(got, wanted, "{}", path.display());
        }
    }
}

#[test]
fn lists_are_verified_as_gpgv_does() {
    let Some((keyring, lists)) = machine() else { return };
    for (path, bytes) in lists {
        let release =
            VerifiedRelease::open_inline(&path.to_string_lossy(), &bytes, &keyring, fresh(&bytes, &keyring))
                .unwrap();
        for by in release.signed_by() {
            println!("{}: {by}", path.display());
        }
        assert!(release.release().entries().count() > 10);
        let output = Command::new("gpgv")
            .args(["--status-fd", "1", "--keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"])
            .arg(&path)
            .output();
        let Ok(output) = output else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let valid: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG ")).collect();
        let wanted: Vec<&str> = valid.iter().filter_map(|line| line.split(' ').next()).collect();
        let got: Vec<String> = release.signed_by().iter().map(|by| by.fingerprint.to_string()).collect();
        assert_eq!(got, wanted, "{}", path.display());
    }
}

#[test]
fn changed_lists_are_refused() {
    let Some((keyring, lists)) = machine() else { return };
    for (path, bytes) in lists {
        let (label, now) = (path.to_string_lossy(), fresh(&bytes, &keyring));
        let open =
            |bytes: &[u8], keyring: &Keyring, now| VerifiedRelease::open_inline(&label, bytes, keyring, now);
        let text = String::from_utf8(bytes.clone()).expect("text");
        let tampered = text.replacen("Origin: Debian", "Origin: Eve", 1);
        assert!(matches!(
            open(tampered.as_bytes(), &keyring, now),
            Err(ReleaseError::Signature { cause: SignatureError::Invalid { .. }, .. })
        ));
        let before = format!("Origin: Eve\n{text}");
        let after = format!("{text}\nSHA256:\n");
        let twice = format!("{text}{text}");
        for changed in [before, after, twice] {
            assert!(matches!(open(changed.as_bytes(), &keyring, now), Err(ReleaseError::Cleartext { .. })));
        }
        for length in [0, 1, 100, bytes.len() / 2, bytes.len() - 200, bytes.len() - 40] {
            let cut = open(&bytes[..length], &keyring, now);
            assert!(matches!(cut, Err(ReleaseError::Cleartext { .. })), "{length}: {cut:?}");
        }
        assert!(matches!(
            open(&bytes, &Keyring::new(), now),
            Err(ReleaseError::Signature { cause: SignatureError::UnknownKey { .. }, .. })
        ));
        let release = open(&bytes, &keyring, now).unwrap();
        if let Some(until) = release.release().valid_until {
            let late = open(&bytes, &keyring, Validity::at(until.0 + 1));
            assert!(matches!(late, Err(ReleaseError::Expired { .. })), "{late:?}");
            assert!(open(&bytes, &keyring, Validity::archived(until.0 + 1)).is_ok());
            assert!(open(&bytes, &keyring, Validity::at(until.0)).is_ok());
        }
        // All keys have expired by 2100; whoever asks for a snapshot is given it.
        let century = 4_102_444_800;
        let late = open(&bytes, &keyring, Validity::at(century));
        assert!(
            matches!(late, Err(ReleaseError::Signature { cause: SignatureError::Refused { .. }, .. })),
            "{late:?}"
        );
        assert!(open(&bytes, &keyring, Validity::archived(century)).is_ok());
        assert!(release.check_not_older(release.release().date.0).is_ok());
        assert!(release.check_not_older(release.release().date.0 + 1).is_err());
        let codename = release.release().codename.clone().expect("Debian has one");
        assert!(release.check_suite(&codename).is_ok() && release.check_suite("sid").is_err());
    }
}

#[test]
fn cached_indexes_are_what_their_release_says() {
    let Some((keyring, lists)) = machine() else { return };
    for (path, bytes) in lists {
        let release =
            VerifiedRelease::open_inline(&path.to_string_lossy(), &bytes, &keyring, fresh(&bytes, &keyring))
                .unwrap();
        let choice = release.choose_packages(Some("main"), "amd64").unwrap();
        assert_eq!(choice.path, "main/binary-amd64/Packages.xz");
        assert!(choice.by_hash.is_some_and(|path| path.starts_with("main/binary-amd64/by-hash/SHA256/")));
        let prefix = path.to_string_lossy().replace("InRelease", "");
        let cached = listed("/var/lib/apt/lists", |name| {
            let wanted = Path::new(&prefix).file_name().expect("a name").to_string_lossy().into_owned();
            name.starts_with(&format!("{wanted}main_binary-amd64_Packages"))
        });
        for cached in cached {
            let Ok(output) = Command::new("/usr/lib/apt/apt-helper").arg("cat-file").arg(&cached).output()
            else {
                continue;
            };
            let plain = choice.plain.expect("Debian lists it");
            assert_eq!(output.stdout.len() as u64, plain.size, "{}", cached.display());
            assert_eq!(plain.sha256, *Sha256::digest(&output.stdout), "{}", cached.display());
        }
    }
}

/// The standard output of a command, where there is one and it succeeds.
fn output(command: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(command).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_sources_of_the_machine_are_read_as_apt_reads_them() {
    let format = "--format=$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ARCHITECTURE)";
    let (Some(targets), Some(dump)) =
        (output("apt-get", &["indextargets", format]), output("apt-config", &["dump"]))
    else {
        println!("skipped: no apt here");
        return;
    };
    let mut configuration = AptConfiguration::new();
    configuration.read("the dump", &dump).unwrap();
    let native = configuration.architecture().expect("apt knows its own").to_owned();
    let mut files = vec![(PathBuf::from(sources::SOURCES_FILE), SourceFormat::OneLine)];
    files.retain(|(path, _)| path.exists());
    let of = |path: &Path| SourceFormat::of_part(&path.file_name().expect("a name").to_string_lossy());
    for path in listed(sources::SOURCES_PARTS, |name| SourceFormat::of_part(name).is_some()) {
        let format = of(&path).expect("filtered");
        files.push((path, format));
    }
    let mut got = BTreeSet::new();
    for (path, format) in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        for source in sources::read(&path.to_string_lossy(), &text, format).unwrap() {
            let architectures = source.architectures.of(configuration.architectures());
            for repository in source.repositories(&native).iter().filter(|_| source.enabled) {
                for (component, architecture) in repository
                    .components
                    .iter()
                    .flat_map(|one| architectures.iter().map(move |two| (one, two)))
                {
                    let (root, suite) = (&repository.root, &repository.suite);
                    got.insert(format!("Packages|{root}|{suite}|{component}|{architecture}"));
                }
            }
        }
    }
    // What is of no architecture has indexes of its own where the Release says so, which apt knows from its lists.
    let wanted = targets.lines().filter(|line| line.starts_with("Packages|") && !line.ends_with("|all"));
    let wanted: BTreeSet<String> = wanted.map(str::to_owned).collect();
    assert!(wanted.is_subset(&got) && got.len() >= wanted.len(), "apt has {wanted:?}, got {got:?}");
    println!("{} indexes, as apt has them", wanted.len());
}
