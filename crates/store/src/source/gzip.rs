//! Gzip with one member or several, decoded from beginning to end.
//!
//! Members follow each other without a separator (`cat a.gz b.gz` is a gzip file), so a decoder that stops
//! after the first loses the rest. Here each member has its own decoder, because the bytes after a member
//! decide what follows: zeros are padding (tapes, `dd` and some copies leave it), another member is content,
//! and anything else is not part of the content. gzip(1) and Python do the same. Format: RFC 1952.

use std::fmt;
use std::io::{self, BufReader, Read};

use flate2::bufread::GzDecoder;
use memchr::memmem;

use super::Damage;
use crate::tree::LogFile;
use calltrace_model::record::Stamp;

/// First two bytes of every member.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compressed bytes read at once.
const INPUT_BYTES: usize = 128 * 1024;

/// Content decoded at once (bytes). Damage loses what was decoded together with it, so this size
/// must not depend on the size of the caller's reads.
const CHUNK_BYTES: usize = 64 << 10;

type Decoder<'s> = GzDecoder<BufReader<CompressedInput<'s>>>;

/// Bytes after the last member that are neither zeros nor gzip. gzip(1) ignores them, with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailing {
    /// Their offset in the file.
    pub at: u64,
    /// Their number up to the end of the file.
    pub bytes: u64,
}

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trailing { at, bytes } = self;
        write!(
            f,
            "has {bytes} bytes after its gzip data (from compressed byte {at} on), which are ignored"
        )
    }
}

impl std::error::Error for Trailing {}

/// Decodes all members in order.
#[derive(Debug)]
pub struct GzipReader<'s> {
    log: &'s LogFile,
    decoder: Decoder<'s>,
    /// Content offset of the next byte to return.
    position: u64,
    /// Content bytes still to be skipped before it.
    to_skip: u64,
    /// Decoded content, returned up to `chunk_at`.
    chunk: Vec<u8>,
    chunk_at: usize,
    /// The position at which the search for the next intact member begins, after damage.
    resume_at: Option<u64>,
    /// The bytes found after the last member.
    trailing: Option<Trailing>,
}

