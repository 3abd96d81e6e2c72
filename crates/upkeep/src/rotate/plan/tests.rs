//! What is planned for what is found, as a table.

use chrono::NaiveDate;

use super::super::look::{FileFacts, FolderFacts};
use super::*;
use crate::survey::log::LogStat;
use crate::survey::memory::RotationMemory;
use crate::survey::shipped::ShippedMemory;
use calltrace_model::record::Stamp;
use calltrace_store::fsx::{FileIdentity, WriterProcess};
use calltrace_store::index::IndexState;
use calltrace_store::source::ContentDigest;

fn stamp(text: &str) -> Option<Stamp> {
    let stamp = Stamp::parse_prefix(format!("{text}:00,000").as_bytes());
    assert!(stamp.is_some(), "{text}");
    stamp
}

fn survey() -> RotationSurvey {
    RotationSurvey::new(FolderFacts {
        today: NaiveDate::from_ymd_opt(2025, 12, 3).expect("a day"),
        left_alone: Vec::new(),
        catalog_is_fresh: true,
        shipped: ShippedMemory::default(),
    })
}

fn fresh() -> IndexState {
    IndexState::Fresh {
        content: ContentDigest::default(),
        first: None,
        last: None,
    }
}

fn log(name: &str, bytes: u64, last: &str) -> LogStat {
    let name = FileName::parse(name).expect("a log's name");
    let last = stamp(last);
    LogStat {
        bytes,
        form: match name.gz {
            true => ContentFormat::Bgzf {
                content_bytes: 9000,
                blocks_of_lines: true,
            },
            false => ContentFormat::Plain,
        },
        name,
        mode: 0o640,
        user: 0,
        identity: FileIdentity::new(1, 1),
        is_live_too: false,
        modified: last.expect("a time"),
        modified_nanos: 0,
        index: fresh(),
        first: None,
        last,
    }
}

fn seen(name: &str, last: &str) -> RotationFile {
    RotationFile {
        log: log(name, 1000, last),
        more: FileFacts {
            age_from: stamp(last).map(day_of),
            ..FileFacts::default()
        },
    }
}

/// The same file, but for what `change` does to it.
fn but(mut seen: RotationFile, change: impl FnOnce(&mut LogStat)) -> RotationFile {
    change(&mut seen.log);
    seen
}

/// The same file, but for what `change` does to what is known of it.
fn knowing(mut seen: RotationFile, change: impl FnOnce(&mut FileFacts)) -> RotationFile {
    change(&mut seen.more);
    seen
}

/// The same live file, but for what `change` does to who holds it.
fn holding(seen: RotationFile, change: impl FnOnce(&mut OpenWriters)) -> RotationFile {
    knowing(seen, |more| {
        change(&mut more.live.as_mut().expect("the live file").hold);
    })
}

/// One of the first day, one of the last.
fn stretches(first: &str, last: &str) -> Vec<NaiveDate> {
    let mut days = [first, last]
        .map(|at| day_of(stamp(at).expect("a time")))
        .to_vec();
    days.dedup();
    days
}

fn found(first: &str, last: &str) -> RotationFile {
    RotationFile {
        log: LogStat {
            first: stamp(first),
            ..log("events.log", 5000, last)
        },
        more: FileFacts {
            may_grow: true,
            live: Some(LiveFileState {
                is_blank: false,
                day: day_of(stamp(first).expect("a time")),
                stretches: stretches(first, last),
                hold: OpenWriters {
                    is_free: true,
                    writers: Vec::new(),
                    unseen: false,
                    no_collapse: None,
                },
            }),
            ..FileFacts::default()
        },
    }
}

/// A live file of yesterday.
fn due_file() -> RotationFile {
    found("2025-12-02 00:01", "2025-12-02 23:50")
}

fn writer(appends: bool) -> WriterProcess {
    WriterProcess {
        pid: 7,
        command: "python3".to_owned(),
        appends,
    }
}

fn held_by(live: RotationFile, writers: Vec<WriterProcess>) -> RotationFile {
    holding(live, |hold| {
        (hold.is_free, hold.writers) = (false, writers);
    })
}

fn with(files: Vec<RotationFile>, live: Option<RotationFile>) -> RotationSurvey {
    RotationSurvey {
        files: files.into_iter().chain(live).collect(),
        ..survey()
    }
}

