//! Exports: the content of the files, and that no run loses, repeats or overwrites calls.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use testing::{command, out, run, sample, surround};

use crate::exporting::{DAYS, Scene, call, calls, stderr_of};

#[test]
fn rows_are_those_of_a_search_oldest_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let to = |name: &str| dir.path().join(name).display().to_string();
    let export = |args: &[&str]| {
        let output = run(&sample(), &[&["export", "0367"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr_of(&output));
    };
    let search = |format: &str| {
        let all = ["search", "0367", "--limit", "0", "--format", format];
        out(&run(&sample(), &all))
    };
    export(&["--format", "ndjson", "--out", &to("one")]);
    export(&["--format", "ndjson", "--per-day", "--out", &to("days")]);
    export(&["--out", &to("csv")]);
    let printed = search("ndjson");
    let mut rows: Vec<&str> = printed.lines().collect();
    assert!(rows.pop().is_some_and(|report| report.contains("report")));
    rows.reverse();
    let one = fs::read_to_string(dir.path().join("one/calls.ndjson")).expect("written");
    assert_eq!(one.lines().collect::<Vec<_>>(), rows);

    let mut days: Vec<PathBuf> = fs::read_dir(dir.path().join("days"))
        .expect("made")
        .map(|entry| entry.expect("listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "ndjson"))
        .collect();
    days.sort();
    let days: String = days
        .iter()
        .map(|day| fs::read_to_string(day).expect("read"))
        .collect();
    assert_eq!(days, one);

    // The columns of a search come first, and say the same; some have another name there as well, in columns
    // behind them.
    let records = |text: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.expect("CSV"));
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    };
    let sheet = records(&fs::read_to_string(dir.path().join("csv/calls.csv")).expect("written"));
    let mut printed = records(&search("csv"));
    printed[1..].reverse();
    assert_eq!(sheet.len(), printed.len());
    let shared = 17;
    let names = printed[0].clone();
    for (at, (row, printed)) in sheet.iter().zip(&printed).enumerate() {
        let row = row[..shared].iter().enumerate().map(|(column, cell)| {
            let renamed = names[shared..]
                .iter()
                .position(|name| *name == sheet[0][column]);
            match renamed {
                Some(behind) if at == 0 => printed[shared + behind].clone(),
                Some(behind) => {
                    assert_eq!(*cell, printed[shared + behind], "{}", sheet[0][column]);
                    cell.replace("+00:00", "Z")
                }
                None => cell.replace('|', " "),
            }
        });
        let row: Vec<String> = row.collect();
        match at {
            0 => assert_eq!(row, sheet[0][..shared]),
            _ => assert_eq!(row, printed[..shared]),
        }
    }
}

/// Reads the CSV and the NDJSON of the same calls as Python's own modules do, and compares them; prints what is wrong.
const COMPARE: &str = r#"
import csv, json, sys
SIGNS = tuple('=+-@\t\r\n＝＋－＠')
raw = sys.argv[3] == 'raw'
def plain(text):
    return text if raw or not (text.startswith("'") and text[1:].startswith(SIGNS)) else text[1:]
def items(text):
    out, at = [''], 0
    while at < len(text):
        if text[at] == '\\': at += 1; out[-1] += text[at]
        elif text[at] == '|': out.append('')
        else: out[-1] += text[at]
        at += 1
    return [plain(item) for item in out] if text else []
rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))
calls = [json.loads(line) for line in open(sys.argv[2], encoding='utf-8')]
assert len(rows) == len(calls) > 1, (len(rows), len(calls))
for row, call in zip(rows, calls):
    assert None not in row, row
    for name in ('client', 'trunk', 'answered_by', 'hung_up_by'):
        assert plain(row[name]) == (call[name] or ''), (name, row[name], call[name])
    for name in ('rang', 'transferred_to'):
        assert items(row[name]) == call[name], (name, row[name], call[name])
    for name in ('ring_ms', 'wait_ms', 'talk_ms', 'hold_ms', 'transfers'):
        assert row[name] == ('' if call[name] is None else str(call[name])), name
    if not raw:
        assert not any(cell.startswith(SIGNS) for cell in row.values()), row
        assert not any(item.startswith(SIGNS) for item in row['rang'].split('|')), row
"#;

