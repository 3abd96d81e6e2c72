//! What wakes up whoever waits for lines: events of the kernel in the folders, an interruption, the
//! end of whoever reads the answer, or the time.
//!
//! Events come early, not surely: there are none for what other hosts write to a network file system,
//! and none on some layered ones. So they only say where to look first.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Events read at once (bytes).
const EVENTS_BYTES: usize = 16 << 10;

/// Read in one go at most (times [`EVENTS_BYTES`]): whoever writes faster is seen all the same.
const READS_MAX: usize = 64;

/// A watch is of a folder, not of its name: when that goes, the watch is of no use.
const GONE: ReadFlags = ReadFlags::IGNORED
    .union(ReadFlags::MOVE_SELF)
    .union(ReadFlags::DELETE_SELF);

/// What happened in a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stir {
    /// A file called so was written to.
    Written(String),
    /// Names came or went.
    Names,
    /// The folder itself went; whatever has its name now is not watched.
    Gone,
}

/// What to look at after waking up.
#[derive(Debug, Default)]
pub(super) struct Woken {
    /// By the key of the folder.
    pub(super) stirs: Vec<(usize, Stir)>,
    /// Events were lost: anything may have happened.
    pub(super) all: bool,
    /// The user interrupts.
    pub(super) interrupted: bool,
    /// Nobody reads the answer any more.
    pub(super) closed: bool,
}

/// The descriptors that are waited for.
#[derive(Debug)]
pub(super) struct Wake {
    events: Option<OwnedFd>,
    folders: HashMap<i32, usize>,
    interrupt: Option<OwnedFd>,
    output: Option<OwnedFd>,
}

impl Wake {
    /// Waits for events unless `poll_only`.
    ///
    /// # Errors
    /// When the kernel has no more of them to give out; the error is none for whoever polls.
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
    /// When there is no such folder, or no more folders can be watched (`StorageFull`).
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

    /// Waits until something happens, `until` at the latest; without a time, until something happens.
    /// With `quiet` folders don't count yet.
    ///
    /// # Errors
    /// When the kernel can't wait.
    pub(super) fn wait(&mut self, until: Option<Instant>, quiet: bool) -> io::Result<Woken> {
        let mut woken = Woken::default();
        let events = self.events.as_ref().filter(|_| !quiet);
        // Of the output nothing is waited for but errors, which always count.
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

    fn read(&mut self, woken: &mut Woken) {
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
                    // Fails where the kernel has done it already.
                    let _ = inotify::remove_watch(events, event.wd());
                    Stir::Gone
                }
                Some(name) if flags.contains(ReadFlags::MODIFY) => Stir::Written(name.into_owned()),
                _ => Stir::Names,
            };
            // The same again and again, from writers that open the file for each line.
            if woken.stirs.last() != Some(&(key, stir.clone())) {
                woken.stirs.push((key, stir));
            }
        }
    }
}