/// The plan in words: the mode, then a word a step, then what waits and what is wrong.
fn planned_steps(survey: &RotationSurvey, policy: &Policy) -> Vec<String> {
    let plan = plan(survey, policy);
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.kind != StepKind::Catalog);
    let steps = steps.map(|step| {
        let kind = format!("{:?}", step.kind);
        let kind = kind.split([' ', '(']).next().expect("a first word");
        match step.kind.to() {
            Some(to) => format!("{kind} {} -> {}", step.kind.file(), to.full()),
            None => format!("{kind} {}", step.kind.file()),
        }
    });
    let waiting = plan.waiting.iter();
    let waiting = waiting.map(|waiting| format!("{}: {}", waiting.file, waiting.why));
    let troubles = plan.troubles.iter().map(Trouble::to_string);
    std::iter::once(plan.mode.as_str().to_owned())
        .chain(steps)
        .chain(waiting)
        .chain(troubles)
        .collect()
}

fn auto(survey: &RotationSurvey) -> Vec<String> {
    planned_steps(survey, &Policy::default())
}

#[test]
fn finished_files_are_sealed_and_a_busy_one_waits() {
    let old = || seen("events.log.2025-12-01", "2025-12-01 23:59");
    let archive = seen("events.log.2025-12-01.gz", "2025-12-01 23:59");
    let numbered = seen("events.log.1", "2025-12-02 10:00");
    assert_eq!(
        auto(&with(vec![numbered, old()], None)),
        [
            "archive",
            "Seal events.log.1 -> events.log.1.gz",
            "Seal events.log.2025-12-01 -> events.log.2025-12-01.gz"
        ]
    );
    let busy = knowing(but(old(), |log| log.index = IndexState::Missing), |more| {
        more.busy = Some("still open in python3 (pid 7)".to_owned());
    });
    assert_eq!(
        auto(&with(vec![busy], None)),
        [
            "archive",
            "Index events.log.2025-12-01",
            "events.log.2025-12-01: still open in python3 (pid 7)"
        ]
    );
    let held = knowing(old(), |more| more.held_bytes = 1000);
    assert_eq!(
        auto(&with(vec![held, archive.clone()], None)),
        [
            "archive",
            "Finish events.log.2025-12-01 -> events.log.2025-12-01.gz"
        ]
    );
    let partly = knowing(old(), |more| more.held_bytes = 999);
    assert_eq!(
        auto(&with(vec![partly, archive], None)),
        [
            "archive",
            "Merge events.log.2025-12-01 -> events.log.2025-12-01.gz"
        ]
    );
}

#[test]
fn files_that_may_still_be_written_or_hold_no_lines_are_left() {
    let daily = seen("events_2025-12-03.log", "2025-12-03 00:05");
    let daily = knowing(daily, |more| more.may_grow = true);
    let packed = but(seen("events.log.2025-12-01", "2025-12-01 23:59"), |log| {
        log.form = ContentFormat::Gzip;
    });
    let live_too = but(seen("events.log.2025-12-02", "2025-11-02 23:59"), |log| {
        log.is_live_too = true;
    });
    let misnamed = but(
        seen("events.log.2025-11-30.gz", "2025-11-30 23:59"),
        |log| log.form = ContentFormat::Plain,
    );
    let files = vec![daily, packed, live_too, misnamed];
    assert_eq!(auto(&with(files, None)), ["archive"]);
}

#[test]
fn a_file_goes_by_the_last_day_inside() {
    let policy = Policy {
        keep_days: 14,
        ..Policy::default()
    };
    // Today is the 3rd: 19 November is the first of 14 full days.
    let kept = seen("events.log.2025-11-01.gz", "2025-11-19 00:00");
    let old = seen("events.log.2025-11-30.gz", "2025-11-18 23:59");
    let without_time = |name: &str| {
        let seen = but(seen(name, "2025-11-01 00:00"), |log| log.last = None);
        knowing(seen, |more| more.age_from = None)
    };
    let no_time = without_time("events.log.2025-10-01.gz");
    let empty = but(without_time("events.log.2025-12-01"), |log| log.bytes = 0);
    let busy = knowing(seen("events.log.3", "2025-11-01 00:00"), |more| {
        more.busy = Some("still open in cat (pid 7)".to_owned());
    });
    // Its writer's clock was never set.
    let unset = seen("events_2025-12-02.log.gz", "1970-01-01 00:10");
    let unset = knowing(unset, |more| {
        more.age_from = NaiveDate::from_ymd_opt(2025, 12, 2);
    });
    // As old as `old`, and still to be shipped.
    let unshipped = seen("events.log.2025-11-17.gz", "2025-11-18 23:59");
    let unshipped = knowing(unshipped, |more| more.is_unshipped = true);
    let files = vec![kept, old, no_time, unset, empty, busy, unshipped];
    assert_eq!(
        planned_steps(&with(files, None), &policy),
        [
            "archive",
            "Expire events.log.2025-11-30.gz",
            "Expire events.log.2025-12-01",
            "events.log.3: is to be removed, but still open in cat (pid 7)",
            &format!("events.log.2025-11-17.gz: {UNSHIPPED}")
        ]
    );
}

