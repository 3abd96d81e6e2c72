//! Who is who: the secrets of enterprises, the names of people, extensions, lines and clients.
//!
//! What the settings hold (`settings`) is there always. Beside it stand the sources: PostgreSQL
//! (`postgres`) and the metadata service (`metadata`), behind one trait (`source`). [`Directory`]
//! asks them in that order, remembers what they said for a while, and never lets a slow or broken
//! one cost more than its names. `database` holds connections, also for those who write. Knows no page and no
//! request.

mod answers;
mod concern;
mod config;
mod counts;
pub mod database;
mod metadata;
mod postgres;
mod secret;
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
use source::Source;

pub use answers::{Enterprise, Names, Unavailable, Wanted};
pub use concern::Concern;
pub use config::{Config, EnterpriseConfig, Given, PostgresConfig};
pub use counts::Counts;
pub use secret::Secret;
pub use source::SourceError;
pub use stored::{StoredEvent, StoredEvents};

/// Enterprises remembered. A stranger who tries numbers pushes out what is rarely asked, and costs
/// a question each.
const ENTERPRISES_MAX: u64 = 10_000;

/// How long answers hold, and how long is waited for them.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// An answer about an enterprise is not asked for again within it.
    pub fresh: Duration,
    /// What is known of an enterprise holds so long when nobody can be asked.
    pub stale: Duration,
    /// A question takes no longer.
    pub budget: Duration,
    /// A source that can't be reached is left alone so long.
    pub rest: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(15 * 60),
            budget: Duration::from_secs(2),
            rest: Duration::from_secs(5),
        }
    }
}

impl Times {
    /// What a source gives itself, so that a part of an answer is still told within the budget.
    fn patience(self) -> Duration {
        self.budget * 19 / 20
    }
}

/// All sources together.
pub struct Directory {
    embedded: Embedded,
    /// In the order in which they are believed.
    sources: Vec<Box<dyn Source>>,
    /// Opens every enterprise, whatever the sources say.
    for_all: Option<Secret>,
    /// What was said lately, of unknown enterprises too.
    fresh: Cache<EnterpriseName, Option<Enterprise>>,
    /// Enterprises that are known, for when nobody can be asked. Strangers can't fill it.
    last: Cache<EnterpriseName, Enterprise>,
    times: Times,
    counts: Mutex<Counts>,
}

impl Directory {
    /// The directory that the settings describe, and what the user should be warned of. Asks
    /// nobody yet: the database may come up later.
    ///
    /// # Errors
    /// An address that is none; a file of a secret that does not hold one.
    pub fn open(config: &Config) -> Result<(Directory, Vec<String>), Error> {
        Directory::open_with(config, Times::default())
    }

    /// The same with other times.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(config: &Config, times: Times) -> Result<(Directory, Vec<String>), Error> {
        let mut warnings = Vec::new();
        let embedded = Embedded::open(config, &mut warnings)?;
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
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

    /// A directory of nothing but one secret that opens every enterprise.
    pub fn for_this_run(secret: Secret) -> Directory {
        Directory::default().opened_by(secret)
    }

    /// The same directory, with every enterprise opened by `secret` and by no other.
    #[must_use]
    pub fn opened_by(mut self, secret: Secret) -> Directory {
        self.for_all = Some(secret);
        self
    }

    fn new(embedded: Embedded, sources: Vec<Box<dyn Source>>, times: Times) -> Directory {
        let fresh = Cache::builder()
            .max_capacity(ENTERPRISES_MAX)
            .time_to_live(times.fresh);
        let last = Cache::builder()
            .max_capacity(ENTERPRISES_MAX)
            .time_to_live(times.stale);
        Directory {
            embedded,
            counts: Mutex::new(Counts::of(sources.iter().map(|source| source.name()))),
            sources,
            for_all: None,
            fresh: fresh.build(),
            last: last.build(),
            times,
        }
    }

    /// The enterprise; `None` where no source knows it. May be a minute old, and a quarter of an
    /// hour when a source can't be asked.
    ///
    /// # Errors
    /// When a source that might know it can't be asked.
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
        // Whoever asks for the same at the same time waits for the one question.
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
            // The settings may name an enterprise whose secret the database holds.
            if known.as_ref().is_some_and(|known| known.secret.is_some()) {
                break;
            }
            let asked = timeout(self.times.budget, source.enterprise(number)).await;
            let asked = asked.unwrap_or(Err(SourceError::Slow));
            let said = asked.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            known = match (known, said) {
                (Some(known), Some(said)) => Some(Enterprise {
                    title: known.title.or(said.title),
                    secret: said.secret,
                }),
                (known, said) => known.or(said),
            };
        }
        match &known {
            Some(known) => self.last.insert(number.clone(), known.clone()).await,
            None => self.last.invalidate(number).await,
        }
        Ok(known)
    }

    /// The enterprises that people call so, in any case, or whose Token it is: what the settings say, else
    /// what the first source says that knows any. Empty when none is known.
    ///
    /// # Errors
    /// When a source can't be asked, and none before it knew any. The text does not hold what was asked.
    pub async fn numbers(&self, typed: &str) -> Result<Vec<EnterpriseName>, Unavailable> {
        let known = self.embedded.numbers(typed);
        if !known.is_empty() {
            return Ok(known);
        }
        for source in self.sources.iter().filter(|s| s.knows_enterprises()) {
            let asked = timeout(self.times.budget, source.numbers(typed)).await;
            let asked = asked.unwrap_or(Err(SourceError::Slow));
            let said = asked.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            let known: Vec<_> = said.iter().filter_map(|n| EnterpriseName::new(n)).collect();
            if !known.is_empty() {
                return Ok(known);
            }
        }
        Ok(Vec::new())
    }

    /// As many of the names as can be had within two seconds. Never fails: what can't be had is
    /// shown without its name.
    pub async fn names(&self, number: &EnterpriseName, wanted: &Wanted) -> Names {
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

    /// The same of several enterprises, side by side.
    pub async fn names_of_each(&self, asked: &[(&EnterpriseName, Wanted)]) -> Vec<Names> {
        let answers = asked
            .iter()
            .map(|(number, wanted)| self.names(number, wanted));
        join_all(answers).await
    }

    /// Events of the telephony system's own table, in the order of time; `None` where no source has such a table.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn stored_events(
        &self,
        asked: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, Unavailable> {
        for source in &self.sources {
            let answer = timeout(self.times.budget, source.stored_events(asked)).await;
            let answer = answer.unwrap_or(Err(SourceError::Slow));
            let said = answer.map_err(|error| Unavailable(format!("{} {error}", source.name())))?;
            if said.is_some() {
                return Ok(said);
            }
        }
        Ok(None)
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.counting().clone()
    }

    fn counting(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is odd about each source that answers, by name, asked now and within two seconds. It is asked
    /// whether it knows these enterprises.
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

    /// How each source does, by name, asked now and within two seconds. The texts hold no secret.
    /// Empty when there is none but the settings.
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
    /// Knows nobody.
    fn default() -> Directory {
        Directory::new(Embedded::default(), Vec::new(), Times::default())
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
