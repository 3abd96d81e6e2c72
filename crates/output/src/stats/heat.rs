//! The hours of a week, as shades or as numbers.

use std::io::{self, Write};

use super::bars::{SHADES, range, shade};
use super::names::StatsWords;
use crate::style;
use calltrace_model::stats::WeekCounts;

/// Columns before the hours: `  Mon `.
const LABEL: usize = 6;

/// Columns after them: blanks and a number.
const TOTAL: usize = 6;

/// Writes how many calls each hour of each day of the week has, under a title. Shades if they fit in `width`; numbers
/// if it is `None`.
pub(super) fn write_heat(
    out: &mut dyn Write,
    title: &str,
    counts: &WeekCounts,
    (dress, width): (fn(&str) -> String, Option<usize>),
) -> io::Result<()> {
    let most = counts.iter().flatten().copied().max().unwrap_or(0);
    let total: usize = counts.iter().flatten().sum();
    writeln!(out, "{}  {total}", style::strong(title))?;
    let Some(width) = width else {
        return write_numbers(out, counts, most);
    };
    let cell = if width >= LABEL + 24 * 2 + TOTAL {
        2
    } else {
        1
    };
    let head: String = (0..24)
        .map(|hour| match cell {
            2 if hour % 2 == 0 => format!("{hour:02}  "),
            1 if hour % 4 == 0 => format!("{hour:02}  "),
            _ => String::new(),
        })
        .collect();
    writeln!(
        out,
        "{}",
        style::faint(format!("{:LABEL$}{head}", "").trim_end())
    )?;
    for (name, hours) in StatsWords::ENGLISH.weekdays.iter().zip(counts) {
        let cells: String = hours
            .iter()
            .map(|count| match count {
                0 => format!("{:cell$}", "·"),
                count => dress(&SHADES[shade(*count, most)].to_string().repeat(cell)),
            })
            .collect();
        writeln!(
            out,
            "  {name} {cells}{:>TOTAL$}",
            hours.iter().sum::<usize>()
        )?;
    }
    let legend = SHADES.iter().enumerate().filter_map(|(at, shade)| {
        let (least, last) = range(at, most)?;
        let shade = dress(&shade.to_string().repeat(2));
        Some(match least == last {
            true => format!("{shade} {least}"),
            false => format!("{shade} {least}-{last}"),
        })
    });
    let legend: Vec<String> = legend.collect();
    if !legend.is_empty() {
        writeln!(out, "{:LABEL$}{}  an hour", "", legend.join("  "))?;
    }
    Ok(())
}

fn write_numbers(out: &mut dyn Write, counts: &WeekCounts, most: usize) -> io::Result<()> {
    let cell = most.to_string().len().max(2) + 1;
    let head: String = (0..24)
        .map(|hour| format!("{:>cell$}", format!("{hour:02}")))
        .collect();
    writeln!(out, "     {head}")?;
    for (name, hours) in StatsWords::ENGLISH.weekdays.iter().zip(counts) {
        let cells: String = hours
            .iter()
            .map(|count| format!("{count:>cell$}"))
            .collect();
        writeln!(out, "  {name}{cells}")?;
    }
    Ok(())
}
