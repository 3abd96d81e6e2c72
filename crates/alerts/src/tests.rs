//! The state from run to run, and deliveries that fail or are cut off.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use calltrace_model::record::Zone;
use calltrace_output::Language;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use testing::faults::{Fault, Faulty};

fn at(minutes: i64) -> DateTime<Utc> {
    testing::now() + TimeDelta::minutes(minutes)
}

fn enterprise() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn check(kind: RuleKind) -> Check {
    Check::usual(kind, Zone::UTC)
}

fn found(check: &Check, part: Option<ScopePart>, now: DateTime<Utc>) -> CheckVerdict {
    let scope = Scope {
        enterprise: Some(enterprise()),
        part,
    };
    CheckVerdict::Judged(vec![Found {
        finding: check.finding(scope, now, [("missed", FigureValue::Count(12))]),
        calls: Vec::new(),
    }])
}

const NOTHING: CheckVerdict = CheckVerdict::Judged(Vec::new());

fn how(repeat: Option<u64>) -> Telling {
    Telling {
        repeat: repeat.map(Duration::from_secs),
        language: Language::English,
        zone: Zone::UTC,
    }
}

/// What a run tells a channel: the keys of what fires and of what is over.
fn told(
    state: &mut AlertState,
    channel: &str,
    now: DateTime<Utc>,
    repeat: Option<u64>,
) -> [Vec<String>; 2] {
    let Some(notice) = state.notice(channel, how(repeat), now) else {
        return [Vec::new(), Vec::new()];
    };
    state.delivered(channel, &notice);
    let firing = notice.firing.iter().map(CheckFinding::key).collect();
    [
        firing,
        notice
            .resolved
            .iter()
            .map(|one| one.finding.key())
            .collect(),
    ]
}

#[test]
fn a_finding_fires_in_the_second_run_and_is_over_in_the_second_without_it() {
    let (check, mut state) = (check(RuleKind::MissedShare), AlertState::default());
    let mut run = |minutes: i64, is_seen: bool| {
        let verdict = if is_seen {
            found(&check, None, at(minutes))
        } else {
            NOTHING
        };
        state.update(&check, Some(&enterprise()), &verdict, at(minutes));
        told(&mut state, "test", at(minutes), None)
    };
    let key = vec!["missed_share/0367".to_owned()];
    let nothing = || [Vec::<String>::new(), Vec::new()];
    assert_eq!(run(0, true), nothing());
    assert_eq!(run(5, false), nothing(), "seen once");
    assert_eq!(run(10, true), nothing());
    assert_eq!(run(15, true), [key.clone(), Vec::new()]);
    assert_eq!(run(20, true), nothing(), "it was told");
    assert_eq!(run(25, false), nothing());
    assert_eq!(run(30, true), nothing(), "it goes on");
    assert_eq!(run(35, false), nothing());
    assert_eq!(run(40, false), [Vec::new(), key]);
    assert_eq!(run(45, false), nothing());
}

#[test]
fn what_fires_is_told_again_after_a_while_and_only_if_it_is_seen() {
    let (check, mut state) = (check(RuleKind::NotCalledBack), AlertState::default());
    let part = || Some(ScopePart::Client("375290001234".to_owned()));
    let mut run = |minutes: i64, verdict: &CheckVerdict| {
        state.update(&check, Some(&enterprise()), verdict, at(minutes));
        told(&mut state, "test", at(minutes), Some(4 * 3600))[0].len()
    };
    assert_eq!(run(0, &found(&check, part(), at(0))), 1);
    assert_eq!(run(235, &found(&check, part(), at(0))), 0);
    assert_eq!(run(240, &CheckVerdict::Silent(UnjudgedReason::Failed)), 0);
    assert_eq!(run(245, &found(&check, part(), at(0))), 1);
    assert_eq!(run(250, &found(&check, part(), at(0))), 0);
}

#[test]
fn a_client_who_is_no_longer_watched_is_dropped_and_one_who_was_called_is_over() {
    let check = check(RuleKind::NotCalledBack);
    for (minutes, wanted) in [(100, Ending::Over), (9 * 60, Ending::Dropped)] {
        let mut state = AlertState::default();
        let part = Some(ScopePart::Client("375290001234".to_owned()));
        state.update(
            &check,
            Some(&enterprise()),
            &found(&check, part, at(0)),
            at(70),
        );
        state.update(&check, Some(&enterprise()), &NOTHING, at(minutes));
        let notice = state
            .notice("test", how(None), at(minutes))
            .expect("it is told");
        assert_eq!(notice.resolved[0].ending, wanted);
    }
}

