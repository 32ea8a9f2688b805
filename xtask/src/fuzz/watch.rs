//! What a call costs, and a watchman for calls that never end.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::shell::{read_text, write};

/// After this long a call counts as one that never ends, and the whole process is ended.
const FOREVER: Duration = Duration::from_secs(60);

/// A thread that keeps the input of a call that never ends.
pub(super) struct Watch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: Option<(Instant, Vec<u8>)>,
    over: bool,
}

impl Watch {
    /// Watches calls; the input of one that never ends is written to `keep`.
    pub(super) fn start(keep: &Path) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, keep) = (Arc::clone(&state), keep.to_path_buf());
        thread::spawn(move || watch(&shared, &keep));
        Self(state)
    }

    pub(super) fn begin(&self, input: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running =
            Some((Instant::now(), input.to_vec()));
    }

    pub(super) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    }
}

#[expect(clippy::exit, reason = "a call that never ends cannot be ended in another way")]
fn watch(state: &Mutex<State>, keep: &Path) {
    loop {
        thread::sleep(Duration::from_millis(200));
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return;
        }
        if let Some((since, input)) = &state.running
            && since.elapsed() > FOREVER
        {
            let kept = write(keep, input);
            eprintln!(
                "error: a call has not ended after {FOREVER:.0?}; its input: {} {kept:?}",
                keep.display()
            );
            std::process::exit(1);
        }
    }
}

/// The most memory that this process had since the last reset, in bytes (`VmHWM`, proc(5)); 0 where the kernel does
/// not tell.
pub(super) fn peak_memory() -> u64 {
    let text = read_text(Path::new("/proc/self/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Starts counting anew (`5` in `clear_refs`, proc(5)). Where that is not allowed only a new peak counts.
pub(super) fn reset_peak_memory() {
    let _ = write(Path::new("/proc/self/clear_refs"), b"5");
}
