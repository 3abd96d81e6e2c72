//! One call for people: a header that answers, then everything in order.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::layout::{fit, kind_column, wrapped};
use super::{Clock, Secrets, redact, sanitise, style, words};
use crate::call::{MessageLife, Reason, Summary};
use crate::engine::{Trace, TracedCall};
use crate::record::{Body, KindName, Record, Stamp};
use crate::scan::Line;

/// What to show of a call.
#[derive(Debug, Clone, Default)]
pub struct TimelineOptions {
    /// Only records of these kinds; all when empty.
    pub only: Vec<KindName>,
    /// Bodies, pretty.
    pub full: bool,
    /// Why each leg belongs, with the line that says so: its file and line number by leg, as far as
    /// a record joined it.
    pub why: Option<Vec<Option<String>>>,
    /// Columns to fit; `None` for any number.
    pub width: Option<usize>,
}

/// Writes a call.
///
/// # Errors
/// When `out` does.
pub fn write_timeline(
    out: &mut impl Write,
    trace: &Trace,
    call: &TracedCall,
    clock: &Clock,
    options: &TimelineOptions,
) -> io::Result<()> {
    header(out, trace, call, clock)?;
    if let Some(places) = &options.why {
        writeln!(out)?;
        why(out, call, places)?;
    }
    writeln!(out)?;
    let secrets = Secrets::of_call(call);
    let mut head = clock.day_and_offset(call.summary.first);
    let width = call
        .summary
        .legs
        .iter()
        .map(|leg| leg_name(&leg.label, &leg.channel).width());
    let leg_width = width.max().unwrap_or(0).clamp(3, 18);
    for (line, fact) in call.lines.iter().zip(&call.facts) {
        let record = Record::parse(&line.text);
        if !options.only.is_empty() && !options.only.contains(&record.kind()) {
            continue;
        }
        let next = clock.day_and_offset(line.at);
        if next != head {
            // The header names the zone as it was when the call began.
            let zone = match next.1 == head.1 {
                true => String::new(),
                false => format!(" ({})", clock.zone(line.at)),
            };
            head = next;
            writeln!(out, "{}", style::faint(&format!("--- {}{zone}", head.0)))?;
        }
        let leg = leg_column(call, fact.uid(), leg_width);
        let what = match &record.body {
            Body::Ast(ast) => words::event(ast, fact),
            _ => words::other(&record),
        };
        let what = secrets.mask(&what);
        let prefix_width = 12 + 2 + 9 + 2 + 4 + 2 + leg_width + 2;
        write!(
            out,
            "{}  {}  {}  {leg}  ",
            clock.time_millis(line.at),
            style::faint(&format!("{:>9}", offset(line.at, call.summary.first))),
            kind_column(record.kind()),
        )?;
        wrapped(out, &what, prefix_width, options.width)?;
        if options.full {
            bodies(out, &record, &secrets)?;
        }
    }
    Ok(())
}

/// `+0.410s`, `+12.100s`, `+2m05.0s`
fn offset(at: Stamp, first: Stamp) -> String {
    let millis = at.since(first);
    if millis < 60_000 {
        format!("+{}.{:03}s", millis / 1000, millis % 1000)
    } else if millis < 3_600_000 {
        let (minutes, rest) = (millis / 60_000, millis % 60_000);
        format!("+{minutes}m{:02}.{}s", rest / 1000, rest % 1000 / 100)
    } else {
        format!("+{}", words::duration(millis))
    }
}

/// Less than a second without a partner is too short to be felt as hold.
const HOLD_MILLIS_SHOWN: i64 = 1_000;

fn header(out: &mut impl Write, trace: &Trace, call: &TracedCall, clock: &Clock) -> io::Result<()> {
    let s = &call.summary;
    writeln!(
        out,
        "{}  {}",
        style::strong(&format!(
            "{} call {}",
            trace.enterprise,
            sanitise::sanitise(s.main_uid.as_bytes())
        )),
        style::faint(&format!(
            "{} legs, {} records",
            s.legs.len(),
            call.lines.len()
        )),
    )?;
    let result = words::result(s);
    writeln!(
        out,
        "  {} {}  {}",
        words::direction(s.direction),
        style::strong(&words::parties(s)),
        style::outcome(s.outcome, &result),
    )?;
    let span = words::duration(s.last.since(s.first));
    writeln!(
        out,
        "  {} ({})  {span} in all",
        clock.date_time(s.first),
        clock.zone(s.first)
    )?;
    let mut facts = Vec::new();
    facts.extend(
        s.ring_millis
            .map(|ms| format!("ring {}", words::duration(ms))),
    );
    facts.extend(
        s.talk_millis
            .map(|ms| format!("talk {}", words::duration(ms))),
    );
    let hold = s.hold_millis.filter(|ms| *ms >= HOLD_MILLIS_SHOWN);
    facts.extend(hold.map(|ms| format!("hold {}", words::duration(ms))));
    if s.transfers > 0 {
        let to: Vec<String> = s
            .transferred_to
            .iter()
            .map(|who| words::phone(who))
            .collect();
        facts.push(format!("transferred to {}", to.join(", then to ")));
    }
    if !s.trunk.is_empty() {
        facts.push(format!("line {}", sanitise::sanitise(s.trunk.as_bytes())));
    }
    if s.crm {
        facts.push("marked as started from the CRM".to_owned());
    }
    if !facts.is_empty() {
        writeln!(out, "  {}", facts.join(", "))?;
    }
    writeln!(out, "  {}", messages(s, call))?;
    if call.left_out > 0 {
        let text = format!(
            "at least {} records more are left out (--limit 0 shows all)",
            call.left_out
        );
        writeln!(out, "  {}", style::bad(&text))?;
    }
    if call.closure.capped {
        let text = "the joins run away: growing was stopped, parts may be missing or foreign";
        writeln!(out, "  {}", style::bad(text))?;
    }
    let inferred = call
        .closure
        .joins()
        .iter()
        .filter(|j| !j.reason.is_proven());
    let inferred = inferred.count();
    if inferred > 0 {
        let legs = if inferred == 1 { "leg" } else { "legs" };
        let text = format!("{inferred} {legs} joined by circumstance, not by id (--why, --strict)");
        writeln!(out, "  {}", style::doubtful(&text))?;
    }
    Ok(())
}

