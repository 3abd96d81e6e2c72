//! Journals on this host: rows of every kind, and files that are damaged, locked or incomplete.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use calltrace_hosts::journal::{JournalRow, JournalTable, JournalTrouble};
use calltrace_hosts::{FetchLimits, HostErrorKind, read_journal};
use calltrace_model::record::Zone;
use calltrace_model::sighting::Delivery;
use testing::journals::{Journals, hangups};

use crate::fetching::{block_on, limits, read, read_within, text_of};

const DAY: &str = "2025-12-02";

fn of(rows: &[JournalRow], table: JournalTable) -> Vec<&JournalRow> {
    rows.iter().filter(|row| row.table == table).collect()
}

#[test]
fn rows_are_read_as_they_were_written_in_the_order_of_their_ids() {
    let journals = Journals::new();
    let sent = hangups(2_000);
    journals.add(DAY, &sent);
    let fetched = read(&journals, DAY).expect("it is there");
    assert!(fetched.is_complete(), "{fetched:?}");
    let rows = of(&fetched.rows, JournalTable::Webhook);
    assert!(rows.is_sorted_by_key(|row| row.id));
    let delivered: Vec<&JournalRow> = rows
        .iter()
        .filter(|row| row.delivery().is_some())
        .copied()
        .collect();
    assert_eq!(delivered.len(), sent.len());
    for (row, sent) in delivered.iter().zip(&sent) {
        assert_eq!(
            (&row.event, &row.unique_id, &row.request),
            (&sent.event, &sent.unique_id, &sent.body)
        );
        assert_eq!(row.written.to_string(), format!("{DAY} {}", sent.written));
    }
    let count = |delivery| {
        delivered
            .iter()
            .filter(|row| row.delivery() == Some(delivery))
            .count()
    };
    assert_eq!(count(Delivery::Accepted), 1_200);
    for of_each_ten in [
        Delivery::TimedOut,
        Delivery::NotTried,
        Delivery::Unreachable,
        Delivery::Refused(500),
    ] {
        assert_eq!(count(of_each_ten), 200, "{of_each_ten:?}");
    }
    assert_eq!(
        rows.len(),
        2_400,
        "a second row follows each time-out and each broken connection"
    );
    assert_eq!(of(&fetched.rows, JournalTable::Crm).len(), 2_000);
    assert_eq!(
        fetched.journals[0].last,
        [(JournalTable::Webhook, 2_400), (JournalTable::Crm, 2_000)].into()
    );
    assert_eq!(fetched.journals[0].rows, 4_400);
}

#[test]
fn only_what_is_new_is_read() {
    let journals = Journals::new();
    journals.add(DAY, &hangups(10));
    let read = |after: &[(JournalTable, i64)]| {
        let after: BTreeMap<JournalTable, i64> = after.iter().copied().collect();
        let (file, limits) = (journals.file(DAY), limits());
        let read = read_journal(&file, &after, Some(Zone::UTC), testing::now(), &limits);
        block_on(read).expect("it is there")
    };
    let all = read(&[]);
    assert_eq!(
        all.journals[0].last,
        [(JournalTable::Webhook, 12), (JournalTable::Crm, 10)].into()
    );
    let nothing = read(&[(JournalTable::Webhook, 12), (JournalTable::Crm, 10)]);
    assert!(nothing.rows.is_empty() && nothing.is_complete());
    assert_eq!(nothing.journals[0].last, all.journals[0].last);
    journals.add(DAY, &hangups(1));
    let new = read(&[(JournalTable::Webhook, 12), (JournalTable::Crm, 10)]);
    let ids: Vec<(JournalTable, i64)> = new.rows.iter().map(|row| (row.table, row.id)).collect();
    assert_eq!(ids, [(JournalTable::Webhook, 13), (JournalTable::Crm, 11)]);
    let another = read(&[(JournalTable::Webhook, 99)]);
    assert_eq!(
        another.journals[0].troubles,
        [JournalTrouble::Replaced(JournalTable::Webhook)]
    );
    assert_eq!(another.journals[0].last, [(JournalTable::Crm, 11)].into());
}

