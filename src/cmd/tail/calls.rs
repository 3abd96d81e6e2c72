//! One line a call as it changes state.
//!
//! Records are taken one by one in the order in which they come, so that what is printed in a pipe
//! does not depend on how they were read. How it is printed is `board`'s.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::Tail;
use super::board::{Board, Told};
use crate::call::{Component, Fact, Joiner, State, Summary, infer};
use crate::cmd::Exit;
use crate::error::Error;
use crate::filter::RecordFilter;
use crate::follow::{Arrival, Next, Start};
use crate::record::{LogZone, Record, Stamp};
use crate::scan::Place;
use crate::tree::EnterpriseName;

/// Facts of records that arrive come behind those of the files, in the order of their arrival.
const ARRIVED: u32 = u32::MAX;

/// Records of one moment are written within this time (milliseconds): before, a part that shares no
/// id is not joined by circumstance, as an id may do it yet.
const SETTLED_MILLIS: i64 = 5_000;

/// How often calls are looked for that nothing more can come of.
const TIDY_EVERY: Duration = Duration::from_secs(20);

pub(super) fn run(mut tail: Tail<'_>) -> Result<Exit, Error> {
    let mut board = Board::new(&tail);
    let mut starts = Vec::new();
    let mut watch = Watch {
        filter: tail.args.filter(),
        zone: tail.desk.engine.zone(),
        all: HashMap::new(),
    };
    watch.begin(&mut tail, &mut starts);
    if !tail.args.follows() {
        board.begin(watch.going_on())?;
        if !board.has_printed() {
            tail.desk.say("no call is going on");
        }
        return Ok(tail.exit(board.has_printed()));
    }
    follow(&tail, starts, watch, board)
}

fn follow(
    tail: &Tail<'_>,
    starts: Vec<Start>,
    mut watch: Watch,
    mut board: Board,
) -> Result<Exit, Error> {
    // Every record may belong to a call that one of its records lets pass.
    let everything = RecordFilter::default();
    let mut follow = tail.follow(tail.whom(), starts, everything, board.out())?;
    // Only now, when Ctrl-C would not leave a terminal without its cursor.
    board.begin(watch.going_on())?;
    let mut tidied = Instant::now();
    loop {
        let tick = Instant::now() + board.tick().unwrap_or(TIDY_EVERY);
        let next = tail.deadline.map_or(tick, |deadline| deadline.min(tick));
        match follow.next(Some(next))? {
            Next::Came(batch) => {
                for arrival in batch.lines() {
                    watch.take(arrival, &mut board);
                }
                tail.tell(&batch.news);
            }
            Next::Deadline => {}
            Next::Interrupted => return Ok(Exit::Interrupted),
            Next::Closed => return Ok(Exit::Found),
        }
        if tidied.elapsed() >= TIDY_EVERY {
            watch.forget_quiet(&mut board);
            tidied = Instant::now();
        }
        board.print(watch.going_on())?;
        if tail.is_late() {
            return Ok(tail.exit(board.has_printed()));
        }
    }
}

/// The calls of all enterprises.
struct Watch {
    /// What one of a call's records must be like.
    filter: RecordFilter,
    zone: LogZone,
    all: HashMap<EnterpriseName, Calls>,
}

impl Watch {
    /// Takes the calls that are going on when it begins.
    fn begin(&mut self, tail: &mut Tail<'_>, starts: &mut Vec<Start>) {
        let (desk, now) = (tail.desk, self.now());
        let selected = tail.selected.clone();
        let answers = desk
            .engine
            .open_calls(&desk.tree, &selected, &self.filter, now);
        for (enterprise, answer) in selected.iter().zip(answers) {
            let Some(open) = tail.take(enterprise, answer, starts) else {
                continue;
            };
            desk.explain_all(&open.notes);
            tail.trouble(&open.troubles);
            let calls = Calls::begin(enterprise, open.calls, &self.filter);
            let going = calls.told.iter().filter(|told| !told.state.is_over());
            let going = going.count();
            desk.explain(|| format!("{enterprise}: {going} calls going on"));
            self.all.insert(enterprise.clone(), calls);
        }
    }

    fn take(&mut self, arrival: Arrival<'_>, board: &mut Board) {
        if !self.all.contains_key(arrival.enterprise) {
            let new = EnterpriseName::clone(arrival.enterprise);
            self.all.insert(new, Calls::default());
        }
        let calls = self
            .all
            .get_mut(arrival.enterprise)
            .expect("it is there by now");
        calls.take(arrival, &self.filter, board);
    }

