//! The command as people and scripts meet it: exact words, exit codes, streams.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use expect_test::{Expect, expect};
use testing::{command, out, run, sample, stderr_of};

/// Wrong input: this one line on stderr, nothing on stdout, exit 2.
fn refused(args: &[&str], words: &Expect) {
    let root = sample();
    let output = command(&root)
        .args(args)
        .output()
        .expect("the command starts");
    assert_eq!(out(&output), "", "{args:?}");
    let text = stderr_of(&root, &output);
    assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
    words.assert_eq(&text);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
}

#[test]
fn wrong_input_gets_one_line_with_the_nearest_right_thing() {
    for (args, words) in [
        (
            &["trace", "0376", "1764493655.61"][..],
            expect![[r#"
                calltrace: no enterprise 0376 under ROOT; did you mean 0367?
            "#]],
        ),
        (
            &["trace", "../etc", "1764493655.61"],
            expect![[r#"
                calltrace: invalid value '../etc' for '<UNIQUE_ID>...': an id is letters, digits, dots and dashes, such as 1764493655.61
            "#]],
        ),
        (
            &["trace", "0367", "abc"],
            expect![[r#"
                calltrace: "abc" is not a call id; an id looks like 1764493655.61
            "#]],
        ),
        (
            &["search", "--since", "2025-11-31"],
            expect![[r#"
                calltrace: --since: "2025-11-31" is not a point in time; write 2025-11-30, '2025-11-30 09:00', 30.11.2025, 2025-11-30T09:00:00Z, 09:00, 3h, today, yesterday or monday
            "#]],
        ),
        (
            &["search", "--phone", "15"],
            expect![[r#"
                calltrace: invalid value '15' for '--phone <NUMBER>': give at least 3 digits; of a long number at least its last 7
            "#]],
        ),
        (
            &["search", "--tz", "Minsk"],
            expect![[r#"
                calltrace: invalid value 'Minsk' for '--tz <ZONE>': no time zone "Minsk"; did you mean Europe/Minsk?
            "#]],
        ),
        (
            &["search", "--regex", "a("],
            expect![[r#"
                calltrace: invalid value 'a(' for '--regex <REGEX>': unclosed group
            "#]],
        ),
        (
            &["search", "--status", "mised"],
            expect![[r#"
                calltrace: invalid value 'mised' for '--status <RESULT>': no status "mised"; did you mean missed?
            "#]],
        ),
        (
            &["search", "--phon", "375290001234"],
            expect![[r#"
                calltrace: unexpected argument '--phon' found; a similar argument exists: '--phone'
            "#]],
        ),
        (
            &["serach"],
            expect![[r#"
                calltrace: unrecognized subcommand 'serach'; some similar subcommands exist: 'trace', 'serve', 'search'
            "#]],
        ),
        (
            &["search", "--since", "2025-12-01", "--until", "2025-11-30"],
            expect![[r#"
                calltrace: --since is not before --until, so the period is empty
            "#]],
        ),
        (
            &["--root", "/nowhere", "search"],
            expect![[r#"
                calltrace: no folder /nowhere; --root takes the folder that holds one folder per enterprise
            "#]],
        ),
        (
            &["search", "--lines", "--status", "missed"],
            expect![[r#"
                calltrace: --status filters calls; --lines takes filters on records, such as --event or --phone
            "#]],
        ),
    ] {
        refused(args, &words);
    }
}

#[test]
fn the_error_for_an_unknown_id_names_the_searched_files_and_near_ids() {
    let root = sample();
    let output = run(&root, &["trace", "0367", "1764493655.7"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "");
    expect![[r#"
        calltrace: 1764493655.7 not found in 0367, all 7 files searched (2025-11-27 .. 2025-12-02 UTC)
    "#]]
    .assert_eq(&stderr_of(&root, &output));
    let output = run(&root, &["trace", "0367", "764493655.61"]);
    expect![[r#"
        calltrace: 764493655.61 not found in 0367, all 7 files searched (2025-11-27 .. 2025-12-02 UTC); did you mean 1764493655.61?
    "#]]
    .assert_eq(&stderr_of(&root, &output));
}

#[test]
fn a_prefix_of_an_id_is_another_call() {
    let root = sample();
    let raw = |id: &str| out(&run(&root, &["trace", "0367", id, "--format", "raw"]));
    assert_eq!(raw("1764493655.61").lines().count(), 26);
    let other = raw("1764493655.6");
    assert!(!other.is_empty() && !other.contains("1764493655.61"));
}

#[test]
fn the_header_answers_at_a_glance() {
    let root = sample();
    let output = command(&root)
        .args([
            "trace",
            "0367",
            "1764493655.61",
            "--tz",
            "Europe/Minsk",
            "--only",
            "sql",
        ])
        .output()
        .expect("the command starts");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        stderr_of(&root, &output)
    );
    expect![[r#"
        0367 call 1764493655.61  2 legs, 26 records
          incoming Тестовый покупатель (+375 29 000-12-34) -> 150, 151, 152  answered by 151
          2025-11-30 12:07:35 (Europe/Minsk, UTC+03:00)  2m16s in all
          ring 10s, talk 2m01s, line 0001363
          9 messages to 3 chats, 3 still standing, 1 HTTP

    "#]]
    .assert_eq(&out(&output));
}

#[test]
fn why_names_the_record_that_joined_each_leg() {
    let root = sample();
    let output = run(
        &root,
        &["trace", "0367", "1764673201.111", "--why", "--only", "sql"],
    );
    expect![[r#"
        0367 call 1764673200.109  4 legs, 27 records
          incoming +375 29 000-13-57 -> 150, +375 29 000-77-77, 151  answered by 150
          2025-12-02 11:00:00 (UTC)  1m03s in all
          ring 11s, talk 47s, line 0001363
          6 messages to 2 chats, 2 still standing
          1 leg joined by circumstance, not by id (--why, --strict)

          legs, and why each belongs
            1764673201.111           150            asked for
            1764673200.109           +375 29 000-13-57 met the call in bridge fc3adca6-f392-44eb-8fd6-a24220ae9b55  [events_2025-12-02.log:53]
            1764673201.112           Local/375290007777-4;1 inferred: rings a mobile for the client while the call rings it
            1764673201.113           Local/375290007777-4;2 other half of Local/375290007777@inoffice-00000004  [events_2025-12-02.log:46]

    "#]]
    .assert_eq(&out(&output));
}

#[test]
fn an_id_of_two_enterprises_finds_both_calls() {
    let root = sample();
    let output = run(&root, &["trace", "1764666900.61", "--only", "sql"]);
    let text = out(&output);
    assert!(text.contains("0103 call 1764666900.61") && text.contains("0367 call 1764666900.61"));
}

#[test]
fn rows_fit_a_narrow_terminal_and_keep_the_id() {
    let root = sample();
    for columns in ["60", "80", "100", "200"] {
        let output = command(&root)
            .args(["search", "0367", "--limit", "5", "--tz", "UTC"])
            .env("COLUMNS", columns)
            .output()
            .expect("the command starts");
        let width: usize = columns.parse().expect("a number");
        let rows = out(&output);
        let heads: Vec<&str> = rows.lines().filter(|line| line.ends_with(" ID")).collect();
        assert_eq!(heads.len(), 1, "{columns}: {rows}");
        for line in rows.lines() {
            assert!(line.chars().count() <= width, "{columns}: {line}");
            let is_row = line.starts_with(|c: char| c.is_ascii_digit());
            assert!(!is_row || line.contains("17646"), "{columns}: {line}");
        }
    }
}

#[test]
fn no_secret_and_no_escape_sequence_is_shown() {
    let root = sample();
    for format in ["timeline", "json", "ndjson"] {
        for id in ["1764493655.61", "1764424800.21"] {
            let output = run(&root, &["trace", "0367", id, "--full", "--format", format]);
            let text = out(&output);
            assert!(
                !text.contains("375290000000"),
                "{format} shows the Token of {id}"
            );
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{format} of {id}"
            );
            assert!(!text.contains('\u{202e}'), "{format} of {id}");
            if format == "json" {
                let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                let hostile = id == "1764424800.21";
                assert_eq!(value.to_string().contains('\u{202e}'), hostile, "{id}");
            }
        }
    }
    let output = run(&root, &["search", "0367", "--lines", "--limit", "0"]);
    assert!(!out(&output).contains("375290000000"));
}

#[test]
fn colour_follows_what_was_asked() {
    let root = sample();
    let ask = |env: &[(&str, &str)], args: &[&str]| {
        let output = command(&root)
            .args(["search", "0367", "--limit", "1"])
            .args(args)
            .envs(env.iter().copied())
            .output()
            .expect("the command starts");
        out(&output).contains('\u{1b}')
    };
    assert!(!ask(&[], &[]), "a pipe gets no colour");
    assert!(ask(&[], &["--color", "always"]));
    assert!(ask(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!ask(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!ask(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}

#[test]
fn a_closed_pipe_is_silent_success() {
    let root = sample();
    let mut child = command(&root)
        .args([
            "search", "0367", "--lines", "--limit", "0", "--format", "raw",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(stderr_of(&root, &output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn json_has_the_shape_that_the_field_knows() {
    let root = sample();
    let output = run(
        &root,
        &["trace", "0367", "1764493655.61", "--format", "json"],
    );
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["unique_id"], "1764493655.61");
    assert_eq!(value["enterprise_number"], "0367");
    assert_eq!(value["created_at"], "2025-11-30T09:07:35.410Z");
    assert_eq!(value["summary"]["telegram_messages"], 9);
    assert_eq!(value["summary"]["http_requests"], 1);
    let timeline = value["timeline"].as_array().expect("a list");
    assert_eq!(timeline.len(), 26);
    assert_eq!(timeline[0]["type"], "call_event");
    assert_eq!(timeline[0]["data"]["event_type"], "start");
    assert_eq!(timeline[0]["data"]["event_data"]["Token"], "***");
    assert_eq!(value["completeness"]["complete"], true);
    assert_eq!(value["messages"].as_array().map(Vec::len), Some(9));
    assert_eq!(value["joins"][1]["reason"], "bridge");
}

#[test]
fn every_format_of_a_search_agrees() {
    let root = sample();
    let ask = |format: &str| {
        let output = run(
            &root,
            &["search", "0367", "--status", "missed", "--format", format],
        );
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            stderr_of(&root, &output)
        );
        out(&output)
    };
    let json: serde_json::Value = serde_json::from_str(&ask("json")).expect("JSON");
    let ids: Vec<&str> = json["results"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["unique_id"].as_str())
        .collect();
    assert!(ids.len() > 3);
    let table = ask("table");
    let rows: Vec<&str> = table
        .lines()
        .skip(2)
        .filter_map(|l| l.split(' ').next_back())
        .collect();
    assert_eq!(rows, ids);
    let csv: Vec<String> = ask("csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(csv, ids);
    assert_eq!(ask("ndjson").lines().count(), ids.len() + 1);
    let count = run(&root, &["search", "0367", "--status", "missed", "--count"]);
    assert_eq!(out(&count).trim(), ids.len().to_string());
    let raw = ask("raw");
    assert!(ids.iter().all(|id| raw.contains(id)));
}

#[test]
fn lines_of_context_are_those_of_the_file() {
    let root = sample();
    let file = fs::read(root.join("0367/events_2025-12-02.log")).expect("read");
    let file = String::from_utf8_lossy(&file).into_owned();
    let lines: Vec<&str> = file.split('\n').collect();
    let at = lines
        .iter()
        .position(|l| l.contains("|hangup|"))
        .expect("a hangup");
    let uid = lines[at].split('|').nth(3).expect("an id");
    let text = format!("|hangup|{uid}|");
    let output = run(
        &root,
        &[
            "search", "0367", "--lines", "--text", &text, "-C", "2", "--format", "raw",
        ],
    );
    let want = lines[at - 2..=at + 2].join("\n") + "\n";
    assert_eq!(out(&output), want);
}

/// A root with one enterprise, for damage.
fn broken(build: impl FnOnce(&Path)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    fs::copy(
        sample().join("0367/events_2025-11-30.log"),
        folder.join("events.log"),
    )
    .expect("copied");
    build(&folder);
    dir
}

/// The answers that damage may make incomplete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hides {
    /// Answers about the call, and so a search of all time.
    OfTheCall,
    /// Only answers about other times.
    OfOtherTimes,
    Nothing,
}

/// The call is found nevertheless, and the trouble is named in one line; exit 2 where it may hide something
/// of what was asked.
fn survives(dir: &tempfile::TempDir, trouble: &str, hides: Hides) {
    let root = dir.path();
    for (args, matters) in [
        (
            &["trace", "0367", "1764493655.61", "--format", "raw"][..],
            hides == Hides::OfTheCall,
        ),
        (
            &[
                "search", "0367", "--status", "answered", "--limit", "0", "--format", "csv",
            ],
            hides != Hides::Nothing,
        ),
    ] {
        let output = run(root, args);
        assert!(
            out(&output).contains("1764493655.61"),
            "{trouble}: {args:?}"
        );
        let text = stderr_of(root, &output);
        let what = match matters {
            true => "incomplete",
            false => "nothing missing here",
        };
        assert!(
            text.contains(&format!("{what}: ROOT/0367/")),
            "{trouble}: {text}"
        );
        assert_eq!(text.matches("ROOT/").count(), 1, "one line: {text}");
        assert!(text.contains(trouble), "{trouble}: {text}");
        let code = if matters { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{trouble}: {args:?}");
    }
}

#[test]
fn a_folder_in_a_files_place_is_named() {
    let dir = broken(|folder| fs::create_dir(folder.join("events.log.1")).expect("made"));
    survives(
        &dir,
        "events.log.1 can't be read: it is a folder, not a file",
        Hides::OfTheCall,
    );
}

#[test]
fn a_torn_gzip_gives_what_decodes_and_is_named_with_its_last_time() {
    let dir = broken(|folder| {
        let packed = fs::read(sample().join("0367/events.log.2025-11-27.gz")).expect("read");
        fs::write(
            folder.join("events.log.2025-11-27.gz"),
            &packed[..packed.len() / 2],
        )
        .expect("written");
    });
    survives(
        &dir,
        "events.log.2025-11-27.gz is a truncated gzip after 2025-11-27",
        Hides::OfOtherTimes,
    );
    let output = run(
        dir.path(),
        &["trace", "0367", "1764231300.11", "--format", "raw"],
    );
    assert_eq!(out(&output).lines().count(), 12, "what decodes is read");
}

#[test]
fn a_damaged_block_of_bgzf_costs_only_that_block() {
    let dir = broken(|folder| {
        let mut packed = fs::read(sample().join("0367/events_2025-12-01.log.gz")).expect("read");
        let size = |at: usize, packed: &[u8]| {
            usize::from(u16::from_le_bytes([packed[at + 16], packed[at + 17]])) + 1
        };
        let second = size(0, &packed);
        packed[second / 2] ^= 0xff;
        fs::write(folder.join("events_2025-12-01.log.gz"), packed).expect("written");
    });
    survives(
        &dir,
        "has a damaged block at compressed byte 0",
        Hides::OfTheCall,
    );
}

#[test]
fn nuls_a_huge_line_and_half_a_line_are_named_and_lose_nothing() {
    let dir = broken(|folder| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(folder.join("events.log"))
            .expect("open");
        file.write_all(&[0; 300]).expect("written");
        file.write_all(b"\n").expect("written");
    });
    survives(&dir, "has a run of 300 NUL bytes", Hides::OfOtherTimes);
    let dir = broken(|folder| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(folder.join("events.log"))
            .expect("open");
        file.write_all(&vec![b'x'; 10 << 20]).expect("written");
        file.write_all(b"\n").expect("written");
    });
    survives(&dir, "has a line of 10.0 MiB", Hides::Nothing);
    let dir = broken(|folder| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(folder.join("events.log"))
            .expect("open");
        file.write_all(b"2025-11-30 23:59:59,000|AST|hang")
            .expect("written");
    });
    survives(
        &dir,
        "ends in the middle of a line (32 bytes",
        Hides::OfOtherTimes,
    );
}

#[test]
fn a_file_without_permission_is_named() {
    let dir = broken(|folder| {
        let closed = folder.join("events.log.1");
        fs::write(&closed, "x\n").expect("written");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("changed");
    });
    // Root reads everything; then there is nothing to be refused.
    if fs::File::open(dir.path().join("0367/events.log.1")).is_ok() {
        assert!(
            rustix::process::geteuid().is_root(),
            "only root may read it"
        );
        let output = run(
            dir.path(),
            &["trace", "0367", "1764493655.61", "--format", "raw"],
        );
        assert_eq!(out(&output).lines().count(), 26);
    } else {
        survives(
            &dir,
            "events.log.1 can't be read: permission denied",
            Hides::OfTheCall,
        );
    }
}

#[test]
fn settings_are_layered_and_an_unknown_key_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("config.toml");
    fs::write(&file, "display_timezone = \"Europe/Minsk\"\n").expect("written");
    let ask = |args: &[&str]| {
        command(&sample())
            .args([
                "trace",
                "0367",
                "1764493655.61",
                "--only",
                "sql",
                "--config",
            ])
            .arg(&file)
            .args(args)
            .output()
            .expect("the command starts")
    };
    assert!(out(&ask(&[])).contains("12:07:35 (Europe/Minsk, UTC+03:00)"));
    assert!(out(&ask(&["--tz", "UTC"])).contains("09:07:35 (UTC)"));
    fs::write(&file, "rooot = \"/srv\"\n").expect("written");
    let output = ask(&[]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("no setting \"rooot\"; did you mean root?"),
        "{text}"
    );
}
