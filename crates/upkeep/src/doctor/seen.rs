//! One log file as it was found.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use memchr::memmem;

use super::reading::{Reading, text_at};
use super::{Circumstances, DAY_MILLIS};
use calltrace_model::record::Stamp;
use calltrace_store::fsx::{FileIdentity, Folder, Writer};
use calltrace_store::index::{self, Index};
use calltrace_store::scan;
use calltrace_store::source::{Bounds, Form, Source, first_line_at};
use calltrace_store::tree::{FileName, Generation, Listed, LogFile};

/// Those who are neither owner nor of the group may read a file of this permission.
pub(super) const OTHERS_READ: u32 = 0o004;

/// A file's first and last record are looked for in so much of its ends (bytes), and in so much
/// where they are not there.
const END_BYTES: usize = 16 << 10;
const END_BYTES_MAX: usize = 1 << 20;

/// An archive that must be decoded to be judged, and is small enough for that (bytes).
const DECODED_BYTES_MAX: u64 = 256 << 10;

/// The same for one that looks torn.
const TORN_BYTES_MAX: u64 = 64 << 20;

/// A run of NULs of this length is a hole, never text; as readers judge it.
const HOLE: &[u8] = &[0; 4];

/// Two workers take a file's day and a record's time from two looks at the clock; a record may stand
/// so far on the other side of midnight (milliseconds).
pub(super) const MIDNIGHT_MILLIS: i64 = 60_000;

/// What there is of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IndexState {
    Missing,
    Fresh,
    /// Why it is of no use, as a clause.
    Stale(String),
    /// Others may read it, and we not: that costs us time and nobody else anything.
    Closed,
    /// It says what is not so, and answers may miss lines.
    Wrong(String),
}

/// A log file.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: FileName,
    pub(super) bytes: u64,
    pub(super) form: Form,
    pub(super) mode: u32,
    pub(super) user: u32,
    pub(super) identity: FileIdentity,
    pub(super) modified: Stamp,
    /// Time of the last change (nanoseconds of Unix time).
    pub(super) modified_nanos: i64,
    pub(super) index: IndexState,
    /// What is wrong with the content, as far as that is known.
    pub(super) damage: Vec<scan::Finding>,
    /// Earliest and latest time of a record; `None` where there is none, or only decoding would tell.
    pub(super) first: Option<Stamp>,
    pub(super) last: Option<Stamp>,
    /// So much of its content is of a later day than its name says (bytes).
    pub(super) beyond_bytes: Option<u64>,
    /// Its last byte is that of no line's end.
    pub(super) ends_half: bool,
    /// Where a run of NULs was met, in what was looked at.
    pub(super) hole: Option<u64>,
    pub(super) reading: Option<Reading>,
    pub(super) writers: Vec<Writer>,
}

impl Seen {
    /// Looks at a file.
    pub(super) fn of(
        circumstances: &Circumstances<'_>,
        folder: &Folder,
        name: &FileName,
    ) -> io::Result<Seen> {
        let doctor = circumstances.doctor;
        let log = Arc::new(LogFile::open(folder, name.clone())?);
        let metadata = log.file.metadata()?;
        let (state, index) = match Index::open(&log) {
            Ok(None) => (IndexState::Missing, None),
            Ok(Some(index)) => (IndexState::Fresh, Some(index)),
            Err(_) if is_closed(&log) => (IndexState::Closed, None),
            Err(why) => (IndexState::Stale(why), None),
        };
        let source = match &index {
            Some(index) => Source::known(Arc::clone(&log), index.form()),
            None => Source::open(Arc::clone(&log))?,
        };
        if let Some(index) = &index {
            source.set_table(|| index.bgzf_table());
        }
        let mut seen = Seen::bare(circumstances, &log, &metadata, &source);
        seen.index = state;
        if let Some(index) = &index {
            seen.damage = index.findings().cloned().collect();
            (seen.first, seen.last) = index.times();
        }
        if doctor.deep
            && index.is_some()
            && let Err(why) = index::check(&log, doctor.zone)
        {
            seen.index = IndexState::Wrong(why);
        }
        if doctor.deep || (index.is_none() && must_be_decoded(&source)) {
            let (reading, damage) = Reading::whole(&source, circumstances.doctor.zone);
            (seen.first, seen.last) = (reading.first, reading.last);
            seen.ends_half = damage
                .iter()
                .any(|found| matches!(found, scan::Finding::HalfLine { .. }));
            seen.damage = damage;
            seen.reading = Some(reading);
        } else {
            seen.look_at_ends(circumstances, &source, index.as_ref());
        }
        seen.look_beyond(&source);
        Ok(seen)
    }

