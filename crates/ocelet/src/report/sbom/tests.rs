//! Bills of materials against what the published schemas require.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;
use serde_json::Value;

use super::*;
use crate::report::ReportedDistribution;

fn package(name: &str, version: &str) -> ReportedPackage {
    ReportedPackage {
        kind: "apk".to_owned(),
        source: "alpine".to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: Some("x86_64".to_owned()),
        origin: Some(name.to_owned()),
        license: "MIT".to_owned(),
        description: format!("the package {name}"),
        homepage: "https://example.org/".to_owned(),
        supplier: String::new(),
        sha256: Some("ab".repeat(32)),
        size: 1,
        location: Some(format!("https://example.org/{name}-{version}.apk")),
        files: 1,
    }
}

fn artifact() -> ReportedPackage {
    ReportedPackage {
        kind: "artifact".to_owned(),
        architecture: None,
        origin: None,
        license: String::new(),
        homepage: String::new(),
        location: Some("https://dl.example.org/v1+2/kubelet?x=1".to_owned()),
        ..package("kubelet", "")
    }
}

fn report(packages: &[ReportedPackage], distribution: Option<(&str, &str)>) -> Report {
    Report {
        version: 1,
        image: "tools".to_owned(),
        flavor: "tools".to_owned(),
        tag: "v1".to_owned(),
        platform: "linux/arm/v7".to_owned(),
        commands: BTreeMap::new(),
        files: BTreeMap::new(),
        layers: Vec::new(),
        unexplained_dlopen: Vec::new(),
        missing: Vec::new(),
        links: BTreeMap::new(),
        sources: BTreeMap::new(),
        packages: packages.iter().map(|one| (format!("{}/{}", one.source, one.name), one.clone())).collect(),
        distribution: distribution
            .map(|(id, version)| ReportedDistribution { id: id.to_owned(), version: version.to_owned() }),
        scripts: Vec::new(),
        worlds: BTreeMap::new(),
        packing: None,
    }
}

fn made(report: &Report, format: Format) -> (Vec<u8>, Value) {
    let digest = Digest::of(b"image");
    let bytes = bill(report, &Subject { digest: &digest, created: "1970-01-01T00:00:01Z" }, format);
    let document = serde_json::from_slice(&bytes).expect("JSON");
    (bytes, document)
}

#[test]
fn package_urls() {
    let alpine = Some(("alpine", "3.19.1"));
    let musl = package("musl", "1.2.4_git20230717-r4");
    let other = |change: &dyn Fn(&mut ReportedPackage)| {
        let mut package = package("Libstdc++", "13.2.1+x");
        change(&mut package);
        package
    };
    for (package, distribution, want) in [
        (musl.clone(), alpine, "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.19.1"),
        (musl, None, "pkg:apk/musl@1.2.4_git20230717-r4?arch=x86_64"),
        (
            other(&|one| one.origin = Some("gcc".to_owned())),
            Some(("wolfi", "")),
            "pkg:apk/wolfi/libstdc%2B%2B@13.2.1%2Bx?arch=x86_64&distro=wolfi&upstream=gcc",
        ),
        (
            other(&|one| {
                one.architecture = None;
                one.origin = None;
            }),
            None,
            "pkg:apk/libstdc%2B%2B@13.2.1%2Bx",
        ),
    ] {
        let reported = report(std::slice::from_ref(&package), distribution);
        assert_eq!(purl::package(&package, reported.distribution.as_ref()), want);
    }
    let debian = Some(("debian", "12"));
    let deb = |name: &str, version: &str, origin: &str| ReportedPackage {
        kind: "deb".to_owned(),
        architecture: Some("amd64".to_owned()),
        origin: Some(origin.to_owned()),
        ..package(name, version)
    };
    let libc = deb("libc6", "2.36-9+deb12u14", "glibc");
    for (package, distribution, want) in [
        (&libc, debian, "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12&upstream=glibc"),
        (&libc, None, "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&upstream=glibc"),
        (&libc, alpine, "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&upstream=glibc"),
        (
            &deb("libselinux1", "3.4-1+b6", "libselinux (3.4-1)"),
            Some(("ubuntu", "24.04")),
            "pkg:deb/ubuntu/libselinux1@3.4-1%2Bb6?arch=amd64&distro=ubuntu-24.04&upstream=libselinux%403.4-1",
        ),
        (&deb("tar", "1:1.34", "tar"), debian, "pkg:deb/debian/tar@1:1.34?arch=amd64&distro=debian-12"),
        (&package("musl", "1"), debian, "pkg:apk/musl@1?arch=x86_64"),
    ] {
        let reported = report(std::slice::from_ref(package), distribution);
        assert_eq!(purl::package(package, reported.distribution.as_ref()), want);
    }
    let sum = "ab".repeat(32);
    let want = format!(
        "pkg:generic/kubelet?checksum=sha256:{sum}&download_url=https:%2F%2Fdl.example.org%2Fv1%2B2%2Fkubelet%3Fx%3D1"
    );
    assert_eq!(purl::package(&artifact(), None), want);
    let near = ReportedPackage { location: Some("files/kubelet".to_owned()), sha256: None, ..artifact() };
    assert_eq!(purl::package(&near, None), "pkg:generic/kubelet", "a path of the builder is no address");
}

