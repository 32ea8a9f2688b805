//! [`Plan`] and [`Layout::commit`]: all tags of a build appear together, or none.

use super::directory::{BLOBS, Layout, blob_path};
use super::entries::{Entries, Entry};
use super::error::LayoutError;
use super::garbage::Garbage;
use crate::{
    Annotations, CONTAINERD_NAME, Descriptor, Digest, Document, EMPTY_DOCUMENT, Manifest, REF_NAME,
    Repository, Tag,
};
use std::collections::{BTreeMap, BTreeSet};

/// What `index.json` shall say: tags of one repository, and what is said about their images.
#[derive(Debug, Clone)]
#[must_use]
pub struct Plan {
    repository: Repository,
    tags: BTreeMap<Tag, Document>,
    referrers: Vec<(Document, Descriptor)>,
}

impl Plan {
    /// Nothing yet, for images of this name.
    pub fn new(repository: Repository) -> Self {
        Self { repository, tags: BTreeMap::new(), referrers: Vec::new() }
    }

    /// Gives a tag to an index (or, for one platform only, to a manifest). An entry that has the tag is replaced.
    pub fn tag(mut self, tag: Tag, index: &Document) -> Self {
        self.tags.insert(tag, index.clone());
        self
    }

    /// Lists an artifact manifest, so that it is found from what it is about. It is listed with its annotations, as
    /// a registry would list it (distribution-spec, "Listing Referrers"), and has no name.
    pub fn referrer(mut self, artifact: &Document) -> Self {
        let manifest = Manifest::parse(artifact.bytes());
        let mut annotations = manifest.map_or_else(|_| Annotations::new(), |manifest| manifest.annotations);
        annotations.retain(|key, _| key != REF_NAME && key != CONTAINERD_NAME);
        let listed = Descriptor { annotations, ..artifact.descriptor() };
        self.referrers.push((artifact.clone(), listed));
        self
    }

    fn listed(&self) -> impl Iterator<Item = &Descriptor> {
        self.referrers.iter().map(|(_, listed)| listed)
    }

    fn roots(&self) -> Vec<Descriptor> {
        let tagged = self.tags.values().map(Document::descriptor);
        tagged.chain(self.listed().cloned()).collect()
    }

    fn entries(&self) -> Vec<Entry> {
        let tagged = self.tags.iter().map(|(tag, document)| Entry::tagged(document, &self.repository, tag));
        tagged.chain(self.listed().map(Entry::of)).collect()
    }
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The tags that named something else before.
    pub replaced: BTreeSet<String>,
    /// What became of the blobs that only they named.
    pub garbage: Garbage,
}

impl Layout {
    /// Names what the plan says in `index.json`, all at once. Tags that are not in the plan stay. The plan's own
    /// documents are stored; what these name must have been put before.
    ///
    /// # Errors
    /// A blob that the plan names, directly or not, is not there or has another size, a document among them is
    /// damaged, or the disk cannot be written: then nothing has changed.
    pub fn commit(&self, plan: &Plan) -> Result<Committed, LayoutError> {
        for document in plan.tags.values().chain(plan.referrers.iter().map(|(document, _)| document)) {
            self.put_json(document)?;
        }
        if !plan.referrers.is_empty() {
            self.put_bytes(EMPTY_DOCUMENT)?;
        }
        let lock = self.lock_index()?;
        let wanted = self.reach(&plan.roots())?;
        self.settle(&wanted)?;

        let before = self.read_entries()?;
        let mut after = before.clone();
        let replaced = self.apply(plan, &mut after);
        if after != before {
            self.write_entries(&after)?;
        }
        let tags = replaced.iter().filter_map(Entry::tag).map(ToOwned::to_owned).collect();
        let garbage = self.collect_replaced(&lock, &replaced, &after)?;
        Ok(Committed { replaced: tags, garbage })
    }

    /// Every blob of these must be there, whole and on the disk.
    fn settle(&self, wanted: &BTreeMap<Digest, u64>) -> Result<(), LayoutError> {
        let mut session = self.session();
        for (digest, size) in wanted {
            let file = self.blob_file(digest, *size)?;
            if session.unsynced.contains(digest) {
                file.sync_all().map_err(self.io("sync", &blob_path(digest)))?;
            }
        }
        session.unsynced.retain(|digest| !wanted.contains_key(digest));
        drop(session);
        self.sync_directory(BLOBS)
    }

    /// Puts the plan's entries in the place of those with the same tags; gives back what is no longer listed.
    fn apply(&self, plan: &Plan, entries: &mut Entries) -> Vec<Entry> {
        let added = plan.entries();
        // By either name: two entries of one tag, or of one full name, would leave the choice to the client.
        let named = |entry: &Entry, tag: &Tag| {
            entry.ref_name() == Some(tag.as_str())
                || entry.full_name() == Some(plan.repository.full_name(tag).as_str())
        };
        let tagged = |entry: &Entry| plan.tags.keys().any(|tag| named(entry, tag));
        let mut replaced = entries.remove(|entry| tagged(entry) && !added.contains(entry));
        entries.add(added);
        if replaced.is_empty() {
            return replaced;
        }
        // What was said about an image goes with the image, and what was said about that, too.
        loop {
            let old: Vec<Descriptor> = replaced.iter().filter_map(|entry| entry.descriptor().ok()).collect();
            let mut gone = BTreeSet::new();
            for descriptor in &old {
                gone.extend(self.reach([descriptor]).unwrap_or_default().into_keys());
            }
            let left: Vec<Descriptor> = entries.iter().filter_map(|entry| entry.descriptor().ok()).collect();
            for descriptor in &left {
                for digest in self.reach([descriptor]).unwrap_or_default().keys() {
                    gone.remove(digest);
                }
            }
            let orphans = entries.remove(|entry| {
                entry.tag().is_none()
                    && !plan.listed().any(|planned| Entry::of(planned) == *entry)
                    && entry.descriptor().is_ok_and(|descriptor| {
                        self.subject_of(&descriptor).is_some_and(|subject| gone.contains(&subject))
                    })
            });
            if orphans.is_empty() {
                return replaced;
            }
            replaced.extend(orphans);
        }
    }
}
