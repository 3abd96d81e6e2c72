//! `calltrace trace [ENTERPRISE] UNIQUE_ID`

use std::io::Write;

use super::talk::{Out, sum};
use super::{Desk, Exit};
use crate::cli::{TraceArgs, TraceFormat};
use crate::engine::{Trace, TraceQuestion, TracedCall};
use crate::error::Error;
use crate::output::{TimelineOptions, json, write_timeline};
use crate::record::id;
use crate::tree::EnterpriseName;

/// Enterprises asked side by side; their answers are held until they are printed.
const AT_ONCE: usize = 32;

pub(super) fn run(desk: &Desk, args: &TraceArgs) -> Result<Exit, Error> {
    let (enterprises, asked) = match args.target.as_slice() {
        [asked] => (Vec::new(), asked),
        [enterprise, asked] => (vec![enterprise.clone()], asked),
        _ => {
            return Err(Error::Usage(
                "trace takes an enterprise and an id".to_owned(),
            ));
        }
    };
    check_id(asked)?;
    let question = TraceQuestion {
        id: asked.clone(),
        strict: args.strict,
        every_file: args.every_file,
        since: super::search::moment(desk, "--since", args.since.as_deref())?
            .map(|moment| desk.engine.zone().stamp(moment.begin)),
    };
    let mut out = desk.out();
    let mut traces = Vec::new();
    let mut found = 0;
    let mut unreadable = false;
    let mut documents = Vec::new();
    let enterprises = desk.tree.select(&enterprises)?;
    let asked_of = |at_once: &[EnterpriseName]| {
        let answers = desk.engine.trace_each(&desk.tree, at_once, &question);
        at_once.iter().cloned().zip(answers).collect::<Vec<_>>()
    };
    for (enterprise, answer) in enterprises.chunks(AT_ONCE).flat_map(asked_of) {
        let Some(mut trace) = desk.answer(answer) else {
            unreadable = true;
            continue;
        };
        if let Some(call) = &mut trace.call {
            let now = desk.engine.zone().stamp(desk.now.utc());
            call.summary.settle(&call.facts, now);
        }
        desk.explain(|| format!("{enterprise}: {}", desk.searched_text(&trace.searched)));
        if let Some(call) = &trace.call {
            say_others(desk, asked, call);
            if found > 0 && args.format == TraceFormat::Timeline {
                out.bytes(|out| out.write_all(b"\n"))?;
            }
            found += 1;
            match args.format {
                TraceFormat::Json => {
                    documents.push(json::trace(&trace, call, &desk.clock, &args.only));
                }
                _ => print(desk, args, &mut out, &trace, call)?,
            }
        }
        desk.explain_all(&trace.notes);
        desk.say_troubles(&trace.troubles);
        // Only what is said of it at the end is kept: there may be hundreds of enterprises.
        traces.push(Trace {
            call: None,
            ..trace
        });
    }
    let troubles = unreadable || traces.iter().any(|trace| !trace.troubles.is_empty());
    match documents.as_slice() {
        [] => {}
        [one] => out.bytes(|out| json::write(out, one, true))?,
        // An id of several enterprises: still one document.
        _ => out.bytes(|out| json::write(out, &serde_json::Value::Array(documents), true))?,
    }
    if found == 0 {
        not_found(desk, args, &mut out, asked, &traces, troubles)?;
    }
    Ok(Exit::of(found > 0, troubles))
}

/// An id may be that of other calls as well: Asterisk counts anew when it restarts, and a test system
/// uses one id every day.
fn say_others(desk: &Desk, asked: &str, call: &TracedCall) {
    if call.others.is_empty() {
        return;
    }
    let began: Vec<String> = call
        .others
        .iter()
        .map(|at| desk.clock.date_time(*at))
        .collect();
    desk.say(&format!(
        "{asked} is an id of another call too, that began {}; --since chooses",
        began.join(" and ")
    ));
}

/// Refuses what can't be an id.
pub(super) fn check_id(asked: &str) -> Result<(), Error> {
    if id::is_id(asked.as_bytes()) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{asked:?} is no call id; an id is like 1764493655.61"
    )))
}

fn print(
    desk: &Desk,
    args: &TraceArgs,
    out: &mut Out,
    trace: &Trace,
    call: &TracedCall,
) -> Result<(), Error> {
    match args.format {
        TraceFormat::Timeline => {
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
            };
            out.styled(|mut out| write_timeline(&mut out, trace, call, &desk.clock, &options))
        }
        TraceFormat::Json | TraceFormat::Ndjson => {
            let values = json::trace_records(trace, call, &desk.clock, &args.only);
            out.bytes(|out| write_ndjson(out, &values))
        }
        TraceFormat::Raw => {
            let wanted = |line: &&crate::scan::Line| {
                let kind = crate::record::Record::parse(&line.text).kind();
                args.only.is_empty() || args.only.contains(&kind)
            };
            out.raw(call.lines.iter().filter(wanted).map(|line| &*line.text))
        }
    }
}

pub(super) fn write_ndjson(
    out: &mut dyn Write,
    values: &[serde_json::Value],
) -> std::io::Result<()> {
    values
        .iter()
        .try_for_each(|value| json::write(out, value, false))
}

fn not_found(
    desk: &Desk,
    args: &TraceArgs,
    out: &mut Out,
    asked: &str,
    traces: &[Trace],
    troubles: bool,
) -> Result<(), Error> {
    if matches!(args.format, TraceFormat::Json | TraceFormat::Ndjson) {
        let mut values: Vec<_> = traces
            .iter()
            .map(|trace| json::not_found(trace, asked, &desk.clock))
            .collect();
        if args.format == TraceFormat::Json && values.len() != 1 {
            values = vec![serde_json::Value::Array(values)];
        }
        out.bytes(|out| write_ndjson(out, &values))?;
    }
    desk.say(&not_found_text(desk, asked, traces, troubles));
    Ok(())
}

/// `1764493655.7 not found in 0367, all 7 files searched (2025-11-27 .. 2025-12-02 UTC)`
pub(super) fn not_found_text(desk: &Desk, asked: &str, traces: &[Trace], troubles: bool) -> String {
    let place = match traces {
        [one] => one.enterprise.to_string(),
        many => format!("{} enterprises", many.len()),
    };
    let searched = desk.searched_text(&sum(traces.iter().map(|trace| trace.searched)));
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
