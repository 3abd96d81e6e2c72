//! What every source of who is who does, and how one that fails is left alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Concern, Enterprise, Names, StoredEvent, StoredEvents, Wanted};
use calltrace_store::tree::EnterpriseName;

/// Somebody to ask. A source that has nothing on a matter says so with `Ok`.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// As it is called on pages and in logs: "postgres".
    fn name(&self) -> &'static str;

    /// Whether it may know enterprises; one that never does is not asked.
    fn knows_enterprises(&self) -> bool;

    /// The enterprise; `None` when it does not know it.
    async fn enterprise(&self, number: &EnterpriseName) -> Result<Option<Enterprise>, SourceError>;

    /// The numbers of the enterprises that have this name, in any case, or this Token; a few at most.
    async fn numbers(&self, _typed: &str) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    /// The names it has. One that could answer only a part of it is itself among the missing.
    async fn names(&self, number: &EnterpriseName, wanted: &Wanted) -> Result<Names, SourceError>;

    /// The events that it holds; `None` where it holds none at all.
    async fn stored_events(
        &self,
        _: &StoredEvents,
    ) -> Result<Option<Vec<StoredEvent>>, SourceError> {
        Ok(None)
    }

    /// What is odd about it though it answers; nothing where it can't be asked.
    async fn concerns(&self, _: &[EnterpriseName], _: DateTime<Utc>) -> Vec<Concern> {
        Vec::new()
    }

    /// Asks it something small, whether it is being left alone or not.
    async fn check(&self) -> Result<(), SourceError>;
}

/// Why a source did not answer. The text is a clause behind its name, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no talking to it.
    #[error("can't be reached: {0}")]
    Away(String),
    /// What it was when it was met is over; it may answer when asked once more.
    #[error("went away while it was asked: {0}")]
    Cut(String),
    /// It is there, and took too long.
    #[error("did not answer in time")]
    Slow,
    /// Too many ask it at one time.
    #[error("is asked too much at one time")]
    Busy,
    /// It answered with something that is no answer.
    #[error("{0}")]
    Wrong(String),
    /// A value of the statement does not fit the tables; the statement itself is right.
    #[error("{0}")]
    Unfit(String),
    /// It failed a moment ago and was not asked.
    #[error("is left alone for a moment, it could not be reached")]
    Resting,
}

/// How a source has been doing. Says once when it goes away and once when it is back, and keeps
/// all but one of those who ask from waiting for a source that is away.
pub(super) struct Health {
    name: &'static str,
    /// How long it is left alone.
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    away: bool,
    lame: bool,
    resting_until: Option<Instant>,
}

impl Health {
    pub(super) fn new(name: &'static str, rest: Duration) -> Health {
        Health {
            name,
            rest,
            state: Mutex::default(),
        }
    }

    /// Whether it may be asked. When its rest is over, the first to come may, and the others once
    /// that one was answered.
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

    /// It could not be reached, or said nothing at all in time.
    pub(super) fn failed(&self, error: &SourceError) {
        let mut state = self.state();
        state.resting_until = Some(Instant::now() + self.rest);
        if !std::mem::replace(&mut state.away, true) {
            tracing::warn!(source = self.name, "{} {error}", self.name);
        }
    }

    /// It answered.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.resting_until = None;
        if std::mem::take(&mut state.away) {
            tracing::info!(source = self.name, "{} is back", self.name);
        }
    }

    /// It answered, but not all that it was asked.
    pub(super) fn failed_in_part(&self, error: &SourceError) {
        if !std::mem::replace(&mut self.state().lame, true) {
            tracing::warn!(source = self.name, "some names of {}: {error}", self.name);
        }
    }

    /// It answered all that it was asked.
    pub(super) fn answered_all(&self) {
        if std::mem::take(&mut self.state().lame) {
            tracing::info!(source = self.name, "all names of {} are back", self.name);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Three flags are never half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_failed_is_tried_by_one_at_a_time() {
        let away = SourceError::Away("connection refused".into());
        let health = Health::new("postgres", Duration::from_millis(30));
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
