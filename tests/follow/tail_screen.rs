//! `calltrace tail --calls` on a real terminal: rows are redrawn in place, ended calls scroll out above, and the
//! terminal is restored however it ends.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testing::terminal::{keep, strip};
use unicode_width::UnicodeWidthStr;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";

/// Lines of calls at the time at which the program starts, so that they are in progress.
fn line(event: &str, id: &str, body: &str) -> String {
    let now = testing::now().format("%Y-%m-%d %H:%M:%S,%3f");
    format!("{now}|AST|{event}|{id}|{body}\n")
}

fn start(id: &str, phone: &str) -> String {
    let body = format!(
        "{{\"UniqueId\": \"{id}\", \"Phone\": \"{phone}\", \"CallType\": 0, \"Trunk\": \"1\"}}"
    );
    line("start", id, &body)
}

fn dial(id: &str, phone: &str) -> String {
    let body = format!(
        "{{\"UniqueId\": \"{id}\", \"Phone\": \"{phone}\", \"CallType\": 0, \"Extensions\": [\"150\"]}}"
    );
    line("dial", id, &body)
}

fn hangup(id: &str, phone: &str) -> String {
    let body = format!(
        "{{\"UniqueId\": \"{id}\", \"Phone\": \"{phone}\", \"CallType\": 0, \"CallStatus\": \"0\"}}"
    );
    line("hangup", id, &body)
}

fn in_terminal(size: (u16, u16), root: &Path, args: &[&str], steps: &Value) -> (i64, String) {
    testing::terminal::in_terminal(size, root, args, &[], steps)
}

fn tree() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    let log = dir.path().join("0367/events.log");
    fs::write(&log, "").expect("written");
    let log = log.to_str().expect("text").to_owned();
    (dir, log)
}

fn ids() -> [String; 2] {
    let now = testing::now().timestamp();
    [format!("{now}.1"), format!("{now}.2")]
}

#[test]
fn rows_are_redrawn_in_place_and_ctrl_c_leaves_the_terminal_as_it_was() {
    let (dir, log) = tree();
    let [one, two] = ids();
    let begun = start(&one, "375290001234") + &dial(&one, "375290001234");
    fs::write(&log, begun).expect("written");
    let second = start(&two, "375290005678") + &dial(&two, "375290005678");
    let steps = json!([
        ["ringing 150", {"append": [log, second]}],
        ["000-56-78", {"append": [log, hangup(&one, "375290001234")]}],
        // Ctrl-C drops what the terminal has not shown yet, so wait for the whole next picture.
        ["missed", {}],
        [two, {"type": "\u{3}"}],
    ]);
    let (status, shown) = in_terminal(
        (100, 24),
        dir.path(),
        &["tail", "--calls", "--follow"],
        &steps,
    );
    assert_eq!(status, 130, "{shown:?}");
    assert!(shown.contains(HIDE_CURSOR), "{shown:?}");
    assert!(
        shown.contains("\x1b[3A\x1b[J"),
        "a row is drawn over, with the two lines above it: {shown:?}"
    );
    let missed = shown.rfind("missed").expect("the end of the first call");
    let below = &shown[missed..];
    assert!(
        below.contains("000-56-78"),
        "the other call stays below: {below:?}"
    );
    let restored = shown.rfind(SHOW_CURSOR).expect("shown again");
    assert!(shown.rfind(HIDE_CURSOR) < Some(restored), "{shown:?}");
}

#[test]
fn rows_fit_a_terminal_that_becomes_narrow() {
    let (dir, log) = tree();
    let [one, two] = ids();
    let begun = start(&one, "375290001234") + &dial(&one, "375290001234");
    fs::write(&log, begun).expect("written");
    let steps = json!([
        ["ringing 150", {"resize": [40, 10], "append": [log, start(&two, "375290005678")]}],
        ["000-56-78", {"type": "\u{3}"}],
    ]);
    let (status, shown) = in_terminal(
        (120, 24),
        dir.path(),
        &["tail", "--calls", "--follow"],
        &steps,
    );
    assert_eq!(status, 130, "{shown:?}");
    let last = shown.rfind("\x1b[J").expect("drawn again");
    let rows = shown[last + 3..]
        .split("\r\n")
        .filter(|row| row.contains("000-"));
    for row in rows {
        let plain = strip(row);
        assert!(plain.chars().count() <= 40, "{plain:?}");
    }
}

