//! `calltrace serve` as a process: what it prints, how it ends, and what its log never says.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use crate::serving::{CALL, Client, PATIENCE, Running, SETTINGS, TOKEN, command};

fn ended(mut command: Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn without_settings_it_prints_the_link_to_open() {
    let running = Running::start("", &[]);
    let address = running.address();
    let line = running.stderr_line();
    assert!(
        line.contains("its own token, which opens all 4 enterprises"),
        "{line}"
    );
    let line = running.lines.recv_timeout(PATIENCE).expect("a link");
    let target = line
        .strip_prefix(&format!("http://{address}"))
        .expect("its own address");
    let (path, token) = target.split_once("?token=").expect("a token");
    // 128 bits.
    assert_eq!(token.len(), 22, "{token}");
    assert!(path.starts_with("/calls/0"), "{path}");
    let mut client = Client::connect(address);
    for target in [target, &format!("{CALL}?token={token}")] {
        client.ask("GET", target, "");
        assert_eq!(client.reply().status, 200, "{target}");
    }
    client.ask("GET", CALL, "");
    assert_eq!(client.reply().status, 403);
    drop(client);
    running.signal("-TERM");
    let (code, stderr) = running.end();
    assert_eq!(code, Some(0));
    assert!(!stderr.contains(token), "{stderr}");
}

#[test]
fn a_token_of_its_own_is_not_printed_into_the_journal() {
    let (bin, root) = (testing::program(), testing::sample());
    let (bin, root) = (bin.display(), root.display());
    let journal = "$(stat -L -c %d:%i /proc/$$/fd/1)";
    for (stream, is_printed) in [(journal, false), ("1:2", true)] {
        let mut shell = Command::new("sh");
        shell.env("XDG_CONFIG_HOME", "/nowhere").args([
            "-c",
            &format!("JOURNAL_STREAM={stream} exec timeout 2 {bin} serve --listen 0 --root {root}"),
        ]);
        let (_, out, stderr) = ended(shell);
        assert_eq!(out.contains("token="), is_printed, "{out}{stderr}");
        assert!(!stderr.contains("token="), "{stderr}");
        assert_eq!(
            stderr.contains("no page can be opened"),
            !is_printed,
            "{stderr}"
        );
    }
}

#[test]
fn a_service_that_may_read_no_log_says_so_of_its_health() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    let folder = path("logs/0367");
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("events.log"), "").expect("written");
    testing::copy_program(&path("calltrace"));
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    allow(dir.path(), 0o755);
    allow(&folder, 0o700);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a free port");
    let mut service = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(path("calltrace"))
        .args(["serve", "-q", "--listen", &address.to_string(), "--root"])
        .arg(path("logs"))
        .env("XDG_CONFIG_HOME", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    testing::wait_until("the service", || TcpStream::connect(address).is_ok());
    let health = || {
        let mut client = Client::connect(address);
        client.ask("GET", "/health", "");
        client.reply()
    };
    let ill = health();
    // One readable file is enough; a result stays valid for a second.
    allow(&folder, 0o755);
    let begin = Instant::now();
    let well = loop {
        let reply = health();
        if reply.status == 200 || begin.elapsed() > PATIENCE {
            break reply;
        }
    };
    service.kill().expect("it runs");
    service.wait().expect("it ran");
    assert_eq!(ill.status, 503, "{}", ill.text());
    assert!(
        ill.text().contains("no permission to read any of the logs"),
        "{}",
        ill.text()
    );
    assert_eq!(well.status, 200, "{}", well.text());
}

