//! Reading objects by ranges, with what goes wrong between here and the store.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calltrace_archive::{Archive, ArchiveConfig, Bucket, Manifest, ObjectKind};
use calltrace_store::object::StoredObject;
use calltrace_store::tree::ShippedTree;
use testing::fault_proxy::{Fault, FaultProxy};
use testing::object_stores::{Seaweed, own_prefix};

use crate::stores::{bucket, config, enterprise, manifest, noise, object};

/// An archive behind a proxy, with one day.
struct Shipped {
    proxy: FaultProxy,
    config: ArchiveConfig,
    content: Vec<u8>,
    writer: Bucket,
}

impl Shipped {
    fn new(log_bytes: usize) -> Shipped {
        let prefix = own_prefix();
        let content = noise(log_bytes, 5);
        let log = object(ObjectKind::Log, &content);
        let writer = bucket(&Seaweed::shared().endpoint(), &prefix);
        writer
            .put_new(&enterprise(), &log, &mut &content[..])
            .expect("it is new");
        writer
            .put_manifest(&manifest(&log, 1), None)
            .expect("it is the first");
        let proxy = FaultProxy::start(Seaweed::shared().port());
        let config = ArchiveConfig {
            request_timeout: Duration::from_secs(1),
            ..config(&proxy.endpoint(), &prefix)
        };
        Shipped {
            proxy,
            config,
            content,
            writer,
        }
    }

    /// A fresh archive, and its log.
    fn open(&self) -> (Archive, Arc<dyn StoredObject>) {
        let archive = Archive::open(&self.config).expect("the settings are right");
        let days = archive.days(&enterprise()).expect("it has a manifest");
        let log = Arc::clone(&days.files[0].log);
        (archive, log)
    }

    fn is_at(&self, log: &dyn StoredObject, at: usize, bytes: usize) {
        let read = read(log, at, bytes).expect("it can be read");
        assert!(read == self.content[at..at + bytes], "{at} {bytes}");
    }

    /// Requests for the log since the last reset.
    fn log_requests(&self) -> usize {
        let seen = self.proxy.seen();
        seen.iter()
            .filter(|request| request.path.ends_with(".gz"))
            .count()
    }
}

fn read(log: &dyn StoredObject, at: usize, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut into = vec![0; bytes];
    let mut done = 0;
    while done < bytes {
        match log.read_at(&mut into[done..], (at + done) as u64)? {
            0 => break,
            more => done += more,
        }
    }
    into.truncate(done);
    Ok(into)
}

#[test]
fn any_range_is_read_and_those_close_together_with_one_request() {
    let shipped = Shipped::new(5_000_000);
    let (archive, log) = shipped.open();
    assert_eq!(log.bytes(), 5_000_000);
    let url = log.url().display().to_string();
    assert!(
        url.starts_with("s3://calls/t") && url.ends_with(".gz"),
        "{url}"
    );
    assert_eq!(shipped.proxy.seen().len(), 1, "the manifest");
    for (at, bytes) in [
        (262_143, 2),
        (200_000, 1),
        (4_999_999, 1),
        (1_000_000, 700_000),
    ] {
        shipped.is_at(&*log, at, bytes);
    }
    assert_eq!(read(&*log, 5_000_000, 9).expect("it is the end").len(), 0);
    assert_eq!(read(&*log, 4_999_990, 99).expect("it is the end").len(), 10);
    // Two chunks, the last one, eleven chunks; all else was here.
    assert_eq!(shipped.log_requests(), 3, "{:?}", shipped.proxy.seen());
    // Ranges that are fetched ahead travel together.
    let (_archive, log) = shipped.open();
    shipped.proxy.reset();
    shipped.proxy.delay(Duration::from_millis(20));
    log.fetch_ahead(&[
        0..10,
        140_000..140_010,
        2_000_000..2_000_010,
        4_900_000..4_900_010,
    ]);
    for at in [4_900_000, 140_000, 0, 2_000_000] {
        shipped.is_at(&*log, at, 10);
    }
    assert_eq!(shipped.log_requests(), 3, "two of them are one");
    assert_eq!(shipped.proxy.longest_chain(), 1);
    assert!(archive.bytes_in_memory() < 5 << 20);
}

