//! Every way in which a server can fail: bounded time and memory, the right class, resumed where possible, and
//! an error that names the address and its attempts.
#![cfg(feature = "http")]

mod server;

use std::io::{self, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use ocelet_net::Class::{Unavailable, Verification};
use ocelet_net::{
    Address, Class, Expectation, FetchError, Fetched, Fetcher, Online, Patience, Roots, Timeouts, Transport,
};
use server::{Counted, Heard, Request, Server, Wire, close, content, digest, respond, serve};

const LENGTH: usize = 300_000;
const TAG: &str = "\"v1\"";

/// Short enough to test, long enough for a busy machine.
fn transport() -> Transport {
    let timeouts = Timeouts {
        connect: Duration::from_secs(2),
        answer: Duration::from_secs(2),
        stall: Duration::from_secs(1),
        least: 64,
    };
    Online::new().roots(Roots::none()).timeouts(timeouts).connect().expect("a client")
}

struct Outcome {
    result: Result<Fetched, FetchError>,
    sink: Vec<u8>,
    slept: Duration,
    heard: String,
}

fn fetch(url: &str, expectation: &Expectation) -> Outcome {
    let (transport, sleeper, heard) = (transport(), Counted::default(), Heard::default());
    let fetcher = Fetcher::new(&transport, &sleeper, &heard);
    let mut sink = Vec::new();
    let began = Instant::now();
    let result = fetcher.fetch("thing", &Address::parse(url).expect("an address"), expectation, &mut sink);
    assert!(began.elapsed() < Duration::from_secs(40), "bounded time: {:?}", began.elapsed());
    let slept = *sleeper.0.lock().expect("the count");
    Outcome { result, sink, slept, heard: heard.text() }
}

fn pinned() -> Expectation {
    Expectation::pinned(digest(&content(LENGTH)), LENGTH as u64)
}

type Script = fn(&Request, Wire) -> io::Result<()>;

/// A declared length of all, and half of the bytes; then `end`.
fn half_then(mut wire: Wire, end: fn(Wire) -> io::Result<()>) -> io::Result<()> {
    write!(wire, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\nETag: {TAG}\r\n\r\n")?;
    wire.write_all(&content(LENGTH)[..LENGTH / 2])?;
    end(wire)
}

fn honest(request: &Request, wire: Wire) -> io::Result<()> {
    serve(request, wire, &content(LENGTH), TAG)
}

fn hold(wire: Wire) -> io::Result<()> {
    thread::sleep(Duration::from_secs(3));
    close(wire)
}

/// What the server does, how often it is asked, and the position that the last request asks for.
type Success = (&'static str, Script, usize, Option<usize>);

const RESUMED: Option<usize> = Some(LENGTH / 2);

/// Those that the right bytes come through in the end.
const SUCCESSES: &[Success] = &[
    ("is honest", honest, 1, None),
    ("has no length", |_, wire| respond(wire, "200 OK", "", &content(LENGTH)), 1, None),
    (
        "truncates once",
        |request, wire| if request.number == 0 { half_then(wire, close) } else { honest(request, wire) },
        2,
        RESUMED,
    ),
    (
        "truncates without a length once",
        |request, wire| match request.number {
            0 => respond(wire, "200 OK", "", &content(LENGTH)[..LENGTH / 2]),
            _ => honest(request, wire),
        },
        2,
        RESUMED,
    ),
    (
        "stalls once",
        |request, wire| if request.number == 0 { half_then(wire, hold) } else { honest(request, wire) },
        2,
        RESUMED,
    ),
    (
        "resets once",
        |request, wire| {
            if request.number > 0 {
                return honest(request, wire);
            }
            half_then(wire, |wire| {
                wire.reset();
                Ok(())
            })
        },
        2,
        RESUMED,
    ),
    (
        "fails twice",
        |request, wire| match request.number {
            0 => respond(wire, "500 Internal Server Error", "Content-Length: 0\r\n", b""),
            1 => respond(wire, "503 Service Unavailable", "Content-Length: 0\r\n", b""),
            _ => honest(request, wire),
        },
        3,
        None,
    ),
    (
        "ignores ranges",
        |request, wire| match request.number {
            0 => half_then(wire, close),
            _ => respond(wire, "200 OK", &format!("Content-Length: {LENGTH}\r\n"), &content(LENGTH)),
        },
        2,
        RESUMED,
    ),
    (
        "answers another range",
        |request, wire| match request.number {
            0 => half_then(wire, close),
            1 => respond(
                wire,
                "206 Partial Content",
                &format!("Content-Range: bytes 7-{}/{LENGTH}\r\n", LENGTH - 1),
                &content(LENGTH)[7..],
            ),
            _ => honest(request, wire),
        },
        3,
        None,
    ),
    (
        "sends a part that was not asked for",
        |request, wire| match request.number {
            0 => {
                let range = format!("Content-Range: bytes 0-9/{LENGTH}\r\n");
                respond(wire, "206 Partial Content", &range, &content(10))
            }
            _ => honest(request, wire),
        },
        2,
        None,
    ),
    (
        "answers a part of another version",
        |request, wire| match request.number {
            0 => half_then(wire, close),
            1 => {
                let mut request = request.clone();
                request.headers.remove("if-range");
                serve(&request, wire, &content(LENGTH), "\"v2\"")
            }
            _ => honest(request, wire),
        },
        3,
        None,
    ),
    (
        "refuses the range",
        |request, wire| match request.number {
            0 => half_then(wire, close),
            1 => respond(wire, "416 Range Not Satisfiable", "Content-Length: 0\r\n", b""),
            _ => honest(request, wire),
        },
        3,
        None,
    ),
    (
        "changes the content unseen between two parts",
        |request, wire| match request.number {
            0 => respond(wire, "200 OK", "", &vec![0; LENGTH / 2]),
            _ => honest(request, wire),
        },
        3,
        None,
    ),
    (
        "redirects properly",
        |request, wire| match request.number {
            0 => respond(wire, "302 Found", "Location: /elsewhere?x=1\r\nContent-Length: 0\r\n", b""),
            _ => honest(request, wire),
        },
        2,
        None,
    ),
];

#[test]
fn the_bytes_come_through() {
    thread::scope(|scope| {
        for (what, script, asked, range) in SUCCESSES {
            scope.spawn(|| check_success(what, *script, *asked, *range));
        }
    });
}

fn check_success(what: &str, script: Script, asked: usize, range: Option<usize>) {
    let server = Server::start(script);
    let outcome = fetch(&server.url("/thing"), &pinned());
    let fetched = outcome.result.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(fetched.is_proved() && outcome.sink == content(LENGTH), "{what}");
    let requests = server.requests();
    assert_eq!(requests.len(), asked, "{what}: {requests:?}");
    let last = requests.last().expect("a request");
    assert_eq!(last.from(), range, "{what}");
    assert_eq!(last.header("accept-encoding"), Some("identity"), "{what}");
}

/// What the server does, the attempts that the error lists, its class, and a part of its text.
type Named = (&'static str, Script, usize, Class, &'static str);

/// Those that nothing good comes from.
const FAILURES: &[Named] = &[
    ("always truncates", |_, wire| half_then(wire, close), 4, Unavailable, "broke off"),
    ("always stalls", |_, wire| half_then(wire, hold), 4, Unavailable, "stalled"),
    (
        "trickles",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")?;
            loop {
                wire.write_all(b"x")?;
                thread::sleep(Duration::from_millis(50));
            }
        },
        4,
        Unavailable,
        "stalled: fewer than 64 bytes",
    ),
    (
        "declares too much",
        |_, wire| respond(wire, "200 OK", "Content-Length: 600000\r\n", &content(LENGTH)),
        4,
        Unavailable,
        "offers 600000 bytes where 300000",
    ),
    (
        "declares too little",
        |_, wire| respond(wire, "200 OK", "Content-Length: 1000\r\n", &content(LENGTH)),
        4,
        Unavailable,
        "offers 1000 bytes where 300000",
    ),
    (
        "declares two lengths",
        |_, wire| {
            let lengths = format!("Content-Length: {LENGTH}\r\nContent-Length: 7\r\n");
            respond(wire, "200 OK", &lengths, &content(LENGTH))
        },
        4,
        Unavailable,
        "is not HTTP",
    ),
    (
        "always fails",
        |_, wire| respond(wire, "502 Bad Gateway", "", b"sorry"),
        4,
        Unavailable,
        "status 502 (the server failed) (4 times)",
    ),
    ("has no such thing", |_, wire| respond(wire, "404 Not Found", "", b""), 1, Unavailable, "404"),
    ("had it once", |_, wire| respond(wire, "410 Gone", "", b""), 1, Unavailable, "410"),
    ("wants a login", |_, wire| respond(wire, "401 Unauthorized", "", b""), 1, Unavailable, "netrc"),
    ("has nothing to say", |_, wire| respond(wire, "204 No Content", "", b""), 1, Unavailable, "204"),
    (
        "asks to be left alone for long",
        |_, wire| respond(wire, "429 Too Many Requests", "Retry-After: 3600\r\n", b""),
        1,
        Unavailable,
        "429",
    ),
    (
        "redirects in a circle",
        |request, wire| {
            let to = if request.line.contains("/a") { "/b" } else { "/a" };
            respond(wire, "301 Moved Permanently", &format!("Location: {to}\r\n"), b"")
        },
        1,
        Unavailable,
        "in a circle",
    ),
    (
        "redirects on and on",
        |request, wire| {
            respond(wire, "307 Temporary Redirect", &format!("Location: /{}\r\n", request.number), b"")
        },
        1,
        Unavailable,
        "more than 10 times",
    ),
    (
        "redirects to a file",
        |_, wire| respond(wire, "302 Found", "Location: file:///etc/passwd\r\n", b""),
        1,
        Unavailable,
        "file:///etc/passwd, which is not followed",
    ),
    ("redirects nowhere", |_, wire| respond(wire, "302 Found", "", b""), 1, Unavailable, "names no address"),
    (
        "sends without end",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                wire.write_all(&[b'x'; 4096])?;
            }
        },
        1,
        Unavailable,
        "more than the allowed 300000 bytes, and still going",
    ),
    (
        "sends chunks without end",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            loop {
                write!(wire, "1000\r\n{:4096}\r\n", "")?;
            }
        },
        1,
        Unavailable,
        "still going",
    ),
    (
        "sends a broken chunk",
        |_, wire| respond(wire, "200 OK", "Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\nzz\r\n"),
        4,
        Unavailable,
        "is not HTTP",
    ),
    (
        "never ends its headers",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\n")?;
            loop {
                write!(wire, "x")?;
                thread::sleep(Duration::from_millis(20));
            }
        },
        4,
        Unavailable,
        "no answer within 2s",
    ),
    (
        "only says that it goes on",
        |_, mut wire| loop {
            write!(wire, "HTTP/1.1 100 Continue\r\n\r\n")?;
            thread::sleep(Duration::from_millis(5));
        },
        4,
        Unavailable,
        "no answer within",
    ),
    (
        "has headers without end",
        |_, mut wire| {
            write!(wire, "HTTP/1.1 200 OK\r\n")?;
            loop {
                write!(wire, "X-Filler: {:1000}\r\n", "")?;
            }
        },
        4,
        Unavailable,
        "is not HTTP",
    ),
    (
        "mumbles",
        |_, mut wire| wire.write_all(b"\x16\x03 mumble\r\n\r\n").and_then(|()| close(wire)),
        4,
        Unavailable,
        "is not HTTP",
    ),
    ("hangs up", |_, wire| close(wire), 4, Unavailable, "broke off"),
    (
        "sends one wrong byte",
        |request, wire| {
            let mut bytes = content(LENGTH);
            bytes[LENGTH / 3] ^= 1;
            serve(request, wire, &bytes, TAG)
        },
        1,
        Verification,
        "the content is wrong: wanted sha256",
    ),
];

