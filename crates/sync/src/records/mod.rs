//! Copies of calls in PostgreSQL: `calls`, `call_participants`, and `download_sync` with the state of hosts.
//!
//! ```text
//! row     a hangup as a host sent it -> the row of its call (pure)
//! tables  which columns there are -> statements
//! write   rows in batches, each after a savepoint; the state of a host
//! read    what the tables say of hosts and of sources of calls
//! ```
//!
//! An existing call stays unchanged, no matter which program wrote it. The connection is that of `calltrace-directory`.

mod read;
mod row;
mod tables;
mod write;

use std::time::Duration;

use calltrace_directory::database::{Database, DatabaseAccess};
use calltrace_directory::{SecretSource, SourceError};
use calltrace_model::record::Zone;
use calltrace_store::error::Error;

pub use read::{CallSources, HostState, SourceCount};
pub use row::{HangupRow, HostEvent, NoRow, Notation};
pub use write::{CopyOutcome, RowError, RunNote};

/// The setting that holds the address. The setting for a file has `_file` appended.
const KEY: &str = "sync.postgres_url";

/// Maximum number of connections.
const CONNECTIONS: u8 = 4;

/// The budget of a question: half of it for connecting, two fifths for each statement.
const BUDGET: Duration = Duration::from_secs(20);

/// The value of `calls.data_source` in these rows.
const DOWNLOADED: &str = "downloaded";

/// The part of `[sync]` of the settings that is about the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallDatabaseConfig {
    /// Address of the database; `None` for no copies.
    pub url: Option<SecretSource>,
    /// The notation of `calls.call_type` and `calls.call_status`.
    pub notation: Notation,
}

/// The origin of copied events.
#[derive(Debug, Clone, Copy)]
pub struct HostOrigin<'o> {
    /// Number of the enterprise.
    pub enterprise: &'o str,
    /// The host, as `asterisk_host` of the tables names it.
    pub host: &'o str,
    /// Zone of the host's clock. It matters if columns hold moments (`timestamptz`).
    pub zone: Zone,
}

/// The database that holds copies of calls.
#[derive(Debug)]
pub struct CallDatabase {
    database: Database,
    notation: Notation,
}

impl CallDatabase {
    /// The database of the settings; `None` if they name none. It does not connect yet. Warnings for the user are
    /// added to `warnings`.
    ///
    /// # Errors
    /// When the address is invalid, or the file of an address does not hold one.
    pub fn open(
        config: &CallDatabaseConfig,
        warnings: &mut Vec<String>,
    ) -> Result<Option<CallDatabase>, Error> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let url = url.read(KEY, warnings)?;
        let database = Database::open(
            &url,
            KEY,
            DatabaseAccess::Write,
            CONNECTIONS,
            BUDGET,
            warnings,
        )?;
        Ok(Some(CallDatabase {
            database,
            notation: config.notation,
        }))
    }

    /// Checks the database with a minimal query.
    ///
    /// # Errors
    /// When it does not answer within 10 seconds.
    pub async fn check(&self) -> Result<(), SourceError> {
        self.database.check().await
    }
}
