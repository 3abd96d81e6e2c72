//! Passes each record to the parsers of the logs, until one recognises it.

use std::sync::Arc;

use super::all_events::AllEvents;
use super::one_enterprise::OneEnterprise;
use super::placed::PlacedRecord;
use super::records::{LogRecord, Splitter};
use super::tester::Tester;
use super::{EVENTS_MAX, LogContents, RecordContext};

/// Reads the lines of one log, over all its files.
#[derive(Debug)]
pub(super) struct Parser {
    splitter: Splitter,
    place: RecordContext,
    tester: Tester,
    one_enterprise: OneEnterprise,
    all_events: AllEvents,
    reading: LogContents,
    newest_millis: i64,
}

impl Parser {
    pub(super) fn new(place: RecordContext) -> Parser {
        Parser {
            splitter: Splitter::default(),
            place,
            tester: Tester::default(),
            one_enterprise: OneEnterprise::default(),
            all_events: AllEvents::default(),
            reading: LogContents::default(),
            newest_millis: i64::MIN,
        }
    }

    /// Starts another file. A record may continue in it if rotation cuts between lines.
    pub(super) fn begin_file(&mut self, source: Arc<str>) {
        // A rotation cuts between records, so the current record is complete.
        self.settle();
        self.splitter.begin_file();
        self.place.source = source;
    }

    /// Counts skipped lines.
    pub(super) fn skip_lines(&mut self, lines: u64) {
        self.splitter.skip_lines(lines);
    }

    /// Reads a line; false if there is no room for more events.
    pub(super) fn line(&mut self, line: &[u8]) -> bool {
        if let Some(record) = self.splitter.push(line) {
            self.record(record);
        }
        let reading = &mut self.reading;
        let held = reading.sent.len() + reading.received.len() + reading.complaints.len();
        reading.is_full = held + self.tester.held() >= EVENTS_MAX;
        !reading.is_full
    }

    /// Treats the last record as complete, although no record follows it.
    pub(super) fn settle(&mut self) {
        if let Some(record) = self.splitter.rest() {
            self.record(record);
        }
    }

    fn record(&mut self, record: LogRecord) {
        let seen = PlacedRecord {
            at_millis: self.place.zone.moment(record.at).timestamp_millis(),
            place: &self.place,
            record,
        };
        self.newest_millis = self.newest_millis.max(seen.at_millis);
        let out = &mut self.reading;
        out.records += 1;
        let _ = self.one_enterprise.record(&seen, out)
            || self.all_events.record(&seen, out)
            || self.tester.record(&seen, out);
    }

    /// The time of the newest record, in milliseconds since 1970 UTC.
    pub(super) fn newest_millis(&self) -> i64 {
        self.newest_millis
    }

    /// Returns the complete events so far. A request without an answer is kept back, unless it is older than
    /// `before_millis`.
    pub(super) fn take(&mut self, before_millis: i64) -> LogContents {
        self.tester.take(before_millis, &mut self.reading);
        std::mem::take(&mut self.reading)
    }

    /// Returns everything at the end of the log.
    pub(super) fn finish(mut self) -> LogContents {
        self.settle();
        self.one_enterprise.finish(&mut self.reading);
        let (stray, cut) = (self.splitter.stray, self.splitter.cut);
        let mut reading = std::mem::take(&mut self.reading);
        self.tester.finish(&mut reading);
        if reading.form().is_some() && stray > 0 {
            let what = format!("{stray} lines before the first record");
            reading.unread.add(self.place.line(1), what);
        }
        if cut > 0 {
            let what = format!("{cut} records are longer than 32 MiB");
            reading.unread.add(self.place.line(0), what);
        }
        reading
    }
}
