//! A server that a test plays itself: it notes each HTTP request and gives the answer that the test chooses, or none.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::{text, wait_until};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, path and version.
    pub first: String,
    /// Each line of the head after the first.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

impl Request {
    /// The path, with its query.
    pub fn path(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// The value of a header; its name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.headers.iter().filter_map(|line| line.split_once(": "));
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer with this status and body.
    Http(u16, String),
    /// The same with one more header.
    With(u16, &'static str, String),
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing, for this long.
    Silence(Duration),
}

type Answer = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// A server on a free port of the loopback address. Its threads end with the test program.
pub struct Peer {
    /// Where it listens.
    pub at: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Peer {
    /// Starts one. `answer` gets each request and how many came before it.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("it is bound");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (answer, noted): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                thread::spawn(move || serve(stream, &*answer, &noted));
            }
        });
        Peer { at, requests }
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The requests so far.
    ///
    /// # Panics
    /// Never: no thread panics while it holds the list.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        requests
            .expect("no thread panics while it holds it")
            .clone()
    }

    /// Waits until there were this many requests.
    ///
    /// # Panics
    /// When they do not come within ten seconds.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        wait_until("requests", || self.requests().len() >= count);
        self.requests()
    }
}

/// Serves the requests of one connection until it closes.
fn serve(mut stream: TcpStream, answer: &Answer, noted: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut noted = noted.lock().expect("no thread panics while it holds it");
            noted.push(request.clone());
            noted.len() - 1
        };
        let (status, header, body) = match answer(&request, before) {
            Reply::Http(status, body) => (status, String::new(), body),
            Reply::With(status, header, body) => (status, format!("{header}\r\n"), body),
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Reply::Silence(time) => return thread::sleep(time),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Word\r\n{header}Content-Length: {length}\r\n\r\n");
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

/// The next request; `None` at the end of the connection, and for what is none.
fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        let read = reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let headers: Vec<String> =
        std::iter::from_fn(|| line().filter(|line| !line.is_empty())).collect();
    let mut request = Request {
        first,
        headers,
        body: String::new(),
    };
    let length = request
        .header("content-length")
        .map_or(Ok(0), str::parse)
        .ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = text(&body);
    Some(request)
}
