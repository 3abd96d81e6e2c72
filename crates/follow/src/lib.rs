//! Files that grow, rotate and shrink: the lines of many logs as they are written.
//!
//! [`Follow`] continues where an earlier reading ended ([`Start`]). It hands out every line once, in the
//! order of its file. Lines of several files come in order of time if they are read within [`WINDOW`] of each
//! other. It knows only the time of a record. It never identifies a file by its path: a file is its device,
//! its inode and its first bytes.
//!
//! ```text
//! wake     events of folders, or a timer                    -> which folders to look at
//! folder   names -> files: new, renamed, copied, deleted
//! stream   one file: decide (pure), read, whole lines only  -> lines, through the filter
//! merge    hold for the window, put in order                -> Batch
//! ```
//! All file-system operations go through [`FileSystem`], so that tests can use a model instead.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

mod archives;
mod arrival;
mod decide;
mod disk;
mod file_system;
mod folder;
mod merge;
mod outlet;
mod sieve;
mod stream;
mod tracker;
mod wake;

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use calltrace_engine::ReadUpTo;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, reason};
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::{EnterpriseName, Tree};

pub use arrival::{Arrival, FileNews, LineBatch};
pub use decide::{Action, KnownState, PresentState, Resolution, decide, resolve};
pub use disk::DiskFiles;
pub use file_system::{ArchivePart, FileStat, FileSystem, OpenFile, ReadContent};
pub use tracker::Tracker;

use tracker::ROOT;
use wake::{FolderChange, Wake, WakeUp};

/// Lines of several files that are read within this time of each other are put in order of time.
pub const WINDOW: Duration = Duration::from_millis(20);

/// Time between two sweeps, which look at everything whether or not events came.
const SWEEP: Duration = Duration::from_secs(1);

/// Time between two sweeps with `poll`, or if no events come.
const SWEEP_POLLING: Duration = Duration::from_millis(250);

/// Time between two sweeps while lines arrive that no event announced.
const SWEEP_BUSY: Duration = Duration::from_millis(50);

/// How long [`SWEEP_BUSY`] holds after the last such line.
const BUSY: Duration = Duration::from_secs(5);

/// Least time between two looks that events cause, so that lines are read in batches.
const GAP: Duration = Duration::from_millis(5);

/// Which enterprises to follow.
#[derive(Debug, Clone)]
pub enum EnterpriseSelection {
    Named(Vec<EnterpriseName>),
    /// All enterprises of the tree, including new ones.
    All,
}

/// Where to begin: the files of one enterprise that were already read.
#[derive(Debug)]
pub struct Start {
    pub enterprise: EnterpriseName,
    /// Files that may grow, and how far each was read.
    pub files: Vec<ReadUpTo>,
    /// Time of the newest known record.
    pub newest: Option<Stamp>,
}

/// How to follow.
#[derive(Debug, Default)]
pub struct FollowOptions {
    /// Only lines that pass it are handed out.
    pub filter: RecordFilter,
    /// Use no kernel events; look at the files at a fixed interval.
    pub poll: bool,
    /// A descriptor that becomes readable when the user interrupts.
    pub interrupt: Option<OwnedFd>,
    /// The descriptor that the output goes to; following ends when its reader goes away.
    pub output: Option<OwnedFd>,
}

/// Why waiting ended.
#[derive(Debug)]
pub enum Next {
    Came(LineBatch),
    /// The deadline has passed.
    Deadline,
    /// The user interrupted.
    Interrupted,
    /// The reader of the output has gone away.
    Closed,
}

/// The files of a tree that are being followed.
#[derive(Debug)]
pub struct Follow {
    tree: Tree,
    tracker: Tracker<DiskFiles>,
    wake: Wake,
    clock: WallClock,
    /// More content can be read at once.
    more: bool,
    looked_at: Instant,
    sweep_at: Instant,
    /// Time between two sweeps while nothing is written.
    sweeps_every: Duration,
    busy_until: Option<Instant>,
    /// The failure to watch a folder was reported.
    limit_is_reported: bool,
    /// Why following ends, once everything read so far has been handed out.
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Interrupted,
    Closed,
}

