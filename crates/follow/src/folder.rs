//! The files of one enterprise: which are followed, from where, and for how long.
//!
//! A file is identified by device and inode. A name that appears for a known file is a rename. A name for an
//! unknown file is a new file, which is read from its start, unless it is a copy of a followed file or an old
//! day that an administrator unpacked. A file that has lost its last name is read to its end, and for a grace
//! period after that.

mod copies;
mod missed;
mod truncations;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::FileNews;
use super::archives::MissedLines;
use super::file_system::{FileStat, FileSystem, OpenFile, read_front};
use super::merge::LaneId;
use super::outlet::{Ctx, LookProgress};
use super::stream::{FileStream, FormerContent};
use calltrace_model::record::Stamp;
use calltrace_store::error::cant;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{EnterpriseName, FileName, Generation, Head, ListedFile};

use copies::CopyOrigin;
use truncations::Truncation;

/// A deleted file is read for this long after it last grew, since a writer may still have it open.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// A file other than the live one is closed when it has not grown for this long, and opened again when it
/// grows.
pub(super) const QUIET: Duration = Duration::from_secs(600);

/// The magic bytes of gzip (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The folder of one enterprise.
#[derive(Debug)]
pub(super) struct FollowedFolder<H> {
    pub(super) enterprise: Arc<EnterpriseName>,
    /// A file in it may have changed.
    pub(super) dirty: bool,
    /// A name in it may have changed.
    pub(super) names_dirty: bool,
    /// It is looked at in the next round even if no event names it.
    pub(super) is_swept: bool,
    followed: Vec<FollowedFile<H>>,
    /// Files that are known and not open.
    closed: Vec<ClosedFile>,
    /// Files that can't be opened, each with the offset to begin at once it can. Each is reported once.
    refused: HashMap<FileIdentity, u64>,
    /// Content that was truncated or deleted: its head, and how far it was read.
    former: VecDeque<FormerContent>,
    /// Truncations that are not reported yet, because a copy with the lost bytes may still appear.
    truncations: Vec<Truncation>,
    /// Archives that are known or completely read.
    archives: HashSet<FileIdentity>,
    /// Files that were sealed before they could be followed.
    missed: Vec<MissedLines>,
    /// Time of the newest record, whether it was read here or known at the start.
    newest: Option<Stamp>,
    names_changed: Option<SystemTime>,
    /// When it was last looked at.
    visited: Instant,
    /// It can't be listed, and that was reported.
    failing: bool,
    /// It is listed for the first time after listing had failed.
    is_late: bool,
    /// It has been listed, so files that appear now are new.
    listed: bool,
    newest_at_start: Option<Stamp>,
}

#[derive(Debug)]
struct FollowedFile<H> {
    stream: FileStream<H>,
    name: Option<FileName>,
    /// When it last grew, or was opened.
    grown: Instant,
    /// When it was first seen.
    met: Instant,
    copy: Option<CopyOrigin>,
    failing: bool,
}

#[derive(Debug)]
struct ClosedFile {
    stat: FileStat,
    position: u64,
    head: Head,
}

impl ClosedFile {
    fn new(stat: FileStat, position: u64, head: Head) -> ClosedFile {
        ClosedFile {
            stat,
            position,
            head,
        }
    }
}

impl<H: OpenFile> FollowedFolder<H> {
    pub(super) fn new(enterprise: Arc<EnterpriseName>, newest_at_start: Option<Stamp>) -> Self {
        FollowedFolder {
            enterprise,
            dirty: true,
            names_dirty: true,
            is_swept: false,
            followed: Vec::new(),
            closed: Vec::new(),
            refused: HashMap::new(),
            former: VecDeque::new(),
            truncations: Vec::new(),
            archives: HashSet::new(),
            missed: Vec::new(),
            newest: newest_at_start,
            names_changed: None,
            visited: Instant::now(),
            failing: false,
            is_late: false,
            listed: false,
            newest_at_start,
        }
    }

    /// Marks the folder to be looked at even without an event. With `names` it is also listed if some of its
    /// files are not open, since only a listing shows that they grow.
    pub(super) fn sweep(&mut self, names: bool) {
        self.is_swept = true;
        self.names_dirty |= names && !self.closed.is_empty();
    }

    /// Marks the folder as changed in an unknown way.
    pub(super) fn stir(&mut self) {
        self.dirty = true;
        self.names_dirty = true;
    }

    /// Whether there may be something to do.
    pub(super) fn is_due(&self) -> bool {
        self.dirty || self.names_dirty || self.is_swept
    }

    /// Number of open files.
    pub(super) fn open_files(&self) -> usize {
        self.followed.len()
    }

