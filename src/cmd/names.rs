//! Names of people for terminal output: from the settings, from their sources if these answer quickly, and from the
//! requests of the call itself. The secrets that sign links come from the same directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::App;
use super::serve::runtime;
use calltrace_directory::{Config, Directory, DirectoryTimes, NameQuery, Names, Secret};
use calltrace_engine::TracedCall;
use calltrace_model::call::Summary;
use calltrace_output::People;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::pages::{client_in_log, wanted, wanted_of_rows};

/// Time limit for a source of names, because the user waits for the call and not for the names.
const PATIENCE: Duration = Duration::from_millis(500);

/// The directory of a run, opened at the first question.
pub(super) struct Book {
    runtime: Runtime,
    directory: Directory,
}

impl Book {
    /// Opens the directory; `None` if the settings have no source of names. Files that this user may not read are
    /// skipped, and reported with `-v`.
    pub(super) fn open(app: &App) -> Option<Book> {
        let mut config: Config = app.settings.directory.clone();
        if config.is_empty() {
            return None;
        }
        for what in config.pass_over_unreadable() {
            app.explain(|| format!("skipped: {what}"));
        }
        let times = DirectoryTimes {
            budget: PATIENCE,
            ..DirectoryTimes::default()
        };
        let opened = runtime(1).and_then(|runtime| {
            // A connection pool must be made inside the runtime that uses it.
            let (directory, _) =
                runtime.block_on(async { Directory::open_with(&config, times) })?;
            Ok::<_, Error>(Book { runtime, directory })
        });
        opened
            .inspect_err(|error| app.explain(|| format!("no names: {error}")))
            .ok()
    }

    fn names(&self, asked: &[(&EnterpriseName, NameQuery)]) -> Vec<Names> {
        self.runtime.block_on(self.directory.names_of_each(asked))
    }

    /// The secret that opens the pages of an enterprise, if it is known.
    pub(super) fn secret(&self, enterprise: &EnterpriseName) -> Option<Secret> {
        let known = self
            .runtime
            .block_on(self.directory.enterprise(enterprise))
            .ok()?;
        known?.secret
    }
}

/// The names of the participants of a call. A source that does not answer is reported with `-v`, and its names are
/// missing.
pub(super) fn people(app: &App, enterprise: &EnterpriseName, call: &TracedCall) -> People {
    let people = asked(app, &[(enterprise, wanted(call))]).pop();
    let mut people = people.unwrap_or_default();
    if let Some((number, name)) = client_in_log(call) {
        people.clients.entry(number).or_insert(name);
    }
    people
}

/// The names of the participants of several calls, by enterprise.
pub(super) fn people_of(
    app: &App,
    calls: &[(&EnterpriseName, &Summary)],
) -> BTreeMap<EnterpriseName, People> {
    if app.book().is_none() {
        return BTreeMap::new();
    }
    let enterprises: BTreeSet<&EnterpriseName> = calls.iter().map(|(name, _)| *name).collect();
    let wanted = enterprises.iter().map(|enterprise| {
        let own = calls.iter().filter(|(name, _)| name == enterprise);
        (*enterprise, wanted_of_rows(own.map(|(_, call)| *call)))
    });
    let wanted: Vec<_> = wanted.collect();
    let people = asked(app, &wanted);
    let names = enterprises.into_iter().cloned();
    names.zip(people).collect()
}

fn asked(app: &App, wanted: &[(&EnterpriseName, NameQuery)]) -> Vec<People> {
    let Some(book) = app.book() else {
        return Vec::new();
    };
    let mut missing = BTreeSet::new();
    let people = book.names(wanted).into_iter().map(|names| {
        missing.extend(names.missing);
        People {
            extensions: names.extensions,
            clients: names.clients,
            lines: names.lines,
            chats: names.chats,
        }
    });
    let people = people.collect();
    for source in missing {
        app.explain(|| format!("{source} did not answer; names may be missing"));
    }
    people
}
