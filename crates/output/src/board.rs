//! The calls at one moment: a headline with their number, and one row per call, in columns.

use unicode_width::UnicodeWidthStr;

use super::calls::{CallLine, CallMoment, CallRows, colour, lasted, state_text};
use super::layout::{cut, fit};
use super::number::local;
use super::{People, style, words};
use calltrace_model::call::Phase;
use calltrace_model::record::Stamp;
use calltrace_model::sanitise::sanitise;

/// Blanks between columns.
const GAP: usize = 2;
/// Parties and states keep this width as long as they can (columns of the terminal).
const PARTIES_WIDTH_MIN: usize = 18;
const STATE_WIDTH_MIN: usize = 10;

/// How much is shown of the calls.
#[derive(Debug, Clone, Copy)]
struct CallDetail {
    state_names: bool,
    names: bool,
    time: bool,
    country: bool,
    /// The time until it was answered.
    answer: bool,
    direction: bool,
    /// The parties that ring or talk, after the caller.
    rung: bool,
    id: bool,
}

const ALL: CallDetail = CallDetail {
    state_names: true,
    names: true,
    time: true,
    country: true,
    answer: true,
    direction: true,
    rung: true,
    id: true,
};

/// Details are left out in this order until rows fit.
const LEAVE: [fn(&mut CallDetail); 8] = [
    |detail| detail.state_names = false,
    |detail| detail.names = false,
    |detail| detail.time = false,
    |detail| detail.country = false,
    |detail| detail.answer = false,
    |detail| detail.direction = false,
    // The state also shows the party.
    |detail| detail.rung = false,
    |detail| detail.id = false,
];

