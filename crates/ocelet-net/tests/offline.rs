//! Files and mirror directories: nothing outside of a mirror is read through it, and no socket is made.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use ocelet_net::{
    Address, Class, Digest, Expectation, FetchError, Fetched, Fetcher, FileOnly, Mirror, PartialFile, Silent,
    ThreadSleeper,
};
use sha2::Digest as _;

const CONTENT: &[u8] = b"locked content";

fn pinned() -> Expectation {
    Expectation::pinned(Digest(sha2::Sha256::digest(CONTENT).into()), CONTENT.len() as u64)
}

fn fetch(sources: &[Address], expectation: &Expectation) -> Result<(Fetched, Vec<u8>), FetchError> {
    let mut sink = Vec::new();
    Fetcher::new(&FileOnly, &ThreadSleeper, &Silent)
        .fetch_any("thing", sources, expectation, &mut sink)
        .map(|fetched| (fetched, sink))
}

fn put(path: &Path, content: &[u8]) {
    File::create(path).and_then(|mut file| file.write_all(content)).expect("written");
}

/// A mirror with good and bad things in it, beside a secret.
fn mirror() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("mirror");
    fs::create_dir_all(root.join("v3/main")).expect("directories");
    put(&directory.path().join("secret"), CONTENT);
    put(&root.join("v3/main/good file"), CONTENT);
    put(&root.join("flipped"), b"lockeD content");
    put(&root.join("short"), &CONTENT[..5]);
    put(&root.join("long"), b"locked content and more");
    symlink("v3/main/good file", root.join("inside")).expect("a link");
    symlink("v3/../v3/main/good file", root.join("round")).expect("a link");
    symlink("../secret", root.join("outside")).expect("a link");
    symlink(directory.path().join("secret"), root.join("absolute")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    symlink("circle", root.join("circle")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .expect("a pipe");
    directory
}

#[test]
fn a_mirror_gives_what_is_in_it_and_nothing_else() {
    use Class::{Unavailable, Verification};
    let directory = mirror();
    let mirror = Mirror::directory(directory.path().join("mirror"));
    for path in ["v3/main/good file", "inside", "round"] {
        let (fetched, sink) = fetch(&[mirror.address(path).expect(path)], &pinned()).expect(path);
        assert!(fetched.is_proved() && sink == CONTENT, "{path}");
    }
    for (path, class, want) in [
        ("outside", Unavailable, "leads out of the mirror"),
        ("absolute", Unavailable, "leads out of the mirror"),
        ("up/secret", Unavailable, "leads out of the mirror"),
        ("circle", Unavailable, "cannot be read"),
        ("dangling", Unavailable, "no such file"),
        ("absent", Unavailable, "no such file"),
        ("inside/x", Unavailable, "no such file"),
        ("v3", Unavailable, "not a regular file"),
        ("pipe", Unavailable, "not a regular file"),
        ("flipped", Verification, "the content is wrong: wanted sha256"),
        ("short", Verification, "has 5 bytes where 14 were wanted"),
        ("long", Verification, "has 23 bytes where 14 were wanted"),
    ] {
        let error = fetch(&[mirror.address(path).expect(path)], &pinned()).expect_err(path);
        let message = error.to_string();
        assert_eq!((error.class(), error.attempts().len()), (class, 1), "{path}: {message}");
        assert!(message.contains(want) && message.contains(path), "{path}: {message}");
    }
}

#[test]
fn the_next_mirror_is_asked_and_a_web_address_is_refused() {
    let directory = mirror();
    let mirror = Mirror::directory(directory.path().join("mirror"));
    let web = Address::parse("https://user:hunter2@example.invalid/x").expect("an address");
    let sources =
        [web.clone(), mirror.address("absent").expect("a path"), mirror.address("inside").expect("a path")];
    fetch(&sources, &pinned()).expect("the third has it");
    let error = fetch(&[web], &pinned()).expect_err("offline");
    assert_eq!(error.class(), Class::Unavailable);
    let message = error.to_string();
    assert!(message.contains("https://example.invalid/x (1 attempt): offline"), "{message}");
}

#[test]
fn a_file_address_is_opened_as_it_is_and_bounded() {
    let directory = mirror();
    let path = directory.path().join("mirror/outside");
    for address in [
        Address::file(&path),
        Address::parse(&format!("file://{}", path.display())).expect("an address"),
        Address::parse(&format!("file://localhost{}", path.display())).expect("an address"),
    ] {
        assert_eq!(
            fetch(std::slice::from_ref(&address), &pinned()).expect("the link is followed").1,
            CONTENT
        );
        let error = fetch(&[address], &Expectation::at_most(5)).expect_err("too long");
        assert!(error.to_string().contains("more than the allowed 5 bytes: 14 declared"), "{error}");
    }
}

#[test]
fn a_partial_file_is_completed() {
    let directory = mirror();
    let source = Mirror::directory(directory.path().join("mirror")).address("inside").expect("a path");
    let path = directory.path().join("partial");
    for before in [&b""[..], &CONTENT[..6], CONTENT, b"other", b"far too long to be a part of it"] {
        put(&path, before);
        let file = File::options().read(true).write(true).open(&path).expect("the file");
        let mut sink = PartialFile::new(file);
        let fetched = Fetcher::new(&FileOnly, &ThreadSleeper, &Silent)
            .fetch("thing", &source, &pinned(), &mut sink)
            .expect("completed");
        assert_eq!(fetched.from().is_none(), before == CONTENT, "what is there already is not fetched again");
        let mut file = sink.into_file();
        file.seek(SeekFrom::Start(0)).expect("the start");
        assert_eq!(std::io::read_to_string(file).expect("text").as_bytes(), CONTENT);
    }
}

/// Something for the watch to see, or else it would prove nothing.
#[test]
fn a_socket_for_comparison() {
    std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
}

/// Runs one test of this file once more under strace; the calls about files and sockets, or nothing where it
/// is not installed or may not trace.
#[expect(clippy::disallowed_methods, reason = "strace watches this very test program; nothing is built")]
#[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
fn watched(test: &str) -> Option<String> {
    let may_trace = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !may_trace.is_ok_and(|output| output.status.success()) {
        println!("skipped: strace not installed, or not allowed to trace");
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("calls");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=network,openat,openat2", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", test])
        .output()
        .expect("strace runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test} ran");
    Some(File::open(&log).and_then(std::io::read_to_string).expect("the calls"))
}

#[test]
fn no_socket_is_ever_made() {
    let sees_socket = |calls: &str| calls.lines().any(|line| line.contains("socket("));
    let Some(comparison) = watched("a_socket_for_comparison") else {
        return;
    };
    assert!(sees_socket(&comparison), "the watch works: {comparison}");
    for test in [
        "a_mirror_gives_what_is_in_it_and_nothing_else",
        "the_next_mirror_is_asked_and_a_web_address_is_refused",
    ] {
        let calls = watched(test).expect("as before");
        assert!(calls.contains("good file") || calls.contains("inside"), "{calls}");
        assert!(!sees_socket(&calls), "{calls}");
    }
}
