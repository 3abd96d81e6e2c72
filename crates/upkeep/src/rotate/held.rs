//! What of a file's beginning an archive holds already.

use std::io::{self, Read};

use super::site::Opened;
use crate::survey::times;
use calltrace_store::source::{ContentTally, is_beginning, overlap};

/// What of a file's beginning an archive holds as its last part; or all of a file that an archive
/// begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing, or nothing that is still in the file.
    Nothing,
    /// So many bytes, as they are.
    Whole {
        bytes: u64,
        /// Where the archive's last part begins in its content.
        part_start: u64,
    },
    /// So many bytes, of which some are blanked in the file: **only the archive has them all**.
    Blanked { bytes: u64 },
}

impl Held {
    pub(super) fn find(file: &Opened, archive: &Opened) -> io::Result<Held> {
        let Some(shared) = overlap(&file.source, &archive.source) else {
            // A copy that broke off, or a leftover of another program.
            return Ok(match is_beginning(&file.source, &archive.source) {
                true => Held::Whole {
                    bytes: file.log().bytes,
                    part_start: 0,
                },
                false => Held::Nothing,
            });
        };
        let bytes = shared.held_bytes;
        // Blank lines are like any that were blanked.
        if times::is_blank(file.log(), bytes)? {
            return Ok(Held::Nothing);
        }
        let ours = ContentTally::read(file.source.content().take(bytes))?.content();
        let theirs = ContentTally::read(archive.source.content_from(shared.part_start))?.content();
        Ok(match ours == theirs {
            true => Held::Whole {
                bytes,
                part_start: shared.part_start,
            },
            false => Held::Blanked { bytes },
        })
    }
}
