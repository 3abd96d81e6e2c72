//! Calls as CSV (RFC 4180): a head, then a row a call.

use std::io::{self, Write};

use super::Clock;
use super::json::{direction, outcome};
use calltrace_model::call::Summary;
use calltrace_store::tree::EnterpriseName;

/// The columns. Times are UTC, durations milliseconds; empty where nothing says.
const HEAD: [&str; 17] = [
    "enterprise",
    "unique_id",
    "first",
    "last",
    "direction",
    "client",
    "trunk",
    "rang",
    "answered_by",
    "result",
    "ring_ms",
    "talk_ms",
    "transfers",
    "messages_sent",
    "messages_standing",
    "http_requests",
    "http_failed",
];

/// Writes all rows.
///
/// # Errors
/// When `out` does.
pub fn write_csv(
    out: impl Write,
    calls: &[(&EnterpriseName, &Summary)],
    clock: &Clock,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEAD)?;
    let number = |millis: Option<i64>| millis.map_or(String::new(), |ms| ms.to_string());
    for (enterprise, call) in calls {
        csv.write_record([
            enterprise.to_string(),
            call.main_uid.clone(),
            clock.rfc3339(call.first),
            clock.rfc3339(call.last),
            direction(call.direction).to_owned(),
            call.client.clone(),
            call.trunk.clone(),
            call.rang.join(" "),
            call.answered_by.clone().unwrap_or_default(),
            outcome(call.outcome).to_owned(),
            number(call.ring_millis),
            number(call.talk_millis),
            call.transfers.to_string(),
            call.messages.sent.to_string(),
            call.messages.standing.to_string(),
            call.http.to_string(),
            call.http_failed.to_string(),
        ])?;
    }
    csv.flush()
}
