//! Rotation: seal, compress, index and expire, one enterprise at a time.
//!
//! ```text
//! lock -> tidy      what a run that died left behind
//!      -> look      Survey: what is there, who has it open
//!      -> plan      pure: Survey x Policy -> steps, each with its reason
//!      -> apply     one step at a time, through fsx::DiskOps
//!      -> Report    what was done, what waits and for what, what went wrong
//! ```
//! **No line is lost, at any instant at which a run may die.** A file goes only when another holds
//! each of its bytes, decoded again and synced, and when nobody can add to it any more (`quiet`).
//! In between lines are in two files; which they are is told by content (`source::overlap`), by
//! readers as by the next run. **Nothing that exists is replaced**, but an archive by one that
//! holds all of it and more.
//!
//! `seal`, `collapse` and `remove` do the steps, `parcel` makes archives, `memory` keeps what can't
//! be seen in the folder. What is printed of a report is `output`'s affair.

mod age;
mod apply;
mod clock;
mod collapse;
mod first;
mod gate;
mod held;
mod look;
mod memory;
mod parcel;
mod plan;
mod publish;
mod quiet;
mod remove;
mod report;
mod seal;
mod site;
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
pub use crate::survey::memory::{Collapsing, Memory};
pub use first::FirstExpiry;
pub use report::Report;
pub use step::{Done, Kind, Step, Tidy, Waiting};
pub use verify::Checked;

use gate::Gate;
use site::Site;

/// Rounds of looking and acting: a second where the first finished what a dead run had begun.
const ROUNDS_MAX: usize = 2;

/// How the live file is taken care of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As what is found suggests.
    Auto,
    /// It is left to its writer; only finished files are sealed.
    Archive,
    /// It is renamed; whoever writes must open it anew.
    Rename,
    /// Its lines are copied and then taken off its front; writers may keep it open.
    Collapse,
}

impl Mode {
    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::Archive => "archive",
            Mode::Rename => "rename",
            Mode::Collapse => "collapse",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How the live file is taken care of.
    pub mode: Mode,
    /// Full days before today that are kept.
    pub keep_days: u32,
    /// Full days that tables of calls are kept whose logs are gone.
    pub keep_tables_days: u32,
    /// A live file that is larger is due whatever its day (bytes).
    pub size_max: Option<u64>,
    /// A live file is due whatever its day and size, unless it is empty.
    pub force: bool,
    /// Files expire also where something contradicts the clock.
    pub force_expire: bool,
    /// Archives that are no BGZF become it.
    pub recompress: bool,
    /// Where leases are not to be had: how long a file must have been left alone.
    pub grace: Duration,
    /// Archives of about so many bytes are compared with their indexes, one at least; 0 for none.
    pub verify_bytes: u64,
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
        }
    }
}

/// A run over any number of enterprises.
pub struct Rotation<'r> {
    tree: &'r Tree,
    zone: LogZone,
    policy: Policy,
    ops: &'r dyn DiskOps,
    pool: &'r ThreadPool,
    clock: &'r WallClock,
    wait: bool,
    dry_run: bool,
    tables: Option<&'r Engine>,
    gate: Gate,
    /// Whoever has a file open, looked up once for all enterprises, when first asked for.
    holders: OnceLock<Holders>,
    /// When files of the tree were written.
    signs: clock::Signs,
}

