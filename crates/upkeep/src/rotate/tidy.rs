//! What a run that died left behind: unfinished files go, logs on their way out go on or come back.
//!
//! Done under the lock, so nobody is at work on them. A log on its way out is one whose lines its
//! archive holds, or that is too old. But its writer may have come back to it at the last moment:
//! then it gets its name back, or where that is taken, its lines are added to the archive.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::News;
use super::held::Held;
use super::names::{Leftover, archive_of};
use super::report::Report;
use super::seal::{self, Archived};
use super::site::Site;
use super::step::{Done, Kind, Step};
use calltrace_store::error::Error;
use calltrace_store::index::FOLDER;
use calltrace_store::tree::FileName;

/// Before the names of files in our own folder.
const OWN: &str = ".calltrace/";

const WHY_LEAVING: &str = "a run died before it had removed it";

/// Where a leftover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Folder,
    OwnFolder,
}

/// The steps that leftovers ask for.
pub(super) fn leftovers(site: &Site<'_>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for name in list(site, Place::Folder)? {
        match Leftover::parse(&name) {
            Some(Leftover::Temporary) => steps.push(unfinished(name)),
            Some(Leftover::Leaving(log)) => {
                let path = site.folder.path_of(&name);
                let step = leaving(site, name, &log);
                steps.push(step.map_err(|error| Error::io(&path, "read it", error))?);
            }
            None => {}
        }
    }
    for name in list(site, Place::OwnFolder)? {
        if name.ends_with(".tmp") {
            steps.push(unfinished(format!("{OWN}{name}")));
        }
    }
    Ok(steps)
}

fn unfinished(name: String) -> Step {
    Step::new(Kind::Clean, name, "a run died while it wrote it")
}

fn leaving(site: &Site<'_>, name: String, log: &FileName) -> io::Result<Step> {
    let is_free = |name: &FileName| !site.folder.has(&name.full());
    let archive = archive_of(log);
    let kind = if is_held(site, &name, log)? {
        Kind::Finish
    } else if is_free(log) {
        return Ok(Step::new(Kind::Restore, name, WHY_LEAVING).to(log));
    } else {
        Kind::Merge
    };
    Ok(Step::new(kind, name, WHY_LEAVING).to(&archive))
}

/// Whether the archive of a log on its way out holds all of it.
fn is_held(site: &Site<'_>, name: &str, log: &FileName) -> io::Result<bool> {
    let opened = site.open_as(log, name)?;
    let archive = match site.open(&archive_of(log)) {
        Ok(archive) => archive,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let all = opened.log().bytes;
    let held = Held::find(&opened, &archive)?;
    Ok(matches!(held, Held::Whole { bytes, .. } if bytes == all))
}

/// Takes them.
pub(super) fn tidy(site: &Site<'_>, report: &mut Report) -> Result<(), Error> {
    for step in leftovers(site)? {
        let path = site.folder.path_of(&step.file);
        let done = match step.kind {
            Kind::Finish | Kind::Merge => go_on(site, &step, &path, report),
            _ => simply(site, &step).map_err(|error| Error::io(&path, "tidy it up", error)),
        };
        match done {
            Ok(Some(done)) => {
                (site.watch)(News::Done(&done));
                report.steps.push(done);
            }
            Ok(None) => {}
            Err(error) => report.fail(&path, &error),
        }
    }
    Ok(())
}

/// Removes what is unfinished, or gives a log its name back.
fn simply(site: &Site<'_>, step: &Step) -> io::Result<Option<Done>> {
    let (folder, name) = match step.file.strip_prefix(OWN) {
        Some(name) => (site.own_folder()?, name),
        None => (site.folder.clone(), step.file.as_str()),
    };
    match &step.to {
        Some(log) => site.deeds.rename(&folder, name, log)?,
        None => site.deeds.unlink(&folder, name)?,
    }
    site.deeds.sync_folder(&folder)?;
    Ok(Some(Done::of(step)))
}

/// Removes a log that is on its way out and has no name any more, once its archive holds it.
fn go_on(
    site: &Site<'_>,
    step: &Step,
    path: &Path,
    report: &mut Report,
) -> Result<Option<Done>, Error> {
    let fail = |error| Error::io(path, "remove it", error);
    let Some(Leftover::Leaving(log)) = Leftover::parse(&step.file) else {
        return Ok(None);
    };
    let opened = site.open_as(&log, &step.file).map_err(fail)?;
    let done = match seal::archive(site, &opened, Done::of(step), report)? {
        Archived::Held(done) => done,
        // The next run finds it here again.
        Archived::Changed(_) | Archived::Waiting(_) => return Ok(None),
    };
    let Ok(quiet) = site.quiet(&opened.log().file) else {
        return Ok(None);
    };
    if !opened.is_as_it_was().map_err(fail)? {
        return Ok(None);
    }
    site.deeds.unlink(&site.folder, &step.file).map_err(fail)?;
    site.deeds.sync_folder(&site.folder).map_err(fail)?;
    Ok(Some(done.proven(Some(quiet.proof()))))
}

fn list(site: &Site<'_>, place: Place) -> Result<Vec<String>, Error> {
    let (path, folder) = match place {
        Place::Folder => (site.folder.path().to_owned(), Ok(site.folder.clone())),
        Place::OwnFolder => (site.folder.path_of(FOLDER), site.own_folder()),
    };
    let mut names: Vec<String> = match folder.and_then(|folder| folder.names()) {
        Ok(names) => names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::io(&path, "list the folder", error)),
    };
    names.sort();
    Ok(names)
}
