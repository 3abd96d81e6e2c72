//! What `ship` remembers of an enterprise's folder: the checksums of local files, so that a run need not read them
//! all, and which of them a manifest named, so that a rotation need not ask the store.
//!
//! The file is `<enterprise>/.calltrace/shipped.toml`. It may be deleted: the next run reads the files again. What is
//! removed is never decided by it alone.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use toml::{Table, Value};

use crate::own::SHIPPED;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::object::FileState;

/// A longer file is not read (bytes). It holds three lines per archive.
const BYTES_MAX: u64 = 4 << 20;

const HEAD: &str = "# Local files as `calltrace ship` read them: bytes, times of modification and of change\n\
                    # (nanoseconds), inode, CRC-32, and whether a manifest named them. May be deleted.\n";

/// What is remembered of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ShippedMemory {
    /// By the name of a log, an index or a table of calls.
    pub(crate) files: BTreeMap<String, KnownFile>,
}

/// A file as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownFile {
    pub(crate) stamp: FileStamp,
    pub(crate) crc32: u32,
    /// A manifest named the file with this checksum, or it is too old for the bucket.
    pub(crate) is_shipped: bool,
}

/// Changes whenever a file is written to or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(crate) bytes: u64,
    modified: i64,
    /// The kernel sets it, whatever a program sets `modified` to.
    changed: i64,
    inode: u64,
}

impl FileStamp {
    pub(crate) fn of(metadata: &Metadata) -> FileStamp {
        let state = FileState::of(metadata);
        FileStamp {
            bytes: state.bytes,
            modified: state.modified,
            changed: state.changed,
            inode: metadata.ino(),
        }
    }
}

impl ShippedMemory {
    /// What is remembered of a folder; empty if it can't be read.
    pub(crate) fn of(folder: &Folder) -> ShippedMemory {
        let bytes = index::read_own(folder, SHIPPED, BYTES_MAX).unwrap_or_default();
        ShippedMemory::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> ShippedMemory {
        let table: Table = text.parse().unwrap_or_default();
        let files = table.get("files").and_then(Value::as_table);
        let one = |(name, known): (&String, &Value)| {
            Some((name.clone(), KnownFile::parse(known.as_str()?)?))
        };
        ShippedMemory {
            files: files.into_iter().flatten().filter_map(one).collect(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let one =
            |(name, known): (&String, &KnownFile)| (name.clone(), Value::String(known.to_string()));
        let files = Table::from_iter(self.files.iter().map(one));
        let table = Table::from_iter([("files".to_owned(), Value::Table(files))]);
        format!("{HEAD}{table}")
    }

    /// The checksum of a file that is unchanged since it was read.
    pub(crate) fn crc32(&self, name: &str, stamp: FileStamp) -> Option<u32> {
        let known = self.files.get(name)?;
        (known.stamp == stamp).then_some(known.crc32)
    }

    /// Whether a manifest named this file, and it is unchanged since.
    pub(crate) fn is_shipped(&self, name: &str, metadata: &Metadata) -> bool {
        let known = self.files.get(name);
        known.is_some_and(|known| known.is_shipped && known.stamp == FileStamp::of(metadata))
    }

    /// The same for a file of which only length and time of modification are known.
    pub(crate) fn is_shipped_as(&self, name: &str, bytes: u64, modified: i64) -> bool {
        let known = self.files.get(name).filter(|known| known.is_shipped);
        known.is_some_and(|known| (known.stamp.bytes, known.stamp.modified) == (bytes, modified))
    }
}

impl KnownFile {
    fn parse(text: &str) -> Option<KnownFile> {
        let mut words = text.split(' ');
        let stamp = FileStamp {
            bytes: words.next()?.parse().ok()?,
            modified: words.next()?.parse().ok()?,
            changed: words.next()?.parse().ok()?,
            inode: words.next()?.parse().ok()?,
        };
        Some(KnownFile {
            stamp,
            crc32: u32::from_str_radix(words.next()?, 16).ok()?,
            is_shipped: words.next() == Some("shipped"),
        })
    }
}

impl fmt::Display for KnownFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileStamp {
            bytes,
            modified,
            changed,
            inode,
        } = self.stamp;
        write!(f, "{bytes} {modified} {changed} {inode} {:08x}", self.crc32)?;
        match self.is_shipped {
            true => write!(f, " shipped"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_torn_is_forgotten() {
        let stamp = FileStamp {
            bytes: 11,
            modified: -1,
            changed: 1_764_000_000_000_000_001,
            inode: u64::MAX,
        };
        let known = |is_shipped| KnownFile {
            stamp,
            crc32: 0x1f,
            is_shipped,
        };
        let names = ["events.log.2025-11-29.gz", "events.log.2025-11-29.gz.idx"];
        let memory = ShippedMemory {
            files: names
                .map(str::to_owned)
                .into_iter()
                .zip([true, false].map(known))
                .collect(),
        };
        assert_eq!(ShippedMemory::parse(&memory.text()), memory);
        assert_eq!(memory.crc32(names[0], stamp), Some(0x1f));
        let grown = FileStamp { bytes: 12, ..stamp };
        assert_eq!(memory.crc32(names[0], grown), None);
        for torn in ["", "[files]\na = \"1 2 3\"", "[files]\na = 3", "files = 1"] {
            assert_eq!(
                ShippedMemory::parse(torn),
                ShippedMemory::default(),
                "{torn}"
            );
        }
    }
}
