//! Who may read and write: logs hold tokens and clients' numbers.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::file::{ExaminedFile, OTHERS_READ};
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding, SettingsFile};
use calltrace_store::index::FOLDER;

/// Permissions of others, who are neither owner nor in the group.
pub(super) const OTHERS_WRITE: u32 = 0o002;
const OTHERS_PASS: u32 = 0o001;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(folder) = &survey.more.metadata {
        let mode = folder.mode() & 0o7777;
        // If others can't reach the folder, the permissions of its files do not matter.
        if mode & OTHERS_PASS != 0 && is_reachable(circumstances.doctor.tree.root()) {
            findings.extend(writable(survey, mode));
            findings.extend(readable(survey));
        }
        findings.extend(owner(survey, folder.uid()));
        findings.extend(cant_write(survey, folder.uid()));
        findings.extend(others_folder(survey, folder.uid()));
    }
    findings.extend(others_way(survey));
    findings.extend(others_duplicates(survey));
    findings
}

const REFUSED: &str = "root would act on what that user chose";

/// Another user than the owner can change what the folder's path leads to.
fn others_way(survey: &HealthSurvey) -> Option<Finding> {
    let other = survey.more.distrusted.as_ref()?;
    let owner = survey.more.metadata.as_ref().map_or(0, MetadataExt::uid);
    Some(
        Finding::problem(Code::Refused)
            .seen("{path} {why}")
            .with("path", Field::Path(other.path.clone()))
            .with("why", Field::Text(other.why.clone()))
            .why(
                "that user can put another folder in the place of this one, and root would work \
                 in it; `calltrace rotate` run by root does nothing here and ends with status 2",
            )
            .remedy(
                "remove that permission (`chmod go-w {path}`, `chown root {path}`), or run it as \
                 user {user}",
            )
            .with("path", Field::Path(other.path.clone()))
            .with("user", Field::User(owner)),
    )
}

/// `.calltrace` belongs to another user, and the folder of the logs to root.
fn others_folder(survey: &HealthSurvey, folder_user: u32) -> Option<Finding> {
    let user = survey.more.own_user?;
    (user != 0 && folder_user == 0).then(|| {
        let path = survey.more.folder.join(FOLDER);
        Finding::problem(Code::Refused)
            .file(FOLDER)
            .seen("it belongs to user {owner}, and the folder of the logs to user {folder}")
            .with("owner", Field::User(user))
            .with("folder", Field::User(folder_user))
            .why(REFUSED)
            .remedy("move {path} away; the next {rotate} makes the indexes again")
            .with("path", Field::Path(path))
            .with("rotate", Field::Calltrace("rotate"))
    })
}

/// X and X.gz have two owners: neither may get the other's lines.
fn others_duplicates(survey: &HealthSurvey) -> Option<Finding> {
    let pairs = survey.more.duplicates.iter();
    let mut pairs = pairs.map(|pair| (&survey.files[pair.plain], &survey.files[pair.archive]));
    let (plain, archive) = pairs.find(|(plain, archive)| plain.log.user != archive.log.user)?;
    Some(
        Finding::problem(Code::Refused)
            .file(plain.log.name.full())
            .seen("it belongs to user {owner}, and {archive} to user {other}")
            .with("owner", Field::User(plain.log.user))
            .with("archive", Field::Text(archive.log.name.full()))
            .with("other", Field::User(archive.log.user))
            .why("the lines of one would be given to the owner of the other")
            .remedy("move one of them away, or `chown --reference={folder}` both")
            .with("folder", Field::Path(survey.more.folder.clone())),
    )
}

/// Whether every user can reach what is in a folder.
pub(super) fn is_reachable(folder: &Path) -> bool {
    let Ok(path) = folder.canonicalize() else {
        return false;
    };
    let is_open = |folder: &Path| fs::metadata(folder).is_ok_and(|m| m.mode() & OTHERS_PASS != 0);
    path.ancestors().all(is_open)
}

/// The folder of a file; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(path);
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

fn writable(survey: &HealthSurvey, folder_mode: u32) -> Option<Finding> {
    let open = survey.files_that(|seen| seen.log.mode & OTHERS_WRITE != 0);
    let finding = Finding::problem(Code::WorldWritable);
    let finding = if folder_mode & OTHERS_WRITE != 0 {
        finding
            .seen("every user of this machine may add and rename files here (mode {mode})")
            .with("mode", Field::Mode(folder_mode))
    } else {
        let first = open.first()?;
        finding
            .file(first.log.name.full())
            .seen("every user of this machine may change it (mode {mode})")
            .with("mode", Field::Mode(first.log.mode))
    };
    Some(
        finding
            .of_several("{files} in all have such permissions", open.len())
            .why("any user can forge or remove the records of a call")
            .remedy("`chmod -R o-w {path}`")
            .with("path", Field::Path(survey.more.folder.clone())),
    )
}

