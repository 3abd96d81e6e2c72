//! Connections: read only, bounded in time, thrown away when a question on one was given up.

use std::error::Error as _;
use std::io;

use deadpool_postgres::tokio_postgres::config::{Host, SslMode};
use deadpool_postgres::tokio_postgres::error::SqlState;
use deadpool_postgres::tokio_postgres::types::ToSql;
use deadpool_postgres::tokio_postgres::{Client, Config, Error as PgError, NoTls, Row};
use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::super::source::SourceError;
use super::super::{Secret, Times};
use calltrace_store::error::{Error, reason};

/// What the server is told of every session. A statement gets less than half of what a whole
/// question may take, so that one table that is locked leaves time for the others.
fn session_options(times: Times) -> String {
    format!(
        "-c default_transaction_read_only=on -c statement_timeout={}",
        (times.budget * 2 / 5).as_millis()
    )
}

/// A pool of connections to `url`. Connects to nothing yet. Adds a warning when the way there is
/// open to listeners.
///
/// # Errors
/// No address of a database. What is said shows nothing of it: a password with a sign that does
/// not belong there may stand anywhere in it.
pub(super) fn pool(
    url: &Secret,
    connections: usize,
    times: Times,
    warnings: &mut Vec<String>,
) -> Result<Pool, Error> {
    let mut config = parse(url)?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(Error::Usage(
            "postgres.url: sslmode=require, but connections are not encrypted; reach the \
             database on this machine or through a tunnel"
                .to_owned(),
        ));
    }
    if !config.get_hosts().iter().all(is_near) {
        warnings.push(
            "postgres.url: the database is not on this machine, and connections to it are not \
             encrypted"
                .to_owned(),
        );
    }
    let ours = session_options(times);
    let options = match config.get_options() {
        Some(theirs) => format!("{theirs} {ours}"),
        None => ours,
    };
    config
        .options(options)
        .application_name("calltrace")
        .ssl_mode(SslMode::Disable)
        .connect_timeout(times.budget / 2);
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_connect(config, Quiet, recycling);
    let pool = Pool::builder(manager)
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(times.budget / 2))
        .create_timeout(Some(times.budget / 2))
        .recycle_timeout(Some(times.budget / 2))
        // Left to itself the pool warns of each connection that a restart of the server closed.
        .pre_recycle(Hook::sync_fn(|client, _| match client.is_closed() {
            true => Err(HookError::message("closed")),
            false => Ok(()),
        }));
    Ok(pool.build().expect("the pool is given its runtime"))
}

fn parse(url: &Secret) -> Result<Config, Error> {
    let text = str::from_utf8(url.bytes()).expect("a secret is made of text");
    let config = text.trim().parse::<Config>().ok();
    let config = config.filter(|config| !config.get_hosts().is_empty());
    config.ok_or_else(|| {
        Error::Usage(
            "postgres.url: not the address of a database; it is like \
             postgres://reader:password@localhost:5432/postgres, with signs such as @ : / % in \
             the password written as %40 %3A %2F %25"
                .to_owned(),
        )
    })
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// Connects without a word: what becomes of a connection is told by the questions on it.
struct Quiet;

impl Connect for Quiet {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), PgError>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let driver = tokio::spawn(async move {
                // Whoever waits for an answer is told of the same error.
                let _ = connection.await;
            });
            Ok((client, driver))
        })
    }
}

/// A connection for one question. Unless it is given back, it is closed: after a question that was
/// given up, the next one would wait behind it.
pub(super) struct Session(Option<Object>);

impl Session {
    pub(super) async fn open(pool: &Pool) -> Result<Session, SourceError> {
        let client = pool.get().await.map_err(no_session)?;
        Ok(Session(Some(client)))
    }

    /// The rows of one statement.
    pub(super) async fn rows(
        &self,
        text: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SourceError> {
        let client = self.0.as_ref().expect("given back only at the end");
        let statement = client.prepare_cached(text).await.map_err(|e| failure(&e))?;
        let rows = client.query(&statement, parameters).await;
        rows.map_err(|error| failure(&error))
    }

    /// Keeps the connection for the next question.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
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
        // The server may be well, and this program busy.
        PoolError::Timeout(TimeoutType::Wait) => SourceError::Busy,
        PoolError::Timeout(_) => SourceError::Away("no connection in time".to_owned()),
        PoolError::Backend(error) => SourceError::Away(what(&error)),
        other => SourceError::Away(other.to_string()),
    }
}

fn failure(error: &PgError) -> SourceError {
    let Some(code) = error.code() else {
        return SourceError::Cut(what(error));
    };
    let code = code.clone();
    match () {
        () if code == SqlState::QUERY_CANCELED || code == SqlState::LOCK_NOT_AVAILABLE => {
            SourceError::Slow
        }
        // The server shuts down; the schema is not what it was.
        () if code.code().starts_with("57")
            || code == SqlState::FEATURE_NOT_SUPPORTED
            || code == SqlState::UNDEFINED_TABLE
            || code == SqlState::UNDEFINED_COLUMN =>
        {
            SourceError::Cut(what(error))
        }
        () => SourceError::Wrong(what(error)),
    }
}

/// What happened, in words that hold no address, name or value of the server's messages.
fn what(error: &PgError) -> String {
    if let Some(code) = error.code() {
        let words = match code.code() {
            "28P01" | "28000" => "it refuses the login",
            "3D000" => "it has no database of that name",
            "42501" => "permission is denied",
            "53300" => "it has too many connections",
            "57P01" | "57P02" | "57P03" => "it is starting or shutting down",
            "42P01" | "42703" | "0A000" => "its tables have changed",
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

/// The text in a column of a row; `None` where it is null.
pub(super) fn text(row: &Row, column: usize) -> Result<Option<String>, SourceError> {
    // A database without an encoding may hold bytes that are no text.
    let text = row.try_get(column);
    text.map_err(|_| SourceError::Wrong("it answers with what is no text".to_owned()))
}

/// Whether a column of a row is true; not where it is anything else.
pub(super) fn flag(row: &Row, column: usize) -> bool {
    row.try_get(column).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str) -> Result<Vec<String>, String> {
        let mut warnings = Vec::new();
        let url = Secret::new(url).expect("not blank");
        let pool = pool(&url, 1, Times::default(), &mut warnings);
        pool.map(|_| warnings).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_showing_it() {
        for url in [
            "postgres://reader:s3cret@localhost:port/db",
            "postgres://reader@localhost/db?s3cret=1",
            "postgres://",
            "mysql://reader:s3cret@localhost/db",
            "s3cret",
            "dbname=s3cret",
        ] {
            let said = open(url).expect_err(url);
            assert!(said.starts_with("postgres.url: "), "{said}");
            assert!(!said.contains("cret"), "{said}");
        }
    }

    #[test]
    fn only_a_database_elsewhere_is_warned_of() {
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
        assert!(refused.is_err_and(|said| said.contains("sslmode")));
    }
}
