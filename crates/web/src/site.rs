//! What all answers are made from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use axum::http::request::Parts;

use super::access::link::signed_path;
use super::access::tries::whole_seconds;
use super::access::visitor::{self, Visitor};
use super::access::{Credentials, Door, Refusal, Wanted};
use super::answer::Said;
use super::api::Posts;
use super::going::Going;
use super::health::Health;
use super::limits::{Length, Limits};
use super::metrics::Metrics;
use super::neighbours::Neighbours;
use super::pages::{Language, Notice};
use super::public_url::PublicUrl;
use super::recording::Recordings;
use super::request::{Query, Target};
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

/// A link that a page shows opens its call for this long.
const LINK: Duration = Duration::from_secs(7 * 86_400);

/// What all answers are made from.
pub struct Site {
    /// The logs.
    pub tree: Tree,
    /// Who finds calls in them.
    pub engine: Engine,
    /// Who does so for lists, which may take long; `None`: the same.
    pub lister: Option<Engine>,
    /// How times are shown.
    pub clock: Clock,
    /// What time it is.
    pub now: WallClock,
    /// Who is who.
    pub directory: Directory,
    /// The language of those who do not say which they speak.
    pub language: Language,
    /// Where people reach the pages; `None` where nobody said.
    pub public_url: Option<PublicUrl>,
    /// The port that it is served on, which `/health` tells.
    pub port: u16,
    /// Proxies that are believed when they say whose a request is; those on this host are anyway.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where recordings are.
    pub recordings: Recordings,
    /// What may be asked of it.
    pub limits: Limits,
    /// What opens the API to those who are no program of this host; nothing does without it.
    pub api_token: Option<Secret>,
    pub(super) posts: Posts,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    pub(super) door: Door,
    pub(super) work: Work,
    pub(super) neighbours: Neighbours,
    pub(super) health: Health,
    pub(super) going: Going,
}

impl Site {
    /// A site that speaks Russian, knows no address of its own and believes only proxies on this
    /// host.
    pub fn new(
        tree: Tree,
        engine: Engine,
        clock: Clock,
        directory: Directory,
        limits: Limits,
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
            door: Door::new(limits.tries),
            work: Work::new(&limits, Arc::clone(&metrics)),
            neighbours: Neighbours::default(),
            metrics,
            health: Health::default(),
            going: Going::default(),
        }
    }

    /// Whether nothing was ever logged for the enterprise. With the whole tree gone, or nothing in it
    /// (a disk that is not mounted), that can't be said.
    pub(super) fn has_no_logs_of(&self, enterprise: &EnterpriseName) -> bool {
        let holds_others = || {
            let others = self.tree.enterprises();
            others.is_ok_and(|others| !others.is_empty())
        };
        self.tree.folder(enterprise).is_err() && holds_others()
    }

    /// Now, as a record written now would say it.
    pub(super) fn stamp(&self) -> Stamp {
        self.engine.zone().stamp(self.now.utc())
    }

    /// The engine for lists.
    pub(super) fn lister(&self) -> &Engine {
        self.lister.as_ref().unwrap_or(&self.engine)
    }

    /// Path and query of a call's page in the visitor's language, signed for this call alone, so that who
    /// passes it on does not pass on the token that opens all calls; `None` for what has no page: an id that
    /// no address can name.
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

    /// Lets a visitor in to what is wanted, or says why not. The enterprise is given as the
    /// directory knows it.
    pub(super) async fn admit(
        &self,
        visit: &Visit,
        wanted: &Wanted<'_>,
    ) -> Result<Enterprise, Said> {
        let visitor = Visitor::of(visit.address);
        let refused = |refusal: Refusal| {
            visit.said(match refusal {
                Refusal::Closed => Notice::NoAccess,
                Refusal::Expired => Notice::Expired,
                Refusal::TooMany(wait) => Notice::TooManyTries(whole_seconds(wait)),
            })
        };
        self.door.knock(visitor, Instant::now()).map_err(refused)?;
        let known = self.directory.enterprise(wanted.enterprise()).await;
        let known = known.map_err(|_| visit.said(Notice::Trouble))?;
        let secret = known.as_ref().and_then(|it| it.secret.as_ref());
        let now = (Instant::now(), self.now.unix_seconds());
        self.door
            .enter(visitor, wanted, secret, &visit.credentials, now)
            .map_err(refused)?;
        // Nobody enters where there is no secret.
        known.ok_or_else(|| visit.said(Notice::NoAccess))
    }

    /// The language for a request of which nothing else may be readable.
    pub(super) fn language(&self, query: Option<&str>, headers: &HeaderMap) -> Language {
        let asked = Query::new(query).field("lang").ok().flatten();
        let liked = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Language::choose(asked.as_deref(), liked, self.language)
    }

    pub(super) fn address(&self, peer: Option<&Peer>, headers: &HeaderMap) -> IpAddr {
        // Without a connection (a test of the router alone) all are the same stranger.
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
        visitor::address(peer, headers, &self.trusted_proxies)
    }
}

/// The other end of the connection that a request came by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Whose a request is, as its log says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

/// Who asks for what, in which language, with what to show for it.
pub(super) struct Visit {
    pub(super) language: Language,
    address: IpAddr,
    pub(super) target: Arc<Target>,
    pub(super) credentials: Credentials,
}

impl Visit {
    /// A page that says why there is no other.
    pub(super) fn said(&self, notice: Notice) -> Said {
        Said::new(self.language, notice)
    }

    /// Answers a question of the logs away from the threads that serve connections; `failed` is what the
    /// log says where that can't be done.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        site: &Arc<Site>,
        length: Length,
        failed: &'static str,
        question: impl FnOnce(&Site) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Said> {
        let asked = Arc::clone(site);
        let answer = site.work.run(length, move || question(&asked)).await;
        let answer = answer.map_err(|undone| Said::undone(self.language, undone))?;
        answer.map_err(|error| {
            tracing::error!(%error, "{failed}");
            self.said(Notice::Trouble)
        })
    }
}

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = Said;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Site>) -> Result<Visit, Said> {
        let (language, target) = (known::<Language>(parts), known::<Arc<Target>>(parts));
        let bad = |_| Said::new(language, Notice::BadRequest);
        target.query.field("lang").map_err(bad)?;
        Ok(Visit {
            language,
            address: known::<Address>(parts).0,
            credentials: Credentials::of(&target.query).map_err(bad)?,
            target,
        })
    }
}

/// What was read of a request before it came to its handler.
pub(super) fn known<T: Clone + Send + Sync + 'static>(parts: &Parts) -> T {
    let known = parts.extensions.get::<T>().cloned();
    known.expect("the log and the guard of every route put it there")
}
