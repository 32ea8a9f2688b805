//! The rules of fetching, over a source that follows a script: no socket, no wait.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::error::Class;
use crate::jobs::{Job, OnFailure};
use crate::source::{Answer, Ask, Body};

const CONTENT: &[u8] = b"the quick brown fox jumps over the lazy dog";

/// What a scripted source does at one attempt.
#[derive(Clone, Copy)]
enum Step {
    Status(u16),
    /// All bytes from the position asked for, at most so many of them.
    Give(&'static [u8], usize),
    /// All bytes from zero, whatever was asked.
    Whole(&'static [u8]),
}

/// Steps by address; the last one repeats.
struct Scripted {
    steps: BTreeMap<String, Vec<Step>>,
    asked: Mutex<Vec<(String, u64)>>,
}

struct Bytes(Vec<u8>);

impl Body for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let taken = self.0.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.0[..taken]);
        self.0.drain(..taken);
        Ok(taken)
    }
}

impl Source for Scripted {
    fn open(&self, ask: &Ask<'_>) -> Result<Answer, Setback> {
        let address = ask.address.to_string();
        let mut asked = self.asked.lock().expect("the log");
        let before = asked.iter().filter(|(of, _)| *of == address).count();
        asked.push((address.clone(), ask.from));
        let steps = &self.steps[&address];
        let (start, bytes, most) = match steps[before.min(steps.len() - 1)] {
            Step::Status(status) => return Err(Failure::Status { status }.into()),
            Step::Give(bytes, most) => (ask.from, bytes, most),
            Step::Whole(bytes) => (0, bytes, usize::MAX),
        };
        let from = usize::try_from(start).expect("small");
        let rest: Vec<u8> = bytes[from..].iter().copied().take(most).collect();
        let total = Some(bytes.len() as u64);
        Ok(Answer { start, total, validator: None, landed: None, body: Box::new(Bytes(rest)) })
    }
}

fn scripted(steps: &[(&str, &[Step])]) -> Scripted {
    let steps = steps.iter().map(|(address, steps)| ((*address).to_owned(), steps.to_vec())).collect();
    Scripted { steps, asked: Mutex::default() }
}

fn wanted() -> Expectation {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(CONTENT);
    Expectation::pinned(Digest(digest.into()), CONTENT.len() as u64)
}

struct NoWait;

impl Sleeper for NoWait {
    fn sleep(&self, _wait: Duration) {}
}

const A: &str = "http://a/x";
const B: &str = "http://b/x";
const WRONG: &[u8] = b"THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG";
const ALL: usize = usize::MAX;

/// What came of a fetch: its result, the sink, what was asked of whom from where, and the events.
type Outcome = (Result<Fetched, FetchError>, Vec<u8>, Vec<(String, u64)>, String);

/// Fetches from A, then B, into a sink that holds `before`.
fn run(steps: &[(&str, &[Step])], before: &[u8]) -> Outcome {
    let source = scripted(steps);
    let heard = Mutex::new(String::new());
    let observer = |event: &Event<'_>| {
        use std::fmt::Write;
        write!(heard.lock().expect("the events"), "{event:?};").expect("a string");
    };
    let sources: Vec<Address> =
        steps.iter().map(|(address, _)| Address::parse(address).expect("an address")).collect();
    let mut sink = before.to_vec();
    let result = Fetcher::new(&source, &NoWait, &observer).fetch_any("x", &sources, &wanted(), &mut sink);
    let heard = heard.lock().expect("the events").clone();
    (result, sink, source.asked.into_inner().expect("the log"), heard)
}

