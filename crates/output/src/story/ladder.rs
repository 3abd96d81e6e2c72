//! A call as a ladder: a column per participant, time downwards.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::StoryView;
use super::arrows::Arrow;
use super::terminal::write_faults;
use crate::layout::{fit, pieces};
use crate::{style, timeline};
use calltrace_model::call::PersonDoing;
use calltrace_model::record::Stamp;

/// `12:07:46 `
const TIME_COLUMNS: usize = 9;

/// Maximum width of a column: in a wider one only the arrows would be longer.
const COLUMN_MAX: usize = 26;

/// Minimum width of a column: a number fits in two lines, and `hangs up` on an arrow.
const COLUMN_MIN: usize = 11;

/// The number of columns if the output has no width.
const WIDTH_USUAL: usize = 100;

/// Lines that a name may take.
const NAME_LINES_MAX: usize = 3;

/// Writes a call as a ladder that fits `width` columns, no line of it wrapped. Participants for whom there
/// is no column are named under it.
///
/// # Errors
/// When `out` can't be written.
pub fn write_ladder(
    out: &mut impl Write,
    view: &StoryView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    timeline::header(out, (view.trace, view.call), view.clock, view.people, width)?;
    writeln!(out)?;
    let arrows = view.arrows();
    let grid = LadderLayout::of(view.story.people.len(), width.unwrap_or(WIDTH_USUAL));
    for line in grid.names(view) {
        writeln!(out, "{}", style::strong(&line))?;
    }
    let mut day = view.clock.date(view.call.summary.first);
    let mut last = None;
    for arrow in arrows.iter().filter(|arrow| grid.has(arrow)) {
        if view.clock.date(arrow.at) != day {
            day = view.clock.date(arrow.at);
            writeln!(out, "{}", style::faint(&format!("--- {day}")))?;
        }
        let time = view.clock.time(arrow.at);
        let shown = match last.replace(time.clone()) {
            Some(before) if before == time => " ".repeat(time.len()),
            _ => time,
        };
        writeln!(
            out,
            "{} {}",
            style::faint(&shown),
            grid.row(view, arrow).trim_end()
        )?;
    }
    let hidden = view.story.people.len().saturating_sub(grid.columns);
    if hidden > 0 {
        let text = format!("{hidden} more have no column here; a wider screen has room for them");
        writeln!(
            out,
            "{}",
            style::faint(&fit(&text, grid.width.min(text.width())))
        )?;
    }
    write_faults(out, view, width)
}

/// The positions of the columns.
struct LadderLayout {
    width: usize,
    columns: usize,
    column: usize,
}

impl LadderLayout {
    fn of(people: usize, width: usize) -> LadderLayout {
        let width = width.max(TIME_COLUMNS + 2 * COLUMN_MIN);
        let room = width - TIME_COLUMNS;
        let columns = people.clamp(1, room / COLUMN_MIN);
        LadderLayout {
            width,
            columns,
            column: (room / columns).min(COLUMN_MAX),
        }
    }

    fn has(&self, arrow: &Arrow) -> bool {
        arrow.from < self.columns && arrow.to < self.columns
    }

    /// The middle of a column, counted from the end of the time.
    fn middle(&self, column: usize) -> usize {
        column * self.column + self.column / 2
    }

    /// Names above the columns, each in the middle of its own.
    fn names(&self, view: &StoryView<'_>) -> Vec<String> {
        let room = self.column - 1;
        let people = view.story.people.iter().take(self.columns);
        let names: Vec<Vec<String>> = people
            .map(|lane| {
                let mut lines = pieces(&view.people.party(&lane.party), room);
                lines.truncate(NAME_LINES_MAX);
                lines
            })
            .collect();
        let lines = names.iter().map(Vec::len).max().unwrap_or(0);
        let line = |at: usize| {
            let mut text = " ".repeat(TIME_COLUMNS);
            for name in &names {
                let part = name.get(at).map_or("", String::as_str);
                let before = (self.column.saturating_sub(part.width())) / 2;
                text.push_str(&" ".repeat(before));
                text.push_str(&fit(part, self.column - before));
            }
            text.trim_end().to_owned()
        };
        (0..lines).map(line).collect()
    }

    /// One line: what each participant does, and an arrow.
    fn row(&self, view: &StoryView<'_>, arrow: &Arrow) -> String {
        let mut cells = vec![' '; self.column * self.columns];
        for person in 0..self.columns {
            cells[self.middle(person)] = life(view, person, arrow.between);
        }
        if arrow.from == arrow.to {
            self.note(&mut cells, arrow);
        } else {
            self.arrow(&mut cells, arrow);
        }
        cells.into_iter().collect()
    }

    fn arrow(&self, cells: &mut [char], arrow: &Arrow) {
        let (from, to) = (self.middle(arrow.from), self.middle(arrow.to));
        let (left, right) = (from.min(to) + 1, from.max(to));
        cells[left..right].fill('─');
        if arrow.both || to > from {
            cells[right - 1] = '>';
        }
        if arrow.both || to < from {
            cells[left] = '<';
        }
        let room = right - left - 2;
        let label = self.label(arrow, room);
        // In the middle of the arrow; one that passes other columns keeps its label in the first gap.
        let at = left + 1 + (room - label.len()) / 2;
        put(cells, at, &label);
    }

    fn note(&self, cells: &mut [char], arrow: &Arrow) {
        let middle = self.middle(arrow.from);
        let room_behind = cells.len() - middle - 2;
        let label = self.label(arrow, room_behind.max(middle.saturating_sub(1)));
        match label.len() <= room_behind {
            true => put(cells, middle + 2, &label),
            false => put(cells, middle.saturating_sub(1 + label.len()), &label),
        }
    }

    /// The label as far as there is room.
    fn label(&self, arrow: &Arrow, room: usize) -> Vec<char> {
        let fits = arrow
            .labels
            .iter()
            .find(|label| label.chars().count() <= room);
        match fits {
            Some(label) => label.chars().collect(),
            None => fit(&arrow.labels[1], room).chars().collect(),
        }
    }
}

fn put(cells: &mut [char], at: usize, label: &[char]) {
    for (cell, c) in cells[at..].iter_mut().zip(label) {
        *cell = *c;
    }
}

/// The line of a participant: heavy while they talk, broken while they ring or wait.
fn life(view: &StoryView<'_>, person: usize, at: Stamp) -> char {
    match view.doing(person, at) {
        Some(PersonDoing::Talks(_) | PersonDoing::Consults(_)) => '┃',
        Some(PersonDoing::Rings(_) | PersonDoing::Waits | PersonDoing::Held) => '┊',
        None => '│',
    }
}
