//! `calltrace search [ENTERPRISE...] FILTERS`

use super::calls::{MissedCall, Within, question, span, wanted_outcome};
use super::talk::{Out, sum};
use super::{Desk, Exit};
use crate::cli::{SearchArgs, SearchFormat};
use calltrace_engine::{Found, FoundLines, LinesQuestion};
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Fate, Returns};
use calltrace_output::{Secrets, csv, json, write_lines, write_table};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(desk: &Desk, args: &SearchArgs) -> Result<Exit, Error> {
    if args.raw_csv && args.format != SearchFormat::Csv {
        let text = "--raw-csv is about CSV; --format csv prints it";
        return Err(Error::Usage(text.to_owned()));
    }
    let enterprises = desk.tree.select(&args.calls.enterprises)?;
    let (since, until) = span(desk, &args.calls)?;
    if args.lines {
        lines(desk, args, &enterprises, since, until)
    } else {
        calls(desk, args, &enterprises, since, until)
    }
}

fn limit(args: &SearchArgs) -> Option<usize> {
    Some(args.limit).filter(|&limit| limit > 0 && !args.count)
}

/// A row: the enterprise's place, its name, the call.
type Row<'f> = (usize, &'f EnterpriseName, &'f Summary);

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
    question.criteria.outcome = wanted_outcome(args.calls.status, args.missed, args.not_returned)?;
    // Whether a call was returned is known when it is found.
    question.limit = limit(args).filter(|_| !args.not_returned);
    question.count_only = args.count && !args.not_returned;
    let answers = desk.ask(enterprises, &question, None);
    let all = &answers.found;
    let mut rows: Vec<Row<'_>> = Vec::new();
    for found in all {
        let place = enterprises
            .iter()
            .position(|name| *name == found.enterprise);
        let place = place.expect("answers are of those that were asked");
        rows.extend(
            found
                .calls
                .iter()
                .map(|call| (place, &found.enterprise, call)),
        );
    }
    rows.sort_by(|(_, a_name, a), (_, b_name, b)| {
        (b.first, a_name, &b.main_uid).cmp(&(a.first, b_name, &a.main_uid))
    });
    if !args.not_returned {
        rows.truncate(limit(args).unwrap_or(rows.len()));
    }
    let mut incomplete = answers.are_incomplete();
    let returns = if args.callbacks || args.not_returned {
        let missed: Vec<MissedCall<'_>> = rows.iter().filter_map(missed_call).collect();
        let within = Within {
            millis: args.within.callback_within,
            strict: args.strict,
        };
        let (returns, more) = desk.returns(enterprises, &missed, within, &answers);
        incomplete |= more;
        Some(returns)
    } else {
        None
    };
    if let Some(returns) = returns.as_ref().filter(|_| args.not_returned) {
        rows.retain(|row| {
            missed_call(row).is_some_and(|call| {
                let fate = returns.fate(call.enterprise, call.client, call.first);
                matches!(fate, Fate::NotReturned { .. })
            })
        });
    }
    let cut = limit(args).filter(|&limit| rows.len() >= limit);
    rows.truncate(cut.unwrap_or(rows.len()));

    let mut out = desk.out();
    let count = match question.count_only {
        true => all.iter().map(|found| found.count).sum(),
        false => rows.len(),
    };
    if args.count {
        out.bytes(|out| writeln!(out, "{count}"))?;
    } else {
        print_calls(desk, args, &mut out, &rows, returns.as_ref(), all)?;
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
    Ok(Exit::of(count > 0, incomplete))
}

fn missed_call<'f>((enterprise, _, call): &Row<'f>) -> Option<MissedCall<'f>> {
    (call.outcome == Outcome::Missed).then_some(MissedCall {
        enterprise: *enterprise,
        client: &call.client,
        first: call.first,
    })
}

fn print_calls(
    desk: &Desk,
    args: &SearchArgs,
    out: &mut Out,
    rows: &[Row<'_>],
    returns: Option<&Returns>,
    all: &[Found],
) -> Result<(), Error> {
    // Of each row what became of it, where that is asked; `None` of a call that was not missed.
    let fates: Option<Vec<Option<Fate<'_>>>> = returns.map(|returns| {
        let fate = |call: MissedCall<'_>| returns.fate(call.enterprise, call.client, call.first);
        let rows = rows.iter();
        rows.map(|row| missed_call(row).map(fate)).collect()
    });
    let calls: Vec<(&EnterpriseName, &Summary)> =
        rows.iter().map(|(_, name, call)| (*name, *call)).collect();
    let values = || {
        calls.iter().enumerate().map(|(at, (name, call))| {
            let fate = fates.as_ref().and_then(|fates| fates[at].as_ref());
            json::row_returned(name.as_str(), call, fate, &desk.clock)
        })
    };
    // All of them are not returned, which needs no column.
    let shown = fates.as_deref().filter(|_| args.callbacks);
    match args.format {
        SearchFormat::Table => {
            let width = out.width();
            out.styled(|mut out| write_table(&mut out, &calls, shown, &desk.clock, width))
        }
        SearchFormat::Csv => {
            out.csv(|out| csv::write_csv(out, &calls, fates.as_deref(), &desk.clock, args.raw_csv))
        }
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
                let own = calls.iter().filter(|(name, _)| **name == found.enterprise);
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
        troubles |= Trouble::may_hide(&found.troubles);
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
