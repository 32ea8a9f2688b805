//! What the flags and the environment come down to, and which of them are refused with which exit code.
#![expect(clippy::disallowed_methods, reason = "tests make their own files")]

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    supply: SupplyArguments,
    #[command(flatten)]
    talk: Talk,
}

fn typed(words: &[&str]) -> Command {
    Command::try_parse_from([&["ocelet", "--quiet"], words].concat()).expect("flags")
}

/// What went wrong, and the exit code.
fn refusal<V>(result: Result<V, Failure>) -> Option<String> {
    result.err().map(|failure| format!("{failure:?}"))
}

#[test]
fn mirrors_are_directories_or_addresses_and_only_directories_offline() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path().to_str().expect("text");
    let url = format!("file://{here}");
    for (words, code, want) in [
        (vec!["--mirror", here], 0, ""),
        (vec!["--offline", "--mirror", here, "--mirror", &url], 0, ""),
        (vec!["--mirror", "https://mirror.example/x"], 0, ""),
        (vec!["--offline", "--mirror", "https://u:hunter2@mirror.example/x"], 2, "opens no connection"),
        (vec!["--mirror", "ftp://mirror.example"], 2, "scheme"),
        (vec!["--mirror", ""], 2, "got nothing"),
        (vec!["--mirror", "/nonexistent/mirror"], 4, "is not a directory"),
        (vec!["--offline", "--mirror", "/etc/hostname/x"], 4, "is not a directory"),
    ] {
        let refused = refusal(typed(&words).supply.mirrors());
        assert_eq!(refused.is_some(), code != 0, "{words:?}: {refused:?}");
        let refused = refused.unwrap_or_default();
        assert!(refused.contains(want) && !refused.contains("hunter2"), "{words:?}: {refused}");
        assert!(code == 0 || refused.contains(&format!("code: {code},")), "{words:?}: {refused}");
    }
}

#[test]
fn logins_come_from_the_named_file_or_the_usual_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let flag = file("flag", "machine h login flag password hunter2");
    let variable = file("variable", "machine h login variable password hunter2");
    let home = file("home", "machine h login home password hunter2");
    let broken = file("broken", "machine h hunter2");
    let gone = directory.path().join("gone");
    let broken_docker = file("config.json", "{");
    for (given, netrc, home_netrc, want) in [
        (None, None, None, Ok(None)),
        (None, None, Some(&gone), Ok(None)),
        (None, None, Some(&home), Ok(Some("home"))),
        (None, Some(&variable), Some(&home), Ok(Some("variable"))),
        (Some(&flag), Some(&variable), Some(&home), Ok(Some("flag"))),
        (None, Some(&gone), Some(&home), Err(4)),
        (Some(&gone), None, Some(&home), Err(4)),
        (None, None, Some(&broken), Err(2)),
    ] {
        let mut command = typed(&[]);
        command.supply.netrc = given.cloned();
        let network = Network {
            netrc: netrc.cloned(),
            home_netrc: home_netrc.cloned(),
            // A broken one is told of, and stops nothing.
            docker: Some(broken_docker.clone()),
            ..Network::default()
        };
        match (command.supply.keyring(&network, &command.talk), want) {
            (Ok(keyring), Ok(user)) => {
                let login = keyring.download("h").map(|login| format!("{login:?}"));
                assert_eq!(login.is_some(), user.is_some(), "{login:?}");
                assert!(login.unwrap_or_default().contains(user.unwrap_or_default()), "{user:?}");
            }
            (Err(failure), Err(code)) => {
                let text = format!("{failure:?}");
                assert!(text.contains(&format!("code: {code},")) && !text.contains("hunter2"), "{text}");
            }
            (got, want) => panic!("wanted {want:?}, got {got:?}"),
        }
    }
}

#[test]
fn what_makes_no_client_is_told_by_its_kind() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let gone = directory.path().join("gone.pem");
    let plain = Network::default();
    let proxied = |proxy: &str| Network { https_proxy: Some(proxy.to_owned()), ..Network::default() };
    for (network, ca_file, code, want) in [
        (plain.clone(), None, 0, ""),
        (proxied("http://proxy.example:3128"), None, 0, ""),
        (proxied("socks5://u:hunter2@proxy.example"), None, 2, "SOCKS"),
        (plain.clone(), Some(gone.clone()), 4, "gone.pem"),
        (plain.clone(), Some(empty), 2, "no certificate authority"),
        (Network { authorities: Some(gone), ..plain }, None, 4, "gone.pem"),
    ] {
        let mut command = typed(&[]);
        command.supply.ca_file = ca_file;
        let online = command.supply.online(&network, &command.talk).expect("no logins are asked for");
        let refused = refusal(online.connect().map_err(|error| refused(&error)));
        assert_eq!(refused.is_some(), code != 0, "{network:?}: {refused:?}");
        let refused = refused.unwrap_or_default();
        assert!(refused.contains(want) && !refused.contains("hunter2"), "{refused}");
        assert!(code == 0 || refused.contains(&format!("code: {code},")), "{refused}");
    }
}

#[test]
fn offline_nothing_of_the_network_is_even_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = directory.path().join("cache");
    let command =
        typed(&["--offline", "--ca-file", "/nonexistent", "--cache-dir", cache.to_str().expect("text")]);
    let doors = command.supply.open(&command.talk).expect("no client is built");
    let supply = doors.supply(Path::new("base"));
    assert_eq!((supply.store.directory(), supply.base.as_path()), (cache.as_path(), Path::new("base")));
    let address = ocelet::net::Address::parse("http://127.0.0.1:1/x").expect("an address");
    let ask = ocelet::net::Ask { address: &address, from: 0, validator: None };
    let setback = supply.source.open(&ask).expect_err("there is no network");
    assert!(matches!(*setback.failure, ocelet::net::Failure::Offline), "{setback:?}");
}

#[test]
fn patience_is_as_it_is_typed_or_as_usual() {
    let seconds = Duration::from_secs;
    let (usual, slow) = (Patience::default().attempts, Timeouts::default());
    for (words, attempts, connect, answer, stall) in [
        (&[][..], usual, slow.connect, slow.answer, slow.stall),
        (&["--retries", "0"], 1, slow.connect, slow.answer, slow.stall),
        (&["--retries", "7", "--timeout", "5"], 8, seconds(5), seconds(5), seconds(5)),
    ] {
        let supply = typed(words).supply;
        let timeouts = supply.timeouts();
        assert_eq!(supply.patience().attempts, attempts, "{words:?}");
        assert_eq!(
            (timeouts.connect, timeouts.answer, timeouts.stall),
            (connect, answer, stall),
            "{words:?}"
        );
    }
    for words in [["--retries", "-1"], ["--retries", "101"], ["--timeout", "0"], ["--timeout", "never"]] {
        assert!(Command::try_parse_from([&["ocelet"], &words[..]].concat()).is_err(), "{words:?}");
    }
}
