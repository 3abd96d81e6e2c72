//! The sealed days of an enterprise's folder: archives that no rotation will change any more.
//!
//! A day that is merged later all the same (lines that were recovered for it) is shipped again: it has another
//! checksum. Files are opened one at a time; what is sent later must still be the file that was looked at.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};

use chrono::NaiveDate;

use super::plan::{LocalDay, LocalPart, Part};
use crate::rotate::WaitingFile;
use crate::rotate::context::{OpenLog, RotationContext};
use crate::survey::listing::Listing;
use crate::survey::shipped::{FileStamp, KnownFile, ShippedMemory};
use crate::survey::times::day_of;
use calltrace_archive::{ContentRef, HexBytes, Manifest};
use calltrace_engine::table_name;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::{NotAFile, modified_nanos};
use calltrace_store::index::{self, Index};
use calltrace_store::object::StoredFile;
use calltrace_store::source::{ContentFormat, ContentTally};
use calltrace_store::tree::{FileName, Generation};

/// What a folder holds for a bucket.
#[derive(Debug, Default)]
pub(super) struct LocalDays {
    pub(super) days: Vec<FoundDay>,
    /// Days that are too old for the bucket.
    pub(super) too_old: Vec<FoundDay>,
    /// Sealed days that are not ready.
    pub(super) waiting: Vec<WaitingFile>,
    /// Archives that are not shipped now or never, each as a clause: "events.log.1.gz gets another name …".
    pub(super) left_alone: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// A sealed day, and its files as they were read.
#[derive(Debug)]
pub(super) struct FoundDay {
    pub(super) day: LocalDay,
    /// By part.
    stamps: [Option<FileStamp>; 3],
}

/// The name of a part's file: the log's, or one in `.calltrace`.
pub(super) fn file_of(name: &FileName, part: Part) -> String {
    match part {
        Part::Log => name.full(),
        Part::Index => index::file_name(name),
        Part::Table => table_name(name),
    }
}

impl FoundDay {
    /// Opens a part for sending; `None` if it has changed since it was looked at.
    pub(super) fn open(
        &self,
        context: &RotationContext<'_>,
        part: Part,
    ) -> io::Result<Option<File>> {
        let name = &self.day.name;
        let opened = match part {
            Part::Log => {
                let opened = context.open(name)?;
                let file = opened.file().try_clone();
                file.map(|file| (file, opened.metadata))
            }
            _ => index::open_own(&context.folder, &file_of(name, part)),
        };
        match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => {
                let (file, metadata) = opened?;
                let is_same = self.stamps[part as usize] == Some(FileStamp::of(&metadata));
                Ok(is_same.then_some(file))
            }
        }
    }
}

/// Looks at a folder. Checksums come from `memory` where files are unchanged, and those that had to be computed are
/// put into it.
pub(super) fn look(
    context: &RotationContext<'_>,
    manifest: &Manifest,
    memory: &mut ShippedMemory,
) -> Result<LocalDays, Error> {
    let list = |error| Error::io(context.folder.path(), "list the folder", error);
    let names = Listing::of(&context.folder).map_err(list)?.logs;
    let today = day_of(context.now());
    let mut found = LocalDays::default();
    for name in names.iter().filter(|name| name.gz) {
        if let Some(why) = never(name) {
            found.left_alone.push(format!("{} {why}", name.full()));
            continue;
        }
        let plain = FileName {
            gz: false,
            ..name.clone()
        };
        if names.contains(&plain) {
            let why = "is to get more lines by calltrace rotate".to_owned();
            let file = name.full();
            found.waiting.push(WaitingFile { file, why });
            continue;
        }
        if name.day().is_none_or(|day| day >= today) {
            let clause = format!("{} is of a day that is not over", name.full());
            found.left_alone.push(clause);
            continue;
        }
        match look_at(context, name, manifest, memory) {
            Ok(Some(day)) => found.days.push(day),
            Ok(None) => found.left_alone.push(format!("{} is no gzip", name.full())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if NotAFile::of(&error).is_some() => {
                found
                    .left_alone
                    .push(format!("{} is no regular file", name.full()));
            }
            Err(error) => {
                let path = context.path(name);
                found.troubles.push(Trouble::cant(&path, "read it", &error));
            }
        }
    }
    let is_there = |file: &String| {
        let days = found.days.iter().map(|found| &found.day.name);
        days.flat_map(|name| Part::ALL.map(|part| file_of(name, part)))
            .any(|name| name == *file)
    };
    memory.files.retain(|file, _| is_there(file));
    Ok(found)
}

/// Why an archive of this name is never shipped, as a clause.
fn never(name: &FileName) -> Option<&'static str> {
    match name.generation {
        Generation::Dated(..) => None,
        Generation::Numbered(_) => {
            Some("gets another name at each rotation (logrotate: dateext); it is not shipped")
        }
        Generation::Live => Some("is named after no day; it is not shipped"),
    }
}

