//! A rotation next to programs that do as they like: late writers, writers that hold their file,
//! others that read, and file systems without leases.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use calltrace_store::fsx::Disk;
use calltrace_upkeep::rotate::{Mode, Policy, StepKind};
use testing::ending::RaisedAtEnd;
use testing::faults::Fault;
use testing::faults::scene::{Scene, lines, listing, policy};

/// DiskOps that no run comes to.
const MANY: usize = 1000;

/// Writes a line as a writer does that opens its file for each. Where it would have to wait, it
/// does not: the wait would be for this very thread. False when nothing was written.
fn write_late(path: &Path, line: &str) -> bool {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options()
        .append(true)
        .create(true)
        .custom_flags(nonblock)
        .open(path);
    match opened {
        Ok(mut file) => {
            file.write_all(line.as_bytes()).expect("written");
            true
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_line_written_late_at_any_operation_is_kept() {
    let modes = [
        (Mode::Archive, "events.log.2025-12-02"),
        (Mode::Rename, "events.log"),
        (Mode::Rename, "events.log.2025-12-02"),
    ];
    for (mode, name) in modes {
        for n in 0..MANY {
            let first = match mode {
                Mode::Rename => "events.log",
                _ => name,
            };
            let mut scene = Scene::new(policy(mode)).with(first, &lines("2025-12-02", 0, 20));
            let late = lines("2025-12-02", 999, 1);
            let written = Arc::new(AtomicBool::new(false));
            let hook = {
                let (path, late) = (scene.folder().join(name), late.clone());
                let written = Arc::clone(&written);
                move |at| {
                    // A late writer that would make the target of a rename is no late writer.
                    let may = name == first || path.exists();
                    if at == n && may && write_late(&path, &late) {
                        written.store(true, Ordering::Relaxed);
                    }
                }
            };
            let ops = scene.disk(Fault::None).with_others(hook);
            scene.rotate(&ops);
            if written.load(Ordering::Relaxed) {
                scene.expected.push(late.trim_end().to_owned());
            }
            let when = format!("{mode:?}, {name} written to at op {n}");
            scene.assert_whole(&when);
            let is_through = ops.ops() <= n;
            drop(ops);
            for _ in 0..2 {
                let report = scene.rotate(&scene.disk(Fault::None));
                assert!(report.troubles.is_empty(), "{when}: {:?}", report.troubles);
            }
            scene.assert_whole(&when);
            let plain = listing(&scene.folder());
            let plain: Vec<_> = plain.iter().filter(|name| !name.ends_with(".gz")).collect();
            assert!(plain.is_empty(), "{when}: {plain:?}");
            if is_through {
                break;
            }
        }
    }
}

#[test]
fn a_writer_that_holds_its_file_loses_nothing_at_any_operation() {
    for n in 0..MANY {
        let mut scene = Scene::new(policy(Mode::Auto))
            .with("events.log", &lines("2025-12-02", 0, 120))
            .held_open("events.log");
        let late = lines("2025-12-03", 999, 1);
        let writer = Mutex::new(scene.writers[0].try_clone().expect("a descriptor"));
        let line = late.clone();
        let hook = move |at| {
            if at == n {
                let mut writer = writer.lock().expect("whole");
                writer.write_all(line.as_bytes()).expect("written");
            }
        };
        let ops = scene.disk(Fault::None).with_others(hook);
        let report = scene.rotate(&ops);
        assert_eq!(report.mode, Mode::Collapse, "{}", report.reason);
        assert!(report.troubles.is_empty(), "{:?}", report.troubles);
        let is_through = ops.ops() <= n;
        if !is_through {
            scene.expected.push(late.trim_end().to_owned());
        }
        scene.assert_whole(&format!("written to at op {n}"));
        scene.assert_whole_for_others(&format!("written to at op {n}"));
        if is_through {
            break;
        }
    }
}

#[test]
fn writers_of_a_collapsed_file_go_on_side_by_side() {
    const WRITERS: usize = 3;
    const ROUNDS: usize = 12;
    let mut scene = Scene::new(Policy {
        force: true,
        // The clock is the real one here.
        keep_days: 36_500,
        ..policy(Mode::Collapse)
    });
    let path = scene.folder().join("events.log");
    File::create(&path).expect("made");
    let (done, numbers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let written = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut file = File::options().append(true).open(&path).expect("open");
                while !done.load(Ordering::Relaxed) {
                    let line = lines("2025-12-03", numbers.fetch_add(1, Ordering::Relaxed), 1);
                    file.write_all(line.as_bytes()).expect("written");
                    let mut all = written.lock().expect("whole");
                    all.push(line.trim_end().to_owned());
                    drop(all);
                    thread::sleep(Duration::from_micros(200));
                }
            });
        }
        let _done = RaisedAtEnd(&done);
        for _ in 0..ROUNDS {
            thread::sleep(Duration::from_millis(20));
            let report = scene.rotate(&Disk);
            let troubles = &report.troubles;
            assert!(troubles.is_empty(), "{troubles:?}");
        }
    });
    scene.expected = written.into_inner().expect("whole");
    assert!(scene.expected.len() > WRITERS * ROUNDS);
    scene.assert_whole("in the end");
    scene.assert_whole_for_others("in the end");
    let left = fs::metadata(&path).expect("there").len();
    let all = scene.expected.len() as u64 * 90;
    assert!(left < all, "something was taken off: {left} of {all}");
}

