//! Reads rows of journals, from a host over ssh or from a local file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calltrace_model::record::{Zone, text};
use calltrace_model::sanitise::sanitise;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use tokio::process::Command;

use super::error::{HostError, HostErrorKind};
use super::host::Host;
use super::journal::{
    JournalDays, JournalQuery, JournalRow, JournalState, JournalTable, OutputReader, ScriptRefusal,
    day_of_name, name_of_day, script,
};
use super::process::{OutputBounds, ProcessRun, RunEnd, run};
use super::ssh;

/// Limits on the time and the size of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// Time until the connection is made, the login is done and the host has sent its time.
    pub connect: Duration,
    /// Time until the whole answer is here.
    pub overall: Duration,
    /// How long a locked journal is waited for.
    pub lock_wait: Duration,
    /// Maximum number of rows per fetch.
    pub rows: usize,
    /// Maximum size of everything that a host prints (bytes).
    pub bytes: u64,
    /// Maximum length of a line (bytes). A row takes about twice the length of its values.
    pub line_bytes: usize,
    /// The program that answers ssh's question for a password, as [`crate::askpass`] does; `None` for this program.
    pub askpass: Option<PathBuf>,
}

impl Default for FetchLimits {
    /// 10 s to connect, 2 minutes in all, 5 s for a lock; 300,000 rows, 512 MiB, 4 MiB per line.
    fn default() -> FetchLimits {
        FetchLimits {
            connect: Duration::from_secs(10),
            overall: Duration::from_secs(120),
            lock_wait: Duration::from_secs(5),
            rows: 300_000,
            bytes: 512 << 20,
            line_bytes: 4 << 20,
            askpass: None,
        }
    }
}

/// The answer of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Rows, by journal, table and id.
    pub rows: Vec<JournalRow>,
    /// The journals that were read, in the order of days, and what may be missing in each.
    pub journals: Vec<JournalState>,
    /// Why the answer is cut off. Earlier rows are there, and their journals are marked.
    pub broken_off: Option<HostError>,
    /// The host's clock minus the caller's, in milliseconds; negative if it is behind. A slow connection makes it too
    /// small by its delay.
    pub skew_millis: i64,
    /// The offset of the host's local time from UTC.
    pub utc_offset: FixedOffset,
    /// The host's own date.
    pub date: NaiveDate,
    /// The zone of the times in its journals: that of the settings, otherwise the offset that the host has now.
    pub zone: Zone,
}

impl Fetched {
    /// Whether all requested rows are here.
    pub fn is_complete(&self) -> bool {
        self.broken_off.is_none() && self.journals.iter().all(JournalState::is_complete)
    }
}

/// Asks a host for rows of its journals, over ssh. `now` is the caller's clock at the time of the call. When the
/// future is dropped, its ssh is killed.
///
/// # Errors
/// When the host cannot be asked, has no journal of these days, or did not start to answer. An answer that is cut off
/// later is a [`Fetched::broken_off`], and an error in one journal is part of its state.
pub async fn fetch(
    host: &Host,
    wanted: &JournalQuery,
    now: DateTime<Utc>,
    limits: &FetchLimits,
) -> Result<Fetched, HostError> {
    let command = ssh::command(host, limits.connect, limits.askpass.as_deref())?;
    let ask = FetchRequest {
        subject: &ssh::subject(host),
        folder: host.journals.as_str(),
        zone: host.timezone,
        wanted,
        now,
        limits,
    };
    let (error, run) = match ask.answer(command).await {
        Ok(fetched) => return Ok(fetched),
        Err(refused) => refused,
    };
    // ssh itself ended, before the script began.
    let of_ssh =
        run.filter(|run| matches!(run.ended, RunEnd::Exited(status) if status.code() == Some(255)));
    let Some(run) = of_ssh else { return Err(error) };
    let error = ssh::explain(host, &run.complaints);
    match error.kind {
        HostErrorKind::HostKeyUnknown { .. } => {
            Err(ssh::name_fingerprints(host, limits.connect).await)
        }
        _ => Err(error),
    }
}

