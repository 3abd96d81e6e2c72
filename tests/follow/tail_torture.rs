//! Real CPython writers of every kind, eight processes, while rotations of every mode run and `calltrace tail
//! --follow` prints what they write: each line once, soon after it was written.
//!
//! Short here. A minute at 20,000 lines a second, with the times from written to printed, is
//! `CALLTRACE_TAIL_LINES=1200000 cargo test --profile torture --test follow tail_torture -- --nocapture`.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Enterprise, kind of writer, their number, and the requested mode.
const SCENES: [(&str, &str, usize, &str); 5] = [
    ("0101", "opens", 2, "rename"),
    ("0102", "watched", 2, "rename"),
    ("0103", "holds", 2, "collapse"),
    ("0104", "rotates", 1, "archive"),
    ("0105", "opens", 1, "auto"),
];

/// The pause of a writer after twenty lines (milliseconds): 2,500 lines per second.
const PAUSE_MILLIS: &str = "7.2";

/// The pause between two rotations.
const ROTATION_PAUSE: Duration = Duration::from_millis(150);

/// After this time without output since the writers ended, nothing more will come.
const SILENCE: Duration = Duration::from_secs(5);

struct Printed {
    scene: usize,
    writer: usize,
    number: usize,
    /// The time from writing a line to its arrival (milliseconds).
    late_millis: i64,
}

fn write(root: &Path, scene: usize, writer: usize, lines: usize) -> Child {
    let (enterprise, kind, ..) = SCENES[scene];
    let script = testing::project().join("tests/writers/writer.py");
    let name = format!("{scene}{writer}");
    let start = testing::now().timestamp().to_string();
    Command::new("python3")
        .arg(script)
        .args([kind.as_ref(), root.join(enterprise).as_os_str()])
        .args([&name, &lines.to_string(), PAUSE_MILLIS, &start])
        .spawn()
        .expect("python3 is needed for this test; install it with: apt-get install python3")
}

fn rotate(root: &Path, scene: usize) {
    let (enterprise, _, _, mode) = SCENES[scene];
    let keep = ["--keep", "36500d", "--grace", "0", "--force"];
    let output = testing::command(root)
        .args(["rotate", enterprise, "--mode", mode])
        .args(keep)
        .output()
        .expect("rotate runs");
    // A rotation may find that a writer was quicker, and leaves it to the next one; what counts here is
    // that no line is lost by it.
    if output.status.code() != Some(0) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{enterprise} {mode}: {stderr}"
        );
        let note = format!("rotate {enterprise} {mode}: {stderr}");
        std::io::stderr()
            .write_all(note.as_bytes())
            .expect("stderr is there");
    }
}

fn tail(root: &Path) -> (Child, Receiver<Printed>) {
    let mut tail = testing::command(root)
        .args(["tail", "--follow", "-n", "0", "--raw"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tail runs");
    let mut out = BufReader::with_capacity(1 << 20, tail.stdout.take().expect("piped"));
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut line = Vec::new();
        while matches!(out.read_until(b'\n', &mut line), Ok(n) if n > 0) {
            if send.send(printed(&line, monotonic_millis())).is_err() {
                return;
            }
            line.clear();
        }
    });
    (tail, receive)
}

/// The clock that the writers put into their lines.
fn monotonic_millis() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

fn printed(line: &[u8], now_millis: i64) -> Printed {
    let text = String::from_utf8_lossy(line);
    let behind = |key: &str| -> usize {
        let at = text.find(key).unwrap_or_else(|| panic!("torn: {text}")) + key.len();
        let digits = text[at..].split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|d| d.parse().ok()).expect("a number")
    };
    let name = behind("\"writer\": \"");
    Printed {
        scene: name / 10,
        writer: name % 10,
        number: behind("\"n\": "),
        late_millis: now_millis - behind("\"mono_ms\": ") as i64,
    }
}

#[test]
fn every_line_of_real_writers_is_printed_once_through_rotations_of_every_mode() {
    let total = std::env::var("CALLTRACE_TAIL_LINES").ok();
    let total: usize = total.map_or(24_000, |n| n.parse().expect("a number"));
    let writers: usize = SCENES.iter().map(|scene| scene.2).sum();
    let lines = total / writers;
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let (mut tail, printed) = tail(root);
    let mut children = Vec::new();
    for (scene, (enterprise, _, count, _)) in SCENES.iter().enumerate() {
        fs::create_dir(root.join(enterprise)).expect("made");
        children.extend((0..*count).map(|writer| write(root, scene, writer, lines)));
    }
    let mut rotations = 0;
    let running = |child: &mut Child| child.try_wait().expect("a child").is_none();
    while children.iter_mut().any(running) {
        rotate(root, rotations % SCENES.len());
        rotations += 1;
        thread::sleep(ROTATION_PAUSE);
    }
    for mut child in children {
        assert!(child.wait().expect("a child").success(), "a writer failed");
    }
    let mut times: HashMap<(usize, usize, usize), usize> = HashMap::new();
    let mut late: Vec<i64> = Vec::new();
    let mut last_of_held: HashMap<usize, usize> = HashMap::new();
    while times.len() < lines * writers {
        let line = match printed.recv_timeout(SILENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("tail ended: {:?}", tail.wait()),
        };
        *times
            .entry((line.scene, line.writer, line.number))
            .or_default() += 1;
        late.push(line.late_millis);
        if SCENES[line.scene].1 == "holds" {
            let last = last_of_held.insert(line.writer, line.number);
            assert!(last.is_none_or(|last| last < line.number), "out of order");
        }
    }
    // A repeated line would come now: an interrupted tail prints what it has read.
    let mut interrupted = Command::new("kill");
    interrupted.args(["-INT", &tail.id().to_string()]);
    assert!(interrupted.status().expect("there is kill").success());
    for line in printed.iter() {
        *times
            .entry((line.scene, line.writer, line.number))
            .or_default() += 1;
    }
    late.sort_unstable();
    let at = |percent: usize| late[(late.len() - 1) * percent / 100];
    let done = format!(
        "{} lines, {rotations} rotations; written to printed: half within {} ms, 99% within {} ms, all within {} ms\n",
        times.len(),
        at(50),
        at(99),
        at(100),
    );
    std::io::stderr()
        .write_all(done.as_bytes())
        .expect("stderr is there");
    assert_eq!(tail.wait().expect("a child").code(), Some(130));
    let twice = times.iter().filter(|(_, n)| **n > 1).map(|(line, _)| *line);
    let mut twice: Vec<_> = twice.collect();
    twice.sort_unstable();
    assert!(
        twice.is_empty(),
        "{} lines twice: {:?}",
        twice.len(),
        &twice[..twice.len().min(9)]
    );
    let mut lost = Vec::new();
    for (scene, (_, _, count, _)) in SCENES.iter().enumerate() {
        for writer in 0..*count {
            let numbers = (0..lines).map(|number| (scene, writer, number));
            lost.extend(numbers.filter(|line| !times.contains_key(line)));
        }
    }
    assert!(
        lost.is_empty(),
        "{} lines lost: {:?}",
        lost.len(),
        &lost[..lost.len().min(9)]
    );
}
