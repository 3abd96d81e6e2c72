//! The fingerprint of a log file, and whether the file is still the one that was indexed.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use super::layout::{Fingerprint, StorageFormat};
use crate::fsx::modified_nanos;
use crate::source::{ContentFormat, Source, last_line_end};
use crate::tree::LogFile;

/// Bytes at either end of a file that its fingerprint covers.
const PRINT_BYTES: usize = 4096;

/// The fingerprint of the file that `source` reads.
pub(super) fn fingerprint(source: &Arc<Source>) -> io::Result<Fingerprint> {
    let log = &source.log;
    let stored = match source.form() {
        ContentFormat::Plain => StorageFormat::Plain,
        ContentFormat::Gzip => StorageFormat::Gzip,
        ContentFormat::Bgzf { .. } => StorageFormat::Bgzf,
    };
    let metadata = log.file.metadata()?;
    let covered = if stored == StorageFormat::Plain {
        last_line_end(log, log.bytes)?
    } else {
        source.content_bytes().unwrap_or(log.bytes)
    };
    let print = Fingerprint {
        file_bytes: log.bytes,
        covered,
        modified: modified_nanos(&metadata),
        ..Fingerprint::of(stored)
    };
    current_fingerprint(print, log, &metadata)
}

/// The current fingerprint of the file, for a comparison with `print`.
pub(super) fn current_fingerprint(
    print: Fingerprint,
    log: &LogFile,
    metadata: &Metadata,
) -> io::Result<Fingerprint> {
    let is_plain = print.stored == StorageFormat::Plain;
    let known = if is_plain {
        print.covered
    } else {
        print.file_bytes
    };
    let crc = |from: u64, bytes: u64| {
        let mut text = [0u8; PRINT_BYTES];
        let text = &mut text[..usize::try_from(bytes).unwrap_or(PRINT_BYTES)];
        log.file.read_exact_at(text, from)?;
        Ok::<u32, io::Error>(crc32fast::hash(text))
    };
    let bytes = known.min(PRINT_BYTES as u64);
    Ok(Fingerprint {
        device: if is_plain { metadata.dev() } else { 0 },
        inode: if is_plain { metadata.ino() } else { 0 },
        head_crc: crc(0, bytes)?,
        tail_crc: crc(known - bytes, bytes)?,
        ..print
    })
}

/// Whether the file is the one that `print` was taken of.
pub(super) fn is_same_file(
    print: &Fingerprint,
    log: &LogFile,
    metadata: &Metadata,
) -> io::Result<bool> {
    let has_grown = print.stored == StorageFormat::Plain && log.bytes > print.file_bytes;
    if !has_grown && (log.bytes != print.file_bytes || modified_nanos(metadata) != print.modified) {
        return Ok(false);
    }
    Ok(current_fingerprint(*print, log, metadata)? == *print)
}

/// Shows whether a file was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChangeStamp {
    pub bytes: u64,
    modified: i64,
    /// The kernel sets it whatever a program sets `modified` to.
    changed: (i64, i64),
}

impl ChangeStamp {
    pub(super) fn of(metadata: &Metadata) -> ChangeStamp {
        ChangeStamp {
            bytes: metadata.len(),
            modified: modified_nanos(metadata),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
