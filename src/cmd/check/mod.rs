//! `calltrace check [ENTERPRISE...]`

mod calls;
mod channels;
mod others;
mod shown;

use std::collections::BTreeMap;

use calltrace_alerts::{
    AlertNotice, AlertPhase, AlertState, AlertStateFile, Check, CheckFinding, CheckVerdict,
    DeliveryChannel, OpenedState, Telling, Told, TrackedFinding, UnjudgedReason,
};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use chrono::{DateTime, Timelike as _, Utc};

use super::links::Links;
use super::missing::Missing;
use super::serve::runtime;
use super::talk::many;
use super::{App, Exit};
use crate::cli::CheckArgs;

/// What a run looks at.
struct Question<'q> {
    checks: &'q [Check],
    enterprises: &'q [EnterpriseName],
    /// Whether all enterprises are checked.
    whole: bool,
    now: DateTime<Utc>,
}

/// What a run found out.
#[derive(Default)]
struct Seen {
    /// What each check said about each enterprise, or about the tree as a whole.
    verdicts: Vec<(usize, Option<EnterpriseName>, CheckVerdict)>,
    /// The calls that show a finding, by its key.
    calls: BTreeMap<String, Vec<String>>,
    missing: Missing,
    /// What could not be checked otherwise, as sentences.
    failures: Vec<String>,
}

pub(super) fn run(app: &App, args: &CheckArgs) -> Result<Exit, Error> {
    let checks = app.settings.checks(app.clock.shown)?;
    let may_tell = args.notify || args.test || args.dry_run;
    let opened = channels::of_settings(app, may_tell);
    let (channels, is_wrong) = (opened.all, !opened.wrong.is_empty());
    if channels.is_empty() && !is_wrong && (args.notify || args.test) {
        return Err(Error::Usage(
            "the settings name no channel to tell; add one under [notify], see calltrace-config(5)"
                .to_owned(),
        ));
    }
    let now = now(app);
    if args.test {
        return test(app, &channels, is_wrong, now);
    }
    let enterprises = app.tree.select(&args.enterprises)?;
    let usual = &app.settings.notify.state;
    let file = AlertStateFile::new(args.state.as_ref().unwrap_or(usual), app.tree.root());
    let mut opened = match args.dry_run {
        true => None,
        false => match file.open(&Disk, args.wait) {
            Ok(Some(opened)) => Some(opened),
            Ok(None) => {
                app.say("another run is at work, so this one did nothing; --wait waits for it");
                return Ok(Exit::Found);
            }
            Err(error) if args.notify => return Err(error),
            Err(error) => {
                app.say(&format!("this run is not remembered: {error}"));
                None
            }
        },
    };
    let notes = opened.iter().flat_map(|opened| &opened.notes);
    notes.for_each(|note| app.say(note));
    let mut looked = match &mut opened {
        Some(opened) => std::mem::take(&mut opened.state),
        None => file.look().unwrap_or_default(),
    };
    let all = args.enterprises.is_empty().then_some(&enterprises[..]);
    let names: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
    let question = Question {
        checks: &checks,
        enterprises: &enterprises,
        whole: all.is_some(),
        now,
    };
    let seen = look(app, &question, &mut looked);
    for (check, enterprise, verdict) in &seen.verdicts {
        looked.update(&checks[*check], enterprise.as_ref(), verdict, now);
    }
    looked.settle(&checks, all, &names, now);
    looked.at = Some(now);
    let links = Links::for_messages(app);
    let link = |notice: &mut AlertNotice| {
        notice
            .firing
            .iter_mut()
            .for_each(|finding| add_links(finding, &seen, &links));
    };
    let how = telling(app);
    let notices = match args.notify || args.dry_run {
        true => looked.notices(&channels, how, now, &link),
        false => Vec::new(),
    };
    let (state, told) = match opened {
        None => (looked, planned(&names, notices)),
        Some(mut opened) => {
            opened.state = looked;
            opened.save(&Disk)?;
            let told = match notices.is_empty() {
                true => Vec::new(),
                false => tell(&mut opened, &channels, notices)?,
            };
            (opened.state, told)
        }
    };
    let mut firing: Vec<_> = state.open().into_iter().cloned().collect();
    firing.retain(|entry| {
        let of = entry.finding.scope.enterprise.as_ref();
        of.is_none_or(|name| enterprises.contains(name))
    });
    for entry in &mut firing {
        add_links(&mut entry.finding, &seen, &links);
    }
    let is_dry = args.dry_run;
    shown::print(
        app,
        args.format,
        &shown::Answer {
            checks: &checks,
            open: &firing,
            seen: &seen,
            told: &told,
            is_dry,
            now,
        },
    )?;
    let exit = exit(app, args, &firing, &seen, &told);
    Ok(if may_tell && is_wrong {
        Exit::Incomplete
    } else {
        exit
    })
}

