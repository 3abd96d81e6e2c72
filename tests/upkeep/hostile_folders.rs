//! Root's commands over folders that another user writes to: nothing outside the folder is created,
//! changed, removed or disclosed, nothing waits for ever, and other enterprises are served.
//!
//! The hostile user is played by processes with that user's ids. As root only.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown, lchown, symlink};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::hostile::{Arena, GROUP, KEEP, NOT_ROOT, Ran, STRANGER, WRITER, is_root, lines, mode};

/// All of root's commands; rotation last, as it changes what the others look at.
const COMMANDS: [&[&str]; 11] = [
    &["rotate", "--dry-run", KEEP],
    &["index"],
    &["index", "--check"],
    &["doctor"],
    &["search", "--lines", "--limit=0"],
    &["trace", "0367", "1764406800.120"],
    &["tail", "-n", "500"],
    &["tail", "--calls", "--follow", "--timeout", "1ms"],
    &["tail", "--call", "1764406800.120"],
    // Pages, the API, and posted lines.
    &["serve"],
    &["rotate", KEEP],
];

/// What can be put in the place of a file, by the writer. `NAME` is the file; a link leads to the file
/// of that name outside, or to `secret`.
const KINDS: [(&str, &str); 9] = [
    ("link", "rm -rf NAME; ln -s $OUTSIDE/secret NAME"),
    ("link to a folder", "rm -rf NAME; ln -s $OUTSIDE NAME"),
    ("link to a device", "rm -rf NAME; ln -s /dev/zero NAME"),
    ("FIFO", "rm -rf NAME; mkfifo NAME"),
    ("folder", "rm -rf NAME; mkdir NAME; touch NAME/events.log"),
    ("sparse file", "rm -rf NAME; truncate -s 1T NAME"),
    ("dead link", "rm -rf NAME; ln -s nowhere NAME"),
    // By root: for a host that lets users link to what they may not read, and for a folder that was
    // restored from an image of another system, its devices with it.
    ("hard link", ""),
    ("device", ""),
];

/// Names that root's commands open, and whether all readers do.
const PLACES: [(&str, bool); 9] = [
    (".calltrace", false),
    (".calltrace/lock", false),
    (".calltrace/rotate.toml", false),
    (".calltrace/catalog", false),
    (".calltrace/events.log.2025-12-01.gz.idx", false),
    ("events.log", true),
    ("events.log.2025-12-02", true),
    ("events.log.2025-12-02.gz", true),
    ("events.log.1", true),
];

fn served(arena: &Arena, ran: &[Ran], what: &str) {
    let rotated = ran.last().expect("rotate");
    let archive = arena.at("call_tracer/0999/events.log.2025-12-01.gz");
    assert!(archive.exists(), "{what}: {rotated:?}");
    let search = ran.iter().find(|ran| ran.arguments.contains("--lines"));
    let found = &search.expect("searched").stdout;
    assert!(found.contains("1764406800.300"), "{what}: {search:?}");
    let serve = ran.iter().find(|ran| ran.arguments.contains("\"serve\""));
    let served = &serve.expect("served").stdout;
    let answers = served.lines().filter(|line| line.contains(" gave "));
    let of_others = answers.filter(|line| line.contains("0999"));
    assert_eq!(of_others.clone().count(), 5, "{what}: {serve:?}");
    let is_well = of_others.clone().all(|line| line.ends_with(" gave 200"));
    assert!(is_well, "{what}: {serve:?}");
}

fn place(arena: &Arena, name: &str, kind: &str, script: &str) {
    if kind == "hard link" {
        if name == ".calltrace" {
            return;
        }
        let _ = fs::remove_file(arena.path(name));
        return fs::hard_link(arena.outside().join("secret"), arena.path(name)).expect("linked");
    }
    if kind == "device" {
        let path = arena.path(name);
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir_all(&path);
        let zero = rustix::fs::makedev(1, 5);
        let (kind, mode) = (FileType::CharacterDevice, Mode::RUSR | Mode::WUSR);
        mknodat(CWD, &path, kind, mode, zero).expect("root may");
        return chown(&path, Some(WRITER), Some(GROUP)).expect("given");
    }
    let script = script.replace("NAME", name);
    assert!(arena.done_by(WRITER, &script), "{script}");
}

