//! How the states of calls are printed: on a terminal the calls that go on are rows at its lower end
//! and what has ended stays above; in a pipe each change is a line.

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

/// Rows tell how long they have lasted, by the second.
const TICK: Duration = Duration::from_secs(1);

/// A call as it was told.
pub(super) struct Told {
    pub enterprise: EnterpriseName,
    pub summary: Summary,
    pub state: CallState,
    pub since: Stamp,
    /// Where everybody has left: its state if nothing more comes of it until that time.
    pub left: Option<(CallState, Stamp)>,
}

impl Told {
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

/// Parties that were asked for are remembered up to this number.
const ASKED_MAX: usize = 10_000;

/// Who is who, asked once for each.
struct Names<'d> {
    app: &'d App,
    known: HashMap<EnterpriseName, People>,
    asked: HashSet<(EnterpriseName, String)>,
    nobody: People,
}

impl Names<'_> {
    /// Asks for those of a call who were not asked for before.
    fn learn(&mut self, told: &Told) {
        if self.app.book().is_none() {
            return;
        }
        if self.asked.len() > ASKED_MAX {
            self.asked.clear();
            self.known.clear();
        }
        let summary = &told.summary;
        let parties = summary.rang.iter().chain(&summary.answered_by);
        let parties = parties.chain(&summary.transferred_to);
        let mut is_new = false;
        for party in parties.chain([&summary.client]) {
            is_new |= self.asked.insert((told.enterprise.clone(), party.clone()));
        }
        if !is_new {
            return;
        }
        for (enterprise, people) in names::people_of(self.app, &[(&told.enterprise, summary)]) {
            let known = self.known.entry(enterprise).or_default();
            known.extensions.extend(people.extensions);
            known.clients.extend(people.clients);
        }
    }

    fn of(&self, enterprise: &EnterpriseName) -> &People {
        self.known.get(enterprise).unwrap_or(&self.nobody)
    }
}

/// Prints what is told.
pub(super) struct Board<'d> {
    view: View,
    rows: CallRows,
    names: Names<'d>,
    links: Links<'d>,
    now: WallClock,
    format: TailFormat,
    /// What was told and not printed yet.
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
            names: Names {
                app: tail.app,
                known: HashMap::new(),
                asked: HashSet::new(),
                nobody: People::default(),
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

    /// When to print again though nothing was told; `None` for never.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.has_rows.then_some(TICK)
    }

    /// Prints the calls that go on when it begins, in the order of their states.
    pub(super) fn begin<'t>(&mut self, going: impl Iterator<Item = &'t Told>) -> Result<(), Error> {
        let mut going: Vec<&Told> = going.collect();
        going.sort_by_key(|told| (told.since, &told.enterprise));
        for told in &going {
            self.tell(told);
        }
        self.print(going.into_iter())
    }

    /// Takes a call whose state is another now.
    pub(super) fn tell(&mut self, told: &Told) {
        let is_row = matches!(self.view, View::Screen(_)) && !told.state.is_over();
        self.has_printed = true;
        if self.format == TailFormat::Lines {
            self.names.learn(told);
        }
        if is_row {
            return;
        }
        let clock = &self.rows.clock;
        let mut text = Vec::new();
        let written = match self.format {
            TailFormat::Ndjson => {
                let name = told.enterprise.as_str();
                let value = json::call_state(name, &told.summary, &told.state, told.since, clock);
                json::write(&mut text, &value, false).map_err(Error::Output)
            }
            TailFormat::Lines | TailFormat::Raw => {
                let people = self.names.of(&told.enterprise);
                let line = self.rows.line(&told.row(people));
                let dressed = self.out().dressed(|out| writeln!(out, "{line}"));
                dressed.map(|dressed| text = dressed)
            }
        };
        written.expect("memory takes whatever is written");
        self.pending.append(&mut text);
    }

    /// Prints what was told, and on a terminal the calls that go on.
    pub(super) fn print<'t>(&mut self, going: impl Iterator<Item = &'t Told>) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        let screen = match &mut self.view {
            View::Lines(_) if pending.is_empty() => return Ok(()),
            View::Lines(out) => return out.bytes(|out| out.write_all(&pending)),
            View::Screen(screen) => screen,
        };
        let (width, height) = screen.room();
        let mut going: Vec<&Told> = going.collect();
        going.sort_by_key(|told| (told.summary.first, &told.enterprise));
        let now = self.rows.clock.log.stamp(self.now.utc());
        // Below the headline and the heads.
        let shown = &going[going.len().saturating_sub(height.saturating_sub(2).max(1))..];
        let names = &self.names;
        let rows: Vec<CallMoment<'_>> = shown
            .iter()
            .map(|told| told.row(names.of(&told.enterprise)))
            .collect();
        self.has_rows = !rows.is_empty();
        let lines = self.rows.board(&rows, going.len(), now, width, &|row| {
            let enterprise = EnterpriseName::new(row.enterprise)?;
            self.links.address(&enterprise, &row.summary.main_uid)
        });
        screen.draw(&pending, &lines, width)
    }
}
