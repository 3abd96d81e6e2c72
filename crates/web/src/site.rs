//! The state that all answers are made from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use axum::http::request::Parts;

use super::access::link::signed_path;
use super::access::remote::{self, RemoteNetwork};
use super::access::tries::whole_seconds;
use super::access::{AccessControl, AccessRefusal, Credentials, Resource};
use super::active_calls::ActiveCalls;
use super::answer::NoticePage;
use super::api::Posts;
use super::client_calls::ClientCalls;
use super::health::HealthCheck;
use super::limits::{Length, RequestLimits};
use super::metrics::Metrics;
use super::pages::{Language, Notice};
use super::public_url::PublicUrl;
use super::recording::Recordings;
use super::request::{Query, RequestTarget};
use super::work::Work;
use crate::intake::Intake;
use calltrace_directory::{Directory, Enterprise, Secret};
use calltrace_engine::Engine;
use calltrace_model::call::Summary;
use calltrace_model::record::{Stamp, id};
use calltrace_output::Clock;
use calltrace_store::error::Error;
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::{EnterpriseName, Tree};

/// How long a link that a page shows opens its call.
const LINK: Duration = Duration::from_secs(7 * 86_400);

/// The state that all answers are made from.
pub struct Site {
    /// The log tree.
    pub tree: Tree,
    /// The engine that finds calls.
    pub engine: Engine,
    /// The engine for lists, which may take long; `None` for the same one.
    pub lister: Option<Engine>,
    /// The format and zone of shown times.
    pub clock: Clock,
    /// The source of the current time.
    pub now: WallClock,
    /// The source of names.
    pub directory: Directory,
    /// The language of visitors that request none.
    pub language: Language,
    /// The address under which people reach the pages; `None` if it is not set.
    pub public_url: Option<PublicUrl>,
    /// The port of the listener, which `/health` reports.
    pub port: u16,
    /// Proxies with trusted forwarding headers; proxies on this host are always trusted.
    pub trusted_proxies: Vec<IpAddr>,
    /// The settings of recordings.
    pub recordings: Recordings,
    /// The limits of requests.
    pub limits: RequestLimits,
    /// The token that opens the API to callers from other hosts; `None` keeps it closed to them.
    pub api_token: Option<Secret>,
    pub(super) posts: Posts,
    /// The counters.
    pub metrics: Arc<Metrics>,
    pub(super) access_control: AccessControl,
    pub(super) work: Work,
    pub(super) client_calls: ClientCalls,
    pub(super) health: HealthCheck,
    pub(super) active_calls: ActiveCalls,
}

impl Site {
    /// Makes a site that speaks Russian, knows no address of its own and trusts only proxies on this
    /// host.
    pub fn new(
        tree: Tree,
        engine: Engine,
        clock: Clock,
        directory: Directory,
        limits: RequestLimits,
        now: WallClock,
    ) -> Site {
        let intake = Intake::new(tree.clone(), engine.zone(), now.clone());
        let metrics = Arc::new(Metrics::started_at(now.unix_seconds()));
        Site {
            tree,
            engine,
            lister: None,
            clock,
            now,
            directory,
            language: Language::default(),
            public_url: None,
            port: 8026,
            trusted_proxies: Vec::new(),
            recordings: Recordings::default(),
            limits,
            api_token: None,
            posts: Posts::new(intake, limits.wait),
            access_control: AccessControl::new(limits.tries),
            work: Work::new(&limits, Arc::clone(&metrics)),
            client_calls: ClientCalls::default(),
            metrics,
            health: HealthCheck::default(),
            active_calls: ActiveCalls::default(),
        }
    }

    /// Whether nothing was ever logged for the enterprise. If the whole tree is missing or empty (a disk that
    /// is not mounted), the answer is `false`.
    pub(super) fn has_no_logs_of(&self, enterprise: &EnterpriseName) -> bool {
        let holds_others = || {
            let others = self.tree.enterprises();
            others.is_ok_and(|others| !others.is_empty())
        };
        !self.tree.has(enterprise) && holds_others()
    }

    /// Returns the current time, as a record written now would have it.
    pub(super) fn stamp(&self) -> Stamp {
        self.engine.zone().stamp(self.now.utc())
    }

    /// Returns the engine for lists.
    pub(super) fn lister(&self) -> &Engine {
        self.lister.as_ref().unwrap_or(&self.engine)
    }

