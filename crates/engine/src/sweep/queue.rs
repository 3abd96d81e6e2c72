//! Puts records of several files in order of time.

use std::collections::VecDeque;

use super::ParsedRecords;
use calltrace_model::call::Fact;
use calltrace_model::record::Stamp;

/// Parsed records of some files that wait until the other files are read up to the same time. Records are
/// joined in order of time, independent of the files and chunks that hold them, since the members of a bridge
/// depend on that order.
#[derive(Default)]
pub(super) struct RecordQueue {
    /// In order of time, starting with the first that waits.
    facts: VecDeque<Fact>,
    /// The other results of parsing.
    rest: ParsedRecords,
}

impl RecordQueue {
    /// Adds parsed content, and returns all waiting content up to `until`.
    pub(super) fn pass(&mut self, mut parsed: ParsedRecords, until: Stamp) -> ParsedRecords {
        if !self.facts.is_empty() {
            parsed.facts.insert(0, self.facts.drain(..).collect());
        }
        let order = |f: &Fact| (f.at, f.place);
        if !parsed.facts.iter().flatten().is_sorted_by_key(order) {
            self.sort_in(parsed);
            return self.take_until(until);
        }
        // Content of one ordered file is passed on unchanged, except for its end.
        for list in parsed.facts.iter_mut().rev() {
            let passed = list.partition_point(|f| f.at <= until);
            for fact in list.drain(passed..).rev() {
                self.facts.push_front(fact);
            }
            if passed > 0 {
                break;
            }
        }
        parsed
    }

    /// Adds content that is known to be out of order.
    fn sort_in(&mut self, mut parsed: ParsedRecords) {
        self.rest.take_rest(&mut parsed);
        self.facts.extend(parsed.facts.into_iter().flatten());
        let facts = self.facts.make_contiguous();
        facts.sort_by_key(|f| (f.at, f.place));
    }

    /// Takes out the content up to `until`.
    pub(super) fn take_until(&mut self, until: Stamp) -> ParsedRecords {
        let count = self.facts.partition_point(|f| f.at <= until);
        ParsedRecords {
            facts: vec![self.facts.drain(..count).collect()],
            ..std::mem::take(&mut self.rest)
        }
    }

    pub(super) fn first(&self) -> Option<Stamp> {
        self.facts.front().map(|f| f.at)
    }
}
