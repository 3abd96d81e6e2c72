//! Encodes rows as the bytes of a Parquet file.

use std::io::{self, Write};
use std::num::TryFromIntError;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use super::leaf::{GROUP_ROWS, Leaf, LeafValues, leaves};
use super::row::{RowVisitor, SCHEMA, TableRow, visit};
use calltrace_model::record::{LogZone, Stamp};

/// Writes calls as a Parquet file with the columns of a table, one group of rows at a time.
///
/// Memory holds only the calls of one group.
pub struct CallsWriter<W: Write + Send> {
    groups: Groups<W>,
    rows: Vec<TableRow>,
}

impl<W: Write + Send> CallsWriter<W> {
    /// Begins a file in `out`, for calls with record times in `zone`.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(out: W, zone: LogZone) -> io::Result<CallsWriter<W>> {
        Ok(CallsWriter {
            groups: Groups::new(out, zone).map_err(io_error)?,
            rows: Vec::new(),
        })
    }

    /// Adds a call.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn push(&mut self, row: TableRow) -> io::Result<()> {
        self.rows.push(row);
        match self.rows.len() < GROUP_ROWS {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Writes the remaining rows and the end of the file. A file without its end is not a Parquet file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.groups.end(|_, _| Vec::new()).map_err(io_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = match self.rows.is_empty() {
            true => Ok(()),
            false => self.groups.write(&mut self.rows),
        };
        self.rows.clear();
        written.map_err(io_error)
    }
}

/// The error of the output, if that is the cause.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

/// Writes rows, then the metadata that `about` gives once the rows are written, from where each column of each group of
/// rows is.
///
/// # Errors
/// When `out` can't be written.
pub(super) fn write<W: Write + Send>(
    out: W,
    rows: &mut [TableRow],
    zone: LogZone,
    about: impl FnOnce(&W, &[Range<usize>]) -> Vec<(&'static str, String)>,
) -> Result<()> {
    let mut groups = Groups::new(out, zone)?;
    for rows in rows.chunks_mut(GROUP_ROWS) {
        groups.write(rows)?;
    }
    groups.end(about)
}

/// Groups of rows in a file that is not complete yet.
struct Groups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    descriptor: SchemaDescriptor,
    zone: LogZone,
}

