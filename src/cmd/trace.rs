//! `calltrace trace [ENTERPRISE] UNIQUE_ID`

use super::talk::{Out, sum};
use super::target::TraceTarget;
use super::{App, Exit, names};
use crate::cli::{TraceArgs, TraceFormat};
use calltrace_engine::{RecordLimits, Trace, TraceQuestion, TracedCall};
use calltrace_model::record::Record;
use calltrace_output::story::{self, StoryView};
use calltrace_output::{TimelineOptions, json, write_timeline};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::scan::Line;
use calltrace_store::tree::EnterpriseName;

/// Number of enterprises to search at the same time. Their answers stay in memory until they are printed.
const AT_ONCE: usize = 32;

pub(super) fn run(app: &App, args: &TraceArgs) -> Result<Exit, Error> {
    let TraceTarget {
        enterprises,
        id: asked,
        since,
        mut missing,
    } = app.target(args)?;
    let asked = &asked;
    let question = TraceQuestion {
        id: asked.clone(),
        strict: args.strict,
        every_file: args.every_file,
        since,
    };
    let mut out = app.out();
    let mut traces = Vec::new();
    let mut found = 0;
    // With raw lines and no limit, records are printed while they are read.
    let as_read = args.format == TraceFormat::Raw && args.limit == 0;
    let limits = match as_read {
        true => RecordLimits::default(),
        false => RecordLimits::of(args.limit),
    };
    let asked_of = |at_once: &[EnterpriseName]| {
        let progress = app.progress();
        let answers = app.engine.trace_each(&app.tree, at_once, &question, limits);
        drop(progress);
        at_once.iter().cloned().zip(answers).collect::<Vec<_>>()
    };
    for (enterprise, answer) in enterprises.chunks(AT_ONCE).flat_map(asked_of) {
        let Some(mut trace) = missing.answer(answer) else {
            continue;
        };
        if let Some(call) = &mut trace.call {
            call.summary.settle(&call.facts, app.now_stamp());
        }
        app.explain(|| format!("{enterprise}: {}", app.searched_text(&trace.searched)));
        if let Some(call) = &trace.call {
            say_others(app, asked, call);
            if found > 0 && args.format == TraceFormat::Timeline {
                out.bytes(|out| out.write_all(b"\n"))?;
            }
            found += 1;
            match args.format {
                TraceFormat::Json => {}
                TraceFormat::Raw if as_read && call.left_out > 0 => {
                    let mut print = |lines: &[Line]| print_raw(args, &mut out, lines);
                    let (engine, tree) = (&app.engine, &app.tree);
                    let named = engine.each_record(tree, &enterprise, &question, &mut print)?;
                    trace.troubles.extend(named);
                    Trouble::tidy(&mut trace.troubles);
                }
                _ => print(app, args, &mut out, &trace, call)?,
            }
        }
        app.explain_all(&trace.notes);
        missing.add(&trace.troubles);
        let left_out = trace.call.as_ref().map_or(0, |call| call.left_out);
        if left_out > 0 && !as_read {
            app.say(&format!(
                "at least {left_out} more records are left out; --limit 0 shows all"
            ));
        }
        // The call is dropped to save memory, because there may be hundreds of enterprises.
        if args.format != TraceFormat::Json {
            trace.call = None;
        }
        traces.push(trace);
    }
    // One document holds the calls of all enterprises.
    let calls = traces.iter();
    let calls = calls.filter_map(|trace: &Trace| Some((trace, trace.call.as_ref()?)));
    let calls: Vec<_> = calls.collect();
    if !calls.is_empty() {
        out.bytes(|out| {
            json::write_traces(out, &calls, (&app.clock, app.now_stamp()), &args.only)
        })?;
    }
    if found == 0 {
        let is_incomplete = missing.is_incomplete();
        not_found(app, args, &mut out, asked, &traces, is_incomplete)?;
    }
    app.say_missing(&missing, found > 0);
    Ok(Exit::of(found > 0, missing.is_incomplete()))
}

/// Says that other calls have the same id: Asterisk restarts its counter when it restarts, and a test system
/// uses the same id every day.
fn say_others(app: &App, asked: &str, call: &TracedCall) {
    if call.others.is_empty() {
        return;
    }
    let began: Vec<String> = call
        .others
        .iter()
        .map(|at| app.clock.date_time(*at))
        .collect();
    app.say(&format!(
        "{asked} is also the id of another call, which began {}; --since chooses one",
        began.join(" and ")
    ));
}

