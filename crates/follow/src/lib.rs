//! Files that grow, rotate and shrink: the lines of many logs as they are written.
//!
//! [`Follow`] goes on where something else has read up to ([`Start`]), and hands out every line once,
//! in the order of its file; lines of several files in order of time as far as they are read within
//! [`WINDOW`] of each other. It knows no record but its time, and decides nothing by a path: a file is
//! its device, its inode and how it begins.
//!
//! ```text
//! wake     events of folders, or the time                   -> which folders to look at
//! folder   names -> files: new, renamed, copies, gone
//! stream   one file: decide (pure), read, whole lines only  -> lines, through the filter
//! merge    hold for the window, put in order                -> Batch
//! ```
//! What a file system is asked goes through [`Files`], so that a model can be in its place.

mod archives;
mod arrival;
mod decide;
mod disk;
mod files;
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

pub use arrival::{Arrival, Batch, News};
pub use decide::{Action, Now, Resolution, Seen, decide, resolve};
pub use disk::Disk;
pub use files::{Files, OpenFile, Part, ReadContent, Stat};
pub use tracker::Tracker;

use tracker::ROOT;
use wake::{Stir, Wake, Woken};

/// Lines of several files come in order of time if they are read within this of each other.
pub const WINDOW: Duration = Duration::from_millis(20);

/// Everything is looked at this often, events or not.
const SWEEP: Duration = Duration::from_secs(1);

/// The same where no events are wanted.
const SWEEP_POLLING: Duration = Duration::from_millis(250);

/// The same where lines come that no event tells of.
const SWEEP_BUSY: Duration = Duration::from_millis(50);

/// After the last such line, for this long.
const BUSY: Duration = Duration::from_secs(5);

/// Time between two looks because of events: lines are read by the dozen, not one by one.
const GAP: Duration = Duration::from_millis(5);

/// Whom to follow.
#[derive(Debug, Clone)]
pub enum Whom {
    /// These enterprises.
    Named(Vec<EnterpriseName>),
    /// All there are, and those that come.
    All,
}

/// Where to begin: the files of one enterprise that were read already.
#[derive(Debug)]
pub struct Start {
    /// Whose.
    pub enterprise: EnterpriseName,
    /// Files that may grow, and how far they were read.
    pub files: Vec<ReadUpTo>,
    /// Time of the newest record known.
    pub newest: Option<Stamp>,
}

/// How to follow.
#[derive(Debug, Default)]
pub struct Options {
    /// Only lines that pass are handed out.
    pub filter: RecordFilter,
    /// No events of the kernel; the files are looked at every now and then.
    pub poll: bool,
    /// Readable when the user interrupts.
    pub interrupt: Option<OwnedFd>,
    /// Where the answer is written to: when its reader goes, following ends.
    pub output: Option<OwnedFd>,
}

/// Why waiting ended.
#[derive(Debug)]
pub enum Next {
    /// Lines or news.
    Came(Batch),
    /// The deadline is over.
    Deadline,
    /// The user interrupts.
    Interrupted,
    /// Nobody reads the answer any more.
    Closed,
}

/// Files being followed.
#[derive(Debug)]
pub struct Follow {
    tree: Tree,
    tracker: Tracker<Disk>,
    wake: Wake,
    clock: WallClock,
    /// There is more to read at once.
    more: bool,
    looked_at: Instant,
    sweep_at: Instant,
    /// From one sweep to the next while nothing is written.
    sweeps_every: Duration,
    busy_until: Option<Instant>,
    /// A folder could not be watched, and that was said.
    told_of_limit: bool,
    /// What ends it, once everything read so far has been handed out.
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Interrupted,
    Closed,
}

impl Follow {
    /// Begins to follow behind what was read already. What was written since comes with the first
    /// batch.
    pub fn new(
        tree: &Tree,
        whom: Whom,
        starts: Vec<Start>,
        options: Options,
        clock: WallClock,
    ) -> Follow {
        let (wake, events) = Wake::new(options.poll, options.interrupt, options.output);
        let now = Instant::now();
        let mut follow = Follow {
            tree: tree.clone(),
            tracker: Tracker::new(Disk::new(tree), whom, options.filter),
            wake,
            clock,
            more: true,
            looked_at: now,
            sweep_at: now,
            sweeps_every: if options.poll { SWEEP_POLLING } else { SWEEP },
            busy_until: None,
            told_of_limit: false,
            end: None,
        };
        if let Err(error) = events {
            follow.tell_of_limit(&error);
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

    /// Waits for lines or news, until `deadline` at the latest. A batch comes at the latest [`WINDOW`]
    /// and some milliseconds after its lines were written, as far as events come.
    ///
    /// # Errors
    /// When nothing can be waited for.
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
        let mut woken = Woken::default();
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
                Stir::Written(name) => self.tracker.written(key, &name),
                Stir::Gone => self.tracker.unwatch(key),
                Stir::Names => {
                    self.tracker.names_changed(key);
                    // A new enterprise is to be watched at once.
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

    /// Looks at everything, whatever events say.
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
                Err(error) => self.tell_of_limit(&error),
            }
        }
        let busy = self.busy_until.is_some_and(|until| now < until);
        self.sweep_at = now + if busy { SWEEP_BUSY } else { self.sweeps_every };
    }

    fn tell_of_limit(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.told_of_limit, true) {
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
        self.tracker.tell(News::for_all(format!(
            "can't watch all folders ({why}); they are looked at every second instead"
        )));
    }
}