    fn forget_quiet(&mut self, board: &mut Board) {
        let now = self.now();
        for calls in self.all.values_mut() {
            calls.forget_quiet(now, board);
        }
    }

    fn going_on(&self) -> impl Iterator<Item = &Told> {
        let told = self.all.values().flat_map(|calls| &calls.told);
        told.filter(|told| !told.state.is_over())
    }

    /// The time as a record written now would have it.
    fn now(&self) -> Stamp {
        self.zone.stamp(Utc::now())
    }
}

/// The calls of one enterprise.
#[derive(Default)]
struct Calls {
    joiner: Joiner,
    /// The calls that were told of, as they were told last, for as long as the joiner knows them.
    told: Vec<Told>,
    arrivals: u64,
}

impl Calls {
    fn begin(enterprise: &EnterpriseName, joiner: Joiner, filter: &RecordFilter) -> Calls {
        let mut calls = Calls {
            joiner,
            ..Calls::default()
        };
        let open: Vec<u32> = calls.joiner.components().map(|(slot, _)| slot).collect();
        for slot in open {
            let facts = calls.joiner.in_order(slot);
            let (Some(summary), Some((state, since))) = (Summary::of(facts), State::latest(facts))
            else {
                continue;
            };
            if is_wanted(facts, filter) && !infer::is_likely_part(facts, &summary) {
                calls.told.push(Told {
                    enterprise: enterprise.clone(),
                    summary,
                    state,
                    since,
                });
            }
        }
        calls
    }

    /// Adds a record and tells what it changed.
    fn take(&mut self, arrival: Arrival<'_>, filter: &RecordFilter, board: &mut Board) {
        self.arrivals += 1;
        let place = Place {
            source: ARRIVED,
            offset: self.arrivals,
        };
        let record = Record::parse(arrival.text);
        let mut fact = Fact::of(&record, arrival.at, place);
        fact.matched = !filter.is_empty() && filter.matches(&record, Some(arrival.at));
        let (at, tells) = (fact.at, fact.is_asterisk() || fact.matched);
        let own = self.joiner.push(fact);
        if !tells {
            return;
        }
        let mut changed = self.joiner.infer(|part| is_settled(part, at));
        changed.extend(own.filter(|slot| !changed.contains(slot)));
        for slot in changed {
            if let Some(news) = self.look(arrival.enterprise, slot, at, filter) {
                board.tell(news);
            }
        }
    }

    /// Looks at a call again; the call if its state is another than was told.
    fn look(
        &mut self,
        enterprise: &EnterpriseName,
        slot: u32,
        at: Stamp,
        filter: &RecordFilter,
    ) -> Option<&Told> {
        let call = self.joiner.component(slot);
        let is_settled = is_settled(call, at);
        let facts = self.joiner.in_order(slot);
        let summary = Summary::of(facts)?;
        let state = State::of(facts, &summary).filter(|_| is_wanted(facts, filter))?;
        // Of what belongs to another call only an end is told, if nothing has joined it by then.
        if infer::is_likely_part(facts, &summary) && !(is_settled && state.is_over()) {
            return None;
        }
        // Two that were told apart are one when a record joins them.
        let is_it = |told: &mut Told| told.shares_leg(&summary);
        let before: Vec<Told> = self.told.extract_if(.., is_it).collect();
        let known = before.iter().find(|told| told.state.is_like(&state));
        let since = known.map(|told| told.since);
        self.told.push(Told {
            enterprise: enterprise.clone(),
            summary,
            state,
            since: since.unwrap_or(at),
        });
        self.told.last().filter(|_| since.is_none())
    }

    /// Lets go of calls that nothing can be added to any more, and tells of those whose end was not
    /// logged.
    fn forget_quiet(&mut self, now: Stamp, board: &mut Board) {
        for slot in self.joiner.quiet(now) {
            let gone = self.joiner.take(slot);
            let has_leg = |uid: &str| gone.facts.iter().any(|fact| fact.uid() == uid.as_bytes());
            let is_it = |told: &mut Told| told.summary.legs.iter().any(|leg| has_leg(&leg.uid));
            for mut told in self.told.extract_if(.., is_it) {
                if !told.state.is_over() {
                    told.state = State::lost();
                    told.since = now;
                    board.tell(&told);
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
