//! One look at an enterprise's folder: plain data for the checks.

use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::access::OTHERS_READ;
use super::foreign::{Foreign, LOOKED_AT_MAX};
use super::seen::{IndexState, Seen};
use super::twins::Twin;
use super::{Circumstances, twins};
use crate::error::{Trouble, reason};
use crate::fsx::{Volume, may_write};
use crate::index::catalog::Catalog;
use crate::index::{self, FOLDER};
use crate::record::Stamp;
use crate::rotate::{Checked, Dated, Leftover, Memory, rotates_itself};
use crate::source::Form;
use crate::tree::{EnterpriseName, FileName, Generation};

/// What there is of an enterprise.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) enterprise: EnterpriseName,
    pub(super) folder: PathBuf,
    /// Of the folder; `None` where it can't be looked at.
    pub(super) metadata: Option<Metadata>,
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
    /// Indexes whose logs are gone.
    pub(super) orphans: Vec<String>,
    /// Archives whose index can be used, and that the catalog does not list.
    pub(super) uncatalogued: u64,
    /// What could not be looked at.
    pub(super) troubles: Vec<Trouble>,
}

impl Survey {
    /// Looks at an enterprise.
    pub(super) fn of(circumstances: &Circumstances<'_>, enterprise: &EnterpriseName) -> Survey {
        let folder = circumstances.doctor.tree.folder(enterprise);
        let mut survey = Survey {
            enterprise: enterprise.clone(),
            metadata: fs::metadata(&folder).ok(),
            volume: Volume::of(&folder).ok(),
            may_write: may_write(&folder),
            files: Vec::new(),
            foreign: Vec::new(),
            leftovers: Vec::new(),
            memory: Memory::of(&folder),
            checked: Checked::of(&folder),
            twins: Vec::new(),
            orphans: Vec::new(),
            uncatalogued: 0,
            troubles: Vec::new(),
            folder,
        };
        if let Err(error) = survey.look(circumstances) {
            let what = format!("can't be listed: {}", reason(&error));
            survey.troubles.push(Trouble::new(&survey.folder, what));
        }
        survey
    }