#[test]
fn the_failure_is_named() {
    thread::scope(|scope| {
        for (what, script, attempts, class, text) in FAILURES {
            scope.spawn(|| check_failure(what, *script, *attempts, *class, text));
        }
    });
}

fn check_failure(what: &str, script: Script, attempts: usize, class: Class, text: &str) {
    let server = Server::start(script);
    let outcome = fetch(&server.url("/thing"), &pinned());
    let error = outcome.result.err().unwrap_or_else(|| panic!("{what}: it succeeded"));
    let message = error.to_string();
    assert_eq!(error.attempts().len(), attempts, "{what}: {message}");
    assert_eq!(error.class(), class, "{what}: {message}");
    assert!(message.contains(text), "{what}: {message}");
    assert!(message.contains(&server.url("/thing")), "{what} names the address: {message}");
    let plural = if attempts == 1 { "" } else { "s" };
    assert!(message.contains(&format!("({attempts} attempt{plural})")), "{what}: {message}");
    assert!(outcome.sink.len() <= LENGTH, "{what} stays within its bound");
    assert!(server.sent() < 24 << 20, "{what}: {} bytes were taken", server.sent());
    let loud = outcome.heard.contains("VerificationFailed");
    assert_eq!(loud, class == Verification, "{what}: {}", outcome.heard);
    let useless = class == Verification || text.contains("still going");
    assert!(!useless || outcome.sink.is_empty(), "{what}: wrong bytes are not kept");
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("an address"));
    drop(listener);
    let outcome = fetch(&url, &pinned());
    let message = outcome.result.expect_err("refused").to_string();
    assert!(message.contains(&format!("{url} (4 attempts): no connection: ")), "{message}");
    assert!(message.contains("refused"), "{message}");
    assert!(outcome.slept >= Duration::from_millis(1750), "half of 0.5 + 1 + 2 s: {:?}", outcome.slept);
    assert!(outcome.slept <= Duration::from_millis(3500), "{:?}", outcome.slept);
}

