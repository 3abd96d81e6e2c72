//! The metadata service as a source: names of extensions, lines and clients, one request per name.
//!
//! `question` builds requests and reads answers without network. The requests of a page run concurrently and share
//! one budget. Answers are cached, also those without a name.

mod question;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use moka::Expiry;
use moka::future::Cache;
use reqwest::{Client, StatusCode, Url};
use tokio::time::timeout_at;

use super::http::{self, HttpFailure};
use super::source::{NameSource, SourceError, SourceHealth};
use super::{Concern, DirectoryTimes, Enterprise, NameQuery, Names, Secret};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use question::ServiceQuestion;

const NAME: &str = "metadata";

/// The maximum number of concurrent requests of one page.
const SIDE_BY_SIDE: usize = 16;

/// An answer is a few names. A longer one (bytes) is not an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The maximum number of cached answers.
const KNOWN_MAX: u64 = 50_000;

/// The metadata service, on port 8020.
pub(super) struct Metadata {
    client: Client,
    /// Ends with `/`.
    base: Url,
    known: Cache<ServiceQuestion, CachedAnswer>,
    health: SourceHealth,
    patience: Duration,
}

/// A cached answer.
#[derive(Debug, Clone)]
enum CachedAnswer {
    Name(String),
    Nothing,
    /// The answer was invalid or did not come.
    Failed,
}

impl Metadata {
    /// Does not send a request yet.
    ///
    /// # Errors
    /// When `url` is not the address of a service. The text shows nothing of it.
    pub(super) fn open(url: &Secret, times: DirectoryTimes) -> Result<Metadata, Error> {
        let base = http::service_url("metadata.url", url, "http://localhost:8020")?;
        let client = http::client("metadata.url", &base, times.budget / 3)?;
        let known = Cache::builder().max_capacity(KNOWN_MAX);
        Ok(Metadata {
            client,
            base,
            known: known.expire_after(AnswerExpiry).build(),
            health: SourceHealth::new(NAME, times.rest),
            patience: times.patience(),
        })
    }

    /// Adds the names that come in time. Returns whether all questions were answered.
    async fn fetch_all(&self, questions: Vec<ServiceQuestion>, names: &mut Names) -> bool {
        let deadline = tokio::time::Instant::now() + self.patience;
        let mut unanswered = questions.clone();
        let fetched = stream::iter(questions).map(|question| async move {
            let answer = self.fetch(&question).await;
            (question, answer)
        });
        let mut answers = fetched.buffer_unordered(SIDE_BY_SIDE);
        let (mut heard, mut wrong) = (false, None);
        while let Ok(Some((question, answer))) = timeout_at(deadline, answers.next()).await {
            if let Err(away @ SourceError::Away(_)) = &answer {
                self.health.failed(away);
                return false;
            }
            heard = true;
            unanswered.retain(|other| *other != question);
            let known = answer.unwrap_or_else(|error| {
                wrong = Some(error);
                CachedAnswer::Failed
            });
            question.put(&known, names);
            self.known.insert(question, known).await;
        }
        drop(answers);
        if !unanswered.is_empty() && !heard {
            self.health.failed(&SourceError::Slow);
            return false;
        }
        for question in unanswered {
            wrong = Some(SourceError::Slow);
            self.known.insert(question, CachedAnswer::Failed).await;
        }
        self.health.answered();
        match &wrong {
            Some(wrong) => self.health.failed_in_part(wrong),
            None => self.health.answered_all(),
        }
        wrong.is_none()
    }

    /// The body of `/stats`; `None` if the service does not answer.
    async fn stats(&self) -> Option<serde_json::Value> {
        let url = self.base.join("stats").expect("a relative path");
        let response = self.client.get(url).send().await.ok()?;
        let is_well = response.status() == StatusCode::OK;
        let body = http::body(response, ANSWER_BYTES_MAX)
            .await
            .ok()
            .filter(|_| is_well)?;
        serde_json::from_slice(&body).ok()
    }

