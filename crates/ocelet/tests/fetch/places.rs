//! The places that are asked, in their order: the store, mirrors, addresses, paths beside the recipe; and offline.

use ocelet::ExitClass;
use ocelet::net::Mirror;

use crate::scene::{LENGTH, Scene, locked, thing};
use crate::server::{Server, content, serve};

#[test]
fn paths_begin_at_the_recipe_and_may_be_anything() {
    let scene = Scene::offline();
    let bytes = content(1000);
    let absolute = scene.file("with a space/and #, %20/ü", &bytes);
    let absolute = absolute.to_str().expect("text");
    std::fs::create_dir(scene.path("below")).expect("a directory");
    for (number, source) in [
        "with a space/and #, %20/ü".to_owned(),
        "below/../with a space/and #, %20/ü".to_owned(),
        absolute.to_owned(),
        format!("file://{}", absolute.replace('%', "%25").replace(' ', "%20").replace('#', "%23")),
    ]
    .iter()
    .enumerate()
    {
        std::fs::remove_dir_all(scene.path("store")).ok();
        scene.bring_one(&locked(&bytes, "x", &[source])).unwrap_or_else(|error| panic!("{number}: {error}"));
    }
}

#[test]
fn the_store_comes_first_then_mirrors_then_sources() {
    let mut scene = Scene::new();
    let bytes = content(LENGTH);
    let server = Server::start(move |request, wire| serve(request, wire, &bytes, "\"v1\""));
    let file = thing(&server.url("/upstream"));
    scene.file("first/other", b"");
    scene.file("second/dir/thing", &content(LENGTH));
    let web = Mirror::parse(&server.url("/base")).expect("a mirror");
    scene.mirrors =
        vec![Mirror::directory(scene.path("first")), Mirror::directory(scene.path("second")), web];
    scene.bring_one(&file).expect("the second mirror has it");
    assert_eq!(server.requests().len(), 0);
    let heard = scene.heard.take();
    assert!(heard.contains("first/dir/thing") && heard.contains("second/dir/thing"), "{heard}");

    std::fs::remove_dir_all(scene.path("store")).expect("it is there");
    std::fs::remove_dir_all(scene.path("second")).expect("it is there");
    scene.bring_one(&file).expect("the third has it");
    assert_eq!(server.requests()[0].line, "GET /base/dir/thing HTTP/1.1");

    scene.mirrors.clear();
    scene.heard.take();
    scene.bring_one(&file).expect("the store has it");
    assert_eq!((server.requests().len(), scene.heard.take().as_str()), (1, ""), "nothing was fetched");
}

#[test]
fn a_mirror_with_a_flipped_byte_is_refused_and_the_next_source_serves() {
    let mut scene = Scene::offline();
    let mut bytes = content(LENGTH);
    let good = thing("here");
    bytes[LENGTH / 3] ^= 1;
    scene.file("mirror/dir/thing", &bytes);
    scene.mirrors = vec![Mirror::directory(scene.path("mirror"))];
    let error = scene.bring_one(&good).expect_err("the mirror is wrong, and there is nothing else");
    assert_eq!(error.class(), ExitClass::Verification, "{error}");
    for want in ["mirror/dir/thing", &good.sha256.hex(), "got"] {
        assert!(error.to_string().contains(want), "{error}");
    }
    scene.file("here", &content(LENGTH));
    scene.bring_one(&good).expect("the file itself is right");
    let heard = scene.heard.take();
    assert!(heard.contains("wrong: true"), "{heard}");
}

#[test]
fn a_damaged_file_of_the_store_is_refused_once_and_then_had_afresh() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::offline();
    scene.file("here", &content(LENGTH));
    let file = thing("here");
    scene.bring_one(&file).expect("it is there");
    let hex = file.sha256.hex();
    let kept = scene.path("store/v1/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut bytes = content(LENGTH);
    bytes[7] ^= 0x80;
    std::fs::write(&kept, &bytes).expect("it can be damaged");
    let error = scene.bring_one(&file).expect_err("it is damaged");
    assert_eq!(error.class(), ExitClass::Verification, "{error}");
    assert!(error.to_string().contains(&hex) && !error.hints().is_empty(), "{error}");
    scene.bring_one(&file).expect("it is had afresh");
}

#[test]
fn offline_says_where_was_looked_and_what_to_do() {
    let mut scene = Scene::offline();
    let file = thing("https://upstream.example/thing");
    let error = scene.bring_one(&file).expect_err("there is no network");
    assert_eq!(error.class(), ExitClass::Unavailable);
    assert!(error.hints()[0].contains("no mirror was given"), "{:?}", error.hints());
    scene.file("mirror/x", b"");
    scene.mirrors = vec![Mirror::directory(scene.path("mirror"))];
    let error = scene.bring_one(&file).expect_err("the mirror lacks it");
    let hint = error.hints().join("\n");
    let mirror = scene.path("mirror").display().to_string();
    for want in [&mirror, "ocelet mirror RECIPE --to DIR", "--mirror DIR"] {
        assert!(hint.contains(want), "{want}: {hint}");
    }
    for want in ["https://upstream.example/thing", "offline", &format!("no such file: {mirror}/dir/thing")] {
        assert!(error.to_string().contains(want), "{want}: {error}");
    }
}

#[test]
fn a_place_that_cannot_be_one_is_named() {
    let mut scene = Scene::offline();
    scene.mirrors = vec![Mirror::directory(scene.path("mirror"))];
    let file = locked(b"x", "../../etc/passwd", &["here"]);
    let error = scene.bring_one(&file).expect_err("it leaves the mirror").to_string();
    assert!(error.contains("thing could not be had") && error.contains("../../etc/passwd"), "{error}");
}
