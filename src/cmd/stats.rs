//! `calltrace stats [ENTERPRISE...]`

use super::calls::{Answers, question, span};
use super::missing::Missing;
use super::talk::sum;
use super::{App, Exit};
use crate::cli::{StatsArgs, StatsFormat};
use calltrace_engine::StatsQuestion;
use calltrace_model::record::Stamp;
use calltrace_model::stats::Stats;
use calltrace_output::json;
use calltrace_output::stats::{
    StatsView, StatsWords, document, svg, write_csv, write_parquet, write_stats,
};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(app: &App, args: &StatsArgs) -> Result<Exit, Error> {
    if args.format == StatsFormat::Parquet {
        app.out().takes_binary("--format parquet")?;
    }
    let enterprises = app.tree.select(&args.calls.enterprises)?;
    let (since, until) = span(app, &args.calls)?;
    let (stats, answers, missing) = counted(app, args, &enterprises, since, until);
    let shown = StatsView {
        stats: &stats,
        enterprises: &enterprises,
        since,
        until,
        limit: Some(args.limit).filter(|limit| *limit > 0),
        clock: &app.clock,
    };
    let count = stats.total.outcomes.all();
    print(app, args.format, &shown, &answers)?;
    let is_cut = shown.left_out() > 0;
    if is_cut && args.format != StatsFormat::Json {
        app.say(&format!(
            "the busiest {} of {} are shown; --limit 0 shows all",
            args.limit,
            stats.groups.len()
        ));
    }
    if count == 0 {
        let searched = sum(answers.found.iter().map(|found| found.searched));
        app.say(&format!("no such call, {}", app.searched_text(&searched)));
    }
    app.say_missing(&missing, count > 0);
    Ok(Exit::of(count > 0, missing.is_incomplete()))
}

/// Counts the calls of the period. Also returns the answers of the enterprises and what could not be read.
fn counted(
    app: &App,
    args: &StatsArgs,
    enterprises: &[EnterpriseName],
    since: Option<Stamp>,
    until: Option<Stamp>,
) -> (Stats, Answers, Missing) {
    let mut search = question(app, &args.calls, args.strict);
    search.criteria.since = since;
    search.criteria.until = until;
    let question = StatsQuestion {
        search,
        by: args.by.map(|by| by.0),
        within_millis: args.within.callback_within,
        ..StatsQuestion::default()
    };
    let clock = app.clock;
    let local = |at| clock.local_hour(at);
    let progress = app.progress();
    let counted = app
        .engine
        .statistics(&app.tree, enterprises, &question, local);
    drop(progress);
    let mut answers = app.collect(enterprises, counted.found, false);
    let mut missing = answers.missing();
    missing.join(app.collect(enterprises, counted.later, true).missing());
    (counted.stats, answers, missing)
}

fn print(
    app: &App,
    format: StatsFormat,
    shown: &StatsView<'_>,
    answers: &Answers,
) -> Result<(), Error> {
    let mut out = app.out();
    match format {
        StatsFormat::Table => {
            if shown.stats.total.outcomes.all() == 0 {
                return Ok(());
            }
            let width = out.width();
            out.styled(|out| write_stats(out, shown, width))
        }
        StatsFormat::Csv => out.csv(|out| write_csv(out, shown)),
        StatsFormat::Parquet => out.bytes(|out| write_parquet(out, shown)),
        StatsFormat::Svg => {
            let picture = svg(shown, &StatsWords::ENGLISH);
            out.bytes(|out| writeln!(out, "{picture}"))
        }
        StatsFormat::Json => {
            let mut document = document(shown);
            let report = json::report(&answers.found, &app.clock);
            document.insert("report".to_owned(), report);
            out.bytes(|out| json::write(out, &document.into(), true))
        }
    }
}
