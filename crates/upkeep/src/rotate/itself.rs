//! Whether the writer of a live file rotates it: one rule, for `rotate`, which plans by it, and for
//! `doctor`, which explains it.

use super::memory::Memory;
use super::site::Site;
use calltrace_model::record::Stamp;
use calltrace_store::source::Form;
use calltrace_store::tree::{FileName, Generation};

/// A writer that rotates at midnight has done so by then (milliseconds): it does it with the first
/// line of the day.
const MIDNIGHT_MILLIS: i64 = 3_600_000;

/// A log file that is not the live one, as far as it shows who named it.
#[derive(Debug, Clone, Copy)]
pub struct Dated<'f> {
    /// Its name.
    pub name: &'f FileName,
    /// How its content is stored.
    pub form: Form,
    /// The same file as the live one, under a second name.
    pub is_live_too: bool,
}

impl Dated<'_> {
    /// Whether it bears the name that a writer gives `events.log` at midnight, and not from us.
    pub fn is_by_writer(&self, memory: &Memory) -> bool {
        let dated = matches!(self.name.generation, Generation::Dated(_));
        let ours = memory.renamed.contains(&self.name.full());
        dated && self.name.stem.starts_with("events.log.") && !ours && !self.is_live_too
    }
}

/// Whether the writer of the live file rotates it: there are dated files that nobody here made, or
/// were once. Of what is long past, a live file that goes on over midnight proves the opposite.
/// `live` are the times of its first and last record.
pub fn rotates_itself<'f>(
    memory: &Memory,
    files: &(impl Iterator<Item = Dated<'f>> + Clone),
    live: (Option<Stamp>, Option<Stamp>),
) -> bool {
    let of_form = |form| {
        let mut files = files.clone();
        files.any(|file| file.form == form && file.is_by_writer(memory))
    };
    if of_form(Form::Plain) {
        return true;
    }
    let goes_over_midnight = match live {
        (Some(first), Some(last)) => {
            Site::day(first) < Site::day(last)
                && Site::day(first) < Site::day(last.plus_millis(-MIDNIGHT_MILLIS))
        }
        _ => false,
    };
    (memory.rotates_itself || of_form(Form::Gzip)) && !goes_over_midnight
}
