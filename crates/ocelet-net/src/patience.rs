//! [`Patience`]: how often a source is asked and how long is waited between, as a pure function, and
//! [`Sleeper`], the door through which waiting happens.
//!
//! It refuses a clock and a source of chance: the jitter is derived from what is asked for and a given seed, so
//! that many processes do not ask in step and one process is repeatable.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// How often one source is asked, and how long is waited between two attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Attempts per source; at least one is always made.
    pub attempts: u32,
    /// The wait after the first failed attempt; it doubles with each further one.
    pub first_wait: Duration,
    /// No wait of our own is longer.
    pub longest_wait: Duration,
    /// A server's `Retry-After` is obeyed up to here; a longer one counts as a refusal and the next source is
    /// asked.
    pub longest_retry_after: Duration,
    /// An attempt that brought this many new bytes is not counted, so that a large file comes through a bad
    /// line. The bytes are bounded, so the attempts stay bounded.
    pub progress: u64,
    /// Makes the waits of two processes differ.
    pub seed: u64,
}

impl Default for Patience {
    /// Four attempts; 0.5 s, 1 s, 2 s between them; `Retry-After` up to a minute; 4 MiB of progress.
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(20),
            longest_retry_after: Duration::from_secs(60),
            progress: 4 << 20,
            seed: 0,
        }
    }
}

impl Patience {
    /// The wait after failed attempt `number` (from one) at `address`: half of the doubled wait, and a share
    /// of the other half that depends on the seed, the address and the number.
    pub fn wait(&self, number: u32, address: &str) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << number.saturating_sub(1).min(16));
        let whole = doubled.min(self.longest_wait);
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(number.to_le_bytes());
        hash.update(address.as_bytes());
        let share = u32::from(hash.finalize()[0]);
        whole / 2 + (whole / 2) * share / 255
    }
}

/// Waits. The one door to the passing of time between attempts; tests count instead.
pub trait Sleeper: Send + Sync {
    /// Returns after `wait`.
    fn sleep(&self, wait: Duration);
}

/// Waits by letting the thread sleep.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadSleeper;

impl Sleeper for ThreadSleeper {
    fn sleep(&self, wait: Duration) {
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_stay_bounded_and_differ_by_seed() {
        let patience = Patience::default();
        for (number, most) in [(1, 500), (2, 1_000), (3, 2_000), (7, 20_000), (u32::MAX, 20_000)] {
            let wait = patience.wait(number, "https://h/x");
            let most = Duration::from_millis(most);
            assert!(wait >= most / 2 && wait <= most, "{number}: {wait:?}");
            assert_eq!(wait, patience.wait(number, "https://h/x"), "it is repeatable");
        }
        let other = Patience { seed: 1, ..Patience::default() };
        assert_ne!(patience.wait(1, "https://h/x"), other.wait(1, "https://h/x"));
    }
}
