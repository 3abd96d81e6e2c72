//! `calltrace index [ENTERPRISE...] [--check]`

use std::sync::Arc;

use super::{App, Exit};
use crate::cli::IndexArgs;
use calltrace_engine::CheckedTable;
use calltrace_output::rotation::size;
use calltrace_store::error::Error;
use calltrace_store::index::{self, IndexState};
use calltrace_store::tree::{LogFile, LogPlace, Snapshot};

const ANEW: &str = "the next calltrace rotate makes a new one";

pub(super) fn run(app: &App, args: &IndexArgs) -> Result<Exit, Error> {
    let mut out = app.out();
    let mut wrong = false;
    for enterprise in app.tree.select(&args.enterprises)? {
        let snapshot = match Snapshot::of(&app.tree, &enterprise) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                wrong = true;
                app.say(&error.to_string());
                continue;
            }
        };
        for log in &snapshot.files {
            let looked = look(app, args, log);
            wrong |= looked.is_err();
            let (Ok(sentence) | Err(sentence)) = looked;
            let name = match &log.place {
                LogPlace::Folder(_) => log.name.full(),
                LogPlace::Shipped(_) => log.path.display().to_string(),
            };
            let bytes = size(log.bytes);
            let line = format!("{enterprise}: {name}, {bytes}: {sentence}");
            out.raw(std::iter::once(line.as_bytes()))?;
        }
        wrong |= !snapshot.troubles.is_empty();
        app.say_troubles(&snapshot.troubles);
        let tables = match args.check {
            true => app.engine.check_tables(&app.tree, &enterprise)?,
            false => Vec::new(),
        };
        for CheckedTable { name, calls } in tables {
            wrong |= calls.is_err();
            let sentence = match calls {
                Ok(calls) => format!("table of {calls} calls, right"),
                Err(what) => format!("table {what}; delete it, and {ANEW}"),
            };
            let line = format!("{enterprise}: {name}: {sentence}");
            out.raw(std::iter::once(line.as_bytes()))?;
        }
        if args.check
            && let Err(what) = index::catalog::check(&snapshot)
        {
            wrong = true;
            let line = format!("{enterprise}: catalog {what}; {ANEW}");
            out.raw(std::iter::once(line.as_bytes()))?;
        }
    }
    Ok(if wrong { Exit::Incomplete } else { Exit::Found })
}

/// The description of an index; an error if the index is wrong.
fn look(app: &App, args: &IndexArgs, log: &Arc<LogFile>) -> Result<String, String> {
    let state = index::state(log);
    let index_size = || index::bytes_of(log).map_or_else(|| "?".to_owned(), size);
    if args.check && state != IndexState::Missing {
        let checked = app.engine.check(log);
        return checked
            .map(|_| format!("index {}, right", index_size()))
            .map_err(|what| format!("index {what}; {}", remedy(&state, log)));
    }
    Ok(match state {
        IndexState::Fresh { .. } => format!("index {}", index_size()),
        IndexState::Behind { bytes } => format!("index {}, {} behind", index_size(), size(bytes)),
        IndexState::Missing => "no index; it is scanned".to_owned(),
        IndexState::Stale(why) => format!("index {why}; it is scanned"),
    })
}

/// What to do about a wrong index. `rotate` replaces an index by itself only if it is stale.
fn remedy(state: &IndexState, log: &LogFile) -> String {
    match (state, &log.place) {
        (_, LogPlace::Shipped(_)) => "calltrace ship --check examines the shipped day".to_owned(),
        (IndexState::Stale(_), LogPlace::Folder(_)) => ANEW.to_owned(),
        _ => format!("delete {}; {ANEW}", index::path_of(&log.path).display()),
    }
}
