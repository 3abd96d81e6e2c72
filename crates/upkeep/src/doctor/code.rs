//! The kinds of findings, each under a name that stays.

/// Makes [`Code`] of a row per kind: the variant, its name, and what it means.
macro_rules! codes {
    ($($code:ident: $name:literal, $meaning:literal;)*) => {
        /// What kind of finding it is. Names and meanings don't change; new kinds are added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!($meaning, ".")] $code,)*
        }

        impl Code {
            /// All codes, in the order in which they are reported.
            pub const ALL: &[Code] = &[$(Code::$code),*];

            /// The name, as it is printed and as it is in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)*
                }
            }

            /// What it means, as a clause of a few words.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$code => $meaning,)*
                }
            }
        }
    };
}

codes! {
    TwoWriters: "two-writers", "several processes write to one live file";
    LateWriter: "late-writer", "a process holds a file that is finished";
    NoAppend: "no-append", "a writer opened its file without O_APPEND";
    HeldDeleted: "held-deleted", "a process holds a deleted log file";
    Duplicates: "twins", "X is in X.gz already, in whole or in part";
    DuplicatesDiffer: "twins-differ", "X and X.gz hold different lines";
    OutsideDay: "outside-day", "records are of another day than the file";
    OutOfOrder: "out-of-order", "times of records go back by minutes";
    NotRotated: "not-rotated", "files that a daily rotation would have taken";
    LiveLarge: "live-large", "the live file is larger than it should be";
    SlowArchives: "slow-archives", "gzip archives without blocks that can be read alone";
    NotShipped: "not-shipped", "sealed days that are not in object storage after several days";
    NotRead: "not-read", "a log under a name that is not read";
    Leftovers: "leftovers", "files that an interrupted run of calltrace rotate left";
    IndexMissing: "index-missing", "archives without an index";
    IndexStale: "index-stale", "unusable indexes: incomplete, or of another file";
    IndexWrong: "index-wrong", "an index differs from its file (--deep)";
    IndexChecked: "index-checked", "when archives were last compared with indexes";
    IndexOrphan: "index-orphan", "indexes of logs that no longer exist";
    TableMissing: "table-missing", "archives without a table of calls";
    TableStale: "table-stale", "unusable tables of calls: incomplete, or of another version";
    TableKept: "table-kept", "tables of calls that should have been removed";
    TableOpen: "table-open", "every user may read or change tables of calls";
    WorldWritable: "world-writable", "every user may change the logs";
    SecretsReadable: "secrets-readable", "every user may read secrets in bodies";
    SettingsReadable: "settings-readable", "every user may read secrets in settings";
    OwnersDiffer: "owners-differ", "the live file belongs to another user than its writers";
    CantWrite: "cant-write", "calltrace rotate could not work here";
    Refused: "refused", "calltrace rotate, run by root, refuses to work here";
    Future: "future", "records with times in the future";
    ClockSkew: "clock-skew", "a host's clock differs from this one's";
    ZoneWrong: "zone-wrong", "times of records are in another zone than the one set";
    Damaged: "damaged", "an archive can't be decoded to its end";
    Trailing: "trailing", "bytes after an archive's end that are not gzip";
    NulRun: "nul-run", "a run of NUL bytes, as a truncation or a crash leaves it";
    HalfLine: "half-line", "the last line is incomplete, and no process writes it";
    Unparsed: "unparsed", "many lines have an unknown format";
    OddBody: "odd-body", "the body of an event is not in the form that hosts write";
    TwoTokens: "two-tokens", "events of one folder with several Tokens";
    OtherEnterprise: "other-enterprise", "a request's address names another enterprise";
    LongLine: "long-line", "a line of more than 1 MiB";
    DiskFull: "disk-full", "little space or few inodes are left";
    NoRoom: "no-room", "less free space than the largest file to seal";
    Service: "service", "the database or the metadata service fails";
    Archive: "archive", "object storage can't be reached, or a manifest can't be read";
    ArchiveCache: "archive-cache", "the cache of object storage can't be written";
    Silent: "silent", "nothing was written for days";
    TwoNames: "two-names", "one folder has two names";
    NoLogs: "no-logs", "there are no logs to check";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique() {
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
