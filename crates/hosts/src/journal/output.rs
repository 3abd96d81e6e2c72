//! Reads the output of the script line by line. A host may print anything: lines that are not of the script are
//! counted and left out, and the amount that is kept is bounded.

use std::collections::BTreeMap;

use calltrace_model::record::text;
use calltrace_model::sanitise::sanitise;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta};

use super::name::day;
use super::row::{JournalRow, JournalTable};
use super::script::letter;
use super::state::{JournalState, JournalTrouble};

/// The longest complaint that is kept (characters).
const COMPLAINT_CHARS_MAX: usize = 200;

/// No host has journals of more days.
const DAYS_MAX: usize = 20_000;

/// Why the script could not begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScriptRefusal {
    NoSqlite,
    NoFolder,
    ClosedFolder,
}

/// The host's clock when the script began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostClock {
    /// Milliseconds since 1970 UTC.
    pub(crate) millis: i64,
    pub(crate) offset: FixedOffset,
    pub(crate) date: NaiveDate,
}

/// Reads the lines of one run of the script.
#[derive(Debug)]
pub(crate) struct OutputReader {
    rows_max: usize,
    /// The first line of the script; `None` before it. Lines that a login prints before it are ignored.
    pub(crate) clock: Option<HostClock>,
    pub(crate) refusal: Option<ScriptRefusal>,
    /// Days of all journals on the host, as it lists them.
    pub(crate) listed: Vec<NaiveDate>,
    /// The journals that are read, in order.
    pub(crate) journals: Vec<JournalState>,
    pub(crate) rows: Vec<JournalRow>,
    /// Whether the script has finished.
    pub(crate) is_done: bool,
    /// Days that the script is going to read.
    wanted: Vec<NaiveDate>,
    table: Option<OpenTable>,
}

/// The table that is being read.
#[derive(Debug)]
struct OpenTable {
    table: JournalTable,
    /// The last id of the previous fetch.
    before: i64,
    /// The last id in the table.
    top: i64,
    rows: u64,
    last: Option<(i64, NaiveDateTime)>,
}

impl OutputReader {
    /// Keeps at most `rows_max` rows.
    pub(crate) fn new(rows_max: usize) -> OutputReader {
        OutputReader {
            rows_max,
            clock: None,
            refusal: None,
            listed: Vec::new(),
            journals: Vec::new(),
            rows: Vec::new(),
            is_done: false,
            wanted: Vec::new(),
            table: None,
        }
    }

    /// Whether the rest of the output is useless.
    pub(crate) fn is_full(&self) -> bool {
        self.is_done || self.rows.len() >= self.rows_max
    }

    /// Reads a line without its newline.
    pub(crate) fn line(&mut self, line: &[u8], after: &BTreeMap<(NaiveDate, JournalTable), i64>) {
        if self.clock.is_none() {
            self.clock = std::str::from_utf8(line).ok().and_then(clock);
            return;
        }
        if self.is_done || self.take(line, after).is_some() {
            return;
        }
        if let Some(journal) = self.journals.last_mut() {
            journal.note(JournalTrouble::Garbled(1));
        }
    }

    /// Counts a line that is too long to be read.
    pub(crate) fn long_line(&mut self) {
        if let Some(journal) = self.journals.last_mut() {
            journal.note(JournalTrouble::Garbled(1));
        }
    }

    /// `None` for a line that the script does not print at this point.
    fn take(
        &mut self,
        line: &[u8],
        after: &BTreeMap<(NaiveDate, JournalTable), i64>,
    ) -> Option<()> {
        if line.starts_with(b"R|") {
            return self.row(line);
        }
        let line = text(line);
        let mut parts = line.splitn(3, '|');
        let tag = parts.next()?;
        match (tag, parts.next(), parts.next()) {
            ("failed", Some(why), None) => {
                self.refusal = Some(match why {
                    "no_sqlite3" => ScriptRefusal::NoSqlite,
                    "no_folder" => ScriptRefusal::NoFolder,
                    "closed_folder" => ScriptRefusal::ClosedFolder,
                    _ => return None,
                });
            }
            // The glob also matches names that hold no valid day; they are not journals.
            ("has" | "wanted" | "journal", ..) if self.days() > 3 * DAYS_MAX => return None,
            ("has", Some(of), None) => self.listed.extend(day(of)),
            ("wanted", Some(of), None) => self.wanted.extend(day(of)),
            ("journal", Some(of), None) => {
                self.leave_table();
                self.journals.push(JournalState::new(day(of)?));
            }
            ("table", Some(of), Some(top)) => {
                let table = JournalTable::ALL
                    .into_iter()
                    .find(|table| letter(*table).to_string() == of)?;
                let (top, journal) = (top.parse().ok()?, self.journals.last_mut()?);
                let before = after
                    .get(&(journal.day, table))
                    .copied()
                    .unwrap_or_default();
                if top < before {
                    journal.note(JournalTrouble::Replaced(table));
                }
                self.table = Some(OpenTable {
                    table,
                    before,
                    top: i64::max(top, before),
                    rows: 0,
                    last: None,
                });
            }
            ("END", Some(count), None) => self.end(count.parse().ok()?)?,
            ("bad", Some(of), Some(complaint)) => self.complaint(of, complaint)?,
            ("done", None, None) => self.is_done = true,
            _ => return None,
        }
        Some(())
    }

    fn days(&self) -> usize {
        self.listed.len() + self.wanted.len() + self.journals.len()
    }

