//! The form of documents, written out of the image-spec and its JSON schemas.
//!
//! Works on the JSON itself and not on this crate's types, which would pass over what they do not know, and stop
//! at the first thing that they cannot read.

use super::finding::Finding;
use serde_json::Value;

/// What the fields of one document have to be.
pub(super) struct Form {
    findings: Vec<Finding>,
}

const DESCRIPTOR: &str = "descriptor.md, Properties";
const INDEX: &str = "image-index.md, Property Descriptions";
const MANIFEST: &str = "manifest.md, Property Descriptions";
const CONFIG: &str = "config.md, Properties";
const ANNOTATIONS: &str = "annotations.md, Rules";

/// `index.json` and every other index.
pub(super) fn index(value: &Value) -> Vec<Finding> {
    let mut form = Form { findings: Vec::new() };
    form.object(value, "the document", INDEX);
    form.version(value, INDEX);
    form.each(value, "manifests", "manifests", true, INDEX, Form::descriptor);
    form.optional_descriptor(value, "subject");
    form.annotations(value, "annotations");
    form.absent(value, "layers", "absent in an index, which could else be read as a manifest", INDEX);
    form.absent(value, "config", "absent in an index, which could else be read as a manifest", INDEX);
    form.findings
}

/// Manifests of images and artifacts.
pub(super) fn manifest(value: &Value) -> Vec<Finding> {
    let mut form = Form { findings: Vec::new() };
    form.object(value, "the document", MANIFEST);
    form.version(value, MANIFEST);
    match value.get("config") {
        Some(config) => form.descriptor(config, "config"),
        None => form.wrong("config", "a descriptor", None, MANIFEST),
    }
    form.each(value, "layers", "layers", true, MANIFEST, Form::descriptor);
    form.optional_descriptor(value, "subject");
    form.annotations(value, "annotations");
    form.absent(value, "manifests", "absent in a manifest, which could else be read as an index", MANIFEST);
    form.findings
}

/// Configurations of images. A field that is `null` is as good as absent, required ones excepted.
pub(super) fn config(value: &Value) -> Vec<Finding> {
    let mut form = Form { findings: Vec::new() };
    form.object(value, "the document", CONFIG);
    form.text(value, "architecture", "architecture", true, CONFIG);
    form.text(value, "os", "os", true, CONFIG);
    for field in ["variant", "author", "os.version"] {
        form.text(value, field, field, false, CONFIG);
    }
    form.time(value, "created", "created");
    let none = Value::Null;
    let rootfs = value.get("rootfs").unwrap_or(&none);
    if rootfs.get("type").and_then(Value::as_str) != Some("layers") {
        form.wrong("rootfs.type", "\"layers\"", rootfs.get("type"), CONFIG);
    }
    form.each(rootfs, "diff_ids", "rootfs.diff_ids", true, CONFIG, Form::digest);
    form.each(value, "history", "history", false, CONFIG, Form::history);
    let config = value.get("config").unwrap_or(&none);
    for field in ["User", "WorkingDir", "StopSignal"] {
        form.text(config, field, &format!("config.{field}"), false, CONFIG);
    }
    for field in ["Env", "Entrypoint", "Cmd"] {
        form.each(config, field, &format!("config.{field}"), false, CONFIG, Form::string);
    }
    for (position, variable) in config.get("Env").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let named = variable.as_str().is_none_or(|text| text.find('=').is_some_and(|at| at > 0));
        if !named {
            form.wrong(&format!("config.Env[{position}]"), "NAME=value", Some(variable), CONFIG);
        }
    }
    for field in ["Volumes", "ExposedPorts"] {
        form.map(config, field, &format!("config.{field}"), "an object of empty objects", Value::is_object);
    }
    form.map(config, "Labels", "config.Labels", "an object of texts", Value::is_string);
    form.findings
}

impl Form {
    fn wrong(&mut self, field: &str, wanted: &'static str, got: Option<&Value>, rule: &'static str) {
        let got = got.map_or("absent".to_owned(), |got| got.to_string().chars().take(80).collect());
        self.findings.push(Finding::Field { field: field.to_owned(), wanted, got, rule });
    }

    fn object(&mut self, value: &Value, field: &str, rule: &'static str) {
        if !value.is_object() {
            self.wrong(field, "an object", Some(value), rule);
        }
    }

    fn absent(&mut self, value: &Value, field: &str, wanted: &'static str, rule: &'static str) {
        if value.get(field).is_some() {
            self.wrong(field, wanted, value.get(field), rule);
        }
    }

