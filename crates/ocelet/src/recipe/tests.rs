//! Tests of the whole room: recipes in, rendered problems or recipes out.

use std::collections::BTreeMap;

use super::{Context, Parsed, Problems, parse};

mod accepts;
mod accepts_sources;
mod conditions;
mod debian;
mod flavor_problems;
mod needs;
mod package_problems;
mod packing;
mod problems;
mod properties;
mod source_problems;
mod tables;
mod tool;

/// A small recipe that has nothing wrong with it.
const GOOD: &str = r#"image = "tools"
platforms = ["linux/amd64", "linux/arm/v7"]
tag = "v{tools}{-flavor}"
versions = { tools = "1.0" }

[source.host]
rootfs = "/"

[flavor.base]
commands = ["mount", "umount?"]
"#;

/// The rule packs of the tests.
fn context(set: &[(&str, &str)]) -> Context {
    let known_rules = [
        "ca-certificates",
        "iproute2",
        "libgcc-unwind",
        "libmount-cryptsetup",
        "nss",
        "protocols-services",
        "xtables",
    ];
    Context {
        known_rules: known_rules.map(str::to_owned).into(),
        set: set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

fn read(text: &str) -> Result<Parsed, Problems> {
    parse(text, &context(&[]))
}

#[track_caller]
fn good(text: &str) -> Parsed {
    match read(text) {
        Ok(parsed) => parsed,
        Err(problems) => panic!("{}", problems.render("x.toml", text)),
    }
}

/// The texts of a map of places.
fn plain(map: &BTreeMap<String, super::At<String>>) -> Vec<(&str, &str)> {
    map.iter().map(|(name, text)| (name.as_str(), text.value.as_str())).collect()
}
