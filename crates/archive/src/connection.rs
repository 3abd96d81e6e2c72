//! The connection below the S3 client. It adds the condition that the client has no way to request, notices a store
//! without conditions, and remembers the store's time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// The status of a request that a store does not support (501).
const NOT_IMPLEMENTED: u16 = 501;

/// What the answers of a store tell about it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// The store has answered a conditional write with 501.
    pub(crate) is_unconditional: AtomicBool,
    /// The store's time at its last answer.
    time: Mutex<Option<DateTime<Utc>>>,
}

impl Observed {
    /// The store's time at its last answer; `None` before the first.
    pub(crate) fn time(&self) -> Option<DateTime<Utc>> {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes connections that are observed.
#[derive(Debug)]
pub(crate) struct Connector(pub(crate) Arc<Observed>);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        let observed = Arc::clone(&self.0);
        Ok(HttpClient::new(Connection { inner, observed }))
    }
}

#[derive(Debug)]
struct Connection {
    inner: HttpClient,
    observed: Arc<Observed>,
}

#[async_trait]
impl HttpService for Connection {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_completion = request.method() == "POST"
            && (request.uri().query()).is_some_and(|query| query.starts_with("uploadId="));
        let is_write = request.method() != "GET" && request.method() != "HEAD";
        let has = |name| request.headers().contains_key(name);
        let is_conditional = is_write && (has("if-none-match") || has("if-match"));
        let mut response = match is_completion {
            true => self.complete(request).await?,
            false => self.inner.execute(request).await?,
        };
        let date = response.headers().get("date");
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        if let Some(date) = date {
            let time = self.observed.time.lock();
            *time.unwrap_or_else(PoisonError::into_inner) = Some(date.to_utc());
        }
        if is_conditional && response.status() == NOT_IMPLEMENTED {
            self.observed
                .is_unconditional
                .store(true, Ordering::Relaxed);
            // The client would repeat a request that ended with 5xx, which has no use here.
            *response.status_mut() = 405.try_into().expect("it is a status");
        }
        Ok(response)
    }
}

impl Connection {
    /// Completes an upload in parts, on the condition that there is no such object. The client has no way to request
    /// that. The signature covers only the headers that it names, so one more is allowed.
    async fn complete(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.observed.is_unconditional.load(Ordering::Relaxed) {
            let mut conditional = request.clone();
            let any = HeaderValue::from_static("*");
            conditional.headers_mut().insert("if-none-match", any);
            let response = self.inner.execute(conditional).await?;
            if response.status() != NOT_IMPLEMENTED {
                return Ok(response);
            }
            self.observed
                .is_unconditional
                .store(true, Ordering::Relaxed);
        }
        self.inner.execute(request).await
    }
}
