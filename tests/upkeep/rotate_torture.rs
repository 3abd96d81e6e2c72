//! Real CPython writers of every kind, eight processes, while rotations run and are killed: at the
//! end every line exists exactly once.
//!
//! Short here; the long one, 200,000 lines, is
//! `CALLTRACE_TORTURE_LINES=200000 cargo test --profile torture --test upkeep rotate_torture -- --nocapture`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Enterprise, kind of writer, how many of them, and the mode that is asked for.
const SCENES: [(&str, &str, usize, &str); 5] = [
    ("0101", "opens", 2, "rename"),
    ("0102", "watched", 2, "rename"),
    ("0103", "holds", 2, "collapse"),
    ("0104", "rotates", 1, "archive"),
    ("0105", "opens", 1, "auto"),
];

/// The pause of a writer after twenty lines (milliseconds), long enough for many rotations in the long test.
const PAUSE_SHORT: &str = "4";
const PAUSE_LONG: &str = "30";

/// A run that is not killed must be through by then.
const RUNS_AFTER: usize = 5;

/// At least this many runs must have been killed, and at least this many not.
const KILLED_MIN: usize = 4;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn write(root: &Path, kind: &str, enterprise: &str, writer: usize, lines: usize) -> Child {
    let pause = if lines < 10_000 {
        PAUSE_SHORT
    } else {
        PAUSE_LONG
    };
    let script = testing::project().join("tests/writers/writer.py");
    Command::new("python3")
        .arg(script)
        .args([kind.as_ref(), root.join(enterprise).as_os_str()])
        .args([writer.to_string(), lines.to_string(), pause.to_owned()])
        .arg(testing::now().timestamp().to_string())
        .spawn()
        .expect("python3 is needed for this test; install it with: apt-get install python3")
}

fn rotate(root: &Path, enterprise: &str, mode: &str, force: bool) -> Command {
    let mut command = testing::command(root);
    command
        .args([
            "rotate", enterprise, "--keep", "36500d", "--grace", "0", "--mode", mode,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if force {
        command.arg("--force");
    }
    command
}

/// Each line's writer and number, and how often it is among some lines.
fn count(text: &str) -> BTreeMap<(usize, usize), usize> {
    let mut counts = BTreeMap::new();
    let number_behind = |line: &str, key: &str| -> usize {
        let at = line
            .find(key)
            .unwrap_or_else(|| panic!("no whole line: {line}"))
            + key.len();
        let digits: String = line[at..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().expect("a number")
    };
    for line in text.lines().filter(|line| !line.is_empty()) {
        let which = (
            number_behind(line, "\"writer\": \""),
            number_behind(line, "\"n\": "),
        );
        *counts.entry(which).or_default() += 1;
    }
    counts
}

fn all_once(what: &str, text: &str, wanted: usize) {
    let counts = count(text);
    let twice: Vec<_> = counts.iter().filter(|(_, n)| **n != 1).take(9).collect();
    assert!(twice.is_empty(), "{what}: more than once: {twice:?}");
    assert_eq!(counts.len(), wanted, "{what}: lines are missing");
}

fn said_by(program: &mut Command) -> String {
    let output = program.output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// All lines as other programs read them.
fn read_by_others(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        match path.extension().and_then(|e| e.to_str()) {
            _ if path.is_dir() => {}
            Some("gz") => {
                let status = Command::new("gzip").arg("-t").arg(&path).status();
                assert!(status.expect("gzip runs").success(), "{}", path.display());
                text += &said_by(Command::new("zcat").arg(&path));
            }
            _ => text += &fs::read_to_string(&path).expect("text"),
        }
    }
    text
}

#[test]
fn every_line_of_real_writers_exists_once_after_rotations_that_were_killed() {
    let total = std::env::var("CALLTRACE_TORTURE_LINES").ok();
    let total: usize = total.map_or(16_000, |n| n.parse().expect("a number"));
    let writers: usize = SCENES.iter().map(|scene| scene.2).sum();
    let lines = total / writers;
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let mut children = Vec::new();
    for (enterprise, kind, count, _) in SCENES {
        fs::create_dir(root.join(enterprise)).expect("made");
        children.extend((0..count).map(|writer| write(root, kind, enterprise, writer, lines)));
    }
    let mut random = Random(42);
    let (mut runs, mut killed) = (0, 0);
    let at_work = |children: &mut Vec<Child>| {
        let running = |child: &mut Child| child.try_wait().expect("a child").is_none();
        children.iter_mut().any(running)
    };
    // On a busy machine the writers may be through before there were enough runs.
    while at_work(&mut children)
        || (killed < KILLED_MIN || runs - killed < KILLED_MIN) && runs < 300
    {
        let (enterprise, _, _, mode) = SCENES[random.below(SCENES.len() as u64) as usize];
        let mut rotation = rotate(root, enterprise, mode, true)
            .spawn()
            .expect("rotate runs");
        runs += 1;
        if random.below(3) > 0 {
            thread::sleep(Duration::from_micros(random.below(30_000)));
            rotation.kill().expect("killed or gone");
        }
        let status = rotation.wait().expect("a child");
        killed += usize::from(status.code().is_none());
        assert!(
            status.code().is_none_or(|code| code == 0),
            "{enterprise} {mode}: {status}"
        );
    }
    for mut child in children {
        assert!(child.wait().expect("a child").success(), "a writer failed");
    }
    let done =
        format!("{lines} lines of each of {writers} writers; {runs} rotations, {killed} killed");
    std::io::Write::write_all(&mut std::io::stderr(), format!("{done}\n").as_bytes())
        .expect("stderr is there");
    assert!(
        killed >= KILLED_MIN && runs - killed >= KILLED_MIN,
        "{done}: proves little"
    );
    for (enterprise, kind, count, mode) in SCENES {
        let what = format!("{enterprise} ({kind}, {mode})");
        let ask = |format: &str| {
            let mut command = testing::command(root);
            command.args([
                "search", enterprise, "--lines", "-n", "0", "--format", format,
            ]);
            said_by(&mut command)
        };
        all_once(
            &format!("{what}, through calltrace"),
            &ask("raw"),
            count * lines,
        );
        for _ in 0..RUNS_AFTER {
            let status = rotate(root, enterprise, mode, true)
                .status()
                .expect("rotate runs");
            assert!(status.success(), "{what}: {status}");
        }
        all_once(
            &format!("{what}, through calltrace at the end"),
            &ask("raw"),
            count * lines,
        );
        all_once(
            &format!("{what}, through zcat"),
            &read_by_others(&root.join(enterprise)),
            count * lines,
        );
    }
}