fn print(
    app: &App,
    args: &TraceArgs,
    out: &mut Out,
    trace: &Trace,
    call: &TracedCall,
) -> Result<(), Error> {
    match args.format {
        TraceFormat::Timeline if shows_records(app, args) => {
            let options = TimelineOptions {
                only: args.only.clone(),
                full: args.full,
                why: args.why.then(|| {
                    let joins = call.closure.joins().iter();
                    joins
                        .map(|join| join.by.map(|place| call.place_text(place)))
                        .collect()
                }),
                width: out.width(),
                people: names::people(app, &trace.enterprise, call),
            };
            out.styled(|mut out| write_timeline(&mut out, trace, call, &app.clock, &options))
        }
        TraceFormat::Timeline | TraceFormat::Html | TraceFormat::Md | TraceFormat::Mermaid => {
            let people = names::people(app, &trace.enterprise, call);
            let view = StoryView::of(trace, call, &app.clock, &people, app.now_stamp());
            let width = out.width();
            match args.format {
                TraceFormat::Html => out.bytes(|out| story::write_html(out, &view)),
                TraceFormat::Md => out.bytes(|out| story::write_markdown(out, &view)),
                TraceFormat::Mermaid => out.bytes(|out| story::write_mermaid(out, &view)),
                _ if args.ladder => {
                    out.styled(|mut out| story::write_ladder(&mut out, &view, width))
                }
                _ => out.styled(|mut out| story::write_story(&mut out, &view, width)),
            }
        }
        TraceFormat::Json | TraceFormat::Ndjson => {
            let rest = json::traced(trace, call, &app.clock, app.now_stamp());
            out.bytes(|out| {
                let mut records = json::records(call, &app.clock, &args.only);
                records.try_for_each(|record| json::write(out, &record, false))?;
                json::write(out, &rest, false)
            })
        }
        TraceFormat::Raw => print_raw(args, out, &call.lines),
    }
}

/// Whether to print the records instead of the steps.
fn shows_records(app: &App, args: &TraceArgs) -> bool {
    let implied = app.global.verbose || args.why || args.full || !args.only.is_empty();
    !args.ladder && (args.all || implied)
}

fn print_raw(args: &TraceArgs, out: &mut Out, lines: &[Line]) -> Result<(), Error> {
    let is_wanted = |line: &&Line| {
        args.only.is_empty() || args.only.contains(&Record::parse(&line.text).kind())
    };
    let lines = lines.iter().filter(is_wanted);
    out.raw(lines.map(|line| &*line.text))
}

fn not_found(
    app: &App,
    args: &TraceArgs,
    out: &mut Out,
    asked: &str,
    traces: &[Trace],
    troubles: bool,
) -> Result<(), Error> {
    if matches!(args.format, TraceFormat::Json | TraceFormat::Ndjson) {
        let mut values: Vec<_> = traces
            .iter()
            .map(|trace| json::not_found(trace, asked, &app.clock))
            .collect();
        if args.format == TraceFormat::Json && values.len() != 1 {
            values = vec![serde_json::Value::Array(values)];
        }
        let mut values = values.iter();
        out.bytes(|out| values.try_for_each(|value| json::write(out, value, false)))?;
    }
    app.say(&not_found_text(app, asked, traces, troubles));
    Ok(())
}

/// `1764493655.7 not found in 0367, all 7 files searched (2025-11-27 .. 2025-12-02 UTC)`
pub(super) fn not_found_text(app: &App, asked: &str, traces: &[Trace], troubles: bool) -> String {
    let place = match traces {
        [one] => one.enterprise.to_string(),
        many => format!("{} enterprises", many.len()),
    };
    let searched = app.searched_text(&sum(traces.iter().map(|trace| trace.searched)));
    let searched = if troubles {
        format!("{searched}, not all of it readable")
    } else {
        searched
    };
    let mut near: Vec<&str> = traces
        .iter()
        .flat_map(|t| &t.near)
        .map(String::as_str)
        .collect();
    near.dedup();
    let hint = match near.as_slice() {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    };
    format!("{asked} not found in {place}, {searched}{hint}")
}
