//! One flipped bit anywhere: in each file of the embedded mirror, at each place of it that something else guards, and
//! in each byte of a small index, package and page of sums. All of it over the library, since it is thousands of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ocelet::fetch::Supply;
use ocelet::fetch::store::Store;
use ocelet::host::{Host, Scratch};
use ocelet::lock::{Lock, Vouched, mirror_path, parse};
use ocelet::locking;
use ocelet::net::{FileOnly, Mirror, Patience, ThreadSleeper};
use ocelet::recipe::{self, Context, Recipe};
use ocelet::resolve::Update;
use ocelet::{Error, ExitClass, Options, Provisions, Silent};
use ocelet_oci::Digest;
use ocelet_package::apk::Members;

use ocelet_testkit::files_below;

use crate::backend::{BACKENDS, described};
use crate::scene::{Scene, quick_directory, recipe};

/// The embedded mirror, copied to where it may be damaged, with its recipe and lock.
struct Bundle {
    directory: tempfile::TempDir,
    recipe: Recipe,
    lock: Lock,
    mirror: PathBuf,
}

/// Where a bit is flipped; nothing where a file has no such place.
#[derive(Debug, Clone, Copy)]
enum Place {
    First,
    /// The time in a gzip header (RFC 1952, 2.3: bytes 4 to 7), which inflates to nothing.
    Time,
    /// The operating system in a gzip header (byte 9).
    System,
    /// In the middle of the member of that number: signature, control, data.
    Member(usize),
    Middle,
    Last,
}

const PLACES: [Place; 8] = [
    Place::First,
    Place::Time,
    Place::System,
    Place::Member(0),
    Place::Member(1),
    Place::Member(2),
    Place::Middle,
    Place::Last,
];

impl Place {
    fn of(self, bytes: &[u8]) -> Option<usize> {
        let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
        match self {
            Self::First => Some(0),
            Self::Time => is_gzip.then_some(5),
            Self::System => is_gzip.then_some(9),
            Self::Member(number) => {
                let mut members = Members::new(bytes);
                let member = (0..=number).map(|_| members.next_member(1 << 20).ok()?).last()??;
                Some(usize::midpoint(member.range.start, member.range.end))
            }
            Self::Middle => Some(bytes.len() / 2),
            Self::Last => Some(bytes.len() - 1),
        }
    }
}

/// A file that was damaged: its bytes before, and both digests.
struct Damage {
    before: Vec<u8>,
    wanted: String,
    got: String,
}

