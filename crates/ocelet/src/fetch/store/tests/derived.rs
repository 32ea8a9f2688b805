//! What is made from blobs once.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::fetch::store::{Keep, Kind, Sink, StoreError};

const DOUBLED: Kind = Kind::new("doubled.1");
const OTHER: Kind = Kind::new("other");

/// Makes twice the content.
fn double(store: &Store, input: &VerifiedBlob, made: &AtomicUsize) -> Result<VerifiedBlob, StoreError> {
    store.derive(input.digest(), DOUBLED, |sink: &mut Sink| -> Result<(), StoreError> {
        made.fetch_add(1, Ordering::SeqCst);
        let content = content(input);
        sink.write_all(&content).and_then(|()| sink.write_all(&content)).expect("there is room");
        Ok(())
    })
}

#[test]
fn it_is_made_once_for_all_who_ask() {
    let store = store();
    let input = put(&store, &bytes(70_000));
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| double(&store, &input, &made))).collect();
        for one in all {
            let blob = one.join().expect("no panic").expect("it can be made");
            assert_eq!(content(&blob), [bytes(70_000), bytes(70_000)].concat());
        }
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert!(store.derived(input.digest(), DOUBLED).expect("right").is_some());
    assert!(store.derived(input.digest(), OTHER).expect("right").is_none());
    assert!(files(&store.place.partials()).is_empty());
}

#[derive(Debug)]
enum Failure {
    Maker,
    Store,
}
impl From<StoreError> for Failure {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

#[test]
fn a_maker_that_fails_leaves_nothing() {
    let store = store();
    let input = put(&store, b"input");
    let failed = store.derive(input.digest(), DOUBLED, |sink| {
        sink.write_all(b"a part").expect("there is room");
        Err(Failure::Maker)
    });
    assert!(matches!(failed, Err(Failure::Maker)), "{failed:?}");
    assert!(files(&store.place.partials()).is_empty() && files(&store.place.records()).is_empty());
    assert!(!matches!(
        double(&store, &input, &AtomicUsize::new(0)).map_err(Failure::from),
        Err(Failure::Store)
    ));
}

#[test]
fn a_damaged_record_or_output_is_refused_once_and_made_again() {
    let store = store();
    let input = put(&store, b"input");
    let made = AtomicUsize::new(0);
    let output = double(&store, &input, &made).expect("it can be made");
    let record = store.place.record(input.digest(), "doubled.1");
    let length = std::fs::metadata(&record).expect("there").len();
    for at in 0..length {
        flip(&record, at);
        let error = double(&store, &input, &made).expect_err("the record is damaged");
        let said = error.to_string();
        assert!(matches!(error, StoreError::Record { .. }), "{at}: {error:?}");
        assert!(said.contains(&record.display().to_string()) && said.contains("wanted"), "{said}");
        assert_eq!(double(&store, &input, &made).expect("made again").digest(), output.digest());
    }
    assert_eq!(made.load(Ordering::SeqCst) as u64, 1 + length);
    flip(output.path(), 3);
    assert!(matches!(double(&store, &input, &made), Err(StoreError::Corrupt { .. })));
    assert!(double(&store, &input, &made).is_ok());
    assert_eq!(made.load(Ordering::SeqCst) as u64, 2 + length);
}

#[test]
fn a_record_is_not_believed_under_another_name() {
    let store = store();
    let (one, two) = (put(&store, b"one"), put(&store, b"two"));
    let made = AtomicUsize::new(0);
    double(&store, &one, &made).expect("it can be made");
    double(&store, &two, &made).expect("it can be made");
    let (from, to) =
        (store.place.record(one.digest(), "doubled.1"), store.place.record(two.digest(), "doubled.1"));
    std::fs::remove_file(&to).and_then(|()| std::fs::copy(&from, &to)).expect("room");
    assert!(matches!(double(&store, &two, &made), Err(StoreError::Record { .. })));
    assert_eq!(content(&double(&store, &two, &made).expect("made again")), b"twotwo");
}

#[test]
fn what_a_dead_maker_left_is_not_continued() {
    let store = store();
    let input = put(&store, b"input");
    let left = store.place.making(input.digest(), DOUBLED);
    std::fs::write(&left, "half of something").expect("room");
    let output = double(&store, &input, &AtomicUsize::new(0)).expect("it can be made");
    assert_eq!(content(&output), b"inputinput");
    assert!(!left.exists());
}

#[test]
fn a_record_without_its_blob_says_nothing() {
    let store = store();
    let input = put(&store, b"input");
    let made = AtomicUsize::new(0);
    let output = double(&store, &input, &made).expect("it can be made");
    std::fs::remove_file(output.path()).expect("there");
    assert!(store.derived(input.digest(), DOUBLED).expect("right").is_none());
    assert!(double(&store, &input, &made).is_ok());
    assert_eq!(made.load(Ordering::SeqCst), 2);
    store.clean(&Keep::Nothing).expect("it can be cleaned");
    assert!(files(&store.place.version()).is_empty(), "{:?}", files(&store.place.version()));
}
