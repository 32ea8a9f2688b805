//! Servers that fail in every way: the right class, an error that names the address, a clean store, and a next run
//! that succeeds.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use ocelet::ExitClass::{Unavailable, Verification};
use ocelet::fetch::BringError;

use crate::scene::{LENGTH, Scene, locked, thing};
use crate::server::{Request, Server, Wire, close, content, respond, serve};

type Script = fn(&Request, Wire) -> io::Result<()>;

/// The number of bytes that a server sends before it breaks off.
const CUT: u64 = LENGTH as u64 / 2;

fn honest(request: &Request, wire: Wire) -> io::Result<()> {
    serve(request, wire, &content(LENGTH), "\"v1\"")
}

/// Declares the whole length, and sends half; nothing more to who asks for the rest.
fn half(request: &Request, mut wire: Wire, end: fn(Wire) -> io::Result<()>) -> io::Result<()> {
    let from = request.from().unwrap_or(0);
    let (status, range) = match from {
        0 => ("200 OK", String::new()),
        from => ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{LENGTH}\r\n", LENGTH - 1)),
    };
    write!(wire, "HTTP/1.1 {status}\r\nETag: \"v1\"\r\n{range}Content-Length: {}\r\n\r\n", LENGTH - from)?;
    wire.write_all(content(LENGTH).get(from..LENGTH / 2).unwrap_or_default())?;
    end(wire)
}

fn hold(wire: Wire) -> io::Result<()> {
    thread::sleep(Duration::from_millis(1500));
    close(wire)
}

/// What the server does, what the error says, and how many bytes stay to be gone on with.
const FAILURES: &[(&str, Script, ocelet::ExitClass, &str, u64)] = &[
    (
        "truncates",
        |request, wire| half(request, wire, close),
        Unavailable,
        "status|broke off|ended after",
        CUT,
    ),
    ("stalls", |request, wire| half(request, wire, hold), Unavailable, "stalled", CUT),
    (
        "resets",
        |request, wire| {
            half(request, wire, |wire| {
                wire.reset();
                Ok(())
            })
        },
        Unavailable,
        "broke off",
        CUT,
    ),
    (
        "claims too little",
        |_, wire| respond(wire, "200 OK", "Content-Length: 1000\r\n", &content(LENGTH)[..1000]),
        Unavailable,
        "offers 1000 bytes where 200000",
        0,
    ),
    (
        "claims too much",
        |_, wire| respond(wire, "200 OK", "Content-Length: 300000\r\n", &content(LENGTH)),
        Unavailable,
        "offers 300000 bytes",
        0,
    ),
    (
        "never ends",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                wire.write_all(&[7; 64 << 10])?;
            }
        },
        Unavailable,
        "more than the allowed 200000",
        0,
    ),
    (
        "fails",
        |_, wire| respond(wire, "500 Internal Server Error", "Content-Length: 0\r\n", b""),
        Unavailable,
        "status 500 (the server failed) (2 times)",
        0,
    ),
    (
        "has had enough",
        |_, wire| respond(wire, "429 Too Many", "Retry-After: 2\r\nContent-Length: 0\r\n", b""),
        Unavailable,
        "status 429 (too many requests) (2 times)",
        0,
    ),
    (
        "redirects in a circle",
        |_, wire| respond(wire, "302 Found", "Location: /round\r\nContent-Length: 0\r\n", b""),
        Unavailable,
        "redirected in a circle",
        0,
    ),
    (
        "serves other bytes",
        |request, wire| serve(request, wire, &vec![7; LENGTH], "\"x\""),
        Verification,
        "the content is wrong",
        0,
    ),
];

