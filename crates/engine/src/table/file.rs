//! Opens the bytes of a table, checks them and reads them.
//!
//! A table is in a folder that the writers of logs may write to, so it is not trusted. The table's length
//! bounds how much is read, and the table's content is compared with its logs. A panic of the Parquet reader
//! only makes the table unusable.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use bytes::Bytes;
use memchr::memmem;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::reading::{RowGroup, Rows};
use super::row::TableRow;
use super::writing::write;
use calltrace_model::record::LogZone;
use calltrace_store::object::StoredFile;

/// The key of the binding in the footer.
pub(super) const BINDING: &str = "calltrace.binding";

/// The key of the checksums in the footer: the length of what precedes the footer, its checksum, and the
/// footer's own checksum as eight hexadecimal digits, which is computed with zeros in place of these digits.
const SUM: &str = "calltrace.sum";

/// The key of the checksums of columns in the footer: of each column of each group of rows in turn, its CRC-32 as eight
/// hexadecimal digits. Tables that an older program made lack it.
const COLUMN_SUMS: &str = "calltrace.columns";

/// Stands in for the footer's checksum while it is computed.
const NO_SUM: &str = "00000000";

/// The bytes after the footer: the footer's length and the magic bytes.
const TAIL_BYTES: usize = 8;

/// Every call has at least this many bytes in the logs.
pub(super) const CALL_BYTES_MIN: u64 = 32;

/// Bytes read at once to compute a checksum.
const CHUNK_BYTES: usize = 1 << 20;

/// A table of at most this many bytes is read at once: its columns are small, and there may be thousands of
/// tables.
const READ_AT_ONCE_BYTES: u64 = 64 << 10;

/// A table, on disk or in memory.
pub(super) struct TableFile {
    rows: Rows<SharedBytes>,
    at: SharedBytes,
    /// The checksums of all columns of each group of rows, if they are noted.
    column_sums: Option<Vec<u32>>,
    /// Computed for a table without checksums of columns.
    matches_checksum: OnceLock<bool>,
}

impl fmt::Debug for TableFile {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "TableFile({} rows)", self.rows())
    }
}

impl TableFile {
    /// Opens the table in a file of this length.
    ///
    /// # Errors
    /// Returns a clause that says why it can't be used.
    pub(super) fn in_file(
        file: StoredFile,
        bytes: u64,
        zone: LogZone,
    ) -> std::result::Result<TableFile, String> {
        let file = SharedBytes::File(file, bytes);
        if bytes > READ_AT_ONCE_BYTES {
            return TableFile::of(file, zone);
        }
        let all = usize::try_from(bytes).map_err(|_| "is torn")?;
        let all = file.get_bytes(0, all).map_err(|_| "is torn")?;
        TableFile::of(SharedBytes::Memory(all), zone)
    }

    /// Opens a table that exists only in memory.
    ///
    /// # Errors
    /// Returns a clause that says why it can't be used.
    pub(super) fn in_memory(
        bytes: Vec<u8>,
        zone: LogZone,
    ) -> std::result::Result<TableFile, String> {
        TableFile::of(SharedBytes::Memory(bytes.into()), zone)
    }

