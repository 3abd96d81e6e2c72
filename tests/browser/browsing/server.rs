//! A real `calltrace serve` process over a tree.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::in_background;

/// The server needs much less time than this to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, which ends when it is dropped.
pub(crate) struct Server {
    process: Child,
    /// `http://127.0.0.1:40123`
    origin: String,
    /// The token that opens every enterprise, or the one that the settings name.
    token: String,
    home: TempDir,
}

impl Server {
    /// Starts a server without settings: one token opens everything.
    pub(crate) fn start(root: &Path) -> Server {
        let home = tempfile::tempdir().expect("a folder");
        let mut process = serve(root, home.path(), None)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let link = in_background(move || lines.next()?.ok()).recv_timeout(PATIENCE);
        let link = link.expect("it prints the link to open");
        let (origin, _) = link
            .split_once("/calls/")
            .expect("the link leads to a list");
        let (_, token) = link.split_once("?token=").expect("the link has a token");
        Server {
            process,
            origin: origin.to_owned(),
            token: token.to_owned(),
            home,
        }
    }

    /// Starts a server with settings, in which an enterprise has this secret.
    pub(crate) fn configured(root: &Path, settings: &Path, secret: &str) -> Server {
        Server::configured_at(root, settings, secret, testing::NOW)
    }

    /// The same at another time.
    pub(crate) fn configured_at(root: &Path, settings: &Path, secret: &str, now: &str) -> Server {
        let home = tempfile::tempdir().expect("a folder");
        let process = serve(root, home.path(), Some(settings))
            .env("CALLTRACE_NOW", now)
            .stdout(Stdio::null())
            .spawn();
        let mut server = Server {
            process: process.expect("it starts"),
            origin: String::new(),
            token: secret.to_owned(),
            home,
        };
        let end = Instant::now() + PATIENCE;
        while server.origin.is_empty() {
            assert!(
                Instant::now() < end,
                "it says where it listens:\n{}",
                server.stderr()
            );
            thread::sleep(Duration::from_millis(10));
            let stderr = server.stderr();
            let front = stderr
                .lines()
                .find_map(|line| line.split_once(" on http://"));
            // The line is written at once, and ends with the address.
            server.origin = front
                .map(|(_, at)| format!("http://{at}"))
                .unwrap_or_default();
        }
        server
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.home.path().join("stderr")).unwrap_or_default()
    }

    /// `http://127.0.0.1:40123`
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The token that opens every enterprise, or the one that the settings name.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The page of a call.
    pub(crate) fn call(&self, enterprise: &str, id: &str) -> String {
        format!(
            "{}/call/{enterprise}/{id}?token={}",
            self.origin, self.token
        )
    }

    /// The statistics, with further parameters: `&period=...`.
    pub(crate) fn stats(&self, enterprise: &str, more: &str) -> String {
        format!(
            "{}/stats/{enterprise}?token={}{more}",
            self.origin, self.token
        )
    }

    /// The list of calls, with further parameters: `&phone=...`.
    pub(crate) fn list(&self, enterprise: &str, more: &str) -> String {
        format!(
            "{}/calls/{enterprise}?token={}{more}",
            self.origin, self.token
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(root: &Path, home: &Path, settings: Option<&Path>) -> Command {
    let log = File::create(home.join("stderr")).expect("a file in a folder of its own");
    let mut command = command(root, home, settings);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stderr(log);
    command
}

/// The command, independent of the user's own settings.
fn command(root: &Path, home: &Path, settings: Option<&Path>) -> Command {
    let mut command = testing::command(root);
    command.env("XDG_CONFIG_HOME", home);
    command.args(["--tz", "Europe/Minsk"]);
    if let Some(settings) = settings {
        command.arg("--config").arg(settings);
    }
    command.stdin(Stdio::null());
    command
}

/// The output of `calltrace link`.
pub(crate) fn signed_link(
    server: &Server,
    root: &Path,
    settings: &Path,
    enterprise: &str,
    id: &str,
) -> String {
    let home = server.home.path();
    let output = command(root, home, Some(settings))
        .args(["link", enterprise, id, "--public-url", server.origin()])
        .output()
        .expect("it starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}
