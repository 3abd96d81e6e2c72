//! One log file as it was found.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use chrono::{DateTime, Utc};

use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::fsx::{FileIdentity, modified_nanos};
use calltrace_store::index;
use calltrace_store::source::{ContentFormat, Source};
use calltrace_store::tree::{FileName, ListedFile};

/// A log file.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) name: FileName,
    pub(crate) bytes: u64,
    pub(crate) form: ContentFormat,
    /// Its permissions.
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) identity: FileIdentity,
    /// The same file as the live one, under a second name.
    pub(crate) is_live_too: bool,
    pub(crate) modified: Stamp,
    /// Time of the last change (nanoseconds of Unix time).
    pub(crate) modified_nanos: i64,
    pub(crate) index: index::IndexState,
    /// Earliest and latest time of a record, as far as that was looked for; `None` where there is none.
    pub(crate) first: Option<Stamp>,
    pub(crate) last: Option<Stamp>,
}

impl Log {
    /// What an open file and the state of its index tell. Times are those that the index knows.
    pub(crate) fn of(
        source: &Source,
        metadata: &Metadata,
        index: index::IndexState,
        zone: LogZone,
    ) -> Log {
        let modified =
            DateTime::from_timestamp(metadata.mtime(), 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let (first, last) = match &index {
            index::IndexState::Fresh { first, last, .. } => (*first, *last),
            _ => (None, None),
        };
        Log {
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

    /// As a listing would show it.
    pub(crate) fn listed(&self) -> ListedFile {
        ListedFile {
            name: self.name.clone(),
            identity: self.identity,
            bytes: self.bytes,
            modified: self.modified_nanos,
        }
    }
}
