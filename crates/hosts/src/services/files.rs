//! The files of a log: the one that is named, and those that a rotation put beside it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_model::record::LogZone;
use calltrace_store::error::reason;
use calltrace_store::fsx::{FileIdentity, Folder, Purpose};
use flate2::read::MultiGzDecoder;

use super::parser::Parser;
use super::records::read_line;
use super::{Place, Reading, Unreadable};

/// Rotated files that are looked for: the services keep three and five.
const ROTATED_MAX: u32 = 9;

const BUFFER_BYTES: usize = 256 << 10;

/// A log that was named by its path.
#[derive(Debug, Clone)]
pub struct Log<'l> {
    /// The path. `PATH.1`, `PATH.2` and so on, also with `.gz`, are read before it, if they are there.
    pub path: &'l Path,
    /// The zone of its times.
    pub zone: LogZone,
    /// Rotated files that were written last before this time are passed over (milliseconds since 1970 UTC).
    pub since_millis: Option<i64>,
}

/// One file of a log, open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) identity: FileIdentity,
    /// Its path as it was typed.
    pub(super) path: PathBuf,
    bytes: u64,
    modified_millis: i64,
}

impl Opened {
    /// Bytes that it had when it was opened.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Reads a log with the files that a rotation put beside it, oldest first.
///
/// # Errors
/// When the file that is named can't be read.
pub fn read(log: &Log<'_>) -> Result<Reading, Unreadable> {
    let mut files = vec![open(log.path)?];
    // From the newest on: what a rotation renames meanwhile is met again under its next name.
    for number in 1..=ROTATED_MAX {
        let beside = ["", ".gz"].map(|ending| {
            let mut path = log.path.as_os_str().to_owned();
            path.push(format!(".{number}{ending}"));
            PathBuf::from(path)
        });
        let opened: Vec<Opened> = beside.iter().filter_map(|path| open(path).ok()).collect();
        let is_old = |file: &Opened| log.since_millis > Some(file.modified_millis);
        if opened.is_empty() || opened.iter().all(is_old) {
            break;
        }
        for file in opened {
            if files.iter().all(|known| known.identity != file.identity) {
                files.push(file);
            }
        }
    }
    let mut parser = Parser::new(Place {
        source: shown(log.path),
        zone: log.zone,
    });
    let mut damage = Vec::new();
    for file in files.iter().rev() {
        let source = shown(&file.path);
        parser.begin_file(Arc::clone(&source));
        if let Err(error) = lines(file, &mut parser) {
            damage.push((source, reason(&error)));
        }
    }
    let mut reading = parser.finish();
    for (source, what) in damage {
        let seen_at = calltrace_model::sighting::SeenAt { source, number: 0 };
        reading
            .unread
            .add(seen_at, format!("can't be read to its end: {what}"));
    }
    Ok(reading)
}

/// A path as it is shown.
pub(super) fn shown(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// Opens a regular file by its path.
pub(super) fn open(path: &Path) -> Result<Opened, Unreadable> {
    let failed = |error: &io::Error| {
        Unreadable(format!(
            "{}: can't be read: {}",
            path.display(),
            reason(error)
        ))
    };
    let (Some(name), parent) = (
        path.file_name().and_then(|name| name.to_str()),
        path.parent(),
    ) else {
        return Err(Unreadable(format!("{}: is no file", path.display())));
    };
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    let folder = Folder::open(parent.unwrap_or(Path::new("."))).map_err(|error| failed(&error))?;
    let opened = folder.open_file(name, Purpose::Read);
    let (file, metadata) = opened.map_err(|error| failed(&error))?;
    Ok(Opened {
        identity: FileIdentity::of(&metadata),
        path: path.to_owned(),
        bytes: metadata.len(),
        modified_millis: metadata.mtime().saturating_mul(1000).saturating_add(999),
        file,
    })
}

/// Gives all lines of a file to the parser; of a file that grows those that it had when it was opened.
fn lines(file: &Opened, parser: &mut Parser) -> io::Result<()> {
    let mut magic = [0; 2];
    let is_gzip = file.file.read_at(&mut magic, 0)? == 2 && magic == [0x1f, 0x8b];
    let plain = (&file.file).take(file.bytes);
    match is_gzip {
        true => lines_of(
            BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(plain)),
            parser,
        ),
        false => lines_of(BufReader::with_capacity(BUFFER_BYTES, plain), parser),
    }
}

fn lines_of(mut from: impl BufRead, parser: &mut Parser) -> io::Result<()> {
    let mut line = Vec::new();
    while read_line(&mut from, &mut line)?.is_some() {
        if !parser.line(&line) {
            break;
        }
    }
    Ok(())
}
