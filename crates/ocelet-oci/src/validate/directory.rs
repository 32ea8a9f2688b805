//! The directory itself: what belongs there, and what is left over.

use super::finding::Finding;
use super::walk::{Checker, chain};
use crate::Digest;
use crate::layout::parse_marker;
use std::io::Read as _;

impl Checker<'_> {
    /// `oci-layout` (image-layout.md, "oci-layout file").
    pub(super) fn marker(&mut self) {
        const PLACE: &str = "oci-layout";
        let mut bytes = Vec::new();
        let read = self.layout.dir().open(PLACE).and_then(|file| file.take(64 << 10).read_to_end(&mut bytes));
        if let Err(error) = read {
            return self.error(PLACE, Finding::Content { reason: chain(&error) });
        }
        match parse_marker(&bytes) {
            Ok(version) if version == "1.0.0" => {}
            Ok(version) => {
                let (field, got) = ("imageLayoutVersion".to_owned(), version);
                let rule = "image-layout.md, oci-layout file";
                self.error(PLACE, Finding::Field { field, wanted: "\"1.0.0\"", got, rule });
            }
            Err(error) => self.error(PLACE, Finding::Document { reason: error.to_string() }),
        }
    }

    /// Names files that do not belong there, and blobs that nothing named. All entries must have been visited.
    pub(super) fn directory(&mut self) {
        for (name, is_directory) in self.list(".") {
            match (name.as_str(), is_directory) {
                ("oci-layout" | "index.json", false) | ("blobs", true) => {}
                _ => self.warn(&name, Finding::UnknownFile),
            }
        }
        for (name, is_directory) in self.list("blobs") {
            if !(name == "sha256" && is_directory) {
                self.warn(&format!("blobs/{name}"), Finding::UnknownFile);
            }
        }
        for (name, is_directory) in self.list("blobs/sha256") {
            let place = format!("blobs/sha256/{name}");
            match Digest::from_hex(&name).filter(|_| !is_directory) {
                None => self.warn(&place, Finding::UnknownFile),
                Some(digest) if self.named.contains_key(&digest) => {}
                Some(digest) => {
                    let bytes = self.layout.blob_size(&digest).ok().flatten().unwrap_or_default();
                    self.warn(&place, Finding::Orphan { bytes });
                }
            }
        }
    }

    /// Names in a directory, in order, and whether they are directories themselves.
    fn list(&mut self, at: &str) -> Vec<(String, bool)> {
        let listed = self.layout.dir().read_dir(at).and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    let name = entry.file_name().to_string_lossy().into_owned();
                    Ok((name, entry.file_type()?.is_dir()))
                })
                .collect::<Result<Vec<_>, std::io::Error>>()
        });
        match listed {
            Ok(mut names) => {
                names.sort();
                names
            }
            Err(error) => {
                self.error(at, Finding::Content { reason: chain(&error) });
                Vec::new()
            }
        }
    }
}