fn row(name: &str, is_log: bool, kind: &str, script: &str) {
    let what = format!("{kind} as {name}");
    let arena = Arena::new().with_own_folder();
    place(&arena, name, kind, script);
    let before = arena.kept();
    let ran = arena.run(&COMMANDS);
    arena.assert_harmless(&before, &ran, &what);
    served(&arena, &ran, &what);
    if is_log {
        let search = ran.iter().find(|ran| ran.arguments.contains("--lines"));
        let search = search.expect("searched");
        assert!(search.stderr.contains(name), "{what} is named: {search:?}");
        assert_eq!(search.status, 2, "{what}: {search:?}");
    }
    for (path, owner) in arena.owners() {
        let is_root_made = owner == 0 && kind != "hard link";
        assert!(!is_root_made, "{what}: {} is of root", path.display());
    }
}

#[test]
fn nothing_in_a_files_place_harms_or_holds_a_command_of_root() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let rows: Vec<_> = PLACES
        .iter()
        .flat_map(|place| KINDS.iter().map(move |kind| (place, kind)))
        .collect();
    // They wait for disks and for each other's seconds more than they compute.
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(((name, is_log), (kind, script))) =
                    rows.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    row(name, *is_log, kind, script);
                }
            });
        }
    });
}

/// Lines behind a hole of a writer without O_APPEND are found, before and after the file is packed. One hole is nearly
/// as long as the longest that is read.
#[test]
fn a_hole_that_is_read_through_costs_little() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    for (name, hole) in [
        ("events.log", "20M"),
        ("events.log.2025-12-02", "120M"),
        ("events.log.1", "20M"),
    ] {
        let arena = Arena::new().with_own_folder();
        let script = "touch NAME; truncate -s HOLE NAME\n\
            for n in 0 1; do echo '2025-12-02 10:00:00,000|AST|hangup|1764406800.999|{}' >>NAME; done";
        let script = script.replace("NAME", name).replace("HOLE", hole);
        assert!(arena.done_by(WRITER, &script));
        let before = arena.kept();
        let ran = arena.run(&COMMANDS);
        arena.assert_harmless(&before, &ran, name);
        served(&arena, &ran, name);
        for ran in arena.run(&[COMMANDS[4]]).iter().chain(&ran[4..5]) {
            let lines = ran.stdout.lines();
            let found = lines.filter(|line| line.contains("1764406800.999"));
            assert_eq!(found.count(), 2, "{name}: {:?}", ran.stderr);
        }
    }
}

#[test]
fn a_link_that_comes_and_goes_leads_nothing_of_root_out_of_the_folder() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    for (name, target) in [
        (".calltrace", ""),
        (".calltrace/lock", "secret"),
        (".calltrace/rotate.toml", "secret"),
        (".calltrace/catalog", "secret"),
        ("events.log", "secret"),
        ("events.log.2025-12-02", "secret"),
        ("events.log.2025-12-01.gz", "events.log.1"),
    ] {
        let what = format!("swapped {name}");
        let arena = Arena::new().with_own_folder();
        let before = arena.kept();
        let swapping = arena.swapped_by_the_writer(name, &arena.outside().join(target));
        let mut ran = Vec::new();
        for _ in 0..2 {
            ran.extend(arena.run(&COMMANDS));
        }
        drop(swapping);
        arena.assert_harmless(&before, &ran, &what);
        served(&arena, &ran[..COMMANDS.len()], &what);
        for (path, owner) in arena.owners() {
            assert_ne!(owner, 0, "{what}: {}", path.display());
        }
    }
}

