//! Single records for people: the records that were found, and their numbers by group.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{RecordStream, StreamRecord, style};
use calltrace_engine::FoundLines;
use calltrace_model::sanitise::sanitise;

/// Writes the records of one enterprise with those around them: `>` before a match, `--` between stretches
/// that don't touch.
///
/// # Errors
/// When `out` can't be written.
pub fn write_lines(
    out: &mut impl Write,
    found: &FoundLines,
    stream: &mut RecordStream,
    width: Option<usize>,
) -> io::Result<()> {
    let mut last_end: Option<(u32, u64)> = None;
    for entry in &found.lines {
        let place = entry.line.place;
        if last_end.is_some_and(|end| end != (place.source, place.offset)) {
            writeln!(out, "{}", style::faint("--"))?;
        }
        let end = place.offset + entry.line.text.len() as u64 + 1;
        last_end = Some((place.source, end));
        let shown = StreamRecord {
            enterprise: found.enterprise.as_str(),
            file: found.file_of(&entry.line),
            offset: place.offset,
            at: entry.line.at,
            text: &entry.line.text,
        };
        let lead = if entry.matched { "> " } else { "  " };
        stream.write_after_lead(out, lead, &shown, width)?;
    }
    Ok(())
}

/// Writes how many records there are of each word of the column `head`; `-` for those that have none.
///
/// # Errors
/// When `out` can't be written.
pub fn write_groups(
    out: &mut impl Write,
    head: &str,
    groups: &[(String, usize)],
) -> io::Result<()> {
    let counts = groups.iter().map(|(_, count)| count.to_string().len());
    let width = counts.max().unwrap_or(0).max("COUNT".width());
    let head = head.to_uppercase();
    writeln!(
        out,
        "{}",
        style::faint(&format!("{:>width$}  {head}", "COUNT"))
    )?;
    for (word, count) in groups {
        let word = if word.is_empty() { "-" } else { word.as_str() };
        writeln!(out, "{count:>width$}  {}", sanitise(word.as_bytes()))?;
    }
    Ok(())
}
