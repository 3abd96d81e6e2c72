//! What the doctor adds to the survey of an enterprise's folder: plain data for the checks.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::Circumstances;
use super::file::{ExaminedFile, FileHealth};
use super::look::duplicates::{self, DuplicatePair};
use super::look::foreign::{ForeignFile, LOOKED_AT_MAX};
use super::look::tables::TableHealth;
use crate::rotate::CheckTimes;
use crate::survey;
use crate::survey::listing::{Listing, OwnFolder};
use crate::survey::names::Leftover;
use crate::survey::shipped::ShippedMemory;
use calltrace_model::record::Stamp;
use calltrace_store::fsx::{Folder, NotAFile, UntrustedStep, Volume, may_write};
use calltrace_store::index::catalog::Catalog;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::source::ContentFormat;
use calltrace_store::tree::{EnterpriseName, FileName};

/// Files of `.calltrace` that belong to no log.
const OWN_FILES: [&str; 2] = ["lock", index::catalog::NAME];

pub(super) type HealthSurvey = survey::Survey<FolderHealth, FileHealth>;

/// What the doctor knows of an enterprise's folder in addition to its files.
#[derive(Debug)]
pub(super) struct FolderHealth {
    pub(super) enterprise: EnterpriseName,
    pub(super) folder: PathBuf,
    /// The metadata of the folder; `None` if it can't be read.
    pub(super) metadata: Option<Metadata>,
    /// The owner of `.calltrace`, if it is there.
    pub(super) own_user: Option<u32>,
    /// Why root would not work here.
    pub(super) distrusted: Option<UntrustedStep>,
    pub(super) volume: Option<Volume>,
    /// Whether the current user could rotate here.
    pub(super) may_write: bool,
    /// Files that are not read and look like logs.
    pub(super) foreign: Vec<ForeignFile>,
    /// Unfinished files of rotations, with the time of their last change.
    pub(super) leftovers: Vec<(String, Stamp)>,
    /// When archives were compared with their indexes.
    pub(super) checked: CheckTimes,
    /// What `ship` remembers.
    pub(super) shipped: ShippedMemory,
    pub(super) duplicates: Vec<DuplicatePair>,
    /// Archives with a usable index that the catalog does not list.
    pub(super) uncatalogued: u64,
    pub(super) tables: TableHealth,
}

impl HealthSurvey {
    /// Examines an enterprise.
    pub(super) fn of(
        circumstances: &Circumstances<'_>,
        enterprise: &EnterpriseName,
    ) -> HealthSurvey {
        let tree = circumstances.doctor.tree;
        let path = tree.path(enterprise);
        let opened = tree.folder(enterprise);
        let metadata = opened.as_ref().ok();
        let mut survey = HealthSurvey::new(FolderHealth {
            enterprise: enterprise.clone(),
            metadata: metadata.and_then(|folder| folder.metadata().ok()),
            own_user: None,
            distrusted: tree.distrusted(enterprise),
            volume: Volume::of(&path).ok(),
            may_write: may_write(&path),
            foreign: Vec::new(),
            leftovers: Vec::new(),
            checked: CheckTimes::default(),
            shipped: ShippedMemory::default(),
            duplicates: Vec::new(),
            uncatalogued: 0,
            tables: TableHealth::default(),
            folder: path.clone(),
        });
        if let Err(error) = opened.and_then(|folder| survey.look(circumstances, &folder)) {
            survey.cant(&path, "be listed", &error);
        }
        survey
    }

    fn look(&mut self, circumstances: &Circumstances<'_>, folder: &Folder) -> io::Result<()> {
        let listing = Listing::of(folder)?;
        let own = self.look_at_own(circumstances, folder);
        for name in listing.leftovers.iter().map(Leftover::name) {
            self.leftover(circumstances, folder, &name, name.clone());
        }
        let (names, not_files): (Vec<FileName>, Vec<FileName>) =
            (listing.logs.into_iter()).partition(|name| is_file(folder, &name.full()));
        let others = not_files.iter().map(|name| name.full().into());
        let others = others.chain(listing.others).take(LOOKED_AT_MAX);
        let foreign = others.filter_map(|name| ForeignFile::of(folder, name));
        self.more.foreign.extend(foreign);
        self.more.checked = CheckTimes::of(folder);
        self.more.shipped = ShippedMemory::of(folder);
        self.remember(folder);
        self.more.foreign.sort_by(|a, b| a.name.cmp(&b.name));
        self.more.leftovers.sort();
        self.look_at_files(circumstances, folder, &names);
        self.more.duplicates = duplicates::find(folder, &self.files, circumstances.doctor.deep);
        self.look_at_indexes(folder, own.as_ref());
        self.more.tables = own.map_or_else(TableHealth::default, |own| {
            TableHealth::of(circumstances, &self.more.enterprise, &own)
        });
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
            .map(|name| ExaminedFile::of(circumstances, folder, name))
            .collect();
        for (name, looked) in names.iter().zip(looked) {
            self.add(folder, name, "be read", looked);
        }
        if let Some(live) = self.live().map(|live| live.log.identity) {
            for seen in &mut self.files {
                seen.log.is_live_too = !seen.is_events_log() && seen.log.identity == live;
            }
        }
        // The newest file shows the current state; the newest one that others may read shows what they see.
        let newest = [
            self.newest(&|_| true),
            self.newest(&ExaminedFile::is_open_to_others),
        ];
        for at in newest.into_iter().flatten() {
            self.files[at].sample(circumstances, folder);
        }
    }