#[test]
fn readers_share_what_one_of_them_fetches() {
    let shipped = Shipped::new(1_000_000);
    let (_archive, log) = shipped.open();
    shipped.proxy.reset();
    shipped.proxy.delay(Duration::from_millis(50));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| shipped.is_at(&*log, 300_000, 10_000));
        }
    });
    assert_eq!(shipped.log_requests(), 1);
}

#[test]
fn a_scan_is_fetched_ahead_within_bounded_memory() {
    let shipped = Shipped::new(40 << 20);
    let (archive, log) = shipped.open();
    shipped.proxy.reset();
    shipped.proxy.delay(Duration::from_millis(20));
    for at in (0..40 << 20).step_by(256 << 10) {
        shipped.is_at(&*log, at, 256 << 10);
        assert!(archive.bytes_in_memory() <= 16 << 20);
    }
    let chain = shipped.proxy.longest_chain();
    // 160 chunks one after the other would be 160.
    assert!(shipped.log_requests() <= 48 && chain <= 42, "{chain}");
}

#[test]
fn what_passes_is_tried_again() {
    let shipped = Shipped::new(1_000_000);
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Refused,
        Fault::Lost,
        Fault::Cut(0),
        Fault::Cut(100_000),
        Fault::Slow(Duration::from_millis(1100)),
    ] {
        for asked in ["manifest.json", ".gz"] {
            shipped.proxy.reset();
            shipped
                .proxy
                .play(fault, 1, move |request| request.path.ends_with(asked));
            let (_archive, log) = shipped.open();
            shipped.is_at(&*log, 0, 300_000);
        }
    }
}

#[test]
fn what_stays_is_an_error_that_ends_in_time() {
    let shipped = Shipped::new(1_000_000);
    for (fault, said) in [
        (
            Fault::Status(500),
            "the store answers with status 500 (InternalError)",
        ),
        (
            Fault::Status(503),
            "the store answers with status 503 (SlowDown)",
        ),
        (Fault::Refused, "the store can't be reached: "),
        (Fault::Cut(1000), "the store can't be reached: "),
        (
            Fault::Slow(Duration::from_secs(9)),
            "the store did not answer within ",
        ),
    ] {
        shipped.proxy.reset();
        let (archive, log) = shipped.open();
        shipped
            .proxy
            .play(fault, usize::MAX, |request| request.path.ends_with(".gz"));
        let begin = Instant::now();
        let error = read(&*log, 0, 10)
            .expect_err("it does not pass")
            .to_string();
        assert!(error.starts_with(said), "{fault:?}: {error}");
        assert!(begin.elapsed() < Duration::from_secs(3), "{fault:?}");
        assert!(archive.days(&enterprise()).is_ok(), "the manifest is there");
        shipped.proxy.reset();
        if !matches!(fault, Fault::Status(_)) {
            // The store is left alone for a while.
            let begin = Instant::now();
            assert!(read(&*log, 0, 10).is_err());
            assert!(begin.elapsed() < Duration::from_millis(100), "{fault:?}");
        }
    }
}

#[test]
fn an_object_that_is_missing_or_of_another_length_is_named() {
    let shipped = Shipped::new(1000);
    let replace = |change: &dyn Fn(&mut Manifest)| {
        let (mut found, tag) = shipped
            .writer
            .manifest(&enterprise())
            .expect("it is there")
            .expect("one");
        change(&mut found);
        found.revision += 1;
        shipped
            .writer
            .put_manifest(&found, Some(&tag))
            .expect("nothing came between");
        shipped.open()
    };
    for (bytes, said) in [
        (999, "it has 1000 bytes in the store instead of 999"),
        (2000, "it has 1000 bytes in the store instead of 2000"),
    ] {
        let (_archive, log) = replace(&|manifest| manifest.days[0].log.bytes = bytes);
        for at in [0, 998, 1500] {
            if at < bytes {
                let error =
                    read(&*log, usize::try_from(at).expect("small"), 1).expect_err("it is another");
                assert_eq!(error.to_string(), said, "{at}");
            }
        }
    }
    let gone = object(ObjectKind::Log, &noise(1000, 99));
    let (_archive, log) = replace(&|manifest| manifest.days[0].log = gone.clone());
    let error = read(&*log, 0, 1).expect_err("it is missing");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(error.to_string(), "the store does not have it");
    assert!(log.url().ends_with(&gone.key));
}

