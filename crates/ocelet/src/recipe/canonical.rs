//! The recipe as JSON, for a lock to be checked against and for programs to read.
//!
//! Two recipes that ask for the same give the same JSON, byte for byte: keys in order, everything resolved, no
//! places, comments or spelling. It refuses to say how a value came to be: neither variables nor `extends`; and it
//! refuses to depend on the machine: a parameter with `path = true` stands in it by its name, not its value.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::model::{
    ApkSource, ArtifactSource, DebOrigin, DebSource, FileContent, Flavor, ImageConfig, Install, Keys, Pack,
    PackMethod, Recipe, Source, SourceKind, Wish,
};
use super::names::AccountName;
use super::problem::At;
use super::tool::Tool;

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
            "mirrors": shown(&self.mirrors),
            "upx": self.upx.as_ref().map_or(Value::Null, tool_json),
            "sources": sources,
            "flavors": flavors,
        })
    }
}

fn tool_json(tool: &Tool) -> Value {
    let mut value = artifact_json(&tool.artifact);
    value["version"] = json!(tool.version.as_ref().map(|version| &version.value));
    value["member"] = json!(tool.member());
    value["platforms"] = shown(&tool.platforms);
    value
}

fn source_json(source: &Source) -> Value {
    let kind = match &source.kind {
        SourceKind::Rootfs(rootfs) => json!({
            "rootfs": rootfs.location.to_string(),
            "tag": rootfs.tag.as_ref().map(|tag| tag.to_string()),
            "include": rootfs.include.iter().map(|glob| glob.as_str()).collect::<Vec<_>>(),
            "exclude": rootfs.exclude.iter().map(|glob| glob.as_str()).collect::<Vec<_>>(),
        }),
        SourceKind::Apk(apk) => apk_json(apk),
        SourceKind::Deb(deb) => deb_json(deb),
        SourceKind::Artifact(artifact) => artifact_json(artifact),
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
    value["pack"] = source.pack.as_ref().map_or(Value::Null, |pack| pack_json(pack));
    value["daemon"] = json!(source.daemon);
    value
}

fn pack_json(pack: &Pack) -> Value {
    let files: Vec<&str> = pack.files.iter().map(|glob| glob.as_str()).collect();
    json!({ "files": files, "method": pack.method.map(PackMethod::as_str) })
}

fn apk_json(apk: &ApkSource) -> Value {
    let repositories = apk.repositories.iter().map(|repository| {
        let tag = repository.tag.as_ref().map(ToString::to_string);
        json!({ "location": repository.location.to_string(), "tag": tag })
    });
    let keys = keys_json(&apk.keys);
    json!({ "apk": repositories.collect::<Vec<_>>(), "keys": keys, "pin": members(&apk.pins, |pin| json!(pin.to_string())) })
}

fn keys_json(keys: &Keys) -> Value {
    match keys {
        Keys::Embedded(name) => json!(name),
        Keys::Files(files) => shown(files),
    }
}

fn deb_json(deb: &DebSource) -> Value {
    let (origin, keys, snapshot) = match &deb.origin {
        DebOrigin::System => (json!("system"), Value::Null, Value::Null),
        DebOrigin::Listed { repositories, keys, snapshot } => {
            (shown(repositories), keys_json(keys), json!(snapshot))
        }
    };
    json!({
        "deb": origin,
        "keys": keys,
        "snapshot": snapshot,
        "packages": deb.packages.values().map(|term| term.to_string()).collect::<Vec<_>>(),
        "pin": members(&deb.pins, |pin| json!(pin.to_string())),
        "alternatives": members(&deb.alternatives, |program| json!(program.to_string())),
    })
}

fn artifact_json(artifact: &ArtifactSource) -> Value {
    let (install, is_directory) = match &artifact.install.value {
        Install::File(path) => (path, false),
        Install::Directory(path) => (path, true),
    };
    json!({
        "artifact": artifact.location.to_string(),
        "arch": members(&artifact.architectures, |name| json!(name)),
        "sha256": members(&artifact.sha256, |digest| json!(digest.hex())),
        "checksum": artifact.checksum.as_ref().map(|checksum| checksum.to_string()),
        "install": install.to_string(),
        "directory": is_directory,
        "members": artifact.members.iter().map(|glob| glob.as_str()).collect::<Vec<_>>(),
        "strip": artifact.strip,
        "mode": artifact.mode.map(mode),
        "uid": artifact.uid,
        "gid": artifact.gid,
        "replace": artifact.replace,
    })
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
    let packages = members(&flavor.packages, |package| {
        let mut value = wish_json(&package.wish);
        value["repository"] = json!(package.term.tag.as_ref().map(ToString::to_string));
        value["version"] = json!(package.term.constraint.as_ref().map(ToString::to_string));
        value
    });
    let users = members(&flavor.users, |user| {
        let (home, shell) = (user.home.to_string(), user.shell.to_string());
        json!({ "uid": user.uid, "gid": user.gid, "home": home, "shell": shell, "gecos": user.gecos })
    });
    let groups = members(&flavor.groups, |group| {
        let members: Vec<&str> = group.members.iter().map(AccountName::as_str).collect();
        json!({ "gid": group.gid, "members": members })
    });
    json!({
        "tag": flavor.tag.as_str(),
        "commands": wishes(&flavor.commands, ToString::to_string),
        "files": wishes(&flavor.files, |glob| glob.as_str().to_owned()),
        "packages": packages,
        "users": users,
        "groups": groups,
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
    Value::Object(wishes.iter().map(|(key, wish)| (name(key), wish_json(wish))).collect())
}

fn wish_json(wish: &Wish) -> Value {
    let from = wish.from.as_ref().map(|from| from.to_string());
    json!({
        "optional": wish.optional,
        "reason": wish.reason,
        "source": wish.source,
        "from": from,
        "not-from": wish.not_from,
    })
}

fn members<K: ToString, V>(map: &BTreeMap<K, V>, value: impl Fn(&V) -> Value) -> Value {
    Value::Object(map.iter().map(|(key, one)| (key.to_string(), value(one))).collect())
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
