//! Statistics for people: totals, then bars or the hours of the week.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::StatsView;
use super::bars::bar;
use super::heat::write_heat;
use super::names::{NAMES_WIDTH_MAX, StatsWords, head, short};
use crate::layout::wrapped;
use crate::number::phone;
use crate::style;
use crate::words::duration;
use calltrace_model::call::Outcome;
use calltrace_model::sanitise::sanitise;
use calltrace_model::stats::{Figures, GroupBy, Outcomes, Spread};
use chrono::{NaiveTime, Timelike};

/// The longest bar (columns), and the shortest that is worth its place.
const BAR_MAX: usize = 50;
const BAR_MIN: usize = 8;

/// Hosts and persons that are named in the totals; JSON has all of them.
const NAMED_MAX: usize = 10;

/// A colour, or none.
type Dress = fn(&str) -> String;

/// One of the lengths of a spread.
type SpreadPart = fn(Spread) -> i64;

/// Writes totals, then the groups with bars, or without groups the hours of the week. `width` is what it must fit
/// in; `None` for no bars and no shades, as in a pipe.
///
/// # Errors
/// When `out` can't be written.
pub fn write_stats(
    out: &mut dyn Write,
    shown: &StatsView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    let stats = shown.stats;
    let title = counted(stats.total.outcomes.all(), "call");
    writeln!(out, "{}  {}", style::strong(&title), period(shown))?;
    if stats.total.outcomes.all() == 0 {
        return Ok(());
    }
    write_outcomes(out, stats.total.outcomes, width)?;
    write_spreads(out, &stats.total)?;
    if stats.total.outcomes.of(Outcome::Missed) > 0 {
        write_callbacks(out, shown, width)?;
    }
    write_requests(out, shown)?;
    writeln!(out)?;
    match stats.by {
        Some(by) => write_groups(out, shown, by, width),
        None => {
            let plain: Dress = str::to_owned;
            write_heat(out, "Calls by hour", &stats.calls, (plain, width))?;
            if stats.total.outcomes.of(Outcome::Missed) == 0 {
                return Ok(());
            }
            writeln!(out)?;
            write_heat(out, "Missed by hour", &stats.missed, (style::bad, width))
        }
    }
}

/// `2025-11-27 .. 2025-12-02 (Europe/Minsk, UTC+03:00)`: the requested days, otherwise from the first call to the last.
fn period(shown: &StatsView<'_>) -> String {
    let clock = shown.clock;
    let text = |at, is_end: bool| {
        let moment = clock.moment(at);
        match moment.time() {
            NaiveTime::MIN if is_end => clock.date(at.plus_millis(-1)),
            NaiveTime::MIN => clock.date(at),
            time if time.second() == 0 => moment.format("%Y-%m-%d %H:%M").to_string(),
            _ => clock.date_time(at),
        }
    };
    let (first, last) = match shown.stats.span {
        Some((first, last)) => (Some(first), Some(last)),
        None => (None, None),
    };
    let from = shown.since.map(|at| text(at, false));
    let from = from.or(first.map(|at| clock.date(at)));
    let to = shown.until.map(|at| text(at, true));
    let to = to.or(last.map(|at| clock.date(at)));
    let zone = shown
        .since
        .or(first)
        .or(shown.until)
        .map(|at| clock.zone(at));
    let zone = zone.map_or(String::new(), |zone| format!(" ({zone})"));
    match (from, to) {
        (Some(from), Some(to)) if from == to => format!("{from}{zone}"),
        (None, None) => String::new(),
        (from, to) => format!(
            "{} .. {}{zone}",
            from.unwrap_or_default(),
            to.unwrap_or_default()
        ),
    }
}

