//! `calltrace search --lines`: records instead of calls.

use super::missing::Missing;
use super::talk::sum;
use super::{Desk, Exit};
use crate::cli::{SearchArgs, SearchFormat};
use calltrace_engine::{FoundLines, LinesQuestion};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_output::{Secrets, json, write_lines};
use calltrace_store::error::{Error, Times, Trouble};
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(
    desk: &Desk,
    args: &SearchArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> Result<Exit, Error> {
    let of_calls = [
        ("--direction", args.calls.direction.is_some()),
        ("--status", args.calls.status.is_some()),
        ("--missed", args.missed),
        ("--not-returned", args.not_returned),
        ("--callbacks", args.callbacks),
        ("--min-talk", args.calls.min_talk.is_some()),
        ("--min-ring", args.calls.min_ring.is_some()),
        ("--transferred", args.calls.transferred),
        ("--fault", args.calls.fault.is_some()),
    ];
    if let Some((flag, _)) = of_calls.iter().find(|(_, given)| *given) {
        return Err(Error::Usage(format!(
            "{flag} is about calls; --lines takes filters on records, such as --event or --phone"
        )));
    }
    if args.format == SearchFormat::Csv {
        return Err(Error::Usage(
            "records have no columns; --lines prints table, json, ndjson or raw".to_owned(),
        ));
    }
    let question = LinesQuestion {
        filter: RecordFilter {
            since,
            until,
            ..args.calls.party.record_filter(&args.calls.content)
        },
        limit: args.limit(),
        count_only: args.count,
        before: args.before_context.max(args.context).unwrap_or(0),
        after: args.after_context.max(args.context).unwrap_or(0),
    };
    let mut missing = Missing::default();
    let mut all: Vec<FoundLines> = Vec::new();
    for enterprise in enterprises {
        let answer = desk.engine.lines(&desk.tree, enterprise, &question);
        let Some(found) = missing.answer(answer) else {
            continue;
        };
        desk.explain(|| format!("{enterprise}: {}", desk.searched_text(&found.searched)));
        desk.explain_all(&found.notes);
        all.push(found);
    }
    keep_newest(&mut all, question.limit);
    all.iter().for_each(|found| {
        missing.add(&found.troubles);
    });
    let matched = all.iter().flat_map(|found| &found.lines);
    let count = match args.count {
        true => all.iter().map(|found| found.count).sum(),
        false => matched.filter(|entry| entry.matched).count(),
    };
    let mut out = desk.out();
    if args.count {
        out.bytes(|out| writeln!(out, "{count}"))?;
    } else if args.format == SearchFormat::Json {
        let lines = all.iter().flat_map(|found| values(desk, found));
        let document = serde_json::json!({
            "version": json::VERSION, "lines": lines.collect::<Vec<_>>(), "total": count,
        });
        out.bytes(|out| json::write(out, &document, true))?;
    } else {
        let many = enterprises.len() > 1;
        let has_context = question.before + question.after > 0;
        for found in &all {
            match args.format {
                SearchFormat::Raw => out.raw(found.lines.iter().map(|entry| &*entry.line.text)),
                SearchFormat::Ndjson => out.bytes(|out| {
                    let mut values = values(desk, found).into_iter();
                    values.try_for_each(|value| json::write(out, &value, false))
                }),
                _ => out
                    .styled(|mut out| write_lines(&mut out, found, many, has_context, &desk.clock)),
            }?;
        }
    }
    if count == 0 {
        let searched = sum(all.iter().map(|found| found.searched));
        let searched = desk.searched_text(&searched);
        desk.say(&format!("no such record, {searched}"));
    }
    desk.say_missing(&missing, count > 0);
    Ok(Exit::of(count > 0, missing.is_incomplete()))
}

fn values(desk: &Desk, found: &FoundLines) -> Vec<serde_json::Value> {
    let secrets = Secrets::of_lines(found.lines.iter().map(|entry| &*entry.line.text));
    let lines = found.lines.iter();
    lines
        .map(|entry| json::line(found, &entry.line, entry.matched, &desk.clock, &secrets))
        .collect()
}

/// Leaves the newest matches of all enterprises together. Context goes with its enterprise: where
/// one has too many matches they are cut from its oldest line on. Damage matters only where it may hide a
/// record that is as new.
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
    let asked = Times {
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
