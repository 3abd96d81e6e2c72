//! A running `calltrace tail`, and the file that it follows.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The longest time that a test waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// `calltrace tail` over the tree of `root`.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = testing::command(root);
    command.arg("tail");
    command
}

/// A root with one enterprise and no file yet.
pub(crate) fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    dir
}

pub(crate) fn log(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("0367/events.log")
}

pub(crate) fn append(dir: &tempfile::TempDir, text: &str) {
    let open = OpenOptions::new().append(true).create(true).open(log(dir));
    let mut file: File = open.expect("open");
    file.write_all(text.as_bytes()).expect("written");
}

/// A running tail, which is killed at the end if it still runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
    pub(crate) stderr: Receiver<String>,
}

impl Running {
    pub(crate) fn start(dir: &tempfile::TempDir, args: &[&str]) -> Running {
        let mut command = command(dir.path());
        command.args(args);
        Running::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        Running {
            lines: testing::lines_of(child.stdout.take().expect("piped")),
            stderr: testing::lines_of(child.stderr.take().expect("piped")),
            child,
        }
    }

    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|_| {
            panic!(
                "no line; stderr: {:?}",
                self.stderr.try_iter().collect::<Vec<_>>()
            )
        })
    }

    pub(crate) fn take(&self, count: usize) -> String {
        (0..count).map(|_| self.line() + "\n").collect()
    }

    /// Waits until a message contains `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not printed"));
            if line.contains(text) {
                return;
            }
        }
    }

    /// Its exit status, and the rest of its output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut ended = None;
        testing::wait_until("its end", || {
            ended = self.child.try_wait().expect("a child");
            ended.is_some()
        });
        let status = ended.expect("it was waited for");
        let rest = self.lines.iter().map(|line| line + "\n").collect();
        (status.code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
