//! PostgreSQL as a source: secrets, people, extensions, lines, owners. It only reads.
//!
//! `layout` knows the statements that this database allows, `names` asks for the names of a page.

mod layout;
mod names;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::time::{timeout, timeout_at};

use super::answers::tidy;
use super::database::{Database, DatabaseAccess, Session, flag, number, text};
use super::source::{NameSource, SourceError, SourceHealth};
use super::{DirectoryTimes, Enterprise, NameQuery, Names, Secret, StoredEvent, StoredEvents};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use layout::{COLUMNS, Layout, TABLES};

const NAME: &str = "postgres";

/// The layout is read again after this time, as tables may be added while the program runs.
const LAYOUT_AGE_MAX: Duration = Duration::from_secs(10 * 60);

/// A database of the telephony system.
pub(super) struct Postgres {
    database: Database,
    layout: Mutex<Option<(Instant, Arc<Layout>)>>,
    health: SourceHealth,
    /// The budget of one question, including connecting and reading the layout.
    patience: Duration,
}

impl Postgres {
    /// # Errors
    /// When `url` is not the address of a database.
    pub(super) fn open(
        url: &Secret,
        connections: u8,
        times: DirectoryTimes,
        warnings: &mut Vec<String>,
    ) -> Result<Postgres, Error> {
        Ok(Postgres {
            database: Database::open(
                url,
                "postgres.url",
                DatabaseAccess::Read,
                connections,
                times.budget,
                warnings,
            )?,
            layout: Mutex::default(),
            health: SourceHealth::new(NAME, times.rest),
            patience: times.patience(),
        })
    }

    /// Returns a connection, and the statements for the tables of this database.
    async fn begin(&self) -> Result<(Session, Arc<Layout>), SourceError> {
        let session = self.database.session().await?;
        let known = self.layout().clone();
        if let Some((_, layout)) = known.filter(|(at, _)| at.elapsed() < LAYOUT_AGE_MAX) {
            return Ok((session, layout));
        }
        let tables: &[&str] = &TABLES;
        let rows = session.rows(COLUMNS, &[&tables]).await?;
        let pair = |row| {
            Ok((
                text(row, 0)?.unwrap_or_default(),
                text(row, 1)?.unwrap_or_default(),
            ))
        };
        let pairs = rows
            .iter()
            .map(pair)
            .collect::<Result<Vec<_>, SourceError>>()?;
        let layout = Arc::new(Layout::of(pairs));
        *self.layout() = Some((Instant::now(), Arc::clone(&layout)));
        Ok((session, layout))
    }

    fn layout(&self) -> MutexGuard<'_, Option<(Instant, Arc<Layout>)>> {
        // The value is replaced as a whole, so it is never half-written.
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_enterprise(
        &self,
        number: &EnterpriseName,
    ) -> Result<Option<Enterprise>, SourceError> {
        let (session, layout) = self.begin().await?;
        let Some(question) = &layout.enterprise else {
            session.give_back();
            let what = "it has no table enterprises with a column number";
            return Err(SourceError::Wrong(what.to_owned()));
        };
        let rows = session.rows(question, &[&number.as_str()]).await?;
        session.give_back();
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        // An old link must not let in a client who left or was blocked. Support staff read such a client's logs in a
        // shell.
        let secret = text(row, 1)?.filter(|_| flag(row, 2));
        Ok(Some(Enterprise {
            title: text(row, 0)?.and_then(|title| tidy("", &title)),
            secret: secret.and_then(|secret| Secret::new(&secret)),
        }))
    }

    async fn ask_numbers(&self, typed: &str) -> Result<Vec<String>, SourceError> {
        let (session, layout) = self.begin().await?;
        let Some(question) = &layout.numbers else {
            session.give_back();
            return Ok(Vec::new());
        };
        let rows = session.rows(question, &[&typed]).await?;
        session.give_back();
        let numbers = rows.iter().map(|row| text(row, 0));
        let numbers = numbers.collect::<Result<Vec<_>, SourceError>>()?;
        Ok(numbers.into_iter().flatten().collect())
    }

