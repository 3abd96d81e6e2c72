//! Wakes the follower: on kernel events in the folders, on an interruption, when the reader of the output
//! goes away, or at a given time.
//!
//! Events come early but are not certain: a network file system has none for writes of other hosts, and some
//! layered ones have none at all. So events only say where to look first.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Bytes of events read at once.
const EVENTS_BYTES: usize = 16 << 10;

/// Reads of [`EVENTS_BYTES`] in one go at most. Files of a writer that is faster than that are still looked
/// at.
const READS_MAX: usize = 64;

/// A watch belongs to a folder, not to its name: when the folder is gone, the watch is useless.
const GONE: ReadFlags = ReadFlags::IGNORED
    .union(ReadFlags::MOVE_SELF)
    .union(ReadFlags::DELETE_SELF);

/// What happened in a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FolderChange {
    /// A file with this name was written to.
    Written(String),
    /// Names in the folder changed.
    Names,
    /// The folder itself is gone; a new one with its name is not watched.
    Gone,
}

/// What to look at after waking up.
#[derive(Debug, Default)]
pub(super) struct WakeUp {
    /// Changes, with the key of each folder.
    pub(super) stirs: Vec<(usize, FolderChange)>,
    /// Events were lost, so anything may have changed.
    pub(super) all: bool,
    /// The user interrupted.
    pub(super) interrupted: bool,
    /// The reader of the output has gone away.
    pub(super) closed: bool,
}

/// The descriptors that waiting looks at.
#[derive(Debug)]
pub(super) struct Wake {
    events: Option<OwnedFd>,
    folders: HashMap<i32, usize>,
    interrupt: Option<OwnedFd>,
    output: Option<OwnedFd>,
}

impl Wake {
    /// Prepares to wait for events, unless `poll_only`.
    ///
    /// # Errors
    /// When the kernel has no more event queues to give; with `poll_only` there is no such error.
    pub(super) fn new(
        poll_only: bool,
        interrupt: Option<OwnedFd>,
        output: Option<OwnedFd>,
    ) -> (Wake, io::Result<()>) {
        let begin = || inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let (events, result) = match (!poll_only).then(begin).transpose() {
            Ok(events) => (events, Ok(())),
            Err(error) => (None, Err(error.into())),
        };
        let wake = Wake {
            events,
            folders: HashMap::new(),
            interrupt,
            output,
        };
        (wake, result)
    }

    /// Watches a folder; its events come with `key`.
    ///
    /// # Errors
    /// When there is no such folder, or the limit of watched folders is reached (`StorageFull`).
    pub(super) fn watch(&mut self, folder: &Path, key: usize) -> io::Result<()> {
        let Some(events) = &self.events else {
            return Ok(());
        };
        let what = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        let watch = inotify::add_watch(events, folder, what)?;
        self.folders.insert(watch, key);
        Ok(())
    }

    /// Waits until an event comes, `until` at the latest if it is given. With `quiet`, events of folders do
    /// not end the wait.
    ///
    /// # Errors
    /// When the kernel call fails.
    pub(super) fn wait(&mut self, until: Option<Instant>, quiet: bool) -> io::Result<WakeUp> {
        let mut woken = WakeUp::default();
        let events = self.events.as_ref().filter(|_| !quiet);
        // For the output only errors are waited for, which are always reported.
        let all = [
            (self.interrupt.as_ref(), PollFlags::IN),
            (self.output.as_ref(), PollFlags::empty()),
            (events, PollFlags::IN),
        ];
        let mut waited: Vec<PollFd<'_>> = all
            .iter()
            .filter_map(|(fd, flags)| Some(PollFd::new(fd.as_ref()?, *flags)))
            .collect();
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.map(|left| Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            });
            match poll(&mut waited, left.as_ref()) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut happened = waited.iter().map(|fd| !fd.revents().is_empty());
        woken.interrupted = self.interrupt.is_some() && happened.next() == Some(true);
        woken.closed = self.output.is_some() && happened.next() == Some(true);
        if !quiet {
            self.read(&mut woken);
        }
        Ok(woken)
    }

    fn read(&mut self, woken: &mut WakeUp) {
        let Some(events) = &self.events else { return };
        let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut reader = inotify::Reader::new(events, &mut buffer);
        let mut reads = 0;
        loop {
            if reader.is_buffer_empty() {
                reads += 1;
                if reads > READS_MAX {
                    woken.all = true;
                    return;
                }
            }
            let Ok(event) = reader.next() else { return };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                woken.all = true;
            }
            let Some(&key) = self.folders.get(&event.wd()) else {
                continue;
            };
            let name = event.file_name().map(|name| name.to_string_lossy());
            let stir = match name {
                _ if flags.intersects(GONE) => {
                    self.folders.remove(&event.wd());
                    // It fails if the kernel has already removed the watch.
                    let _ = inotify::remove_watch(events, event.wd());
                    FolderChange::Gone
                }
                Some(name) if flags.contains(ReadFlags::MODIFY) => {
                    FolderChange::Written(name.into_owned())
                }
                _ => FolderChange::Names,
            };
            // Writers that open the file for each line cause the same event again and again.
            if woken.stirs.last() != Some(&(key, stir.clone())) {
                woken.stirs.push((key, stir));
            }
        }
    }
}
