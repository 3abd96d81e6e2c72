//! Tests of the plan.

use super::*;
use calltrace_model::record::Zone;

const NAME: &str = "events.log.2025-11-29.gz";

fn part(crc32: u32) -> LocalPart {
    LocalPart { bytes: 100, crc32 }
}

fn content(crc32: u32) -> ContentRef {
    ContentRef { bytes: 1000, crc32 }
}

fn local(name: &str, crc32: u32) -> LocalDay {
    LocalDay {
        name: FileName::parse(name).expect("a log"),
        log: part(crc32),
        modified: 7,
        content: Some(content(crc32)),
        times: Some((1, 2)),
        index: Some(part(crc32 + 1)),
        index_head: None,
        table: Some(part(crc32 + 2)),
        holds: Vec::new(),
    }
}

/// The manifest after these days were shipped, and a bucket with their objects.
fn shipped(days: &[LocalDay]) -> (Manifest, ObjectLengths) {
    let mut manifest = Manifest::new("0367");
    manifest.days = merged(&manifest, &plan(days, &manifest, &ObjectLengths::new()));
    let listed = objects(&manifest);
    (manifest, listed)
}

fn objects(manifest: &Manifest) -> ObjectLengths {
    let parts = |entry| Part::ALL.into_iter().filter_map(move |part| part.of(entry));
    let objects = manifest.days.iter().flat_map(parts);
    objects
        .map(|object| (object.key.clone(), object.bytes))
        .collect()
}

fn logs(manifest: &Manifest) -> Vec<&str> {
    manifest
        .days
        .iter()
        .map(|entry| entry.log.key.as_str())
        .collect()
}

#[test]
fn a_day_that_was_shipped_is_not_shipped_again() {
    let days = [
        local(NAME, 0x10),
        local("recovered_2025-11-29.log.gz", 0x20),
    ];
    let (manifest, listed) = shipped(&days);
    assert_eq!(plan(&days, &manifest, &listed), []);
    let named = named(&manifest);
    assert!(named.contains("events.log.2025-11-29.gz/00000010.gz"));
    assert!(named.contains("events.log.2025-11-29.gz/00000011.idx"));
    assert!(named.contains("events.log.2025-11-29.gz/00000012.calls.parquet"));
    assert_eq!(named.len(), 6);
}

#[test]
fn a_new_index_or_table_replaces_the_one_before_and_the_log_is_not_sent() {
    let (manifest, listed) = shipped(&[local(NAME, 0x10)]);
    let anew = LocalDay {
        index: Some(part(0x77)),
        table: Some(part(0x78)),
        ..local(NAME, 0x10)
    };
    let planned = plan(std::slice::from_ref(&anew), &manifest, &listed);
    assert_eq!(planned[0].parts, [Part::Index, Part::Table]);
    assert!(planned[0].is_known);
    let days = merged(&manifest, &planned);
    assert_eq!(days.len(), 1);
    assert_eq!(days[0].index.as_ref().map(|index| index.crc32), Some(0x77));
}

#[test]
fn a_missing_local_index_or_table_takes_nothing_away() {
    let (manifest, listed) = shipped(&[local(NAME, 0x10)]);
    let poorer = LocalDay {
        index: None,
        table: None,
        content: None,
        times: None,
        modified: 8,
        ..local(NAME, 0x10)
    };
    assert_eq!(plan(&[poorer], &manifest, &listed), []);
}

#[test]
fn a_table_that_was_made_without_the_day_before_replaces_none() {
    let (manifest, listed) = shipped(&[local("events.log.2025-11-28.gz", 0x20), local(NAME, 0x10)]);
    let anew = LocalDay {
        table: Some(part(0x78)),
        ..local(NAME, 0x10)
    };
    assert_eq!(plan(std::slice::from_ref(&anew), &manifest, &listed), []);
    let both = [local("events.log.2025-11-28.gz", 0x20), anew];
    assert_eq!(plan(&both, &manifest, &listed)[0].parts, [Part::Table]);
}

#[test]
fn a_day_that_grew_replaces_the_one_that_it_begins_with() {
    let (manifest, listed) = shipped(&[local(NAME, 0x10)]);
    let grown = LocalDay {
        holds: vec![content(0x10)],
        ..local(NAME, 0x50)
    };
    let planned = plan(&[grown], &manifest, &listed);
    assert_eq!(planned[0].parts, Part::ALL);
    let days = merged(&manifest, &planned);
    assert_eq!(days.len(), 1);
    assert_eq!(days[0].log.crc32, 0x50);
}

#[test]
fn days_of_one_name_with_different_content_both_stay() {
    let (mut manifest, listed) = shipped(&[local(NAME, 0x10)]);
    let planned = plan(&[local(NAME, 0x50)], &manifest, &listed);
    manifest.days = merged(&manifest, &planned);
    assert_eq!(
        logs(&manifest),
        [
            "events.log.2025-11-29.gz/00000010.gz",
            "events.log.2025-11-29.gz/00000050.gz"
        ]
    );
    // Each of the two is known when it is met again.
    let listed = objects(&manifest);
    assert_eq!(plan(&[local(NAME, 0x10)], &manifest, &listed), []);
    assert_eq!(plan(&[local(NAME, 0x50)], &manifest, &listed), []);
}

#[test]
fn the_days_of_another_writer_stay() {
    let (mine, _) = shipped(&[local(NAME, 0x10)]);
    let (theirs, listed) = shipped(&[local("events.log.2025-11-28.gz", 0x20)]);
    let planned = plan(&[local(NAME, 0x10)], &theirs, &listed);
    let both = merged(&theirs, &planned);
    assert_eq!(both.len(), 2);
    assert_eq!(both[1], mine.days[0]);
}

#[test]
fn an_object_that_is_missing_or_cut_is_sent_again() {
    let days = [local(NAME, 0x10)];
    let (manifest, mut listed) = shipped(&days);
    listed.remove("events.log.2025-11-29.gz/00000010.gz");
    listed.insert("events.log.2025-11-29.gz/00000011.idx".to_owned(), 99);
    let clauses: Vec<String> = missing(&manifest, &listed)
        .into_iter()
        .map(|(_, what)| what)
        .collect();
    assert_eq!(clauses, ["is missing", "has 99 bytes instead of 100"]);
    let planned = plan(&days, &manifest, &listed);
    assert_eq!(planned[0].parts, [Part::Log, Part::Index]);
    assert_eq!(merged(&manifest, &planned), manifest.days);
}

#[test]
fn a_shipped_day_expires_by_its_last_record_and_its_name() {
    let zone = LogZone(Zone::UTC);
    let day = |day| NaiveDate::from_ymd_opt(2025, 11, day).expect("a day");
    let name = FileName::parse(NAME);
    let is_expired = |times, first_kept| is_expired(name.as_ref(), times, first_kept, zone);
    // Its last record is of the next day, 2025-11-30.
    let late = Some((1_764_400_000_000, 1_764_460_900_000));
    assert!(!is_expired(late, day(30)));
    assert!(is_expired(late, day(30).succ_opt().expect("a day")));
    // If the writer's clock was never set, or the times are unknown, the name counts.
    for times in [Some((0, 0)), None] {
        assert!(!is_expired(times, day(29)));
        assert!(is_expired(times, day(30)));
    }
}
