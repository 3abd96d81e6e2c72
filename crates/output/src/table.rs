//! Calls for people: one row per call, as many columns as fit.

use std::collections::BTreeMap;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::layout::{cut, fit};
use super::number::{local, phone};
use super::{Clock, People, style, words};
use calltrace_model::call::Summary;
use calltrace_model::sanitise;
use calltrace_model::stats::Fate;
use calltrace_store::tree::EnterpriseName;

/// The greatest width of the parties (columns of the terminal).
const NAMES_WIDTH_MAX: usize = 32;
/// Nearly every id is at most this wide; if only a few are wider, columns are laid out without those.
const ID_WIDTH: usize = 16;
/// The least width of a name in a narrow column; with fewer columns the name is left out.
const NAME_WIDTH_MIN: usize = 5;

/// A row: the enterprise's name, and its call.
type ListRow<'r> = (&'r EnterpriseName, &'r Summary);

/// How calls are shown.
pub struct TableOptions<'o> {
    /// Formats times.
    pub clock: &'o Clock,
    /// What rows must fit in, 60 columns or more. `None` for any width, where each row has its date, so
    /// that a row is whole when it is picked out of a pipe.
    pub width: Option<usize>,
    /// Whether each missed call was returned, if that was asked for.
    pub fates: Option<&'o [Option<Fate<'o>>]>,
    /// Names of parties, by enterprise.
    pub people: &'o BTreeMap<EnterpriseName, People>,
    /// The address of a call's page, if ids are to be links.
    pub link: &'o dyn Fn(&EnterpriseName, &str) -> Option<String>,
}

const HEADS: [&str; 11] = [
    "TIME",
    "ENT",
    "DIR",
    "CLIENT",
    "WHO",
    "RESULT",
    "CALLED BACK",
    "RING",
    "TALK",
    "TG",
    "ID",
];
const TIME: usize = 0;
const ENTERPRISE: usize = 1;
const DIRECTION: usize = 2;
const CLIENT: usize = 3;
const WHO: usize = 4;
const RESULT: usize = 5;
const CALLED_BACK: usize = 6;
const RING: usize = 7;
const TALK: usize = 8;
const TG: usize = 9;
const ID: usize = 10;

/// A way to make rows narrower.
enum Narrowing {
    /// A column leaves.
    Leave(usize),
    /// Times lose their seconds.
    Minutes,
    /// Numbers lose their country code.
    Local,
    /// A column is cut to at most so many columns of the terminal.
    Cut(usize, usize),
    /// Ids that are all wide go below their rows.
    Below,
}

/// The ways, in the order in which they are tried until rows fit.
const STEPS: [Narrowing; 17] = [
    Narrowing::Cut(CLIENT, 24),
    Narrowing::Cut(WHO, 16),
    Narrowing::Leave(TG),
    Narrowing::Leave(RING),
    Narrowing::Leave(TALK),
    Narrowing::Minutes,
    Narrowing::Local,
    Narrowing::Cut(CLIENT, 12),
    Narrowing::Cut(WHO, 7),
    Narrowing::Cut(CALLED_BACK, 12),
    Narrowing::Below,
    Narrowing::Cut(CALLED_BACK, 7),
    Narrowing::Cut(ENTERPRISE, 6),
    Narrowing::Cut(WHO, 5),
    Narrowing::Leave(DIRECTION),
    Narrowing::Cut(RESULT, 7),
    Narrowing::Cut(CLIENT, 8),
];

/// Writes the rows, newest first as they come, under the zone of their times and a head. Nothing
/// without rows.
///
/// # Errors
/// When `out` can't be written.
pub fn write_table(
    out: &mut impl Write,
    rows: &[ListRow<'_>],
    options: &TableOptions<'_>,
) -> io::Result<()> {
    let Some((_, newest)) = rows.first() else {
        return Ok(());
    };
    let clock = options.clock;
    let mut table = ListTable::new(rows, options);
    let room = options.width.unwrap_or(usize::MAX);
    for step in &STEPS {
        table.take(step, room);
    }
    let zone = match options.width.is_none() && table.has_offsets {
        true => clock.zone_name().to_owned(),
        false => clock.zone(newest.first),
    };
    writeln!(out, "{}", style::faint(&format!("times of {zone}")))?;
    writeln!(out, "{}", table.head())?;
    let mut head = None;
    for (at, (_, call)) in rows.iter().enumerate() {
        let heading = match &mut head {
            _ if options.width.is_none() => None,
            Some(head) => clock.heading(head, call.first),
            None => {
                head = Some(clock.day_and_offset(call.first));
                Some(format!("--- {}", clock.date(call.first)))
            }
        };
        if let Some(heading) = heading {
            writeln!(out, "{}", style::faint(&heading))?;
        }
        table.write(out, at, room)?;
    }
    Ok(())
}

/// The cells of rows, as wide as they are to be shown.
struct ListTable<'t> {
    rows: &'t [ListRow<'t>],
    options: &'t TableOptions<'t>,
    /// The cells, by column, then by row.
    cells: [Vec<String>; 11],
    /// The width of each column; 0 for one that is not shown.
    widths: [usize; 11],
    /// Times are of two offsets.
    has_offsets: bool,
    shows_seconds: bool,
    shows_country: bool,
}