fn write_outcomes(out: &mut dyn Write, outcomes: Outcomes, width: Option<usize>) -> io::Result<()> {
    let all = outcomes.all();
    let rows: [(&str, Outcome, Dress); Outcome::ALL.len()] = [
        ("answered", Outcome::Answered, style::good),
        ("missed", Outcome::Missed, style::bad),
        ("not reached", Outcome::NotReached, style::bad),
        ("busy", Outcome::Busy, style::bad),
        ("in progress", Outcome::InProgress, style::doubtful),
        ("no end logged", Outcome::Unknown, style::doubtful),
    ];
    let rows = rows.map(|(word, outcome, dress)| (word, outcomes.of(outcome), dress));
    for (word, count, dress) in rows.into_iter().filter(|(_, count, _)| *count > 0) {
        let bar = match width {
            Some(width) => bar(count, 0, all, width.saturating_sub(32).min(BAR_MAX)),
            None => String::new(),
        };
        let percent = format!("{}%", (count * 200 + all) / (2 * all));
        let word = dress(&format!("{word:<14}"));
        let bar = match bar.is_empty() {
            true => bar,
            false => format!("  {}", dress(&bar)),
        };
        writeln!(out, "  {word} {count:>7} {percent:>5}{bar}")?;
    }
    Ok(())
}

fn write_spreads(out: &mut dyn Write, total: &Figures) -> io::Result<()> {
    let rows = [
        ("wait", total.wait, "incoming"),
        ("talk", total.talk, "talked"),
        ("hold", total.hold, "held"),
        ("messages", total.message_lag, "sent"),
    ];
    let parts: [(&str, SpreadPart); 4] = [
        ("50%", |s| s.p50),
        ("90%", |s| s.p90),
        ("95%", |s| s.p95),
        ("longest", |s| s.max),
    ];
    let known = rows.into_iter();
    let known: Vec<_> = known
        .filter_map(|(word, spread, what)| Some((word, spread?, what)))
        .collect();
    // Seven columns and a blank before them; more if a call lasts for hours.
    let widths = parts.map(|(_, of)| {
        let cells = known
            .iter()
            .map(|(_, spread, _)| duration(of(*spread)).len());
        cells.max().unwrap_or(0).max(7) + 1
    });
    let cells = |text: &dyn Fn(usize) -> String| -> String {
        let cells = widths.iter().enumerate();
        cells
            .map(|(at, width)| format!("{:>width$}", text(at)))
            .collect()
    };
    if !known.is_empty() {
        let head = cells(&|at| parts[at].0.to_owned());
        writeln!(
            out,
            "\n{}",
            style::faint(&format!("{:10}{head}      of", ""))
        )?;
    }
    for (word, spread, what) in known {
        let cells = cells(&|at| duration(parts[at].1(spread)));
        writeln!(out, "  {word:<8}{cells} {:>7} {what}", spread.count)?;
    }
    match total.messages_standing {
        0 => Ok(()),
        1 => writeln!(out, "  1 message still stands"),
        n => writeln!(out, "  {n} messages still stand"),
    }
}

