//! `calltrace ship [ENTERPRISE...]`

use std::collections::BTreeSet;
use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use super::byte_bar::ByteBar;
use super::talk::Out;
use super::{App, Exit, jobs, say};
use crate::cli::{ShipArgs, ShipFormat};
use calltrace_archive::Bucket;
use calltrace_output::{json, shipping};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::rotate::Rotation;
use calltrace_upkeep::ship::{
    ORPHAN_AGE, ShipEvent, ShipPolicy, ShipReport, ShipStep, Shipped, Shipping,
};

/// Default number of enterprises to ship at the same time. Mostly they wait for the store.
const JOBS: usize = 16;

pub(super) fn run(app: &App, args: &ShipArgs) -> Result<Exit, Error> {
    let config = &app.settings.archive;
    if config.url.is_none() {
        let what = "no object storage is configured; set archive.url and its keys in the settings \
                    (man calltrace-config, calltrace ship --help)";
        return Err(Error::Usage(what.to_owned()));
    }
    let bucket = Bucket::open(config).map_err(|error| Error::Usage(error.to_string()))?;
    bucket
        .warnings()
        .iter()
        .for_each(|warning| app.say(warning));
    let enterprises = selected(app, args, &bucket)?;
    let settings = &app.settings.ship;
    let policy = ShipPolicy {
        keep_local_days: args.keep_local.or(settings.keep_local_days),
        keep_days: settings.keep_days,
        tidy: args.tidy.then_some(ORPHAN_AGE),
    };
    let rotation = Rotation::new(
        &app.tree,
        app.engine.zone(),
        app.settings.rotate.clone(),
        &Disk,
        app.engine.pool(),
        &app.now,
    );
    let shipping = Shipping::new(rotation, &bucket, policy)
        .waiting(args.wait)
        .dry(args.dry_run);
    let mut listener = ShipListener::new(app, args, &bucket);
    let at_once = jobs::at_once(args.jobs, JOBS);
    if args.check || !args.fetch.is_empty() {
        let work = |name: &EnterpriseName, sender: &Sender<ShipMessage>| {
            let watch = |event: ShipEvent<'_>| drop(sender.send(ShipMessage::of(name, &event)));
            let report = match args.check {
                true => shipping.check(name, args.deep, &watch),
                false => shipping.fetch(name, &args.fetch, &watch),
            };
            drop(sender.send(ShipMessage::Report(Box::new(report))));
        };
        jobs::run(&enterprises, at_once, work, |heard| listener.hear(heard));
        return listener.finish();
    }
    let shipped: Mutex<Vec<Shipped>> = Mutex::default();
    let work = |name: &EnterpriseName, sender: &Sender<ShipMessage>| {
        let watch = |event: ShipEvent<'_>| drop(sender.send(ShipMessage::of(name, &event)));
        let done = shipping.enterprise(name, &watch);
        shipped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(done);
    };
    jobs::run(&enterprises, at_once, work, |heard| listener.hear(heard));
    let work = |name: &EnterpriseName, sender: &Sender<ShipMessage>| {
        let take = || {
            let mut all = shipped
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let at = all
                .iter()
                .position(|shipped| shipped.report.enterprise == *name)?;
            Some(all.swap_remove(at))
        };
        let watch = |event: ShipEvent<'_>| drop(sender.send(ShipMessage::of(name, &event)));
        if let Some(mut shipped) = take() {
            shipping.remove(&mut shipped, &watch);
            drop(sender.send(ShipMessage::Report(Box::new(shipped.report))));
        }
    };
    // They mostly wait for readers to forget old manifests, and at the same time.
    jobs::run(
        &enterprises,
        enterprises.len().min(WAITING_AT_ONCE),
        work,
        |heard| listener.hear(heard),
    );
    listener.finish()
}

/// Enterprises that wait at the same time: each has a thread.
const WAITING_AT_ONCE: usize = 256;

/// The enterprises that were typed, or all. A check also takes those that only the bucket has.
fn selected(app: &App, args: &ShipArgs, bucket: &Bucket) -> Result<Vec<EnterpriseName>, Error> {
    if !args.check {
        let selected = app.tree.select(&args.enterprises);
        return selected.map_err(|error| match without_folder(app, args, bucket) {
            Some(name) => Error::Usage(format!(
                "{} does not exist; make the folder for the owner of its logs, then bring the days back",
                app.tree.path(&name).display()
            )),
            None => error,
        });
    }
    let shipped = bucket
        .enterprises()
        .map_err(|error| Error::Usage(error.to_string()))?;
    let is_shipped = |typed: &String| shipped.iter().any(|name| name.as_str() == typed);
    if !args.enterprises.is_empty() && args.enterprises.iter().all(is_shipped) {
        let names = args
            .enterprises
            .iter()
            .filter_map(|typed| EnterpriseName::new(typed));
        return Ok(names.collect());
    }
    let local = app.tree.select(&args.enterprises)?;
    let all: BTreeSet<EnterpriseName> = match args.enterprises.is_empty() {
        true => local.into_iter().chain(shipped).collect(),
        false => local.into_iter().collect(),
    };
    Ok(all.into_iter().collect())
}

/// An enterprise that only the bucket has, if its days are to be brought back.
fn without_folder(app: &App, args: &ShipArgs, bucket: &Bucket) -> Option<EnterpriseName> {
    let wanted = args.enterprises.iter().filter(|_| !args.fetch.is_empty());
    let mut names = wanted.filter_map(|typed| EnterpriseName::new(typed));
    names.find(|name| {
        let is_shipped = || matches!(bucket.manifest(name), Ok(Some(_)));
        app.tree.folder(name).is_err() && is_shipped()
    })
}

