//! The connection below the S3 client: adds the condition that the client has no way to ask for, notices a store
//! without conditions, and remembers what time the store has.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// What the answers of a store tell about it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// It has answered a conditional write with 501.
    pub(crate) is_unconditional: AtomicBool,
    /// Its time at its last answer.
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
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_completed = request.method() == "POST"
            && request
                .uri()
                .query()
                .is_some_and(|query| query.starts_with("uploadId="));
        // The client completes an upload in parts without a condition. The signature covers only the headers that it
        // names, so one more is allowed.
        if is_completed && !self.observed.is_unconditional.load(Ordering::Relaxed) {
            let headers = request.headers_mut();
            headers.insert("if-none-match", HeaderValue::from_static("*"));
        }
        let is_write = request.method() != "GET" && request.method() != "HEAD";
        let headers = request.headers();
        let is_conditional =
            is_write && (headers.contains_key("if-none-match") || headers.contains_key("if-match"));
        let mut response = self.inner.execute(request).await?;
        let date = response.headers().get("date");
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        if let Some(date) = date {
            let mut time = self
                .observed
                .time
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *time = Some(date.to_utc());
        }
        if is_conditional && response.status().as_u16() == 501 {
            self.observed
                .is_unconditional
                .store(true, Ordering::Relaxed);
            // The client would ask for a 5xx again, which has no use here.
            *response.status_mut() = 405.try_into().expect("it is a status");
        }
        Ok(response)
    }
}
