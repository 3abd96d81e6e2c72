//! Output on a terminal: rows that fit it, a pager if there are too many rows, links if the terminal knows them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;
use testing::sample;
use testing::terminal::{in_terminal, keep, strip};
use unicode_width::UnicodeWidthStr;

const WIDTHS: [u16; 4] = [60, 80, 100, 200];
/// More lines than any answer has, so that no pager is needed.
const TALL: u16 = 5000;

const SETTINGS: &str = "\
[serve]
public_url = \"https://bot.example.org\"
[enterprises.0367]
secret = \"a-secret-of-the-tests\"
[enterprises.0367.extensions]
150 = \"Анна Сидорова\"
151 = \"Борис Константинопольский\"
";

fn settings(more: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("settings.toml");
    fs::write(&path, format!("{more}{SETTINGS}")).expect("written");
    let path = path.to_str().expect("text").to_owned();
    (dir, path)
}

/// Asserts that a table fits: no row too wide, one head with WHO and the id, an id in each row or on the line
/// below it. Returns how many rows there are.
fn assert_fits(screen: &str, columns: u16) -> usize {
    let lines: Vec<&str> = screen
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.starts_with("calltrace: "))
        .collect();
    for line in &lines {
        assert!(line.width() <= columns.into(), "{columns}: {line:?}");
    }
    assert!(lines[0].starts_with("times of "), "{screen}");
    let head: Vec<&str> = lines[1].split_whitespace().collect();
    assert!(
        head.contains(&"WHO") && head.contains(&"CLIENT"),
        "{screen}"
    );
    let is_row = |line: &&&str| line.as_bytes().get(2) == Some(&b':');
    let rows = lines[2..].iter().filter(is_row).count();
    let is_id = |word: &str| word.contains('.') && word.len() > 8;
    let ids = lines[2..].iter().filter(|line| {
        let last = line.split(' ').next_back();
        last.is_some_and(is_id)
    });
    assert_eq!(ids.count(), rows, "{columns}: {screen}");
    rows
}

fn shown(root: &Path, columns: u16, args: &[&str]) -> String {
    let variables = [("TZ", "Europe/Minsk")];
    let (_, shown) = in_terminal((columns, TALL), root, args, &variables, &json!([]));
    strip(&shown)
}

#[test]
fn the_sample_tree_fits_terminals_of_every_width() {
    let (_dir, settings) = settings("");
    let mut counts = Vec::new();
    for columns in WIDTHS {
        for (name, args) in [
            ("sample", &["search", "--limit", "0"][..]),
            ("names", &["--config", &settings, "search", "--limit", "0"]),
            ("one", &["search", "0367", "--limit", "0"]),
            ("callbacks", &["search", "--limit", "0", "--callbacks"]),
        ] {
            let screen = shown(&sample(), columns, args);
            keep(&format!("{name}-{columns}"), &screen);
            counts.push((name == "one", assert_fits(&screen, columns)));
            let has_name = screen.contains("150 Анна");
            assert_eq!(has_name, name == "names", "{columns}: {screen}");
        }
    }
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len(), 2, "as many rows at each width: {counts:?}");
}

#[test]
fn captures_of_a_real_asterisk_fit_terminals_of_every_width() {
    let root = tempfile::tempdir().expect("a folder");
    let captures = testing::project().join("tests/data/real-asterisk/16");
    let captures = fs::read_dir(captures).expect("they are there");
    for (at, capture) in captures.enumerate() {
        let capture = capture.expect("it can be listed").path();
        let log = ["host.log", "full.log"].map(|name| capture.join(name));
        let Some(log) = log.iter().find(|log| log.exists()) else {
            continue;
        };
        let folder = root.path().join(format!("{at:04}"));
        fs::create_dir(&folder).expect("made");
        fs::copy(log, folder.join("events.log")).expect("copied");
    }
    let mut counts = Vec::new();
    for columns in WIDTHS {
        let screen = shown(root.path(), columns, &["search", "--limit", "0"]);
        keep(&format!("captures-{columns}"), &screen);
        counts.push(assert_fits(&screen, columns));
    }
    counts.dedup();
    assert!(counts.len() == 1 && counts[0] > 50, "{counts:?}");
}