impl Bundle {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let directory = quick_directory();
        for part in ["fixtures/mirror", "fixtures/keys"] {
            for file in files_below(&root.join(part)) {
                let to = directory.path().join(part).join(&file);
                std::fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
                std::fs::copy(root.join(part).join(&file), to).expect("a file");
            }
        }
        std::fs::create_dir(directory.path().join("recipes")).expect("a directory");
        let read = |name: &str| std::fs::read_to_string(root.join("recipes").join(name)).expect(name);
        let known_rules = ocelet::rules().names().map(str::to_owned).collect();
        let context = Context { known_rules, ..Context::default() };
        let recipe = recipe::parse(&read("bundle-node.toml"), &context).expect("a good recipe").recipe;
        let lock = parse(&read("bundle-node.lock")).expect("a good lock");
        let mirror = directory.path().join("fixtures/mirror");
        Self { directory, recipe, lock, mirror }
    }

    /// Calls the library offline, over the mirror and a cache that holds nothing.
    fn with<V>(&self, work: impl FnOnce(&Supply<'_>, &Host<'_>) -> V) -> V {
        let cache = tempfile::tempdir_in(self.directory.path()).expect("a directory");
        let supply = Supply {
            store: Store::open(cache.path().join("store")).expect("a store"),
            source: &FileOnly,
            sleeper: &ThreadSleeper,
            patience: Patience::default(),
            mirrors: vec![Mirror::directory(&self.mirror)],
            base: self.directory.path().join("recipes"),
            now: 0,
            apt_root: "/nowhere".into(),
        };
        let scratch = Scratch::new(cache.path());
        let jobs = NonZeroUsize::new(2).expect("two");
        work(&supply, &Host { jobs, epoch: None, scratch: &scratch, observer: &Silent })
    }

    /// Locks anew, from nothing.
    fn lock(&self) -> Result<Lock, Error> {
        let locked =
            self.with(|supply, host| locking::lock(&self.recipe, None, &Update::Everything, supply, host));
        locked.map_err(Error::from)
    }

    /// Assembles what the lock names. It must not come to writing images.
    fn assemble(&self) -> Error {
        let output = self.directory.path().join("out");
        let result = self.with(|supply, host| {
            let provisions = Provisions { lock: &self.lock, supply };
            let rules = ocelet::rules();
            let base = &self.directory.path().join("recipes");
            ocelet::assemble(&self.recipe, Some(provisions), &rules, base, &output, &Options::default(), host)
        });
        assert!(!output.exists(), "nothing is written");
        result.expect_err("it is damaged")
    }

    /// The indexes, the files of sums, and all else that the recipe's lock names.
    fn named(&self) -> [BTreeSet<String>; 3] {
        let sums = self.lock.artifacts.iter().filter_map(|one| match &one.vouched {
            Vouched::Sums(location) => Some(mirror_path(location)),
            _ => None,
        });
        let packages = self.lock.packages.iter().map(|one| one.file.path.clone());
        let artifacts = self.lock.artifacts.iter().map(|one| one.file.path.clone());
        let indexes = self.lock.indexes.iter().map(|one| one.file.path.clone());
        [indexes.collect(), sums.collect(), packages.chain(artifacts).collect()]
    }

    /// Flips a bit in each of the files that has the place.
    fn damage(&self, files: &BTreeSet<String>, place: Place, bit: u8) -> BTreeMap<String, Damage> {
        let mut damaged = BTreeMap::new();
        for file in files {
            let before = std::fs::read(self.mirror.join(file)).expect(file);
            let Some(at) = place.of(&before) else { continue };
            let mut bytes = before.clone();
            bytes[at] ^= 1 << bit;
            std::fs::write(self.mirror.join(file), &bytes).expect(file);
            let (wanted, got) = (Digest::of(&before).hex(), Digest::of(&bytes).hex());
            damaged.insert(file.clone(), Damage { before, wanted, got });
        }
        damaged
    }

    fn repair(&self, damaged: &BTreeMap<String, Damage>) {
        for (file, damage) in damaged {
            std::fs::write(self.mirror.join(file), &damage.before).expect(file);
        }
    }
}

/// Asserts that an error is about verification, and names each file with what was wanted and what was got.
fn names_all(what: &str, error: &Error, damaged: &BTreeMap<String, Damage>) {
    let text = error.to_string();
    assert_eq!(error.class(), ExitClass::Verification, "{what}: {text}");
    for (file, damage) in damaged {
        for word in [&format!("fixtures/mirror/{file}"), &damage.wanted, &damage.got] {
            assert!(text.contains(word.as_str()), "{what}, {file}: no {word} in {text}");
        }
    }
}

#[test]
fn a_flipped_bit_in_any_file_of_a_mirror_is_refused_with_its_name() {
    let bundle = Bundle::new();
    let mut cases = 0;
    for files in &bundle.named() {
        for (number, place) in (0_u8..).zip(PLACES) {
            let damaged = bundle.damage(files, place, number);
            if damaged.is_empty() {
                continue;
            }
            cases += damaged.len();
            let what = format!("{place:?}");
            names_all(&format!("assemble, {what}"), &bundle.assemble(), &damaged);
            names_all(&format!("lock, {what}"), &bundle.lock().expect_err(&what), &damaged);
            bundle.repair(&damaged);
        }
    }
    // Files of one content in two places count twice; so do the sums that several releases share, once.
    assert!(cases > 900, "{cases} cases");
    assert_eq!(bundle.lock().expect("all is repaired").to_text(), bundle.lock.to_text());
}

#[test]
fn each_damaged_file_alone_is_enough() {
    let bundle = Bundle::new();
    let all: Vec<String> = bundle.named().into_iter().flatten().collect();
    for (number, file) in all.iter().enumerate().step_by(13) {
        let place = PLACES[number % 3];
        let damaged = bundle.damage(&BTreeSet::from([file.clone()]), place, 6);
        if damaged.is_empty() {
            continue;
        }
        names_all("lock", &bundle.lock().expect_err(file), &damaged);
        // Where another file has the same bytes, assembling takes those.
        let digest = &damaged[file].wanted;
        let platforms = bundle.recipe.platforms.iter().map(|at| at.value.clone()).collect();
        let locked = bundle.lock.files(&platforms);
        if locked.iter().filter(|(_, one)| one.sha256.hex() == *digest).count() < 2 {
            names_all("assemble", &bundle.assemble(), &damaged);
        }
        bundle.repair(&damaged);
    }
}