#[test]
fn sources_complete_each_other() {
    use Step::{Give, Status, Whole};
    // Steps of A and B, what the sink held before, and what is asked of whom, from where.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a [Step])], &'a [u8], &'a [(&'a str, u64)]);
    let table: &[Row<'_>] = &[
        ("the second has it", &[(A, &[Status(404)]), (B, &[Give(CONTENT, ALL)])], b"", &[(A, 0), (B, 0)]),
        (
            "the second completes it",
            &[(A, &[Give(CONTENT, 9), Status(404)]), (B, &[Give(CONTENT, ALL)])],
            b"",
            &[(A, 0), (A, 9), (B, 9)],
        ),
        ("an earlier run began it", &[(A, &[Give(CONTENT, ALL)])], &CONTENT[..20], &[(A, 20)]),
        ("an earlier run had it all", &[(A, &[Status(500)])], CONTENT, &[]),
        ("an earlier run had all of it wrong", &[(A, &[Give(CONTENT, ALL)])], WRONG, &[(A, 0)]),
        ("an earlier run had too much", &[(A, &[Give(CONTENT, ALL)])], &[b'x'; 99], &[(A, 0)]),
        (
            "an earlier run began something else",
            &[(A, &[Give(CONTENT, ALL)])],
            b"something",
            &[(A, 9), (A, 0)],
        ),
        (
            "the first gave a wrong beginning, the second is not blamed for it",
            &[(A, &[Give(WRONG, 9), Status(404)]), (B, &[Give(CONTENT, ALL)])],
            b"",
            &[(A, 0), (A, 9), (B, 9), (B, 0)],
        ),
        (
            "the first is wrong",
            &[(A, &[Give(WRONG, ALL)]), (B, &[Give(CONTENT, ALL)])],
            b"",
            &[(A, 0), (B, 0)],
        ),
        (
            "the whole comes although a part was asked for",
            &[(A, &[Give(CONTENT, 9), Whole(CONTENT)])],
            b"",
            &[(A, 0), (A, 9)],
        ),
    ];
    for (what, steps, before, want) in table {
        let (result, sink, asked, _) = run(steps, before);
        let fetched = result.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((fetched.size(), fetched.sha256()), (CONTENT.len() as u64, wanted().sha256.expect("one")));
        assert_eq!(sink, CONTENT, "{what}");
        let asked: Vec<(&str, u64)> = asked.iter().map(|(address, from)| (address.as_str(), *from)).collect();
        assert_eq!(asked, *want, "{what}");
    }
}

#[test]
fn a_wrong_source_is_told_of_even_when_another_is_right() {
    let (result, _, _, heard) = run(&[(A, &[Step::Give(WRONG, ALL)]), (B, &[Step::Give(CONTENT, ALL)])], b"");
    assert_eq!(result.expect("the second").from().map(ToString::to_string).as_deref(), Some(B));
    for want in ["VerificationFailed { name: \"x\", address: Address(http://a/x)", "NextSource", "Done"] {
        assert!(heard.contains(want), "{want}: {heard}");
    }
}

#[test]
fn the_class_is_that_of_the_worst() {
    use Step::{Give, Status};
    for (steps, want, attempts) in [
        ([(A, &[Give(WRONG, ALL)][..]), (B, &[Status(404)][..])], Class::Verification, 2),
        ([(A, &[Status(503)][..]), (B, &[Status(404)][..])], Class::Unavailable, 5),
        // A seam that does not fit is not a failed verification.
        (
            [(A, &[Give(WRONG, 9), Status(404)][..]), (B, &[Give(CONTENT, ALL), Status(404)][..])],
            Class::Unavailable,
            4,
        ),
        ([(A, &[Give(WRONG, 9), Give(CONTENT, ALL)][..]), (B, &[Status(404)][..])], Class::Unavailable, 0),
    ] {
        let (result, ..) = run(&steps, b"");
        match result {
            Ok(_) => assert_eq!(attempts, 0),
            Err(error) => {
                assert_eq!((error.class(), error.attempts().len()), (want, attempts), "{error}");
                let text = error.to_string();
                assert!(text.contains(A) && text.contains(B), "{text}");
            }
        }
    }
}

#[test]
fn a_seam_found_at_the_last_attempt_still_asks_for_the_whole() {
    use Step::{Give, Status};
    let a: &[Step] = &[Give(WRONG, 9), Status(500), Status(500), Give(CONTENT, ALL), Give(CONTENT, ALL)];
    let (result, _, asked, _) = run(&[(A, a)], b"");
    result.expect("the whole");
    assert_eq!(asked.iter().map(|(_, from)| *from).collect::<Vec<_>>(), [0, 9, 9, 9, 0]);
}

#[test]
fn a_source_that_never_fits_is_given_up() {
    // Each time the part is of another version: bounded, although each restart looks like progress.
    let source = scripted(&[(A, &[Step::Give(WRONG, 20), Step::Give(CONTENT, 20)])]);
    let patience = Patience { progress: 1, ..Patience::default() };
    let mut sink = Vec::new();
    let address = Address::parse(A).expect("an address");
    let fetcher = Fetcher::new(&source, &NoWait, &crate::event::Silent).patience(patience);
    fetcher.fetch("x", &address, &wanted(), &mut sink).expect_err("it never fits");
    assert!(source.asked.lock().expect("the log").len() <= 10);
}

