//! Documents: values written as canonical JSON, together with their digest and size.
//!
//! Whatever is named by its digest is written by RFC 8785 (object keys in order, no white space, one way to write
//! a number), so that the same value always has the same name. oci-spec's own types keep annotations and labels in
//! hash maps; the values of this crate keep them in order, and the canonical form would put them in order anyway.

use crate::{Blob, Descriptor, MediaType};
use canon_json::CanonicalFormatter;
use serde::{Deserialize, Deserializer, Serialize};

/// The largest JSON document that is read, in bytes: the limit of containerd's importer
/// (core/images/archive/importer.go, `jsonLimit`); registries take 4 MiB at most.
pub const DOCUMENT_LIMIT: u64 = 20 << 20;

/// A JSON document in its canonical form, ready to be stored under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    bytes: Vec<u8>,
    blob: Blob,
    media_type: MediaType,
    artifact_type: Option<MediaType>,
}

impl Document {
    /// Writes a value down. Its media type goes into descriptors of it.
    pub(crate) fn new<V: Serialize>(value: &V, media_type: MediaType) -> Self {
        let bytes = canonical(value);
        Self { blob: Blob::of(&bytes), bytes, media_type, artifact_type: None }
    }

    /// What descriptors of this document say its artifact type is.
    pub(crate) fn of_artifact_type(self, artifact_type: Option<MediaType>) -> Self {
        Self { artifact_type, ..self }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Digest and size.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// A descriptor of the document, without annotations or platform.
    pub fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.media_type.clone(), &self.blob);
        Descriptor { artifact_type: self.artifact_type.clone(), ..descriptor }
    }
}

/// The canonical bytes of a value (RFC 8785).
pub(crate) fn canonical<V: Serialize>(value: &V) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, CanonicalFormatter::new());
    value.serialize(&mut serializer).expect("the values of this crate have text keys and finite numbers");
    bytes
}

/// Reads a field that may be `null`, which image-spec, config.md, "Properties" makes equal to absence.
pub(crate) fn null_is_default<'de, D, V>(deserializer: D) -> Result<V, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de> + Default,
{
    Option::<V>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_canonical_form_has_one_spelling() {
        for (value, want) in [
            (json!({"b": 1, "a": [true, null]}), r#"{"a":[true,null],"b":1}"#),
            (json!({"\u{20ac}": 1, "\r": 2, "1": 3}), "{\"\\r\":2,\"1\":3,\"\u{20ac}\":1}"),
            (json!({"size": 9_007_199_254_740_991_u64}), r#"{"size":9007199254740991}"#),
            (json!("<a>&\u{7f}/"), "\"<a>&\u{7f}/\""),
        ] {
            assert_eq!(String::from_utf8(canonical(&value)).expect("JSON is UTF-8"), want);
        }
    }
}
