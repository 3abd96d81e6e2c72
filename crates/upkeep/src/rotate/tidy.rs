//! What a run that died left behind: unfinished files go, logs on their way out go on or come back.
//!
//! Done under the lock, so nobody is at work on them. A log on its way out is one whose lines its
//! archive holds, or that is too old. But its writer may have come back to it at the last moment:
//! then it gets its name back, or where that is taken, its lines are added to the archive.

use std::io;
use std::path::PathBuf;

use super::held::Held;
use super::report::Report;
use super::seal;
use super::site::Site;
use super::step::{Done, Kind, Outcome, Step, Stop, Tidy};
use crate::survey::listing::{Listing, Own};
use crate::survey::names::{Leftover, archive_of};
use calltrace_store::error::Error;
use calltrace_store::index::FOLDER;
use calltrace_store::tree::FileName;

const WHY_LEAVING: &str = "a run died before it had removed it";

const WHY_UNFINISHED: &str = "a run died while it wrote it";

/// The steps that leftovers ask for.
pub(super) fn leftovers(site: &Site<'_>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut add = |kind, why| steps.push(Step::new(Kind::Tidy(kind), why));
    let list = |path: PathBuf| move |error| Error::io(&path, "list the folder", error);
    let listing = Listing::of(&site.folder).map_err(list(site.folder.path().to_owned()))?;
    for leftover in listing.leftovers {
        let name = leftover.name();
        match leftover {
            Leftover::Temporary(log) => add(Tidy::Clean(log), WHY_UNFINISHED),
            Leftover::Leaving(log) => {
                let path = site.folder.path_of(&name);
                let kind = leaving(site, &name, log);
                let kind = kind.map_err(|error| Error::io(&path, "read it", error))?;
                add(kind, WHY_LEAVING);
            }
        }
    }
    let own = Own::of(&site.folder).map_err(list(site.folder.path_of(FOLDER)))?;
    for name in own.iter().flat_map(Own::unfinished) {
        add(Tidy::CleanOwn(name.clone()), WHY_UNFINISHED);
    }
    Ok(steps)
}

fn leaving(site: &Site<'_>, name: &str, log: FileName) -> io::Result<Tidy> {
    Ok(if is_held(site, name, &log)? {
        Tidy::Finish(log)
    } else if !site.folder.has(&log.full()) {
        Tidy::Restore(log)
    } else {
        Tidy::Merge(log)
    })
}

/// Whether the archive of a log on its way out holds all of it.
fn is_held(site: &Site<'_>, name: &str, log: &FileName) -> io::Result<bool> {
    let opened = site.open_as(log, name)?;
    let Some(archive) = site.open_if_there(&archive_of(log))? else {
        return Ok(false);
    };
    let all = opened.log().bytes;
    let held = Held::find(&opened, &archive)?;
    Ok(matches!(held, Held::Whole { bytes, .. } if bytes == all))
}

/// Takes such a step.
pub(super) fn take(site: &Site<'_>, kind: &Tidy, step: &Step, report: &mut Report) -> Outcome {
    let (ops, folder) = (site.ops, &site.folder);
    let name = step.kind.file();
    let changed = match kind {
        Tidy::Merge(log) | Tidy::Finish(log) => return go_on(site, log, &name, step, report),
        Tidy::Clean(_) => ops.unlink(folder, &name).map(|()| folder.clone()),
        Tidy::Restore(log) => {
            let restored = ops.rename(folder, &name, &log.full());
            restored.map(|()| folder.clone())
        }
        Tidy::CleanOwn(name) => site
            .own_folder()
            .and_then(|own| ops.unlink(&own, name).map(|()| own)),
    };
    changed
        .and_then(|folder| ops.sync_folder(&folder))
        .map_err(|error| Error::io(&folder.path_of(&name), "tidy it up", error))?;
    Ok(Some(Done::of(step)))
}

/// Removes a log that is on its way out and is called `name`, once its archive holds it.
fn go_on(site: &Site<'_>, log: &FileName, name: &str, step: &Step, report: &mut Report) -> Outcome {
    let path = site.folder.path_of(name);
    let fail = |error| Error::io(&path, "remove it", error);
    let opened = site.open_as(log, name).map_err(fail)?;
    let mut done = Done::of(step);
    match seal::archive(site, &opened, &mut done, report) {
        Ok(true) => {}
        // The next run finds it here again.
        Ok(false) | Err(Stop::Waiting(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let Ok(quiet) = site.quiet(&opened.log().file) else {
        return Ok(None);
    };
    if !opened.is_as_it_was().map_err(fail)? {
        return Ok(None);
    }
    site.ops.unlink(&site.folder, name).map_err(fail)?;
    site.ops.sync_folder(&site.folder).map_err(fail)?;
    Ok(Some(done.proven(Some(quiet.proof()))))
}
