//! Releases: who vouches for them, what is refused, what is taken on first use, and where else they can be had.

use ocelet::ExitClass::{Unavailable, Verification};
use ocelet::lock::Vouched;
use ocelet::locking;
use ocelet::net::Mirror;
use ocelet::recipe::Location;
use ocelet_oci::Digest;
use sha2::{Digest as _, Sha512};

use crate::scene::{Scene, built, recipe, says};

const THING: &[u8] = b"the thing";

/// A recipe with one release, and more keys of its source.
fn thing(keys: &str) -> String {
    format!(
        "[source.thing]\nartifact = 'release/1.0/thing'\ninstall = '/usr/bin/thing'\n{keys}\n[flavor.x]\ncommands = ['thing']\n"
    )
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()
}

fn sha512(bytes: &[u8]) -> String {
    let digest = Sha512::digest(bytes);
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// A release and what stands beside it.
fn released(files: &[(&str, String)]) -> Scene {
    let scene = Scene::new();
    scene.file("release/1.0/thing", THING);
    for (name, text) in files {
        scene.file(&format!("release/1.0/{name}"), text.as_bytes());
    }
    scene
}

#[test]
fn the_lock_says_who_vouches() {
    let sums = |file: &str| Vouched::Sums(Location::Path(format!("release/1.0/{file}")));
    let (short, long) = (sha256(THING), sha512(THING));
    for (keys, files, want) in [
        (format!("sha256 = '{short}'"), vec![], Vouched::Recipe),
        (
            "checksum = 'release/1.0/thing.sha256'".to_owned(),
            vec![("thing.sha256", format!("{short}\n"))],
            sums("thing.sha256"),
        ),
        (
            "checksum = 'release/1.0/thing.sha512'".to_owned(),
            vec![("thing.sha512", format!("{long}  thing\n"))],
            sums("thing.sha512"),
        ),
        (
            "checksum = 'release/1.0/SHA512SUMS'".to_owned(),
            vec![("SHA512SUMS", format!("{}  other\n{long} *thing\n", sha512(b"")))],
            sums("SHA512SUMS"),
        ),
        (
            "checksum = 'release/1.0/SUMS'".to_owned(),
            vec![("SUMS", format!("{}  other\n{short}  dist/thing\n", sha256(b"")))],
            sums("SUMS"),
        ),
        (
            "checksum = 'release/1.0/SUMS'".to_owned(),
            vec![("SUMS", format!("SHA256 (thing) = {short}\n"))],
            sums("SUMS"),
        ),
        (String::new(), vec![("thing.sha256", "not looked at".to_owned())], Vouched::FirstUse),
    ] {
        let scene = released(&files);
        let lock = scene.lock(&recipe(&thing(&keys)), None).unwrap_or_else(|error| panic!("{keys}: {error}"));
        let locked = &lock.artifacts[0];
        assert_eq!((&locked.vouched, locked.file.sha256.hex()), (&want, short.clone()), "{keys}");
        assert_eq!((locked.file.size, locked.file.path.as_str()), (9, "local/release/1.0/thing"));
        let warned = scene.heard.take().contains("warning: nobody vouches for release/1.0/thing");
        assert_eq!(warned, want == Vouched::FirstUse, "{keys}");
        assert_eq!(ocelet::lock::parse(&lock.to_text()).expect("our own text"), lock, "{keys}");
    }
}

#[test]
fn what_does_not_fit_its_sum_is_refused() {
    let wrong = sha256(b"another thing");
    let (short, long) = (sha256(THING), sha512(b"another thing"));
    let checksum = |file: &str| format!("checksum = 'release/1.0/{file}'");
    for (keys, files, class, words) in [
        (
            format!("sha256 = '{wrong}'"),
            vec![],
            Verification,
            vec!["release/1.0/thing", &wrong, &short, "the recipe wants"],
        ),
        (
            checksum("s"),
            vec![("s", format!("{wrong}\n"))],
            Verification,
            vec!["release/1.0/thing", &wrong, &short, "release/1.0/s wants"],
        ),
        (
            checksum("s"),
            vec![("s", format!("{long}  thing\n"))],
            Verification,
            vec!["release/1.0/thing", &long, "sha512"],
        ),
        (
            checksum("s"),
            vec![("s", format!("{short}  other\n"))],
            Verification,
            vec!["release/1.0/s", "no SHA-256 or SHA-512 of \"thing\"", "it is about other"],
        ),
        (
            checksum("s"),
            vec![("s", "<html>".to_owned())],
            Verification,
            vec!["release/1.0/s", "of \"thing\""],
        ),
        (
            checksum("s"),
            vec![("s", format!("{short}  thing\n{wrong}  thing\n"))],
            Verification,
            vec!["release/1.0/s", "two different sums"],
        ),
        (checksum("s"), vec![], Unavailable, vec!["release/1.0/s"]),
        (
            String::new(),
            vec![("thing.gone", String::new())],
            Unavailable,
            vec!["thing for linux/amd64", "release/1.0/thing"],
        ),
    ] {
        let scene = released(&files);
        if files.first().is_some_and(|(name, _)| *name == "thing.gone") {
            scene.remove("release/1.0/thing");
        }
        scene.refused(&keys, &recipe(&thing(&keys)), class, &words);
    }
}

#[test]
fn a_release_that_was_replaced_is_told_and_taken_only_by_name() {
    let other = b"other bytes";
    for (keys, sums) in [("", false), ("checksum = 'release/1.0/s'", true)] {
        let scene = released(&[("s", sha256(THING))]);
        let before = recipe(&thing(keys));
        let lock = scene.lock(&before, None).expect("it can be locked");
        scene.file("release/1.0/thing", other);
        if sums {
            scene.file("release/1.0/s", sha256(other).as_bytes());
        }
        let kept = scene.lock(&before, Some(&lock)).expect("it is not looked at again");
        assert_eq!(kept, lock, "{keys}");
        let error = scene.update(&before, &lock, &[]).expect_err("it was replaced");
        let (wanted, got) = (sha256(THING), sha256(other));
        says(
            keys,
            &error,
            Verification,
            &["release/1.0/thing", &wanted, &got, "replaced under the same address"],
        );
        assert!(error.hints().iter().any(|hint| hint.contains("--update NAME")), "{:?}", error.hints());
        let new = scene.update(&before, &lock, &["thing"]).expect("it was named");
        assert_eq!(new.artifacts[0].file.sha256.hex(), got, "{keys}");
        let said = recipe(&thing(&format!("sha256 = '{got}'")));
        let new = scene.lock(&said, Some(&lock)).expect("the recipe says so");
        assert_eq!((new.artifacts[0].file.sha256.hex(), &new.artifacts[0].vouched), (got, &Vouched::Recipe));
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_what_failed_verification_decides() {
    let scene = released(&[]);
    let text = "[source.a]\nartifact = 'release/gone'\ninstall = '/usr/bin/a'\n[source.b]\nartifact = 'release/1.0/thing'\ninstall = '/usr/bin/b'\nsha256 = '@'\n[flavor.x]\ncommands = ['a', 'b']\n";
    let error = scene.lock(&recipe(&text.replace('@', &sha256(b""))), None).expect_err("two are wrong");
    says("two", &error, Verification, &["for 2 reasons", "release/gone", "release/1.0/thing has sha256"]);
}

#[test]
fn every_file_has_the_recipes_mirrors_as_sources_and_they_are_asked_when_the_first_is_gone() {
    let scene = released(&[("s", sha256(THING))]);
    scene.repository(&[built("tool", "1.0-r0")]);
    let text = format!(
        "mirrors = ['copy', 'https://mirror.example.org/x']\n[source.alpine]\napk = 'repo/main'\nkeys = ['keys/test-only-first.rsa.pub']\n{}packages = ['tool']\n",
        thing("checksum = 'release/1.0/s'")
    );
    let recipe = recipe(&text);
    let lock = scene.lock(&recipe, None).expect("everything is there");
    for file in [&lock.indexes[0].file, &lock.packages[0].file, &lock.artifacts[0].file] {
        let sources: Vec<&str> = file.sources.iter().map(Location::as_str).collect();
        let upstream = file.path.strip_prefix("local/").expect("it lies beside the recipe");
        let (copy, far) =
            (format!("copy/{}", file.path), format!("https://mirror.example.org/x/{}", file.path));
        assert_eq!(sources, [upstream, &copy, &far]);
    }
    let to = scene.path("copy");
    let report = scene.with(|supply, host| locking::mirror(&recipe, &lock, &to, supply, host));
    assert_eq!(report.expect("all of it is there").files, 4);
    for gone in ["release", "repo"] {
        std::fs::remove_dir_all(scene.path(gone)).expect("it is ours");
    }
    scene.forget();
    scene.heard.take();
    assert_eq!(scene.lock(&recipe, None).expect("the copy has all").to_text(), lock.to_text());
    let heard = scene.heard.take();
    for name in ["APKINDEX.tar.gz", "tool-1.0-r0.apk", "release/1.0/thing", "release/1.0/s"] {
        let told = heard.lines().any(|line| line.contains("OtherSource") && line.contains(name));
        assert!(told, "{name}: {heard}");
    }
}

#[test]
fn a_mirror_whose_page_of_sums_cannot_be_relied_on_is_refused() {
    let mut scene = released(&[]);
    scene.mirrors = vec![Mirror::directory(scene.path("m"))];
    let recipe = recipe(&thing(""));
    let (good, other) = (sha256(THING), sha256(b"other"));
    let line = |digest: &str, path: &str| format!("{digest}  {path}\n");
    let path = "local/release/1.0/thing";
    scene.file(&format!("m/{path}"), THING);
    for (what, page, words) in [
        ("another digest", line(&other, path).into_bytes(), vec!["m/local/release/1.0/thing", &good, &other]),
        (
            "no line",
            line(&good, "local/release/1.0/think").into_bytes(),
            vec!["m/local/release/1.0/thing", &good, "does not list it", "m/SHA256SUMS"],
        ),
        ("a line that is none", b"?\n".to_vec(), vec!["m/SHA256SUMS", "line 1"]),
        ("not text", [line(&good, path).as_bytes(), b"\xff\n"].concat(), vec!["m/SHA256SUMS", "line 2"]),
        ("cut off", line(&good, path).trim_end().as_bytes().to_vec(), vec!["m/SHA256SUMS", "cut off"]),
    ] {
        scene.file("m/SHA256SUMS", &page);
        scene.refused(what, &recipe, Verification, &words);
    }
    scene.file("m/SHA256SUMS", line(&good, path).as_bytes());
    assert_eq!(scene.lock(&recipe, None).expect("it is right").artifacts[0].file.sha256.hex(), good);
}

/// The kubelet of a release whose digest ocelet knows, and more keys of its source.
fn kubelet(keys: &str) -> String {
    thing(keys).replace("release/1.0/thing'\ninstall", &format!("{KUBELET}'\ninstall"))
}

const KUBELET: &str = "https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet";
const OTHER_PLACE: &str = "https://mirror.example.org/release/v1.36.4/bin/linux/amd64/kubelet";

#[test]
fn nobody_is_believed_about_a_known_release() {
    let mut scene = Scene::new();
    scene.mirrors = vec![Mirror::directory(scene.path("m"))];
    let other = sha256(THING);
    scene.file("m/dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet", THING);
    scene.file("m/dl.k8s.io/sums", format!("{other}  kubelet\n").as_bytes());
    scene.file("m/mirror.example.org/release/v1.36.4/bin/linux/amd64/kubelet", THING);
    let known = "is known as sha256 ";
    for (keys, who) in [
        (String::new(), format!("m/dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet has sha256 {other}")),
        (format!("sha256 = '{other}'"), format!("the recipe has sha256 {other}")),
        (
            "checksum = 'https://dl.k8s.io/sums'".to_owned(),
            format!("https://dl.k8s.io/sums has sha256 {other}"),
        ),
    ] {
        let words = [KUBELET, known, &who, "kubernetes-sigs/kubespray@"];
        scene.refused(&keys, &recipe(&kubelet(&keys)), Verification, &words);
    }
    // The same bytes from a place of one's own are nobody else's business.
    let own = recipe(&kubelet("").replace(KUBELET, OTHER_PLACE));
    let lock = scene.lock(&own, None).expect("nothing is known of that place");
    assert_eq!(lock.artifacts[0].vouched, Vouched::FirstUse);
    // And a lock cannot bring them in either.
    let forged = lock.to_text().replace("mirror.example.org", "dl.k8s.io");
    let forged = ocelet::lock::parse(&forged).expect("our own text");
    let official = recipe(&kubelet(""));
    let settled = scene.with(|supply, host| {
        locking::settle(&official, Some(forged.clone()), locking::Staleness::Refused, supply, host)
    });
    let words = [KUBELET, known, &format!("the lock has sha256 {other}")];
    let said = settled.expect_err("the lock has other bytes");
    assert!(said.hints().iter().any(|hint| hint.contains("a place of your own")), "{:?}", said.hints());
    says("settle", &said, Verification, &words);
    // An update does not keep them, and asks for the right ones.
    let said = scene.update(&official, &forged, &["thing"]).expect_err("the mirror has none");
    says("update", &said, Verification, &[KUBELET, known, "m/dl.k8s.io/release"]);
}
