//! Code that the test programs of calltrace share.
//!
//! Here: the program itself, with the surroundings and the time that tests give it. [`generator`]
//! writes seeded trees of logs together with their truth, [`faults`] is a disk that fails where a
//! test says so, [`shipped`] shows archives as objects, [`object_stores`] are S3-compatible stores and
//! [`fault_proxy`] stands in front of them, [`journals`] and [`sshd`] are a host that keeps journals
//! and lets people in, [`nginx`] stands in front of servers, [`peer`] plays a service, [`terminal`]
//! runs the program in a terminal, [`ending`] stops threads that work until they are told to.

pub mod ending;
pub mod fault_proxy;
pub mod faults;
pub mod generator;
pub mod journals;
mod kept;
pub mod nginx;
pub mod object_stores;
pub mod peer;
pub mod shipped;
pub mod sshd;
pub mod terminal;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use calltrace_store::fsx::WallClock;
use chrono::{DateTime, Utc};

/// The time at which tests take place, unless they say another one.
pub const NOW: &str = "2025-12-03T15:00:00Z";

/// Why a test of leases is skipped.
pub const NO_LEASES: &str = "the file system of the temporary folder has no leases";

/// Words that a Russian page may hold in Latin letters: names of things.
pub const LATIN_WORDS: [&str; 12] = [
    "CSV",
    "JSON",
    "Parquet",
    "HTTP",
    "Telegram",
    "Europe",
    "Minsk",
    "UTC",
    "UniqueId",
    "CallStatus",
    "In",
    "English",
];

/// [`NOW`] as a value.
pub fn now() -> DateTime<Utc> {
    NOW.parse().expect("it is right")
}

/// A clock that always shows [`NOW`].
pub fn clock() -> WallClock {
    clock_at(now())
}

/// A clock that always shows the same time.
pub fn clock_at(at: DateTime<Utc>) -> WallClock {
    WallClock::new(move || at.into())
}

/// The folder of the project.
pub fn project() -> PathBuf {
    let support = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = support.ancestors().nth(2);
    project.expect("it lies two folders below").to_owned()
}

/// The sample tree with its hand-made truth.
pub fn sample() -> PathBuf {
    project().join("tests/data/call_tracer")
}

/// The program as cargo has built it for the tests.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("CARGO_BIN_EXE_calltrace") {
        return path.into();
    }
    // A test program that was started by hand lies in target/debug/deps.
    let own = std::env::current_exe().expect("it is known");
    let built = own.ancestors().nth(2).expect("it lies two folders below");
    built.join("calltrace")
}

/// A program of the Python packages that `tests/run` installs.
///
/// # Panics
/// When it is not there.
pub fn python_program(name: &str) -> PathBuf {
    let binary = program();
    let target = binary.ancestors().nth(2);
    let python = target.expect("it lies in the target folder").join("python");
    let found = python.join("bin").join(name);
    assert!(
        found.exists(),
        "no {}; tests/run makes it, or: python3 -m venv {1} && {1}/bin/pip install -r \
         tests/python/requirements.txt",
        found.display(),
        python.display()
    );
    found
}

/// Writes a file that only its owner may read.
///
/// # Panics
/// When it can't be written.
pub fn write_secret(path: &Path, text: &str) {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The program over the tree of `root`, at [`NOW`] and in UTC, untouched by the settings of the
/// user who runs the tests.
pub fn command(root: &Path) -> Command {
    let mut command = Command::new(program());
    surround(&mut command);
    command.env("CALLTRACE_ROOT", root);
    command.env("XDG_CONFIG_HOME", root.join("none"));
    command
}

/// Gives a command the surroundings of every test: the time, the zone, and no variable of the user
/// who runs the tests, except the other time of day that `tests/hours` gives the tests themselves.
pub fn surround(command: &mut Command) {
    command.env_clear();
    let faked = |name: &str| name == "LD_PRELOAD" || name.contains("FAKE");
    command.envs(std::env::vars().filter(|(name, _)| faked(name)));
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("TERM", "xterm");
    command.env("TZ", "UTC");
    command.env("CALLTRACE_NOW", NOW);
}

/// Runs the program over the tree of `root`.
pub fn run(root: &Path, args: &[&str]) -> Output {
    let output = command(root).args(args).output();
    output.expect("the program starts")
}

/// The standard output of a run.
pub fn out(output: &Output) -> String {
    text(&output.stdout)
}

/// Bytes as text.
///
/// # Panics
/// When they are not UTF-8.
pub fn text(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).map_err(|error| error.valid_up_to());
    text.unwrap_or_else(|at| panic!("no UTF-8 behind byte {at}"))
        .to_owned()
}

/// The standard error of a run, with `ROOT` in place of the path of `root`.
pub fn stderr_of(root: &Path, output: &Output) -> String {
    text(&output.stderr).replace(&root.display().to_string(), "ROOT")
}

/// Copies the program to where another user may run it.
///
/// Another process does it: what this one has open for writing is also open in the children that
/// other tests are starting, and the kernel runs no program that is open for writing.
pub fn copy_program(to: &Path) {
    let copied = Command::new("cp").arg(program()).arg(to).status();
    assert!(copied.expect("there is cp").success(), "{}", to.display());
}

/// Reports that a test could not do its work, and why. `tests/run` counts these lines; they go
/// past the capture of the test harness, which shows nothing of a test that passes.
pub fn skipped(why: &str) {
    let written = std::io::stderr().write_all(format!("\nskipped: {why}\n").as_bytes());
    written.expect("stderr is there");
}

/// The lines of a stream as they come, read on a thread of their own.
pub fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Waits until `is_so`, looking every few milliseconds.
///
/// # Panics
/// When it is not so within ten seconds; `what` says what was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "waited for {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}
