//! TLS with a self-made authority: given, its servers are accepted; else they are refused, saying why.
#![cfg(feature = "http")]

mod server;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ocelet_net::{
    Address, Class, Expectation, FetchError, Fetcher, Online, Proxies, Roots, SetupError, Silent,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use server::{Counted, Server, hello};

/// An authority's certificate in a file, and a server for `127.0.0.1` that it vouches for.
struct Secured {
    directory: tempfile::TempDir,
    config: Arc<rustls::ServerConfig>,
}

impl Secured {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("an authority");
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .and_then(|params| params.signed_by(&leaf_key, &issuer))
            .expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = File::create(directory.path().join("ca.pem")).expect("a file");
        file.write_all(authority.pem().as_bytes()).expect("written");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![leaf.der().clone()], key)
                .expect("a server");
        Self { directory, config: Arc::new(config) }
    }

    fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Answers every request by `head`; the port.
    fn serve(&self, head: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let config = Arc::clone(&self.config);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, head) = (Arc::clone(&config), head.clone());
                thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).expect("a connection");
                    let mut stream = rustls::StreamOwned::new(connection, stream);
                    // A client that refuses the certificate goes away here.
                    if stream.read(&mut [0; 4096]).is_ok() {
                        let _ = stream.write_all(head.as_bytes());
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        port
    }
}

fn get(roots: Roots, url: &str) -> Result<Vec<u8>, FetchError> {
    get_with(Online::new().roots(roots), url)
}

fn get_with(online: Online, url: &str) -> Result<Vec<u8>, FetchError> {
    let transport = online.connect().expect("a client");
    let mut sink = Vec::new();
    let address = Address::parse(url).expect("an address");
    Fetcher::new(&transport, &Counted::default(), &Silent)
        .fetch("thing", &address, &Expectation::at_most(100), &mut sink)
        .map(|_| sink)
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn an_authority_given_is_trusted_and_no_other() {
    let (ours, other) = (Secured::new("ours"), Secured::new("other"));
    let port = ours.serve(HELLO.to_owned());
    let url = format!("https://127.0.0.1:{port}/x");
    for roots in [
        Roots::only(ours.authority()),
        Roots::system().and(ours.authority()),
        Roots::only(other.authority()).and(ours.authority()),
    ] {
        assert_eq!(get(roots, &url).expect("trusted"), b"hello");
    }
    // One that only bears the name of the other.
    let pretender = Secured::new("ours");
    for (roots, want) in [
        (Roots::only(pretender.authority()), "BadSignature"),
        (Roots::only(other.authority()), "ca.pem"),
        (Roots::none(), "no certificate authorities were found"),
        (Roots::system(), "not accepted"),
    ] {
        let error = get(roots, &url).expect_err("not trusted");
        let message = error.to_string();
        assert_eq!((error.class(), error.attempts().len()), (Class::Unavailable, 1), "{message}");
        assert!(message.contains("certificate was not accepted") && message.contains(want), "{message}");
        assert!(message.contains(&url), "{message}");
    }
    // The certificate names an address, not a name.
    let error =
        get(Roots::only(ours.authority()), &format!("https://localhost:{port}/x")).expect_err("a name");
    assert!(error.to_string().contains("certificate was not accepted"), "{error}");
}

#[test]
fn https_goes_through_a_proxy_unread() {
    let proxy = Server::start(|request, wire| {
        let target = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        wire.tunnel(&target)
    });
    let secured = Secured::new("ours");
    let port = secured.serve(HELLO.to_owned());
    let proxies = Proxies::new().https(format!("http://user:hunter2@{}", proxy.host()));
    let online = Online::new().roots(Roots::only(secured.authority())).proxies(proxies);
    let got = get_with(online, &format!("https://me:secret@127.0.0.1:{port}/x"));
    assert_eq!(got.expect("tunnelled"), b"hello");
    let asked = proxy.requests().pop().expect("a request");
    assert_eq!(asked.line, format!("CONNECT 127.0.0.1:{port} HTTP/1.1"));
    assert_eq!(asked.header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
    assert_eq!(asked.header("authorization"), None, "the server's login is not for the proxy");
}

#[test]
fn a_redirect_to_plain_http_is_followed_only_when_asked() {
    let plain = hello();
    let secured = Secured::new("ours");
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", plain.url("/x"));
    let url = format!("https://127.0.0.1:{}/x", secured.serve(head));
    let online = || Online::new().roots(Roots::only(secured.authority()));
    let error = get_with(online(), &url).expect_err("a downgrade");
    assert!(error.to_string().contains("it leads from https to unprotected http"), "{error}");
    assert!(plain.requests().is_empty());
    assert_eq!(get_with(online().allow_downgrades(), &url).expect("asked for"), b"hello");
}

#[test]
fn an_authority_file_that_cannot_be_used_is_refused_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, text, want) in [
        ("empty.pem", Some(""), "holds no certificate authority"),
        ("broken.pem", Some(broken), "certificate 1"),
        ("absent.pem", None, "cannot be read"),
    ] {
        let path: &Path = &directory.path().join(name);
        if let Some(text) = text {
            File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
        }
        let error: SetupError = Online::new().roots(Roots::only(path)).connect().expect_err(name);
        let message = error.to_string();
        assert!(message.contains(want) && message.contains(name), "{message}");
    }
}
