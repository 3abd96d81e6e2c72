//! Rows out of the bytes of a Parquet file.
//!
//! Nothing here trusts the file: levels and values that do not fit each other end the reading.

use std::sync::Arc;

use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::leaf::{GROUP_ROWS, Leaf, Values, leaves};
use super::row::{Row, SCHEMA, Visitor};
use calltrace_model::record::{LogZone, Stamp};

/// Where that column stands among the leaves.
const START_TIME: usize = 2;

/// Reads the rows of a Parquet file.
pub(super) struct Rows<R: ChunkReader + 'static> {
    reader: SerializedFileReader<R>,
    zone: LogZone,
}

impl<R: ChunkReader> Rows<R> {
    /// # Errors
    /// When it is no Parquet file of these columns.
    pub(super) fn open(from: R, zone: LogZone) -> Result<Rows<R>> {
        let reader = SerializedFileReader::new(from)?;
        let wanted = SchemaDescriptor::new(Arc::new(parse_message_type(SCHEMA)?));
        let is_same = |(a, b): (&ColumnDescPtr, _)| a == b;
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        if columns.len() != wanted.num_columns()
            || !columns.iter().zip(wanted.columns()).all(is_same)
        {
            return Err(ParquetError::General("its columns are others".to_owned()));
        }
        Ok(Rows { reader, zone })
    }

    /// What is noted under a key beside the rows.
    pub(super) fn noted(&self, key: &str) -> Option<&str> {
        let notes = self
            .reader
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        notes.iter().find(|note| note.key == key)?.value.as_deref()
    }

    /// How many rows each group has.
    pub(super) fn group_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let groups = self.reader.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(usize::MAX))
    }

    /// The first and the last `start_time` of a group; `None` where that is not noted.
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

    /// Reads a group of rows, of each the columns that `wanted` takes by name, and lends each row to `take`,
    /// as `visit` goes through it.
    ///
    /// # Errors
    /// When its levels or values do not fit each other.
    pub(super) fn read_group(
        &self,
        group: usize,
        wanted: impl Fn(&str) -> bool,
        visit: impl Fn(&mut Assembler, &mut Row),
        mut take: impl FnMut(usize, &mut Row),
    ) -> Result<()> {
        let group = self.reader.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows())
            .ok()
            .filter(|rows| *rows <= GROUP_ROWS)
            .ok_or_else(|| ParquetError::General("a group is too long".to_owned()))?;
        let descriptor = self.reader.metadata().file_metadata().schema_descr();
        let mut leaves: Vec<Option<Leaf>> = leaves(descriptor).into_iter().map(Some).collect();
        for (at, leaf) in leaves.iter_mut().enumerate() {
            let column = descriptor.column(at);
            let name = column.path().parts().first().map_or("", String::as_str);
            match leaf {
                Some(leaf) if wanted(name) => leaf.fill(group.as_ref(), at, rows)?,
                _ => *leaf = None,
            }
        }
        let mut assembler = Assembler {
            leaves,
            leaf: 0,
            zone: self.zone,
            is_torn: false,
        };
        let mut row = Row::default();
        for at in 0..rows {
            assembler.leaf = 0;
            visit(&mut assembler, &mut row);
            take(at, &mut row);
        }
        match assembler.is_torn {
            true => Err(ParquetError::General("its levels do not fit".to_owned())),
            false => Ok(()),
        }
    }
}

impl Leaf {
    fn fill(&mut self, group: &dyn RowGroupReader, at: usize, rows: usize) -> Result<()> {
        let reader = group.get_column_reader(at)?;
        match &mut self.values {
            Values::Texts(texts) => {
                read_all::<ByteArrayType>(reader, rows, &mut self.defs, &mut self.reps, texts)
            }
            Values::Numbers(numbers) => {
                read_all::<Int64Type>(reader, rows, &mut self.defs, &mut self.reps, numbers)
            }
            Values::Flags(flags) => {
                read_all::<BoolType>(reader, rows, &mut self.defs, &mut self.reps, flags)
            }
        }
    }
}

