//! `calltrace sync`: what is missing is added to the logs, once, whatever happens meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testing::journals::{Journals, hangups};
use testing::sshd::{Sshd, SshdSetup};

use crate::sent_day::{DAY, Day};

/// The day on which the tests take place.
const TODAY: &str = "2025-12-03";

/// A host with journals, a tree of logs, and the settings that join them.
pub(crate) struct Field {
    pub(crate) folder: TempDir,
    pub(crate) journals: Journals,
    pub(crate) sshd: Sshd,
}

impl Field {
    pub(crate) fn new() -> Field {
        let setup = SshdSetup {
            now: Some(testing::now().timestamp()),
            ..SshdSetup::default()
        };
        let field = Field {
            folder: tempfile::tempdir().expect("a folder of its own"),
            journals: Journals::new(),
            sshd: Sshd::start(&setup),
        };
        fs::create_dir_all(field.logs()).expect("its own folder");
        field.journals.add(TODAY, &[]);
        field.set(&field.host("pbx", &field.sshd.key(), &field.sshd.known_hosts()));
        field
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("call_tracer")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root().join("0367")
    }

    pub(crate) fn host(&self, name: &str, key: &Path, known_hosts: &Path) -> String {
        format!(
            "[hosts.{name}]\nenterprise = \"0367\"\naddress = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\n\
             key_file = \"{}\"\nknown_hosts = \"{}\"\njournals = \"{}\"\n",
            self.sshd.port,
            self.sshd.user(),
            key.display(),
            known_hosts.display(),
            self.journals.path().display(),
        )
    }

    pub(crate) fn set(&self, settings: &str) {
        fs::write(self.settings(), settings).expect("its own file");
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = testing::command(&self.root());
        command.arg("--config").arg(self.settings()).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program starts")
    }

    /// The report of a sync about each host.
    pub(crate) fn sync(&self, args: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.run(&[&["sync", "--format", "json"], args].concat());
        let stderr = testing::text(&output.stderr);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {stderr}"));
        let hosts = document["hosts"].as_array().expect("a list").clone();
        (output.status.code(), hosts)
    }