impl<'t> ListTable<'t> {
    fn new(rows: &'t [ListRow<'t>], options: &'t TableOptions<'t>) -> ListTable<'t> {
        let times = rows.iter().map(|(_, call)| call.first);
        let mut table = ListTable {
            rows,
            options,
            cells: Default::default(),
            widths: [0; 11],
            has_offsets: options.clock.offsets(times).is_some(),
            shows_seconds: true,
            shows_country: true,
        };
        for column in 0..HEADS.len() {
            table.fill(column, usize::MAX);
        }
        if rows.iter().all(|(name, _)| *name == rows[0].0) {
            table.widths[ENTERPRISE] = 0;
        }
        if options.fates.is_none() {
            table.widths[CALLED_BACK] = 0;
        }
        let ids = table.cells[ID].iter().map(|id| id.width());
        let (usual, wide): (Vec<usize>, Vec<usize>) = ids.partition(|width| *width <= ID_WIDTH);
        if wide.len() * 10 <= usual.len() {
            table.widths[ID] = usual.into_iter().max().unwrap_or(0);
        }
        table
    }

    /// Writes the cells of a column again, in at most so many columns of the terminal.
    fn fill(&mut self, column: usize, limit: usize) {
        let cells: Vec<String> = (0..self.rows.len())
            .map(|at| cut(&self.cell(column, at, limit), limit))
            .collect();
        let widest = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
        self.widths[column] = widest.max(HEADS[column].width()).min(limit);
        self.cells[column] = cells;
    }

    fn cell(&self, column: usize, at: usize, limit: usize) -> String {
        let (name, call) = self.rows[at];
        let clock = self.options.clock;
        let span = |millis: Option<i64>| millis.map_or("-".to_owned(), words::duration);
        match column {
            TIME if self.options.width.is_some() => {
                let time = clock.time(call.first);
                match self.shows_seconds {
                    true => time,
                    false => time[..5].to_owned(),
                }
            }
            TIME if self.has_offsets => clock.date_time_offset(call.first),
            TIME => clock.date_time(call.first),
            ENTERPRISE => name.to_string(),
            CLIENT => {
                let number = self.number(&call.client);
                let name = self.name(name, &call.client);
                named(&number, name.as_deref(), limit.min(NAMES_WIDTH_MAX))
            }
            WHO => self.who(at, limit.min(NAMES_WIDTH_MAX)),
            RESULT => words::short_outcome(call.outcome).to_owned(),
            CALLED_BACK => {
                let fate = self.options.fates.and_then(|fates| fates[at].as_ref());
                fate.map_or(String::new(), called_back)
            }
            RING => span(call.ring_millis),
            // The parties talked, but the length is not known.
            TALK if words::lacks_end(call) => "?".to_owned(),
            TALK => span(call.talk_millis),
            TG if call.messages.sent == 0 => "-".to_owned(),
            TG => format!("{}/{}", call.messages.standing, call.messages.sent),
            ID => sanitise::sanitise(call.main_uid.as_bytes()).into_owned(),
            _ => words::short_direction(call.direction).to_owned(),
        }
    }

    fn number(&self, party: &str) -> String {
        match self.shows_country {
            true => phone(party),
            false => local(party),
        }
    }

    fn name(&self, enterprise: &EnterpriseName, party: &str) -> Option<String> {
        self.options.people.get(enterprise)?.name(party)
    }

    /// Who answered; for a call without an answer, who rang.
    fn who(&self, at: usize, limit: usize) -> String {
        let (enterprise, call) = self.rows[at];
        let transfers = match call.transfers {
            0 => "",
            1 => " +1",
            2 => " +2",
            _ => " +n",
        };
        if let Some(who) = &call.answered_by {
            let name = self.name(enterprise, who);
            let room = limit.saturating_sub(transfers.len());
            return format!(
                "{}{transfers}",
                named(&self.number(who), name.as_deref(), room)
            );
        }
        if let [one] = call.rang.as_slice() {
            return named(
                &self.number(one),
                self.name(enterprise, one).as_deref(),
                limit,
            );
        }
        let all = |separator: &str, name: &dyn Fn(&str) -> Option<String>| {
            let rang = call.rang.iter().map(|who| match name(who) {
                Some(name) => format!("{} {name}", self.number(who)),
                None => self.number(who),
            });
            rang.collect::<Vec<_>>().join(separator)
        };
        let whole = all(", ", &|who| self.name(enterprise, who));
        match whole.width() <= limit {
            true if call
                .rang
                .iter()
                .any(|who| self.name(enterprise, who).is_some()) =>
            {
                whole
            }
            _ => cut(&all(",", &|_| None), limit),
        }
    }

    /// Applies one way if rows are wider than the room.
    fn take(&mut self, step: &Narrowing, room: usize) {
        let excess = self.width().saturating_sub(room);
        if excess == 0 {
            return;
        }
        match *step {
            Narrowing::Leave(column) => self.widths[column] = 0,
            Narrowing::Minutes => {
                self.shows_seconds = false;
                self.fill(TIME, usize::MAX);
            }
            Narrowing::Local => {
                self.shows_country = false;
                self.fill(CLIENT, self.widths[CLIENT]);
                self.fill(WHO, self.widths[WHO]);
            }
            Narrowing::Cut(column, least) if self.widths[column] > least => {
                let limit = self.widths[column].saturating_sub(excess).max(least);
                self.fill(column, limit);
            }
            Narrowing::Cut(..) => {}
            Narrowing::Below if self.widths[ID] > ID_WIDTH => self.widths[ID] = 0,
            Narrowing::Below => {}
        }
    }

    /// The width of a row, with a blank between columns.
    fn width(&self) -> usize {
        let shown = self.widths.iter().filter(|width| **width > 0);
        shown
            .map(|width| width + 1)
            .sum::<usize>()
            .saturating_sub(1)
    }

    fn shown(&self) -> impl Iterator<Item = usize> {
        (0..ID).filter(|&column| self.widths[column] > 0)
    }

    fn head(&self) -> String {
        let heads = self
            .shown()
            .map(|column| self.padded(column, HEADS[column]));
        let heads = heads.collect::<Vec<_>>().join(" ");
        let id = if self.widths[ID] > 0 { " ID" } else { "" };
        format!("{heads}{id}").trim_end().to_owned()
    }

    fn padded(&self, column: usize, cell: &str) -> String {
        let width = self.widths[column];
        match column {
            RING | TALK | TG => format!("{cell:>width$}"),
            _ => fit(cell, width),
        }
    }

    fn write(&self, out: &mut impl Write, at: usize, room: usize) -> io::Result<()> {
        let (name, call) = self.rows[at];
        let cells = self.shown().map(|column| {
            let cell = self.padded(column, &self.cells[column][at]);
            match column {
                RESULT => style::outcome(call.outcome, &cell),
                _ => cell,
            }
        });
        write!(out, "{}", cells.collect::<Vec<_>>().join(" "))?;
        let id = &self.cells[ID][at];
        let taken: usize = self.shown().map(|column| self.widths[column] + 1).sum();
        match taken + id.width() > room {
            true => write!(out, "\n{}", " ".repeat(room.saturating_sub(id.width())))?,
            false => write!(out, " ")?,
        }
        match (self.options.link)(name, &call.main_uid) {
            Some(address) => writeln!(out, "{}", style::linked(&address, id)),
            None => writeln!(out, "{id}"),
        }
    }
}

/// A number and the name that goes with it, of which as much is shown as fits.
fn named(number: &str, name: Option<&str>, room: usize) -> String {
    match name {
        Some(name) if number.width() + 1 + NAME_WIDTH_MIN <= room => {
            cut(&format!("{number} {name}"), room)
        }
        _ => number.to_owned(),
    }
}

/// The words for whether a missed call was returned.
fn called_back(fate: &Fate<'_>) -> String {
    let by = |by: &str| match by {
        "" => String::new(),
        by => format!(" by {}", phone(by)),
    };
    match fate {
        Fate::CalledBack {
            by: who,
            after_millis,
            reached,
        } => {
            let end = if *reached { "" } else { ", not reached" };
            format!("after {}{}{end}", words::duration(*after_millis), by(who))
        }
        Fate::RangAgain { after_millis, .. } => {
            format!("rang again after {}", words::duration(*after_millis))
        }
        Fate::Anonymous => "without a number".to_owned(),
        Fate::Pending => "not yet".to_owned(),
        Fate::NotReturned { .. } => "no".to_owned(),
    }
}

#[cfg(test)]
mod tests;