impl CallRows {
    /// A headline and one line for each of `rows`, as they are at `now`, in `width` columns. `count` is the number
    /// of calls, which may be more than the rows. Without rows, only the headline.
    pub fn board(
        &self,
        rows: &[CallMoment<'_>],
        count: usize,
        now: Stamp,
        width: usize,
        link: &dyn Fn(&CallMoment<'_>) -> Option<String>,
    ) -> Vec<CallLine> {
        let mut lines = vec![self.headline(rows, count, now, width)];
        if rows.is_empty() {
            return lines;
        }
        let mut detail = ALL;
        let mut cells = self.cells(rows, now, detail);
        let mut leave = LEAVE.iter();
        while width_of(&cells, LAST) > width
            && let Some(leave) = leave.next()
        {
            leave(&mut detail);
            cells = self.cells(rows, now, detail);
        }
        for (column, least) in [
            (PARTIES, PARTIES_WIDTH_MIN),
            (STATE, STATE_WIDTH_MIN),
            (PARTIES, 1),
            (ENTERPRISE, 1),
            (STATE, 1),
        ] {
            let excess = width_of(&cells, LAST).saturating_sub(width);
            let own = widest(&cells, column);
            if excess > 0 && own > least {
                let limit = own.saturating_sub(excess).max(least);
                cells
                    .iter_mut()
                    .for_each(|row| row[column] = cut(&row[column], limit));
            }
        }
        let head = ["SINCE", "ENT", "DIR", "WHO", "NOW", "ID"];
        let head = head.map(str::to_owned);
        let head = padded(&cells, &head, &|_, cell| cut(cell, width));
        let head = cut(head.trim_end(), width);
        lines.push(CallLine {
            columns: head.width(),
            text: head,
        });
        let painted = rows.iter().zip(&cells).map(|(row, own)| {
            let name = row.enterprise.as_bytes();
            let text = padded(&cells, own, &|column, cell| match column {
                ENTERPRISE => style::named(name, cell),
                DIRECTION => style::faint(cell),
                STATE => colour(row.state.phase, cell),
                LAST => {
                    let id = style::named(row.summary.main_uid.as_bytes(), cell);
                    link(row).map_or(id.clone(), |address| style::linked(&address, &id))
                }
                _ => cell.to_owned(),
            });
            let columns = padded(&cells, own, &|_, cell| cell.to_owned()).width();
            CallLine { text, columns }
        });
        lines.extend(painted);
        lines
    }

    /// `3 calls now: 1 ringing, 2 talking  times of UTC`
    fn headline(
        &self,
        rows: &[CallMoment<'_>],
        count: usize,
        now: Stamp,
        width: usize,
    ) -> CallLine {
        let all = match count {
            0 => "no call now".to_owned(),
            1 => "1 call now".to_owned(),
            count => format!("{count} calls now"),
        };
        let of = |what: &str, phases: &[Phase]| {
            let count = rows.iter().filter(|row| phases.contains(&row.state.phase));
            match count.count() {
                0 => None,
                count => Some(format!("{count} {what}")),
            }
        };
        let parts = match rows.len() < count {
            true => vec![format!("the newest {} are shown", rows.len())],
            false => [
                of("arriving", &[Phase::Arriving]),
                of("ringing", &[Phase::Ringing]),
                of("talking", &[Phase::Answered, Phase::Transferred]),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        let counts = match parts.is_empty() {
            true => all,
            false => format!("{all}: {}", parts.join(", ")),
        };
        let counts = cut(&counts, width);
        let zone = format!("  times of {}", self.clock.zone(now));
        let zone = match counts.width() + zone.width() <= width {
            true => zone,
            false => String::new(),
        };
        CallLine {
            columns: counts.width() + zone.width(),
            text: format!("{}{}", style::strong(&counts), style::faint(&zone)),
        }
    }

    fn cells(&self, rows: &[CallMoment<'_>], now: Stamp, detail: CallDetail) -> Vec<[String; 6]> {
        let no_names = People::default();
        let cells = rows.iter().map(|row| {
            let shown = |is_shown: bool, text: String| if is_shown { text } else { String::new() };
            let people = |named: bool| if named { row.people } else { &no_names };
            let client = row.summary.client.as_str();
            let parties = match (detail.rung, row.state.phase) {
                (true, phase) if phase != Phase::Arriving => {
                    let parties = words::parties(row.summary, people(detail.names));
                    match detail.country {
                        true => parties,
                        false => parties.replace(&super::phone(client), &local(client)),
                    }
                }
                _ if detail.names => row.people.party(client),
                _ if detail.country => super::phone(client),
                _ => local(client),
            };
            [
                shown(detail.time, self.clock.time(row.since)),
                // At least as wide as their heads.
                shown(self.name_width.is_some(), format!("{:<3}", row.enterprise)),
                shown(
                    detail.direction,
                    format!("{:<3}", words::short_direction(row.summary.direction)),
                ),
                parties,
                match (detail.answer, row.state.phase) {
                    (false, Phase::Answered | Phase::Transferred) => talks(row, now),
                    _ => state_text(row, Some(now), people(detail.state_names)),
                },
                shown(
                    detail.id,
                    sanitise(row.summary.main_uid.as_bytes()).into_owned(),
                ),
            ]
        });
        cells.collect()
    }
}

/// `150 talks 1m05s`
fn talks(row: &CallMoment<'_>, now: Stamp) -> String {
    let who: Vec<String> = row.state.who.iter().map(|who| super::phone(who)).collect();
    let text = format!("{} talks {}", who.join(", "), lasted(row, now));
    text.trim_start().to_owned()
}

const ENTERPRISE: usize = 1;
const DIRECTION: usize = 2;
const PARTIES: usize = 3;
const STATE: usize = 4;
const LAST: usize = 5;

fn widest(cells: &[[String; 6]], column: usize) -> usize {
    let widths = cells.iter().map(|row| row[column].width());
    widths.max().unwrap_or(0)
}

/// The width of rows up to a column.
fn width_of(cells: &[[String; 6]], last: usize) -> usize {
    let widths = (0..=last).map(|column| widest(cells, column));
    let shown = widths.filter(|width| *width > 0);
    shown
        .map(|width| width + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

/// Returns the cells of a row, each as wide as the widest of its column. A column without cells is left out.
fn padded(
    cells: &[[String; 6]],
    row: &[String; 6],
    paint: &dyn Fn(usize, &str) -> String,
) -> String {
    let shown = (0..=LAST).filter(|column| widest(cells, *column) > 0);
    let painted = shown.map(|column| match column {
        LAST => paint(column, &row[column]),
        _ => paint(column, &fit(&row[column], widest(cells, column))),
    });
    let painted: Vec<String> = painted.collect();
    painted.join(&" ".repeat(GAP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use calltrace_model::call::{CallState, Fact, Summary};
    use calltrace_model::record::{LogZone, Place, Record, Zone};

    const DIAL: &str = "2025-12-02 09:15:00,000|AST|dial|1764666900.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"150\", \"151\"], \"CallType\": 0}";

    fn rows() -> CallRows {
        CallRows {
            clock: Clock {
                log: LogZone::default(),
                shown: Zone::UTC,
            },
            name_width: Some(4),
        }
    }

    /// The board of one call, without colours; checks that the stated width of each line is right.
    fn board(people: &People, count: usize, width: usize) -> Vec<String> {
        let place = Place {
            source: 0,
            offset: 0,
        };
        let facts = [Fact::of(&Record::parse(DIAL.as_bytes()), Stamp(0), place)];
        let summary = Summary::of(&facts).expect("a record");
        let (state, since) = CallState::latest(&facts).expect("a call");
        let row = CallMoment {
            enterprise: "0367",
            summary: &summary,
            state: &state,
            since,
            people,
        };
        let now = since.plus_millis(12_345);
        let lines = rows().board(&[row], count, now, width, &|_| None);
        let plain = lines.iter().map(|line| {
            let plain = style::plain(&line.text);
            assert_eq!(plain.width(), line.columns, "{plain:?}");
            assert!(line.columns <= width, "{width}: {plain:?}");
            plain
        });
        plain.collect()
    }

    #[test]
    fn a_row_fits_and_keeps_its_most_important_parts() {
        let no_names = People::default();
        for width in 30..130 {
            let lines = board(&no_names, 1, width);
            let kept = if width < 60 {
                "000-12"
            } else {
                "1764666900.61"
            };
            assert!(lines[2].contains(kept), "{width}: {lines:?}");
            assert!(lines[2].contains("ring"), "{width}: {lines:?}");
        }
        assert_eq!(
            board(&no_names, 1, 120),
            [
                "1 call now: 1 ringing  times of UTC",
                "SINCE     ENT   DIR  WHO                            NOW                       ID",
                "09:15:00  0367  in   +375 29 000-12-34 -> 150, 151  ringing 150, 151 for 12s  1764666900.61",
            ]
        );
    }

    #[test]
    fn names_are_shown_if_they_fit_and_omitted_ones_are_counted() {
        let people = People {
            extensions: [("150".to_owned(), "Анна Сидорова".to_owned())].into(),
            ..People::default()
        };
        let wide = board(&people, 1, 200);
        assert!(wide[2].contains("-> Анна Сидорова (150), 151"), "{wide:?}");
        assert!(wide[2].contains("ringing Анна Сидорова (150)"), "{wide:?}");
        let less = board(&people, 1, 110);
        assert!(less[2].contains("-> Анна Сидорова (150), 151"), "{less:?}");
        assert!(less[2].contains("ringing 150, 151 for 12s"), "{less:?}");
        assert!(!board(&people, 1, 90)[2].contains("Анна"));
        let of_many = board(&people, 7, 100);
        assert!(
            of_many[0].starts_with("7 calls now: the newest 1 are shown"),
            "{of_many:?}"
        );
        let none = rows().board(&[], 0, Stamp(0), 80, &|_| None);
        assert_eq!(none.len(), 1);
        assert!(none[0].text.contains("no call now"), "{none:?}");
    }
}
