//! Applies the steps of a plan in order. An error in one step does not stop the others.

use std::io::{ErrorKind, Write as _};

use chrono::NaiveDate;

use super::context::RotationContext;
use super::look::{RotationSurvey, catalog_is_fresh};
use super::plan::Plan;
use super::publish;
use super::remove::Removal;
use super::report::RotationReport;
use super::step::{RotationStep, StepKind, StepOutcome, StepReport, Stop, WaitingFile};
use super::{RotationEvent, collapse, seal, tidy};
use crate::survey::memory::{MEMORY, RotationMemory};
use crate::survey::names::{archive_of, live, of_day};
use calltrace_store::error::Error;
use calltrace_store::fsx::{DraftFile, FileIdentity};
use calltrace_store::index;
use calltrace_store::tree::{FileName, Snapshot};

/// Applies the steps.
pub(super) fn apply(
    context: &RotationContext<'_>,
    survey: &RotationSurvey,
    plan: Plan,
    report: &mut RotationReport,
) {
    let mut memory = survey.memory.clone();
    memory.rotates_itself = plan.rotates_itself;
    keep(context, &memory, report);
    for step in plan.steps {
        (context.watch)(RotationEvent::Begins(&step));
        one(context, &step, report);
    }
    let mut memory = RotationMemory::read(context);
    // The name of a file that became an archive is replaced by the archive's: `doctor` checks why it holds records
    // of the next day.
    let has = |name: &FileName| context.folder.has(&name.full());
    memory.renamed = memory
        .renamed
        .into_iter()
        .filter_map(|name| [archive_of(&name), name].into_iter().rev().find(has))
        .collect();
    memory.renamed.sort();
    memory.renamed.dedup();
    keep(context, &memory, report);
}

/// Tidies up after a run that died, before there is a plan.
pub(crate) fn tidy(
    context: &RotationContext<'_>,
    report: &mut RotationReport,
) -> Result<(), Error> {
    for step in tidy::leftovers(context)? {
        one(context, &step, report);
    }
    Ok(())
}

/// Applies a step and notes the result.
fn one(context: &RotationContext<'_>, step: &RotationStep, report: &mut RotationReport) {
    match take(context, step, report) {
        Ok(Some(done)) => {
            (context.watch)(RotationEvent::Done(&done));
            report.steps.push(done);
        }
        Ok(None) => {}
        Err(Stop::Waiting(why)) => {
            let file = step.kind.file();
            report.waiting.push(WaitingFile { file, why });
            index_unsealed(context, step, report);
        }
        Err(Stop::Failed(error)) => {
            report.fail(&context.folder.path_of(&step.kind.file()), &error);
            index_unsealed(context, step, report);
        }
    }
}

fn keep(context: &RotationContext<'_>, memory: &RotationMemory, report: &mut RotationReport) {
    let path = context.own_path(MEMORY);
    let kept = memory.keep(context);
    report.note(
        &path,
        kept.map_err(|error| Error::io(&path, "write it", error)),
    );
}

fn take(
    context: &RotationContext<'_>,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    match &step.kind {
        StepKind::Tidy(kind) => tidy::take(context, kind, step, report),
        StepKind::TakeOff { log, .. } => collapse::finish(context, log, step),
        StepKind::Expire(log) => expire(context, log, step),
        StepKind::Seal(log) | StepKind::Merge(log) | StepKind::Finish(log) => {
            seal::seal(context, log, step, report)
        }
        StepKind::Rename(day) => rename(context, *day, step),
        StepKind::Collapse(day) => collapse::collapse(context, *day, step, report),
        StepKind::Recompress(log) => seal::recompress(context, log, step, report),
        StepKind::Index(log) => Ok(Some(StepReport {
            index_bytes: Some(context.index(log)?.index_bytes),
            ..StepReport::of(step)
        })),
        StepKind::Forget(log) => forget(context, log, step),
        StepKind::Catalog => catalog(context, step),
    }
}

