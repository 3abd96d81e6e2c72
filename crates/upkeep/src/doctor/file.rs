//! What the doctor adds to the survey of one log file.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use chrono::NaiveDate;
use memchr::memmem;

use super::Circumstances;
use super::reading::TextReading;
use crate::survey;
use crate::survey::log::LogStat;
use crate::survey::times::{DAY_MILLIS, day_of, day_start};
use calltrace_model::record::Stamp;
use calltrace_store::fsx::{Folder, WriterProcess};
use calltrace_store::index::{self, Index};
use calltrace_store::scan;
use calltrace_store::source::{ContentFormat, Source, TimeBounds, first_line_at, times};
use calltrace_store::tree::{FileName, Generation, LogFile};

/// The permission of others, who are neither owner nor in the group, to read.
pub(super) const OTHERS_READ: u32 = 0o004;

/// The first and last record are looked for in this much of a file's ends (bytes), and in `END_BYTES_MAX` if they
/// are not there.
const END_BYTES: usize = 16 << 10;
const END_BYTES_MAX: usize = 1 << 20;

/// An archive that must be decoded to be judged is decoded up to this size (bytes).
const DECODED_BYTES_MAX: u64 = 256 << 10;

/// An archive that looks torn is decoded up to this size (bytes).
const TORN_BYTES_MAX: u64 = 64 << 20;

/// A run of NULs of this length is a hole, never text; as readers judge it.
const HOLE: &[u8] = &[0; 4];

/// A worker reads the clock once for a file's day and once for a record's time, so a record may be this far on the
/// other side of midnight (milliseconds).
pub(super) const MIDNIGHT_MILLIS: i64 = 60_000;

pub(super) type ExaminedFile = survey::SurveyedFile<FileHealth>;

/// What the doctor knows of a log file. The times of its log are also `None` if only decoding would show them.
#[derive(Debug, Default)]
pub(super) struct FileHealth {
    /// The current user may not read its index: only this user's searches take longer.
    pub(super) is_index_closed: bool,
    /// Why its index is wrong, as a clause; answers may miss lines.
    pub(super) wrong_index: Option<String>,
    /// The damage of its content, as far as it is known.
    pub(super) damage: Vec<scan::ContentFinding>,
    /// How much of its content is of a later day than its name says (bytes).
    pub(super) beyond_bytes: Option<u64>,
    /// Its last byte is not a newline.
    pub(super) ends_half: bool,
    /// The offset of a run of NULs in the text that was read.
    pub(super) hole: Option<u64>,
    pub(super) reading: Option<TextReading>,
    pub(super) writers: Vec<WriterProcess>,
}

impl FileHealth {
    /// The content offset and the length (bytes) of the first damage of a kind (see [`scan::ContentFinding::place`]).
    pub(super) fn place_of(
        &self,
        is_kind: impl Fn(&scan::ContentFinding) -> bool,
    ) -> Option<(u64, u64)> {
        let found = self.damage.iter().find(|found| is_kind(found))?;
        found.place().map(|(offset, bytes)| (offset, bytes as u64))
    }
}

impl ExaminedFile {
    /// Examines a file.
    pub(super) fn of(
        circumstances: &Circumstances<'_>,
        folder: &Folder,
        name: &FileName,
    ) -> io::Result<ExaminedFile> {
        let doctor = circumstances.doctor;
        let log = Arc::new(LogFile::open(folder, name.clone())?);
        let metadata = log.file.local()?.metadata()?;
        let opened = Index::open(&log);
        let state = index::state_of(&log, &opened);
        let is_index_closed = opened.is_err() && is_closed(folder, name);
        let index = opened.ok().flatten();
        let source = match &index {
            Some(index) => Source::known(Arc::clone(&log), index.format()),
            None => Source::open(Arc::clone(&log))?,
        };
        let more = FileHealth {
            is_index_closed,
            writers: circumstances.holders.writers(log.identity).to_vec(),
            ..FileHealth::default()
        };
        let mut seen = ExaminedFile {
            log: LogStat::of(&source, &metadata, state, doctor.zone),
            more,
        };
        if let Some(index) = &index {
            seen.more.damage = index.findings().cloned().collect();
            // Also from an index that does not cover all of its file.
            (seen.log.first, seen.log.last) = index.times();
        }
        if doctor.deep && index.is_some() {
            seen.more.wrong_index = index::check(&log, doctor.zone).err();
        }
        if doctor.deep || (index.is_none() && must_be_decoded(&source)) {
            let (reading, damage) = TextReading::whole(&source, circumstances.doctor.zone);
            (seen.log.first, seen.log.last) = (reading.first, reading.last);
            seen.more.ends_half = damage
                .iter()
                .any(|found| matches!(found, scan::ContentFinding::HalfLine { .. }));
            seen.more.damage = damage;
            seen.more.reading = Some(reading);
        } else {
            seen.look_at_ends(circumstances, &source, index.as_ref());
        }
        seen.look_beyond(&source);
        Ok(seen)
    }

