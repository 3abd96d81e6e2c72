//! Slow peers, many peers, peers that are gone, and the end of a server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tokio::sync::Notify;

use crate::serving::{CALL, Client, PATIENCE, Server, Setup, TOKEN};

/// A short limit, but long enough not to affect other requests.
const SHORT: Duration = Duration::from_millis(300);

/// More than the kernel buffers for one connection.
const BIG_BYTES: usize = 64 << 20;

fn big(setup: Setup) -> Server {
    setup.start_with(|site| {
        let routes = Router::new()
            .route("/big", get(async || "x".repeat(BIG_BYTES)))
            .route("/well", get(async || "well"));
        calltrace_web::pages_of(&site, routes)
    })
}

#[test]
fn a_head_that_does_not_end_is_cut_off_and_delays_no_other_request() {
    let mut setup = Setup::default();
    setup.connections.head = SHORT;
    let server = setup.start();
    let mut silent = server.client();
    let mut slow: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for client in &mut slow {
        client.send(b"GET / HTTP/1.1\r\nX: ");
    }
    assert_eq!(server.get(&format!("{CALL}?token={TOKEN}")).status, 200);
    let begin = Instant::now();
    // Sending a byte now and then does not help.
    let dripping = slow.pop().expect("there are some");
    let mut dripping = dripping.0.into_inner();
    while dripping.write_all(b"x").is_ok() {
        assert!(begin.elapsed() < PATIENCE, "it goes on for ever");
        thread::sleep(Duration::from_millis(20));
    }
    for client in &mut slow {
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest);
        let rest = String::from_utf8_lossy(&rest);
        assert!(
            rest.is_empty() || rest.starts_with("HTTP/1.1 408"),
            "{rest}"
        );
    }
    assert!(silent.is_closed());
    assert!(begin.elapsed() < PATIENCE / 2);
}

#[test]
fn a_kept_connection_answers_again_until_it_idles() {
    let mut setup = Setup::default();
    setup.connections.idle = SHORT;
    let server = setup.start();
    let mut client = server.client();
    for _ in 0..5 {
        client.ask("GET", "/", "");
        assert_eq!(client.reply().status, 200);
    }
    // Requests sent ahead are answered in order.
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    assert_eq!(client.reply().status, 404);
    assert!(client.is_closed());
    let mut client = server.client();
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    assert!(client.is_closed());
}

#[test]
fn a_peer_that_only_stops_sending_gets_its_answer() {
    let server = Server::sample();
    let mut client = server.client();
    client.ask("GET", "/nowhere", "");
    let stream = client.0.get_ref();
    stream.shutdown(std::net::Shutdown::Write).expect("half");
    assert_eq!(client.reply().status, 404);
    assert!(client.is_closed());
}

#[test]
fn readers_that_do_not_read_are_cut_off_and_delay_no_others() {
    let mut setup = Setup::default();
    setup.connections.stalled = SHORT;
    let server = big(setup);
    let mut stalled: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for client in &mut stalled {
        client.ask("GET", "/big", "");
    }
    let begin = Instant::now();
    assert_eq!(server.get("/well").text(), "well");
    // They read nothing for longer than the limit allows.
    thread::sleep(2 * SHORT);
    for client in &mut stalled {
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.len() < BIG_BYTES, "it was given all");
    }
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn a_slow_reader_that_reads_gets_everything() {
    let mut setup = Setup::default();
    setup.connections.stalled = SHORT;
    setup.connections.idle = SHORT;
    let server = big(setup);
    let mut client = server.client();
    client.ask("GET", "/big", "Connection: close\r\n");
    let (begin, mut got) = (Instant::now(), 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = client.0.read(&mut piece).expect("it goes on");
        got += read;
        if read == 0 {
            break;
        }
        // The whole download takes longer than any of the limits.
        let due = 3 * SHORT * u32::try_from(got >> 20).expect("few") / 64;
        thread::sleep(due.saturating_sub(begin.elapsed()));
    }
    assert!(got > BIG_BYTES, "{got}");
    assert!(begin.elapsed() > 2 * SHORT);
}

