//! Selects lines by the filter and determines the time of each.

use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Record, Stamp};
use calltrace_store::scan::{Block, Needles};
use calltrace_store::source::time_of_line;

/// The filter, with the bytes that every matching line holds if some are known.
#[derive(Debug)]
pub(super) struct Sieve {
    filter: RecordFilter,
    needles: Option<Needles>,
}

impl Sieve {
    pub(super) fn new(filter: RecordFilter) -> Sieve {
        Sieve {
            needles: filter.needle().map(|needle| Needles::new([needle])),
            filter,
        }
    }

    /// Whether most lines are likely to pass.
    pub(super) fn is_wide(&self) -> bool {
        self.needles.is_none()
    }

    /// Hands out the matching lines of `text`, each with its offset in `text` and its time. `before` is the
    /// time of the last record before `text`, and becomes that of the last one in it.
    pub(super) fn lines<'t>(
        &self,
        text: &'t [u8],
        before: &mut Option<Stamp>,
        mut each: impl FnMut(usize, &'t [u8], Stamp),
    ) {
        if self.filter.is_empty() {
            let block = Block::of(0, text);
            for (at, line) in block.lines().filter(|(_, line)| !line.is_empty()) {
                *before = time_of_line(line).or(*before);
                each(at, line, before.unwrap_or(Stamp(0)));
            }
            return;
        }
        let mut take = |at: usize, line: &'t [u8], before: &dyn Fn() -> Option<Stamp>| {
            let record = Record::parse(line);
            let own = record.at.or_else(|| time_of_line(line));
            let time = own.or_else(before);
            if !line.is_empty() && self.filter.matches(&record, time) {
                each(at, line, time.unwrap_or(Stamp(0)));
            }
            own
        };
        let Some(needles) = &self.needles else {
            let block = Block::of(0, text);
            for (at, line) in block.lines() {
                let known = *before;
                *before = take(at, line, &|| known).or(known);
            }
            return;
        };
        let known = *before;
        needles.lines(text, |at, line| {
            take(at, line, &|| last_time(&text[..at]).or(known));
        });
        *before = last_time(text).or(known);
    }
}

/// The time of the last line in `text` that has one.
fn last_time(text: &[u8]) -> Option<Stamp> {
    text.rsplit(|&b| b == b'\n').find_map(Stamp::parse_prefix)
}