    async fn ask_names(
        &self,
        number: &EnterpriseName,
        wanted: &NameQuery,
        deadline: tokio::time::Instant,
    ) -> Result<Names, SourceError> {
        let begun = timeout_at(deadline, self.begin()).await;
        let (session, layout) = begun.unwrap_or(Err(SourceError::Slow))?;
        let mut found = names::names(&session, &layout, number, wanted, deadline).await;
        if found.clean {
            session.give_back();
        }
        let Some(wrong) = found.failure else {
            self.health.answered_all();
            return Ok(found.names);
        };
        *self.layout() = None;
        if let (SourceError::Cut(_), true) = (&wrong, found.names == Names::default()) {
            return Err(wrong);
        }
        self.health.failed_in_part(&wrong);
        found.names.add_missing(NAME);
        Ok(found.names)
    }

    async fn ask_events(
        &self,
        asked: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, SourceError> {
        let (session, layout) = self.begin().await?;
        let Some(question) = &layout.events else {
            session.give_back();
            return Ok(None);
        };
        let limit = i64::try_from(asked.limit).unwrap_or(i64::MAX);
        let StoredEvents {
            from_millis,
            to_millis,
            tokens,
            ..
        } = asked;
        let rows = session
            .rows(question, &[from_millis, to_millis, tokens, &limit])
            .await?;
        session.give_back();
        let event = |row| {
            Ok(StoredEvent {
                id: u64::try_from(number(row, 0)?).unwrap_or(0),
                at_millis: number(row, 1)?,
                event: text(row, 2)?.unwrap_or_default(),
                data_source: text(row, 3)?,
                body: text(row, 4)?.unwrap_or_default(),
            })
        };
        rows.iter().map(event).collect::<Result<_, _>>().map(Some)
    }

    /// Runs `ask`, and runs it once more if the connection was closed or the tables have changed.
    async fn with_retry<T, F>(&self, ask: impl Fn() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let answer = match ask().await {
            Err(SourceError::Cut(_)) => {
                *self.layout() = None;
                ask().await
            }
            answer => answer,
        };
        self.record_outcome(answer)
    }

    /// Records how a question ended.
    fn record_outcome<T>(&self, answer: Result<T, SourceError>) -> Result<T, SourceError> {
        match &answer {
            Ok(_) => self.health.answered(),
            Err(SourceError::Resting | SourceError::Busy) => {}
            // The database answers; a bad question of one client must not keep others from asking.
            Err(error @ (SourceError::Wrong(_) | SourceError::Unfit(_))) => {
                *self.layout() = None;
                self.health.answered();
                self.health.failed_in_part(error);
            }
            Err(error) => {
                *self.layout() = None;
                self.health.failed(error);
            }
        }
        answer
    }
}

#[async_trait]
impl NameSource for Postgres {
    fn name(&self) -> &'static str {
        NAME
    }

    fn knows_enterprises(&self) -> bool {
        true
    }

    async fn enterprise(&self, number: &EnterpriseName) -> Result<Option<Enterprise>, SourceError> {
        self.health.admit()?;
        let asked = self.with_retry(|| self.ask_enterprise(number));
        let answer = timeout(self.patience, asked).await;
        answer.unwrap_or_else(|_| self.record_outcome(Err(SourceError::Slow)))
    }

    async fn numbers(&self, typed: &str) -> Result<Vec<String>, SourceError> {
        self.health.admit()?;
        let asked = self.with_retry(|| self.ask_numbers(typed));
        let answer = timeout(self.patience, asked).await;
        answer.unwrap_or_else(|_| self.record_outcome(Err(SourceError::Slow)))
    }

    async fn names(
        &self,
        number: &EnterpriseName,
        wanted: &NameQuery,
    ) -> Result<Names, SourceError> {
        // It has no names of outside numbers.
        if [
            &wanted.chats,
            &wanted.extensions,
            &wanted.lines,
            &wanted.calls,
        ]
        .into_iter()
        .all(BTreeSet::is_empty)
        {
            return Ok(Names::default());
        }
        self.health.admit()?;
        let deadline = tokio::time::Instant::now() + self.patience;
        self.with_retry(|| self.ask_names(number, wanted, deadline))
            .await
    }

    async fn stored_events(
        &self,
        asked: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, SourceError> {
        self.health.admit()?;
        let asked = self.with_retry(|| self.ask_events(asked));
        let answer = timeout(self.patience, asked).await;
        answer.unwrap_or_else(|_| self.record_outcome(Err(SourceError::Slow)))
    }

    async fn check(&self) -> Result<(), SourceError> {
        let asked = self.with_retry(|| self.database.check());
        let answer = timeout(self.patience, asked).await;
        answer.unwrap_or_else(|_| self.record_outcome(Err(SourceError::Slow)))
    }
}
