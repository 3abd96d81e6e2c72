//! Trees for `calltrace doctor`, with days counted back from today, and what it finds in them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Days, NaiveDate, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// A file of a tree that is gone.
struct Kept {
    path: PathBuf,
    bytes: Vec<u8>,
    modified: SystemTime,
}

/// A folder of enterprises behind a closed door, as a tree should be.
pub(crate) struct Tree {
    dir: tempfile::TempDir,
    /// The time at which commands run.
    pub(crate) now: &'static str,
}

impl Tree {
    /// With enterprise 0367, which has no files yet.
    pub(crate) fn new() -> Tree {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("call_tracer/0367")).expect("made");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("ours");
        Tree {
            dir,
            now: testing::NOW,
        }
    }

    /// With three sealed days, and a live file with a last record of some minutes ago. Rotated once
    /// in a test program: that waits for the disk.
    pub(crate) fn healthy() -> Tree {
        static ROTATED: OnceLock<Vec<Kept>> = OnceLock::new();
        let rotated = ROTATED.get_or_init(|| {
            let tree = Tree::new();
            for ago in (1..=3).rev() {
                tree.write("events.log", calls(&noon(ago), 200));
                tree.rotate();
            }
            tree.keep()
        });
        let tree = Tree::new();
        fs::create_dir(tree.path(".calltrace")).expect("made");
        for kept in rotated {
            let path = tree.root().join(&kept.path);
            fs::write(&path, &kept.bytes).expect("written");
            set_modified(&path, kept.modified);
        }
        tree.write("events.log", calls(&minutes_ago(30), 10));
        tree
    }

    fn keep(&self) -> Vec<Kept> {
        let state = self.state().into_iter();
        let files = state.filter(|(path, ..)| path.is_file());
        files
            .map(|(path, _, _, modified, _)| Kept {
                bytes: fs::read(&path).expect("read"),
                path: path.strip_prefix(self.root()).expect("in it").to_owned(),
                modified,
            })
            .collect()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("call_tracer")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join("0367").join(name)
    }

    /// Writes a file of 0367, last changed at the time of its last record.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        let last = text.split(|&b| b == b'\n').rev().find_map(time_of);
        if let Some(at) = last {
            set_modified(&path, at);
        }
    }

    /// Writes a gzip of one member.
    pub(crate) fn gzip(&self, name: &str, text: &str) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("into memory");
        let path = self.path(name);
        fs::write(&path, encoder.finish().expect("gzip")).expect("written");
        if let Some(at) = text.lines().rev().find_map(|line| time_of(line.as_bytes())) {
            set_modified(&path, at);
        }
    }

    pub(crate) fn open_to_all(&self) {
        for path in [self.dir.path().to_owned(), self.root(), self.path("")] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = testing::command(&self.root());
        command.env("CALLTRACE_NOW", self.now).args(args);
        command
    }

    pub(crate) fn rotate(&self) {
        let output = self.command(&["rotate"]).output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(&[&["doctor"], args].concat())
            .output()
            .expect("it starts")
    }

    /// The findings. A child that a neighbouring test has just forked holds this test's files until it
    /// becomes another program; until then it has the name of that test's thread, and is ignored.
    pub(crate) fn look(&self, args: &[&str]) -> Findings {
        let look = || Findings::of(&self.run(&[args, &["--format=json"]].concat()));
        let sees_a_fork = |found: &Findings| {
            let document = found.document.to_string();
            let by = |module| document.contains(&format!("\"command\":\"{module}"));
            ["doctor_", "rotate_", "hostile"].into_iter().any(by)
        };
        let mut looks = std::iter::repeat_with(look).take(5);
        let clear = looks.find(|found| !sees_a_fork(found));
        clear.unwrap_or_else(look)
    }

    /// The name of each file, with what changes when the file is replaced or written to.
    pub(crate) fn state(&self) -> Vec<(PathBuf, u64, u64, SystemTime, u32)> {
        let mut state = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("listed") {
                let path = entry.expect("an entry").path();
                let metadata = fs::symlink_metadata(&path).expect("there");
                let modified = metadata.modified().expect("a time");
                if metadata.is_dir() {
                    folders.push(path.clone());
                }
                let mode = metadata.mode();
                state.push((path, metadata.ino(), metadata.len(), modified, mode));
            }
        }
        state.sort();
        state
    }
}

/// The findings of a run.
pub(crate) struct Findings {
    pub(crate) code: Option<i32>,
    pub(crate) all: Vec<Value>,
    pub(crate) document: Value,
}