    /// Examines `.calltrace`: unfinished files, and entries that should be files and are not.
    fn look_at_own(
        &mut self,
        circumstances: &Circumstances<'_>,
        folder: &Folder,
    ) -> Option<OwnFolder> {
        let own = match OwnFolder::of(folder) {
            Ok(own) => own?,
            Err(error) => {
                self.cant(&folder.path_of(FOLDER), "be listed", &error);
                return None;
            }
        };
        self.more.own_user = own.folder.metadata().ok().map(|metadata| metadata.uid());
        for name in own.unfinished() {
            let shown = format!("{FOLDER}/{name}");
            self.leftover(circumstances, &own.folder, name, shown);
        }
        for name in OWN_FILES {
            if own.names.iter().any(|there| there == name)
                && let Err(error) = own.folder.look_current(name)
            {
                self.cant(&own.folder.path_of(name), "be read", &error);
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
            self.more.leftovers.push((shown, zone.stamp(modified)));
        }
    }

    /// Finds the indexes without a log and the archives that the catalog lacks.
    fn look_at_indexes(&mut self, folder: &Folder, own: Option<&OwnFolder>) {
        let is_there = |log: &FileName| self.files.iter().any(|seen| seen.log.name == *log);
        // A log that could not be read still exists.
        if let Some(own) = own.filter(|_| self.troubles.is_empty()) {
            self.orphans = own.orphans(is_there);
        }
        let catalog = Catalog::open(folder);
        let is_listed = |seen: &&ExaminedFile| {
            let catalog = catalog.as_ref();
            let file = seen.log.listed();
            catalog.is_some_and(|catalog| {
                catalog
                    .archive(&file.name, file.bytes, file.modified)
                    .is_some()
            })
        };
        let indexed = self.files.iter().filter(|seen| {
            let is_usable = matches!(
                seen.log.index,
                index::IndexState::Fresh { .. } | index::IndexState::Behind { .. }
            );
            let is_fresh = is_usable && seen.more.wrong_index.is_none();
            is_fresh && seen.log.form != ContentFormat::Plain && seen.more.damage.is_empty()
        });
        self.more.uncatalogued = indexed.filter(|seen| !is_listed(seen)).count() as u64;
    }

    /// The file with the newest record among those that are `wanted`. Recovered lines are left out: they do not
    /// show how the others are written.
    fn newest(&self, wanted: &dyn Fn(&ExaminedFile) -> bool) -> Option<usize> {
        let files = self.files.iter().enumerate();
        let written = files.filter(|(_, seen)| !seen.log.name.is_recovered());
        let with_text = written.filter(|(_, seen)| seen.log.bytes > 0 && wanted(seen));
        let newest = with_text.max_by_key(|(at, seen)| (seen.log.last.unwrap_or(Stamp(0)), *at));
        newest.map(|(at, _)| at)
    }

    /// The newest file of which text was read. Files of recovered lines are left out here as well.
    pub(super) fn sampled(&self) -> Option<&ExaminedFile> {
        let read = self.files.iter().filter(|seen| seen.more.reading.is_some());
        let written = read.filter(|seen| !seen.log.name.is_recovered());
        written.max_by_key(|seen| seen.log.last.unwrap_or(Stamp(0)))
    }

    /// The files that `are_so` accepts, in reading order.
    pub(super) fn files_that(&self, are_so: impl Fn(&ExaminedFile) -> bool) -> Vec<&ExaminedFile> {
        self.files.iter().filter(|seen| are_so(seen)).collect()
    }

    /// Bytes in log files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|seen| seen.log.bytes).sum()
    }

    /// The path of a log file.
    pub(super) fn path_of(&self, seen: &ExaminedFile) -> PathBuf {
        self.more.folder.join(seen.log.name.full())
    }
}

/// Whether readers take the entry for a file.
fn is_file(folder: &Folder, name: &str) -> bool {
    // An error is reported when the file is opened.
    folder
        .look_current(name)
        .map_or_else(|error| NotAFile::of(&error).is_none(), |_| true)
}
