//! Five months of calls of 16 offices. The first four months are what is usual; in the last one, checked every five
//! minutes (8,640 times), 40 troubles and 200 near misses are hidden. Each trouble must be told once and be over once,
//! and at most two other things may be told.
//!
//! **The seeds were drawn after the thresholds of the rules had been fixed.** If a change of a rule breaks this test, the
//! rule is wrong, or the test must get new seeds; thresholds are never fitted to these.

mod office;
mod plan;
mod random;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::thread;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::finding::{CheckFinding, RuleKind};
use crate::history::{History, HourCount, count_by_hour, hour_of};
use crate::rules::{Check, EnterpriseView, lookback};
use crate::state::{AlertState, Telling};
use calltrace_model::call::{Direction, Outcome, Summary};
use calltrace_model::record::{LogZone, Zone};
use calltrace_output::Language;
use calltrace_store::tree::EnterpriseName;
use office::{Office, SimCall};
use plan::{ENTERPRISES, NEAR_MISSES_PER_RULE, Planned, RULES, TROUBLES_PER_RULE, plan};
use random::Random;

const SEED: u64 = 0x0C49_F4C9_AD92_074C;
const STEPS: i64 = 8_640;
const STEP_MINUTES: i64 = 5;

/// What was told about one thing, in order: when it fired, and when it was over.
#[derive(Debug, Clone)]
struct Episode {
    finding: CheckFinding,
    fired: DateTime<Utc>,
    over: Option<DateTime<Utc>>,
}

#[test]
fn each_trouble_of_a_month_is_told_once_and_near_misses_are_not() {
    let zone = Zone::named("Europe/Minsk").expect("a zone");
    let (first, month) = (day("2025-07-04"), day("2025-11-01"));
    let planned = plan(&mut Random::new(SEED), month, 30, zone);
    assert_eq!(
        planned.len(),
        RULES.len() * (TROUBLES_PER_RULE + NEAR_MISSES_PER_RULE)
    );
    let run = |enterprise: usize| {
        let own = planned.iter().filter(|one| one.enterprise == enterprise);
        simulate(enterprise, &own.collect::<Vec<_>>(), (first, month), zone)
    };
    let told: Vec<Vec<Episode>> = thread::scope(|scope| {
        let all: Vec<_> = (0..ENTERPRISES)
            .map(|one| scope.spawn(move || run(one)))
            .collect();
        all.into_iter()
            .map(|one| one.join().expect("it does not panic"))
            .collect()
    });
    let mut false_ones = Vec::new();
    let mut named = BTreeMap::new();
    for (enterprise, episodes) in told.iter().enumerate() {
        for episode in episodes {
            let cause = planned.iter().position(|one| {
                one.enterprise == enterprise && one.is_trouble && explains(one, episode)
            });
            match cause {
                Some(cause) => named.entry(cause).or_insert_with(Vec::new).push(episode),
                None => false_ones.push((enterprise, episode)),
            }
        }
    }
    let mut wrong = Vec::new();
    for (at, trouble) in planned.iter().enumerate().filter(|(_, one)| one.is_trouble) {
        match named.get(&at).map_or(&[][..], Vec::as_slice) {
            [one] if one.over.is_some() => {}
            other => wrong.push((trouble, other.to_vec())),
        }
    }
    let without_cause: Vec<String> = false_ones
        .iter()
        .map(|(enterprise, episode)| {
            let day = |one: &&Planned| {
                one.enterprise == *enterprise && one.day == episode.fired.date_naive()
            };
            format!("{episode:?} on a day of {:?}", planned.iter().find(day))
        })
        .collect();
    assert!(
        wrong.is_empty() && false_ones.len() <= 2,
        "not told once and over once: {wrong:#?}\ntold without cause: {without_cause:#?}"
    );
}

/// Whether the trouble is what the episode tells.
fn explains(trouble: &Planned, episode: &Episode) -> bool {
    let late = match trouble.kind {
        RuleKind::NotCalledBack => TimeDelta::minutes(75),
        RuleKind::NoHangup => TimeDelta::minutes(255),
        _ => TimeDelta::minutes(15),
    };
    trouble.kind == episode.finding.kind
        && (trouble.begin..=trouble.end + late).contains(&episode.fired)
}