fn read_all<T: DataType>(
    reader: ColumnReader,
    rows: usize,
    defs: &mut Vec<i16>,
    reps: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<()> {
    let mut reader = get_typed_column_reader::<T>(reader);
    let mut read = 0;
    while read < rows {
        let (records, _, _) = reader.read_records(rows - read, Some(defs), Some(reps), values)?;
        if records == 0 {
            return Err(ParquetError::General("a column is too short".to_owned()));
        }
        read += records;
    }
    Ok(())
}

/// Puts rows together from columns; of those that were not read, values stay as they are.
pub(super) struct Assembler {
    leaves: Vec<Option<Leaf>>,
    leaf: usize,
    zone: LogZone,
    is_torn: bool,
}

impl Assembler {
    /// The next value of the next column: `None` when there is none, or the column was not read.
    fn next(&mut self) -> Option<(&Values, usize)> {
        let leaf = self.leaves.get_mut(self.leaf)?.as_mut();
        self.leaf += 1;
        let leaf = leaf?;
        if leaf.def_max > 0 {
            let def = leaf.defs.get(leaf.level).copied();
            self.is_torn |= def.is_none();
            leaf.level += 1;
            if def != Some(leaf.def_max) {
                return None;
            }
        }
        let at = leaf.value;
        leaf.value += 1;
        self.is_torn |= at >= leaf.values.len();
        Some((&leaf.values, at))
    }

    fn get_word<T: Copy>(&mut self, all: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
        let (values, at) = self.next()?;
        let Values::Texts(texts) = values else {
            return None;
        };
        let text = texts.get(at).map(ByteArray::data);
        let found = all.iter().find(|one| Some(name(**one).as_bytes()) == text);
        let found = found.copied();
        self.is_torn |= found.is_none();
        found
    }

    fn get_text(&mut self) -> Option<&str> {
        let (values, at) = self.next()?;
        let text = match values {
            Values::Texts(texts) => texts.get(at).map(ByteArray::data),
            _ => None,
        };
        text.and_then(|text| std::str::from_utf8(text).ok())
    }

    fn get_number(&mut self) -> Option<i64> {
        let (values, at) = self.next()?;
        let number = match values {
            Values::Numbers(numbers) => numbers.get(at).copied(),
            _ => None,
        };
        self.is_torn |= number.is_none();
        number
    }

    /// How many elements the next list has; `None` when it was not read.
    fn elements(&mut self) -> Option<usize> {
        let leaf = self.leaves.get(self.leaf)?.as_ref()?;
        let defs = leaf.defs.get(leaf.level..)?;
        if defs.first() == Some(&0) {
            return Some(0);
        }
        let reps = leaf.reps.get(leaf.level + 1..).unwrap_or_default();
        Some(1 + reps.iter().take_while(|rep| **rep > 0).count())
    }
}

impl Visitor for Assembler {
    fn text(&mut self, value: &mut String) {
        if let Some(text) = self.get_text() {
            value.clear();
            value.push_str(text);
        }
    }

    fn maybe_text(&mut self, value: &mut Option<String>) {
        *value = self.get_text().map(str::to_owned);
    }

    fn number(&mut self, value: &mut i64) {
        if let Some(number) = self.get_number() {
            *value = number;
        }
    }

    fn maybe_number(&mut self, value: &mut Option<i64>) {
        *value = self.get_number();
    }

    fn flag(&mut self, value: &mut bool) {
        let Some((values, at)) = self.next() else {
            return;
        };
        let flag = match values {
            Values::Flags(flags) => flags.get(at).copied(),
            _ => None,
        };
        self.is_torn |= flag.is_none();
        *value = flag.unwrap_or_default();
    }

    fn word<T: Copy>(&mut self, value: &mut T, all: &[T], name: impl Fn(T) -> &'static str) {
        if let Some(word) = self.get_word(all, name) {
            *value = word;
        }
    }

    fn moment(&mut self, value: &mut Stamp) {
        if let Some(millis) = self.get_number() {
            let stamp = self.zone.stamp_of_millis(millis);
            self.is_torn |= stamp.is_none();
            *value = stamp.unwrap_or(Stamp(0));
        }
    }

    fn list<T: Default>(&mut self, values: &mut Vec<T>, mut each: impl FnMut(&mut Self, &mut T)) {
        let first = self.leaf;
        values.clear();
        let elements = self.elements();
        for _ in 0..elements.unwrap_or_default() {
            self.leaf = first;
            let mut value = T::default();
            each(self, &mut value);
            values.push(value);
        }
        if elements.is_none_or(|elements| elements == 0) {
            each(self, &mut T::default());
        }
    }
}
