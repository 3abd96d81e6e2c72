//! Connections: accepted up to a number, bounded in what they may take their time for, ended in
//! good order.
//!
//! Each thing that a peer can be slow at has its own limit: the head of a request, the next request
//! of a kept connection, taking an answer. What is wrong with the wire or no HTTP at all is
//! answered by hyper, with a status and no page.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use prometheus::IntCounter;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::io::InspectWriter;
use tower::ServiceExt as _;

use super::metrics::{Metrics, Refused};
use super::seats::{AtWork, Seat, Seats};
use super::site::Peer;

/// What connections may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open at one time; for one more the one that has been without a request for longest is closed,
    /// and where all have one, the new one is.
    pub in_all: usize,
    /// From one address, unless it is this host's or a proxy's.
    pub each_address: usize,
    /// Proxies on other hosts.
    pub proxies: Vec<IpAddr>,
    /// Until the head of a request is there whole.
    pub head: Duration,
    /// Bytes of that head.
    pub head_bytes: usize,
    /// Until the next request of a connection begins.
    pub idle: Duration,
    /// In which a peer takes not one byte of its answer.
    pub stalled: Duration,
    /// For requests that run when the end comes.
    pub finish: Duration,
}

impl Default for ConnectionLimits {
    /// 512 in all, 64 an address; 10 s and 32 KiB a head, 30 s idle, 30 s stalled, 10 s to finish.
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            in_all: 512,
            each_address: 64,
            proxies: Vec::new(),
            head: Duration::from_secs(10),
            head_bytes: 32 << 10,
            idle: Duration::from_secs(30),
            stalled: Duration::from_secs(30),
            finish: Duration::from_secs(10),
        }
    }
}

/// Serves a router until `shutdown` is done. Then nothing new is accepted, requests that run are
/// finished, and what is left after `limits.finish` is cut off. Connections count in `metrics`.
///
/// # Errors
/// When the listener has no address; what goes wrong with single connections is not one.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.local_addr()?;
    let seats = Seats::new(limits.in_all, limits.each_address, &limits.proxies);
    let wire = Wire::new(router, &limits, metrics.sent());
    let graceful = GracefulShutdown::new();
    // Whatever still runs when this is dropped is cut off.
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut gate = Gate {
        listener,
        said: None,
    };
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = gate.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some(seat) = seats.take(peer.ip()) else {
            metrics.refused(Refused::Connections);
            tracing::debug!(peer = %peer.ip(), "closed: too many connections");
            continue;
        };
        let (wire, watcher, counted) = (wire.clone(), graceful.watcher(), metrics.connected());
        connections.spawn(async move {
            let _counted = counted;
            wire.serve(stream, peer, watcher, &seat).await;
        });
    }
    drop(gate);
    if timeout(limits.finish, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    Ok(())
}

/// Where connections come from.
struct Gate {
    listener: TcpListener,
    /// When it was last said that there are none to be had.
    said: Option<Instant>,
}

impl Gate {
    /// The next connection. Without descriptors left there is none until some are closed: the
    /// others go on meanwhile.
    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        const BACK_OFF: Duration = Duration::from_millis(200);
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    self.say(&error);
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// Once a minute: it may come and go with every connection.
    fn say(&mut self, error: &io::Error) {
        const MINUTE: Duration = Duration::from_secs(60);
        if self.said.is_none_or(|at| at.elapsed() >= MINUTE) {
            tracing::warn!(%error, "can't accept connections");
            self.said = Some(Instant::now());
        }
    }
}

/// The peer had enough before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// HTTP over one connection.
#[derive(Clone)]
struct Wire {
    router: Router,
    http: http1::Builder,
    idle: Duration,
    stalled: Duration,
    sent: IntCounter,
}

impl Wire {
    fn new(router: Router, limits: &ConnectionLimits, sent: IntCounter) -> Wire {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_header_size(limits.head_bytes)
            // Nothing is read while an answer is made and written, so that the time limit of
            // reading is one for requests only.
            .half_close(true);
        Wire {
            router,
            http,
            idle: limits.idle,
            stalled: limits.stalled,
            sent,
        }
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher, seat: &Arc<Seat>) {
        // Answers are written whole; waiting for more to send only delays their ends.
        let _ = stream.set_nodelay(true);
        let sent = self.sent;
        let counted = InspectWriter::new(stream, move |bytes| {
            sent.inc_by(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        });
        let mut stream = TimeoutStream::new(counted);
        stream.set_read_timeout(Some(self.idle));
        stream.set_write_timeout(Some(self.stalled));
        let (router, from) = (self.router, Peer(peer.ip().to_canonical()));
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(from);
            let answer = router.clone().oneshot(request);
            let at_work = seat.work();
            async move {
                let response = answer.await?;
                Ok::<_, Infallible>(response.map(|body| Held { body, at_work }))
            }
        });
        let stream = TokioIo::new(Box::pin(stream));
        let connection = self.http.serve_connection(stream, service);
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%error, peer = %from.0, "a connection ended early");
            },
            () = seat.gone() => {
                tracing::debug!(peer = %from.0, "closed: another connection needed its place");
            }
        }
    }
}

/// An answer's body; its connection is at work until it was taken.
struct Held {
    body: Body,
    at_work: AtWork,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let held = self.get_mut();
        let _at_work = &held.at_work;
        Pin::new(&mut held.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