#[test]
fn the_mode_follows_from_the_processes_that_hold_the_live_file() {
    let sealed = seen("events.log.2025-12-01.gz", "2025-12-01 23:59");
    let rename = [
        "rename",
        "Rename events.log -> events.log.2025-12-02",
        "Seal events.log.2025-12-02 -> events.log.2025-12-02.gz",
    ];
    assert_eq!(auto(&with(vec![sealed.clone()], Some(due_file()))), rename);
    // A process reads it; no visible process can write to it.
    let read = held_by(due_file(), Vec::new());
    assert_eq!(auto(&with(Vec::new(), Some(read.clone()))), rename);

    let appended = held_by(due_file(), vec![writer(true)]);
    assert_eq!(
        auto(&with(vec![sealed.clone()], Some(appended.clone()))),
        [
            "collapse",
            "Collapse events.log -> events.log.2025-12-02.gz"
        ]
    );

    let theirs = seen("events.log.2025-12-01", "2025-12-01 23:59");
    let archive = auto(&with(vec![theirs.clone()], Some(appended.clone())));
    assert_eq!(archive[0], "archive");
    assert_eq!(archive.len(), 2, "{archive:?}");
    let ours = RotationSurvey {
        memory: RotationMemory {
            renamed: vec![theirs.log.name.clone()],
            ..RotationMemory::default()
        },
        ..with(vec![theirs], Some(appended.clone()))
    };
    assert_eq!(auto(&ours)[0], "collapse");

    let remembered = |live: RotationFile| RotationSurvey {
        memory: RotationMemory {
            rotates_itself: true,
            ..RotationMemory::default()
        },
        ..with(Vec::new(), Some(live))
    };
    assert_eq!(auto(&remembered(appended.clone())), ["archive"]);
    assert_eq!(auto(&remembered(due_file()))[0], "rename");
    // It went on over midnight: its writer does not rotate it.
    let over = found("2025-12-01 23:00", "2025-12-02 23:00");
    let over = held_by(over, vec![writer(true)]);
    assert_eq!(auto(&remembered(over))[0], "collapse");
}

#[test]
fn a_live_file_that_cannot_be_rotated_safely_is_refused_by_name() {
    let wrong = |live: RotationFile| {
        let planned_steps = auto(&with(Vec::new(), Some(live)));
        assert_eq!(planned_steps.len(), 2, "{planned_steps:?}");
        planned_steps[1].clone()
    };
    assert_eq!(
        wrong(held_by(due_file(), vec![writer(true), writer(false)])),
        "events.log is due, but can't be rotated: python3 (pid 7) has it open without O_APPEND; \
         let it write through WatchedFileHandler (--mode rename)"
    );
    let unseen = held_by(due_file(), Vec::new());
    let unseen = holding(unseen, |hold| hold.unseen = true);
    assert_eq!(
        wrong(unseen),
        "events.log is due, but can't be rotated: it is open in a process that can't be looked \
         into; run as root, or as the user who writes it"
    );
    let appended = held_by(due_file(), vec![writer(true)]);
    let rigid = holding(appended, |hold| {
        hold.no_collapse = Some("the file system can't".to_owned());
    });
    assert_eq!(
        wrong(rigid),
        "events.log is due, but can't be rotated: the file system can't; it is open in python3 \
         (pid 7); let the writer use WatchedFileHandler (--mode rename)"
    );
}

