//! What lies among the logs, looks like one, and is read by nobody.

use std::ffi::OsString;
use std::fs::{self, DirEntry, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::survey::Survey;
use super::{Circumstances, Code, Field, Finding};
use crate::record::Record;
use crate::tree::{EnterpriseName, FileName, Tree};

/// Read of a file to tell what is in it (bytes).
const HEAD_BYTES: u64 = 4096;

/// Files of other programs in one folder that are looked at; more are of no use to know.
pub(super) const LOOKED_AT_MAX: usize = 1000;

/// Names that mean something to programs which pack, by how their files begin.
const PACKED: [(&[u8], &str); 6] = [
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x1f\x8b", "gzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
];

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Packed by this program.
    Packed(&'static str),
    /// Lines of a log.
    Lines,
    /// The same under a name that makes no claim: somebody's notes.
    Quotes,
    /// A folder that holds logs.
    Folder,
    /// A link that leads nowhere.
    DeadLink,
    /// Something else that bears a log's name: a FIFO, a folder.
    NoFile,
}

/// Something that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) name: OsString,
    pub(super) kind: Kind,
    pub(super) bytes: u64,
}

impl Foreign {
    /// Looks at an entry that is no log file. `None` for what has nothing to do with logs.
    pub(super) fn of(entry: &DirEntry) -> Option<Foreign> {
        let (path, name) = (entry.path(), entry.file_name());
        let shown = name.to_string_lossy().into_owned();
        let bears_a_name = FileName::parse(&shown).is_some();
        let found = |kind, bytes| {
            let name = name.clone();
            Some(Foreign { name, kind, bytes })
        };
        let Ok(metadata) = fs::metadata(&path) else {
            return bears_a_name.then(|| found(Kind::DeadLink, 0)).flatten();
        };
        if metadata.is_dir() {
            let kind = match bears_a_name {
                true => Kind::NoFile,
                false => Kind::Folder,
            };
            return (bears_a_name || holds_logs(&path))
                .then(|| found(kind, 0))
                .flatten();
        }
        if !metadata.is_file() {
            return bears_a_name.then(|| found(Kind::NoFile, 0)).flatten();
        }
        let head = head(&path);
        let kind = match PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
            Some((_, program)) if shown.starts_with("events") => Kind::Packed(program),
            _ if !is_log(&head) => return None,
            _ if shown.contains("events") || shown.contains("log") => Kind::Lines,
            _ => Kind::Quotes,
        };
        found(kind, metadata.len())
    }
}

fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    // What can't be read is none of ours to name.
    let _ = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    head
}

/// Whether a text holds a record.
fn is_log(text: &[u8]) -> bool {
    text.split(|&b| b == b'\n')
        .any(|line| Record::parse(line).at.is_some())
}

fn holds_logs(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let mut names = entries
        .flatten()
        .take(LOOKED_AT_MAX)
        .map(|entry| entry.file_name());
    names.any(|name| name.to_str().and_then(FileName::parse).is_some())
}

pub(super) fn check(survey: &Survey, _: &Circumstances<'_>) -> Vec<Finding> {
    survey
        .foreign
        .iter()
        .map(|foreign| said(survey, foreign))
        .collect()
}

/// Why it matters that nobody reads it.
const UNREAD: &str = "its lines are in no answer, and no rotation removes it";
const NAMED: &str = "every search says that it could not read it, and ends with status 2";

