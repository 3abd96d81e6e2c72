//! `calltrace search [ENTERPRISE...] FILTERS`

use super::calls::{newest_first, question, span, wanted_outcome};
use super::links::Links;
use super::talk::{Out, sum};
use super::{App, Exit, names};
use crate::cli::{SearchArgs, SearchFormat};
use calltrace_engine::{FoundCalls, MissedCall, Within};
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Fate, Returns};
use calltrace_output::json::Extent;
use calltrace_output::{TableOptions, csv, json, write_table};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(app: &App, args: &SearchArgs) -> Result<Exit, Error> {
    if args.raw_csv && args.format != SearchFormat::Csv {
        let text = "--raw-csv changes only CSV; add --format csv";
        return Err(Error::Usage(text.to_owned()));
    }
    let enterprises = app.tree.select(&args.calls.enterprises)?;
    let (since, until) = span(app, &args.calls)?;
    if args.lines {
        super::lines::run(app, args, &enterprises, since, until)
    } else {
        calls(app, args, &enterprises, since, until)
    }
}

/// A row of the result: the position of the enterprise in the question, its name, the call.
type ResultRow<'f> = (usize, &'f EnterpriseName, &'f Summary);

fn calls(
    app: &App,
    args: &SearchArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> Result<Exit, Error> {
    let mut question = question(app, &args.calls, args.strict);
    question.criteria.since = since;
    question.criteria.until = until;
    question.criteria.outcome = wanted_outcome(args.status(), args.not_returned)?;
    // One call more than the limit shows whether there are more. With --not-returned there is no limit, because
    // whether a call was returned is only known after it is found.
    let limit = args.limit().map(|limit| limit.saturating_add(1));
    question.limit = limit.filter(|_| !args.not_returned);
    question.count_only = args.count && !args.not_returned;
    let mut answers = app.ask(enterprises, &question);
    if let Some(limit) = args.limit().filter(|_| !args.not_returned) {
        answers.narrow(limit);
    }
    let mut missing = answers.missing();
    let all = &answers.found;
    let mut rows: Vec<ResultRow<'_>> = Vec::new();
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
    rows.sort_by(|(_, a_name, a), (_, b_name, b)| newest_first((a_name, a), (b_name, b)));
    if !args.not_returned {
        rows.truncate(limit.unwrap_or(rows.len()));
    }
    let returns = if args.callbacks || args.not_returned {
        let missed: Vec<MissedCall> = rows.iter().filter_map(missed_call).collect();
        let within = Within {
            millis: args.within.callback_within,
            now: question.criteria.now,
            strict: args.strict,
        };
        let engine = &app.engine;
        let (returns, later) = engine.returns(&app.tree, enterprises, &missed, within);
        missing.join(app.collect(enterprises, later, true).missing());
        Some(returns)
    } else {
        None
    };
    if let Some(returns) = returns.as_ref().filter(|_| args.not_returned) {
        rows.retain(|row| {
            missed_call(row).is_some_and(|call| {
                let fate = returns.fate(call.enterprise, &call.client, call.first);
                matches!(fate, Fate::NotReturned { .. })
            })
        });
    }
    let extent = Extent {
        matches: match args.not_returned {
            true => rows.len(),
            false => all.iter().map(|found| found.matches).sum(),
        },
        may_match_more: all.iter().any(|found| found.may_match_more),
        limit: args.limit,
        is_cut: args.limit().is_some_and(|limit| rows.len() > limit),
    };
    rows.truncate(args.limit().unwrap_or(rows.len()));

    let mut out = app.out();
    let count = match question.count_only {
        true => all.iter().map(|found| found.count).sum(),
        false => rows.len(),
    };
    if args.count {
        out.bytes(|out| writeln!(out, "{count}"))?;
    } else {
        print_calls(app, args, &mut out, &rows, returns.as_ref(), (all, &extent))?;
    }
    let says_itself = matches!(args.format, SearchFormat::Json | SearchFormat::Ndjson);
    if extent.is_cut && !says_itself {
        app.say_cut(args.limit);
    }
    if count == 0 {
        let searched = sum(all.iter().map(|found| found.searched));
        app.say(&format!("no such call, {}", app.searched_text(&searched)));
    }
    app.say_missing(&missing, count > 0);
    Ok(Exit::of(count > 0, missing.is_incomplete()))
}

fn missed_call((enterprise, _, call): &ResultRow<'_>) -> Option<MissedCall> {
    (call.outcome == Outcome::Missed).then(|| MissedCall {
        enterprise: *enterprise,
        client: call.client.clone(),
        first: call.first,
    })
}

/// Prints calls as rows, with the names of people and links to their pages; with `fates`, also whether missed calls
/// were returned.
pub(super) fn print_table(
    app: &App,
    out: &mut Out,
    calls: &[(&EnterpriseName, &Summary)],
    fates: Option<&[Option<Fate<'_>>]>,
) -> Result<(), Error> {
    let people = names::people_of(app, calls);
    let links = Links::of(app, out);
    let options = TableOptions {
        clock: &app.clock,
        width: out.width(),
        fates,
        people: &people,
        link: &|enterprise, id| links.address(enterprise, id),
    };
    out.styled(|mut out| write_table(&mut out, calls, &options))
}

fn print_calls(
    app: &App,
    args: &SearchArgs,
    out: &mut Out,
    rows: &[ResultRow<'_>],
    returns: Option<&Returns>,
    (all, extent): (&[FoundCalls], &Extent),
) -> Result<(), Error> {
    // For each row whether a missed call was returned; `None` for a call that was not missed.
    let fates: Option<Vec<Option<Fate<'_>>>> = returns.map(|returns| {
        let fate = |call: MissedCall| returns.fate(call.enterprise, &call.client, call.first);
        let rows = rows.iter();
        rows.map(|row| missed_call(row).map(fate)).collect()
    });
    let calls: Vec<(&EnterpriseName, &Summary)> =
        rows.iter().map(|(_, name, call)| (*name, *call)).collect();
    let values = || {
        calls.iter().enumerate().map(|(at, (name, call))| {
            let fate = fates.as_ref().and_then(|fates| fates[at].as_ref());
            json::row_returned(name.as_str(), call, fate, &app.clock)
        })
    };
    // With --not-returned alone the column would say the same in each row.
    let shown = fates.as_deref().filter(|_| args.callbacks);
    match args.format {
        SearchFormat::Table => print_table(app, out, &calls, shown),
        SearchFormat::Csv => {
            out.csv(|out| csv::write_csv(out, &calls, fates.as_deref(), &app.clock, args.raw_csv))
        }
        SearchFormat::Ndjson => out.bytes(|out| {
            values().try_for_each(|value| json::write(out, &value, false))?;
            json::write(out, &json::last_report(all, extent, &app.clock), false)
        }),
        SearchFormat::Json => {
            let mut document = serde_json::Map::new();
            document.insert("version".to_owned(), json::VERSION.into());
            document.insert("results".to_owned(), values().collect());
            extent.put(&mut document);
            let report = json::report(all, &app.clock);
            document.insert("report".to_owned(), report);
            out.bytes(|out| json::write(out, &document.into(), true))
        }
        SearchFormat::Raw => {
            for found in all {
                let own = calls.iter().filter(|(name, _)| **name == found.enterprise);
                let own: Vec<&Summary> = own.map(|(_, call)| *call).collect();
                if own.is_empty() {
                    continue;
                }
                let engine = &app.engine;
                let calls =
                    engine.lines_of_calls(&app.tree, &found.enterprise, &own, args.strict)?;
                out.raw(calls.iter().flatten().map(|line| &*line.text))?;
            }
            Ok(())
        }
    }
}
