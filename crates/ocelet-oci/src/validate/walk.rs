//! From `index.json` down to the last byte.

use super::finding::{Finding, Problem, Severity};
use super::schema;
use crate::descriptor::{Role, role};
use crate::layout::Entry;
use crate::{CONTAINERD_NAME, Descriptor, Digest, Index, Layout, Manifest, Platform, REF_NAME};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;

/// As deep as images are read.
const DEPTH_LIMIT: usize = 8;

/// Goes through a layout and remembers what it has seen.
pub(super) struct Checker<'layout> {
    pub(super) layout: &'layout Layout,
    problems: Vec<Problem>,
    /// Every blob that something names, and whether it is what its name says.
    pub(super) named: BTreeMap<Digest, bool>,
    /// Documents whose content was checked.
    seen: BTreeSet<Digest>,
    /// Layers that were compared with a diff id.
    pub(super) unpacked: BTreeSet<(Digest, Digest)>,
    images: Vec<(Platform, Descriptor)>,
}

impl<'layout> Checker<'layout> {
    pub(super) fn new(layout: &'layout Layout) -> Self {
        Self {
            layout,
            problems: Vec::new(),
            named: BTreeMap::new(),
            seen: BTreeSet::new(),
            unpacked: BTreeSet::new(),
            images: Vec::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(super) fn images(&self) -> &[(Platform, Descriptor)] {
        &self.images
    }

    pub(super) fn error(&mut self, place: &str, finding: Finding) {
        self.problems.push(Problem { severity: Severity::Error, place: place.to_owned(), finding });
    }

    pub(super) fn warn(&mut self, place: &str, finding: Finding) {
        self.problems.push(Problem { severity: Severity::Warning, place: place.to_owned(), finding });
    }

    /// Checks the entries of `index.json` that have this tag, or all of them.
    pub(super) fn index_file(&mut self, tag: Option<&str>) -> Vec<Descriptor> {
        const PLACE: &str = "index.json";
        let entries = match self.layout.read_entries() {
            Ok(entries) => entries,
            Err(error) => {
                self.error(PLACE, Finding::Content { reason: chain(&error) });
                return Vec::new();
            }
        };
        match self.layout.dir().try_exists(PLACE) {
            Ok(true) => {}
            Ok(false) | Err(_) => self.error(PLACE, Finding::Content { reason: "is not there".to_owned() }),
        }
        let forms = schema::index(&entries.to_value());
        self.form(PLACE, forms);
        self.document_type(PLACE, "application/vnd.oci.image.index.v1+json", &entries.to_value());
        let mut checked = Vec::new();
        let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| tag.is_none() || entry.tag() == tag) {
            if let Some(tag) = entry.ref_name().or_else(|| entry.full_name()) {
                *tags.entry(tag).or_default() += 1;
            }
            // What is not a descriptor was said above.
            let Ok(descriptor) = entry.descriptor() else { continue };
            let place = match entry.tag() {
                Some(tag) => format!("{PLACE} {tag}"),
                None => format!("{PLACE} {}", descriptor.digest),
            };
            self.names(&place, entry, &descriptor);
            self.visit(&place, &descriptor, 0);
            checked.push(descriptor);
        }
        for (tag, count) in tags.into_iter().filter(|(_, count)| *count > 1) {
            self.error(PLACE, Finding::DuplicateTag { tag: tag.to_owned(), count });
        }
        if let (Some(tag), true) = (tag, checked.is_empty()) {
            self.error(PLACE, Finding::NoTag { tag: tag.to_owned() });
        }
        checked
    }

    /// Both names must be there and mean the same; artifacts have none.
    fn names(&mut self, place: &str, entry: &Entry, descriptor: &Descriptor) {
        let full_name = descriptor.annotations.get(CONTAINERD_NAME);
        match (entry.ref_name(), full_name) {
            (None, None) => {
                let image = role(&descriptor.media_type) == Role::Index
                    || (role(&descriptor.media_type) == Role::Manifest && !self.is_artifact(descriptor));
                if image {
                    self.warn(place, Finding::NoName { annotation: REF_NAME, missed_by: "every client" });
                }
            }
            (None, Some(_)) => {
                self.warn(
                    place,
                    Finding::NoName { annotation: REF_NAME, missed_by: "skopeo, umoci or podman" },
                );
            }
            (Some(tag), None) => {
                self.ref_name(place, tag);
                self.warn(place, Finding::NoName { annotation: CONTAINERD_NAME, missed_by: "containerd" });
            }
            (Some(tag), Some(full_name)) => {
                self.ref_name(place, tag);
                let agree = full_name == tag || full_name.ends_with(&format!(":{tag}"));
                if !agree {
                    let (tag, full_name) = (tag.to_owned(), full_name.clone());
                    self.error(place, Finding::Names { tag, full_name });
                }
            }
        }
    }

    /// annotations.md, `org.opencontainers.image.ref.name`.
    fn ref_name(&mut self, place: &str, name: &str) {
        let separated = |text: &str| {
            let text = text.replace("--", "-");
            !text.is_empty()
                && text
                    .split(['-', '.', '_', ':', '@', '+'])
                    .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        };
        if !name.split('/').all(separated) {
            self.warn(
                place,
                Finding::Field {
                    field: REF_NAME.to_owned(),
                    wanted: "words with single separators between them",
                    got: format!("{name:.80?}"),
                    rule: "annotations.md, Pre-Defined Annotation Keys",
                },
            );
        }
    }

    fn is_artifact(&self, descriptor: &Descriptor) -> bool {
        let document = self.layout.read_blob(&descriptor.digest, descriptor.size);
        let manifest = document.ok().and_then(|document| Manifest::parse(document.bytes()).ok());
        manifest.is_some_and(|manifest| manifest.is_artifact())
    }

    /// Checks a blob and, where it is a document, all that it names.
    pub(super) fn visit(&mut self, place: &str, descriptor: &Descriptor, depth: usize) {
        if depth > DEPTH_LIMIT {
            return self.error(place, Finding::TooDeep { limit: DEPTH_LIMIT });
        }
        if !self.blob(place, descriptor) || !self.seen.insert(descriptor.digest) {
            return;
        }
        match role(&descriptor.media_type) {
            Role::Index => self.index(place, descriptor, depth),
            Role::Manifest => self.manifest(place, descriptor),
            Role::Config | Role::Layer | Role::Other => {}
        }
    }

    /// Size and digest. Each blob is read once; whether it is right.
    pub(super) fn blob(&mut self, place: &str, descriptor: &Descriptor) -> bool {
        if self.named.get(&descriptor.digest).copied() == Some(true)
            && self.layout.blob_size(&descriptor.digest).ok().flatten() == Some(descriptor.size)
        {
            return true;
        }
        let read = self.layout.open_blob(&descriptor.digest, descriptor.size).map_err(|error| chain(&error));
        let read = read.and_then(|mut reader| {
            io::copy(&mut reader, &mut io::sink()).map(|_| ()).map_err(|error| chain(&error))
        });
        self.named.insert(descriptor.digest, read.is_ok());
        read.map_err(|reason| self.error(place, Finding::Content { reason })).is_ok()
    }

    /// A document as JSON, for the checks of its form.
    pub(super) fn json(&mut self, place: &str, descriptor: &Descriptor) -> Option<(Value, Vec<u8>)> {
        let bytes = match self.layout.read_blob(&descriptor.digest, descriptor.size) {
            Ok(document) => document.into_bytes(),
            Err(error) => {
                self.error(place, Finding::Content { reason: chain(&error) });
                return None;
            }
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Some((value, bytes)),
            Err(error) => {
                self.error(place, Finding::Document { reason: error.to_string() });
                None
            }
        }
    }

    pub(super) fn form(&mut self, place: &str, findings: Vec<Finding>) -> bool {
        let good = findings.is_empty();
        for finding in findings {
            self.error(place, finding);
        }
        good
    }

    fn document_type(&mut self, place: &str, descriptor: &str, value: &Value) {
        if let Some(document) = value.get("mediaType").and_then(Value::as_str)
            && document != descriptor
        {
            let (descriptor, document) = (descriptor.to_owned(), document.to_owned());
            self.error(place, Finding::MediaType { descriptor, document });
        }
    }

    fn index(&mut self, place: &str, descriptor: &Descriptor, depth: usize) {
        let Some((value, bytes)) = self.json(place, descriptor) else { return };
        let good = self.form(place, schema::index(&value));
        self.document_type(place, descriptor.media_type.as_ref(), &value);
        let index = match Index::parse(&bytes) {
            Ok(index) => index,
            Err(error) => {
                if good {
                    self.error(place, Finding::Document { reason: error.to_string() });
                }
                return;
            }
        };
        let mut platforms = BTreeSet::new();
        for listed in &index.manifests {
            let inner = format!("{place} > {}", listed.digest);
            match &listed.platform {
                Some(platform) if platform.is_placeholder() => {}
                Some(platform) if !platforms.insert(platform) => {
                    self.error(place, Finding::DuplicatePlatform { platform: platform.clone() });
                }
                None if role(&listed.media_type) == Role::Manifest && !self.is_artifact(listed) => {
                    self.warn(&inner, Finding::NoPlatform);
                }
                _ => {}
            }
            self.visit(&inner, listed, depth + 1);
        }
    }

    fn manifest(&mut self, place: &str, descriptor: &Descriptor) {
        let Some((value, bytes)) = self.json(place, descriptor) else { return };
        let good = self.form(place, schema::manifest(&value));
        self.document_type(place, descriptor.media_type.as_ref(), &value);
        let manifest = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                if good {
                    self.error(place, Finding::Document { reason: error.to_string() });
                }
                return;
            }
        };
        if let Some(subject) = &manifest.subject
            && !matches!(self.layout.blob_size(&subject.digest), Ok(Some(_)))
        {
            self.warn(place, Finding::NoSubject { subject: subject.digest });
        }
        let config = format!("{place} > config {}", manifest.config.digest);
        let config_is_right = self.blob(&config, &manifest.config);
        let mut layers = Vec::new();
        for (position, layer) in manifest.layers.iter().enumerate() {
            let place = format!("{place} > layer {position} {}", layer.digest);
            layers.push(self.blob(&place, layer));
        }
        if manifest.is_artifact() {
            let empty = "application/vnd.oci.empty.v1+json";
            if manifest.config.media_type.as_ref() == empty && manifest.artifact_type.is_none() {
                self.error(place, Finding::NoArtifactType);
            }
        } else if config_is_right && let Some(platform) = self.image(place, descriptor, &manifest, &layers) {
            self.images.push((platform, descriptor.clone()));
        }
    }
}

/// An error with all its causes in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