#[test]
fn hostile_texts_are_read_back_as_they_were_and_are_no_formulas() {
    let long = "x".repeat(10_000);
    let mut log = call(
        "2025-12-02 09:00:00",
        "1764666000.1",
        r#"["=HYPERLINK(\"http://x/?\"&A1,\"ok\")", "a,b", "+1", "@SUM(1)", "-2+3", "x|y\\z", "a b;c"]"#,
    );
    log += &call(
        "2025-12-02 09:10:00",
        "1764666600.2",
        r#"["150\n151", "\t=1", "\r\n=1", "\u0000\u001b[2J"]"#,
    );
    log += &call(
        "2025-12-02 09:20:00",
        "1764667200.3",
        &format!("[\"=1+1\", \"{long}\", \"\\\"\"]"),
    );
    log += &call(
        "2025-12-02 09:30:00",
        "1764667800.4",
        "[\"Анна 😀\", \"＝1\"]",
    );
    let mut log = log
        .replace("\"Trunk\": \"0001363\"", "\"Trunk\": \"=cmd|calc\"")
        .into_bytes();
    // Not UTF-8.
    let at = log
        .windows(4)
        .position(|four| four == b"a b;")
        .expect("it is there");
    log[at] = 0xff;
    let scene = Scene::new(&[]);
    fs::write(scene.root().join("0367/events.log"), log).expect("written");
    let ndjson = scene.dir.path().join("ndjson");
    let export = |args: &[&str], to: &Path| {
        let mut command = command(&scene.root());
        command.args(["export", "--out"]).arg(to).args(args);
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", stderr_of(&output));
    };
    export(&["--format", "ndjson"], &ndjson);
    for (name, args) in [("harmless", &[][..]), ("raw", &["--raw-csv"])] {
        let to = scene.dir.path().join(name);
        export(args, &to);
        let mut compared = Command::new("python3");
        compared.args(["-c", COMPARE]);
        compared
            .arg(to.join("calls.csv"))
            .arg(ndjson.join("calls.ndjson"))
            .arg(name);
        let compared = compared.output().expect("python3 is there");
        assert!(
            compared.status.success(),
            "{name}: {}",
            stderr_of(&compared)
        );
    }
    let with_mark = scene.dir.path().join("mark");
    export(&["--bom"], &with_mark);
    let text = fs::read_to_string(with_mark.join("calls.csv")).expect("written");
    assert!(text.starts_with("\u{feff}enterprise_number,unique_id,"));
}

#[test]
fn a_second_run_writes_nothing_and_only_a_changed_day_is_written_anew() {
    let scene = Scene::three_days();
    let words = "calltrace: 3 files, 45 calls in OUT\n";
    scene.ends(&["--per-day"], 0, words);
    let first = scene.files();
    assert_eq!(
        first.keys().map(String::as_str).collect::<Vec<_>>(),
        [&DAYS[..], &["export.json"]].concat()
    );
    assert!(DAYS.iter().all(|day| scene.is_complete(day)));
    scene.ends(&["--per-day"], 0, words);
    assert_eq!(scene.files(), first);

    scene.log("events.log.2025-12-01", &calls("2025-12-01", 41));
    scene.ends(&["--per-day"], 0, "calltrace: 3 files, 46 calls in OUT\n");
    let second = scene.files();
    let same = |name: &str| first[name] == second[name];
    assert_eq!(DAYS.map(same), [true, false, true]);
    assert_eq!(scene.read(DAYS[1]).lines().count(), 42);

    scene.ends(
        &["--per-day", "--overwrite"],
        0,
        "calltrace: 3 files, 46 calls in OUT\n",
    );
    // The same bytes: nothing is gained by writing them.
    assert_eq!(
        DAYS.map(|name| scene.files()[name]),
        DAYS.map(|name| second[name])
    );
}

#[test]
fn what_was_exported_outlives_its_logs() {
    let scene = Scene::three_days();
    scene.ends(&["--per-day"], 0, "calltrace: 3 files, 45 calls in OUT\n");
    let first = scene.files();
    // Expired, and what is there of the time is less.
    fs::remove_file(scene.root().join("0367/events.log.2025-11-30")).expect("removed");
    scene.ends(
        &["--per-day", "--since", "2025-11-30"],
        0,
        "calltrace: 3 files, 45 calls in OUT\n",
    );
    scene.log("events.log.2025-12-01", &calls("2025-12-01", 39));
    scene.ends(
        &["--per-day", "--since", "2025-11-30"],
        0,
        "calltrace: OUT/calls-2025-12-01.csv is kept with 40 calls, as the logs hold only 39 now; \
         --overwrite replaces it\ncalltrace: 3 files, 45 calls in OUT\n",
    );
    assert_eq!(scene.files(), first);
    scene.ends(
        &["--per-day", "--overwrite"],
        0,
        "calltrace: 2 files, 42 calls in OUT\n",
    );
    assert_eq!(scene.read(DAYS[1]).lines().count(), 40);
    assert_eq!(scene.files()[DAYS[0]], first[DAYS[0]]);
}

