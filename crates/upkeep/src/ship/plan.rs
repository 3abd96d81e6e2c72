//! The plan: what is to be sent, and what the manifest says afterwards. Pure.
//!
//! **A day that a manifest names is never dropped by shipping another one**, except by one that holds all of it: the
//! same log with another index or table, or a log that begins with the content that was shipped.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::survey::times::day_of;
use calltrace_archive::{ContentRef, HexBytes, Manifest, ObjectKind, ObjectRef, ShippedEntry};
use calltrace_model::record::LogZone;
use calltrace_store::tree::FileName;

/// Lengths (bytes) of the objects in the bucket, by key.
pub(super) type ObjectLengths = BTreeMap<String, u64>;

/// A part of a sealed day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Log,
    Index,
    Table,
}

impl Part {
    pub(super) const ALL: [Part; 3] = [Part::Log, Part::Index, Part::Table];

    /// The kind of its objects.
    pub(super) fn kind(self) -> ObjectKind {
        match self {
            Part::Log => ObjectKind::Log,
            Part::Index => ObjectKind::Index,
            Part::Table => ObjectKind::Table,
        }
    }

    /// The word for it in messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Part::Log => "log",
            Part::Index => "index",
            Part::Table => "table of calls",
        }
    }

    /// This part of an entry.
    pub(super) fn of(self, entry: &ShippedEntry) -> Option<&ObjectRef> {
        match self {
            Part::Log => Some(&entry.log),
            Part::Index => entry.index.as_ref(),
            Part::Table => entry.table.as_ref(),
        }
    }
}

/// Length and checksum of a local file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalPart {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

/// A sealed day of the local folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalDay {
    pub(super) name: FileName,
    pub(super) log: LocalPart,
    /// Time of the log's last modification (nanoseconds of Unix time).
    pub(super) modified: i64,
    /// The decoded content, if a usable index without damage knows it.
    pub(super) content: Option<ContentRef>,
    /// Earliest and latest time of its records (milliseconds of Unix time, UTC).
    pub(super) times: Option<(i64, i64)>,
    /// The index; only if it fits the log.
    pub(super) index: Option<LocalPart>,
    /// What the manifest is to say of the index.
    pub(super) index_head: Option<HexBytes>,
    pub(super) table: Option<LocalPart>,
    /// Contents of shipped days of this name that its content begins with.
    pub(super) holds: Vec<ContentRef>,
}

/// A day that is to be shipped, in whole or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedDay {
    pub(super) name: FileName,
    /// What the manifest is to say about it.
    pub(super) entry: ShippedEntry,
    /// The parts that no manifest names yet, or that are missing in the bucket.
    pub(super) parts: Vec<Part>,
    /// Contents of shipped days of this name that it replaces.
    holds: Vec<ContentRef>,
    /// The bucket holds its log already, under the name of the manifest.
    pub(super) is_known: bool,
}

/// The days that are to be shipped.
pub(super) fn plan(
    local: &[LocalDay],
    manifest: &Manifest,
    listed: &ObjectLengths,
) -> Vec<PlannedDay> {
    let first_here = local.iter().filter_map(|day| day.name.day()).min();
    let named = |entry: &ShippedEntry| FileName::parse(&entry.name)?.day();
    let is_cut_off = manifest.days.iter().filter_map(named).min() < first_here;
    let planned = local.iter().map(|day| {
        let is_first = is_cut_off && day.name.day() == first_here;
        plan_day(day, is_first, manifest, listed)
    });
    planned.flatten().collect()
}

