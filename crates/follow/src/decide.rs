//! Decides what to do about a file from its last known state and its present one. Pure.

use std::ops::Range;

use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::Head;

/// The last known state of a file that is followed.
#[derive(Debug, Clone, Copy)]
pub struct KnownState<'s> {
    pub identity: FileIdentity,
    /// Everything before this offset was handed out; a line begins there.
    pub position: u64,
    /// The first bytes of its content when that offset was recorded.
    pub head: &'s Head,
}

/// The present state of the file.
#[derive(Debug, Clone, Copy)]
pub struct PresentState<'n> {
    pub identity: FileIdentity,
    pub bytes: u64,
    /// The bytes that are now at the place of the head.
    pub head: &'n [u8],
}

/// What to do about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing is new.
    Rest,
    /// Bytes were appended. What was read at the position is what the writer put there.
    Read,
    /// The same file has other content: it was truncated, or its front was taken off. Old offsets are
    /// invalid.
    Moved,
    /// The name leads to another file.
    Other,
}

/// Decides what to do about a file. `now` must have been taken *after* reading at the position: only then
/// does [`Action::Read`] mean that the bytes read were there after the known head.
pub fn decide(seen: KnownState<'_>, now: PresentState<'_>) -> Action {
    if seen.identity != now.identity {
        Action::Other
    } else if now.bytes < seen.position || !seen.head.fits(now.head) {
        Action::Moved
    } else if now.bytes == seen.position {
        Action::Rest
    } else {
        Action::Read
    }
}

/// How to go on after the content has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Lines were taken off the front after they were copied to an archive.
    Collapsed {
        /// The range of the archive's part that was not handed out yet.
        recover: Range<u64>,
        /// The position at which reading goes on after that.
        position: u64,
        /// More was handed out than the archive holds. The lines handed out last must then be before the
        /// position; otherwise the file was truncated after it was copied, and reading starts at 0.
        guess: bool,
    },
    /// The file was truncated. What was not read before is lost, and reading starts at 0.
    Truncated,
    /// The content did not move.
    Stands,
}

/// Decides how to go on after the content has moved.
///
/// A collapse (`rotate --mode collapse`) copies the first `part_bytes` (whole lines) to an archive, takes
/// them off in whole file-system blocks, and blanks the copied bytes that do not fill a block. The file then
/// begins with those blanks, followed by the bytes that were at `part_bytes`.
///
/// `position` is the offset of the first line that was not handed out, in the content as it was. `part_bytes`
/// is the length of the archive's part that begins as the content did. `blanks` is the number of blank bytes
/// at the front of the present file if it begins differently than before; `None` when nothing has been taken
/// off yet.
pub fn resolve(position: u64, part_bytes: Option<u64>, blanks: Option<u64>) -> Resolution {
    match (part_bytes, blanks) {
        (None, None) => Resolution::Stands,
        (None, Some(_)) => Resolution::Truncated,
        (Some(part), blanks) if position <= part => Resolution::Collapsed {
            recover: position..part,
            position: blanks.unwrap_or(part),
            guess: false,
        },
        // The lines after the copied ones stay in place until the front is taken off.
        (Some(_), None) => Resolution::Stands,
        (Some(part), Some(blanks)) => Resolution::Collapsed {
            recover: 0..0,
            position: blanks + (position - part),
            guess: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(position: u64, bytes: u64, head: &[u8]) -> Action {
        let identity = FileIdentity::new(1, 2);
        let known = Head::of(b"first line");
        let seen = KnownState {
            identity,
            position,
            head: &known,
        };
        decide(
            seen,
            PresentState {
                identity,
                bytes,
                head,
            },
        )
    }

    #[test]
    fn growth_is_read_and_any_other_change_is_a_move() {
        assert_eq!(action(50, 50, b"first line"), Action::Rest);
        assert_eq!(action(50, 60, b"first line and more"), Action::Read);
        assert_eq!(action(50, 49, b"first line"), Action::Moved);
        assert_eq!(action(50, 0, b""), Action::Moved);
        assert_eq!(
            action(50, 60, b"other line"),
            Action::Moved,
            "truncated and grown past the position again"
        );
    }

    #[test]
    fn another_inode_is_another_file() {
        let head = Head::default();
        let seen = KnownState {
            identity: FileIdentity::new(1, 2),
            position: 0,
            head: &head,
        };
        let now = PresentState {
            identity: FileIdentity::new(1, 3),
            bytes: 5,
            head: b"",
        };
        assert_eq!(decide(seen, now), Action::Other);
    }

    fn resolved(position: u64, part_bytes: Option<u64>, blanks: Option<u64>) -> Resolution {
        resolve(position, part_bytes, blanks)
    }

    fn collapsed(recover: Range<u64>, position: u64, guess: bool) -> Resolution {
        Resolution::Collapsed {
            recover,
            position,
            guess,
        }
    }

    #[test]
    fn after_a_collapse_reading_goes_on_after_the_blanks_and_the_archive_gives_unread_lines() {
        let after = |position| resolved(position, Some(5000), Some(904));
        assert_eq!(after(5000), collapsed(5000..5000, 904, false));
        assert_eq!(after(4000), collapsed(4000..5000, 904, false));
        assert_eq!(after(5300), collapsed(0..0, 1204, true));
    }

    #[test]
    fn blanks_before_the_front_is_taken_off_are_passed_over_in_place() {
        let before = |position| resolved(position, Some(5000), None);
        assert_eq!(before(4000), collapsed(4000..5000, 5000, false));
        assert_eq!(before(6000), Resolution::Stands);
        assert_eq!(resolved(4000, None, None), Resolution::Stands);
    }

    #[test]
    fn without_an_archive_it_is_a_truncation() {
        assert_eq!(resolved(4000, None, Some(0)), Resolution::Truncated);
    }
}
