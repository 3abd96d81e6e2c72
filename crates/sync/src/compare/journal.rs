//! What a host noted that it sent: rows of its journal as one side.

use calltrace_hosts::Fetched;
use calltrace_hosts::journal::{JournalTrouble, Row, Table};
use calltrace_model::record::{Zone, id};

use super::Side;

/// A quarter of an hour, by which zones are apart (seconds).
const QUARTER_SECONDS: i64 = 900;

/// No zone is further from UTC (seconds).
const OFFSET_SECONDS_MAX: i64 = 14 * 3600;

/// The requests to the webhook, as one side; what could not be read of the journal is named. `zone` is that of the
/// journal's times.
pub fn side(fetched: &Fetched, zone: Zone) -> Side {
    let of_webhook = |row: &&Row| row.table == Table::Webhook;
    let rows = fetched.rows.iter().filter(of_webhook);
    let mut incomplete: Vec<String> = Vec::new();
    for journal in &fetched.journals {
        let troubles = journal.troubles.iter();
        // Nothing of the older CRM's is compared.
        let troubles = troubles.filter(|trouble| **trouble != JournalTrouble::NoTable(Table::Crm));
        incomplete.extend(troubles.map(|trouble| format!("{} {trouble}", journal.name())));
    }
    incomplete.extend(fetched.broken_off.as_ref().map(ToString::to_string));
    Side {
        sightings: rows.filter_map(|row| row.sighting(zone)).collect(),
        complaints: Vec::new(),
        incomplete,
    }
}

/// The zone of a journal's times, as its rows tell: the id of a call begins with the second of its birth in UTC, and
/// a call's first events are sent soon after it. `None` where there is no such row.
pub fn zone_of(rows: &[Row]) -> Option<Zone> {
    let mut ahead: Vec<i64> = rows
        .iter()
        .filter(|row| matches!(row.event.as_str(), "start" | "dial" | "new_callerid"))
        .filter_map(|row| {
            let born = id::epoch_seconds(row.unique_id.as_bytes())?;
            Some(row.written.and_utc().timestamp() - born)
        })
        .collect();
    ahead.sort_unstable();
    let median = *ahead.get(ahead.len() / 2)?;
    let offset = (median + QUARTER_SECONDS / 2).div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS;
    let offset = (-OFFSET_SECONDS_MAX..=OFFSET_SECONDS_MAX)
        .contains(&offset)
        .then_some(offset)?;
    Zone::fixed(i32::try_from(offset).ok()?)
}
