//! The JSON API, for programs of this host: what the first version of the logger answered, out of
//! the logs themselves.
//!
//! ```text
//! failure   {"detail": ...} with its status; what pages say, said to programs
//! routes    the one table of what there is, for the router, its guard and the document
//! fields    the fields of a body
//! body      a request's body, bounded
//! posted    JSON -> an entry for the log
//! posts     a body read, its line written
//! log       POST /log/*: answered when the line is written
//! front, trace, timeline, search, service    GET
//! ```
//!
//! Who may ask is decided in [`Admitted`], before anything is read, by the rule of `web/caller`.

mod body;
mod failure;
mod fields;
mod front;
mod log;
mod posted;
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

use super::access::Refusal;
use super::access::visitor::Visitor;
use super::caller::{Caller, caller};
use super::request::Target;
use super::site::{Address, Peer, Site, known};

pub(super) use failure::{Failure, answer};
pub(super) use fields::Fields;
pub(super) use front::front;
pub(super) use posts::Posts;
pub(super) use routes::{Allowed, Route, allowed, is_api, routes};
pub(super) use search::day;

/// Somebody who may use the API, and what for.
pub(crate) struct Admitted {
    pub(crate) target: Arc<Target>,
}

impl FromRequestParts<Arc<Site>> for Admitted {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Admitted, Failure> {
        let admitted = Admitted {
            target: known(parts),
        };
        let peer = parts.extensions.get::<Peer>();
        let line = (parts.version, parts.uri.authority().map(Authority::as_str));
        let token = match caller(peer.map(|peer| peer.0), line, &parts.headers) {
            Caller::Local => return Ok(admitted),
            Caller::Stranger(why) => return Err(Failure::new(StatusCode::FORBIDDEN, why)),
            Caller::Bearer(token) => token,
        };
        let visitor = Visitor::of(known::<Address>(parts).0);
        let secret = site.api_token.as_ref();
        match site.door.bearer(visitor, secret, token, Instant::now()) {
            Ok(()) => Ok(admitted),
            Err(Refusal::TooMany(wait)) => Err(Failure::too_many(wait)),
            Err(_) => Err(Failure::new(
                StatusCode::FORBIDDEN,
                "the token does not open the API",
            )),
        }
    }
}