#[test]
fn whatever_a_server_does_the_store_is_clean_and_the_next_run_succeeds() {
    thread::scope(|scope| {
        for (what, script, class, want, unfinished) in FAILURES {
            scope.spawn(move || {
                let scene = Scene::new();
                let bad = Server::start(*script);
                let url = bad.url("/thing?token=hunter2");
                let error = scene.bring_one(&thing(&url)).expect_err(what);
                assert_eq!(error.class(), *class, "{what}: {error}");
                let text = error.to_string();
                assert!(want.split('|').any(|want| text.contains(want)), "{what}: {text}");
                assert!(text.contains(&bad.url("/thing?token=…")) && !text.contains("hunter2"), "{text}");
                scene.assert_store(0, *unfinished, what);
                let good = Server::start(honest);
                scene.bring_one(&thing(&good.url("/thing"))).expect(what);
                scene.assert_store(1, 0, what);
                let asked = good.requests()[0].from();
                let gone_on = (*unfinished > 0).then(|| usize::try_from(*unfinished).expect("small"));
                assert_eq!(asked, gone_on, "{what}: what is there is not asked for again");
                scene.bring_one(&thing("http://127.0.0.1:1/nobody")).expect("the store has it");
            });
        }
    });
}

#[test]
fn a_cut_is_gone_on_with_in_the_same_run() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| match request.number {
        0 => half(request, wire, close),
        _ => honest(request, wire),
    });
    scene.bring_one(&thing(&server.url("/thing"))).expect("it comes in two parts");
    assert_eq!(server.requests()[1].from(), Some(LENGTH / 2));
    let heard = scene.heard.take();
    assert!(heard.contains("Retrying { name: \"thing\""), "{heard}");
}

#[test]
fn the_next_source_is_asked_and_that_is_told() {
    for (what, script, wrong) in [
        (
            "is empty",
            (|_, wire| respond(wire, "404 Not Found", "Content-Length: 0\r\n", b"")) as Script,
            "wrong: false",
        ),
        ("lies", |request, wire| serve(request, wire, &vec![7; LENGTH], "\"x\""), "wrong: true"),
    ] {
        let scene = Scene::new();
        let (bad, good) = (Server::start(script), Server::start(honest));
        let bytes = content(LENGTH);
        scene.bring_one(&locked(&bytes, "thing", &[&bad.url("/x"), &good.url("/y")])).expect(what);
        let heard = scene.heard.take();
        for want in ["OtherSource", wrong, &bad.url("/x"), &good.url("/y"), "Fetched"] {
            assert!(heard.contains(want), "{what}: {want}: {heard}");
        }
        assert!(heard.starts_with("FetchingBegins { files: 1, bytes: Some(200000) }"), "{heard}");
        assert!(heard.ends_with("FetchingEnded"), "{heard}");
        scene.assert_store(1, 0, what);
    }
}

#[test]
fn all_failures_are_told_at_once_and_what_could_be_had_is_kept() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| match request.line.split(' ').nth(1) {
        Some("/right") => honest(request, wire),
        Some("/wrong") => serve(request, wire, b"other", "\"x\""),
        _ => respond(wire, "404 Not Found", "Content-Length: 0\r\n", b""),
    });
    let url = |path: &str| server.url(path);
    let right = thing(&url("/right"));
    let wrong = locked(b"these", "wrong", &[&url("/wrong")]);
    let missing = locked(b"missing", "missing", &[&url("/missing")]);
    let nowhere = locked(b"nowhere", "nowhere", &[]);
    let files = [("a", &missing), ("b", &right), ("c", &wrong), ("d", &nowhere)]
        .map(|(name, file)| (name.to_owned(), file));
    let error: BringError = scene.bring(&files).expect_err("three fail");
    assert_eq!(error.class(), Verification, "{error}");
    let text = error.to_string();
    for want in ["3 files could not", "a could not be had", "c failed verification", "d has no source"] {
        assert!(text.contains(want), "{want}: {text}");
    }
    assert!(!error.is_absent());
    scene.assert_store(1, 0, "the right one");
    let files = [("a".to_owned(), &missing)];
    let error = scene.bring(&files).expect_err("it is missing");
    assert!(error.is_absent() && error.class() == Unavailable, "{error}");
}
