//! One look at an enterprise's folder: plain data for the checks.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::Circumstances;
use super::look::foreign::{Foreign, LOOKED_AT_MAX};
use super::look::twins::{self, Twin};
use super::seen::Seen;
use crate::rotate::{Checked, Memory, is_by_writer, rotates_itself};
use crate::survey::listing::{self, Entry, Own};
use crate::survey::names;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Trouble, reason};
use calltrace_store::fsx::{Distrusted, Folder, NotAFile, Volume, may_write};
use calltrace_store::index::catalog::Catalog;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::source::Form;
use calltrace_store::tree::{EnterpriseName, FileName, Generation};

/// Files of ours that no log has to be there for.
const OWN_FILES: [&str; 2] = ["lock", index::catalog::NAME];

/// What there is of an enterprise.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) enterprise: EnterpriseName,
    pub(super) folder: PathBuf,
    /// Of the folder; `None` where it can't be looked at.
    pub(super) metadata: Option<Metadata>,
    /// The owner of `.calltrace`, if it is there.
    pub(super) own_user: Option<u32>,
    /// Why root would not work here.
    pub(super) distrusted: Option<Distrusted>,
    pub(super) volume: Option<Volume>,
    /// Whether we could rotate here.
    pub(super) may_write: bool,
    /// The log files, in reading order.
    pub(super) files: Vec<Seen>,
    /// What is not read, and looks as if it should be.
    pub(super) foreign: Vec<Foreign>,
    /// Unfinished files of rotations, with the time of their last change.
    pub(super) leftovers: Vec<(String, Stamp)>,
    pub(super) memory: Memory,
    /// When archives were compared with their indexes.
    pub(super) checked: Checked,
    pub(super) twins: Vec<Twin>,
    /// Logs that are gone and still have an index.
    pub(super) orphans: Vec<FileName>,
    /// Archives whose index can be used, and that the catalog does not list.
    pub(super) uncatalogued: u64,
    /// What could not be looked at.
    pub(super) troubles: Vec<Trouble>,
}

impl Survey {
    /// Looks at an enterprise.
    pub(super) fn of(circumstances: &Circumstances<'_>, enterprise: &EnterpriseName) -> Survey {
        let tree = circumstances.doctor.tree;
        let folder = tree.path(enterprise);
        let opened = tree.folder(enterprise);
        let metadata = opened.as_ref().ok();
        let mut survey = Survey {
            enterprise: enterprise.clone(),
            metadata: metadata.and_then(|folder| folder.metadata().ok()),
            own_user: None,
            distrusted: tree.distrusted(enterprise),
            volume: Volume::of(&folder).ok(),
            may_write: may_write(&folder),
            files: Vec::new(),
            foreign: Vec::new(),
            leftovers: Vec::new(),
            memory: Memory::default(),
            checked: Checked::default(),
            twins: Vec::new(),
            orphans: Vec::new(),
            uncatalogued: 0,
            troubles: Vec::new(),
            folder,
        };
        if let Err(error) = opened.and_then(|folder| survey.look(circumstances, &folder)) {
            let what = format!("can't be listed: {}", reason(&error));
            survey.troubles.push(Trouble::new(&survey.folder, what));
        }
        survey
    }

    fn look(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) -> io::Result<()> {
        let mut names = Vec::new();
        let mut looked_at = 0;
        let mut own = None;
        for entry in listing::list(folder)? {
            let other = match entry {
                Entry::Own => {
                    own = self.look_at_own(circumstances, folder);
                    continue;
                }
                Entry::Leftover(leftover) => {
                    let name = leftover.name();
                    self.leftover(circumstances, folder, &name, name.clone());
                    continue;
                }
                Entry::Log(name) if is_file(folder, &name.full()) => {
                    names.push(name);
                    continue;
                }
                Entry::Log(name) => name.full().into(),
                Entry::Other(name) => name,
            };
            if looked_at < LOOKED_AT_MAX {
                looked_at += 1;
                self.foreign.extend(Foreign::of(folder, other));
            }
        }
        self.checked = Checked::of(folder);
        match Memory::of(folder) {
            Ok(memory) => self.memory = memory,
            Err(trouble) => self.troubles.push(trouble),
        }
        names.sort();
        self.foreign.sort_by(|a, b| a.name.cmp(&b.name));
        self.leftovers.sort();
        self.look_at_files(circumstances, folder, &names);
        self.twins = twins::find(folder, &self.files, circumstances.doctor.deep);
        self.look_at_indexes(folder, own.as_ref());
        Ok(())
    }

