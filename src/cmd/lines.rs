//! `calltrace search --lines`: records instead of calls.

use std::collections::BTreeMap;

use super::missing::Missing;
use super::talk::{Out, sum};
use super::{App, Exit};
use crate::cli::{LinesBy, SearchArgs, SearchFormat};
use calltrace_engine::{FoundLines, LinesQuestion, RecordField};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_output::json::Extent;
use calltrace_output::{
    Marker, RecordDetail, RecordStream, Secrets, StreamRecord, csv, json, write_groups, write_lines,
};
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::scan::Line;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(
    app: &App,
    args: &SearchArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> Result<Exit, Error> {
    let of_calls = [
        ("--direction", args.calls.direction.is_some()),
        ("--status", args.calls.status.is_some()),
        ("--missed", args.missed),
        ("--answered", args.answered),
        ("--not-returned", args.not_returned),
        ("--callbacks", args.callbacks),
        ("--min-talk", args.calls.min_talk.is_some()),
        ("--min-ring", args.calls.min_ring.is_some()),
        ("--transferred", args.calls.transferred),
        ("--fault", args.calls.fault.is_some()),
    ];
    if let Some((flag, _)) = of_calls.iter().find(|(_, given)| *given) {
        return Err(Error::Usage(format!(
            "{flag} filters calls; --lines takes filters on records, such as --event or --phone"
        )));
    }
    if args.format == SearchFormat::Csv && args.by.is_none() {
        return Err(Error::Usage(
            "records have no CSV form; with --lines use --format table, json, ndjson or raw"
                .to_owned(),
        ));
    }
    let question = LinesQuestion {
        filter: RecordFilter {
            recovered: args.calls.recovered,
            since,
            until,
            ..args.calls.party.record_filter(&args.calls.content)
        },
        limit: args.limit(),
        count_only: args.count,
        by: args.by.and_then(group_by),
        before: args.before_context.max(args.context).unwrap_or(0),
        after: args.after_context.max(args.context).unwrap_or(0),
    };
    let mut missing = Missing::default();
    let mut all: Vec<FoundLines> = Vec::new();
    for enterprise in enterprises {
        let progress = app.progress();
        let answer = app.engine.lines(&app.tree, enterprise, &question);
        drop(progress);
        let Some(found) = missing.answer(answer) else {
            continue;
        };
        app.explain(|| format!("{enterprise}: {}", app.searched_text(&found.searched)));
        app.explain_all(&found.notes);
        all.push(found);
    }
    let is_cut = question.limit.is_some_and(|limit| {
        let shown: usize = all.iter().map(|found| found.count).sum();
        shown > limit || all.iter().any(|found| found.is_cut)
    });
    keep_newest(&mut all, question.limit);
    all.iter().for_each(|found| {
        missing.add(&found.troubles);
    });
    let extent = Extent {
        matches: all.iter().map(|found| found.matches).sum(),
        may_match_more: all.iter().any(|found| found.may_match_more),
        limit: args.limit,
        is_cut,
    };
    let matched = all.iter().flat_map(|found| &found.lines);
    let count = match args.count {
        true => extent.matches,
        false => matched.filter(|entry| entry.matched).count(),
    };
    let mut out = app.out();
    match args.by {
        Some(by) => print_groups(args, &mut out, by, &all)?,
        None if args.count => out.bytes(|out| writeln!(out, "{count}"))?,
        None => print_lines(app, args, &mut out, (&question, &extent), &all)?,
    }
    if is_cut && args.format != SearchFormat::Json {
        app.say_cut(args.limit);
    }
    if count == 0 {
        let searched = sum(all.iter().map(|found| found.searched));
        let searched = app.searched_text(&searched);
        app.say(&format!("no such record, {searched}"));
    }
    app.say_missing(&missing, count > 0);
    Ok(Exit::of(count > 0, missing.is_incomplete()))
}

fn group_by(by: LinesBy) -> Option<RecordField> {
    match by {
        LinesBy::Event => Some(RecordField::Event),
        LinesBy::Kind => Some(RecordField::Kind),
        LinesBy::Action => Some(RecordField::Action),
        LinesBy::Enterprise => None,
    }
}

fn print_lines(
    app: &App,
    args: &SearchArgs,
    out: &mut Out,
    (question, extent): (&LinesQuestion, &Extent),
    all: &[FoundLines],
) -> Result<(), Error> {
    match args.format {
        SearchFormat::Json => {
            let lines = all.iter().flat_map(|found| values(app, found));
            let mut document = serde_json::Map::new();
            document.insert("version".to_owned(), json::VERSION.into());
            document.insert("lines".to_owned(), lines.collect());
            extent.put(&mut document);
            out.bytes(|out| json::write(out, &document.into(), true))
        }
        SearchFormat::Ndjson => all.iter().try_for_each(|found| {
            out.bytes(|out| {
                let mut values = values(app, found).into_iter();
                values.try_for_each(|value| json::write(out, &value, false))
            })
        }),
        SearchFormat::Raw => all
            .iter()
            .try_for_each(|found| out.raw(found.lines.iter().map(|entry| &*entry.line.text))),
        SearchFormat::Table | SearchFormat::Csv => {
            let lines = all.iter().flat_map(|found| &found.lines);
            let secrets = Secrets::of_lines(lines.map(|entry| &*entry.line.text));
            let names = all.iter().map(|found| found.enterprise.as_str().len());
            let detail = match args.full {
                true => RecordDetail::Whole,
                false => RecordDetail::Line,
            };
            let mut stream = RecordStream::new(app.clock, names.max().filter(|_| all.len() > 1))
                .showing(detail)
                .masking(secrets)
                .marking(Marker::of(&question.filter));
            let width = out.width();
            let has_context = question.before + question.after > 0;
            out.styled(|mut out| match has_context {
                true => all
                    .iter()
                    .try_for_each(|found| write_lines(&mut out, found, &mut stream, width)),
                false => in_order(all, question.limit)
                    .iter()
                    .try_for_each(|shown| stream.write(&mut out, shown, width)),
            })
        }
    }
}

/// Prints the number of records of each event, kind, action or enterprise, largest first.
fn print_groups(
    args: &SearchArgs,
    out: &mut Out,
    by: LinesBy,
    all: &[FoundLines],
) -> Result<(), Error> {
    let head = match by {
        LinesBy::Event => "event",
        LinesBy::Kind => "kind",
        LinesBy::Action => "action",
        LinesBy::Enterprise => "enterprise_number",
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in all {
        if by == LinesBy::Enterprise && found.matches > 0 {
            counts.insert(found.enterprise.to_string(), found.matches);
        }
        for (word, count) in &found.groups {
            let word = String::from_utf8_lossy(word).into_owned();
            *counts.entry(word).or_default() += count;
        }
    }
    let mut groups: Vec<(String, usize)> = counts.into_iter().collect();
    groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let value = |(word, count): &(String, usize)| {
        let word = Some(word).filter(|word| !word.is_empty());
        serde_json::json!({ head: word, "count": count })
    };
    match args.format {
        SearchFormat::Json => {
            let total: usize = groups.iter().map(|(_, count)| count).sum();
            let document = serde_json::json!({
                "version": json::VERSION,
                "by": head,
                "groups": groups.iter().map(value).collect::<Vec<_>>(),
                "total": total,
            });
            out.bytes(|out| json::write(out, &document, true))
        }
        SearchFormat::Ndjson => out.bytes(|out| {
            let mut values = groups.iter().map(value);
            values.try_for_each(|value| json::write(out, &value, false))
        }),
        SearchFormat::Csv => out.csv(|out| csv::write_counts(out, head, &groups, args.raw_csv)),
        SearchFormat::Table | SearchFormat::Raw => {
            out.styled(|mut out| write_groups(&mut out, head, &groups))
        }
    }
}

/// The newest `limit` records of all enterprises, in order of time.
pub(super) fn in_order(all: &[FoundLines], limit: Option<usize>) -> Vec<StreamRecord<'_>> {
    let mut lines: Vec<(usize, &Line)> = Vec::new();
    for (at, found) in all.iter().enumerate() {
        lines.extend(found.lines.iter().map(|entry| (at, &entry.line)));
    }
    lines.sort_by_key(|(at, line)| (line.at, *at, line.place));
    let cut = limit.map_or(0, |limit| lines.len().saturating_sub(limit));
    lines[cut..]
        .iter()
        .map(|(at, line)| StreamRecord {
            enterprise: all[*at].enterprise.as_str(),
            file: all[*at].file_of(line),
            offset: line.place.offset,
            at: line.at,
            text: &line.text,
        })
        .collect()
}

fn values(app: &App, found: &FoundLines) -> Vec<serde_json::Value> {
    let secrets = Secrets::of_lines(found.lines.iter().map(|entry| &*entry.line.text));
    let lines = found.lines.iter();
    lines
        .map(|entry| json::line(found, &entry.line, entry.matched, &app.clock, &secrets))
        .collect()
}

/// Keeps only the newest matches of all enterprises together, with their context. Damage then matters only if it may
/// hide a record that is newer than the oldest match that is kept.
pub(super) fn keep_newest(all: &mut [FoundLines], limit: Option<usize>) {
    let Some(limit) = limit else { return };
    let matches = |found: &FoundLines| {
        let times = found.lines.iter().filter(|entry| entry.matched);
        times.map(|entry| entry.line.at).collect::<Vec<_>>()
    };
    let mut times: Vec<Stamp> = all.iter().flat_map(matches).collect();
    times.sort();
    let Some(oldest) = times
        .len()
        .checked_sub(limit)
        .and_then(|cut| times.get(cut))
    else {
        return;
    };
    let asked = TimeRange {
        from: Some(*oldest),
        to: None,
    };
    for found in all {
        Trouble::judge(&mut found.troubles, asked);
        found
            .lines
            .retain(|entry| entry.line.at >= *oldest || !entry.matched);
        if !found.lines.iter().any(|entry| entry.matched) {
            found.lines.clear();
        }
    }
}
