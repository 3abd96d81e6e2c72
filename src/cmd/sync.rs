//! `calltrace sync [ENTERPRISE...]`

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::serve::runtime;
use super::{App, Exit};
use crate::cli::{SyncArgs, SyncFormat};
use calltrace_hosts::journal::JournalDays;
use calltrace_hosts::{Address, FetchLimits, Host, HostName};
use calltrace_output::{json, sync};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::records::CallDatabase;
use calltrace_sync::{FIRST_DAY, HostOutcome, LAST_DAY, SyncContext, SyncQuery, sync_host};

/// Number of threads for connections; long work runs on other threads.
const WORKERS: usize = 2;

pub(super) fn run(app: &App, args: &SyncArgs) -> Result<Exit, Error> {
    let question = SyncQuery {
        days: days(app, args)?,
        dry_run: args.dry_run,
    };
    let site = site(app)?;
    let runtime = runtime(WORKERS)?;
    let all = runtime.block_on(all_hosts(app, &site))?;
    let hosts = chosen(app, args, all)?;
    let mut out = app.out();
    let outcomes = runtime.block_on(async {
        let asked = hosts.iter().map(|host| sync_host(&site, host, question));
        let mut answers = stream::iter(asked).buffer_unordered(usize::from(args.jobs));
        let mut outcomes: Vec<HostOutcome> = Vec::new();
        while let Some(outcome) = answers.next().await {
            if args.format == SyncFormat::Text {
                let line = sync::host_line(&outcome, args.dry_run);
                out.raw(std::iter::once(line.as_bytes()))?;
                for trouble in &outcome.troubles {
                    let (enterprise, host) = (&outcome.enterprise, &outcome.host);
                    app.say(&format!("{enterprise} {host}: {trouble}"));
                }
            }
            outcomes.push(outcome);
        }
        Ok::<_, Error>(outcomes)
    });
    let mut outcomes = outcomes?;
    outcomes.sort_by(|a, b| (&a.enterprise, &a.host).cmp(&(&b.enterprise, &b.host)));
    if args.format == SyncFormat::Json {
        let document = sync::document(&outcomes, args.dry_run);
        out.bytes(|out| json::write(out, &document, true))?;
    }
    let is_missing = args.dry_run && outcomes.iter().any(|one| one.missing_count() > 0);
    let is_incomplete = outcomes.iter().any(|one| !one.is_complete());
    Ok(Exit::of(!is_missing, is_incomplete))
}

/// All hosts: those of the settings, and those that the database names for other enterprises.
pub(super) async fn all_hosts(app: &App, site: &SyncContext) -> Result<Vec<Host>, Error> {
    let mut all = app.settings.hosts()?;
    let Some(name) = &app.settings.sync.hosts_like else {
        return Ok(all);
    };
    let Some(like) = all.iter().find(|host| host.name == *name).cloned() else {
        return Err(Error::Usage(format!(
            "sync.hosts_like is {name}, and there is no [hosts.{name}]"
        )));
    };
    let Some(records) = &site.records else {
        return Err(Error::Usage(
            "sync.hosts_like needs the database of sync.postgres_url_file, which names the hosts"
                .to_owned(),
        ));
    };
    let named = records.hosts().await.map_err(|error| {
        Error::Usage(format!(
            "the database can't be asked for hosts (sync.hosts_like): {error}"
        ))
    })?;
    for (number, address) in named {
        let host = (EnterpriseName::new(&number))
            .zip(Address::parse(&address).ok())
            .zip(HostName::parse(&number).ok());
        let Some(((enterprise, address), name)) = host else {
            app.say(&format!(
                "the database names a host that can't be one: enterprise {number:?}, address {address:?}"
            ));
            continue;
        };
        // What the settings say of an enterprise goes before the database.
        if all
            .iter()
            .any(|host| host.enterprise == enterprise || host.name == name)
        {
            continue;
        }
        all.push(Host {
            name,
            enterprise,
            address,
            ..like.clone()
        });
    }
    Ok(all)
}

/// The hosts of the enterprises that were typed; all of them if none was.
fn chosen(app: &App, args: &SyncArgs, all: Vec<Host>) -> Result<Vec<Host>, Error> {
    if all.is_empty() {
        return Err(Error::Usage(
            "the settings name no host; add a table [hosts.NAME] for each host with journals, see calltrace-config(5)"
                .to_owned(),
        ));
    }
    if args.enterprises.is_empty() {
        return Ok(all);
    }
    let wanted = app.tree.select(&args.enterprises)?;
    if let Some(name) = wanted
        .iter()
        .find(|name| !all.iter().any(|host| host.enterprise == **name))
    {
        return Err(Error::Usage(format!(
            "the settings name no host of {name}; add a table [hosts.NAME] with enterprise = \"{name}\", see \
             calltrace-config(5)"
        )));
    }
    let wanted: HashSet<_> = wanted.into_iter().collect();
    let is_wanted = |host: &Host| wanted.contains(&host.enterprise);
    Ok(all.into_iter().filter(is_wanted).collect())
}

fn days(app: &App, args: &SyncArgs) -> Result<JournalDays, Error> {
    let day = |flag, typed: &Option<String>| -> Result<Option<NaiveDate>, Error> {
        let moment = app.moment(flag, typed.as_deref())?;
        let shown = app.clock.shown;
        Ok(moment.map(|moment| moment.begin.with_timezone(&shown).date_naive()))
    };
    let (since, until) = (day("--since", &args.since)?, day("--until", &args.until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Error::Usage(format!(
            "--since {since} is after --until {until}; both days are included"
        )));
    }
    if since.is_none() && until.is_none() && !args.all {
        return Ok(JournalDays::Recent);
    }
    Ok(JournalDays::Range(
        since.unwrap_or(FIRST_DAY),
        until.unwrap_or(LAST_DAY),
    ))
}

/// The tree, engine and database that a synchronisation works with, by the settings.
pub(super) fn site(app: &App) -> Result<SyncContext, Error> {
    let mut warnings = Vec::new();
    let records = CallDatabase::open(&app.settings.sync.records, &mut warnings)?;
    warnings.iter().for_each(|warning| app.say(warning));
    Ok(SyncContext {
        records: records.map(Arc::new),
        tree: app.tree.clone(),
        engine: Arc::new(app.engine.with_own_threads()?),
        now: app.now.clone(),
        ops: Arc::new(Disk),
        limits: FetchLimits::default(),
    })
}
