//! `calltrace search [ENTERPRISE...] FILTERS`

use super::calls::{left_out, period, question};
use super::talk::{Out, sum};
use super::{Desk, Exit};
use crate::cli::{SearchArgs, SearchFormat};
use calltrace_engine::{Found, FoundLines, LinesQuestion};
use calltrace_model::call::Summary;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_output::{Secrets, csv, json, write_lines, write_table};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(desk: &Desk, args: &SearchArgs) -> Result<Exit, Error> {
    let enterprises = desk.tree.select(&args.calls.enterprises)?;
    let (since, until) = period(desk, &args.calls)?;
    let stamp = |moment| desk.engine.zone().stamp(moment);
    let (since, until) = (since.map(stamp), until.map(stamp));
    if args.lines {
        lines(desk, args, &enterprises, since, until)
    } else {
        calls(desk, args, &enterprises, since, until)
    }
}

fn limit(args: &SearchArgs) -> Option<usize> {
    Some(args.limit).filter(|&limit| limit > 0 && !args.count)
}

fn calls(
    desk: &Desk,
    args: &SearchArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> Result<Exit, Error> {
    let mut question = question(desk, &args.calls, args.strict);
    question.criteria.since = since;
    question.criteria.until = until;
    question.limit = limit(args);
    question.count_only = args.count;
    let mut all: Vec<Found> = Vec::new();
    let mut troubles = false;
    let answers = desk.engine.search_each(&desk.tree, enterprises, &question);
    for (enterprise, answer) in enterprises.iter().zip(answers) {
        let Some(found) = desk.answer(answer) else {
            troubles = true;
            continue;
        };
        desk.explain(|| {
            let unparsed = match found.unparsed {
                0 => String::new(),
                n => format!(", {n} lines of no known kind"),
            };
            format!(
                "{enterprise}: {}{unparsed}",
                desk.searched_text(&found.searched)
            )
        });
        desk.explain_all(&found.notes);
        desk.say_troubles(&found.troubles);
        troubles |= !found.troubles.is_empty();
        if let Some(text) = left_out(&found) {
            desk.say(&text);
        }
        all.push(found);
    }
    let mut rows: Vec<(&EnterpriseName, &Summary)> = all
        .iter()
        .flat_map(|found| found.calls.iter().map(|call| (&found.enterprise, call)))
        .collect();
    rows.sort_by(|a, b| (b.1.first, a.0, &b.1.main_uid).cmp(&(a.1.first, b.0, &a.1.main_uid)));
    let cut = limit(args).filter(|&limit| rows.len() >= limit);
    rows.truncate(cut.unwrap_or(rows.len()));

    let mut out = desk.out();
    let count = match args.count {
        true => all.iter().map(|found| found.count).sum(),
        false => rows.len(),
    };
    if args.count {
        out.bytes(|out| writeln!(out, "{count}"))?;
    } else {
        print_calls(desk, args, &mut out, &rows, &all)?;
    }
    if cut.is_some() && args.format == SearchFormat::Table {
        let limit = args.limit;
        desk.say(&format!(
            "the newest {limit} are shown; --limit 0 shows all, --count counts them"
        ));
    }
    if count == 0 {
        let searched = sum(all.iter().map(|found| found.searched));
        desk.say(&format!("no such call, {}", desk.searched_text(&searched)));
    }
    Ok(Exit::of(count > 0, troubles))
}

fn print_calls(
    desk: &Desk,
    args: &SearchArgs,
    out: &mut Out,
    rows: &[(&EnterpriseName, &Summary)],
    all: &[Found],
) -> Result<(), Error> {
    let values = || {
        rows.iter()
            .map(|(name, call)| json::row(name.as_str(), call, &desk.clock))
    };
    match args.format {
        SearchFormat::Table => {
            let width = out.width();
            out.styled(|mut out| write_table(&mut out, rows, &desk.clock, width))
        }
        SearchFormat::Csv => out.csv(|out| csv::write_csv(out, rows, &desk.clock)),
        SearchFormat::Ndjson => out.bytes(|out| {
            values().try_for_each(|value| json::write(out, &value, false))?;
            json::write(out, &json::report(all, &desk.clock), false)
        }),
        SearchFormat::Json => {
            let document = serde_json::json!({
                "version": json::VERSION,
                "results": values().collect::<Vec<_>>(),
                "total": rows.len(),
                "limit": args.limit,
                "report": json::report(all, &desk.clock),
            });
            out.bytes(|out| json::write(out, &document, true))
        }
        SearchFormat::Raw => {
            for found in all {
                let own = rows.iter().filter(|(name, _)| **name == found.enterprise);
                let own: Vec<&Summary> = own.map(|(_, call)| *call).collect();
                if own.is_empty() {
                    continue;
                }
                let engine = &desk.engine;
                let calls =
                    engine.lines_of_calls(&desk.tree, &found.enterprise, &own, args.strict)?;
                out.raw(calls.iter().flatten().map(|line| &*line.text))?;
            }
            Ok(())
        }
    }
}

fn lines(
    desk: &Desk,
    args: &SearchArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> Result<Exit, Error> {
    let of_calls = [
        ("--direction", args.calls.direction.is_some()),
        ("--status", args.calls.status.is_some()),
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
        limit: limit(args),
        count_only: args.count,
        before: args.before_context.max(args.context).unwrap_or(0),
        after: args.after_context.max(args.context).unwrap_or(0),
    };
    let mut troubles = false;
    let mut all: Vec<FoundLines> = Vec::new();
    for enterprise in enterprises {
        let answer = desk.engine.lines(&desk.tree, enterprise, &question);
        let Some(found) = desk.answer(answer) else {
            troubles = true;
            continue;
        };
        desk.explain(|| format!("{enterprise}: {}", desk.searched_text(&found.searched)));
        desk.explain_all(&found.notes);
        desk.say_troubles(&found.troubles);
        troubles |= !found.troubles.is_empty();
        all.push(found);
    }
    keep_newest(&mut all, question.limit);
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
    Ok(Exit::of(count > 0, troubles))
}

fn values(desk: &Desk, found: &FoundLines) -> Vec<serde_json::Value> {
    let secrets = Secrets::of_lines(found.lines.iter().map(|entry| &*entry.line.text));
    let lines = found.lines.iter();
    lines
        .map(|entry| json::line(found, &entry.line, entry.matched, &desk.clock, &secrets))
        .collect()
}

/// Leaves the newest matches of all enterprises together. Context goes with its enterprise: where
/// one has too many matches they are cut from its oldest line on.
fn keep_newest(all: &mut [FoundLines], limit: Option<usize>) {
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
    for found in all {
        found
            .lines
            .retain(|entry| entry.line.at >= *oldest || !entry.matched);
        if !found.lines.iter().any(|entry| entry.matched) {
            found.lines.clear();
        }
    }
}