#[test]
fn columns_hold_anything() {
    let journals = Journals::new();
    journals.add(DAY, &[]);
    journals.sql(
        DAY,
        "INSERT INTO AlternativeAPIlogs VALUES
         (3, '2025-12-02 10:00:00', 'hangup', 1764666900.61, '{\"a\": \"| ''x'' \"\"\n\"}', NULL, 5, '0.041'),
         (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
         (9, 5, 6, 7, x'D0B0FF', x'00', -1, 'much'),
         (9000000000000000000, '2025-12-02T10:00:01.5', 'dial', '', '', 'Timeout', '', -3);",
    );
    let fetched = read(&journals, DAY).expect("it is there");
    assert!(fetched.is_complete(), "{:?}", fetched.journals);
    let rows = &fetched.rows;
    assert_eq!(
        rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        [3, 4, 9, 9_000_000_000_000_000_000]
    );
    assert_eq!(
        (rows[0].unique_id.as_str(), rows[0].response_millis),
        ("1764666900.61", 41)
    );
    assert_eq!(rows[0].request, "{\"a\": \"| 'x' \"\"\n\"}");
    assert_eq!(
        (rows[1].written, rows[1].delivery()),
        (rows[0].written, Some(Delivery::Unknown))
    );
    assert_eq!(
        (
            rows[2].request.as_str(),
            rows[2].event.as_str(),
            rows[2].response_millis
        ),
        ("а\u{fffd}", "6", 0)
    );
    assert_eq!(rows[3].written.to_string(), "2025-12-02 10:00:01.500");
}

#[test]
fn a_file_that_is_no_journal_has_words_of_its_own() {
    let journals = Journals::new();
    let only = |day: &str| {
        let fetched = read(&journals, day).expect("the file is there");
        assert!(!fetched.is_complete());
        let [journal] = fetched.journals.as_slice() else {
            panic!("{:?}", fetched.journals);
        };
        (fetched.rows.len(), text_of(journal))
    };
    journals.empty("2025-12-03");
    assert_eq!(
        only("2025-12-03").1,
        "Listen_AMI_2025-12-03.db is empty; does the sender of events run?"
    );
    journals.add("2025-12-04", &hangups(10));
    journals.sql("2025-12-04", "DROP TABLE AlternativeAPIlogs;");
    let wanted = "Listen_AMI_2025-12-04.db has no table AlternativeAPIlogs; was its writer interrupted at the change \
                  of day?";
    assert_eq!(only("2025-12-04"), (10, wanted.to_owned()));
    fs::write(journals.file("2025-12-05"), "no journal ".repeat(500)).expect("its own file");
    assert!(only("2025-12-05").1.contains(" is damaged; "));
    fs::create_dir(journals.file("2025-12-06")).expect("its own folder");
    assert_eq!(
        only("2025-12-06").1,
        "Listen_AMI_2025-12-06.db is no regular file"
    );
    journals.add("2025-12-07", &[]);
    journals.sql(
        "2025-12-07",
        "DROP TABLE APIlogs; CREATE TABLE APIlogs (id INTEGER PRIMARY KEY, other); INSERT INTO APIlogs VALUES (1, 2);",
    );
    assert!(only("2025-12-07").1.contains(" can't be read: "));
}

#[test]
fn rows_before_the_damage_are_kept() {
    let journals = Journals::new();
    journals.add(DAY, &hangups(5_000));
    journals.tear(DAY);
    let fetched = read(&journals, DAY).expect("it is there");
    let [journal] = fetched.journals.as_slice() else {
        panic!("{:?}", fetched.journals);
    };
    assert!(
        journal.troubles.contains(&JournalTrouble::Torn),
        "{journal:?}"
    );
    assert!(
        (1_000..11_000).contains(&fetched.rows.len()),
        "{}",
        fetched.rows.len()
    );
    let last = fetched
        .rows
        .iter()
        .filter(|row| row.table == JournalTable::Webhook)
        .map(|row| row.id)
        .max();
    assert_eq!(
        journal.last.get(&JournalTable::Webhook).copied(),
        last,
        "{journal:?}"
    );
}

#[test]
fn a_lock_is_waited_for_and_named_if_it_stays() {
    let journals = Journals::new();
    journals.add(DAY, &hangups(10));
    let lock = journals.lock(DAY);
    let fetched = read(&journals, DAY).expect("it is there");
    assert_eq!(
        text_of(&fetched.journals[0]),
        "Listen_AMI_2025-12-02.db is locked by another program; try again"
    );
    assert!(fetched.rows.is_empty() && fetched.journals[0].last.is_empty());
    let patient = FetchLimits {
        lock_wait: Duration::from_secs(10),
        ..limits()
    };
    let fetched = std::thread::scope(|scope| {
        let read = scope.spawn(|| read_within(&journals.file(DAY), &patient));
        std::thread::sleep(Duration::from_millis(300));
        drop(lock);
        read.join().expect("it does not panic")
    });
    assert!(fetched.expect("it is there").is_complete());
}

#[test]
fn a_missing_journal_is_an_error() {
    let journals = Journals::new();
    let kind = |file: &str| {
        let error = read_within(&journals.path().join(file), &limits()).expect_err(file);
        (error.kind.clone(), error.to_string())
    };
    let (wrong_name, message) = kind("calls.db");
    assert_eq!(wrong_name, HostErrorKind::NoJournal);
    assert!(
        message.ends_with(
            "a journal is named like Listen_AMI_2025-12-02.db, by the day that it is of"
        ),
        "{message}"
    );
    let (missing, message) = kind("Listen_AMI_2025-12-02.db");
    assert_eq!(missing, HostErrorKind::NoJournal);
    assert!(
        message.contains("there is no journal of 2025-12-02"),
        "{message}"
    );
    assert_eq!(
        kind("none/Listen_AMI_2025-12-02.db").0,
        HostErrorKind::NoFolder
    );
}

#[test]
fn a_folder_may_be_called_anything() {
    let journals = Journals::new();
    journals.add(DAY, &hangups(1));
    for name in ["it's", "$(touch x); `id`", "-a b", "\"\\|\n"] {
        let link = journals.path().join(name);
        symlink(journals.path(), &link).expect("its own folder");
        let name = journals.file(DAY);
        let name = name.file_name().expect("it has a name");
        let fetched = read_within(&link.join(name), &limits()).expect("it is there");
        assert_eq!(fetched.rows.len(), 2);
    }
}

#[test]
fn so_many_rows_are_taken_and_the_rest_can_be_asked_for() {
    let journals = Journals::new();
    journals.add(DAY, &hangups(100));
    let few = FetchLimits {
        rows: 50,
        ..limits()
    };
    let fetched = read_within(&journals.file(DAY), &few).expect("it is there");
    assert_eq!(fetched.rows.len(), 50);
    assert_eq!(fetched.journals[0].troubles, [JournalTrouble::TooMany]);
    // The row to go on behind. There are 100 requests, 20 second rows, and the 100 requests to the CRM.
    let after = fetched.journals[0].last.clone();
    assert_eq!(after, [(JournalTable::Webhook, 50)].into());
    let (file, plenty) = (journals.file(DAY), limits());
    let rest = read_journal(&file, &after, None, testing::now(), &plenty);
    assert_eq!(block_on(rest).expect("it is there").rows.len(), 220 - 50);
    let begin = Instant::now();
    let narrow = FetchLimits {
        bytes: 5_000,
        ..limits()
    };
    let fetched = read_within(&journals.file(DAY), &narrow).expect("it is there");
    assert!(!fetched.is_complete() && !fetched.rows.is_empty());
    assert_eq!(
        fetched.broken_off.map(|error| error.kind),
        Some(HostErrorKind::Broken)
    );
    assert_eq!(fetched.journals[0].troubles, [JournalTrouble::CutOff]);
    assert!(begin.elapsed() < Duration::from_secs(5));
}
