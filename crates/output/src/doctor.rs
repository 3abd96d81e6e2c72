//! The findings of `calltrace doctor`: by enterprise for people, one document for programs.
//!
//! A finding of three or more enterprises is written once, with their names. All text is sanitised: any user may
//! have named the files.

mod document;
mod speech;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use super::layout::wrapped;
use super::{Clock, style};
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::doctor::{Code, DoctorReport, Field, Finding, FindingSeverity};

pub use document::document;

use speech::{Speech, Tone};

/// A finding of at least this many enterprises is written once.
const FOLDED_MIN: usize = 3;

/// How many of the enterprises that share a finding are named.
const NAMED: usize = 8;

/// Replaces a space at which a line must not be broken, in a command that is to be typed.
const FIRM_SPACE: char = '\u{e000}';

/// The options with which a command reaches the same tree under the same settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandOptions {
    /// The tree.
    pub root: Option<PathBuf>,
    /// The file of settings: without it a rotation would keep a different number of days.
    pub config: Option<PathBuf>,
}

/// How findings are shown.
#[derive(Debug, Clone)]
pub struct DoctorView<'s> {
    /// Formats times.
    pub clock: &'s Clock,
    /// Columns to fit in; `None` for any width.
    pub width: Option<usize>,
    /// The options of commands that are typed in this shell.
    pub here: CommandOptions,
    /// The options of commands that cron or a timer runs.
    pub scheduled: CommandOptions,
    /// Whether notes are shown.
    pub notes: bool,
    /// Whether the same finding of several enterprises is written once.
    pub folds: bool,
}

/// Writes the findings; nothing when there are none.
///
/// # Errors
/// When `out` can't be written.
pub fn write_findings(
    out: &mut impl Write,
    report: &DoctorReport,
    shown: &DoctorView<'_>,
) -> io::Result<()> {
    let is_shown = |finding: &&Finding| shown.notes || finding.severity.is_actionable();
    let findings: Vec<&Finding> = report.findings.iter().filter(is_shown).collect();
    let folded = match shown.folds {
        true => folded(&findings),
        false => Vec::new(),
    };
    let mut heading = String::new();
    let of_tree = |finding: &&&Finding| finding.enterprise.is_none();
    for finding in findings.iter().filter(of_tree) {
        head(out, &mut heading, "the tree".to_owned())?;
        write_finding(out, finding, shown, None)?;
    }
    for fold in &folded {
        head(out, &mut heading, several(&fold.enterprises))?;
        write_finding(out, fold.first, shown, fold.enterprises.first().copied())?;
    }
    let is_alike = |a: &&Finding, b: &&Finding| (&a.enterprise, key(a)) == (&b.enterprise, key(b));
    for alike in findings.chunk_by(is_alike) {
        let is_folded = folded.iter().any(|fold| fold.holds(alike[0]));
        if let Some(enterprise) = alike[0].enterprise.as_ref().filter(|_| !is_folded) {
            head(out, &mut heading, enterprise.to_string())?;
            write_finding(out, alike[0], shown, None)?;
            write_others(out, &alike[1..], shown)?;
        }
    }
    Ok(())
}

/// Names the other files of one enterprise that have the same finding.
fn write_others(
    out: &mut impl Write,
    alike: &[&Finding],
    shown: &DoctorView<'_>,
) -> io::Result<()> {
    if alike.is_empty() {
        return Ok(());
    }
    let speech = Speech {
        shown,
        enterprise: None,
    };
    let subjects = alike.iter().map(|other| speech.subject(other, None));
    let subjects: Vec<String> = subjects.collect();
    write!(out, "    ")?;
    let text = format!("the same: {}", listed(&subjects, "; "));
    wrapped(out, &text, 4, shown.width)
}

/// The same finding of several enterprises.
struct Fold<'f> {
    first: &'f Finding,
    enterprises: Vec<&'f str>,
}

impl Fold<'_> {
    fn holds(&self, finding: &Finding) -> bool {
        finding.enterprise.is_some() && key(finding) == key(self.first)
    }
}

/// The parts that must be equal for findings of two enterprises to be the same.
fn key(finding: &Finding) -> (FindingSeverity, Code, &'static str) {
    (finding.severity, finding.code, finding.remedy.text)
}

fn folded<'f>(findings: &[&'f Finding]) -> Vec<Fold<'f>> {
    let mut folds: Vec<Fold<'f>> = Vec::new();
    for &finding in findings {
        let Some(enterprise) = &finding.enterprise else {
            continue;
        };
        match folds.iter_mut().find(|fold| fold.holds(finding)) {
            Some(fold) => {
                if fold.enterprises.last() != Some(&enterprise.as_str()) {
                    fold.enterprises.push(enterprise.as_str());
                }
            }
            None => folds.push(Fold {
                first: finding,
                enterprises: vec![enterprise.as_str()],
            }),
        }
    }
    folds.retain(|fold| fold.enterprises.len() >= FOLDED_MIN);
    // Findings of the same enterprises are under one heading.
    folds.sort_by(|a, b| {
        let key = |fold: &Fold<'_>| (key(fold.first).0, std::cmp::Reverse(fold.enterprises.len()));
        key(a)
            .cmp(&key(b))
            .then_with(|| a.enterprises.cmp(&b.enterprises))
    });
    folds
}

