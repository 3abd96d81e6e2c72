//! Rotation: seal, compress, index and expire, one enterprise at a time.
//!
//! ```text
//! lock -> tidy      what an interrupted run left
//!      -> look      Survey: what is there, who has it open
//!      -> plan      pure: Survey x Policy -> steps, each with its reason
//!      -> apply     one step at a time, through fsx::DiskOps
//!      -> Report    what was done, what waits and for what, what went wrong
//! ```
//! **No line is lost, at whatever moment a run is killed.** A file is removed only when another file holds each of its
//! bytes, decoded again and synced, and when no process can write to it any more (`no_writers`). In between, lines are
//! in two files; readers and the next run recognise them by content (`source::overlap`). **No existing file is
//! replaced**, except an archive by one that holds all of it and more.
//!
//! `seal`, `collapse` and `remove` do the steps, `packing` makes archives, `memory` keeps what the folder does not
//! show. `output` prints reports.

mod age;
pub(crate) mod apply;
mod archived;
mod clock;
mod collapse;
pub(crate) mod context;
mod first;
pub(crate) mod look;
mod memory;
mod no_writers;
mod packing;
mod plan;
mod publish;
pub(crate) mod remove;
mod report;
mod seal;
pub(crate) mod semaphore;
mod step;
mod tables;
mod tidy;
mod verify;
mod writers;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use rayon::ThreadPool;

use calltrace_engine::Engine;
use calltrace_model::record::LogZone;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::{DiskOps, Folder, Holders, Lock, WallClock};
use calltrace_store::tree::{EnterpriseName, Tree};

use crate::own;
pub use crate::survey::memory::{Collapsing, RotationMemory};
pub use first::FirstExpiry;
pub use report::RotationReport;
pub use step::{RotationStep, StepKind, StepReport, Tidy, WaitingFile};
pub use verify::CheckTimes;

use context::RotationContext;
use semaphore::Semaphore;

/// Maximum number of rounds of survey and plan: there is a second one if the first finished what an interrupted run had
/// begun.
const ROUNDS_MAX: usize = 2;

/// How the live file is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Chosen from what the survey shows.
    Auto,
    /// It is left to its writer; only finished files are sealed.
    Archive,
    /// It is renamed; its writers must open it again.
    Rename,
    /// Its lines are copied and then taken off its front; writers may keep it open.
    Collapse,
}

impl Mode {
    /// The word in settings and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::Archive => "archive",
            Mode::Rename => "rename",
            Mode::Collapse => "collapse",
        }
    }
}

/// What a rotation is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How the live file is rotated.
    pub mode: Mode,
    /// Full days before today that are kept.
    pub keep_days: u32,
    /// Full days that tables of calls without logs are kept.
    pub keep_tables_days: u32,
    /// A live file that is larger is due regardless of its day (bytes).
    pub size_max: Option<u64>,
    /// A live file is due regardless of its day and size, unless it is empty.
    pub force: bool,
    /// Files expire even if something contradicts the clock.
    pub force_expire: bool,
    /// Archives that are not BGZF are recompressed as BGZF.
    pub recompress: bool,
    /// Without leases: how long a file must have been unchanged.
    pub grace: Duration,
    /// About how many bytes of archives are compared with their indexes, at least one archive; 0 for none.
    pub verify_bytes: u64,
    /// A file that `ship` is to copy to object storage expires only once a manifest there names it.
    pub only_shipped: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            mode: Mode::Auto,
            keep_days: 14,
            keep_tables_days: 60,
            size_max: None,
            force: false,
            force_expire: false,
            recompress: false,
            grace: Duration::from_secs(60),
            verify_bytes: 64 << 20,
            only_shipped: false,
        }
    }
}

/// A run over any number of enterprises.
pub struct Rotation<'r> {
    pub(crate) tree: &'r Tree,
    zone: LogZone,
    policy: Policy,
    pub(crate) ops: &'r dyn DiskOps,
    pool: &'r ThreadPool,
    clock: &'r WallClock,
    wait: bool,
    dry_run: bool,
    tables: Option<&'r Engine>,
    semaphore: Semaphore,
    /// The processes that have files open, looked up once for all enterprises, when first needed.
    holders: OnceLock<Holders>,
    /// When files of the tree were written.
    signs: clock::Signs,
}

/// The progress of a run.
#[derive(Debug)]
pub enum RotationEvent<'n> {
    /// An enterprise's steps are planned; this many bytes are to be read for them.
    Planned(u64),
    /// A step begins.
    Begins(&'n RotationStep),
    /// This many more bytes of its input have been read.
    Read(u64),
    /// A step is done.
    Done(&'n StepReport),
}

/// Receives the progress of a run, on the thread that does the work.
pub type RotationWatcher<'w> = dyn Fn(RotationEvent<'_>) + Sync + 'w;