#[test]
fn what_is_longer_than_the_screen_goes_through_a_pager() {
    let search = |args: &[&str], variables: &[(&str, &str)], key: &str| {
        let args = [&["search"], args].concat();
        let steps = match key {
            "" => json!([]),
            key => json!([["\n:", {"type": key}]]),
        };
        in_terminal((100, 20), &sample(), &args, variables, &steps)
    };
    // The newest rows stand under the head until a key is pressed; messages follow the rows.
    let (status, screen) = search(&[], &[], "q");
    let plain = strip(&screen);
    assert!(plain.starts_with("times of UTC"), "{plain}");
    assert!(
        !plain.contains("2025-11-30"),
        "left before the end: {plain}"
    );
    let page = plain.find("1764678600.215").expect("the newest call");
    let note = plain.find("calltrace: incomplete: ").expect("a note");
    assert!(page < note, "{plain}");
    assert!(
        screen.contains("\x1b[32manswered"),
        "colours are kept: {screen:?}"
    );
    assert_eq!(status, 2, "the tree has damage: {plain}");
    let (status, plain) = search(&["0367"], &[], "q");
    assert_eq!(status, 0, "{plain}");
    // One screen is enough, or no pager is wanted, or there is none.
    let none = [("CALLTRACE_PAGER", "")];
    let missing = [("PAGER", "no-such-pager --option")];
    let in_shell = [("PAGER", "no-such-pager | cat '-'")];
    for (args, variables, status) in [
        (&["0367", "--limit", "5"][..], &[][..], 0),
        (&["0367", "--no-pager"], &[], 0),
        (&["0367"], &none, 0),
        (&["0367"], &missing, 0),
        (&["0367", "--phone", "375290009999"], &[], 1),
    ] {
        let (ended, plain) = search(args, variables, "");
        assert_eq!(ended, status, "{args:?} {variables:?}: {plain}");
        assert!(!plain.contains("\n:"), "{args:?} {variables:?}: {plain}");
        if status == 0 {
            assert!(plain.contains("calltrace: the newest"), "{plain}");
        }
    }
    let (_, plain) = search(&["0367"], &in_shell, "");
    assert!(plain.contains("calltrace: the newest"), "{plain}");
}

#[test]
fn a_pager_of_the_users_gets_all_of_it_and_without_less_it_is_plain() {
    let dir = tempfile::tempdir().expect("a folder");
    let own = dir.path().join("own");
    let pager = format!("tee {} | head -n 2", own.display());
    let variables = [("CALLTRACE_PAGER", pager.as_str()), ("PAGER", "false")];
    let args = ["search", "0367"];
    let (status, screen) = in_terminal((100, 20), &sample(), &args, &variables, &json!([]));
    assert_eq!(status, 0, "{screen}");
    assert!(!screen.contains("1764678600.215"), "{screen}");
    let text = fs::read_to_string(own).expect("written");
    assert!(text.contains("1764678600.215"), "{text}");
    // A folder with nothing of the system but what the test itself needs.
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let python = ["/usr/local/bin/python3", "/usr/bin/python3"];
    let python = python.iter().find(|path| Path::new(path).exists());
    symlink(python.expect("python3 is there"), bin.join("python3")).expect("linked");
    let variables = [("PATH", bin.to_str().expect("text"))];
    let (status, screen) = in_terminal((100, 20), &sample(), &args, &variables, &json!([]));
    assert_eq!(status, 0, "{screen}");
    assert!(strip(&screen).contains("1764678600.215"), "{screen}");
}

#[test]
fn ids_lead_to_pages_on_terminals_that_know_how() {
    let (_dir, with_links) = settings("");
    let (_other, without) = settings("hyperlinks = false\n");
    let known = [("VTE_VERSION", "6800")];
    let search = |settings: &str, variables: &[(&str, &str)], more: &[&str]| {
        let args = [&["--config", settings, "search"], more].concat();
        in_terminal((100, TALL), &sample(), &args, variables, &json!([])).1
    };
    let link = testing::command(&sample())
        .args(["--config", &with_links, "link", "0367", "1764678600.215"])
        .args(["--for", "1d"])
        .output()
        .expect("the program starts");
    let link = testing::out(&link);
    let (path, _) = link.trim().split_once("?exp=").expect("a link");
    let screen = search(&with_links, &known, &[]);
    let linked = format!("\x1b]8;;{path}?exp=");
    assert!(screen.contains(&linked), "{screen:?}");
    let end = "\x1b\\1764678600.215\x1b]8;;\x1b\\";
    assert!(screen.contains(end), "{screen:?}");
    // The clock may have gone on by a second or two.
    let expires: i64 = screen
        .split(&linked)
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    let day = testing::now().timestamp() + 86_400;
    assert!((day..day + 60).contains(&expires), "{expires}");
    // Only where the secret is known: other enterprises have none here.
    assert!(!screen.contains("/call/0103/"), "{screen:?}");
    for (settings, variables, more) in [
        (&with_links, &[][..], &[][..]),
        (&without, &known, &[]),
        (&with_links, &known, &["--color", "never"]),
        (
            &with_links,
            &[("VTE_VERSION", "6800"), ("TMUX", "/tmp/x")],
            &[],
        ),
    ] {
        let screen = search(settings, variables, more);
        assert!(strip(&screen).contains(" 1764678600.215\n"), "{screen:?}");
        assert!(!screen.contains("\x1b]8"), "{variables:?}: {screen:?}");
    }
    let piped = testing::command(&sample())
        .args(["--config", &with_links, "--color", "always", "search"])
        .env("VTE_VERSION", "6800")
        .output();
    let piped = testing::out(&piped.expect("the program starts"));
    assert!(
        piped.contains("\x1b[32m") && !piped.contains("\x1b]8"),
        "{piped:?}"
    );
}
