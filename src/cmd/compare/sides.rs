//! The two sides of a comparison: reads what SENT and RECEIVED name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::App;
use super::super::missing::Missing;
use super::super::serve::runtime;
use crate::cli::CompareArgs;
use calltrace_directory::{Directory, DirectoryTimes, StoredEvents};
use calltrace_hosts::journal::{JournalTable, day_of_name};
use calltrace_hosts::services::{self, Complaint, LogContents, LogSide, ServiceLog};
use calltrace_hosts::{FetchLimits, Fetched, read_journal};
use calltrace_model::record::{LogZone, Zone};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::compare::{CompareQuery, SideEvents, database, journal, tree};

/// The value of RECEIVED for the table `call_events`.
const POSTGRES: &str = "postgres";

/// The first bytes of every SQLite file.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Time limit of a query for many rows.
const DATABASE_TIME: Duration = Duration::from_secs(60);

/// Maximum number of rows read from `call_events` or a journal.
const ROWS_MAX: usize = 1_000_000;

/// The place where events arrived.
pub(super) enum Received {
    /// The tree: this enterprise and those that have the Tokens of the events.
    Enterprises(Option<EnterpriseName>),
    /// The log of a service.
    Log(PathBuf),
    /// The database of the settings.
    Database,
}

impl Received {
    /// Reads the typed value. An enterprise goes before a file of the same name, which can be typed as `./NAME`.
    pub(super) fn of(app: &App, typed: Option<&str>) -> Result<Received, Error> {
        let Some(typed) = typed else {
            return Ok(Received::Enterprises(None));
        };
        if typed == POSTGRES {
            return Ok(Received::Database);
        }
        if !typed.contains('/')
            && let Some(enterprise) = app.enterprise_of(typed)?
        {
            return Ok(Received::Enterprises(Some(enterprise)));
        }
        let path = Path::new(typed);
        match path.exists() {
            true if is_journal(path) => Err(Error::Usage(format!(
                "{typed} is a journal of sent events; write it first"
            ))),
            true => Ok(Received::Log(path.to_owned())),
            false if typed.contains('/') => Err(Error::Usage(format!("{typed}: no such file"))),
            false => Err(Error::Usage(format!(
                "{typed} is not an enterprise of {}, not a file and not the word postgres",
                app.tree.root().display()
            ))),
        }
    }

    /// The events that arrived within a period, both ends inclusive.
    pub(super) fn read(
        &self,
        app: &App,
        tokens: &BTreeSet<String>,
        reach: (i64, i64),
        missing: &mut Missing,
    ) -> Result<SideEvents, Error> {
        match self {
            Received::Enterprises(given) => {
                let mut all = SideEvents::default();
                for enterprise in enterprises(app, given.as_ref(), tokens)? {
                    let progress = app.progress();
                    let found = tree::read(&app.engine, &app.tree, &enterprise, reach, &[]);
                    drop(progress);
                    if let Some(arrivals) = missing.answer(found) {
                        missing.add(&arrivals.troubles);
                        all.sightings.extend(arrivals.side.sightings);
                        all.incomplete.extend(arrivals.side.incomplete);
                    }
                }
                Ok(all)
            }
            Received::Log(path) => {
                let reading = read_log(app, path, Some(reach.0))?;
                if reading.form() == Some(LogSide::Sent) {
                    return Err(Error::Usage(format!(
                        "{} is a log of sent events; write it first, and after it where the events arrived",
                        path.display()
                    )));
                }
                check_known(path, &reading)?;
                let mut side =
                    SideEvents::of_log(reading, |reading| std::mem::take(&mut reading.received));
                side.sightings
                    .retain(|one| (reach.0..=reach.1).contains(&one.at_millis));
                Ok(side)
            }
            Received::Database => from_database(app, tokens, reach),
        }
    }

    /// The names of the searched places, for JSON.
    pub(super) fn names(&self, app: &App, tokens: &BTreeSet<String>) -> Result<Vec<String>, Error> {
        Ok(match self {
            Received::Enterprises(given) => enterprises(app, given.as_ref(), tokens)?
                .iter()
                .map(ToString::to_string)
                .collect(),
            Received::Log(path) => vec![display(path)],
            Received::Database => vec!["call_events".to_owned()],
        })
    }
}

