//! `calltrace stats [ENTERPRISE...]`

use super::calls::{Answers, MissedCall, Within, is_of_all, question, span};
use super::missing::Missing;
use super::talk::sum;
use super::{Desk, Exit};
use crate::cli::{StatsArgs, StatsFormat};
use calltrace_model::call::Outcome;
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Counting, Stats, StatsCall, end_of};
use calltrace_output::json;
use calltrace_output::stats::{Shown, Words, document, svg, write_csv, write_stats};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(desk: &Desk, args: &StatsArgs) -> Result<Exit, Error> {
    let enterprises = desk.tree.select(&args.calls.enterprises)?;
    let (since, until) = span(desk, &args.calls)?;
    let (stats, answers, missing) = counted(desk, args, &enterprises, since, until);
    let shown = Shown {
        stats: &stats,
        enterprises: &enterprises,
        since,
        until,
        limit: Some(args.limit).filter(|limit| *limit > 0),
        clock: &desk.clock,
    };
    let count = stats.total.outcomes.all();
    print(desk, args.format, &shown, &answers)?;
    let is_cut = shown.left_out() > 0;
    if is_cut && args.format != StatsFormat::Json {
        desk.say(&format!(
            "the busiest {} of {} are shown; --limit 0 shows all",
            args.limit,
            stats.groups.len()
        ));
    }
    if count == 0 {
        let searched = sum(answers.found.iter().map(|found| found.searched));
        desk.say(&format!("no such call, {}", desk.searched_text(&searched)));
    }
    desk.say_missing(&missing, count > 0);
    Ok(Exit::of(count > 0, missing.is_incomplete()))
}

/// Counts the calls of the period; with those that may return its missed ones. Notes what could not be read.
fn counted(
    desk: &Desk,
    args: &StatsArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> (Stats, Answers, Missing) {
    let within = Within {
        millis: args.within.callback_within,
        strict: args.strict,
    };
    let mut question = question(desk, &args.calls, args.strict);
    question.criteria.since = since;
    question.criteria.until = until;
    let is_of_all = is_of_all(&question);
    if is_of_all {
        // One question is enough.
        question.criteria.until = until.map(|until| end_of(until, within.millis));
    }
    let mut counting = Counting::new(args.by.map(|by| by.0), |at| desk.clock.local_hour(at));
    let mut missed: Vec<(usize, String, Stamp)> = Vec::new();
    let mut counts = vec![0; enterprises.len()];
    let is_counted = |call: &StatsCall<'_>| until.is_none_or(|until| call.first < until);
    let mut answers = desk.calls_of_period(enterprises, &question, false, |enterprise, call| {
        if !is_counted(call) {
            counting.add_contact(enterprise, call);
            return;
        }
        if call.outcome == Outcome::Missed && !is_of_all {
            missed.push((enterprise, call.client.to_owned(), call.first));
        }
        counts[enterprise] += 1;
        counting.add(enterprise, call);
    });
    for found in &mut answers.found {
        let place = enterprises
            .iter()
            .position(|name| *name == found.enterprise);
        found.count = place.map_or(0, |place| counts[place]);
    }
    let missed: Vec<MissedCall<'_>> = missed
        .iter()
        .map(|(enterprise, client, first)| MissedCall {
            enterprise: *enterprise,
            client,
            first: *first,
        })
        .collect();
    let add = |enterprise, call: &StatsCall<'_>| counting.add_contact(enterprise, call);
    let mut missing = answers.missing();
    desk.calls_after(enterprises, &missed, within, &mut missing, add);
    let stats = counting.finish(within.millis, desk.now_stamp());
    (stats, answers, missing)
}

fn print(
    desk: &Desk,
    format: StatsFormat,
    shown: &Shown<'_>,
    answers: &Answers,
) -> Result<(), Error> {
    let mut out = desk.out();
    match format {
        StatsFormat::Table => {
            if shown.stats.total.outcomes.all() == 0 {
                return Ok(());
            }
            let width = out.width();
            out.styled(|out| write_stats(out, shown, width))
        }
        StatsFormat::Csv => out.csv(|out| write_csv(out, shown)),
        StatsFormat::Svg => {
            let picture = svg(shown, &Words::ENGLISH, &|_| None);
            out.bytes(|out| writeln!(out, "{picture}"))
        }
        StatsFormat::Json => {
            let mut document = document(shown);
            let report = json::report(&answers.found, &desk.clock);
            document.insert("report".to_owned(), report);
            out.bytes(|out| json::write(out, &document.into(), true))
        }
    }
}
