//! Decodes rows from the bytes of a Parquet file.
//!
//! The file is not trusted: levels and values that do not fit each other end the reading with an error.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::{Buf as _, Bytes};
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{DataType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetStatisticsPolicy, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, FileReader, Length};
use parquet::file::serialized_reader::{
    ReadOptionsBuilder, SerializedFileReader, SerializedPageReader,
};
use parquet::file::statistics::Statistics;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, SchemaDescPtr, SchemaDescriptor};

use super::assembling::Assembler;
use super::column::{ReadColumn, torn};
use super::leaf::{GROUP_ROWS, Leaf, LeafValues};
use super::row::{SCHEMA, TableRow};
use super::texts::{DistinctTexts, Keys, Texts};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_model::stats::QUARTER_MILLIS;

/// [`SCHEMA`], parsed once: thousands of tables may be opened for one question.
static COLUMNS: LazyLock<Option<SchemaDescPtr>> = LazyLock::new(|| {
    let schema = parse_message_type(SCHEMA).ok()?;
    Some(Arc::new(SchemaDescriptor::new(Arc::new(schema))))
});

/// The index of the column `start_time` among the leaves.
const START_TIME: usize = 2;

/// Reads the rows of a Parquet file.
pub(super) struct Rows<R: ChunkReader + 'static> {
    reader: SerializedFileReader<R>,
    from: R,
    zone: LogZone,
}

impl<R: ChunkReader + Clone> Rows<R> {
    /// Opens a file. That it has these columns is known from the rules in its binding.
    ///
    /// # Errors
    /// When it is not a Parquet file with that number of columns.
    pub(super) fn open(from: R, zone: LogZone) -> Result<Rows<R>> {
        let columns = COLUMNS.as_ref().ok_or_else(torn)?;
        // Reading the other metadata of the columns takes twice as long as everything else.
        let options = ReadOptionsBuilder::new()
            .with_parquet_schema(Arc::clone(columns))
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_column_stats_policy(ParquetStatisticsPolicy::skip_except(&[START_TIME]));
        let reader = SerializedFileReader::new_with_options(from.clone(), options.build())?;
        Ok(Rows { reader, from, zone })
    }

    /// The value of a key in the footer.
    pub(super) fn noted(&self, key: &str) -> Option<&str> {
        let notes = self
            .reader
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        notes.iter().find(|note| note.key == key)?.value.as_deref()
    }

    /// The number of rows of each group.
    pub(super) fn group_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let groups = self.reader.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(usize::MAX))
    }

    /// The first and the last `start_time` of a group; `None` if the file does not note them.
    pub(super) fn group_times(&self, group: usize) -> Option<(Stamp, Stamp)> {
        let column = self
            .reader
            .metadata()
            .row_groups()
            .get(group)?
            .column(START_TIME);
        let Statistics::Int64(noted) = column.statistics()? else {
            return None;
        };
        let stamp = |millis: &i64| self.zone.stamp_of_millis(*millis);
        Some((stamp(noted.min_opt()?)?, stamp(noted.max_opt()?)?))
    }

    /// The bytes of the columns of a group with these names, as in [`RowGroup::column`]; of all for `None`.
    pub(super) fn column_ranges(
        &self,
        group: usize,
        names: Option<&[&str]>,
    ) -> impl Iterator<Item = Range<u64>> {
        let groups = self.reader.metadata().row_groups();
        let columns = groups.get(group).map(RowGroupMetaData::columns);
        let is_wanted = move |column: &&ColumnChunkMetaData| {
            let path = column.column_path().parts();
            names.is_none_or(|names| names.iter().any(|name| is_named(path, name)))
        };
        let wanted = columns.unwrap_or_default().iter().filter(is_wanted);
        wanted.map(|column| {
            let (start, bytes) = column.byte_range();
            start..start + bytes
        })
    }

    /// The part of `all` that belongs to the columns of a group.
    pub(super) fn of_group<'s>(&self, all: &'s [u32], group: usize) -> &'s [u32] {
        let columns = self.descriptor().num_columns();
        let all = all.get(group.saturating_mul(columns)..);
        let own = all.and_then(|all| all.get(..columns));
        own.unwrap_or_default()
    }

    fn descriptor(&self) -> &SchemaDescriptor {
        self.reader.metadata().file_metadata().schema_descr()
    }

    /// A group of rows. If there are checksums of its columns, a column that does not match is not read.
    ///
    /// # Errors
    /// When there is no such group, or it has more rows than a group may have.
    pub(super) fn group<'r>(
        &'r self,
        group: usize,
        sums: Option<&'r [u32]>,
    ) -> Result<RowGroup<'r>> {
        let metadata = self.reader.metadata().row_groups().get(group);
        let metadata = metadata.ok_or_else(torn)?;
        let rows = usize::try_from(metadata.num_rows())
            .ok()
            .filter(|rows| *rows <= GROUP_ROWS)
            .ok_or_else(|| ParquetError::General("a group is too long".to_owned()))?;
        Ok(RowGroup {
            read: Box::new(|start, bytes| self.from.get_bytes(start, bytes)),
            metadata,
            sums,
            descriptor: self.descriptor(),
            rows,
            zone: self.zone,
        })
    }
}

