//! Files without a known digest: bounded, never from the store by name, and who served them is told.

use ocelet::ExitClass;
use ocelet::fetch::Wanted;
use ocelet::net::Mirror;
use ocelet_oci::Digest;

use crate::scene::{Scene, locations, locked};
use crate::server::{Server, respond, serve};

fn wanted(sources: &[&str]) -> Wanted {
    Wanted {
        name: "index".to_owned(),
        path: "v1/INDEX".to_owned(),
        sources: locations(sources),
        most: 1000,
        exact: None,
    }
}

/// A server that says another thing each time.
fn moving() -> Server {
    Server::start(|request, wire| {
        serve(request, wire, format!("version {}", request.number).as_bytes(), "\"v\"")
    })
}

#[test]
fn what_is_served_now_is_taken_and_its_source_is_told() {
    let mut scene = Scene::new();
    let server = moving();
    let url = server.url("/INDEX");
    for number in 0..2 {
        let served = scene.unpinned(&wanted(&["/nonexistent/INDEX", &url])).expect("it is served");
        assert_eq!(*served.blob.digest(), Digest::of(format!("version {number}").as_bytes()));
        assert_eq!(served.source, Some(locations(&[&url]).remove(0)));
        assert_eq!(served.from.map(|from| from.to_string()), Some(url.clone()));
    }
    scene.file("mirror/v1/INDEX", b"mirrored");
    scene.mirrors = vec![Mirror::directory(scene.path("mirror"))];
    let served = scene.unpinned(&wanted(&[&url])).expect("the mirror has it");
    assert_eq!((*served.blob.digest(), served.source), (Digest::of(b"mirrored"), None));
    scene.assert_store(3, 0, "each version");
}

#[test]
fn what_is_too_long_absent_or_of_another_size_is_refused() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| match request.line.split(' ').nth(1) {
        Some("/long") => respond(wire, "200 OK", "", &[7; 2000]),
        Some("/five") => respond(wire, "200 OK", "", b"12345"),
        _ => respond(wire, "404 Not Found", "Content-Length: 0\r\n", b""),
    });
    for (path, exact, absent, want) in [
        ("/long", None, false, Some("more than the allowed 1000 bytes")),
        ("/five", None, false, None),
        ("/five", Some(5), false, None),
        ("/five", Some(6), false, Some("ended after 5 of 6 bytes")),
        ("/five", Some(4), false, Some("more than the allowed 4 bytes")),
        ("/none", None, true, Some("status 404")),
    ] {
        let result = scene.unpinned(&Wanted { exact, ..wanted(&[&server.url(path)]) });
        match (result, want) {
            (Ok(served), None) => assert_eq!(served.blob.size(), 5),
            (Err(error), Some(want)) => {
                assert!(error.to_string().contains(want), "{path} {exact:?}: {error}");
                assert_eq!((error.class(), error.is_absent()), (ExitClass::Unavailable, absent), "{error}");
            }
            (result, want) => panic!("{path} {exact:?}: wanted {want:?}, got {result:?}"),
        }
    }
    scene.assert_store(1, 0, "only what was right");
}

#[test]
fn the_locked_index_is_preferred_and_the_present_one_is_better_than_none() {
    let mut scene = Scene::new();
    let server = moving();
    let url = server.url("/INDEX");
    scene.file("mirror/v1/INDEX", b"an older one");
    scene.mirrors = vec![Mirror::directory(scene.path("mirror"))];
    // The source still has it, and the mirror something else.
    let file = locked(b"version 0", "v1/INDEX", &[&url]);
    let served = scene.current(&file).expect("it is served");
    assert_eq!((*served.blob.digest(), served.source.is_some()), (file.sha256, true));
    // The store has it: nobody is asked.
    let served = scene.current(&file).expect("the store has it");
    assert!(served.from.is_none() && *served.blob.digest() == file.sha256);
    assert_eq!(server.requests().len(), 1);
    // Nobody has it any more: the source's is newer than the mirror's.
    let file = locked(b"long gone", "v1/INDEX", &[&url]);
    let served = scene.current(&file).expect("another one is served");
    assert_eq!(*served.blob.digest(), Digest::of(b"version 1"));
    // Nor has the source anything.
    let file = locked(b"long gone", "v1/INDEX", &["/nonexistent/INDEX"]);
    let served = scene.current(&file).expect("the mirror's is served");
    assert_eq!(*served.blob.digest(), Digest::of(b"an older one"));
    scene.mirrors.clear();
    let error = scene.current(&file).expect_err("there is nothing");
    assert!(error.is_absent(), "{error}");
    let error = scene.current(&locked(b"x", "v1/INDEX", &[])).expect_err("there is no place");
    assert!(error.to_string().contains("has no source"), "{error}");
}
