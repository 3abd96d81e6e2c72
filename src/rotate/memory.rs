//! What a rotation must remember of an enterprise because the folder does not show it.
//!
//! `<enterprise>/.calltrace/rotate.toml`. It may be deleted; then rotation is more careful until it
//! has learned again: names that it gave are taken for a writer's own, and lines that a run which
//! died was taking off a file stay there.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::{Table, Value};

use super::publish;
use super::site::{Opened, Site};
use crate::index;
use crate::tree::{FileName, open_regular};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The writer of the live file has been seen to rotate it.
    pub rotates_itself: bool,
    /// Names that we gave to live files and that are not sealed yet.
    pub renamed: Vec<String>,
    /// Lines of the live file that may be in an archive and still at the file's beginning.
    pub collapsing: Option<Collapsing>,
}

/// Noted before lines are copied to be taken off: **without it nothing is ever taken off**. Content
/// alone is no proof: a file may begin as an archive ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collapsing {
    /// The archive that they are copied to.
    pub archive: String,
    /// Of the live file.
    pub inode: u64,
    /// So many bytes of its beginning.
    pub bytes: u64,
}

impl Collapsing {
    /// Of the first `bytes` of a file, to be copied to `archive`.
    pub(super) fn new(file: &Opened, bytes: u64, archive: &FileName) -> Collapsing {
        Collapsing {
            archive: archive.full(),
            inode: file.metadata.ino(),
            bytes,
        }
    }

    fn parse(table: &Table) -> Option<Collapsing> {
        let number = |key: &str| table.get(key)?.as_str()?.parse().ok();
        Some(Collapsing {
            archive: table.get("archive")?.as_str()?.to_owned(),
            inode: number("inode")?,
            bytes: number("bytes")?,
        })
    }
}

/// No memory is longer (bytes): it names a few files.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The text of a small file of ours in an enterprise's folder, if it is believed.
pub(super) fn trusted_text(path: &Path, folder: &Path) -> Option<String> {
    let (file, metadata) = open_regular(path).ok()?;
    let is_ours = index::is_trusted(&metadata, &fs::metadata(folder).ok()?);
    if !is_ours || metadata.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut text = String::new();
    file.take(TEXT_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

const HEAD: &str = "# What `calltrace rotate` can't see in the folder. May be deleted.\n";

impl Memory {
    /// The archive that holds the first `bytes` of a file which were to be taken off it.
    pub(super) fn collapsed_to(&self, file: &Opened, bytes: u64) -> Option<FileName> {
        let noted = self.collapsing.as_ref()?;
        let is_it = noted.inode == file.metadata.ino() && noted.bytes == bytes;
        is_it.then(|| FileName::parse(&noted.archive)).flatten()
    }

    /// The archive that lines of this file were being copied to when a run died.
    pub(super) fn collapsing_to(&self, file: &Opened) -> Option<FileName> {
        self.collapsed_to(file, self.collapsing.as_ref()?.bytes)
    }

    /// What was remembered; nothing when it can't be read.
    pub(super) fn read(site: &Site<'_>) -> Memory {
        Memory::of(&site.folder)
    }

    /// What is remembered of an enterprise's folder; nothing when it can't be read.
    pub fn of(folder: &Path) -> Memory {
        let path = folder.join(index::FOLDER).join("rotate.toml");
        Memory::parse(&trusted_text(&path, folder).unwrap_or_default())
    }

    fn parse(text: &str) -> Memory {
        let table: Table = text.parse().unwrap_or_default();
        let names = table.get("renamed").and_then(Value::as_array);
        let collapsing = table.get("collapsing").and_then(Value::as_table);
        Memory {
            rotates_itself: table.get("writer_rotates").and_then(Value::as_bool) == Some(true),
            renamed: names
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .filter(|name| FileName::parse(name).is_some())
                .collect(),
            collapsing: collapsing.and_then(Collapsing::parse),
        }
    }

    fn text(&self) -> String {
        let renamed: Vec<Value> = self.renamed.iter().cloned().map(Value::String).collect();
        let mut table = Table::new();
        table.insert("renamed".to_owned(), Value::Array(renamed));
        table.insert(
            "writer_rotates".to_owned(),
            Value::Boolean(self.rotates_itself),
        );
        if let Some(noted) = &self.collapsing {
            // An inode may be larger than TOML's numbers.
            let fields = [
                ("archive", noted.archive.clone()),
                ("inode", noted.inode.to_string()),
                ("bytes", noted.bytes.to_string()),
            ];
            let fields = fields.map(|(key, value)| (key.to_owned(), Value::String(value)));
            let fields = Table::from_iter(fields);
            table.insert("collapsing".to_owned(), Value::Table(fields));
        }
        format!("{HEAD}{table}")
    }

    /// Keeps it, unless that is what is kept already.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep(&self, site: &Site<'_>) -> io::Result<()> {
        if *self == Memory::read(site) {
            return Ok(());
        }
        publish::small(site, "rotate.toml", self.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_junk_is_forgotten() {
        let memory = Memory {
            rotates_itself: true,
            renamed: vec!["events.log.2025-12-02".to_owned()],
            collapsing: Some(Collapsing {
                archive: "events.log.2025-12-01.gz".to_owned(),
                inode: u64::MAX,
                bytes: 4097,
            }),
        };
        assert_eq!(Memory::parse(&memory.text()), memory);
        for junk in [
            "",
            "renamed = 3",
            "renamed = [\"../x\"]",
            "writer_rotates =",
            "collapsing = \"events.log.2025-12-01.gz\"",
        ] {
            assert_eq!(Memory::parse(junk), Memory::default(), "{junk}");
        }
    }
}