#[test]
fn retry_after_is_obeyed() {
    for header in ["7", "Sun, 06 Nov 1994 08:49:44 GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT"] {
        let header = format!("Retry-After: {header}\r\n");
        let server = Server::start(move |request, wire| match request.number {
            0 => respond(wire, "429 Too Many Requests", &header, b""),
            _ => honest(request, wire),
        });
        let outcome = fetch(&server.url("/x"), &pinned());
        outcome.result.expect("the second attempt");
        assert_eq!(outcome.slept, Duration::from_secs(7));
    }
}

#[test]
fn a_length_beyond_the_bound_is_refused_before_the_body() {
    let server = Server::start(|_, wire| respond(wire, "200 OK", "Content-Length: 300000\r\n", &content(10)));
    let outcome = fetch(&server.url("/x"), &Expectation::at_most(299_999));
    let message = outcome.result.expect_err("too long").to_string();
    assert!(message.contains("more than the allowed 299999 bytes: 300000 declared"), "{message}");
    assert!(outcome.sink.is_empty());
}

#[test]
fn without_a_digest_only_the_same_version_is_resumed() {
    // With a validator the rest is asked for, guarded by If-Range; without one, the whole.
    for (tag, range) in [("ETag: \"v1\"\r\n", Some(LENGTH / 2)), ("ETag: W/\"v1\"\r\n", None), ("", None)] {
        let server = Server::start(move |request, mut wire| {
            if request.number > 0 {
                return serve(request, wire, &content(LENGTH), TAG);
            }
            write!(wire, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n{tag}\r\n")?;
            wire.write_all(&content(LENGTH)[..LENGTH / 2])?;
            close(wire)
        });
        let outcome = fetch(&server.url("/x"), &Expectation::at_most(1 << 20));
        assert!(!outcome.result.expect("the rest").is_proved());
        assert_eq!(outcome.sink, content(LENGTH));
        let last = server.requests().pop().expect("a request");
        assert_eq!((last.from(), last.header("if-range")), (range, range.map(|_| TAG)), "{tag}");
    }
}

#[test]
fn a_large_file_comes_through_a_line_that_breaks_often() {
    const WHOLE: usize = 3 << 20;
    const PART: usize = 200_000;
    let server = Server::start(|request, mut wire| {
        let (bytes, from) = (content(WHOLE), request.from().unwrap_or(0));
        let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
        write!(wire, "HTTP/1.1 {status}\r\nContent-Range: bytes {from}-{}/{WHOLE}\r\n", WHOLE - 1)?;
        write!(wire, "Content-Length: {}\r\n\r\n", WHOLE - from)?;
        wire.write_all(&bytes[from..WHOLE.min(from + PART)])?;
        close(wire)
    });
    let (transport, sleeper, heard) = (transport(), Counted::default(), Heard::default());
    let patience = Patience { progress: 100_000, ..Patience::default() };
    let fetcher = Fetcher::new(&transport, &sleeper, &heard).patience(patience);
    let address = Address::parse(&server.url("/x")).expect("an address");
    let mut sink = Vec::new();
    let expectation = Expectation::pinned(digest(&content(WHOLE)), WHOLE as u64);
    fetcher.fetch("large", &address, &expectation, &mut sink).expect("all parts");
    assert_eq!(server.requests().len(), WHOLE.div_ceil(PART), "no byte is asked for twice");
}

#[test]
fn a_body_that_lacks_only_its_end_mark_is_complete_when_the_server_says_so() {
    // Chunked, cut before the last chunk: all bytes came, but nobody said so.
    let server = Server::start(|request, mut wire| {
        if request.number > 0 {
            return serve(request, wire, &content(LENGTH), TAG);
        }
        write!(wire, "HTTP/1.1 200 OK\r\nETag: {TAG}\r\nTransfer-Encoding: chunked\r\n\r\n{LENGTH:x}\r\n")?;
        wire.write_all(&content(LENGTH))?;
        write!(wire, "\r\n")?;
        close(wire)
    });
    let outcome = fetch(&server.url("/x"), &Expectation::at_most(1 << 20));
    assert_eq!(outcome.result.expect("complete").size(), LENGTH as u64);
    assert_eq!(outcome.sink, content(LENGTH));
    let asked: Vec<_> = server.requests().iter().map(server::Request::from).collect();
    assert_eq!(asked, [None, Some(LENGTH)], "nothing is asked for twice");
}
