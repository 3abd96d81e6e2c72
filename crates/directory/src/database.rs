//! Connections to PostgreSQL. Each question is bounded in time, and a connection on which a question was given up is
//! closed. Error texts hold no address, password or value.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

pub use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::config::{Host, SslMode};
use deadpool_postgres::tokio_postgres::error::SqlState;
pub use deadpool_postgres::tokio_postgres::types::ToSql;
use deadpool_postgres::tokio_postgres::{Client, Config, Error as PgError, NoTls};
use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::Secret;
use super::source::SourceError;
use calltrace_store::error::{Error, reason};

/// The access that a connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAccess {
    /// Every transaction is read-only.
    Read,
    /// Rows may be written. The server ends a transaction that stays open for a minute.
    Write,
}

/// A database and its connections.
pub struct Database(Pool);

impl fmt::Debug for Database {
    /// Leaves out the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

impl Database {
    /// The database at `url`, which the setting `key` holds, with up to `connections` connections (at least one). It
    /// does not connect yet. Connecting may take half of `budget` and each statement two fifths of it, so that one
    /// locked table leaves time for the others. Adds a warning when the connection can be read by others on the
    /// network.
    ///
    /// # Errors
    /// When `url` is not an address of a database. The text shows nothing of `url`: a password that contains a reserved
    /// character may be anywhere in it.
    pub fn open(
        url: &Secret,
        key: &str,
        rights: DatabaseAccess,
        connections: u8,
        budget: Duration,
        warnings: &mut Vec<String>,
    ) -> Result<Database, Error> {
        let mut config = parse(url, key)?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(Error::Usage(format!(
                "{key}: sslmode=require, but connections are not encrypted; reach the \
                 database on this machine or through a tunnel"
            )));
        }
        if !config.get_hosts().iter().all(is_local) {
            warnings.push(format!(
                "{key}: the database is not on this machine, and connections to it are not \
                 encrypted"
            ));
        }
        let ours = session_options(rights, budget);
        let options = match config.get_options() {
            Some(theirs) => format!("{theirs} {ours}"),
            None => ours,
        };
        config
            .options(options)
            .application_name("calltrace")
            .ssl_mode(SslMode::Disable)
            .connect_timeout(budget / 2);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(config, PlainConnect, recycling);
        let pool = Pool::builder(manager)
            .max_size(connections.max(1).into())
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(budget / 2))
            .create_timeout(Some(budget / 2))
            .recycle_timeout(Some(budget / 2))
            // Otherwise the pool warns of each connection that a restart of the server closed.
            .pre_recycle(Hook::sync_fn(|client, _| match client.is_closed() {
                true => Err(HookError::message("closed")),
                false => Ok(()),
            }));
        Ok(Database(
            pool.build().expect("the pool is given its runtime"),
        ))
    }

    /// Takes a connection for one question.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn session(&self) -> Result<Session, SourceError> {
        let client = self.0.get().await.map_err(no_session)?;
        Ok(Session(Some(client)))
    }

    /// Checks the database with a minimal query.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn check(&self) -> Result<(), SourceError> {
        let session = self.session().await?;
        session.rows("SELECT 1", &[]).await?;
        session.give_back();
        Ok(())
    }
}

/// The options that every session sends to the server.
fn session_options(rights: DatabaseAccess, budget: Duration) -> String {
    let rights = match rights {
        DatabaseAccess::Read => "default_transaction_read_only=on",
        DatabaseAccess::Write => "idle_in_transaction_session_timeout=60000",
    };
    let statement_millis = (budget * 2 / 5).as_millis();
    format!("-c {rights} -c statement_timeout={statement_millis}")
}

fn parse(url: &Secret, key: &str) -> Result<Config, Error> {
    let text = str::from_utf8(url.bytes()).expect("a secret is made of text");
    let config = text.trim().parse::<Config>().ok();
    let config = config.filter(|config| !config.get_hosts().is_empty());
    config.ok_or_else(|| {
        Error::Usage(format!(
            "{key}: not the address of a database; it is like \
             postgres://reader:password@localhost:5432/postgres, with signs such as @ : / % in \
             the password written as %40 %3A %2F %25"
        ))
    })
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// Connects without logging. The questions on a connection report its errors.
struct PlainConnect;

impl Connect for PlainConnect {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), PgError>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let driver = tokio::spawn(async move {
                // The question that waits for an answer gets the same error.
                let _ = connection.await;
            });
            Ok((client, driver))
        })
    }
}

