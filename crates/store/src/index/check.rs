//! Verifies an index against its file.

use std::io::{self, Write};
use std::sync::Arc;

use super::layout::{Footer, MAGIC, TAIL_BYTES};
use super::store::{Store, read_tail};
use super::{Index, build};
use crate::object::StoredFile;
use crate::source::Source;
use crate::tree::LogFile;
use calltrace_model::record::LogZone;

/// Builds the index of `log` again, as far as the existing one covers the log, and compares the two
/// byte by byte. Returns the length of the index (bytes); `None` when there is none.
///
/// # Errors
/// A clause about the index that says what is wrong: "differs from the file at byte 4711".
pub fn check(log: &LogFile, zone: LogZone) -> Result<Option<u64>, String> {
    let Some(index) = Index::open(log)? else {
        return Ok(None);
    };
    let failed = |error: io::Error| format!("can't be compared with the file: {error}");
    let cut = log.cut(index.known.head.fingerprint.file_bytes);
    let source = Source::open(Arc::new(cut)).map_err(failed)?;
    let Some(Store::File(file)) = index.known.stores.first().map(AsRef::as_ref) else {
        return Ok(None);
    };
    let bytes = file.state().map_err(failed)?.bytes;
    let footer_bytes = read_tail(file, MAGIC)?.len();
    let mut comparison = IndexComparison {
        file,
        at: 0,
        // The footer holds the file's modification time, and a live file has changed since.
        until: bytes - (TAIL_BYTES + footer_bytes) as u64,
        differs_at: None,
        footer: Vec::new(),
    };
    build(&source, zone, &mut comparison).map_err(failed)?;
    if let Some(at) = comparison.differs_at {
        return Err(format!("differs from the file at its byte {at}"));
    }
    let end = comparison.footer.len().saturating_sub(TAIL_BYTES);
    let mut anew = Footer::decode(&comparison.footer[..end]).ok_or("differs from the file")?;
    anew.head.fingerprint.modified = index.known.head.fingerprint.modified;
    let is_same =
        anew.head == index.known.head && Some(anew.segments.as_slice()) == index.known.segments();
    if !is_same {
        return Err("describes the file wrongly".to_owned());
    }
    Ok(Some(bytes))
}

/// A writer that compares an index with a file up to `until`.
struct IndexComparison<'f> {
    file: &'f StoredFile,
    at: u64,
    until: u64,
    differs_at: Option<u64>,
    /// The bytes after `until`.
    footer: Vec<u8>,
}

impl Write for IndexComparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.until - self.at.min(self.until)).unwrap_or(usize::MAX);
        let (compared, footer) = bytes.split_at(bytes.len().min(left));
        let mut theirs = vec![0; compared.len()];
        let same = self.file.read_exact_at(&mut theirs, self.at).is_ok() && theirs == compared;
        if !same && self.differs_at.is_none() {
            let pairs = theirs.iter().zip(compared);
            let first = pairs.take_while(|(a, b)| a == b).count();
            self.differs_at = Some(self.at + first as u64);
        }
        self.footer.extend_from_slice(footer);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
