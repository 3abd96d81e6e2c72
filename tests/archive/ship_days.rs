//! Days go to the bucket and come back, once and whole.

use std::fs;

use calltrace_archive::ObjectRef;
use calltrace_store::fsx::{Disk, Folder};
use calltrace_store::index::{self, IndexState};
use calltrace_store::tree::{FileName, LogFile};
use calltrace_upkeep::ship::{ShipPolicy, ShipReport, ShipStepKind};
use testing::fault_proxy::{Fault, FaultProxy};
use testing::faults::scene::{enterprise, lines, listing};
use testing::object_stores::{Moto, Seaweed, own_prefix};

use crate::ship_scene::{DAYS, ShipScene, keeping, name_of, tidying};

fn kinds(report: &ShipReport) -> Vec<ShipStepKind> {
    report.steps.iter().map(|step| step.kind).collect()
}

fn whole(scene: &ShipScene) {
    let checked = scene.check();
    assert_eq!(checked.troubles, []);
}

#[test]
fn a_second_ship_sends_no_object() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let scene = ShipScene::over(&proxy.endpoint(), &own_prefix(), &DAYS);
    let report = scene.ship(ShipPolicy::default());
    assert_eq!(report.troubles, []);
    assert_eq!(kinds(&report), [ShipStepKind::Ship; 3]);
    assert_eq!(
        report.steps.iter().map(|step| step.objects).sum::<usize>(),
        9
    );
    assert_eq!(scene.shipped(), DAYS.map(name_of));
    assert!(scene.manifest().catalog.is_some());
    whole(&scene);
    // Also without what it remembers of local files.
    for _ in 0..2 {
        proxy.reset();
        let again = scene.ship(ShipPolicy::default());
        assert_eq!((again.steps, again.troubles), (Vec::new(), Vec::new()));
        let sent = proxy
            .seen()
            .into_iter()
            .filter(|request| request.method != "GET");
        assert_eq!(sent.count(), 0);
        fs::remove_file(scene.scene.folder().join(".calltrace/shipped.toml")).expect("it was made");
    }
}

