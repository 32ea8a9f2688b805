//! An HTTP server that misbehaves as told: a script is given each request and the bare connection.
//!
//! It refuses nothing, keeps no connection alive, and counts what it could send, so that a test can tell how
//! much a client was willing to take.
#![expect(dead_code, reason = "each test file uses its own part of the server")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ocelet_net::{Digest, Event, Observer, Sleeper};
use sha2::Digest as _;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted from zero over the life of the server.
    pub(crate) number: usize,
    /// The first line, such as `GET /x HTTP/1.1`.
    pub(crate) line: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The position asked for by `Range: bytes=N-`.
    pub(crate) fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A running server. Its threads end with the test process.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
}

/// The connection, counting what goes out.
pub(crate) struct Wire {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.sent.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Wire {
    /// Breaks the connection with a reset: a socket closed with unread bytes does not say goodbye.
    pub(crate) fn reset(self) {
        // The client's bytes were only peeked at; give ours the time to arrive first.
        thread::sleep(Duration::from_millis(50));
        drop(self.stream);
    }
}

impl Server {
    /// Answers every request by `script`, which owns the connection; an error of it ends the connection.
    pub(crate) fn start(script: impl Fn(&Request, Wire) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let sent: Arc<AtomicU64> = Arc::default();
        let (log, counter, script) = (Arc::clone(&requests), Arc::clone(&sent), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, counter, script) = (Arc::clone(&log), Arc::clone(&counter), Arc::clone(&script));
                thread::spawn(move || {
                    let Some(mut request) = peek_request(&stream) else {
                        return;
                    };
                    {
                        let mut log = log.lock().expect("the log");
                        request.number = log.len();
                        log.push(request.clone());
                    }
                    // A client that went away is what many a test wants.
                    let _ = script(&request, Wire { stream, sent: counter });
                });
            }
        });
        Self { address, requests, sent }
    }

    /// The address of `path` on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the log").clone()
    }

    /// Bytes that clients were willing to take (or the system's socket buffers).
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Wire {
    /// Answers a CONNECT and passes bytes to and fro, as a proxy does.
    pub(crate) fn tunnel(mut self, to: &str) -> io::Result<()> {
        let mut head = vec![0; 16 << 10];
        let _ = self.stream.read(&mut head)?;
        let mut onward = TcpStream::connect(to)?;
        self.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let (mut back, mut here) = (onward.try_clone()?, self.stream.try_clone()?);
        thread::spawn(move || io::copy(&mut back, &mut here));
        io::copy(&mut self.stream, &mut onward).map(|_| ())
    }
}

/// Waits for the head of a request without taking it off the connection.
fn peek_request(stream: &TcpStream) -> Option<Request> {
    let mut buffer = vec![0; 16 << 10];
    for _ in 0..500 {
        let length = stream.peek(&mut buffer).ok().filter(|length| *length > 0)?;
        // No method begins so: it is a TLS client, and gets no answer.
        buffer[0].is_ascii_uppercase().then_some(())?;
        if let Some(request) = parse(&buffer[..length]) {
            return Some(request);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

fn parse(head: &[u8]) -> Option<Request> {
    let text = std::str::from_utf8(head).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Request { number: 0, line, headers })
}

/// Takes the request off the connection and says goodbye properly after what was written.
pub(crate) fn close(mut wire: Wire) -> io::Result<()> {
    let mut head = vec![0; 16 << 10];
    let _ = wire.stream.read(&mut head)?;
    wire.stream.shutdown(Shutdown::Write)?;
    // Until the client closes too: bytes of ours must not be lost to a reset.
    wire.stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    while wire.stream.read(&mut head).is_ok_and(|read| read > 0) {}
    Ok(())
}

/// Writes a whole answer.
pub(crate) fn respond(mut wire: Wire, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    write!(wire, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n")?;
    wire.write_all(body)?;
    close(wire)
}

/// Answers as a good server does: length, entity tag, and the part that was asked for.
pub(crate) fn serve(request: &Request, wire: Wire, content: &[u8], tag: &str) -> io::Result<()> {
    let fresh = request.header("if-range").is_none_or(|wanted| wanted == tag);
    match request.from().filter(|_| fresh) {
        Some(from) if from >= content.len() => {
            let range = format!("Content-Range: bytes */{}\r\nContent-Length: 0\r\n", content.len());
            respond(wire, "416 Range Not Satisfiable", &range, b"")
        }
        Some(from) => {
            let headers = format!(
                "Content-Range: bytes {from}-{}/{}\r\nContent-Length: {}\r\nETag: {tag}\r\n",
                content.len() - 1,
                content.len(),
                content.len() - from
            );
            respond(wire, "206 Partial Content", &headers, &content[from..])
        }
        None => {
            let headers = format!("Content-Length: {}\r\nETag: {tag}\r\n", content.len());
            respond(wire, "200 OK", &headers, content)
        }
    }
}

/// A server that says `hello` to everybody.
pub(crate) fn hello() -> Server {
    Server::start(|_, wire| respond(wire, "200 OK", "", b"hello"))
}

/// Bytes that repeat nowhere soon.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(length)
    .collect()
}

/// The sha256 of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

/// Does not sleep, but counts.
#[derive(Default)]
pub(crate) struct Counted(pub(crate) Mutex<Duration>);

impl Sleeper for Counted {
    fn sleep(&self, wait: Duration) {
        *self.0.lock().expect("the count") += wait;
    }
}

/// Keeps every event as text.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().expect("the events").push(format!("{event:?}"));
    }
}

impl Heard {
    /// All events, a line each.
    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("the events").join("\n")
    }
}
