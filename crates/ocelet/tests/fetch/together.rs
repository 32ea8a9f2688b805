//! Many files at once, one content twice, and two who want the same.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ocelet::fetch::store::Begun;

use crate::scene::{LENGTH, Scene, locked, thing};
use crate::server::{Server, content, serve};

#[test]
fn many_files_come_abreast_but_not_all_at_once() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let scene = Scene::new();
    let server = Server::start(|request, wire| {
        let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        // Before the answer: the client may be back with the next question before `serve` returns.
        NOW.fetch_sub(1, Ordering::SeqCst);
        serve(request, wire, path.as_bytes(), "\"v1\"")
    });
    let files: Vec<_> = (0..20)
        .map(|number| {
            let path = format!("/{number}");
            (path.clone(), locked(path.as_bytes(), &path[1..], &[&server.url(&path)]))
        })
        .collect();
    let wanted: Vec<_> = files.iter().map(|(name, file)| (name.clone(), file)).collect();
    let goods = scene.bring(&wanted).expect("all of them");
    assert!(files.iter().all(|(_, file)| goods.get(&file.sha256).is_some()));
    let most = MOST.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} at a time");
    scene.assert_store(20, 0, "all");
}

#[test]
fn one_content_under_two_names_is_fetched_once_from_whoever_has_it() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| serve(request, wire, &content(LENGTH), "\"v1\""));
    let (one, two) = (thing("/nonexistent/thing"), thing(&server.url("/two")));
    scene.bring(&[("one".to_owned(), &one), ("two".to_owned(), &two)]).expect("the second source has it");
    assert_eq!(server.requests().len(), 1);
    scene.assert_store(1, 0, "one blob");
}

#[test]
fn who_comes_second_waits_and_does_not_ask_again() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| {
        thread::sleep(Duration::from_millis(300));
        serve(request, wire, &content(LENGTH), "\"v1\"")
    });
    let file = thing(&server.url("/thing"));
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| scene.bring_one(&file).expect("it is brought"));
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert!(scene.heard.take().contains("Waiting { name: \"thing\" }"));
}

#[test]
fn what_a_dead_process_left_is_gone_on_with() {
    let scene = Scene::new();
    let server = Server::start(|request, wire| serve(request, wire, &content(LENGTH), "\"v1\""));
    let file = thing(&server.url("/thing"));
    let Begun::Write(mut partial) = scene.store().begin(&file.sha256, file.size).expect("a store") else {
        panic!("the store is empty");
    };
    partial.append(&content(LENGTH)[..1234]).expect("there is room");
    drop(partial);
    scene.bring_one(&file).expect("the rest comes");
    assert_eq!(server.requests()[0].from(), Some(1234));
    // Whole, but killed before it was renamed; and wrong from the beginning.
    for (left, requests) in [(content(LENGTH), 0), (vec![9; 1234], 2), (vec![9; LENGTH], 1)] {
        let before = server.requests().len();
        std::fs::remove_dir_all(scene.path("store")).expect("it is there");
        scene.file(&format!("store/v1/partial/{}", file.sha256.hex()), &left);
        scene.bring_one(&file).expect("the right bytes come");
        assert_eq!(server.requests().len() - before, requests, "{} bytes were left", left.len());
        scene.assert_store(1, 0, "the right bytes");
    }
}

#[test]
fn what_a_killed_process_had_is_gone_on_with() {
    /// Where a process that is to be killed finds its store, and its file.
    const STORE: &str = "OCELET_TEST_FETCH_STORE";
    const URL: &str = "OCELET_TEST_FETCH_URL";
    if let (Some(store), Ok(url)) = (std::env::var_os(STORE), std::env::var(URL)) {
        let scene = Scene::over(PathBuf::from(store));
        scene.bring_one(&thing(&url)).expect("it is killed before");
        return;
    }
    let scene = Scene::new();
    let server = Server::start(|request, mut wire| {
        if request.number > 0 {
            return serve(request, wire, &content(LENGTH), "\"v1\"");
        }
        write!(wire, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")?;
        wire.write_all(&content(LENGTH)[..LENGTH / 2])?;
        // Slower than the one who is killed lives, and not so slow that it is given up.
        for byte in &content(LENGTH)[LENGTH / 2..] {
            thread::sleep(Duration::from_millis(5));
            wire.write_all(&[*byte])?;
        }
        Ok(())
    });
    let file = thing(&server.url("/thing"));
    let partial = scene.path("store/v1/partial").join(file.sha256.hex());
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", "together::what_a_killed_process_had_is_gone_on_with"]);
    child.env(STORE, scene.path("store")).env(URL, server.url("/thing")).stdout(Stdio::null());
    // It is not there to clean up after itself.
    child.env("TMPDIR", scene.directory.path());
    let mut child = child.spawn().expect("it was started once already");
    let began = std::time::Instant::now();
    while std::fs::metadata(&partial).map_or(0, |metadata| metadata.len()) < LENGTH as u64 / 2 {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing came");
        thread::sleep(Duration::from_millis(5));
    }
    // One who wants the same waits for it, and takes over when it is dead.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| scene.bring_one(&file));
        thread::sleep(Duration::from_millis(100));
        assert_eq!(server.requests().len(), 1, "nobody asks for what is on its way");
        child.kill().expect("it is alive");
        child.wait().expect("it is dead");
        waiting.join().expect("no panic").expect("the rest comes");
    });
    let from = server.requests()[1].from().expect("only the rest is asked for");
    assert!(from >= LENGTH / 2, "{from}");
    scene.assert_store(1, 0, "all of it");
}
