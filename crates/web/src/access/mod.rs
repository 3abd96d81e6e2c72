//! Access control: the token of an enterprise, a signed link for one call, and the limit on wrong tries. The
//! rules are pure; the time is a parameter.
//!
//! - `?token=` opens every page of its enterprise.
//! - `?exp=&sig=` opens the one call that was signed; see [`link`].
//! - With both, only the token counts.
//!
//! A wrong token, a missing one, an enterprise that does not exist and one without a secret get
//! the same answer after about the same work.

pub(super) mod link;
mod recent;
pub(super) mod remote;
pub(super) mod robots;
pub(super) mod tries;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::request::{Malformed, Query, in_query};
use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;
use remote::RemoteNetwork;
use tries::{Tries, TryLimits, TryResult};

/// Tries at the API are counted under this name, which no enterprise has.
const API: &str = "_api";

/// What a request asks to see.
#[derive(Debug, Clone, Copy)]
pub(super) enum Resource<'r> {
    Call(&'r EnterpriseName, &'r str),
    /// A page that shows all calls of the enterprise.
    Enterprise(&'r EnterpriseName),
}

impl Resource<'_> {
    pub(super) fn enterprise(&self) -> &EnterpriseName {
        match self {
            Resource::Call(enterprise, _) | Resource::Enterprise(enterprise) => enterprise,
        }
    }
}

/// The credentials that a request carries.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    token: Option<String>,
    expires: Option<String>,
    signature: Option<String>,
}

impl Credentials {
    /// Reads the credentials of a query.
    ///
    /// # Errors
    /// Returns an error when a parameter is given twice or can't be read.
    pub(super) fn of(query: &Query) -> Result<Credentials, Malformed> {
        Ok(Credentials {
            token: query.verbatim("token")?,
            expires: query.verbatim("exp")?,
            signature: query.verbatim("sig")?,
        })
    }

    /// Returns the token, which opens all calls. A token next to a signature is the only credential that
    /// counts.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns the credentials as a query for links to the same page: the token, otherwise the signature.
    pub(super) fn shown_again(&self) -> String {
        let encoded = |text: &Option<String>| in_query(text.as_deref().unwrap_or_default());
        match &self.token {
            Some(token) => format!("?token={}", in_query(token)),
            None => format!(
                "?exp={}&sig={}",
                encoded(&self.expires),
                encoded(&self.signature)
            ),
        }
    }
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessRefusal {
    /// The credentials do not open what is asked for.
    Closed,
    /// The signature is right, but the link has expired.
    Expired,
    /// There were too many wrong tries; holds the time to wait.
    TooMany(Duration),
}

/// Checks credentials and counts wrong ones.
pub(super) struct AccessControl {
    tries: Mutex<Tries>,
    /// Stands in for the secret of an enterprise without one, so that the check takes the same time.
    stand_in: Secret,
}

impl AccessControl {
    pub(super) fn new(limits: TryLimits) -> AccessControl {
        AccessControl {
            tries: Mutex::new(Tries::new(limits)),
            stand_in: Secret::new("no enterprise has this for its secret")
                .expect("it is not blank"),
        }
    }

    /// Checks the API's token. A wrong one counts as a wrong token for a page does.
    ///
    /// # Errors
    /// Returns why the request is refused.
    pub(super) fn check_bearer(
        &self,
        visitor: RemoteNetwork,
        secret: Option<&Secret>,
        shown: &str,
        now: Instant,
    ) -> Result<(), AccessRefusal> {
        let is_right = secret.unwrap_or(&self.stand_in).matches(shown);
        let judged = is_right.then_some(()).ok_or(AccessRefusal::Closed);
        let api = EnterpriseName::new(API).expect("it is written like one");
        self.settle(visitor, &api, secret, judged, now)
    }

    /// Checks whether the visitor has a try left, before the secret is looked up.
    ///
    /// # Errors
    /// [`AccessRefusal::TooMany`].
    pub(super) fn check_tries(
        &self,
        visitor: RemoteNetwork,
        now: Instant,
    ) -> Result<(), AccessRefusal> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tries.left(visitor, now);
        left.map_err(AccessRefusal::TooMany)
    }

    /// Checks the credentials. The limit is checked again under the lock: concurrent tries are counted
    /// one after the other, and none beyond the limit learns whether it was right.
    ///
    /// # Errors
    /// Returns why the request is refused.
    pub(super) fn check(
        &self,
        visitor: RemoteNetwork,
        resource: &Resource<'_>,
        secret: Option<&Secret>,
        credentials: &Credentials,
        now: (Instant, u64),
    ) -> Result<(), AccessRefusal> {
        let (instant, unix) = now;
        let judged = judge(
            secret.unwrap_or(&self.stand_in),
            resource,
            credentials,
            unix,
        );
        self.settle(visitor, resource.enterprise(), secret, judged, instant)
    }

    /// Counts a wrong try and returns the verdict, which is a refusal if there is no secret or no try left.
    fn settle(
        &self,
        visitor: RemoteNetwork,
        enterprise: &EnterpriseName,
        secret: Option<&Secret>,
        judged: Result<(), AccessRefusal>,
        now: Instant,
    ) -> Result<(), AccessRefusal> {
        let judged = secret.map_or(Err(AccessRefusal::Closed), |_| judged);
        let answer = TryResult::about(secret, judged != Err(AccessRefusal::Closed));
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = tries.settle(visitor, enterprise, answer, now);
        settled.map_err(AccessRefusal::TooMany)?;
        judged
    }
}

/// Checks whether the credentials open what is asked for, given the secret; `unix` is the current time in
/// seconds.
fn judge(
    secret: &Secret,
    resource: &Resource<'_>,
    shown: &Credentials,
    unix: u64,
) -> Result<(), AccessRefusal> {
    match (&shown.token, &shown.signature, resource) {
        (None, Some(signature), Resource::Call(enterprise, unique_id)) => {
            let expires = shown.expires.as_deref().unwrap_or_default();
            link::judged(secret, (enterprise, unique_id), (expires, signature), unix)
        }
        (token, ..) => {
            let is_right = secret.matches(token.as_deref().unwrap_or_default());
            is_right.then_some(()).ok_or(AccessRefusal::Closed)
        }
    }
}

#[cfg(test)]
mod tests;
