//! Cleans up after an interrupted run: removes unfinished files, and finishes or undoes the removal of logs.
//!
//! This is done under the lock, so no run works on these files. A log that was being removed is in its archive, or
//! too old. But a writer may have opened it at the last moment: then the log gets its name back, or, if the name is
//! taken, its lines are added to the archive.

use std::io;
use std::path::PathBuf;

use super::archived::ArchivedPrefix;
use super::context::RotationContext;
use super::report::RotationReport;
use super::seal;
use super::step::{RotationStep, StepKind, StepOutcome, StepReport, Stop, Tidy};
use crate::survey::listing::{Listing, OwnFolder};
use crate::survey::names::{Leftover, archive_of};
use calltrace_store::error::Error;
use calltrace_store::index::FOLDER;
use calltrace_store::tree::FileName;

const WHY_LEAVING: &str = "a run died before it had removed it";

const WHY_UNFINISHED: &str = "a run died while it wrote it";

/// The steps for the leftovers.
pub(super) fn leftovers(context: &RotationContext<'_>) -> Result<Vec<RotationStep>, Error> {
    let mut steps = Vec::new();
    let mut add = |kind, why| steps.push(RotationStep::new(StepKind::Tidy(kind), why));
    let list = |path: PathBuf| move |error| Error::io(&path, "list the folder", error);
    let listing = Listing::of(&context.folder).map_err(list(context.folder.path().to_owned()))?;
    for leftover in listing.leftovers {
        let name = leftover.name();
        match leftover {
            Leftover::Temporary(log) => add(Tidy::Clean(log), WHY_UNFINISHED),
            Leftover::Leaving(log) => {
                let path = context.folder.path_of(&name);
                let kind = leaving(context, &name, log);
                let kind = kind.map_err(|error| Error::io(&path, "read it", error))?;
                add(kind, WHY_LEAVING);
            }
        }
    }
    let own = OwnFolder::of(&context.folder).map_err(list(context.folder.path_of(FOLDER)))?;
    for name in own.iter().flat_map(OwnFolder::unfinished) {
        add(Tidy::CleanOwn(name.clone()), WHY_UNFINISHED);
    }
    Ok(steps)
}

fn leaving(context: &RotationContext<'_>, name: &str, log: FileName) -> io::Result<Tidy> {
    Ok(if is_held(context, name, &log)? {
        Tidy::Finish(log)
    } else if !context.folder.has(&log.full()) {
        Tidy::Restore(log)
    } else {
        Tidy::Merge(log)
    })
}

/// Whether the archive of a log that was being removed holds all of it.
fn is_held(context: &RotationContext<'_>, name: &str, log: &FileName) -> io::Result<bool> {
    let opened = context.open_as(log, name)?;
    let Some(archive) = context.open_if_there(&archive_of(log))? else {
        return Ok(false);
    };
    let all = opened.log().bytes;
    let held = ArchivedPrefix::find(&opened, &archive)?;
    Ok(matches!(held, ArchivedPrefix::Whole { bytes, .. } if bytes == all))
}

/// Applies such a step.
pub(super) fn take(
    context: &RotationContext<'_>,
    kind: &Tidy,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    let (ops, folder) = (context.ops, &context.folder);
    let name = step.kind.file();
    let changed = match kind {
        Tidy::Merge(log) | Tidy::Finish(log) => return go_on(context, log, &name, step, report),
        Tidy::Clean(_) => ops.unlink(folder, &name).map(|()| folder.clone()),
        Tidy::Restore(log) => {
            let restored = ops.rename(folder, &name, &log.full());
            restored.map(|()| folder.clone())
        }
        Tidy::CleanOwn(name) => context
            .own_folder()
            .and_then(|own| ops.unlink(&own, name).map(|()| own)),
    };
    changed
        .and_then(|folder| ops.sync_folder(&folder))
        .map_err(|error| Error::io(&folder.path_of(&name), "tidy it up", error))?;
    Ok(Some(StepReport::of(step)))
}

/// Removes a log that has the temporary name `name`, once its archive holds it.
fn go_on(
    context: &RotationContext<'_>,
    log: &FileName,
    name: &str,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    let path = context.folder.path_of(name);
    let fail = |error| Error::io(&path, "remove it", error);
    let opened = context.open_as(log, name).map_err(fail)?;
    let mut done = StepReport::of(step);
    match seal::archive(context, &opened, &mut done, report) {
        Ok(true) => {}
        // The next run finds it here again.
        Ok(false) | Err(Stop::Waiting(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let Ok(quiet) = context.prove_no_writers(opened.file()) else {
        return Ok(None);
    };
    if !opened.is_as_it_was().map_err(fail)? {
        return Ok(None);
    }
    context.ops.unlink(&context.folder, name).map_err(fail)?;
    context.ops.sync_folder(&context.folder).map_err(fail)?;
    Ok(Some(done.proven(Some(quiet.proof()))))
}
