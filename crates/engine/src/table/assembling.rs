//! Assembles rows from the leaf columns of a group.

use parquet::data_type::ByteArray;

use super::leaf::{Leaf, LeafValues};
use super::row::{RowVisitor, TableRow, visit};
use calltrace_model::record::{LogZone, Stamp};

/// Assembles rows from columns.
pub(super) struct Assembler {
    leaves: Vec<Leaf>,
    leaf: usize,
    zone: LogZone,
    is_torn: bool,
}

impl Assembler {
    pub(super) fn new(leaves: Vec<Leaf>, zone: LogZone) -> Assembler {
        Assembler {
            leaves,
            leaf: 0,
            zone,
            is_torn: false,
        }
    }

    /// Fills `row` with the values of the next row.
    pub(super) fn assemble(&mut self, row: &mut TableRow) {
        self.leaf = 0;
        visit(self, row);
    }

    /// Whether levels and values did not fit each other so far.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// The next value of the next column; `None` when it is missing.
    fn next(&mut self) -> Option<(&LeafValues, usize)> {
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
        let LeafValues::Texts(texts) = values else {
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
            LeafValues::Texts(texts) => texts.get(at).map(ByteArray::data),
            _ => None,
        };
        text.and_then(|text| std::str::from_utf8(text).ok())
    }

    fn get_number(&mut self) -> Option<i64> {
        let (values, at) = self.next()?;
        let number = match values {
            LeafValues::Numbers(numbers) => numbers.get(at).copied(),
            _ => None,
        };
        self.is_torn |= number.is_none();
        number
    }

    /// The number of elements of the next list.
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

impl RowVisitor for Assembler {
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
            LeafValues::Flags(flags) => flags.get(at).copied(),
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
