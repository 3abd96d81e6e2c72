//! The kinds of findings, each under a name that stays.

/// What kind of finding it is. Names and meanings don't change; new kinds are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// See [`Code::meaning`], as for all of them.
    TwoWriters,
    /// A finished file is written to.
    LateWriter,
    /// A writer that does not append.
    NoAppend,
    /// A deleted file that is open.
    HeldDeleted,
    /// X beside X.gz, the same.
    Twins,
    /// X beside X.gz, another.
    TwinsDiffer,
    /// A name and its records disagree.
    OutsideDay,
    /// Times go back.
    OutOfOrder,
    /// Nobody rotates.
    NotRotated,
    /// A live file that is too large.
    LiveLarge,
    /// Archives of another kind.
    SlowArchives,
    /// A file that is passed over.
    NotRead,
    /// What a dead run left.
    Leftovers,
    /// An archive without an index.
    IndexMissing,
    /// An index of no use.
    IndexStale,
    /// An index that says what is not so.
    IndexWrong,
    /// When archives were compared with their indexes.
    IndexChecked,
    /// An index without its log.
    IndexOrphan,
    /// Everybody may write.
    WorldWritable,
    /// Everybody may read secrets in logs.
    SecretsReadable,
    /// Everybody may read secrets in settings.
    SettingsReadable,
    /// The live file is somebody else's.
    OwnersDiffer,
    /// We can't write here.
    CantWrite,
    /// Root refuses to rotate here.
    Refused,
    /// Records of the future.
    Future,
    /// A host's clock is wrong.
    ClockSkew,
    /// The zone of the logs is another.
    ZoneWrong,
    /// An archive that can't be decoded.
    Damaged,
    /// A hole.
    NulRun,
    /// A last line without its end.
    HalfLine,
    /// Lines of no kind.
    Unparsed,
    /// Lines beyond all measure.
    LongLine,
    /// The disk is nearly full.
    DiskFull,
    /// No room for an archive.
    NoRoom,
    /// Nobody writes.
    Silent,
    /// No logs at all.
    NoLogs,
}

impl Code {
    /// All of them, in the order in which they are told.
    pub const ALL: [Code; 36] = [
        Code::TwoWriters,
        Code::LateWriter,
        Code::NoAppend,
        Code::HeldDeleted,
        Code::Twins,
        Code::TwinsDiffer,
        Code::OutsideDay,
        Code::OutOfOrder,
        Code::NotRotated,
        Code::LiveLarge,
        Code::SlowArchives,
        Code::NotRead,
        Code::Leftovers,
        Code::IndexMissing,
        Code::IndexStale,
        Code::IndexWrong,
        Code::IndexChecked,
        Code::IndexOrphan,
        Code::WorldWritable,
        Code::SecretsReadable,
        Code::SettingsReadable,
        Code::OwnersDiffer,
        Code::CantWrite,
        Code::Refused,
        Code::Future,
        Code::ClockSkew,
        Code::ZoneWrong,
        Code::Damaged,
        Code::NulRun,
        Code::HalfLine,
        Code::Unparsed,
        Code::LongLine,
        Code::DiskFull,
        Code::NoRoom,
        Code::Silent,
        Code::NoLogs,
    ];

    /// The name, as it is printed and as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// What it means, as a clause of a few words.
    pub fn meaning(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Code::TwoWriters => ("two-writers", "several processes write to one live file"),
            Code::LateWriter => ("late-writer", "a process holds a file that is finished"),
            Code::NoAppend => ("no-append", "a writer opened its file without O_APPEND"),
            Code::HeldDeleted => ("held-deleted", "a process holds a deleted log file"),
            Code::Twins => ("twins", "X is in X.gz already, in whole or in part"),
            Code::TwinsDiffer => ("twins-differ", "X and X.gz hold different lines"),
            Code::OutsideDay => ("outside-day", "records are of another day than the file"),
            Code::OutOfOrder => ("out-of-order", "times of records go back by minutes"),
            Code::NotRotated => (
                "not-rotated",
                "files that a daily rotation would have taken",
            ),
            Code::LiveLarge => ("live-large", "the live file is larger than it should be"),
            Code::SlowArchives => ("slow-archives", "gzip that can't be read at random"),
            Code::NotRead => ("not-read", "looks like a log, and its name is none"),
            Code::Leftovers => ("leftovers", "a run of calltrace rotate died here"),
            Code::IndexMissing => ("index-missing", "archives without an index"),
            Code::IndexStale => ("index-stale", "indexes of no use: torn, or of another file"),
            Code::IndexWrong => ("index-wrong", "an index differs from its file (--deep)"),
            Code::IndexChecked => (
                "index-checked",
                "when archives were last compared with indexes",
            ),
            Code::IndexOrphan => ("index-orphan", "indexes whose log is gone"),
            Code::WorldWritable => ("world-writable", "every user may change the logs"),
            Code::SecretsReadable => ("secrets-readable", "every user may read secrets in bodies"),
            Code::SettingsReadable => ("settings-readable", "the same of secrets in settings"),
            Code::OwnersDiffer => ("owners-differ", "the live file is not of those who write"),
            Code::CantWrite => ("cant-write", "calltrace rotate could not work here"),
            Code::Refused => (
                "refused",
                "calltrace rotate, run by root, refuses to work here",
            ),
            Code::Future => ("future", "records of a time that is not yet"),
            Code::ClockSkew => ("clock-skew", "a host's clock differs from this one's"),
            Code::ZoneWrong => ("zone-wrong", "record times are of another zone than is set"),
            Code::Damaged => ("damaged", "an archive can't be decoded to its end"),
            Code::NulRun => ("nul-run", "NUL bytes, as truncation or a crash leaves"),
            Code::HalfLine => ("half-line", "the last line has no end, and nobody writes"),
            Code::Unparsed => ("unparsed", "many lines fit no kind"),
            Code::LongLine => ("long-line", "a line of more than 1 MiB"),
            Code::DiskFull => ("disk-full", "little room is left, or few inodes"),
            Code::NoRoom => (
                "no-room",
                "less room than the largest file that is to be sealed",
            ),
            Code::Silent => ("silent", "nothing was written for days"),
            Code::NoLogs => ("no-logs", "there is nothing to look at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_each_its_own() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for name in &names {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(name.chars().all(is_kebab), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
