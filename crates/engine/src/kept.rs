//! The records that are kept while a call is searched for. Their number is bounded, and the order in which
//! the lines are read does not change which ones are kept.
//!
//! A program that loops writes one id into hundreds of thousands of lines. The earliest and the last Asterisk
//! events are kept and, counted separately, the earliest other records. So a loop of requests or messages
//! does not displace the events that say how the call went, and a loop of events does not displace its end.
//! Records left out are counted. The same rule holds for a [`calltrace_model::call::Joiner`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

use calltrace_model::call::{Closure, Fact, first_and_last};
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_store::scan::Line;

/// How many records of one call an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// Asterisk events (the first nine tenths and the last tenth), and as many other records (the first
    /// ones).
    pub records: usize,
    /// Bytes of their lines, for events and other records separately. One line is kept even if it is longer.
    pub bytes: usize,
}

impl RecordLimits {
    /// No limits: memory grows with the records.
    pub const NONE: RecordLimits = RecordLimits {
        records: usize::MAX,
        bytes: usize::MAX,
    };

    /// Limits of `records` records; 0 for no limits.
    pub fn of(records: usize) -> RecordLimits {
        match records {
            0 => RecordLimits::NONE,
            records => RecordLimits {
                records,
                ..RecordLimits::default()
            },
        }
    }

    /// The limits for the first Asterisk events of a call, and those for the last.
    fn of_events(self) -> (RecordLimits, RecordLimits) {
        let (records, last_records) = first_and_last(self.records);
        let (bytes, last_bytes) = first_and_last(self.bytes);
        let last = RecordLimits {
            records: last_records,
            bytes: last_bytes,
        };
        (RecordLimits { records, bytes }, last)
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

/// How a line relates to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// An Asterisk event of the call.
    Event,
    /// Another record of the call.
    Other,
    /// A line that holds a name of the call, and is not known to be a record of it.
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
pub(super) struct KeptLines {
    limits: RecordLimits,
    /// By `Class`.
    parts: [EarliestLines; 3],
    /// The last of the events that are not among the earliest.
    last: LatestLines,
}

impl KeptLines {
    pub(super) fn new(limits: RecordLimits) -> KeptLines {
        KeptLines {
            limits,
            parts: Default::default(),
            last: LatestLines::default(),
        }
    }

    /// Adds a line, if there is room for its class.
    pub(super) fn offer(&mut self, closure: &Closure, line: Line) {
        self.put(Class::of(closure, &line), line);
    }

    /// Adds a line of a class.
    pub(super) fn put(&mut self, class: Class, line: Line) {
        let (limits, last) = (self.limits_of(class), self.limits.of_events().1);
        let mut rest = |line| match class {
            Class::Event => self.last.push(line, last, &mut |_| ()),
            Class::Other | Class::Candidate => {}
        };
        self.parts[class as usize].push(line, limits, &mut rest);
    }

    /// Adds the lines that another collection has kept.
    pub(super) fn join(&mut self, other: KeptLines) {
        let last = self.limits.of_events().1;
        let [events, others, candidates] = other.parts;
        let mut rest = |line| self.last.push(line, last, &mut |_| ());
        self.parts[0].join(events, self.limits.of_events().0, &mut rest);
        self.parts[1].join(others, self.limits, &mut |_| ());
        self.parts[2].join(candidates, self.limits, &mut |_| ());
        self.last.join(other.last, last, &mut |_| ());
    }

    fn limits_of(&self, class: Class) -> RecordLimits {
        match class {
            Class::Event => self.limits.of_events().0,
            Class::Other | Class::Candidate => self.limits,
        }
    }

    /// Whether any line is a record of the call.
    pub(super) fn has_records(&self) -> bool {
        let [events, others, _] = &self.parts;
        !events.lines.is_empty() || !others.lines.is_empty()
    }

    /// Number of records of the call that were met, kept or not.
    pub(super) fn met(&self) -> u64 {
        let [events, others, _] = &self.parts;
        events.met + others.met
    }

    /// The lines in order of place, each once.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let parts = self.parts.into_iter().flat_map(EarliestLines::into_lines);
        let mut lines: Vec<Line> = parts.chain(self.last.into_lines()).collect();
        lines.sort_by_key(|line| line.place);
        lines.dedup_by_key(|line| line.place);
        lines
    }
}

/// The first lines by time and place, as many as fit.
pub(super) type EarliestLines = Foremost<(Stamp, Place)>;

/// The last lines by time and place, as many as fit.
type LatestLines = Foremost<Reverse<(Stamp, Place)>>;

/// A rank by which lines are ordered.
pub(super) trait Rank: Ord + Copy {
    /// The rank of a line.
    fn of(line: &Line) -> Self;
}

impl Rank for (Stamp, Place) {
    fn of(line: &Line) -> Self {
        (line.at, line.place)
    }
}

impl Rank for Reverse<(Stamp, Place)> {
    fn of(line: &Line) -> Self {
        Reverse((line.at, line.place))
    }
}

/// The lines with the lowest rank, as many as fit.
#[derive(Debug)]
pub(super) struct Foremost<R> {
    lines: BTreeMap<R, Line>,
    bytes: usize,
    /// Lines from this rank on are left out, so that the kept ones have no gaps in any reading order.
    cut: Option<R>,
    /// Number of lines that were offered, kept or not.
    met: u64,
}

impl<R> Default for Foremost<R> {
    fn default() -> Foremost<R> {
        Foremost {
            lines: BTreeMap::new(),
            bytes: 0,
            cut: None,
            met: 0,
        }
    }
}

impl<R: Rank> Foremost<R> {
    /// Adds a line; `rest` gets the lines that no longer fit.
    pub(super) fn push(&mut self, line: Line, limits: RecordLimits, rest: &mut dyn FnMut(Line)) {
        self.met += 1;
        self.insert(line, limits, rest);
    }