    fn of(at: SharedBytes, zone: LogZone) -> std::result::Result<TableFile, String> {
        // The Parquet reader trusts the footer, so the footer's checksum is compared first.
        if !has_sound_footer(&at) {
            return Err("is torn".to_owned());
        }
        let rows = caught(|| Rows::open(at.clone(), zone)).map_err(|_| "is torn")?;
        let column_sums = match rows.noted(COLUMN_SUMS) {
            Some(noted) => Some(numbers_of(noted).ok_or("is torn")?),
            None => None,
        };
        Ok(TableFile {
            rows,
            at,
            column_sums,
            matches_checksum: OnceLock::new(),
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.at.len()
    }

    pub(super) fn noted(&self, key: &str) -> Option<&str> {
        self.rows.noted(key)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.group_rows().fold(0, usize::saturating_add)
    }

    pub(super) fn groups(&self) -> Range<usize> {
        0..self.rows.group_rows().count()
    }

    /// See [`Rows::group_times`].
    pub(super) fn group_times(
        &self,
        group: usize,
    ) -> Option<(
        calltrace_model::record::Stamp,
        calltrace_model::record::Stamp,
    )> {
        self.rows.group_times(group)
    }

    /// Starts to fetch columns of a group of rows, if the table is in object storage. `names` returns their names as in
    /// [`RowGroup::column`], or `None` for all of them.
    pub(super) fn fetch_ahead<'n>(
        &self,
        group: usize,
        names: impl FnOnce() -> Option<Vec<&'n str>>,
    ) {
        if let (SharedBytes::File(file, _), Some(_)) = (&self.at, &self.column_sums)
            && file.is_object()
        {
            let names = names();
            let ranges = self.rows.column_ranges(group, names.as_deref());
            file.fetch_ahead(&ranges.collect::<Vec<_>>());
        }
    }

    /// Reads a part of a group of rows. Nothing is taken from a column, or from a file without checksums of columns, with
    /// a wrong checksum.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with the table.
    pub(super) fn read_group<T>(
        &self,
        group: usize,
        read: impl FnOnce(&RowGroup<'_>) -> Result<T>,
    ) -> std::result::Result<T, String> {
        let sums = self.column_sums.as_ref();
        if sums.is_none() && !self.matches_checksum() {
            return Err("does not match its checksum".to_owned());
        }
        let sums = sums.map(|all| self.rows.of_group(all, group));
        caught(|| read(&self.rows.group(group, sums)?))
            .map_err(|error| format!("can't be read: {error}"))
    }

    /// Whether its content matches the checksum noted in it.
    pub(super) fn matches_checksum(&self) -> bool {
        *self
            .matches_checksum
            .get_or_init(|| self.compute_checksum_match())
    }

    fn compute_checksum_match(&self) -> bool {
        let noted = || {
            let mut noted = self.noted(SUM)?.split(' ');
            let bytes = noted.next()?.parse::<u64>().ok()?;
            Some((bytes, noted.next()?.parse::<u32>().ok()?))
        };
        let Some((bytes, crc)) = noted().filter(|(bytes, _)| *bytes <= self.at.len()) else {
            return false;
        };
        if let SharedBytes::File(file, _) = &self.at {
            file.fetch_end_ahead(self.bytes());
        }
        let mut hasher = crc32fast::Hasher::new();
        let mut from = self.at.reader(0).take(bytes);
        // Most tables are small when there are many enterprises.
        let mut chunk =
            vec![0; usize::try_from(bytes).map_or(CHUNK_BYTES, |all| all.min(CHUNK_BYTES))];
        let mut left = bytes;
        while let Ok(read) = from.read(&mut chunk)
            && read > 0
        {
            hasher.update(&chunk[..read]);
            left -= read as u64;
        }
        left == 0 && hasher.finalize() == crc
    }
}

/// Encodes rows as a table with its binding, and checks the result by reading it back.
///
/// # Errors
/// Returns a clause that says why a table can't represent the rows.
pub(crate) fn encode(
    rows: &mut [TableRow],
    binding: &str,
    zone: LogZone,
) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let noted = |written: &ChecksumWriter<&mut Vec<u8>>, columns: &[Range<usize>]| {
        let crc = written.crc.clone().finalize();
        let sum = format!("{} {crc} {NO_SUM}", written.bytes);
        let of_column =
            |range: &Range<usize>| format!("{:08x}", crc32fast::hash(&written.out[range.clone()]));
        let of_columns = columns.iter().map(of_column).collect();
        vec![
            (BINDING, binding.to_owned()),
            (COLUMN_SUMS, of_columns),
            (SUM, sum),
        ]
    };
    write(ChecksumWriter::new(&mut bytes), rows, zone, noted).map_err(|error| error.to_string())?;
    sign_footer(&mut bytes).ok_or("has no place for its checksum")?;
    let read = Rows::open(Bytes::from(bytes.clone()), zone).map_err(|error| error.to_string())?;
    let mut kept = rows.iter();
    let mut is_same = true;
    for group in 0..read.group_rows().count() {
        let take = |_, row: &mut TableRow| is_same &= kept.next() == Some(&*row);
        let done = read
            .group(group, None)
            .and_then(|group| group.each_row(take));
        done.map_err(|error| error.to_string())?;
    }
    match is_same && kept.next().is_none() {
        true => Ok(bytes),
        false => Err("can't represent a call of its logs".to_owned()),
    }
}

/// Writes the checksum of a footer into it.
fn sign_footer(bytes: &mut [u8]) -> Option<()> {
    let (rest, tail) = bytes.split_last_chunk_mut::<TAIL_BYTES>()?;
    let from = rest.len().checked_sub(footer_bytes(*tail))?;
    let footer = &mut rest[from..];
    let digits = digits_of(footer)?;
    let sum = format!("{:08x}", footer_sum(footer, &digits));
    footer[digits].copy_from_slice(sum.as_bytes());
    Some(())
}

/// Whether a footer matches the checksum noted in it.
fn has_sound_footer(at: &SharedBytes) -> bool {
    let sound = || {
        let end = at.len().checked_sub(TAIL_BYTES as u64)?;
        let tail = at.get_bytes(end, TAIL_BYTES).ok()?;
        let length = footer_bytes(tail.as_ref().try_into().ok()?);
        let footer = at.get_bytes(end.checked_sub(length as u64)?, length).ok()?;
        let digits = digits_of(&footer)?;
        let noted = std::str::from_utf8(&footer[digits.clone()]).ok()?;
        let noted = u32::from_str_radix(noted, 16).ok()?;
        Some(noted == footer_sum(&footer, &digits))
    };
    sound() == Some(true)
}

/// Numbers of eight hexadecimal digits each.
fn numbers_of(digits: &str) -> Option<Vec<u32>> {
    let (numbers, rest) = digits.as_bytes().as_chunks::<8>();
    let number = |digits: &[u8; 8]| u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    let numbers = numbers.iter().map(number).collect::<Option<_>>();
    numbers.filter(|_| rest.is_empty())
}

fn footer_bytes([a, b, c, d, ..]: [u8; TAIL_BYTES]) -> usize {
    u32::from_le_bytes([a, b, c, d]) as usize
}

/// The position of the digits of its checksum in a footer.
fn digits_of(footer: &[u8]) -> Option<Range<usize>> {
    let key = memmem::rfind(footer, SUM.as_bytes())?;
    // Two bytes precede the value: its type, and its length, which fits in one byte.
    let value = key + SUM.len() + 2;
    let end = value + usize::from(*footer.get(value - 1)?);
    let digits = end.checked_sub(NO_SUM.len())?..end;
    (digits.start >= value && end <= footer.len()).then_some(digits)
}

fn footer_sum(footer: &[u8], digits: &Range<usize>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&footer[..digits.start]);
    hasher.update(NO_SUM.as_bytes());
    hasher.update(&footer[digits.end..]);
    hasher.finalize()
}

