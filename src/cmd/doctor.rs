//! `calltrace doctor [ENTERPRISE...]`

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};

use super::origin::ValueOrigin;
use super::root::Root;
use super::serve::runtime;
use super::talk::many;
use super::{App, Exit};
use crate::cli::{DoctorArgs, DoctorFormat, Global, is_typed_flag};
use calltrace_archive::{Bucket, StoreFault};
use calltrace_directory::Directory;
use calltrace_output::doctor::{CommandOptions, DoctorView, document, write_findings};
use calltrace_output::json;
use calltrace_output::rotation::size;
use calltrace_store::error::Error;
use calltrace_store::fsx::may_write;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::doctor::{
    Doctor, DoctorReport, Finding, FindingSeverity, SettingsFile, archive, archive_cache, service,
    shipped,
};
use calltrace_upkeep::rotate::Policy;

/// Maximum number of enterprises that the services are asked about.
const PROBED_MAX: usize = 200;

pub(super) fn run(app: &App, args: &DoctorArgs) -> Result<Exit, Error> {
    let enterprises = app.tree.select(&args.enterprises)?;
    // The policy of `calltrace rotate` without options.
    let policy = Policy {
        only_shipped: app.settings.archive.url.is_some(),
        ..app.settings.rotate.clone()
    };
    let secrets = app.settings.origins.files_of_secrets().into_iter();
    let settings: Vec<SettingsFile> = secrets
        .map(|(path, holds)| SettingsFile { path, holds })
        .collect();
    let doctor = Doctor {
        tree: &app.tree,
        engine: &app.engine,
        zone: app.engine.zone(),
        policy: &policy,
        now: app.now.utc(),
        whole: args.enterprises.is_empty(),
        deep: args.deep,
        settings: &settings,
    };
    let mut report = app.engine.pool().install(|| doctor.examine(&enterprises));
    let services = services(app, &enterprises)?;
    report.findings.splice(
        0..0,
        services
            .into_iter()
            .chain(object_storage(app, &enterprises)),
    );
    print(app, args, &report)?;
    print_messages(app, &report);
    let is_actionable = |finding: &Finding| finding.severity.is_actionable();
    let found = report.findings.iter().any(is_actionable);
    Ok(match (report.troubles.is_empty(), found) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Found,
    })
}

/// Findings about the services that names come from; empty if the settings name none.
fn services(app: &App, enterprises: &[EnterpriseName]) -> Result<Vec<Finding>, Error> {
    if app.settings.directory.metadata.is_none() {
        return Ok(Vec::new());
    }
    let (directory, _) = Directory::open(&app.settings.directory)?;
    let probed = &enterprises[..enterprises.len().min(PROBED_MAX)];
    let (checks, concerns) = runtime(1)?.block_on(async {
        let checks = directory.check().await;
        let concerns = directory.concerns(probed, app.now.utc()).await;
        (checks, concerns)
    });
    let away = checks
        .into_iter()
        .filter_map(|(name, check)| Some(service(name, check.err()?)));
    let odd = concerns
        .into_iter()
        .map(|(name, concern)| service(name, concern.to_string()));
    Ok(away.chain(odd).collect())
}

/// Findings about object storage; empty if the settings name none.
fn object_storage(app: &App, enterprises: &[EnterpriseName]) -> Vec<Finding> {
    let config = &app.settings.archive;
    if config.url.is_none() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if let Some(cache) = config
        .cache
        .as_ref()
        .filter(|cache| !may_write(existing(cache)))
    {
        findings.push(archive_cache(cache));
    }
    let bucket = match Bucket::open(config) {
        Ok(bucket) => bucket,
        Err(error) => {
            findings.push(archive(None, error.to_string()));
            return findings;
        }
    };
    for name in enterprises.iter().take(PROBED_MAX) {
        let error = match bucket.manifest(name) {
            Ok(found) => {
                let of_days = found.map(|(manifest, _)| shipped(name, bucket.url(), &manifest));
                findings.extend(of_days.into_iter().flatten());
                continue;
            }
            Err(error) => error,
        };
        let is_away = error.fault().is_some_and(StoreFault::is_of_store);
        findings.push(archive((!is_away).then_some(name), error.to_string()));
        // The others would wait as long.
        if is_away {
            break;
        }
    }
    findings
}

/// A folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(folder)
}

fn print(app: &App, args: &DoctorArgs, report: &DoctorReport) -> Result<(), Error> {
    let mut out = app.out();
    let shown = DoctorView {
        clock: &app.clock,
        width: out.width(),
        here: here(&app.global),
        scheduled: scheduled(app),
        notes: app.global.verbose,
        // With named enterprises, findings are listed for each of them.
        folds: !app.global.verbose && args.enterprises.is_empty(),
    };
    match args.format {
        DoctorFormat::Text => out.styled(|mut out| write_findings(&mut out, report, &shown)),
        DoctorFormat::Json => {
            let document = document(report, app.tree.root(), args.deep, &shown);
            out.bytes(|out| json::write(out, &document, true))
        }
    }
}

/// The options that a command typed in this shell needs: those of this command line. Such a command also finds the
/// environment and the usual settings.
fn here(global: &Global) -> CommandOptions {
    let typed = |id: &str, path: &Option<PathBuf>| path.clone().filter(|_| is_typed_flag(id));
    CommandOptions {
        root: typed("root", &global.root),
        config: typed("config", &global.config),
    }
}

/// The options that a command in a crontab needs: those of this command line, with absolute paths, because the current
/// folder is different there and this user's settings may not be read. `--config` is always kept, because a rotation
/// without it would keep a different number of days.
fn scheduled(app: &App) -> CommandOptions {
    let (root, global) = (app.tree.root(), &app.global);
    let is_found = match Root::of(global, &app.settings).origin() {
        ValueOrigin::Flag(_) | ValueOrigin::Default => false,
        ValueOrigin::Variable(_) => true,
        ValueOrigin::File(path, _) => {
            path.starts_with("/etc") || global.config.as_ref() == Some(&path)
        }
    };
    let must_be_named = !is_found || root.is_relative();
    let absolute = |path: &Path| path::absolute(path).unwrap_or_else(|_| path.to_owned());
    CommandOptions {
        root: must_be_named.then(|| absolute(root)),
        config: global.config.as_deref().map(absolute),
    }
}

/// Prints the messages about the report.
fn print_messages(app: &App, report: &DoctorReport) {
    app.say_troubles(&report.troubles);
    if !report.sees_all_processes {
        app.say(match is_root() {
            true => "some processes can't be examined, so it is only partly known which processes hold logs open",
            false => "processes of other users can't be examined; run as root to see which processes hold logs open",
        });
    }
    let counted = |severity, what| {
        let of = |finding: &&Finding| finding.severity == severity;
        let count = report.findings.iter().filter(of).count();
        (count > 0).then(|| many(count, what))
    };
    let counts = [
        counted(FindingSeverity::Problem, "problem"),
        counted(FindingSeverity::Warning, "warning"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let found = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    let newest = report.newest.map_or_else(String::new, |at| {
        let clock = &app.clock;
        format!(
            ", the newest record of {} {}",
            clock.date_time(at),
            clock.offset(at)
        )
    });
    let notes = counted(FindingSeverity::Note, "note").filter(|_| !app.global.verbose);
    let notes = notes.map_or_else(String::new, |notes| format!("; {notes} (-v)"));
    app.say(&format!(
        "{found}: {}, {}, {}{newest}{notes}",
        many(report.enterprises, "enterprise"),
        many(report.files, "log file"),
        size(report.bytes),
    ));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
