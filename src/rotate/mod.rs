//! Rotation: seal, compress, index and expire, one enterprise at a time.
//!
//! ```text
//! lock -> tidy      what a run that died left behind
//!      -> look      Survey: what is there, who has it open
//!      -> plan      pure: Survey x Policy -> steps, each with its reason
//!      -> apply     one step at a time, through fsx::Deeds
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

mod apply;
mod collapse;
mod gate;
mod held;
mod itself;
mod look;
mod memory;
mod names;
mod parcel;
mod plan;
mod publish;
mod quiet;
mod remove;
mod report;
mod seal;
mod site;
mod tidy;
mod times;
mod verify;
mod writers;

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use rayon::ThreadPool;

use crate::error::{Error, reason};
use crate::fsx::{Deeds, Holders, Lock, WallClock};
use crate::record::LogZone;
use crate::tree::{EnterpriseName, Tree};

pub use itself::{Dated, rotates_itself};
pub use memory::{Collapsing, Memory};
pub use names::Leftover;
pub use plan::{Kind, Step};
pub use report::{Done, Report, Waiting};
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
    /// A live file that is larger is due whatever its day (bytes).
    pub size_max: Option<u64>,
    /// A live file is due whatever its day and size, unless it is empty.
    pub force: bool,
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
            size_max: None,
            force: false,
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
    deeds: &'r dyn Deeds,
    pool: &'r ThreadPool,
    clock: &'r WallClock,
    wait: bool,
    dry_run: bool,
    gate: Gate,
    /// Whoever has a file open, looked up once for all enterprises, when first asked for.
    holders: OnceLock<Holders>,
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
        deeds: &'r dyn Deeds,
        pool: &'r ThreadPool,
        clock: &'r WallClock,
    ) -> Rotation<'r> {
        Rotation {
            tree,
            zone,
            policy,
            deeds,
            pool,
            clock,
            wait: false,
            dry_run: false,
            gate: Gate::new(pool.current_num_threads()),
            holders: OnceLock::new(),
        }
    }

    /// Waits for another rotation of the same enterprise instead of passing it over.
    pub fn waiting(mut self, wait: bool) -> Rotation<'r> {
        self.wait = wait;
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
        let site = Site {
            enterprise: name,
            folder: self.tree.folder(name),
            zone: self.zone,
            policy: &self.policy,
            deeds: self.deeds,
            pool: self.pool,
            clock: self.clock,
            gate: &self.gate,
            watch,
        };
        if let Err(error) = self.in_folder(&site, &mut report) {
            report.fail(&site.folder, &error);
        }
        report
    }

    fn in_folder(&self, site: &Site<'_>, report: &mut Report) -> Result<(), Error> {
        if self.dry_run {
            report.would(&tidy::leftovers(site)?);
            let survey = look::look(site, &self.holders)?;
            let plan = plan::plan(&survey, &self.policy);
            report.begin(&survey, &plan);
            report.would(&plan.steps);
            return Ok(());
        }
        site.make_own_folder()?;
        let Some(_lock) = self.lock(site)? else {
            report.is_busy = true;
            return Ok(());
        };
        tidy::tidy(site, report)?;
        for _ in 0..ROUNDS_MAX {
            let survey = look::look(site, &self.holders)?;
            let plan = plan::plan(&survey, &self.policy);
            report.begin(&survey, &plan);
            watch_plan(site, &plan);
            let finishes = plan.finishes_a_dead_run();
            apply::apply(site, &survey, plan, report);
            if !finishes {
                break;
            }
        }
        verify::verify(site, report);
        Ok(())
    }

    fn lock(&self, site: &Site<'_>) -> Result<Option<Lock>, Error> {
        let path = site.own_folder().join("lock");
        Lock::take(&path, self.wait).map_err(|error| Error::io(&path, "take the lock", error))
    }
}

fn watch_plan(site: &Site<'_>, plan: &plan::Plan) {
    let packs = |step: &&Step| {
        use Kind::{Collapse, Merge, Recompress, Seal};
        matches!(step.kind, Seal | Merge | Collapse | Recompress)
    };
    let bytes = plan
        .steps
        .iter()
        .filter(packs)
        .filter_map(|step| step.bytes);
    (site.watch)(News::Planned(bytes.sum()));
}

/// `no space left on device`, after what could not be done.
fn cant(deed: &str, error: &io::Error) -> String {
    format!("can't {deed}: {}", reason(error))
}
