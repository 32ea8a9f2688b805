//! `recipes/kubelet.toml` for programs and packages of one's own.

use std::path::Path;

use toml::{Table, Value};

use super::super::apk_real::PINS_OF_V3_19;
use super::Inputs;
use crate::binaries::{alpine_key, alpine_list, alpine_repository};
use crate::shell::{list, read_text, root};

/// Where programs of one's own are, in place of upstream: their digests are not upstream's.
pub(super) const HOST: &str = "releases.example.org";

/// What an image is made of.
pub(in crate::conformance) struct Wanted {
    pub(super) kubernetes: &'static str,
    pub(super) cri_tools: &'static str,
    pub(super) cni_plugins: &'static str,
    /// Whether the kubelet is linked with glibc, which then comes from the machine's apt.
    pub(super) has_glibc: bool,
    /// Commands that neither directory has, by the flavor whose packs ask for them.
    pub(super) without: &'static [(&'static str, &'static [&'static str])],
}

/// The recipe's text.
pub(super) fn text(inputs: &Inputs, wanted: &Wanted) -> Result<String, String> {
    let published = read_text(&root().join("recipes/kubelet.toml"))?;
    let own = read_text(&inputs.binaries.join(alpine_list()))?;
    let mut recipe: Table = toml::from_str(&published).map_err(|error| error.to_string())?;
    change(&mut recipe, inputs, wanted, &own)?;
    toml::to_string(&recipe).map_err(|error| error.to_string())
}

fn change(recipe: &mut Table, inputs: &Inputs, wanted: &Wanted, own: &str) -> Result<(), String> {
    recipe.insert("platforms".to_owned(), strings(["linux/amd64"]));
    let versions = [
        ("kubernetes", wanted.kubernetes),
        ("cri-tools", wanted.cri_tools),
        ("cni-plugins", wanted.cni_plugins),
        ("alpine", "v3.19"),
    ];
    from_here(recipe, &versions)?;
    alpine(table(recipe, &["source", "alpine"])?, inputs, own);
    let sources = table(recipe, &["source"])?;
    // flannel's plugin of today is nowhere to be built from; that of the older bundle is in it.
    sources.remove("flannel-plugin");
    // What is for other platforms alone, and says so.
    let is_for_amd64 = |source: &Value| {
        source
            .get("platforms")
            .is_none_or(|all| all.as_array().is_some_and(|all| all.contains(&Value::from("linux/amd64"))))
    };
    sources.retain(|_, source| is_for_amd64(source));
    for (_, source) in sources.iter_mut() {
        source.as_table_mut().and_then(|source| source.remove("platforms"));
    }
    if wanted.has_glibc {
        let glibc = table(sources, &["glibc"])?;
        glibc.insert("deb".to_owned(), Value::from("system"));
        glibc.remove("keys");
    } else {
        sources.remove("glibc");
        table(recipe, &["flavor", "kubelet"])?.remove("rules");
    }
    without(recipe, wanted)
}

/// Has a recipe take these versions of what was built here. Packing is by the machine's upx: upstream's cannot be had
/// everywhere.
pub(super) fn from_here(recipe: &mut Table, wanted: &[(&str, &str)]) -> Result<(), String> {
    recipe.remove("tool");
    let versions = table(recipe, &["versions"])?;
    versions.remove("upx");
    for (name, version) in wanted {
        versions.insert((*name).to_owned(), Value::from(version.trim_start_matches('v')));
    }
    for (parameter, place) in [("kubernetes-releases", "dl.k8s.io/release"), ("github", "github.com")] {
        let value = Value::from(format!("https://{HOST}/{place}"));
        table(recipe, &["parameters", parameter])?.insert("default".to_owned(), value);
    }
    Ok(())
}

/// The repositories of Alpine and the own one, the keys of both, and the versions that can be had.
fn alpine(source: &mut Table, inputs: &Inputs, own: &str) {
    let place = |path: &Path| path.display().to_string();
    let repositories = [
        inputs.alpine.join("v3.19-boot/main"),
        inputs.alpine.join("v3.19/main"),
        inputs.binaries.join(alpine_repository()),
    ];
    source.insert("apk".to_owned(), strings(repositories.iter().map(|path| place(path))));
    let published = list(&root().join("crates/ocelet-package/keys/alpine"));
    let keys = published.into_iter().filter(|key| key.extension().is_some_and(|end| end == "pub"));
    let keys = keys.chain([inputs.binaries.join(alpine_key())]);
    source.insert("keys".to_owned(), strings(keys.map(|key| place(&key))));
    let mut pins = Table::new();
    // The directory holds the packages of the release's own image, of which the index has newer ones.
    for (name, version) in PINS_OF_V3_19.iter().chain(&[("alpine-release", "=3.19.1-r0")]) {
        pins.insert((*name).to_owned(), Value::from(*version));
    }
    for (name, version) in own.lines().filter_map(|line| line.split_once(' ')) {
        pins.insert(name.to_owned(), Value::from(format!("={version}")));
    }
    source.insert("pin".to_owned(), Value::from(pins));
}

/// Takes out what cannot be had: commands that packs ask for, and flannel's plugin where the bundle has none.
fn without(recipe: &mut Table, wanted: &Wanted) -> Result<(), String> {
    for (flavor, commands) in wanted.without {
        let mut remove = Table::new();
        remove.insert("commands".to_owned(), strings(commands.iter().copied()));
        table(recipe, &["flavor", flavor])?.insert("remove".to_owned(), Value::from(remove));
    }
    if !wanted.cni_plugins.starts_with("v0.") {
        let flannel = table(recipe, &["flavor", "flannel"])?;
        flannel.insert("files".to_owned(), strings(["/opt/cni/bin/{bridge,host-local,loopback,portmap}"]));
    }
    Ok(())
}

pub(super) fn strings<Text: Into<String> + Clone>(all: impl IntoIterator<Item = Text>) -> Value {
    Value::Array(all.into_iter().map(|text| Value::from(text.into())).collect())
}

pub(super) fn table<'table>(recipe: &'table mut Table, path: &[&str]) -> Result<&'table mut Table, String> {
    path.iter().try_fold(recipe, |table, name| {
        table
            .get_mut(*name)
            .and_then(Value::as_table_mut)
            .ok_or_else(|| format!("recipes/kubelet.toml has no {}", path.join(".")))
    })
}
