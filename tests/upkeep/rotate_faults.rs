//! A rotation that is killed, loses power or meets a full disk at any of its operations: every line can
//! be read exactly once afterwards, and the next run finishes the job.

use calltrace_upkeep::rotate::{Mode, Policy, RotationReport};
use testing::faults::Fault;
use testing::faults::scene::{Scene, lines, listing, policy};

/// DiskOps that no run comes to.
const MANY: usize = 1000;

type Make = fn() -> Scene;

/// The scenes, each with what must be there in the end.
fn scenes() -> Vec<(&'static str, Make, &'static [&'static str])> {
    fn archive() -> Scene {
        Scene::new(policy(Mode::Archive))
    }
    vec![
        (
            "a finished file",
            || archive().with("events.log.2025-12-01", &lines("2025-12-01", 0, 50)),
            &["events.log.2025-12-01.gz"],
        ),
        (
            "a finished file that its archive holds",
            || {
                archive()
                    .with("events.log.2025-12-01", &lines("2025-12-01", 0, 50))
                    .with_double("events.log.2025-12-01.gz", &lines("2025-12-01", 0, 50))
            },
            &["events.log.2025-12-01.gz"],
        ),
        (
            "a finished file of which its archive holds the beginning",
            || {
                archive()
                    .with("events.log.2025-12-01", &lines("2025-12-01", 0, 50))
                    .with_double("events.log.2025-12-01.gz", &lines("2025-12-01", 0, 30))
            },
            &["events.log.2025-12-01.gz"],
        ),
        (
            "a finished file of another day than its archive",
            || {
                archive()
                    .with("events.log.2025-12-01", &lines("2025-12-02", 0, 50))
                    .with("events.log.2025-12-01.gz", &lines("2025-12-01", 50, 50))
            },
            &["events.log.2025-12-01.gz"],
        ),
        (
            "recovered lines of a day that is over",
            || archive().with("recovered_2025-12-01.log", &lines("2025-12-01", 0, 50)),
            &["recovered_2025-12-01.log.gz"],
        ),
        (
            "recovered lines next to those that were sealed before",
            || {
                archive()
                    .with("events_2025-12-01.log", &lines("2025-12-01", 100, 50))
                    .with("recovered_2025-12-01.log", &lines("2025-12-01", 20, 30))
                    .with("recovered_2025-12-01.log.gz", &lines("2025-12-01", 50, 50))
            },
            &["events_2025-12-01.log.gz", "recovered_2025-12-01.log.gz"],
        ),
        (
            "a live file that is renamed",
            || Scene::new(policy(Mode::Rename)).with("events.log", &lines("2025-12-02", 0, 50)),
            &["events.log.2025-12-02.gz"],
        ),
        (
            "a live file that is renamed while that name is taken, and its archive's",
            || {
                Scene::new(policy(Mode::Rename))
                    .with("events.log", &lines("2025-12-02", 0, 50))
                    .with("events.log.2025-12-02", &lines("2025-12-02", 50, 50))
                    .with("events.log.2025-12-02.gz", &lines("2025-12-02", 100, 50))
            },
            &["events.log.2025-12-02.gz"],
        ),
        (
            "a live file that is collapsed",
            || {
                Scene::new(policy(Mode::Collapse))
                    .with("events.log", &lines("2025-12-02", 0, 150))
                    .held_open("events.log")
            },
            &["events.log", "events.log.2025-12-02.gz"],
        ),
        (
            "a live file smaller than a block that is collapsed",
            || {
                Scene::new(policy(Mode::Collapse))
                    .with("events.log", &lines("2025-12-02", 0, 10))
                    .held_open("events.log")
            },
            &["events.log", "events.log.2025-12-02.gz"],
        ),
        (
            "a live file that is collapsed into an archive",
            || {
                Scene::new(policy(Mode::Collapse))
                    .with("events.log", &lines("2025-12-02", 0, 150))
                    .with("events.log.2025-12-02.gz", &lines("2025-12-02", 150, 50))
                    .held_open("events.log")
            },
            &["events.log", "events.log.2025-12-02.gz"],
        ),
        (
            "an archive that is recompressed",
            || {
                let policy = Policy {
                    recompress: true,
                    ..policy(Mode::Archive)
                };
                Scene::new(policy).with("events.log.2025-12-01.gz", &lines("2025-12-01", 0, 50))
            },
            &["events.log.2025-12-01.gz"],
        ),
    ]
}

fn assert_done(what: &str, scene: &Scene, report: &RotationReport, files: &[&str]) {
    assert!(report.troubles.is_empty(), "{what}: {:?}", report.troubles);
    assert!(report.waiting.is_empty(), "{what}: {:?}", report.waiting);
    assert_eq!(listing(&scene.folder()), files, "{what}");
    scene.assert_whole(what);
    scene.assert_whole_for_others(what);
    let again = scene.disk(Fault::None);
    let report = scene.rotate(&again);
    assert_eq!(
        again.ops(),
        0,
        "{what}: a second run did {:?}",
        report.steps
    );
}

#[test]
fn a_run_killed_at_any_operation_loses_no_line_and_doubles_none() {
    for (what, scene, files) in scenes() {
        for n in 0..MANY {
            let scene = scene();
            let ops = scene.disk(Fault::DieAt(n));
            let report = scene.rotate(&ops);
            if !ops.has_died() {
                assert!(n > 5, "{what}: {report:?}");
                assert_done(what, &scene, &report, files);
                break;
            }
            let when = format!("{what}, killed at op {n}");
            scene.assert_whole(&when);
            drop(ops);
            let report = scene.rotate(&scene.disk(Fault::None));
            assert_done(&when, &scene, &report, files);
        }
    }
}

#[test]
fn a_run_that_loses_power_at_any_operation_loses_no_line_and_doubles_none() {
    let mut seed = 7u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    for (what, scene, files) in scenes() {
        for n in 0..MANY {
            let scene = scene();
            let ops = scene.disk(Fault::DieAt(n));
            scene.rotate(&ops);
            if !ops.has_died() {
                break;
            }
            ops.lose_power(&mut random);
            let when = format!("{what}, without power at op {n}");
            scene.assert_whole(&when);
            drop(ops);
            let report = scene.rotate(&scene.disk(Fault::None));
            assert_done(&when, &scene, &report, files);
        }
    }
}

#[test]
fn an_operation_that_fails_is_named_and_the_next_run_makes_up_for_it() {
    const EIO: i32 = 5;
    const EROFS: i32 = 30;
    for (what, scene, files) in scenes() {
        for code in [EIO, EROFS] {
            for n in 0..MANY {
                let scene = scene();
                let ops = scene.disk(Fault::FailAt(n, code));
                let report = scene.rotate(&ops);
                if ops.ops() <= n {
                    break;
                }
                let when = format!("{what}, error {code} at op {n}: {:?}", report.troubles);
                scene.assert_whole(&when);
                drop(ops);
                let report = scene.rotate(&scene.disk(Fault::None));
                assert_done(&when, &scene, &report, files);
            }
        }
    }
}

#[test]
fn a_full_disk_leaves_everything_readable_and_no_unfinished_file() {
    for (what, scene, files) in scenes() {
        for n in 0..MANY {
            let scene = scene();
            let ops = scene.disk(Fault::FullFrom(n));
            let report = scene.rotate(&ops);
            if ops.ops() <= n {
                break;
            }
            let when = format!("{what}, full from op {n}");
            let named = report.troubles.iter();
            let named = named.filter(|t| t.what.contains("no space left on device"));
            let left = listing(&scene.folder());
            assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
            scene.assert_whole(&when);
            let is_done = left == files && report.troubles.is_empty();
            assert!(is_done || named.count() > 0, "{when}: {report:?}");
            drop(ops);
            let report = scene.rotate(&scene.disk(Fault::None));
            assert_done(&when, &scene, &report, files);
        }
    }
}