/// `is_first`: the days before it are only in the bucket. A table of calls that was made without them knows less about
/// the first hours of the day, so it does not replace one.
fn plan_day(
    day: &LocalDay,
    is_first: bool,
    manifest: &Manifest,
    listed: &ObjectLengths,
) -> Option<PlannedDay> {
    let name = day.name.full();
    let object =
        |part: Part, local: LocalPart| ObjectRef::new(part.kind(), &name, local.bytes, local.crc32);
    let log = object(Part::Log, day.log);
    let shipped = manifest
        .days
        .iter()
        .find(|entry| entry.name == name && entry.log == log);
    let mut entry = ShippedEntry {
        name: name.clone(),
        log,
        modified: day.modified,
        content: day.content,
        times: day.times,
        index: day.index.map(|index| object(Part::Index, index)),
        index_head: day.index_head.clone(),
        table: day.table.map(|table| object(Part::Table, table)),
    };
    if let Some(shipped) = shipped {
        if entry.table.is_none() || is_first && shipped.table.is_some() {
            entry.table.clone_from(&shipped.table);
        }
        // An index fits the time of modification that it was made for.
        if entry.index.is_none() && shipped.index.is_some() {
            entry = ShippedEntry {
                table: entry.table,
                ..shipped.clone()
            };
        }
    }
    let is_due = |part: &Part| {
        let is_local = match part {
            Part::Log => true,
            Part::Index => day.index.is_some(),
            Part::Table => day.table.map(|table| object(Part::Table, table)) == entry.table,
        };
        let object = part.of(&entry).filter(|_| is_local);
        object.is_some_and(|object| {
            let is_named = shipped.is_some_and(|shipped| part.of(shipped) == Some(object));
            !is_named || listed.get(&object.key) != Some(&object.bytes)
        })
    };
    let parts: Vec<Part> = Part::ALL.into_iter().filter(is_due).collect();
    // A shipped day that this one holds must leave the manifest, even if no part is due.
    if parts.is_empty() && shipped == Some(&entry) && day.holds.is_empty() {
        return None;
    }
    Some(PlannedDay {
        name: day.name.clone(),
        entry,
        parts,
        holds: day.holds.clone(),
        is_known: shipped.is_some(),
    })
}

/// The days of a manifest with those of `planned` in it, by name. Days that other writers added stay.
pub(super) fn merged(manifest: &Manifest, planned: &[PlannedDay]) -> Vec<ShippedEntry> {
    let mut days = manifest.days.clone();
    for day in planned {
        let is_held = |entry: &ShippedEntry| {
            let holds = |content: &ContentRef| day.holds.contains(content);
            entry.log == day.entry.log || entry.content.as_ref().is_some_and(holds)
        };
        days.retain(|entry| entry.name != day.entry.name || !is_held(entry));
        days.push(day.entry.clone());
    }
    days.sort_by(|a, b| (&a.name, &a.log.key).cmp(&(&b.name, &b.log.key)));
    days
}

/// Whether all records of a day, by their times and by its name, are of days before `first_kept`. A day of which
/// neither is known never is.
pub(super) fn is_expired(
    name: Option<&FileName>,
    times: Option<(i64, i64)>,
    first_kept: NaiveDate,
    zone: LogZone,
) -> bool {
    let last = times.and_then(|(_, last)| zone.stamp_of_millis(last));
    let latest = last.map(day_of).max(name.and_then(FileName::day));
    latest.is_some_and(|latest| latest < first_kept)
}

/// The keys that a manifest names.
pub(super) fn named(manifest: &Manifest) -> BTreeSet<&str> {
    objects_of(manifest)
        .map(|object| object.key.as_str())
        .collect()
}

/// The objects that a manifest names.
pub(super) fn objects_of(manifest: &Manifest) -> impl Iterator<Item = &ObjectRef> {
    let parts = |entry| {
        Part::ALL
            .into_iter()
            .filter_map(move |part: Part| part.of(entry))
    };
    manifest
        .days
        .iter()
        .flat_map(parts)
        .chain(&manifest.catalog)
}

/// The objects that a manifest names and the bucket does not have in their length, each with what is wrong, as a
/// clause about it.
pub(super) fn missing<'m>(
    manifest: &'m Manifest,
    listed: &ObjectLengths,
) -> Vec<(&'m ObjectRef, String)> {
    let wrong = objects_of(manifest).filter_map(|object| match listed.get(&object.key) {
        None => Some((object, "is missing".to_owned())),
        Some(bytes) if *bytes != object.bytes => Some((
            object,
            format!("has {bytes} bytes instead of {}", object.bytes),
        )),
        Some(_) => None,
    });
    wrong.collect()
}

#[cfg(test)]
mod tests;
