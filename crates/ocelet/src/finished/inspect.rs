//! What `inspect` tells of finished images, as one JSON document; the command line makes a table of it.

use serde_json::{Value, json};

use super::reference::FinishedImage;

/// Everything about some images that fits a page: tags, platforms, commands, layers, sizes, how they start.
pub fn inspect(images: &[FinishedImage]) -> Value {
    let mut by_tag: Vec<(Option<&str>, Vec<Value>)> = Vec::new();
    for image in images {
        let tag = image.tag.as_deref();
        let described = describe(image);
        match by_tag.iter_mut().find(|(other, _)| *other == tag) {
            Some((_, platforms)) => platforms.push(described),
            None => by_tag.push((tag, vec![described])),
        }
    }
    let images: Vec<Value> =
        by_tag.into_iter().map(|(tag, platforms)| json!({"tag": tag, "platforms": platforms})).collect();
    json!({ "images": images })
}

fn describe(image: &FinishedImage) -> Value {
    let config = &image.image.config.config;
    let report = image.report.as_ref();
    let layers: Vec<Value> = image
        .image
        .layers
        .iter()
        .enumerate()
        .map(|(position, layer)| {
            let reported = report.and_then(|report| report.layers.get(position));
            json!({
                "digest": layer.digest().map(ToString::to_string),
                "size": layer.size(),
                "diff_id": layer.diff_id.0.to_string(),
                "uncompressed": reported.map(|layer| layer.uncompressed),
                "flavors": reported.map(|layer| &layer.flavors),
                "stability": reported.map(|layer| &layer.stability),
            })
        })
        .collect();
    let files = report.map(|report| report.files.values().filter(|file| file.kind == "file").count());
    let extracted = report.map(|report| report.files.values().map(|file| file.size).sum::<u64>());
    json!({
        "platform": image.platform.to_string(),
        "manifest": image.manifest.as_ref().map(|manifest| manifest.digest.to_string()),
        "created": image.image.config.created,
        "flavor": report.map(|report| &report.flavor),
        "compressed": image.compressed(),
        "extracted": extracted,
        "files": files,
        "commands": report.map(|report| {
            report.commands.iter().filter(|(_, path)| path.is_some()).map(|(name, _)| name).collect::<Vec<_>>()
        }),
        "distribution": report.and_then(|report| report.distribution.as_ref()),
        "packages": report.map(|report| &report.packages),
        "packing": report.and_then(|report| report.packing.as_ref()),
        "scripts": report.map(|report| &report.scripts),
        "unexplained_dlopen": report.map(|report| &report.unexplained_dlopen),
        "missing": report.map(|report| &report.missing),
        "worlds": report.map(|report| {
            report.worlds.iter().map(|(loader, world)| json!({
                "libc": world.libc,
                "loader": loader,
                "programs": world.programs.len(),
                "libraries": world.libraries.len(),
            })).collect::<Vec<_>>()
        }),
        "config": {
            "entrypoint": config.entrypoint,
            "cmd": config.cmd,
            "env": config.env,
            "user": config.user,
            "working_dir": config.working_dir,
            "labels": config.labels,
        },
        "layers": layers,
    })
}
