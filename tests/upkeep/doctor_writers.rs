//! Writers, as `calltrace doctor` sees them: real processes with Python's own handlers.

use std::fs;
use std::path::Path;

use crate::doctoring::{self, Python, Tree, calls, minutes_ago, noon, set_age};

const TIMED: &str = "
from logging.handlers import TimedRotatingFileHandler
handler = TimedRotatingFileHandler(sys.argv[1], when='midnight', utc=True)
";

/// The action of the writer at the first record of a day.
const MIDNIGHT: &str = "
import logging
handler.emit(logging.makeLogRecord({'msg': 'junk'}))
handler.doRollover()
handler.emit(logging.makeLogRecord({'msg': 'junk'}))
";

const WATCHED: &str = "
from logging.handlers import WatchedFileHandler
handler = WatchedFileHandler(sys.argv[1])
";

const KEEPS_OPEN: &str = "file = open(sys.argv[1], 'a')";

fn doctored(tree: &Tree) -> doctoring::Findings {
    tree.look(&["0367"])
}

#[test]
fn two_writers_that_rotate_by_themselves_are_a_problem_with_their_pids() {
    let tree = Tree::healthy();
    let live = tree.path("events.log");
    tree.write(
        &format!("events.log.{}", doctoring::day(1)),
        calls(&noon(1), 10),
    );
    fs::remove_file(tree.path(&format!("events.log.{}.gz", doctoring::day(1)))).expect("removed");
    let (a, b) = (
        Python::start(TIMED, &[&live]),
        Python::start(TIMED, &[&live]),
    );
    // They had no midnight yet.
    let found = doctored(&tree);
    assert_eq!(found.get("two-writers")["severity"], "warning");
    let remedy = found.remedy("two-writers");
    assert!(
        remedy.starts_with("if they rotate by themselves, "),
        "{remedy}"
    );
    drop((a, b));
    let a = Python::start(&format!("{TIMED}{MIDNIGHT}"), &[&live]);
    let b = Python::start(TIMED, &[&live]);
    let found = doctored(&tree);
    let seen = found.seen("two-writers");
    assert_eq!(found.get("two-writers")["severity"], "problem", "{seen}");
    for pid in [a.pid(), b.pid()] {
        assert!(seen.contains(&format!("python3 (pid {pid})")), "{seen}");
    }
    assert!(found.remedy("two-writers").contains("WatchedFileHandler"));
    let shown = String::from_utf8(tree.run(&[]).stdout).expect("UTF-8");
    assert!(
        shown.contains("    python3 (pid "),
        "a name keeps its case: {shown}"
    );
    assert_eq!(found.code, Some(1));
    // The traces of the writers show in the sealed file as well.
    tree.rotate();
    let found = doctored(&tree);
    assert_eq!(found.get("two-writers")["severity"], "problem");
    drop(b);
    let found = doctored(&tree);
    assert!(
        !found
            .codes()
            .iter()
            .any(|code| code.starts_with("two-writers"))
    );
}

#[test]
fn writers_that_append_and_leave_rotation_to_us_are_a_note_at_most() {
    let tree = Tree::healthy();
    let live = tree.path("events.log");
    let (_a, _b) = (
        Python::start(WATCHED, &[&live]),
        Python::start(WATCHED, &[&live]),
    );
    let found = doctored(&tree);
    found.are(&["two-writers note"]);
    assert_eq!(found.code, Some(0));
}

/// A tree in which writers renamed the live file once, of which all is sealed.
fn renamed_before() -> Tree {
    let tree = Tree::new();
    for ago in [2, 3] {
        let name = format!("events.log.{}", doctoring::day(ago));
        tree.write(&name, calls(&noon(ago), 200));
    }
    tree.rotate();
    tree.write("events.log", calls(&minutes_ago(1), 10));
    tree
}

#[test]
fn who_follows_the_remedy_for_two_writers_is_rid_of_it() {
    let tree = renamed_before();
    let live = tree.path("events.log");
    let (_a, _b) = (
        Python::start(WATCHED, &[&live]),
        Python::start(WATCHED, &[&live]),
    );
    doctored(&tree).are(&["two-writers warning"]);
    let config = tree.dir().join("config.toml");
    fs::write(&config, "[rotate]\nmode = \"rename\"\n").expect("written");
    let file = config.display().to_string();
    tree.look(&["--config", &file]).are(&["two-writers note"]);

    // The lines that they left in the live file over midnight show it as well.
    let tomorrow = calls(&minutes_ago(-24 * 60), 3);
    let text = fs::read_to_string(&live).expect("read") + &tomorrow;
    fs::write(&live, text).expect("written");
    let found = doctored(&tree);
    assert_eq!(found.get("two-writers")["severity"], "note");
}

#[test]
fn writers_that_renamed_since_they_began_are_a_problem_after_it_is_sealed() {
    let tree = renamed_before();
    let live = tree.path("events.log");
    let both = || Python::start(TIMED, &[&live]);
    let (_a, b) = (both(), both());
    let sealed = tree.path(&format!("events.log.{}.gz", doctoring::day(2)));
    // A rotation of today leaves the files that they held open last night like this.
    doctoring::set_modified(&sealed, testing::now().into());
    drop(b);
    let _b = both();
    let found = doctored(&tree);
    assert_eq!(found.get("two-writers")["severity"], "problem");
}

