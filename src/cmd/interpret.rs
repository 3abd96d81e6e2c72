//! The meaning of arguments that clap can't decide: enterprises by their names, phone numbers in the place of an
//! enterprise, and values that only some hosts use.

use super::App;
use super::serve::runtime;
use crate::cli::{CallArgs, ContentArgs, is_id, is_phone};
use calltrace_directory::{Directory, DirectoryTimes};
use calltrace_engine::LinesQuestion;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

impl App {
    /// Reads filters on calls: each word is an enterprise or, if it is none, the number of a client. Any other word is
    /// left to the code that opens the enterprises, which refuses it.
    ///
    /// # Errors
    /// A name of several enterprises or of one without a folder; a filter value that no record has.
    pub(super) fn read_calls(&self, args: &mut CallArgs) -> Result<(), Error> {
        let mut enterprises = Vec::new();
        for typed in std::mem::take(&mut args.enterprises) {
            if let Some(enterprise) = self.enterprise_of(&typed)? {
                enterprises.push(enterprise.as_str().to_owned());
                continue;
            }
            match PhoneQuery::parse(&typed) {
                Ok(query) if is_phone(&typed) && args.party.phone.is_none() => {
                    self.say(&format!(
                        "{typed} is not an enterprise; taken as --phone '{typed}'"
                    ));
                    args.party.phone = Some(query);
                }
                _ if is_id(&typed) => {
                    return Err(Error::Usage(format!(
                        "{typed} is not an enterprise but the id of a call: calltrace trace {typed}"
                    )));
                }
                _ => enterprises.push(typed),
            }
        }
        args.enterprises = enterprises;
        self.check_words(&args.enterprises, &args.content, false)
    }

    /// Replaces the names of enterprises by the names of their folders.
    ///
    /// # Errors
    /// A name of several enterprises or of one without a folder.
    pub(super) fn read_enterprises(&self, typed: &mut [String]) -> Result<(), Error> {
        for word in typed {
            if let Some(enterprise) = self.enterprise_of(word)? {
                enterprise.as_str().clone_into(word);
            }
        }
        Ok(())
    }

    /// The enterprise that a word names: by its folder, otherwise by its name or Token in the directory. `None` if no
    /// known enterprise has this name. A message never repeats a Token.
    ///
    /// # Errors
    /// A name of several enterprises or of one without a folder.
    pub(super) fn enterprise_of(&self, typed: &str) -> Result<Option<EnterpriseName>, Error> {
        if let Some(enterprise) = self.folder_of(typed) {
            return Ok(Some(enterprise));
        }
        // A phone number with signs or blanks is not a Token.
        let is_bare = typed.bytes().all(|b| b.is_ascii_digit());
        if is_phone(typed) && !is_bare {
            return Ok(None);
        }
        match self.numbers_of(typed).as_slice() {
            [] => Ok(None),
            [one] => match self.folder_of(one.as_str()) {
                Some(enterprise) => {
                    self.explain(|| format!("enterprise {enterprise}, according to the directory"));
                    Ok(Some(enterprise))
                }
                None => Err(Error::Usage(format!(
                    "the directory says that this is enterprise {one}, which has no folder under {}",
                    self.tree.root().display()
                ))),
            },
            many => {
                let many: Vec<&str> = many.iter().map(EnterpriseName::as_str).collect();
                Err(Error::Usage(format!(
                    "several enterprises have this name: {}; type the number of one",
                    many.join(", ")
                )))
            }
        }
    }

    fn folder_of(&self, typed: &str) -> Option<EnterpriseName> {
        let found = self.tree.select(&[typed.to_owned()]).ok()?;
        found.into_iter().next()
    }

    /// The enterprises with this name or Token in the directory. The directory is not opened if the settings name
    /// neither an enterprise nor a database.
    fn numbers_of(&self, typed: &str) -> Vec<EnterpriseName> {
        let config = &self.settings.directory;
        if config.postgres.url.is_none() && config.enterprises.is_empty() {
            return Vec::new();
        }
        let asked = runtime(1).and_then(|runtime| {
            runtime.block_on(async {
                let (directory, _) = Directory::open_with(config, DirectoryTimes::default())?;
                let numbers = directory.numbers(typed).await;
                numbers.map_err(|error| Error::Directory(error.into()))
            })
        });
        asked.unwrap_or_else(|error| {
            self.say(&format!("names of enterprises are not available: {error}"));
            Vec::new()
        })
    }

    /// Refuses a filter value that calltrace does not know and no readable line has. If `follows` is true, later lines
    /// may have it, so it is only reported.
    ///
    /// # Errors
    /// The first such value, with the nearest known one.
    pub(super) fn check_words(
        &self,
        enterprises: &[String],
        content: &ContentArgs,
        follows: bool,
    ) -> Result<(), Error> {
        let unknown = content.unknown_words();
        if unknown.is_empty() {
            return Ok(());
        }
        let enterprises = self.tree.select(enterprises)?;
        let unknown = unknown.into_iter();
        for word in unknown.filter(|word| !self.is_somewhere(&enterprises, &word.filter)) {
            if !follows {
                return Err(Error::Usage(word.error));
            }
            self.say(&format!("{} (so far)", word.error));
        }
        Ok(())
    }

    /// Whether a record of any time passes the filter; true if the records can't be read.
    fn is_somewhere(&self, enterprises: &[EnterpriseName], filter: &RecordFilter) -> bool {
        let question = LinesQuestion {
            filter: filter.clone(),
            limit: Some(1),
            ..LinesQuestion::default()
        };
        enterprises.iter().any(|enterprise| {
            let answer = self.engine.lines(&self.tree, enterprise, &question);
            answer.map_or(true, |found| found.count > 0)
        })
    }
}