    fn insert(&mut self, line: Line, limits: RecordLimits, rest: &mut dyn FnMut(Line)) {
        let rank = R::of(&line);
        if self.cut.is_some_and(|cut| rank >= cut) {
            return rest(line);
        }
        self.bytes += line.text.len();
        if let Some(same) = self.lines.insert(rank, line) {
            self.bytes -= same.text.len();
            self.met -= 1;
        }
        while self.lines.len() > limits.records
            || (self.bytes > limits.bytes && self.lines.len() > 1)
        {
            let Some((last, line)) = self.lines.pop_last() else {
                return;
            };
            self.bytes -= line.text.len();
            self.cut = Some(last);
            rest(line);
        }
    }

    /// The lines in order of their rank.
    pub(super) fn into_lines(self) -> impl Iterator<Item = Line> {
        self.lines.into_values()
    }

    /// Adds the lines that another collection has kept.
    pub(super) fn join(
        &mut self,
        other: Foremost<R>,
        limits: RecordLimits,
        rest: &mut dyn FnMut(Line),
    ) {
        self.met += other.met;
        if let Some(cut) = other.cut {
            self.cut = Some(self.cut.map_or(cut, |own| own.min(cut)));
            for line in self.lines.split_off(&cut).into_values() {
                self.bytes -= line.text.len();
                rest(line);
            }
        }
        for line in other.lines.into_values() {
            self.insert(line, limits, rest);
        }
    }
}

/// The fact that a line states about a call, without its texts.
pub(super) fn fact_of(line: &Line) -> Fact {
    Fact::without_texts(&Record::parse(&line.text), line.at, line.place)
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

    fn times(kept: EarliestLines) -> Vec<i64> {
        kept.into_lines().map(|line| line.at.0).collect()
    }

    #[test]
    fn the_order_in_which_lines_are_met_does_not_matter() {
        let limits = RecordLimits {
            records: 4,
            bytes: 6,
        };
        // A long line is in the middle: lines after it are left out even if they would fit.
        let lines = [(1, 2), (2, 2), (3, 5), (4, 1), (5, 1)];
        let mut orders = vec![vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0]];
        orders.extend([vec![2, 0, 4, 1, 3], vec![3, 1, 2, 4, 0]]);
        for order in orders {
            for cut in 0..=order.len() {
                let mut parts = [EarliestLines::default(), EarliestLines::default()];
                for (n, at) in order.iter().enumerate() {
                    let (at, bytes) = lines[*at];
                    parts[usize::from(n >= cut)].push(line(at, bytes), limits, &mut |_| ());
                }
                let [mut first, second] = parts;
                first.join(second, limits, &mut |_| ());
                assert_eq!(first.met, 5, "{order:?} cut at {cut}");
                assert_eq!(times(first), [1, 2], "{order:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn one_line_of_any_length_is_kept() {
        let limits = RecordLimits {
            records: 4,
            bytes: 6,
        };
        let mut kept = EarliestLines::default();
        kept.push(line(2, 100), limits, &mut |_| ());
        kept.push(line(1, 100), limits, &mut |_| ());
        assert_eq!((kept.met, times(kept)), (2, vec![1]));
    }

    #[test]
    fn the_first_and_the_last_events_are_kept_in_any_reading_order() {
        let limits = RecordLimits {
            records: 20,
            bytes: 16 << 20,
        };
        for step in [1, 7, 13, 99] {
            let mut parts = [KeptLines::new(limits), KeptLines::new(limits)];
            for n in 0..100 {
                let part = &mut parts[usize::from(n % 3 == 0)];
                part.put(Class::Event, line(n * step % 100, 10));
                part.put(Class::Other, line(200 + n * step % 100, 10));
            }
            let [mut first, second] = parts;
            first.join(second);
            assert_eq!(first.met(), 200);
            let times = first.into_lines().into_iter().map(|line| line.at.0);
            let wanted = (0..18).chain(98..100).chain(200..220);
            assert_eq!(times.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
        }
    }
}