    fn bare(
        circumstances: &Circumstances<'_>,
        log: &LogFile,
        metadata: &Metadata,
        source: &Source,
    ) -> Seen {
        let modified =
            DateTime::from_timestamp(metadata.mtime(), 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let writers = circumstances.holders.writers(log.identity);
        Seen {
            name: log.name.clone(),
            bytes: log.bytes,
            form: source.form(),
            mode: metadata.mode() & 0o7777,
            user: metadata.uid(),
            identity: log.identity,
            modified: circumstances.doctor.zone.stamp(modified),
            modified_nanos: metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec(),
            index: IndexState::Missing,
            damage: Vec::new(),
            first: None,
            last: None,
            beyond_bytes: None,
            ends_half: false,
            hole: None,
            reading: None,
            writers: writers.to_vec(),
        }
    }

    /// The times at both ends, where no index tells them, and how the file begins and ends.
    fn look_at_ends(
        &mut self,
        circumstances: &Circumstances<'_>,
        source: &Source,
        index: Option<&Index>,
    ) {
        if source.form() == Form::Gzip {
            if index.is_none() {
                let bounds = Bounds::probe(source, circumstances.doctor.zone);
                (self.first, self.last) = (bounds.first, bounds.last);
            }
            return;
        }
        let Some(total) = source.content_bytes().filter(|total| *total > 0) else {
            return;
        };
        let is_plain = source.form() == Form::Plain;
        if !is_plain && index.is_some() {
            return;
        }
        for bytes in [END_BYTES, END_BYTES_MAX] {
            let head = text_at(source, 0, bytes);
            self.first = self.first.or_else(|| times(&head).next());
            let from = total.saturating_sub(bytes as u64);
            let tail = text_at(source, from, bytes);
            self.ends_half = tail.last().is_some_and(|&b| b != b'\n');
            self.last = self.last.max(times(&tail).max());
            let in_head = memmem::find(&head, HOLE).map(|at| at as u64);
            let in_tail = || Some(from + memmem::find(&tail, HOLE)? as u64);
            self.hole = in_head.or_else(in_tail);
            let is_all = total <= bytes as u64;
            if is_all || (self.first.is_some() && self.last.is_some()) {
                break;
            }
        }
        self.first = [self.first, self.last].into_iter().flatten().min();
    }

    fn look_beyond(&mut self, source: &Source) {
        if let Some(limit) = self.day().and_then(day_end)
            && self.last.is_some_and(|last| last >= limit)
            && let Some(total) = source.content_bytes()
        {
            let near = first_line_at(source, limit);
            self.beyond_bytes = Some(total - line_at(source, near, limit).min(total));
        }
    }

    /// Reads some text of the file, if none of it was read yet.
    pub(super) fn sample(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) {
        if self.reading.is_some() {
            return;
        }
        let opened = LogFile::open(folder, self.name.clone());
        if let Ok(source) = opened.and_then(|log| Source::open(Arc::new(log))) {
            self.reading = Some(Reading::sample(&source, circumstances.doctor.zone));
        }
    }

    /// The day in its name.
    pub(super) fn day(&self) -> Option<NaiveDate> {
        match self.name.generation {
            Generation::Dated(day) => Some(day),
            _ => None,
        }
    }

    /// Named by its writer after the day it writes on, so that today's is the live one:
    /// `events_YYYY-MM-DD.log`.
    pub(super) fn is_daily(&self) -> bool {
        self.name.stem.starts_with("events_")
    }

    /// Writers may still be at it: `events.log`, or the file of a day that is not over.
    pub(super) fn is_live(&self, today: NaiveDate) -> bool {
        let is_today = self.is_daily() && self.day().is_some_and(|day| day >= today);
        !self.name.gz && (self.name.generation == Generation::Live || is_today)
    }

    /// Lines as they are, which nobody should add to any more.
    pub(super) fn is_unsealed(&self, today: NaiveDate) -> bool {
        self.form == Form::Plain && !self.name.gz && !self.is_live(today)
    }

    /// The day of its last record; of its last change where no record has a time.
    pub(super) fn last_day(&self) -> NaiveDate {
        day_of(self.last.unwrap_or(self.modified))
    }

    /// As a listing would show it.
    pub(super) fn listed(&self) -> Listed {
        Listed {
            name: self.name.clone(),
            identity: self.identity,
            bytes: self.bytes,
            modified: self.modified_nanos,
        }
    }
}

impl Seen {
    /// Whether every user of the machine may read it.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.mode & OTHERS_READ != 0
    }
}

impl Circumstances<'_> {
    /// Today, in the zone of the logs.
    pub(super) fn today(&self) -> NaiveDate {
        day_of(self.now)
    }
}

/// The day of a record's time.
pub(super) fn day_of(at: Stamp) -> NaiveDate {
    at.naive().unwrap_or_default().date()
}

/// When a day begins.
pub(super) fn day_start(day: NaiveDate) -> Option<Stamp> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    Some(Stamp(midnight.and_utc().timestamp_millis()))
}

/// When records can be of that day no more.
pub(super) fn day_end(day: NaiveDate) -> Option<Stamp> {
    Some(day_start(day)?.plus_millis(DAY_MILLIS + MIDNIGHT_MILLIS))
}

/// Where the first line of that time or later begins, from the beginning of a line that is not far
/// before it.
fn line_at(source: &Source, from: u64, time: Stamp) -> u64 {
    let text = text_at(source, from, END_BYTES_MAX);
    let mut at = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if Stamp::parse_prefix(line).is_some_and(|found| found >= time) {
            break;
        }
        at += line.len() as u64;
    }
    from + at
}

/// Whether nothing but decoding tells if a gzip is whole, and that costs little.
fn must_be_decoded(source: &Source) -> bool {
    let bytes = source.log.bytes;
    source.form() == Form::Gzip
        && (bytes <= DECODED_BYTES_MAX || (bytes <= TORN_BYTES_MAX && begins_as_bgzf(source)))
}

/// A BGZF file that could not be walked through to its end is torn: its first member says what it
/// was to become.
fn begins_as_bgzf(source: &Source) -> bool {
    use std::os::unix::fs::FileExt;
    let mut head = [0; 14];
    let read = source.log.file.read_exact_at(&mut head, 0);
    read.is_ok() && head[3] == 4 && &head[12..14] == b"BC"
}

fn is_closed(log: &LogFile) -> bool {
    let opened = index::open_own(&log.folder, &index::file_name(&log.name));
    opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

fn times(text: &[u8]) -> impl Iterator<Item = Stamp> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let nuls = line.iter().take_while(|&&b| b == 0).count();
        Stamp::parse_prefix(&line[nuls..])
    })
}
