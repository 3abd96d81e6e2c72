//! One line per call each time it changes state.
//!
//! Records are processed one by one in the order of arrival, so that the output in a pipe does not depend on how they
//! were read. `board` prints the lines.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::board::{Board, ReportedCall};
use super::known::KnownCalls;
use super::{Tail, arrived};
use crate::cmd::{App, Exit};
use calltrace_engine::RecordLimits;
use calltrace_follow::{Arrival, Next, Start};
use calltrace_model::call::{CallState, Changes, Component, Fact, Joiner, Summary, infer};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Record, Stamp};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// Time before a part without a shared id is joined by inference (milliseconds), because a later record may still join
/// it by id: both channels of a bridge enter it within some milliseconds, and the host's script, which polls five times
/// a second, logs them in the same round or the next.
const SETTLED_MILLIS: i64 = 1_000;

/// Time between two searches for calls that have become silent.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Time between two checks while a state may change by time alone.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

pub(super) fn run(mut tail: Tail<'_>) -> Result<Exit, Error> {
    let mut board = Board::new(&tail);
    let mut starts = Vec::new();
    let mut watch = CallWatcher {
        app: tail.app,
        filter: tail.args.filter(),
        all: HashMap::new(),
    };
    watch.begin(&mut tail, &mut starts);
    if !tail.args.follows() {
        board.begin(watch.going_on())?;
        if !board.has_printed() {
            tail.app.say("no call is in progress");
        }
        tail.begun(board.has_printed());
        return Ok(tail.exit(board.has_printed()));
    }
    tail.begun(true);
    follow(&tail, starts, watch, board)
}

fn follow(
    tail: &Tail<'_>,
    starts: Vec<Start>,
    mut watch: CallWatcher<'_>,
    mut board: Board<'_>,
) -> Result<Exit, Error> {
    // The filter applies to calls, so every record is needed: one of its records may make a call match.
    let everything = RecordFilter::default();
    let mut follow = tail.follow(tail.whom(), starts, everything, board.out())?;
    // The board begins only after Ctrl-C is handled, so that Ctrl-C can't leave a terminal without a cursor.
    board.begin(watch.going_on())?;
    let mut tidied = Instant::now();
    loop {
        let tick = board.tick().unwrap_or(TIDY_EVERY);
        let tick = if watch.waits() { SETTLE_EVERY } else { tick };
        let tick = Instant::now() + tick;
        let next = tail.deadline.map_or(tick, |deadline| deadline.min(tick));
        match follow.next(Some(next))? {
            Next::Came(batch) => {
                let now = watch.app.now_stamp();
                for arrival in batch.lines() {
                    watch.take(arrival, now, &mut board);
                }
                tail.report_news(&batch.news);
            }
            Next::Deadline => {}
            Next::Interrupted => return Ok(Exit::Interrupted),
            Next::Closed => return Ok(Exit::Found),
        }
        watch.settle(&mut board);
        if tidied.elapsed() >= TIDY_EVERY {
            watch.tidy(&mut board);
            tidied = Instant::now();
        }
        board.print(watch.going_on())?;
        if tail.is_late() {
            return Ok(tail.exit(board.has_printed()));
        }
    }
}

/// The followed calls of all enterprises.
struct CallWatcher<'d> {
    app: &'d App,
    /// A call is shown if one of its records passes this filter.
    filter: RecordFilter,
    all: HashMap<EnterpriseName, EnterpriseCalls>,
}

