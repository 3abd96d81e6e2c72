//! `calltrace serve`

mod checks;
mod log;
mod log_file;
mod supervisor;
mod sync;

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task;

use super::talk::many;
use super::{App, Exit};
use crate::cli::{ServeArgs, own_url};
use calltrace_directory::{Directory, Secret};
use calltrace_engine::MemoryLimits;
use calltrace_store::error::Error;
use calltrace_store::tree::{self, EnterpriseName};
use calltrace_web::{ConnectionLimits, PublicUrl, Site, router};
use log::RequestLog;

/// Number of threads for connections; long work runs on other threads.
const WORKERS: usize = 2;

/// Length of a token for one run (random bytes).
const TOKEN_BYTES: usize = 16;

pub(super) fn run(app: App, args: &ServeArgs) -> Result<Exit, Error> {
    let configured = app.settings.serve.log_file.as_deref();
    let file = args.log_file.as_deref().or(configured);
    let log = log::start(&app, args.log_format, file)?;
    let runtime = runtime(WORKERS)?;
    let exit = runtime.block_on(serve(app, args, &log));
    // The engine may still work for a client that was cut off; this does not wait for it.
    runtime.shutdown_background();
    exit
}

/// A runtime with this number of threads for connections.
pub(super) fn runtime(workers: usize) -> Result<Runtime, Error> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build();
    runtime.map_err(|source| Error::Threads {
        wanted: workers,
        source,
    })
}

async fn serve(app: App, args: &ServeArgs, log: &RequestLog) -> Result<Exit, Error> {
    let listen_for = |kind| signal(kind).map_err(Error::ServiceSignals);
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let mut terminate = listen_for(SignalKind::terminate())?;
    log.reopen_on_hangup().map_err(Error::ServiceSignals)?;
    let settings = &app.settings.serve;
    let listen = args.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|source| Error::Listen { at: listen, source })?;
    let at = listener.local_addr().unwrap_or(listen);
    let public_url = args.public_url.clone().or(settings.public_url.clone());
    let (directory, token) = directory(&app)?;
    let api_token = api_token(&app)?;
    let sync = sync::open(&app).await?;
    let tree = app.tree.clone();
    // Shipped days are listed by a request, which must not block an async thread.
    let listed = task::spawn_blocking(move || tree.enterprises()).await;
    let enterprises = listed.expect("listing does not panic")?;
    app.say(&format!(
        "serving {} ({}) on http://{at}",
        app.tree.root().display(),
        many(enterprises.len(), "enterprise"),
    ));
    warn_of_open(&app, at);
    if let Some(sync) = &sync {
        sync.say(&app);
    }
    if let Some(token) = token {
        let front = public_url.clone().unwrap_or_else(|| own_url(at));
        print_link(&app, &front, &enterprises, &token)?;
    }
    let quiet = app.global.quiet;
    let checks = checks::of_state(&app);
    let (mut site, limits) = site(app, directory, public_url)?;
    site.api_token = api_token;
    site.port = at.port();
    if let Some(lost) = log.lines_lost() {
        site.metrics.ask_for_lines_lost(lost);
    }
    site.metrics.read_checks(checks);
    let (tell, must_end) = watch::channel(false);
    let mut asked_to_end = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let twice = async {
        asked_to_end().await;
        if !quiet {
            super::say("ending after the open requests are answered; a second signal ends at once");
        }
        supervisor::stopping();
        let _ = tell.send(true);
        asked_to_end().await;
    };
    supervisor::ready();
    let site = Arc::new(site);
    let metrics = Arc::clone(&site.metrics);
    let pages = calltrace_web::serve(
        listener,
        router(&site),
        limits.clone(),
        metrics,
        ended(must_end.clone()),
    );
    let pages = async { pages.await.map_err(|source| Error::Serve { at, source }) };
    let runs = async {
        match sync {
            Some(sync) => sync.serve(&site, limits, ended(must_end)).await,
            None => Ok(()),
        }
    };
    tokio::select! {
        served = async { tokio::try_join!(pages, runs) } => served.map(|_| Exit::Found),
        () = twice => Ok(Exit::Interrupted),
    }
}

/// Waits until the server is asked to end.
async fn ended(mut must_end: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end as well.
    let _ = must_end.wait_for(|ends| *ends).await;
}

fn warn_of_open(app: &App, at: SocketAddr) {
    if !at.ip().is_loopback() {
        app.say(&format!(
            "{at} can be reached from other hosts without TLS, so tokens can be read on the way; \
             listen on 127.0.0.1 behind a proxy that has TLS"
        ));
    }
}

/// The directory, and a token for this run if the settings have no secrets.
fn directory(app: &App) -> Result<(Directory, Option<String>), Error> {
    let (directory, warnings) = Directory::open(&app.settings.directory)?;
    warnings.iter().for_each(|warning| app.say(warning));
    if app.settings.directory.knows_enterprises() {
        return Ok((directory, None));
    }
    if supervisor::is_kept_by_journal() {
        app.say(
            "no secrets are set, so no page can be opened; put them into the settings, under \
             [enterprises] or [postgres]. No token for this run is printed, because the journal would keep it",
        );
        return Ok((directory, None));
    }
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.into()))?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let secret = Secret::new(&token).expect("a token is not blank");
    // The directory may still have names.
    Ok((directory.opened_by(secret), Some(token)))
}

/// The token that opens the API to clients on other hosts.
fn api_token(app: &App) -> Result<Option<Secret>, Error> {
    let mut warnings = Vec::new();
    let given = app.settings.serve.api_token.as_ref();
    let token = given.map(|given| given.read("serve.api_token", &mut warnings));
    warnings.iter().for_each(|warning| app.say(warning));
    token.transpose()
}

fn site(
    app: App,
    directory: Directory,
    public_url: Option<PublicUrl>,
) -> Result<(Site, ConnectionLimits), Error> {
    let (settings, clock, now) = (app.settings.serve, app.clock, app.now);
    let engine = app.engine.remembering(MemoryLimits::default());
    let lister = engine.with_own_threads()?;
    let mut site = Site::new(app.tree, engine, clock, directory, settings.limits, now);
    site.lister = Some(lister);
    site.language = settings.language;
    site.recordings = settings.recordings;
    site.trusted_proxies
        .clone_from(&settings.connections.proxies);
    site.public_url = public_url;
    Ok((site, settings.connections))
}

/// Prints the link that opens the enterprise with the newest records, on stdout.
fn print_link(
    app: &App,
    front: &PublicUrl,
    enterprises: &[EnterpriseName],
    token: &str,
) -> Result<(), Error> {
    let written = |name: &&EnterpriseName| {
        let files = app
            .tree
            .folder(name)
            .and_then(|folder| tree::look_at(&folder));
        let files = files.unwrap_or_default();
        files.iter().map(|file| file.modified).max()
    };
    let newest = enterprises.iter().rev().max_by_key(written);
    let name = newest.map_or("ENTERPRISE", EnterpriseName::as_str);
    let link = front.join(&format!("/calls/{name}?token={token}"));
    app.say(&format!(
        "no secrets are set, so this run has its own token, which opens {} until it ends; \
         put permanent secrets into the settings, under [enterprises] or [postgres]",
        match enterprises.len() {
            1 => "its one enterprise".to_owned(),
            n => format!("all {n} enterprises"),
        },
    ));
    app.out().bytes(|out| writeln!(out, "{link}"))
}