/// A connection for one question. Unless it is given back it is closed, which rolls back its transaction. Otherwise the
/// next question would wait for one that was given up.
pub struct Session(Option<Object>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Returns the rows of one statement. A statement is prepared once per connection.
    ///
    /// # Errors
    /// When the server refuses the statement or does not answer.
    pub async fn rows(
        &self,
        text: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SourceError> {
        let client = self.client();
        let statement = client.prepare_cached(text).await.map_err(|e| failure(&e))?;
        let rows = client.query(&statement, parameters).await;
        rows.map_err(|error| failure(&error))
    }

    /// Prepares a statement, so that `rows` sends it at once. Statements of several futures are sent in the order in
    /// which these are polled.
    ///
    /// # Errors
    /// When the server refuses the statement or does not answer.
    pub async fn prepare(&self, text: &str) -> Result<(), SourceError> {
        let prepared = self.client().prepare_cached(text).await;
        prepared.map(drop).map_err(|error| failure(&error))
    }

    /// Runs a statement that has no parameters and returns no rows, such as `BEGIN`.
    ///
    /// # Errors
    /// When the server refuses the statement or does not answer.
    pub async fn run(&self, text: &str) -> Result<(), SourceError> {
        let ran = self.client().batch_execute(text).await;
        ran.map_err(|error| failure(&error))
    }

    /// Keeps the connection for the next question.
    pub fn give_back(mut self) {
        drop(self.0.take());
    }

    fn client(&self) -> &Object {
        self.0.as_ref().expect("given back only at the end")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

fn no_session(error: PoolError) -> SourceError {
    match error {
        // The server may be fine and this program busy.
        PoolError::Timeout(TimeoutType::Wait) => SourceError::Busy,
        PoolError::Timeout(_) => SourceError::Away("no connection in time".to_owned()),
        PoolError::Backend(error) => SourceError::Away(description(&error)),
        other => SourceError::Away(other.to_string()),
    }
}

fn failure(error: &PgError) -> SourceError {
    let Some(code) = error.code() else {
        return SourceError::Cut(description(error));
    };
    let code = code.clone();
    match () {
        () if code == SqlState::QUERY_CANCELED || code == SqlState::LOCK_NOT_AVAILABLE => {
            SourceError::Slow
        }
        // The server shuts down, or the schema has changed.
        () if code.code().starts_with("57")
            || code == SqlState::FEATURE_NOT_SUPPORTED
            || code == SqlState::UNDEFINED_TABLE
            || code == SqlState::UNDEFINED_COLUMN =>
        {
            SourceError::Cut(description(error))
        }
        // Only a trigger raises an exception of its own.
        () if ["22", "23", "54", "P0"].contains(&&code.code()[..2]) => {
            SourceError::Unfit(description(error))
        }
        () => SourceError::Wrong(description(error)),
    }
}

/// The error as text, without any address, name or value of the server's message.
fn description(error: &PgError) -> String {
    if let Some(code) = error.code() {
        let words = match code.code() {
            "28P01" | "28000" => "it refuses the login",
            "3D000" => "it has no database of that name",
            "42501" => "permission is denied",
            "53300" => "it has too many connections",
            "57P01" | "57P02" | "57P03" => "it is starting or shutting down",
            "42P01" | "42703" | "0A000" => "its tables have changed",
            _ if code.code().starts_with("22") => "a value does not fit its column",
            _ if code.code().starts_with("23") => "a row breaks a rule of its table",
            _ => "it answers with an error",
        };
        return format!("{words} ({})", code.code());
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return reason(cause);
        }
        source = cause.source();
    }
    error.to_string()
}

/// The text in a column of a row, numbered from 0; `None` for NULL.
///
/// # Errors
/// When the column does not hold valid text.
pub fn text(row: &Row, column: usize) -> Result<Option<String>, SourceError> {
    // A database without an encoding may hold bytes that are not valid text.
    let text = row.try_get(column);
    text.map_err(|_| SourceError::Wrong("it answers with a value that is not text".to_owned()))
}

/// The number in a column of a row, numbered from 0; 0 for NULL.
///
/// # Errors
/// When the column does not hold a whole number.
pub fn number(row: &Row, column: usize) -> Result<i64, SourceError> {
    let number: Result<Option<i64>, _> = row.try_get(column);
    let wrong = |_| SourceError::Wrong("it answers with a value that is not a number".to_owned());
    number.map(Option::unwrap_or_default).map_err(wrong)
}

/// Whether a column of a row is true. Any other value counts as false.
pub fn flag(row: &Row, column: usize) -> bool {
    row.try_get(column).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str) -> Result<Vec<String>, String> {
        let mut warnings = Vec::new();
        let url = Secret::new(url).expect("not blank");
        let budget = Duration::from_secs(2);
        let database = Database::open(
            &url,
            "postgres.url",
            DatabaseAccess::Read,
            1,
            budget,
            &mut warnings,
        );
        database
            .map(|_| warnings)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_invalid_address_is_refused_without_showing_it() {
        for url in [
            "postgres://reader:s3cret@localhost:port/db",
            "postgres://reader@localhost/db?s3cret=1",
            "postgres://",
            "mysql://reader:s3cret@localhost/db",
            "s3cret",
            "dbname=s3cret",
        ] {
            let refusal = open(url).expect_err(url);
            assert!(refusal.starts_with("postgres.url: "), "{refusal}");
            assert!(!refusal.contains("cret"), "{refusal}");
        }
    }

    #[test]
    fn only_a_remote_database_causes_a_warning() {
        for near in [
            "postgres://reader:s3cret@localhost/db",
            "postgres://reader@127.0.0.1:5433/db",
            "postgres://reader@[::1]/db",
            "host=/var/run/postgresql user=reader",
        ] {
            assert_eq!(open(near), Ok(Vec::new()), "{near}");
        }
        let warnings = open("postgres://reader:s3cret@192.0.2.1/db").expect("it is an address");
        assert!(warnings[0].contains("not encrypted"), "{warnings:?}");
        let refused = open("postgres://reader@localhost/db?sslmode=require");
        assert!(refused.is_err_and(|refusal| refusal.contains("sslmode")));
    }
}