impl CallWatcher<'_> {
    /// Reads the calls that are in progress at the start.
    fn begin(&mut self, tail: &mut Tail<'_>, starts: &mut Vec<Start>) {
        let (app, now) = (self.app, self.app.now_stamp());
        let selected = tail.selected.clone();
        let answers = app
            .engine
            .open_calls(&app.tree, &selected, &self.filter, now);
        for (enterprise, answer) in selected.iter().zip(answers) {
            let Some(open) = tail.take(enterprise, answer, starts) else {
                continue;
            };
            app.explain_all(&open.notes);
            tail.trouble(&open.troubles);
            let mut calls = EnterpriseCalls::new(enterprise, &self.filter, open.calls);
            calls.begin(now);
            let going = calls.known.going_on().count();
            app.explain(|| format!("{enterprise}: {going} calls in progress"));
            self.all.insert(enterprise.clone(), calls);
        }
    }

    fn take(&mut self, arrival: Arrival<'_>, now: Stamp, board: &mut Board<'_>) {
        if !self.all.contains_key(arrival.enterprise) {
            let joiner = Joiner::keeping(RecordLimits::default().records);
            let new = EnterpriseCalls::new(arrival.enterprise, &self.filter, joiner);
            self.all.insert(arrival.enterprise.clone(), new);
        }
        let calls = self
            .all
            .get_mut(arrival.enterprise)
            .expect("it is there by now");
        calls.take(&arrival, now, &mut |call| board.report(call));
    }

    /// Whether a state may change by time alone.
    fn waits(&self) -> bool {
        self.all.values().any(EnterpriseCalls::waits)
    }

    fn settle(&mut self, board: &mut Board<'_>) {
        let now = self.app.now_stamp();
        for calls in self.all.values_mut().filter(|calls| calls.waits()) {
            calls.settle(now, &mut |call| board.report(call));
        }
    }

    fn tidy(&mut self, board: &mut Board<'_>) {
        let now = self.app.now_stamp();
        for calls in self.all.values_mut() {
            calls.tidy(now, &mut |call| board.report(call));
        }
    }

    fn going_on(&self) -> impl Iterator<Item = &ReportedCall> {
        self.all.values().flat_map(|calls| calls.known.going_on())
    }
}

/// The calls of one enterprise.
struct EnterpriseCalls {
    enterprise: EnterpriseName,
    /// A call is shown if one of its records passes this filter.
    filter: RecordFilter,
    joiner: Joiner,
    /// Slots of the joiner that may have new joins by inference.
    changes: Changes,
    /// Slots of calls with more records than the limit. Examining one takes a millisecond, so that is done every
    /// [`TIDY_EVERY`] and not for each record.
    flooded: BTreeSet<u32>,
    /// The reported calls, for as long as the joiner has them.
    known: KnownCalls,
    arrivals: u64,
    /// The time of the last record, and when it arrived. The two differ if the follower reads old records.
    last: Option<(Stamp, Stamp)>,
}

impl EnterpriseCalls {
    fn new(enterprise: &EnterpriseName, filter: &RecordFilter, joiner: Joiner) -> EnterpriseCalls {
        EnterpriseCalls {
            enterprise: enterprise.clone(),
            filter: filter.clone(),
            joiner,
            changes: Changes::default(),
            flooded: BTreeSet::new(),
            known: KnownCalls::default(),
            arrivals: 0,
            last: None,
        }
    }

    /// Enters the calls that the joiner already has as known.
    fn begin(&mut self, now: Stamp) {
        let open: Vec<u32> = self.joiner.components().map(|(slot, _)| slot).collect();
        for slot in open {
            self.changes.add(slot);
            let facts = self.joiner.in_order(slot);
            let (Some(summary), Some((state, since))) =
                (Summary::of(facts), CallState::latest(facts))
            else {
                continue;
            };
            if is_wanted(facts, &self.filter) && !infer::is_likely_part(facts, &summary) {
                let left = CallState::left(facts, &summary);
                self.known.put(ReportedCall {
                    enterprise: self.enterprise.clone(),
                    left: left.map(|(left, waits)| (left, summary.last.plus_millis(waits))),
                    summary,
                    state,
                    since,
                });
            }
        }
        // Calls that ended before the start are not reported.
        self.known.end_left(now, &mut |_| ());
    }

    /// Adds a record that arrived at `now`, and reports the calls that it changed.
    fn take(&mut self, arrival: &Arrival<'_>, now: Stamp, report: &mut dyn FnMut(&ReportedCall)) {
        self.arrivals += 1;
        let record = Record::parse(arrival.text);
        let mut fact = Fact::of(&record, arrival.at, arrived(self.arrivals));
        let filter = &self.filter;
        fact.matched = !filter.is_empty() && filter.matches(&record, Some(arrival.at));
        let (at, may_change) = (fact.at, fact.is_asterisk() || fact.matched);
        self.last = Some((at, now));
        let own = self.joiner.push(fact);
        if let Some(slot) = own {
            if self.joiner.is_flooded(slot) {
                self.flooded.insert(slot);
                return;
            }
            self.changes.add(slot);
        }
        if !may_change {
            return;
        }
        let mut changed = self
            .changes
            .infer(&mut self.joiner, |part| is_settled(part, at));
        changed.extend(own.filter(|slot| !changed.contains(slot)));
        self.look_at(changed, (at, now), report);
    }

