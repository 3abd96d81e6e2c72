//! Answers of hosts over ssh: days, clocks, and output that is no answer.

use std::time::{Duration, Instant};

use calltrace_hosts::journal::{JournalDays, JournalQuery, JournalTable, JournalTrouble};
use calltrace_hosts::{FetchLimits, HostErrorKind};
use testing::journals::{Journals, hangups};
use testing::sshd::{Sshd, SshdSetup};

use crate::fetching::{ask, ask_within, day, days, host, limits, text_of};

/// 2025-12-03 00:30 in Minsk, which is still the day before in UTC.
const MIDNIGHT_IN_MINSK: i64 = 1_764_711_000;

#[test]
fn today_and_yesterday_are_those_of_the_host() {
    let journals = Journals::new();
    for day in ["2025-12-01", "2025-12-02", "2025-12-03"] {
        journals.add(day, &hangups(10));
    }
    let setup = SshdSetup {
        now: Some(MIDNIGHT_IN_MINSK),
        zone: "Europe/Minsk",
        ..SshdSetup::default()
    };
    let sshd = Sshd::start(&setup);
    let mut wanted = JournalQuery::all_of(JournalDays::Recent);
    wanted
        .after
        .insert((day("2025-12-02"), JournalTable::Webhook), 10);
    let fetched = ask(&host(&sshd, journals.path()), &wanted).expect("it answers");
    assert!(fetched.is_complete(), "{fetched:?}");
    let read: Vec<(String, usize)> = fetched
        .journals
        .iter()
        .map(|j| (j.day.to_string(), j.rows))
        .collect();
    assert_eq!(
        read,
        [("2025-12-02".to_owned(), 12), ("2025-12-03".to_owned(), 22)]
    );
    assert_eq!(
        fetched
            .rows
            .iter()
            .filter(|row| row.day == day("2025-12-02"))
            .count(),
        12
    );
    assert_eq!(
        (fetched.date, fetched.utc_offset.local_minus_utc()),
        (day("2025-12-03"), 10_800)
    );
    assert_eq!(fetched.zone.name(), "UTC+03:00");
    let off = MIDNIGHT_IN_MINSK * 1000 - testing::now().timestamp_millis();
    assert!(
        (off - 20_000..=off).contains(&fetched.skew_millis),
        "{}",
        fetched.skew_millis
    );
}

#[test]
fn one_bad_journal_does_not_cost_the_others() {
    let journals = Journals::new();
    for day in ["2025-12-01", "2025-12-02", "2025-12-03"] {
        journals.add(day, &hangups(10));
    }
    let setup = SshdSetup {
        now: Some(MIDNIGHT_IN_MINSK),
        ..SshdSetup::default()
    };
    let sshd = Sshd::start(&setup);
    let host = host(&sshd, journals.path());
    journals.empty("2025-12-02");
    let _lock = journals.lock("2025-12-01");
    let fetched = ask(&host, &days("2025-11-30", "2025-12-31")).expect("it answers");
    assert!(fetched.broken_off.is_none());
    let journal = fetched.journals.iter().map(text_of).collect::<Vec<_>>();
    assert_eq!(
        journal,
        [
            "Listen_AMI_2025-12-01.db is locked by another program; try again",
            "Listen_AMI_2025-12-02.db is empty; does the sender of events run?",
            "Listen_AMI_2025-12-03.db ",
        ]
    );
    assert_eq!(fetched.rows.len(), 22);
    // The host's date is in UTC: today is the second.
    std::fs::remove_file(journals.file("2025-12-02")).expect("it is there");
    drop(_lock);
    let fetched =
        ask(&host, &JournalQuery::all_of(JournalDays::Recent)).expect("yesterday's is there");
    let troubles: Vec<_> = fetched
        .journals
        .iter()
        .map(|journal| journal.troubles.as_slice())
        .collect();
    assert_eq!(troubles, [&[][..], &[JournalTrouble::Missing]]);
}

#[test]
fn a_host_without_journals_folder_or_sqlite_says_which() {
    let journals = Journals::new();
    let sshd = Sshd::start(&SshdSetup::default());
    let mut host = host(&sshd, journals.path());
    let place = format!("host pbx ({}@127.0.0.1, port {}): ", sshd.user(), sshd.port);
    let folder = journals.path().display().to_string();
    let wanted = days("2025-12-01", "2025-12-03");
    let error = ask(&host, &wanted).expect_err("there is none");
    assert_eq!(error.kind, HostErrorKind::NoJournal);
    let none = "there is none at all; they are named like Listen_AMI_2025-12-03.db";
    assert_eq!(
        error.to_string(),
        format!("{place}there is no journal from 2025-12-01 to 2025-12-03 in {folder}; {none}")
    );
    journals.add("2025-11-20", &[]);
    let error = ask(&host, &JournalQuery::all_of(JournalDays::Recent)).expect_err("it is old");
    let old = "there are some from 2025-11-20 to 2025-11-20";
    assert_eq!(
        error.to_string(),
        format!("{place}there is no journal of today or yesterday in {folder}; {old}")
    );
    host.journals = calltrace_hosts::JournalFolder::parse("/nowhere/it's").expect("a path");
    let error = ask(&host, &wanted).expect_err("there is no folder");
    assert_eq!(error.kind, HostErrorKind::NoFolder);
    assert!(
        error
            .to_string()
            .contains("there is no folder /nowhere/it's, "),
        "{error}"
    );

    let setup = SshdSetup {
        has_sqlite: false,
        ..SshdSetup::default()
    };
    let sshd = Sshd::start(&setup);
    let error = ask(&crate::fetching::host(&sshd, journals.path()), &wanted)
        .expect_err("there is no sqlite3");
    assert_eq!(error.kind, HostErrorKind::NoSqlite);
    assert!(
        error
            .to_string()
            .contains("install it there (package sqlite3)"),
        "{error}"
    );
}

