//! The records of one call that are kept while it is found: a bounded number of them, the same in
//! whatever order they are met.
//!
//! A program that loops writes one id into hundreds of thousands of lines. Kept are the earliest
//! Asterisk events and, counted apart, the earliest other records: so a loop of requests or messages
//! does not push out the events that say how the call went. What is left out is counted.

use std::collections::BTreeMap;

use super::grow::fact_of;
use crate::call::Closure;
use crate::record::Stamp;
use crate::scan::{Line, Place};

/// How many records of one call an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// Asterisk events, and as many other records.
    pub records: usize,
    /// Bytes of their lines, for each of both; one line is kept however long it is.
    pub bytes: usize,
}

impl RecordLimits {
    /// All records; memory grows with them.
    pub const NONE: RecordLimits = RecordLimits {
        records: usize::MAX,
        bytes: usize::MAX,
    };

    /// So many records; 0 for all.
    pub fn of(records: usize) -> RecordLimits {
        match records {
            0 => RecordLimits::NONE,
            records => RecordLimits {
                records,
                ..RecordLimits::default()
            },
        }
    }
}

impl Default for RecordLimits {
    /// 10,000 records, 16 MiB.
    fn default() -> RecordLimits {
        RecordLimits {
            records: 10_000,
            bytes: 16 << 20,
        }
    }
}

/// What a line is to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// An Asterisk event of it.
    Event,
    /// Another record of it.
    Other,
    /// It holds one of its names, and is no record of it as far as is known.
    Candidate,
}

impl Class {
    pub(super) fn of(closure: &Closure, line: &Line) -> Class {
        let fact = fact_of(line);
        match closure.holds(&fact, &line.text) {
            true if fact.is_asterisk() => Class::Event,
            true => Class::Other,
            false => Class::Candidate,
        }
    }
}

/// Lines that may be records of one call.
#[derive(Debug)]
pub(super) struct Kept {
    limits: RecordLimits,
    /// By `Class`.
    parts: [Earliest; 3],
}

impl Kept {
    pub(super) fn new(limits: RecordLimits) -> Kept {
        Kept {
            limits,
            parts: Default::default(),
        }
    }

    /// Takes a line, as far as there is room for its class.
    pub(super) fn offer(&mut self, closure: &Closure, line: Line) {
        self.put(Class::of(closure, &line), line);
    }

    /// Takes a line of a class.
    pub(super) fn put(&mut self, class: Class, line: Line) {
        self.parts[class as usize].push(line, self.limits);
    }

    /// Takes what another has kept of other lines.
    pub(super) fn join(&mut self, other: Kept) {
        for (own, theirs) in self.parts.iter_mut().zip(other.parts) {
            own.join(theirs, self.limits);
        }
    }

    /// Whether some line is a record of the call.
    pub(super) fn has_records(&self) -> bool {
        let [events, others, _] = &self.parts;
        !events.lines.is_empty() || !others.lines.is_empty()
    }

    /// Records of the call that were met, kept or not.
    pub(super) fn met(&self) -> u64 {
        let of = |part: &Earliest| part.left_out + part.lines.len() as u64;
        let [events, others, _] = &self.parts;
        of(events) + of(others)
    }

    /// The lines, in order of place, each once.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let parts = self.parts.into_iter().flat_map(|part| part.lines);
        let mut lines: Vec<Line> = parts.map(|(_, line)| line).collect();
        lines.sort_by_key(|line| line.place);
        lines.dedup_by_key(|line| line.place);
        lines
    }
}

/// The first lines by time and place, as many as fit.
#[derive(Debug, Default)]
pub(super) struct Earliest {
    lines: BTreeMap<(Stamp, Place), Line>,
    bytes: usize,
    /// From here on lines are left out: what is kept has no holes, whatever came first.
    cut: Option<(Stamp, Place)>,
    left_out: u64,
}

impl Earliest {
    pub(super) fn push(&mut self, line: Line, limits: RecordLimits) {
        let key = (line.at, line.place);
        if self.cut.is_some_and(|cut| key >= cut) {
            self.left_out += 1;
            return;
        }
        self.bytes += line.text.len();
        if let Some(same) = self.lines.insert(key, line) {
            self.bytes -= same.text.len();
        }
        while self.lines.len() > limits.records
            || (self.bytes > limits.bytes && self.lines.len() > 1)
        {
            let Some((last, line)) = self.lines.pop_last() else {
                return;
            };
            self.bytes -= line.text.len();
            self.cut = Some(last);
            self.left_out += 1;
        }
    }

    /// The lines in order of time.
    pub(super) fn into_lines(self) -> impl Iterator<Item = Line> {
        self.lines.into_values()
    }

    pub(super) fn join(&mut self, other: Earliest, limits: RecordLimits) {
        self.left_out += other.left_out;
        if let Some(cut) = other.cut {
            self.cut = Some(self.cut.map_or(cut, |own| own.min(cut)));
            let behind = self.lines.split_off(&cut);
            self.left_out += behind.len() as u64;
            self.bytes -= behind.values().map(|line| line.text.len()).sum::<usize>();
        }
        for line in other.lines.into_values() {
            self.push(line, limits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64, bytes: usize) -> Line {
        Line {
            at: Stamp(at),
            place: Place {
                source: 0,
                offset: at.unsigned_abs(),
            },
            text: vec![b'x'; bytes].into(),
        }
    }

    fn times(kept: Earliest) -> Vec<i64> {
        kept.into_lines().map(|line| line.at.0).collect()
    }

    #[test]
    fn the_order_in_which_lines_are_met_does_not_matter() {
        let limits = RecordLimits {
            records: 4,
            bytes: 6,
        };
        // A long line in the middle: what stands behind it is left out though it would fit.
        let lines = [(1, 2), (2, 2), (3, 5), (4, 1), (5, 1)];
        let mut orders = vec![vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0]];
        orders.extend([vec![2, 0, 4, 1, 3], vec![3, 1, 2, 4, 0]]);
        for order in orders {
            for cut in 0..=order.len() {
                let mut parts = [Earliest::default(), Earliest::default()];
                for (n, at) in order.iter().enumerate() {
                    let (at, bytes) = lines[*at];
                    parts[usize::from(n >= cut)].push(line(at, bytes), limits);
                }
                let [mut first, second] = parts;
                first.join(second, limits);
                assert_eq!(first.left_out, 3, "{order:?} cut at {cut}");
                assert_eq!(times(first), [1, 2], "{order:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn one_line_is_kept_however_long_it_is() {
        let limits = RecordLimits {
            records: 4,
            bytes: 6,
        };
        let mut kept = Earliest::default();
        kept.push(line(2, 100), limits);
        kept.push(line(1, 100), limits);
        assert_eq!((kept.left_out, times(kept)), (1, vec![1]));
    }
}
