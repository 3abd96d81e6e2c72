//! What the checks about services, hosts and the tree say.

use std::collections::{BTreeMap, BTreeSet};

use calltrace_alerts::{
    Check, CheckVerdict, FigureValue, Found, RuleKind, Scope, ScopePart, UnjudgedReason,
};
use calltrace_directory::{Concern, Directory};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::doctor::{Doctor, FindingSeverity};
use calltrace_upkeep::state_file::StateFile;
use chrono::{DateTime, Utc};

use super::{Question, Seen};
use crate::cmd::App;
use crate::cmd::serve::runtime;

/// Judges these checks, and adds to the verdicts of those about calls.
pub(super) fn look(app: &App, asked: &Question<'_>, seen: &mut Seen) {
    let (checks, now) = (asked.checks, asked.now);
    let of_kind = |kind: RuleKind| {
        let is_due = move |(_, check): &(usize, &Check)| check.kind == kind && check.is_at(now);
        checks.iter().enumerate().filter(is_due)
    };
    for (at, check) in of_kind(RuleKind::NameService) {
        let verdict = names(app, check, now).unwrap_or_else(|error| {
            seen.failures.push(error.to_string());
            CheckVerdict::Silent(UnjudgedReason::Failed)
        });
        seen.verdicts.push((at, None, verdict));
    }
    for (at, check) in of_kind(RuleKind::MissingEvents) {
        journals(app, at, check, seen, now);
    }
    let doctors: Vec<(usize, &Check)> = of_kind(RuleKind::Doctor).collect();
    if !doctors.is_empty() {
        doctor(app, &doctors, asked, seen);
    }
}

/// The services that names come from: away, with an empty cache, or with an old refresh.
fn names(app: &App, check: &Check, now: DateTime<Utc>) -> Result<CheckVerdict, Error> {
    let config = &app.settings.directory;
    if config.metadata.is_none() {
        return Ok(CheckVerdict::Silent(UnjudgedReason::NothingToCheck));
    }
    let (answers, concerns) = runtime(1)?.block_on(async {
        let (directory, _) = Directory::open(config)?;
        let answers = directory.check().await;
        Ok::<_, Error>((answers, directory.concerns(&[], now).await))
    })?;
    let away = answers.into_iter().filter_map(|(name, answer)| {
        let reason = answer.err()?;
        Some((format!("{name}/away"), format!("{name} {reason}")))
    });
    let odd = concerns
        .into_iter()
        .filter_map(|(name, concern)| match concern {
            Concern::CacheEmpty | Concern::OldRefresh(_) => Some((
                format!("{name}/{}", concern.kind()),
                format!("{name}: {concern}"),
            )),
            Concern::FewHits(_) | Concern::Unknown(_) => None,
        });
    let found = away.chain(odd).map(|(part, reason)| {
        let part = ScopePart::Service(part);
        of_reason(check, None, part, reason, now)
    });
    Ok(CheckVerdict::Judged(found.collect()))
}

/// Hosts with journals that were not compared for too long. If no host is named, there is no verdict about events.
fn journals(app: &App, at: usize, check: &Check, seen: &mut Seen, now: DateTime<Utc>) {
    let mut hosts: BTreeMap<EnterpriseName, BTreeSet<String>> = BTreeMap::new();
    for host in app.settings.hosts().unwrap_or_default() {
        let own = hosts.entry(host.enterprise).or_default();
        own.insert(host.name.as_str().to_owned());
    }
    let of_check = |(of, _, _): &&mut (usize, Option<EnterpriseName>, CheckVerdict)| *of == at;
    for (_, enterprise, verdict) in seen.verdicts.iter_mut().filter(of_check) {
        let Some(enterprise) = enterprise else {
            continue;
        };
        let written = StateFile::SYNC.written(&app.tree, enterprise);
        let (Some(hosts), Some(written)) = (hosts.get(enterprise), written) else {
            *verdict = CheckVerdict::Silent(UnjudgedReason::NothingToCheck);
            continue;
        };
        let written: DateTime<Utc> = written.into();
        let unread = (now - written).num_milliseconds();
        if let CheckVerdict::Judged(found) = verdict
            && unread >= check.limits.after_millis
        {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            let scope = Scope {
                enterprise: Some(enterprise.clone()),
                part: Some(ScopePart::Sender(hosts.join(","))),
            };
            let figures = [("unread", FigureValue::Millis(unread))];
            found.push(Found {
                finding: check.finding(scope, written, figures),
                calls: Vec::new(),
            });
        }
    }
}

/// The problems that `calltrace doctor` reports, each kind once per enterprise.
fn doctor(app: &App, checks: &[(usize, &Check)], asked: &Question<'_>, seen: &mut Seen) {
    let (enterprises, whole, now) = (asked.enterprises, asked.whole, asked.now);
    let doctor = Doctor {
        tree: &app.tree,
        engine: &app.engine,
        zone: app.engine.zone(),
        policy: &app.settings.rotate,
        now,
        whole,
        deep: false,
        settings: &[],
    };
    let report = app.engine.pool().install(|| doctor.examine(enterprises));
    seen.missing.add(&report.troubles);
    let mut problems: BTreeMap<Option<EnterpriseName>, BTreeMap<&str, &str>> = BTreeMap::new();
    for finding in &report.findings {
        if finding.severity == FindingSeverity::Problem {
            let own = problems.entry(finding.enterprise.clone()).or_default();
            own.insert(finding.code.as_str(), finding.code.meaning());
        }
    }
    let tree = whole.then_some(None);
    for place in enterprises.iter().cloned().map(Some).chain(tree) {
        let own = problems.get(&place).into_iter().flatten();
        let own: Vec<(&&str, &&str)> = own.collect();
        let is_of = |check: &Check| place.as_ref().is_none_or(|name| check.is_of(name));
        for (at, check) in checks.iter().filter(|(_, check)| is_of(check)) {
            let found = own.iter().map(|(code, meaning)| {
                let part = ScopePart::Code((**code).to_owned());
                of_reason(check, place.clone(), part, (**meaning).to_owned(), now)
            });
            let verdict = CheckVerdict::Judged(found.collect());
            seen.verdicts.push((*at, place.clone(), verdict));
        }
    }
}

fn of_reason(
    check: &Check,
    enterprise: Option<EnterpriseName>,
    part: ScopePart,
    reason: String,
    now: DateTime<Utc>,
) -> Found {
    let scope = Scope {
        enterprise,
        part: Some(part),
    };
    Found {
        finding: check.finding(scope, now, [("reason", FigureValue::Text(reason))]),
        calls: Vec::new(),
    }
}
