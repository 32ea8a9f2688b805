//! [`DlopenNote`]: the libraries that a file declares to load at run time.
//!
//! Format: <https://systemd.io/ELF_DLOPEN_METADATA>: notes of owner `FDO`
//! and type 0x407c0c0a, each with a JSON array of objects. Damaged notes are passed over: they are advice,
//! and no loader reads them.

use object::Endianness as ByteOrder;
use object::read::elf::{FileHeader, NoteIterator};
use serde::Deserialize;

use super::Text;

const OWNER: &[u8] = b"FDO";
const TYPE: u32 = 0x407c_0c0a;
/// More notes of one file than any has.
const MOST_NOTES: usize = 1024;
/// The longest JSON text of one note that is read.
const LONGEST_NOTE: usize = 65_536;

/// One library that is loaded at run time, by the names that are tried in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DlopenNote {
    /// What it is for, in a word; may be empty.
    pub feature: String,
    /// What it is for, in a sentence; may be empty.
    pub description: String,
    /// How much is lost without it.
    pub priority: Priority,
    /// The sonames, best first: any one of them is enough.
    pub sonames: Vec<Text>,
}

/// How much is lost without a library that is loaded at run time. The order is that of importance, so that
/// `note.priority <= wanted` chooses what to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The file does not do its work without.
    Required,
    /// Something useful is lost. What a note without priority means.
    Recommended,
    /// Something that few want is lost.
    Suggested,
}

/// What one note holds: an array of entries, or a single one as the first draft of the format had it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Many(Vec<Written>),
    One(Written),
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    feature: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    priority: String,
    soname: Sonames,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sonames {
    Many(Vec<String>),
    One(String),
}

pub(super) fn collect<Elf: FileHeader<Endian = ByteOrder>>(
    mut notes: NoteIterator<'_, Elf>,
    order: ByteOrder,
    found: &mut Vec<DlopenNote>,
) {
    let mut steps = 0;
    while let Ok(Some(note)) = notes.next() {
        steps += 1;
        if steps > MOST_NOTES || found.len() > MOST_NOTES {
            return;
        }
        if note.n_type(order).0 == TYPE && note.name() == OWNER && note.desc().len() <= LONGEST_NOTE {
            found.extend(read(note.desc()));
        }
    }
}

fn read(description: &[u8]) -> Vec<DlopenNote> {
    let end = description.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let written = match serde_json::from_slice(&description[..end]) {
        Ok(Payload::Many(written)) => written,
        Ok(Payload::One(written)) => vec![written],
        Err(_) => Vec::new(),
    };
    written
        .into_iter()
        .map(|note| DlopenNote {
            feature: note.feature,
            description: note.description,
            priority: match note.priority.as_str() {
                "required" => Priority::Required,
                "suggested" => Priority::Suggested,
                _ => Priority::Recommended,
            },
            sonames: match note.soname {
                Sonames::Many(names) => names.iter().map(Text::new).collect(),
                Sonames::One(name) => vec![Text::new(name)],
            },
        })
        .collect()
}