impl Follow {
    /// Begins to follow where earlier reading ended. The first batch holds what was written since then.
    pub fn new(
        tree: &Tree,
        selection: EnterpriseSelection,
        starts: Vec<Start>,
        options: FollowOptions,
        clock: WallClock,
    ) -> Follow {
        let (wake, events) = Wake::new(options.poll, options.interrupt, options.output);
        let now = Instant::now();
        let mut follow = Follow {
            tree: tree.clone(),
            tracker: Tracker::new(DiskFiles::new(tree), selection, options.filter),
            wake,
            clock,
            more: true,
            looked_at: now,
            sweep_at: now,
            sweeps_every: if options.poll { SWEEP_POLLING } else { SWEEP },
            busy_until: None,
            limit_is_reported: false,
            end: None,
        };
        if let Err(error) = events {
            follow.report_limit(&error);
        }
        for start in starts {
            follow.begin(start, now);
        }
        follow.sweep(now);
        follow
    }

    fn begin(&mut self, start: Start, now: Instant) {
        let key = self.tracker.add(start.enterprise, start.newest);
        for file in start.files {
            let ReadUpTo { log, end, head } = file;
            let now = (now, self.clock.now());
            let name = log.name.clone();
            self.tracker.begin_with(key, log, &name, end, head, now);
        }
    }

    /// Waits for lines or news, until `deadline` at the latest. If events come, a batch arrives at most
    /// [`WINDOW`] and some milliseconds after its lines were written.
    ///
    /// # Errors
    /// When the process can't wait for events.
    pub fn next(&mut self, deadline: Option<Instant>) -> Result<Next, Error> {
        loop {
            if self.end.is_none() {
                self.wait(Instant::now(), deadline)?;
            }
            if let Some(end) = self.end {
                let batch = self.tracker.take_all();
                return Ok(match (batch.is_empty(), end) {
                    (false, _) => Next::Came(batch),
                    (true, End::Interrupted) => Next::Interrupted,
                    (true, End::Closed) => Next::Closed,
                });
            }
            let now = Instant::now();
            if now >= self.sweep_at {
                self.sweep(now);
            }
            self.more = self.tracker.round(now, self.clock.now());
            self.looked_at = now;
            if self.tracker.was_surprised() {
                self.busy_until = Some(now + BUSY);
                self.sweep_at = self.sweep_at.min(now + SWEEP_BUSY);
            }
            let batch = self.tracker.take(now);
            if !batch.is_empty() {
                return Ok(Next::Came(batch));
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(Next::Deadline);
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, now: Instant, deadline: Option<Instant>) -> Result<(), Error> {
        let fail = |error: io::Error| Error::io(self.tree.root(), "wait for its files", error);
        let until = [Some(self.sweep_at), self.tracker.next_due(), deadline];
        let until = until.into_iter().flatten().min().unwrap_or(self.sweep_at);
        let until = if self.more { now } else { until };
        let gap_ends = self.looked_at + GAP;
        let mut woken = WakeUp::default();
        if !self.more && now < gap_ends {
            woken = self
                .wake
                .wait(Some(gap_ends.min(until.max(now))), true)
                .map_err(fail)?;
        }
        if !woken.interrupted && !woken.closed {
            woken = self.wake.wait(Some(until), false).map_err(fail)?;
        }
        for (key, stir) in woken.stirs {
            match stir {
                FolderChange::Written(name) => self.tracker.written(key, &name),
                FolderChange::Gone => self.tracker.unwatch(key),
                FolderChange::Names => {
                    self.tracker.names_changed(key);
                    // A new enterprise is watched at once.
                    if key == ROOT {
                        self.sweep_at = now;
                    }
                }
            }
        }
        if woken.all {
            self.tracker.anything_changed();
        }
        if woken.interrupted {
            self.end = Some(End::Interrupted);
        } else if woken.closed {
            self.end = Some(End::Closed);
        }
        Ok(())
    }

    /// Looks at everything, whether or not events came.
    fn sweep(&mut self, now: Instant) {
        self.tracker.sweep(now);
        for (key, enterprise) in self.tracker.unwatched() {
            let folder = match &enterprise {
                Some(name) => self.tree.path(name),
                None => self.tree.root().to_owned(),
            };
            match self.wake.watch(&folder, key) {
                Ok(()) => self.tracker.watched(key),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.report_limit(&error),
            }
        }
        let busy = self.busy_until.is_some_and(|until| now < until);
        self.sweep_at = now + if busy { SWEEP_BUSY } else { self.sweeps_every };
    }

    fn report_limit(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.limit_is_reported, true) {
            return;
        }
        let why = match error.kind() {
            io::ErrorKind::StorageFull => {
                "the limit fs.inotify.max_user_watches is reached".to_owned()
            }
            _ => format!(
                "{}, or fs.inotify.max_user_instances is reached",
                reason(error)
            ),
        };
        self.tracker.add_news(FileNews::for_all(format!(
            "can't watch all folders ({why}); they are looked at every second instead"
        )));
    }
}