impl Findings {
    pub(crate) fn of(output: &Output) -> Findings {
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {output:?}"));
        let all = document["findings"].as_array().expect("a list").iter();
        // The disk of the machine that runs the tests may be full.
        let all = all.filter(|found| found["code"] != "disk-full");
        Findings {
            code: output.status.code(),
            all: all.cloned().collect(),
            document,
        }
    }

    /// Code and severity of each, `two-writers problem`.
    pub(crate) fn codes(&self) -> Vec<String> {
        let text = |found: &Value, key: &str| found[key].as_str().expect("text").to_owned();
        let name = |found: &Value| format!("{} {}", text(found, "code"), text(found, "severity"));
        self.all.iter().map(name).collect()
    }

    /// The first one of that code.
    pub(crate) fn get(&self, code: &str) -> &Value {
        let found = self.all.iter().find(|found| found["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} among {:?}", self.codes()))
    }

    pub(crate) fn seen(&self, code: &str) -> &str {
        self.get(code)["seen"].as_str().expect("text")
    }

    pub(crate) fn remedy(&self, code: &str) -> &str {
        self.get(code)["do"].as_str().expect("text")
    }

    /// Only these, in this order.
    pub(crate) fn are(&self, codes: &[&str]) {
        assert_eq!(self.codes(), codes, "{:#}", self.document);
    }
}

/// The day that many days ago, as UTC counts them.
pub(crate) fn day(ago: u64) -> NaiveDate {
    let today = testing::now().date_naive();
    today.checked_sub_days(Days::new(ago)).expect("a day")
}

/// Noon of that day.
pub(crate) fn noon(ago: u64) -> DateTime<Utc> {
    day(ago).and_hms_opt(12, 0, 0).expect("noon").and_utc()
}

pub(crate) fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    testing::now() - chrono::Duration::minutes(minutes)
}

/// Calls a second after each other from `from` on, each record written a second after its channel's
/// birth, with nothing secret in it.
pub(crate) fn calls(from: &DateTime<Utc>, count: i64) -> String {
    calls_of(from, count, 1000)
}

/// The same, with record times this much (milliseconds) after the creation of channels.
pub(crate) fn calls_of(from: &DateTime<Utc>, count: i64, lag_millis: i64) -> String {
    let mut text = String::new();
    for n in 0..count {
        let at = *from + chrono::Duration::seconds(n);
        let born = (at - chrono::Duration::milliseconds(lag_millis)).timestamp();
        let stamp = at.format("%Y-%m-%d %H:%M:%S");
        let _ = writeln!(
            text,
            "{stamp},000|AST|start|{born}.{n}|{{\"UniqueId\": \"{born}.{n}\", \"Phone\": \
             \"375290001234\", \"CallType\": 0}}"
        );
    }
    text
}

/// A line that holds a secret.
pub(crate) fn secret_line(at: &DateTime<Utc>) -> String {
    let stamp = at.format("%Y-%m-%d %H:%M:%S");
    format!("{stamp},500|AST|hangup|1764493655.61|{{\"Token\": \"s3cretvalue\", \"X\": 1}}\n")
}

fn time_of(line: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(line.get(..19)?).ok()?;
    let at = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
    Some(at.and_utc().into())
}

pub(crate) fn set_modified(path: &Path, at: SystemTime) {
    let file = File::options().append(true).open(path).expect("open");
    file.set_modified(at).expect("set");
}

pub(crate) fn set_age(path: &Path, hours: u64) {
    let age = Duration::from_secs(hours * 3600);
    set_modified(path, SystemTime::from(testing::now()) - age);
}

/// A Python process that has done what the script says, up to its `print()`, and then waits.
pub(crate) struct Python(Child);

impl Python {
    pub(crate) fn start(script: &str, args: &[&Path]) -> Python {
        let mut child = Command::new("python3")
            .arg("-c")
            .arg(format!(
                "import sys\n{script}\nprint(flush=True)\nsys.stdin.read()"
            ))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("it speaks");
        assert_eq!(line, "\n", "the script failed");
        Python(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends by itself when its input does.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The same command by somebody who may not what root may; as it is for any other user.
pub(crate) fn unprivileged(command: &Command) -> Command {
    let is_root = fs::metadata("/proc/self").expect("there").uid() == 0;
    if !is_root {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        copy_env(command, &mut same);
        return same;
    }
    let mut bounded = Command::new("setpriv");
    let without = "-dac_override,-dac_read_search";
    bounded.args([
        format!("--bounding-set={without}"),
        format!("--inh-caps={without}"),
    ]);
    bounded.arg(command.get_program()).args(command.get_args());
    copy_env(command, &mut bounded);
    bounded
}

fn copy_env(from: &Command, to: &mut Command) {
    to.env_clear();
    for (key, value) in from.get_envs() {
        if let Some(value) = value {
            to.env(key, value);
        }
    }
}