    /// Reads the times at both ends, if no index has them, and how the file begins and ends.
    fn look_at_ends(
        &mut self,
        circumstances: &Circumstances<'_>,
        source: &Source,
        index: Option<&Index>,
    ) {
        if source.form() == ContentFormat::Gzip {
            if index.is_none() {
                let bounds = TimeBounds::probe(source, circumstances.doctor.zone);
                (self.log.first, self.log.last) = (bounds.first, bounds.last);
            }
            return;
        }
        let Some(total) = source.content_bytes().filter(|total| *total > 0) else {
            return;
        };
        let is_plain = source.form() == ContentFormat::Plain;
        if !is_plain && index.is_some() {
            return;
        }
        for bytes in [END_BYTES, END_BYTES_MAX] {
            let head = source.text_at(0, bytes);
            self.log.first = self.log.first.or_else(|| times(&head).next());
            let from = total.saturating_sub(bytes as u64);
            let tail = source.text_at(from, bytes);
            self.more.ends_half = tail.last().is_some_and(|&b| b != b'\n');
            self.log.last = self.log.last.max(times(&tail).max());
            let in_head = memmem::find(&head, HOLE).map(|at| at as u64);
            let in_tail = || Some(from + memmem::find(&tail, HOLE)? as u64);
            self.more.hole = in_head.or_else(in_tail);
            let is_all = total <= bytes as u64;
            if is_all || (self.log.first.is_some() && self.log.last.is_some()) {
                break;
            }
        }
        self.log.first = [self.log.first, self.log.last].into_iter().flatten().min();
    }

    fn look_beyond(&mut self, source: &Source) {
        if let Some(limit) = self.log.name.day().and_then(day_end)
            && self.log.last.is_some_and(|last| last >= limit)
            && let Some(total) = source.content_bytes()
        {
            let near = first_line_at(source, limit);
            self.more.beyond_bytes = Some(total - line_at(source, near, limit).min(total));
        }
    }

    /// Reads some text of the file, if none of it was read yet.
    pub(super) fn sample(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) {
        if self.more.reading.is_some() {
            return;
        }
        let opened = LogFile::open(folder, self.log.name.clone());
        if let Ok(source) = opened.and_then(|log| Source::open(Arc::new(log))) {
            self.more.reading = Some(TextReading::sample(&source, circumstances.doctor.zone));
        }
    }

    /// Whether its writer names it after the current day, so that today's file is the live one:
    /// `events_YYYY-MM-DD.log`.
    pub(super) fn is_daily(&self) -> bool {
        self.log.name.stem.starts_with("events_")
    }

    /// Whether writers may still write to it: `events.log`, or the file of a day that is not over.
    pub(super) fn is_live(&self, today: NaiveDate) -> bool {
        let is_today = self.is_daily() && self.is_of_day_since(today);
        !self.log.name.gz && (self.log.name.generation == Generation::Live || is_today)
    }

    /// Whether it is a plain file that no process should write to any more.
    pub(super) fn is_unsealed(&self, today: NaiveDate) -> bool {
        let may_grow = self.log.name.is_recovered() && self.is_of_day_since(today);
        self.log.form == ContentFormat::Plain
            && !self.log.name.gz
            && !self.is_live(today)
            && !may_grow
    }

    fn is_of_day_since(&self, today: NaiveDate) -> bool {
        self.log.name.day().is_some_and(|day| day >= today)
    }

    /// The day of its last record, or of its modification if no record has a time.
    pub(super) fn last_day(&self) -> NaiveDate {
        day_of(self.log.last.unwrap_or(self.log.modified))
    }

    /// Whether every user of the machine may read it.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.log.mode & OTHERS_READ != 0
    }
}

impl Circumstances<'_> {
    /// Today, in the zone of the logs.
    pub(super) fn today(&self) -> NaiveDate {
        day_of(self.now)
    }
}

/// The time after which no record can be of that day.
pub(super) fn day_end(day: NaiveDate) -> Option<Stamp> {
    Some(day_start(day)?.plus_millis(DAY_MILLIS + MIDNIGHT_MILLIS))
}

/// The position at which the first line of that time or later begins, searched from the beginning of a line shortly
/// before it.
fn line_at(source: &Source, from: u64, time: Stamp) -> u64 {
    let text = source.text_at(from, END_BYTES_MAX);
    let mut at = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if Stamp::parse_prefix(line).is_some_and(|found| found >= time) {
            break;
        }
        at += line.len() as u64;
    }
    from + at
}

/// Whether only decoding shows if a gzip is complete, and decoding it costs little.
fn must_be_decoded(source: &Source) -> bool {
    let bytes = source.log.bytes;
    source.form() == ContentFormat::Gzip
        && (bytes <= DECODED_BYTES_MAX || (bytes <= TORN_BYTES_MAX && begins_as_bgzf(source)))
}

/// Whether a file begins as BGZF. If it can't be walked through to its end as BGZF, it is torn.
fn begins_as_bgzf(source: &Source) -> bool {
    let mut head = [0; 14];
    let read = source.log.file.read_exact_at(&mut head, 0);
    read.is_ok() && head[3] == 4 && &head[12..14] == b"BC"
}

fn is_closed(folder: &Folder, name: &FileName) -> bool {
    let opened = index::open_own(folder, &index::file_name(name));
    opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}
