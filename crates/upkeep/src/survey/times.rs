//! Record times in a file: the first, the last, the latest plausible one, and their days.

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;
use memchr::memchr;

use calltrace_model::record::Stamp;
use calltrace_store::source::{Source, text_before, times};
use calltrace_store::tree::LogFile;

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A time counts only at the very beginning of a line.
const HEAD_BYTES: usize = Stamp::BYTES;

/// The day of a record's time.
pub(crate) fn day_of(at: Stamp) -> NaiveDate {
    at.naive().unwrap_or_default().date()
}

/// How long a day is (milliseconds).
pub(crate) const DAY_MILLIS: i64 = 86_400_000;

/// The time at which a day begins.
pub(crate) fn day_start(day: NaiveDate) -> Option<Stamp> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    Some(Stamp(midnight.and_utc().timestamp_millis()))
}

/// The time of the first line that has one. Unreadable parts are skipped.
pub(crate) fn first(source: &Source) -> Option<Stamp> {
    let mut found = None;
    each(source, |_, at| {
        found = Some(at);
        false
    });
    found
}

/// The days of a file's records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordDays {
    /// The number of records per day.
    counts: BTreeMap<NaiveDate, u64>,
    /// The file's stretches: a new one begins with the first record of a day that is later than all days before it.
    /// So records that two workers write out of order around midnight stay in one stretch.
    pub(crate) stretches: Vec<NaiveDate>,
}

impl RecordDays {
    /// All records are of one day.
    pub(crate) fn one(day: NaiveDate) -> RecordDays {
        RecordDays {
            counts: BTreeMap::from([(day, 1)]),
            stretches: vec![day],
        }
    }

    /// The days of a plain file. Records of a day that `is_believed` refuses do not count: the clock was wrong.
    pub(crate) fn of(source: &Source, is_believed: impl Fn(NaiveDate) -> bool) -> RecordDays {
        let mut days = RecordDays::default();
        each(source, |_, at| {
            let day = day_of(at);
            if is_believed(day) {
                *days.counts.entry(day).or_default() += 1;
                if days.stretches.last().is_none_or(|last| *last < day) {
                    days.stretches.push(day);
                }
            }
            true
        });
        days
    }

    /// The day with the most records among the days that have ended by `today`, or among all days if none has; of
    /// two with equally many records, the earlier. `None` if no record has a time.
    ///
    /// The first record's day would be wrong: around midnight it may still be of the day before. So would the last
    /// record's: a rotation comes after midnight.
    pub(crate) fn main(&self, today: NaiveDate) -> Option<NaiveDate> {
        let most = |days: &mut dyn Iterator<Item = (&NaiveDate, &u64)>| {
            let day = days.max_by_key(|(day, count)| (**count, std::cmp::Reverse(**day)));
            day.map(|(day, _)| *day)
        };
        let ended = most(&mut self.counts.range(..today));
        ended.or_else(|| most(&mut self.counts.iter()))
    }
}

/// The first stretch of a plain file (see [`RecordDays::stretches`]): its day, and the content offset of the first
/// record of a later day, `u64::MAX` if there is none. The day is `None` if no record has a plausible time.
pub(crate) fn first_stretch(
    source: &Source,
    is_believed: impl Fn(NaiveDate) -> bool,
) -> (Option<NaiveDate>, u64) {
    let (mut first, mut end) = (None, u64::MAX);
    each(source, |offset, at| {
        let day = day_of(at);
        if is_believed(day) && *first.get_or_insert(day) < day {
            end = offset;
        }
        end == u64::MAX
    });
    (first, end)
}

/// The latest record time up to `limit`. Later ones are of a clock that was wrong.
pub(crate) fn latest(source: &Source, limit: Stamp) -> Option<Stamp> {
    let mut latest = None;
    each(source, |_, at| {
        if at <= limit {
            latest = latest.max(Some(at));
        }
        true
    });
    latest
}

/// Calls `report` with the content offset and the time of each line, in the order of the file, until it returns false.
fn each(source: &Source, mut report: impl FnMut(u64, Stamp) -> bool) {
    let mut reader = source.reader(0);
    let mut text = vec![0; CHUNK_BYTES];
    // The beginning of the line that goes on in the next chunk.
    let mut head: Vec<u8> = Vec::with_capacity(HEAD_BYTES);
    let mut begin = 0;
    loop {
        let got = match reader.read(&mut text) {
            Ok(0) => break,
            Ok(got) => got,
            // Reading goes on after the damage, with a new line.
            Err(_) => {
                head.clear();
                begin = reader.position();
                continue;
            }
        };
        let end = reader.position();
        let mut rest = &text[..got];
        while !rest.is_empty() {
            let newline = memchr(b'\n', rest);
            let line = &rest[..newline.unwrap_or(rest.len())];
            grow(&mut head, line);
            rest = &rest[newline.map_or(rest.len(), |at| at + 1)..];
            if newline.is_some() {
                if Stamp::parse_prefix(&head).is_some_and(|at| !report(begin, at)) {
                    return;
                }
                head.clear();
                begin = end - rest.len() as u64;
            }
        }
    }
    if let Some(at) = Stamp::parse_prefix(&head) {
        report(begin, at);
    }
}

/// Extends the kept beginning of a line, up to [`HEAD_BYTES`]. NULs of a hole before the line are skipped.
fn grow(head: &mut Vec<u8>, line: &[u8]) {
    let nuls = match head.is_empty() {
        true => line.iter().take_while(|&&b| b == 0).count(),
        false => 0,
    };
    let wanted = HEAD_BYTES.saturating_sub(head.len());
    head.extend(line[nuls..].iter().take(wanted));
}