fn write_callbacks(
    out: &mut dyn Write,
    shown: &StatsView<'_>,
    width: Option<usize>,
) -> io::Result<()> {
    let stats = shown.stats;
    let fates = stats.total.fates;
    let title = format!("{} missed", stats.total.outcomes.of(Outcome::Missed));
    let within = length(stats.within_millis);
    writeln!(
        out,
        "\n{}, and what followed within {within}",
        style::strong(&title)
    )?;
    let after = stats.called_back_after.map_or(String::new(), |after| {
        let tried = match fates.tried {
            0 => String::new(),
            n => format!("; {n} not reached"),
        };
        let (half, most) = (duration(after.p50), duration(after.p95));
        format!("half within {half}, 95% within {most}{tried}")
    });
    let in_vain = match fates.rang_again {
        0 => String::new(),
        1 => "1 client rang again in vain".to_owned(),
        n => format!("{n} clients rang again in vain"),
    };
    let plain: Dress = str::to_owned;
    let rows: [(&str, usize, String, Dress); 5] = [
        ("called back", fates.called_back(), after, style::good),
        (
            "rang again",
            fates.rang_again_answered,
            "the client did, and was answered".to_owned(),
            style::good,
        ),
        ("not returned", fates.not_returned, in_vain, style::bad),
        (
            "there is time",
            fates.pending,
            String::new(),
            style::doubtful,
        ),
        (
            "no number",
            fates.anonymous,
            "nobody can call back".to_owned(),
            plain,
        ),
    ];
    for (word, count, more, dress) in rows {
        if count == 0 && word != "not returned" {
            continue;
        }
        write!(out, "  {} {count:>7}", dress(&format!("{word:<14}")))?;
        match more.is_empty() {
            true => writeln!(out)?,
            false => {
                write!(out, "  ")?;
                wrapped(&mut &mut *out, &more, 26, width)?;
            }
        }
    }
    let by = stats
        .called_back_by
        .iter()
        .filter(|by| !by.person.is_empty());
    let named: Vec<String> = by
        .clone()
        .take(NAMED_MAX)
        .map(|by| {
            match stats
                .called_back_by
                .iter()
                .any(|other| other.enterprise != by.enterprise)
            {
                true => format!(
                    "{} {} ({})",
                    shown.enterprises[by.enterprise],
                    phone(&by.person),
                    by.calls
                ),
                false => format!("{} ({})", phone(&by.person), by.calls),
            }
        })
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let more = match by.count().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    write!(out, "  called back by  ")?;
    wrapped(
        &mut &mut *out,
        &format!("{}{more}", named.join(", ")),
        18,
        width,
    )
}

fn write_requests(out: &mut dyn Write, shown: &StatsView<'_>) -> io::Result<()> {
    let hosts = &shown.stats.requests;
    if hosts.is_empty() {
        return Ok(());
    }
    let failed: usize = hosts.iter().map(|host| host.failed).sum();
    let count: usize = hosts.iter().map(|host| host.count).sum();
    let title = style::strong(&counted(count, "HTTP request"));
    writeln!(out, "\n{title}, {failed} failed")?;
    for host in hosts.iter().take(NAMED_MAX) {
        let name = match host.host.as_str() {
            "" => "(no host)".to_owned(),
            name => short(sanitise(name.as_bytes()).into_owned()),
        };
        let pad = NAMES_WIDTH_MAX - name.width();
        let failed = match host.failed {
            0 => String::new(),
            n => style::bad(&format!("  {n} failed")),
        };
        let took = host.took.map_or(String::new(), |took| {
            format!("  95% within {}", duration(took.p95))
        });
        writeln!(out, "  {name}{:pad$} {:>7}{failed}{took}", "", host.count)?;
    }
    match hosts.len().saturating_sub(NAMED_MAX) {
        0 => Ok(()),
        n => writeln!(out, "  and {n} more"),
    }
}

