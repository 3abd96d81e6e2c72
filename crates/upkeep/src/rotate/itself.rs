//! Whether the writer of a live file rotates it: one rule, for `rotate`, which plans by it, and for
//! `doctor`, which explains it.

use super::memory::Memory;
use crate::survey::log::Log;
use crate::survey::times::day_of;
use calltrace_store::source::Form;
use calltrace_store::tree::Generation;

/// A writer that rotates at midnight has done so by then (milliseconds): it does it with the first
/// line of the day.
const MIDNIGHT_MILLIS: i64 = 3_600_000;

/// Whether a log file bears the name that a writer gives `events.log` at midnight, and not from us.
pub(crate) fn is_by_writer(log: &Log, memory: &Memory) -> bool {
    let dated = matches!(log.name.generation, Generation::Dated(_));
    let ours = memory.renamed.contains(&log.name);
    dated && log.name.stem.starts_with("events.log.") && !ours && !log.is_live_too
}

/// Whether the writer of the live file rotates it: there are dated files that nobody here made, or
/// were once. Of what is long past, a live file that goes on over midnight proves the opposite.
pub(crate) fn rotates_itself<'f>(
    memory: &Memory,
    others: &(impl Iterator<Item = &'f Log> + Clone),
    live: Option<&Log>,
) -> bool {
    let of_form = |form| {
        let mut others = others.clone();
        others.any(|log| log.form == form && is_by_writer(log, memory))
    };
    if of_form(Form::Plain) {
        return true;
    }
    let goes_over_midnight = match live.and_then(|live| live.first.zip(live.last)) {
        Some((first, last)) => {
            day_of(first) < day_of(last)
                && day_of(first) < day_of(last.plus_millis(-MIDNIGHT_MILLIS))
        }
        None => false,
    };
    (memory.rotates_itself || of_form(Form::Gzip)) && !goes_over_midnight
}
