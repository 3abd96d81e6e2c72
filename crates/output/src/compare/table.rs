//! A comparison for people.

use std::io::{self, Write};

use calltrace_hosts::services::Complaint;
use calltrace_model::sanitise::sanitise;
use calltrace_model::sighting::Sighting;
use calltrace_sync::compare::{EventCounts, Mismatch, MismatchKind, place_text};

use super::{ComparisonView, delivery, id, lag, masked, masked_value, place, stamp};
use crate::layout::wrapped;
use crate::number::grouped;
use crate::style;

const HEADS: [&str; 7] = [
    "SENT",
    "ACCEPTED",
    "RECEIVED",
    "MISSING",
    "DIFFERS",
    "DUPLICATE",
    "UNSENT",
];

/// Words of differences are padded to this.
const WORD_WIDTH: usize = 11;

/// Writes the table by type, the totals, and each difference with both of its places.
///
/// # Errors
/// When `out` can't be written.
pub fn write_report(
    out: &mut impl Write,
    shown: &ComparisonView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    write_counts(out, shown, width)?;
    write_summary(out, shown, width)?;
    for finding in &shown.report.findings {
        write_finding(out, finding, shown, width)?;
    }
    for complaint in &shown.report.complaints {
        write_complaint(out, complaint, shown, width, 0)?;
    }
    if shown.lists_unsent {
        for one in &shown.report.unsent {
            let text = format!("arrived {}", seen(one, shown));
            write_one(out, &style::faint, "unsent", &text, width)?;
        }
    }
    Ok(())
}

fn numbers(counts: &EventCounts) -> [usize; 7] {
    let EventCounts {
        sent,
        accepted,
        received,
        duplicate,
        missing,
        differs,
        unsent,
    } = *counts;
    [
        sent, accepted, received, missing, differs, duplicate, unsent,
    ]
}

