//! The entries of `index.json`, kept as they are found.
//!
//! Other tools put things there that this house has no field for. An entry that is not replaced is written back with
//! every field that it had; only the order of entries is ours: named ones by name, then the others by digest.

use crate::{CONTAINERD_NAME, Descriptor, Document, MediaType, REF_NAME, Repository, Tag};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

/// `index.json`: its own fields, and its entries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entries {
    fields: Map<String, Value>,
    list: Vec<Entry>,
}

/// One entry of `index.json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry(Value);

impl Default for Entries {
    fn default() -> Self {
        let fields = json!({ "schemaVersion": 2, "mediaType": MediaType::ImageIndex.as_ref() });
        let Value::Object(fields) = fields else { unreachable!("it is written as an object above") };
        Self { fields, list: Vec::new() }
    }
}

impl Entries {
    /// Reads `index.json`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut fields: Map<String, Value> = serde_json::from_slice(bytes)?;
        let list = match fields.remove("manifests") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.into_iter().map(Entry).collect(),
            Some(other) => {
                let text = format!("manifests is {other:.20} and must be a list");
                return Err(serde::de::Error::custom(text));
            }
        };
        Ok(Self { fields, list })
    }

    /// `index.json` to be written.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("schemaVersion".to_owned(), json!(2));
        fields.insert("mediaType".to_owned(), json!(MediaType::ImageIndex.as_ref()));
        let list = self.list.iter().map(|entry| entry.0.clone()).collect();
        fields.insert("manifests".to_owned(), Value::Array(list));
        Value::Object(fields)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    /// Removes entries; gives them back.
    pub(crate) fn remove(&mut self, mut unwanted: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let (removed, left) = std::mem::take(&mut self.list).into_iter().partition(|entry| unwanted(entry));
        self.list = left;
        removed
    }

    /// Adds entries, each once, and puts all in order.
    pub(crate) fn add(&mut self, added: impl IntoIterator<Item = Entry>) {
        self.list.extend(added);
        self.list.sort_by(|one, other| one.rank().cmp(&other.rank()));
        self.list.dedup();
    }
}

impl Entry {
    /// The entry of a tag.
    pub(crate) fn tagged(document: &Document, repository: &Repository, tag: &Tag) -> Self {
        let descriptor = document
            .descriptor()
            .with_annotation(REF_NAME, tag.as_str())
            .with_annotation(CONTAINERD_NAME, repository.full_name(tag));
        Self::of(&descriptor)
    }

    /// An entry without a name, or with one that the descriptor brings.
    pub(crate) fn of(descriptor: &Descriptor) -> Self {
        Self(serde_json::to_value(descriptor).expect("a descriptor has text keys"))
    }

    /// The entry as a value.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, serde_json::Error> {
        Descriptor::deserialize(&self.0)
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.0.get("annotations")?.get(key)?.as_str()
    }

    /// What is in `org.opencontainers.image.ref.name`.
    pub(crate) fn ref_name(&self) -> Option<&str> {
        self.annotation(REF_NAME)
    }

    /// The full name: containerd's, or the other if it is one.
    pub(crate) fn full_name(&self) -> Option<&str> {
        self.annotation(CONTAINERD_NAME).or_else(|| self.ref_name().filter(|name| name.contains([':', '/'])))
    }

    /// The tag: some tools write the full name in its place.
    pub(crate) fn tag(&self) -> Option<&str> {
        let name = self.ref_name().or_else(|| self.annotation(CONTAINERD_NAME))?;
        match name.rsplit_once(':') {
            Some((_, tag)) if !tag.contains('/') => Some(tag),
            _ => Some(name),
        }
    }

    fn rank(&self) -> (bool, Option<&str>, Option<&str>) {
        (self.tag().is_none(), self.tag(), self.0.get("digest").and_then(Value::as_str))
    }
}
