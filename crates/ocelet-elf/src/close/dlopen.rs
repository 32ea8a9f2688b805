//! Libraries that are loaded at run time: those of notes are loaded as if the call had been made.

use std::sync::Arc;

use crate::{DlopenNote, Loaded, Loader, Priority};

/// A loaded program together with what its notes had loaded.
#[derive(Debug)]
pub(super) struct Traced {
    pub(super) process: Loaded,
    /// The first object that is new: what comes before was there when the file was opened.
    pub(super) start: usize,
    pub(super) noted: Vec<Noted>,
    pub(super) unanswered: Vec<(usize, DlopenNote)>,
}

/// One note, answered.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) edge: usize,
    pub(super) feature: String,
    pub(super) priority: Priority,
}

impl Traced {
    /// Follows the notes of all new objects, and of what these load in turn.
    pub(super) fn follow_notes(
        loader: &Loader<'_>,
        process: Loaded,
        start: usize,
        least: Option<Priority>,
    ) -> Self {
        let mut traced = Self { process, start, noted: Vec::new(), unanswered: Vec::new() };
        let Some(least) = least else { return traced };
        let mut index = start;
        while index < traced.process.objects.len() {
            let file = Arc::clone(&traced.process.objects[index].file);
            let notes = file.binary().map_or(&[][..], |binary| &binary.dlopen_notes);
            for note in notes.iter().filter(|note| note.priority <= least) {
                traced.follow(loader, index, note);
            }
            index += 1;
        }
        traced
    }

    fn follow(&mut self, loader: &Loader<'_>, caller: usize, note: &DlopenNote) {
        for name in &note.sonames {
            // A name that is not there is no problem while another one is.
            let told = self.process.missing.len();
            let edge = self.process.edges.len();
            if loader.open(&mut self.process, caller, name).is_some() {
                let feature = note.feature.clone();
                self.noted.push(Noted { edge, feature, priority: note.priority });
                return;
            }
            self.process.missing.truncate(told);
        }
        self.unanswered.push((caller, note.clone()));
    }
}

pub(super) fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Required => "required",
        Priority::Recommended => "recommended",
        Priority::Suggested => "suggested",
    }
}
