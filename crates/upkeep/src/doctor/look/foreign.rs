//! Finds out what the files among the logs are that are not read.

use std::ffi::OsString;
use std::io::Read;

use calltrace_model::record::Record;
use calltrace_store::fsx::{Folder, NotAFile};
use calltrace_store::source::packer_of;
use calltrace_store::tree::{FileName, leads_to_sealed};

/// How much of a file is read to find out what is in it (bytes).
const HEAD_BYTES: u64 = 4096;

/// How many files of other programs are examined in one folder.
pub(in crate::doctor) const LOOKED_AT_MAX: usize = 1000;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::doctor) enum ForeignKind {
    /// Packed by this program.
    Packed(&'static str),
    /// Lines of a log.
    Lines,
    /// Lines of a log under a name that does not look like a log's: notes, for example.
    Quotes,
    /// A folder that holds logs.
    Folder,
    /// A link that leads to another folder.
    Link,
    /// A link that leads nowhere.
    DeadLink,
    /// Something else with a log's name: a FIFO, a folder.
    NoFile,
}

/// A file that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct ForeignFile {
    pub(in crate::doctor) name: OsString,
    pub(in crate::doctor) kind: ForeignKind,
    pub(in crate::doctor) bytes: u64,
}

impl ForeignFile {
    /// Examines an entry that is not a log file. `None` if it has nothing to do with logs.
    pub(in crate::doctor) fn of(folder: &Folder, name: OsString) -> Option<ForeignFile> {
        let shown = name.to_str()?.to_owned();
        let bears_a_name = FileName::parse(&shown).is_some();
        let (kind, bytes) = match folder.look_current(&shown) {
            Ok(_) if bears_a_name => return None,
            Ok(stat) => {
                let head = head(folder, &shown);
                let kind = match packer_of(&head) {
                    Some(program) if shown.starts_with("events") => ForeignKind::Packed(program),
                    _ if !is_log(&head) => return None,
                    _ if shown.contains("events") || shown.contains("log") => ForeignKind::Lines,
                    _ => ForeignKind::Quotes,
                };
                (kind, u64::try_from(stat.st_size).unwrap_or_default())
            }
            Err(error) => {
                let kind = match NotAFile::of(&error)? {
                    NotAFile::Folder if !bears_a_name && holds_logs(folder, &shown) => {
                        ForeignKind::Folder
                    }
                    _ if !bears_a_name => return None,
                    NotAFile::Link => ForeignKind::Link,
                    NotAFile::DeadLink if leads_to_sealed(folder, &shown) => return None,
                    NotAFile::DeadLink => ForeignKind::DeadLink,
                    NotAFile::Folder | NotAFile::Special | NotAFile::Sparse => ForeignKind::NoFile,
                };
                (kind, 0)
            }
        };
        Some(ForeignFile { name, kind, bytes })
    }
}

fn head(folder: &Folder, name: &str) -> Vec<u8> {
    let mut head = Vec::new();
    // A file that can't be read is not reported.
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

pub(in crate::doctor) fn holds_logs(folder: &Folder, name: &str) -> bool {
    let names = folder.subfolder(name).and_then(|folder| folder.names());
    let names = names.unwrap_or_default();
    let mut names = names.iter().take(LOOKED_AT_MAX);
    names.any(|name| name.to_str().and_then(FileName::parse).is_some())
}
