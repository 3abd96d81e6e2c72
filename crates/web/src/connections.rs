//! Accepts connections up to a limit, bounds how long each step may take, and ends gracefully.
//!
//! Each step in which a peer can be slow has its own limit: the head of a request, the next request of a kept
//! connection, reading an answer. hyper answers requests that are not valid HTTP, with a status and no page.

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

use super::connection_slots::{ActiveRequest, ConnectionSlot, ConnectionSlots};
use super::metrics::{Metrics, RefusalReason};
use super::site::Peer;

/// Limits of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections at a time. For one more, the connection that has been idle for longest is closed; if
    /// none is idle, the new one is closed.
    pub in_all: usize,
    /// Open connections from one address, unless it is a loopback address or a proxy.
    pub each_address: usize,
    /// The addresses of proxies on other hosts.
    pub proxies: Vec<IpAddr>,
    /// The time until the head of a request is complete.
    pub head: Duration,
    /// The longest head (bytes).
    pub head_bytes: usize,
    /// The time until the next request of a connection begins.
    pub idle: Duration,
    /// The time in which the peer must read at least one byte of its answer.
    pub stalled: Duration,
    /// The time that running requests get when the server ends.
    pub finish: Duration,
}

impl Default for ConnectionLimits {
    /// 512 connections, 64 per address; 10 s and 32 KiB for a head, 30 s idle, 30 s stalled, 10 s to
    /// finish.
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

/// Serves a router until `shutdown` is done. Then no new connection is accepted, running requests are
/// finished, and those that still run after `limits.finish` are cut off. Connections are counted in
/// `metrics`.
///
/// # Errors
/// Returns an error when the listener has no address. Errors of single connections are not returned.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.local_addr()?;
    let slots = ConnectionSlots::new(limits.in_all, limits.each_address, &limits.proxies);
    let wire = Wire::new(router, &limits, metrics.sent());
    let graceful = GracefulShutdown::new();
    // Dropping the set cuts off the connections that still run.
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut gate = Acceptor {
        listener,
        logged_at: None,
    };
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = gate.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some(slot) = slots.take(peer.ip()) else {
            metrics.refused(RefusalReason::Connections);
            tracing::debug!(peer = %peer.ip(), "closed: too many connections");
            continue;
        };
        let (wire, watcher, counted) = (wire.clone(), graceful.watcher(), metrics.connected());
        connections.spawn(async move {
            let _counted = counted;
            wire.serve(stream, peer, watcher, &slot).await;
        });
    }
    drop(gate);
    if timeout(limits.finish, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    Ok(())
}

/// Accepts connections.
struct Acceptor {
    listener: TcpListener,
    /// When the last failure was logged.
    logged_at: Option<Instant>,
}

impl Acceptor {
    /// Returns the next connection. If the process has no descriptor left, it waits until a connection is
    /// closed; the others are served during that time.
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

    /// Logs a failure at most once per minute, because it may occur with every connection.
    fn say(&mut self, error: &io::Error) {
        const MINUTE: Duration = Duration::from_secs(60);
        if self.logged_at.is_none_or(|at| at.elapsed() >= MINUTE) {
            tracing::warn!(%error, "can't accept connections");
            self.logged_at = Some(Instant::now());
        }
    }
}

/// Whether the peer gave up before its connection was accepted.
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
            // No byte is read while an answer is made and written, so the read timeout applies to
            // requests only.
            .half_close(true);
        Wire {
            router,
            http,
            idle: limits.idle,
            stalled: limits.stalled,
            sent,
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
        slot: &Arc<ConnectionSlot>,
    ) {
        // Answers are written in one piece; waiting for more data would only delay their last packets.
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
            let at_work = slot.work();
            async move {
                let response = answer.await?;
                Ok::<_, Infallible>(response.map(|body| ActiveBody { body, at_work }))
            }
        });
        let stream = TokioIo::new(Box::pin(stream));
        let connection = self.http.serve_connection(stream, service);
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%error, peer = %from.0, "a connection ended early");
            },
            () = slot.gone() => {
                tracing::debug!(peer = %from.0, "closed: another connection needed its place");
            }
        }
    }
}

/// The body of an answer; its connection counts as active until the body was sent.
struct ActiveBody {
    body: Body,
    at_work: ActiveRequest,
}

impl HttpBody for ActiveBody {
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
