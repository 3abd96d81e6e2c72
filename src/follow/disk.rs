//! The real file system, as following sees it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::time::SystemTime;

use super::files::{Archived, Files, OpenFile, Stat};
use crate::error::Error;
use crate::fsx::FileIdentity;
use crate::source::{BgzfTable, Source, Tally};
use crate::tree::{EnterpriseName, FileName, Head, Listed, LogFile, Tree, look_at, open_regular};

/// The folders of a tree.
#[derive(Debug, Clone)]
pub struct Disk {
    tree: Tree,
}

impl Disk {
    /// The folders of `tree`.
    pub fn new(tree: &Tree) -> Disk {
        Disk { tree: tree.clone() }
    }
}

impl Files for Disk {
    type File = Arc<File>;

    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        self.tree.enterprises()
    }

    fn names_changed(&self, enterprise: &EnterpriseName) -> io::Result<SystemTime> {
        fs::metadata(self.tree.folder(enterprise))?.modified()
    }

    fn list(&self, enterprise: &EnterpriseName) -> io::Result<Vec<Listed>> {
        look_at(&self.tree.folder(enterprise))
    }

    fn open(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Arc<File>> {
        let path = self.tree.folder(enterprise).join(name.full());
        open_regular(&path).map(|(file, _)| Arc::new(file))
    }

    fn archived(&self, enterprise: &EnterpriseName, head: &Head) -> io::Result<Option<Archived>> {
        let folder = self.tree.folder(enterprise);
        let mut archives = look_at(&folder)?;
        archives.retain(|listed| listed.name.gz);
        archives.sort_by_key(|listed| std::cmp::Reverse(listed.modified));
        Ok(archives.into_iter().find_map(|listed| {
            let log = LogFile::open(&folder, listed.name).ok()?;
            part_with(Source::open(Arc::new(log)).ok()?, head)
        }))
    }
}

impl OpenFile for Arc<File> {
    fn stat(&self) -> io::Result<Stat> {
        let metadata = self.metadata()?;
        Ok(Stat {
            identity: FileIdentity::of(&metadata),
            bytes: metadata.size(),
            modified: metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec(),
            links: metadata.nlink(),
        })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self.as_ref(), into, offset)
    }
}

/// The newest part of an archive that begins as `head` says. What can't be read has no such part.
fn part_with(archive: Source, head: &Head) -> Option<Archived> {
    let end = match archive.content_bytes() {
        Some(bytes) => bytes,
        None => Tally::read(archive.content()).ok()?.content().bytes,
    };
    let mut edges = archive.table().map_or(vec![0], BgzfTable::parts);
    edges.push(end);
    let parts = edges.windows(2).rev();
    let mut begun = parts.filter(|part| {
        let bytes = usize::try_from(part[1] - part[0]).unwrap_or(usize::MAX);
        let mut front = vec![0; bytes.min(head.reach())];
        let got = read_content(&archive, &mut front, part[0]);
        got.is_ok_and(|got| Head::of(&front[..got]).agrees(head))
    });
    let (start, part_end) = begun.next().map(|part| (part[0], part[1]))?;
    drop(begun);
    Some(Archived {
        bytes: part_end - start,
        is_last: part_end == end,
        read: Box::new(move |into, offset| read_content(&archive, into, start + offset)),
    })
}

fn read_content(archive: &Source, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut content = archive.content_from(offset);
    let mut got = 0;
    while got < into.len() {
        match io::Read::read(&mut content, &mut into[got..])? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}
