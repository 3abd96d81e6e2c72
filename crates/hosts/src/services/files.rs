//! The files of a log: the named file and its rotated predecessors.

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
use super::{LogContents, RecordContext, Unreadable};

/// Maximum number of rotated files: the services keep three and five.
const ROTATED_MAX: u32 = 9;

const BUFFER_BYTES: usize = 256 << 10;

/// A log, named by its path.
#[derive(Debug, Clone)]
pub struct ServiceLog<'l> {
    /// The path. If they exist, `PATH.1`, `PATH.2` and so on, also with `.gz`, are read before it.
    pub path: &'l Path,
    /// The zone of its times.
    pub zone: LogZone,
    /// Rotated files that were last written before this time are skipped (milliseconds since 1970 UTC).
    pub since_millis: Option<i64>,
}

/// One open file of a log.
#[derive(Debug)]
pub(super) struct OpenLogFile {
    pub(super) file: File,
    pub(super) identity: FileIdentity,
    /// Its path as it was given.
    pub(super) path: PathBuf,
    bytes: u64,
    modified_millis: i64,
}

impl OpenLogFile {
    /// Its size when it was opened (bytes).
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Reads a log with its rotated predecessors, oldest first.
///
/// # Errors
/// When the named file cannot be read.
pub fn read(log: &ServiceLog<'_>) -> Result<LogContents, Unreadable> {
    let mut files = vec![open(log.path)?];
    // Newest first: a file that is renamed during this is found again under its next name.
    for number in 1..=ROTATED_MAX {
        let rotated = ["", ".gz"].map(|ending| {
            let mut path = log.path.as_os_str().to_owned();
            path.push(format!(".{number}{ending}"));
            PathBuf::from(path)
        });
        let opened: Vec<OpenLogFile> = rotated.iter().filter_map(|path| open(path).ok()).collect();
        let is_old = |file: &OpenLogFile| log.since_millis > Some(file.modified_millis);
        if opened.is_empty() || opened.iter().all(is_old) {
            break;
        }
        for file in opened {
            if files.iter().all(|known| known.identity != file.identity) {
                files.push(file);
            }
        }
    }
    let mut parser = Parser::new(RecordContext {
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

/// The path for display.
pub(super) fn shown(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// Opens a regular file by its path.
pub(super) fn open(path: &Path) -> Result<OpenLogFile, Unreadable> {
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
        return Err(Unreadable(format!("{}: is not a file", path.display())));
    };
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    let folder = Folder::open(parent.unwrap_or(Path::new("."))).map_err(|error| failed(&error))?;
    let opened = folder.open_file(name, Purpose::Read);
    let (file, metadata) = opened.map_err(|error| failed(&error))?;
    Ok(OpenLogFile {
        identity: FileIdentity::of(&metadata),
        path: path.to_owned(),
        bytes: metadata.len(),
        modified_millis: metadata.mtime().saturating_mul(1000).saturating_add(999),
        file,
    })
}

/// Passes all lines of a file to the parser. If a file grows, it reads the size that the file had when it was opened.
fn lines(file: &OpenLogFile, parser: &mut Parser) -> io::Result<()> {
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
