//! Statistics as CSV (RFC 4180): a head, then a row for each group, or one row for all calls if there are no groups.

use std::io::{self, Write};

use super::StatsView;
use super::columns::{ColumnValue, columns, row, total};
use crate::csv::harmless;

/// Writes all rows. A cell is empty if there is no value; a name that a spreadsheet would take for a formula has an
/// apostrophe before it.
///
/// # Errors
/// When `out` can't be written.
pub fn write_csv(out: impl Write, shown: &StatsView<'_>) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(columns(shown).iter().map(|(name, _)| name))?;
    if shown.stats.by.is_none() {
        csv.write_record(total(shown).into_iter().map(cell))?;
    }
    for group in shown.groups() {
        csv.write_record(row(shown, group).into_iter().map(cell))?;
    }
    csv.flush()
}

fn cell(value: Option<ColumnValue>) -> String {
    match value {
        None => String::new(),
        Some(ColumnValue::Text(name)) => harmless(&name).into_owned(),
        Some(ColumnValue::Number(number)) => number.to_string(),
        Some(ColumnValue::Day(day)) => day.to_string(),
    }
}
