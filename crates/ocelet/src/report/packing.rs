//! What a report says of packing: which files are packed and what each was, so that `why` and `verify` can answer for a
//! file that no longer says itself what it needs. It holds no times, which would make each build another report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::close::Kept;
use crate::shrink::Shrunk;

/// What was done to flagged files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedPacking {
    /// What packed them: version and SHA-256 of upx; empty where nothing is packed.
    pub tool: String,
    /// The packed files, by their paths.
    pub files: BTreeMap<String, ReportedPacked>,
    /// The flagged files that are as they were, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, String>,
}

/// A packed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedPacked {
    /// `lzma` or `nrv`.
    pub method: String,
    /// Its size in bytes before.
    pub size_before: u64,
    /// Its size in bytes now.
    pub size: u64,
    /// Its SHA-256 before.
    pub sha256_before: String,
    /// The loader that it asked for before, by its path in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// The libraries that it asked for before, by their paths in the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
}

/// What a flavor has of packed files; nothing where none of its files was flagged.
pub(super) fn packing(shrunk: &Shrunk, kept: &Kept) -> Option<ReportedPacking> {
    let mut packing = ReportedPacking::default();
    for (path, packed) in shrunk.packed.iter().filter(|(path, _)| kept.paths.contains_key(*path)) {
        let path = path.to_string();
        let file = ReportedPacked {
            method: packed.method.as_str().to_owned(),
            size_before: packed.original.length(),
            size: packed.size,
            sha256_before: packed.sha256.to_string(),
            interpreter: asked_for(kept, &path, "loader").next(),
            libraries: asked_for(kept, &path, "needed").collect(),
        };
        packing.files.insert(path, file);
    }
    let left = shrunk.left.iter().filter(|(path, _)| kept.paths.contains_key(*path));
    packing.left = left.map(|(path, why)| (path.to_string(), why.clone())).collect();
    if !packing.files.is_empty() {
        packing.tool = shrunk.tool.as_ref().map(ToString::to_string).unwrap_or_default();
    }
    (!packing.files.is_empty() || !packing.left.is_empty()).then_some(packing)
}

/// What is kept because a file asks for it in one way.
fn asked_for<'kept>(kept: &'kept Kept, path: &'kept str, kind: &'static str) -> impl Iterator<Item = String> {
    let asks =
        move |because: &crate::close::Because| because.kind == kind && because.from.as_deref() == Some(path);
    kept.paths.iter().filter(move |(_, reasons)| reasons.iter().any(asks)).map(|(path, _)| path.to_string())
}
