//! `packaging/nginx-calltrace.conf` in front of a server: what it passes on, what it blocks, what it logs.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use testing::nginx;

use crate::serving::{CALL, Client, PATIENCE, Reply, Server, TOKEN};

/// An nginx on this host with the packaged file as its only site.
struct Nginx {
    running: nginx::Nginx,
    dir: tempfile::TempDir,
}

impl Nginx {
    /// Without TLS, in front of `server`.
    fn start(server: SocketAddr) -> Nginx {
        let dir = tempfile::tempdir().expect("a folder");
        let running = nginx::Nginx::start(dir.path(), |address| {
            let plain = packaged()
                .replace("listen 443 ssl;", &format!("listen {address};"))
                .replace("    listen [::]:443 ssl;\n", "")
                .lines()
                .filter(|line| !line.trim().starts_with("ssl_"))
                .map(|line| format!("{line}\n"))
                .collect::<String>();
            let site = plain.replace("server 127.0.0.1:8026;", &format!("server {server};"));
            logging_in(dir.path(), &site)
        });
        Nginx { running, dir }
    }

    fn get(&self, target: &str, headers: &str) -> Reply {
        self.ask("GET", target, headers)
    }

    fn ask(&self, method: &str, target: &str, headers: &str) -> Reply {
        let mut client = Client::connect(self.running.address());
        client.ask(method, target, headers);
        client.reply()
    }

    /// Returns all that it logged, once `line` is there; nginx logs after it answered.
    fn logs_with(&self, line: &str) -> String {
        let begin = Instant::now();
        while !self.logs().contains(line) {
            assert!(begin.elapsed() < PATIENCE, "no {line}: {}", self.logs());
            thread::sleep(Duration::from_millis(5));
        }
        self.logs()
    }

    /// Returns all that it logged so far.
    fn logs(&self) -> String {
        let logs = ["calltrace.log", "calltrace-error.log", "nginx.log"];
        let logs = logs.map(|name| fs::read_to_string(self.dir.path().join(name)));
        logs.map(Result::unwrap_or_default).concat()
    }
}

fn packaged() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/nginx-calltrace.conf");
    fs::read_to_string(path).expect("it is packaged")
}

/// The site with its logs in `dir`.
fn logging_in(dir: &Path, site: &str) -> String {
    site.replace("/var/log/nginx/", &format!("{}/", dir.display()))
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

fn run(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().expect("it is installed");
    let messages = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{messages}");
    messages
}

#[test]
fn the_packaged_file_is_right_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=bot.example.org", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    run(&mut openssl);
    let name = |path: &Path| path.display().to_string();
    let site = packaged()
        .replace("/etc/ssl/certs/bot.example.org.pem", &name(&certificate))
        .replace("/etc/ssl/private/bot.example.org.key", &name(&key));
    nginx::write(dir.path(), &logging_in(dir.path(), &site));
    let messages = run(nginx::command(dir.path()).arg("-t"));
    assert!(!messages.contains("[warn]"), "{messages}");
}

#[test]
fn a_page_comes_through_and_its_token_is_not_written_down() {
    let server = Server::sample();
    let nginx = Nginx::start(server.address);
    let direct = server.get(&format!("{CALL}?token={TOKEN}"));
    let reply = nginx.get(&format!("{CALL}?token={TOKEN}"), "");
    // Other calls of the client are left out where the search takes too long.
    let without_others = |page: Vec<u8>| {
        let page = String::from_utf8(page).expect("a page is text");
        let others = "<section class=\"others\"";
        let links = "<a class=\"button\" href=\"#others\"";
        let cut = |page: String, from: &str, to: &str| match page.split_once(from) {
            Some((before, rest)) => {
                let (_, after) = rest.split_once(to).expect("it ends");
                format!("{before}{after}")
            }
            None => page,
        };
        cut(cut(page, others, "</section>"), links, "</a>")
    };
    assert_eq!(reply.status, 200);
    assert_eq!(without_others(reply.body), without_others(direct.body));
    let header = "strict-transport-security: max-age=31536000";
    assert!(
        reply.head.to_ascii_lowercase().contains(header),
        "{}",
        reply.head
    );
    let list = format!("/calls/0367?token={TOKEN}");
    assert_eq!(nginx.get(&list, "").status, 200);
    let stats = format!("/stats/0367?token={TOKEN}");
    assert_eq!(nginx.get(&stats, "").status, 200);
    let referer = format!("Referer: https://bot.example.org/?token={TOKEN}\r\n");
    for target in [
        format!("{CALL}&token={TOKEN}"),
        format!("{CALL}%3ftoken={TOKEN}"),
        format!("/nowhere?token={TOKEN}"),
    ] {
        assert!(nginx.get(&target, &referer).status >= 400, "{target}");
    }
    // nginx logs what it refuses itself in another file.
    for _ in 0..60 {
        // The page for robots is cheap: a slow machine must not be slower than the limit.
        nginx.get(
            &format!("{CALL}?token={TOKEN}"),
            "User-Agent: TelegramBot\r\n",
        );
    }
    drop(server);
    nginx.logs_with(&format!(" GET {CALL} 200 "));
    let logs = nginx.logs_with(&format!(" GET {CALL} 429 "));
    assert!(!logs.contains(TOKEN) && !logs.contains("token"), "{logs}");
}

#[test]
fn a_server_that_is_away_costs_no_token_either() {
    let nginx = Nginx::start(free_port());
    assert_eq!(nginx.get(&format!("{CALL}?token={TOKEN}"), "").status, 502);
    let logs = nginx.logs_with(" 502 ");
    assert!(!logs.contains(TOKEN), "{logs}");
}

#[test]
fn nothing_but_pages_comes_through() {
    let server = Server::sample();
    let nginx = Nginx::start(server.address);
    for target in [
        "/metrics",
        "/log/event",
        "/trace",
        "/search",
        "/openapi.json",
        "/health",
        "/",
        "//metrics",
        "/call/../metrics",
        "/call/%2e%2e/metrics",
        "/call/..%2fmetrics",
        "/calls/0367/../../metrics",
        "/stats/0367/../../metrics",
    ] {
        let status = nginx.get(target, "").status;
        assert!([403, 404].contains(&status), "{target}: {status}");
    }
    for (method, target) in [
        ("POST", CALL),
        ("POST", "/log/event"),
        ("PUT", "/calls/0367"),
        ("POST", "/stats/0367"),
    ] {
        let status = nginx.ask(method, target, "Content-Length: 0\r\n").status;
        assert!([403, 404].contains(&status), "{method} {target}: {status}");
    }
}

#[test]
fn an_address_that_a_visitor_invents_does_not_dodge_the_limit_of_tries() {
    let server = Server::sample();
    let nginx = Nginx::start(server.address);
    let spoofed = |n: usize| {
        format!(
            "X-Forwarded-For: 198.51.100.{n}\r\nX-Real-IP: 198.51.100.{n}\r\nForwarded: for=198.51.100.{n}\r\n"
        )
    };
    // The enterprise differs each time, so that the visitor's own limit applies.
    let mut last = None;
    for n in 0..35 {
        let target = format!("/call/05{n:02}/1764493655.61?token=wrong");
        let reply = nginx.get(&target, &spoofed(n));
        // nginx's own limit sends no `Retry-After`.
        last = Some((reply.status, reply.header("retry-after").is_some()));
    }
    assert_eq!(last, Some((429, true)));
    assert_eq!(
        server
            .get_with(CALL, "X-Forwarded-For: 198.51.100.1\r\n")
            .status,
        403
    );
}