/// Told to whoever watches a run.
#[derive(Debug)]
pub enum News<'n> {
    /// An enterprise's steps are known; so many bytes are to be read for them.
    Planned(u64),
    /// A step begins.
    Begins(&'n Step),
    /// So many bytes more of its input have been read.
    Read(u64),
    /// A step is done.
    Done(&'n Done),
}

/// Watches a run; called from the thread that does the work.
pub type Watch<'w> = dyn Fn(News<'_>) + Sync + 'w;

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
            gate: Gate::new(pool.current_num_threads()),
            holders: OnceLock::new(),
            signs: OnceLock::new(),
        }
    }

    /// Waits for another rotation of the same enterprise instead of passing it over.
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

    /// Rotates one enterprise. What goes wrong is in the report; other files and enterprises are
    /// taken care of all the same.
    pub fn enterprise(&self, name: &EnterpriseName, watch: &Watch<'_>) -> Report {
        let mut report = Report::new(name, self.dry_run);
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
        let site = self.site(name, folder, watch);
        let done = self.in_folder(&site, &mut report);
        report.note(&path, done);
        report
    }

    fn site<'s>(
        &'s self,
        enterprise: &'s EnterpriseName,
        folder: Folder,
        watch: &'s Watch<'_>,
    ) -> Site<'s> {
        Site {
            enterprise,
            folder,
            zone: self.zone,
            policy: &self.policy,
            ops: self.ops,
            pool: self.pool,
            clock: self.clock,
            gate: &self.gate,
            watch,
        }
    }

    fn in_folder(&self, site: &Site<'_>, report: &mut Report) -> Result<(), Error> {
        if self.dry_run {
            report.would(&tidy::leftovers(site)?);
            let last_run = site.own_folder().ok();
            let last_run = last_run.and_then(|own| Lock::last_taken(&own, own::LOCK));
            let survey = look::look(site, &self.holders)?;
            let (plan, _) = self.plan(site, &survey, last_run, report);
            report.begin(&survey, &plan);
            report.would(&plan.steps);
            return Ok(());
        }
        let own = own::make(&site.folder, self.ops)?;
        let fail = |error| Error::io(&site.own_path(own::LOCK), "take the lock", error);
        let Some(lock) = Lock::take(&own, own::LOCK, self.wait).map_err(fail)? else {
            report.is_busy = true;
            return Ok(());
        };
        apply::tidy(site, report)?;
        for _ in 0..ROUNDS_MAX {
            let survey = look::look(site, &self.holders)?;
            let (plan, is_clock_right) = self.plan(site, &survey, lock.last_taken, report);
            report.begin(&survey, &plan);
            watch_plan(site, &plan);
            let finishes = plan.finishes_a_dead_run();
            apply::apply(site, &survey, plan, report);
            if is_clock_right {
                // The next run knows by it when this one was. Not ours to change, perhaps; then it
                // goes by other signs.
                let _ = lock.note(self.clock.now());
            }
            if !finishes {
                break;
            }
        }
        verify::verify(site, report);
        if let Some(engine) = self.tables {
            let path = site.own_path("");
            let done = tables::tables(site, self.tree, engine, report);
            report.note(&path, done);
        }
        Ok(())
    }

    /// The steps to take, and whether nothing contradicts the clock. Where something does, nothing
    /// expires, and that is said.
    fn plan(
        &self,
        site: &Site<'_>,
        survey: &look::Survey,
        last_run: Option<SystemTime>,
        report: &mut Report,
    ) -> (plan::Plan, bool) {
        let mut plan = plan::plan(survey, &self.policy);
        if self.policy.force_expire {
            return (plan, true);
        }
        let wrong = clock::contradiction(site, self.tree, survey, last_run, &self.signs);
        if let Some(why) = &wrong
            && plan.hold_back_expiry()
        {
            let what = format!(
                "nothing expires, as this host's clock may be wrong: {why}; if it is right, \
                 --force-expire"
            );
            report.trouble(Trouble::new(site.folder.path(), what));
        }
        (plan, wrong.is_none())
    }
}

fn watch_plan(site: &Site<'_>, plan: &plan::Plan) {
    let packs = |step: &&Step| {
        use Kind::{Collapse, Merge, Recompress, Seal};
        matches!(step.kind, Seal(_) | Merge(_) | Collapse(_) | Recompress(_))
    };
    let packed = plan.steps.iter().filter(packs);
    let bytes = packed.filter_map(|step| step.bytes);
    (site.watch)(News::Planned(bytes.sum()));
}
