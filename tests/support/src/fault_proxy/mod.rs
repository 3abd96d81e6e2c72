//! A proxy in front of an S3-compatible store: it adds a delay, counts requests, and plays faults by rule.
//!
//! It passes on each request as it is, so that signatures stay valid. `message` reads and writes HTTP.

mod message;

use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use message::{Message, read_request, read_response};

/// What the proxy does instead of passing on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store is not asked; the answer has this status.
    Status(u16),
    /// The answer's body ends after this many bytes, though its head announces all of them.
    Cut(usize),
    /// One byte in the middle of the body is another.
    WrongByte,
    /// The answer comes this much later.
    Slow(Duration),
    /// The connection is closed before the store is asked.
    Refused,
    /// The store is asked, and the connection is closed instead of passing on its answer.
    Lost,
    /// A write on a condition is answered with 501; others are passed on.
    NoConditions,
}

/// A request that the proxy has seen.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    pub method: String,
    /// With the bucket, without the query.
    pub path: String,
    /// Without the question mark; empty if there is none.
    pub query: String,
    /// The value of `Range`: `bytes=0-65535`.
    pub range: Option<String>,
    /// `If-None-Match` or `If-Match` with its value.
    pub condition: Option<(String, String)>,
    /// Of the request and of the answer's body.
    pub bytes: (usize, usize),
    /// The status of the answer that was passed on; 0 if there was none.
    pub status: u16,
    /// When it came, and when its answer was sent.
    pub times: (Instant, Instant),
}

type Condition = Box<dyn FnMut(&SeenRequest) -> bool + Send>;

struct Rule {
    fault: Fault,
    /// How often it still applies.
    times: usize,
    applies: Condition,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<SeenRequest>,
    connections: Vec<TcpStream>,
}

struct Shared {
    store: u16,
    delay_micros: AtomicU64,
    is_ended: AtomicBool,
    state: Mutex<State>,
}

/// A proxy that runs until it is dropped.
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
}

impl FaultProxy {
    /// Starts one in front of the store that listens on this port of the loopback address.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(store: u16) -> FaultProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            store,
            delay_micros: AtomicU64::new(0),
            is_ended: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let listening = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if listening.is_ended.load(Ordering::Relaxed) {
                    break;
                }
                let (Ok(client), shared) = (client, Arc::clone(&listening)) else {
                    continue;
                };
                thread::spawn(move || {
                    // A peer that has gone is no fault of the proxy.
                    let _ = shared.serve(client);
                });
            }
        });
        FaultProxy { shared, port }
    }

    /// Its address, in place of the store's.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Delays every request by this much from now on.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).expect("it is short");
        self.shared.delay_micros.store(micros, Ordering::Relaxed);
    }

    /// Plays a fault for the next `times` requests for which `applies` holds. The first of several rules counts.
    /// `applies` sees what is known before the store is asked, and may do something of its own.
    pub fn play(
        &self,
        fault: Fault,
        times: usize,
        applies: impl FnMut(&SeenRequest) -> bool + Send + 'static,
    ) {
        let applies = Box::new(applies);
        self.shared.state().rules.push(Rule {
            fault,
            times,
            applies,
        });
    }

    /// Forgets all rules, and all requests seen so far.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.seen.clear();
    }

    /// All requests since the last [`FaultProxy::reset`], in the order in which their answers were sent.
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.shared.state().seen.clone()
    }

    /// The longest chain of requests each of which came after the one before it was answered: what a question costs in
    /// round trips.
    pub fn longest_chain(&self) -> usize {
        let mut seen = self.seen();
        seen.sort_by_key(|request| request.times.1);
        let mut last: Option<Instant> = None;
        let mut length = 0;
        for request in seen {
            if last.is_none_or(|end| request.times.0 >= end) {
                last = Some(request.times.1);
                length += 1;
            }
        }
        length
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        for connection in self.shared.state().connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection until it closes.
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        self.state().connections.push(client.try_clone()?);
        let mut requests = BufReader::new(client.try_clone()?);
        let mut to_client = client;
        let mut store: Option<BufReader<TcpStream>> = None;
        while let Some(request) = read_request(&mut requests)? {
            let mut seen = seen(&request);
            let fault = self.fault_for(&seen);
            let delay = Duration::from_micros(self.delay_micros.load(Ordering::Relaxed));
            match fault {
                Some(Fault::Slow(more)) => thread::sleep(delay + more),
                _ => thread::sleep(delay),
            }
            let answer = match fault {
                Some(Fault::Refused) => {
                    self.note(seen);
                    return to_client.shutdown(Shutdown::Both);
                }
                Some(Fault::Status(status)) => Message::of_status(status),
                Some(Fault::NoConditions) if seen.condition.is_some() && seen.method != "GET" => {
                    Message::of_status(501)
                }
                _ => self.ask(&mut store, &request)?,
            };
            let (head, mut body) = (answer.head.clone(), answer.body.clone());
            seen.bytes.1 = body.len();
            let mut is_cut = false;
            match fault {
                Some(Fault::Lost) => {
                    self.note(seen);
                    return to_client.shutdown(Shutdown::Both);
                }
                Some(Fault::Cut(bytes)) => {
                    body.truncate(bytes);
                    is_cut = true;
                }
                Some(Fault::WrongByte) if !body.is_empty() => {
                    let middle = body.len() / 2;
                    body[middle] ^= 0x55;
                }
                _ => {}
            }
            seen.status = answer.status();
            to_client.write_all(&head)?;
            to_client.write_all(&body)?;
            self.note(seen);
            if is_cut {
                return to_client.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    /// The answer of the store. A connection that it closed meanwhile is opened again.
    fn ask(
        &self,
        store: &mut Option<BufReader<TcpStream>>,
        request: &Message,
    ) -> io::Result<Message> {
        if let Some(mut open) = store.take()
            && let Ok(answer) = exchange(&mut open, request)
        {
            *store = Some(open);
            return Ok(answer);
        }
        let stream = TcpStream::connect(("127.0.0.1", self.store))?;
        stream.set_nodelay(true)?;
        let mut open = BufReader::new(stream);
        let answer = exchange(&mut open, request)?;
        *store = Some(open);
        Ok(answer)
    }

    fn fault_for(&self, seen: &SeenRequest) -> Option<Fault> {
        let mut state = self.state();
        for rule in &mut state.rules {
            if rule.times > 0 && (rule.applies)(seen) {
                rule.times -= 1;
                return Some(rule.fault);
            }
        }
        None
    }

    fn note(&self, mut seen: SeenRequest) {
        seen.times.1 = Instant::now();
        self.state().seen.push(seen);
    }
}

fn exchange(store: &mut BufReader<TcpStream>, request: &Message) -> io::Result<Message> {
    let stream = store.get_mut();
    stream.write_all(&request.head)?;
    stream.write_all(&request.body)?;
    read_response(store, request.first_word() == "HEAD")
}

fn seen(request: &Message) -> SeenRequest {
    let target = request.second_word();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let condition = ["if-none-match", "if-match"].into_iter();
    let mut condition = condition.filter_map(|name| Some((name, request.header(name)?)));
    let now = Instant::now();
    SeenRequest {
        method: request.first_word().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        range: request.header("range"),
        condition: condition
            .next()
            .map(|(name, value)| (name.to_owned(), value)),
        bytes: (request.body.len(), 0),
        status: 0,
        times: (now, now),
    }
}
