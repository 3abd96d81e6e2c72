//! One call for people: a header that answers, then everything in order.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::layout::{RECORD_LINES_MAX, fit, kind_column, pieces, wrapped_at_most};
use super::number::phone;
use super::story::counted;
use super::{Clock, People, Secrets, style, words};
use calltrace_engine::{Trace, TracedCall};
use calltrace_model::call::{MessageLife, Reason, Summary};
use calltrace_model::record::{Body, KindName, Record, Stamp};
use calltrace_model::{redact, sanitise};

/// What to show of a call.
#[derive(Debug, Clone, Default)]
pub struct TimelineOptions {
    /// Only records of these kinds; all when empty.
    pub only: Vec<KindName>,
    /// Bodies, pretty.
    pub full: bool,
    /// If set, shows why each leg belongs to the call, with the file and line number of the record that joined it.
    /// The vector has one entry per leg, `None` if no record joined it.
    pub why: Option<Vec<Option<String>>>,
    /// Columns to fit; `None` for any number.
    pub width: Option<usize>,
    /// Names.
    pub people: People,
}

/// Writes a call.
///
/// # Errors
/// When `out` can't be written.
pub fn write_timeline(
    out: &mut impl Write,
    trace: &Trace,
    call: &TracedCall,
    clock: &Clock,
    options: &TimelineOptions,
) -> io::Result<()> {
    header(out, (trace, call), clock, &options.people, options.width)?;
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
    let leg_width = width.max().unwrap_or(0).clamp(4, 22);
    for (line, fact) in call.lines.iter().zip(&call.facts) {
        let record = Record::parse(&line.text);
        if !options.only.is_empty() && !options.only.contains(&record.kind()) {
            continue;
        }
        if let Some(heading) = clock.heading(&mut head, line.at) {
            writeln!(out, "{}", style::faint(&heading))?;
        }
        let leg = leg_column(call, fact.uid(), leg_width);
        let what = words::record(&record, fact);
        let what = secrets.mask(&what);
        let prefix_width = 12 + 2 + 9 + 2 + 4 + 2 + leg_width + 2;
        write!(
            out,
            "{}  {}  {}  {leg}  ",
            clock.time_millis(line.at),
            style::faint(&format!("{:>9}", offset(line.at, call.summary.first))),
            kind_column(record.kind()),
        )?;
        let what = match fact.text_details.cut {
            true => format!("{what} [cut in the log]"),
            false => what.into_owned(),
        };
        let lines = if options.full {
            usize::MAX
        } else {
            RECORD_LINES_MAX
        };
        wrapped_at_most(out, &what, prefix_width, options.width, lines)?;
        if options.full {
            bodies(out, &record, &secrets)?;
        }
    }
    footer(out, &call.summary, options.width)
}

