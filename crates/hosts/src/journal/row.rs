//! One row of a journal: a request of a host and its result.

use std::sync::Arc;

use calltrace_model::record::Zone;
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};
use chrono::{NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};

use super::name::name_of_day;

/// A table of a journal. Each table holds the requests to one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JournalTable {
    /// Requests to the webhook, for all events. The sender waits 3 s for an answer.
    Webhook,
    /// Requests to the older CRM, only for `start`, `dial`, `bridge` and `hangup`. The sender waits 20 s.
    Crm,
}

impl JournalTable {
    /// Both tables.
    pub const ALL: [JournalTable; 2] = [JournalTable::Webhook, JournalTable::Crm];

    /// Its name in the journal.
    pub fn name(self) -> &'static str {
        match self {
            JournalTable::Webhook => "AlternativeAPIlogs",
            JournalTable::Crm => "APIlogs",
        }
    }

    /// How long the sender waits for an answer (milliseconds). After a time-out the journal holds 0 instead.
    fn timeout_millis(self) -> u64 {
        match self {
            JournalTable::Webhook => 3_000,
            JournalTable::Crm => 20_000,
        }
    }
}

/// One row: a request and its result. The columns have no types, so the script converts each to text: NULL becomes
/// empty, and a blob is read as UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// The day of the journal.
    pub day: NaiveDate,
    /// The table that holds the row.
    pub table: JournalTable,
    /// Its id, which grows with each row.
    pub id: i64,
    /// The local time of the host at which it was written, after the answer. A row without a time gets that of the
    /// row before, and the first one gets the beginning of the day.
    pub written: NaiveDateTime,
    /// The type of the event: `hangup`.
    pub event: String,
    /// The call's UniqueId, from its column.
    pub unique_id: String,
    /// The body that was sent: JSON with escapes. Holds the Token.
    pub request: String,
    /// The result: `<Response [200]>`, `Timeout` and so on.
    pub status: String,
    /// The body of the answer; empty for statuses of 400 and more.
    pub response: String,
    /// The duration until the answer, in milliseconds; 0 if none came.
    pub response_millis: u64,
}

/// The status in the journal for an event that was not sent.
const NOT_SENT: &str = "None connection (Not ping)";

impl JournalRow {
    /// The delivery of the event, as far as the sender knows it. `None` for a row that is not a request: each failed
    /// request to the webhook is followed by a second row, with two quotes as its status.
    pub fn delivery(&self) -> Option<Delivery> {
        let status = self.status.trim();
        if status == "''" && self.table == JournalTable::Webhook {
            return None;
        }
        let code = status
            .strip_prefix("<Response [")
            .and_then(|rest| rest.strip_suffix("]>"))
            .and_then(|code| code.parse::<u16>().ok());
        Some(match code {
            Some(404) if self.response.contains(NOT_SENT) => Delivery::NotTried,
            Some(code @ 100..1000) => Delivery::of_status(code),
            _ if status == "Timeout" => Delivery::TimedOut,
            _ if status.starts_with("ConnectionError") => Delivery::Unreachable,
            _ => Delivery::Unknown,
        })
    }

    /// The event as the host saw it. `zone` is that of the host's clock. `None` if the row is not a request.
    ///
    /// The time of sending is that of the row minus the duration of the answer, or minus the sender's time-out if no
    /// answer came. A local time that occurs twice is taken as the first one.
    pub fn sighting(&self, zone: Zone) -> Option<Sighting> {
        let delivery = self.delivery()?;
        let (at_millis, waited_millis) = self.sent(zone)?;
        Some(Sighting {
            at_millis,
            waited_millis,
            event: Arc::from(self.event.as_str()),
            body: EventBody::parse(&self.request),
            delivery,
            seen_at: SeenAt {
                source: format!("{}/{}", name_of_day(self.day), self.table.name()).into(),
                number: u64::try_from(self.id).unwrap_or_default(),
            },
        })
    }

    /// When the event was sent (milliseconds since 1970 UTC), and how long the sender waited for the answer
    /// (milliseconds), as in [`JournalRow::sighting`]. The body is not read. `None` if the row is not a request.
    pub fn sent(&self, zone: Zone) -> Option<(i64, u64)> {
        let waited_millis = match (self.delivery()?, self.response_millis) {
            (Delivery::TimedOut, 0) => self.table.timeout_millis(),
            (_, millis) => millis,
        };
        let waited = i64::try_from(waited_millis).unwrap_or(i64::MAX);
        let at_millis = self.written_millis(zone).saturating_sub(waited);
        Some((at_millis, waited_millis))
    }

