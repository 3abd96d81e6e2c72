//! The leaf columns of a group of rows as Parquet has them: values and levels.
//!
//! A list of optional values has definition levels 0 to 2; its first element has repetition level 0, later
//! ones have 1.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

/// Number of rows in a group, so that the newest calls can be read without the rest.
pub(super) const GROUP_ROWS: usize = 8_192;

/// The values of one leaf column of a group of rows.
#[derive(Debug)]
pub(super) enum LeafValues {
    Texts(Vec<ByteArray>),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
}

impl LeafValues {
    /// # Errors
    /// Returns an error if the values have another type.
    pub(super) fn numbers(self) -> Result<Vec<i64>> {
        match self {
            LeafValues::Numbers(numbers) => Ok(numbers),
            _ => Err(other_values()),
        }
    }

    /// # Errors
    /// Returns an error if the values have another type.
    pub(super) fn flags(self) -> Result<Vec<bool>> {
        match self {
            LeafValues::Flags(flags) => Ok(flags),
            _ => Err(other_values()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            LeafValues::Texts(texts) => texts.len(),
            LeafValues::Numbers(numbers) => numbers.len(),
            LeafValues::Flags(flags) => flags.len(),
        }
    }
}

fn other_values() -> ParquetError {
    ParquetError::General("a column has other values".to_owned())
}

/// A leaf column of a group of rows.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) def_max: i16,
    pub(super) rep_max: i16,
    pub(super) values: LeafValues,
    pub(super) defs: Vec<i16>,
    pub(super) reps: Vec<i16>,
    /// Number of values and levels that were already taken.
    pub(super) value: usize,
    pub(super) level: usize,
}

impl Leaf {
    /// An empty leaf for `column`.
    pub(super) fn of(column: &ColumnDescPtr) -> Leaf {
        Leaf {
            def_max: column.max_def_level(),
            rep_max: column.max_rep_level(),
            values: match column.physical_type() {
                Type::INT64 => LeafValues::Numbers(Vec::new()),
                Type::BOOLEAN => LeafValues::Flags(Vec::new()),
                _ => LeafValues::Texts(Vec::new()),
            },
            defs: Vec::new(),
            reps: Vec::new(),
            value: 0,
            level: 0,
        }
    }

    pub(super) fn defs(&self) -> Option<&[i16]> {
        (self.def_max > 0).then_some(&self.defs)
    }

    pub(super) fn reps(&self) -> Option<&[i16]> {
        (self.rep_max > 0).then_some(&self.reps)
    }
}

/// Empty leaves for all columns of a schema.
pub(super) fn leaves(descriptor: &SchemaDescriptor) -> Vec<Leaf> {
    descriptor.columns().iter().map(Leaf::of).collect()
}

/// A list of values for each row.
#[derive(Debug, Default)]
pub(super) struct Lists<T> {
    /// The end of each row's values.
    pub(super) ends: Vec<usize>,
    pub(super) values: Vec<T>,
}

impl<T> Lists<T> {
    /// The values of a row; none if the column was not read.
    pub(super) fn of(&self, row: usize) -> &[T] {
        let Some(end) = self.ends.get(row) else {
            return &[];
        };
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..*end]
    }
}
