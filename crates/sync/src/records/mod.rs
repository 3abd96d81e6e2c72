//! Copies of calls in PostgreSQL: `calls`, `call_participants`, and `download_sync` with the state of hosts.
//!
//! ```text
//! row     a hangup as a host sent it -> the row of its call (pure)
//! tables  which columns there are -> statements
//! write   rows in batches, each behind a savepoint; the state of a host
//! read    what the tables say of hosts and of sources of calls
//! ```
//!
//! A call that is there is left as it is, whoever wrote it. The connection is that of `calltrace-directory`.

mod read;
mod row;
mod tables;
mod write;

use std::time::Duration;

use calltrace_directory::database::{Database, Rights};
use calltrace_directory::{Given, SourceError};
use calltrace_model::record::Zone;
use calltrace_store::error::Error;

pub use read::{HostState, SourceCount, Sources};
pub use row::{CallRow, HostEvent, NoRow, Notation};
pub use write::{Copied, RowError, RunNote};

/// The setting that holds the address; one in a file has `_file` behind it.
const KEY: &str = "sync.postgres_url";

/// Connections at one time.
const CONNECTIONS: u8 = 4;

/// Half of it for connecting, two fifths for a statement.
const BUDGET: Duration = Duration::from_secs(20);

/// What `calls.data_source` says of these rows.
const DOWNLOADED: &str = "downloaded";

/// `[sync]` of the settings, as far as the database is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordsConfig {
    /// Address of the database; `None`: no copies are kept.
    pub url: Option<Given>,
    /// How `calls.call_type` and `calls.call_status` are written.
    pub notation: Notation,
}

/// Whose events are copied.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'o> {
    /// Number of the enterprise.
    pub enterprise: &'o str,
    /// The host, as `asterisk_host` of the tables names it.
    pub host: &'o str,
    /// Zone of the host's clock. It matters where columns hold moments (`timestamptz`).
    pub zone: Zone,
}

/// The database that copies are kept in.
#[derive(Debug)]
pub struct Records {
    database: Database,
    notation: Notation,
}

impl Records {
    /// The database that the settings name; `None` if they name none. Connects to nothing yet. Adds to
    /// `warnings` what the user should know.
    ///
    /// # Errors
    /// An address that is none; a file of an address that does not hold one.
    pub fn open(
        config: &RecordsConfig,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Records>, Error> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let url = url.read(KEY, warnings)?;
        let database = Database::open(&url, KEY, Rights::Write, CONNECTIONS, BUDGET, warnings)?;
        Ok(Some(Records {
            database,
            notation: config.notation,
        }))
    }

    /// Asks the database something small.
    ///
    /// # Errors
    /// When it does not answer within 10 seconds.
    pub async fn check(&self) -> Result<(), SourceError> {
        self.database.check().await
    }
}