/// Reads the rows after the ids in `after` from a journal that is a local file. `zone` is that of the host that wrote
/// it; `None` is the offset that this machine has now.
///
/// # Errors
/// When its name is not that of a journal, the file is missing, or there is no sqlite3.
pub async fn read_journal(
    path: &Path,
    after: &BTreeMap<JournalTable, i64>,
    zone: Option<Zone>,
    now: DateTime<Utc>,
    limits: &FetchLimits,
) -> Result<Fetched, HostError> {
    let subject = sanitise(path.to_string_lossy().as_bytes()).into_owned();
    let wrong = |kind, what: &str| HostError::new(kind, &subject, what);
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(day) = name.and_then(day_of_name) else {
        let what = "a journal is named like Listen_AMI_2025-12-02.db, by the day that it is of";
        return Err(wrong(HostErrorKind::NoJournal, what));
    };
    let absolute = std::path::absolute(path).ok();
    let folder = absolute
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::to_str);
    let Some(folder) = folder.filter(|folder| !folder.contains('\0')) else {
        return Err(wrong(
            HostErrorKind::NoFolder,
            "its folder is not named in UTF-8",
        ));
    };
    let wanted = JournalQuery {
        days: JournalDays::Range(day, day),
        after: after
            .iter()
            .map(|(table, id)| ((day, *table), *id))
            .collect(),
    };
    let ask = FetchRequest {
        subject: &subject,
        folder,
        zone,
        wanted: &wanted,
        now,
        limits,
    };
    ask.answer(Command::new("sh"))
        .await
        .map_err(|(error, _)| error)
}

/// One request, to a host or to a local shell.
struct FetchRequest<'a> {
    subject: &'a str,
    folder: &'a str,
    zone: Option<Zone>,
    wanted: &'a JournalQuery,
    now: DateTime<Utc>,
    limits: &'a FetchLimits,
}

