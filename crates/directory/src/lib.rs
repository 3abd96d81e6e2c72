//! The directory: secrets of enterprises, and names of people, extensions, lines and clients.
//!
//! What the settings hold (`settings`) is always available. The other sources are PostgreSQL (`postgres`) and the
//! metadata service (`metadata`), both behind the trait `NameSource` (`source`). [`Directory`] asks them in this
//! order, caches their answers for a while, and a slow or broken source costs only its own names. `database` manages
//! connections, also for programs that write; `http` has what all requests to services share. This crate knows neither pages nor requests.

mod answers;
mod concern;
mod config;
mod counts;
pub mod database;
pub mod http;
mod metadata;
mod postgres;
mod settings;
mod source;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use moka::Entry;
use moka::future::Cache;
use tokio::time::timeout;

use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use metadata::Metadata;
use postgres::Postgres;
use settings::Embedded;
use source::NameSource;

pub use answers::{Enterprise, NameQuery, Names, Unavailable};
pub use calltrace_store::secret::{Secret, SecretSource};
pub use concern::Concern;
pub use config::{Config, EnterpriseConfig, PostgresConfig};
pub use counts::DirectoryCounts;
pub use source::SourceError;
pub use stored::{StoredEvent, StoredEvents};

/// Cached enterprises. A client that tries many numbers evicts the entries that are rarely asked for and costs one
/// question per number.
const ENTERPRISES_MAX: u64 = 10_000;

/// How long answers stay valid, and how long the directory waits for them.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryTimes {
    /// An answer about an enterprise is not asked for again within this time.
    pub fresh: Duration,
    /// A known enterprise stays valid for this time while no source can be asked.
    pub stale: Duration,
    /// The maximum duration of a question.
    pub budget: Duration,
    /// A source that cannot be reached is not asked for this time.
    pub rest: Duration,
}

impl Default for DirectoryTimes {
    fn default() -> DirectoryTimes {
        DirectoryTimes {
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(15 * 60),
            budget: Duration::from_secs(2),
            rest: Duration::from_secs(5),
        }
    }
}

impl DirectoryTimes {
    /// The budget of one source, shorter than that of the question, so that a partial answer still comes in time.
    fn patience(self) -> Duration {
        self.budget * 19 / 20
    }
}

/// All sources together.
pub struct Directory {
    embedded: Embedded,
    /// The first source has priority.
    sources: Vec<Box<dyn NameSource>>,
    /// Opens every enterprise, no matter what the sources answer.
    for_all: Option<Secret>,
    /// Recent answers, also those about unknown enterprises.
    fresh: Cache<EnterpriseName, Option<Enterprise>>,
    /// Known enterprises, for the time in which no source can be asked. Requests for unknown ones cannot fill it.
    last: Cache<EnterpriseName, Enterprise>,
    times: DirectoryTimes,
    counts: Mutex<DirectoryCounts>,
}

impl Directory {
    /// The directory that the settings describe, with warnings for the user. It does not ask any source yet, as the
    /// database may start later.
    ///
    /// # Errors
    /// When an address is invalid, or the file of a secret does not hold one.
    pub fn open(config: &Config) -> Result<(Directory, Vec<String>), Error> {
        Directory::open_with(config, DirectoryTimes::default())
    }

