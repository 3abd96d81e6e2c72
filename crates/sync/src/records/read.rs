//! What the tables say: the state of hosts, and how many calls came which way.

use super::Records;
use super::tables::Tables;
use calltrace_directory::SourceError;
use calltrace_directory::database::{Row, text};

/// Calls by `data_source`.
const SOURCES: &str = "\
    SELECT data_source::text, count(*)::text, min(start_time)::text, max(start_time)::text FROM calls \
    GROUP BY 1 ORDER BY 1";

/// Calls by enterprise and `data_source`.
const ENTERPRISES: &str = "\
    SELECT enterprise_id::text, data_source::text, count(*)::text FROM calls GROUP BY 1, 2 ORDER BY 1, 2";

/// Enterprises with the addresses of their hosts. Columns come and go, so each is taken from the row as a whole.
const HOSTS: &str = "\
    SELECT one ->> 'number', btrim(one ->> 'ip') FROM (SELECT to_jsonb(enterprises) AS one FROM enterprises) AS all_of_them \
    WHERE btrim(one ->> 'ip') <> '' AND coalesce(one ->> 'active', 'true') = 'true' ORDER BY 1";

/// A row of `download_sync`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostState {
    /// Number of the enterprise.
    pub enterprise: String,
    /// The host, as it is called there.
    pub host: String,
    /// When a run succeeded, as the database writes it, with a `T` in the middle; `None`: never.
    pub last_sync: Option<String>,
    /// Calls that all runs added.
    pub downloaded: u64,
    /// Hangups that were not written, of all runs.
    pub failed: u64,
    /// What was wrong with the last run.
    pub last_error: Option<String>,
}

/// Calls that came one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    /// `live`, `downloaded` and so on; empty where nothing is said.
    pub source: String,
    /// How many.
    pub calls: u64,
    /// When the first and the last of them began, by the hosts' clocks; `None` where none says so.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
}

/// Which way calls came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// All calls, by source.
    pub all: Vec<SourceCount>,
    /// Enterprise, source, and how many calls.
    pub by_enterprise: Vec<(String, String, u64)>,
}

impl Records {
    /// Numbers of the active enterprises that have a host, each with the address of the host.
    ///
    /// # Errors
    /// When the database does not answer, or has no table of enterprises.
    pub async fn hosts(&self) -> Result<Vec<(String, String)>, SourceError> {
        let session = self.database.session().await?;
        let rows = session.rows(HOSTS, &[]).await?;
        session.give_back();
        let read = |row: &Row| {
            let [number, address] = [text(row, 0)?, text(row, 1)?].map(Option::unwrap_or_default);
            Ok((number, address))
        };
        rows.iter().map(read).collect()
    }

    /// The rows of `download_sync`, by enterprise and host; none where there is no such table.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn states(&self) -> Result<Vec<HostState>, SourceError> {
        let session = self.database.session().await?;
        let Some(state) = Tables::of(&session).await?.state else {
            session.give_back();
            return Ok(Vec::new());
        };
        let rows = session.rows(&state.list, &[]).await?;
        session.give_back();
        let read = |row: &Row| {
            Ok(HostState {
                enterprise: text(row, 0)?.unwrap_or_default(),
                host: text(row, 1)?.unwrap_or_default(),
                last_sync: moment(row, 2)?,
                downloaded: number(row, 3)?,
                failed: number(row, 4)?,
                last_error: text(row, 5)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Which way the calls of the table came. Reads all of them.
    ///
    /// # Errors
    /// When the database does not answer within 8 seconds, or lacks the columns.
    pub async fn sources(&self) -> Result<Sources, SourceError> {
        let session = self.database.session().await?;
        let all = session.rows(SOURCES, &[]).await?;
        let by_enterprise = session.rows(ENTERPRISES, &[]).await?;
        session.give_back();
        let source = |row: &Row| {
            Ok(SourceCount {
                source: text(row, 0)?.unwrap_or_default(),
                calls: number(row, 1)?,
                first: moment(row, 2)?,
                last: moment(row, 3)?,
            })
        };
        let of_enterprise = |row: &Row| {
            let [enterprise, source] =
                [text(row, 0)?, text(row, 1)?].map(Option::unwrap_or_default);
            Ok((enterprise, source, number(row, 2)?))
        };
        Ok(Sources {
            all: all.iter().map(source).collect::<Result<_, SourceError>>()?,
            by_enterprise: by_enterprise
                .iter()
                .map(of_enterprise)
                .collect::<Result<_, SourceError>>()?,
        })
    }
}

fn number(row: &Row, column: usize) -> Result<u64, SourceError> {
    let number = text(row, column)?.and_then(|text| text.parse().ok());
    Ok(number.unwrap_or_default())
}

fn moment(row: &Row, column: usize) -> Result<Option<String>, SourceError> {
    Ok(text(row, column)?.map(|text| text.replacen(' ', "T", 1)))
}
