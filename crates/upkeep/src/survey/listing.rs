//! What lies in an enterprise's folder, and in `.calltrace` there, by its name.

use std::ffi::OsString;
use std::io::{self, ErrorKind};

use super::names::Leftover;
use calltrace_store::fsx::Folder;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::tree::FileName;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A log file; whether it is a file at all, only a look at it tells.
    Log(FileName),
    /// What a run had under way.
    Leftover(Leftover),
    /// The folder for what is ours.
    Own,
    /// Anything else.
    Other(OsString),
}

impl Entry {
    fn of(name: OsString) -> Entry {
        let known = name.to_str().and_then(|text| {
            if text == FOLDER {
                return Some(Entry::Own);
            }
            let log = || FileName::parse(text).map(Entry::Log);
            Leftover::parse(text).map(Entry::Leftover).or_else(log)
        });
        known.unwrap_or(Entry::Other(name))
    }
}

/// Everything in the folder, in no order.
///
/// # Errors
/// When it can't be listed.
pub(crate) fn list(folder: &Folder) -> io::Result<Vec<Entry>> {
    Ok(folder.names()?.into_iter().map(Entry::of).collect())
}

/// The folder for what is ours, with the names in it.
pub(crate) struct Own {
    pub(crate) folder: Folder,
    /// In order; none of those that are no text, as we give no such names.
    pub(crate) names: Vec<String>,
}

impl Own {
    /// Lists it; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be listed.
    pub(crate) fn of(folder: &Folder) -> io::Result<Option<Own>> {
        let listed = folder
            .subfolder(FOLDER)
            .and_then(|own| Ok((own.names()?, own)));
        let (names, folder) = match listed {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(Some(Own { folder, names }))
    }

    /// Names of files that a run did not finish.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter(|name| name.ends_with(".tmp"))
    }

    /// Logs that have an index and are not there, in the order of the indexes' names.
    pub(crate) fn orphans(&self, is_there: impl Fn(&FileName) -> bool) -> Vec<FileName> {
        let logs = self.names.iter().filter_map(|name| index::log_of(name));
        logs.filter(|log| !is_there(log)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_their_form() {
        let log = FileName::parse("events.log.1.gz").expect("a log");
        for (name, entry) in [
            (log.full(), Entry::Log(log.clone())),
            (
                Leftover::Leaving(log.clone()).name(),
                Entry::Leftover(Leftover::Leaving(log)),
            ),
            (FOLDER.to_owned(), Entry::Own),
            ("notes.txt".to_owned(), Entry::Other("notes.txt".into())),
        ] {
            assert_eq!(Entry::of(name.into()), entry);
        }
    }
}
