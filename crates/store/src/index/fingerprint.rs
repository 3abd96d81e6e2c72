//! The fingerprint of a log file, and whether the file is still the one that was indexed.

use std::io;
use std::sync::Arc;

use super::layout::{Fingerprint, StorageFormat};
use crate::object::FileState;
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
    let state = log.file.state()?;
    let covered = if stored == StorageFormat::Plain {
        last_line_end(log, log.bytes)?
    } else {
        source.content_bytes().unwrap_or(log.bytes)
    };
    let print = Fingerprint {
        file_bytes: log.bytes,
        covered,
        modified: state.modified,
        ..Fingerprint::of(stored)
    };
    current_fingerprint(print, log, &state)
}

/// The current fingerprint of the file, for a comparison with `print`.
pub(super) fn current_fingerprint(
    print: Fingerprint,
    log: &LogFile,
    state: &FileState,
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
        device: if is_plain { state.identity.device() } else { 0 },
        inode: if is_plain { state.identity.inode() } else { 0 },
        head_crc: crc(0, bytes)?,
        tail_crc: crc(known - bytes, bytes)?,
        ..print
    })
}

/// Whether the file is the one that `print` was taken of.
pub(super) fn is_same_file(
    print: &Fingerprint,
    log: &LogFile,
    state: &FileState,
) -> io::Result<bool> {
    let has_grown = print.stored == StorageFormat::Plain && log.bytes > print.file_bytes;
    if !has_grown && (log.bytes != print.file_bytes || state.modified != print.modified) {
        return Ok(false);
    }
    // The manifest binds an index to its object, and no other bytes ever have the object's key.
    if log.file.is_object() {
        return Ok(true);
    }
    Ok(current_fingerprint(*print, log, state)? == *print)
}