#[test]
fn a_lock_is_its_owners_and_another_holder_is_named() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new().with_own_folder();
    let lock = arena.path(".calltrace/lock");
    assert_eq!(fs::metadata(&lock).expect("there").mode() & 0o777, 0o600);
    // As version 0.1 left it.
    mode(&lock, 0o644);
    let script = "import fcntl, sys, time\nfile = open('.calltrace/lock')\n\
                  fcntl.flock(file, fcntl.LOCK_EX)\nprint('held', flush=True)\ntime.sleep(600)";
    let holder = arena.started_by(STRANGER, "python3", &["-c", script]);
    for words in [&["-q", "rotate", KEEP][..], &["rotate", "--wait", KEEP]] {
        let ran = arena.run(&[words]);
        assert_eq!(ran[0].status, 2, "{ran:?}");
        let named = format!("(pid {}) of user uid {STRANGER}", holder.id());
        assert!(ran[0].stderr.contains(&named), "{ran:?}");
    }
    assert!(
        arena
            .at("call_tracer/0999/events.log.2025-12-01.gz")
            .exists()
    );
    drop(holder);
    let ran = arena.run(&[&["rotate", KEEP]]);
    assert_eq!(ran[0].status, 0, "{ran:?}");
    assert_eq!(fs::metadata(&lock).expect("there").mode() & 0o777, 0o600);
    let shut_out = arena.done_by(STRANGER, "cat .calltrace/lock");
    assert!(!shut_out, "no other user can hold it");
}

#[test]
fn a_write_lease_is_not_waited_for() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    for name in ["lock", "rotate.toml", "catalog"] {
        let arena = Arena::new().with_own_folder();
        let path = format!(".calltrace/{name}");
        let script = format!(
            "import fcntl, signal, time\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\n\
             file = open('{path}', 'a+')\nfcntl.fcntl(file, 1024, fcntl.F_WRLCK)\n\
             print('leased', flush=True)\ntime.sleep(600)"
        );
        if name == "rotate.toml" {
            arena.write(&path, "writer_rotates = false\n");
        }
        let before = arena.kept();
        let holder = arena.started_by(WRITER, "python3", &["-c", &script]);
        let ran = arena.run(&COMMANDS);
        drop(holder);
        arena.assert_harmless(&before, &ran, name);
        served(&arena, &ran, name);
    }
}

#[test]
fn private_lines_do_not_become_readable_in_an_archive_that_was_put_there() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    let private = arena.path("events.log.2025-12-02");
    mode(&private, 0o600);
    // The stranger may write to the folder, and puts an archive of his own there.
    let put = "echo | gzip >events.log.2025-12-02.gz; chmod 644 events.log.2025-12-02.gz";
    assert!(arena.done_by(STRANGER, put));
    let ran = arena.run(&[&["doctor"], &["rotate", KEEP]]);
    assert!(ran[0].stdout.contains("refused"), "{ran:?}");
    assert_eq!(ran[1].status, 2, "{ran:?}");
    assert!(
        ran[1].stderr.contains(&format!("uid {STRANGER}")),
        "{ran:?}"
    );
    assert!(private.exists());
    assert!(!arena.done_by(STRANGER, "zgrep -q 1764406800 events.log.2025-12-02.gz"));

    // Both are merged if they have one owner; only users who may read both may read the result.
    let archive = arena.path("events.log.2025-12-02.gz");
    chown(&archive, Some(WRITER), Some(GROUP)).expect("given");
    let ran = arena.run(&[&["rotate", KEEP]]);
    assert_eq!(ran[0].status, 0, "{ran:?}");
    assert!(!private.exists());
    let merged = fs::metadata(&archive).expect("there");
    assert_eq!(merged.mode() & 0o777, 0o600);
}