#[test]
fn a_cache_on_disk_spares_requests_and_is_checked() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut shipped = Shipped::new(3_000_000);
    shipped.config.cache = Some(folder.path().join("cache"));
    let read_all = |expected: usize, why: &str| {
        shipped.proxy.reset();
        let (archive, log) = shipped.open();
        assert_eq!(archive.cache_problem(), None);
        for at in [2_900_000, 0, 1_500_000] {
            shipped.is_at(&*log, at, 1000);
        }
        drop((archive, log));
        assert_eq!(shipped.log_requests(), expected, "{why}");
    };
    read_all(3, "nothing is kept yet");
    let entries = || {
        let entries = fs::read_dir(folder.path().join("cache/objects-1")).expect("it was made");
        let paths = entries.map(|entry| entry.expect("it can be listed").path());
        let mut paths: Vec<_> = paths.collect();
        paths.sort();
        paths
    };
    testing::wait_until("all entries", || entries().len() == 5);
    forget_when_asked(&folder.path().join("cache"));
    read_all(0, "all is kept");
    let statuses: Vec<u16> = shipped
        .proxy
        .seen()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [304], "the manifest is still right");
    for path in entries() {
        let whole = fs::read(&path).expect("it is there");
        fs::write(&path, &whole[..whole.len() - 1]).expect("its own file");
    }
    read_all(3, "all is torn");
    testing::wait_until("all entries", || entries().len() == 5);
    // An entry of another object under this name.
    let logs: Vec<_> = entries()
        .into_iter()
        .filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            !name.starts_with("manifest.") && !name.starts_with("asked.")
        })
        .collect();
    fs::copy(&logs[0], &logs[1]).expect("its own files");
    read_all(1, "one is forged");
    // Damage that passed the checks of the cache is dropped by the reader that notices it.
    let (_archive, log) = shipped.open();
    shipped.is_at(&*log, 0, 10);
    shipped.proxy.reset();
    log.forget(0..10);
    shipped.is_at(&*log, 0, 10);
    assert_eq!(shipped.log_requests(), 1);
}

#[test]
fn without_a_usable_cache_everything_works() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut shipped = Shipped::new(1000);
    let no_folder = folder.path().join("file");
    fs::write(&no_folder, "").expect("its own file");
    shipped.config.cache = Some(no_folder);
    let (archive, log) = shipped.open();
    shipped.is_at(&*log, 0, 1000);
    let problem = archive.cache_problem().expect("it is a file");
    assert!(
        problem.contains("can't use the folder as a cache"),
        "{problem}"
    );
}

#[test]
fn a_manifest_is_asked_for_at_most_every_five_seconds() {
    let shipped = Shipped::new(1000);
    let (archive, _log) = shipped.open();
    let asked = || shipped.proxy.seen().len();
    assert_eq!(
        archive.enterprises().expect("it can be listed"),
        [enterprise()]
    );
    assert_eq!(asked(), 2, "the manifest and the list");
    for _ in 0..10 {
        archive.days(&enterprise()).expect("it is known");
        archive.enterprises().expect("they are known");
    }
    assert_eq!(asked(), 2);
    let (mut next, tag) = shipped
        .writer
        .manifest(&enterprise())
        .expect("it is there")
        .expect("one");
    next.revision = 2;
    next.days.clear();
    shipped
        .writer
        .put_manifest(&next, Some(&tag))
        .expect("nothing came between");
    let begin = Instant::now();
    while archive.days(&enterprise()).expect("it is there").revision == 1 {
        assert!(begin.elapsed() < Duration::from_secs(7));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(asked(), 3);
}

/// Lets the manifest and the list in a cache on disk be old.
fn forget_when_asked(cache: &Path) {
    for entry in fs::read_dir(cache.join("objects-1")).expect("it is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.starts_with("asked.") || name.starts_with("enterprises.") {
            fs::remove_file(&path).expect("it was there");
        }
    }
}

