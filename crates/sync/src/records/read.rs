//! Reads the tables: the state of hosts, and how many calls came from which source.

use super::CallDatabase;
use super::tables::Statements;
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
    /// The host, as the tables name it.
    pub host: String,
    /// Time of the last successful run, as the database writes it, with a `T` in the middle; `None` if there was
    /// none.
    pub last_sync: Option<String>,
    /// Calls that all runs added.
    pub downloaded: u64,
    /// Hangups that could not be written, over all runs.
    pub failed: u64,
    /// The error of the last run.
    pub last_error: Option<String>,
}

/// Number and time of the calls from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    /// `live`, `downloaded` and so on; empty if the row does not say.
    pub source: String,
    /// Number of calls.
    pub calls: u64,
    /// When the first of them began, by the host's clock; `None` if no row says.
    pub first: Option<String>,
    /// When the last of them began, likewise.
    pub last: Option<String>,
}

/// Calls by source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSources {
    /// All calls, by source.
    pub all: Vec<SourceCount>,
    /// Enterprise, source and number of calls.
    pub by_enterprise: Vec<(String, String, u64)>,
}

impl CallDatabase {
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

    /// The rows of `download_sync`, by enterprise and host; empty if there is no such table.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn states(&self) -> Result<Vec<HostState>, SourceError> {
        let session = self.database.session().await?;
        let Some(state) = Statements::of(&session).await?.state else {
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

    /// The sources of all calls. It reads the whole table.
    ///
    /// # Errors
    /// When the database does not answer within 8 seconds, or lacks the columns.
    pub async fn sources(&self) -> Result<CallSources, SourceError> {
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
        Ok(CallSources {
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
