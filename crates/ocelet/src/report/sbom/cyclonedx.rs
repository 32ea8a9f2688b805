//! `CycloneDX` 1.6 (ECMA-424; `bom-1.6.schema.json`): the image with the packages as its components.

use serde_json::{Map, Value, json};

use super::{Subject, address, is_address, license, purl, reference, supplier, title, uuid};
use crate::report::{Report, ReportedPackage};

pub(super) fn document(report: &Report, subject: &Subject<'_>) -> Value {
    let image = purl::image(report, subject);
    let mut components = Vec::new();
    let mut contained = Vec::new();
    if let Some(distribution) = &report.distribution {
        let id = "distribution";
        components.push(json!({
            "type": "operating-system", "bom-ref": id, "name": distribution.id, "version": distribution.version,
        }));
        contained.push(id.to_owned());
    }
    for (owner, package) in &report.packages {
        let id = reference(owner);
        components.push(component(report, package, &id));
        contained.push(id);
    }
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", uuid(subject, "cyclonedx")),
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "tools": {"components": [
                {"type": "application", "name": "ocelet", "version": env!("CARGO_PKG_VERSION")},
            ]},
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": title(report),
                "version": subject.digest.to_string(),
                "purl": image,
                "hashes": hashes(&subject.digest.hex()),
            },
        },
        "components": components,
        "dependencies": [{"ref": image, "dependsOn": contained}],
    })
}

fn component(report: &Report, package: &ReportedPackage, id: &str) -> Value {
    let purl = purl::package(package, report.distribution.as_ref());
    let kind = if package.kind == "artifact" { "application" } else { "library" };
    let mut component = Map::new();
    let mut set = |key: &str, value: Value| {
        component.insert(key.to_owned(), value);
    };
    set("type", json!(kind));
    set("bom-ref", json!(id));
    set("name", json!(package.name));
    set("purl", json!(purl));
    for (key, text) in [("version", &package.version), ("description", &package.description)] {
        if !text.is_empty() {
            set(key, json!(text));
        }
    }
    if let Some((name, address)) = supplier(package) {
        let contact = if address.is_empty() { json!([]) } else { json!([{"email": address}]) };
        set("supplier", json!({"name": name, "contact": contact}));
    }
    match license::expression(&package.license) {
        Some(expression) => set("licenses", json!([{"expression": expression}])),
        None if package.license.is_empty() => {}
        None => set("licenses", json!([{"license": {"name": package.license}}])),
    }
    if let Some(hex) = &package.sha256 {
        set("hashes", hashes(hex));
    }
    let homepage = Some(package.homepage.as_str()).filter(|homepage| is_address(homepage));
    let references: Vec<Value> = [("website", homepage), ("distribution", address(package))]
        .into_iter()
        .filter_map(|(kind, address)| Some(json!({"type": kind, "url": address?})))
        .collect();
    if !references.is_empty() {
        set("externalReferences", json!(references));
    }
    let mut properties = vec![json!({"name": "dev.ocelet.source", "value": package.source})];
    if let Some(origin) = &package.origin {
        properties.push(json!({"name": "dev.ocelet.origin", "value": origin}));
    }
    set("properties", json!(properties));
    Value::Object(component)
}

fn hashes(hex: &str) -> Value {
    json!([{"alg": "SHA-256", "content": hex}])
}