impl FetchRequest<'_> {
    /// Runs `command` and reads its answer. An error comes with the process run, if there was one.
    async fn answer(&self, command: Command) -> Result<Fetched, (HostError, Option<ProcessRun>)> {
        let limits = self.limits;
        let script = script(self.folder, self.wanted, limits.lock_wait);
        let mut reader = OutputReader::new(limits.rows);
        let bounds = OutputBounds {
            // One second more than ssh has, because ssh gives the better reason.
            first_line: limits.connect + Duration::from_secs(1),
            end: limits.overall,
            bytes: limits.bytes,
            line_bytes: limits.line_bytes,
        };
        let program = command
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned();
        let run = run(command, &script, &mut reader, &self.wanted.after, bounds).await;
        let run = run.map_err(|error| {
            let what = format!("{program} can't be started: {error}; is it installed?");
            (self.wrong(HostErrorKind::Local, what), None)
        })?;
        match self.fetched(reader, &run) {
            Ok(fetched) => Ok(fetched),
            Err(error) => Err((error, Some(run))),
        }
    }

    fn fetched(&self, mut reader: OutputReader, run: &ProcessRun) -> Result<Fetched, HostError> {
        let (Some(clock), Some(first_line)) = (reader.clock, run.first_line) else {
            return Err(self.without_answer(run));
        };
        if let Some(refusal) = reader.refusal {
            return Err(self.refused(refusal));
        }
        reader.close();
        let broken_off = match reader.is_full() {
            true => None,
            false => Some(self.broken_off(run)),
        };
        if reader.journals.is_empty() {
            return Err(broken_off.unwrap_or_else(|| self.no_journal(&reader.listed)));
        }
        if self.wanted.days == JournalDays::Recent && !reader.listed.contains(&clock.date) {
            reader.journals.push(JournalState::missing(clock.date));
        }
        let here =
            self.now.timestamp_millis() + i64::try_from(first_line.as_millis()).unwrap_or_default();
        let offset = Zone::fixed(clock.offset.local_minus_utc()).unwrap_or(Zone::UTC);
        Ok(Fetched {
            rows: reader.rows,
            journals: reader.journals,
            broken_off,
            skew_millis: clock.millis.saturating_sub(here),
            utc_offset: clock.offset,
            date: clock.date,
            zone: self.zone.unwrap_or(offset),
        })
    }

    fn refused(&self, refusal: ScriptRefusal) -> HostError {
        let folder = sanitise(self.folder.as_bytes());
        match refusal {
            ScriptRefusal::NoSqlite => {
                let what = "there is no sqlite3, which reads the journals; install it there (package sqlite3)";
                self.wrong(HostErrorKind::NoSqlite, what)
            }
            ScriptRefusal::NoFolder => {
                let what = format!(
                    "there is no folder {folder}, or the user may not enter it; check journals in the settings"
                );
                self.wrong(HostErrorKind::NoFolder, what)
            }
            ScriptRefusal::ClosedFolder => {
                let what = format!("the user may not list the folder {folder}");
                self.wrong(HostErrorKind::NoFolder, what)
            }
        }
    }

    fn no_journal(&self, listed: &[NaiveDate]) -> HostError {
        let of = match self.wanted.days {
            JournalDays::Recent => "of today or yesterday".to_owned(),
            JournalDays::Range(from, to) if from == to => format!("of {from}"),
            JournalDays::Range(from, to) => format!("from {from} to {to}"),
        };
        let has = match (listed.iter().min(), listed.iter().max()) {
            (Some(first), Some(last)) => format!("there are some from {first} to {last}"),
            _ => format!(
                "there is none at all; they are named like {}",
                name_of_day(self.now.date_naive())
            ),
        };
        let what = format!(
            "there is no journal {of} in {}; {has}",
            sanitise(self.folder.as_bytes())
        );
        self.wrong(HostErrorKind::NoJournal, what)
    }

    /// The error when the first line of the script is missing.
    fn without_answer(&self, run: &ProcessRun) -> HostError {
        let limit = self.limits.connect.as_secs();
        match run.ended {
            RunEnd::TimedOut => {
                let what = format!(
                    "no answer within {limit} s: either no connection, or a login that does not end"
                );
                self.wrong(HostErrorKind::TimedOut, what)
            }
            RunEnd::Stopped | RunEnd::TooMuch => {
                let what =
                    "what it prints at a login is endless; a shell that runs sh was expected";
                self.wrong(HostErrorKind::Broken, what)
            }
            RunEnd::Exited(_) => {
                let complaint = last_line(&run.complaints);
                let what = format!(
                    "it ended before it answered{complaint}; a shell that runs sh was expected"
                );
                self.wrong(HostErrorKind::Broken, what)
            }
        }
    }

    /// The error when the end of the output is missing.
    fn broken_off(&self, run: &ProcessRun) -> HostError {
        let limit = self.limits.overall.as_secs();
        match run.ended {
            RunEnd::TimedOut => {
                let what = format!(
                    "the answer was not complete within {limit} s; what came until then was taken"
                );
                self.wrong(HostErrorKind::TimedOut, what)
            }
            RunEnd::TooMuch => {
                let what = format!(
                    "it printed more than {} bytes; what came until then was taken",
                    self.limits.bytes
                );
                self.wrong(HostErrorKind::Broken, what)
            }
            RunEnd::Stopped | RunEnd::Exited(_) => {
                let complaint = last_line(&run.complaints);
                let what =
                    format!("the answer was cut off{complaint}; what came until then was taken");
                self.wrong(HostErrorKind::Broken, what)
            }
        }
    }

    fn wrong(&self, kind: HostErrorKind, what: impl Into<String>) -> HostError {
        HostError::new(kind, self.subject, what)
    }
}

/// The last line of the complaints in parentheses, after a space; empty if there is none.
fn last_line(complaints: &[u8]) -> String {
    let complaints = text(complaints);
    let last = complaints
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    let short = |line: &str| line.trim().chars().take(200).collect::<String>();
    last.map_or_else(String::new, |line| {
        format!(" ({})", sanitise(short(line).as_bytes()))
    })
}
