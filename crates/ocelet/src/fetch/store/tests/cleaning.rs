//! What is listed, what verification tells, and what cleaning leaves.

use std::collections::BTreeSet;
use std::io::Write as _;

use super::*;
use crate::fetch::store::{Entry, Keep, Kind, StoreError};

fn derive(store: &Store, input: &Digest, kind: &'static str, output: &[u8]) -> Digest {
    let made = store.derive(input, Kind::new(kind), |sink| -> Result<(), StoreError> {
        sink.write_all(output).expect("there is room");
        Ok(())
    });
    *made.expect("it can be made").digest()
}

/// Makes it look as if a blob was used last at this time.
fn used_at(store: &Store, digest: &Digest, seconds: u64) {
    let file = File::open(store.place.witness(digest)).expect("there");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    file.set_times(FileTimes::new().set_accessed(time).set_modified(time)).expect("ours");
}

#[test]
fn a_list_names_everything_in_order() {
    let store = store();
    assert_eq!(store.list().expect("empty"), crate::fetch::store::Inventory::default());
    let one = *put(&store, b"one").digest();
    let two = derive(&store, &one, "doubled.1", b"oneone");
    let mut partial = begin(&store, &Digest::of(b"three"), 5);
    partial.append(b"thr").expect("room");
    let inventory = store.list().expect("readable");
    let digests: Vec<Digest> = inventory.blobs.iter().map(|entry| entry.digest).collect();
    assert_eq!(digests, BTreeSet::from([one, two]).into_iter().collect::<Vec<_>>());
    let made: Vec<&Entry> = inventory.blobs.iter().filter(|entry| !entry.made_from.is_empty()).collect();
    assert_eq!((made.len(), made[0].digest, made[0].made_from[0].input), (1, two, one));
    assert_eq!(made[0].made_from[0].kind, "doubled.1");
    let unfinished = &inventory.unfinished[0];
    assert_eq!(
        (unfinished.name.as_str(), unfinished.size, unfinished.in_use),
        (Digest::of(b"three").hex().as_str(), 3, true)
    );
    drop(partial);
    assert!(!store.list().expect("readable").unfinished[0].in_use);
}

/// What to keep, by the digest of the input.
type Build = fn(&Digest) -> Keep;

#[test]
fn cleaning_keeps_what_it_is_told_to() {
    let [old, new] = [100, 200];
    // (what to keep, which of: input, derived, derived of derived, unused)
    let cases: [(&str, Build, [bool; 4]); 6] = [
        ("nothing", |_| Keep::Nothing, [false; 4]),
        ("all by age", |_| Keep::UsedSince(100), [true; 4]),
        ("new by age", |_| Keep::UsedSince(101), [true, true, true, false]),
        ("none by age", |_| Keep::UsedSince(201), [false; 4]),
        ("input by name", |input| Keep::Only(BTreeSet::from([*input])), [true, true, true, false]),
        (
            "output by name",
            |_| Keep::Only(BTreeSet::from([Digest::of(b"derived")])),
            [false, true, true, false],
        ),
    ];
    for (name, keep, want) in cases {
        let store = store();
        let input = *put(&store, b"input").digest();
        let derived = derive(&store, &input, "first", b"derived");
        let twice = derive(&store, &derived, "second", b"derived again");
        let unused = *put(&store, b"unused").digest();
        for (digest, time) in [(input, new), (derived, new), (twice, new), (unused, old)] {
            used_at(&store, &digest, time);
        }
        let cleaned = store.clean(&keep(&input)).expect("it can be cleaned");
        let there = [input, derived, twice, unused].map(|digest| store.place.blob(&digest).exists());
        assert_eq!(there, want, "{name}");
        assert_eq!(cleaned.kept, want.iter().filter(|kept| **kept).count(), "{name}");
        assert_eq!(cleaned.removed, 4 - cleaned.kept, "{name}");
        assert_eq!(files(&store.place.witnesses()).len(), cleaned.kept, "{name}");
        assert_eq!(
            files(&store.place.records()).len(),
            usize::from(want[1]) + usize::from(want[2]),
            "{name}"
        );
        assert!(store.verify().expect("readable").problems.is_empty(), "{name}");
    }
}

#[test]
fn a_cleaned_blob_stays_readable_and_can_be_had_again() {
    let store = store();
    let whole = bytes(200_000);
    let held = put(&store, &whole);
    leave_everything(&store);
    store.clean(&Keep::Nothing).expect("it can be cleaned");
    assert_eq!(content(&held), whole);
    assert!(store.get(held.digest(), None).expect("readable").is_none());
    assert_eq!(
        files(store.directory()),
        [store.directory().join("CACHEDIR.TAG"), store.directory().join("v2/blob")]
    );
    put(&store, &whole);
}

/// What dead writers and damage leave, and what another version keeps.
fn leave_everything(store: &Store) {
    begin(store, &Digest::of(b"x"), None).append(b"part").expect("room");
    std::fs::write(store.place.partials().join("new-left"), "left").expect("room");
    let damaged = *put(store, b"damaged").digest();
    flip(&store.place.blob(&damaged), 0);
    store.get(&damaged, None).expect_err("damaged");
    std::fs::create_dir(store.directory().join("v2")).expect("room");
    std::fs::write(store.directory().join("v2/blob"), "of a later version").expect("room");
}

#[test]
fn verification_finds_everything_at_once() {
    let store = store();
    let digests: Vec<Digest> = (0..6_u8).map(|number| *put(&store, &[number; 999]).digest()).collect();
    let derived = derive(&store, &digests[0], "first", b"derived");
    next_tick();
    let sound = store.verify().expect("readable");
    assert_eq!((sound.blobs, sound.bytes, sound.problems.len()), (7, 6 * 999 + 7, 0));
    flip(&store.place.blob(&digests[1]), 998);
    flip(&store.place.record(&digests[0], "first"), 9);
    std::fs::remove_file(store.place.blob(&digests[2])).expect("there");
    std::os::unix::fs::symlink("/etc/hostname", store.place.blob(&digests[2])).expect("room");
    let version = store.place.version();
    let strangers =
        ["README", "blobs/sha512", "blobs/sha256/zz", "blobs/sha256/ab-", "partial/x", "derived/x"];
    for stranger in strangers {
        std::fs::write(version.join(stranger), "").expect("room");
    }
    std::fs::write(store.place.blob(&derived).with_file_name("name"), "").expect("room");
    let found = store.verify().expect("readable");
    let said: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(found.blobs, 5, "{said:#?}");
    assert_eq!(found.problems.iter().filter(|problem| problem.is_damage()).count(), 3, "{said:#?}");
    assert_eq!(
        found.problems.iter().filter(|problem| !problem.is_error()).count(),
        strangers.len() + 1,
        "{said:#?}"
    );
    for want in ["is damaged: wanted", "got a symbolic link", "the record", "blobs/sha256/zz does not belong"]
    {
        assert!(said.iter().any(|said| said.contains(want)), "{want}: {said:#?}");
    }
    let again = store.verify().expect("readable");
    assert!(!again.problems.iter().any(super::super::Problem::is_damage), "the damaged were moved aside");
    assert_eq!(store.list().expect("readable").set_aside.len(), 3);
}
