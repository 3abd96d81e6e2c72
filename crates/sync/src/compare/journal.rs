//! The sent side, read from the journal of a host.

use calltrace_hosts::Fetched;
use calltrace_hosts::journal::{JournalRow, JournalTable, JournalTrouble};
use calltrace_model::record::{Zone, id};

use super::SideEvents;

/// Time zones differ by multiples of this (seconds).
const QUARTER_SECONDS: i64 = 900;

/// The largest offset of a time zone from UTC (seconds).
const OFFSET_SECONDS_MAX: i64 = 14 * 3600;

/// Makes a side of the requests to the webhook, and lists what could not be read of the journal. `zone` is that of
/// the journal's times.
pub fn side(fetched: &Fetched, zone: Zone) -> SideEvents {
    let of_webhook = |row: &&JournalRow| row.table == JournalTable::Webhook;
    let rows = fetched.rows.iter().filter(of_webhook);
    let mut incomplete: Vec<String> = Vec::new();
    for journal in &fetched.journals {
        let troubles = journal.troubles.iter();
        // The table of the older CRM is not compared.
        let troubles =
            troubles.filter(|trouble| **trouble != JournalTrouble::NoTable(JournalTable::Crm));
        incomplete.extend(troubles.map(|trouble| format!("{} {trouble}", journal.name())));
    }
    incomplete.extend(fetched.broken_off.as_ref().map(ToString::to_string));
    SideEvents {
        sightings: rows.filter_map(|row| row.sighting(zone)).collect(),
        complaints: Vec::new(),
        incomplete,
    }
}

/// The zone of a journal's times. The id of a call begins with the second of its birth in UTC, and the first events
/// of a call are sent soon after it. `None` if there is no such row.
pub fn zone_of(rows: &[JournalRow]) -> Option<Zone> {
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