#[test]
fn what_no_check_looks_for_any_more_is_dropped() {
    let (check, mut state) = (check(RuleKind::NoHangup), AlertState::default());
    state.update(
        &check,
        Some(&enterprise()),
        &found(&check, None, at(0)),
        at(0),
    );
    assert_eq!(told(&mut state, "test", at(0), None)[0].len(), 1);
    state.settle(
        std::slice::from_ref(&check),
        Some(&[enterprise()]),
        &["test"],
        at(5),
    );
    assert!(state.notice("test", how(None), at(5)).is_none());
    state.settle(&[check], Some(&[]), &["test"], at(5));
    let notice = state.notice("test", how(None), at(5)).expect("it is told");
    assert_eq!(notice.resolved[0].ending, Ending::Dropped);
    state.delivered("test", &notice);
    state.forget_told(&["test"]);
    assert_eq!(state.entries.len(), 0);
}

#[test]
fn a_finding_that_ended_before_a_channel_came_back_is_told_to_it_as_over() {
    let (check, mut state) = (check(RuleKind::NoHangup), AlertState::default());
    state.update(
        &check,
        Some(&enterprise()),
        &found(&check, None, at(0)),
        at(0),
    );
    assert_eq!(told(&mut state, "alive", at(0), None)[0].len(), 1);
    state.update(&check, Some(&enterprise()), &NOTHING, at(5));
    state.forget_told(&["alive", "dead"]);
    for channel in ["alive", "dead"] {
        assert_eq!(
            told(&mut state, channel, at(5), None)[1].len(),
            1,
            "{channel}"
        );
    }
    state.forget_told(&["alive", "dead"]);
    assert!(state.entries.is_empty());
}

/// A channel that keeps what it delivered.
#[derive(Default)]
struct Kept {
    name: &'static str,
    delivered: Mutex<Vec<Vec<String>>>,
    error: Option<DeliveryError>,
}

#[async_trait]
impl DeliveryChannel for Kept {
    fn name(&self) -> &str {
        self.name
    }

    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let keys = notice.firing.iter().map(CheckFinding::key).collect();
        self.delivered.lock().expect("whole").push(keys);
        Ok(())
    }
}

