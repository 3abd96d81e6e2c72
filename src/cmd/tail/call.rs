//! One call with all its legs: its records so far, then each as it arrives.
//!
//! An arriving record belongs to the call if it shares a name (an id, bridge or message) with it. A record with a new
//! name, such as a bridge that joins another leg, means that earlier records may belong as well. The whole call is then
//! traced again in the current files, and records that were not printed yet are printed. So a leg brings its earlier
//! records with it, in any order of arrival.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Printer, Tail, arrived, shown};
use crate::cli::TailFormat;
use crate::cmd::Exit;
use crate::cmd::target::check_id;
use crate::cmd::trace::not_found_text;
use calltrace_engine::{AfterAnswer, Trace, TraceQuestion, TracedCall};
use calltrace_follow::{Arrival, EnterpriseSelection, LineBatch, Next, Start};
use calltrace_model::call::{Closure, Event, Fact, Summary, reach};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Record;
use calltrace_output::{StreamRecord, ending, json};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(mut tail: Tail<'_>, asked: &str) -> Result<Exit, Error> {
    check_id(asked)?;
    let (app, args) = (tail.app, tail.args);
    let question = TraceQuestion {
        strict: args.strict,
        ..TraceQuestion::of(asked.to_owned())
    };
    let mut starts = Vec::new();
    let mut traces = Vec::new();
    let mut watched = Vec::new();
    let selected = tail.selected.clone();
    let answers = app
        .engine
        .trace_up_to_now(&app.tree, &selected, &question, tail.then());
    for (enterprise, answer) in selected.iter().zip(answers) {
        let Some(mut trace) = tail.take(enterprise, answer, &mut starts) else {
            continue;
        };
        app.explain(|| format!("{enterprise}: {}", app.searched_text(&trace.searched)));
        app.explain_all(&trace.notes);
        tail.trouble(&trace.troubles);
        match trace.call.take() {
            Some(call) => watched.push(Watched::of_history(trace, call)),
            None => traces.push(trace),
        }
    }
    let waits = watched.is_empty() && args.follows();
    if waits {
        app.say(&format!("{asked} is not in the logs yet; waiting for it"));
    } else if watched.is_empty() {
        app.say(&not_found_text(app, asked, &traces, tail.is_incomplete()));
    }
    let printer = tail.printer();
    let mut tail = CallTail {
        tail,
        question,
        printer,
        watched,
    };
    tail.print_history()?;
    let found = !tail.watched.is_empty();
    tail.tail.begun(found);
    if !args.follows() {
        return Ok(tail.tail.exit(found));
    }
    tail.follow(starts)
}

/// The followed call; several calls if enterprises share the id.
struct CallTail<'d> {
    tail: Tail<'d>,
    question: TraceQuestion,
    printer: Printer<'d>,
    watched: Vec<Watched>,
}