#[test]
fn a_file_with_two_names_is_not_collapsed() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    let linked = "cp events.log ../../writers/mine; ln -f ../../writers/mine events.log";
    assert!(arena.done_by(WRITER, linked));
    let other = arena.at("writers/mine");
    let before = fs::read(&other).expect("there");
    let writer =
        "import time\nfile = open('events.log', 'a')\nprint('open', flush=True)\ntime.sleep(600)";
    let writer = arena.started_by(WRITER, "python3", &["-c", writer]);
    let ran = arena.run(&[&["rotate", "0367", "--mode=collapse", "--force", KEEP]]);
    drop(writer);
    assert!(ran[0].stderr.contains("hard links"), "{ran:?}");
    assert_eq!(fs::read(&other).expect("there"), before);
}

#[test]
fn a_folder_with_a_path_that_another_user_can_change_is_refused() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    let root = arena.at("call_tracer");
    let check = |is_refused: bool, what: &str| {
        let ran = arena.run(&[&["doctor", "0367"], &["rotate", "0367", KEEP, "--dry-run"]]);
        assert_eq!(
            ran[0].stdout.contains("refused"),
            is_refused,
            "{what}: {ran:?}"
        );
        assert_eq!(ran[1].status == 2, is_refused, "{what}: {ran:?}");
    };
    check(false, "as it is: the folder's own group may write");
    for (bits, is_refused) in [
        (0o777, true),
        (0o1777, false),
        (0o775, true),
        (0o755, false),
    ] {
        chown(&root, Some(0), Some(GROUP)).expect("given");
        mode(&root, bits);
        check(is_refused, &format!("a root of mode {bits:o}"));
    }
    chown(&root, Some(STRANGER), Some(0)).expect("given");
    check(true, "a root of another user");
    chown(&root, Some(WRITER), Some(0)).expect("given");
    check(false, "a root of the folder's owner");
    chown(&root, Some(0), Some(0)).expect("given");
    mode(&arena.enterprise(), 0o777);
    check(true, "a folder that every user may write to");
}

#[test]
fn one_folder_under_two_names_counts_once_and_links_of_others_are_not_followed() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    let link = arena.at("call_tracer/june");
    symlink("0367", &link).expect("linked");
    let count = || {
        let ran = arena.run(&[&["search", "--lines", "--count"]]);
        (ran[0].stdout.trim().to_owned(), ran[0].status)
    };
    assert_eq!(count(), ("155".to_owned(), 0));
    let ran = arena.run(&[&["search", "june", "0367", "--lines", "--count"]]);
    assert_eq!(ran[0].stdout.trim(), "150", "{ran:?}");
    // To another disk, by root.
    fs::remove_file(&link).expect("removed");
    fs::rename(arena.enterprise(), arena.at("writers/moved")).expect("moved");
    symlink(arena.at("writers/moved"), &link).expect("linked");
    assert_eq!(count(), ("155".to_owned(), 0));
    lchown(&link, Some(STRANGER), Some(GROUP)).expect("given");
    let (found, status) = count();
    assert_eq!((found.as_str(), status), ("5", 2));
    // A root that is a link.
    fs::rename(arena.at("call_tracer"), arena.at("elsewhere")).expect("moved");
    symlink("elsewhere", arena.at("call_tracer")).expect("linked");
    let ran = arena.run(&[
        &["search", "0999", "--lines", "--count"],
        &["rotate", "0999", KEEP],
    ]);
    assert_eq!((ran[0].stdout.trim(), ran[1].status), ("5", 0), "{ran:?}");
}

#[test]
fn a_link_to_the_current_file_is_read_and_not_rotated() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    assert!(arena.done_by(WRITER, "ln -sf events.log.2025-12-02 events.log"));
    let ran = arena.run(&[&["search", "0367", "--lines", "--count"]]);
    assert_eq!((ran[0].stdout.trim(), ran[0].status), ("100", 0), "{ran:?}");
}

