//! What lies among the logs, looks like one, and is read by nobody.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::survey::Survey;
use super::{Circumstances, Code, Field, Finding};
use crate::fsx::{Folder, NotAFile};
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
    /// A link that leads to another folder.
    Link,
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
    /// Looks at a name that is no log file's. `None` for what has nothing to do with logs.
    pub(super) fn of(folder: &Folder, name: OsString) -> Option<Foreign> {
        let shown = name.to_str()?.to_owned();
        let bears_a_name = FileName::parse(&shown).is_some();
        let (kind, bytes) = match folder.look_current(&shown) {
            Ok(_) if bears_a_name => return None,
            Ok(stat) => {
                let head = head(folder, &shown);
                let kind = match PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
                    Some((_, program)) if shown.starts_with("events") => Kind::Packed(program),
                    _ if !is_log(&head) => return None,
                    _ if shown.contains("events") || shown.contains("log") => Kind::Lines,
                    _ => Kind::Quotes,
                };
                (kind, u64::try_from(stat.st_size).unwrap_or_default())
            }
            Err(error) => {
                let kind = match NotAFile::of(&error)? {
                    NotAFile::Folder if !bears_a_name && holds_logs(folder, &shown) => Kind::Folder,
                    _ if !bears_a_name => return None,
                    NotAFile::Link => Kind::Link,
                    NotAFile::DeadLink => Kind::DeadLink,
                    NotAFile::Folder | NotAFile::Special | NotAFile::Sparse => Kind::NoFile,
                };
                (kind, 0)
            }
        };
        Some(Foreign { name, kind, bytes })
    }
}

fn head(folder: &Folder, name: &str) -> Vec<u8> {
    let mut head = Vec::new();
    // What can't be read is none of ours to name.
    let _ = folder
        .open_current(name)
        .and_then(|(file, _)| file.take(HEAD_BYTES).read_to_end(&mut head));
    head
}

/// Whether a text holds a record.
fn is_log(text: &[u8]) -> bool {
    text.split(|&b| b == b'\n')
        .any(|line| Record::parse(line).at.is_some())
}

fn holds_logs(folder: &Folder, name: &str) -> bool {
    let names = folder.subfolder(name).and_then(|folder| folder.names());
    let names = names.unwrap_or_default();
    let mut names = names.iter().take(LOOKED_AT_MAX);
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
const LINKED: &str = "it is not opened, as its maker could let it lead to any file; every search says \
                      so, and ends with status 2";
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
        Kind::Link => Finding::warning(Code::NotRead)
            .seen("a link that leads out of the folder", [])
            .why(LINKED)
            .remedy(
                "let it name a file of {folder}, without a path; or move the file here",
                [("folder", Field::Path(survey.folder.clone()))],
            ),
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
