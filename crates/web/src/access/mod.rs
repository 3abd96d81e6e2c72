//! Who may see what: the token of an enterprise, a signed link for one call, tries that are
//! limited. What decides is pure and is told the time.
//!
//! - `?token=` opens every page of its enterprise.
//! - `?exp=&sig=` opens the one call that was signed; see [`link`].
//! - With both, the token decides alone.
//!
//! A wrong token, a missing one, an enterprise that does not exist and one without a secret get
//! the same answer after about the same work.

pub(super) mod link;
mod recent;
pub(super) mod robots;
pub(super) mod tries;
pub(super) mod visitor;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::request::{Malformed, Query, in_query};
use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;
use tries::{Answer, Tries, TryLimits};
use visitor::Visitor;

/// Under this name tries at the API are counted; no enterprise is called so.
const API: &str = "_api";

/// What a request wants to see.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'r> {
    /// One call.
    Call(&'r EnterpriseName, &'r str),
    /// What only the enterprise itself may see.
    Enterprise(&'r EnterpriseName),
}

impl Wanted<'_> {
    pub(super) fn enterprise(&self) -> &EnterpriseName {
        match self {
            Wanted::Call(enterprise, _) | Wanted::Enterprise(enterprise) => enterprise,
        }
    }
}

/// What a request shows to be let in.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    token: Option<String>,
    expires: Option<String>,
    signature: Option<String>,
}

impl Credentials {
    /// Those of a query.
    ///
    /// # Errors
    /// When one of them is there twice or can't be read.
    pub(super) fn of(query: &Query) -> Result<Credentials, Malformed> {
        Ok(Credentials {
            token: query.verbatim("token")?,
            expires: query.verbatim("exp")?,
            signature: query.verbatim("sig")?,
        })
    }

    /// The token, which alone opens all calls; with a signature beside it, it alone decides.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// As a query for links to the same page: the token, else the signature.
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

/// Why nobody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing that was shown opens it.
    Closed,
    /// The link was right once.
    Expired,
    /// Too many wrong tries; the time to wait.
    TooMany(Duration),
}

/// Judges credentials and counts wrong ones.
pub(super) struct Door {
    tries: Mutex<Tries>,
    /// Compared with where there is no secret, so that it takes as long.
    stand_in: Secret,
}

impl Door {
    pub(super) fn new(limits: TryLimits) -> Door {
        Door {
            tries: Mutex::new(Tries::new(limits)),
            stand_in: Secret::new("no enterprise has this for its secret")
                .expect("it is not blank"),
        }
    }

    /// Lets in who shows the API's token, or not; wrong ones count as those for pages do.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn bearer(
        &self,
        visitor: Visitor,
        secret: Option<&Secret>,
        shown: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        let is_right = secret.unwrap_or(&self.stand_in).matches(shown);
        let judged = is_right.then_some(()).ok_or(Refusal::Closed);
        let api = EnterpriseName::new(API).expect("it is written like one");
        self.settle(visitor, &api, secret, judged, now)
    }

    /// Whether it is worth asking for the secret at all.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub(super) fn knock(&self, visitor: Visitor, now: Instant) -> Result<(), Refusal> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tries.left(visitor, now);
        left.map_err(Refusal::TooMany)
    }

    /// Lets in or not. The limit is looked at again: tries that came side by side count one after
    /// the other, and none beyond it learns whether it was right.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn enter(
        &self,
        visitor: Visitor,
        wanted: &Wanted<'_>,
        secret: Option<&Secret>,
        credentials: &Credentials,
        now: (Instant, u64),
    ) -> Result<(), Refusal> {
        let (instant, unix) = now;
        let judged = judge(secret.unwrap_or(&self.stand_in), wanted, credentials, unix);
        self.settle(visitor, wanted.enterprise(), secret, judged, instant)
    }

    /// What was judged, as far as there is a secret and a try left; a wrong one is counted.
    fn settle(
        &self,
        visitor: Visitor,
        enterprise: &EnterpriseName,
        secret: Option<&Secret>,
        judged: Result<(), Refusal>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let judged = secret.map_or(Err(Refusal::Closed), |_| judged);
        let answer = Answer::about(secret, judged != Err(Refusal::Closed));
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = tries.settle(visitor, enterprise, answer, now);
        settled.map_err(Refusal::TooMany)?;
        judged
    }
}

/// Whether credentials open what is wanted for somebody who has the secret; `unix` is now, in seconds.
fn judge(
    secret: &Secret,
    wanted: &Wanted<'_>,
    shown: &Credentials,
    unix: u64,
) -> Result<(), Refusal> {
    match (&shown.token, &shown.signature, wanted) {
        (None, Some(signature), Wanted::Call(enterprise, unique_id)) => {
            let expires = shown.expires.as_deref().unwrap_or_default();
            link::judged(secret, (enterprise, unique_id), (expires, signature), unix)
        }
        (token, ..) => {
            let is_right = secret.matches(token.as_deref().unwrap_or_default());
            is_right.then_some(()).ok_or(Refusal::Closed)
        }
    }
}

#[cfg(test)]
mod tests;
