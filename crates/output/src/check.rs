//! The findings of checks as a table for people.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::layout::{fit, wrapped};
use super::style;

/// A finding in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    /// Whether it fires; otherwise it is only pending.
    pub is_firing: bool,
    /// The name of the check.
    pub check: String,
    /// The enterprise; empty for the tree as a whole.
    pub enterprise: String,
    /// Since when.
    pub since: String,
    /// What is wrong.
    pub what: String,
}

/// Writes the rows under a head; nothing for no rows.
///
/// # Errors
/// When `out` fails.
pub fn write_checks(
    out: &mut impl Write,
    rows: &[CheckRow],
    zone: &str,
    width: Option<usize>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let since = format!("SINCE ({zone})");
    let widest = |head: &str, of: &dyn Fn(&CheckRow) -> usize| {
        rows.iter()
            .map(of)
            .chain([head.width()])
            .max()
            .unwrap_or_default()
    };
    let columns = [
        "pending".len(),
        widest("CHECK", &|row| row.check.width()),
        widest("ENTERPRISE", &|row| row.enterprise.width()),
        widest(&since, &|row| row.since.width()),
    ];
    let indent = columns.iter().map(|column| column + 2).sum();
    let line = |cells: [&str; 4]| {
        let cells = cells.into_iter().zip(columns);
        cells
            .map(|(cell, column)| fit(cell, column) + "  ")
            .collect::<String>()
    };
    let head = line(["STATE", "CHECK", "ENTERPRISE", &since]);
    writeln!(out, "{}", style::faint(&(head + "WHAT")))?;
    for row in rows {
        let state = if row.is_firing { "firing" } else { "pending" };
        let cells = line([state, &row.check, &row.enterprise, &row.since]);
        let rest = &cells[state.len()..];
        let state = match row.is_firing {
            true => style::bad(state),
            false => style::doubtful(state),
        };
        write!(out, "{state}{rest}")?;
        wrapped(out, &row.what, indent, width)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_needed_and_text_goes_on_below_itself() {
        let row = |is_firing, check: &str, what: &str| CheckRow {
            is_firing,
            check: check.to_owned(),
            enterprise: "0367".to_owned(),
            since: "12:00".to_owned(),
            what: what.to_owned(),
        };
        let rows = [
            row(
                true,
                "missed_share",
                "12 of 20 calls missed (60%), 3.0 times the usual",
            ),
            row(false, "silent", "no call for 1 h"),
        ];
        let mut out = Vec::new();
        write_checks(&mut out, &rows, "UTC", Some(76)).expect("written");
        let text = anstripped(&out);
        expect_test::expect![[r#"
            STATE    CHECK         ENTERPRISE  SINCE (UTC)  WHAT
            firing   missed_share  0367        12:00        12 of 20 calls missed (60%),
                                                            3.0 times the usual
            pending  silent        0367        12:00        no call for 1 h
        "#]]
        .assert_eq(&text);
        let mut none = Vec::new();
        write_checks(&mut none, &[], "UTC", None).expect("written");
        assert!(none.is_empty());
    }

    fn anstripped(bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let mut plain = String::new();
        let mut parts = text.split('\u{1b}');
        plain += parts.next().unwrap_or_default();
        for part in parts {
            plain += part.split_once('m').map_or("", |(_, rest)| rest);
        }
        plain
    }
}
