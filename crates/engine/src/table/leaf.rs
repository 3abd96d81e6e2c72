//! The leaf columns of a group of rows, as Parquet has them: values and levels.
//!
//! A list of optional values has definition levels 0 to 2; a first element has the repetition level 0, later
//! ones 1.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

/// Rows of a group: the newest can be read without the rest.
pub(super) const GROUP_ROWS: usize = 8_192;

/// The values of one leaf column of a group of rows.
#[derive(Debug)]
pub(super) enum Values {
    Texts(Vec<ByteArray>),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Values::Texts(texts) => texts.len(),
            Values::Numbers(numbers) => numbers.len(),
            Values::Flags(flags) => flags.len(),
        }
    }
}

/// A leaf column of a group of rows.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) def_max: i16,
    pub(super) rep_max: i16,
    pub(super) values: Values,
    pub(super) defs: Vec<i16>,
    pub(super) reps: Vec<i16>,
    /// Values and levels that were given out.
    pub(super) value: usize,
    pub(super) level: usize,
}

impl Leaf {
    pub(super) fn defs(&self) -> Option<&[i16]> {
        (self.def_max > 0).then_some(&self.defs)
    }

    pub(super) fn reps(&self) -> Option<&[i16]> {
        (self.rep_max > 0).then_some(&self.reps)
    }
}

/// The columns of a schema, empty.
pub(super) fn leaves(descriptor: &SchemaDescriptor) -> Vec<Leaf> {
    let leaf = |column: &ColumnDescPtr| Leaf {
        def_max: column.max_def_level(),
        rep_max: column.max_rep_level(),
        values: match column.physical_type() {
            Type::INT64 => Values::Numbers(Vec::new()),
            Type::BOOLEAN => Values::Flags(Vec::new()),
            _ => Values::Texts(Vec::new()),
        },
        defs: Vec::new(),
        reps: Vec::new(),
        value: 0,
        level: 0,
    };
    descriptor.columns().iter().map(leaf).collect()
}