impl<'s> GzipReader<'s> {
    pub(super) fn new(log: &'s LogFile, offset: u64) -> GzipReader<'s> {
        GzipReader {
            log,
            decoder: decoder_at(log, 0),
            position: offset,
            to_skip: offset,
            chunk: Vec::new(),
            chunk_at: 0,
            resume_at: None,
            trailing: None,
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Damage> {
        if into.is_empty() {
            return Ok(0);
        }
        if self.chunk_at < self.chunk.len() {
            return Ok(self.hand_out(into));
        }
        if let Some(from) = self.resume_at.take() {
            match next_member(self.log, from) {
                Some(at) => self.decoder = decoder_at(self.log, at),
                None => {
                    self.resume_at = Some(self.log.bytes);
                    return Ok(0);
                }
            }
        }
        loop {
            let is_direct = self.to_skip == 0 && into.len() >= CHUNK_BYTES;
            if !is_direct {
                self.chunk.resize(CHUNK_BYTES, 0);
            }
            let room = match is_direct {
                true => &mut into[..CHUNK_BYTES],
                false => &mut self.chunk[..],
            };
            let read = self.decoder.read(room);
            if !is_direct {
                self.chunk.truncate(*read.as_ref().unwrap_or(&0));
                self.chunk_at = self.chunk.len();
            }
            match read {
                Ok(0) if self.begin_next_member()? => {}
                Ok(0) => return Ok(0),
                Ok(got) if is_direct => {
                    self.position += got as u64;
                    return Ok(got);
                }
                Ok(got) if self.to_skip >= got as u64 => self.to_skip -= got as u64,
                Ok(_) => {
                    self.chunk_at = usize::try_from(self.to_skip).unwrap_or(0);
                    self.to_skip = 0;
                    return Ok(self.hand_out(into));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.damaged(&error)),
            }
        }
    }

    fn hand_out(&mut self, into: &mut [u8]) -> usize {
        let left = &self.chunk[self.chunk_at..];
        let got = left.len().min(into.len());
        into[..got].copy_from_slice(&left[..got]);
        self.chunk_at += got;
        self.position += got as u64;
        got
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Known once the content has ended.
    pub(super) fn trailing(&self) -> Option<Trailing> {
        self.trailing
    }

    /// At the end of a member, moves to the next one. False if the content ends.
    fn begin_next_member(&mut self) -> Result<bool, Damage> {
        let end = self.consumed();
        let is_adjacent = self.decoder.get_ref().buffer().starts_with(&MAGIC);
        if is_adjacent {
            // The input continues where it is, without being read again.
            let nothing = CompressedInput {
                log: self.log,
                at: end,
            };
            let nothing = BufReader::with_capacity(0, nothing);
            let input = std::mem::replace(self.decoder.get_mut(), nothing);
            self.decoder.reset(input);
            return Ok(true);
        }
        let Some((at, head)) = first_byte_after_zeros(self.log, end) else {
            return Ok(false);
        };
        // A file that ends within these two bytes has a truncated member.
        if MAGIC.starts_with(&head) {
            self.decoder = decoder_at(self.log, at);
            return Ok(true);
        }
        if next_member(self.log, at).is_some() {
            self.resume_at = Some(at);
            return Err(Damage(format!(
                "is a damaged gzip at compressed byte {at} (no member begins there)"
            )));
        }
        let bytes = self.log.bytes - at;
        self.trailing = Some(Trailing { at, bytes });
        Ok(false)
    }

    /// Offset of the next compressed byte.
    fn consumed(&self) -> u64 {
        let input = self.decoder.get_ref();
        input.get_ref().at - input.buffer().len() as u64
    }

    fn damaged(&mut self, error: &io::Error) -> Damage {
        let consumed = self.consumed();
        // The decoder may have read a few bytes into what follows; a header can't be shorter.
        self.resume_at = Some(consumed.saturating_sub(18).max(1));
        Damage(match error.kind() {
            io::ErrorKind::UnexpectedEof => "is a truncated gzip".to_owned(),
            _ => format!("is a damaged gzip at compressed byte {consumed} ({error})"),
        })
    }
}

/// The compressed bytes of a file from some offset on.
#[derive(Debug)]
struct CompressedInput<'s> {
    log: &'s LogFile,
    at: u64,
}

impl Read for CompressedInput<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.log.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = into.len().min(left);
        let got = self.log.file.read_at(&mut into[..room], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

fn decoder_at(log: &LogFile, at: u64) -> Decoder<'_> {
    GzDecoder::new(BufReader::with_capacity(
        INPUT_BYTES,
        CompressedInput { log, at },
    ))
}

/// The offset of the first byte at or after `from` that is not zero, and that byte with the one after it if
/// there is one. `None` if only zeros follow.
fn first_byte_after_zeros(log: &LogFile, from: u64) -> Option<(u64, Vec<u8>)> {
    let mut input = vec![0u8; INPUT_BYTES];
    let mut compressed = CompressedInput { log, at: from };
    loop {
        let at = compressed.at;
        let got = compressed.read(&mut input).ok().filter(|got| *got > 0)?;
        if let Some(zeros) = input[..got].iter().position(|byte| *byte != 0) {
            let mut head = vec![0; 2];
            compressed.at = at + zeros as u64;
            let length = compressed.read(&mut head).ok()?;
            head.truncate(length);
            return Some((at + zeros as u64, head));
        }
    }
}

/// The start of the next member that decodes to the beginning of a log line. A header has only
/// three fixed bytes, which compressed data contains by chance; it does not decode to a timestamp
/// by chance.
fn next_member(log: &LogFile, from: u64) -> Option<u64> {
    let header = memmem::Finder::new(&[0x1f, 0x8b, 0x08]);
    let mut input = vec![0u8; INPUT_BYTES];
    let mut at = from;
    while at < log.bytes {
        let got = log.file.read_at(&mut input, at).ok()?;
        for hit in header.find_iter(&input[..got]) {
            let candidate = at + hit as u64;
            let mut text = [0u8; Stamp::BYTES];
            let begins = decoder_at(log, candidate).read_exact(&mut text).is_ok();
            if begins && Stamp::parse_prefix(&text).is_some() {
                return Some(candidate);
            }
        }
        if got <= 2 {
            return None;
        }
        // A header may cross the boundary between two reads.
        at += got as u64 - 2;
    }
    None
}

/// The trailer of the last member: CRC-32 and length modulo 2^32 of its content. `None` when the
/// file is too short for one.
pub(super) fn trailer(log: &LogFile) -> Option<(u32, u32)> {
    let mut bytes = [0u8; 8];
    let at = log.bytes.checked_sub(8)?;
    log.file.read_exact_at(&mut bytes, at).ok()?;
    let [a, b, c, d, e, f, g, h] = bytes;
    Some((
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    ))
}

/// The latest time (Unix seconds) at which content can have been written, if the file shows it: a single
/// member with the source's modification time in its header, as gzip(1) and logrotate write it. `None` when
/// there may be a second member, or no time.
pub(super) fn written_before(log: &LogFile) -> Option<i64> {
    let mut head = [0u8; 10];
    log.file.read_exact_at(&mut head, 0).ok()?;
    let seconds = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if seconds == 0 {
        return None;
    }
    // Reserved flag bits are zero in every real header, so a match with one set is chance.
    let header = memmem::Finder::new(&[0x1f, 0x8b, 0x08]);
    let mut input = vec![0u8; INPUT_BYTES];
    let mut at = 1;
    while at < log.bytes {
        let got = log.file.read_at(&mut input, at).ok()?;
        let second = header
            .find_iter(&input[..got])
            .any(|hit| input.get(hit + 3).is_none_or(|flags| *flags < 0x20));
        if second {
            return None;
        }
        if got <= 3 {
            break;
        }
        at += got as u64 - 3;
    }
    Some(i64::from(seconds))
}