    fn row(&mut self, line: &[u8]) -> Option<()> {
        let (open, journal) = (self.table.as_mut()?, self.journals.last_mut()?);
        let mut parts = line.split(|byte| *byte == b'|').skip(1);
        let id: i64 = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let before = open.last.map_or(0, |(id, _)| id);
        let mut column = || unhex(parts.next()?);
        let (written, event, unique_id) = (column()?, column()?, column()?);
        let (request, status, response, seconds) = (column()?, column()?, column()?, column()?);
        if parts.next().is_some() || id <= before || id > open.top {
            return None;
        }
        let assumed = open.last.map_or_else(
            || journal.day.and_time(chrono::NaiveTime::MIN),
            |(_, at)| at,
        );
        let written = time(&written).unwrap_or(assumed);
        open.last = Some((id, written));
        open.rows += 1;
        journal.rows += 1;
        self.rows.push(JournalRow {
            day: journal.day,
            table: open.table,
            id,
            written,
            event,
            unique_id,
            request,
            status,
            response,
            response_millis: millis(&seconds),
        });
        if self.rows.len() >= self.rows_max {
            journal.note(JournalTrouble::TooMany);
        }
        Some(())
    }

    /// The end of a table, with the number of its rows.
    fn end(&mut self, count: u64) -> Option<()> {
        let (open, journal) = (self.table.take()?, self.journals.last_mut()?);
        let is_garbled = journal
            .troubles
            .iter()
            .any(|trouble| matches!(trouble, JournalTrouble::Garbled(_)));
        match open.rows == count {
            true => journal.settle(open.table, open.top),
            // The missing rows were counted as invalid lines.
            false if is_garbled => {}
            false => journal.note(JournalTrouble::CutOff),
        }
        Some(())
    }

    /// Closes the current table without its end line.
    fn leave_table(&mut self) {
        if let (Some(open), Some(journal)) = (self.table.take(), self.journals.last_mut()) {
            journal.settle(open.table, open.last.map_or(open.before, |(id, _)| id));
        }
    }

    fn complaint(&mut self, of: &str, complaint: &str) -> Option<()> {
        let journal = self.journals.last_mut()?;
        let complaint: String = complaint.trim().chars().take(COMPLAINT_CHARS_MAX).collect();
        let table = JournalTable::ALL
            .into_iter()
            .find(|table| letter(*table).to_string() == of);
        journal.note(match (table, complaint.as_str()) {
            (Some(table), said) => JournalTrouble::of_complaint(table, &sanitise(said.as_bytes())),
            (None, "missing") => JournalTrouble::Missing,
            (None, "not_a_file") => JournalTrouble::NotAFile,
            (None, "closed") => JournalTrouble::Closed,
            (None, "empty") => JournalTrouble::Empty,
            _ => return None,
        });
        self.leave_table();
        Some(())
    }

    /// Marks what is missing when the output ends.
    pub(crate) fn close(&mut self) {
        if self.is_done {
            return;
        }
        self.leave_table();
        let is_full = self.rows.len() >= self.rows_max;
        let ended_within = match is_full {
            true => JournalTrouble::TooMany,
            false => JournalTrouble::CutOff,
        };
        if let Some(journal) = self.journals.last_mut() {
            journal.note(ended_within.clone());
        }
        let begun = self.journals.len();
        for day in self.wanted.iter().skip(begun) {
            let mut journal = JournalState::new(*day);
            journal.note(ended_within.clone());
            self.journals.push(journal);
        }
    }
}

/// `calltrace-journals|1|SECONDS|NANOSECONDS|+0300|2025-12-02`, possibly after something that a login printed without
/// a newline. Some versions of `date` do not know nanoseconds.
fn clock(line: &str) -> Option<HostClock> {
    let at = line.find("calltrace-journals|1|")?;
    let mut parts = line[at..].split('|').skip(2);
    let seconds: i64 = parts.next()?.parse().ok()?;
    let nanos: i64 = parts.next()?.parse().unwrap_or_default();
    let offset = parts.next()?;
    let date = day(parts.next()?)?;
    let offset =
        DateTime::parse_from_str(&format!("1970-01-02 00:00 {offset}"), "%Y-%m-%d %H:%M %z");
    Some(HostClock {
        millis: seconds.checked_mul(1000)?.checked_add(nanos / 1_000_000)?,
        offset: *offset.ok()?.offset(),
        date,
    })
}

/// The text that these hexadecimal digits encode; `None` if they are invalid.
fn unhex(digits: &[u8]) -> Option<String> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Option<Vec<u8>> = match rest {
        [] => pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
            .collect(),
        _ => None,
    };
    Some(String::from_utf8(bytes?).unwrap_or_else(|wrong| text(wrong.as_bytes())))
}

/// The time of a row, as the host writes it; `None` for anything else.
fn time(written: &str) -> Option<NaiveDateTime> {
    let written = written.trim().replacen('T', " ", 1);
    NaiveDateTime::parse_from_str(&written, "%Y-%m-%d %H:%M:%S%.f").ok()
}

/// Converts a number of seconds to milliseconds, up to a day; 0 if it is not a number.
fn millis(seconds: &str) -> u64 {
    let seconds: f64 = seconds.trim().parse().unwrap_or_default();
    let day = TimeDelta::days(1).as_seconds_f64();
    match seconds.is_finite() {
        // Positive, and small enough for any number.
        true => (seconds.clamp(0.0, day) * 1000.0).round() as u64,
        false => 0,
    }
}