#[test]
fn the_live_file_is_due_by_day_size_or_wish() {
    let today = || found("2025-12-03 00:01", "2025-12-03 00:05");
    let is_due = |live: RotationFile, policy: Policy| {
        let planned_steps = planned_steps(&with(Vec::new(), Some(live)), &policy);
        planned_steps.iter().any(|word| word.starts_with("Rename"))
    };
    let default_policy = Policy::default;
    assert!(!is_due(today(), default_policy()));
    assert!(is_due(
        found("2025-12-02 23:59", "2025-12-03 00:05"),
        default_policy()
    ));
    let size_max = Some(4999);
    assert!(is_due(
        today(),
        Policy {
            size_max,
            ..default_policy()
        }
    ));
    let size_max = Some(5000);
    assert!(!is_due(
        today(),
        Policy {
            size_max,
            ..default_policy()
        }
    ));
    let force = true;
    assert!(is_due(
        today(),
        Policy {
            force,
            ..default_policy()
        }
    ));
    let mut blank = knowing(today(), |more| {
        more.live.as_mut().expect("the live file").is_blank = true;
    });
    (blank.log.first, blank.log.last) = (None, None);
    assert!(!is_due(
        blank,
        Policy {
            force,
            ..default_policy()
        }
    ));
}

#[test]
fn an_occupied_name_is_freed_first_or_waited_for() {
    let there = || seen("events.log.2025-12-02", "2025-12-02 10:00");
    let policy = Policy {
        mode: Mode::Rename,
        ..Policy::default()
    };
    assert_eq!(
        planned_steps(&with(vec![there()], Some(due_file())), &policy),
        [
            "rename",
            "Seal events.log.2025-12-02 -> events.log.2025-12-02.gz",
            "Rename events.log -> events.log.2025-12-02",
            "Merge events.log.2025-12-02 -> events.log.2025-12-02.gz"
        ]
    );
    let busy = knowing(there(), |more| {
        more.busy = Some("still open in python3 (pid 7)".to_owned());
    });
    assert_eq!(
        planned_steps(&with(vec![busy], Some(due_file())), &policy),
        [
            "rename",
            "events.log.2025-12-02: still open in python3 (pid 7)",
            "events.log: is due, but events.log.2025-12-02 is still there"
        ]
    );
    let held = held_by(due_file(), vec![writer(true)]);
    assert_eq!(
        planned_steps(&with(Vec::new(), Some(held)), &policy),
        [
            "rename",
            "Rename events.log -> events.log.2025-12-02",
            "events.log.2025-12-02: still open in python3 (pid 7)"
        ]
    );
}

#[test]
fn the_work_of_an_interrupted_run_is_finished_first() {
    let archive = seen("events.log.2025-12-02.gz", "2025-12-02 23:50");
    let live = knowing(due_file(), |more| {
        more.to_take_off = Some((archive.log.name.clone(), 4000));
    });
    let survey = with(vec![archive], Some(live));
    let first = plan(&survey, &Policy::default());
    assert!(first.finishes_an_interrupted_run());
    assert_eq!(first.steps[0].bytes, Some(4000));
    assert_eq!(
        auto(&survey)[1..],
        ["TakeOff events.log -> events.log.2025-12-02.gz"]
    );
}

#[test]
fn archives_of_others_get_an_index_and_become_ours_when_wanted() {
    let sealed = seen("events.log.2025-12-01.gz", "2025-12-01 23:59");
    let foreign = but(sealed, |log| {
        (log.form, log.index) = (ContentFormat::Gzip, IndexState::Missing);
    });
    let survey = with(vec![foreign], None);
    assert_eq!(auto(&survey), ["archive", "Index events.log.2025-12-01.gz"]);
    let policy = Policy {
        recompress: true,
        ..Policy::default()
    };
    assert_eq!(
        planned_steps(&survey, &policy),
        [
            "archive",
            "Recompress events.log.2025-12-01.gz -> events.log.2025-12-01.gz"
        ]
    );
}

#[test]
fn without_due_work_there_is_no_step() {
    let sealed = seen("events.log.2025-12-01.gz", "2025-12-01 23:59");
    let today = found("2025-12-03 00:01", "2025-12-03 00:05");
    let idle = with(vec![sealed], Some(today));
    assert!(plan(&idle, &Policy::default()).steps.is_empty());
    let mut stale = idle;
    stale.more.catalog_is_fresh = false;
    let steps = plan(&stale, &Policy::default()).steps;
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].kind, StepKind::Catalog);
    assert!(plan(&survey(), &Policy::default()).steps.is_empty());
}