#[test]
fn without_its_page_of_sums_a_mirror_still_cannot_pass_other_packages_and_artifacts_off() {
    let bundle = Bundle::new();
    std::fs::remove_file(bundle.mirror.join("SHA256SUMS")).expect("it is there");
    let [_, _, files] = bundle.named();
    for (number, place) in (0_u8..).zip(PLACES) {
        let damaged = bundle.damage(&files, place, number);
        names_all("assemble", &bundle.assemble(), &damaged);
        bundle.repair(&damaged);
    }
}

#[test]
fn files_of_a_mirror_that_no_lock_names_are_not_read() {
    let bundle = Bundle::new();
    let named: BTreeSet<String> = bundle.named().into_iter().flatten().collect();
    let mut others = files_below(&bundle.mirror);
    others.retain(|file| !named.contains(file) && file != "SHA256SUMS");
    let damaged = bundle.damage(&others, Place::Middle, 0);
    assert!(!damaged.is_empty(), "the mirror lists older versions");
    assert_eq!(bundle.lock().expect("they are not asked for").to_text(), bundle.lock.to_text());
}

#[test]
fn mirroring_into_a_damaged_mirror_makes_it_right_again() {
    let bundle = Bundle::new();
    let to = bundle.directory.path().join("to");
    let mirror =
        || bundle.with(|supply, host| locking::mirror(&bundle.recipe, &bundle.lock, &to, supply, host));
    let files = mirror().expect("all is there").files;
    let page = std::fs::read(to.join("SHA256SUMS")).expect("a page");
    let named: BTreeSet<String> = bundle.named().into_iter().flatten().collect();
    assert_eq!(files, named.len());
    for file in &named {
        let mut bytes = std::fs::read(to.join(file)).expect(file);
        bytes[0] ^= 0x10;
        std::fs::write(to.join(file), bytes).expect(file);
    }
    // Another sum than the file's is put right; a page that cannot be read is refused.
    let other = String::from_utf8(page.clone()).expect("text").replace("0  ", "1  ");
    std::fs::write(to.join("SHA256SUMS"), other).expect("a page");
    let report = mirror().expect("all is there");
    assert_eq!((report.written, report.replaced.len()), (files, files));
    assert_eq!(std::fs::read(to.join("SHA256SUMS")).expect("a page"), page);
    for file in &named {
        let [copy, own] = [&to, &bundle.mirror].map(|root| std::fs::read(root.join(file)).expect(file));
        assert_eq!(copy, own, "{file}");
    }
    for (at, bit) in [(0, 0x40), (64, 0x01), (page.len() - 1, 0x02), (3, 0x80)] {
        let mut bytes = page.clone();
        bytes[at] ^= bit;
        std::fs::write(to.join("SHA256SUMS"), bytes).expect("a page");
        let error = Error::from(mirror().expect_err("the page is damaged"));
        assert_eq!(error.class(), ExitClass::Verification, "{error}");
        assert!(error.to_string().contains("to/SHA256SUMS is damaged"), "{error}");
    }
}

#[test]
fn every_byte_of_a_page_of_sums_counts() {
    let mut scene = Scene::new();
    scene.mirrors = vec![Mirror::directory(scene.path("m"))];
    scene.file("m/local/r/a", b"a");
    let page = format!("{}  local/r/a\n", Digest::of(b"a").hex()).into_bytes();
    let recipe = recipe("[source.a]\nartifact = 'r/a'\ninstall = '/a'\n[flavor.x]\nfiles = ['/a']\n");
    for at in 0..page.len() {
        for bit in 0..8 {
            let mut damaged = page.clone();
            damaged[at] ^= 1 << bit;
            scene.file("m/SHA256SUMS", &damaged);
            scene.refused(
                &format!("byte {at}, bit {bit}"),
                &recipe,
                ExitClass::Verification,
                &["SHA256SUMS"],
            );
        }
    }
    scene.file("m/SHA256SUMS", &page);
    scene.lock(&recipe, None).expect("it is right");
}

