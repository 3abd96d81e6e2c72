//! One delivery: a JSON document is posted, and posted again when the other side asks for patience that the run has.

use std::time::Duration;

use calltrace_directory::Secret;
use calltrace_directory::http::{self, HttpFailure};
use calltrace_store::error::Error;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::notice::DeliveryError;

/// An answer is a few words. Of a longer one (bytes) nothing is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The longest patience that is asked for: more than a day is a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a delivery may take.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryTimes {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until a request is answered.
    pub answer: Duration,
    /// All of it, with the time that is waited where the other side asks for that.
    pub total: Duration,
}

impl Default for DeliveryTimes {
    /// 5, 10 and 30 seconds.
    fn default() -> DeliveryTimes {
        DeliveryTimes {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Posts to one address. It has no `Debug`, because the address may hold a token.
pub(super) struct Poster {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    times: DeliveryTimes,
}

/// What was answered.
pub(super) struct ChannelAnswer {
    pub(super) status: StatusCode,
    /// The header `Retry-After`, where it states seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Poster {
    pub(super) fn new(client: Client, url: Url, times: DeliveryTimes) -> Poster {
        Poster {
            client,
            url,
            authorization: None,
            times,
        }
    }

    /// The same with the header `Authorization`.
    ///
    /// # Errors
    /// When the secret holds characters that no header may hold. The text does not show it.
    pub(super) fn authorized(mut self, setting: &str, secret: &Secret) -> Result<Poster, Error> {
        let value = HeaderValue::from_bytes(secret.bytes());
        let mut value = value.map_err(|_| {
            Error::Usage(format!(
                "{setting}: not the value of a header; it is like Bearer TOKEN"
            ))
        })?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Posts the document until `judge` accepts the answer. An error with a time to wait is tried again after it, as long
    /// as there is time.
    ///
    /// # Errors
    /// That of `judge`, or of a request without an answer.
    pub(super) async fn post(
        &self,
        document: &Value,
        judge: impl Fn(&ChannelAnswer) -> Result<(), DeliveryError>,
    ) -> Result<(), DeliveryError> {
        let body = document.to_string();
        let deadline = Instant::now() + self.times.total;
        let mut asked_to_wait = None;
        loop {
            let Ok(answer) = timeout_at(deadline, self.ask(&body)).await else {
                return Err(asked_to_wait.unwrap_or_else(|| DeliveryError::of(HttpFailure::Slow)));
            };
            let error = match judge(&answer.map_err(DeliveryError::of)?) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // A server that asks for no patience at all must not be asked without a pause.
            let pause = error
                .retry_after
                .map(|wait| wait.max(Duration::from_millis(100)));
            match pause {
                Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                _ => return Err(error),
            }
            asked_to_wait = Some(error);
        }
    }

    async fn ask(&self, body: &str) -> Result<ChannelAnswer, HttpFailure> {
        let answer = timeout(self.times.answer, self.exchange(body)).await;
        answer.unwrap_or(Err(HttpFailure::Slow))
    }

    async fn exchange(&self, body: &str) -> Result<ChannelAnswer, HttpFailure> {
        let mut request = self.client.post(self.url.clone());
        request = request.header("Content-Type", "application/json");
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(body.to_owned());
        let response = request.send().await.map_err(|e| HttpFailure::of(&e))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        // What a server says with a success does not undo it.
        let body = match http::body(response, ANSWER_BYTES_MAX).await {
            Err(HttpFailure::TooLong) => Vec::new(),
            body => body?,
        };
        Ok(ChannelAnswer {
            status,
            retry_after,
            body,
        })
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(patience)
}

/// The time to wait that a service asks for (seconds), a day at most.
pub(super) fn patience(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(RETRY_AFTER_MAX)
}

impl ChannelAnswer {
    /// The answer of a service that says all with its status: 2xx is a success.
    ///
    /// # Errors
    /// For any other status.
    pub(super) fn success(&self) -> Result<(), DeliveryError> {
        match self.status.is_success() {
            true => Ok(()),
            false => Err(self.refusal("")),
        }
    }

    /// The error of an answer without success. `what` is what the service said, if that may be shown.
    pub(super) fn refusal(&self, what: &str) -> DeliveryError {
        let status = self.status.as_u16();
        let asks = matches!(status, 429 | 503);
        let retry_after = self.retry_after.filter(|_| asks);
        DeliveryError {
            text: match (retry_after, what) {
                (Some(wait), _) => asks_to_wait(wait),
                (None, "") => format!("answers with {status}"),
                (None, what) => format!("answers with {status}: {what}"),
            },
            retry_after,
        }
    }
}

/// The text about a service that asks to be left alone.
pub(super) fn asks_to_wait(wait: Duration) -> String {
    format!("asks to wait for {} s", wait.as_secs())
}

impl DeliveryError {
    /// An error that no wait will mend.
    pub(super) fn plain(text: impl Into<String>) -> DeliveryError {
        DeliveryError {
            text: text.into(),
            retry_after: None,
        }
    }

    fn of(failure: HttpFailure) -> DeliveryError {
        DeliveryError::plain(match failure {
            HttpFailure::NotConnected(why) => format!("can't be reached: {why}"),
            HttpFailure::Slow => "did not answer in time".to_owned(),
            HttpFailure::TooLong => "answers with too much".to_owned(),
            HttpFailure::Broken(why) => format!("gave no proper answer: {why}"),
        })
    }
}