/// Makes an index for a finished file that is not sealed, as for any plain file.
fn index_unsealed(context: &RotationContext<'_>, step: &RotationStep, report: &mut RotationReport) {
    let (StepKind::Seal(name) | StepKind::Merge(name) | StepKind::Finish(name)) = &step.kind else {
        return;
    };
    let Ok(opened) = context.open(name) else {
        return;
    };
    let state = index::state(opened.log());
    drop(opened);
    if matches!(
        state,
        index::IndexState::Missing | index::IndexState::Stale(_)
    ) {
        report.note(&context.path(name), context.index(name));
    }
}

fn expire(context: &RotationContext<'_>, name: &FileName, step: &RotationStep) -> StepOutcome {
    let path = context.path(name);
    let opened = context
        .open(name)
        .map_err(|error| Error::io(&path, "remove it", error))?;
    let removal = match name.gz {
        true => context.remove_archive(&opened)?,
        false => context.remove(&opened)?,
    };
    match removal {
        Removal::Gone(proof) => {
            context.remove_index(name)?;
            Ok(Some(StepReport::of(step).proven(proof)))
        }
        Removal::Busy(why) => Err(Stop::Waiting(format!("is to be removed, but {why}"))),
        Removal::Changed => Err(Stop::Waiting("has changed just now".to_owned())),
    }
}

/// Renames the live file to the name of its day. The name is noted first, so that a file of today is known as
/// rotation's.
fn rename(context: &RotationContext<'_>, day: NaiveDate, step: &RotationStep) -> StepOutcome {
    let target = of_day(day);
    let from = context.path(&live());
    let fail = |error| Error::io(&from, "rename it", error);
    let mut memory = RotationMemory::read(context);
    if !memory.renamed.contains(&target) {
        memory.renamed.push(target.clone());
        memory.keep(context).map_err(fail)?;
    }
    context.remove_index(&live())?;
    match context
        .ops
        .rename(&context.folder, &live().full(), &target.full())
    {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !is_one_file(context, &target) {
                let why = format!("is due, but {} is still there", target.full());
                return Err(Stop::Waiting(why));
            }
            // A rename was interrupted on a file system on which it is a link and an unlink.
            context
                .ops
                .unlink(&context.folder, &live().full())
                .map_err(fail)?;
        }
        Err(error) => return Err(fail(error).into()),
    }
    context.ops.sync_folder(&context.folder).map_err(fail)?;
    Ok(Some(StepReport::of(step)))
}

fn is_one_file(context: &RotationContext<'_>, other: &FileName) -> bool {
    let identity = |name: &FileName| {
        let stat = context.folder.stat(&name.full()).ok()?;
        Some(FileIdentity::of_stat(&stat))
    };
    identity(&live()).is_some_and(|live| identity(other) == Some(live))
}

fn forget(context: &RotationContext<'_>, log: &FileName, step: &RotationStep) -> StepOutcome {
    let name = index::file_name(log);
    let removed = context.remove_own(&name);
    removed.map_err(|error| Error::io(&context.own_path(&name), "remove it", error))?;
    Ok(Some(StepReport::of(step)))
}

fn catalog(context: &RotationContext<'_>, step: &RotationStep) -> StepOutcome {
    Ok(renew_catalog(context)?.then(|| StepReport::of(step)))
}

/// Makes the catalog again if it does not match the existing files; false if it does.
///
/// # Errors
/// When the folder can't be read or the catalog can't be written.
pub(crate) fn renew_catalog(context: &RotationContext<'_>) -> Result<bool, Error> {
    if catalog_is_fresh(context) {
        return Ok(false);
    }
    let name = index::catalog::NAME;
    let path = context.own_path(name);
    let fail = |error| Error::io(&path, "write the catalog", error);
    let snapshot = Snapshot::open(context.enterprise, &context.folder)?;
    let build = |draft: &DraftFile<'_>| {
        let mut out = draft.writer();
        let built = context
            .pool
            .install(|| index::catalog::build(&snapshot, &mut out));
        built.and_then(|()| out.flush())
    };
    publish::own_file(context, name, build).map_err(fail)?;
    Ok(true)
}
