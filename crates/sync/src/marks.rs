//! The row of each journal up to which all events are settled. The next run starts after it.
//!
//! The marks are a file next to the indexes of the enterprise, replaced atomically. If it is missing or damaged,
//! journals are read from their beginning, which only costs time.

use std::collections::BTreeMap;

use calltrace_hosts::journal::{JournalRow, JournalTable};
use calltrace_hosts::{Fetched, Host, HostName};
use calltrace_model::sighting::MatchWindow;
use calltrace_store::error::Error;
use calltrace_store::tree::{EnterpriseName, Tree};
use calltrace_upkeep::state_file::StateFile;
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::context::{PATIENCE, SyncContext};

/// Version of the file format.
const VERSION: u64 = 1;

/// The last settled row by journal and table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<(NaiveDate, JournalTable), i64>);

impl Marks {
    /// The marks that an earlier run saved for the host; none if the file is missing or damaged.
    pub(crate) fn load(tree: &Tree, enterprise: &EnterpriseName, host: &HostName) -> Marks {
        let noted = StateFile::SYNC.read(tree, enterprise);
        noted
            .and_then(|bytes| Marks::parse(&bytes, host))
            .unwrap_or_default()
    }

    /// The last row that need not be read again, by day and table.
    pub(crate) fn after(&self) -> BTreeMap<(NaiveDate, JournalTable), i64> {
        self.0.clone()
    }

    /// The marks after a fetch: the rows before the first one with an event that may still arrive at `now` (milliseconds
    /// since 1970 UTC), in tables that were read to their end.
    pub(crate) fn settled(fetched: &Fetched, now: i64) -> Marks {
        let mut marks = BTreeMap::new();
        for journal in &fetched.journals {
            for (&table, &last) in &journal.last {
                let is_of = |row: &&JournalRow| row.day == journal.day && row.table == table;
                let rows = fetched.rows.iter().filter(is_of);
                let open = rows
                    .filter(|row| may_arrive(row, fetched, now))
                    .map(|row| row.id);
                let mark = open.min().map_or(last, |first| last.min(first - 1));
                marks.insert((journal.day, table), mark);
            }
        }
        Marks(marks)
    }

    fn parse(bytes: &[u8], host: &HostName) -> Option<Marks> {
        let noted: Value = serde_json::from_slice(bytes).ok()?;
        if noted.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let mut marks = BTreeMap::new();
        for (day, tables) in noted.get("hosts")?.get(host.as_str())?.as_object()? {
            let day = day.parse().ok()?;
            for table in JournalTable::ALL {
                if let Some(last) = tables.get(table.name()).and_then(Value::as_i64) {
                    marks.insert((day, table), last);
                }
            }
        }
        Some(Marks(marks))
    }

    /// Saves the marks of the host, and keeps those of other hosts of the enterprise.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn save(&self, site: &SyncContext, host: &Host) -> Result<(), Error> {
        let mut days: BTreeMap<String, serde_json::Map<String, Value>> = BTreeMap::new();
        for ((day, table), last) in &self.0 {
            let tables = days.entry(day.to_string()).or_default();
            tables.insert(table.name().to_owned(), (*last).into());
        }
        StateFile::SYNC.update(
            &site.tree,
            &host.enterprise,
            &*site.ops,
            PATIENCE,
            |bytes| {
                let noted: Option<Value> =
                    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                let mut hosts = noted
                    .filter(|noted| noted.get("version").and_then(Value::as_u64) == Some(VERSION))
                    .and_then(|mut noted| noted.get_mut("hosts").map(Value::take))
                    .and_then(|hosts| hosts.as_object().cloned())
                    .unwrap_or_default();
                hosts.insert(host.name.as_str().to_owned(), json!(days));
                json!({ "version": VERSION, "hosts": hosts })
                    .to_string()
                    .into_bytes()
            },
        )
    }
}

/// Whether the event of a row may still arrive.
fn may_arrive(row: &JournalRow, fetched: &Fetched, now: i64) -> bool {
    row.sent(fetched.zone).is_some_and(|(at_millis, waited)| {
        let at_millis = at_millis - fetched.skew_millis;
        MatchWindow::default().around_time(at_millis, waited).1 >= now
    })
}
