//! A column of a group of rows, by what each row has in it: one value, an optional value, or a list.

use parquet::errors::{ParquetError, Result};

use super::leaf::{Leaf, LeafValues, Lists};

/// A column that was read.
pub(super) struct ReadColumn {
    leaf: Leaf,
    rows: usize,
}

impl ReadColumn {
    /// The column of a group of `rows` rows.
    pub(super) fn new(leaf: Leaf, rows: usize) -> ReadColumn {
        ReadColumn { leaf, rows }
    }

    /// One value for each row; `values` extracts values of the wanted type.
    ///
    /// # Errors
    /// When levels or values do not fit each other.
    pub(super) fn one<T>(self, values: fn(LeafValues) -> Result<Vec<T>>) -> Result<Vec<T>> {
        one_each(self.rows, values(self.leaf.values)?)
    }

    /// An optional value for each row.
    ///
    /// # Errors
    /// As [`ReadColumn::one`].
    pub(super) fn maybe<T>(
        self,
        values: fn(LeafValues) -> Result<Vec<T>>,
    ) -> Result<Vec<Option<T>>> {
        let Leaf { defs, def_max, .. } = self.leaf;
        one_each(self.rows, maybe(&defs, def_max, values(self.leaf.values)?)?)
    }

    /// A list of values for each row.
    ///
    /// # Errors
    /// As [`ReadColumn::one`].
    pub(super) fn list<T>(self, values: fn(LeafValues) -> Result<Vec<T>>) -> Result<Lists<T>> {
        lists(self.ends()?, values(self.leaf.values)?)
    }

    /// A list of optional values for each row.
    ///
    /// # Errors
    /// As [`ReadColumn::one`].
    pub(super) fn list_of_maybe<T>(
        self,
        values: fn(LeafValues) -> Result<Vec<T>>,
    ) -> Result<Lists<Option<T>>> {
        let ends = self.ends()?;
        let Leaf { defs, def_max, .. } = self.leaf;
        // An empty list has a level too.
        let defs: Vec<i16> = defs.into_iter().filter(|def| *def > 0).collect();
        lists(ends, maybe(&defs, def_max, values(self.leaf.values)?)?)
    }

    /// The end of each row's list among the elements.
    fn ends(&self) -> Result<Vec<usize>> {
        let Leaf { defs, reps, .. } = &self.leaf;
        let mut ends = Vec::with_capacity(self.rows);
        let mut elements = 0;
        for (at, (def, rep)) in defs.iter().zip(reps).enumerate() {
            if *rep == 0 && at > 0 {
                ends.push(elements);
            }
            elements += usize::from(*def > 0);
        }
        if !defs.is_empty() {
            ends.push(elements);
        }
        let is_complete = ends.len() == self.rows && defs.len() == reps.len();
        is_complete.then_some(ends).ok_or_else(torn)
    }
}

fn one_each<T>(rows: usize, values: Vec<T>) -> Result<Vec<T>> {
    let is_complete = values.len() == rows;
    is_complete.then_some(values).ok_or_else(torn)
}

/// Puts `None` if a value is missing.
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
    let is_complete = ends.last().copied().unwrap_or_default() == values.len();
    is_complete
        .then_some(Lists { ends, values })
        .ok_or_else(torn)
}

pub(super) fn torn() -> ParquetError {
    ParquetError::General("its levels do not fit its values".to_owned())
}