    /// The time of the row, in milliseconds since 1970 UTC.
    fn written_millis(&self, zone: Zone) -> i64 {
        let local = zone.from_local_datetime(&self.written).earliest();
        let millis = local.map(|at| at.timestamp_millis());
        millis.unwrap_or_else(|| {
            // A local time that the clocks skipped is converted with the offset before the change.
            let before = self.written - TimeDelta::days(1);
            let offset = zone.offset_from_utc_datetime(&before).fix();
            self.written.and_utc().timestamp_millis() - i64::from(offset.local_minus_utc()) * 1000
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: JournalTable, status: &str, response: &str, response_millis: u64) -> JournalRow {
        let day = NaiveDate::from_ymd_opt(2025, 12, 2).expect("a day");
        JournalRow {
            day,
            table,
            id: 7,
            written: day.and_hms_opt(12, 17, 6).expect("a time"),
            event: "hangup".to_owned(),
            unique_id: "1764666900.61".to_owned(),
            request: r#"{"UniqueId": "1764666900.61"}"#.to_owned(),
            status: status.to_owned(),
            response: response.to_owned(),
            response_millis,
        }
    }

    #[test]
    fn the_status_of_a_row_gives_the_delivery_of_its_event() {
        let broken = "ConnectionError<HTTPConnectionPool(host='a', port=1): \"x\" | y>";
        for (status, response, delivery) in [
            ("<Response [200]>", "{}", Some(Delivery::Accepted)),
            ("<Response [500]>", "", Some(Delivery::Refused(500))),
            ("<Response [404]>", "", Some(Delivery::Refused(404))),
            ("<Response [404]>", NOT_SENT, Some(Delivery::NotTried)),
            ("Timeout", "", Some(Delivery::TimedOut)),
            ("ConnectionError", "", Some(Delivery::Unreachable)),
            (broken, "", Some(Delivery::Unreachable)),
            ("Error no such thing", "", Some(Delivery::Unknown)),
            ("<Response [99999]>", "", Some(Delivery::Unknown)),
            ("", "", Some(Delivery::Unknown)),
            ("''", "", None),
        ] {
            let row = row(JournalTable::Webhook, status, response, 0);
            assert_eq!(row.delivery(), delivery, "{status}");
            assert_eq!(row.sighting(Zone::UTC).is_some(), delivery.is_some());
        }
        let crm = row(JournalTable::Crm, "''", "", 0);
        assert_eq!(crm.delivery(), Some(Delivery::Unknown));
    }

    #[test]
    fn an_event_was_sent_before_its_row_was_written() {
        let minsk = Zone::named("Europe/Minsk").expect("a zone");
        let at = |row: &JournalRow| row.sighting(minsk).expect("a request").at_millis;
        let written = 1_764_667_026_000;
        let accepted = row(JournalTable::Webhook, "<Response [200]>", "{}", 41);
        assert_eq!(at(&accepted), written - 41);
        assert_eq!(
            at(&row(JournalTable::Webhook, "Timeout", "", 0)),
            written - 3_000
        );
        assert_eq!(
            at(&row(JournalTable::Crm, "Timeout", "", 0)),
            written - 20_000
        );
        assert_eq!(
            at(&row(JournalTable::Webhook, "ConnectionError", "", 0)),
            written
        );
        let seen = accepted.sighting(minsk).expect("a request");
        assert_eq!(
            &*seen.seen_at.source,
            "Listen_AMI_2025-12-02.db/AlternativeAPIlogs"
        );
        assert_eq!(seen.seen_at.number, 7);
        assert_eq!(seen.body.id(), "1764666900.61");
    }

    #[test]
    fn an_hour_that_clocks_leave_out_or_repeat_has_a_time() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        for (written, utc) in [
            ("2025-03-30T02:30:00", "2025-03-30T01:30:00Z"),
            ("2025-10-26T02:30:00", "2025-10-26T00:30:00Z"),
        ] {
            let mut row = row(JournalTable::Webhook, "<Response [200]>", "", 0);
            row.written = written.parse().expect("a time");
            let at = row.sighting(berlin).expect("a request").at_millis;
            let utc: chrono::DateTime<chrono::Utc> = utc.parse().expect("a time");
            assert_eq!(at, utc.timestamp_millis(), "{written}");
        }
    }
}
