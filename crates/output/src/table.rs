//! Calls for people: one row a call, as many columns as fit.

use std::io::{self, Write};

use comfy_table::ColumnConstraint::Absolute;
use comfy_table::Width::Fixed;
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::layout::cut;
use super::number::phone;
use super::{Clock, words};
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::sanitise;
use calltrace_model::stats::Fate;
use calltrace_store::tree::EnterpriseName;

/// Rows laid out at once; all of fifteen days would take more memory than finding them.
const ROWS_AT_ONCE: usize = 500;

/// The widest that a column of names gets (columns of the terminal).
const NAMES_WIDTH_MAX: usize = 24;

/// A column: its head, whether numbers stand in it, and how soon it gives way (0 never, then the
/// higher the sooner).
struct Column {
    head: &'static str,
    right: bool,
    gives_way: u8,
}

const COLUMNS: [Column; 11] = [
    column("TIME", false, 0),
    column("ENT", false, 0),
    column("DIR", false, 4),
    column("CLIENT", false, 0),
    column("WHO", false, 2),
    column("RESULT", false, 0),
    column("CALLED BACK", false, 0),
    column("RING", true, 5),
    column("TALK", true, 3),
    column("TG", true, 6),
    column("ID", false, 0),
];
const ENTERPRISE: usize = 1;
const RESULT: usize = 5;
const CALLED_BACK: usize = 6;

const fn column(head: &'static str, right: bool, gives_way: u8) -> Column {
    Column {
        head,
        right,
        gives_way,
    }
}

/// Writes the rows, newest first as they come, under a head. `width` is what they must fit in;
/// `None` for any width. `fates` has what became of each missed call, where that is asked.
///
/// # Errors
/// When `out` does.
pub fn write_table(
    out: &mut impl Write,
    calls: &[(&EnterpriseName, &Summary)],
    fates: Option<&[Option<Fate<'_>>]>,
    clock: &Clock,
    width: Option<usize>,
) -> io::Result<()> {
    let Some((_, newest)) = calls.first() else {
        return Ok(());
    };
    let one = calls.iter().all(|(name, _)| *name == calls[0].0);
    let short = width.is_some_and(|w| w < 80);
    let offsets = clock.offsets(calls.iter().map(|(_, call)| call.first));
    let fate = |at: usize| fates.and_then(|fates| fates[at].as_ref());
    let rows: Vec<[String; 11]> = calls
        .iter()
        .enumerate()
        .map(|(at, (name, call))| {
            let mut row = row(name, call, clock, short);
            row[CALLED_BACK] = fate(at).map_or(String::new(), called_back);
            row[0] += &offsets.as_ref().map_or(String::new(), |of| of(call.first));
            row
        })
        .collect();
    let mut shown: Vec<usize> = (0..COLUMNS.len())
        .filter(|&c| (c != ENTERPRISE || !one) && (c != CALLED_BACK || fates.is_some()))
        .collect();
    let head = |c: usize| match c {
        0 if offsets.is_some() => format!("TIME ({})", clock.zone_name()),
        0 => format!("TIME ({})", clock.offset(newest.first)),
        _ => COLUMNS[c].head.to_owned(),
    };
    // With the blank behind it, that of the last column as well.
    let taken = |c: usize| {
        let cells = rows.iter().map(|row| row[c].width()).max().unwrap_or(0);
        cells.max(head(c).width()) + 1
    };
    while let Some(width) = width
        && shown.iter().map(|&c| taken(c)).sum::<usize>() > width + 1
    {
        let next = shown.iter().copied().max_by_key(|&c| COLUMNS[c].gives_way);
        match next {
            Some(c) if COLUMNS[c].gives_way > 0 => shown.retain(|&kept| kept != c),
            _ => break,
        }
    }
    let widths = shown.iter().map(|&c| taken(c));
    let widths: Vec<u16> = widths
        .map(|taken| taken.try_into().unwrap_or(u16::MAX))
        .collect();
    for (i, chunk) in rows.chunks(ROWS_AT_ONCE).enumerate() {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            // Colour is stripped further out, where it is known whether it is wanted.
            .enforce_styling();
        if i == 0 {
            table.set_header(shown.iter().map(|&c| align(c, &head(c))));
        }
        for (row, (_, call)) in chunk.iter().zip(&calls[i * ROWS_AT_ONCE..]) {
            table.add_row(shown.iter().map(|&c| match c {
                RESULT => align(c, &row[c]).fg(colour(call.outcome)),
                _ => align(c, &row[c]),
            }));
        }
        for (column, width) in table.column_iter_mut().zip(&widths) {
            column
                .set_padding((0, 1))
                .set_constraint(Absolute(Fixed(*width)));
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn colour(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Answered => Color::DarkGreen,
        Outcome::Missed | Outcome::NotReached | Outcome::Busy => Color::DarkRed,
        Outcome::InProgress | Outcome::Unknown => Color::DarkYellow,
    }
}

fn align(column: usize, text: &str) -> Cell {
    let alignment = if COLUMNS[column].right {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    };
    Cell::new(text).set_alignment(alignment)
}

fn row(name: &EnterpriseName, call: &Summary, clock: &Clock, short: bool) -> [String; 11] {
    let time = if short {
        clock.short(call.first)
    } else {
        clock.date_time(call.first)
    };
    let span = |millis: Option<i64>| millis.map_or("-".to_owned(), words::duration);
    let messages = match call.messages {
        m if m.sent == 0 => "-".to_owned(),
        m => format!("{}/{}", m.standing, m.sent),
    };
    [
        time,
        name.to_string(),
        words::direction(call.direction).to_owned(),
        phone(&call.client),
        who(call),
        words::outcome(call).to_owned(),
        String::new(),
        span(call.ring_millis),
        span(call.talk_millis),
        messages,
        sanitise::sanitise(call.main_uid.as_bytes()).into_owned(),
    ]
}

/// Who answered; of a missed call who rang.
fn who(call: &Summary) -> String {
    let transfers = match call.transfers {
        0 => "",
        1 => " +1",
        2 => " +2",
        _ => " +n",
    };
    let names = match &call.answered_by {
        Some(who) => format!("{}{transfers}", phone(who)),
        None => {
            let rang: Vec<String> = call.rang.iter().map(|e| phone(e)).collect();
            rang.join(",")
        }
    };
    cut(&names, NAMES_WIDTH_MAX)
}

/// What became of a missed call.
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
