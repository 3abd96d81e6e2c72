//! One line a call as it changes state.
//!
//! Records are taken one by one in the order in which they come, so that what is printed in a pipe
//! does not depend on how they were read. How it is printed is `board`'s.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::board::{Board, Told};
use super::known::Known;
use super::{Tail, arrived};
use crate::cmd::{App, Exit};
use calltrace_engine::RecordLimits;
use calltrace_follow::{Arrival, Next, Start};
use calltrace_model::call::{CallState, Changes, Component, Fact, Joiner, Summary, infer};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Record, Stamp};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// Both channels of a bridge enter it within some milliseconds, and the host's script, which polls five
/// times a second, logs them in one round or the next: before this time (milliseconds) has passed, a part that
/// shares no id is not joined by circumstance, as an id may do it yet.
const SETTLED_MILLIS: i64 = 1_000;

/// How often calls are looked for that nothing more comes of.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// How often time alone may change what is told, while something waits for it.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

pub(super) fn run(mut tail: Tail<'_>) -> Result<Exit, Error> {
    let mut board = Board::new(&tail);
    let mut starts = Vec::new();
    let mut watch = Watch {
        app: tail.app,
        filter: tail.args.filter(),
        all: HashMap::new(),
    };
    watch.begin(&mut tail, &mut starts);
    if !tail.args.follows() {
        board.begin(watch.going_on())?;
        if !board.has_printed() {
            tail.app.say("no call is going on");
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
    mut watch: Watch<'_>,
    mut board: Board<'_>,
) -> Result<Exit, Error> {
    // Every record may belong to a call that one of its records lets pass.
    let everything = RecordFilter::default();
    let mut follow = tail.follow(tail.whom(), starts, everything, board.out())?;
    // Only now, when Ctrl-C would not leave a terminal without its cursor.
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
                tail.tell(&batch.news);
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

/// The calls of all enterprises.
struct Watch<'d> {
    app: &'d App,
    /// What one of a call's records must be like.
    filter: RecordFilter,
    all: HashMap<EnterpriseName, Calls>,
}

impl Watch<'_> {
    /// Takes the calls that are going on when it begins.
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
            let mut calls = Calls::new(enterprise, &self.filter, open.calls);
            calls.begin(now);
            let going = calls.known.going_on().count();
            app.explain(|| format!("{enterprise}: {going} calls going on"));
            self.all.insert(enterprise.clone(), calls);
        }
    }

    fn take(&mut self, arrival: Arrival<'_>, now: Stamp, board: &mut Board<'_>) {
        if !self.all.contains_key(arrival.enterprise) {
            let joiner = Joiner::keeping(RecordLimits::default().records);
            let new = Calls::new(arrival.enterprise, &self.filter, joiner);
            self.all.insert(arrival.enterprise.clone(), new);
        }
        let calls = self
            .all
            .get_mut(arrival.enterprise)
            .expect("it is there by now");
        calls.take(&arrival, now, &mut |told| board.tell(told));
    }

    /// Whether the passing of time may change what is told.
    fn waits(&self) -> bool {
        self.all.values().any(Calls::waits)
    }

    fn settle(&mut self, board: &mut Board<'_>) {
        let now = self.app.now_stamp();
        for calls in self.all.values_mut().filter(|calls| calls.waits()) {
            calls.settle(now, &mut |told| board.tell(told));
        }
    }

    fn tidy(&mut self, board: &mut Board<'_>) {
        let now = self.app.now_stamp();
        for calls in self.all.values_mut() {
            calls.tidy(now, &mut |told| board.tell(told));
        }
    }

    fn going_on(&self) -> impl Iterator<Item = &Told> {
        self.all.values().flat_map(|calls| calls.known.going_on())
    }
}

/// The calls of one enterprise.
struct Calls {
    enterprise: EnterpriseName,
    /// What one of a call's records must be like.
    filter: RecordFilter,
    joiner: Joiner,
    /// What of the joiner's may show joins without ids.
    changes: Changes,
    /// Slots of calls with more records than are kept: to look at one takes a millisecond, so it is done
    /// every [`TIDY_EVERY`], not for each record.
    flooded: BTreeSet<u32>,
    /// The calls that were told of, for as long as the joiner knows them.
    known: Known,
    arrivals: u64,
    /// The time of the last record, and when it came: one that catches up reads what was written long ago.
    last: Option<(Stamp, Stamp)>,
}

impl Calls {
    fn new(enterprise: &EnterpriseName, filter: &RecordFilter, joiner: Joiner) -> Calls {
        Calls {
            enterprise: enterprise.clone(),
            filter: filter.clone(),
            joiner,
            changes: Changes::default(),
            flooded: BTreeSet::new(),
            known: Known::default(),
            arrivals: 0,
            last: None,
        }
    }

