//! The entries of an enterprise's folder and of its `.calltrace`, sorted by the kind of their names.

use std::ffi::OsString;
use std::io::{self, ErrorKind};

use super::names::Leftover;
use calltrace_store::fsx::Folder;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::tree::FileName;

/// Everything in a folder except `.calltrace`, sorted by the kind of name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Names of log files, in reading order. An entry with such a name may still not be a file.
    pub(crate) logs: Vec<FileName>,
    /// Files that an interrupted run left, in the order of their names.
    pub(crate) leftovers: Vec<Leftover>,
    /// Anything else, in no order.
    pub(crate) others: Vec<OsString>,
}

impl Listing {
    /// Lists a folder.
    ///
    /// # Errors
    /// When it can't be listed.
    pub(crate) fn of(folder: &Folder) -> io::Result<Listing> {
        Ok(Listing::of_names(folder.names()?))
    }

    fn of_names(names: Vec<OsString>) -> Listing {
        let mut listing = Listing::default();
        for name in names {
            let text = name.to_str().unwrap_or_default();
            if let Some(leftover) = Leftover::parse(text) {
                listing.leftovers.push(leftover);
            } else if let Some(log) = FileName::parse(text) {
                listing.logs.push(log);
            } else if text != FOLDER {
                listing.others.push(name);
            }
        }
        listing.logs.sort();
        listing.leftovers.sort_by_key(Leftover::name);
        listing
    }
}

/// `.calltrace` with the names in it.
pub(crate) struct OwnFolder {
    pub(crate) folder: Folder,
    /// In order. Names that are not UTF-8 are left out: calltrace gives none.
    pub(crate) names: Vec<String>,
}

impl OwnFolder {
    /// Lists the folder; `None` if it is missing.
    ///
    /// # Errors
    /// When it can't be listed.
    pub(crate) fn of(folder: &Folder) -> io::Result<Option<OwnFolder>> {
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
        Ok(Some(OwnFolder { folder, names }))
    }

    /// Names of files that a run did not finish.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter(|name| name.ends_with(".tmp"))
    }

    /// Logs that have an index and do not exist, in the order of the indexes' names.
    pub(crate) fn orphans(&self, is_there: impl Fn(&FileName) -> bool) -> Vec<FileName> {
        let logs = self.names.iter().filter_map(|name| index::log_of(name));
        logs.filter(|log| !is_there(log)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinguished_by_their_form() {
        let log = FileName::parse("events.log.1.gz").expect("a log");
        let leftover = Leftover::Leaving(log.clone());
        let names = [&log.full(), &leftover.name(), FOLDER, "notes.txt"];
        let listing = Listing {
            logs: vec![log],
            leftovers: vec![leftover],
            others: vec!["notes.txt".into()],
        };
        assert_eq!(Listing::of_names(names.map(OsString::from).into()), listing);
    }
}
