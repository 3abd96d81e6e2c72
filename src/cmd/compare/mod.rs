//! `calltrace compare SENT [RECEIVED]`
//!
//! [`sides`] reads both sides as they were typed, [`live`] follows them.

mod live;
mod sides;

use super::missing::Missing;
use super::talk::many;
use super::{App, Exit};
use crate::cli::{CompareArgs, CompareFormat};
use calltrace_output::compare::{ComparisonView, document, write_report};
use calltrace_output::{Secrets, json};
use calltrace_store::error::Error;
use calltrace_sync::compare::{
    CompareQuery, CompareReport, EventFilter, SideEvents, compare, tree,
};

pub(super) use live::run as follow;
use sides::Received;

pub(super) fn run(app: &App, args: &CompareArgs) -> Result<Exit, Error> {
    let question = question(app, args)?;
    let received = Received::of(app, args.received.as_deref())?;
    let mut sent = sides::sent(app, args, &question)?;
    let scope = EventFilter::of(&question, &[]);
    sent.sightings.retain(|one| scope.is_within(one.at_millis));
    let reach = sent.reach(question.window);
    let tokens = sent.tokens();
    let secrets = secrets(&tokens);
    let mut missing = Missing::default();
    let mut arrived = match reach {
        Some(reach) => received.read(app, &tokens, reach, &mut missing)?,
        None => SideEvents::default(),
    };
    if let Some(path) = &args.app_log {
        arrived.complaints.extend(sides::complaints(app, path)?);
    }
    check_events(args, &sent, &arrived)?;
    let named = sides::display(&args.sent);
    let mut report = compare(sent, arrived, &question, app.now.utc().timestamp_millis());
    if let Received::Enterprises(enterprises) = &received {
        let enterprises = sides::enterprises(app, enterprises.as_ref(), &tokens)?;
        tree::number(&app.engine, &app.tree, &enterprises, &mut report);
    }
    let shown = ComparisonView {
        report: &report,
        sent: &named,
        received: &received.names(app, &tokens)?,
        clock: &app.clock,
        secrets: &secrets,
        lists_unsent: app.global.verbose,
    };
    print(app, args.format, &shown, &missing)?;
    print_messages(app, &report, &missing);
    Ok(
        match report.incomplete.is_empty() && !missing.is_incomplete() {
            false => Exit::Incomplete,
            true if report.is_same() => Exit::Found,
            true => Exit::Findings,
        },
    )
}

fn question(app: &App, args: &CompareArgs) -> Result<CompareQuery, Error> {
    let since = app.moment("--since", args.since.as_deref())?;
    let after = since.map(|since| since.begin);
    let until = app.moment_after("--until", args.until.as_deref(), after)?;
    Ok(CompareQuery {
        since_millis: since.map(|since| since.begin.timestamp_millis()),
        until_millis: until.map(|until| until.end.timestamp_millis()),
        id: args.call.clone(),
        events: args.event.clone(),
        ..CompareQuery::default()
    })
}

/// Refuses an event type that calltrace does not know and neither side has.
fn check_events(args: &CompareArgs, sent: &SideEvents, received: &SideEvents) -> Result<(), Error> {
    for (event, error) in args.unknown_events() {
        let mut all = sent.sightings.iter().chain(&received.sightings);
        if !all.any(|one| *one.event == *event) {
            return Err(Error::Usage(format!("--event: {error}")));
        }
    }
    Ok(())
}

/// The Tokens of the events, which are masked in all output.
fn secrets(tokens: &std::collections::BTreeSet<String>) -> Secrets {
    let lines = tokens.iter();
    let lines = lines.map(|token| serde_json::json!({ "Token": token }).to_string());
    let lines: Vec<String> = lines.collect();
    Secrets::of_lines(lines.iter().map(String::as_bytes))
}

fn print(
    app: &App,
    format: CompareFormat,
    shown: &ComparisonView<'_>,
    missing: &Missing,
) -> Result<(), Error> {
    let mut out = app.out();
    match format {
        CompareFormat::Table => {
            let width = out.width();
            out.styled(|mut out| write_report(&mut out, shown, width))
        }
        CompareFormat::Json => {
            let mut troubles = shown.report.incomplete.clone();
            troubles.extend(missing.texts());
            let document = document(shown, &troubles);
            out.bytes(|out| json::write(out, &document, true))
        }
    }
}

/// Prints the messages about the answer.
fn print_messages(app: &App, report: &CompareReport, missing: &Missing) {
    let total = &report.total;
    if total.sent == 0 {
        app.say("no such event was sent");
    }
    if total.unsent > 0 && !app.global.verbose {
        app.say(&format!(
            "{} arrived without being sent; -v lists them",
            many(total.unsent, "event")
        ));
    }
    match report.incomplete.as_slice() {
        [first, more @ ..] if !more.is_empty() && !app.global.verbose => app.say(&format!(
            "incomplete: {first}, and {} more; -v names each",
            more.len()
        )),
        all => all
            .iter()
            .for_each(|text| app.say(&format!("incomplete: {text}"))),
    }
    app.say_missing(missing, total.sent > 0);
}