/// The output of a host that follows the form of the script, up to a table.
const BEGUN: &str = "echo 'calltrace-journals|1|1764711000|0|+0300|2025-12-03'; echo 'has|2025-12-03'; \
                     echo 'wanted|2025-12-03'; echo 'wanted|2025-12-04'; echo 'journal|2025-12-03'; \
                     echo 'table|W|100'; ";

#[test]
fn output_that_is_not_the_scripts_is_bounded_and_named() {
    let journals = Journals::new();
    let wanted = days("2025-12-03", "2025-12-04");
    let short = FetchLimits {
        connect: Duration::from_secs(2),
        overall: Duration::from_secs(3),
        bytes: 3 << 20,
        line_bytes: 10_000,
        ..limits()
    };
    let row = "echo 'R|7||||7B7D|||'; ";
    let forced = |command: &str| {
        let setup = SshdSetup {
            forced: Some(command),
            ..SshdSetup::default()
        };
        let sshd = Sshd::start(&setup);
        let begin = Instant::now();
        let answer = ask_within(&host(&sshd, journals.path()), &wanted, &short);
        assert!(begin.elapsed() < Duration::from_secs(6), "{command}");
        answer
    };
    let error = |command: &str| forced(command).expect_err(command);
    let begun = |rest: &str| forced(&format!("{BEGUN}{row}{rest}")).expect("it began");

    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(error("yes").kind, HostErrorKind::Broken);
            assert_eq!(error("tr '\\0' x </dev/zero").kind, HostErrorKind::Broken);
            let gone = error("echo This account is not available. >&2; exit 1");
            assert_eq!(gone.kind, HostErrorKind::Broken);
            assert!(
                gone.to_string()
                    .contains("(This account is not available.)"),
                "{gone}"
            );
        });
        scope.spawn(|| {
            let hanging = error("sleep 30");
            assert_eq!(hanging.kind, HostErrorKind::TimedOut);
            assert!(
                hanging.to_string().contains("no answer within 2 s"),
                "{hanging}"
            );
        });
        scope.spawn(|| {
            let cut = begun("exit 3");
            assert_eq!(cut.rows.len(), 1);
            assert_eq!(
                cut.broken_off.expect("it has no end").kind,
                HostErrorKind::Broken
            );
            let troubles: Vec<_> = cut
                .journals
                .iter()
                .map(|journal| journal.troubles.as_slice())
                .collect();
            assert_eq!(
                troubles,
                [[JournalTrouble::CutOff], [JournalTrouble::CutOff]]
            );
        });
        scope.spawn(|| {
            let endless = begun("yes 'R|8||||7B7D|||'");
            assert_eq!(
                endless.broken_off.expect("it has no end").kind,
                HostErrorKind::Broken
            );
            let late = begun("sleep 30");
            assert_eq!(
                late.broken_off.expect("it has no end").kind,
                HostErrorKind::TimedOut
            );
            assert_eq!(late.rows.len(), 1);
        });
        scope.spawn(|| {
            // Wrong digits, too few columns, an id that goes back, one beyond the last, a line without an end.
            let garbage = "echo 'R|8||||7B7|||'; echo 'R|8||||7Bx7|||'; echo 'R|8||'; echo 'R|6||||7B7D|||'; \
                           echo 'R|101||||7B7D|||'; echo '\\033[2J'; printf '%020000d\\n' 1; echo 'R|9||||7B7D|||'; \
                           echo 'END|9'; echo 'journal|2025-12-04'; echo 'table|C|0'; echo 'END|0'; echo done";
            let fetched = begun(garbage);
            assert!(fetched.broken_off.is_none(), "{fetched:?}");
            assert_eq!(fetched.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [7, 9]);
            assert_eq!(fetched.journals[0].troubles, [JournalTrouble::Garbled(7)]);
            assert!(fetched.journals[0].last.is_empty() && fetched.journals[1].is_complete());
            // Nothing is wrong with the lines, but one of them is missing.
            let few = begun("echo 'END|2'; echo done");
            assert_eq!(few.journals[0].troubles, [JournalTrouble::CutOff]);
        });
    });
}