/// The part of a file that something signed or listed vouches for: all of it, but for what wraps a signature.
fn vouched_for(file: &str, bytes: &[u8]) -> Range<usize> {
    let all = 0..bytes.len();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // RFC 1952: time, extra flags and system of the first header say nothing of the content.
        let signature = Members::new(bytes).next_member(1 << 20).expect("gzip").expect("one");
        return signature.range.end..all.end;
    }
    let find = |words: &str| bytes.windows(words.len()).position(|window| window == words.as_bytes());
    match find("\n\n").zip(find("\n-----BEGIN PGP SIGNATURE")) {
        // RFC 9580, 7: between the headers of the armor and the line break before the signature.
        Some((header, end)) if file.ends_with("InRelease") => header + 2..end,
        _ => all,
    }
}

#[test]
fn every_byte_of_an_index_and_a_package_counts_but_what_only_wraps_the_signature() {
    for backend in BACKENDS {
        let recipe = backend.recipe("'tool'");
        let scene = backend.scene(&[described("tool", "1.0-r0")]);
        for file in backend.files() {
            let right = std::fs::read(scene.path(file)).expect(file);
            let mut unnoticed = BTreeSet::new();
            for at in 0..right.len() {
                let mut damaged = right.clone();
                damaged[at] ^= 1 << (at % 8);
                scene.file(file, &damaged);
                scene.forget();
                match scene.lock(&recipe, None) {
                    Ok(_) => drop(unnoticed.insert(at)),
                    Err(error) => {
                        let text = error.to_string();
                        assert_eq!(error.class(), ExitClass::Verification, "{file}, byte {at}: {text}");
                        assert!(text.contains(file), "{file}, byte {at}: {text}");
                    }
                }
            }
            scene.file(file, &right);
            let vouched = vouched_for(file, &right);
            let within: Vec<&usize> = unnoticed.iter().filter(|at| vouched.contains(at)).collect();
            assert_eq!(within, Vec::<&usize>::new(), "{file}: nothing signed may change");
            assert!(unnoticed.len() < 32, "{file}: {unnoticed:?}");
        }
    }
}

/// The key of an entry, which character of its value is changed, and what the refusal says.
const OF_ENTRIES: [(&str, &str, usize, ExitClass, &str); 9] = [
    ("[[artifact]]", "path = \"", 0, ExitClass::Unavailable, "no such file"),
    ("[[artifact]]", "size = ", 1, ExitClass::Verification, "bytes where"),
    ("[[artifact]]", "sha256 = \"", 0, ExitClass::Verification, "the content is wrong: wanted sha256"),
    ("[[package]]", "path = \"", 0, ExitClass::Unavailable, "no such file"),
    ("[[package]]", "size = ", 1, ExitClass::Verification, "bytes where"),
    ("[[package]]", "sha256 = \"", 63, ExitClass::Verification, "the content is wrong: wanted sha256"),
    (
        "[[package]]",
        "name = \"",
        0,
        ExitClass::Verification,
        "its file says that it is alpine-baselayout-3.7.0-r0",
    ),
    (
        "[[package]]",
        "version = \"",
        0,
        ExitClass::Verification,
        "its file says that it is alpine-baselayout-3.7.0-r0",
    ),
    (
        "[[package]]",
        "identity = \"",
        4,
        ExitClass::Verification,
        "Q134J5/2nXO/u0k62X1ZJj6bKq2VA=; it is another build",
    ),
];

#[test]
fn a_changed_character_in_an_entry_of_a_lock_is_refused() {
    let mut bundle = Bundle::new();
    let text = bundle.lock.to_text();
    for (table, key, number, class, words) in OF_ENTRIES {
        let entry = text.find(table).expect("there is one");
        let value = text[entry..].find(&format!("\n{key}")).expect(key) + entry + 1 + key.len() + number;
        let mut damaged = text.clone().into_bytes();
        damaged[value] ^= 1;
        let damaged = String::from_utf8(damaged).expect("one bit of a letter");
        bundle.lock = parse(&damaged).expect("it is a lock still");
        let error = bundle.assemble();
        assert_eq!(error.class(), class, "{table} {key}: {error}");
        assert!(error.to_string().contains(words), "{table} {key}: {error}");
    }
}

#[test]
fn no_bit_of_a_lock_makes_reading_it_panic() {
    let text = Bundle::new().lock.to_text().into_bytes();
    // Every table is like the ones before it.
    for at in (0..text.len()).step_by(397) {
        let mut damaged = text.clone();
        damaged[at] ^= 1 << (at % 7);
        let damaged = String::from_utf8(damaged).expect("the lock is ASCII");
        if let Ok(lock) = parse(&damaged) {
            assert_eq!(parse(&lock.to_text()).expect("our own text"), lock, "byte {at}");
        }
    }
}
