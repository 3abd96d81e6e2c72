//! Names for the outputs of the shell: what the settings hold, what their sources say in a moment, and
//! what the call's own requests were told. The secrets that sign links come from the same book.

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

/// A source that takes longer is not waited for: names are not worth more to somebody who asked for a call.
const PATIENCE: Duration = Duration::from_millis(500);

/// The directory of a run, opened when something is first asked of it.
pub(super) struct Book {
    runtime: Runtime,
    directory: Directory,
}

impl Book {
    /// `None` where the settings know nobody. What this user may not read is passed over, and named
    /// to those who asked with `-v`.
    pub(super) fn open(app: &App) -> Option<Book> {
        let mut config: Config = app.settings.directory.clone();
        if config.is_empty() {
            return None;
        }
        for what in config.pass_over_unreadable() {
            app.explain(|| format!("passed over: {what}"));
        }
        let times = DirectoryTimes {
            budget: PATIENCE,
            ..DirectoryTimes::default()
        };
        let opened = runtime(1).and_then(|runtime| {
            // A pool of connections wants to be made where it is used.
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

    /// What opens the pages of an enterprise, where that can be had.
    pub(super) fn secret(&self, enterprise: &EnterpriseName) -> Option<Secret> {
        let known = self
            .runtime
            .block_on(self.directory.enterprise(enterprise))
            .ok()?;
        known?.secret
    }
}

/// The names of those who took part in a call. A source that does not answer costs its names, and is named
/// to those who asked with `-v`.
pub(super) fn people(app: &App, enterprise: &EnterpriseName, call: &TracedCall) -> People {
    let people = asked(app, &[(enterprise, wanted(call))]).pop();
    let mut people = people.unwrap_or_default();
    if let Some((number, name)) = client_in_log(call) {
        people.clients.entry(number).or_insert(name);
    }
    people
}

/// The names of those who took part in some calls, by enterprise.
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