#[test]
fn control_characters_of_a_log_do_not_reach_the_terminal() {
    let (dir, log) = tree();
    let text = "2025-12-02 09:15:00,410|TG|send|1|dial|2|1764666900.61|\u{1b}[2J\u{7}\u{202e}abc\n";
    let steps = json!([
        ["--- ", {"append": [log, text]}],
        ["abc", {"type": "\u{3}"}],
    ]);
    fs::write(&log, start(&ids()[0], "375290001234")).expect("written");
    for format in ["lines", "raw"] {
        // Raw output prints no day, so its first line marks the start.
        let mut steps = steps.clone();
        if format == "raw" {
            steps[0][0] = json!("|start|");
        }
        fs::write(&log, start(&ids()[0], "375290001234")).expect("written");
        let args = ["tail", "--follow", "--format", format];
        let (status, shown) = in_terminal((100, 24), dir.path(), &args, &steps);
        assert_eq!(status, 130, "{shown:?}");
        assert!(
            !shown.contains("\x1b[2J") && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        assert!(shown.contains("\\u{1b}[2J"), "{shown:?}");
    }
}

#[test]
fn the_board_fits_terminals_of_every_width() {
    let (dir, log) = tree();
    let [one, two] = ids();
    let third = format!("{}.3", testing::now().timestamp());
    let answered = line("bridge_create", "", "{\"BridgeUniqueid\": \"b1\"}")
        + &line(
            "bridge",
            &third,
            &format!(
                "{{\"UniqueId\": \"{third}\", \"BridgeUniqueid\": \"b1\", \"Channel\": \"SIP/150-0000002b\", \"CallerIDNum\": \"150\"}}"
            ),
        )
        + &line(
            "bridge",
            &two,
            &format!(
                "{{\"UniqueId\": \"{two}\", \"BridgeUniqueid\": \"b1\", \"Channel\": \"SIP/1-0000002a\", \"CallerIDNum\": \"375290005678\"}}"
            ),
        );
    let settings = dir.path().join("settings.toml");
    fs::write(
        &settings,
        "[enterprises.0367.extensions]\n150 = \"Анна Константинопольская\"\n",
    )
    .expect("written");
    let settings = settings.to_str().expect("text").to_owned();
    for columns in [60, 80, 100, 200] {
        let begun = start(&one, "375290001234")
            + &start(&two, "375290005678")
            + &dial(&two, "375290005678");
        fs::write(&log, begun).expect("written");
        let steps = json!([
            ["calls now", {"append": [log, answered]}],
            ["1 talking", {}],
            [two, {"type": "\u{3}"}],
        ]);
        let args = ["--config", &settings, "live"];
        let (status, shown) = in_terminal((columns, 24), dir.path(), &args, &steps);
        assert_eq!(status, 130, "{shown:?}");
        keep(&format!("live-{columns}"), &shown);
        let last = shown.rfind("\x1b[J").expect("drawn again");
        let screen = strip(&shown[last..]);
        let rows: Vec<&str> = screen.lines().map(str::trim_end).collect();
        assert!(
            rows[0].starts_with("2 calls now: 1 arriving, 1 talking"),
            "{screen}"
        );
        for part in ["ENT", "WHO", "NOW", "ID"] {
            assert!(rows[1].contains(part), "{columns}: {screen}");
        }
        for row in &rows[..4] {
            assert!(row.width() <= columns.into(), "{columns}: {row:?}");
        }
        for (row, id) in rows[2..4].iter().zip([&one, &two]) {
            assert!(
                row.contains("000-") && row.ends_with(id.as_str()),
                "{row:?}"
            );
        }
        let has_name = rows[3].contains("Анна Константинопольская (150)");
        assert_eq!(has_name, columns == 200, "{columns}: {screen}");
    }
}
