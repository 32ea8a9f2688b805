//! Locks as text: what is written is read back, and what is damaged is refused with all of its problems.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;

use super::*;
use crate::lock::{LockedArtifact, LockedFile, LockedIndex, LockedPackage, Vouched};
use crate::recipe::{Location, Platform, SourceName};
use crate::resolve::Asked;

fn platform() -> Platform {
    "linux/arm/v7".parse().expect("a platform")
}

fn file(path: &str) -> LockedFile {
    LockedFile {
        path: path.to_owned(),
        size: path.len() as u64,
        sha256: Digest::of(path.as_bytes()),
        sources: vec![Location::of(format!("https://{path}")), Location::of("{repository}/x".to_owned())],
    }
}

fn lock() -> Lock {
    let source = SourceName::new("alpine").expect("a name");
    let asked = Asked {
        settings: BTreeMap::from([("apk".to_owned(), vec!["https://h/v3.19/main".to_owned()])]),
        wanted: BTreeMap::from([(platform(), BTreeSet::from(["cmd:mount".to_owned()]))]),
    };
    let artifact = |name: &str, vouched| LockedArtifact {
        source: SourceName::new(name).expect("a name"),
        platform: platform(),
        file: file(&format!("h/{name}")),
        vouched,
    };
    Lock {
        asked: BTreeMap::from([(source.clone(), asked)]),
        indexes: vec![LockedIndex {
            source: source.clone(),
            platform: platform(),
            file: file("h/v3.19/main/armv7/APKINDEX.tar.gz"),
            signed_by: "a@example.org.rsa.pub".to_owned(),
            description: "v3.19.1".to_owned(),
            generated: 1_700_000_000,
            newest_build: Some(1_699_999_999),
        }],
        packages: vec![LockedPackage {
            source,
            platform: platform(),
            name: "musl".to_owned(),
            version: "1.2.4-r2".to_owned(),
            file: file("h/v3.19/main/armv7/musl-1.2.4-r2.apk"),
            identity: "Q1AAECAwQFBgcICQoLDA0ODxAREhM=".to_owned(),
            signed_by: "a@example.org.rsa.pub".to_owned(),
            because: BTreeSet::from(["needed by mount".to_owned()]),
        }],
        artifacts: vec![
            artifact("kubeadm", Vouched::FirstUse),
            artifact("kubelet", Vouched::Recipe),
            artifact("kubernetes", Vouched::Known),
            artifact("plugins", Vouched::Sums(Location::of("https://h/plugins.sha256".to_owned()))),
        ],
        tools: vec![artifact("upx", Vouched::Known)],
    }
}

#[test]
fn what_is_written_is_read_back() {
    for lock in [Lock::default(), lock()] {
        let text = lock.to_text();
        assert_eq!(parse(&text).expect("our own text"), lock, "{text}");
        assert_eq!(parse(&text).expect("our own text").to_text(), text);
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let text = lock().to_text();
    for (from, to, want) in [
        ("version = 1", "version = 2", "the lock has version 2, and this ocelet reads version 1"),
        ("version = 1", "version = 1\nnew = 1", "cannot be read"),
        ("name = \"musl\"", "nam = \"musl\"", "cannot be read"),
        ("path = \"h/kubelet\"", "path = \"h/../kubelet\"", "component \".\" or \"..\""),
        ("path = \"h/kubelet\"", "path = \"/etc/passwd\"", "empty component"),
        ("vouched-by = \"the recipe\"", "vouched-by = \"me\"", "nobody can vouch as \"me\""),
        (
            "source = \"kubeadm\"",
            "source = \"kubelet\"",
            "artifact of source kubelet for linux/arm/v7 stands there twice",
        ),
        ("linux/arm/v7", "plan9/mips", "plan9"),
    ] {
        let damaged = text.replace(from, to);
        assert_ne!(damaged, text, "{from}");
        let error = parse(&damaged).expect_err(from);
        let message = crate::error::sentence(&error);
        assert!(message.contains(want), "{from}: {message}");
    }
    let digest = Digest::of(b"h/kubelet").hex();
    let error = parse(&text.replace(&digest, "abc").replace("h/kubeadm\"", "h//kubeadm\""))
        .expect_err("two problems");
    assert!(matches!(&error, LockError::Problems { problems } if problems.len() == 2), "{error}");
}