    /// The numbers of the events that were recovered, and the lines.
    pub(crate) fn recovered(&self) -> (Vec<usize>, String) {
        let path = self.logs().join(format!("recovered_{DAY}.log"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let number = |line: &str| -> usize {
            let (_, rest) = line.split_once("\"N\": ").expect("each has a number");
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
            digits
                .and_then(|digits| digits.parse().ok())
                .expect("a number")
        };
        let mut numbers: Vec<usize> = text.lines().map(number).collect();
        numbers.sort_unstable();
        (numbers, text)
    }
}

/// How many events a day has here; the field's have 60,000.
fn events() -> usize {
    let set = std::env::var("CALLTRACE_EVENTS").ok();
    set.map_or(2_000, |text| {
        text.parse().expect("CALLTRACE_EVENTS is a number")
    })
}

#[test]
fn exactly_what_was_dropped_is_recovered_and_a_second_run_adds_nothing() {
    let (field, day) = (Field::new(), Day::of(events()));
    day.write(&field.journals, &field.logs());
    let begin = std::time::Instant::now();
    let (exit, dry) = field.sync(&["--dry-run"]);
    assert_eq!(exit, Some(1), "{dry:?}");
    assert_eq!(dry[0]["recovered"], 0);
    assert_eq!(field.recovered().0, [0; 0]);
    let hundred = events() / 100;
    let missing = &dry[0]["missing"];
    for (cause, number) in [
        ("timed_out", hundred),
        ("not_tried", hundred),
        ("refused", hundred),
        ("lost", 2 * hundred),
        ("unknown", 0),
    ] {
        assert_eq!(missing[cause], number, "{cause}: {missing}");
    }
    let (exit, done) = field.sync(&[]);
    assert_eq!(exit, Some(0), "{done:?}");
    assert_eq!(done[0]["recovered"], day.dropped.len());
    assert_eq!(done[0]["errors"], 0);
    let (numbers, text) = field.recovered();
    assert_eq!(numbers, day.dropped);
    assert!(text.contains(r#""_recovered": {"from": "pbx/AlternativeAPIlogs", "row": "#));
    for again in [&["--all"][..], &[]] {
        let (exit, again) = field.sync(again);
        assert_eq!((exit, &again[0]["recovered"]), (Some(0), &Value::from(0)));
    }
    assert_eq!(field.recovered().1, text);
    // Settled rows are not read again.
    let (_, last) = field.sync(&[]);
    assert_eq!(last[0]["processed"], 0, "{last:?}");
    assert!(begin.elapsed() < Duration::from_secs(120));
}

#[test]
fn new_rows_are_read_from_where_the_last_run_ended() {
    let (field, day) = (Field::new(), Day::of(200));
    day.write(&field.journals, &field.logs());
    field.sync(&[]);
    let later = Day::of(300);
    field.journals.add(DAY, &later.sent[day.sent.len()..]);
    let (exit, done) = field.sync(&[]);
    assert_eq!(exit, Some(0));
    assert_eq!(done[0]["processed"], later.sent.len() - day.sent.len());
    // None of the new ones arrived.
    assert_eq!(done[0]["recovered"], later.sent.len() - day.sent.len());
    // The journal of today must be there.
    fs::remove_file(field.journals.file(TODAY)).expect("it is there");
    let (exit, done) = field.sync(&[]);
    assert_eq!(exit, Some(2));
    assert!(
        done[0]["troubles"]
            .to_string()
            .contains("2025-12-03.db is not there")
    );
    field.journals.add(TODAY, &[]);
    // A journal that was replaced is read from its beginning, and a message says so.
    fs::remove_file(field.journals.file(DAY)).expect("it is there");
    field.journals.add(DAY, &day.sent[..10]);
    let (exit, done) = field.sync(&[]);
    assert_eq!(exit, Some(2));
    assert!(
        done[0]["troubles"].to_string().contains("another file"),
        "{done:?}"
    );
    let (exit, done) = field.sync(&[]);
    assert_eq!((exit, &done[0]["processed"]), (Some(0), &Value::from(10)));
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let kills: u32 = std::env::var("CALLTRACE_KILLS")
        .map_or(8, |text| text.parse().expect("CALLTRACE_KILLS is a number"));
    let day = Day::of(600);
    let field = Field::new();
    day.write(&field.journals, &field.logs());
    let mut pieces = 0;
    for kill in 0..kills {
        let mut run = field
            .command(&["sync", "--all"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // From before it connects to after it is done.
        thread::sleep(Duration::from_millis(u64::from(kill * 700 / kills)));
        run.kill().expect("it is a child");
        run.wait().expect("it is a child");
        let (numbers, _) = field.recovered();
        let mut once = numbers.clone();
        once.dedup();
        assert!(numbers.iter().all(|number| day.dropped.contains(number)));
        assert_eq!(once.len(), numbers.len(), "one was written twice");
        pieces += usize::from(!numbers.is_empty() && numbers.len() < day.dropped.len());
        if numbers.len() == day.dropped.len() {
            fs::remove_file(field.logs().join(format!("recovered_{DAY}.log")))
                .expect("it is there");
        }
    }
    let (exit, _) = field.sync(&["--all"]);
    assert_eq!(exit, Some(0));
    assert_eq!(
        field.recovered().0,
        day.dropped,
        "{pieces} runs ended within"
    );
}

#[test]
fn what_is_wrong_with_one_host_has_its_own_words_and_costs_no_other() {
    let field = Field::new();
    Day::of(200).write(&field.journals, &field.logs());
    let (key, known) = (field.sshd.key(), field.sshd.known_hosts());
    let hosts = [
        field.host("good", &key, &known),
        field.host("wrong-key", &field.sshd.other_key(), &known),
        field.host("changed", &key, &field.sshd.changed_hosts()),
        field.host("no-journal", &key, &known).replace(
            &field.journals.path().display().to_string(),
            "/nowhere/at/all",
        ),
        field
            .host("closed-port", &key, &known)
            .replace(&format!("port = {}", field.sshd.port), "port = 1"),
    ];
    field.set(&hosts.join("\n"));
    let (exit, done) = field.sync(&["--all"]);
    assert_eq!(exit, Some(2));
    let kinds: Vec<(&str, &str)> = done
        .iter()
        .map(|host| {
            let word = |value: &'_ Value| value.as_str().unwrap_or("none").to_owned();
            let (name, kind) = (word(&host["host"]), word(&host["failure"]["kind"]));
            (&*name.leak(), &*kind.leak())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("changed", "host_key_changed"),
            ("closed-port", "unreachable"),
            ("good", "none"),
            ("no-journal", "no_folder"),
            ("wrong-key", "key_refused"),
        ]
    );
    assert_eq!(done[2]["recovered"], 10);
    let printed = testing::text(&field.run(&["sync", "--all"]).stdout);
    assert_eq!(printed.lines().count(), 5, "{printed}");
}

#[test]
fn what_a_damaged_log_may_hold_is_not_recovered() {
    let (field, day) = (Field::new(), Day::of(200));
    day.write(&field.journals, &field.logs());
    let log = field.logs().join(format!("events.log.{DAY}"));
    let whole = fs::read(&log).expect("it is there");
    fs::remove_file(&log).expect("it is there");
    let gz = field.logs().join(format!("events.log.{DAY}.gz"));
    let mut packed = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&gz).expect("its own file"))
        .spawn()
        .expect("there is gzip");
    std::io::Write::write_all(&mut packed.stdin.take().expect("it is piped"), &whole)
        .expect("it reads");
    assert!(packed.wait().expect("it is a child").success());
    let length = fs::metadata(&gz).expect("it is there").len();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&gz)
        .expect("its own file");
    file.set_len(length / 2).expect("it can be cut");
    let (exit, done) = field.sync(&[]);
    assert_eq!(exit, Some(2), "{done:?}");
    assert!(done[0]["hidden"].as_u64() > Some(50), "{done:?}");
    assert!(
        field
            .recovered()
            .0
            .iter()
            .all(|number| day.dropped.contains(number))
    );
}

#[test]
fn without_hosts_or_of_an_enterprise_that_has_none_sync_says_what_to_do() {
    let field = Field::new();
    fs::create_dir_all(field.root().join("0368")).expect("its own folder");
    let output = field.run(&["sync", "0368"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(testing::text(&output.stderr).contains("enterprise = \"0368\""));
    field.set("");
    let output = field.run(&["sync"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(testing::text(&output.stderr).contains("[hosts.NAME]"));
    // Nothing is asked of a host that is not in the settings, nor with days in the wrong order.
    field.set(&field.host("pbx", &field.sshd.key(), &field.sshd.known_hosts()));
    let output = field.run(&["sync", "--since", "2025-12-02", "--until", "2025-12-01"]);
    assert_eq!(output.status.code(), Some(2));
    field.journals.add(DAY, &hangups(1));
    let (exit, done) = field.sync(&["--since", "2025-12-02", "--until", "2025-12-02"]);
    assert_eq!((exit, &done[0]["recovered"]), (Some(0), &Value::from(1)));
}