    /// Continues with a file that was read up to `position`. A file that has been quiet for long is not kept
    /// open.
    ///
    /// # Errors
    /// When the `stat` call fails.
    pub(super) fn begin_with(
        &mut self,
        file: H,
        name: &FileName,
        position: u64,
        head: Head,
        lane: LaneId,
        now: (Instant, SystemTime),
    ) -> io::Result<()> {
        let stat = file.stat()?;
        let modified = u64::try_from(stat.modified).unwrap_or_default();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(modified);
        let age = now.1.duration_since(modified).unwrap_or_default();
        if name.generation != Generation::Live && age >= QUIET && stat.bytes == position {
            self.closed.push(ClosedFile::new(stat, position, head));
            return Ok(());
        }
        let stream = FileStream::new(file, name.full().into(), lane, stat, position, head);
        self.followed.push(FollowedFile::new(stream, name, now.0));
        Ok(())
    }

    /// Whether one of the open files is called `name`.
    pub(super) fn has_open(&self, name: &str) -> bool {
        self.followed.iter().any(|f| &*f.stream.lines.name == name)
    }

    /// Lists the folder if its names have changed, and takes in new files.
    pub(super) fn list<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        lanes: &mut LaneId,
        wall: SystemTime,
    ) {
        let Ok(changed) = ctx.files.names_changed(&self.enterprise) else {
            self.lose_names();
            return;
        };
        let same = self.names_changed == Some(changed);
        if same && !self.names_dirty {
            ctx.steady_names = self.names_changed;
            return;
        }
        let listed = match ctx.files.list(&self.enterprise) {
            Ok(listed) => listed,
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let enterprise = self.enterprise.as_str();
                    ctx.news
                        .push(FileNews::failed(enterprise, "be listed", &error));
                }
                return;
            }
        };
        self.is_late = std::mem::take(&mut self.failing) && !self.listed;
        // Two changes of names within one tick of the file system's clock leave the same time.
        let steady = wall
            .duration_since(changed)
            .is_ok_and(|age| age > Duration::from_secs(1));
        let is_certain = steady && !ctx.files.has_links_out(&self.enterprise);
        self.names_changed = is_certain.then_some(changed);
        ctx.steady_names = self.names_changed;
        self.names_dirty = false;
        self.name_known(ctx, &listed);
        let plain = listed.iter().filter(|listed| !listed.name.gz);
        for file in plain {
            self.meet(ctx, file, lanes);
        }
        self.find_missed(ctx, &listed, lanes);
        let is_listed = |identity: FileIdentity| listed.iter().any(|l| l.identity == identity);
        self.closed.retain(|closed| is_listed(closed.stat.identity));
        self.refused.retain(|refused, _| is_listed(*refused));
        self.archives.retain(|archive| is_listed(*archive));
        self.listed = true;
        self.is_late = false;
    }

    fn lose_names(&mut self) {
        for followed in &mut self.followed {
            followed.name = None;
        }
        self.names_changed = None;
    }

    /// Gives known files the names that the listing shows.
    fn name_known<F>(&mut self, ctx: &mut Ctx<'_, F>, listed: &[ListedFile]) {
        for followed in &mut self.followed {
            let own = listed
                .iter()
                .find(|l| l.identity == followed.stream.stat.identity);
            let now = own.map(|l| l.name.clone());
            if followed.name == now {
                continue;
            }
            let what = match &now {
                Some(name) => format!("is now called {}", name.full()),
                None => "was deleted or moved away; read to its end".to_owned(),
            };
            followed.stream.lines.report(ctx, false, &what);
            if let Some(name) = &now {
                followed.stream.lines.name = name.full().into();
            }
            followed.name = now;
        }
    }

    /// Takes in a plain file of the listing.
    fn meet<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        listed: &ListedFile,
        lanes: &mut LaneId,
    ) {
        let identity = listed.identity;
        if self.following(identity).is_some() {
            return;
        }
        let closed = self.closed.iter().position(|c| c.stat.identity == identity);
        let as_it_was = |closed: &ClosedFile| {
            (closed.stat.bytes, closed.stat.modified) == (listed.bytes, listed.modified)
        };
        if closed.is_some_and(|at| as_it_was(&self.closed[at])) {
            return;
        }
        let file = match ctx.files.open(&self.enterprise, &listed.name) {
            Ok(file) => file,
            Err(error) => return self.refuse(ctx, listed, &error),
        };
        let (Ok(stat), Ok(front)) = (file.stat(), read_front(&file)) else {
            self.names_dirty = true;
            return;
        };
        if stat.identity != identity {
            // The name leads to another file by now. The opened file is taken: it may be gone before the next
            // listing, which shows the other one.
            self.names_dirty = true;
            if self.is_known(stat.identity) {
                return;
            }
        }
        let closed = closed.filter(|_| stat.identity == identity);
        let closed = closed.map(|at| self.closed.swap_remove(at));
        if front.starts_with(&GZIP_MAGIC) {
            self.closed
                .push(ClosedFile::new(stat, stat.bytes, Head::default()));
            return;
        }
        *lanes += 1;
        let head = Head::of(&front);
        let stream = FileStream::new(file, listed.name.full().into(), *lanes, stat, 0, head);
        let mut followed = FollowedFile::new(stream, &listed.name, ctx.now);
        // The inode may have been reused: it is the same file only if it also begins with the same bytes.
        match closed.filter(|closed| closed.head.begins(&front)) {
            Some(closed) => {
                followed.stream.position = closed.position;
                followed.stream.head = closed.head;
            }
            // In a folder that could not be read until now, no file is known to be new.
            None if self.is_late => followed.stream.position = stat.bytes,
            None => followed.copy = Some(CopyOrigin::Undecided),
        }
        self.followed.push(followed);
        self.dirty = true;
    }

    fn is_known(&self, identity: FileIdentity) -> bool {
        let mut closed = self.closed.iter();
        self.following(identity).is_some() || closed.any(|c| c.stat.identity == identity)
    }

    /// The followed file with this identity.
    fn following(&self, identity: FileIdentity) -> Option<&FollowedFile<H>> {
        let mut followed = self.followed.iter();
        followed.find(|f| f.stream.stat.identity == identity)
    }

    fn refuse<F>(&mut self, ctx: &mut Ctx<'_, F>, listed: &ListedFile, error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound {
            self.names_dirty = true;
            return;
        }
        if !self.refused.contains_key(&listed.identity) {
            // Content that was there before following began is not new.
            let known = if self.listed { 0 } else { listed.bytes };
            self.refused.insert(listed.identity, known);
            let path = format!("{}/{}", self.enterprise, listed.name.full());
            ctx.news.push(FileNews::failed(&path, "be read", error));
        }
        // The next look tries again even if no name changes.
        self.names_changed = None;
    }

    /// Reads new content of every file, each up to the budget.
    pub(super) fn look<F: FileSystem<File = H>>(&mut self, ctx: &mut Ctx<'_, F>) -> LookProgress {
        self.dirty = false;
        self.visited = ctx.now;
        let mut all = LookProgress::default();
        if !self.missed.is_empty() {
            self.catch_up(ctx, &mut all);
        }
        if self.missed.is_empty() {
            for at in 0..self.followed.len() {
                self.look_at(ctx, at, &mut all);
            }
        }
        all.more |= !self.missed.is_empty();
        let times = self.followed.iter().map(|f| f.stream.lines.last_time);
        self.newest = times.max().flatten().max(self.newest);
        self.dirty |= all.more;
        all
    }

    fn look_at<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        at: usize,
        all: &mut LookProgress,
    ) {
        if !self.may_read(ctx, at) {
            return;
        }
        let followed = &mut self.followed[at];
        let looked = followed.look(ctx);
        all.bytes += looked.bytes;
        all.more |= looked.more;
        let identity = followed.stream.stat.identity;
        let Some(former) = followed.stream.former.take() else {
            return;
        };
        if std::mem::take(&mut followed.stream.was_truncated) {
            let name = &followed.stream.lines.name;
            self.truncations
                .push(Truncation::new(ctx.now, name, &former));
            // A copy that was made just before may not be listed yet.
            self.stir();
        }
        self.pass_on(identity, former);
    }

    /// Closes files that are finished. Called with every sweep.
    pub(super) fn close<F: FileSystem<File = H>>(&mut self, ctx: &mut Ctx<'_, F>) {
        self.report_truncations(ctx);
        let mut at = 0;
        while at < self.followed.len() {
            let followed = &self.followed[at];
            let age = ctx.now.saturating_duration_since(followed.grown);
            let over = match &followed.name {
                Some(name) => name.generation != Generation::Live && age >= QUIET,
                None if followed.stream.stat.links == 0 => age >= GRACE,
                None => age >= QUIET,
            };
            if !over || !followed.stream.is_read() && followed.copy.is_none() {
                at += 1;
                continue;
            }
            let mut gone = self.followed.swap_remove(at);
            if gone.name.is_none() && gone.copy.is_none() {
                gone.stream.give_up(ctx);
            }
            let trail = gone.stream.trail();
            let (stat, head) = (gone.stream.stat, gone.stream.head);
            let position = match gone.copy {
                Some(_) => stat.bytes,
                None => gone.stream.position,
            };
            if gone.name.is_some() {
                self.closed
                    .push(ClosedFile::new(stat, position, head.clone()));
            }
            if gone.copy.is_none() {
                self.pass_on(stat.identity, FormerContent::new(head, position, trail));
            }
        }
    }
}

impl<H: OpenFile> FollowedFile<H> {
    fn new(stream: FileStream<H>, name: &FileName, now: Instant) -> FollowedFile<H> {
        FollowedFile {
            stream,
            name: Some(name.clone()),
            grown: now,
            met: now,
            copy: None,
            failing: false,
        }
    }

    /// Reads new content. An error is reported once, until reading works again.
    fn look<F: FileSystem<File = H>>(&mut self, ctx: &mut Ctx<'_, F>) -> LookProgress {
        match self.stream.look(ctx) {
            Ok(looked) => {
                self.failing = false;
                if looked.bytes > 0 {
                    self.grown = ctx.now;
                }
                looked
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let what = format!("{}; trying again", cant("be read", &error));
                    self.stream.lines.report(ctx, true, &what);
                }
                LookProgress::default()
            }
        }
    }
}
