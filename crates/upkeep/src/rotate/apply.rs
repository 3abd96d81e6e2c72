//! The steps of a plan, one after the other. What goes wrong with one does not end the others.

use std::io::ErrorKind;

use super::look::{Survey, catalog_is_fresh};
use super::memory::Memory;
use super::names::live;
use super::own::MEMORY;
use super::plan::Plan;
use super::publish::{Draft, temporary_of};
use super::remove::Removal;
use super::report::Report;
use super::site::Site;
use super::step::{Done, Kind, Outcome, Step};
use super::{News, collapse, seal};
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, FileIdentity};
use calltrace_store::index;
use calltrace_store::tree::{FileName, Snapshot};

/// Takes the steps.
pub(super) fn apply(site: &Site<'_>, survey: &Survey, plan: Plan, report: &mut Report) {
    let mut memory = survey.memory.clone();
    memory.rotates_itself = plan.rotates_itself;
    keep(site, &memory, report);
    for step in plan.steps {
        (site.watch)(News::Begins(&step));
        match take(site, &step, report) {
            Ok(Outcome::Done(done)) => {
                (site.watch)(News::Done(&done));
                report.steps.push(done);
            }
            Ok(Outcome::Waiting(why)) => {
                report.wait(&step.file, why);
                index_unsealed(site, &step, report);
            }
            Ok(Outcome::Nothing) => {}
            Err(error) => {
                report.fail(&site.folder.path_of(&step.file), &error);
                index_unsealed(site, &step, report);
            }
        }
    }
    let mut memory = Memory::read(site);
    let is_there = |name: &String| site.folder.has(name);
    memory.renamed.retain(is_there);
    keep(site, &memory, report);
}

fn keep(site: &Site<'_>, memory: &Memory, report: &mut Report) {
    if let Err(error) = memory.keep(site) {
        let path = site.own_path(MEMORY);
        report.fail(&path, &Error::io(&path, "write it", error));
    }
}

fn take(site: &Site<'_>, step: &Step, report: &mut Report) -> Result<Outcome, Error> {
    match step.kind {
        Kind::TakeOff { .. } => collapse::finish(site, &log_of(site, step)?, step),
        Kind::Expire => expire(site, &log_of(site, step)?, step),
        Kind::Seal | Kind::Merge | Kind::Finish => {
            seal::seal(site, &log_of(site, step)?, step, report)
        }
        Kind::Rename => rename(site, step),
        Kind::Collapse => collapse::collapse(site, step, report),
        Kind::Recompress => seal::recompress(site, &log_of(site, step)?, step, report),
        Kind::Index => site.index(&log_of(site, step)?).map(|built| {
            let index_bytes = Some(built.index_bytes);
            Outcome::Done(Done {
                index_bytes,
                ..Done::of(step)
            })
        }),
        Kind::Forget => forget(site, step),
        Kind::Catalog => catalog(site, step),
        // Done before there was a plan.
        Kind::Clean | Kind::Restore => Ok(Outcome::Nothing),
    }
}

/// The log that a step is about. A name that is no log's ends the step: it must not act on another
/// file instead.
fn log_of(site: &Site<'_>, step: &Step) -> Result<FileName, Error> {
    FileName::parse(&step.file).ok_or_else(|| {
        let error = std::io::Error::other("its name is no log's");
        Error::io(
            &site.folder.path_of(&step.file),
            "take a step with it",
            error,
        )
    })
}

/// A finished file that stays as it is gets an index as it is.
fn index_unsealed(site: &Site<'_>, step: &Step, report: &mut Report) {
    let is_seal = matches!(step.kind, Kind::Seal | Kind::Merge | Kind::Finish);
    let Some(name) = FileName::parse(&step.file).filter(|_| is_seal) else {
        return;
    };
    let Ok(opened) = site.open(&name) else { return };
    let state = index::state(opened.log());
    drop(opened);
    if matches!(state, index::State::Missing | index::State::Stale(_))
        && let Err(error) = site.index(&name)
    {
        report.fail(&site.path(&name), &error);
    }
}

fn expire(site: &Site<'_>, name: &FileName, step: &Step) -> Result<Outcome, Error> {
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
            Ok(Outcome::Done(Done::of(step).proven(proof)))
        }
        Removal::Busy(why) => Ok(Outcome::Waiting(format!("is to be removed, but {why}"))),
        Removal::Changed => Ok(Outcome::Waiting("has changed just now".to_owned())),
    }
}

/// The live file gets the name of its day. The name is noted before, so that a file of today is
/// known as ours.
fn rename(site: &Site<'_>, step: &Step) -> Result<Outcome, Error> {
    let Some(target) = step.to.as_deref().and_then(FileName::parse) else {
        return Ok(Outcome::Nothing);
    };
    let from = site.path(&live());
    let fail = |error| Error::io(&from, "rename it", error);
    let mut memory = Memory::read(site);
    if !memory.renamed.contains(&target.full()) {
        memory.renamed.push(target.full());
        memory.keep(site).map_err(fail)?;
    }
    site.remove_index(&live())?;
    match site
        .deeds
        .rename(&site.folder, &live().full(), &target.full())
    {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !is_one_file(site, &target) {
                let why = format!("is due, but {} is still there", target.full());
                return Ok(Outcome::Waiting(why));
            }
            // A rename that died half-way, where it is made of a link and an unlink.
            site.deeds
                .unlink(&site.folder, &live().full())
                .map_err(fail)?;
        }
        Err(error) => return Err(fail(error)),
    }
    site.deeds.sync_folder(&site.folder).map_err(fail)?;
    Ok(Outcome::Done(Done::of(step)))
}

fn is_one_file(site: &Site<'_>, other: &FileName) -> bool {
    let identity = |name: &FileName| {
        let stat = site.folder.stat(&name.full()).ok()?;
        Some(FileIdentity::of_stat(&stat))
    };
    identity(&live()).is_some_and(|live| identity(other) == Some(live))
}

fn forget(site: &Site<'_>, step: &Step) -> Result<Outcome, Error> {
    let removed = site.own_folder().and_then(|own| {
        site.deeds.unlink(&own, &step.file)?;
        site.deeds.sync_folder(&own)
    });
    removed.map_err(|error| Error::io(&site.own_path(&step.file), "remove it", error))?;
    Ok(Outcome::Done(Done::of(step)))
}

fn catalog(site: &Site<'_>, step: &Step) -> Result<Outcome, Error> {
    if catalog_is_fresh(site) {
        return Ok(Outcome::Nothing);
    }
    let name = index::catalog::NAME;
    let path = site.own_path(name);
    let fail = |error| Error::io(&path, "write the catalog", error);
    let snapshot = Snapshot::open(site.enterprise, &site.folder)?;
    let access = Access::of_file_in(&site.folder.metadata().map_err(fail)?);
    let own = site.own_folder().map_err(fail)?;
    let draft = Draft::create(site.deeds, &own, temporary_of(name), access).map_err(fail)?;
    let mut out = draft.writer();
    site.pool
        .install(|| index::catalog::build(&snapshot, &mut out))
        .and_then(|()| std::io::Write::flush(&mut out))
        .map_err(fail)?;
    drop(out);
    site.deeds.sync(&draft.file).map_err(fail)?;
    draft.replace(name).map_err(fail)?;
    Ok(Outcome::Done(Done::of(step)))
}
