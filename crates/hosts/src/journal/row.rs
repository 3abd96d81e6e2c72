//! One row of a journal: a request that a host made, and what came of it.

use std::sync::Arc;

use calltrace_model::record::Zone;
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};
use chrono::{NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};

use super::name::name_of_day;

/// A table of a journal: where its requests went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// To the webhook, all events; the sender waits 3 s for an answer.
    Webhook,
    /// To the older CRM, `start`, `dial`, `bridge` and `hangup` alone; the sender waits 20 s.
    Crm,
}

impl Table {
    /// Both.
    pub const ALL: [Table; 2] = [Table::Webhook, Table::Crm];

    /// Its name in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Table::Webhook => "AlternativeAPIlogs",
            Table::Crm => "APIlogs",
        }
    }

    /// How long the sender waits for an answer (milliseconds). The journal says 0 where it waited in vain.
    fn timeout_millis(self) -> u64 {
        match self {
            Table::Webhook => 3_000,
            Table::Crm => 20_000,
        }
    }
}

/// One row: what was sent, and what came of it. The columns have no types, so each was made a text first: NULL is
/// empty, of a blob the bytes are read as UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Day of the file.
    pub day: NaiveDate,
    /// Table that it stands in.
    pub table: Table,
    /// Its id, which grows.
    pub id: i64,
    /// When it was written, after the answer, in the host's own time. Where the row says no time, that of the row
    /// before; the beginning of the day if there is none.
    pub written: NaiveDateTime,
    /// The event: `hangup`.
    pub event: String,
    /// The call's UniqueId, as the column says it.
    pub unique_id: String,
    /// The body that was sent: JSON with escapes. Holds the Token.
    pub request: String,
    /// What became of it: `<Response [200]>`, `Timeout` and so on.
    pub status: String,
    /// The body of the answer; empty for statuses of 400 and more.
    pub response: String,
    /// How long the answer took, in milliseconds; 0 if none came.
    pub response_millis: u64,
}

/// What the journal notes when it sent nothing.
const NOT_SENT: &str = "None connection (Not ping)";

impl Row {
    /// What the sender learned of the event's arrival. `None`: the row is no request, but the second one that follows
    /// each failed request to the webhook, whose status is two quotes.
    pub fn delivery(&self) -> Option<Delivery> {
        let status = self.status.trim();
        if status == "''" && self.table == Table::Webhook {
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

    /// The event as the host saw it go. `zone` is that of the host's clock. `None` if the row is no request.
    ///
    /// It was sent when the row was written, less the time that the answer took: where none came in time, as long as
    /// the sender waits for one. An hour that the clocks repeat is taken for the first of the two.
    pub fn sighting(&self, zone: Zone) -> Option<Sighting> {
        let delivery = self.delivery()?;
        let waited_millis = match (delivery, self.response_millis) {
            (Delivery::TimedOut, 0) => self.table.timeout_millis(),
            (_, millis) => millis,
        };
        let waited = i64::try_from(waited_millis).unwrap_or(i64::MAX);
        Some(Sighting {
            at_millis: self.written_millis(zone).saturating_sub(waited),
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

    /// When it was written, in milliseconds since 1970 UTC.
    fn written_millis(&self, zone: Zone) -> i64 {
        let local = zone.from_local_datetime(&self.written).earliest();
        let millis = local.map(|at| at.timestamp_millis());
        millis.unwrap_or_else(|| {
            // An hour that the clocks leave out: as if they had not been put forward yet.
            let before = self.written - TimeDelta::days(1);
            let offset = zone.offset_from_utc_datetime(&before).fix();
            self.written.and_utc().timestamp_millis() - i64::from(offset.local_minus_utc()) * 1000
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: Table, status: &str, response: &str, response_millis: u64) -> Row {
        let day = NaiveDate::from_ymd_opt(2025, 12, 2).expect("a day");
        Row {
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
    fn statuses_say_what_became_of_the_event() {
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
            let row = row(Table::Webhook, status, response, 0);
            assert_eq!(row.delivery(), delivery, "{status}");
            assert_eq!(row.sighting(Zone::UTC).is_some(), delivery.is_some());
        }
        let crm = row(Table::Crm, "''", "", 0);
        assert_eq!(crm.delivery(), Some(Delivery::Unknown));
    }

    #[test]
    fn an_event_was_sent_before_its_row_was_written() {
        let minsk = Zone::named("Europe/Minsk").expect("a zone");
        let at = |row: &Row| row.sighting(minsk).expect("a request").at_millis;
        let written = 1_764_667_026_000;
        let accepted = row(Table::Webhook, "<Response [200]>", "{}", 41);
        assert_eq!(at(&accepted), written - 41);
        assert_eq!(at(&row(Table::Webhook, "Timeout", "", 0)), written - 3_000);
        assert_eq!(at(&row(Table::Crm, "Timeout", "", 0)), written - 20_000);
        assert_eq!(at(&row(Table::Webhook, "ConnectionError", "", 0)), written);
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
            let mut row = row(Table::Webhook, "<Response [200]>", "", 0);
            row.written = written.parse().expect("a time");
            let at = row.sighting(berlin).expect("a request").at_millis;
            let utc: chrono::DateTime<chrono::Utc> = utc.parse().expect("a time");
            assert_eq!(at, utc.timestamp_millis(), "{written}");
        }
    }
}