fn readable(survey: &HealthSurvey) -> Option<Finding> {
    let open = survey.files_that(ExaminedFile::is_open_to_others);
    let secret = |seen: &&ExaminedFile| seen.more.reading.as_ref()?.secret.clone();
    let mut newest_first = open.iter().rev();
    let (newest, (place, key)) = newest_first.find_map(|seen| Some((seen, secret(seen)?)))?;
    let finding = Finding::warning(Code::SecretsReadable)
        .file(newest.log.name.full())
        .at(Some(place))
        .seen("a body holds a secret under the key {key}")
        .with("key", Field::Text(key))
        .seen("every user of this machine may read it (mode {mode})")
        .with("mode", Field::Mode(newest.log.mode));
    Some(
        finding
            .of_several("{files} in all have such permissions", open.len())
            .why(
                "any user who reads a token can post events and open pages; calls are private data of clients",
            )
            .remedy("`chmod o= {path}`; add the users who must read to the folder's group")
            .with("path", Field::Path(survey.more.folder.clone())),
    )
}

/// The live file belongs to another user than the writers, mostly because root made it at a terminal.
fn owner(survey: &HealthSurvey, folder_user: u32) -> Option<Finding> {
    let live = survey.live()?;
    let others = survey
        .files
        .iter()
        .filter(|seen| seen.log.name != live.log.name);
    let theirs = others
        .clone()
        .filter(|seen| seen.log.user == folder_user)
        .count();
    let is_odd = live.log.user != folder_user && theirs > 0 && theirs == others.count();
    let is_closed = live.log.mode & 0o022 == 0;
    (is_odd && is_closed).then(|| {
        Finding::warning(Code::OwnersDiffer)
            .file(live.log.name.full())
            .seen(
                "it belongs to user {owner} (mode {mode}); the folder and all other logs belong to user {folder}",
            )
            .with("owner", Field::User(live.log.user))
            .with("mode", Field::Mode(live.log.mode))
            .with("folder", Field::User(folder_user))
            .why(
                "writers that run as the folder's user can't append to it, and their lines are \
                 lost",
            )
            .remedy("`chown --reference={folder} {path}`")
            .with("folder", Field::Path(survey.more.folder.clone()))
            .with("path", Field::Path(survey.path_of(live)))
    })
}

/// Only the rights of the current user are known; nothing is said about other users.
fn cant_write(survey: &HealthSurvey, folder_user: u32) -> Option<Finding> {
    if survey.more.may_write {
        return None;
    }
    let path = || Field::Path(survey.more.folder.clone());
    if survey.more.volume.is_some_and(|volume| volume.is_read_only) {
        return Some(
            Finding::warning(Code::CantWrite)
                .seen("the file system of {path} is mounted read-only")
                .with("path", path())
                .why("nothing can be written there, by writers or by a rotation")
                .remedy(
                    "find out why (`dmesg`, `findmnt -T {path}`): ext4 becomes so after an error; a \
                     systemd service needs ReadWritePaths=",
                )
                .with("path", path()),
        );
    }
    Some(
        Finding::note(Code::CantWrite)
            .seen("the user who runs this may not write to {path}, which belongs to user {user}")
            .with("path", Field::Path(survey.more.folder.clone()))
            .with("user", Field::User(folder_user))
            .why("a rotation must run as that user, or as root")
            .remedy("nothing, if cron or the timer runs it as another user"),
    )
}

/// Settings that hold secrets and that every user may read or change.
pub(super) fn settings(files: &[SettingsFile]) -> Vec<Finding> {
    let open = |file: &&SettingsFile| {
        let others = OTHERS_READ | OTHERS_WRITE;
        let is_open = fs::metadata(&file.path).is_ok_and(|m| m.mode() & others != 0);
        is_open && is_reachable(folder_of(&file.path))
    };
    let open_file_finding = |file: &SettingsFile| {
        let mode = fs::metadata(&file.path).map_or(0, |metadata| metadata.mode() & 0o7777);
        Finding::problem(Code::SettingsReadable)
            .file(&file.path)
            .seen("it holds {what}, and every user of this machine may read it (mode {mode})")
            .with("what", Field::Text(file.holds.to_owned()))
            .with("mode", Field::Mode(mode))
            .why("with a secret any user can open all pages of an enterprise")
            .remedy("`chmod o= {path}`, and replace the secrets by new ones")
            .with("path", Field::Path(file.path.clone()))
    };
    files.iter().filter(open).map(open_file_finding).collect()
}
