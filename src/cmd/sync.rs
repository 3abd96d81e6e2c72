//! `calltrace sync [ENTERPRISE...]`

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::serve::runtime;
use super::{App, Exit};
use crate::cli::{SyncArgs, SyncFormat};
use calltrace_hosts::journal::Days;
use calltrace_hosts::{Host, Limits};
use calltrace_output::{json, sync};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_sync::records::Records;
use calltrace_sync::{FIRST_DAY, HostOutcome, LAST_DAY, Question, Site, sync_host};

/// Threads for connections; what takes long is done on others.
const WORKERS: usize = 2;

pub(super) fn run(app: &App, args: &SyncArgs) -> Result<Exit, Error> {
    let hosts = hosts(app, args)?;
    let question = Question {
        days: days(app, args)?,
        dry_run: args.dry_run,
    };
    let site = site(app)?;
    let mut out = app.out();
    let outcomes = runtime(WORKERS)?.block_on(async {
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

/// The hosts of the enterprises that were typed; of all of them if none was.
fn hosts(app: &App, args: &SyncArgs) -> Result<Vec<Host>, Error> {
    let all = app.settings.hosts()?;
    if all.is_empty() {
        return Err(Error::Usage(
            "the settings name no host; [hosts.NAME] says which hosts keep journals, see calltrace-config(5)"
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
            "no host in the settings is one of {name}; [hosts.NAME] with enterprise = \"{name}\" makes one, see \
             calltrace-config(5)"
        )));
    }
    let wanted: HashSet<_> = wanted.into_iter().collect();
    let is_wanted = |host: &Host| wanted.contains(&host.enterprise);
    Ok(all.into_iter().filter(is_wanted).collect())
}

fn days(app: &App, args: &SyncArgs) -> Result<Days, Error> {
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
        return Ok(Days::Recent);
    }
    Ok(Days::Range(
        since.unwrap_or(FIRST_DAY),
        until.unwrap_or(LAST_DAY),
    ))
}

/// What hosts are asked with, by the settings.
pub(super) fn site(app: &App) -> Result<Site, Error> {
    let mut warnings = Vec::new();
    let records = Records::open(&app.settings.sync.records, &mut warnings)?;
    warnings.iter().for_each(|warning| app.say(warning));
    Ok(Site {
        records: records.map(Arc::new),
        tree: app.tree.clone(),
        engine: Arc::new(app.engine.beside()?),
        now: app.now.clone(),
        ops: Arc::new(Disk),
        limits: Limits::default(),
    })
}