/// Treats a panic as an error: the Parquet reader is not made for untrusted files.
fn caught<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("it is damaged".to_owned())))
}

/// Bytes that any thread can read at any offset.
#[derive(Debug, Clone)]
enum SharedBytes {
    /// A file of this length.
    File(StoredFile, u64),
    Memory(Bytes),
}

impl SharedBytes {
    fn reader(&self, from: u64) -> ReadAt {
        ReadAt {
            from: self.clone(),
            at: from,
        }
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            SharedBytes::File(file, _) => file.read_at(into, at),
            SharedBytes::Memory(bytes) => {
                let at = usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
                (&bytes[at..]).read(into)
            }
        }
    }
}

impl Length for SharedBytes {
    fn len(&self) -> u64 {
        match self {
            SharedBytes::File(_, bytes) => *bytes,
            SharedBytes::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for SharedBytes {
    type T = io::BufReader<ReadAt>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(io::BufReader::new(self.reader(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.len())
        {
            return Err(ParquetError::EOF("it is cut short".to_owned()));
        }
        match self {
            SharedBytes::File(file, _) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            SharedBytes::Memory(bytes) => {
                let start = usize::try_from(start).expect("it is less than the length");
                Ok(bytes.slice(start..start + length))
            }
        }
    }
}

/// A reader from an offset on.
#[derive(Debug)]
struct ReadAt {
    from: SharedBytes,
    at: u64,
}

impl Read for ReadAt {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A writer that counts bytes and computes their checksum.
struct ChecksumWriter<W> {
    out: W,
    bytes: u64,
    crc: crc32fast::Hasher,
}

impl<W> ChecksumWriter<W> {
    fn new(out: W) -> ChecksumWriter<W> {
        ChecksumWriter {
            out,
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        }
    }
}

impl<W: Write> Write for ChecksumWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
