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
use super::seen::{IndexState, Seen};
use crate::rotate::{Checked, Dated, Leftover, Memory, rotates_itself};
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
        for name in folder.names()? {
            match name.to_str() {
                Some(FOLDER) => self.look_at_own(circumstances, folder),
                Some(name) if Leftover::parse(name).is_some() => {
                    self.leftover(circumstances, folder, name, name.to_owned());
                }
                Some(text)
                    if let Some(name) = FileName::parse(text)
                        && is_file(folder, text) =>
                {
                    names.push(name);
                }
                _ if looked_at >= LOOKED_AT_MAX => {}
                _ => {
                    looked_at += 1;
                    self.foreign.extend(Foreign::of(folder, name));
                }
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
        self.look_at_indexes(folder);
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
    fn look_at_own(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) {
        let own = folder.subfolder(FOLDER);
        let listed = own.and_then(|own| Ok((own.names()?, own)));
        let (names, own) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let what = format!("can't be listed: {}", reason(&error));
                let path = folder.path_of(FOLDER);
                return self.troubles.push(Trouble::new(&path, what));
            }
        };
        self.own_user = own.metadata().ok().map(|metadata| metadata.uid());
        for name in names {
            let name = name.to_string_lossy().into_owned();
            if name.ends_with(".tmp") {
                let shown = format!("{FOLDER}/{name}");
                self.leftover(circumstances, &own, &name, shown);
            } else if name.ends_with(".idx") {
                self.orphans.push(name);
            } else if OWN_FILES.contains(&name.as_str())
                && let Err(error) = own.look_current(&name)
            {
                let what = format!("can't be read: {}", reason(&error));
                self.troubles.push(Trouble::new(&own.path_of(&name), what));
            }
        }
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
    fn look_at_indexes(&mut self, folder: &Folder) {
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
        let catalog = Catalog::open(folder);
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

/// As readers see it.
fn is_file(folder: &Folder, name: &str) -> bool {
    // What can't be looked at is named when it is opened.
    folder
        .look_current(name)
        .map_or_else(|error| NotAFile::of(&error).is_none(), |_| true)
}
