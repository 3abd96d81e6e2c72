//! `calltrace doctor [ENTERPRISE...]`

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};

use super::rotate::pool;
use super::{Desk, Exit};
use crate::cli::{DoctorArgs, DoctorFormat, Global, is_flag};
use calltrace_output::doctor::{Reach, Shown, document, write_findings};
use calltrace_output::json;
use calltrace_output::rotation::size;
use calltrace_store::error::Error;
use calltrace_upkeep::doctor::{Doctor, Finding, Report, SettingsFile, Severity};

pub(super) fn run(desk: &Desk, global: &Global, args: &DoctorArgs) -> Result<Exit, Error> {
    let enterprises = desk.tree.select(&args.enterprises)?;
    let settings = settings(desk);
    let doctor = Doctor {
        tree: &desk.tree,
        zone: desk.engine.zone(),
        // What `calltrace rotate` would do without flags.
        policy: &desk.rotate,
        now: desk.now.utc(),
        whole: args.enterprises.is_empty(),
        deep: args.deep,
        settings: &settings,
    };
    let pool = pool(desk.threads)?;
    let report = pool.install(|| doctor.examine(&enterprises));
    print(desk, global, args, &report)?;
    tell(desk, &report);
    let found = report.findings.iter().any(is_actionable);
    Ok(match (report.troubles.is_empty(), found) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Found,
    })
}

fn settings(desk: &Desk) -> Vec<SettingsFile> {
    let found = desk.origins.files_of_secrets().into_iter();
    found
        .map(|(path, holds)| SettingsFile { path, holds })
        .collect()
}

fn is_actionable(finding: &Finding) -> bool {
    finding.severity.is_actionable()
}

fn print(desk: &Desk, global: &Global, args: &DoctorArgs, report: &Report) -> Result<(), Error> {
    let mut out = desk.out();
    let shown = Shown {
        clock: &desk.clock,
        width: out.width(),
        here: here(global),
        scheduled: scheduled(desk, global),
        notes: desk.verbose,
        // Whoever names enterprises wants to know of each of them.
        folds: !desk.verbose && args.enterprises.is_empty(),
    };
    match args.format {
        DoctorFormat::Text => out.styled(|mut out| write_findings(&mut out, report, &shown)),
        DoctorFormat::Json => {
            let document = document(report, desk.tree.root(), args.deep, &shown);
            out.bytes(|out| json::write(out, &document, true))
        }
    }
}

/// What a command that is typed here must name: what was typed. What comes from the environment or
/// the usual settings, that one finds as well.
fn here(global: &Global) -> Reach {
    let typed = |id: &str, path: &Option<PathBuf>| path.clone().filter(|_| is_flag(id));
    Reach {
        root: typed("root", &global.root),
        config: typed("config", &global.config),
    }
}

/// What a command in a crontab must name: what was typed, and what is relative, as another folder is
/// the current one there; nor are this user's own settings read there for sure. The settings always:
/// a rotation without them would keep other days.
fn scheduled(desk: &Desk, global: &Global) -> Reach {
    let root = desk.tree.root();
    let is_found = match &global.root {
        Some(_) => !is_flag("root"),
        None => desk.origins.of(&["root"]).is_some_and(|said| {
            said.path.starts_with("/etc") || global.config.as_ref() == Some(&said.path)
        }),
    };
    let must_be_named = !is_found || root.is_relative();
    let absolute = |path: &Path| path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Reach {
        root: must_be_named.then(|| absolute(root)),
        config: global.config.as_deref().map(absolute),
    }
}

/// What is said beside the findings.
fn tell(desk: &Desk, report: &Report) {
    desk.say_troubles(&report.troubles);
    if !report.sees_all_processes {
        desk.say(match is_root() {
            true => "some processes can't be looked into; who holds logs open is known in part",
            false => "processes of others can't be looked into; root would see who holds logs open",
        });
    }
    let count = |severity| {
        let of = |finding: &&Finding| finding.severity == severity;
        report.findings.iter().filter(of).count()
    };
    let counts = [
        some(count(Severity::Problem), "problem"),
        some(count(Severity::Warning), "warning"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let found = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    let newest = report.newest.map_or_else(String::new, |at| {
        let clock = &desk.clock;
        format!(
            ", the newest record of {} {}",
            clock.date_time(at),
            clock.offset(at)
        )
    });
    let notes = some(count(Severity::Note), "note").filter(|_| !desk.verbose);
    let notes = notes.map_or_else(String::new, |notes| format!("; {notes} (-v)"));
    desk.say(&format!(
        "{found}: {}, {}, {}{newest}{notes}",
        many(report.enterprises, "enterprise"),
        many(report.files, "log file"),
        size(report.bytes),
    ));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn some(count: usize, what: &str) -> Option<String> {
    (count > 0).then(|| many(count, what))
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