fn write_counts(
    out: &mut impl Write,
    shown: &ComparisonView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    let report = shown.report;
    let rows = report.events.iter();
    let rows = rows.map(|(event, counts)| (sanitise(event.as_bytes()).into_owned(), counts));
    let mut rows: Vec<(String, &EventCounts)> = rows.collect();
    rows.push(("all".to_owned(), &report.total));
    let first = rows.iter().map(|(event, _)| event.chars().count());
    let first = first.chain([5]).max().unwrap_or(5);
    let heads: usize = HEADS.iter().map(|head| head.len() + 2).sum();
    let gap = match width.is_some_and(|width| first + heads > width) {
        true => " ",
        false => "  ",
    };
    write!(out, "{}", style::faint(&format!("{:<first$}", "EVENT")))?;
    for head in HEADS {
        write!(out, "{gap}{}", style::faint(head))?;
    }
    writeln!(out)?;
    for (event, counts) in rows {
        write!(out, "{event:<first$}")?;
        for (at, (head, number)) in HEADS.iter().zip(numbers(counts)).enumerate() {
            let width = head.len();
            let text = format!("{:>width$}", grouped(number as u64, ','));
            let text = match at {
                3..=5 if number > 0 => style::bad(&text),
                _ if number == 0 => style::faint(&text),
                _ => text,
            };
            write!(out, "{gap}{text}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_summary(
    out: &mut impl Write,
    shown: &ComparisonView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    let report = shown.report;
    writeln!(out)?;
    if let Some(times) = report.lag {
        let (p50, p95) = (lag(times.p50_millis), lag(times.p95_millis));
        writeln!(out, "on the way     {p50} (median), {p95} (95%)")?;
    }
    let lasts = [
        ("last sent     ", &report.last_sent),
        ("last received ", &report.last_received),
    ];
    for (what, last) in lasts {
        if let Some(last) = last {
            let at = stamp(shown.clock, last.at_millis);
            let (day, zone) = (shown.clock.date(at), shown.clock.zone(at));
            write!(out, "{what} ")?;
            wrapped(
                out,
                &format!("{day} {} ({zone})", seen(last, shown)),
                15,
                width,
            )?;
        }
    }
    if report.is_same() && report.total.sent > 0 {
        writeln!(
            out,
            "{}",
            style::good("everything that was sent arrived as it was")
        )?;
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// `12:00:01.123 dial 1764666900.61, file:12`
fn seen(sighting: &Sighting, shown: &ComparisonView<'_>) -> String {
    let event = sanitise(sighting.event.as_bytes());
    let id = match id(sighting) {
        id if id.is_empty() => String::new(),
        id => format!(" {id}"),
    };
    format!("{} {event}{id}, {}", time(sighting, shown), place(sighting))
}

fn time(sighting: &Sighting, shown: &ComparisonView<'_>) -> String {
    shown
        .clock
        .time_millis(stamp(shown.clock, sighting.at_millis))
}

fn write_finding(
    out: &mut impl Write,
    finding: &Mismatch,
    shown: &ComparisonView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    let first = finding.sighting();
    let event = sanitise(first.event.as_bytes());
    let mut text = format!("{event} {}", id(first));
    if let Some(sent) = &finding.sent {
        let how = delivery(sent.delivery);
        text += &format!(", sent {} ({how}) {}", time(sent, shown), place(sent));
    }
    if let Some(received) = &finding.received {
        let way = finding
            .lag_millis()
            .map(|millis| format!(" ({})", lag(millis)));
        let way = way.unwrap_or_default();
        text += &format!(
            ", received {}{way} {}",
            time(received, shown),
            place(received)
        );
    }
    if finding.kind == MismatchKind::MayStillCome {
        text += ", may still come";
    }
    let paint: fn(&str) -> String = match finding.kind {
        MismatchKind::Missing => style::bad,
        MismatchKind::MayStillCome | MismatchKind::Differs(_) | MismatchKind::Duplicate => {
            style::doubtful
        }
    };
    write_one(out, &paint, finding.kind.word(), &text, width)?;
    if let MismatchKind::Differs(differences) = &finding.kind {
        for difference in differences {
            let shown_value = |value: &Option<serde_json::Value>| match value {
                Some(value) => masked_value(&difference.field, value, shown.secrets).to_string(),
                None => "not there".to_owned(),
            };
            let text = format!(
                "{}: sent {}, received {}",
                difference.field,
                shown_value(&difference.sent),
                shown_value(&difference.received)
            );
            write!(out, "{}", " ".repeat(WORD_WIDTH))?;
            wrapped(out, &sanitise(text.as_bytes()), WORD_WIDTH, width)?;
        }
        if differences.is_empty() {
            writeln!(out, "{}the body is cut off", " ".repeat(WORD_WIDTH))?;
        }
    }
    for complaint in &finding.complaints {
        write_complaint(out, complaint, shown, width, WORD_WIDTH)?;
    }
    Ok(())
}

fn write_one(
    out: &mut impl Write,
    paint: &dyn Fn(&str) -> String,
    word: &str,
    text: &str,
    width: Option<usize>,
) -> io::Result<()> {
    write!(out, "{}", paint(&format!("{word:<WORD_WIDTH$}")))?;
    wrapped(out, text, WORD_WIDTH, width)
}

fn write_complaint(
    out: &mut impl Write,
    complaint: &Complaint,
    shown: &ComparisonView<'_>,
    width: Option<usize>,
    indent: usize,
) -> io::Result<()> {
    let at = shown
        .clock
        .time_millis(stamp(shown.clock, complaint.at_millis));
    let about = complaint.id.as_ref().map(|id| format!(" ({id})"));
    let about = about.filter(|_| indent == 0).unwrap_or_default();
    let text = format!(
        "{at} {}{about}, {}",
        masked(&complaint.text, shown.secrets),
        place_text(&complaint.seen_at, ':')
    );
    write!(
        out,
        "{}{}",
        " ".repeat(indent),
        style::bad(&format!("{:<WORD_WIDTH$}", "error"))
    )?;
    wrapped(out, &sanitise(text.as_bytes()), indent + WORD_WIDTH, width)
}