/// Whether a column with this path has the name: for a list it is the column of its values; for a list of groups, the
/// name after the dot selects the field.
fn is_named(path: &[String], name: &str) -> bool {
    let (list, inner) = name.split_once('.').unwrap_or((name, ""));
    match path {
        [only] | [only, _, _] => only == list,
        [outer, .., last] => outer == list && last == inner,
        [] => false,
    }
}

/// A group of rows. Its columns can be read one by one or together.
pub(super) struct RowGroup<'r> {
    /// Reads a number of bytes at an offset of the file.
    read: Box<dyn Fn(u64, usize) -> Result<Bytes> + 'r>,
    metadata: &'r RowGroupMetaData,
    /// The CRC-32 of each column.
    sums: Option<&'r [u32]>,
    descriptor: &'r SchemaDescriptor,
    rows: usize,
    zone: LogZone,
}

impl RowGroup<'_> {
    /// Reads all columns and lends each row to `take`, with its position.
    ///
    /// # Errors
    /// When levels or values do not fit each other.
    pub(super) fn each_row(&self, take: impl FnMut(usize, &mut TableRow)) -> Result<()> {
        self.each_row_of(0..self.rows, take)
    }

    /// Reads the rows at these positions, and lends each row to `take`, with its position.
    ///
    /// # Errors
    /// As [`RowGroup::each_row`]; also when the group has fewer rows.
    pub(super) fn each_row_of(
        &self,
        rows: Range<usize>,
        mut take: impl FnMut(usize, &mut TableRow),
    ) -> Result<()> {
        let leaves: Result<Vec<Leaf>> = (0..self.descriptor.num_columns())
            .map(|at| self.leaf(at, rows.clone()))
            .collect();
        let mut assembler = Assembler::new(leaves?, self.zone);
        let mut row = TableRow::default();
        for at in rows {
            assembler.assemble(&mut row);
            take(at, &mut row);
        }
        match assembler.is_torn() {
            true => Err(torn()),
            false => Ok(()),
        }
    }

    fn leaf(&self, at: usize, rows: Range<usize>) -> Result<Leaf> {
        let mut leaf = Leaf::of(&self.descriptor.column(at));
        let reader = get_column_reader(self.descriptor.column(at), self.pages(at)?);
        let (defs, reps) = (&mut leaf.defs, &mut leaf.reps);
        match (&mut leaf.values, reader) {
            (LeafValues::Texts(texts), ColumnReader::ByteArrayColumnReader(reader)) => {
                read_all(reader, rows, defs, reps, texts)
            }
            (LeafValues::Numbers(numbers), ColumnReader::Int64ColumnReader(reader)) => {
                read_all(reader, rows, defs, reps, numbers)
            }
            (LeafValues::Flags(flags), ColumnReader::BoolColumnReader(reader)) => {
                read_all(reader, rows, defs, reps, flags)
            }
            _ => Err(torn()),
        }?;
        Ok(leaf)
    }

    /// The pages of a column.
    fn pages(&self, at: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata.columns().get(at).ok_or_else(torn)?;
        let (start, length) = column.byte_range();
        let bytes = (self.read)(start, usize::try_from(length)?)?;
        if let Some(sums) = self.sums
            && sums.get(at) != Some(&crc32fast::hash(&bytes))
        {
            return Err(ParquetError::General("a column is damaged".to_owned()));
        }
        let column_bytes = Arc::new(ColumnBytes { start, bytes });
        let pages = SerializedPageReader::new(column_bytes, column, self.rows, None)?;
        Ok(Box::new(pages))
    }

    /// The column with this name (see [`is_named`]).
    pub(super) fn column(&self, name: &str) -> Result<ReadColumn> {
        let leaf = self.leaf(self.named(name)?, 0..self.rows)?;
        Ok(ReadColumn::new(leaf, self.rows))
    }

    /// A column of text: each distinct text once, and, in the `shape` of the column, the number of the text
    /// for each value.
    pub(super) fn texts<C>(
        &self,
        name: &str,
        shape: impl FnOnce(ReadColumn) -> Result<C>,
    ) -> Result<Texts<C>> {
        let at = self.named(name)?;
        let (words, leaf) = match self.keys(at)? {
            Some(keyed) => keyed,
            // Most of its values differ, so they are written without a dictionary.
            None => {
                let mut leaf = self.leaf(at, 0..self.rows)?;
                let words = DistinctTexts::of_values(&leaf.values);
                let keys = 0..i64::try_from(leaf.values.len()).map_err(|_| torn())?;
                leaf.values = LeafValues::Numbers(keys.collect());
                (words, leaf)
            }
        };
        let keys = shape(ReadColumn::new(leaf, self.rows))?;
        Ok(Texts { words, keys })
    }

    /// The dictionary of a column and the numbers that stand for its values; `None` of a column without a
    /// dictionary.
    fn keys(&self, at: usize) -> Result<Option<(DistinctTexts, Leaf)>> {
        let mut pages = self.pages(at)?;
        let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else {
            return Ok(None);
        };
        let words = DistinctTexts::of_dictionary(&buf).ok_or_else(torn)?;
        let mut leaf = Leaf::of(&self.descriptor.column(at));
        let mut keys = Vec::new();
        let pages = Box::new(Keys::new(words.len(), pages));
        let reader = ColumnReaderImpl::<Int64Type>::new(self.descriptor.column(at), pages);
        let (defs, reps) = (&mut leaf.defs, &mut leaf.reps);
        match read_all(reader, 0..self.rows, defs, reps, &mut keys) {
            Err(ParquetError::NYI(_)) => return Ok(None),
            read => read?,
        }
        leaf.values = LeafValues::Numbers(keys);
        Ok(Some((words, leaf)))
    }

    /// The index of the column with this name.
    fn named(&self, name: &str) -> Result<usize> {
        let is_it = |column: &ColumnDescPtr| is_named(column.path().parts(), name);
        let at = self.descriptor.columns().iter().position(is_it);
        at.ok_or_else(torn)
    }

    /// A moment for each row.
    pub(super) fn moments(&self, name: &str) -> Result<Vec<Stamp>> {
        // The rules of a zone cost more than everything else in reading a moment. They change only at
        // quarters of an hour.
        let mut known: Option<(i64, i64)> = None;
        let numbers = self.column(name)?.one(LeafValues::numbers)?.into_iter();
        let moments = numbers.map(|millis| {
            let quarter = millis.div_euclid(QUARTER_MILLIS);
            if let Some((of, ahead)) = known
                && of == quarter
            {
                return Ok(Stamp(millis.wrapping_add(ahead)));
            }
            let stamp = self.zone.stamp_of_millis(millis).ok_or_else(torn)?;
            known = Some((quarter, stamp.0.wrapping_sub(millis)));
            Ok(stamp)
        });
        moments.collect()
    }

    /// One of a few known words for each row.
    pub(super) fn words<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>> {
        let texts = self.texts(name, |keys| keys.one(LeafValues::numbers))?;
        let one = |text| all.iter().find(|one| word(**one) == text).copied();
        let known: Vec<Option<T>> = texts.words.each().map(one).collect();
        let of = |key: &i64| known[*key as usize].ok_or_else(torn);
        texts.keys.iter().map(of).collect()
    }
}

fn read_all<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: Range<usize>,
    defs: &mut Vec<i16>,
    reps: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<()> {
    let too_short = || ParquetError::General("a column is too short".to_owned());
    let mut at = 0;
    while at < rows.start {
        match reader.skip_records(rows.start - at)? {
            0 => return Err(too_short()),
            skipped => at += skipped,
        }
    }
    while at < rows.end {
        match reader.read_records(rows.end - at, Some(defs), Some(reps), values)? {
            (0, _, _) => return Err(too_short()),
            (records, _, _) => at += records,
        }
    }
    Ok(())
}

/// The bytes of one column of a group, which begin at `start` in the file.
struct ColumnBytes {
    start: u64,
    bytes: Bytes,
}

impl Length for ColumnBytes {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for ColumnBytes {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let rest = usize::try_from(self.len().saturating_sub(start))?;
        Ok(self.get_bytes(start, rest)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let from = start.checked_sub(self.start).ok_or_else(torn)?;
        let from = usize::try_from(from)?;
        let end = from
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len());
        Ok(self.bytes.slice(from..end.ok_or_else(torn)?))
    }
}
