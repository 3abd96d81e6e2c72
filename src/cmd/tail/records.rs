//! Records of all enterprises, merged: the newest past records, then each as it arrives.

use super::{Printer, Tail, shown};
use crate::cmd::Exit;
use crate::cmd::lines::{in_order, keep_newest};
use crate::cmd::talk::sum;
use calltrace_engine::{FoundLines, LinesQuestion};
use calltrace_follow::{Next, Start};
use calltrace_model::filter::RecordFilter;
use calltrace_store::error::Error;

pub(super) fn run(mut tail: Tail<'_>) -> Result<Exit, Error> {
    let (app, args) = (tail.app, tail.args);
    let since = app.moment("--since", args.since.as_deref())?;
    let filter = RecordFilter {
        since: since.map(|since| app.engine.zone().stamp(since.begin)),
        ..args.filter()
    };
    let question = LinesQuestion {
        filter: filter.clone(),
        limit: args.limit(),
        ..LinesQuestion::default()
    };
    let mut starts = Vec::new();
    let mut found = history(&mut tail, &question, &mut starts);
    keep_newest(&mut found, question.limit);
    for found in &found {
        tail.trouble(&found.troubles);
    }
    let mut printer = tail.printer();
    printer.records(in_order(&found, question.limit))?;
    tail.begun(printer.has_printed);
    if args.follows() {
        drop(found);
        return follow(&tail, starts, filter, printer);
    }
    if !printer.has_printed {
        let searched = sum(found.iter().map(|found| found.searched));
        app.say(&format!("no such record, {}", app.searched_text(&searched)));
    }
    Ok(tail.exit(printer.has_printed))
}

fn history(
    tail: &mut Tail<'_>,
    question: &LinesQuestion,
    starts: &mut Vec<Start>,
) -> Vec<FoundLines> {
    let app = tail.app;
    let selected = tail.selected.clone();
    let answers = app
        .engine
        .lines_up_to_now(&app.tree, &selected, question, tail.then());
    let mut all = Vec::new();
    for (enterprise, answer) in selected.iter().zip(answers) {
        let Some(found) = tail.take(enterprise, answer, starts) else {
            continue;
        };
        app.explain(|| format!("{enterprise}: {}", app.searched_text(&found.searched)));
        app.explain_all(&found.notes);
        all.push(found);
    }
    all
}

fn follow(
    tail: &Tail<'_>,
    starts: Vec<Start>,
    filter: RecordFilter,
    mut printer: Printer<'_>,
) -> Result<Exit, Error> {
    let mut follow = tail.follow(tail.whom(), starts, filter, &printer.out)?;
    loop {
        match follow.next(tail.deadline)? {
            Next::Came(batch) => {
                printer.records(batch.lines().map(shown))?;
                tail.report_news(&batch.news);
            }
            Next::Deadline => {}
            Next::Interrupted => return Ok(Exit::Interrupted),
            Next::Closed => return Ok(Exit::Found),
        }
        if tail.is_late() {
            return Ok(tail.exit(printer.has_printed));
        }
    }
}