/// Hands a channel on without giving it away.
struct Lent(&'static Kept);

#[async_trait]
impl DeliveryChannel for Lent {
    fn name(&self) -> &str {
        self.0.name
    }

    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError> {
        self.0.deliver(notice).await
    }
}

fn lent(name: &'static str, error: Option<DeliveryError>) -> &'static Kept {
    Box::leak(Box::new(Kept {
        name,
        error,
        ..Kept::default()
    }))
}

/// A run that sees one finding, on a disk that may fail.
fn run(
    folder: &Path,
    ops: &dyn calltrace_store::fsx::DiskOps,
    channels: &[&'static Kept],
) -> Vec<Told> {
    let check = check(RuleKind::NoHangup);
    let file = AlertStateFile::new(&folder.join("check.json"), folder);
    let mut opened = file.open(ops, true).expect("opened").expect("no other run");
    let verdict = found(&check, None, at(0));
    opened
        .state
        .update(&check, Some(&enterprise()), &verdict, at(0));
    if opened.save(ops).is_err() {
        return Vec::new();
    }
    let channels: Vec<Box<dyn DeliveryChannel>> = channels
        .iter()
        .map(|channel| Box::new(Lent(channel)) as Box<dyn DeliveryChannel>)
        .collect();
    let notices = opened.state.notices(&channels, how(None), at(0), &|_| {});
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime
        .block_on(opened.tell(&channels, notices, ops))
        .unwrap_or_default()
}

#[test]
fn a_kill_at_any_moment_repeats_one_notice_at_most_and_loses_none() {
    let mut repeated = 0;
    for op in 0.. {
        let folder = tempfile::tempdir().expect("a folder");
        let faulty = Faulty::new(folder.path(), Fault::DieAt(op));
        let channel = lent("test", None);
        run(folder.path(), &faulty, &[channel]);
        let died = faulty.has_died();
        run(folder.path(), &Disk, &[channel]);
        run(folder.path(), &Disk, &[channel]);
        let delivered = channel.delivered.lock().expect("whole").len();
        assert!(
            (1..=2).contains(&delivered),
            "killed at operation {op}: {delivered}"
        );
        repeated += usize::from(delivered == 2);
        if !died {
            assert_eq!(delivered, 1);
            break;
        }
    }
    assert!(
        repeated > 0,
        "a kill between sending and noting was among them"
    );
}

#[test]
fn a_dead_channel_stops_no_other_and_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = DeliveryError {
        text: "did not answer in time".to_owned(),
        retry_after: None,
    };
    let (alive, dead) = (lent("alive", None), lent("dead", Some(error.clone())));
    let errors = |told: Vec<Told>| -> Vec<(String, bool)> {
        let mut all: Vec<_> = told
            .into_iter()
            .map(|one| (one.channel, one.error.is_some()))
            .collect();
        all.sort();
        all
    };
    let both = [("alive".to_owned(), false), ("dead".to_owned(), true)];
    assert_eq!(errors(run(folder.path(), &Disk, &[dead, alive])), both);
    assert_eq!(errors(run(folder.path(), &Disk, &[dead, alive])), both[1..]);
    assert_eq!(alive.delivered.lock().expect("whole").len(), 1);
    // A channel that asks for a pause gets it.
    let rest = DeliveryError {
        retry_after: Some(Duration::from_secs(600)),
        ..error
    };
    let busy = lent("dead", Some(rest));
    assert_eq!(run(folder.path(), &Disk, &[busy]).len(), 1);
    assert_eq!(run(folder.path(), &Disk, &[busy]).len(), 0);
}

#[test]
fn a_state_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = AlertStateFile::new(&folder.path().join("check.json"), folder.path());
    let mut opened = file
        .open(&Disk, false)
        .expect("opened")
        .expect("no other run");
    let state = &mut opened.state;
    for kind in [
        RuleKind::NoHangup,
        RuleKind::NotCalledBack,
        RuleKind::SlowRequests,
    ] {
        let check = check(kind);
        let part = Some(ScopePart::Host("crm.example.org:443".to_owned()));
        state.update(
            &check,
            Some(&enterprise()),
            &found(&check, part, at(0)),
            at(0),
        );
    }
    told(state, "test", at(0), None);
    state.update(
        &check(RuleKind::NoHangup),
        Some(&enterprise()),
        &NOTHING,
        at(5),
    );
    state.rests("test", at(30));
    state.at = Some(at(5));
    let counts = [(
        hour_of(at(-120)),
        HourCount {
            calls: 12,
            missed: 3,
        },
    )];
    let history = state.history.entry(enterprise()).or_default();
    history.replace(hour_of(at(-600)), hour_of(at(60)), counts);
    state.figures.insert(
        enterprise(),
        EnterpriseFigures::from_values([1, 2, 3, 4, 5, 6, 7, 8]),
    );
    opened.save(&Disk).expect("saved");
    let written = opened.state.clone();
    drop(opened);
    assert_eq!(file.look(), Some(written.clone()));
    let again = file
        .open(&Disk, false)
        .expect("opened")
        .expect("no other run");
    assert_eq!(again.state, written);
    assert!(again.notes.is_empty());
}

#[test]
fn a_damaged_state_is_set_aside_and_said_and_that_of_another_tree_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("check.json");
    let file = AlertStateFile::new(&path, folder.path());
    for (number, text) in ["", "{", "{\"version\": 1, \"root\": \"?\"}"]
        .iter()
        .enumerate()
    {
        let text = text.replace('?', &folder.path().to_string_lossy());
        std::fs::write(&path, &text).expect("written");
        let opened = file
            .open(&Disk, false)
            .expect("opened")
            .expect("no other run");
        assert_eq!(opened.state, AlertState::default());
        let aside = format!("check.json.damaged-{}", number + 1);
        assert!(opened.notes[0].contains(&aside), "{:?}", opened.notes);
        let kept = std::fs::read_to_string(folder.path().join(aside)).expect("kept");
        assert_eq!(kept, text);
    }
    let opened = file
        .open(&Disk, false)
        .expect("opened")
        .expect("no other run");
    opened.save(&Disk).expect("saved");
    drop(opened);
    let other = tempfile::tempdir().expect("a folder");
    let error = AlertStateFile::new(&path, other.path())
        .open(&Disk, false)
        .expect_err("refused");
    assert!(
        error.to_string().contains("is the state of the tree"),
        "{error}"
    );
}
