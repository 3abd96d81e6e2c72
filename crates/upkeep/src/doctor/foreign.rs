//! Files among the logs that look like logs and are not read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use super::look::foreign::{ForeignFile, ForeignKind, holds_logs};
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding};
use calltrace_store::fsx::{FileIdentity, Folder};
use calltrace_store::tree::{EnterpriseName, FileName, Tree, UnreadLog};

pub(super) fn check(survey: &HealthSurvey, _: &Circumstances<'_>) -> Vec<Finding> {
    let foreign = survey.more.foreign.iter();
    foreign
        .map(|foreign| foreign_finding(survey, foreign))
        .collect()
}

/// Why it matters that a file is not read.
const UNREAD: &str = "its lines are in no answer, and no rotation removes it";
const LINKED: &str = "it is not opened, because its owner could make it lead to any file; every search says \
                      so, and ends with status 2";
const NAMED: &str = "every search says that it could not read it, and ends with status 2";

fn foreign_finding(survey: &HealthSurvey, foreign: &ForeignFile) -> Finding {
    let bytes = Field::Bytes(foreign.bytes);
    let path = || Field::Path(survey.more.folder.join(&foreign.name));
    let finding = match foreign.kind {
        ForeignKind::Packed(program) => packed(survey, program, foreign),
        ForeignKind::Lines => Finding::warning(Code::NotRead)
            .seen("{bytes} of log lines under a name that is not a log's")
            .with("bytes", bytes)
            .why(UNREAD)
            .remedy(
                "if its lines are nowhere else, rename it to one that is read, such as \
                 events.log.2025-11-30; if it is a copy, move it away: `mv {path} DIR`",
            )
            .with("path", path()),
        ForeignKind::Quotes => Finding::note(Code::NotRead)
            .seen("{bytes}, with log lines in it")
            .with("bytes", bytes)
            .why("it holds data of clients, and no rotation removes it")
            .remedy("move it away: other people may take it for a log"),
        ForeignKind::Folder => Finding::note(Code::NotRead)
            .seen("a folder with logs in it; folders in an enterprise's folder are not read")
            .why(UNREAD)
            .remedy("nothing, if it is an archive of your own"),
        ForeignKind::Link => Finding::warning(Code::NotRead)
            .seen("a link that leads out of the folder, or to another link")
            .why(LINKED)
            .remedy(
                "make it lead to a file of {folder}, without a path; or let root make it; or move the \
                 file here",
            )
            .with("folder", Field::Path(survey.more.folder.clone())),
        ForeignKind::DeadLink => Finding::warning(Code::NotRead)
            .seen("a link that leads nowhere")
            .why(NAMED)
            .remedy("`rm {path}`, or mount what it leads to")
            .with("path", path()),
        ForeignKind::NoFile => Finding::warning(Code::NotRead)
            .seen("it has a log's name and is not a regular file")
            .why(NAMED)
            .remedy("move it away, or give it another name"),
    };
    finding.file(&foreign.name)
}

fn packed(survey: &HealthSurvey, program: &'static str, foreign: &ForeignFile) -> Finding {
    let name = foreign.name.to_str();
    let is_named = name.is_some_and(|name| UnreadLog::parse(name).is_some());
    Finding::warning(Code::NotRead)
        .seen("{bytes}, packed by {program}; only plain files and gzip under a log's name are read")
        .with("bytes", Field::Bytes(foreign.bytes))
        .with("program", Field::Text(program.to_owned()))
        .why(if is_named { NAMED } else { UNREAD })
        .remedy(
            "unpack it under a name that is read, such as events.log.2025-11-30, and {rotate} \
             seals it; or move it out of {folder}",
        )
        .with("rotate", Field::Calltrace("rotate"))
        .with("folder", Field::Path(survey.more.folder.clone()))
}

/// Findings in the root itself: logs that belong to no enterprise.
pub(super) fn in_root(tree: &Tree, has_no_enterprise: bool) -> Vec<Finding> {
    let Ok(root) = Folder::open(tree.root()) else {
        return Vec::new();
    };
    let mut odd: Vec<PathBuf> = Vec::new();
    let mut logs: Vec<PathBuf> = Vec::new();
    let names = root.names().unwrap_or_default();
    for name in names.iter().filter_map(|name| name.to_str()) {
        if FileName::parse(name).is_some() && root.look_current(name).is_ok() {
            logs.push(root.path_of(name));
        } else if EnterpriseName::new(name).is_none() && holds_logs(&root, name) {
            odd.push(root.path_of(name));
        }
    }
    odd.sort();
    logs.sort();
    let mut findings: Vec<Finding> = odd.into_iter().map(odd_name).collect();
    findings.extend(two_names(tree, &root));
    findings.extend(
        logs.first()
            .map(|first| in_wrong_root(first, logs.len(), tree)),
    );
    if has_no_enterprise && findings.is_empty() {
        findings.push(
            Finding::warning(Code::NoLogs)
                .file(tree.root())
                .seen("the tree holds no enterprise")
                .why("there is nothing to search")
                .remedy(
                    "set --root or CALLTRACE_ROOT to the folder that holds one folder per enterprise",
                ),
        );
    }
    findings
}

/// Folders that several enterprise names lead to: each name after the first is a finding.
fn two_names(tree: &Tree, root: &Folder) -> Vec<Finding> {
    let names = root.names().unwrap_or_default();
    let mut names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).collect();
    // The folder's own name comes before links to it.
    names.sort_by_key(|name| (root.link(name).is_ok_and(|link| link.is_some()), *name));
    let mut known: HashMap<FileIdentity, &str> = HashMap::new();
    let mut findings = Vec::new();
    for name in names {
        let Some(enterprise) = EnterpriseName::new(name) else {
            continue;
        };
        let folder = tree.folder(&enterprise);
        let Ok(identity) = folder.and_then(|folder| folder.identity()) else {
            continue;
        };
        match known.entry(identity) {
            Entry::Vacant(new) => {
                new.insert(name);
            }
            Entry::Occupied(first) => findings.push(
                Finding::note(Code::TwoNames)
                    .file(root.path_of(name))
                    .seen("the same folder as {first}")
                    .with("first", Field::Text((*first.get()).to_owned()))
                    .why("it is searched and rotated once, under one of the names")
                    .remedy("nothing, if both names are wanted; a program that lists folders counts its calls twice"),
            ),
        }
    }
    findings
}

fn odd_name(path: PathBuf) -> Finding {
    Finding::warning(Code::NotRead)
        .file(path)
        .seen("a folder with logs in it, but with a name that is not an enterprise's")
        .why("no subcommand finds it")
        .remedy("rename it: letters, digits, _ and -, not beginning with -")
}

fn in_wrong_root(first: &Path, files: usize, tree: &Tree) -> Finding {
    let finding = Finding::warning(Code::NotRead)
        .file(first)
        .seen("{files} with a log's name in the root itself")
        .with("files", Field::Files(files as u64))
        .why("logs are looked for in the folders of enterprises, one level down");
    match tree
        .root()
        .canonicalize()
        .ok()
        .and_then(|root| Some(root.parent()?.to_owned()))
    {
        Some(parent) => finding
            .remedy("if this is the folder of one enterprise: --root {parent}")
            .with("parent", Field::Path(parent)),
        None => finding.remedy("move them into the folder of their enterprise"),
    }
}