impl CallTail<'_> {
    fn print_history(&mut self) -> Result<(), Error> {
        let calls = self.watched.iter_mut();
        let mut fresh: Vec<StreamRecord<'_>> = calls.flat_map(Watched::not_printed).collect();
        fresh.sort_by_key(|shown| shown.at);
        self.printer.records(fresh)
    }

    fn follow(mut self, mut starts: Vec<Start>) -> Result<Exit, Error> {
        let mut whom = self.tail.whom();
        if !self.watched.is_empty() {
            let calls = &self.watched;
            starts.retain(|start| calls.iter().any(|call| call.is_of(&start.enterprise)));
            let named = starts.iter().map(|start| start.enterprise.clone());
            whom = EnterpriseSelection::Named(named.collect());
        }
        let filter = RecordFilter::default();
        let mut follow = self.tail.follow(whom, starts, filter, &self.printer.out)?;
        for call in &mut self.watched {
            let age = call.facts.last().map(|last| age(&self.tail, last));
            call.set_due(self.tail.args.linger, age.unwrap_or_default());
        }
        loop {
            let dues = self.watched.iter().filter_map(Watched::due);
            let due = dues.filter(|_| self.tail.args.until_hangup).min();
            let deadline = [self.tail.deadline, due].into_iter().flatten().min();
            match follow.next(deadline)? {
                Next::Came(batch) => self.came(&batch)?,
                Next::Deadline => {}
                Next::Interrupted => return Ok(Exit::Interrupted),
                Next::Closed => return Ok(Exit::Found),
            }
            if let Some(exit) = self.end_of_time()? {
                return Ok(exit);
            }
        }
    }

    fn came(&mut self, batch: &LineBatch) -> Result<(), Error> {
        let mut fresh = Vec::new();
        for arrival in batch.lines() {
            if self.watched.is_empty() {
                self.look_for_call(arrival)?;
            }
            for call in &mut self.watched {
                if call.is_of(arrival.enterprise) && call.arrives(arrival) {
                    call.set_due(self.tail.args.linger, Duration::ZERO);
                    fresh.push(shown(arrival));
                }
            }
        }
        self.printer.records(fresh)?;
        for at in 0..self.watched.len() {
            if self.watched[at].is_stale {
                self.trace_again(at)?;
            }
        }
        self.tail.report_news(&batch.news);
        Ok(())
    }

    /// Starts to follow the call if this is one of its records. From then on only this enterprise counts.
    fn look_for_call(&mut self, arrival: Arrival<'_>) -> Result<(), Error> {
        let closure = Closure::of(&self.question.id);
        if !closure.holds(&fact_of(arrival, 0), arrival.text) {
            return Ok(());
        }
        if let Some((trace, call)) = self.trace(arrival.enterprise) {
            let mut call = Watched::new(trace, call);
            self.printer.records(call.not_printed())?;
            call.set_due(self.tail.args.linger, Duration::ZERO);
            self.watched.push(call);
        }
        Ok(())
    }

    /// The call in the current files; `None` if it is no longer there, or if the files can't be read, which is
    /// reported.
    fn trace(&mut self, enterprise: &EnterpriseName) -> Option<(Trace, TracedCall)> {
        let app = self.tail.app;
        let one = std::slice::from_ref(enterprise);
        let answers =
            app.engine
                .trace_up_to_now(&app.tree, one, &self.question, AfterAnswer::Close);
        let answer = answers.into_iter().next()?;
        // The positions are not needed, because the files are already followed.
        let mut trace = self.tail.take(enterprise, answer, &mut Vec::new())?;
        self.tail.trouble(&trace.troubles);
        let call = trace.call.take()?;
        Some((trace, call))
    }

    /// Traces one of the calls again and prints its new records. Returns whether there were any.
    fn trace_again(&mut self, at: usize) -> Result<bool, Error> {
        let enterprise = self.watched[at].trace.enterprise.clone();
        self.watched[at].is_stale = false;
        let Some((trace, call)) = self.trace(&enterprise) else {
            return Ok(false);
        };
        let watched = &mut self.watched[at];
        watched.renew(trace, call);
        let fresh = watched.not_printed();
        let has_grown = !fresh.is_empty();
        self.printer.records(fresh)?;
        if has_grown {
            watched.set_due(self.tail.args.linger, Duration::ZERO);
        }
        Ok(has_grown)
    }

    /// Prints the summaries of calls that have ended. `Some` if there is nothing more to wait for.
    fn end_of_time(&mut self) -> Result<Option<Exit>, Error> {
        let now = Instant::now();
        let is_last = self.tail.is_late();
        let is_over = |call: &Watched| reach::is_over(&call.facts);
        for at in 0..self.watched.len() {
            let call = &self.watched[at];
            let ends = call.due().is_some_and(|due| due <= now) || is_last && is_over(call);
            if self.tail.args.until_hangup && !call.is_done && ends {
                // Some joins by inference are only possible now.
                let has_grown = self.trace_again(at)?;
                if is_last || !has_grown {
                    self.sum_up(at)?;
                }
            }
        }
        let is_done = |call: &Watched| call.is_done || is_last && is_over(call);
        let all = !self.watched.is_empty() && self.watched.iter().all(is_done);
        if all || is_last {
            return Ok(Some(self.tail.exit(all)));
        }
        Ok(None)
    }

    fn sum_up(&mut self, at: usize) -> Result<(), Error> {
        let (app, call) = (self.tail.app, &mut self.watched[at]);
        call.is_done = true;
        let name = match self.watched.len() {
            1 => String::new(),
            _ => format!("{} ", self.watched[at].trace.enterprise),
        };
        let call = &self.watched[at];
        let text = format!("{name}ended: {}", ending(&call.call.summary));
        let out = &mut self.printer.out;
        match self.printer.format {
            TailFormat::Lines => out.styled(|out| writeln!(out, "{text}")),
            TailFormat::Ndjson => {
                let value = json::traced(&call.trace, &call.call, &app.clock, app.now_stamp());
                out.bytes(|out| json::write(out, &value, false))
            }
            // With --format raw stdout gets only lines of the log.
            TailFormat::Raw => {
                app.say(&text);
                Ok(())
            }
        }
    }
}