    fn version(&mut self, value: &Value, rule: &'static str) {
        if value.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
            self.wrong("schemaVersion", "2", value.get("schemaVersion"), rule);
        }
        for field in ["mediaType", "artifactType"] {
            if let Some(media_type) = value.get(field) {
                self.media_type(media_type, field, rule);
            }
        }
    }

    /// RFC 6838, section 4.2, as the schema has it (defs-descriptor.json, `mediaType`).
    fn media_type(&mut self, value: &Value, field: &str, rule: &'static str) {
        let part = |part: &str| {
            part.len() <= 127
                && part.starts_with(|first: char| first.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
        };
        let parts = value.as_str().and_then(|text| text.split_once('/'));
        let good = parts.is_some_and(|(kind, subtype)| part(kind) && part(subtype));
        if !good {
            self.wrong(field, "a media type", Some(value), rule);
        }
    }

    fn optional_descriptor(&mut self, value: &Value, field: &str) {
        if let Some(descriptor) = value.get(field).filter(|descriptor| !descriptor.is_null()) {
            self.descriptor(descriptor, field);
        }
    }

    fn descriptor(&mut self, value: &Value, at: &str) {
        let under = |field: &str| format!("{at}.{field}");
        self.object(value, at, DESCRIPTOR);
        self.media_type(value.get("mediaType").unwrap_or(&Value::Null), &under("mediaType"), DESCRIPTOR);
        self.digest(value.get("digest").unwrap_or(&Value::Null), &under("digest"));
        let size = value.get("size").and_then(Value::as_i64);
        if size.is_none_or(|size| size < 0) {
            self.wrong(&under("size"), "a number of bytes", value.get("size"), DESCRIPTOR);
        }
        self.each(value, "urls", &under("urls"), false, DESCRIPTOR, Self::string);
        self.annotations(value, &under("annotations"));
        if let Some(artifact_type) = value.get("artifactType") {
            self.media_type(artifact_type, &under("artifactType"), DESCRIPTOR);
        }
        if let Some(platform) = value.get("platform").filter(|platform| !platform.is_null()) {
            self.object(platform, &under("platform"), INDEX);
            for (field, required) in
                [("architecture", true), ("os", true), ("variant", false), ("os.version", false)]
            {
                self.text(platform, field, &under(&format!("platform.{field}")), required, INDEX);
            }
            self.each(platform, "os.features", &under("platform.os.features"), false, INDEX, Self::string);
        }
    }

    /// Only sha256 is understood by every reader; image-spec registers sha512 as well.
    fn digest(&mut self, value: &Value, field: &str) {
        let good = value.as_str().is_some_and(|text| text.parse::<crate::Digest>().is_ok());
        if !good {
            self.wrong(
                field,
                "sha256: and 64 lower-case hexadecimal digits",
                Some(value),
                "descriptor.md, Digests",
            );
        }
    }

    fn string(&mut self, value: &Value, field: &str) {
        if !value.is_string() {
            self.wrong(field, "a text", Some(value), CONFIG);
        }
    }

    fn text(&mut self, value: &Value, name: &str, field: &str, required: bool, rule: &'static str) {
        match value.get(name) {
            None | Some(Value::Null) if !required => {}
            Some(Value::String(text)) if !(required && text.is_empty()) => {}
            other => self.wrong(field, "a text", other, rule),
        }
    }

    fn time(&mut self, value: &Value, name: &str, field: &str) {
        match value.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.parse::<crate::Timestamp>().is_ok() => {}
            other => self.wrong(field, "a time by RFC 3339", other, CONFIG),
        }
    }

    fn history(&mut self, value: &Value, at: &str) {
        self.object(value, at, CONFIG);
        self.time(value, "created", &format!("{at}.created"));
        for field in ["author", "created_by", "comment"] {
            self.text(value, field, &format!("{at}.{field}"), false, CONFIG);
        }
        if !matches!(value.get("empty_layer"), None | Some(Value::Null | Value::Bool(_))) {
            self.wrong(&format!("{at}.empty_layer"), "true or false", value.get("empty_layer"), CONFIG);
        }
    }

    /// A list, each item of it by another check.
    fn each(
        &mut self,
        value: &Value,
        name: &str,
        field: &str,
        required: bool,
        rule: &'static str,
        check: impl Fn(&mut Self, &Value, &str),
    ) {
        match value.get(name) {
            None | Some(Value::Null) if !required => {}
            Some(Value::Array(list)) => {
                for (position, item) in list.iter().enumerate() {
                    check(self, item, &format!("{field}[{position}]"));
                }
            }
            other => self.wrong(field, "a list", other, rule),
        }
    }

    fn map(
        &mut self,
        value: &Value,
        name: &str,
        field: &str,
        wanted: &'static str,
        good: impl Fn(&Value) -> bool,
    ) {
        match value.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) if map.values().all(good) => {}
            other => self.wrong(field, wanted, other, CONFIG),
        }
    }

    fn annotations(&mut self, value: &Value, field: &str) {
        match value.get("annotations") {
            None => {}
            Some(Value::Object(map)) if map.values().all(Value::is_string) => {}
            other => self.wrong(field, "an object of texts", other, ANNOTATIONS),
        }
    }
}
