//! The head of a file: its first bytes, which distinguish it from other files.

use std::io;

use crate::object::StoredFile;

use calltrace_model::record::Stamp;

/// Length of a head (bytes): a line's time, kind and id, and some of its body.
const HEAD_BYTES: usize = 256;

/// Bytes read at first: nearly every file begins with a line.
const FRONT_BYTES_USUAL: usize = 512;

/// The first bytes of a content after blank lines and NULs, and their offset.
///
/// Device and inode identify a file only while it is open, because a freed inode is used again. And
/// a file that is truncated, or collapsed at its front, keeps both, but not its head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    at: u64,
    bytes: Vec<u8>,
}

impl Head {
    /// This much of a content's beginning (bytes) holds its head, also after the blank bytes that a
    /// collapse leaves: less than a block of the file system, and blocks of ext4 have 1 MiB at
    /// most.
    pub const FRONT_BYTES: usize = (1 << 20) + HEAD_BYTES;

    /// The head of a content that begins with `front`; empty if `front` holds only blank lines and
    /// NULs.
    pub fn of(front: &[u8]) -> Head {
        let mut head = Head::default();
        head.extend(0, front);
        head
    }

    /// The current head of an open file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(file: &StoredFile) -> io::Result<Head> {
        let mut front = vec![0; FRONT_BYTES_USUAL];
        let got = file.read_at(&mut front, 0)?;
        let head = Head::of(&front[..got]);
        if head.is_whole() || got < FRONT_BYTES_USUAL {
            return Ok(head);
        }
        front.resize(Head::FRONT_BYTES, 0);
        let got = file.read_at(&mut front, 0)?;
        Ok(Head::of(&front[..got]))
    }

    /// Adds more of the content, until the head is complete. `text` is at `offset`; text that does
    /// not continue what is known is ignored.
    pub fn extend(&mut self, offset: u64, text: &[u8]) {
        if self.bytes.is_empty() {
            let Some(first) = text.iter().position(|&b| b != b'\n' && b != 0) else {
                return;
            };
            self.at = offset + first as u64;
        }
        let known = self.at + self.bytes.len() as u64;
        let Some(skip) = known.checked_sub(offset) else {
            return;
        };
        let fresh = usize::try_from(skip).ok().and_then(|skip| text.get(skip..));
        let room = HEAD_BYTES - self.bytes.len();
        self.bytes
            .extend(fresh.unwrap_or_default().iter().take(room));
    }

    /// The length of the content's beginning that is needed to know its head (bytes).
    pub fn reach(&self) -> usize {
        usize::try_from(self.at).map_or(Head::FRONT_BYTES, |at| at.saturating_add(HEAD_BYTES))
    }

    /// Whether the head has its full length.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() == HEAD_BYTES
    }

    /// The offset of the head in the content.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Its length (0 to 256 bytes).
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the head holds no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Its first bytes.
    pub fn first(&self, bytes: usize) -> Head {
        Head {
            at: self.at,
            bytes: self.bytes[..bytes.min(self.bytes.len())].to_vec(),
        }
    }

    /// How many of its bytes are still in a content that has `text` at the head's offset, if all
    /// others have become newlines; `None` if other bytes are there, or none of its own.
    pub fn standing(&self, text: &[u8]) -> Option<usize> {
        let text = text.get(..self.bytes.len())?;
        let pairs = || self.bytes.iter().zip(text);
        let same = pairs().take_while(|(known, now)| known == now).count();
        let blanked = pairs()
            .skip(same)
            .all(|(known, now)| known == now || *now == b'\n');
        (blanked && (same > 0 || self.bytes.is_empty())).then_some(same)
    }

    /// Whether a content that has `text` at the head's offset begins as this one does.
    pub fn fits(&self, text: &[u8]) -> bool {
        text.starts_with(&self.bytes)
    }

    /// Whether a content that begins with `front` begins as this one does.
    pub fn begins(&self, front: &[u8]) -> bool {
        let at = usize::try_from(self.at).ok();
        at.and_then(|at| front.get(at..))
            .is_some_and(|text| self.fits(text))
    }

    /// Whether both heads are of one content, as far as both reach; false when the shorter one says
    /// too little.
    pub fn agrees(&self, other: &Head) -> bool {
        let (short, long) = match self.len() <= other.len() {
            true => (self, other),
            false => (other, self),
        };
        short.is_specific() && short.at == long.at && long.bytes.starts_with(&short.bytes)
    }

    /// Whether the head identifies a copy for certain: it has its full length, or holds a whole
    /// line of a record.
    pub fn is_enough(&self) -> bool {
        self.is_whole() || self.is_specific() && self.bytes.contains(&b'\n')
    }

    /// The time of the first record in it.
    pub fn time(&self) -> Option<Stamp> {
        let mut lines = self.bytes.split(|&b| b == b'\n');
        lines.find_map(Stamp::parse_prefix)
    }

    /// Whether the head is specific enough to identify a copy: it holds a record's time and some
    /// text after it. Lines without a time (a banner, a traceback) may be written twice.
    pub fn is_specific(&self) -> bool {
        let mut lines = self.bytes.split(|&b| b == b'\n');
        lines.any(|line| line.len() > Stamp::BYTES && Stamp::parse_prefix(line).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_grows_until_it_is_complete_and_passes_over_blanks() {
        let mut head = Head::of(b"\n\0\nab");
        assert_eq!((head.at(), head.len()), (3, 2));
        head.extend(9, b"not adjacent");
        assert_eq!(head.len(), 2);
        head.extend(3, b"abcd");
        assert!(head.fits(b"abcd...") && !head.fits(b"abc") && !head.fits(b"abce"));
        head.extend(7, &[b'x'; 1000]);
        assert_eq!(head.len(), HEAD_BYTES);
        assert!(!head.is_specific());
        assert!(Head::of(b"2025-12-02 10:05:44,300|TG|").is_specific());
        assert!(Head::of(b"\n\n").is_empty());
    }
}