#[test]
fn local_days_go_after_another_read_and_come_back_byte_for_byte() {
    for endpoint in [Seaweed::shared().endpoint(), Moto::start().endpoint()] {
        let scene = ShipScene::over(&endpoint, &own_prefix(), &DAYS);
        let before = scene.files();
        let report = scene.ship(keeping(3));
        assert_eq!(report.troubles, []);
        // Today is the 3rd: 30 November is the first of three full days.
        assert_eq!(listing(&scene.scene.folder()), [name_of("2025-11-30")]);
        let own = listing(&scene.scene.folder().join(".calltrace"));
        assert!(
            own.iter().all(|name| !name.contains("2025-11-29")),
            "{own:?}"
        );
        whole(&scene);
        let fetched = scene.fetch("2025-11-01..2025-11-30");
        assert_eq!(fetched.troubles, []);
        assert_eq!(kinds(&fetched), [ShipStepKind::Fetch; 2]);
        assert_eq!(fetched.waiting.len(), 1, "one is here already");
        assert!(scene.files() == before);
        scene.scene.assert_whole("after fetching");
        let folder = Folder::open(&scene.scene.folder()).expect("it is there");
        for name in DAYS.map(name_of) {
            let name = FileName::parse(&name).expect("a log");
            let log = LogFile::open(&folder, name).expect("it is there");
            assert!(matches!(index::state(&log), IndexState::Fresh { .. }));
        }
        let again = scene.ship(ShipPolicy::default());
        assert_eq!((again.steps, again.troubles), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_local_day_with_other_content_is_never_overwritten() {
    let scene = ShipScene::new();
    scene.ship(ShipPolicy::default());
    let path = scene.scene.folder().join(name_of(DAYS[0]));
    let other = fs::read(scene.scene.folder().join(name_of(DAYS[1]))).expect("it is there");
    fs::write(&path, &other).expect("written");
    let fetched = scene.fetch(DAYS[0]);
    assert_eq!(fetched.steps, []);
    assert!(
        fetched.troubles[0].what.contains("other content"),
        "{:?}",
        fetched.troubles
    );
    assert!(fs::read(&path).expect("it is there") == other);
    // It is not the day that was shipped, so it is not removed as such.
    let report = scene.ship(keeping(1));
    assert_eq!(report.troubles, []);
    assert_eq!(
        scene.shipped().len(),
        4,
        "both days of one name are shipped"
    );
    assert_eq!(listing(&scene.scene.folder()), Vec::<String>::new());
    whole(&scene);
}

#[test]
fn a_day_that_grew_replaces_the_one_before_and_tidying_removes_that() {
    let scene = ShipScene::new();
    scene.ship(ShipPolicy::default());
    let before = scene.manifest();
    // A writer comes late, or lines were recovered.
    let plain = scene.scene.folder().join("events.log.2025-11-29");
    fs::write(plain, lines("2025-11-29", 9000, 10)).expect("written");
    let waiting = scene.ship(ShipPolicy::default());
    assert_eq!(waiting.waiting.len(), 1, "{waiting:?}");
    scene.rotate();
    let report = scene.ship(tidying());
    assert_eq!(report.troubles, []);
    let after = scene.manifest();
    assert_eq!(scene.shipped(), DAYS.map(name_of));
    assert_ne!(before.days[1].log, after.days[1].log);
    assert_eq!(before.days[0].log, after.days[0].log);
    // The old log, index and catalog, and tables that were made again.
    let tidied = report.steps.last().expect("a step");
    assert_eq!(tidied.kind, ShipStepKind::Tidy);
    assert!(tidied.objects >= 4, "{tidied:?}");
    let checked = scene.check();
    assert_eq!(checked.troubles, []);
    assert_eq!(checked.checked.expect("it was checked").orphans, 0);
    let gone = |object: &ObjectRef| {
        scene
            .bucket
            .read_whole(&enterprise(), object, &mut Vec::new())
            .is_err()
    };
    assert!(gone(&before.days[1].log));
    assert!(!gone(&after.days[1].log));
}

#[test]
fn the_catalog_of_a_manifest_goes_on_without_the_local_days() {
    let scene = ShipScene::new();
    let own = scene.scene.folder().join(".calltrace");
    let of_all = fs::read(own.join("catalog")).expect("the rotation made it");
    // The third day is sealed after the others have gone.
    let (last, aside) = (name_of(DAYS[2]), tempfile::tempdir().expect("a folder"));
    let mut moved = vec![(scene.scene.folder().join(&last), aside.path().join("log"))];
    for ending in ["idx", "calls.parquet"] {
        moved.push((
            own.join(format!("{last}.{ending}")),
            aside.path().join(ending),
        ));
    }
    let take = |from: &std::path::Path, to: &std::path::Path| {
        fs::copy(from, to).expect("copied");
        let modified = fs::metadata(from).and_then(|metadata| metadata.modified());
        let file = fs::File::options()
            .write(true)
            .open(to)
            .expect("it was copied");
        file.set_modified(modified.expect("it has one"))
            .expect("set");
        fs::remove_file(from).expect("removed");
    };
    moved.iter().for_each(|(here, there)| take(here, there));
    assert_eq!(scene.ship(keeping(1)).troubles, []);
    assert_eq!(listing(&scene.scene.folder()), Vec::<String>::new());
    moved.iter().for_each(|(here, there)| take(there, here));
    assert_eq!(scene.ship(ShipPolicy::default()).troubles, []);
    let catalog = scene.manifest().catalog.expect("it has one");
    let mut shipped = Vec::new();
    let read = scene
        .bucket
        .read_whole(&enterprise(), &catalog, &mut shipped);
    read.expect("it is there");
    assert!(shipped == of_all);
}

#[test]
fn tidying_removes_nothing_that_a_manifest_names_and_nothing_of_others() {
    let scene = ShipScene::new();
    scene.ship(ShipPolicy::default());
    let foreign = ObjectRef {
        key: "notes/of-an-admin.txt".to_owned(),
        bytes: 3,
        crc32: crc32fast::hash(b"abc"),
    };
    let mut orphan = scene.manifest().days[0].log.clone();
    orphan.key = "events.log.2025-11-28.gz/352441c2.gz".to_owned();
    (orphan.bytes, orphan.crc32) = (3, foreign.crc32);
    for object in [&foreign, &orphan] {
        scene
            .bucket
            .put_new(&enterprise(), object, &mut &b"abc"[..])
            .expect("sent");
    }
    assert_eq!(scene.check().checked.expect("it was checked").orphans, 2);
    // Two days must pass.
    let young = ShipPolicy {
        tidy: Some(calltrace_upkeep::ship::ORPHAN_AGE),
        ..ShipPolicy::default()
    };
    assert_eq!(scene.ship(young).steps, []);
    let report = scene.ship(tidying());
    assert_eq!(kinds(&report), [ShipStepKind::Tidy]);
    assert_eq!(report.steps[0].objects, 1);
    assert_eq!(
        scene.check().checked.expect("it was checked").orphans,
        1,
        "the foreign one stays"
    );
    whole(&scene);
}

#[test]
fn what_the_bucket_no_longer_keeps_leaves_the_manifest_first_and_then_the_bucket() {
    let scene = ShipScene::new();
    scene.ship(ShipPolicy::default());
    let keep = ShipPolicy {
        keep_days: Some(4),
        ..ShipPolicy::default()
    };
    let report = scene.ship(keep);
    assert_eq!(report.troubles, []);
    assert_eq!(kinds(&report), [ShipStepKind::Expire, ShipStepKind::Tidy]);
    assert_eq!(
        scene.shipped(),
        DAYS[1..].iter().map(|day| name_of(day)).collect::<Vec<_>>()
    );
    let listed = scene.bucket.list(&enterprise()).expect("listed");
    assert!(
        !listed
            .iter()
            .any(|object| object.key.contains("2025-11-28")),
        "{listed:?}"
    );
    // It is still here, and is not shipped again.
    assert_eq!(listing(&scene.scene.folder()).len(), 3);
    assert_eq!(scene.ship(keep).steps, []);
    // A rotation that keeps what is not shipped may remove it.
    let memory = scene.scene.folder().join(".calltrace/shipped.toml");
    let memory = fs::read_to_string(memory).expect("it was made");
    assert_eq!(memory.matches(" shipped").count(), 3, "{memory}");
    whole(&scene);
}

#[test]
fn two_trees_can_ship_to_one_enterprise_at_the_same_time() {
    let endpoint = Seaweed::shared().endpoint();
    let prefix = own_prefix();
    let days = ["2025-11-20", "2025-11-21", "2025-11-22", "2025-11-23"];
    let scenes = days.map(|day| ShipScene::over(&endpoint, &prefix, &[day, "2025-11-30"]));
    std::thread::scope(|scope| {
        for scene in &scenes {
            scope.spawn(|| assert_eq!(scene.ship(ShipPolicy::default()).troubles, []));
        }
    });
    // All have the same lines of 30 November.
    let all = [
        "2025-11-20",
        "2025-11-21",
        "2025-11-22",
        "2025-11-23",
        "2025-11-30",
    ];
    assert_eq!(scenes[0].shipped(), all.map(name_of));
    for scene in &scenes {
        whole(scene);
    }
}

#[test]
fn a_store_without_conditions_takes_days_of_one_writer() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    proxy.play(Fault::NoConditions, usize::MAX, |_| true);
    let scene = ShipScene::over(&proxy.endpoint(), &own_prefix(), &DAYS);
    assert_eq!(
        scene
            .ship_with(&scene.bucket, &Disk, ShipPolicy::default())
            .troubles,
        []
    );
    assert!(scene.bucket.says_it_is_unconditional().is_some());
    assert_eq!(scene.shipped(), DAYS.map(name_of));
    assert_eq!(scene.ship(ShipPolicy::default()).steps, []);
    whole(&scene);
}
