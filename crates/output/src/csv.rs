//! Calls as CSV (RFC 4180): a head, then one row per call. Columns have the names that JSON and tables of calls
//! have. A column with another name in version 1 appears in `search` under both names until the next version.

use std::borrow::Cow;
use std::io::{self, Write};

use super::json::returned_how;
use super::{Clock, RowWriter};
use calltrace_model::call::Summary;
use calltrace_model::record::Stamp;
use calltrace_model::stats::Fate;
use calltrace_store::tree::EnterpriseName;

/// A column: its head, and how its value is read. Durations are milliseconds; a cell without a value is empty.
struct CsvColumn {
    name: &'static str,
    /// Its name in version 1, if that was different.
    before: Option<&'static str>,
    read: Read,
}

type Read = for<'c> fn(&'c EnterpriseName, &'c Summary) -> Cell<'c>;

/// The content of a cell.
enum Cell<'c> {
    /// Text of a log, which may be anything.
    Text(&'c str),
    /// Several such texts.
    List(&'c [String]),
    /// A word of ours or a number.
    Plain(Cow<'static, str>),
    Time(Stamp),
}

/// This number of columns, from the first, are those of `search`.
const SEARCH_COLUMNS: usize = 17;

const COLUMNS: [CsvColumn; 29] = [
    renamed("enterprise_number", "enterprise", |enterprise, _| {
        Cell::Text(enterprise.as_str())
    }),
    column("unique_id", |_, call| Cell::Text(&call.main_uid)),
    renamed("start_time", "first", |_, call| Cell::Time(call.first)),
    renamed("end_time", "last", |_, call| Cell::Time(call.last)),
    column("direction", |_, call| word(call.direction.name())),
    column("client", |_, call| Cell::Text(&call.client)),
    column("trunk", |_, call| Cell::Text(&call.trunk)),
    column("rang", |_, call| Cell::List(&call.rang)),
    column("answered_by", |_, call| perhaps(call.answered_by.as_ref())),
    column("result", |_, call| word(call.outcome.name())),
    column("ring_ms", |_, call| number(call.ring_millis)),
    column("talk_ms", |_, call| number(call.talk_millis)),
    column("transfers", |_, call| number(Some(call.transfers))),
    column("messages_sent", |_, call| number(Some(call.messages.sent))),
    column("messages_standing", |_, call| {
        number(Some(call.messages.standing))
    }),
    renamed("http_requests_count", "http_requests", |_, call| {
        number(Some(call.http))
    }),
    column("http_failed", |_, call| number(Some(call.http_failed))),
    column("wait_ms", |_, call| number(call.wait_millis)),
    column("hold_ms", |_, call| number(call.hold_millis)),
    column("ended", |_, call| {
        word(if call.ended { "true" } else { "false" })
    }),
    column("hung_up_by", |_, call| perhaps(call.hung_up_by.as_ref())),
    column("transferred_to", |_, call| Cell::List(&call.transferred_to)),
    column("call_status", |_, call| {
        number(call.call_status.map(char::from))
    }),
    column("crm", |_, call| {
        word(if call.crm { "true" } else { "false" })
    }),
    column("messages_edited", |_, call| {
        number(Some(call.messages.edited))
    }),
    column("messages_deleted", |_, call| {
        number(Some(call.messages.deleted))
    }),
    column("messages_chats", |_, call| {
        number(Some(call.messages.chats))
    }),
    column("events_count", |_, call| number(Some(call.events))),
    column("sql_queries_count", |_, call| number(Some(call.sql))),
];

/// The columns after those of `search`, if the fate of missed calls was asked for; empty for a call that was not
/// returned.
const RETURNED: [&str; 4] = [
    "returned",
    "returned_by",
    "returned_after_ms",
    "returned_reached",
];

const fn column(name: &'static str, read: Read) -> CsvColumn {
    CsvColumn {
        name,
        before: None,
        read,
    }
}

const fn renamed(name: &'static str, before: &'static str, read: Read) -> CsvColumn {
    CsvColumn {
        name,
        before: Some(before),
        read,
    }
}

fn word(word: &'static str) -> Cell<'static> {
    Cell::Plain(Cow::Borrowed(word))
}

fn number<'c>(number: Option<impl ToString>) -> Cell<'c> {
    Cell::Plain(number.map_or(Cow::Borrowed(""), |number| Cow::Owned(number.to_string())))
}

fn perhaps(text: Option<&String>) -> Cell<'_> {
    Cell::Text(text.map_or("", String::as_str))
}

/// How cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CsvForm {
    /// As `search` prints them: the first columns by their names of version 1, times in UTC, lists with blanks; at
    /// the end the columns with new names, times of the shown zone with its offset.
    Search {
        /// Texts that a spreadsheet would take for a formula get an apostrophe.
        harmless: bool,
    },
    /// For spreadsheets: all columns, times of the shown zone with its offset, lists with bars.
    Sheet {
        /// Texts that a spreadsheet would take for a formula get an apostrophe.
        harmless: bool,
    },
}

/// Writes calls as CSV into `W`.
pub struct CsvRows<W: Write> {
    csv: csv::Writer<W>,
    columns: &'static [CsvColumn],
    /// Columns that follow under their new names.
    renewed: Vec<&'static CsvColumn>,
    form: CsvForm,
    clock: Clock,
}

impl<W: Write> CsvRows<W> {
    /// Writes for spreadsheets: all columns, times of the shown zone with its offset, and an apostrophe before each
    /// text or list item that begins like a formula, unless `raw`. With `mark` the file begins with the mark (U+FEFF)
    /// by which Excel knows UTF-8.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn sheet(mut out: W, clock: &Clock, raw: bool, mark: bool) -> io::Result<CsvRows<W>> {
        if mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        CsvRows::new(out, clock, CsvForm::Sheet { harmless: !raw }, &[])
    }

    /// `further` are the heads of additional columns at the end.
    fn new(out: W, clock: &Clock, form: CsvForm, further: &[&str]) -> io::Result<CsvRows<W>> {
        let columns = match form {
            CsvForm::Search { .. } => &COLUMNS[..SEARCH_COLUMNS],
            CsvForm::Sheet { .. } => &COLUMNS[..],
        };
        let renewed: &[CsvColumn] = match form {
            CsvForm::Search { .. } => columns,
            CsvForm::Sheet { .. } => &[],
        };
        let renewed = renewed.iter().filter(|column| column.before.is_some());
        let renewed: Vec<&CsvColumn> = renewed.collect();
        let mut csv = csv::Writer::from_writer(out);
        let heads = columns.iter().map(|column| match form {
            CsvForm::Search { .. } => column.before.unwrap_or(column.name),
            CsvForm::Sheet { .. } => column.name,
        });
        let heads = heads.chain(further.iter().copied());
        csv.write_record(heads.chain(renewed.iter().map(|column| column.name)))?;
        Ok(CsvRows {
            csv,
            columns,
            renewed,
            form,
            clock: *clock,
        })
    }

    fn write(
        &mut self,
        enterprise: &EnterpriseName,
        call: &Summary,
        further: &[String],
    ) -> io::Result<()> {
        for column in self.columns {
            let cell = (column.read)(enterprise, call);
            self.csv
                .write_field(self.form.cell(&cell, &self.clock).as_bytes())?;
        }
        for field in further {
            self.csv.write_field(field)?;
        }
        for column in &self.renewed {
            let cell = match (column.read)(enterprise, call) {
                Cell::Time(at) => self.clock.rfc3339_shown(at),
                cell => self.form.cell(&cell, &self.clock).into_owned(),
            };
            self.csv.write_field(cell)?;
        }
        // Ends the row.
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }
}