impl<W: Write + Send> Groups<W> {
    fn new(out: W, zone: LogZone) -> Result<Groups<W>> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_created_by("calltrace".to_owned());
        let descriptor = SchemaDescriptor::new(Arc::clone(&schema));
        for column in descriptor.columns() {
            if let Some(encoding) = encoding_of(column.path()) {
                properties = properties
                    .set_column_dictionary_enabled(column.path().clone(), false)
                    .set_column_encoding(column.path().clone(), encoding);
            }
        }
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
        Ok(Groups {
            file,
            descriptor,
            zone,
        })
    }

    /// Writes one group.
    fn write(&mut self, rows: &mut [TableRow]) -> Result<()> {
        let mut columns = Shredder::new(&self.descriptor, self.zone);
        for row in rows {
            columns.leaf = 0;
            visit(&mut columns, row);
        }
        let mut group = self.file.next_row_group()?;
        for leaf in &columns.leaves {
            let mut column = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
            let (defs, reps) = (leaf.defs(), leaf.reps());
            match &leaf.values {
                LeafValues::Texts(texts) => column
                    .typed::<ByteArrayType>()
                    .write_batch(texts, defs, reps),
                LeafValues::Numbers(numbers) => {
                    column.typed::<Int64Type>().write_batch(numbers, defs, reps)
                }
                LeafValues::Flags(flags) => {
                    column.typed::<BoolType>().write_batch(flags, defs, reps)
                }
            }?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn end(
        mut self,
        about: impl FnOnce(&W, &[Range<usize>]) -> Vec<(&'static str, String)>,
    ) -> Result<()> {
        self.file.flush()?;
        let groups = self.file.flushed_row_groups().iter();
        let columns: Vec<Range<usize>> = groups
            .flat_map(RowGroupMetaData::columns)
            .map(|column| {
                let (start, bytes) = column.byte_range();
                Ok(start.try_into()?..(start + bytes).try_into()?)
            })
            .collect::<std::result::Result<_, TryFromIntError>>()
            .map_err(|_| ParquetError::General("a column is too long".to_owned()))?;
        for (key, value) in about(self.file.inner(), &columns) {
            self.file
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.file.close()?;
        Ok(())
    }
}

/// The encoding of a column of values that rarely repeat: differences, since times and ids differ little from
/// row to row, and durations are small numbers. `None` for all other columns.
fn encoding_of(column: &ColumnPath) -> Option<Encoding> {
    let column = column.string();
    let is_length = column.contains("_ms") && !column.starts_with("silence");
    match column.as_str() {
        "unique_id" => Some(Encoding::DELTA_BYTE_ARRAY),
        "start_time" | "end_time" => Some(Encoding::DELTA_BINARY_PACKED),
        _ if is_length => Some(Encoding::DELTA_BINARY_PACKED),
        _ => None,
    }
}

/// The position of a value in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValuePosition {
    /// A value of the row itself.
    Single,
    /// An element of a list: the first one has `rep` 0, later ones have 1.
    Element { rep: i16 },
    /// The list has no element.
    Nothing,
}

/// Splits rows into columns.
struct Shredder {
    leaves: Vec<Leaf>,
    leaf: usize,
    position: ValuePosition,
    zone: LogZone,
}

impl Shredder {
    fn new(descriptor: &SchemaDescriptor, zone: LogZone) -> Shredder {
        Shredder {
            leaves: leaves(descriptor),
            leaf: 0,
            position: ValuePosition::Single,
            zone,
        }
    }

    /// Notes the levels of a value. Returns the column's values if there is a value to add.
    fn next(&mut self, is_there: bool) -> Option<&mut LeafValues> {
        let position = self.position;
        let leaf = &mut self.leaves[self.leaf];
        self.leaf += 1;
        let (def, rep) = match position {
            ValuePosition::Nothing => (0, 0),
            ValuePosition::Element { rep } => (leaf.def_max - i16::from(!is_there), rep),
            ValuePosition::Single => (leaf.def_max - i16::from(!is_there), 0),
        };
        if leaf.def_max > 0 {
            leaf.defs.push(def);
        }
        if leaf.rep_max > 0 {
            leaf.reps.push(rep);
        }
        (is_there && position != ValuePosition::Nothing).then_some(&mut leaf.values)
    }

    fn put_text(&mut self, text: Option<&String>) {
        if let (Some(LeafValues::Texts(texts)), Some(text)) = (self.next(text.is_some()), text) {
            texts.push(ByteArray::from(text.as_str()));
        }
    }

    fn put_number(&mut self, number: Option<i64>) {
        if let (Some(LeafValues::Numbers(numbers)), Some(number)) =
            (self.next(number.is_some()), number)
        {
            numbers.push(number);
        }
    }
}

impl RowVisitor for Shredder {
    fn text(&mut self, value: &mut String) {
        self.put_text(Some(value));
    }

    fn maybe_text(&mut self, value: &mut Option<String>) {
        self.put_text(value.as_ref());
    }

    fn number(&mut self, value: &mut i64) {
        self.put_number(Some(*value));
    }

    fn maybe_number(&mut self, value: &mut Option<i64>) {
        self.put_number(*value);
    }

    fn flag(&mut self, value: &mut bool) {
        if let Some(LeafValues::Flags(flags)) = self.next(true) {
            flags.push(*value);
        }
    }

    fn word<T: Copy>(&mut self, value: &mut T, _: &[T], name: impl Fn(T) -> &'static str) {
        if let Some(LeafValues::Texts(texts)) = self.next(true) {
            texts.push(ByteArray::from(name(*value)));
        }
    }

    fn moment(&mut self, value: &mut Stamp) {
        let moment = self.zone.moment(*value);
        self.put_number(Some(moment.timestamp_millis()));
    }

    fn list<T: Default>(&mut self, values: &mut Vec<T>, mut each: impl FnMut(&mut Self, &mut T)) {
        let first = self.leaf;
        if values.is_empty() {
            self.position = ValuePosition::Nothing;
            each(self, &mut T::default());
        }
        for (at, value) in values.iter_mut().enumerate() {
            self.leaf = first;
            self.position = ValuePosition::Element {
                rep: i16::from(at > 0),
            };
            each(self, value);
        }
        self.position = ValuePosition::Single;
    }
}
