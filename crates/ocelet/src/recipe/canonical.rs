//! The recipe as JSON, for a lock to be checked against and for programs to read.
//!
//! Two recipes that ask for the same give the same JSON, byte for byte: keys in order, everything resolved, no
//! places, comments or spelling. It refuses to say how a value came to be: neither variables nor `extends`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::model::{FileContent, Flavor, ImageConfig, Recipe, Source, SourceKind, Wish};
use super::problem::At;

impl Recipe {
    /// The canonical form. `format` is its version, which changes when the meaning of a member does.
    pub fn to_json(&self) -> Value {
        let sources: Map<String, Value> =
            self.sources.iter().map(|(name, source)| (name.to_string(), source_json(source))).collect();
        let flavors: Map<String, Value> =
            self.flavors.iter().map(|(name, flavor)| (name.to_string(), flavor_json(flavor))).collect();
        json!({
            "format": 1,
            "image": self.image.as_str(),
            "description": self.description.as_ref().map(|text| &text.value),
            "platforms": shown(&self.platforms),
            "epoch": self.epoch.as_ref().map(|epoch| epoch.value),
            "default-flavor": self.default_flavor.as_ref().map(ToString::to_string),
            "sources": sources,
            "flavors": flavors,
        })
    }
}

fn source_json(source: &Source) -> Value {
    let kind = match &source.kind {
        SourceKind::Rootfs(rootfs) => json!({
            "rootfs": rootfs.location.to_string(),
            "tag": rootfs.tag.as_ref().map(|tag| tag.to_string()),
            "include": rootfs.include.iter().map(|glob| glob.as_str()).collect::<Vec<_>>(),
            "exclude": rootfs.exclude.iter().map(|glob| glob.as_str()).collect::<Vec<_>>(),
        }),
        SourceKind::File(file) => {
            let (key, content) = match &file.content {
                FileContent::Text(text) => ("text", text),
                FileContent::Local(location) => ("file", location),
            };
            json!({
                key: content.to_string(),
                "install": file.install.to_string(),
                "mode": mode(file.mode),
                "uid": file.uid,
                "gid": file.gid,
                "replace": file.replace,
            })
        }
    };
    let mut value = kind;
    value["platforms"] = source.platforms.as_ref().map_or(Value::Null, |platforms| shown(platforms));
    value["stability"] = json!(source.stability.as_str());
    value
}

fn flavor_json(flavor: &Flavor) -> Value {
    let directories: Map<String, Value> = flavor
        .directories
        .iter()
        .map(|(path, one)| {
            (path.to_string(), json!({ "mode": mode(one.mode), "uid": one.uid, "gid": one.gid }))
        })
        .collect();
    let links: Map<String, Value> = flavor
        .links
        .iter()
        .map(|(path, target)| (path.to_string(), json!(String::from_utf8_lossy(target.as_bytes()))))
        .collect();
    let acknowledged: Map<String, Value> = flavor
        .acknowledged_dlopen
        .iter()
        .map(|(glob, reason)| (glob.as_str().to_owned(), json!(reason.value)))
        .collect();
    json!({
        "tag": flavor.tag.as_str(),
        "commands": wishes(&flavor.commands, ToString::to_string),
        "files": wishes(&flavor.files, |glob| glob.as_str().to_owned()),
        "rules": wishes(&flavor.rules, ToString::to_string),
        "directories": directories,
        "links": links,
        "acknowledge-dlopen": acknowledged,
        "annotations": texts(&flavor.annotations),
        "config": config_json(&flavor.config),
    })
}

fn config_json(config: &ImageConfig) -> Value {
    json!({
        "entrypoint": config.entrypoint.as_ref().map(|list| &list.value),
        "cmd": config.cmd.as_ref().map(|list| &list.value),
        "env": texts(&config.env),
        "workdir": config.workdir.as_ref().map(|path| path.to_string()),
        "user": config.user.as_ref().map(|user| &user.value),
        "labels": texts(&config.labels),
        "stop-signal": config.stop_signal.as_ref().map(|signal| &signal.value),
        "volumes": config.volumes.iter().map(|path| path.to_string()).collect::<Vec<_>>(),
        "exposed-ports": config.exposed_ports.iter().map(|port| &port.value).collect::<Vec<_>>(),
    })
}

fn wishes<K>(wishes: &BTreeMap<K, At<Wish>>, name: impl Fn(&K) -> String) -> Value {
    let members = wishes.iter().map(|(key, wish)| {
        (name(key), json!({ "optional": wish.optional, "reason": wish.reason, "source": wish.source }))
    });
    Value::Object(members.collect())
}

fn texts(texts: &BTreeMap<String, At<String>>) -> Value {
    Value::Object(texts.iter().map(|(name, text)| (name.clone(), json!(text.value))).collect())
}

fn shown<T: ToString>(list: &[At<T>]) -> Value {
    list.iter().map(|one| Value::String(one.value.to_string())).collect()
}

fn mode(mode: u16) -> String {
    format!("{mode:04o}")
}
