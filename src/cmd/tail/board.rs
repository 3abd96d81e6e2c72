//! Prints the states of calls: on a terminal the calls in progress are rows at its lower end, and ended calls stay
//! above them; in a pipe each change is a line.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::Tail;
use super::screen::Screen;
use crate::cli::TailFormat;
use crate::cmd::links::Links;
use crate::cmd::talk::Out;
use crate::cmd::{App, names};
use calltrace_model::call::{CallState, Summary};
use calltrace_model::record::Stamp;
use calltrace_output::{CallMoment, CallRows, People, json};
use calltrace_store::error::Error;
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::EnterpriseName;

/// Time between two updates, because rows show their duration in seconds.
const TICK: Duration = Duration::from_secs(1);

/// A call with the state that was reported last.
pub(super) struct ReportedCall {
    pub enterprise: EnterpriseName,
    pub summary: Summary,
    pub state: CallState,
    pub since: Stamp,
    /// If all participants have left: the final state, and the time at which it is reported unless something follows.
    pub left: Option<(CallState, Stamp)>,
}

impl ReportedCall {
    fn row<'r>(&'r self, people: &'r People) -> CallMoment<'r> {
        CallMoment {
            people,
            enterprise: self.enterprise.as_str(),
            summary: &self.summary,
            state: &self.state,
            since: self.since,
        }
    }
}

enum View {
    Lines(Out),
    Screen(Screen),
}

/// Maximum number of parties with remembered names.
const ASKED_MAX: usize = 10_000;

/// The names of the participants; each party is looked up once.
struct NameCache<'d> {
    app: &'d App,
    known: HashMap<EnterpriseName, People>,
    asked: HashSet<(EnterpriseName, String)>,
    unnamed: People,
}

impl NameCache<'_> {
    /// Looks up the parties of a call that were not looked up before.
    fn learn(&mut self, call: &ReportedCall) {
        if self.app.book().is_none() {
            return;
        }
        if self.asked.len() > ASKED_MAX {
            self.asked.clear();
            self.known.clear();
        }
        let summary = &call.summary;
        let parties = summary.rang.iter().chain(&summary.answered_by);
        let parties = parties.chain(&summary.transferred_to);
        let mut is_new = false;
        for party in parties.chain([&summary.client]) {
            is_new |= self.asked.insert((call.enterprise.clone(), party.clone()));
        }
        if !is_new {
            return;
        }
        for (enterprise, people) in names::people_of(self.app, &[(&call.enterprise, summary)]) {
            let known = self.known.entry(enterprise).or_default();
            known.extensions.extend(people.extensions);
            known.clients.extend(people.clients);
        }
    }

    fn of(&self, enterprise: &EnterpriseName) -> &People {
        self.known.get(enterprise).unwrap_or(&self.unnamed)
    }
}

/// Prints the reported calls.
pub(super) struct Board<'d> {
    view: View,
    rows: CallRows,
    names: NameCache<'d>,
    links: Links<'d>,
    now: WallClock,
    format: TailFormat,
    /// Text of reported calls that is not printed yet.
    pending: Vec<u8>,
    has_printed: bool,
    /// Rows are on the screen.
    has_rows: bool,
}

impl<'d> Board<'d> {
    pub(super) fn new(tail: &Tail<'d>) -> Board<'d> {
        let (out, format) = (tail.app.out(), tail.args.format());
        let live = tail.args.follows() && format == TailFormat::Lines && out.is_screen();
        Board {
            links: Links::of(tail.app, &out),
            view: match live {
                true => View::Screen(Screen::new(out)),
                false => View::Lines(out),
            },
            rows: CallRows {
                clock: tail.app.clock,
                name_width: tail.name_width(),
            },
            names: NameCache {
                app: tail.app,
                known: HashMap::new(),
                asked: HashSet::new(),
                unnamed: People::default(),
            },
            now: tail.app.now.clone(),
            format,
            pending: Vec::new(),
            has_printed: false,
            has_rows: false,
        }
    }

    pub(super) fn out(&self) -> &Out {
        match &self.view {
            View::Lines(out) => out,
            View::Screen(screen) => screen.out(),
        }
    }

    pub(super) fn has_printed(&self) -> bool {
        self.has_printed
    }

    /// Time until the next update without a new report; `None` for never.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.has_rows.then_some(TICK)
    }

    /// Prints the calls that are in progress at the start, in the order of their last changes.
    pub(super) fn begin<'t>(
        &mut self,
        going: impl Iterator<Item = &'t ReportedCall>,
    ) -> Result<(), Error> {
        let mut going: Vec<&ReportedCall> = going.collect();
        going.sort_by_key(|call| (call.since, &call.enterprise));
        for call in &going {
            self.report(call);
        }
        self.print(going.into_iter())
    }

    /// Reports a call with a new state.
    pub(super) fn report(&mut self, call: &ReportedCall) {
        let is_row = matches!(self.view, View::Screen(_)) && !call.state.is_over();
        self.has_printed = true;
        if self.format == TailFormat::Lines {
            self.names.learn(call);
        }
        if is_row {
            return;
        }
        let clock = &self.rows.clock;
        let mut text = Vec::new();
        let written = match self.format {
            TailFormat::Ndjson => {
                let name = call.enterprise.as_str();
                let value = json::call_state(name, &call.summary, &call.state, call.since, clock);
                json::write(&mut text, &value, false).map_err(Error::Output)
            }
            TailFormat::Lines | TailFormat::Raw => {
                let people = self.names.of(&call.enterprise);
                let line = self.rows.line(&call.row(people));
                let dressed = self.out().dressed(|out| writeln!(out, "{line}"));
                dressed.map(|dressed| text = dressed)
            }
        };
        written.expect("memory takes whatever is written");
        self.pending.append(&mut text);
    }

    /// Prints the reported calls, and on a terminal the calls in progress.
    pub(super) fn print<'t>(
        &mut self,
        going: impl Iterator<Item = &'t ReportedCall>,
    ) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        let screen = match &mut self.view {
            View::Lines(_) if pending.is_empty() => return Ok(()),
            View::Lines(out) => return out.bytes(|out| out.write_all(&pending)),
            View::Screen(screen) => screen,
        };
        let (width, height) = screen.room();
        let mut going: Vec<&ReportedCall> = going.collect();
        going.sort_by_key(|call| (call.summary.first, &call.enterprise));
        let now = self.rows.clock.log.stamp(self.now.utc());
        // Two lines are for the count and the column heads.
        let shown = &going[going.len().saturating_sub(height.saturating_sub(2).max(1))..];
        let names = &self.names;
        let rows: Vec<CallMoment<'_>> = shown
            .iter()
            .map(|call| call.row(names.of(&call.enterprise)))
            .collect();
        self.has_rows = !rows.is_empty();
        let lines = self.rows.board(&rows, going.len(), now, width, &|row| {
            let enterprise = EnterpriseName::new(row.enterprise)?;
            self.links.address(&enterprise, &row.summary.main_uid)
        });
        screen.draw(&pending, &lines, width)
    }
}
