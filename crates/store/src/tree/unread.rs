//! Logs of a rotation that are not read because of their names: packed by another program
//! (`events.log.1.zst`), or rotated once more after they were packed (`events.log.gz.1`).

use super::FileName;

/// Endings of the names of packed files, and the programs that make them.
const ENDINGS: [(&str, &str); 7] = [
    ("zst", "zstd"),
    ("xz", "xz"),
    ("lzma", "xz"),
    ("bz2", "bzip2"),
    ("lz4", "lz4"),
    ("zip", "zip"),
    ("Z", "compress"),
];

/// A log that is not read because of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadLog {
    pub name: String,
    /// The name that it would have when unpacked.
    stem: String,
    packer: Option<&'static str>,
}

impl UnreadLog {
    /// Parses the name of a log followed by the ending of a packing program, or by a number after
    /// `.gz`. `None` for a log that is read, and for any other name.
    pub fn parse(name: &str) -> Option<UnreadLog> {
        let (before, ending) = name.rsplit_once('.')?;
        if FileName::parse(name).is_some() {
            return None;
        }
        let packer = ENDINGS.iter().find(|(known, _)| *known == ending);
        let packer = packer.map(|(_, program)| *program);
        let log = FileName::parse(before)?;
        let is_number = !ending.is_empty() && ending.bytes().all(|b| b.is_ascii_digit());
        (packer.is_some() || log.gz && is_number).then(|| UnreadLog {
            name: name.to_owned(),
            stem: log.stem,
            packer,
        })
    }

    /// A clause that says why the file is not read and what to do.
    pub(super) fn why(&self) -> String {
        match self.packer {
            Some(packer) => format!(
                "can't be read: it is packed by {packer}; unpack it as {}",
                self.stem
            ),
            None => "can't be read under this name; rename it to one that is read, such as \
                     events.log.2025-11-30.gz"
                .to_owned(),
        }
    }

    /// Whether `logs` hold the same log unpacked or as gzip.
    pub(super) fn is_there(&self, logs: &[FileName]) -> bool {
        self.packer.is_some() && logs.iter().any(|log| log.stem == self.stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_another_program_packed_is_known_by_its_name() {
        for (name, packer) in [
            ("events.log.1.zst", Some("zstd")),
            ("events.log-20251130.xz", Some("xz")),
            ("events_2025-11-30.log.bz2", Some("bzip2")),
            ("events.log.2025-11-30.gz.1", None),
            ("events.log.gz.12", None),
        ] {
            let unread = UnreadLog::parse(name).expect(name);
            assert_eq!((unread.name.as_str(), unread.packer), (name, packer));
        }
        for name in [
            "events.log",
            "events.log.1",
            "events.log.1.gz",
            "events.log.bak",
            "events.log.1.gz.bak",
            "events.log.1.gz.tmp",
            "events.log.1.2",
            "notes.zst",
            "events.log.gz.",
            ".zst",
        ] {
            assert_eq!(UnreadLog::parse(name), None, "{name}");
        }
    }
}
