//! A server in this process on a free port, one as a child process, and a client that sends exactly the given
//! bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use calltrace::settings::Settings;
use calltrace_directory::Directory;
use calltrace_engine::Engine;
use calltrace_model::record::LogZone;
use calltrace_output::Clock;
use calltrace_store::fsx::WallClock;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::Tree;
use calltrace_web::{ConnectionLimits, Metrics, RequestLimits, Site, serve};
use testing::sample;
use tokio::sync::oneshot;

/// A test that waits longer than this would wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The token of 0367 in [`SETTINGS`].
pub(crate) const TOKEN: &str = "the-token-of-0367";

/// A call of 0367.
pub(crate) const CALL: &str = "/call/0367/1764493655.61";

pub(crate) const SETTINGS: &str = "\
[enterprises.0367]\nname = \"june\"\nsecret = \"the-token-of-0367\"\n\
[enterprises.0103]\nname = \"may\"\nsecret = \"the-token-of-0103\"\n\
[enterprises.0999]\nname = \"no folder\"\nsecret = \"the-token-of-0999\"\n\
[enterprises.0327]\nname = \"no secret\"\n";

/// The parameters of a server.
pub(crate) struct Setup {
    pub(crate) root: PathBuf,
    pub(crate) now: WallClock,
    pub(crate) settings: String,
    pub(crate) limits: RequestLimits,
    pub(crate) connections: ConnectionLimits,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            root: sample(),
            now: testing::clock(),
            settings: SETTINGS.to_owned(),
            limits: RequestLimits::default(),
            connections: ConnectionLimits::default(),
        }
    }
}

impl Setup {
    fn site(&self) -> Arc<Site> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, &self.settings).expect("written");
        let config = Settings::load(Some(&path))
            .expect("right settings")
            .directory;
        let (directory, _) = Directory::open(&config).expect("a directory");
        let tree = Tree::open(&self.root).expect("a tree");
        let log = LogZone::default();
        let engine = Engine::new(1, Tuning::default(), log).expect("an engine");
        let shown = calltrace_model::record::Zone::UTC;
        let clock = Clock { log, shown };
        Arc::new(Site::new(
            tree,
            engine,
            clock,
            directory,
            self.limits,
            self.now.clone(),
        ))
    }

    pub(crate) fn start(self) -> Server {
        self.start_with(|site| calltrace_web::router(&site))
    }

    /// Starts with the test's own routes.
    pub(crate) fn start_with(self, router: impl FnOnce(Arc<Site>) -> Router) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listening = {
            let _inside = runtime.enter();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.set_nonblocking(true).expect("it can be");
            tokio::net::TcpListener::from_std(listener).expect("a listener")
        };
        let address = listening.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        // The directory may start tasks, so it is made within the runtime.
        let router = runtime.block_on(async { router(self.site()) });
        let connections = self.connections;
        let thread = thread::spawn(move || {
            let ended = async {
                let _ = stopped.await;
            };
            let metrics = Arc::new(Metrics::started_at(0));
            let serving = serve(listening, router, connections, metrics, ended);
            let served = runtime.block_on(serving);
            runtime.shutdown_background();
            served.expect("it serves");
        });
        Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn sample() -> Server {
        Setup::default().start()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends one request on a new connection.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.get_with(target, "")
    }

    /// The same with further headers, each with its line end.
    pub(crate) fn get_with(&self, target: &str, headers: &str) -> Reply {
        let mut client = self.client();
        client.ask("GET", target, headers);
        client.reply()
    }

    /// Sends exactly these bytes.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        let mut client = self.client();
        client.send(request);
        client.reply()
    }

    /// Tells the server to end, without waiting.
    pub(crate) fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until the server has ended.
    pub(crate) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends well");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

/// One connection.
pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be");
        stream.set_write_timeout(Some(PATIENCE)).expect("it can be");
        Client(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("it is taken");
    }

    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: calltrace\r\n{headers}\r\n");
        self.send(request.as_bytes());
    }

    pub(crate) fn reply(&mut self) -> Reply {
        self.reply_of(true)
    }

    pub(crate) fn reply_without_body(&mut self) -> Reply {
        self.reply_of(false)
    }

    fn reply_of(&mut self, with_body: bool) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let got = self.0.read_line(&mut head).expect("an answer in time");
            assert!(got > 0, "closed after {head:?}");
        }
        let mut reply = Reply {
            status: head[9..12].parse().expect("a status"),
            head,
            body: Vec::new(),
        };
        if !with_body {
            return reply;
        }
        if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().expect("a number")];
            self.0.read_exact(&mut reply.body).expect("all of it");
        } else if reply.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk() {
                reply.body.extend(chunk);
            }
        }
        reply
    }

    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.0.read_line(&mut size).expect("a chunk");
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).expect("all of it");
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    /// Whether the other end closes the connection without sending another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns all of it except the time it contains.
    pub(crate) fn timeless(&self) -> (String, Vec<u8>) {
        let lines = self.head.lines().filter(|line| !line.starts_with("date:"));
        (lines.collect::<Vec<_>>().join("\n"), self.body.clone())
    }
}

/// The command, independent of the user's own settings.
pub(crate) fn command(settings: &str) -> (tempfile::TempDir, Command) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("config.toml");
    std::fs::write(&path, settings).expect("written");
    let mut command = testing::command(&sample());
    command.env("CALLTRACE_CONFIG", path);
    (dir, command)
}

/// A running `calltrace serve`, killed if it still runs when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
    pub(crate) stderr: Receiver<String>,
    _dir: tempfile::TempDir,
}

impl Running {
    /// Starts on a free port.
    pub(crate) fn start(settings: &str, args: &[&str]) -> Running {
        Running::start_with_env(settings, args, &[])
    }

    pub(crate) fn start_with_env(settings: &str, args: &[&str], env: &[(&str, &str)]) -> Running {
        let (dir, mut command) = command(settings);
        command.env("CALLTRACE_LISTEN", "127.0.0.1:0").arg("serve");
        command.envs(env.iter().copied()).args(args);
        Running::of(dir, command)
    }

    /// Starts with a limit of descriptors.
    pub(crate) fn start_with_descriptors(settings: &str, descriptors: u32) -> Running {
        let (dir, binary) = command(settings);
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {descriptors}; exec \"$0\" serve");
        command.args(["-c", &limited]).arg(binary.get_program());
        let set = binary.get_envs();
        command
            .env_clear()
            .envs(set.filter_map(|(key, value)| Some((key, value?))))
            .env("CALLTRACE_LISTEN", "127.0.0.1:0");
        Running::of(dir, command)
    }

    fn of(dir: tempfile::TempDir, mut command: Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        Running {
            lines: testing::lines_of(child.stdout.take().expect("piped")),
            stderr: testing::lines_of(child.stderr.take().expect("piped")),
            child,
            _dir: dir,
        }
    }

    /// The next line on stderr.
    pub(crate) fn stderr_line(&self) -> String {
        self.stderr
            .recv_timeout(PATIENCE)
            .expect("it says something")
    }

    /// Returns the address that its first line on stderr names.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.stderr_line();
        let (_, address) = line.rsplit_once("http://").expect("an address");
        address.parse().expect("an address")
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("there is kill").success());
    }

    /// Returns its exit code and the rest of stderr.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let rest: Vec<String> = self.stderr.iter().collect();
        let status = self.child.wait().expect("it ends");
        (status.code(), rest.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
