//! The state of one log file: size, owner, times, index.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use chrono::{DateTime, Utc};

use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::fsx::{FileIdentity, modified_nanos};
use calltrace_store::index;
use calltrace_store::source::{ContentFormat, Source};
use calltrace_store::tree::{FileName, ListedFile};

/// The state of a log file.
#[derive(Debug, Clone)]
pub(crate) struct LogStat {
    pub(crate) name: FileName,
    pub(crate) bytes: u64,
    pub(crate) form: ContentFormat,
    /// Its permissions.
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) identity: FileIdentity,
    /// Whether it is the live file under a second name.
    pub(crate) is_live_too: bool,
    pub(crate) modified: Stamp,
    /// Time of the last change (nanoseconds of Unix time).
    pub(crate) modified_nanos: i64,
    pub(crate) index: index::IndexState,
    /// Earliest and latest record time, as far as they were read; `None` if there is none.
    pub(crate) first: Option<Stamp>,
    pub(crate) last: Option<Stamp>,
}

impl LogStat {
    /// The state of an open file. Record times come from the index.
    pub(crate) fn of(
        source: &Source,
        metadata: &Metadata,
        index: index::IndexState,
        zone: LogZone,
    ) -> LogStat {
        let modified =
            DateTime::from_timestamp(metadata.mtime(), 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let (first, last) = match &index {
            index::IndexState::Fresh { first, last, .. } => (*first, *last),
            _ => (None, None),
        };
        LogStat {
            name: source.log.name.clone(),
            bytes: source.log.bytes,
            form: source.form(),
            mode: metadata.mode() & 0o7777,
            user: metadata.uid(),
            identity: source.log.identity,
            is_live_too: false,
            modified: zone.stamp(modified),
            modified_nanos: modified_nanos(metadata),
            index,
            first,
            last,
        }
    }

    /// The entry of this file in a listing of the folder.
    pub(crate) fn listed(&self) -> ListedFile {
        ListedFile {
            name: self.name.clone(),
            identity: self.identity,
            bytes: self.bytes,
            modified: self.modified_nanos,
        }
    }
}
