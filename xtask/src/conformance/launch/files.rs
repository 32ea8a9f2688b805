//! What `ocelet launch` writes, read by those who have to read it: config.json by the schema of the OCI runtime specification,
//! manifests by kubectl, a network's configuration by the plugins; and a disk that is full.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use ocelet::launch::Runtime;
use serde_json::Value;
use toml::Table;

use super::Bench;
use crate::Outcome;
use crate::conformance::{need, skip};
use crate::shell::{command, ended, is_installed, list, make_directory, output, read_text, root, write};

/// Where Debian has the schemas (golang-github-opencontainers-specs-dev).
const SCHEMAS: &str = "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema";
/// Debian's own Python, which has its own modules; another may come first in `PATH`.
const PYTHON: &str = "/usr/bin/python3";
/// Where Debian has the plugins (containernetworking-plugins).
const PLUGINS: &str = "/usr/lib/cni";

/// Checks a document: `VALIDATE SCHEMA DOCUMENT`.
const VALIDATE: &str = "\
import json, jsonschema, pathlib, sys
place, schema, document = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
schema = json.loads((place / schema).read_text())
resolver = jsonschema.RefResolver(place.as_uri() + '/', schema)
errors = jsonschema.Draft4Validator(schema, resolver=resolver).iter_errors(json.loads(pathlib.Path(document).read_text()))
errors = [f'{list(error.absolute_path)}: {error.message}' for error in errors]
sys.exit('\\n'.join(errors) if errors else None)
";

/// Everything that can be read; what is wrong.
pub(super) fn run(bench: &Bench<'_>) -> Vec<String> {
    [bundles, manifests, network, full].into_iter().filter_map(|check| check(bench).err()).collect()
}

/// Every config.json fits the schema; one that is broken does not.
fn bundles(bench: &Bench<'_>) -> Outcome {
    if !need(PYTHON)? {
        return Ok(());
    }
    if !Path::new(SCHEMAS).is_dir() || output(command(PYTHON).args(["-c", "import jsonschema"])).is_err() {
        return skip("python3-jsonschema or golang-github-opencontainers-specs-dev is not installed");
    }
    let valid = |document: &Path| {
        output(command(PYTHON).args(["-c", VALIDATE, SCHEMAS, "config-schema.json"]).arg(document)).map(drop)
    };
    let mut count = 0;
    for component in ["kubelet", "kubeadm", "kube-proxy"] {
        let document = bench.written(Runtime::Bundle, component, &[])?.join("files/config.json");
        valid(&document)?;
        count += 1;
        let broken = bench.work.join("broken.json");
        write(&broken, read_text(&document)?.replace("\"destination\"", "\"destinatio\"").as_bytes())?;
        if valid(&broken).is_ok() {
            return Err("the schema takes mounts without a destination".to_owned());
        }
    }
    println!("{count} config.json fit the schema of the OCI runtime specification");
    Ok(())
}

/// kubectl knows every field of the manifests: what it reads into its own types and writes again is all there.
fn manifests(bench: &Bench<'_>) -> Outcome {
    if !is_installed("kubectl") {
        println!("skipped: kubectl is not installed");
        return Ok(());
    }
    for runtime in [Runtime::Kubernetes, Runtime::Crio] {
        let file = bench.written(runtime, "kube-proxy", &[])?.join("printed");
        let local = |words: &[&str]| -> Result<Value, String> {
            let mut kubectl = command("kubectl");
            kubectl.args(words).args(["--local", "--output", "json", "--filename"]).arg(&file);
            let text = output(&mut kubectl)?;
            serde_json::from_str(&text).map_err(|error| format!("kubectl wrote no JSON: {error}\n{text}"))
        };
        // A label is set on whatever is there; an image only in types that kubectl knows.
        let (mut as_written, mut as_known) =
            (local(&["label", "checked=yes"])?, local(&["set", "image", "kube-proxy=checked"])?);
        let spec = |document: &mut Value| document["spec"].take();
        let lost = lost(&spec(&mut as_written), &spec(&mut as_known), "spec");
        if !lost.is_empty() {
            return Err(format!("kubectl does not know {lost:?} of what --runtime {runtime} prints"));
        }
    }
    println!("kubectl knows every field of the manifests");
    Ok(())
}

/// Paths of what is in the first document and not in the second, but for the name of the image.
fn lost(from: &Value, to: &Value, path: &str) -> Vec<String> {
    match (from, to) {
        (Value::Object(from), _) => {
            let one = |(key, value): (&String, &Value)| match to.get(key) {
                Some(found) => lost(value, found, &format!("{path}.{key}")),
                None => vec![format!("{path}.{key}")],
            };
            from.iter().flat_map(one).collect()
        }
        (Value::Array(from), Value::Array(to)) if from.len() == to.len() => {
            let each = from.iter().zip(to).enumerate();
            each.flat_map(|(at, (from, to))| lost(from, to, &format!("{path}[{at}]"))).collect()
        }
        _ if from == to || path.rsplit('.').next() == Some("image") => Vec::new(),
        _ => vec![path.to_owned()],
    }
}

