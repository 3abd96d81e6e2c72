//! A run dies at any disk operation, and a process at any request: nothing is lost, nothing is doubled.
//!
//! The long run kills `ship` at random moments, and a volume server of the store under it:
//! `CALLTRACE_SHIP_KILLS=200 cargo test --test archive ship_deaths -- --nocapture`

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calltrace_upkeep::ship::ShipPolicy;
use testing::fault_proxy::{Fault as StoreFault, FaultProxy};
use testing::faults::Fault;
use testing::faults::scene::{lines, listing};
use testing::object_stores::{Seaweed, archive_settings, own_prefix};

use crate::ship_scene::{DAYS, ShipScene, keeping, name_of};

/// Every day is whole here or in the bucket, and the bucket has each once.
fn nothing_is_lost(scene: &ShipScene, days: &[&str], when: &str) {
    let manifest = scene.manifest();
    let mut shipped: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &manifest.days {
        *shipped.entry(&entry.name).or_default() += 1;
    }
    assert!(
        shipped.values().all(|times| *times == 1),
        "{when}: {shipped:?}"
    );
    let local = listing(&scene.scene.folder());
    for day in days {
        let name = name_of(day);
        let is_leaving = local.contains(&format!(".calltrace-{name}.gone"));
        let is_there = local.contains(&name) || is_leaving || shipped.contains_key(name.as_str());
        assert!(is_there, "{when}: {day} is lost; {local:?}");
    }
    assert_eq!(scene.check().troubles, [], "{when}");
}

#[test]
fn a_run_that_dies_at_any_disk_operation_loses_nothing() {
    let mut deaths = 0;
    for at in 0.. {
        let scene = ShipScene::over(&Seaweed::shared().endpoint(), &own_prefix(), &DAYS[..2]);
        let disk = scene.scene.disk(Fault::DieAt(at));
        scene.ship_with(&scene.bucket, &disk, keeping(1));
        let has_died = disk.has_died();
        let when = format!("dead at {at}");
        nothing_is_lost(&scene, &DAYS[..2], &when);
        let report = scene.ship(keeping(1));
        assert_eq!(report.troubles, [], "{when}");
        nothing_is_lost(&scene, &DAYS[..2], &when);
        assert_eq!(
            listing(&scene.scene.folder()),
            Vec::<String>::new(),
            "{when}"
        );
        // The same for fetching, at the same operation.
        let disk = scene.scene.disk(Fault::DieAt(at));
        scene.fetch_with(&disk, "2025-11-01..2025-11-30");
        let has_died = has_died || disk.has_died();
        let report = scene.fetch("2025-11-01..2025-11-30");
        assert_eq!(report.troubles, [], "{when}");
        scene.scene.assert_whole(&when);
        if !has_died {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 20, "{deaths}");
}

/// The program, with the settings of a scene.
fn ship_command(scene: &ShipScene, endpoint: &str) -> Command {
    let root = scene.scene.root();
    let folder = root.parent().expect("a folder of its own");
    let settings = folder.join("config.toml");
    fs::write(&settings, archive_settings(endpoint, &scene.prefix, folder)).expect("written");
    let mut command = testing::command(&root);
    command.arg("--config").arg(settings).arg("ship");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Kills a child that was not waited for yet.
fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
}

#[test]
fn a_process_that_is_killed_at_any_request_loses_and_doubles_nothing() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let mut kills = 0;
    for at in 1.. {
        proxy.reset();
        let scene = ShipScene::over(&Seaweed::shared().endpoint(), &own_prefix(), &DAYS[..2]);
        let (pid, requests) = (Arc::new(AtomicU32::new(0)), AtomicUsize::new(0));
        let killed = Arc::new(Mutex::new(false));
        let (its, was) = (Arc::clone(&pid), Arc::clone(&killed));
        // Either the request never came, or its answer never did.
        let fault = [StoreFault::Refused, StoreFault::Lost][at % 2];
        proxy.play(fault, usize::MAX, move |_| {
            if requests.fetch_add(1, Ordering::SeqCst) + 1 < at {
                return false;
            }
            let mut was = was.lock().expect("no panic");
            if !*was {
                while its.load(Ordering::SeqCst) == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                kill(its.load(Ordering::SeqCst));
                *was = true;
            }
            true
        });
        let mut child = ship_command(&scene, &proxy.endpoint())
            .spawn()
            .expect("it starts");
        pid.store(child.id(), Ordering::SeqCst);
        child.wait().expect("it ends");
        let was_killed = *killed.lock().expect("no panic");
        nothing_is_lost(&scene, &DAYS[..2], &format!("killed at request {at}"));
        let report = scene.ship(ShipPolicy::default());
        assert_eq!(report.troubles, [], "killed at request {at}");
        assert_eq!(scene.shipped(), [name_of(DAYS[0]), name_of(DAYS[1])]);
        nothing_is_lost(&scene, &DAYS[..2], &format!("after request {at}"));
        assert_eq!(
            scene.ship(ShipPolicy::default()).steps,
            [],
            "a second run sends nothing"
        );
        if !was_killed {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 12, "{kills}");
}

/// `ship` at random moments, and a volume server under it. Days grow in between, so that there is always work.
#[test]
fn kills_at_random_moments_lose_and_double_nothing() {
    let kills = std::env::var("CALLTRACE_SHIP_KILLS").ok();
    let kills: usize = kills.map_or(2, |kills| kills.parse().expect("a number"));
    let cluster = Seaweed::start();
    let scene = ShipScene::over(&cluster.endpoint(), "kills", &DAYS);
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut count = 0;
    // Some runs end before they are killed.
    for round in 0.. {
        let day = DAYS[round % DAYS.len()];
        let plain = scene.scene.folder().join(format!("events.log.{day}"));
        fs::write(plain, lines(day, 10_000 + round * 10, 5)).expect("written");
        scene.rotate();
        let volume = next(3) as usize;
        let kills_volume = next(2) == 0;
        if kills_volume {
            cluster.kill_volume(volume);
        }
        let mut child = ship_command(&scene, &cluster.endpoint())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(next(150)));
        if child.try_wait().expect("it is a child").is_none() {
            count += 1;
            child.kill().expect("it is there");
            child.wait().expect("it ends");
        }
        if kills_volume {
            cluster.start_volume(volume);
        }
        let is_last = count >= kills;
        if round % 10 == 9 || is_last {
            let _ = writeln!(
                std::io::stdout(),
                "{} rounds, {count} killed at work",
                round + 1
            );
            let report = settled(|| scene.ship(ShipPolicy::default()));
            assert_eq!(report, [], "round {round}");
            nothing_is_lost(&scene, &DAYS, &format!("round {round}"));
            assert_eq!(scene.shipped(), DAYS.map(name_of), "round {round}");
            let again = scene.ship(ShipPolicy::default());
            assert_eq!(again.steps, [], "a second run sends nothing");
        }
        if is_last {
            break;
        }
    }
}

/// The troubles of a run, once the cluster has noticed that its server is back.
fn settled(
    ship: impl Fn() -> calltrace_upkeep::ship::ShipReport,
) -> Vec<calltrace_store::error::Trouble> {
    let mut troubles = Vec::new();
    for _ in 0..20 {
        troubles = ship().troubles;
        if troubles.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    troubles
}
