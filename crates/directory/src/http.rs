//! Requests to the services that settings name: their addresses, clients, bounded answers, and failures in words that
//! hold no address.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::Secret;
use calltrace_store::error::{Error, reason};

/// Why there is no answer. The texts hold no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFailure {
    /// There is no connection.
    NotConnected(String),
    /// The answer did not come in time.
    Slow,
    /// The answer is longer than it may be.
    TooLong,
    /// What was answered is no HTTP, or the connection broke.
    Broken(String),
}

impl HttpFailure {
    /// Why a request failed.
    pub fn of(error: &reqwest::Error) -> HttpFailure {
        let mut source = std::error::Error::source(error);
        let mut what = None;
        while let Some(cause) = source {
            what = cause.downcast_ref().map(reason).or(what);
            source = cause.source();
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => HttpFailure::NotConnected("no connection in time".to_owned()),
            (true, false) => {
                HttpFailure::NotConnected(what.unwrap_or_else(|| "no connection".to_owned()))
            }
            (false, true) => HttpFailure::Slow,
            (false, false) => {
                HttpFailure::Broken(what.unwrap_or_else(|| "it answers with no HTTP".to_owned()))
            }
        }
    }
}

/// A client for the service at `url`, which the setting `setting` names. It follows no redirection, which could lead a
/// secret elsewhere, and uses no proxy.
///
/// # Errors
/// When the service is reached over https, and this machine has no certificates.
pub fn client(setting: &'static str, url: &Url, connect: Duration) -> Result<Client, Error> {
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .user_agent("calltrace")
        // A machine without root certificates must still start if it does not need them.
        .tls_built_in_root_certs(url.scheme() == "https");
    client.build().map_err(|error| Error::Certificates {
        setting,
        source: error.into(),
    })
}

/// The address in a setting, over http or https. `like` is an example for the error.
///
/// # Errors
/// When it is no such address. The text shows nothing of it.
pub fn url(setting: &str, text: &Secret, like: &str) -> Result<Url, Error> {
    let typed = str::from_utf8(text.bytes()).expect("a secret is made of text");
    let url = Url::parse(typed.trim()).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()));
    url.ok_or_else(|| no_url(setting, like))
}

fn no_url(setting: &str, like: &str) -> Error {
    Error::Usage(format!(
        "{setting}: not the address of a service; it is like {like}"
    ))
}

/// The address in a setting to which paths are added: it ends with `/` and has neither query nor fragment.
///
/// # Errors
/// When it is no such address. The text shows nothing of it.
pub fn service_url(setting: &str, text: &Secret, like: &str) -> Result<Url, Error> {
    let mut url = url(setting, text, like)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(no_url(setting, like));
    }
    // `Url::join` replaces the last part of a path that does not end with `/`.
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// The body of an answer.
///
/// # Errors
/// When it is longer than `bytes_max`, or does not come.
pub async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, HttpFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| HttpFailure::of(&e))? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(HttpFailure::TooLong);
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_without_showing_it() {
        for url in [
            "s3cret",
            "ftp://user:s3cret@localhost",
            "http://user:s3cret@localhost:port",
            "http://localhost/?token=s3cret",
            "http://",
        ] {
            let typed = Secret::new(url).expect("not blank");
            let said = service_url("metadata.url", &typed, "http://localhost:8020")
                .expect_err(url)
                .to_string();
            assert!(said.starts_with("metadata.url: "), "{said}");
            assert!(!said.contains("cret"), "{said}");
        }
    }
}
