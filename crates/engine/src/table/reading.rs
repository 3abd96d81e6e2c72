//! Rows out of the bytes of a Parquet file.
//!
//! Nothing here trusts the file: levels and values that do not fit each other end the reading.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::leaf::{GROUP_ROWS, Leaf, Lists, Values};
use super::row::{Row, SCHEMA, Visitor, visit};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_model::stats::QUARTER_MILLIS;

/// [`SCHEMA`], read once: thousands of tables may be opened for one question.
static COLUMNS: LazyLock<Option<SchemaDescriptor>> = LazyLock::new(|| {
    let schema = parse_message_type(SCHEMA).ok()?;
    Some(SchemaDescriptor::new(Arc::new(schema)))
});

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
        let wanted = COLUMNS.as_ref().ok_or_else(torn)?;
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

    /// A group of rows.
    ///
    /// # Errors
    /// When there is no such group, or it has more rows than a group may have.
    pub(super) fn group(&self, group: usize) -> Result<Group<'_>> {
        let reader = self.reader.get_row_group(group)?;
        let rows = usize::try_from(reader.metadata().num_rows())
            .ok()
            .filter(|rows| *rows <= GROUP_ROWS)
            .ok_or_else(|| ParquetError::General("a group is too long".to_owned()))?;
        Ok(Group {
            reader,
            descriptor: self.reader.metadata().file_metadata().schema_descr(),
            rows,
            zone: self.zone,
        })
    }
}

/// A group of rows, of which single columns are read, or all.
pub(super) struct Group<'r> {
    reader: Box<dyn RowGroupReader + 'r>,
    descriptor: &'r SchemaDescriptor,
    rows: usize,
    zone: LogZone,
}

impl Group<'_> {
    /// Reads all columns and lends each row to `take`, with its place.
    ///
    /// # Errors
    /// When levels or values do not fit each other.
    pub(super) fn each_row(&self, take: impl FnMut(usize, &mut Row)) -> Result<()> {
        self.each_row_of(0..self.rows, take)
    }

    /// The same of the rows at these places alone.
    ///
    /// # Errors
    /// As [`Group::each_row`]; when there are fewer rows.
    pub(super) fn each_row_of(
        &self,
        rows: Range<usize>,
        mut take: impl FnMut(usize, &mut Row),
    ) -> Result<()> {
        let leaves: Result<Vec<Leaf>> = (0..self.descriptor.num_columns())
            .map(|at| self.leaf(at, rows.clone()))
            .collect();
        let mut assembler = Assembler {
            leaves: leaves?,
            leaf: 0,
            zone: self.zone,
            is_torn: false,
        };
        let mut row = Row::default();
        for at in rows {
            assembler.leaf = 0;
            visit(&mut assembler, &mut row);
            take(at, &mut row);
        }
        match assembler.is_torn {
            true => Err(torn()),
            false => Ok(()),
        }
    }

    fn leaf(&self, at: usize, rows: Range<usize>) -> Result<Leaf> {
        let mut leaf = Leaf::of(&self.descriptor.column(at));
        let reader = self.reader.get_column_reader(at)?;
        let (defs, reps) = (&mut leaf.defs, &mut leaf.reps);
        match &mut leaf.values {
            Values::Texts(texts) => read_all::<ByteArrayType>(reader, rows, defs, reps, texts),
            Values::Numbers(numbers) => read_all::<Int64Type>(reader, rows, defs, reps, numbers),
            Values::Flags(flags) => read_all::<BoolType>(reader, rows, defs, reps, flags),
        }?;
        Ok(leaf)
    }

    /// The column of this name; of a list that of its values, of a list of groups the one that is named behind a dot.
    fn named(&self, name: &str) -> Result<Leaf> {
        let (list, inner) = name.split_once('.').unwrap_or((name, ""));
        let is_it = |column: &ColumnDescPtr| match column.path().parts() {
            [only] | [only, _, _] => only == list,
            [outer, .., last] => outer == list && last == inner,
            [] => false,
        };
        let at = self.descriptor.columns().iter().position(is_it);
        self.leaf(at.ok_or_else(torn)?, 0..self.rows)
    }

    /// A value for each row; `values` says of which kind.
    pub(super) fn one<T>(
        &self,
        name: &str,
        values: fn(Values) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        self.one_each(values(self.named(name)?.values)?)
    }

    /// For each row a value, or none.
    pub(super) fn maybe<T>(
        &self,
        name: &str,
        values: fn(Values) -> Result<Vec<T>>,
    ) -> Result<Vec<Option<T>>> {
        let leaf = self.named(name)?;
        self.one_each(maybe(&leaf.defs, leaf.def_max, values(leaf.values)?)?)
    }

    /// For each row any number of values.
    pub(super) fn list<T>(
        &self,
        name: &str,
        values: fn(Values) -> Result<Vec<T>>,
    ) -> Result<Lists<T>> {
        let leaf = self.named(name)?;
        lists(self.ends(&leaf)?, values(leaf.values)?)
    }

    /// The same, where any value may be missing.
    pub(super) fn list_of_maybe<T>(
        &self,
        name: &str,
        values: fn(Values) -> Result<Vec<T>>,
    ) -> Result<Lists<Option<T>>> {
        let leaf = self.named(name)?;
        let ends = self.ends(&leaf)?;
        // A list that is empty has a level all the same.
        let defs: Vec<i16> = leaf.defs.into_iter().filter(|def| *def > 0).collect();
        lists(ends, maybe(&defs, leaf.def_max, values(leaf.values)?)?)
    }

    /// A moment for each row.
    pub(super) fn moments(&self, name: &str) -> Result<Vec<Stamp>> {
        // A zone's rules cost more than all else that is read of a moment; they change at a quarter of an hour.
        let mut known: Option<(i64, i64)> = None;
        let numbers = self.one(name, Values::numbers)?.into_iter();
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

    /// For each row a word out of a few.
    pub(super) fn words<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>> {
        let texts = self.one(name, Values::texts)?;
        let one = |text: &ByteArray| {
            let mut all = all.iter();
            all.find(|one| word(**one).as_bytes() == text.data())
                .copied()
        };
        texts
            .iter()
            .map(|text| one(text).ok_or_else(torn))
            .collect()
    }

    /// Where the elements of the list of each row end.
    fn ends(&self, leaf: &Leaf) -> Result<Vec<usize>> {
        let mut ends = Vec::with_capacity(self.rows);
        let mut elements = 0;
        for (at, (def, rep)) in leaf.defs.iter().zip(&leaf.reps).enumerate() {
            if *rep == 0 && at > 0 {
                ends.push(elements);
            }
            elements += usize::from(*def > 0);
        }
        if !leaf.defs.is_empty() {
            ends.push(elements);
        }
        let is_whole = ends.len() == self.rows && leaf.defs.len() == leaf.reps.len();
        is_whole.then_some(ends).ok_or_else(torn)
    }

    fn one_each<T>(&self, values: Vec<T>) -> Result<Vec<T>> {
        let is_whole = values.len() == self.rows;
        is_whole.then_some(values).ok_or_else(torn)
    }
}