/// A path as it was typed.
pub(super) fn display(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The sent events in the typed file.
pub(super) fn sent(
    app: &App,
    args: &CompareArgs,
    question: &CompareQuery,
) -> Result<SideEvents, Error> {
    let path = &args.sent;
    if !path.exists() {
        return Err(Error::Usage(not_sent(app, path)));
    }
    if is_journal(path) {
        let fetched = journal_rows(app, path, &BTreeMap::new())?;
        return Ok(journal::side(&fetched, journal_zone(app, args, &fetched)));
    }
    let reading = read_log(app, path, question.since_millis)?;
    if reading.form() == Some(LogSide::Received) {
        return Err(Error::Usage(format!(
            "{} is a log of arrived events; write a log of sent events before it: a call_tester_events.log or a host's journal",
            path.display()
        )));
    }
    check_known(path, &reading)?;
    Ok(SideEvents::of_log(reading, |reading| {
        std::mem::take(&mut reading.sent)
    }))
}

/// The error about a first argument that is not a file.
fn not_sent(app: &App, path: &Path) -> String {
    let typed = display(path);
    match app.tree.select(std::slice::from_ref(&typed)) {
        Ok(_) => format!(
            "{typed} is an enterprise; the file with the sent events comes first: calltrace compare call_tester_events.log {typed}"
        ),
        Err(_) => format!("{typed}: no such file"),
    }
}

/// The errors of an `app.log`.
pub(super) fn complaints(app: &App, path: &Path) -> Result<Vec<Complaint>, Error> {
    Ok(read_log(app, path, None)?.complaints)
}

fn read_log(app: &App, path: &Path, since_millis: Option<i64>) -> Result<LogContents, Error> {
    let log = ServiceLog {
        path,
        zone: log_zone(app),
        since_millis,
    };
    services::read(&log).map_err(|error| Error::Usage(error.to_string()))
}

/// The zone of the services' logs, which is that of the log tree.
pub(super) fn log_zone(app: &App) -> LogZone {
    app.engine.zone()
}

/// Refuses a file that is not empty and has no record of a known form.
fn check_known(path: &Path, reading: &LogContents) -> Result<(), Error> {
    let has_text = || path.metadata().is_ok_and(|file| file.len() > 0);
    let is_known = reading.form().is_some() || reading.records > 0;
    match is_known || !has_text() {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "{}: it has no record in the form of call_tester_events.log, 0367.log or app.log",
            path.display()
        ))),
    }
}

/// The enterprises of the events: those that have their Tokens in the directory, and the typed one.
pub(super) fn enterprises(
    app: &App,
    given: Option<&EnterpriseName>,
    tokens: &BTreeSet<String>,
) -> Result<Vec<EnterpriseName>, Error> {
    let mut all = BTreeSet::new();
    let mut unknown = tokens.is_empty();
    for token in tokens {
        // Nothing arrived for an enterprise that is in the directory and has no folder here.
        match app.enterprise_of(token) {
            Ok(Some(enterprise)) => {
                all.insert(enterprise);
            }
            Ok(None) => unknown = true,
            Err(error) => {
                app.say_once(&error.to_string());
                unknown = true;
            }
        }
    }
    if let Some(given) = given {
        all.insert(given.clone());
    } else if unknown {
        let known = app.tree.select(&[])?;
        let [only] = known.as_slice() else {
            return Err(Error::Usage(
                "the enterprise of the events is not known; write it after the file, or set postgres.url, so that \
                 Tokens can be looked up"
                    .to_owned(),
            ));
        };
        all.insert(only.clone());
    }
    Ok(all.into_iter().collect())
}

/// Whether a file is a SQLite file or has the name of a journal.
pub(super) fn is_journal(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_called = name.is_some_and(|name| day_of_name(name).is_some());
    let mut begin = [0; SQLITE.len()];
    is_called
        || path.is_file()
            && File::open(path).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok())
            && begin == *SQLITE
}

/// The rows of a journal after the rows that were read before.
pub(super) fn journal_rows(
    app: &App,
    path: &Path,
    after: &BTreeMap<JournalTable, i64>,
) -> Result<Fetched, Error> {
    let limits = FetchLimits {
        rows: ROWS_MAX,
        ..FetchLimits::default()
    };
    // The zone is inferred from the rows afterwards.
    let rows = read_journal(path, after, Some(Zone::UTC), app.now.utc(), &limits);
    let rows = runtime(1)?.block_on(rows);
    rows.map_err(|error| Error::Usage(error.to_string()))
}

/// The zone of a journal's times: the typed one, otherwise inferred from its ids, otherwise the shown zone.
pub(super) fn journal_zone(app: &App, args: &CompareArgs, fetched: &Fetched) -> Zone {
    let zone = args.journal_tz.or_else(|| journal::zone_of(&fetched.rows));
    let zone = zone.unwrap_or(app.clock.shown);
    app.explain(|| format!("times of the journal are read in the zone {}", zone.name()));
    zone
}

fn from_database(
    app: &App,
    tokens: &BTreeSet<String>,
    (from_millis, to_millis): (i64, i64),
) -> Result<SideEvents, Error> {
    let config = &app.settings.directory;
    if config.postgres.url.is_none() {
        return Err(Error::Usage(
            "postgres.url is not set, so there is no database to read; see calltrace-config(5)"
                .to_owned(),
        ));
    }
    let asked = StoredEvents {
        from_millis,
        to_millis,
        tokens: tokens.iter().cloned().collect(),
        limit: ROWS_MAX + 1,
    };
    let times = DirectoryTimes {
        budget: DATABASE_TIME,
        ..DirectoryTimes::default()
    };
    let (directory, warnings) = Directory::open_with(config, times)?;
    warnings.iter().for_each(|warning| app.say(warning));
    let rows = runtime(1)?.block_on(directory.stored_events(&asked));
    let rows = rows.map_err(|error| Error::Directory(error.into()))?;
    let Some(mut rows) = rows else {
        return Err(Error::Usage(
            "the database has no table call_events with event_type, raw_data and a time".to_owned(),
        ));
    };
    let is_cut = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    Ok(database::side(rows, is_cut))
}