#[test]
fn a_process_with_two_handlers_is_one_process() {
    let tree = Tree::healthy();
    let twice = "files = [open(sys.argv[1], 'a'), open(sys.argv[1], 'a')]";
    let _writer = Python::start(twice, &[&tree.path("events.log")]);
    doctored(&tree).are(&[]);
}

#[test]
fn a_writer_without_o_append_is_a_warning_and_two_are_a_problem() {
    let tree = Tree::healthy();
    let live = tree.path("events.log");
    let script = "file = open(sys.argv[1], 'r+')";
    let _one = Python::start(script, &[&live]);
    doctored(&tree).are(&["no-append warning"]);
    let _two = Python::start(KEEPS_OPEN, &[&live]);
    let found = doctored(&tree);
    found.are(&["two-writers problem"]);
    assert!(
        found
            .seen("two-writers")
            .contains("not all of them with O_APPEND")
    );
}

#[test]
fn a_writer_that_stayed_in_yesterdays_file_is_a_problem() {
    let tree = Tree::healthy();
    let name = format!("events.log.{}", doctoring::day(1));
    fs::remove_file(tree.path(&format!("{name}.gz"))).expect("removed");
    tree.write(&name, calls(&noon(1), 10) + &calls(&minutes_ago(5), 3));
    let writer = Python::start(KEEPS_OPEN, &[&tree.path(&name)]);
    let found = doctored(&tree);
    let seen = found.seen("late-writer");
    assert!(seen.contains(&writer.pid().to_string()), "{seen}");
    assert_eq!(found.get("late-writer")["severity"], "problem");
    assert_eq!(found.get("late-writer")["file"], name.as_str());
}

#[test]
fn a_writer_that_only_has_not_let_go_yet_is_a_note_and_after_a_day_a_warning() {
    let tree = Tree::healthy();
    let name = format!("events.log.{}", doctoring::day(1));
    fs::remove_file(tree.path(&format!("{name}.gz"))).expect("removed");
    tree.write(&name, calls(&noon(1), 10));
    let _writer = Python::start(KEEPS_OPEN, &[&tree.path(&name)]);
    set_age(&tree.path(&name), 2);
    assert_eq!(doctored(&tree).get("late-writer")["severity"], "note");
    set_age(&tree.path(&name), 30);
    assert_eq!(doctored(&tree).get("late-writer")["severity"], "warning");
}

#[test]
fn a_deleted_live_file_that_somebody_writes_to_is_a_problem_with_the_way_to_save_it() {
    let tree = Tree::healthy();
    let live = tree.path("events.log");
    let writer = Python::start(KEEPS_OPEN, &[&live]);
    let text = fs::read(&live).expect("read");
    fs::remove_file(&live).expect("removed");
    fs::write(&live, text).expect("another one");
    let found = doctored(&tree);
    found.are(&["held-deleted problem"]);
    assert_eq!(found.get("held-deleted")["file"], "events.log");
    let remedy = found.remedy("held-deleted");
    let from = format!("cp /proc/{}/fd/", writer.pid());
    assert!(remedy.contains(&from), "{remedy}");
    drop(writer);
    doctored(&tree).are(&[]);
}

#[test]
fn deleted_files_of_another_tree_and_of_other_names_are_none_of_ours() {
    let (tree, other) = (Tree::healthy(), Tree::healthy());
    let notes = tree.path("notes.txt");
    fs::write(&notes, "x").expect("written");
    let theirs = other.path("events.log");
    let script = "files = [open(path, 'a') for path in sys.argv[1:]]";
    let _writer = Python::start(script, &[&theirs, &notes]);
    for path in [&theirs, &notes] {
        fs::remove_file(path).expect("removed");
    }
    doctored(&tree).are(&[]);
}

#[test]
fn a_reader_of_a_deleted_file_is_a_note_until_it_keeps_much_of_the_disk() {
    let tree = Tree::healthy();
    let path = tree.path(&format!("events.log.{}.gz", doctoring::day(3)));
    let idx = calltrace_store::index::path_of(&path);
    let reader = Python::start("file = open(sys.argv[1])", &[&path]);
    fs::remove_file(&path).expect("removed");
    fs::remove_file(idx).expect("removed");
    let found = tree.look(&["0367"]);
    assert_eq!(found.get("held-deleted")["severity"], "note");
    drop(reader);

    let large = tree.path(&format!("events.log.{}.gz", doctoring::day(9)));
    fill(&large, 101_000_000);
    let _reader = Python::start("file = open(sys.argv[1])", &[&large]);
    fs::remove_file(&large).expect("removed");
    let found = tree.look(&["0367"]);
    assert_eq!(found.get("held-deleted")["severity"], "warning");
    assert!(
        found.seen("held-deleted").contains("101.0 MB"),
        "{}",
        found.seen("held-deleted")
    );
}

fn fill(path: &Path, bytes: usize) {
    fs::write(path, vec![b'x'; bytes]).expect("written");
}
