//! The trait of all sources of the directory, and the rest period of one that failed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Concern, Enterprise, NameQuery, Names, StoredEvent, StoredEvents};
use calltrace_store::tree::EnterpriseName;

/// A source of names. A source that knows nothing about a question returns `Ok` without names.
#[async_trait]
pub(super) trait NameSource: Send + Sync {
    /// The name of the source on pages and in logs: "postgres".
    fn name(&self) -> &'static str;

    /// Whether it may know enterprises. A source that never does is not asked for them.
    fn knows_enterprises(&self) -> bool;

    /// The enterprise; `None` if the source does not know it.
    async fn enterprise(&self, number: &EnterpriseName) -> Result<Option<Enterprise>, SourceError>;

    /// The numbers of the enterprises that have this name, in any case, or this Token; at most a few.
    async fn numbers(&self, _typed: &str) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    /// The names that it has. A source that answers only in part adds itself to the missing ones.
    async fn names(
        &self,
        number: &EnterpriseName,
        wanted: &NameQuery,
    ) -> Result<Names, SourceError>;

    /// The stored events; `None` if the source stores none at all.
    async fn stored_events(
        &self,
        _: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, SourceError> {
        Ok(None)
    }

    /// The concerns about a source that answers; none if it cannot be asked.
    async fn concerns(&self, _: &[EnterpriseName], _: DateTime<Utc>) -> Vec<Concern> {
        Vec::new()
    }

    /// Checks the source with a minimal question, also during its rest period.
    async fn check(&self) -> Result<(), SourceError>;
}

/// Why a source did not answer. The text follows the source's name and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It cannot be reached.
    #[error("can't be reached: {0}")]
    Away(String),
    /// The connection or the tables changed while it was asked. It may answer when asked again.
    #[error("went away while it was asked: {0}")]
    Cut(String),
    /// It was reached and took too long.
    #[error("did not answer in time")]
    Slow,
    /// Too many questions run at the same time.
    #[error("is asked too much at one time")]
    Busy,
    /// Its answer is invalid.
    #[error("{0}")]
    Wrong(String),
    /// A value of the statement does not fit the tables; the statement itself is right.
    #[error("{0}")]
    Unfit(String),
    /// It failed a moment ago and was not asked.
    #[error("is left alone for a moment, it could not be reached")]
    Resting,
}

/// The state of a source. It logs once when the source goes away and once when it is back. While the source is away,
/// one caller waits for it and all others are answered at once.
pub(super) struct SourceHealth {
    name: &'static str,
    /// How long a failed source is not asked.
    rest: Duration,
    state: Mutex<SourceState>,
}

#[derive(Default)]
struct SourceState {
    away: bool,
    lame: bool,
    resting_until: Option<Instant>,
}

impl SourceHealth {
    pub(super) fn new(name: &'static str, rest: Duration) -> SourceHealth {
        SourceHealth {
            name,
            rest,
            state: Mutex::default(),
        }
    }

    /// Whether the source may be asked. When its rest period is over, one caller may ask; the others may once that
    /// caller had an answer.
    pub(super) fn admit(&self) -> Result<(), SourceError> {
        let mut state = self.state();
        let Some(until) = state.resting_until else {
            return Ok(());
        };
        let now = Instant::now();
        if now < until {
            return Err(SourceError::Resting);
        }
        state.resting_until = Some(now + self.rest);
        Ok(())
    }

    /// Records that the source could not be reached, or did not answer in time.
    pub(super) fn failed(&self, error: &SourceError) {
        let mut state = self.state();
        state.resting_until = Some(Instant::now() + self.rest);
        if !std::mem::replace(&mut state.away, true) {
            tracing::warn!(source = self.name, "{} {error}", self.name);
        }
    }

    /// Records that the source answered.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.resting_until = None;
        if std::mem::take(&mut state.away) {
            tracing::info!(source = self.name, "{} is back", self.name);
        }
    }

    /// Records that the source answered only in part.
    pub(super) fn failed_in_part(&self, error: &SourceError) {
        if !std::mem::replace(&mut self.state().lame, true) {
            tracing::warn!(source = self.name, "some names of {}: {error}", self.name);
        }
    }

    /// Records that the source answered the whole question.
    pub(super) fn answered_all(&self) {
        if std::mem::take(&mut self.state().lame) {
            tracing::info!(source = self.name, "all names of {} are back", self.name);
        }
    }

    fn state(&self) -> MutexGuard<'_, SourceState> {
        // The state is three flags, which are never half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_failed_is_tried_by_one_at_a_time() {
        let away = SourceError::Away("connection refused".into());
        let health = SourceHealth::new("postgres", Duration::from_millis(30));
        assert_eq!(health.admit(), Ok(()));
        health.failed(&away);
        assert_eq!(health.admit(), Err(SourceError::Resting));
        std::thread::sleep(Duration::from_millis(40));
        assert_eq!(health.admit(), Ok(()));
        assert_eq!(health.admit(), Err(SourceError::Resting));
        health.answered();
        assert_eq!(health.admit(), Ok(()));
        assert_eq!(health.admit(), Ok(()));
    }
}