/// The time of the run, in whole seconds, as the state has it.
fn now(app: &App) -> DateTime<Utc> {
    let now = app.now.utc();
    now.with_nanosecond(0).unwrap_or(now)
}

/// Collects everything that the checks need.
fn look(app: &App, question: &Question<'_>, state: &mut AlertState) -> Seen {
    let mut seen = Seen::default();
    calls::look(app, question, state, &mut seen);
    others::look(app, question, &mut seen);
    for (_, _, verdict) in &seen.verdicts {
        if let CheckVerdict::Judged(found) = verdict {
            let calls = found
                .iter()
                .map(|one| (one.finding.key(), one.calls.clone()));
            seen.calls.extend(calls);
        }
    }
    seen
}

fn add_links(finding: &mut CheckFinding, seen: &Seen, links: &Links<'_>) {
    let calls = seen.calls.get(&finding.key());
    if let (Some(enterprise), Some(calls)) = (&finding.scope.enterprise, calls) {
        let links = calls.iter().filter_map(|id| links.address(enterprise, id));
        finding.links = links.collect();
    }
}

fn telling(app: &App) -> Telling {
    Telling {
        repeat: app.settings.notify.repeat,
        language: app.settings.notify.language,
        zone: app.clock.shown,
    }
}

/// The notices that would be sent, for a run that changes nothing.
fn planned(names: &[&str], notices: Vec<(usize, AlertNotice)>) -> Vec<Told> {
    let told = |(at, notice): (usize, AlertNotice)| Told {
        channel: names[at].to_owned(),
        notice,
        error: None,
    };
    notices.into_iter().map(told).collect()
}

fn tell(
    opened: &mut OpenedState,
    channels: &[Box<dyn DeliveryChannel>],
    notices: Vec<(usize, AlertNotice)>,
) -> Result<Vec<Told>, Error> {
    runtime(1)?.block_on(opened.tell(channels, notices, &Disk))
}

/// Sends a test message to each channel.
fn test(
    app: &App,
    channels: &[Box<dyn DeliveryChannel>],
    is_wrong: bool,
    now: DateTime<Utc>,
) -> Result<Exit, Error> {
    let how = telling(app);
    let notice = AlertNotice {
        at: now,
        firing: Vec::new(),
        resolved: Vec::new(),
        language: how.language,
        zone: how.zone,
    };
    let runtime = runtime(1)?;
    let mut failed = is_wrong;
    for channel in channels {
        let name = channel.name();
        match runtime.block_on(channel.deliver(&notice)) {
            Ok(()) => app.say(&format!("{name}: delivered")),
            Err(error) => {
                failed = true;
                super::say(&format!("{name} {}", error.text));
            }
        }
    }
    Ok(Exit::of(true, failed))
}

fn exit(app: &App, args: &CheckArgs, open: &[TrackedFinding], seen: &Seen, told: &[Told]) -> Exit {
    app.say_missing(&seen.missing, true);
    seen.failures
        .iter()
        .for_each(|text| app.say(&format!("not checked: {text}")));
    for told in told {
        if let Some(error) = &told.error {
            super::say(&format!(
                "{} {}; the next run tries again",
                told.channel, error.text
            ));
        } else {
            let count = told.notice.firing.len() + told.notice.resolved.len();
            let done = if args.dry_run {
                "would be told"
            } else {
                "was told"
            };
            app.say(&format!(
                "{} {done} {}",
                told.channel,
                many(count, "finding")
            ));
        }
    }
    let failed = |(_, _, verdict): &(usize, Option<EnterpriseName>, CheckVerdict)| {
        *verdict == CheckVerdict::Silent(UnjudgedReason::Failed)
    };
    let is_incomplete = seen.missing.is_incomplete()
        || !seen.failures.is_empty()
        || seen.verdicts.iter().any(failed)
        || told.iter().any(|told| told.error.is_some());
    let fires = open.iter().any(|entry| entry.phase == AlertPhase::Firing);
    match (is_incomplete, fires && !args.notify) {
        (true, _) => Exit::Incomplete,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Found,
    }
}
