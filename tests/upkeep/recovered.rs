//! Recovered lines as `rotate` and `doctor` see them, and as the writer adds them: killed at any of its steps, on a
//! full disk, next to a rotation.

use std::convert::Infallible;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use calltrace_store::error::Error;
use calltrace_store::fsx::{Disk, DiskOps};
use calltrace_store::tree::{self, FileName};
use calltrace_upkeep::recovered::{AddError, AddedLines, MissingLine, add};
use calltrace_upkeep::rotate::Mode;
use chrono::NaiveDateTime;
use testing::faults::Fault;
use testing::faults::scene::{Scene, enterprise, lines, listing, policy};

use crate::doctoring::{Tree, calls, day, minutes_ago, noon};

/// DiskOps that no run comes to.
const MANY: usize = 1000;

const PATIENCE: Duration = Duration::from_millis(200);

/// The lines are in no order, as they are recovered.
fn shuffled(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.reverse();
    let half = lines.len() / 2;
    lines.rotate_left(half);
    lines.concat()
}

fn recovered(ago: u64) -> String {
    format!("recovered_{}.log", day(ago))
}

#[test]
fn recovered_lines_are_no_finding_of_the_doctor_and_hide_none() {
    let healthy = Tree::healthy();
    healthy.look(&[]).are(&[]);
    healthy.look(&["--deep"]).are(&[]);
    let tree = Tree::healthy();
    tree.write(&recovered(0), shuffled(&calls(&minutes_ago(29), 1500)));
    tree.write(&recovered(1), shuffled(&calls(&noon(1), 1500)));
    tree.look(&[]).are(&[]);
    tree.rotate();
    let sealed = format!("{}.gz", recovered(1));
    assert!(tree.path(&sealed).is_file() && !tree.path(&recovered(1)).exists());
    assert!(
        tree.path(&recovered(0)).is_file(),
        "of today: more may come"
    );
    tree.look(&[]).are(&[]);
    tree.look(&["--deep"]).are(&[]);

    // Recovered lines are no sign of a writer.
    let silent = Tree::new();
    silent.gzip(&format!("events_{}.log.gz", day(9)), &calls(&noon(9), 50));
    let codes = silent.look(&[]).codes();
    silent.write(&recovered(0), calls(&minutes_ago(30), 50));
    assert_eq!(silent.look(&[]).codes(), codes);
}

#[test]
fn a_day_of_recovered_lines_that_should_have_been_sealed_is_named() {
    let tree = Tree::healthy();
    tree.write(&recovered(3), calls(&noon(3), 50));
    let found = tree.look(&[]);
    assert!(
        found.seen("not-rotated").contains("not sealed"),
        "{:?}",
        found.all
    );
    assert!(found.get("not-rotated").to_string().contains(&recovered(3)));
}

/// Lines as a host's journal has them; the last of them is torn by a kill at many places.
fn lost() -> Vec<MissingLine> {
    let lost = lines("2025-12-02", 7, 5) + &lines("2025-12-01", 3, 6);
    let of_line = |line: &str| MissingLine {
        at: NaiveDateTime::parse_from_str(&line[..19], "%Y-%m-%d %H:%M:%S").expect("a time"),
        line: line.as_bytes().to_vec(),
    };
    lost.lines().map(of_line).collect()
}

/// A run of `sync`: of the lines that were lost, it adds those that the tree does not have.
fn sync(scene: &Scene, ops: &dyn DiskOps) -> Result<AddedLines, AddError<Infallible>> {
    let tree = tree::Tree::open(&scene.root()).expect("a tree");
    add(&tree, &enterprise(), ops, PATIENCE, || {
        let there = scene.read();
        let is_missing = |lost: &MissingLine| {
            let line = String::from_utf8_lossy(&lost.line);
            !there.iter().any(|known| *known == line)
        };
        Ok(lost().into_iter().filter(is_missing).collect())
    })
}

/// A tree from which lines are missing, of one day of which some were recovered and sealed before; with all that
/// is to be there in the end.
fn scene(mode: Mode) -> Scene {
    let mut scene = Scene::new(policy(mode))
        .with("events_2025-12-01.log", &lines("2025-12-01", 200, 20))
        .with("recovered_2025-12-01.log.gz", &lines("2025-12-01", 100, 30))
        .with("events.log", &lines("2025-12-02", 300, 20));
    let lost = lost().into_iter();
    let texts = lost.map(|lost| String::from_utf8(lost.line).expect("UTF-8"));
    scene.expected.extend(texts);
    scene
}

/// No line that was lost is there twice, and each that was not is there once.
fn assert_none_twice(scene: &Scene, when: &str) {
    let there = scene.read();
    for line in &scene.expected {
        let times = there.iter().filter(|known| *known == line).count();
        let is_lost = lost().iter().any(|lost| lost.line == line.as_bytes());
        assert!(
            times == 1 || times == 0 && is_lost,
            "{when}: {times} times {line}"
        );
    }
}

