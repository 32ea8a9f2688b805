//! What a client owes its user: logins stay with their host and out of sight, proxies are used as told, and a
//! caller's asynchronous runtime is not upset.
#![cfg(feature = "http")]

mod server;

use std::sync::Arc;

use ocelet_net::{
    Address, Expectation, Fetcher, Keyring, Netrc, Online, Proxies, Roots, SetupError, Silent, Transport,
};
use server::{Counted, Heard, Server, hello, respond};

/// `user:hunter2` in base64.
const BASIC: &str = "Basic dXNlcjpodW50ZXIy";

fn online() -> Online {
    Online::new().roots(Roots::none())
}

fn get(transport: &Transport, url: &str) -> Result<Vec<u8>, String> {
    let mut sink = Vec::new();
    Fetcher::new(transport, &Counted::default(), &Silent)
        .fetch("thing", &Address::parse(url).expect("an address"), &Expectation::at_most(1 << 20), &mut sink)
        .map(|_| sink)
        .map_err(|error| error.to_string())
}

fn netrc() -> Keyring {
    Keyring::new().netrc(Netrc::parse("machine 127.0.0.1 login user password hunter2").expect("netrc"))
}

#[test]
fn logins_go_to_their_host_only() {
    let server = hello();
    let host = server.host();
    for (online, url, want) in [
        (online(), format!("http://user:hunter2@{host}/x"), Some(BASIC)),
        (online().keyring(netrc()), format!("http://{host}/x"), None),
        (online().keyring(netrc()).allow_plain_logins(), format!("http://{host}/x"), Some(BASIC)),
        (
            online().keyring(netrc()).allow_plain_logins(),
            format!("http://localhost:{}/x", host.rsplit(':').next().expect("a port")),
            None,
        ),
    ] {
        assert_eq!(get(&online.connect().expect("a client"), &url).as_deref(), Ok(&b"hello"[..]));
        let last = server.requests().pop().expect("a request");
        assert_eq!(last.header("authorization"), want, "{url}");
    }
}

#[test]
fn a_redirect_to_another_host_leaves_the_login_behind() {
    let there = hello();
    let there_url = there.url("/there?token=hunter3");
    let here = Server::start(move |request, wire| match request.line.split(' ').nth(1) {
        Some("/away") => respond(wire, "302 Found", &format!("Location: {there_url}\r\n"), b""),
        Some("/along") => respond(wire, "302 Found", "Location: /away\r\n", b""),
        _ => respond(wire, "404 Not Found", "", b""),
    });
    let transport = online().keyring(netrc()).allow_plain_logins().connect().expect("a client");
    let heard = Heard::default();
    let (url, mut sink) = (format!("http://user:hunter2@{}/along", here.host()), Vec::new());
    Fetcher::new(&transport, &Counted::default(), &heard)
        .fetch("thing", &Address::parse(&url).expect("an address"), &Expectation::at_most(100), &mut sink)
        .expect("redirected");
    let seen: Vec<Option<String>> =
        here.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(seen, [Some(BASIC.to_owned()), Some(BASIC.to_owned())], "the same host keeps it");
    assert_eq!(there.requests()[0].header("authorization"), None, "even one that netrc knows by name");
    assert!(heard.text().contains("Redirected"), "{}", heard.text());
    assert!(!heard.text().contains("hunter"), "{}", heard.text());
}

