//! Numbers as bytes, little-endian, and the entries of a page as varints (LEB128).

use calltrace_model::record::Stamp;

/// Stands for no time.
const NO_TIME: i64 = i64::MIN;

/// Appends numbers.
#[derive(Debug, Default)]
pub(super) struct NumberWriter(Vec<u8>);

impl NumberWriter {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, n: u32) {
        self.bytes(&n.to_le_bytes());
    }

    pub(super) fn u64(&mut self, n: u64) {
        self.bytes(&n.to_le_bytes());
    }

    pub(super) fn count(&mut self, n: usize) {
        self.u32(u32::try_from(n).expect("an index has under 2^32 parts of anything"));
    }

    pub(super) fn time(&mut self, time: Option<Stamp>) {
        self.u64(time.map_or(NO_TIME, |at| at.0).cast_unsigned());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads numbers from the front; `None` if there are no more.
#[derive(Debug)]
pub(super) struct NumberReader<'b>(&'b [u8]);

impl<'b> NumberReader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> NumberReader<'b> {
        NumberReader(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (n, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*n))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (n, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*n))
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.u64().map(u64::cast_signed)
    }

    /// The outer `None` is a missing number, the inner one "no time".
    #[expect(clippy::option_option, reason = "two different nothings")]
    pub(super) fn time(&mut self) -> Option<Option<Stamp>> {
        let at = self.i64()?;
        Some((at != NO_TIME).then_some(Stamp(at)))
    }
}

/// The entries of a page that is being written.
#[derive(Debug, Default)]
pub(super) struct PageWriter {
    pub bytes: Vec<u8>,
    last_key: Option<u32>,
    last_first: u32,
}

impl PageWriter {
    /// Adds a key with its blocks: sorted, without duplicates, at least one.
    pub(super) fn add(&mut self, key: u32, blocks: impl ExactSizeIterator<Item = u32>) {
        self.varint(key - self.last_key.unwrap_or(key));
        self.varint(u32::try_from(blocks.len() - 1).expect("a segment has under 2^32 blocks"));
        self.last_key = Some(key);
        let mut before = None;
        for block in blocks {
            match before {
                None => {
                    let step = block.wrapping_sub(self.last_first).cast_signed();
                    self.varint(((step << 1) ^ (step >> 31)).cast_unsigned());
                    self.last_first = block;
                }
                Some(before) => self.varint(block - before - 1),
            }
            before = Some(block);
        }
    }

    fn varint(&mut self, mut n: u32) {
        while n >= 0x80 {
            self.bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.bytes.push(n as u8);
    }
}

/// Iterates over the entries of a page. Ends early if the bytes are not valid; the page's checksum
/// was verified before.
#[derive(Debug)]
pub(super) struct PageReader<'b> {
    bytes: &'b [u8],
    key: u32,
    first: u32,
}

impl<'b> PageReader<'b> {
    pub(super) fn new(bytes: &'b [u8], first_key: u32) -> PageReader<'b> {
        PageReader {
            bytes,
            key: first_key,
            first: 0,
        }
    }

    /// The next key; its blocks are written to `blocks`.
    pub(super) fn next_into(&mut self, blocks: &mut Vec<u32>) -> Option<u32> {
        self.key = self.key.checked_add(self.varint()?)?;
        let further = self.varint()?;
        let step = self.varint()?;
        let step = (step >> 1) ^ (step & 1).wrapping_neg();
        self.first = self.first.wrapping_add(step);
        let mut block = self.first;
        blocks.clear();
        blocks.push(block);
        for _ in 0..further {
            block = block.checked_add(self.varint()?)?.checked_add(1)?;
            blocks.push(block);
        }
        Some(self.key)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut n = 0u32;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            n |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }
}
