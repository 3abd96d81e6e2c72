//! Single records for people.

use std::io::{self, Write};

use super::{Clock, Secrets, style, timeline::line_text};
use calltrace_engine::FoundLines;

/// Writes lines with their file, context between matches marked as grep does (`-`, and `--` between
/// stretches that don't touch).
///
/// # Errors
/// When `out` does.
pub fn write_lines(
    out: &mut impl Write,
    found: &FoundLines,
    many: bool,
    has_context: bool,
    clock: &Clock,
) -> io::Result<()> {
    let secrets = Secrets::of_lines(found.lines.iter().map(|entry| &*entry.line.text));
    let offsets = clock.offsets(found.lines.iter().map(|entry| entry.line.at));
    let mut behind: Option<(u32, u64)> = None;
    for entry in &found.lines {
        let place = entry.line.place;
        if has_context && behind.is_some_and(|end| end != (place.source, place.offset)) {
            writeln!(out, "--")?;
        }
        behind = Some((
            place.source,
            place.offset + entry.line.text.len() as u64 + 1,
        ));
        let file = found
            .files
            .get(place.source as usize)
            .map_or("", String::as_str);
        let owner = if many {
            format!("{}/", found.enterprise)
        } else {
            String::new()
        };
        let mark = if entry.matched { ':' } else { '-' };
        let at = entry.line.at;
        let time = clock.time_millis(at);
        let offset = offsets.as_ref().map_or(String::new(), |of| of(at));
        let head = format!("{owner}{file}{mark}{time}{offset}{mark}");
        let text = line_text(&entry.line);
        writeln!(out, "{} {}", style::faint(&head), secrets.mask(&text))?;
    }
    Ok(())
}
