//! SPDX 2.3 (spdx.github.io/spdx-spec/v2.3; `spdx-schema.json`): a document that describes the image, which contains
//! the packages.

use serde_json::{Map, Value, json};

use super::{Subject, address, is_address, license, purl, reference, supplier, title, uuid};
use crate::report::{Report, ReportedPackage};

/// What is said where nothing is known (clause 7).
const UNKNOWN: &str = "NOASSERTION";
/// What the image is called within the document.
const IMAGE: &str = "SPDXRef-Image";
/// What the distribution is called within the document.
const DISTRIBUTION: &str = "SPDXRef-Distribution";

pub(super) fn document(report: &Report, subject: &Subject<'_>) -> Value {
    let mut packages = vec![image(report, subject)];
    let mut contained = Vec::new();
    if let Some(distribution) = &report.distribution {
        let mut package = bare(DISTRIBUTION, &distribution.id);
        set(&mut package, "versionInfo", &distribution.version);
        set(&mut package, "primaryPackagePurpose", "OPERATING-SYSTEM");
        packages.push(Value::Object(package));
        contained.push(DISTRIBUTION.to_owned());
    }
    for (owner, package) in &report.packages {
        let id = format!("SPDXRef-Package-{}", reference(owner));
        packages.push(described(report, package, &id));
        contained.push(id);
    }
    let relation = |from: &str, kind: &str, to: &str| json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)];
    relationships.extend(contained.iter().map(|id| relation(IMAGE, "CONTAINS", id)));
    let name = title(report);
    let space: String =
        name.chars().map(|one| if one.is_ascii_alphanumeric() || one == '.' { one } else { '-' }).collect();
    json!({
        "SPDXID": "SPDXRef-DOCUMENT",
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "name": format!("{name} for {}", report.platform),
        "documentNamespace": format!("https://spdx.org/spdxdocs/{space}-{}", uuid(subject, "spdx")),
        "creationInfo": {
            "created": subject.created,
            "creators": [concat!("Tool: ocelet-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

fn image(report: &Report, subject: &Subject<'_>) -> Value {
    let mut package = bare(IMAGE, &report.image);
    set(&mut package, "versionInfo", &report.tag);
    set(&mut package, "primaryPackagePurpose", "CONTAINER");
    package.insert("checksums".to_owned(), checksum(&subject.digest.hex()));
    package.insert("externalRefs".to_owned(), locator(&purl::image(report, subject)));
    Value::Object(package)
}

fn described(report: &Report, package: &ReportedPackage, id: &str) -> Value {
    let mut described = bare(id, &package.name);
    set(&mut described, "versionInfo", &package.version);
    set(&mut described, "description", &package.description);
    if is_address(&package.homepage) {
        set(&mut described, "homepage", &package.homepage);
    }
    if let Some(address) = address(package) {
        set(&mut described, "downloadLocation", address);
    }
    if let Some(origin) = &package.origin {
        set(&mut described, "sourceInfo", &format!("built from the source package {origin}"));
    }
    if let Some((name, address)) = supplier(package) {
        // Whether a person or a team stands behind a name, the field does not say; clause 7.5 wants one of the two.
        let address = if address.is_empty() { String::new() } else { format!(" ({address})") };
        set(&mut described, "supplier", &format!("Organization: {name}{address}"));
    }
    match license::expression(&package.license) {
        Some(expression) => set(&mut described, "licenseDeclared", expression),
        None if package.license.is_empty() => {}
        None => {
            set(&mut described, "licenseComments", &format!("the package says \"{}\"", package.license));
        }
    }
    if let Some(hex) = &package.sha256 {
        described.insert("checksums".to_owned(), checksum(hex));
    }
    let purl = purl::package(package, report.distribution.as_ref());
    described.insert("externalRefs".to_owned(), locator(&purl));
    Value::Object(described)
}

/// What every package must have, and what is said of it where nothing is known.
fn bare(id: &str, name: &str) -> Map<String, Value> {
    let mut package = Map::new();
    for (key, value) in [
        ("SPDXID", id),
        ("name", name),
        ("downloadLocation", UNKNOWN),
        ("copyrightText", UNKNOWN),
        ("licenseConcluded", UNKNOWN),
        ("licenseDeclared", UNKNOWN),
        ("supplier", UNKNOWN),
    ] {
        set(&mut package, key, value);
    }
    package.insert("filesAnalyzed".to_owned(), Value::Bool(false));
    package
}

/// Texts that are empty say nothing and are left out.
fn set(package: &mut Map<String, Value>, key: &str, value: &str) {
    if !value.is_empty() {
        package.insert(key.to_owned(), Value::String(value.to_owned()));
    }
}

fn checksum(hex: &str) -> Value {
    json!([{"algorithm": "SHA256", "checksumValue": hex}])
}

fn locator(purl: &str) -> Value {
    json!([{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}])
}
