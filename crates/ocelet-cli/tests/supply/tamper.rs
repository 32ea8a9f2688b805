//! Flipped bits as a user meets them: exit code 3, with the file, what was wanted and what was got; and a next run
//! that succeeds. Every place of every file is flipped in the library's own tests.

use ocelet_oci::Digest;

use ocelet_testkit::files_below;

use crate::place::{Place, RECIPE};

const OFFLINE: [&str; 4] = ["--offline", "--mirror", "fixtures/mirror", "--quiet"];

fn assemble(place: &Place, more: &[&str]) -> ocelet_testkit::Said {
    let arguments = [
        "assemble",
        RECIPE,
        "--locked",
        "--output",
        "out",
        "--flavor",
        "kubelet",
        "--platform",
        "linux/amd64",
    ];
    place.run(&[&arguments, &OFFLINE[..], more].concat())
}

/// Files of the embedded mirror of each kind, and whether images are made of them.
const FILES: [&str; 7] = [
    "packages.example.org/alpine/v3.22/main/x86_64/APKINDEX.tar.gz",
    "packages.example.org/alpine/v3.22/main/x86_64/busybox-1.37.0-r18.apk",
    "downloads.example.org/cni-plugins/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz",
    "downloads.example.org/flannel/v0.27.0/flannel-v0.27.0-linux-amd64.tar.zst",
    "downloads.example.org/credential-provider/v1.4.0/credential-provider-v1.4.0-linux-x86_64.zip",
    "downloads.example.org/credential-provider/v1.4.0/SHA256SUMS",
    "dl.example.org/release/v1.36.4/bin/linux/amd64/kubelet.sha256",
];

#[test]
fn a_damaged_mirror_is_refused_with_the_file_and_both_digests() {
    let place = Place::bundle();
    let lock = place.text("recipes/bundle-node.lock");
    for (number, file) in FILES.iter().enumerate() {
        let name = format!("fixtures/mirror/{file}");
        let right = place.read(&name);
        place.flip(
            &name,
            [0, right.len() / 2, right.len() - 1][number % 3],
            u8::try_from(number).expect("small"),
        );
        let (wanted, got) = (Digest::of(&right).hex(), Digest::of(&place.read(&name)).hex());
        let words = [name.as_str(), &wanted, &got];
        if place.path("cache").exists() {
            place.remove("cache");
        }
        assemble(&place, &[]).fails(3, &words);
        assert!(!place.path("out").exists(), "nothing is written");
        place.remove("recipes/bundle-node.lock");
        place.run_afresh(&[&["lock", RECIPE, "--update"], &OFFLINE[..]].concat()).fails(3, &words);
        assert!(!place.path("recipes/bundle-node.lock").exists(), "nothing is written");
        place.write("recipes/bundle-node.lock", lock.as_bytes());
        place.write(&name, &right);
    }
    assemble(&place, &[]).succeeds();
}

#[test]
fn a_damaged_page_of_sums_is_refused() {
    let place = Place::bundle();
    let name = "fixtures/mirror/SHA256SUMS";
    let page = place.text(name);
    // A line that this recipe asks for.
    let start = page.find("  dl.example.org/release/").expect("it is listed") - 64;
    let line = format!("line {}", page[..start].lines().count() + 1);
    for (at, words) in [
        (start, &["has sha256", "but the mirror's SHA256SUMS wants"][..]),
        (start + 64, &["SHA256SUMS is damaged", &line]),
        (start + 66, &["SHA256SUMS does not list it"]),
        (page.len() - 1, &["SHA256SUMS is damaged", "cut off"]),
    ] {
        place.flip(name, at, 0);
        place.remove("recipes/bundle-node.lock");
        place.run_afresh(&[&["lock", RECIPE], &OFFLINE[..]].concat()).fails(3, words);
        place.write(
            "recipes/bundle-node.lock",
            &std::fs::read(crate::place::repository().join("recipes/bundle-node.lock")).expect("a lock"),
        );
        place.write(name, page.as_bytes());
    }
}

