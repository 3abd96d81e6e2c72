//! The JSON API for programs on this host. It answers what the first version of the logger answered, out of
//! the logs themselves.
//!
//! ```text
//! failure   {"detail": ...} with its status: why there is no other answer
//! routes    the table of routes, for the router, the method check and the document
//! fields    the fields of a body
//! body      reads a request's body up to a limit
//! posted    JSON -> an entry for the log
//! posts     reads a body and writes its line
//! log       POST /log/*: answered when the line is written
//! front, trace, timeline, search, service    GET
//! ```
//!
//! [`ApiAccess`] decides who may use the API, before the body is read, by the rule of `web/caller`.

mod body;
mod failure;
mod fields;
mod front;
mod log;
mod post_body;
mod posts;
mod routes;
mod search;
mod service;
mod timeline;
mod trace;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use super::access::AccessRefusal;
use super::access::remote::RemoteNetwork;
use super::caller::{Caller, caller};
use super::request::RequestTarget;
use super::site::{Peer, RequestAddress, Site, known};

pub(super) use failure::{ApiFailure, answer};
pub(super) use fields::BodyFields;
pub(super) use front::front;
pub(super) use posts::Posts;
pub(super) use routes::{AllowedMethods, Route, allowed, is_api, routes};
pub(super) use search::day;

/// A request that may use the API.
pub(crate) struct ApiAccess {
    pub(crate) target: Arc<RequestTarget>,
}

impl FromRequestParts<Arc<Site>> for ApiAccess {
    type Rejection = ApiFailure;

    async fn from_request_parts(
        parts: &mut Parts,
        site: &Arc<Site>,
    ) -> Result<ApiAccess, ApiFailure> {
        let admitted = ApiAccess {
            target: known(parts),
        };
        let peer = parts.extensions.get::<Peer>();
        let line = (parts.version, parts.uri.authority().map(Authority::as_str));
        let token = match caller(peer.map(|peer| peer.0), line, &parts.headers) {
            Caller::Local => return Ok(admitted),
            Caller::Stranger(why) => return Err(ApiFailure::new(StatusCode::FORBIDDEN, why)),
            Caller::Bearer(token) => token,
        };
        let visitor = RemoteNetwork::of(known::<RequestAddress>(parts).0);
        let secret = site.api_token.as_ref();
        match site
            .access_control
            .check_bearer(visitor, secret, token, Instant::now())
        {
            Ok(()) => Ok(admitted),
            Err(AccessRefusal::TooMany(wait)) => Err(ApiFailure::too_many(wait)),
            Err(_) => Err(ApiFailure::new(
                StatusCode::FORBIDDEN,
                "the token does not open the API",
            )),
        }
    }
}