    /// The directory as [`Directory::open`] returns it, with other time limits.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open_with(
        config: &Config,
        times: DirectoryTimes,
    ) -> Result<(Directory, Vec<String>), Error> {
        let mut warnings = Vec::new();
        let embedded = Embedded::open(config, &mut warnings)?;
        let mut sources: Vec<Box<dyn NameSource>> = Vec::new();
        if let Some(url) = &config.postgres.url {
            let url = url.read("postgres.url", &mut warnings)?;
            let pool = config.postgres.pool;
            let postgres = Postgres::open(&url, pool, times, &mut warnings)?;
            sources.push(Box::new(postgres));
        }
        if let Some(url) = &config.metadata {
            sources.push(Box::new(Metadata::open(url, times)?));
        }
        Ok((Directory::new(embedded, sources, times), warnings))
    }

    /// A directory without sources, in which one secret opens every enterprise.
    pub fn for_this_run(secret: Secret) -> Directory {
        Directory::default().opened_by(secret)
    }

    /// The same directory, with `secret` as the only secret, for every enterprise.
    #[must_use]
    pub fn opened_by(mut self, secret: Secret) -> Directory {
        self.for_all = Some(secret);
        self
    }

    fn new(
        embedded: Embedded,
        sources: Vec<Box<dyn NameSource>>,
        times: DirectoryTimes,
    ) -> Directory {
        let fresh = Cache::builder()
            .max_capacity(ENTERPRISES_MAX)
            .time_to_live(times.fresh);
        let last = Cache::builder()
            .max_capacity(ENTERPRISES_MAX)
            .time_to_live(times.stale);
        Directory {
            embedded,
            counts: Mutex::new(DirectoryCounts::of(
                sources.iter().map(|source| source.name()),
            )),
            sources,
            for_all: None,
            fresh: fresh.build(),
            last: last.build(),
            times,
        }
    }

    /// The enterprise; `None` if no source knows it. The answer may be a minute old, and a quarter of an hour while a
    /// source cannot be asked.
    ///
    /// # Errors
    /// When a source that might know it cannot be asked.
    pub async fn enterprise(
        &self,
        number: &EnterpriseName,
    ) -> Result<Option<Enterprise>, Unavailable> {
        if let Some(secret) = &self.for_all {
            let known = self.embedded.enterprise(number);
            return Ok(Some(Enterprise {
                title: known.and_then(|known| known.title),
                secret: Some(secret.clone()),
            }));
        }
        // Concurrent callers share one question.
        let entry = self.fresh.entry_by_ref(number);
        let asked = entry.or_try_insert_with(self.ask(number)).await;
        let was_asked = asked.as_ref().map_or(true, Entry::is_fresh);
        self.counting().looked_up(was_asked);
        match asked {
            Ok(known) => Ok(known.into_value()),
            Err(unavailable) => match self.last.get(number).await {
                Some(known) => Ok(Some(known)),
                None => Err(Unavailable::clone(&unavailable)),
            },
        }
    }

    async fn ask(&self, number: &EnterpriseName) -> Result<Option<Enterprise>, Unavailable> {
        let mut known = self.embedded.enterprise(number);
        let sources = self
            .sources
            .iter()
            .filter(|source| source.knows_enterprises());
        for source in sources {
            // The settings may name an enterprise, while the database holds its secret.
            if known.as_ref().is_some_and(|known| known.secret.is_some()) {
                break;
            }
            let asked = timeout(self.times.budget, source.enterprise(number)).await;
            let asked = asked.unwrap_or(Err(SourceError::Slow));
            let answer =
                asked.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            known = match (known, answer) {
                (Some(known), Some(answer)) => Some(Enterprise {
                    title: known.title.or(answer.title),
                    secret: answer.secret,
                }),
                (known, answer) => known.or(answer),
            };
        }
        match &known {
            Some(known) => self.last.insert(number.clone(), known.clone()).await,
            None => self.last.invalidate(number).await,
        }
        Ok(known)
    }

    /// The enterprises that have this name, in any case, or this Token: those of the settings, otherwise those of the
    /// first source that knows any. Empty when none is known.
    ///
    /// # Errors
    /// When a source cannot be asked and none before it knew any. The text does not repeat the question.
    pub async fn numbers(&self, typed: &str) -> Result<Vec<EnterpriseName>, Unavailable> {
        let known = self.embedded.numbers(typed);
        if !known.is_empty() {
            return Ok(known);
        }
        for source in self.sources.iter().filter(|s| s.knows_enterprises()) {
            let asked = timeout(self.times.budget, source.numbers(typed)).await;
            let asked = asked.unwrap_or(Err(SourceError::Slow));
            let answer =
                asked.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            let known: Vec<_> = answer
                .iter()
                .filter_map(|n| EnterpriseName::new(n))
                .collect();
            if !known.is_empty() {
                return Ok(known);
            }
        }
        Ok(Vec::new())
    }

    /// The names that can be found within two seconds. It never fails: an id without a name is shown as it is.
    pub async fn names(&self, number: &EnterpriseName, wanted: &NameQuery) -> Names {
        let mut names = Names::default();
        names.adopt(self.embedded.names(number, wanted));
        let wanted = &wanted.without(&names);
        if wanted.is_empty() {
            return names;
        }
        let asked = self.sources.iter().map(|source| async move {
            let asked = timeout(self.times.budget, source.names(number, wanted)).await;
            asked.ok().and_then(Result::ok).unwrap_or_else(|| Names {
                missing: vec![source.name()],
                ..Names::default()
            })
        });
        for found in join_all(asked).await {
            names.adopt(found);
        }
        self.counting().lacked(&names.missing);
        names
    }

    /// Asks for the names of several enterprises concurrently.
    pub async fn names_of_each(&self, asked: &[(&EnterpriseName, NameQuery)]) -> Vec<Names> {
        let answers = asked
            .iter()
            .map(|(number, wanted)| self.names(number, wanted));
        join_all(answers).await
    }

    /// Events of the telephony system's own table, in the order of time; `None` if no source has such a table.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn stored_events(
        &self,
        asked: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, Unavailable> {
        for source in &self.sources {
            let answer = timeout(self.times.budget, source.stored_events(asked)).await;
            let answer = answer.unwrap_or(Err(SourceError::Slow));
            let answer =
                answer.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            if answer.is_some() {
                return Ok(answer);
            }
        }
        Ok(None)
    }

    /// The counts since the directory was opened.
    pub fn counts(&self) -> DirectoryCounts {
        self.counting().clone()
    }

    fn counting(&self) -> MutexGuard<'_, DirectoryCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The concerns about each source that answers, by name. They are asked for now and within two seconds, also
    /// whether the source knows these enterprises.
    pub async fn concerns(
        &self,
        enterprises: &[EnterpriseName],
        now: DateTime<Utc>,
    ) -> Vec<(&'static str, Concern)> {
        let asked = self.sources.iter().map(|source| async move {
            let asked = timeout(self.times.budget, source.concerns(enterprises, now)).await;
            let concerns = asked.unwrap_or_default().into_iter();
            concerns
                .map(|concern| (source.name(), concern))
                .collect::<Vec<_>>()
        });
        join_all(asked).await.concat()
    }

    /// The state of each source, by name, asked for now and within two seconds. The texts hold no secret. Empty when
    /// there is no source except the settings.
    pub async fn check(&self) -> Vec<(&'static str, Result<(), String>)> {
        let checks = self.sources.iter().map(|source| async move {
            let asked = timeout(self.times.budget, source.check()).await;
            let asked = asked.unwrap_or(Err(SourceError::Slow));
            (source.name(), asked.map_err(|error| error.to_string()))
        });
        join_all(checks).await
    }
}

impl Default for Directory {
    /// A directory without any source.
    fn default() -> Directory {
        Directory::new(Embedded::default(), Vec::new(), DirectoryTimes::default())
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Directory")
            .field("sources", &sources)
            .finish_non_exhaustive()
    }
}
