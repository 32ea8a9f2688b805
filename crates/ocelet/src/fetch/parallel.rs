//! Many things at once, a bounded number at a time, with those that must wait put last.
//!
//! It refuses to let the order of completion show: results come in the order of the items.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// What came of working on an item.
pub(super) enum Step<T, R> {
    /// It is done.
    Done(R),
    /// It is to be taken up again, after all others were begun.
    Later(T),
}

/// Works on all items with at most `threads` threads.
pub(super) fn each<T: Send, R: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> Step<T, R> + Sync,
) -> Vec<R> {
    let count = items.len();
    let waiting: Mutex<VecDeque<(usize, T)>> = Mutex::new(items.into_iter().enumerate().collect());
    let done = Mutex::new(Vec::with_capacity(count));
    let worker = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((number, item)) = next else { return };
            match work(item) {
                Step::Done(result) => {
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
                }
                // Whoever put it back looks again, so none is forgotten.
                Step::Later(item) => {
                    waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((number, item));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_the_deferred_are_done() {
        for (count, threads) in [(0, 4), (1, 4), (100, 1), (100, 8)] {
            let items = (0..count).map(|number| (number, number % 3 == 0)).collect();
            let results =
                each(
                    items,
                    threads,
                    |(number, defer)| {
                        if defer { Step::Later((number, false)) } else { Step::Done(number) }
                    },
                );
            assert_eq!(results, (0..count).collect::<Vec<u32>>(), "{count} by {threads}");
        }
    }
}
