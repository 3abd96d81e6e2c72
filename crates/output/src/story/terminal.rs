//! The steps of a call in a terminal.

use std::io::{self, Write};

use super::StoryView;
use crate::layout::wrapped;
use crate::{style, timeline};
use calltrace_model::call::Severity;

/// `12:07:46  +10.8s  `
const INDENT: usize = 8 + 2 + 7 + 2;

/// Writes the header of a call, its steps and its faults. `width` is the columns to fit; `None` for any
/// number.
///
/// # Errors
/// When `out` can't be written.
pub fn write_story(
    out: &mut impl Write,
    view: &StoryView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    timeline::header(out, (view.trace, view.call), view.clock, view.people, width)?;
    writeln!(out)?;
    let first = view.call.summary.first;
    let mut head = view.clock.day_and_offset(first);
    for step in &view.story.steps {
        if let Some(heading) = view.clock.heading(&mut head, step.at) {
            writeln!(out, "{}", style::faint(&heading))?;
        }
        let (time, offset) = (view.clock.time(step.at), view.offset(step.at));
        write!(out, "{time}  {}  ", style::faint(&format!("{offset:>7}")))?;
        wrapped(out, &view.sentence(step), INDENT, width)?;
    }
    write_faults(out, view, width)?;
    timeline::footer(out, &view.call.summary, width)
}

/// Writes each fault, the most severe first, with its code.
pub(super) fn write_faults(
    out: &mut impl Write,
    view: &StoryView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    if view.faults.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for fault in &view.faults {
        let severity = fault.code.severity();
        let name = format!("{:<7}", severity.name());
        let name = match severity {
            Severity::Problem => style::bad(&name),
            Severity::Warning => style::doubtful(&name),
            Severity::Note => style::faint(&name),
        };
        write!(out, "  {name}  ")?;
        let text = format!("{} [{}]", view.fault_sentence(fault), fault.code.name());
        wrapped(out, &text, 2 + 7 + 2, width)?;
    }
    Ok(())
}

/// `+0.9s`, `+10.8s`, `+2m15s`, `+1h02m`
pub(super) fn offset(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..=59 => format!("+{seconds}.{}s", millis % 1000 / 100),
        60..=3599 => format!("+{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("+{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}