    /// Returns path and query of a call's page in the visitor's language, signed for this call alone, so
    /// that a person who passes the link on does not pass on the token that opens all calls. Returns
    /// `None` for a call without a page: one with an id that no address can name.
    pub(super) fn link(
        &self,
        visit: &Visit,
        known: &Enterprise,
        name: &EnterpriseName,
        call: &Summary,
    ) -> Option<String> {
        let secret = known.secret.as_ref()?;
        id::is_addressable(&call.main_uid).then_some(())?;
        let expires = self.now.unix_seconds() + LINK.as_secs();
        let path = signed_path(secret, name, &call.main_uid, expires);
        Some(format!("{path}&lang={}", visit.language.tag()))
    }

    /// Checks whether a visitor may see what is asked for, and returns the enterprise as the directory
    /// knows it, or the page that refuses.
    pub(super) async fn admit(
        &self,
        visit: &Visit,
        resource: &Resource<'_>,
    ) -> Result<Enterprise, NoticePage> {
        let visitor = RemoteNetwork::of(visit.address);
        let refused = |refusal: AccessRefusal| {
            visit.notice_page(match refusal {
                AccessRefusal::Closed => Notice::NoAccess,
                AccessRefusal::Expired => Notice::Expired,
                AccessRefusal::TooMany(wait) => Notice::TooManyTries(whole_seconds(wait)),
            })
        };
        self.access_control
            .check_tries(visitor, Instant::now())
            .map_err(refused)?;
        let known = self.directory.enterprise(resource.enterprise()).await;
        let known = known.map_err(|_| visit.notice_page(Notice::Trouble))?;
        let secret = known.as_ref().and_then(|it| it.secret.as_ref());
        let now = (Instant::now(), self.now.unix_seconds());
        self.access_control
            .check(visitor, resource, secret, &visit.credentials, now)
            .map_err(refused)?;
        // Access is never granted if there is no secret.
        known.ok_or_else(|| visit.notice_page(Notice::NoAccess))
    }

    /// Returns the language for a request of which nothing else may be readable.
    pub(super) fn language(&self, query: Option<&str>, headers: &HeaderMap) -> Language {
        let asked = Query::new(query).field("lang").ok().flatten();
        let liked = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Language::choose(asked.as_deref(), liked, self.language)
    }

    pub(super) fn address(&self, peer: Option<&Peer>, headers: &HeaderMap) -> IpAddr {
        // Without a connection (a test of the router alone) all requests come from the same address.
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
        remote::address(peer, headers, &self.trusted_proxies)
    }
}

/// The peer of the connection that a request arrived on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// The address that a request comes from, as the log names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestAddress(pub(super) IpAddr);

/// The request for a page: language, address, target and credentials.
pub(super) struct Visit {
    pub(super) language: Language,
    address: IpAddr,
    pub(super) target: Arc<RequestTarget>,
    pub(super) credentials: Credentials,
}

impl Visit {
    /// Returns a page that says why there is nothing else to show.
    pub(super) fn notice_page(&self, notice: Notice) -> NoticePage {
        NoticePage::new(self.language, notice)
    }

    /// Answers a question to the logs off the threads that serve connections; `failed` is the message
    /// that is logged when that fails.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        site: &Arc<Site>,
        length: Length,
        failed: &'static str,
        question: impl FnOnce(&Site) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, NoticePage> {
        let asked = Arc::clone(site);
        let answer = site.work.run(length, move || question(&asked)).await;
        let answer = answer.map_err(|undone| NoticePage::undone(self.language, undone))?;
        answer.map_err(|error| {
            tracing::error!(%error, "{failed}");
            self.notice_page(Notice::Trouble)
        })
    }
}

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = NoticePage;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Site>) -> Result<Visit, NoticePage> {
        let (language, target) = (known::<Language>(parts), known::<Arc<RequestTarget>>(parts));
        let bad = |_| NoticePage::new(language, Notice::BadRequest);
        target.query.field("lang").map_err(bad)?;
        Ok(Visit {
            language,
            address: known::<RequestAddress>(parts).0,
            credentials: Credentials::of(&target.query).map_err(bad)?,
            target,
        })
    }
}

/// Returns a value that the middleware read from the request.
pub(super) fn known<T: Clone + Send + Sync + 'static>(parts: &Parts) -> T {
    let known = parts.extensions.get::<T>().cloned();
    known.expect("the log and the guard of every route put it there")
}