#[test]
fn with_settings_it_prints_no_token() {
    let running = Running::start(SETTINGS, &[]);
    let address = running.address();
    let mut client = Client::connect(address);
    client.ask("GET", &format!("{CALL}?token={TOKEN}"), "");
    assert_eq!(client.reply().status, 200);
    running.signal("-INT");
    drop(client);
    let lines = running.lines.recv_timeout(PATIENCE);
    assert!(lines.is_err(), "{lines:?}");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn its_log_has_a_line_a_request_and_no_token() {
    for format in ["text", "json"] {
        let running = Running::start(SETTINGS, &["--log-format", format, "-v"]);
        let mut client = Client::connect(running.address());
        let requests = [
            format!("{CALL}?token={TOKEN}"),
            format!("{CALL}?exp=1&sig=se-cret-signature"),
            format!("{CALL}&token={TOKEN}"),
            format!("{CALL}%3ftoken={TOKEN}"),
            format!("/calls/0367?token={TOKEN}&token={TOKEN}"),
            format!("/nowhere?a={TOKEN}"),
        ];
        for target in &requests {
            client.ask(
                "GET",
                target,
                &format!("Referer: http://x/?token={TOKEN}\r\n"),
            );
            client.reply();
        }
        client.send(format!("GET /?token={TOKEN} HTTP/1.1\r\nX\u{1}: {TOKEN}\r\n\r\n").as_bytes());
        client.reply();
        drop(client);
        running.signal("-TERM");
        let (code, stderr) = running.end();
        assert_eq!(code, Some(0));
        let answered = stderr.lines().filter(|line| line.contains("millis"));
        assert_eq!(answered.count(), requests.len(), "{stderr}");
        for secret in [TOKEN, "se-cret-signature", "token="] {
            assert!(!stderr.contains(secret), "{stderr}");
        }
        let first = match format {
            "text" => "method=GET path=/call/0367/1764493655.61 status=200 millis=",
            _ => {
                "\"method\":\"GET\",\"path\":\"/call/0367/1764493655.61\",\"status\":200,\"millis\":"
            }
        };
        assert!(stderr.contains(first), "{stderr}");
    }
}

/// Whether the server has read all that a client sent. Data in a connection that was not accepted yet counts
/// as unread.
fn is_read(client: &Client) -> bool {
    let stream = client.0.get_ref();
    let here = stream.local_addr().expect("it is there").port();
    let there = stream.peer_addr().expect("it is there").port();
    let all = fs::read_to_string("/proc/net/tcp").expect("this is Linux");
    let theirs = (format!(":{there:04X}"), format!(":{here:04X}"));
    all.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 4
            && fields[1].ends_with(&theirs.0)
            && fields[2].ends_with(&theirs.1)
            && fields[4].ends_with(":00000000")
    })
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let running = Running::start(SETTINGS, &[]);
    let mut client = Client::connect(running.address());
    // The server waits for a request when its head has begun.
    client.send(b"GET / HTTP/1.1\r\n");
    while !is_read(&client) {
        thread::yield_now();
    }
    running.signal("-INT");
    while !running
        .stderr_line()
        .contains("a second signal ends at once")
    {}
    running.signal("-INT");
    assert_eq!(running.end().0, Some(130));
}

#[test]
fn an_address_in_use_is_an_error_with_advice() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let (_dir, mut command) = command(SETTINGS);
    command.args(["serve", "--listen", &address.to_string()]);
    let next = address.port() + 1;
    let expected = format!(
        "calltrace: {address} is in use, maybe by another calltrace serve; stop that one, or choose \
         another port with --listen 127.0.0.1:{next}\n"
    );
    assert_eq!(ended(command), (Some(2), String::new(), expected));
}

#[test]
fn an_address_that_can_not_be_listened_on_is_an_error() {
    for (listen, expected) in [
        (
            "here",
            "calltrace: invalid value 'here' for '--listen <ADDR:PORT>': an address to listen on \
             is like 127.0.0.1:8026, [::1]:8026 or 0.0.0.0:8026\n",
        ),
        (
            "192.0.2.1:8026",
            "calltrace: 192.0.2.1:8026: this host does not have that address; use \
             127.0.0.1:8026, or 0.0.0.0:8026 for all addresses of the host\n",
        ),
    ] {
        let (_dir, mut command) = command(SETTINGS);
        command.args(["serve", "--listen", listen]);
        let wanted = (Some(2), String::new(), expected.to_owned());
        assert_eq!(ended(command), wanted, "{listen}");
    }
}

#[test]
fn without_descriptors_it_waits_and_goes_on() {
    let running = Running::start_with_descriptors(SETTINGS, 64);
    let address = running.address();
    // The process can't open this many; the kernel accepts them nevertheless.
    let many: Vec<Client> = (0..80).map(|_| Client::connect(address)).collect();
    let line = running.stderr_line();
    assert!(line.contains("can't accept connections"), "{line}");
    drop(many);
    let mut client = Client::connect(address);
    client.ask("GET", &format!("{CALL}?token={TOKEN}"), "");
    assert_eq!(client.reply().status, 200);
    drop(client);
    running.signal("-TERM");
    let (code, stderr) = running.end();
    assert_eq!(code, Some(0));
    assert!(stderr.lines().count() < 10, "{stderr}");
}

#[test]
fn other_hosts_are_warned_of() {
    let running = Running::start(SETTINGS, &["--listen", "0.0.0.0:0"]);
    let address = running.address();
    let line = running.stderr_line();
    let wanted = format!("calltrace: {address} can be reached from other hosts without TLS");
    assert!(line.starts_with(&wanted), "{line}");
}

#[test]
fn settings_of_serve_are_used() {
    let settings = "[serve]\nlang = \"en\"\npublic_url = \"https://bot.example.org/x/\"\n";
    let running = Running::start(settings, &["-q"]);
    let line = running.lines.recv_timeout(PATIENCE).expect("a link");
    assert!(
        line.starts_with("https://bot.example.org/x/calls/0"),
        "{line}"
    );
    let (_dir, mut command) = command("[serve]\nlisten = 8026\n");
    command.arg("serve");
    let (code, _, stderr) = ended(command);
    assert_eq!(code, Some(2));
    assert!(
        stderr.ends_with("serve.listen must be in quotes\n"),
        "{stderr}"
    );
}
