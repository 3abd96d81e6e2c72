//! Each run compares a part of the archives with their indexes. It names damage that neither the time nor the length of
//! a file shows.

use std::fmt::Write as _;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

const DAY: Duration = Duration::from_secs(86_400);

/// Two finished days, large enough that a file's ends say nothing of its middle.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    for day in [20, 21] {
        let mut text = String::new();
        for n in 0..20_000u64 {
            let noise = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (minute, second) = (n / 60 % 60, n % 60);
            let _ = writeln!(
                text,
                "2025-11-{day} 10:{minute:02}:{second:02},000|AST|start|1763632800.{n}|{{\"Phone\": \"375290001234\", \"x\": \"{noise}\"}}"
            );
        }
        fs::write(folder.join(format!("events.log.2025-11-{day}")), text).expect("written");
    }
    dir
}

/// Rotates at a time. Returns the exit status and the report about the enterprise.
fn rotate(root: &Path, now: &str, more: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut command = testing::command(root);
    command.args(["rotate", "--keep", "36500d", "--format", "json"]);
    command.env("CALLTRACE_NOW", now);
    command.envs(more.iter().copied());
    let output = command.output().expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.code(), report["enterprises"][0].clone())
}

fn index_of(root: &Path, day: u32) -> PathBuf {
    root.join(format!("0367/.calltrace/events.log.2025-11-{day}.gz.idx"))
}

fn set_time_of_change(path: &Path, at: SystemTime) {
    let times = FileTimes::new().set_modified(at);
    let file = File::options().append(true).open(path).expect("open");
    file.set_times(times).expect("set");
}

#[test]
fn the_archive_with_the_oldest_check_is_checked_first_and_its_damage_is_named() {
    let dir = tree();
    let root = dir.path();
    let (code, report) = rotate(root, testing::NOW, &[]);
    assert_eq!(
        (code, &report["checked"]),
        (Some(0), &serde_json::json!([]))
    );
    let now = SystemTime::from(testing::now());
    set_time_of_change(&index_of(root, 20), now - 30 * DAY);
    set_time_of_change(&index_of(root, 21), now - 40 * DAY);
    let config = root.join("one.toml");
    fs::write(&config, "[rotate]\nverify = \"1B\"\n").expect("written");
    let one = [("CALLTRACE_CONFIG", config.to_str().expect("text"))];
    let (code, report) = rotate(root, testing::NOW, &one);
    let older = serde_json::json!(["events.log.2025-11-21.gz"]);
    assert_eq!((code, &report["checked"]), (Some(0), &older), "{report}");

    // The damage is in the middle, which no fingerprint covers; length and time stay.
    let archive = root.join("0367/events.log.2025-11-20.gz");
    let modified = fs::metadata(&archive).and_then(|m| m.modified());
    let mut bytes = fs::read(&archive).expect("read");
    let middle = bytes.len() / 2;
    assert!(middle > 8192, "its ends are apart");
    bytes[middle] ^= 0x55;
    fs::write(&archive, bytes).expect("written");
    set_time_of_change(&archive, modified.expect("a time"));
    let (code, report) = rotate(root, testing::NOW, &one);
    let damaged = serde_json::json!(["events.log.2025-11-20.gz"]);
    assert_eq!((code, &report["checked"]), (Some(2), &damaged), "{report}");
    let troubles = report["troubles"].to_string();
    assert!(troubles.contains("events.log.2025-11-20.gz"), "{troubles}");
    assert!(troubles.contains("was checked: its index"), "{troubles}");
    assert!(!index_of(root, 20).exists(), "it is scanned from now on");

    let output = testing::run(root, &["doctor", "--format", "json"]);
    let doctor: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = doctor["findings"].as_array().expect("a list");
    let is_checked = |finding: &&Value| finding["code"] == "index-checked";
    assert!(findings.iter().any(|f| is_checked(&f)), "{doctor}");
    // No archive is checked twice in one night.
    let (_, report) = rotate(root, testing::NOW, &one);
    assert_eq!(report["checked"], serde_json::json!([]));
}

#[test]
fn a_share_of_nothing_checks_nothing() {
    let dir = tree();
    rotate(dir.path(), testing::NOW, &[]);
    let now = SystemTime::from(testing::now());
    set_time_of_change(&index_of(dir.path(), 20), now - 30 * DAY);
    let config = dir.path().join("none.toml");
    fs::write(&config, "[rotate]\nverify = \"0\"\n").expect("written");
    let none = [("CALLTRACE_CONFIG", config.to_str().expect("text"))];
    let (code, report) = rotate(dir.path(), testing::NOW, &none);
    assert_eq!(
        (code, &report["checked"]),
        (Some(0), &serde_json::json!([]))
    );
}
