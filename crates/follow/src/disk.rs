//! The real file system, as the follower sees it.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::file_system::{ArchivePart, FileStat, FileSystem, OpenFile, fill};
use calltrace_store::error::Error;
use calltrace_store::source::{BgzfTable, ContentTally, Source};
use calltrace_store::tree::{
    EnterpriseName, FileName, Head, ListedFile, LogFile, Tree, has_links_out, look_at,
};

/// Bytes that are usually read from the beginning of a part.
const FRONT_BYTES_USUAL: usize = 4096;

/// The folders of a tree.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    tree: Tree,
}

impl DiskFiles {
    /// The folders of `tree`.
    pub fn new(tree: &Tree) -> DiskFiles {
        DiskFiles { tree: tree.clone() }
    }
}

impl FileSystem for DiskFiles {
    type File = Arc<LogFile>;

    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        self.tree.enterprises()
    }

    fn names_changed(&self, enterprise: &EnterpriseName) -> io::Result<SystemTime> {
        self.tree.folder(enterprise)?.metadata()?.modified()
    }

    fn list(&self, enterprise: &EnterpriseName) -> io::Result<Vec<ListedFile>> {
        look_at(&self.tree.folder(enterprise)?)
    }

    fn has_links_out(&self, enterprise: &EnterpriseName) -> bool {
        let folder = self.tree.folder(enterprise);
        folder.is_ok_and(|folder| has_links_out(&folder))
    }

    fn open(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Arc<LogFile>> {
        LogFile::open(&self.tree.folder(enterprise)?, name.clone()).map(Arc::new)
    }

    fn parts(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Vec<ArchivePart>> {
        let log = LogFile::open(&self.tree.folder(enterprise)?, name.clone())?;
        let archive = Arc::new(Source::open(Arc::new(log))?);
        let starts = archive.table().map_or(vec![0], BgzfTable::parts);
        let ends = starts.iter().skip(1).map(|end| Some(*end));
        let ends: Vec<Option<u64>> = ends.chain([archive.content_bytes()]).collect();
        let pairs = starts.iter().zip(ends);
        pairs
            .map(|(start, end)| part(&archive, *start, end))
            .collect()
    }
}

impl OpenFile for Arc<LogFile> {
    fn stat(&self) -> io::Result<FileStat> {
        let state = self.file.state()?;
        Ok(FileStat {
            identity: state.identity,
            bytes: state.bytes,
            modified: state.modified,
            links: state.links,
        })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }
}

/// The part of an archive from `start` to `end`; with `None`, to the archive's end, which only decoding can
/// find.
fn part(archive: &Arc<Source>, start: u64, end: Option<u64>) -> io::Result<ArchivePart> {
    let room = end.and_then(|end| usize::try_from(end - start).ok());
    let room = room.unwrap_or(usize::MAX);
    let mut front = vec![0; room.min(FRONT_BYTES_USUAL)];
    let mut got = read_content(archive, &mut front, start)?;
    if !Head::of(&front[..got]).is_whole() && got == FRONT_BYTES_USUAL {
        front.resize(room.min(Head::FRONT_BYTES), 0);
        got = read_content(archive, &mut front, start)?;
    }
    let (own, whole) = (Arc::clone(archive), Arc::clone(archive));
    let bytes = move || match end {
        Some(end) => Ok(end - start),
        None => Ok(ContentTally::read(whole.content())?.content().bytes - start),
    };
    let read = move |into: &mut [u8], offset: u64| read_content(&own, into, start + offset);
    Ok(ArchivePart::new(&front[..got], bytes, read))
}

fn read_content(archive: &Source, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut content = archive.content_from(offset);
    fill(into, |room, _| io::Read::read(&mut content, room))
}