    /// Takes the calls that the joiner has for known.
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
                self.known.put(Told {
                    enterprise: self.enterprise.clone(),
                    left: left.map(|(left, waits)| (left, summary.last.plus_millis(waits))),
                    summary,
                    state,
                    since,
                });
            }
        }
        // Those are no news.
        self.known.end_left(now, &mut |_| ());
    }

    /// Adds a record, which arrived at `now`, and tells what it changed.
    fn take(&mut self, arrival: &Arrival<'_>, now: Stamp, tell: &mut dyn FnMut(&Told)) {
        self.arrivals += 1;
        let record = Record::parse(arrival.text);
        let mut fact = Fact::of(&record, arrival.at, arrived(self.arrivals));
        let filter = &self.filter;
        fact.matched = !filter.is_empty() && filter.matches(&record, Some(arrival.at));
        let (at, tells) = (fact.at, fact.is_asterisk() || fact.matched);
        self.last = Some((at, now));
        let own = self.joiner.push(fact);
        if let Some(slot) = own {
            if self.joiner.is_flooded(slot) {
                self.flooded.insert(slot);
                return;
            }
            self.changes.add(slot);
        }
        if !tells {
            return;
        }
        let mut changed = self
            .changes
            .infer(&mut self.joiner, |part| is_settled(part, at));
        changed.extend(own.filter(|slot| !changed.contains(slot)));
        self.look_at(changed, (at, now), tell);
    }

    /// The time that a record written now would have, of a writer whose records come late.
    fn record_time(&self, now: Stamp) -> Stamp {
        self.last
            .map_or(now, |(at, came)| at.plus_millis(now.since(came)))
    }

    /// Whether the passing of time may change what is told.
    fn waits(&self) -> bool {
        self.known.waits() || self.changes.waits()
    }

    /// Tells what the time that has passed shows: that no id joins a part, that no one was handed on.
    fn settle(&mut self, now: Stamp, tell: &mut dyn FnMut(&Told)) {
        let at = self.record_time(now);
        let grown = self
            .changes
            .infer(&mut self.joiner, |part| is_settled(part, at));
        self.look_at(grown, (at, now), tell);
        self.known.end_left(now, tell);
    }

    /// Looks at calls again, and tells what has changed.
    fn look_at(
        &mut self,
        slots: impl IntoIterator<Item = u32>,
        times: (Stamp, Stamp),
        tell: &mut dyn FnMut(&Told),
    ) {
        for slot in slots {
            if let Some(news) = self.look(slot, times) {
                tell(news);
            }
        }
    }

    /// Looks at a call again, after the record of a time and at a time; the call if its state is another
    /// than was told.
    fn look(&mut self, slot: u32, (at, now): (Stamp, Stamp)) -> Option<&Told> {
        let call = self.joiner.component(slot);
        let is_settled = is_settled(call, at);
        let facts = self.joiner.in_order(slot);
        let summary = Summary::of(facts)?;
        let state = CallState::of(facts, &summary).filter(|_| is_wanted(facts, &self.filter))?;
        // Of what belongs to another call only an end is told, if nothing has joined it by then.
        if infer::is_likely_part(facts, &summary) && !(is_settled && state.is_over()) {
            return None;
        }
        // Two that were told apart are one when a record joins them.
        let before = self.known.take(summary.legs.iter().map(|leg| &leg.uid));
        let left = CallState::left(facts, &summary);
        let was_told = |state: &CallState| before.iter().any(|told| told.state.is_like(state));
        let state = match (&left, before.last()) {
            // One that was told to have ended is not answered again as long as nobody comes back.
            (Some((left, _)), _) if was_told(left) => left.clone(),
            // An end that may be a moment of a transfer is told when nothing follows it.
            (Some(_), Some(told)) if state.is_over() => told.state.clone(),
            _ => state,
        };
        let same = before.iter().find(|told| told.state.is_like(&state));
        let since = same.map(|told| told.since);
        let told = self.known.put(Told {
            enterprise: self.enterprise.clone(),
            state,
            since: since.unwrap_or(summary.last),
            left: left.map(|(left, waits)| (left, now.plus_millis(waits))),
            summary,
        });
        since.is_none().then_some(told)
    }

    /// Looks at the calls that got more records than are kept, ends those that everybody has left, lets go
    /// of those that nothing can be added to any more, and tells of those whose end was not logged.
    fn tidy(&mut self, now: Stamp, tell: &mut dyn FnMut(&Told)) {
        let flooded = std::mem::take(&mut self.flooded);
        self.look_at(flooded, (self.record_time(now), now), tell);
        self.known.end_left(now, tell);
        for slot in self.joiner.quiet(now) {
            let gone = self.joiner.take(slot);
            let legs = gone.facts.iter();
            let legs = legs.map(|fact| String::from_utf8_lossy(fact.uid()));
            for mut told in self.known.take(legs) {
                if !told.state.is_over() {
                    told.state = CallState::lost();
                    told.since = now;
                    tell(&told);
                }
            }
        }
    }
}

fn is_wanted(facts: &[Fact], filter: &RecordFilter) -> bool {
    filter.is_empty() || facts.iter().any(|fact| fact.matched)
}

/// Whether all that ids can say of where a part belongs has come by now.
fn is_settled(part: &Component, now: Stamp) -> bool {
    part.is_older_than(SETTLED_MILLIS, now)
}

#[cfg(test)]
mod replay;

#[cfg(test)]
mod tests;