fn messages(s: &Summary, call: &TracedCall) -> String {
    let mut parts = Vec::new();
    let m = s.messages;
    if m.sent + m.deleted + m.edited == 0 {
        parts.push("no messages".to_owned());
    } else {
        let plural = if m.chats == 1 { "" } else { "s" };
        parts.push(format!(
            "{} messages to {} chat{plural}, {} still standing",
            m.sent, m.chats, m.standing
        ));
        let lost: Vec<MessageLife> = MessageLife::all(&call.facts);
        let unsent = lost.iter().filter(|life| life.sent.is_none()).count();
        if unsent > 0 {
            parts.push(format!("{unsent} changed whose sending is not logged"));
        }
    }
    if s.http > 0 {
        let failed = match s.http_failed {
            0 => String::new(),
            n => style::bad(&format!(" ({n} failed)")),
        };
        parts.push(format!("{} HTTP{failed}", s.http));
    }
    if s.sql > 0 {
        parts.push(format!("{} SQL", s.sql));
    }
    parts.join(", ")
}

fn why(out: &mut impl Write, call: &TracedCall, places: &[Option<String>]) -> io::Result<()> {
    writeln!(out, "  legs, and why each belongs")?;
    for (join, place) in call.closure.joins().iter().zip(places) {
        let leg = call.summary.legs.iter().find(|leg| leg.uid == join.uid);
        let name = leg.map_or(String::new(), |leg| leg_name(&leg.label, &leg.channel));
        let reason = match &join.reason {
            Reason::Asked => "asked for".to_owned(),
            Reason::Bridge(bridge) => format!("met the call in bridge {bridge}"),
            Reason::LocalPair(stem) => format!("other half of {stem}"),
            Reason::Message { chat, message } => {
                format!("changes message {message} in chat {chat}")
            }
            Reason::Inferred(why) => format!("inferred: {why}"),
        };
        let by = place
            .as_ref()
            .map(|p| format!("  [{p}]"))
            .unwrap_or_default();
        let text = format!("    {:<24} {name:<14} {reason}{by}", join.uid);
        writeln!(out, "{}", sanitise::sanitise(text.as_bytes()))?;
    }
    Ok(())
}

fn leg_name(label: &str, channel: &str) -> String {
    let shown = if label.is_empty() { channel } else { label };
    words::phone(shown)
}

fn leg_column(call: &TracedCall, uid: &[u8], width: usize) -> String {
    let found = call
        .summary
        .legs
        .iter()
        .position(|leg| leg.uid.as_bytes() == uid);
    let Some(index) = found else {
        return " ".repeat(width);
    };
    let leg = &call.summary.legs[index];
    let name = match leg_name(&leg.label, &leg.channel) {
        name if name.is_empty() => "main".to_owned(),
        name => name,
    };
    style::leg(index, &fit(&name, width))
}

fn bodies(out: &mut impl Write, record: &Record<'_>, secrets: &Secrets) -> io::Result<()> {
    let shown: Vec<(&str, &[u8])> = match &record.body {
        Body::Ast(ast) => vec![("", ast.json)],
        Body::Http(http) => vec![("request ", http.request), ("response ", http.response)],
        Body::Sql(sql) => vec![("params ", sql.params), ("result ", sql.result)],
        Body::Tg(_) | Body::Unparsed => Vec::new(),
    };
    for (name, body) in shown.into_iter().filter(|(_, body)| *body != b"{}") {
        let mut body = redact::body(body);
        secrets.mask_value(&mut body);
        let pretty = serde_json::to_string_pretty(&body).unwrap_or_default();
        for (i, line) in pretty.lines().enumerate() {
            let name = if i == 0 { name } else { "" };
            writeln!(out, "      {name}{}", sanitise::sanitise(line.as_bytes()))?;
        }
    }
    Ok(())
}

/// The original line of a record, for messages about it.
pub(super) fn line_text(line: &Line) -> String {
    let text = String::from_utf8_lossy(&line.text);
    sanitise::sanitise(redact::text(&text).as_bytes()).into_owned()
}