#[test]
fn lines_go_to_the_files_of_their_days_once() {
    let scene = scene(Mode::Archive);
    let added = sync(&scene, &Disk).expect("added");
    let files: Vec<String> = added.files.iter().map(FileName::full).collect();
    assert_eq!(added.lines, 11);
    assert_eq!(
        files,
        ["recovered_2025-12-01.log", "recovered_2025-12-02.log"]
    );
    let text = fs::read_to_string(scene.folder().join(&files[0])).expect("read");
    assert_eq!(
        text,
        lines("2025-12-01", 3, 6),
        "in order of time, each line whole"
    );
    scene.assert_whole("added");
    assert_eq!(sync(&scene, &Disk).expect("added"), AddedLines::default());
    // The next rotation puts them to those that were recovered before.
    scene.rotate(&scene.disk(Fault::None));
    scene.assert_whole("sealed");
    let left = listing(&scene.folder());
    assert!(
        left.contains(&"recovered_2025-12-01.log.gz".to_owned()),
        "{left:?}"
    );
    assert!(
        !left.contains(&"recovered_2025-12-01.log".to_owned()),
        "{left:?}"
    );
    assert_eq!(sync(&scene, &Disk).expect("added"), AddedLines::default());
}

#[test]
fn a_run_killed_at_any_operation_doubles_no_line_and_the_next_adds_the_rest() {
    let mut torn = 0;
    for n in 0..MANY {
        let scene = scene(Mode::Archive);
        let ops = scene.disk(Fault::DieAt(n));
        let added = sync(&scene, &ops);
        let when = format!("killed at op {n}");
        if !ops.has_died() {
            assert!(
                n > 15 && torn > 8 && added.is_ok(),
                "{n}, {torn}: {added:?}"
            );
            return;
        }
        assert_none_twice(&scene, &when);
        torn += usize::from(scene.read().len() > scene.expected.len() - lost().len());
        drop(ops);
        sync(&scene, &Disk).expect("added");
        scene.assert_whole(&when);
        let left = listing(&scene.folder());
        assert!(
            !left.iter().any(|name| name.starts_with('.')),
            "{when}: {left:?}"
        );
        if n % 4 == 0 {
            scene.rotate(&scene.disk(Fault::None));
            scene.assert_whole(&when);
        }
    }
}

#[test]
fn a_run_that_loses_power_at_any_operation_doubles_no_line_and_the_next_adds_the_rest() {
    let mut seed = 22u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    for n in 0..MANY {
        let scene = scene(Mode::Archive);
        let ops = scene.disk(Fault::DieAt(n));
        let _ = sync(&scene, &ops);
        if !ops.has_died() {
            break;
        }
        ops.lose_power(&mut random);
        let when = format!("without power at op {n}");
        assert_none_twice(&scene, &when);
        drop(ops);
        sync(&scene, &Disk).expect("added");
        scene.assert_whole(&when);
    }
}

/// Whichever of the two died, and where, the other goes on from there.
#[test]
fn runs_and_rotations_that_are_killed_in_turn_lose_and_double_nothing() {
    for n in (0..40).step_by(2) {
        let scene = scene(Mode::Archive);
        let _ = sync(&scene, &scene.disk(Fault::DieAt(n % 23)));
        scene.rotate(&scene.disk(Fault::DieAt(n)));
        assert_none_twice(&scene, &format!("{n}, rotated"));
        let _ = sync(&scene, &scene.disk(Fault::DieAt(n % 17)));
        scene.rotate(&scene.disk(Fault::DieAt(2 * n)));
        assert_none_twice(&scene, &format!("{n}, rotated again"));
        sync(&scene, &Disk).expect("added");
        scene.assert_whole(&format!("{n}, added"));
        scene.rotate(&scene.disk(Fault::None));
        scene.assert_whole(&format!("{n}, at the end"));
    }
}

#[test]
fn a_full_disk_is_said_and_what_was_written_before_stays_whole() {
    for n in 0..MANY {
        let scene = scene(Mode::Archive);
        let ops = scene.disk(Fault::FullFrom(n));
        let (added, error) = match sync(&scene, &ops) {
            Ok(added) => {
                assert_eq!(added.lines, lost().len());
                assert!(n > 10);
                break;
            }
            Err(AddError::Unwritten { added, error }) => (added, error.to_string()),
            Err(AddError::Unknown(never)) => match never {},
        };
        assert!(error.contains("no space left on device"), "{error}");
        assert!(
            error.contains("recovered_2025-12-0") && error.contains("can't add"),
            "{error}"
        );
        assert_none_twice(&scene, &error);
        let there = scene.read();
        let is_there = |lost: &MissingLine| there.iter().any(|line| line.as_bytes() == lost.line);
        assert_eq!(
            lost().iter().filter(|lost| is_there(lost)).count(),
            added.lines
        );
        drop(ops);
        let rest = sync(&scene, &Disk).expect("added");
        assert_eq!(rest.lines + added.lines, lost().len());
        scene.assert_whole(&error);
    }
}