    async fn fetch(&self, question: &ServiceQuestion) -> Result<CachedAnswer, SourceError> {
        let url = question.url(&self.base);
        let response = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|e| away(HttpFailure::of(&e)))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(CachedAnswer::Nothing),
            other => {
                return Err(SourceError::Wrong(format!(
                    "it answers with {}",
                    other.as_u16()
                )));
            }
        }
        let body = http::body(response, ANSWER_BYTES_MAX).await.map_err(away)?;
        let answer = serde_json::from_slice(&body);
        let answer =
            answer.map_err(|_| SourceError::Wrong("it answers with no JSON".to_owned()))?;
        Ok(question
            .name(&answer)
            .map_or(CachedAnswer::Nothing, CachedAnswer::Name))
    }
}

#[async_trait]
impl NameSource for Metadata {
    fn name(&self) -> &'static str {
        NAME
    }

    fn knows_enterprises(&self) -> bool {
        false
    }

    async fn enterprise(&self, _: &EnterpriseName) -> Result<Option<Enterprise>, SourceError> {
        Ok(None)
    }

    async fn names(
        &self,
        number: &EnterpriseName,
        wanted: &NameQuery,
    ) -> Result<Names, SourceError> {
        let mut names = Names::default();
        let (mut unknown, mut complete) = (Vec::new(), true);
        for question in ServiceQuestion::all(number, wanted) {
            match self.known.get(&question).await {
                Some(known) => complete &= question.put(&known, &mut names),
                None => unknown.push(question),
            }
        }
        if !unknown.is_empty() {
            let admitted = self.health.admit().is_ok();
            complete &= admitted && self.fetch_all(unknown, &mut names).await;
        }
        if !complete {
            names.add_missing(NAME);
        }
        Ok(names)
    }

    async fn concerns(&self, enterprises: &[EnterpriseName], now: DateTime<Utc>) -> Vec<Concern> {
        let mut concerns = match self.stats().await {
            Some(stats) => Concern::of_stats(&stats, now),
            None => return Vec::new(),
        };
        let asked = stream::iter(enterprises.to_vec()).map(|enterprise| async move {
            let path = format!("integrations/{enterprise}");
            let url = self.base.join(&path).expect("a relative path");
            let response = self.client.get(url).send().await.ok()?;
            (response.status() == StatusCode::NOT_FOUND).then_some(enterprise)
        });
        let unknown: Vec<_> = asked.buffered(SIDE_BY_SIDE).collect().await;
        concerns.extend(unknown.into_iter().flatten().map(Concern::Unknown));
        concerns
    }

    async fn check(&self) -> Result<(), SourceError> {
        // Any answer is fine, except one that says that the service is broken.
        let url = self.base.join("stats").expect("a relative path");
        let answer = match self.client.get(url).send().await {
            Err(error) => Err(away(HttpFailure::of(&error))),
            Ok(response) if response.status().is_server_error() => {
                let status = response.status().as_u16();
                Err(SourceError::Wrong(format!("it answers with {status}")))
            }
            Ok(_) => Ok(()),
        };
        match &answer {
            Ok(()) => self.health.answered(),
            Err(error) => self.health.failed(error),
        }
        answer
    }
}

/// Why a request failed, as an error of the source.
fn away(failure: HttpFailure) -> SourceError {
    match failure {
        HttpFailure::NotConnected(why) => SourceError::Away(why),
        HttpFailure::Slow => SourceError::Slow,
        HttpFailure::TooLong => SourceError::Wrong("it answers with too much".to_owned()),
        HttpFailure::Broken(why) => SourceError::Wrong(why),
    }
}

/// A name stays cached longest, the absence of a name less long, and a failure only for about one reload of a page.
struct AnswerExpiry;

impl AnswerExpiry {
    fn of(known: &CachedAnswer) -> Duration {
        Duration::from_secs(match known {
            CachedAnswer::Name(_) => 300,
            CachedAnswer::Nothing => 60,
            CachedAnswer::Failed => 10,
        })
    }
}

impl Expiry<ServiceQuestion, CachedAnswer> for AnswerExpiry {
    fn expire_after_create(
        &self,
        _: &ServiceQuestion,
        known: &CachedAnswer,
        _: Instant,
    ) -> Option<Duration> {
        Some(AnswerExpiry::of(known))
    }

    fn expire_after_update(
        &self,
        _: &ServiceQuestion,
        known: &CachedAnswer,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(AnswerExpiry::of(known))
    }
}
