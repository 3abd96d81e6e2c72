//! Records -> what they say, each shown to those that may know it.

use std::sync::Arc;

use super::all_events::AllEvents;
use super::one_enterprise::OneEnterprise;
use super::records::{Record, Splitter};
use super::seen::Seen;
use super::tester::Tester;
use super::{EVENTS_MAX, Place, Reading};

/// Reads the lines of one log, over several files of it.
#[derive(Debug)]
pub(super) struct Parser {
    splitter: Splitter,
    place: Place,
    tester: Tester,
    one_enterprise: OneEnterprise,
    all_events: AllEvents,
    reading: Reading,
    newest_millis: i64,
}

impl Parser {
    pub(super) fn new(place: Place) -> Parser {
        Parser {
            splitter: Splitter::default(),
            place,
            tester: Tester::default(),
            one_enterprise: OneEnterprise::default(),
            all_events: AllEvents::default(),
            reading: Reading::default(),
            newest_millis: i64::MIN,
        }
    }

    /// What follows is of another file: a record may go on in it, as its lines are of one log.
    pub(super) fn begin_file(&mut self, source: Arc<str>) {
        // A rotation cuts between records, so what is open has ended.
        self.settle();
        self.splitter.begin_file();
        self.place.source = source;
    }

    /// Lines that were passed over.
    pub(super) fn skip_lines(&mut self, lines: u64) {
        self.splitter.skip_lines(lines);
    }

    /// Takes a line; false once there is no room for more events.
    pub(super) fn line(&mut self, line: &[u8]) -> bool {
        if let Some(record) = self.splitter.push(line) {
            self.record(record);
        }
        let reading = &mut self.reading;
        let held = reading.sent.len() + reading.received.len() + reading.complaints.len();
        reading.is_full = held + self.tester.held() >= EVENTS_MAX;
        !reading.is_full
    }

    /// Takes the last record as whole, though nothing has come behind it.
    pub(super) fn settle(&mut self) {
        if let Some(record) = self.splitter.rest() {
            self.record(record);
        }
    }

    fn record(&mut self, record: Record) {
        let seen = Seen {
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

    /// The time of the newest record so far, in milliseconds since 1970 UTC.
    pub(super) fn newest_millis(&self) -> i64 {
        self.newest_millis
    }

    /// What has been read so far and is complete: requests without an answer are kept back, except those that
    /// are older than `before_millis`.
    pub(super) fn take(&mut self, before_millis: i64) -> Reading {
        self.tester.take(before_millis, &mut self.reading);
        std::mem::take(&mut self.reading)
    }

    /// All that was read; nothing comes any more.
    pub(super) fn finish(mut self) -> Reading {
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
