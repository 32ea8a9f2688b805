//! Progress of the library's rooms, told line by line as cargo does; downloads on a terminal in one line that is
//! drawn over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use ocelet::finished::shown_size as size;
use ocelet::{Event, Observer};

use crate::output::Talk;
use crate::packing;

/// A line is drawn over no sooner than this: faster is flicker.
const REDRAWN: Duration = Duration::from_millis(100);
/// The longest line that is drawn over, in characters: one that wraps cannot be.
const WIDTH: usize = 64;

/// Turns events into lines on stderr.
pub(crate) struct Lines<'talk> {
    talk: &'talk Talk,
    downloads: Mutex<Downloads>,
}

/// What is known of the downloads that are under way.
#[derive(Debug, Default)]
struct Downloads {
    files: usize,
    bytes: Option<u64>,
    done: usize,
    done_bytes: u64,
    held: BTreeMap<String, u64>,
    /// When the line was drawn last; nothing while there is none.
    drawn: Option<Instant>,
}

impl<'talk> Lines<'talk> {
    pub(crate) fn new(talk: &'talk Talk) -> Self {
        Self { talk, downloads: Mutex::default() }
    }

    fn downloads(&self) -> MutexGuard<'_, Downloads> {
        self.downloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the line away that is drawn over, so that another can be written.
    fn clear(&self) {
        if self.downloads().drawn.take().is_some() {
            self.talk.redraw("", "");
        }
    }

    fn status(&self, word: &str, text: &str) {
        self.clear();
        self.talk.status(word, text);
    }

    fn warning(&self, text: &str) {
        self.clear();
        self.talk.warning(text);
    }

    /// Takes note of bytes, and draws the line anew if it is time.
    fn fetching(&self, name: &str, held: u64) {
        let mut downloads = self.downloads();
        downloads.held.insert(name.to_owned(), held);
        let due = downloads.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAWN);
        if due && self.talk.redraws() {
            downloads.drawn = Some(Instant::now());
            self.talk.redraw("Fetching", &downloads.line(name));
        }
    }

    fn fetched(&self, name: &str, size_of_it: u64) {
        {
            let mut downloads = self.downloads();
            downloads.held.remove(name);
            downloads.done += 1;
            downloads.done_bytes = downloads.done_bytes.saturating_add(size_of_it);
        }
        if !self.talk.redraws() {
            self.status("Fetched", &format!("{name} ({})", size(size_of_it)));
        }
    }

    fn fetching_ended(&self) {
        self.clear();
        let Downloads { done, done_bytes, .. } = std::mem::take(&mut *self.downloads());
        if self.talk.redraws() && done > 0 {
            let noun = if done == 1 { "file" } else { "files" };
            self.status("Fetched", &format!("{done} {noun}, {}", size(done_bytes)));
        }
    }
}

impl Downloads {
    /// `3/41, 12.3 MB of 40.1 MB: musl-1.2.4-r2`, not too long to be drawn over.
    fn line(&self, name: &str) -> String {
        let held = self.held.values().fold(self.done_bytes, |sum, held| sum.saturating_add(*held));
        let of = self.bytes.map(|bytes| format!(" of {}", size(bytes))).unwrap_or_default();
        let line = format!("{}/{}, {}{of}: {name}", self.done, self.files, size(held));
        line.chars().take(WIDTH).collect()
    }
}

impl Drop for Lines<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Lines<'_> {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::FetchingBegins { files, bytes } => {
                *self.downloads() = Downloads { files: *files, bytes: *bytes, ..Downloads::default() };
            }
            Event::Fetching { name, held, .. } => self.fetching(name, *held),
            Event::Fetched { name, size, .. } => self.fetched(name, *size),
            Event::FetchingEnded => self.fetching_ended(),
            Event::Waiting { name } => self.status("Waiting", &format!("for another process with {name}")),
            Event::Retrying { name, address, failure, wait } => {
                let wait = wait.as_secs_f64();
                // A file without a digest is often called by its address.
                let address = address.to_string();
                let place = if *name == address { String::new() } else { format!("{address}: ") };
                self.warning(&format!("{name}: {place}{failure}; asking again in {wait:.1} s"));
            }
            Event::OtherSource { name, failed, reason, wrong: true, from } => self.warning(&format!(
                "{name}: WRONG BYTES from {failed}: {reason}; the right ones came from {from}, \
                 but find out why before you use that source again"
            )),
            Event::OtherSource { name, failed, reason, from, .. } => {
                self.warning(&format!("{name}: {failed}: {reason}; had it from {from}"));
            }
            Event::Unpacked { source, entries: Some(entries) } => {
                self.status("Unpacked", &format!("{source} ({entries} entries)"));
            }
            Event::Closed { flavor, platform, files, bytes } => {
                self.status("Closed", &format!("{flavor} for {platform}: {files} files, {}", size(*bytes)));
            }
            Event::Packing { path, platform, size: bytes } => {
                self.status("Packing", &format!("{path} for {platform}, {}", size(*bytes)));
            }
            Event::Packed { path, platform, packed } => {
                self.status("Packed", &packing::line(path, platform, packed));
            }
            Event::LeftUnpacked { path, platform, why } => {
                self.status("Not packed", &format!("{path} for {platform}: {why}"));
            }
            Event::LayerWritten { layer, number, of } => {
                let sizes = format!("{} from {}", size(layer.blob().size()), size(layer.uncompressed()));
                self.status("Layer", &format!("{number}/{of} {sizes}, {}", layer.blob().digest()));
            }
            Event::Tagged { tag, digest } => self.status("Tagged", &format!("{tag} {digest}")),
            Event::Warning { message } => self.warning(message),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_downloads_counts_what_is_done_and_what_is_held() {
        let held = BTreeMap::from([("a".to_owned(), 400_000), ("b".to_owned(), 100_000)]);
        let known = Downloads {
            files: 41,
            bytes: Some(40_100_000),
            done: 3,
            done_bytes: 12_000_000,
            held,
            drawn: None,
        };
        assert_eq!(known.line("musl-1.2.4-r2"), "3/41, 12.5 MB of 40.1 MB: musl-1.2.4-r2");
        assert_eq!(known.line(&"x".repeat(100)).chars().count(), WIDTH);
        let unknown = Downloads { files: 2, ..Downloads::default() };
        assert_eq!(unknown.line("x"), "0/2, 0 B: x");
    }
}