#[test]
fn without_a_digest_an_earlier_run_counts_for_nothing() {
    let source = scripted(&[(A, &[Step::Give(CONTENT, ALL)])]);
    let address = Address::parse(A).expect("an address");
    let expectation = Expectation { sha256: None, size: Some(CONTENT.len() as u64), most: 100 };
    for before in [WRONG, &CONTENT[..9]] {
        let mut sink = before.to_vec();
        let fetcher = Fetcher::new(&source, &NoWait, &crate::event::Silent);
        let afresh = fetcher.fetch("x", &address, &expectation, &mut sink).expect("asked afresh");
        assert!(!afresh.is_proved() && sink == CONTENT);
    }
    assert!(source.asked.lock().expect("the log").iter().all(|(_, from)| *from == 0));
}

#[test]
fn no_source_is_an_error() {
    let (result, ..) = run(&[], b"");
    assert!(matches!(result, Err(FetchError::NoSource { .. })));
}

#[test]
fn jobs_end_in_their_order_and_one_failure_can_call_off_the_rest() {
    let count = 20;
    for (on_failure, parallelism) in [(OnFailure::GoOn, 4), (OnFailure::CallOff, 1)] {
        let source = scripted(&[(A, &[Step::Give(CONTENT, ALL)]), (B, &[Step::Status(404)])]);
        let fetcher = Fetcher::new(&source, &NoWait, &crate::event::Silent);
        let mut sinks = vec![Vec::new(); count];
        let jobs = sinks.iter_mut().enumerate().map(|(index, sink)| Job {
            name: format!("thing {index}"),
            sources: vec![Address::parse(if index == 5 { B } else { A }).expect("an address")],
            expectation: wanted(),
            sink,
        });
        let jobs = jobs.collect();
        let results = fetcher.fetch_all(jobs, NonZeroUsize::new(parallelism).expect("some"), on_failure);
        assert_eq!(results.len(), count);
        for (index, result) in results.iter().enumerate() {
            match result {
                Ok(done) => assert!(done.is_proved() && index != 5),
                Err(FetchError::Unavailable { name, .. }) => {
                    assert_eq!((index, name.as_str()), (5, "thing 5"));
                }
                Err(FetchError::Cancelled { .. }) => assert!(on_failure == OnFailure::CallOff && index > 5),
                Err(error) => panic!("{index}: {error}"),
            }
        }
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(done, if on_failure == OnFailure::CallOff { 5 } else { 19 });
        let address = Address::parse(A).expect("an address");
        fetcher.fetch("later", &address, &wanted(), &mut Vec::new()).expect("only that call was called off");
    }
}

/// Calls the fetch off while it waits.
struct Impatient(Cancel);

impl Sleeper for Impatient {
    fn sleep(&self, wait: Duration) {
        assert!(wait <= Duration::from_millis(250), "a wait is sliced");
        assert!(!self.0.is_cancelled(), "it does not wait once called off");
        self.0.cancel();
    }
}

#[test]
fn a_wait_is_called_off() {
    let source = scripted(&[(A, &[Step::Status(500)])]);
    let cancel = Cancel::new();
    let sleeper = Impatient(cancel.clone());
    let fetcher = Fetcher::new(&source, &sleeper, &crate::event::Silent).cancel(cancel);
    let address = Address::parse(A).expect("an address");
    let error = fetcher.fetch("x", &address, &wanted(), &mut Vec::new()).expect_err("called off");
    assert!(matches!(error, FetchError::Cancelled { .. }), "{error}");
    assert_eq!(source.asked.lock().expect("the log").len(), 1);
}

/// Holds a few bytes and then refuses, as a full disk does.
struct Full(usize);

impl Sink for Full {
    fn length(&mut self) -> std::io::Result<u64> {
        Ok(0)
    }

    fn replay(&mut self, _each: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn restart(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_not_the_sources_fault() {
    let source = scripted(&[(A, &[Step::Give(CONTENT, ALL)]), (B, &[Step::Give(CONTENT, ALL)])]);
    let sources = [A, B].map(|address| Address::parse(address).expect("an address"));
    let fetcher = Fetcher::new(&source, &NoWait, &crate::event::Silent);
    let error = fetcher.fetch_any("x", &sources, &wanted(), &mut Full(10)).expect_err("full");
    assert_eq!(error.class(), Class::Work);
    assert_eq!(source.asked.lock().expect("the log").len(), 1, "no other source is asked");
}