impl<W: Write> RowWriter for CsvRows<W> {
    fn row(&mut self, enterprise: &EnterpriseName, call: &Summary) -> io::Result<()> {
        self.write(enterprise, call, &[])
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.csv.flush()
    }
}

impl CsvForm {
    fn cell<'c>(self, cell: &Cell<'c>, clock: &Clock) -> Cow<'c, str> {
        match (cell, self) {
            (
                Cell::Text(text),
                CsvForm::Search { harmless: true } | CsvForm::Sheet { harmless: true },
            ) => harmless(text),
            (Cell::Text(text), _) => Cow::Borrowed(*text),
            (Cell::List(items), CsvForm::Search { harmless: false }) => items.join(" ").into(),
            (Cell::List(items), CsvForm::Search { harmless: true }) => {
                let items: Vec<Cow<'_, str>> = items.iter().map(|item| harmless(item)).collect();
                items.join(" ").into()
            }
            (Cell::List(items), CsvForm::Sheet { harmless: true }) => {
                bars(items.iter().map(|item| harmless(item))).into()
            }
            (Cell::List(items), CsvForm::Sheet { harmless: false }) => {
                bars(items.iter().map(|item| item.as_str().into())).into()
            }
            (Cell::Plain(text), _) => text.clone(),
            (Cell::Time(at), CsvForm::Search { .. }) => clock.rfc3339(*at).into(),
            (Cell::Time(at), CsvForm::Sheet { .. }) => clock.rfc3339_shown(*at).into(),
        }
    }
}