#[test]
fn a_damaged_cache_is_refused_once_and_then_filled_again() {
    let place = Place::bundle();
    assemble(&place, &[]).succeeds();
    let lock = place.text("recipes/bundle-node.lock");
    let wanted: Vec<&str> = lock
        .split("[[package]]")
        .filter(|entry| entry.contains("linux/amd64") && entry.contains("/busybox-"))
        .filter_map(|entry| entry.split("sha256 = \"").nth(1)?.get(..64))
        .collect();
    let [busybox] = wanted[..] else { panic!("{wanted:?}") };
    let beneath = |kind: &str| {
        let files = files_below(&place.path(&format!("cache/v1/{kind}")));
        files.into_iter().map(|file| format!("cache/v1/{kind}/{file}")).collect::<Vec<_>>()
    };
    let of = |kind: &str, hex: &str| format!("cache/v1/{kind}/{}/{}", &hex[..2], &hex[2..]);

    let blob = of("blobs/sha256", busybox);
    place.flip(&blob, 100, 3);
    let words = [blob.as_str(), "wanted sha256:", "got sha256:", busybox, "run again"];
    assemble(&place, &[]).fails(3, &words);
    assemble(&place, &[]).succeeds();

    let records = beneath("derived");
    assert!(records.iter().any(|record| record.contains("apk-data")), "{records:?}");
    for record in records.iter().step_by(15) {
        let middle = place.read(record).len() / 2;
        place.flip(record, middle, 0);
        assemble(&place, &[]).fails(3, &[record, "damaged: wanted", "got sha256:", "run again"]);
        assemble(&place, &[]).succeeds();
    }

    // What was inflated is content too.
    let record = place.text(&of("derived/apk-data.1", busybox));
    let inflated =
        record.split(|one: char| !one.is_ascii_hexdigit()).find(|word| word.len() == 64).expect("a digest");
    let blob = of("blobs/sha256", inflated);
    place.flip(&blob, 600, 1);
    assemble(&place, &[]).fails(3, &[&blob, inflated, "got sha256:", "run again"]);
    assemble(&place, &[]).succeeds();

    // A witness only saves hashing: without it, or with a wrong one, the file is hashed again.
    for witness in beneath("witness").iter().step_by(7) {
        let last = place.read(witness).len() - 1;
        place.flip(witness, last / 2, 0);
    }
    assemble(&place, &[]).succeeds();
    place.run(&["cache", "verify"]).succeeds();
}

#[test]
fn a_changed_lock_is_refused() {
    let place = Place::bundle();
    let text = place.text("recipes/bundle-node.lock");
    let entry = text
        .split("[[package]]")
        .find(|one| one.contains("/x86_64/musl-"))
        .expect("musl is locked")
        .to_owned();
    for (from, to, code, words) in [
        ("sha256 = \"", "sha256 = \"0", 1, "not 64 hexadecimal digits"),
        ("version = \"1.2.5", "version = \"1.2.4", 3, "its file says that it is musl-1.2.5-r10"),
        ("name = \"musl", "name = \"muzl", 3, "its file says that it is musl-1.2.5-r10"),
        (
            "main/x86_64/musl-1.2.5-r10.apk\"\nsize",
            "main/x86_64/musl-1.2.4-r10.apk\"\nsize",
            4,
            "musl-1.2.4-r10.apk",
        ),
        ("size = 2", "size = 3", 3, "were wanted"),
        ("identity = \"Q1", "identity = \"Q1AAAA", 3, "musl-1.2.5-r10"),
        ("platform = \"linux/amd64", "platform = \"linux/amd65", 1, "linux/amd65"),
    ] {
        assert!(entry.contains(from), "{from}: {entry}");
        let damaged = text.replace(&entry, &entry.replace(from, to));
        place.write("recipes/bundle-node.lock", damaged.as_bytes());
        if place.path("cache").exists() {
            place.remove("cache");
        }
        assemble(&place, &[]).fails(code, &[words]);
    }
    // Whoever takes an entry out takes away what the images are made of.
    let without = text.replace(&format!("[[package]]{entry}"), "");
    place.write("recipes/bundle-node.lock", without.as_bytes());
    let said = assemble(&place, &[]);
    assert!([1, 3].contains(&said.code) && said.err.contains("musl"), "{}", said.err);
}
