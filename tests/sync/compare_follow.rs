//! `compare --follow`: events of both sides as they arrive.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use testing::{command, lines_of};

use crate::compare::{arrived, body, sent, tree};

struct Following {
    child: Child,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

impl Following {
    fn begin(root: &Path, args: &[&str]) -> Following {
        let mut child = command(root)
            .arg("compare")
            .args(args)
            .args(["--follow", "--wait", "1s"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let following = Following {
            lines: lines_of(child.stdout.take().expect("it was piped")),
            stderr: lines_of(child.stderr.take().expect("it was piped")),
            child,
        };
        let first = following.stderr.recv_timeout(Duration::from_secs(10));
        assert!(first.expect("it begins").contains("following both sides"));
        following
    }

    #[track_caller]
    fn line(&self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(10));
        line.expect("a line comes")
    }

    fn interrupt(mut self) -> (Option<i32>, String) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("it runs");
        let status = self.child.wait().expect("it ends");
        let stderr: Vec<String> = self.stderr.iter().collect();
        (status.code(), stderr.concat())
    }
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file: File = file.expect("its own file");
    file.write_all(text.as_bytes()).expect("its own file");
}

fn check(root: &Path, received: &str, log: &Path, form: fn(&str, &str) -> String) {
    let tester: PathBuf = root.join("call_tester_events.log");
    fs::write(
        &tester,
        sent(&[("09:00:00,000", "dial", &body("1.0", "1"), "200")]),
    )
    .expect("a file");
    let following = Following::begin(root, &[&tester.display().to_string(), received]);
    let (one, two) = (body("1764666900.1", "152"), body("1764666901.2", "152"));
    append(&tester, &sent(&[("09:15:00,100", "dial", &one, "200")]));
    let line = following.line();
    assert!(line.starts_with("09:15:00.100  sent      dial"), "{line}");
    assert!(
        line.contains("accepted") && line.contains("call_tester_events.log:13"),
        "{line}"
    );
    append(log, &form("09:15:00,157", &one));
    let line = following.line();
    assert!(line.starts_with("09:15:00.157  received  dial"), "{line}");
    assert!(line.contains("+57 ms"), "{line}");
    append(&tester, &sent(&[("09:15:01,100", "dial", &two, "502")]));
    assert!(following.line().contains("refused with 502"));
    let line = following.line();
    assert!(
        line.contains("missing") && line.contains("still not there after 1.0 s"),
        "{line}"
    );
    let (code, stderr) = following.interrupt();
    assert_eq!(code, Some(130));
    assert!(
        stderr.contains("2 sent, 1 of them received, 1 missing"),
        "{stderr}"
    );
}

#[test]
fn an_emulator_and_the_tree() {
    let dir = tree();
    let log = dir.path().join("0367/events_2025-12-02.log");
    check(dir.path(), "0367", &log, |time, body| {
        arrived(time, "dial", body)
    });
}

#[test]
fn an_emulator_and_the_log_of_a_service() {
    let dir = tree();
    let log = dir.path().join("app.log");
    fs::write(&log, "").expect("its own file");
    check(
        dir.path(),
        &log.display().to_string(),
        &log,
        |time, body| {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            format!("2025-12-02 {time} [INFO] main: DIAL REQUEST from 192.0.2.7: {body}\n")
        },
    );
}

#[test]
fn it_ends_by_itself_with_a_summary_for_programs() {
    let dir = tree();
    let tester = dir
        .path()
        .join("call_tester_events.log")
        .display()
        .to_string();
    let output = command(dir.path())
        .args([
            "compare",
            &tester,
            "0367",
            "-f",
            "--timeout",
            "1s",
            "--format",
            "json",
        ])
        .output()
        .expect("it runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one value");
    assert_eq!(document["summary"]["sent"], 0);
    assert_eq!(output.status.code(), Some(0));
}