/// Writes notes about the records after them, with an empty line first; nothing if there are none.
pub(super) fn footer(
    out: &mut impl Write,
    summary: &Summary,
    width: Option<usize>,
) -> io::Result<()> {
    let Some(recovered) = words::recovered(summary) else {
        return Ok(());
    };
    writeln!(out)?;
    lines(out, &recovered, width, style::doubtful)
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

/// Writes what a call was, at a glance; no line is wider than `width` if there is one.
pub(super) fn header(
    out: &mut impl Write,
    (trace, call): (&Trace, &TracedCall),
    clock: &Clock,
    people: &People,
    width: Option<usize>,
) -> io::Result<()> {
    let s = &call.summary;
    let id = sanitise::sanitise(s.main_uid.as_bytes());
    writeln!(
        out,
        "{}  {}",
        style::strong(&format!("{} call {id}", trace.enterprise)),
        style::faint(&format!(
            "{}, {}",
            counted(s.legs.len(), "leg", "legs"),
            counted(call.lines.len(), "record", "records")
        )),
    )?;
    let way = words::direction(s.direction);
    let (parties, result) = (words::parties(s, people), words::result(s, people));
    let together = 2 + way.width() + 1 + parties.width() + 2 + result.width();
    if width.is_none_or(|width| together <= width) {
        let result = style::outcome(s.outcome, &result);
        writeln!(out, "  {way} {}  {result}", style::strong(&parties))?;
    } else {
        lines(out, &format!("{way} {parties}"), width, style::strong)?;
        lines(out, &result, width, |text| style::outcome(s.outcome, text))?;
    }
    let plain = |text: &str| text.to_owned();
    let span = words::duration(s.last.since(s.first));
    let (began, zone) = (clock.date_time(s.first), clock.zone(s.first));
    lines(
        out,
        &format!("{began} ({zone})  {span} in all"),
        width,
        plain,
    )?;
    let lengths = words::lengths(s, people);
    if !lengths.is_empty() {
        lines(out, &lengths, width, plain)?;
    }
    lines(out, &messages(s, call), width, |text| {
        match text.find(" failed)") {
            Some(_) => style::doubtful(text),
            None => text.to_owned(),
        }
    })?;
    if call.left_out > 0 {
        let text = format!(
            "at least {} records more are left out (--limit 0 shows all)",
            call.left_out
        );
        lines(out, &text, width, style::bad)?;
    }
    if call.closure.capped {
        let text = "the joins run away: growing was stopped, parts may be missing or foreign";
        lines(out, text, width, style::bad)?;
    }
    let inferred = call.closure.inferred();
    if inferred > 0 {
        let legs = counted(inferred, "leg", "legs");
        let text = format!("{legs} joined by circumstance, not by id (--why, --strict)");
        lines(out, &text, width, style::doubtful)?;
    }
    Ok(())
}

/// Writes text indented by two, in as many lines as it takes.
fn lines(
    out: &mut impl Write,
    text: &str,
    width: Option<usize>,
    styled: impl Fn(&str) -> String,
) -> io::Result<()> {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(2).max(20));
    for piece in pieces(text, room) {
        writeln!(out, "  {}", styled(&piece))?;
    }
    Ok(())
}

fn messages(s: &Summary, call: &TracedCall) -> String {
    let mut parts = Vec::new();
    let m = s.messages;
    if m.sent + m.deleted + m.edited == 0 {
        parts.push("no messages".to_owned());
    } else {
        parts.push(format!(
            "{} to {}, {} still standing",
            counted(m.sent, "message", "messages"),
            counted(m.chats, "chat", "chats"),
            m.standing
        ));
        let lost: Vec<MessageLife> = MessageLife::all(&call.facts);
        let unsent = lost.iter().filter(|life| life.sent.is_none()).count();
        if unsent > 0 {
            parts.push(format!("{unsent} changed, but not logged as sent"));
        }
    }
    if s.http > 0 {
        let failed = match s.http_failed {
            0 => String::new(),
            n => format!(" ({n} failed)"),
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

/// Extension or number; for half of a Local channel the number that it rings, its own number and which half:
/// `Local/151-b;1`.
fn leg_name(label: &str, channel: &str) -> String {
    let local = channel.strip_prefix("Local/").and_then(|rest| {
        let (target, rest) = rest.split_once('@')?;
        let (_, number) = rest.rsplit_once('-')?;
        Some(format!("Local/{target}-{}", number.trim_start_matches('0')))
    });
    let shown = if label.is_empty() { channel } else { label };
    phone(local.as_deref().unwrap_or(shown))
}

/// A leg by its name, `main` if no record has one; empty if it is none of the call's.
pub(super) fn leg_text(call: &TracedCall, uid: &[u8]) -> String {
    leg_of(call, uid).map_or_else(String::new, |(_, name)| name)
}

fn leg_of(call: &TracedCall, uid: &[u8]) -> Option<(usize, String)> {
    let mut legs = call.summary.legs.iter();
    let index = legs.position(|leg| leg.uid.as_bytes() == uid)?;
    let leg = &call.summary.legs[index];
    let name = leg_name(&leg.label, &leg.channel);
    Some((
        index,
        if name.is_empty() {
            "main".to_owned()
        } else {
            name
        },
    ))
}

fn leg_column(call: &TracedCall, uid: &[u8], width: usize) -> String {
    match leg_of(call, uid) {
        Some((index, name)) => style::leg(index, &fit(&name, width)),
        None => " ".repeat(width),
    }
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
pub(super) fn line_text(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    sanitise::sanitise(redact::text(&text).as_bytes()).into_owned()
}
