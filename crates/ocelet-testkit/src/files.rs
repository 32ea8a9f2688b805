//! What lies on the disk after a test: the files below a directory.
//!
//! It is for directories that a test made: what cannot be read panics.

use std::collections::BTreeSet;
use std::path::Path;

/// All files below a directory, by their paths in it, sorted.
///
/// # Panics
/// A directory cannot be read, or a name is not text.
pub fn files_below(directory: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(next) = open.pop() {
        #[expect(clippy::disallowed_methods, reason = "the set sorts what is found")]
        for entry in std::fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(directory).expect("it is below");
                files.insert(inside.to_str().expect("text").to_owned());
            }
        }
    }
    files
}