/// How often a line of the call was printed and has arrived.
#[derive(Default)]
struct PrintedCounts {
    printed: u32,
    arrived: u32,
}

/// A call in one enterprise.
struct Watched {
    /// The last trace, without its call.
    trace: Trace,
    /// The call of the last trace; its closure also holds what arrived since.
    call: TracedCall,
    /// All facts of the call, in order of time.
    facts: Vec<Fact>,
    /// By the bytes of the line, because its place changes with a rotation.
    counts: HashMap<Box<[u8]>, PrintedCounts>,
    arrivals: u64,
    /// Earlier records may belong to the call by now.
    is_stale: bool,
    /// When no more records are expected; `None` if that is not known.
    due: Option<Instant>,
    /// The summary was printed.
    is_done: bool,
}

impl Watched {
    /// A call found while files are followed: its lines may also arrive.
    fn new(trace: Trace, call: TracedCall) -> Watched {
        Watched {
            trace,
            facts: call.facts.clone(),
            call,
            counts: HashMap::new(),
            arrivals: 0,
            is_stale: false,
            due: None,
            is_done: false,
        }
    }

    /// A call found before following begins: its lines will not arrive again.
    fn of_history(trace: Trace, call: TracedCall) -> Watched {
        let mut watched = Watched::new(trace, call);
        for line in &watched.call.lines {
            let counts = watched.counts.entry(line.text.clone()).or_default();
            counts.arrived += 1;
        }
        watched
    }

    fn is_of(&self, enterprise: &EnterpriseName) -> bool {
        self.trace.enterprise == *enterprise
    }

    fn renew(&mut self, trace: Trace, call: TracedCall) {
        self.facts = call.facts.clone();
        self.trace = trace;
        self.call = call;
    }

    /// The records of the trace that were not printed yet; they count as printed from now on.
    fn not_printed(&mut self) -> Vec<StreamRecord<'_>> {
        let mut traced: HashMap<&[u8], u32> = HashMap::new();
        let mut fresh = Vec::new();
        for line in &self.call.lines {
            let count = traced.entry(&line.text).or_default();
            *count += 1;
            let counts = self.counts.entry(line.text.clone()).or_default();
            if *count <= counts.printed {
                continue;
            }
            counts.printed += 1;
            let file = self.call.files.get(line.place.source as usize);
            fresh.push(StreamRecord {
                enterprise: self.trace.enterprise.as_str(),
                file: file.map_or("?", String::as_str),
                offset: line.place.offset,
                at: line.at,
                text: &line.text,
            });
        }
        fresh
    }

    /// Takes an arriving record. Returns whether it belongs to the call and was not printed yet.
    fn arrives(&mut self, arrival: Arrival<'_>) -> bool {
        let fact = fact_of(arrival, self.arrivals);
        if !self.call.closure.holds(&fact, arrival.text) {
            return false;
        }
        self.arrivals += 1;
        self.is_stale |= self.call.closure.absorb(&fact) || fact.event == Event::Hangup;
        let counts = self.counts.entry(arrival.text.into()).or_default();
        counts.arrived += 1;
        if counts.arrived <= counts.printed {
            return false;
        }
        counts.printed += 1;
        self.facts.push(fact);
        self.facts.sort_by_key(|fact| (fact.at, fact.place));
        true
    }

    /// Computes when no more records are expected, if the last one is `age` old.
    fn set_due(&mut self, linger: Duration, age: Duration) {
        let has_ended = || Summary::of(&self.facts).is_some_and(|summary| summary.ended);
        let rest = if reach::is_over(&self.facts) {
            Some(linger)
        } else if has_ended() {
            // All participants have left, and no hangup shows that no further person is being rung.
            u64::try_from(reach::silence(&self.facts))
                .ok()
                .map(Duration::from_millis)
        } else {
            None
        };
        let left = rest.map(|rest| rest.saturating_sub(age));
        self.due = left.and_then(|left| Instant::now().checked_add(left));
    }

    fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_done)
    }
}

fn fact_of(arrival: Arrival<'_>, number: u64) -> Fact {
    Fact::of(&Record::parse(arrival.text), arrival.at, arrived(number))
}

/// The age of a record.
fn age(tail: &Tail<'_>, fact: &Fact) -> Duration {
    let written = tail.app.clock.log.moment(fact.at);
    (tail.app.now.utc() - written).to_std().unwrap_or_default()
}