/// A text that no spreadsheet takes for a formula. Some of them drop a leading tab or newline first, and some also take
/// the wide forms of the signs for a formula.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    match text.starts_with(signs) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

/// Items with a bar between them; a bar or backslash of an item's own has a backslash before it. Blanks, commas and
/// semicolons are not used as separators, because items may hold them and spreadsheets split at them.
fn bars<'c>(items: impl Iterator<Item = Cow<'c, str>>) -> String {
    let items: Vec<String> = items
        .map(|item| item.replace('\\', "\\\\").replace('|', "\\|"))
        .collect();
    items.join("|")
}

/// Writes all rows as `search` prints them; `fates` says whether each missed call was returned, if that was asked for.
/// Texts that a spreadsheet would take for a formula get an apostrophe, unless `raw`.
///
/// # Errors
/// When `out` can't be written.
pub fn write_csv(
    out: impl Write,
    calls: &[(&EnterpriseName, &Summary)],
    fates: Option<&[Option<Fate<'_>>]>,
    clock: &Clock,
    raw: bool,
) -> io::Result<()> {
    let heads: &[&str] = fates.map_or(&[], |_| &RETURNED);
    let mut rows = CsvRows::new(out, clock, CsvForm::Search { harmless: !raw }, heads)?;
    for (at, (enterprise, call)) in calls.iter().enumerate() {
        match fates {
            Some(fates) => rows.write(enterprise, call, &returned(fates[at].as_ref(), raw))?,
            None => rows.write(enterprise, call, &[])?,
        }
    }
    rows.csv.flush()
}

/// Writes how many there are of each word of the column `head`. A word that a spreadsheet would take for a
/// formula gets an apostrophe, unless `raw`.
///
/// # Errors
/// When `out` can't be written.
pub fn write_counts(
    out: impl Write,
    head: &str,
    groups: &[(String, usize)],
    raw: bool,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([head, "count"])?;
    for (word, count) in groups {
        let word = match raw {
            true => Cow::Borrowed(word.as_str()),
            false => harmless(word),
        };
        csv.write_record([&*word, &count.to_string()])?;
    }
    csv.flush()
}

fn returned(fate: Option<&Fate<'_>>, raw: bool) -> [String; RETURNED.len()] {
    let how = fate.and_then(returned_how);
    how.map_or_else(Default::default, |(how, by, after_millis, reached)| {
        let by = match raw {
            true => Cow::Borrowed(by),
            false => harmless(by),
        };
        [how, &by, &after_millis.to_string(), &reached.to_string()].map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use calltrace_model::record::{LogZone, Zone};

    use super::*;

    #[test]
    fn each_item_that_begins_as_a_formula_is_made_harmless() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+375", "'+375"),
            ("-2+3", "'-2+3"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("375290001234", "375290001234"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), written, "{text:?}");
        }
        let items = ["150", "=1", "a b", "x|y\\"].map(str::to_owned);
        let clock = Clock {
            log: LogZone::default(),
            shown: Zone::UTC,
        };
        let cell = |form: CsvForm| form.cell(&Cell::List(&items), &clock).into_owned();
        let search = |harmless| cell(CsvForm::Search { harmless });
        assert_eq!(search(false), "150 =1 a b x|y\\");
        assert_eq!(search(true), "150 '=1 a b x|y\\");
        let sheet = |harmless| cell(CsvForm::Sheet { harmless });
        assert_eq!(sheet(true), "150|'=1|a b|x\\|y\\\\");
        assert_eq!(sheet(false), "150|=1|a b|x\\|y\\\\");
    }
}
