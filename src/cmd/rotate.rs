//! `calltrace rotate [ENTERPRISE...]`

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::PROGRESS_AFTER;
use super::talk::Out;
use super::{App, Exit, consent, say};
use crate::cli::{RotateArgs, RotateFormat};
use calltrace_output::{json, rotation};
use calltrace_store::error::Error;
use calltrace_store::fsx::Disk;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::rotate::{
    Policy, Rotation, RotationEvent, RotationReport, StepKind, StepReport,
};

/// Enterprises worked on side by side when nobody says. Mostly they wait, for disks and for files to
/// settle; what is packed at a time is bounded by `--threads`.
const JOBS: usize = 16;

pub(super) fn run(app: &App, args: &RotateArgs) -> Result<Exit, Error> {
    let enterprises = app.tree.select(&args.enterprises)?;
    let policy = args.policy(&app.settings.rotate);
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
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let jobs = args.jobs.filter(|&jobs| jobs > 0);
        let jobs = jobs.map_or(JOBS, usize::from);
        for _ in 0..jobs.min(enterprises.len()) {
            let (sender, next) = (sender.clone(), &next);
            let (rotation, enterprises) = (&rotation, &enterprises);
            scope.spawn(move || {
                while let Some(name) = enterprises.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(rotation, name, &sender);
                }
            });
        }
        drop(sender);
        for heard in receiver {
            listener.hear(heard);
        }
    });
    listener.finish()
}

/// What the threads at work tell.
enum Heard {
    Planned(u64),
    Begins(String),
    Read(u64),
    Done(EnterpriseName, StepReport),
    Report(Box<RotationReport>),
}

fn work(rotation: &Rotation<'_>, name: &EnterpriseName, sender: &mpsc::Sender<Heard>) {
    // Nobody listens any more only when the whole run has ended.
    let tell = |heard| drop(sender.send(heard));
    let report = rotation.enterprise(name, &|news| match news {
        RotationEvent::Planned(bytes) => tell(Heard::Planned(bytes)),
        RotationEvent::Begins(step) => tell(Heard::Begins(format!("{name}: {}", step.kind.file()))),
        RotationEvent::Read(bytes) => tell(Heard::Read(bytes)),
        RotationEvent::Done(done) => tell(Heard::Done(name.clone(), done.clone())),
    });
    tell(Heard::Report(Box::new(report)));
}

/// Prints what the threads tell. A reader that has gone away does not end the rotation.
struct Listener<'d> {
    app: &'d App,
    args: &'d RotateArgs,
    out: Out,
    failed: Option<Error>,
    progress: Progress,
    reports: Vec<RotationReport>,
}

impl<'d> Listener<'d> {
    fn new(app: &'d App, args: &'d RotateArgs) -> Listener<'d> {
        Listener {
            app,
            args,
            out: app.out(),
            failed: None,
            progress: Progress::new(!app.global.quiet && stderr().is_terminal()),
            reports: Vec::new(),
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Planned(bytes) => self.progress.bar.inc_length(bytes),
            Heard::Begins(what) => self.progress.bar.set_message(what),
            Heard::Read(bytes) => self.progress.read(bytes),
            Heard::Done(name, done) => self.print(&name, &done),
            Heard::Report(report) => self.take(*report),
        }
    }

    fn print(&mut self, name: &EnterpriseName, done: &StepReport) {
        let is_told = done.step.kind != StepKind::Catalog || self.app.global.verbose;
        if self.args.format == RotateFormat::Json || !is_told {
            return;
        }
        let line = rotation::step_line(name.as_str(), done, self.args.dry_run);
        let (bar, out) = (&self.progress.bar, &mut self.out);
        let printed = bar.suspend(|| out.raw(std::iter::once(line.as_bytes())));
        if let Err(error) = printed {
            self.failed.get_or_insert(error);
        }
    }

    /// The report of an enterprise that is through. Its steps have been told as they were done,
    /// but for a dry run's.
    fn take(&mut self, report: RotationReport) {
        let name = report.enterprise.clone();
        for done in report.steps.iter().filter(|_| self.args.dry_run) {
            self.print(&name, done);
        }
        let (app, folder) = (self.app, self.app.tree.path(&name));
        self.progress.bar.suspend(|| tell(app, &folder, &report));
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

/// What is said of an enterprise beside its steps.
fn tell(app: &App, folder: &Path, report: &RotationReport) {
    let name = &report.enterprise;
    if report.is_busy {
        return app.say(&format!("{name}: another rotation runs"));
    }
    app.explain(|| format!("{name}: mode {}: {}", report.mode.as_str(), report.reason));
    for other in &report.left_alone {
        app.explain(|| format!("{name}: {other} and is left alone"));
    }
    for waiting in &report.waiting {
        app.say(&format!("{name}: {}: {}", waiting.file, waiting.why));
    }
    // Also when nothing else is said: cron's mail is how anybody hears of it.
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

/// A bar on a terminal once it takes a while; elsewhere it is never drawn.
struct Progress {
    bar: ProgressBar,
    begin: Instant,
    /// It is to be drawn, and is not yet.
    waits: bool,
}

impl Progress {
    fn new(wanted: bool) -> Progress {
        let style = ProgressStyle::with_template(
            "{percent:>3}% of {decimal_total_bytes} read, {decimal_bytes_per_sec}, {eta} left  {wide_msg}",
        );
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress {
            bar,
            begin: Instant::now(),
            waits: wanted,
        }
    }

    fn read(&mut self, bytes: u64) {
        if self.waits && self.begin.elapsed() > PROGRESS_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.waits = false;
        }
        self.bar.inc(bytes);
    }
}
