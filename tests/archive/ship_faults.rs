//! What stays when the store or the disk fails: nothing is removed that was not read again, and what failed is named.

use std::fs;
use std::time::Duration;

use calltrace_upkeep::ship::ShipPolicy;
use testing::fault_proxy::{Fault as StoreFault, FaultProxy};
use testing::faults::Fault;
use testing::faults::scene::{enterprise, listing};
use testing::object_stores::{Seaweed, own_prefix};

use crate::ship_scene::{DAYS, ShipScene, keeping, name_of};

#[test]
fn a_day_stays_here_if_its_object_was_changed() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let scene = ShipScene::over(&proxy.endpoint(), &own_prefix(), &DAYS);
    scene.ship(ShipPolicy::default());
    let is_log = |path: &str| path.contains(&name_of(DAYS[0])) && path.ends_with(".gz");
    proxy.play(StoreFault::WrongByte, usize::MAX, move |request| {
        request.method == "GET" && is_log(&request.path)
    });
    let report = scene.ship(keeping(1));
    assert!(
        report.troubles[0].what.contains("CRC-32"),
        "{:?}",
        report.troubles
    );
    assert_eq!(report.troubles.len(), 1);
    assert_eq!(listing(&scene.scene.folder()), [name_of(DAYS[0])]);
    proxy.reset();
    scene.fetch("2025-11-01..2025-11-30");
    scene.scene.assert_whole("after fetching");
}

#[test]
fn no_day_goes_while_the_bucket_lacks_an_object_and_the_next_run_sends_it_again() {
    let scene = ShipScene::new();
    scene.ship(ShipPolicy::default());
    let log = scene.manifest().days[0].log.clone();
    // Between shipping and removal, as another program might do it.
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let through = scene.through(&proxy.endpoint());
    let (bucket, mut lists) = (scene.bucket.clone(), 0);
    let key = log.key.clone();
    proxy.play(
        StoreFault::Slow(Duration::ZERO),
        usize::MAX,
        move |request| {
            if request.query.contains("list-type") {
                lists += 1;
                // One list is for the plan, one for removal.
                if lists == 3 {
                    bucket.delete(&enterprise(), &key).expect("deleted");
                }
            }
            false
        },
    );
    let report = scene.ship_with(&through, &scene.disk(), keeping(1));
    assert!(
        report
            .troubles
            .iter()
            .any(|trouble| trouble.what == "is missing"),
        "{:?}",
        report.troubles
    );
    assert_eq!(listing(&scene.scene.folder()), DAYS.map(name_of));
    assert!(scene.check().troubles[0].path.ends_with(&log.key));
    let again = scene.ship(keeping(1));
    assert_eq!(again.troubles, []);
    assert_eq!(again.steps[0].objects, 1);
    assert_eq!(listing(&scene.scene.folder()), Vec::<String>::new());
    assert_eq!(scene.check().troubles, []);
}

#[test]
fn whatever_the_store_answers_the_next_run_finishes_the_work() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let faults = [
        StoreFault::Status(500),
        StoreFault::Status(503),
        StoreFault::Status(403),
        StoreFault::Cut(7),
        StoreFault::WrongByte,
        StoreFault::Refused,
        StoreFault::Lost,
    ];
    for fault in faults {
        for method in ["GET", "PUT"] {
            proxy.reset();
            let scene = ShipScene::over(&proxy.endpoint(), &own_prefix(), &DAYS[..1]);
            // Every second request of the kind fails, more often than it is tried again.
            let mut number = 0;
            proxy.play(fault, 12, move |request| {
                number += usize::from(request.method == method);
                request.method == method && number % 2 == 0
            });
            let before = scene.files_of(&DAYS[..1]);
            let report = scene.ship(keeping(1));
            if report.troubles.is_empty() {
                assert_eq!(scene.shipped(), [name_of(DAYS[0])], "{fault:?} {method}");
            } else {
                assert!(scene.files_of(&DAYS[..1]) == before, "{fault:?} {method}");
            }
            proxy.reset();
            let report = scene.ship(ShipPolicy::default());
            assert_eq!(report.troubles, [], "{fault:?} {method}");
            assert_eq!(scene.check().troubles, [], "{fault:?} {method}");
            assert_eq!(scene.shipped(), [name_of(DAYS[0])], "{fault:?} {method}");
        }
    }
}

#[test]
fn a_full_disk_leaves_no_half_of_a_fetched_day() {
    let scene = ShipScene::new();
    scene.ship(keeping(1));
    let mut full = 0;
    for from in 0.. {
        let disk = scene.scene.disk(Fault::FullFrom(from));
        let report = scene.fetch_with(&disk, DAYS[1]);
        let names = listing(&scene.scene.folder());
        if report.troubles.is_empty() {
            assert_eq!(names, [name_of(DAYS[1])]);
            break;
        }
        full += 1;
        let is_whole = names.is_empty() || names == [name_of(DAYS[1])];
        assert!(is_whole, "{from}: {names:?}");
        let own = listing(&scene.scene.folder().join(".calltrace"));
        assert!(
            !own.iter().any(|name| name.ends_with(".tmp")),
            "{from}: {own:?}"
        );
        if !names.is_empty() {
            fs::remove_file(scene.scene.folder().join(&names[0])).expect("it is there");
        }
    }
    assert!(full > 3, "{full}");
    scene.fetch("2025-11-01..2025-11-30");
    scene.scene.assert_whole("after fetching");
}