impl<'r> Rotation<'r> {
    /// A run with `policy` over enterprises of `tree`, compressing on the threads of `pool`.
    pub fn new(
        tree: &'r Tree,
        zone: LogZone,
        policy: Policy,
        ops: &'r dyn DiskOps,
        pool: &'r ThreadPool,
        clock: &'r WallClock,
    ) -> Rotation<'r> {
        Rotation {
            tree,
            zone,
            policy,
            ops,
            pool,
            clock,
            wait: false,
            dry_run: false,
            tables: None,
            semaphore: Semaphore::new(pool.current_num_threads()),
            holders: OnceLock::new(),
            signs: OnceLock::new(),
        }
    }

    /// The same with other full days before today that are kept.
    pub(crate) fn keeping(mut self, keep_days: u32) -> Rotation<'r> {
        self.policy.keep_days = keep_days;
        self
    }

    /// Waits for another rotation of the same enterprise instead of skipping it.
    pub fn waiting(mut self, wait: bool) -> Rotation<'r> {
        self.wait = wait;
        self
    }

    /// Also makes tables of calls, with this engine.
    pub fn with_tables(mut self, engine: &'r Engine) -> Rotation<'r> {
        self.tables = Some(engine);
        self
    }

    /// Says what would be done, and changes nothing.
    pub fn dry(mut self, dry_run: bool) -> Rotation<'r> {
        self.dry_run = dry_run;
        self
    }

    /// Rotates one enterprise. Errors are in the report; they do not stop the work on other files and enterprises.
    pub fn enterprise(&self, name: &EnterpriseName, watch: &RotationWatcher<'_>) -> RotationReport {
        let mut report = RotationReport::new(name, self.dry_run);
        let path = self.tree.path(name);
        let folder = match self.tree.folder_to_change(name) {
            Ok(Ok(folder)) => folder,
            Ok(Err(other)) => {
                report.trouble(Trouble::new(&other.path, own::refusal(&other, "rotated")));
                return report;
            }
            Err(error) => {
                report.fail(&path, &Error::io(&path, "open the folder", error));
                return report;
            }
        };
        let context = self.context(name, folder, watch);
        let done = self.in_folder(&context, &mut report);
        report.note(&path, done);
        report
    }

    /// What the steps in an enterprise's folder work with.
    pub(crate) fn context<'s>(
        &'s self,
        enterprise: &'s EnterpriseName,
        folder: Folder,
        watch: &'s RotationWatcher<'_>,
    ) -> RotationContext<'s> {
        RotationContext {
            enterprise,
            folder,
            zone: self.zone,
            policy: &self.policy,
            ops: self.ops,
            pool: self.pool,
            clock: self.clock,
            semaphore: &self.semaphore,
            watch,
        }
    }

    fn in_folder(
        &self,
        context: &RotationContext<'_>,
        report: &mut RotationReport,
    ) -> Result<(), Error> {
        if self.dry_run {
            report.would(&tidy::leftovers(context)?);
            let last_run = context.own_folder().ok();
            let last_run = last_run.and_then(|own| Lock::last_taken(&own, own::LOCK));
            let survey = look::look(context, &self.holders)?;
            let (plan, _) = self.plan(context, &survey, last_run, report);
            report.begin(&survey, &plan);
            report.would(&plan.steps);
            return Ok(());
        }
        let own = own::make(&context.folder, self.ops)?;
        let fail = |error| Error::io(&context.own_path(own::LOCK), "take the lock", error);
        let Some(lock) = Lock::take(&own, own::LOCK, self.wait).map_err(fail)? else {
            report.is_busy = true;
            return Ok(());
        };
        apply::tidy(context, report)?;
        for _ in 0..ROUNDS_MAX {
            let survey = look::look(context, &self.holders)?;
            let (plan, is_clock_right) = self.plan(context, &survey, lock.last_taken, report);
            report.begin(&survey, &plan);
            watch_plan(context, &plan);
            let finishes = plan.finishes_an_interrupted_run();
            apply::apply(context, &survey, plan, report);
            if is_clock_right {
                // The next run reads the time of this run from the lock. If the time can't be set, the next run uses
                // other signs.
                let _ = lock.note(self.clock.now());
            }
            if !finishes {
                break;
            }
        }
        verify::verify(context, report);
        if let Some(engine) = self.tables {
            let path = context.own_path("");
            let done = tables::tables(context, self.tree, engine, report);
            report.note(&path, done);
        }
        Ok(())
    }

    /// Why this host's clock may be wrong, as a clause; see `clock`. `last_run` is when a rotation was last at work.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(crate) fn clock_contradiction(
        &self,
        context: &RotationContext<'_>,
        last_run: Option<SystemTime>,
    ) -> Result<Option<String>, Error> {
        let survey = look::look(context, &self.holders)?;
        let contradicted = clock::contradiction(context, self.tree, &survey, last_run, &self.signs);
        Ok(contradicted)
    }

    /// The steps to take, and whether nothing contradicts the clock. If something does, nothing expires, and the
    /// report says so.
    fn plan(
        &self,
        context: &RotationContext<'_>,
        survey: &look::RotationSurvey,
        last_run: Option<SystemTime>,
        report: &mut RotationReport,
    ) -> (plan::Plan, bool) {
        let mut plan = plan::plan(survey, &self.policy);
        if self.policy.force_expire {
            return (plan, true);
        }
        let wrong = clock::contradiction(context, self.tree, survey, last_run, &self.signs);
        if let Some(why) = &wrong
            && plan.hold_back_expiry()
        {
            let what = format!(
                "nothing expires, as this host's clock may be wrong: {why}; if it is right, \
                 use --force-expire"
            );
            report.trouble(Trouble::new(context.folder.path(), what));
        }
        (plan, wrong.is_none())
    }
}

fn watch_plan(context: &RotationContext<'_>, plan: &plan::Plan) {
    let packs = |step: &&RotationStep| {
        use StepKind::{Collapse, Merge, Recompress, Seal};
        matches!(step.kind, Seal(_) | Merge(_) | Collapse(_) | Recompress(_))
    };
    let packed = plan.steps.iter().filter(packs);
    let bytes = packed.filter_map(|step| step.bytes);
    (context.watch)(RotationEvent::Planned(bytes.sum()));
}
