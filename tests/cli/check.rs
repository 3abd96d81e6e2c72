//! `check`: exit codes, the table and the JSON, its state, two runs at once, hours and settings.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use expect_test::expect;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tempfile::TempDir;
use testing::{command, now, out, text};

/// A tree with one enterprise, settings and a state.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(settings: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("tree/0367")).expect("made");
        fs::write(folder.path().join("config.toml"), settings).expect("written");
        Place { folder }
    }

    fn with(self, lines: &str) -> Place {
        fs::write(self.path("tree/0367/events.log"), lines).expect("written");
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, `minutes` after the time of tests.
    fn command(&self, args: &[&str], minutes: i64) -> Command {
        let mut command = command(&self.path("tree"));
        let at = now() + TimeDelta::minutes(minutes);
        command
            .arg("check")
            .args(args)
            .args(["--tz", "Europe/Minsk"]);
        command.env("CALLTRACE_CONFIG", self.path("config.toml"));
        command.env("CALLTRACE_CHECK_STATE", self.path("check.json"));
        command.env("CALLTRACE_NOW", at.to_rfc3339());
        command
    }

    fn check(&self, args: &[&str], minutes: i64) -> Output {
        self.command(args, minutes).output().expect("it starts")
    }

    fn json(&self, args: &[&str], minutes: i64) -> Value {
        let output = self.check(&[args, &["--format", "json"]].concat(), minutes);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// The lines of a call from outside that rings 151; `talk` in seconds, `None` if it is missed.
fn call(lines: &mut String, at: DateTime<Utc>, number: usize, client: &str, talk: Option<i64>) {
    let time = |second: i64| (at + TimeDelta::seconds(second)).format("%Y-%m-%d %H:%M:%S,000");
    let uid = format!("{}.{number}", at.timestamp());
    let body = format!(
        r#"{{"UniqueId": "{uid}", "Phone": "{client}", "Extensions": ["151"], "CallType": 0, "Trunk": "0001363""#
    );
    let (seconds, status) = talk.map_or((20, "0"), |talk| (talk, "2"));
    let _ = writeln!(lines, "{}|AST|dial|{uid}|{body}}}", time(0));
    let _ = writeln!(
        lines,
        r#"{}|AST|hangup|{uid}|{body}, "CallStatus": "{status}"}}"#,
        time(seconds)
    );
}

/// One call that was missed two hours ago.
fn missed() -> String {
    let mut lines = String::new();
    call(
        &mut lines,
        now() - TimeDelta::hours(2),
        1,
        "375290001234",
        None,
    );
    lines
}

const CALLBACKS: &str = "[[check]]\nrule = \"not_called_back\"\n";

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    text(&output.stderr)
}

#[test]
fn what_fires_is_a_row_and_sets_the_exit_status() {
    let place = Place::new(CALLBACKS).with(&missed());
    let output = place.check(&[], 0);
    assert_eq!(code(&output), Some(1), "{}", said(&output));
    expect![[r#"
        STATE    CHECK            ENTERPRISE  SINCE (Europe/Minsk)  WHAT
        firing   not_called_back  0367        2025-12-03 16:00      +375 29 000-12-34 was not called back
    "#]]
    .assert_eq(&out(&output));
    // The client is called back, and it is over.
    let mut lines = missed();
    let back = now() - TimeDelta::minutes(1);
    let uid = format!("{}.9", back.timestamp());
    let time = back.format("%Y-%m-%d %H:%M:%S,000");
    let body = format!(
        r#"{{"UniqueId": "{uid}", "Phone": "375290001234", "Extensions": ["151"], "CallType": 1"#
    );
    let _ = writeln!(
        lines,
        "{time}|AST|dial|{uid}|{body}}}\n{time}|AST|hangup|{uid}|{body}, \"CallStatus\": \"2\"}}"
    );
    let place = place.with(&lines);
    let output = place.check(&[], 5);
    assert_eq!((code(&output), out(&output)), (Some(0), String::new()));
    assert_eq!(said(&output), "calltrace: nothing fires\n");
}

#[test]
fn clients_of_an_enterprise_share_a_row() {
    let mut lines = String::new();
    for number in 0..7_usize {
        let at = now() - TimeDelta::minutes(180 - number as i64);
        let client = format!("37529000000{number}");
        call(&mut lines, at, number, &client, None);
    }
    let place = Place::new(CALLBACKS).with(&lines);
    let output = place.check(&[], 0);
    assert_eq!(code(&output), Some(1), "{}", said(&output));
    expect![[r#"
        STATE    CHECK            ENTERPRISE  SINCE (Europe/Minsk)  WHAT
        firing   not_called_back  0367        2025-12-03 15:00      7 clients not called back: +375 29 000-00-00, +375 29 000-00-01, +375 29 000-00-02, +375 29 000-00-03, +375 29 000-00-04 and 2 more
    "#]]
    .assert_eq(&out(&output));
    assert_eq!(
        place.json(&[], 5)["findings"].as_array().map(Vec::len),
        Some(7)
    );
}

#[test]
fn the_document_has_what_fires_what_is_silent_and_what_would_be_told() {
    let settings = format!(
        "{CALLBACKS}[[check]]\nrule = \"missed_share\"\ncalls = 5\n[serve]\npublic_url = \"https://bot.example.org\"\n\
         [enterprises.0367]\nsecret = \"0123456789abcdef\"\n"
    );
    let mut lines = missed();
    for number in 0..6 {
        let at = now() - TimeDelta::minutes(50 - number);
        call(
            &mut lines,
            at,
            10 + number as usize,
            &format!("37529100000{number}"),
            Some(60),
        );
    }
    let place = Place::new(&settings).with(&lines);
    let document = place.json(&["--dry-run"], 0);
    let finding = &document["findings"][0];
    assert_eq!(document["type"], "check");
    assert_eq!(document["version"], 1);
    for (key, wanted) in [
        ("rule", "not_called_back"),
        ("kind", "not_called_back"),
        ("severity", "warning"),
        ("enterprise", "0367"),
        ("since", "2025-12-03T13:00:00Z"),
        ("state", "firing"),
    ] {
        assert_eq!(finding[key], wanted, "{key}");
    }
    assert_eq!(finding["part"]["value"], "375290001234");
    assert_eq!(finding["figures"]["waiting_ms"], 7_200_000);
    let link = finding["links"][0].as_str().expect("a link");
    let path = "https://bot.example.org/call/0367/1764766800.1?exp=1764860400&sig=";
    assert!(link.starts_with(path), "{link}");
    assert_eq!(document["silent"][0]["rule"], "missed_share");
    assert_eq!(document["silent"][0]["reason"], "few_days");
    assert!(
        !place.path("check.json").exists(),
        "a dry run leaves nothing"
    );
}

#[test]
fn missed_calls_above_the_usual_are_pending_then_firing() {
    let settings = "[[check]]\nname = \"lost\"\nrule = \"missed_share\"\ntimezone = \"UTC\"\n";
    let mut lines = String::new();
    // Two weeks of 30 calls from 14:00 to 15:00, of which three are missed; today it is twenty.
    for day in (0..15).rev() {
        for number in 0..30 {
            let at = now() - TimeDelta::days(day) - TimeDelta::minutes(60 - 2 * number as i64);
            let is_missed = number % 10 == 0 || day == 0 && number < 20;
            let client = format!("3752910{day:02}{number:03}");
            call(&mut lines, at, number, &client, (!is_missed).then_some(60));
        }
    }
    let place = Place::new(settings).with(&lines);
    let output = place.check(&[], 0);
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    let shown = out(&output);
    assert!(shown.contains("pending  lost   0367"), "{shown}");
    let output = place.check(&[], 5);
    assert_eq!(code(&output), Some(1), "{}", said(&output));
    let shown = out(&output);
    assert!(shown.contains("firing   lost   0367"), "{shown}");
    assert!(
        shown.contains("21 of 30 calls missed (70%), 7.0 times the usual"),
        "{shown}"
    );
    let figures = &place.json(&[], 10)["findings"][0]["figures"];
    assert_eq!(figures["usual_share"].as_f64(), Some(0.1));
    assert_eq!(figures["days"], 10, "working days of two weeks");
}

#[test]
fn a_damaged_state_is_set_aside_and_the_run_goes_on() {
    let place = Place::new(CALLBACKS).with(&missed());
    fs::write(place.path("check.json"), "{\"version\": 1").expect("written");
    let output = place.check(&[], 0);
    assert_eq!(code(&output), Some(1));
    assert!(
        said(&output).contains("is damaged and is now check.json.damaged-1"),
        "{}",
        said(&output)
    );
    let aside = fs::read_to_string(place.path("check.json.damaged-1"));
    assert_eq!(aside.expect("it is kept"), "{\"version\": 1");
    let output = place.check(&[], 5);
    assert!(!said(&output).contains("damaged"), "{}", said(&output));
}

#[test]
fn a_state_of_another_tree_is_left_alone() {
    let place = Place::new(CALLBACKS).with(&missed());
    place.check(&[], 0);
    let before = fs::read(place.path("check.json")).expect("there");
    let other = Place::new(CALLBACKS).with(&missed());
    let mut command = other.command(&[], 0);
    let output = command
        .env("CALLTRACE_CHECK_STATE", place.path("check.json"))
        .output();
    let output = output.expect("it starts");
    assert_eq!(code(&output), Some(1), "what fires is shown all the same");
    assert!(
        said(&output).contains("this run is not remembered"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read(place.path("check.json")).expect("there"), before);
}

/// A process of the name of the program that holds the lock for so many seconds.
fn holder(place: &Place, seconds: &str) -> Child {
    let program = place.path("calltrace");
    fs::copy("/bin/sleep", &program).expect("copied");
    let lock = File::open(place.path("check.json.lock")).expect("an earlier run made it");
    flock(&lock, FlockOperation::LockExclusive).expect("locked");
    let mut command = Command::new(program);
    command.arg(seconds).stdin(Stdio::from(lock));
    command.spawn().expect("it starts")
}

#[test]
fn a_second_run_leaves_the_first_alone_or_waits_for_it() {
    let place = Place::new(CALLBACKS).with(&missed());
    assert_eq!(code(&place.check(&[], 0)), Some(1));
    let mut first = holder(&place, "60");
    let output = place.check(&[], 5);
    assert_eq!((code(&output), out(&output)), (Some(0), String::new()));
    assert!(
        said(&output).contains("another run is at work"),
        "{}",
        said(&output)
    );
    let waiting = place.command(&["--wait"], 5).stdout(Stdio::piped()).spawn();
    let waiting = waiting.expect("it starts");
    first.kill().expect("killed");
    first.wait().expect("waited for");
    let output = waiting.wait_with_output().expect("it ends");
    assert_eq!(code(&output), Some(1));
    assert!(out(&output).contains("firing"));
}

#[test]
fn outside_its_hours_a_check_says_nothing_and_what_fires_stays() {
    let settings =
        format!("{CALLBACKS}hours = \"mon-fri 09:00-18:30\"\ntimezone = \"Europe/Minsk\"\n");
    let place = Place::new(&settings).with(&missed());
    // 18:00 in Minsk.
    assert_eq!(code(&place.check(&[], 0)), Some(1));
    let output = place.check(&[], 35);
    assert!(
        said(&output).contains("outside its hours"),
        "{}",
        said(&output)
    );
    assert_eq!(code(&output), Some(1), "it still fires");
    let elsewhere = settings.replace("Europe/Minsk", "America/New_York");
    let place = Place::new(&elsewhere).with(&missed());
    assert_eq!(code(&place.check(&[], 35)), Some(1), "it is morning there");
}

#[test]
fn settings_that_are_wrong_name_their_line() {
    let refused = |settings: &str| {
        let place = Place::new(settings);
        let output = place.check(&[], 0);
        assert_eq!(code(&output), Some(2));
        let said = said(&output);
        let (_, rest) = said.split_once("config.toml:").expect("the file is named");
        rest.trim_end().to_owned()
    };
    for (settings, wanted) in [
        (
            "[[check]]\nrule = \"mised_share\"\n",
            "2: check.mised_share.rule: no rule \"mised_share\"; did you mean missed_share?",
        ),
        (
            "[[check]]\nname = \"a\"\n",
            "2: [[check]] a has no rule; add a line such as rule = \"missed_share\"",
        ),
        (
            "[[check]]\n",
            "1: check has a table without rule; add a line such as rule = \"missed_share\"",
        ),
        (
            "[check]\nrule = \"silent\"\n",
            "1: check must be written as [[check]], once for each check",
        ),
        (
            "[[check]]\nrule = \"silent\"\n[[check]]\nrule = \"silent\"\n",
            "3: check has two tables of the name \"silent\"; give each a name of its own",
        ),
        (
            "[[check]]\nrule = \"silent\"\npercent = 5\n",
            "3: [[check]] silent has percent, which the rule silent does not use; its thresholds are after, calls",
        ),
        (
            "[[check]]\nrule = \"silent\"\nhours = \"9-18\"\n",
            "3: check.silent.hours: hours are like 09:00-18:00 or mon-fri 09:00-18:00",
        ),
        (
            "notify.repeat = \"1m\"\n",
            "1: notify.repeat: it is from 5m to 7d, such as 4h, or off",
        ),
    ] {
        assert_eq!(refused(settings), wanted);
    }
}

#[test]
fn without_a_channel_no_one_can_be_told() {
    let place = Place::new(CALLBACKS).with(&missed());
    for args in ["--notify", "--test"] {
        let output = place.check(&[args], 0);
        assert_eq!(code(&output), Some(2));
        assert!(
            said(&output).contains("name no channel"),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn what_can_not_be_read_is_said_and_ends_nothing() {
    let place = Place::new(CALLBACKS).with(&missed());
    assert_eq!(code(&place.check(&[], 0)), Some(1));
    let log = place.path("tree/0367/events.log");
    fs::rename(&log, place.path("kept")).expect("moved");
    std::os::unix::fs::symlink(Path::new("/dev/zero"), &log).expect("linked");
    let output = place.check(&[], 5);
    assert_eq!(code(&output), Some(2), "{}", said(&output));
    assert!(said(&output).contains("incomplete"), "{}", said(&output));
}