/// `200 enterprises: 0101, 0102 and 198 more`
fn several(enterprises: &[&str]) -> String {
    let names: BTreeSet<String> = enterprises.iter().map(|&name| name.to_owned()).collect();
    let names: Vec<String> = names.into_iter().collect();
    format!("{} enterprises: {}", names.len(), listed(&names, ", "))
}

/// The first of some names, and how many more there are.
fn listed(names: &[String], between: &str) -> String {
    let first = names[..names.len().min(NAMED)].join(between);
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Writes the heading of the findings that follow, unless it is the last one written.
fn head(out: &mut impl Write, last: &mut String, heading: String) -> io::Result<()> {
    if *last != heading {
        if !last.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}", style::strong(&heading))?;
        *last = heading;
    }
    Ok(())
}

/// Writes a finding. `of` names the enterprise of the evidence, if the finding is of several enterprises.
fn write_finding(
    out: &mut impl Write,
    finding: &Finding,
    shown: &DoctorView<'_>,
    of: Option<&str>,
) -> io::Result<()> {
    let speech = Speech {
        shown,
        enterprise: match of {
            Some(_) => None,
            None => finding.enterprise.as_ref().map(EnterpriseName::as_str),
        },
    };
    let label = match finding.severity {
        FindingSeverity::Problem => style::bad("problem"),
        FindingSeverity::Warning => style::doubtful("warning"),
        FindingSeverity::Note => style::faint("note"),
    };
    let code = style::faint(&format!("[{}]", finding.code.as_str()));
    let subject = speech.subject(finding, of);
    let head = format!("  {label} {code} {subject}");
    writeln!(out, "{}", head.trim_end())?;
    let mut remedy = speech.clause(&finding.remedy, Tone::Typed);
    let mut fields = finding.remedy.fields.iter();
    if of.is_some() && fields.any(|(_, field)| matches!(field, Field::Path(_))) {
        remedy += "; likewise for the others";
    }
    let first = finding.seen.first().map_or("", |clause| clause.text);
    let begins_with_name = first.starts_with(['{', '`']) || first.starts_with("events.log");
    let lines = [
        ("", sentence(&speech.seen(finding), begins_with_name)),
        ("", sentence(finding.why, false)),
        ("do: ", remedy),
    ];
    for (label, text) in lines {
        write_paragraph(out, label, &text, shown.width)?;
    }
    Ok(())
}

/// Writes a paragraph under its finding, after its label.
fn write_paragraph(
    out: &mut impl Write,
    label: &str,
    text: &str,
    width: Option<usize>,
) -> io::Result<()> {
    let indent = 4 + label.len();
    let room = width.map(|width| width.saturating_sub(indent));
    let mut lines = Vec::new();
    for part in apart(&firm(text), room) {
        let indent = if lines.is_empty() { 0 } else { indent };
        lines.extend(std::iter::repeat_n(b' ', indent));
        match room.is_some_and(|room| is_wide_command(&part, room)) {
            true => writeln!(lines, "{part}")?,
            false => wrapped(&mut lines, &part, 4 + label.len(), width)?,
        }
    }
    let lines = String::from_utf8_lossy(&lines).replace(FIRM_SPACE, " ");
    match label {
        "" => write!(out, "    {lines}"),
        label => write!(out, "    {}{lines}", style::good(label)),
    }
}

/// The text in parts that begin a line each: a command that is wider than a line is a line of its own, unbroken, so
/// that it can be copied.
fn apart(text: &str, room: Option<usize>) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_alone = false;
    for word in text.split(' ') {
        let is_wide = room.is_some_and(|room| is_wide_command(word, room));
        let part = parts.last_mut().expect("begins with one");
        match part.is_empty() {
            true => part.push_str(word),
            false if is_wide || is_alone => parts.push(word.to_owned()),
            false => {
                part.push(' ');
                part.push_str(word);
            }
        }
        is_alone = is_wide;
    }
    parts
}

/// Whether it is one command, with the punctuation next to it, that does not fit.
fn is_wide_command(text: &str, room: usize) -> bool {
    text.contains('`') && !text.contains(' ') && text.width() > room
}

/// Commands, which are between backticks, are not broken.
fn firm(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        let is_command = at % 2 == 1;
        match is_command {
            true => part.replace(' ', FIRM_SPACE.encode_utf8(&mut [0; 4])),
            false => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Adds a capital, unless a name or a number comes first, and a full stop.
fn sentence(text: &str, begins_with_name: bool) -> String {
    let first = text.chars().next().filter(|_| !begins_with_name);
    let Some(first) = first else {
        return format!("{text}.");
    };
    format!("{}{}.", first.to_uppercase(), &text[first.len_utf8()..])
}