/// A column of the groups: its head, its rank for leaving it out when the terminal is narrow (0 never, the highest
/// first), and its content.
type GroupColumn = (&'static str, u8, fn(&Figures) -> String);

const COLUMNS: [GroupColumn; 8] = [
    ("CALLS", 0, |f| f.outcomes.all().to_string()),
    ("ANSWERED", 2, |f| count(f.outcomes.of(Outcome::Answered))),
    ("MISSED", 0, |f| count(f.outcomes.of(Outcome::Missed))),
    ("NOT RETURNED", 1, |f| count(f.fates.not_returned)),
    ("WAIT", 3, |f| part(f.wait, |s| s.p50)),
    ("95%", 5, |f| part(f.wait, |s| s.p95)),
    ("TALK", 4, |f| part(f.talk, |s| s.p50)),
    ("95%", 6, |f| part(f.talk, |s| s.p95)),
];

/// The column heads of lengths mean the median, which is explained once under the table.
fn part(spread: Option<Spread>, of: fn(Spread) -> i64) -> String {
    spread.map_or("-".to_owned(), |spread| duration(of(spread)))
}

fn count(count: usize) -> String {
    match count {
        0 => "-".to_owned(),
        n => n.to_string(),
    }
}

fn write_groups(
    out: &mut dyn Write,
    shown: &StatsView<'_>,
    by: GroupBy,
    width: Option<usize>,
) -> io::Result<()> {
    let groups = shown.groups();
    let name = |key| StatsWords::ENGLISH.key(shown, key);
    let names: Vec<String> = groups.iter().map(|group| name(&group.key)).collect();
    let names_width = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let names_width = names_width.max(head(by).len());
    let cells: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            COLUMNS
                .iter()
                .map(|(_, _, of)| of(&group.figures))
                .collect()
        })
        .collect();
    // The width includes the blank before it.
    let taken = |c: usize| {
        let widest = cells.iter().map(|row| row[c].width()).max().unwrap_or(0);
        widest.max(COLUMNS[c].0.len()) + 1
    };
    let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
    let used = |columns: &[usize]| names_width + columns.iter().map(|c| taken(*c)).sum::<usize>();
    while let Some(width) = width
        && used(&columns) + 2 + BAR_MIN > width
    {
        let next = columns.iter().copied().max_by_key(|c| COLUMNS[*c].1);
        match next {
            Some(c) if COLUMNS[c].1 > 0 => columns.retain(|kept| *kept != c),
            _ => break,
        }
    }
    let bars = width.map_or(0, |width| {
        width.saturating_sub(used(&columns) + 2).min(BAR_MAX)
    });
    let most = groups
        .iter()
        .map(|group| group.figures.outcomes.all())
        .max();
    let heads = columns
        .iter()
        .map(|&c| format!("{:>1$}", COLUMNS[c].0, taken(c)));
    let heads: String = heads.collect();
    writeln!(
        out,
        "{}",
        style::faint(&format!("{:<names_width$}{heads}", head(by)))
    )?;
    for ((group, name), row) in groups.iter().zip(&names).zip(&cells) {
        let pad = names_width - name.width();
        let cells = columns.iter().map(|&c| {
            let cell = format!("{:>1$}", row[c], taken(c));
            match COLUMNS[c].0 {
                "NOT RETURNED" if group.figures.fates.not_returned > 0 => style::bad(&cell),
                _ => cell,
            }
        });
        let cells: String = cells.collect();
        let outcomes = group.figures.outcomes;
        let bar = match bars {
            0 => String::new(),
            bars => bar(
                outcomes.all(),
                outcomes.of(Outcome::Missed),
                most.unwrap_or(0),
                bars,
            ),
        };
        let line = format!("{name}{:pad$}{cells}  {bar}", "");
        writeln!(out, "{}", line.trim_end())?;
    }
    let bars = (bars > 0).then(|| format!("█ calls, {} missed", style::bad("▒")));
    let lengths = columns.iter().map(|&c| COLUMNS[c].0);
    let lengths: Vec<&str> = lengths
        .filter(|head| ["WAIT", "TALK"].contains(head))
        .collect();
    let lengths = (!lengths.is_empty())
        .then(|| format!("{}: half of them last no longer", lengths.join(", ")));
    let legend: Vec<String> = bars.into_iter().chain(lengths).collect();
    match legend.is_empty() {
        true => Ok(()),
        false => writeln!(out, "{}", legend.join("; ")),
    }
}

/// `1 call`, `2 calls`
fn counted(count: usize, word: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {word}{end}")
}

/// `60 minutes`, `3 hours`, `1m30s`.
fn length(millis: i64) -> String {
    match (millis / 1000, millis / 60_000) {
        (seconds, _) if millis % 1000 != 0 || seconds < 60 || seconds % 60 != 0 => duration(millis),
        (_, minutes) if minutes <= 120 => format!("{minutes} minutes"),
        (_, minutes) if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        (_, minutes) => format!("{} hours {} minutes", minutes / 60, minutes % 60),
    }
}