/// The keys that an object must have, and those that it may have beside them.
fn check_keys(object: &Value, required: &[&str], optional: &[&str]) {
    let keys: BTreeSet<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    for key in required {
        assert!(keys.contains(key), "no {key} in {object}");
    }
    for key in keys {
        assert!(
            required.contains(&key) || optional.contains(&key),
            "the schema does not know {key} of {object}"
        );
    }
}

fn all() -> Report {
    let maintained = "Debian Team <team@example.org>".to_owned();
    let deb = ReportedPackage { kind: "deb".to_owned(), supplier: maintained, ..package("libc6", "1") };
    let odd = ReportedPackage { license: "custom".to_owned(), sha256: None, ..package("a_b", "1") };
    report(&[package("musl", "1.2"), odd, package("a-b", "1"), deb, artifact()], Some(("alpine", "3.19.1")))
}

#[test]
fn spdx_has_what_its_schema_requires() {
    let (bytes, document) = made(&all(), Format::Spdx);
    check_keys(
        &document,
        &["SPDXID", "creationInfo", "dataLicense", "name", "spdxVersion", "documentNamespace", "packages"],
        &["relationships"],
    );
    check_keys(&document["creationInfo"], &["created", "creators"], &[]);
    let mut ids = BTreeSet::from(["SPDXRef-DOCUMENT"]);
    for package in document["packages"].as_array().expect("packages") {
        check_keys(
            package,
            &["SPDXID", "downloadLocation", "name"],
            &[
                "checksums",
                "copyrightText",
                "description",
                "externalRefs",
                "filesAnalyzed",
                "homepage",
                "licenseComments",
                "licenseConcluded",
                "licenseDeclared",
                "primaryPackagePurpose",
                "sourceInfo",
                "supplier",
                "versionInfo",
            ],
        );
        let id = package["SPDXID"].as_str().expect("text");
        let rest = id.strip_prefix("SPDXRef-").expect("the prefix that the schema wants");
        assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), "{id}");
        assert!(ids.insert(id), "{id} is there twice");
    }
    for relation in document["relationships"].as_array().expect("relationships") {
        check_keys(relation, &["spdxElementId", "relationshipType", "relatedSpdxElement"], &[]);
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(relation[end].as_str().expect("text")), "{relation}");
        }
    }
    let declared: Vec<&Value> = document["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .filter(|package| package["name"] == "a_b" || package["name"] == "musl")
        .map(|package| &package["licenseDeclared"])
        .collect();
    assert_eq!(declared, ["NOASSERTION", "MIT"]);
    let packages = document["packages"].as_array().expect("packages");
    let libc = packages.iter().find(|package| package["name"] == "libc6").expect("libc6");
    assert_eq!(libc["supplier"], "Organization: Debian Team (team@example.org)");
    assert_eq!(bytes, made(&all(), Format::Spdx).0, "the same image has the same bill");
}

#[test]
fn cyclonedx_has_what_its_schema_requires() {
    let (_, document) = made(&all(), Format::CycloneDx);
    check_keys(
        &document,
        &["bomFormat", "specVersion"],
        &["serialNumber", "version", "metadata", "components", "dependencies"],
    );
    let serial = document["serialNumber"].as_str().expect("text").strip_prefix("urn:uuid:").expect("a UUID");
    let groups: Vec<usize> = serial.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{serial}");
    assert_eq!(&serial[14..15], "8", "{serial}");
    assert!("89ab".contains(&serial[19..20]), "{serial}");
    let mut ids = BTreeSet::from([document["metadata"]["component"]["bom-ref"].as_str().expect("text")]);
    for component in document["components"].as_array().expect("components") {
        check_keys(
            component,
            &["type", "name"],
            &[
                "bom-ref",
                "version",
                "description",
                "hashes",
                "licenses",
                "supplier",
                "purl",
                "externalReferences",
                "properties",
            ],
        );
        assert!(ids.insert(component["bom-ref"].as_str().expect("text")), "{component}");
    }
    let depends = &document["dependencies"][0];
    assert_eq!(depends["ref"], document["metadata"]["component"]["bom-ref"]);
    for id in depends["dependsOn"].as_array().expect("a list") {
        assert!(ids.contains(id.as_str().expect("text")), "{id}");
    }
    assert_eq!(ids.len(), 7, "the image, the distribution, four packages and an artifact");
}

#[test]
fn bills_are_canonical_and_speak_of_one_image() {
    for format in [Format::Spdx, Format::CycloneDx] {
        let (bytes, document) = made(&all(), format);
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text, document.to_string(), "sorted keys, one line");
        let keys: Vec<&String> = document.as_object().expect("an object").keys().collect();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(keys, sorted);
        let digest = Digest::of(b"another image");
        let other = bill(&all(), &Subject { digest: &digest, created: "1970-01-01T00:00:01Z" }, format);
        assert_ne!(text.into_bytes(), other, "{format:?}");
    }
}
