//! A tree of one enterprise, sealed by the real rotation, and a bucket under a prefix of its own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;

use calltrace_archive::{Bucket, Manifest};
use calltrace_engine::Engine;
use calltrace_model::record::LogZone;
use calltrace_store::fsx::{Disk, DiskOps, WallClock};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::Tree;
use calltrace_upkeep::rotate::{Policy, Rotation};
use calltrace_upkeep::ship::{DaySpec, ShipPolicy, ShipReport, Shipping};
use testing::faults::scene::{Scene, enterprise, lines, pool};
use testing::faults::{Fault, Faulty};
use testing::object_stores::{Seaweed, own_prefix};

use crate::stores::bucket;

pub(crate) const DAYS: [&str; 3] = ["2025-11-28", "2025-11-29", "2025-11-30"];

/// A tree and its bucket.
pub(crate) struct ShipScene {
    pub(crate) scene: Scene,
    pub(crate) prefix: String,
    pub(crate) bucket: Bucket,
}

pub(crate) fn name_of(day: &str) -> String {
    format!("events.log.{day}.gz")
}

impl ShipScene {
    /// Three sealed days with indexes and tables, and a store that nothing stands in front of.
    pub(crate) fn new() -> ShipScene {
        ShipScene::over(&Seaweed::shared().endpoint(), &own_prefix(), &DAYS)
    }

    /// These sealed days, and the store at `endpoint`.
    pub(crate) fn over(endpoint: &str, prefix: &str, days: &[&str]) -> ShipScene {
        let mut scene = Scene::new(Policy::default());
        for (number, day) in days.iter().enumerate() {
            scene = scene.with(
                &format!("events.log.{day}"),
                &lines(day, number * 1000, 200),
            );
        }
        let scene = ShipScene {
            scene,
            prefix: prefix.to_owned(),
            bucket: bucket(endpoint, prefix),
        };
        scene.rotate();
        scene
    }

    /// The same tree, and another way to its bucket.
    pub(crate) fn through(&self, endpoint: &str) -> Bucket {
        bucket(endpoint, &self.prefix)
    }

    /// The nightly rotation.
    pub(crate) fn rotate(&self) {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| {
            Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine")
        });
        let (tree, clock) = (self.tree(), self.clock());
        // It does not wait, as the real disk would for each file.
        let ops = self.disk();
        let rotation = self.rotation(&tree, &ops, &clock).with_tables(engine);
        let report = rotation.enterprise(&enterprise(), &|_| {});
        assert_eq!(report.troubles, []);
    }

    fn tree(&self) -> Tree {
        Tree::open(&self.scene.root()).expect("a tree")
    }

    fn clock(&self) -> WallClock {
        let now = self.scene.now;
        WallClock::new(move || now)
    }

    fn rotation<'r>(
        &self,
        tree: &'r Tree,
        ops: &'r dyn DiskOps,
        clock: &'r WallClock,
    ) -> Rotation<'r> {
        let policy = self.scene.policy.clone();
        Rotation::new(tree, LogZone::default(), policy, ops, pool(), clock)
    }

    /// Runs `work` with these disk operations, which don't wait.
    fn shipping<T>(
        &self,
        bucket: &Bucket,
        ops: &dyn DiskOps,
        policy: ShipPolicy,
        work: impl FnOnce(&Shipping<'_>) -> T,
    ) -> T {
        let (tree, clock) = (self.tree(), self.clock());
        let rotation = self.rotation(&tree, ops, &clock);
        work(&Shipping::new(rotation, bucket, policy))
    }

    /// Ships, then removes what the policy says.
    pub(crate) fn ship_with(
        &self,
        bucket: &Bucket,
        ops: &dyn DiskOps,
        policy: ShipPolicy,
    ) -> ShipReport {
        self.shipping(bucket, ops, policy, |shipping| {
            let mut shipped = shipping.enterprise(&enterprise(), &|_| {});
            shipping.remove(&mut shipped, &|_| {});
            shipped.report
        })
    }

    pub(crate) fn ship(&self, policy: ShipPolicy) -> ShipReport {
        self.ship_with(&self.bucket, &self.disk(), policy)
    }

    pub(crate) fn fetch_with(&self, ops: &dyn DiskOps, days: &str) -> ShipReport {
        let days = [DaySpec::parse(days).expect("it is right")];
        let policy = ShipPolicy::default();
        self.shipping(&self.bucket, ops, policy, |shipping| {
            shipping.fetch(&enterprise(), &days, &|_| {})
        })
    }

    pub(crate) fn fetch(&self, days: &str) -> ShipReport {
        self.fetch_with(&self.disk(), days)
    }

    pub(crate) fn check(&self) -> ShipReport {
        self.shipping(&self.bucket, &Disk, ShipPolicy::default(), |shipping| {
            shipping.check(&enterprise(), true, &|_| {})
        })
    }

    pub(crate) fn disk(&self) -> Faulty {
        self.scene.disk(Fault::None)
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let found = self.bucket.manifest(&enterprise()).expect("it can be read");
        found.map_or_else(|| Manifest::new("0367"), |(manifest, _)| manifest)
    }

    /// The days of the manifest, by name.
    pub(crate) fn shipped(&self) -> Vec<String> {
        self.manifest()
            .days
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }

    /// Name, content and time of change of each log, index and table.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>, i64)> {
        self.files_of(&DAYS)
    }

    /// The same of these days.
    pub(crate) fn files_of(&self, days: &[&str]) -> Vec<(String, Vec<u8>, i64)> {
        let folder = self.scene.folder();
        let mut files = Vec::new();
        for name in days.iter().map(|day| name_of(day)) {
            let log = folder.join(&name);
            files.push(file(&log, &name));
            for ending in ["idx", "calls.parquet"] {
                let name = format!("{name}.{ending}");
                let (name, content, _) = file(&folder.join(".calltrace").join(&name), &name);
                // Nothing depends on when it was made.
                files.push((name, content, 0));
            }
        }
        files
    }
}

fn file(path: &Path, name: &str) -> (String, Vec<u8>, i64) {
    let content = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let metadata = fs::metadata(path).expect("it is there");
    let modified = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
    (name.to_owned(), content, modified)
}

/// Removes local days that are older than `days`.
pub(crate) fn keeping(days: u32) -> ShipPolicy {
    ShipPolicy {
        keep_local_days: Some(days),
        ..ShipPolicy::default()
    }
}

/// Removes objects of no use, however new they are.
pub(crate) fn tidying() -> ShipPolicy {
    ShipPolicy {
        tidy: Some(chrono::TimeDelta::hours(-1)),
        ..ShipPolicy::default()
    }
}
