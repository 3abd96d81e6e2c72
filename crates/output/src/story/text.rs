//! A call as text for a ticket: Markdown, and a sequence diagram in Mermaid's language.

use std::io::{self, Write};

use super::StoryView;
use super::phrases::counted;
use crate::words;

/// Writes a call as Markdown: what happened, a table of the steps, what is wrong.
///
/// # Errors
/// When `out` can't be written.
pub fn write_markdown(out: &mut dyn Write, view: &StoryView<'_>) -> io::Result<()> {
    writeln!(out, "## {}\n", markdown(&view.title()))?;
    for line in view.summary_lines() {
        writeln!(out, "- {}", markdown(&line))?;
    }
    writeln!(out, "\n| Time | After | What happened |\n|---|---|---|")?;
    for step in &view.story.steps {
        writeln!(
            out,
            "| {} | {} | {} |",
            view.clock.time(step.at),
            view.offset(step.at),
            markdown(&view.sentence(step))
        )?;
    }
    if !view.faults.is_empty() {
        writeln!(out, "\n| Level | Code | What is wrong |\n|---|---|---|")?;
        for fault in &view.faults {
            writeln!(
                out,
                "| {} | `{}` | {} |",
                fault.code.severity().name(),
                fault.code.name(),
                markdown(&view.fault_sentence(fault))
            )?;
        }
    }
    Ok(())
}

/// Writes a call as a Mermaid sequence diagram.
///
/// # Errors
/// When `out` can't be written.
pub fn write_mermaid(out: &mut dyn Write, view: &StoryView<'_>) -> io::Result<()> {
    writeln!(out, "sequenceDiagram")?;
    for (at, lane) in view.story.people.iter().enumerate() {
        writeln!(
            out,
            "    participant P{at} as {}",
            mermaid(&view.people.party(&lane.party))
        )?;
    }
    let mut last = None;
    for arrow in view.arrows() {
        let time = view.clock.time(arrow.at);
        let label = match last.replace(time.clone()) {
            Some(before) if before == time => arrow.labels[0].clone(),
            _ => format!("{time} {}", arrow.labels[0]),
        };
        let label = mermaid(&label);
        match (arrow.from == arrow.to, arrow.both) {
            (true, _) => writeln!(out, "    Note over P{}: {label}", arrow.from)?,
            (false, true) => writeln!(out, "    P{}<<->>P{}: {label}", arrow.from, arrow.to)?,
            (false, false) => writeln!(out, "    P{}->>P{}: {label}", arrow.from, arrow.to)?,
        }
    }
    Ok(())
}

impl StoryView<'_> {
    /// The people of the call and how it went, in one line.
    pub(super) fn title(&self) -> String {
        let s = &self.call.summary;
        let text = format!(
            "{}: {} call {}, {}",
            self.trace.enterprise,
            words::direction(s.direction),
            words::parties(s, self.people),
            words::result(s, self.people)
        );
        self.secrets.mask(&text).into_owned()
    }

    /// When it was, how long everything took, its id.
    pub(super) fn summary_lines(&self) -> Vec<String> {
        let s = &self.call.summary;
        let mut lines = vec![format!(
            "{} ({}), {} in all",
            self.clock.date_time(s.first),
            self.clock.zone(s.first),
            words::duration(s.last.since(s.first))
        )];
        let facts = words::lengths(s, self.people);
        if !facts.is_empty() {
            lines.push(facts);
        }
        let id = calltrace_model::sanitise::sanitise(s.main_uid.as_bytes()).into_owned();
        let legs = counted(s.legs.len(), "leg", "legs");
        let records = counted(self.call.lines.len(), "record", "records");
        lines.push(format!("id {id}, {legs}, {records}"));
        lines
    }

    pub(super) fn offset(&self, at: calltrace_model::record::Stamp) -> String {
        super::terminal::offset(at.since(self.call.summary.first))
    }
}

/// Text that Markdown shows as it is, on one line.
fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => shown.extend(['\\', c]),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\n' | '\r' => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

/// Text without the signs that end a statement of Mermaid's or begin something else.
fn mermaid(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | ';' | '<' | '>' | '&' | '"' | '%' | ':' if !is_clock(&shown, c) => {
                shown.push_str(&format!("#{};", u32::from(c)));
            }
            '\n' | '\r' => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

/// A colon between digits is one of a time, which no statement begins with.
fn is_clock(before: &str, c: char) -> bool {
    c == ':' && before.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_out_of_no_format() {
        assert_eq!(
            markdown("a|b <i>*x*</i>\n`y`"),
            "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt; \\`y\\`"
        );
        assert_eq!(
            mermaid("12:07:46 x; end\n\"P0->>P1: y\""),
            "12:07:46 x#59; end #34;P0-#62;#62;P1#58; y#34;".replace("P1#58;", "P1:")
        );
    }
}
