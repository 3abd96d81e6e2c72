//! What a rotation must remember of an enterprise because the folder does not show it.
//!
//! The file is `<enterprise>/.calltrace/rotate.toml`. It may be deleted. Then rotation is more careful until it has
//! learned again: it takes names that it gave itself for a writer's, and lines that an interrupted run was taking off a
//! file stay there.

use std::io::ErrorKind;

use toml::{Table, Value};

use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// The name of the file in `.calltrace`.
pub(crate) const MEMORY: &str = "rotate.toml";

/// What rotations remember of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RotationMemory {
    /// The writer of the live file has been seen to rotate it.
    pub rotates_itself: bool,
    /// Names that rotations gave to live files; for a file that was sealed since, the archive's name.
    pub renamed: Vec<FileName>,
    /// Lines of the live file that may be in an archive and still at the file's beginning.
    pub collapsing: Option<Collapsing>,
}

/// Written before lines are copied and taken off: **without it no line is ever taken off**. Equal content proves
/// nothing: a file may begin as an archive ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collapsing {
    /// The archive that the lines are copied to.
    pub archive: FileName,
    /// The inode of the live file.
    pub inode: u64,
    /// How many bytes of the file's beginning are copied.
    pub bytes: u64,
}

impl Collapsing {
    fn parse(table: &Table) -> Option<Collapsing> {
        let number = |key: &str| table.get(key)?.as_str()?.parse().ok();
        Some(Collapsing {
            archive: FileName::parse(table.get("archive")?.as_str()?)?,
            inode: number("inode")?,
            bytes: number("bytes")?,
        })
    }
}

/// A longer file is not read (bytes). It holds a few names of files, each of which is sealed within days.
const BYTES_MAX: u64 = 256 << 10;

const HEAD: &str = "# What `calltrace rotate` can't see in the folder. May be deleted.\n";

impl RotationMemory {
    /// Reads what is remembered of an enterprise's folder; empty if there is no such file yet.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn of(folder: &Folder) -> Result<RotationMemory, Trouble> {
        match index::read_own(folder, MEMORY, BYTES_MAX) {
            Ok(bytes) => Ok(RotationMemory::parse(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(RotationMemory::default()),
            Err(error) => {
                let path = folder.path_of(index::FOLDER).join(MEMORY);
                Err(Trouble::cant(&path, "be read", &error))
            }
        }
    }

    fn parse(text: &str) -> RotationMemory {
        let table: Table = text.parse().unwrap_or_default();
        let names = table.get("renamed").and_then(Value::as_array);
        let collapsing = table.get("collapsing").and_then(Value::as_table);
        RotationMemory {
            rotates_itself: table.get("writer_rotates").and_then(Value::as_bool) == Some(true),
            renamed: names
                .into_iter()
                .flatten()
                .filter_map(|name| FileName::parse(name.as_str()?))
                .collect(),
            collapsing: collapsing.and_then(Collapsing::parse),
        }
    }

    /// The content of the file.
    pub(crate) fn text(&self) -> String {
        let renamed = self.renamed.iter().map(|name| Value::String(name.full()));
        let mut table = Table::new();
        table.insert("renamed".to_owned(), Value::Array(renamed.collect()));
        table.insert(
            "writer_rotates".to_owned(),
            Value::Boolean(self.rotates_itself),
        );
        if let Some(noted) = &self.collapsing {
            // An inode may be larger than TOML's numbers.
            let fields = [
                ("archive", noted.archive.full()),
                ("inode", noted.inode.to_string()),
                ("bytes", noted.bytes.to_string()),
            ];
            let fields = fields.map(|(key, value)| (key.to_owned(), Value::String(value)));
            let fields = Table::from_iter(fields);
            table.insert("collapsing".to_owned(), Value::Table(fields));
        }
        format!("{HEAD}{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_memory_is_read_again_and_junk_is_dropped() {
        let log = |name| FileName::parse(name).expect("a log");
        let memory = RotationMemory {
            rotates_itself: true,
            renamed: vec![log("events.log.2025-12-02")],
            collapsing: Some(Collapsing {
                archive: log("events.log.2025-12-01.gz"),
                inode: u64::MAX,
                bytes: 4097,
            }),
        };
        assert_eq!(RotationMemory::parse(&memory.text()), memory);
        for junk in [
            "",
            "renamed = 3",
            "renamed = [\"../x\"]",
            "writer_rotates =",
            "collapsing = \"events.log.2025-12-01.gz\"",
        ] {
            assert_eq!(
                RotationMemory::parse(junk),
                RotationMemory::default(),
                "{junk}"
            );
        }
    }
}