#[test]
fn a_reader_is_in_no_ones_way() {
    let scene = Scene::new(policy(Mode::Auto))
        .with("events.log", &lines("2025-12-02", 0, 20))
        .with("events.log.2025-12-01", &lines("2025-12-01", 20, 20));
    let _tail = File::open(scene.folder().join("events.log")).expect("open");
    let _less = File::open(scene.folder().join("events.log.2025-12-01")).expect("open");
    let report = scene.rotate(&scene.disk(Fault::None));
    assert_eq!(report.mode, Mode::Rename, "{}", report.reason);
    let files = ["events.log.2025-12-01.gz", "events.log.2025-12-02.gz"];
    assert_eq!(listing(&scene.folder()), files);
    scene.assert_whole("read by others");
}

#[test]
fn a_finished_file_that_is_held_is_left_and_named_and_indexed() {
    let scene = Scene::new(policy(Mode::Archive))
        .with("events.log.2025-12-01", &lines("2025-12-01", 0, 20))
        .held_open("events.log.2025-12-01");
    let report = scene.rotate(&scene.disk(Fault::None));
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
    let [waiting] = report.waiting.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(waiting.file, "events.log.2025-12-01");
    let pid = format!("(pid {})", std::process::id());
    assert!(waiting.why.starts_with("still open in "), "{}", waiting.why);
    assert!(waiting.why.ends_with(&pid), "{}", waiting.why);
    assert_eq!(listing(&scene.folder()), ["events.log.2025-12-01"]);
    assert!(
        report
            .steps
            .iter()
            .any(|done| matches!(done.step.kind, StepKind::Index(_)))
    );
}

#[test]
fn a_writer_that_does_not_append_is_refused_by_name() {
    let scene = Scene::new(policy(Mode::Auto)).with("events.log", &lines("2025-12-02", 0, 120));
    let path = scene.folder().join("events.log");
    let before = fs::read(&path).expect("read");
    let _writer = File::options().write(true).open(&path).expect("open");
    let report = scene.rotate(&scene.disk(Fault::None));
    let [trouble] = report.troubles.as_slice() else {
        panic!("{report:?}");
    };
    assert!(trouble.what.contains("without O_APPEND"), "{trouble}");
    assert_eq!(fs::read(&path).expect("read"), before);
}

#[test]
fn without_leases_descriptors_and_grace_decide() {
    let scene = Scene::new(Policy {
        grace: Duration::ZERO,
        ..policy(Mode::Archive)
    });
    let scene = scene.with("events.log.2025-12-01", &lines("2025-12-01", 0, 20));
    let report = scene.rotate(&scene.disk(Fault::None).without_leases());
    match report.waiting.as_slice() {
        [] => {
            let mut steps = report.steps.iter();
            let sealed = steps.find(|done| matches!(done.step.kind, StepKind::Seal(_)));
            let proof = sealed.expect("sealed").proof;
            assert_eq!(proof, Some("open descriptors and grace"));
        }
        // Here even root can't examine all processes.
        [waiting] => assert!(waiting.why.contains("can be looked into"), "{waiting:?}"),
        more => panic!("{more:?}"),
    }
    scene.assert_whole("without leases");
}

#[test]
fn the_day_of_the_last_record_decides_what_goes() {
    let scene = Scene::new(Policy {
        keep_days: 2,
        ..policy(Mode::Archive)
    });
    // Today is the 3rd, so the 1st is the first day that is kept.
    let mixed = lines("2025-11-30", 0, 5) + &lines("2025-12-01", 5, 1);
    let broken_clock = lines("2031-01-01", 10, 1);
    let scene = scene
        .with_double("events.log.2025-12-01", &lines("2025-11-30", 20, 5))
        .with_double(
            "events.log.2025-11-28.gz",
            &(lines("2025-11-28", 30, 5) + &broken_clock),
        )
        .with("events.log.2025-11-30.gz", &mixed)
        .with(
            "events.log.2025-11-01",
            &broken_clock.replace("31-01-01", "31-01-02"),
        )
        .with("events.log.2025-11-02.gz", "no time at all\n");
    let report = scene.rotate(&scene.disk(Fault::None));
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
    let files = [
        "events.log.2025-11-01.gz",
        "events.log.2025-11-02.gz",
        "events.log.2025-11-30.gz",
    ];
    assert_eq!(listing(&scene.folder()), files);
    scene.assert_whole("expired");
    let own = fs::read_dir(scene.folder().join(".calltrace")).expect("listed");
    let indexes = own.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().ends_with(".idx")
    });
    assert_eq!(indexes.count(), files.len(), "no index without its file");
}
