//! `calltrace rotate [ENTERPRISE...]`

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::mpsc;

use super::byte_bar::ByteBar;
use super::talk::Out;
use super::{App, Exit, consent, jobs, say};
use crate::cli::{RotateArgs, RotateFormat};
use calltrace_output::{json, rotation};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::rotate::{
    Policy, Rotation, RotationEvent, RotationReport, StepKind, StepReport,
};

/// Default number of enterprises to rotate at the same time. Mostly they wait for disks and for files to become
/// quiet; `--threads` limits how many files are compressed at once.
const JOBS: usize = 16;

pub(super) fn run(app: &App, args: &RotateArgs) -> Result<Exit, Error> {
    let enterprises = app.tree.select(&args.enterprises)?;
    let mut policy = args.policy(&app.settings.rotate);
    policy.only_shipped = app.settings.archive.url.is_some();
    let begin = |policy: Policy| {
        Rotation::new(
            &app.tree,
            app.engine.zone(),
            policy,
            &Disk,
            app.engine.pool(),
            &app.now,
        )
    };
    if !args.dry_run && !consent::is_given(app, args, &enterprises, &begin(policy.clone()))? {
        return Ok(Exit::Incomplete);
    }
    let rotation = begin(policy)
        .with_tables(&app.engine)
        .waiting(args.wait)
        .dry(args.dry_run);
    let mut listener = Listener::new(app, args);
    let at_once = jobs::at_once(args.jobs, JOBS);
    jobs::run(
        &enterprises,
        at_once,
        |name, sender| work(&rotation, name, sender),
        |heard| listener.hear(heard),
    );
    listener.finish()
}

/// A message of a worker thread.
enum WorkerMessage {
    Planned(u64),
    Begins(String),
    Read(u64),
    Done(EnterpriseName, StepReport),
    Report(Box<RotationReport>),
}

fn work(rotation: &Rotation<'_>, name: &EnterpriseName, sender: &mpsc::Sender<WorkerMessage>) {
    // Sending fails only after the whole run has ended.
    let send = |heard| drop(sender.send(heard));
    let report = rotation.enterprise(name, &|news| match news {
        RotationEvent::Planned(bytes) => send(WorkerMessage::Planned(bytes)),
        RotationEvent::Begins(step) => send(WorkerMessage::Begins(format!(
            "{name}: {}",
            step.kind.file()
        ))),
        RotationEvent::Read(bytes) => send(WorkerMessage::Read(bytes)),
        RotationEvent::Done(done) => send(WorkerMessage::Done(name.clone(), done.clone())),
    });
    send(WorkerMessage::Report(Box::new(report)));
}

/// Prints the messages of the worker threads. A closed pipe on stdout does not end the rotation.
struct Listener<'d> {
    app: &'d App,
    args: &'d RotateArgs,
    out: Out,
    failed: Option<Error>,
    progress: ByteBar,
    reports: Vec<RotationReport>,
}

impl<'d> Listener<'d> {
    fn new(app: &'d App, args: &'d RotateArgs) -> Listener<'d> {
        Listener {
            app,
            args,
            out: app.out(),
            failed: None,
            progress: ByteBar::new(!app.global.quiet && stderr().is_terminal(), "read"),
            reports: Vec::new(),
        }
    }

    fn hear(&mut self, heard: WorkerMessage) {
        match heard {
            WorkerMessage::Planned(bytes) => self.progress.bar.inc_length(bytes),
            WorkerMessage::Begins(what) => self.progress.bar.set_message(what),
            WorkerMessage::Read(bytes) => self.progress.add(bytes),
            WorkerMessage::Done(name, done) => self.print(&name, &done),
            WorkerMessage::Report(report) => self.take(*report),
        }
    }

    fn print(&mut self, name: &EnterpriseName, done: &StepReport) {
        let is_shown = done.step.kind != StepKind::Catalog || self.app.global.verbose;
        if self.args.format == RotateFormat::Json || !is_shown {
            return;
        }
        let line = rotation::step_line(name.as_str(), done, self.args.dry_run);
        let (bar, out) = (&self.progress.bar, &mut self.out);
        let printed = bar.suspend(|| out.raw(std::iter::once(line.as_bytes())));
        if let Err(error) = printed {
            self.failed.get_or_insert(error);
        }
    }

    /// Takes the report of a finished enterprise. Its steps were printed as they were done, except in a dry run.
    fn take(&mut self, report: RotationReport) {
        let name = report.enterprise.clone();
        for done in report.steps.iter().filter(|_| self.args.dry_run) {
            self.print(&name, done);
        }
        let (app, folder) = (self.app, self.app.tree.path(&name));
        self.progress
            .bar
            .suspend(|| print_messages(app, &folder, &report));
        self.reports.push(report);
    }

    fn finish(mut self) -> Result<Exit, Error> {
        self.progress.bar.finish_and_clear();
        self.reports.sort_by(|a, b| a.enterprise.cmp(&b.enterprise));
        if self.args.format == RotateFormat::Json {
            let document = rotation::document(&self.reports, self.args.dry_run);
            self.out.bytes(|out| json::write(out, &document, true))?;
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let troubles = self.reports.iter().any(|r| !r.troubles.is_empty());
        Ok(Exit::of(true, troubles))
    }
}

/// Prints the messages about an enterprise other than its steps.
fn print_messages(app: &App, folder: &Path, report: &RotationReport) {
    let name = &report.enterprise;
    if report.is_busy {
        return app.say(&format!(
            "{name}: another rotation is running; it was skipped"
        ));
    }
    app.explain(|| format!("{name}: mode {}: {}", report.mode.as_str(), report.reason));
    for other in &report.left_alone {
        app.explain(|| format!("{name}: {other} and is left alone"));
    }
    for waiting in &report.waiting {
        app.say(&format!("{name}: {}: {}", waiting.file, waiting.why));
    }
    // Errors are printed even with --quiet, so that cron mails them.
    for trouble in &report.troubles {
        let file = trouble.path.strip_prefix(folder).unwrap_or(&trouble.path);
        let what = &trouble.what;
        match file.to_str() {
            Some("") | None => say(&format!("{name}: {what}")),
            Some(file) => say(&format!("{name}: {file}: {what}")),
        }
    }
    for table in &report.tables {
        app.explain(|| format!("{name}: {table} is made"));
    }
    for without in &report.without_table {
        app.explain(|| format!("{name}: {without}"));
    }
    let is_idle = report.steps.is_empty() && report.waiting.is_empty();
    if is_idle && report.troubles.is_empty() {
        app.explain(|| format!("{name}: nothing due"));
    }
}