/// A message of a worker thread.
enum ShipMessage {
    Planned(u64),
    Sent(u64),
    Done(EnterpriseName, ShipStep),
    Report(Box<ShipReport>),
}

impl ShipMessage {
    fn of(name: &EnterpriseName, event: &ShipEvent<'_>) -> ShipMessage {
        match event {
            ShipEvent::Planned(bytes) => ShipMessage::Planned(*bytes),
            ShipEvent::Sent(bytes) => ShipMessage::Sent(*bytes),
            ShipEvent::Done(step) => ShipMessage::Done(name.clone(), ShipStep::clone(step)),
        }
    }
}

/// Prints the messages of the worker threads. A closed pipe on stdout does not end the run.
struct ShipListener<'d> {
    app: &'d App,
    args: &'d ShipArgs,
    bucket: &'d Bucket,
    out: Out,
    failed: Option<Error>,
    progress: ByteBar,
    reports: Vec<ShipReport>,
}

impl<'d> ShipListener<'d> {
    fn new(app: &'d App, args: &'d ShipArgs, bucket: &'d Bucket) -> ShipListener<'d> {
        let done = match args.fetch.is_empty() && !args.check {
            true => "sent",
            false => "read",
        };
        ShipListener {
            app,
            args,
            bucket,
            out: app.out(),
            failed: None,
            progress: ByteBar::new(!app.global.quiet && stderr().is_terminal(), done),
            reports: Vec::new(),
        }
    }

    fn hear(&mut self, heard: ShipMessage) {
        match heard {
            ShipMessage::Planned(bytes) => self.progress.bar.inc_length(bytes),
            ShipMessage::Sent(bytes) => self.progress.add(bytes),
            ShipMessage::Done(name, step) => self.print_step(&name, &step),
            ShipMessage::Report(report) => self.take(*report),
        }
    }

    fn print_step(&mut self, name: &EnterpriseName, step: &ShipStep) {
        self.print(&shipping::step_line(name.as_str(), step, self.args.dry_run));
    }

    fn print(&mut self, line: &str) {
        if self.args.format == ShipFormat::Json {
            return;
        }
        let (bar, out) = (&self.progress.bar, &mut self.out);
        let printed = bar.suspend(|| out.raw(std::iter::once(line.as_bytes())));
        if let Err(error) = printed {
            self.failed.get_or_insert(error);
        }
    }

    /// Takes the report of a finished enterprise. Its steps were printed as they were done, except in a dry run.
    fn take(&mut self, report: ShipReport) {
        let name = report.enterprise.clone();
        for step in report.steps.iter().filter(|_| self.args.dry_run) {
            self.print_step(&name, step);
        }
        if let Some(checked) = &report.checked {
            self.print(&shipping::checked_line(
                name.as_str(),
                self.bucket.url(),
                checked,
            ));
        }
        let (app, args, bucket) = (self.app, self.args, self.bucket);
        self.progress
            .bar
            .suspend(|| tell(app, args, bucket, &report));
        self.reports.push(report);
    }

    fn finish(mut self) -> Result<Exit, Error> {
        self.progress.bar.finish_and_clear();
        self.reports.sort_by(|a, b| a.enterprise.cmp(&b.enterprise));
        if self.args.format == ShipFormat::Json {
            let document = shipping::document(&self.reports, self.bucket.url(), self.args.dry_run);
            self.out.bytes(|out| json::write(out, &document, true))?;
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let troubles = self
            .reports
            .iter()
            .any(|report| !report.troubles.is_empty());
        let has_fetched = |report: &ShipReport| {
            report.is_busy || !report.steps.is_empty() || !report.waiting.is_empty()
        };
        let is_found = self.args.fetch.is_empty() || self.reports.iter().any(has_fetched);
        if !is_found && !troubles {
            self.app
                .say(&format!("{}: no such day", self.bucket.url().display()));
        }
        Ok(Exit::of(is_found, troubles))
    }
}

/// Prints the messages about an enterprise other than its steps.
fn tell(app: &App, args: &ShipArgs, bucket: &Bucket, report: &ShipReport) {
    let name = &report.enterprise;
    if let Some(warning) = bucket.says_it_is_unconditional() {
        app.say(&warning);
    }
    if report.is_busy {
        let done = match report.steps.is_empty() {
            true => "it was skipped",
            false => "nothing was removed",
        };
        app.say(&format!(
            "{name}: a rotation or another ship is running; {done}"
        ));
    }
    for other in &report.left_alone {
        app.explain(|| format!("{name}: {other}"));
    }
    for waiting in &report.waiting {
        app.say(&format!("{name}: {}: {}", waiting.file, waiting.why));
    }
    // Errors are printed even with --quiet, so that cron mails them.
    let folder = app.tree.path(name);
    for trouble in &report.troubles {
        let file = trouble.path.strip_prefix(&folder).unwrap_or(&trouble.path);
        let what = &trouble.what;
        match file.to_str() {
            Some("") | None => say(&format!("{name}: {what}")),
            Some(file) => say(&format!("{name}: {file}: {what}")),
        }
    }
    let is_idle = report.steps.is_empty() && report.waiting.is_empty();
    if is_idle
        && !report.is_busy
        && report.troubles.is_empty()
        && !args.check
        && args.fetch.is_empty()
    {
        app.explain(|| format!("{name}: the bucket holds all sealed days"));
    }
}