    /// The time that a record arriving now would have, if records arrive late.
    fn record_time(&self, now: Stamp) -> Stamp {
        self.last
            .map_or(now, |(at, came)| at.plus_millis(now.since(came)))
    }

    /// Whether a state may change by time alone.
    fn waits(&self) -> bool {
        self.known.waits() || self.changes.waits()
    }

    /// Reports changes by time alone: no id has joined a part, or a call that was left has ended.
    fn settle(&mut self, now: Stamp, report: &mut dyn FnMut(&ReportedCall)) {
        let at = self.record_time(now);
        let grown = self
            .changes
            .infer(&mut self.joiner, |part| is_settled(part, at));
        self.look_at(grown, (at, now), report);
        self.known.end_left(now, report);
    }

    /// Examines calls again, and reports those with a new state.
    fn look_at(
        &mut self,
        slots: impl IntoIterator<Item = u32>,
        times: (Stamp, Stamp),
        report: &mut dyn FnMut(&ReportedCall),
    ) {
        for slot in slots {
            if let Some(news) = self.look(slot, times) {
                report(news);
            }
        }
    }

    /// Examines a call again, after a record of the time `at` and at the time `now`. Returns the call if its state
    /// differs from the reported one.
    fn look(&mut self, slot: u32, (at, now): (Stamp, Stamp)) -> Option<&ReportedCall> {
        let call = self.joiner.component(slot);
        let is_settled = is_settled(call, at);
        let facts = self.joiner.in_order(slot);
        let summary = Summary::of(facts)?;
        let state = CallState::of(facts, &summary).filter(|_| is_wanted(facts, &self.filter))?;
        // A part of another call is not reported, unless it has ended and nothing has joined it by then.
        if infer::is_likely_part(facts, &summary) && !(is_settled && state.is_over()) {
            return None;
        }
        // A record may join two calls that were reported separately.
        let before = self.known.take(summary.legs.iter().map(|leg| &leg.uid));
        let left = CallState::left(facts, &summary);
        let was_reported = |state: &CallState| before.iter().any(|call| call.state.is_like(state));
        let state = match (&left, before.last()) {
            // A call that was reported as ended stays so until a participant comes back.
            (Some((left, _)), _) if was_reported(left) => left.clone(),
            // An end that may be a part of a transfer is reported later, if nothing follows it.
            (Some(_), Some(call)) if state.is_over() => call.state.clone(),
            _ => state,
        };
        let same = before.iter().find(|call| call.state.is_like(&state));
        let since = same.map(|call| call.since);
        let call = self.known.put(ReportedCall {
            enterprise: self.enterprise.clone(),
            state,
            since: since.unwrap_or(summary.last),
            left: left.map(|(left, waits)| (left, now.plus_millis(waits))),
            summary,
        });
        since.is_none().then_some(call)
    }

    /// Examines calls with more records than the limit, ends calls that all participants have left, drops calls that
    /// can't grow any more, and reports those without a logged end.
    fn tidy(&mut self, now: Stamp, report: &mut dyn FnMut(&ReportedCall)) {
        let flooded = std::mem::take(&mut self.flooded);
        self.look_at(flooded, (self.record_time(now), now), report);
        self.known.end_left(now, report);
        for slot in self.joiner.quiet(now) {
            let gone = self.joiner.take(slot);
            let legs = gone.facts.iter();
            let legs = legs.map(|fact| String::from_utf8_lossy(fact.uid()));
            for mut call in self.known.take(legs) {
                if !call.state.is_over() {
                    call.state = CallState::lost();
                    call.since = now;
                    report(&call);
                }
            }
        }
    }
}

fn is_wanted(facts: &[Fact], filter: &RecordFilter) -> bool {
    filter.is_empty() || facts.iter().any(|fact| fact.matched)
}

/// Whether a part is old enough that no later record will join it by id.
fn is_settled(part: &Component, now: Stamp) -> bool {
    part.is_older_than(SETTLED_MILLIS, now)
}

#[cfg(test)]
mod replay;

#[cfg(test)]
mod tests;