    fn look(&mut self, circumstances: &Circumstances<'_>) -> io::Result<()> {
        let mut names = Vec::new();
        let mut looked_at = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Some(FOLDER) => self.look_at_own(circumstances, &entry.path()),
                Some(name) if Leftover::parse(name).is_some() => {
                    self.leftover(circumstances, name.to_owned(), &entry);
                }
                Some(name)
                    if let Some(name) = FileName::parse(name)
                        && is_file(&entry.path()) =>
                {
                    names.push(name);
                }
                _ if looked_at >= LOOKED_AT_MAX => {}
                _ => {
                    looked_at += 1;
                    self.foreign.extend(Foreign::of(&entry));
                }
            }
        }
        names.sort();
        self.foreign.sort_by(|a, b| a.name.cmp(&b.name));
        self.leftovers.sort();
        self.look_at_files(circumstances, &names);
        self.twins = twins::find(&self.folder, &self.files, circumstances.doctor.deep);
        self.look_at_indexes();
        Ok(())
    }

    fn look_at_files(&mut self, circumstances: &Circumstances<'_>, names: &[FileName]) {
        let looked: Vec<_> = names
            .par_iter()
            .with_max_len(1)
            .map(|name| Seen::of(circumstances, &self.folder, name))
            .collect();
        for (name, seen) in names.iter().zip(looked) {
            match seen {
                Ok(seen) => self.files.push(seen),
                // Renamed or removed by a rotation since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let path = self.folder.join(name.full());
                    let what = format!("can't be read: {}", reason(&error));
                    self.troubles.push(Trouble::new(&path, what));
                }
            }
        }
        // The newest shows how things are now, the newest that is open to others what they may read.
        let open = |seen: &Seen| seen.mode & OTHERS_READ != 0;
        let newest = [self.newest(&|_| true), self.newest(&open)];
        for at in newest.into_iter().flatten() {
            self.files[at].sample(circumstances, &self.folder);
        }
    }

    /// Our own folder: unfinished files.
    fn look_at_own(&mut self, circumstances: &Circumstances<'_>, folder: &Path) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let what = format!("can't be listed: {}", reason(&error));
                return self.troubles.push(Trouble::new(folder, what));
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".tmp") {
                self.leftover(circumstances, format!("{FOLDER}/{name}"), &entry);
            } else if name.ends_with(".idx") {
                self.orphans.push(name);
            }
        }
    }

    fn leftover(&mut self, circumstances: &Circumstances<'_>, name: String, entry: &DirEntry) {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        if let Ok(modified) = modified {
            let zone = circumstances.doctor.zone;
            self.leftovers
                .push((name, zone.stamp(DateTime::<Utc>::from(modified))));
        }
    }

    /// Which indexes have no log, and which archives the catalog lacks.
    fn look_at_indexes(&mut self) {
        let known = |name: &String| {
            let log = name.strip_suffix(".idx").and_then(FileName::parse);
            log.is_none_or(|log| self.files.iter().any(|seen| seen.name == log))
        };
        let troubled = !self.troubles.is_empty();
        let mut orphans = std::mem::take(&mut self.orphans);
        // What could not be read is there all the same.
        orphans.retain(|name| !known(name) && !troubled);
        orphans.sort();
        self.orphans = orphans;
        let catalog = Catalog::open(&self.folder);
        let is_listed = |seen: &&Seen| {
            let catalog = catalog.as_ref();
            catalog.is_some_and(|catalog| catalog.archive(&seen.listed()).is_some())
        };
        let indexed = self.files.iter().filter(|seen| {
            let is_fresh = seen.index == IndexState::Fresh;
            is_fresh && seen.form != Form::Plain && seen.damage.is_empty()
        });
        self.uncatalogued = indexed.filter(|seen| !is_listed(seen)).count() as u64;
    }

    /// The file with the newest record of those wanted.
    fn newest(&self, wanted: &dyn Fn(&Seen) -> bool) -> Option<usize> {
        let files = self.files.iter().enumerate();
        let with_text = files.filter(|(_, seen)| seen.bytes > 0 && wanted(seen));
        let newest = with_text.max_by_key(|(at, seen)| (seen.last.unwrap_or(Stamp(0)), *at));
        newest.map(|(at, _)| at)
    }

    /// The file that text was read of; of several the newest.
    pub(super) fn sampled(&self) -> Option<&Seen> {
        let read = self.files.iter().filter(|seen| seen.reading.is_some());
        read.max_by_key(|seen| seen.last.unwrap_or(Stamp(0)))
    }

    /// `events.log`.
    pub(super) fn live(&self) -> Option<&Seen> {
        let is_live = |seen: &&Seen| seen.name.generation == Generation::Live && !seen.name.gz;
        self.files.iter().find(is_live)
    }

    /// Bytes in log files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|seen| seen.bytes).sum()
    }

    /// Whether the writer of `events.log` renames it at midnight; as `rotate` judges it.
    pub(super) fn rotates_itself(&self) -> bool {
        let live = self.live();
        let others = self.files.iter();
        let others = others.filter(|seen| live.is_none_or(|live| live.name != seen.name));
        let times = live.map_or((None, None), |live| (live.first, live.last));
        rotates_itself(&self.memory, &others.map(|seen| self.dated(seen)), times)
    }

    /// Whether it bears the name that a writer gives `events.log` at midnight, and not from us.
    pub(super) fn is_dated_by_others(&self, seen: &Seen) -> bool {
        self.dated(seen).is_by_writer(&self.memory)
    }

    fn dated<'s>(&self, seen: &'s Seen) -> Dated<'s> {
        let is_live = |live: &Seen| live.name != seen.name && live.identity == seen.identity;
        Dated {
            name: &seen.name,
            form: seen.form,
            is_live_too: self.live().is_some_and(is_live),
        }
    }

    /// Where an index is.
    pub(super) fn index_of(&self, seen: &Seen) -> PathBuf {
        index::path_of(&self.folder.join(seen.name.full()))
    }
}

/// Followed, as readers do.
fn is_file(path: &Path) -> bool {
    // What can't be looked at is named when it is opened.
    fs::metadata(path).map_or_else(
        |error| error.kind() == ErrorKind::PermissionDenied,
        |metadata| metadata.is_file(),
    )
}