/// Whether a file's first `end` bytes hold only blank lines and holes.
pub(crate) fn is_blank(log: &LogFile, end: u64) -> io::Result<bool> {
    let mut text = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < end {
        let got = log.file.read_at(&mut text, at)?;
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(got);
        if wanted == 0 {
            break;
        }
        if text[..wanted].iter().any(|b| !matches!(b, b'\n' | 0)) {
            return Ok(false);
        }
        at += wanted as u64;
    }
    Ok(true)
}

/// The time of the last line that has one, in a plain file's first `end` bytes.
pub(crate) fn last(log: &LogFile, end: u64) -> io::Result<Option<Stamp>> {
    let mut text = vec![0; CHUNK_BYTES];
    let mut end = end;
    while end > 0 {
        let (start, text) = text_before(log, end, &mut text)?;
        // The first line that begins in this chunk.
        let begin = match start {
            0 => 0,
            _ => memchr(b'\n', text).map_or(text.len(), |newline| newline + 1),
        };
        let found = times(&text[begin..]).next_back();
        if found.is_some() || start == 0 {
            return Ok(found);
        }
        // The beginning of a line longer than the chunk is read with the chunk before.
        let known = if begin < text.len() {
            begin
        } else {
            HEAD_BYTES
        };
        end = start + known as u64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;

    use super::*;
    use calltrace_store::fsx::Folder;
    use calltrace_store::source::last_line_end;
    use calltrace_store::tree::FileName;

    fn source(text: &[u8]) -> Source {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("events.log");
        fs::write(&path, text).expect("written");
        let file = File::open(&path).expect("open");
        let metadata = file.metadata().expect("there");
        let folder = Folder::open(dir.path()).expect("open");
        let name = FileName::parse("events.log").expect("a log");
        let log = LogFile::of(&folder, name, "events.log", file, &metadata);
        Source::open(Arc::new(log)).expect("readable")
    }

    fn stamp(text: &str) -> Option<Stamp> {
        Stamp::parse_prefix(text.as_bytes())
    }

    #[test]
    fn times_are_found_across_chunk_ends() {
        let (early, late) = ("2025-11-29 08:00:00,000", "2025-11-29 09:00:00,000");
        for long in [
            10,
            CHUNK_BYTES - 30,
            CHUNK_BYTES - 24,
            CHUNK_BYTES - 10,
            CHUNK_BYTES,
            3 * CHUNK_BYTES,
        ] {
            let filler = "x".repeat(long);
            for text in [
                format!("\0\0\n\n{early}|a\n{late}|{filler}\nno time\n"),
                format!("{filler}\n{early}|a\n{late}|b\n{filler}"),
                format!("{filler}\n{late}|a\n{early}|b\n{late}|c\n{filler}\n"),
            ] {
                let source = source(text.as_bytes());
                let end = source.log.bytes;
                assert_eq!(last(&source.log, end).expect("read"), stamp(late), "{long}");
                let limit = stamp(late).expect("a time");
                assert_eq!(latest(&source, limit), stamp(late), "{long}");
                assert_eq!(
                    latest(&source, limit.plus_millis(-1)),
                    stamp(early),
                    "{long}"
                );
                let line_end = last_line_end(&source.log, end).expect("read");
                let wanted = text.rfind('\n').map_or(0, |at| at + 1);
                assert_eq!(line_end, wanted as u64, "{long}");
            }
        }
        assert_eq!(
            first(&source(format!("\n\0\0{early}|").as_bytes())),
            stamp(early)
        );
        assert_eq!(first(&source(b"no time\n")), None);
    }

    #[test]
    fn stretches_begin_with_a_later_day_across_chunk_ends() {
        let day = |day: u32| NaiveDate::from_ymd_opt(2025, 11, day).expect("a day");
        let is_believed = |at: NaiveDate| at >= day(1) && at <= day(30);
        for long in [
            10,
            CHUNK_BYTES - 30,
            CHUNK_BYTES - 24,
            CHUNK_BYTES,
            3 * CHUNK_BYTES,
        ] {
            let filler = "x".repeat(long);
            let front = format!(
                "\0\n2025-10-01 08:00:00,000|wrong\n2025-11-28 08:00:00,000|{filler}\nno time\n\
                 2025-12-01 08:00:00,000|to come\n2025-11-27 08:00:00,000|late\n"
            );
            let back = "2025-11-29 00:00:00,000|a\n2025-11-28 23:59:59,999|b\n2025-11-29 08:00:00,000|c\n\
                        2025-11-30 00:00:00,000|d\n2025-11-30 00:00:00,001|e\n2025-11-30 00:00:00,002|f\n";
            let source = source(format!("{front}{back}").as_bytes());
            let stretch = first_stretch(&source, is_believed);
            assert_eq!(stretch, (Some(day(28)), front.len() as u64), "{long}");
            let days = RecordDays::of(&source, is_believed);
            assert_eq!(days.stretches, [day(28), day(29), day(30)]);
            assert_eq!(days.main(day(30)), Some(day(28)));
            assert_eq!(days.main(day(28)), Some(day(27)));
            assert_eq!(days.main(day(27)), Some(day(30)));
        }
        assert_eq!(
            first_stretch(&source(b"no time\n"), is_believed),
            (None, u64::MAX)
        );
        assert_eq!(RecordDays::default().main(day(1)), None);
    }

    #[test]
    fn holes_and_blank_lines_are_blank() {
        let blank = source(b"\n\0\0\n");
        assert!(is_blank(&blank.log, 4).expect("read"));
        let half = source(b"\n\0\0\nx");
        assert!(is_blank(&half.log, 4).expect("read"));
        assert!(!is_blank(&half.log, 5).expect("read"));
    }
}
