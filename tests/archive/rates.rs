//! How fast a bucket is written and read. In `tests/run` only that it works; `benches/archive.sh` measures.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use calltrace_archive::{Archive, ArchiveConfig, Bucket, ObjectKind};
use calltrace_store::tree::ShippedTree;
use testing::object_stores::{Seaweed, own_prefix};

use crate::stores::{config, enterprise, manifest, noise, object};

const MIB: u64 = 1 << 20;

/// Readers at one time.
const READERS: u64 = 32;

#[test]
fn rates_of_a_bucket() {
    let megabytes = std::env::var("CALLTRACE_ARCHIVE_MB").ok();
    let megabytes: u64 = megabytes.map_or(2, |text| text.parse().expect("it is a number"));
    let config = config(&Seaweed::shared().endpoint(), &own_prefix());
    let bucket = Bucket::open(&config).expect("the settings are right");
    let content = noise(usize::try_from(megabytes * MIB).expect("it fits"), 11);
    let log = object(ObjectKind::Log, &content);
    let per_second = |begin: Instant| {
        let rate = megabytes as f64 / begin.elapsed().as_secs_f64();
        format!("{rate:.0} MiB/s")
    };
    let begin = Instant::now();
    bucket
        .put_new(&enterprise(), &log, &mut &content[..])
        .expect("it is new");
    println!("one object of {megabytes} MiB sent: {}", per_second(begin));
    let begin = Instant::now();
    bucket
        .read_whole(&enterprise(), &log, &mut std::io::sink())
        .expect("it is there");
    println!("and read back: {}", per_second(begin));
    let begin = Instant::now();
    let pieces: Vec<&[u8]> = content
        .chunks(usize::try_from(12 * MIB).expect("it fits"))
        .collect();
    std::thread::scope(|scope| {
        for quarter in pieces.chunks(pieces.len().div_ceil(4)) {
            let bucket = bucket.clone();
            scope.spawn(move || {
                for piece in quarter {
                    let index = object(ObjectKind::Index, piece);
                    bucket
                        .put_new(&enterprise(), &index, &mut &piece[..])
                        .expect("it is new");
                }
            });
        }
    });
    println!("objects of 12 MiB, four at a time: {}", per_second(begin));
    let table = object(ObjectKind::Table, &content);
    bucket
        .put_new(&enterprise(), &table, &mut &content[..])
        .expect("it is new");
    let mut manifest = manifest(&log, 1);
    manifest.days[0].table = Some(table);
    bucket
        .put_manifest(&manifest, None)
        .expect("it is the first");
    range_reads(&config, &content);
    scan(&config, &content);
}

/// Readers that jump about: each read is of one page that is in no cache.
fn range_reads(config: &ArchiveConfig, content: &[u8]) {
    let archive = Archive::open(config).expect("the settings are right");
    let days = archive.days(&enterprise()).expect("it has a manifest");
    let table = days.files[0].table.as_ref().expect("it was shipped");
    let chunks = table.bytes() / (64 << 10);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            scope.spawn(move || {
                let mut page = [0; 4096];
                // Every second chunk from both ends to the middle, so that no read continues another.
                for chunk in (reader * 2..chunks).step_by(2 * READERS as usize) {
                    let at = (chunk.wrapping_mul(0x9e37) % chunks) * (64 << 10) + 8192;
                    let read = table.read_at(&mut page, at).expect("it is there");
                    let at = usize::try_from(at).expect("it fits");
                    assert!(page[..read] == content[at..at + read]);
                }
            });
        }
    });
    let reads = (chunks / 2) as f64;
    let rate = reads / begin.elapsed().as_secs_f64();
    println!("{READERS} readers, pages here and there: {rate:.0} reads/s ({reads} reads)");
}

/// One reader from front to back.
fn scan(config: &ArchiveConfig, content: &[u8]) {
    let archive = Archive::open(config).expect("the settings are right");
    let days = archive.days(&enterprise()).expect("it has a manifest");
    let log = &days.files[0].log;
    let mut into = vec![0; 256 << 10];
    let begin = Instant::now();
    let mut at = 0;
    while at < content.len() {
        let read = log.read_at(&mut into, at as u64).expect("it is there");
        assert!(into[..read] == content[at..at + read]);
        at += read;
    }
    let seconds = begin.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    let rate = content.len() as f64 / MIB as f64 / seconds;
    println!("one reader from front to back: {rate:.0} MiB/s");
}
