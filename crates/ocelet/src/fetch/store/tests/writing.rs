//! Blobs that are being written: resumed, refused, waited for.

use std::io::Write as _;

use super::*;
use crate::exit::ExitClass;
use crate::fetch::store::{Keep, StoreError};

/// Writes a part of what a digest announces, and dies.
fn leave(store: &Store, digest: &Digest, size: Option<u64>, part: &[u8]) {
    let mut partial = begin(store, digest, size);
    partial.append(part).expect("there is room");
}

#[test]
fn a_dead_writers_part_is_continued_if_it_can_be_of_use() {
    let whole = bytes(100_000);
    let digest = Digest::of(&whole);
    let mut wrong = whole.clone();
    wrong[5] ^= 1;
    let too_much = vec![0; 100_001];
    // (what was left, the size that was known then, where the next one continues, the size that it knows)
    let cases: [(&str, &[u8], u64, Option<u64>); 7] = [
        ("nothing", &whole[..0], 0, Some(100_000)),
        ("a byte", &whole[..1], 1, Some(100_000)),
        ("half", &whole[..50_000], 50_000, Some(100_000)),
        ("half, size unknown", &whole[..50_000], 50_000, None),
        ("all", &whole, 100_000, Some(100_000)),
        ("all, but wrong", &wrong, 0, Some(100_000)),
        ("too much", &too_much, 0, Some(100_000)),
    ];
    for (name, left, offset, size) in cases {
        let store = store();
        leave(&store, &digest, None, left);
        let mut partial = begin(&store, &digest, size);
        assert_eq!((partial.written(), partial.resumed()), (offset, offset), "{name}");
        let from = usize::try_from(offset).expect("small");
        partial.write_all(&whole[from..]).expect("there is room");
        assert_eq!(content(&partial.finish().expect(name)), whole, "{name}");
        assert!(files(&store.place.partials()).is_empty(), "{name}");
    }
}

#[test]
fn what_is_not_what_was_announced_is_removed() {
    let whole = bytes(3000);
    let digest = Digest::of(&whole);
    let mut wrong = whole.clone();
    wrong[2999] ^= 128;
    let cases: [(&str, &[u8], Option<u64>, &str); 5] = [
        ("another byte", &wrong, Some(3000), "has other content: its digest is sha256:"),
        ("another byte, size unknown", &wrong, None, "has other content"),
        ("too short", &whole[..2999], Some(3000), "should have 3000 bytes and has 2999"),
        ("too short, size unknown", &whole[..2999], None, "has other content"),
        ("empty", &[], Some(3000), "should have 3000 bytes and has 0"),
    ];
    for (name, content, size, want) in cases {
        let store = store();
        let mut partial = begin(&store, &digest, size);
        partial.append(content).expect("there is room");
        let error = partial.finish().expect_err(name);
        assert_eq!(error.class(), ExitClass::Verification, "{name}");
        let said = crate::error::sentence(&error);
        assert!(said.contains(want) && said.contains(&digest.to_string()), "{name}: {said}");
        assert!(files(&store.place.partials()).is_empty(), "{name}");
        assert!(store.get(&digest, None).expect("readable").is_none(), "{name}");
    }
}

#[test]
fn a_wrong_part_says_that_it_was_continued() {
    let store = store();
    let whole = bytes(3000);
    let digest = Digest::of(&whole);
    leave(&store, &digest, None, b"from another world");
    let mut partial = begin(&store, &digest, 3000);
    partial.append(&whole[18..]).expect("there is room");
    let error = partial.finish().expect_err("the beginning is wrong");
    assert!(matches!(error, StoreError::Mismatch { resumed: 18, .. }), "{error:?}");
    assert!(!error.hints().is_empty());
    leave(&store, &digest, None, b"from another world");
    let mut partial = begin(&store, &digest, 3000);
    partial.restart().expect("it can be truncated");
    partial.append(&whole).expect("there is room");
    assert_eq!(content(&partial.finish().expect("all of it is new")), whole);
}

#[test]
fn more_than_announced_is_never_written() {
    let store = store();
    let whole = bytes(3000);
    let mut partial = begin(&store, &Digest::of(&whole), 3000);
    partial.append(&whole).expect("as announced");
    let error = partial.append(b"!").expect_err("one too many");
    assert!(crate::error::sentence(&error).contains("3000 bytes and has 3001 or more"), "{error:?}");
    assert_eq!(files(&store.place.partials())[0].metadata().expect("there").len(), 3000);
    partial.finish().expect_err("who sends too much is not believed");
    assert!(files(&store.place.partials()).is_empty());
    // Through `Write`, the error is still the store's own.
    let mut partial = begin(&store, &Digest::of(&whole), 10);
    let error = partial.write_all(&whole).expect_err("too much");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
    assert!(matches!(inner, Some(StoreError::Mismatch { .. })), "{error:?}");
}

#[test]
fn a_digest_may_be_announced_last() {
    let store = store();
    let whole = bytes(3000);
    for (digest, size, right) in
        [(Digest::of(&whole), 3000, true), (Digest::of(b""), 3000, false), (Digest::of(&whole), 1, false)]
    {
        let mut partial = store.begin_unnamed().expect("the store can be written");
        partial.append(&whole).expect("there is room");
        assert_eq!(partial.finish_as(&digest, size).is_ok(), right, "{digest} {size}");
    }
    drop(store.begin_unnamed().expect("the store can be written"));
    assert!(files(&store.place.partials()).is_empty());
}

#[test]
fn a_second_writer_waits_and_then_has_it() {
    let store = store();
    let whole = bytes(200_000);
    let digest = Digest::of(&whole);
    let mut partial = begin(&store, &digest, 200_000);
    partial.append(&whole[..1000]).expect("there is room");
    assert!(matches!(store.try_begin(&digest, 200_000), Ok(Begun::Busy)));
    let cleaned = store.clean(&Keep::Nothing).expect("it can be cleaned");
    assert_eq!((cleaned.removed, cleaned.in_use), (0, 1), "what is being written stays");
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| matches!(store.begin(&digest, 200_000), Ok(Begun::Held(_)))))
            .collect();
        next_tick();
        partial.append(&whole[1000..]).expect("there is room");
        drop(partial.finish().expect("it is right"));
        assert!(waiters.into_iter().all(|waiter| waiter.join().expect("it does not panic")));
    });
    assert!(files(&store.place.partials()).is_empty());
}

#[test]
fn after_a_writer_that_failed_the_next_one_writes() {
    let store = store();
    let whole = bytes(2000);
    let digest = Digest::of(&whole);
    let partial = begin(&store, &digest, 2000);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..6)
            .map(|number| {
                let (store, digest, whole) = (&store.store, &digest, &whole);
                scope.spawn(move || match store.begin(digest, 2000).expect("the store can be written") {
                    Begun::Write(mut partial) if number % 2 == 0 => {
                        partial.append(&[0; 2000]).expect("there is room");
                        partial.finish().expect_err("it is wrong");
                        false
                    }
                    Begun::Write(mut partial) => {
                        partial.append(whole).expect("there is room");
                        partial.finish().expect("it is right");
                        true
                    }
                    Begun::Held(_) => false,
                    Begun::Busy => panic!("it waits"),
                })
            })
            .collect();
        next_tick();
        drop(partial);
        let wrote = writers.into_iter().map(|writer| writer.join().expect("no panic"));
        assert_eq!(wrote.filter(|wrote| *wrote).count(), 1, "one of them writes it, for all");
    });
}