/// Values with those that are missing.
fn maybe<T>(defs: &[i16], most: i16, values: Vec<T>) -> Result<Vec<Option<T>>> {
    let there = defs.iter().filter(|def| **def == most).count();
    if there != values.len() {
        return Err(torn());
    }
    let mut values = values.into_iter();
    let next = |def: &i16| (*def == most).then(|| values.next()).flatten();
    Ok(defs.iter().map(next).collect())
}

fn lists<T>(ends: Vec<usize>, values: Vec<T>) -> Result<Lists<T>> {
    let is_whole = ends.last().copied().unwrap_or_default() == values.len();
    is_whole.then_some(Lists { ends, values }).ok_or_else(torn)
}

fn torn() -> ParquetError {
    ParquetError::General("its levels do not fit".to_owned())
}

fn read_all<T: DataType>(
    reader: ColumnReader,
    rows: Range<usize>,
    defs: &mut Vec<i16>,
    reps: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<()> {
    let mut reader = get_typed_column_reader::<T>(reader);
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

/// Puts rows together from columns.
struct Assembler {
    leaves: Vec<Leaf>,
    leaf: usize,
    zone: LogZone,
    is_torn: bool,
}

impl Assembler {
    /// The next value of the next column: `None` when there is none.
    fn next(&mut self) -> Option<(&Values, usize)> {
        let leaf = self.leaves.get_mut(self.leaf)?;
        self.leaf += 1;
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

    /// How many elements the next list has.
    fn elements(&self) -> usize {
        let Some(leaf) = self.leaves.get(self.leaf) else {
            return 0;
        };
        match leaf.defs.get(leaf.level) {
            None | Some(0) => 0,
            Some(_) => {
                let reps = leaf.reps.get(leaf.level + 1..).unwrap_or_default();
                1 + reps.iter().take_while(|rep| **rep > 0).count()
            }
        }
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
        for _ in 0..elements {
            self.leaf = first;
            let mut value = T::default();
            each(self, &mut value);
            values.push(value);
        }
        if elements == 0 {
            each(self, &mut T::default());
        }
    }
}
