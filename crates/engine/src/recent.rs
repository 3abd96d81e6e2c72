//! The newest calls at once, for completion while the user is typing: read from the ends of the newest files, a bounded
//! number of bytes, no matter how large the files are.
//!
//! This is not an answer to a question: calls far from the end are not looked for, content that can't be read
//! is skipped silently, and of a call that began before the stretch only the end is known.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use calltrace_model::call::{Component, Fact, Joiner, Summary};
use calltrace_model::record::{Place, Record, Stamp, id};
use calltrace_store::fsx::Folder;
use calltrace_store::source::{Source, is_compressed};
use calltrace_store::tree::{ListedFile, LogFile, look_at};

/// Number of files that are looked at from their end: in a folder without compression, these are all of its days.
const FILES_MAX: usize = 16;

/// Bytes read of a file's end to find which file ends last.
const LOOK_BYTES: u64 = 16 << 10;

/// Bytes read of the ends of files in all: some hundred calls.
const READ_BYTES_MAX: u64 = 1 << 20;

/// Bytes read of one file at first: a call has about thirty lines of 200 bytes.
const STEP_BYTES: u64 = 128 << 10;

/// The newest calls of the enterprise with this folder, newest first, at most `limit`. Empty when there are
/// none, or when the folder can't be read.
pub fn recent_calls(folder: &Folder, limit: usize) -> Vec<Summary> {
    let mut listed = look_at(folder).unwrap_or_default();
    listed.sort_by_key(|file| Reverse((file.modified, file.name.generation)));
    listed.truncate(FILES_MAX);
    let opened = listed.into_iter().filter_map(|file| open(folder, file));
    let (archives, mut plain): (Vec<_>, Vec<_>) =
        opened.partition(|log| is_compressed(log).unwrap_or(true));
    // After a copy or a checkout all files have the same age, so their content decides.
    plain.sort_by_cached_key(|log| {
        Reverse(Source::open(Arc::clone(log)).map_or(None, |source| ends_at(&source)))
    });
    let mut seen = RecentCalls::default();
    // The newest archive is enough: just after midnight the live file is nearly empty.
    for log in plain.into_iter().chain(archives.into_iter().take(1)) {
        if let Ok(source) = Source::open(log)
            && source.is_seekable()
        {
            seen.add_end(&source, limit);
        }
        if seen.calls() >= limit || seen.left == 0 {
            break;
        }
    }
    seen.newest(limit)
}

/// When anything was last written for the enterprise, by the times of its files (nanoseconds of Unix time);
/// `None` when it has no log files.
pub fn last_written(folder: &Folder) -> Option<i64> {
    let listed = look_at(folder).ok()?;
    listed.iter().map(|file| file.modified).max()
}

fn open(folder: &Folder, file: ListedFile) -> Option<Arc<LogFile>> {
    LogFile::open(folder, file.name).map(Arc::new).ok()
}

/// The latest time among a file's last lines.
fn ends_at(source: &Source) -> Option<Stamp> {
    let end = source.content_bytes()?;
    let text = read(source, end.saturating_sub(LOOK_BYTES), end);
    let times = text.split(|&b| b == b'\n').filter_map(Stamp::parse_prefix);
    times.max()
}

/// The readable content between two offsets.
fn read(source: &Source, from: u64, end: u64) -> Vec<u8> {
    let mut text = vec![0; usize::try_from(end - from).unwrap_or_default()];
    let mut reader = source.reader(from);
    let mut got = 0;
    while got < text.len() {
        match reader.read(&mut text[got..]) {
            Ok(0) | Err(_) => break,
            Ok(n) => got += n,
        }
    }
    text.truncate(got);
    text
}

/// The calls read so far.
struct RecentCalls {
    facts: Vec<Fact>,
    uids: HashSet<Vec<u8>>,
    files: u32,
    /// Bytes that may still be read.
    left: u64,
}

impl Default for RecentCalls {
    fn default() -> RecentCalls {
        RecentCalls {
            facts: Vec::new(),
            uids: HashSet::new(),
            files: 0,
            left: READ_BYTES_MAX,
        }
    }
}

impl RecentCalls {
    /// A lower bound of the number of calls: most calls have two or three ids.
    fn calls(&self) -> usize {
        self.uids.len() / 3
    }

    /// Reads a file backwards from its end, step by step, until there are enough calls.
    fn add_end(&mut self, source: &Source, limit: usize) {
        self.files += 1;
        let mut end = source.content_bytes().unwrap_or_default();
        let mut step = STEP_BYTES;
        while end > source.start() && self.left > 0 && self.calls() < limit {
            let from = end.saturating_sub(step.min(self.left)).max(source.start());
            self.left -= (end - from).min(self.left);
            let text = read(source, from, end);
            let begun = self.add_lines(&text, from, from == source.start());
            // The bytes before the first whole line are the end of a line that began in an earlier step.
            let next = from + begun;
            if next >= end {
                return;
            }
            end = next;
            step *= 2;
        }
    }

    /// Adds the whole lines of a stretch of a file that begins at `offset`. Returns where in the stretch the
    /// first of them begins.
    fn add_lines(&mut self, text: &[u8], offset: u64, begins_line: bool) -> u64 {
        let newline = |text: &[u8]| text.iter().position(|&b| b == b'\n');
        let begun = match begins_line {
            true => 0,
            false => newline(text).map_or(text.len(), |at| at + 1),
        };
        // A last line that is being written may end within an id.
        let whole = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let mut at = begun;
        while at < whole {
            let length = newline(&text[at..whole]).unwrap_or(whole - at);
            let place = Place {
                source: self.files,
                offset: offset + at as u64,
            };
            self.add_line(&text[at..at + length], place);
            at += length + 1;
        }
        begun as u64
    }

    fn add_line(&mut self, line: &[u8], place: Place) {
        let record = Record::parse(line);
        let Some(at) = record.at else { return };
        if id::is_id(record.uid()) {
            self.uids.insert(record.uid().to_vec());
        }
        self.facts.push(Fact::of(&record, at, place));
    }

    /// The newest calls that have an id.
    fn newest(mut self, limit: usize) -> Vec<Summary> {
        self.facts.sort_by_key(|fact| (fact.at, fact.place));
        let mut joiner = Joiner::default();
        for fact in self.facts {
            joiner.push(fact);
        }
        joiner.infer(|_| true);
        let sum = |mut call: Component| {
            call.facts.sort_by_key(|fact| (fact.at, fact.place));
            Summary::of(&call.facts)
        };
        let all = joiner.take_all().into_iter().filter_map(sum);
        let mut calls: Vec<Summary> = all
            .filter(|call| id::is_id(call.main_uid.as_bytes()))
            .collect();
        calls.sort_by(|a, b| (b.first, &b.main_uid).cmp(&(a.first, &a.main_uid)));
        calls.truncate(limit);
        calls
    }
}
