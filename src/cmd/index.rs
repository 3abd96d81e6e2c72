//! `calltrace index [ENTERPRISE...] [--check]`

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::{Desk, Exit};
use crate::cli::IndexArgs;
use crate::error::{Error, Trouble};
use crate::index::{self, State};
use crate::output::rotation::size;
use crate::tree::{EnterpriseName, LogFile, Snapshot};

pub(super) fn run(desk: &Desk, args: &IndexArgs) -> Result<Exit, Error> {
    let mut out = desk.out();
    let mut wrong = false;
    for enterprise in desk.tree.select(&args.enterprises)? {
        let snapshot = match Snapshot::open(&enterprise, &desk.tree.folder(&enterprise)) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                wrong = true;
                desk.say(&error.to_string());
                continue;
            }
        };
        for log in &snapshot.files {
            let looked = look(desk, args, log);
            wrong |= looked.is_wrong;
            let line = line(&enterprise, log, &looked.said);
            out.raw(std::iter::once(line.as_bytes()))?;
        }
        wrong |= !snapshot.troubles.is_empty();
        desk.say_troubles(&snapshot.troubles);
        let has_archives = snapshot.files.iter().any(|log| log.name.gz);
        if args.check && has_archives && !index::catalog::is_fresh(&snapshot) {
            desk.explain(|| {
                let path = index::catalog::path(&desk.tree.folder(&enterprise));
                let trouble = Trouble::new(&path, "is missing or not of these files");
                format!("{trouble}; calltrace rotate makes it anew")
            });
        }
    }
    Ok(if wrong { Exit::Incomplete } else { Exit::Found })
}

/// What is to be said of an index.
struct Looked {
    said: String,
    is_wrong: bool,
}

fn look(desk: &Desk, args: &IndexArgs, log: &Arc<LogFile>) -> Looked {
    let right = |said: String| Looked {
        said,
        is_wrong: false,
    };
    let state = index::state(log);
    if args.check && !matches!(state, State::Missing | State::Stale(_)) {
        return match desk.engine.check(log) {
            Ok(_) => right(format!("index {}, right", index_size(&log.path))),
            Err(what) => Looked {
                said: format!("index {what}; calltrace rotate makes it anew once it is removed"),
                is_wrong: true,
            },
        };
    }
    match state {
        State::Fresh { .. } => right(format!("index {}", index_size(&log.path))),
        State::Behind { bytes } => right(format!(
            "index {}, {} behind",
            index_size(&log.path),
            size(bytes)
        )),
        State::Missing => right("no index; it is scanned".to_owned()),
        State::Stale(why) => right(format!("index {why}; it is scanned")),
    }
}

fn line(enterprise: &EnterpriseName, log: &LogFile, said: &str) -> String {
    format!(
        "{enterprise}: {}, {}: {said}",
        log.name.full(),
        size(log.bytes)
    )
}

fn index_size(log: &Path) -> String {
    fs::metadata(index::path_of(log)).map_or_else(|_| "?".to_owned(), |m| size(m.len()))
}
