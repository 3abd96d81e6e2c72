//! How long commands take over a store that answers each request 20 ms late. In `tests/run` only that the answers are
//! those of the local tree; `benches/archive.sh` measures with the shipped program and large trees.
//!
//! Each command runs over the local tree, with an empty cache on disk, and again with the cache that it filled.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testing::fault_proxy::FaultProxy;
use testing::generator::{Plan, write_tree};
use testing::object_stores::{BUCKET, Seaweed, archive_settings, own_prefix};

/// How late the store answers.
const DELAY: Duration = Duration::from_millis(20);

/// The program to measure, and two sealed trees: fifteen days of one enterprise, and many enterprises.
const PROGRAM: &str = "CALLTRACE_LATE_PROGRAM";
const DAYS: &str = "CALLTRACE_LATE_DAYS";
const ENTERPRISES: &str = "CALLTRACE_LATE_ENTERPRISES";

/// How often each command runs; the median counts.
const RUNS: usize = 5;

/// A tree, local and in a bucket.
struct Shipped {
    dir: tempfile::TempDir,
    root: PathBuf,
    prefix: String,
}

/// A run of the program.
struct Run {
    took: Duration,
    stdout: String,
    /// The most memory that it had (MiB), if it was measured.
    mebibytes: Option<u64>,
}

impl Shipped {
    /// The sealed tree that a variable names, else a small one that is made for it, sent to the store.
    fn of(variable: &str, small: &Plan) -> Shipped {
        let dir = tempfile::tempdir().expect("a folder of its own");
        let shipped = Shipped {
            root: std::env::var_os(variable).map_or(dir.path().join("local"), PathBuf::from),
            prefix: own_prefix(),
            dir,
        };
        if !shipped.root.exists() {
            write_tree(small, &shipped.root).expect("written");
            shipped.local(&["rotate", "--yes", "--keep", "60d", "-q"]);
        }
        shipped.write_settings(&Seaweed::shared().endpoint());
        let settings = shipped.settings();
        shipped.local(&["ship", "-q", "--config", settings.as_str()]);
        shipped
    }

    fn settings(&self) -> String {
        let path = self.dir.path().join("store.toml");
        path.to_str().expect("it is text").to_owned()
    }

    fn write_settings(&self, endpoint: &str) {
        let text = archive_settings(endpoint, &self.prefix, self.dir.path());
        testing::write_secret(Path::new(&self.settings()), &text);
    }

    fn local(&self, args: &[&str]) -> Run {
        self.run(self.root.as_os_str(), args)
    }

    fn shipped(&self, args: &[&str]) -> Run {
        let settings = self.settings();
        let args: Vec<&str> = [args, &["--config", settings.as_str()]].concat();
        let address = format!("s3://{BUCKET}/{}", self.prefix);
        self.run(OsStr::new(&address), &args)
    }

    fn run(&self, root: &OsStr, args: &[&str]) -> Run {
        let mut command = testing::command(Path::new(root));
        let note = self.dir.path().join("memory");
        if let Some(program) = std::env::var_os(PROGRAM) {
            command = Command::new("/usr/bin/time");
            command.args(["-f", "%M", "-o"]).arg(&note).arg(program);
            command.arg("--root").arg(root);
        }
        command.current_dir(self.dir.path());
        command.env("XDG_CACHE_HOME", self.dir.path().join("cache"));
        let begin = Instant::now();
        let output = command.args(args).output().expect("the program starts");
        let took = begin.elapsed();
        let stderr = String::from_utf8_lossy(&output.stderr);
        // 1: there is no such call.
        let is_answer = matches!(output.status.code(), Some(0 | 1));
        assert!(is_answer, "{args:?}: {stderr}");
        let kib = fs::read_to_string(note).ok();
        let kib = kib.and_then(|text| text.trim().parse::<u64>().ok());
        Run {
            took,
            stdout: String::from_utf8(output.stdout).expect("it is text"),
            mebibytes: kib.map(|kib| kib >> 10),
        }
    }

    /// Runs a command in all three ways, compares the answers, and prints a row of the table.
    fn measure(&self, proxy: &FaultProxy, name: &str, args: &[&str]) {
        self.write_settings(&proxy.endpoint());
        let runs = match std::env::var_os(PROGRAM) {
            Some(_) => RUNS,
            None => 1,
        };
        let cache = self.dir.path().join("cache");
        let local: Vec<Run> = (0..runs).map(|_| self.local(args)).collect();
        let (mut requests, mut bytes) = (0, 0);
        let cold: Vec<Run> = (0..runs)
            .map(|_| {
                let _ = fs::remove_dir_all(&cache);
                proxy.reset();
                let run = self.shipped(args);
                let seen = proxy.seen();
                requests = seen.len();
                bytes = seen.iter().map(|request| request.bytes.1).sum();
                run
            })
            .collect();
        proxy.reset();
        let warm: Vec<Run> = (0..runs).map(|_| self.shipped(args)).collect();
        let again = proxy.seen().len() / runs;
        for run in cold.iter().chain(&warm) {
            assert_eq!(run.stdout, local[0].stdout, "{name}");
        }
        let memory = cold.iter().chain(&warm).filter_map(|run| run.mebibytes);
        println!(
            "| `{name}` | {:.0} ms | {:.0} ms | {:.0} ms | {requests} | {:.1} MB | {again} | {} MiB |",
            median(&local),
            median(&warm),
            median(&cold),
            f64::from(u32::try_from(bytes).expect("it is little")) / 1e6,
            memory.max().unwrap_or(0),
        );
    }
}

/// The median of the times (milliseconds).
fn median(runs: &[Run]) -> f64 {
    let mut times: Vec<Duration> = runs.iter().map(|run| run.took).collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// A column of the last call of the tree.
fn last_call(tree: &Shipped, column: &str) -> String {
    let run = tree.local(&[
        "search", "0367", "--limit", "200", "--format", "ndjson", "-q",
    ]);
    let mut calls = run.stdout.lines().filter_map(|line| {
        let call: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(call[column].as_str()?.to_owned())
    });
    calls.next_back().expect("there are calls")
}

#[test]
fn commands_over_a_store_that_answers_late() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    proxy.delay(DELAY);
    println!(
        "| command | local | cache full | cache empty | requests | bytes | requests, cache full | memory |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let days = Shipped::of(
        DAYS,
        &Plan {
            seed: 27,
            days: 3,
            calls_per_day: 60,
            ..Plan::default()
        },
    );
    let id = last_call(&days, "unique_id");
    days.measure(&proxy, "trace", &["trace", "0367", &id, "-q"]);
    days.measure(&proxy, "stats", &["stats", "0367", "-q"]);
    let missed = ["search", "0367", "--status", "missed", "-q"];
    days.measure(&proxy, "search --status missed", &missed);
    let phone = last_call(&days, "client");
    for (name, phone) in [
        ("search --phone", phone.as_str()),
        ("search --phone, absent", "375299876543"),
    ] {
        let search = ["search", "0367", "--phone", phone, "-q"];
        days.measure(&proxy, name, &search);
    }
    let many = Shipped::of(
        ENTERPRISES,
        &Plan {
            seed: 28,
            days: 2,
            calls_per_day: 20,
            enterprises: ["0367", "0101", "0102"].map(String::from).to_vec(),
            ..Plan::default()
        },
    );
    let phone = last_call(&many, "client");
    let search = ["search", "--phone", phone.as_str(), "-q"];
    many.measure(&proxy, "all enterprises: search --phone", &search);
}
