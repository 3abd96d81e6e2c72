//! All followed folders, as a machine that a driver runs: the driver says what may have changed and what time
//! it is, and hands out lines. It never waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::arrival::RunSlice;
use super::file_system::FileSystem;
use super::folder::FollowedFolder;
use super::merge::{LaneId, Merge};
use super::outlet::Ctx;
use super::sieve::Sieve;
use super::{EnterpriseSelection, FileNews, LineBatch, WINDOW};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, FileName, Head};

/// The key of the root among the watched folders.
pub(super) const ROOT: usize = usize::MAX;

/// Bytes read of one file at once, so that no file keeps the others waiting.
const FILE_BYTES: usize = 256 << 10;

/// Bytes read in one round at most before due lines are handed out.
const ROUND_BYTES: usize = 4 << 20;

/// Time between two listings of the root.
const ENTERPRISES_EVERY: Duration = Duration::from_secs(1);

/// Files that are not open are looked at once in this many sweeps.
const LISTING_SWEEPS: u32 = 5;

/// The state of everything that is followed.
#[derive(Debug)]
pub struct Tracker<F: FileSystem> {
    files: F,
    selection: EnterpriseSelection,
    sieve: Sieve,
    folders: Vec<FollowedFolder<F::File>>,
    keys: HashMap<EnterpriseName, usize>,
    watched: Vec<bool>,
    root_watched: bool,
    root_dirty: bool,
    /// The root can't be listed, and that was reported.
    root_fails: bool,
    /// When the root is listed next, even without an event.
    enterprises_at: Instant,
    merge: Merge,
    news: Vec<FileNews>,
    buffer: Vec<u8>,
    lanes: LaneId,
    /// The folder at which the next round begins.
    turn: usize,
    sweeps: u32,
    /// A sweep has found a change that no event announced.
    surprised: bool,
}

impl<F: FileSystem> Tracker<F> {
    /// A tracker that follows nothing yet.
    pub fn new(files: F, selection: EnterpriseSelection, filter: RecordFilter) -> Tracker<F> {
        Tracker {
            files,
            selection,
            sieve: Sieve::new(filter),
            folders: Vec::new(),
            keys: HashMap::new(),
            watched: Vec::new(),
            root_watched: false,
            root_dirty: true,
            root_fails: false,
            enterprises_at: Instant::now(),
            merge: Merge::default(),
            news: Vec::new(),
            buffer: vec![0; FILE_BYTES],
            lanes: 0,
            turn: 0,
            sweeps: 0,
            surprised: false,
        }
    }

    /// Follows an enterprise and returns the key of its folder. `newest` is the time of its newest known
    /// record.
    pub fn add(&mut self, enterprise: EnterpriseName, newest: Option<Stamp>) -> usize {
        if let Some(&key) = self.keys.get(&enterprise) {
            return key;
        }
        let key = self.folders.len();
        self.folders
            .push(FollowedFolder::new(Arc::new(enterprise.clone()), newest));
        self.watched.push(false);
        self.keys.insert(enterprise, key);
        key
    }

    /// Follows an open file, which is known up to `position`.
    pub fn begin_with(
        &mut self,
        key: usize,
        file: F::File,
        name: &FileName,
        position: u64,
        head: Head,
        now: (Instant, SystemTime),
    ) {
        self.lanes += 1;
        let folder = &mut self.folders[key];
        let begun = folder.begin_with(file, name, position, head, self.lanes, now);
        if let Err(error) = begun {
            let (enterprise, name) = (&folder.enterprise, name.full());
            let text = format!("{enterprise}/{name} can't be followed: {error}");
            self.news.push(FileNews::for_all(text));
        }
    }

    /// Notes that a file with this name was written to.
    pub fn written(&mut self, key: usize, name: &str) {
        let Some(folder) = self.folders.get_mut(key) else {
            return;
        };
        if folder.has_open(name) {
            folder.dirty = true;
        } else if FileName::parse(name).is_some_and(|name| !name.gz) {
            folder.names_dirty = true;
        }
    }

    /// Notes that names in a folder have changed.
    pub fn names_changed(&mut self, key: usize) {
        if key == ROOT {
            self.root_dirty = true;
        } else if let Some(folder) = self.folders.get_mut(key) {
            folder.names_dirty = true;
        }
    }

    /// Notes that anything may have changed.
    pub fn anything_changed(&mut self) {
        self.root_dirty = true;
        self.folders.iter_mut().for_each(FollowedFolder::stir);
    }

    /// Makes the next rounds look at everything, even without events.
    pub fn sweep(&mut self, now: Instant) {
        if self.root_dirty || now >= self.enterprises_at {
            self.find_enterprises();
            self.enterprises_at = now + ENTERPRISES_EVERY;
        }
        self.sweeps = self.sweeps.wrapping_add(1);
        let lists_closed = self.sweeps.is_multiple_of(LISTING_SWEEPS);
        for folder in &mut self.folders {
            folder.sweep(lists_closed);
        }
    }