#[test]
fn a_piece_of_a_line_is_not_sealed_before_the_line_is_whole() {
    let scene = scene(Mode::Archive);
    let file = scene.folder().join("recovered_2025-12-02.log");
    let whole = lines("2025-12-02", 7, 1);
    fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    let report = scene.rotate(&scene.disk(Fault::None));
    let waits = |waiting: &calltrace_upkeep::rotate::WaitingFile| {
        waiting.file == "recovered_2025-12-02.log" && waiting.why.contains("within a line")
    };
    assert!(report.waiting.iter().any(waits), "{report:?}");
    sync(&scene, &Disk).expect("added");
    assert_eq!(
        fs::read_to_string(&file).expect("read"),
        lines("2025-12-02", 7, 5)
    );
    scene.rotate(&scene.disk(Fault::None));
    assert!(!file.exists());
    scene.assert_whole("sealed");
}

#[test]
fn a_file_that_ends_within_a_line_of_somebody_else_gets_a_newline_first() {
    let scene = scene(Mode::Archive);
    let file = scene.folder().join("recovered_2025-12-02.log");
    fs::write(&file, "2025-12-02 08:00:00,000|AST|hang").expect("written");
    sync(&scene, &Disk).expect("added");
    let text = fs::read_to_string(&file).expect("read");
    let wanted = format!(
        "2025-12-02 08:00:00,000|AST|hang\n{}",
        lines("2025-12-02", 7, 5)
    );
    assert_eq!(text, wanted);
}

#[test]
fn a_new_file_has_the_rights_of_the_folders_other_logs() {
    let scene = scene(Mode::Archive);
    let live = scene.folder().join("events.log");
    fs::set_permissions(&live, fs::Permissions::from_mode(0o640)).expect("ours");
    sync(&scene, &Disk).expect("added");
    let made = fs::metadata(scene.folder().join("recovered_2025-12-02.log")).expect("there");
    let like = fs::metadata(live).expect("there");
    assert_eq!(made.mode() & 0o7777, 0o640);
    assert_eq!((made.uid(), made.gid()), (like.uid(), like.gid()));
}

fn refusal(scene: &Scene) -> Error {
    match sync(scene, &Disk) {
        Err(AddError::Unwritten { added, error }) => {
            assert_eq!(added, AddedLines::default());
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_file_in_its_place_is_not_written_to() {
    let scene = scene(Mode::Archive);
    let outside = scene.root().join("outside");
    fs::write(&outside, "").expect("written");
    symlink(&outside, scene.folder().join("recovered_2025-12-01.log")).expect("linked");
    let error = refusal(&scene).to_string();
    assert!(
        error.contains("recovered_2025-12-01.log: can't add recovered lines"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&outside).expect("read"), "");
}

/// A process that holds the lock of an enterprise until its input ends.
fn holder(program: &Path, folder: &Path) -> std::process::Child {
    let script = "import fcntl, sys\nfile = open(sys.argv[1])\n\
                  fcntl.flock(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()";
    let mut child = Command::new(program)
        .args(["-c", script])
        .arg(folder.join(".calltrace/lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("read");
    assert_eq!(line, "held\n");
    child
}

#[test]
fn another_run_is_waited_for_for_a_time_and_then_named() {
    let scene = scene(Mode::Archive);
    scene.rotate(&scene.disk(Fault::None));
    // A process named calltrace of the folder's owner is a run of ours.
    let python = fs::canonicalize("/usr/bin/python3").expect("python3");
    let ours = scene.root().join("calltrace");
    fs::copy(python, &ours).expect("copied");
    let mut child = holder(&ours, &scene.folder());
    let begun = Instant::now();
    let error = refusal(&scene).to_string();
    assert!(begun.elapsed() >= PATIENCE);
    let named = format!("calltrace (pid {})", child.id());
    assert!(
        error.contains(&named) && error.contains("still holds it after"),
        "{error}"
    );
    drop(child.stdin.take());
    let added = sync(&scene, &Disk).expect("it lets go of it");
    assert_eq!(added.lines, lost().len());
    child.wait().expect("ended");

    // Any other process does not count as a run that ends.
    let mut child = holder(Path::new("python3"), &scene.folder());
    let error = refusal(&scene).to_string();
    assert!(error.contains("which is not a calltrace"), "{error}");
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[test]
fn what_the_caller_can_not_tell_is_passed_on_and_nothing_is_written() {
    let scene = scene(Mode::Archive);
    let tree = tree::Tree::open(&scene.root()).expect("a tree");
    let before = listing(&scene.folder());
    let failed = add(&tree, &enterprise(), &Disk, PATIENCE, || {
        Err::<Vec<_>, _>("torn")
    });
    assert!(
        matches!(failed, Err(AddError::Unknown("torn"))),
        "{failed:?}"
    );
    assert_eq!(listing(&scene.folder()), before);
    let two = MissingLine {
        line: b"2025-12-02 08:00:00,000|a\nb".to_vec(),
        ..lost().remove(0)
    };
    let failed = add(&tree, &enterprise(), &Disk, PATIENCE, || {
        Ok::<_, Infallible>(vec![two])
    });
    assert!(
        matches!(failed, Err(AddError::Unwritten { .. })),
        "{failed:?}"
    );
    assert_eq!(listing(&scene.folder()), before);
}