#[test]
fn a_run_that_is_killed_leaves_whole_files_and_the_next_one_does_the_rest() {
    let scene = Scene::three_days();
    // The kernel kills it where the second file reaches its length.
    let output = scene.limited(8, "");
    assert_eq!(output.status.signal(), Some(25), "{output:?}");
    let killed = scene.files();
    let temporary = format!(".{}.part", DAYS[1]);
    let names: Vec<&str> = killed.keys().map(String::as_str).collect();
    assert_eq!(names, [temporary.as_str(), DAYS[0], "export.json"]);
    scene.ends(&["--per-day"], 0, "calltrace: 3 files, 45 calls in OUT\n");
    assert_eq!(scene.names(), [&DAYS[..], &["export.json"]].concat());
    assert_eq!(scene.files()[DAYS[0]], killed[DAYS[0]]);
    assert_eq!(DAYS.map(|day| scene.read(day).lines().count()), [3, 41, 4]);
}

#[test]
fn a_file_that_finds_no_room_is_removed_and_named() {
    let scene = Scene::three_days();
    let output = scene.limited(8, "trap '' XFSZ;");
    let words = stderr_of(&output).replace(&scene.out().display().to_string(), "OUT");
    assert_eq!(
        words,
        "calltrace: 1 file, 2 calls in OUT\ncalltrace: OUT/calls-2025-12-01.csv: can't write the file \
         (the part that was written is removed): file too large\n"
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(scene.names(), [DAYS[0], "export.json"]);
    scene.ends(&["--per-day"], 0, "calltrace: 3 files, 45 calls in OUT\n");
}

#[test]
fn a_file_that_the_export_did_not_write_is_never_replaced() {
    let scene = Scene::three_days();
    fs::create_dir(scene.out()).expect("made");
    fs::write(scene.out().join(DAYS[0]), "mine").expect("written");
    symlink("/dev/null", scene.out().join(DAYS[1])).expect("linked");
    let in_the_way = |name: &str| {
        format!(
            "calltrace: OUT/{name} is in the way: this export did not write it, or it was changed later; move it away\n"
        )
    };
    let words = in_the_way(DAYS[0]) + &in_the_way(DAYS[1]) + "calltrace: 1 file, 3 calls in OUT\n";
    for args in [&["--per-day"][..], &["--per-day", "--overwrite"]] {
        scene.ends(args, 2, &words);
        assert_eq!(scene.read(DAYS[0]), "mine");
        assert!(fs::read_link(scene.out().join(DAYS[1])).is_ok());
    }
    // One of ours that somebody has changed is theirs.
    fs::write(scene.out().join(DAYS[2]), "changed").expect("written");
    let output = scene.export(&["--per-day"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr_of(&output));
    assert_eq!(scene.read(DAYS[2]), "changed");

    for name in DAYS {
        fs::remove_file(scene.out().join(name)).expect("removed");
    }
    scene.ends(&["--per-day"], 0, "calltrace: 3 files, 45 calls in OUT\n");
    let before = scene.files();
    scene.ends(
        &["--per-day", "--format", "ndjson", "--status", "missed"],
        2,
        "calltrace: OUT/export.json belongs to an export with other arguments: --format csv, not ndjson; \
         no --status missed; use a separate folder for each export\n",
    );
    assert_eq!(scene.files(), before);
    fs::write(scene.out().join("export.json"), "{}").expect("written");
    scene.ends(
        &["--per-day"],
        2,
        "calltrace: OUT/export.json was not written by an export of this version of calltrace; choose another folder, or remove the file\n",
    );
    assert_eq!(scene.read("export.json"), "{}");
}

#[test]
fn days_are_those_of_the_zone_over_a_change_of_clocks() {
    // In Berlin the 26th of October has 25 hours, the last of them at +01:00.
    let times = [
        (
            "2025-10-25 21:59:59",
            "calls-2025-10-25.csv",
            "2025-10-25T23:59:59.100+02:00",
        ),
        (
            "2025-10-25 22:00:00",
            "calls-2025-10-26.csv",
            "2025-10-26T00:00:00.100+02:00",
        ),
        (
            "2025-10-26 00:30:00",
            "calls-2025-10-26.csv",
            "2025-10-26T02:30:00.100+02:00",
        ),
        (
            "2025-10-26 01:30:00",
            "calls-2025-10-26.csv",
            "2025-10-26T02:30:00.100+01:00",
        ),
        (
            "2025-10-26 22:59:59",
            "calls-2025-10-26.csv",
            "2025-10-26T23:59:59.100+01:00",
        ),
        (
            "2025-10-26 23:00:00",
            "calls-2025-10-27.csv",
            "2025-10-27T00:00:00.100+01:00",
        ),
    ];
    let uid = |i: usize| format!("{}.{i}", 1_761_429_599 + i);
    let log: String = (times.iter().enumerate())
        .map(|(i, (at, _, _))| call(at, &uid(i), "[\"150\"]"))
        .collect();
    let scene = Scene::new(&[("events.log", &log)]);
    scene.ends(
        &["--per-day", "--tz", "Europe/Berlin"],
        0,
        "calltrace: 3 files, 6 calls in OUT\n",
    );
    for (i, (_, file, shown)) in times.iter().enumerate() {
        let row = format!("0367,{},{shown},", uid(i));
        assert_eq!(scene.read(file).matches(&row).count(), 1, "{row} in {file}");
    }
}

#[test]
fn an_empty_period_makes_a_head_or_no_file() {
    let scene = Scene::three_days();
    let past = ["--since", "2025-10-01", "--until", "2025-10-31"];
    scene.ends(&past, 1, "calltrace: 1 file, 0 calls in OUT\n");
    let head = scene.read("calls.csv");
    assert!(
        head.starts_with("enterprise_number,unique_id,start_time,") && head.lines().count() == 1
    );
    assert!(scene.is_complete("calls.csv"));
    fs::remove_dir_all(scene.out()).expect("removed");
    scene.ends(
        &[&["--per-day"], &past[..]].concat(),
        1,
        "calltrace: 0 files, 0 calls in OUT\n",
    );
    assert!(scene.names().is_empty());
}

#[test]
fn a_day_that_goes_on_or_could_not_be_read_is_not_complete() {
    let scene = Scene::three_days();
    // A call of this day has not ended.
    let going = call("2025-12-03 14:59:00", "1764773940.9", "[\"150\"]");
    let going: Vec<&str> = going.lines().take(2).collect();
    scene.log(
        "events.log",
        &(calls("2025-12-02", 3) + &going.join("\n") + "\n"),
    );
    scene.ends(&["--per-day"], 0, "calltrace: 4 files, 46 calls in OUT\n");
    assert!(scene.is_complete(DAYS[2]) && !scene.is_complete("calls-2025-12-03.csv"));
    assert!(scene.read("calls-2025-12-03.csv").contains(",in_progress,"));

    let first = scene.files();
    fs::create_dir(scene.root().join("0367/events.log.2025-11-29")).expect("made");
    let output = scene.export(&["--per-day"]);
    assert_eq!(output.status.code(), Some(2));
    let words = stderr_of(&output);
    assert!(
        words.contains("events.log.2025-11-29 can't be read: it is a folder"),
        "{words}"
    );
    assert_eq!(words.matches("can't be read").count(), 1, "{words}");
    assert!(words.contains("4 files, 46 calls"), "{words}");
    let names = [DAYS[0], DAYS[1], DAYS[2]];
    assert_eq!(
        names.map(|name| scene.files()[name]),
        names.map(|name| first[name])
    );
    fs::remove_dir_all(scene.out()).expect("removed");
    assert_eq!(scene.export(&[]).status.code(), Some(2));
    assert_eq!(scene.read("calls.csv").lines().count(), 47);
    assert!(!scene.is_complete("calls.csv"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_made() {
    let scene = Scene::three_days();
    scene.ends(
        &["--format", "ndjson", "--bom"],
        2,
        "calltrace: --bom changes only CSV, and the format is ndjson; leave it out\n",
    );
    assert!(!scene.out().exists());
    let inside = scene.root().join("0367/out");
    let output = command(&scene.root())
        .args(["export", "--out"])
        .arg(&inside)
        .output();
    let output = output.expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr_of(&output).contains(" is inside the log tree "),
        "{}",
        stderr_of(&output)
    );
    assert!(!inside.exists());
}

#[test]
fn files_have_the_permissions_that_the_user_gives_new_files() {
    let scene = Scene::three_days();
    let mut command = Command::new("sh");
    surround(&mut command);
    command
        .args(["-c", "umask 027; exec \"$@\"", "sh"])
        .arg(testing::program());
    command
        .arg("--root")
        .arg(scene.root())
        .args(["export", "--out"])
        .arg(scene.out());
    let output = command.output().expect("a shell is there");
    assert_eq!(output.status.code(), Some(0), "{}", stderr_of(&output));
    for name in ["calls.csv", "export.json"] {
        let metadata = fs::metadata(scene.out().join(name)).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640, "{name}");
    }
}

#[test]
fn a_second_export_into_the_folder_at_the_same_time_is_refused() {
    let scene = Scene::three_days();
    scene.ends(&[], 0, "calltrace: 1 file, 45 calls in OUT\n");
    let before = scene.files();
    let mut command = Command::new("flock");
    surround(&mut command);
    command
        .arg("-o")
        .arg(scene.out().join(".export.lock"))
        .arg(testing::program());
    command
        .arg("--root")
        .arg(scene.root())
        .args(["export", "--overwrite", "--out"])
        .arg(scene.out());
    let output = command.output().expect("flock is there");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr_of(&output).contains("/.export.lock: can't take the lock: flock (pid "),
        "{}",
        stderr_of(&output)
    );
    assert_eq!(scene.files(), before);
}