#[test]
fn a_program_that_follows_within_five_seconds_asks_for_neither_manifest_nor_list() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut shipped = Shipped::new(1000);
    shipped.config.cache = Some(folder.path().to_owned());
    let ask = || {
        shipped.proxy.reset();
        let archive = Archive::open(&shipped.config).expect("the settings are right");
        let names = archive.enterprises().expect("they can be listed");
        assert_eq!(names, [enterprise()]);
        assert_eq!(
            archive.days(&enterprise()).expect("it is known").revision,
            1
        );
        shipped.proxy.seen().len()
    };
    assert_eq!(ask(), 2, "the manifest and the list");
    assert_eq!(ask(), 0);
    forget_when_asked(folder.path());
    assert_eq!(ask(), 2);
    assert_eq!(ask(), 0);
}

#[test]
fn while_the_store_is_down_the_last_manifest_is_used() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut shipped = Shipped::new(1_000_000);
    let unknown = shipped.config.clone();
    shipped.config.cache = Some(folder.path().to_owned());
    let (_archive, log) = shipped.open();
    shipped.is_at(&*log, 0, 10);
    testing::wait_until("a chunk, the manifest, and when it was asked for", || {
        fs::read_dir(folder.path().join("objects-1")).is_ok_and(|entries| entries.count() == 3)
    });
    forget_when_asked(folder.path());
    let Shipped {
        proxy,
        config,
        content,
        ..
    } = shipped;
    drop(proxy);
    let archive = Archive::open(&config).expect("the settings are right");
    let days = archive.days(&enterprise()).expect("it is on disk");
    let stale = days.stale.as_deref().expect("it may be old");
    assert!(
        stale.starts_with("can't be read: the store can't be reached: "),
        "{stale}"
    );
    assert_eq!((days.revision, days.files.len()), (1, 1));
    let log = &days.files[0].log;
    assert!(read(&**log, 0, 10).expect("it is on disk") == content[..10]);
    let begin = Instant::now();
    for at in [300_000, 600_000, 900_000] {
        read(&**log, at, 10).expect_err("it is not on disk");
    }
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert!(archive.enterprises().is_err());
    // Where nothing is known, the error says why.
    let archive = Archive::open(&unknown).expect("the settings are right");
    let error = archive
        .days(&enterprise())
        .expect_err("there is nothing")
        .to_string();
    assert!(error.starts_with("the store can't be reached: "), "{error}");
}

#[test]
fn manifests_of_many_enterprises_are_fetched_together() {
    let shipped = Shipped::new(1000);
    let names: Vec<_> = (0..40).map(|number| format!("07{number:02}")).collect();
    let names: Vec<_> = names
        .iter()
        .filter_map(|name| calltrace_store::tree::EnterpriseName::new(name))
        .collect();
    for name in &names {
        let mut manifest = Manifest::new(name.as_str());
        manifest.revision = 1;
        shipped
            .writer
            .put_manifest(&manifest, None)
            .expect("it is the first");
    }
    let archive = Archive::open(&shipped.config).expect("the settings are right");
    shipped.proxy.delay(Duration::from_millis(50));
    archive.fetch_ahead(&names);
    for name in &names {
        assert_eq!(archive.days(name).expect("it has a manifest").revision, 1);
    }
    assert_eq!(shipped.proxy.seen().len(), 40);
    assert!(
        shipped.proxy.longest_chain() <= 3,
        "{}",
        shipped.proxy.longest_chain()
    );
    let unknown_name = calltrace_store::tree::EnterpriseName::new("unknown").expect("a name");
    let none = archive.days(&unknown_name).expect("it has no manifest");
    assert_eq!((none.revision, none.files.len()), (0, 0));
}