    /// Reads new content of the files that may have changed, up to a budget. True when more can be read at
    /// once.
    pub fn round(&mut self, now: Instant, wall: SystemTime) -> bool {
        let count = self.folders.len();
        let open: usize = self.folders.iter().map(FollowedFolder::open_files).sum();
        let window = if open > 1 { WINDOW } else { Duration::ZERO };
        let mut bytes = 0;
        for step in 0..count {
            let key = (self.turn + step) % count;
            if self.folders[key].is_due() {
                bytes += self.visit(key, now, wall, window);
            }
            if bytes >= ROUND_BYTES {
                self.turn = (key + 1) % count;
                return true;
            }
        }
        self.folders.iter().any(|folder| folder.dirty)
    }

    /// Whether a sweep has found, since the last call, a change that no event announced.
    pub fn was_surprised(&mut self) -> bool {
        std::mem::take(&mut self.surprised)
    }

    /// The lines that are due, and the news.
    pub fn take(&mut self, now: Instant) -> LineBatch {
        self.batch(|merge, pieces| merge.due(now, pieces))
    }

    /// All lines that were read, and the news.
    pub fn take_all(&mut self) -> LineBatch {
        self.batch(Merge::all)
    }

    fn batch(&mut self, take: impl FnOnce(&mut Merge, &mut Vec<RunSlice>)) -> LineBatch {
        let mut batch = LineBatch {
            news: std::mem::take(&mut self.news),
            ..LineBatch::default()
        };
        take(&mut self.merge, &mut batch.pieces);
        batch
    }

    /// When [`Tracker::take`] has lines to hand out; `None` when no line is held.
    pub fn next_due(&self) -> Option<Instant> {
        match self.news.is_empty() {
            true => self.merge.next_due(),
            false => Some(Instant::now()),
        }
    }

    /// Adds news for the next batch.
    pub fn add_news(&mut self, news: FileNews) {
        self.news.push(news);
    }

    /// The folders that are not watched yet, by key; `None` for the root.
    pub fn unwatched(&self) -> Vec<(usize, Option<EnterpriseName>)> {
        let root = matches!(self.selection, EnterpriseSelection::All) && !self.root_watched;
        let folders = self.folders.iter().zip(&self.watched).enumerate();
        let folders = folders.filter(|(_, (_, watched))| !**watched);
        let folders = folders.map(|(key, (folder, _))| (key, Some((*folder.enterprise).clone())));
        root.then_some((ROOT, None))
            .into_iter()
            .chain(folders)
            .collect()
    }

    /// Notes that a folder is no longer watched.
    pub fn unwatch(&mut self, key: usize) {
        if key == ROOT {
            self.root_watched = false;
        } else if let Some(watched) = self.watched.get_mut(key) {
            *watched = false;
        }
        self.names_changed(key);
    }

    /// Notes that a folder is watched now. It is looked at once more for changes from before.
    pub fn watched(&mut self, key: usize) {
        if key == ROOT {
            self.root_watched = true;
            self.root_dirty = true;
        } else if let Some(folder) = self.folders.get_mut(key) {
            self.watched[key] = true;
            folder.stir();
        }
    }

    fn find_enterprises(&mut self) {
        self.root_dirty = false;
        let names = match &self.selection {
            EnterpriseSelection::All => self.files.enterprises(),
            EnterpriseSelection::Named(names) => Ok(names.clone()),
        };
        match names {
            Ok(names) => {
                self.root_fails = false;
                for name in names {
                    self.add(name, None);
                }
            }
            Err(error) if !std::mem::replace(&mut self.root_fails, true) => {
                self.add_news(FileNews::for_all(format!("{error}; trying again")));
            }
            Err(_) => {}
        }
    }

    /// Lists a folder if necessary, and reads new content of its files. Returns the number of bytes read.
    fn visit(&mut self, key: usize, now: Instant, wall: SystemTime, window: Duration) -> usize {
        let folder = &mut self.folders[key];
        let enterprise = Arc::clone(&folder.enterprise);
        let mut ctx = Ctx {
            files: &self.files,
            enterprise: &enterprise,
            sieve: &self.sieve,
            merge: &mut self.merge,
            news: &mut self.news,
            buffer: &mut self.buffer,
            steady_names: None,
            now,
            window,
        };
        let unannounced = folder.is_swept && !folder.dirty && !folder.names_dirty;
        folder.list(&mut ctx, &mut self.lanes, wall);
        let looked = folder.look(&mut ctx);
        self.surprised |= unannounced && looked.bytes > 0;
        if std::mem::take(&mut folder.is_swept) {
            folder.close(&mut ctx);
        }
        if self.buffer.len() > FILE_BYTES && !looked.more {
            self.buffer.truncate(FILE_BYTES);
            self.buffer.shrink_to_fit();
        }
        looked.bytes
    }
}