/// Runs the checks of one enterprise through its month.
fn simulate(
    number: usize,
    planned: &[&Planned],
    (first, month): (NaiveDate, NaiveDate),
    zone: Zone,
) -> Vec<Episode> {
    let enterprise = EnterpriseName::new(&format!("{:04}", 101 + number)).expect("a name");
    let mut random = Random::new(SEED.wrapping_add(1 + number as u64));
    let mut office = Office::new(number, zone, &mut random);
    let checks: Vec<Check> = RULES
        .into_iter()
        .map(|kind| Check::usual(kind, zone))
        .collect();
    let begin = month.and_hms_opt(0, 0, 0).expect("a time").and_utc();
    let mut history = earlier(&mut office, (first, month), &mut random);
    let mut calls: Vec<SimCall> = Vec::new();
    for day in month.iter_days().take(31) {
        let odd = planned.iter().find(|one| one.day == day).copied();
        calls.extend(office.day(day, odd, &mut random));
    }
    calls.sort_by_key(|one| one.call.first);
    let mut recent = SimWindow::new(calls);
    let (mut state, mut episodes) = (AlertState::default(), Vec::new());
    for step in 1..=STEPS {
        let now = begin + TimeDelta::minutes(step * STEP_MINUTES);
        let since = hour_of(now - TimeDelta::milliseconds(lookback(&checks)));
        let calls = recent.at(since, now);
        let log = LogZone::default();
        history.replace(
            since,
            hour_of(now) + TimeDelta::hours(1),
            count_by_hour(calls, log),
        );
        let view = EnterpriseView {
            enterprise: &enterprise,
            calls,
            since,
            history: &history,
            now,
            at: log.stamp(now),
            log,
        };
        for check in &checks {
            let verdict = check.judge(&view, |scope| state.is_firing(check, scope));
            state.update(check, Some(&enterprise), &verdict, now);
        }
        tell(&mut state, &checks, now, zone, &mut episodes);
    }
    episodes
}

fn tell(
    state: &mut AlertState,
    checks: &[Check],
    now: DateTime<Utc>,
    zone: Zone,
    episodes: &mut Vec<Episode>,
) {
    let how = Telling {
        repeat: None,
        language: Language::Russian,
        zone,
    };
    state.settle(checks, None, &["test"], now);
    let Some(notice) = state.notice("test", how, now) else {
        return;
    };
    state.delivered("test", &notice);
    state.forget_told(&["test"]);
    for finding in notice.firing {
        episodes.push(Episode {
            finding,
            fired: now,
            over: None,
        });
    }
    for resolved in notice.resolved {
        let key = resolved.finding.key();
        let mut open = episodes.iter_mut().rev();
        let open = open.find(|one| one.finding.key() == key && one.over.is_none());
        open.expect("what is over has fired").over = Some(now);
    }
}

/// What the four months before leave in the state.
fn earlier(
    office: &mut Office,
    (first, month): (NaiveDate, NaiveDate),
    random: &mut Random,
) -> History {
    let mut history = History::default();
    let until = month.and_hms_opt(0, 0, 0).expect("a time").and_utc();
    for day in first.iter_days().take_while(|day| *day < month) {
        let mut hours: BTreeMap<DateTime<Utc>, HourCount> = BTreeMap::new();
        for one in office.day(day, None, random) {
            if one.call.direction == Direction::Incoming {
                let at = LogZone::default().moment(one.call.first);
                let hour = hours.entry(hour_of(at)).or_default();
                hour.calls += 1;
                hour.missed += u32::from(one.outcome == Outcome::Missed);
            }
        }
        // The offices are ahead of UTC, so a day begins on the day before.
        let midnight = day.and_hms_opt(0, 0, 0).expect("a time").and_utc() - TimeDelta::hours(3);
        history.replace(midnight, (midnight + TimeDelta::days(1)).min(until), hours);
    }
    history
}

/// The calls of the last hours, as they are known at a moment.
struct SimWindow {
    /// Calls that have not begun, the next one last.
    ahead: Vec<SimCall>,
    calls: VecDeque<Summary>,
    /// How many calls were dropped from the front.
    dropped: usize,
    /// Calls in progress: when they are over, their number, and how they end.
    open: BinaryHeap<Reverse<(DateTime<Utc>, usize, &'static str)>>,
}

impl SimWindow {
    fn new(mut calls: Vec<SimCall>) -> SimWindow {
        calls.reverse();
        SimWindow {
            ahead: calls,
            calls: VecDeque::new(),
            dropped: 0,
            open: BinaryHeap::new(),
        }
    }

    /// The calls that began from `since` up to `now`.
    fn at(&mut self, since: DateTime<Utc>, now: DateTime<Utc>) -> &[Summary] {
        let stamp = |at| LogZone::default().stamp(at);
        while let Some(next) = self.ahead.pop_if(|next| next.call.first <= stamp(now)) {
            let number = self.dropped + self.calls.len();
            self.open
                .push(Reverse((next.over, number, next.outcome.name())));
            self.calls.push_back(next.call);
        }
        while let Some(Reverse((over, number, outcome))) = self.open.peek().copied() {
            if over > now {
                break;
            }
            self.open.pop();
            if let Some(call) = number
                .checked_sub(self.dropped)
                .and_then(|at| self.calls.get_mut(at))
            {
                let mut all = Outcome::ALL.into_iter();
                call.outcome = all.find(|one| one.name() == outcome).expect("it is one");
            }
        }
        while self
            .calls
            .front()
            .is_some_and(|call| call.first < stamp(since))
        {
            self.calls.pop_front();
            self.dropped += 1;
        }
        self.calls.make_contiguous()
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}
