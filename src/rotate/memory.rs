//! What a rotation must remember of an enterprise because the folder does not show it.
//!
//! `<enterprise>/.calltrace/rotate.toml`. It may be deleted; then rotation is more careful until it
//! has learned again: names that it gave are taken for a writer's own.

use std::fs;
use std::io;

use toml::{Table, Value};

use super::publish;
use super::site::Site;
use crate::tree::FileName;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// The writer of the live file has been seen to rotate it.
    pub(super) rotates_itself: bool,
    /// Names that we gave to live files and that are not sealed yet.
    pub(super) renamed: Vec<String>,
    /// The archive that lines of the live file have been copied to that may still be at the live
    /// file's beginning.
    pub(super) collapsing: Option<String>,
}

const HEAD: &str = "# What `calltrace rotate` can't see in the folder. May be deleted.\n";

impl Memory {
    /// What was remembered; nothing when it can't be read.
    pub(super) fn read(site: &Site<'_>) -> Memory {
        let path = site.own_folder().join("rotate.toml");
        let text = fs::read_to_string(path).unwrap_or_default();
        Memory::parse(&text)
    }

    fn parse(text: &str) -> Memory {
        let table: Table = text.parse().unwrap_or_default();
        let names = table.get("renamed").and_then(Value::as_array);
        let collapsing = table.get("collapsing").and_then(Value::as_str);
        Memory {
            rotates_itself: table.get("writer_rotates").and_then(Value::as_bool) == Some(true),
            renamed: names
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .filter(|name| FileName::parse(name).is_some())
                .collect(),
            collapsing: collapsing.map(str::to_owned),
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
        if let Some(name) = &self.collapsing {
            table.insert("collapsing".to_owned(), Value::String(name.clone()));
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
            collapsing: Some("events.log.2025-12-01.gz".to_owned()),
        };
        assert_eq!(Memory::parse(&memory.text()), memory);
        for junk in [
            "",
            "renamed = 3",
            "renamed = [\"../x\"]",
            "writer_rotates =",
        ] {
            assert_eq!(Memory::parse(junk), Memory::default(), "{junk}");
        }
    }
}
