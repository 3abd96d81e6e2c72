//! The steps of a plan, one after the other. What goes wrong with one does not end the others.

use std::io::{ErrorKind, Write as _};

use chrono::NaiveDate;

use super::look::{Survey, catalog_is_fresh};
use super::plan::Plan;
use super::publish;
use super::remove::Removal;
use super::report::Report;
use super::site::Site;
use super::step::{Done, Kind, Outcome, Step, Stop, Waiting};
use super::{News, collapse, seal, tidy};
use crate::survey::memory::{MEMORY, Memory};
use crate::survey::names::{archive_of, live, of_day};
use calltrace_store::error::Error;
use calltrace_store::fsx::{DraftFile, FileIdentity};
use calltrace_store::index;
use calltrace_store::tree::{FileName, Snapshot};

/// Takes the steps.
pub(super) fn apply(site: &Site<'_>, survey: &Survey, plan: Plan, report: &mut Report) {
    let mut memory = survey.memory.clone();
    memory.rotates_itself = plan.rotates_itself;
    keep(site, &memory, report);
    for step in plan.steps {
        (site.watch)(News::Begins(&step));
        one(site, &step, report);
    }
    let mut memory = Memory::read(site);
    // What has become an archive is remembered as that: `doctor` asks why it holds records of the next day.
    let has = |name: &FileName| site.folder.has(&name.full());
    memory.renamed = memory
        .renamed
        .into_iter()
        .filter_map(|name| [archive_of(&name), name].into_iter().rev().find(has))
        .collect();
    memory.renamed.sort();
    memory.renamed.dedup();
    keep(site, &memory, report);
}

/// Tidies up after a run that died, before there is a plan.
pub(super) fn tidy(site: &Site<'_>, report: &mut Report) -> Result<(), Error> {
    for step in tidy::leftovers(site)? {
        one(site, &step, report);
    }
    Ok(())
}

/// Takes a step and notes how it ended.
fn one(site: &Site<'_>, step: &Step, report: &mut Report) {
    match take(site, step, report) {
        Ok(Some(done)) => {
            (site.watch)(News::Done(&done));
            report.steps.push(done);
        }
        Ok(None) => {}
        Err(Stop::Waiting(why)) => {
            let file = step.kind.file();
            report.waiting.push(Waiting { file, why });
            index_unsealed(site, step, report);
        }
        Err(Stop::Failed(error)) => {
            report.fail(&site.folder.path_of(&step.kind.file()), &error);
            index_unsealed(site, step, report);
        }
    }
}

fn keep(site: &Site<'_>, memory: &Memory, report: &mut Report) {
    let path = site.own_path(MEMORY);
    let kept = memory.keep(site);
    report.note(
        &path,
        kept.map_err(|error| Error::io(&path, "write it", error)),
    );
}

fn take(site: &Site<'_>, step: &Step, report: &mut Report) -> Outcome {
    match &step.kind {
        Kind::Tidy(kind) => tidy::take(site, kind, step, report),
        Kind::TakeOff { log, .. } => collapse::finish(site, log, step),
        Kind::Expire(log) => expire(site, log, step),
        Kind::Seal(log) | Kind::Merge(log) | Kind::Finish(log) => {
            seal::seal(site, log, step, report)
        }
        Kind::Rename(day) => rename(site, *day, step),
        Kind::Collapse(day) => collapse::collapse(site, *day, step, report),
        Kind::Recompress(log) => seal::recompress(site, log, step, report),
        Kind::Index(log) => Ok(Some(Done {
            index_bytes: Some(site.index(log)?.index_bytes),
            ..Done::of(step)
        })),
        Kind::Forget(log) => forget(site, log, step),
        Kind::Catalog => catalog(site, step),
    }
}

/// A finished file that stays as it is gets an index as it is.
fn index_unsealed(site: &Site<'_>, step: &Step, report: &mut Report) {
    let (Kind::Seal(name) | Kind::Merge(name) | Kind::Finish(name)) = &step.kind else {
        return;
    };
    let Ok(opened) = site.open(name) else { return };
    let state = index::state(opened.log());
    drop(opened);
    if matches!(
        state,
        index::IndexState::Missing | index::IndexState::Stale(_)
    ) {
        report.note(&site.path(name), site.index(name));
    }
}

fn expire(site: &Site<'_>, name: &FileName, step: &Step) -> Outcome {
    let path = site.path(name);
    let opened = site
        .open(name)
        .map_err(|error| Error::io(&path, "remove it", error))?;
    let removal = match name.gz {
        true => site.remove_archive(&opened)?,
        false => site.remove(&opened)?,
    };
    match removal {
        Removal::Gone(proof) => {
            site.remove_index(name)?;
            Ok(Some(Done::of(step).proven(proof)))
        }
        Removal::Busy(why) => Err(Stop::Waiting(format!("is to be removed, but {why}"))),
        Removal::Changed => Err(Stop::Waiting("has changed just now".to_owned())),
    }
}

/// The live file gets the name of its day. The name is noted before, so that a file of today is
/// known as ours.
fn rename(site: &Site<'_>, day: NaiveDate, step: &Step) -> Outcome {
    let target = of_day(day);
    let from = site.path(&live());
    let fail = |error| Error::io(&from, "rename it", error);
    let mut memory = Memory::read(site);
    if !memory.renamed.contains(&target) {
        memory.renamed.push(target.clone());
        memory.keep(site).map_err(fail)?;
    }
    site.remove_index(&live())?;
    match site
        .ops
        .rename(&site.folder, &live().full(), &target.full())
    {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !is_one_file(site, &target) {
                let why = format!("is due, but {} is still there", target.full());
                return Err(Stop::Waiting(why));
            }
            // A rename that died half-way, where it is made of a link and an unlink.
            site.ops
                .unlink(&site.folder, &live().full())
                .map_err(fail)?;
        }
        Err(error) => return Err(fail(error).into()),
    }
    site.ops.sync_folder(&site.folder).map_err(fail)?;
    Ok(Some(Done::of(step)))
}

fn is_one_file(site: &Site<'_>, other: &FileName) -> bool {
    let identity = |name: &FileName| {
        let stat = site.folder.stat(&name.full()).ok()?;
        Some(FileIdentity::of_stat(&stat))
    };
    identity(&live()).is_some_and(|live| identity(other) == Some(live))
}

fn forget(site: &Site<'_>, log: &FileName, step: &Step) -> Outcome {
    let name = index::file_name(log);
    let removed = site.remove_own(&name);
    removed.map_err(|error| Error::io(&site.own_path(&name), "remove it", error))?;
    Ok(Some(Done::of(step)))
}

fn catalog(site: &Site<'_>, step: &Step) -> Outcome {
    if catalog_is_fresh(site) {
        return Ok(None);
    }
    let name = index::catalog::NAME;
    let path = site.own_path(name);
    let fail = |error| Error::io(&path, "write the catalog", error);
    let snapshot = Snapshot::open(site.enterprise, &site.folder)?;
    let build = |draft: &DraftFile<'_>| {
        let mut out = draft.writer();
        let built = site
            .pool
            .install(|| index::catalog::build(&snapshot, &mut out));
        built.and_then(|()| out.flush())
    };
    publish::own_file(site, name, build).map_err(fail)?;
    Ok(Some(Done::of(step)))
}
