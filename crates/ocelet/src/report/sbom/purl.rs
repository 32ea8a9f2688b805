//! Package URLs (purl-spec; the types `apk`, `deb`, `generic` and `oci`): how scanners name a package.
//!
//! Everything but ASCII letters, digits, `.`, `-`, `_`, `~` and `:` is percent-encoded, qualifiers are sorted, and what
//! is not known is left out.

use super::Subject;
use crate::close::{Distribution, PackageKind};
use crate::report::{Report, ReportedDistribution, ReportedPackage};

/// The URL of a package.
pub(super) fn package(package: &ReportedPackage, distribution: Option<&ReportedDistribution>) -> String {
    let (kind, vendor) = match package.kind.as_str() {
        "apk" => (PackageKind::Apk, None),
        // purl-spec requires the vendor of a Debian package.
        "deb" => (PackageKind::Deb, Some("debian")),
        _ => return generic(package),
    };
    of_distribution(package, kind, vendor, distribution)
}

/// The namespace is the vendor: the distribution by the name that `os-release` has for it, where that is one of such
/// packages. `upstream` names the source package, by which advisories go: with its version where that is another one.
fn of_distribution(
    package: &ReportedPackage,
    kind: PackageKind,
    vendor: Option<&str>,
    distribution: Option<&ReportedDistribution>,
) -> String {
    let distribution = distribution.filter(|one| Distribution::has(&one.id, kind));
    let vendor = distribution.map(|one| one.id.to_lowercase()).or(vendor.map(str::to_owned));
    let namespace = vendor.map_or_else(String::new, |vendor| format!("{}/", encoded(&vendor)));
    let distro = distribution.map(|one| match one.version.as_str() {
        "" => one.id.clone(),
        version => format!("{}-{version}", one.id),
    });
    let upstream = package.origin.as_ref().filter(|origin| **origin != package.name);
    let upstream = upstream.map(|origin| match origin.split_once(" (") {
        Some((name, version)) => format!("{name}@{}", version.trim_end_matches(')')),
        None => origin.clone(),
    });
    let qualifiers = qualifiers(&[
        ("arch", package.architecture.as_deref()),
        ("distro", distro.as_deref()),
        ("upstream", upstream.as_deref()),
    ]);
    let (kind, name) = (&package.kind, encoded(&package.name.to_lowercase()));
    format!("pkg:{kind}/{namespace}{name}{}{qualifiers}", version(package))
}

fn generic(package: &ReportedPackage) -> String {
    let checksum = package.sha256.as_ref().map(|hex| format!("sha256:{hex}"));
    let qualifiers =
        qualifiers(&[("checksum", checksum.as_deref()), ("download_url", super::address(package))]);
    format!("pkg:generic/{}{}{qualifiers}", encoded(&package.name), version(package))
}

/// The URL of the image itself.
pub(super) fn image(report: &Report, subject: &Subject<'_>) -> String {
    let name = report.image.rsplit('/').next().unwrap_or(&report.image).to_lowercase();
    let architecture = report.platform.split('/').nth(1);
    let qualifiers = qualifiers(&[("arch", architecture), ("tag", Some(&report.tag))]);
    format!("pkg:oci/{}@{}{qualifiers}", encoded(&name), encoded(&subject.digest.to_string()))
}

fn version(package: &ReportedPackage) -> String {
    if package.version.is_empty() { String::new() } else { format!("@{}", encoded(&package.version)) }
}

fn qualifiers(known: &[(&str, Option<&str>)]) -> String {
    let known: Vec<String> =
        known.iter().filter_map(|(key, value)| Some(format!("{key}={}", encoded((*value)?)))).collect();
    if known.is_empty() { String::new() } else { format!("?{}", known.join("&")) }
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}