    fn look_at_files(
        &mut self,
        circumstances: &Circumstances<'_>,
        folder: &Folder,
        names: &[FileName],
    ) {
        let looked: Vec<_> = names
            .par_iter()
            .with_max_len(1)
            .map(|name| Seen::of(circumstances, folder, name))
            .collect();
        for (name, seen) in names.iter().zip(looked) {
            match seen {
                Ok(seen) => self.files.push(seen),
                // Renamed or removed by a rotation since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let path = folder.path_of(&name.full());
                    let what = format!("can't be read: {}", reason(&error));
                    self.troubles.push(Trouble::new(&path, what));
                }
            }
        }
        if let Some(live) = self.live().map(|live| live.log.identity) {
            for seen in self.files.iter_mut().map(|seen| &mut seen.log) {
                seen.is_live_too = seen.name != names::live() && seen.identity == live;
            }
        }
        // The newest shows how things are now, the newest that is open to others what they may read.
        let newest = [
            self.newest(&|_| true),
            self.newest(&Seen::is_open_to_others),
        ];
        for at in newest.into_iter().flatten() {
            self.files[at].sample(circumstances, folder);
        }
    }

    /// Our own folder: unfinished files, and what is no file where one of ours should be.
    fn look_at_own(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) -> Option<Own> {
        let own = match Own::of(folder) {
            Ok(own) => own?,
            Err(error) => {
                let what = format!("can't be listed: {}", reason(&error));
                let path = folder.path_of(FOLDER);
                self.troubles.push(Trouble::new(&path, what));
                return None;
            }
        };
        self.own_user = own.folder.metadata().ok().map(|metadata| metadata.uid());
        for name in own.unfinished() {
            let shown = format!("{FOLDER}/{name}");
            self.leftover(circumstances, &own.folder, name, shown);
        }
        for name in OWN_FILES {
            if own.names.iter().any(|there| there == name)
                && let Err(error) = own.folder.look_current(name)
            {
                let what = format!("can't be read: {}", reason(&error));
                self.troubles
                    .push(Trouble::new(&own.folder.path_of(name), what));
            }
        }
        Some(own)
    }

    fn leftover(
        &mut self,
        circumstances: &Circumstances<'_>,
        folder: &Folder,
        name: &str,
        shown: String,
    ) {
        let modified = folder.stat(name).ok();
        let modified = modified.and_then(|stat| DateTime::<Utc>::from_timestamp(stat.st_mtime, 0));
        if let Some(modified) = modified {
            let zone = circumstances.doctor.zone;
            self.leftovers.push((shown, zone.stamp(modified)));
        }
    }

    /// Which indexes have no log, and which archives the catalog lacks.
    fn look_at_indexes(&mut self, folder: &Folder, own: Option<&Own>) {
        let is_there = |log: &FileName| self.files.iter().any(|seen| seen.log.name == *log);
        // What could not be read is there all the same.
        if let Some(own) = own.filter(|_| self.troubles.is_empty()) {
            self.orphans = own.orphans(is_there);
        }
        let catalog = Catalog::open(folder);
        let is_listed = |seen: &&Seen| {
            let catalog = catalog.as_ref();
            catalog.is_some_and(|catalog| catalog.archive(&seen.log.listed()).is_some())
        };
        let indexed = self.files.iter().filter(|seen| {
            let is_usable = matches!(
                seen.log.index,
                index::State::Fresh { .. } | index::State::Behind { .. }
            );
            let is_fresh = is_usable && seen.wrong_index.is_none();
            is_fresh && seen.log.form != Form::Plain && seen.damage.is_empty()
        });
        self.uncatalogued = indexed.filter(|seen| !is_listed(seen)).count() as u64;
    }

    /// The file with the newest record of those wanted.
    fn newest(&self, wanted: &dyn Fn(&Seen) -> bool) -> Option<usize> {
        let files = self.files.iter().enumerate();
        let with_text = files.filter(|(_, seen)| seen.log.bytes > 0 && wanted(seen));
        let newest = with_text.max_by_key(|(at, seen)| (seen.log.last.unwrap_or(Stamp(0)), *at));
        newest.map(|(at, _)| at)
    }

    /// The file that text was read of; of several the newest.
    pub(super) fn sampled(&self) -> Option<&Seen> {
        let read = self.files.iter().filter(|seen| seen.reading.is_some());
        read.max_by_key(|seen| seen.log.last.unwrap_or(Stamp(0)))
    }

    /// `events.log`.
    pub(super) fn live(&self) -> Option<&Seen> {
        let is_live =
            |seen: &&Seen| seen.log.name.generation == Generation::Live && !seen.log.name.gz;
        self.files.iter().find(is_live)
    }

    /// Bytes in log files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|seen| seen.log.bytes).sum()
    }

    /// Whether the writer of `events.log` renames it at midnight; as `rotate` judges it.
    pub(super) fn rotates_itself(&self) -> bool {
        let live = self.live();
        let others = self.files.iter().map(|seen| &seen.log);
        let others = others.filter(|log| live.is_none_or(|live| live.log.name != log.name));
        rotates_itself(&self.memory, &others, live.map(|live| &live.log))
    }

    /// Whether it bears the name that a writer gives `events.log` at midnight, and not from us.
    pub(super) fn is_dated_by_others(&self, seen: &Seen) -> bool {
        is_by_writer(&seen.log, &self.memory)
    }

    /// Where an index is.
    pub(super) fn index_of(&self, seen: &Seen) -> PathBuf {
        index::path_of(&self.folder.join(seen.log.name.full()))
    }
}

/// As readers see it.
fn is_file(folder: &Folder, name: &str) -> bool {
    // What can't be looked at is named when it is opened.
    folder
        .look_current(name)
        .map_or_else(|error| NotAFile::of(&error).is_none(), |_| true)
}