#[test]
fn no_secret_is_shown() {
    let server = Server::start(|request, wire| match request.number {
        0 => respond(wire, "302 Found", "Location: /y?sig=hunter3\r\n", b""),
        1 => respond(wire, "503 Service Unavailable", "", b""),
        2 => respond(wire, "302 Found", "Location: ftp://me:hunter4@h/?k=hunter5\r\n", b""),
        _ => respond(wire, "404 Not Found", "", b""),
    });
    let url = format!("http://user:hunter2@{}/x?token=hunter1#hunter6", server.host());
    let address = Address::parse(&url).expect("an address");
    let (transport, heard) = (online().keyring(netrc()).connect().expect("a client"), Heard::default());
    let error = Fetcher::new(&transport, &Counted::default(), &heard)
        .fetch("thing", &address, &Expectation::at_most(100), &mut Vec::new())
        .expect_err("nothing there");
    for text in [error.to_string(), format!("{error:?}"), heard.text(), format!("{transport:?} {address:?}")]
    {
        assert!(!text.contains("hunter") && !text.contains("dXNl"), "{text}");
    }
    assert!(error.to_string().contains("/y?sig=…"), "the place is named: {error}");
}

#[test]
fn proxies_are_used_as_told() {
    let proxy = Server::start(|request, wire| {
        if request.line.starts_with("CONNECT ") {
            return respond(wire, "407 Proxy Authentication Required", "", b"");
        }
        respond(wire, "200 OK", "", b"proxied")
    });
    let direct = hello();
    let address = format!("user:hunter2@{}", proxy.host());
    let proxies =
        Proxies::new().http(address.as_str()).https(format!("http://{address}")).except("127.0.0.1");
    assert!(!format!("{proxies:?}").contains("hunter"));
    let transport = online().proxies(proxies).connect().expect("a client");

    assert_eq!(get(&transport, "http://example.invalid/x").as_deref(), Ok(&b"proxied"[..]));
    let asked = proxy.requests().pop().expect("a request");
    assert_eq!(asked.line, "GET http://example.invalid/x HTTP/1.1");
    assert_eq!(asked.header("proxy-authorization"), Some(BASIC));

    assert_eq!(get(&transport, &direct.url("/x")).as_deref(), Ok(&b"hello"[..]), "an exception");

    let message = get(&transport, "https://example.invalid/x").expect_err("the proxy refuses");
    assert!(message.contains("https://example.invalid/x") && message.contains("proxy"), "{message}");
    assert!(!message.contains("hunter"), "{message}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "this very test program is run in another environment; nothing is built"
)]
fn proxies_of_the_environment_are_not_found() {
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    // A port that nobody answers at.
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        again.env(name, "http://127.0.0.1:9");
    }
    let output = again.args(["--exact", "logins_go_to_their_host_only"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused() {
    for (proxy, want) in [
        ("socks5://me:hunter2@h:1080", "SOCKS is not supported"),
        ("ftp://h", "its scheme is unknown"),
        ("http://me:hunter2@:x", "not valid"),
    ] {
        let error = online().proxies(Proxies::new().https(proxy)).connect().expect_err(proxy);
        assert!(matches!(error, SetupError::Proxy { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(want) && !message.contains("hunter"), "{message}");
    }
    assert!(online().proxies(Proxies::new().http("")).connect().is_ok(), "an empty value is none");
}

#[test]
fn it_works_inside_of_any_asynchronous_runtime() {
    let server = Arc::new(hello());
    let mut one = tokio::runtime::Builder::new_current_thread();
    let mut many = tokio::runtime::Builder::new_multi_thread();
    for runtime in [one.enable_all(), many.enable_all()] {
        let runtime = runtime.build().expect("a runtime");
        let server = Arc::clone(&server);
        runtime.block_on(async move {
            let transport = online().connect().expect("a client");
            assert_eq!(get(&transport, &server.url("/x")).as_deref(), Ok(&b"hello"[..]));
            drop(transport);
        });
    }
}

#[test]
fn a_client_stands_without_any_authority_and_says_so_when_one_is_needed() {
    let transport = online().connect().expect("a client");
    let server = hello();
    assert!(get(&transport, &server.url("/x")).is_ok());
    // A server that does not speak TLS at all.
    let url = server.url("/x").replace("http://", "https://");
    let message = get(&transport, &url).expect_err("no TLS");
    assert!(message.contains("no connection"), "{message}");
}
