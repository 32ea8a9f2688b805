//! Servers that fail in every way, as a user meets them: exit code 4 with the address and the attempts, in bounded
//! time and memory, and no more is fetched again than is missing.

use std::io::{self, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ocelet_testkit::Said;

use crate::place::Place;
use crate::server::{Request, Server, Wire, close, content, respond, serve};

type Script = fn(&Request, Wire) -> io::Result<()>;

const LENGTH: usize = 200_000;

fn honest(request: &Request, wire: Wire) -> io::Result<()> {
    serve(request, wire, &content(LENGTH), "\"v1\"")
}

/// Declares the whole, and gives half.
fn half(request: &Request, mut wire: Wire, end: fn(Wire) -> io::Result<()>) -> io::Result<()> {
    let from = request.from().unwrap_or(0);
    let range = format!("Content-Range: bytes {from}-{}/{LENGTH}\r\n", LENGTH - 1);
    let (status, range) = if from == 0 { ("200 OK", "") } else { ("206 Partial Content", range.as_str()) };
    write!(wire, "HTTP/1.1 {status}\r\nETag: \"v1\"\r\n{range}Content-Length: {}\r\n\r\n", LENGTH - from)?;
    wire.write_all(content(LENGTH).get(from..LENGTH / 2).unwrap_or_default())?;
    end(wire)
}

fn endless(mut wire: Wire) -> io::Result<()> {
    write!(wire, "HTTP/1.1 200 OK\r\n\r\n")?;
    loop {
        wire.write_all(&[7; 8 << 10])?;
    }
}

/// A recipe with one release of a server, and more keys of its source.
fn recipe(url: &str, keys: &str) -> Vec<u8> {
    format!(
        "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v1'\n[source.thing]\nartifact = '{url}'\n\
        install = '/usr/bin/thing'\n{keys}\n[flavor.x]\nfiles = ['/usr/bin/thing']\n"
    )
    .into_bytes()
}

/// Runs a command against a server that fails; it must end soon.
fn soon(place: &Place, arguments: &[&str]) -> Said {
    let began = Instant::now();
    let said = place.run(&[arguments, &["--retries", "1", "--timeout", "1"]].concat());
    assert!(began.elapsed() < Duration::from_secs(20), "bounded time: {:?}", began.elapsed());
    said
}

/// What the server does, what `lock` says, which must find out what the bytes are, and what `assemble` says, which
/// knows their length and digest.
const FAULTS: &[(&str, Script, &str, &str)] = &[
    ("truncates", |request, wire| half(request, wire, close), "broke off", "broke off"),
    (
        "stalls",
        |request, wire| {
            half(request, wire, |wire| {
                thread::sleep(Duration::from_millis(2500));
                close(wire)
            })
        },
        "stalled",
        "stalled",
    ),
    (
        "says nothing",
        |_, _wire| {
            thread::sleep(Duration::from_secs(3));
            Ok(())
        },
        "(2 attempts)",
        "(2 attempts)",
    ),
    (
        "resets",
        |request, wire| {
            half(request, wire, |wire| {
                wire.reset();
                Ok(())
            })
        },
        "broke off",
        "broke off",
    ),
    (
        "claims too much",
        |_, wire| respond(wire, "200 OK", "Content-Length: 300000\r\n", &content(LENGTH)),
        "broke off",
        "offers 300000 bytes where 200000",
    ),
    ("never ends", |_, wire| endless(wire), "", "more than the allowed 200000"),
    (
        "fails",
        |_, wire| respond(wire, "500 Internal Server Error", "Content-Length: 0\r\n", b""),
        "status 500 (the server failed) (2 times)",
        "status 500 (the server failed) (2 times)",
    ),
    (
        "has had enough",
        |_, wire| respond(wire, "429 Too Many", "Retry-After: 1\r\nContent-Length: 0\r\n", b""),
        "status 429 (too many requests) (2 times)",
        "status 429 (too many requests) (2 times)",
    ),
    (
        "wants to be left alone for a day",
        |_, wire| respond(wire, "429 Too Many", "Retry-After: 86400\r\nContent-Length: 0\r\n", b""),
        "status 429",
        "status 429",
    ),
    (
        "redirects in a circle",
        |_, wire| respond(wire, "302 Found", "Location: /round\r\nContent-Length: 0\r\n", b""),
        "redirected in a circle",
        "redirected in a circle",
    ),
    ("hangs up", |_, _wire| Ok(()), "(2 attempts)", "(2 attempts)"),
    (
        "speaks something else",
        |_, mut wire| {
            wire.write_all(b"220 ftp ready\r\n")?;
            close(wire)
        },
        "(2 attempts)",
        "(2 attempts)",
    ),
];

#[test]
fn whatever_a_server_does_the_end_is_exit_code_4_and_soon() {
    thread::scope(|scope| {
        for (what, script, locking, assembling) in FAULTS {
            scope.spawn(move || {
                let broken = Arc::new(AtomicBool::new(false));
                let is_broken = Arc::clone(&broken);
                let server = Server::start(move |request, wire| {
                    if is_broken.load(Ordering::Relaxed) {
                        script(request, wire)
                    } else {
                        honest(request, wire)
                    }
                });
                let place = Place::new();
                place.write("x.toml", &recipe(&server.url("/thing?token=hunter2"), ""));
                place.run(&["lock", "x.toml"]).succeeds();
                let lock = place.text("x.lock");
                broken.store(true, Ordering::Relaxed);
                let address = server.url("/thing?token=…");
                for (command, words) in
                    [(&["lock", "--update"][..], locking), (&["assemble", "--locked"], assembling)]
                {
                    // How long a first use may be is a matter of disks: the bound of a file of sums is tested instead.
                    if words.is_empty() {
                        continue;
                    }
                    place.remove("cache");
                    let said = soon(&place, &[&[command[0], "x.toml"], &command[1..]].concat());
                    assert_eq!(said.code, 4, "{what}: {}", said.err);
                    for word in [*words, address.as_str()] {
                        assert!(
                            said.err.contains(word),
                            "{what}, {command:?}: no \"{word}\" in {}",
                            said.err
                        );
                    }
                    let token = said.err.contains("hunter2");
                    assert!(!token && !said.err.contains("panicked"), "{what}: {}", said.err);
                    assert_eq!(place.text("x.lock"), lock, "{what}");
                }
                broken.store(false, Ordering::Relaxed);
                place.run(&["lock", "x.toml", "--update", "thing"]).succeeds();
                assert_eq!(place.text("x.lock"), lock, "{what}: the next run succeeds");
            });
        }
    });
}

/// Runs a command, and says how much memory it had at most, in bytes (proc(5): `VmHWM`).
fn measured(place: &Place, arguments: &[&str]) -> (Said, u64) {
    let err = std::fs::File::create(place.path("err")).expect("a file");
    let mut child = place.command(arguments).stdout(Stdio::null()).stderr(err).spawn().expect("it runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
        most = most.max(peak.unwrap_or(0) << 10);
        if let Some(status) = child.try_wait().expect("it is ours") {
            break status.code().unwrap_or(-1);
        }
        thread::sleep(Duration::from_millis(2));
    };
    (Said { code, out: String::new(), err: place.text("err") }, most)
}

#[test]
fn an_endless_body_is_cut_off_and_fills_neither_memory_nor_disk() {
    let server = Server::start(|_, wire| endless(wire));
    let place = Place::new();
    place
        .write("sums.toml", &recipe(&server.url("/thing"), &format!("checksum = '{}'", server.url("/sums"))));
    let key = "keys = 'alpine'";
    let index = format!(
        "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v1'\n[source.a]\napk = '{}'\n{key}\n[flavor.x]\npackages = ['a']\n",
        server.url("/main")
    );
    place.write("index.toml", index.as_bytes());
    for (name, most) in [("sums.toml", 4 << 20), ("index.toml", 128 << 20)] {
        let before = server.sent();
        let (said, memory) = measured(&place, &["lock", name, "--retries", "0", "--timeout", "5"]);
        assert!(memory < 80 << 20, "{name}: {memory} bytes of memory");
        said.fails(4, &[&format!("more than the allowed {most}"), &server.url("/")]);
        let taken = server.sent() - before;
        assert!(taken < most + (16 << 20), "{name}: {taken} bytes");
        let left: u64 = ocelet_testkit::files_below(&place.path("cache"))
            .iter()
            .map(|file| place.read(&format!("cache/{file}")).len() as u64)
            .sum();
        assert!(left < 1 << 20, "{name}: {left} bytes are left in the cache");
    }
}

#[test]
fn a_cut_connection_is_gone_on_with_in_the_same_run_and_in_the_next() {
    let place = Place::new();
    let server = Server::start(|request, wire| match request.number {
        // The first is cut when it is locked; the third, and who asks for its rest, when it is assembled.
        0 | 2 => half(request, wire, close),
        3 => respond(wire, "503 Service Unavailable", "Content-Length: 0\r\n", b""),
        _ => honest(request, wire),
    });
    place.write("x.toml", &recipe(&server.url("/thing"), ""));
    let locked = place.run(&["lock", "x.toml"]).succeeds();
    assert!(locked.err.contains("asking again in"), "{}", locked.err);
    place.remove("cache");
    place.run(&["assemble", "x.toml", "--locked", "--retries", "1"]).fails(4, &["status 503"]);
    place.run(&["assemble", "x.toml", "--locked"]).succeeds();
    let asked: Vec<Option<usize>> = server.requests().iter().map(Request::from).collect();
    let rest = Some(LENGTH / 2);
    assert_eq!(asked, [None, rest, None, rest, rest]);
}

#[test]
fn what_is_gone_upstream_comes_from_the_mirrors_of_the_recipe_and_that_is_said() {
    let upstream = Server::start(|_, wire| respond(wire, "404 Not Found", "Content-Length: 0\r\n", b""));
    let lying = Server::start(|request, wire| serve(request, wire, &vec![7; LENGTH], "\"x\""));
    let copy = Server::start(honest);
    let place = Place::new();
    let digest = crate::server::digest(&content(LENGTH));
    let text =
        String::from_utf8(recipe(&upstream.url("/thing"), &format!("sha256 = '{digest}'"))).expect("text");
    place.write("x.toml", format!("mirrors = ['{}']\n{text}", copy.url("/m")).as_bytes());
    let locked = place.run(&["lock", "x.toml"]).succeeds();
    let words = [
        upstream.url("/thing"),
        "status 404 (not found)".to_owned(),
        format!("had it from {}", copy.url("/m/127.0.0.1+")),
    ];
    for word in &words {
        assert!(locked.err.contains(word.as_str()), "no \"{word}\" in {}", locked.err);
    }
    let assembled = place.run_afresh(&["assemble", "x.toml", "--locked"]).succeeds();
    assert!(assembled.err.contains(&words[2]), "{}", assembled.err);
    // Wrong bytes are told louder, and are nobody's.
    let assembled =
        place.run_afresh(&["assemble", "x.toml", "--locked", "--mirror", &lying.url("/l")]).succeeds();
    assert!(
        assembled.err.contains("WRONG BYTES from") && assembled.err.contains(&lying.host()),
        "{}",
        assembled.err
    );
    place.write("x.toml", text.as_bytes());
    place.remove("x.lock");
    place.run_afresh(&["lock", "x.toml"]).fails(4, &[&upstream.url("/thing"), "status 404 (not found)"]);
    place
        .run_afresh(&["lock", "x.toml", "--mirror", &lying.url("/l")])
        .fails(3, &[&lying.host(), &digest.to_string()]);
}