#[test]
fn two_first_runs_at_once_both_end_well() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    for _ in 0..3 {
        let arena = Arena::new();
        for n in 0..30 {
            let folder = arena.at(&format!("call_tracer/{}", 1000 + n));
            fs::create_dir(&folder).expect("made");
            fs::write(
                folder.join("events.log.2025-12-01"),
                lines("2025-12-01", 0, 3),
            )
            .expect("written");
            chown(&folder, Some(WRITER), Some(GROUP)).expect("given");
            let log = folder.join("events.log.2025-12-01");
            chown(log, Some(WRITER), Some(GROUP)).expect("given");
        }
        let ran: Vec<Ran> = thread::scope(|scope| {
            let runs = [0, 1].map(|_| scope.spawn(|| arena.run(&[&["rotate", KEEP]])));
            let runs = runs.into_iter();
            runs.flat_map(|run| run.join().expect("no panic")).collect()
        });
        assert!(ran.iter().all(|ran| ran.status == 0), "{ran:?}");
    }
}

#[test]
fn a_folder_of_version_0_1_is_taken_over() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let arena = Arena::new();
    let own = arena.path(".calltrace");
    fs::create_dir(&own).expect("made");
    for name in ["lock", "catalog.tmp", "events.log.2025-12-01.gz.idx.tmp"] {
        fs::write(own.join(name), "").expect("written");
    }
    fs::write(arena.path(".calltrace-events.log.2025-12-01.gz.tmp"), "x").expect("written");
    let ran = arena.run(&[&["rotate", KEEP]]);
    assert_eq!(ran[0].status, 0, "{ran:?}");
    for (path, owner) in arena.owners() {
        assert_eq!(owner, WRITER, "{}", path.display());
        let name = path.to_string_lossy().into_owned();
        assert!(!name.ends_with(".tmp"), "{name}");
    }
    // A folder of root's that the writer moved there is not given away.
    let arena = Arena::new();
    fs::create_dir(arena.path("backup")).expect("made");
    fs::write(arena.path("backup/secret"), "x").expect("written");
    assert!(arena.done_by(WRITER, "mv backup .calltrace"));
    let ran = arena.run(&[&["rotate", "0367", KEEP]]);
    assert_eq!(ran[0].status, 2, "{ran:?}");
    let owner = fs::metadata(arena.path(".calltrace")).expect("there").uid();
    assert_eq!(owner, 0);
}

#[test]
fn the_unit_allows_what_a_rotation_needs() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let unit = fs::read_to_string("packaging/calltrace-rotate.service").expect("there");
    let settings = |key: &str| -> Vec<String> {
        let lines = unit.lines().filter_map(|line| line.strip_prefix(key));
        lines
            .map(|value| value.trim_start_matches('=').to_owned())
            .collect()
    };
    assert!(!settings("TimeoutStartSec=").is_empty());
    let capabilities = settings("CapabilityBoundingSet=").join(" ");
    let kept = capabilities
        .to_lowercase()
        .replace("cap_", "+")
        .replace(' ', ",");
    let arena = Arena::new();
    let held = File::options()
        .append(true)
        .open(arena.path("events.log.2025-12-02"));
    let mut run = Command::new("setpriv");
    testing::surround(&mut run);
    run.arg(format!("--bounding-set=-all,{kept}"));
    run.args(["--inh-caps=-all", "--no-new-privs", "python3"]);
    run.arg(testing::project().join("tests/hostile/sandbox.py"));
    run.args(settings("SystemCallFilter="));
    run.arg("--").arg(testing::program()).arg("--root");
    run.arg(arena.at("call_tracer"))
        .args(["rotate", KEEP, "-v"]);
    let output = run.stdin(Stdio::null()).output().expect("it starts");
    drop(held);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("still open in"), "{stderr}");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("no writers (lease)"), "{out}");
    for (path, owner) in arena.owners() {
        assert_eq!(owner, WRITER, "{}", path.display());
    }
}