fn said(survey: &Survey, foreign: &Foreign) -> Finding {
    let bytes = ("bytes", Field::Bytes(foreign.bytes));
    let path = || ("path", Field::Path(survey.folder.join(&foreign.name)));
    let finding = match foreign.kind {
        Kind::Packed(program) => packed(survey, program, foreign.bytes),
        Kind::Lines => Finding::warning(Code::NotRead)
            .seen(
                "{bytes} of log lines under a name that is none of a log",
                [bytes],
            )
            .why(UNREAD)
            .remedy(
                "if its lines are nowhere else, rename it to one that is read, such as \
                 events.log.2025-11-30; if it is a copy, move it away: `mv {path} DIR`",
                [path()],
            ),
        Kind::Quotes => Finding::note(Code::NotRead)
            .seen("{bytes}, with log lines in it", [bytes])
            .why("it holds what clients did, and no rotation removes it")
            .remedy(
                "move it away: others may come to think that it is a log",
                [],
            ),
        Kind::Folder => Finding::note(Code::NotRead)
            .seen(
                "a folder with logs in it; folders in an enterprise's folder are not read",
                [],
            )
            .why(UNREAD)
            .remedy("nothing, if it is an archive of your own", []),
        Kind::DeadLink => Finding::warning(Code::NotRead)
            .seen("a link that leads nowhere", [])
            .why(NAMED)
            .remedy("`rm {path}`, or mount what it leads to", [path()]),
        Kind::NoFile => Finding::warning(Code::NotRead)
            .seen("it bears a log's name and is no regular file", [])
            .why(NAMED)
            .remedy("move it away, or give it another name", []),
    };
    finding.file(&foreign.name)
}

fn packed(survey: &Survey, program: &'static str, bytes: u64) -> Finding {
    Finding::warning(Code::NotRead)
        .seen(
            "{bytes}, packed by {program}; only plain files and gzip under a log's name are read",
            [
                ("bytes", Field::Bytes(bytes)),
                ("program", Field::Text(program.to_owned())),
            ],
        )
        .why(UNREAD)
        .remedy(
            "unpack it under a name that is read, such as events.log.2025-11-30, and {rotate} \
             seals it; or move it out of {folder}",
            [
                ("rotate", Field::Calltrace("rotate")),
                ("folder", Field::Path(survey.folder.clone())),
            ],
        )
}

/// Beside the enterprises' folders: logs that no name leads to.
pub(super) fn in_root(tree: &Tree, has_no_enterprise: bool) -> Vec<Finding> {
    let Ok(entries) = fs::read_dir(tree.root()) else {
        return Vec::new();
    };
    let mut odd: Vec<PathBuf> = Vec::new();
    let mut logs: Vec<PathBuf> = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_str();
        let path = entry.path();
        if path.is_file() && name.and_then(FileName::parse).is_some() {
            logs.push(path);
        } else if name.and_then(EnterpriseName::new).is_none() && path.is_dir() && holds_logs(&path)
        {
            odd.push(path);
        }
    }
    odd.sort();
    logs.sort();
    let mut findings: Vec<Finding> = odd.into_iter().map(odd_name).collect();
    findings.extend(
        logs.first()
            .map(|first| in_wrong_root(first, logs.len(), tree)),
    );
    if has_no_enterprise && findings.is_empty() {
        findings.push(
            Finding::warning(Code::NoLogs)
                .file(tree.root())
                .seen("the tree holds no enterprise", [])
                .why("there is nothing to search")
                .remedy(
                    "name the folder that holds one folder an enterprise with --root or \
                     CALLTRACE_ROOT",
                    [],
                ),
        );
    }
    findings
}

fn odd_name(path: PathBuf) -> Finding {
    Finding::warning(Code::NotRead)
        .file(path)
        .seen(
            "a folder with logs in it, whose name is none of an enterprise",
            [],
        )
        .why("no subcommand finds it")
        .remedy(
            "rename it: letters, digits, _ and -, not beginning with -",
            [],
        )
}

fn in_wrong_root(first: &Path, files: usize, tree: &Tree) -> Finding {
    let finding = Finding::warning(Code::NotRead)
        .file(first)
        .seen(
            "{files} with a log's name in the root itself",
            [("files", Field::Files(files as u64))],
        )
        .why("logs are looked for in the folders of enterprises, one level down");
    match tree
        .root()
        .canonicalize()
        .ok()
        .and_then(|root| Some(root.parent()?.to_owned()))
    {
        Some(parent) => finding.remedy(
            "if this is the folder of one enterprise: --root {parent}",
            [("parent", Field::Path(parent))],
        ),
        None => finding.remedy("move them into the folder of their enterprise", []),
    }
}