fn look_at(
    context: &RotationContext<'_>,
    name: &FileName,
    manifest: &Manifest,
    memory: &mut ShippedMemory,
) -> io::Result<Option<FoundDay>> {
    let opened = context.open(name)?;
    if opened.source.form() == ContentFormat::Plain {
        return Ok(None);
    }
    let mut stamps = [None; 3];
    let (log, stamp) = known(&name.full(), &opened.log().file, &opened.metadata, memory)?;
    stamps[Part::Log as usize] = Some(stamp);
    // An index that does not fit its log is not used.
    let usable = Index::open(opened.log()).ok().flatten();
    let mut part = |part: Part| -> io::Result<Option<LocalPart>> {
        let file = file_of(name, part);
        match index::open_own(&context.folder, &file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => {
                let (open, metadata) = opened?;
                let (local, stamp) = known(&file, &StoredFile::local_of(open), &metadata, memory)?;
                stamps[part as usize] = Some(stamp);
                Ok(Some(local))
            }
        }
    };
    let its_index = match usable {
        Some(_) => part(Part::Index)?,
        None => None,
    };
    let table = part(Part::Table)?;
    let sound = usable
        .as_ref()
        .filter(|index| index.findings().next().is_none());
    let content = sound.map(Index::content).map(|content| ContentRef {
        bytes: content.bytes,
        crc32: content.crc,
    });
    let moment = |at: Stamp| context.zone.moment(at).timestamp_millis();
    let times = usable.as_ref().and_then(|index| {
        let (first, last) = index.times();
        Some((moment(first?), moment(last?)))
    });
    let head = usable.as_ref().and_then(Index::head_for_manifest);
    let day = LocalDay {
        name: name.clone(),
        log,
        modified: modified_nanos(&opened.metadata),
        content,
        times,
        index: its_index,
        index_head: head.filter(|_| its_index.is_some()).map(HexBytes),
        table,
        holds: holds(&opened, name, log, manifest),
    };
    Ok(Some(FoundDay { day, stamps }))
}

fn known(
    name: &str,
    file: &StoredFile,
    metadata: &Metadata,
    memory: &mut ShippedMemory,
) -> io::Result<(LocalPart, FileStamp)> {
    let stamp = FileStamp::of(metadata);
    let crc32 = match memory.crc32(name, stamp) {
        Some(crc32) => crc32,
        None => {
            let crc32 = file.crc32(metadata.len())?;
            let is_shipped = false;
            let known = KnownFile {
                stamp,
                crc32,
                is_shipped,
            };
            memory.files.insert(name.to_owned(), known);
            crc32
        }
    };
    let bytes = metadata.len();
    Ok((LocalPart { bytes, crc32 }, stamp))
}

/// The contents of shipped days of this name that the content of the local one begins with.
fn holds(
    opened: &OpenLog,
    name: &FileName,
    log: LocalPart,
    manifest: &Manifest,
) -> Vec<ContentRef> {
    let name = name.full();
    let others = manifest.days.iter().filter(|entry| {
        entry.name == name && (entry.log.bytes, entry.log.crc32) != (log.bytes, log.crc32)
    });
    let begins_with = |content: &ContentRef| {
        let beginning = opened.source.content().take(content.bytes);
        ContentTally::read(beginning).is_ok_and(|tally| {
            let found = tally.content();
            (found.bytes, found.crc) == (content.bytes, content.crc32)
        })
    };
    others
        .filter_map(|entry| entry.content)
        .filter(begins_with)
        .collect()
}

/// Whether the log decodes to the content that its index knows; true if no index knows it.
pub(super) fn decodes_to_its_index(
    context: &RotationContext<'_>,
    day: &LocalDay,
) -> io::Result<bool> {
    let Some(content) = day.content else {
        return Ok(true);
    };
    let opened = context.open(&day.name)?;
    let found = ContentTally::read(opened.source.content())?.content();
    Ok((found.bytes, found.crc) == (content.bytes, content.crc32))
}

/// The day that the age of a sealed day counts from, as a rotation counts it.
pub(super) fn age_from(context: &RotationContext<'_>, opened: &OpenLog) -> Option<NaiveDate> {
    crate::rotate::look::age_from(context, opened)
}
