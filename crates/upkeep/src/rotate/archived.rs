//! How much of a file's beginning an archive already holds.

use std::io::{self, Read};

use super::context::OpenLog;
use crate::survey::times;
use calltrace_store::source::{ContentTally, is_beginning, overlap};

/// How much of a file's beginning an archive holds as its last part. An archive that begins with all of the file
/// counts as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArchivedPrefix {
    /// Nothing, or nothing that is still in the file.
    Nothing,
    /// This many bytes, unchanged.
    Whole {
        bytes: u64,
        /// The content offset at which the archive's last part begins.
        part_start: u64,
    },
    /// This many bytes, of which some are blanked in the file: **only the archive has them all**.
    Blanked { bytes: u64 },
}

impl ArchivedPrefix {
    pub(super) fn find(file: &OpenLog, archive: &OpenLog) -> io::Result<ArchivedPrefix> {
        let Some(shared) = overlap(&file.source, &archive.source) else {
            // A copy that broke off, or a leftover of another program.
            return Ok(match is_beginning(&file.source, &archive.source) {
                true => ArchivedPrefix::Whole {
                    bytes: file.log().bytes,
                    part_start: 0,
                },
                false => ArchivedPrefix::Nothing,
            });
        };
        let bytes = shared.held_bytes;
        // Blank lines can't be distinguished from blanked ones.
        if times::is_blank(file.log(), bytes)? {
            return Ok(ArchivedPrefix::Nothing);
        }
        let ours = ContentTally::read(file.source.content().take(bytes))?.content();
        let theirs = ContentTally::read(archive.source.content_from(shared.part_start))?.content();
        Ok(match ours == theirs {
            true => ArchivedPrefix::Whole {
                bytes,
                part_start: shared.part_start,
            },
            false => ArchivedPrefix::Blanked { bytes },
        })
    }
}