/// The network that the recipe of a CRI-O node brings, read by every plugin that it names: where the configuration is wrong they
/// say so, and otherwise that there is no such container.
fn network(bench: &Bench<'_>) -> Outcome {
    if !Path::new(PLUGINS).is_dir() {
        return skip("containernetworking-plugins is not installed");
    }
    let recipe: Table = toml::from_str(&read_text(&root().join("recipes/cri-o-node.toml"))?)
        .map_err(|error| format!("recipes/cri-o-node.toml: {error}"))?;
    let (mut text, subnet) = conflist(&recipe).ok_or("recipes/cri-o-node.toml brings no conflist")?;
    text = text.replace("{{", "{").replace("}}", "}").replace("{pod-subnet}", &subnet);
    let list: Value =
        serde_json::from_str(&text).map_err(|error| format!("the conflist is no JSON: {error}\n{text}"))?;
    let plugins = list["plugins"].as_array().ok_or("the conflist has no plugins")?;
    for plugin in plugins {
        let kind = plugin["type"].as_str().ok_or("a plugin has no type")?;
        let mut alone = plugin.clone();
        alone["cniVersion"] = list["cniVersion"].clone();
        alone["name"] = list["name"].clone();
        let said = add(bench.work, kind, &alone)?;
        if !is_taken(&said) {
            return Err(format!("{kind} does not take its configuration: {said}"));
        }
        alone["ipam"]["ranges"] = Value::from("none");
        alone["isGateway"] = Value::from("none");
        alone["snat"] = Value::from("none");
        let said = add(bench.work, kind, &alone)?;
        if is_taken(&said) {
            return Err(format!("{kind} takes any configuration: {said}"));
        }
    }
    println!("{} plugins read the network of the CRI-O node", plugins.len());
    Ok(())
}

/// Whether a plugin got beyond its configuration: it looks for the container, or for what an earlier plugin did.
fn is_taken(said: &str) -> bool {
    said.contains("/no/such/netns") || said.contains("must be called as chained plugin")
}

/// The text of the recipe's network, and the addresses that it is filled with.
fn conflist(recipe: &Table) -> Option<(String, String)> {
    let sources = recipe.get("source")?.as_table()?;
    let is_network = |source: &&toml::Value| {
        source.get("install").and_then(toml::Value::as_str).is_some_and(|path| path.ends_with(".conflist"))
    };
    let text = sources.values().find(is_network)?.get("text")?.as_str()?;
    let subnet = recipe.get("parameters")?.get("pod-subnet")?;
    let subnet = subnet.as_str().or_else(|| subnet.get("default")?.as_str()).unwrap_or("10.85.0.0/16");
    Some((text.to_owned(), subnet.to_owned()))
}

/// Asks a plugin to add a container that is not there; what it says.
fn add(work: &Path, kind: &str, configuration: &Value) -> Result<String, String> {
    let file = work.join("network.json");
    write(&file, configuration.to_string().as_bytes())?;
    let mut plugin = command("sh");
    plugin.args(["-c", "\"$0\" <\"$1\" 2>&1 || :"]).arg(PathBuf::from(PLUGINS).join(kind)).arg(&file);
    plugin.env("CNI_COMMAND", "ADD").env("CNI_CONTAINERID", "none").env("CNI_NETNS", "/no/such/netns");
    output(plugin.env("CNI_IFNAME", "eth0").env("CNI_PATH", PLUGINS).stderr(Stdio::null()))
}

/// A disk that is full: the directory is not there afterwards, and nothing else is either.
fn full(bench: &Bench<'_>) -> Outcome {
    let place = bench.work.join("small");
    make_directory(&place)?;
    let script = "mount -t tmpfs -o size=256k small \"$1\" || exit 3; shift; \"$@\"; ended=$?; ls -A \"$0\" >\"$0.left\"; exit $ended";
    let mut launch = command("unshare");
    launch.args(["--mount", "sh", "-c", script]).arg(&place).arg(&place);
    launch.arg(bench.ocelet).args(["launch", "--quiet", &bench.image(), "--runtime", "bundle", "--to"]);
    let ended = ended(launch.arg(place.join("bundle")))?;
    let said = ended.err;
    let left = read_text(&bench.work.join("small.left"))?;
    if ended.status.code() == Some(1)
        && said.contains("No space left")
        && left.trim().is_empty()
        && list(&place).is_empty()
    {
        println!("a full disk is left as it was");
        return Ok(());
    }
    Err(format!("on a full disk launch ended with {}, left {left:?} and said: {said}", ended.status))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost;

    #[test]
    fn what_a_reader_drops_is_found() {
        let from =
            json!({ "containers": [{ "image": "a", "securityContex": { "privileged": true } }], "x": 1 });
        for (to, want) in [
            (
                json!({ "containers": [{ "image": "b", "securityContex": { "privileged": true } }], "x": 1, "y": 2 }),
                &[][..],
            ),
            (json!({ "containers": [{ "image": "b" }], "x": 1 }), &["spec.containers[0].securityContex"]),
            (json!({ "containers": [], "x": 2 }), &["spec.containers", "spec.x"]),
        ] {
            assert_eq!(lost(&from, &to, "spec"), want);
        }
    }
}