#[test]
fn a_connection_beyond_the_cap_takes_the_place_of_one_without_a_request() {
    let mut setup = Setup::default();
    setup.connections.in_all = 3;
    let server = setup.start();
    let mut open: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut open {
        client.ask("GET", "/", "");
        assert_eq!(client.reply().status, 200);
    }
    let begin = Instant::now();
    let mut new = server.client();
    new.ask("GET", "/", "");
    assert_eq!(new.reply().status, 200);
    // The idle limit would have closed the connection much later.
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    let mut first = open.remove(0);
    assert!(first.is_closed(), "it was without a request for longest");
    for client in open.iter_mut().chain([&mut new]) {
        client.ask("GET", "/", "");
        assert_eq!(client.reply().status, 200);
    }
}

#[test]
fn connections_beyond_the_cap_are_closed_at_once_while_all_others_have_a_request() {
    let mut setup = Setup::default();
    setup.connections.in_all = 2;
    let (server, go_on, come) = held(setup);
    let mut open: Vec<Client> = (0..2).map(|_| server.client()).collect();
    for client in &mut open {
        client.ask("GET", "/hold", "");
    }
    testing::wait_until("both requests to begin", || {
        come.load(Ordering::SeqCst) == 2
    });
    assert!(server.client().is_closed());
    assert!(server.client().is_closed());
    go_on.notify_waiters();
    for client in &mut open {
        assert_eq!(client.reply().status, 200);
    }
}

/// Starts a server with a request that waits until the test lets it go on; also returns how many have
/// arrived.
fn held(setup: Setup) -> (Server, Arc<Notify>, Arc<AtomicUsize>) {
    let (go_on, come) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (until, count) = (Arc::clone(&go_on), Arc::clone(&come));
    let server = setup.start_with(move |site| {
        let hold = async move || {
            count.fetch_add(1, Ordering::SeqCst);
            until.notified().await;
            "finished"
        };
        calltrace_web::pages_of(&site, Router::new().route("/hold", get(hold)))
    });
    (server, go_on, come)
}

#[test]
fn the_end_waits_for_running_requests_and_accepts_no_new_ones() {
    let (mut server, go_on, come) = held(Setup::default());
    let mut idle = server.client();
    idle.ask("GET", "/nowhere", "");
    assert_eq!(idle.reply().status, 404);
    let mut running = server.client();
    running.ask("GET", "/hold", "");
    testing::wait_until("it", || come.load(Ordering::SeqCst) == 1);
    server.tell_to_stop();
    assert!(idle.is_closed());
    testing::wait_until("it", || TcpStream::connect(server.address).is_err());
    go_on.notify_one();
    let reply = running.reply();
    assert_eq!(reply.text(), "finished");
    assert!(running.is_closed());
    server.wait();
}

#[test]
fn the_end_waits_for_a_page_that_is_being_read() {
    let mut server = big(Setup::default());
    let mut client = server.client();
    client.ask("GET", "/big", "");
    let mut first = [0; 1];
    client.0.read_exact(&mut first).expect("it begins");
    server.tell_to_stop();
    testing::wait_until("it", || TcpStream::connect(server.address).is_err());
    let mut rest = Vec::new();
    client.0.read_to_end(&mut rest).expect("all of it");
    assert!(rest.len() > BIG_BYTES);
    server.wait();
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let mut setup = Setup::default();
    setup.connections.finish = SHORT;
    let (mut server, _held, come) = held(setup);
    let mut running = server.client();
    running.ask("GET", "/hold", "");
    testing::wait_until("it", || come.load(Ordering::SeqCst) == 1);
    let begin = Instant::now();
    server.tell_to_stop();
    server.wait();
    assert!(begin.elapsed() < PATIENCE / 2);
    assert!(running.is_closed());
}
