//! Writes rows into the tables.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use futures_util::future::join3;

use super::row::{HangupRow, HostEvent};
use super::tables::{CALLS, Statements};
use super::{CallDatabase, DOWNLOADED, HostOrigin};
use calltrace_directory::SourceError;
use calltrace_directory::database::{Session, ToSql, text};
use calltrace_model::record::Zone;

/// Rows per transaction.
const BATCH_ROWS: usize = 500;

/// Maximum number of unwritten rows that are named.
const NAMED_MAX: usize = 20;

/// Without this lock two concurrent runs would add two rows for a host to a `download_sync` without a unique
/// constraint.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('calltrace'), hashtext($1::text))::text";

/// The outcome of copying a host's hangups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyOutcome {
    /// Calls with a hangup, each once.
    pub processed: u64,
    /// The part of them that was not in the database before.
    pub new: u64,
    /// Hangups that could not be written.
    pub errors: u64,
    /// The first 20 hangups that could not be written.
    pub named: Vec<RowError>,
    /// Why the rest was not tried.
    pub failure: Option<SourceError>,
}

/// A hangup that could not be written. It holds nothing of the hangup's body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct RowError {
    /// The place of the hangup.
    pub place: String,
    /// The error.
    pub why: String,
}

/// The result of a run, for `download_sync`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunNote<'n> {
    /// Calls that were added.
    pub new: u64,
    /// Hangups that could not be written.
    pub errors: u64,
    /// Why the whole run failed; `None` if it succeeded.
    pub failure: Option<&'n str>,
    /// The message to store; an empty one is not stored.
    pub message: Option<&'n str>,
}

impl CopyOutcome {
    fn refuse(&mut self, place: String, why: String) {
        self.errors += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(RowError { place, why });
        }
    }
}

impl CallDatabase {
    /// Writes the calls that have a hangup in `sent`, in the given order. The other events of `sent` give the
    /// participants. It never fails as a whole: the outcome names what was not written. Rows are written in
    /// transactions of 500; a transaction that is open when the future is dropped is rolled back.
    pub async fn copy(&self, origin: HostOrigin<'_>, sent: &[HostEvent]) -> CopyOutcome {
        let (rows, without) = HangupRow::of_each(sent);
        let mut copied = CopyOutcome {
            processed: rows.len() as u64,
            ..CopyOutcome::default()
        };
        for (place, why) in without {
            copied.refuse(place, why.to_string());
        }
        if rows.is_empty() {
            return copied;
        }
        if let Err(failure) = self.write(origin, &rows, &mut copied).await {
            copied.failure = Some(failure);
        }
        copied
    }

    async fn write(
        &self,
        origin: HostOrigin<'_>,
        rows: &[HangupRow],
        copied: &mut CopyOutcome,
    ) -> Result<(), SourceError> {
        let session = self.database.session().await?;
        let statements = Statements::of(&session).await?;
        session.prepare(&statements.insert).await?;
        for batch in rows.chunks(BATCH_ROWS) {
            let ids: Vec<&str> = batch.iter().map(|row| row.unique_id.as_str()).collect();
            let known = session.rows(&statements.known, &[&ids]).await?;
            let known = known.iter().map(|row| text(row, 0));
            let known = known.collect::<Result<HashSet<Option<String>>, SourceError>>()?;
            let is_fresh = |row: &&HangupRow| !known.contains(&Some(row.unique_id.clone()));
            let fresh: Vec<&HangupRow> = batch.iter().filter(is_fresh).collect();
            if !fresh.is_empty() {
                self.write_batch(&session, &statements, origin, &fresh, copied)
                    .await?;
            }
        }
        session.give_back();
        Ok(())
    }

    /// Writes a batch in one transaction. Its rows are counted only after the commit.
    async fn write_batch(
        &self,
        session: &Session,
        statements: &Statements,
        origin: HostOrigin<'_>,
        rows: &[&HangupRow],
        copied: &mut CopyOutcome,
    ) -> Result<(), SourceError> {
        session.run("BEGIN").await?;
        let mut new = 0;
        for row in rows {
            let values = self.values(origin, row);
            let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(22);
            parameters.extend(
                values
                    .calls
                    .iter()
                    .map(|value| value as &(dyn ToSql + Sync)),
            );
            parameters.push(&row.extensions);
            parameters.extend(
                values
                    .others
                    .iter()
                    .map(|value| value as &(dyn ToSql + Sync)),
            );
            // The rows are sent one after another without waiting, so a row costs one round trip.
            let (begun, written, released) = join3(
                session.run("SAVEPOINT one"),
                session.rows(&statements.insert, &parameters),
                session.run("RELEASE SAVEPOINT one"),
            )
            .await;
            begun?;
            match written {
                Ok(added) => {
                    released?;
                    let added = added.first().map(|row| text(row, 0)).transpose()?.flatten();
                    new += u64::from(added.as_deref() == Some("1"));
                }
                Err(SourceError::Unfit(why)) => {
                    session.run("ROLLBACK TO SAVEPOINT one").await?;
                    copied.refuse(row.place.clone(), why);
                }
                Err(failure) => return Err(failure),
            }
        }
        session.run("COMMIT").await?;
        copied.new += new;
        Ok(())
    }

    fn values(&self, origin: HostOrigin<'_>, row: &HangupRow) -> RowValues {
        let text = |value: &str| Some(value.to_owned());
        let time = |value: Option<NaiveDateTime>| Some(time_text(value?, origin.zone));
        let calls = CALLS.map(|column| match column {
            "unique_id" => text(&row.unique_id),
            "enterprise_id" => text(origin.enterprise),
            "asterisk_host" => text(origin.host),
            "data_source" => text(DOWNLOADED),
            "token" => row.token.clone(),
            "phone_number" => row.phone.clone(),
            "trunk" => row.trunk.clone(),
            "main_extension" => row.extensions.first().cloned(),
            "extensions_count" => Some(row.extensions.len().to_string()),
            "call_type" => row.type_in(self.notation).map(str::to_owned),
            "call_status" => row.status_in(self.notation).map(str::to_owned),
            "timestamp" => time(row.received),
            "start_time" => time(row.started),
            "end_time" => time(row.ended),
            "duration" => row.seconds().map(|seconds| seconds.to_string()),
            "received_timestamp" => time(row.written),
            "raw_data" => Some(row.body.clone()),
            "extra_data" => None,
            other => unreachable!("{other} is not a column of CALLS"),
        });
        let status = match row.is_answered() {
            true => "answered",
            false => "no_answer",
        };
        RowValues {
            calls,
            others: [text(status), time(row.received), time(row.ended)],
        }
    }

    /// Stores the result of a run in `download_sync`, at the time `now`. Numbers are added to those of earlier runs.
    /// Without such a table it does nothing.
    ///
    /// # Errors
    /// When the database does not answer or refuses the row.
    pub async fn note(
        &self,
        origin: HostOrigin<'_>,
        note: RunNote<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), SourceError> {
        let session = self.database.session().await?;
        let Some(state) = Statements::of(&session).await?.state else {
            session.give_back();
            return Ok(());
        };
        let now = Some(time_text(now.naive_utc(), Zone::UTC));
        let is_well = note.failure.is_none();
        let (well, failed) = match is_well {
            true => (now.clone(), None),
            false => (None, now.clone()),
        };
        let message = note
            .failure
            .or(note.message)
            .map(|text| text.replace('\0', "\u{fffd}"));
        let (new, errors) = (Some(note.new.to_string()), Some(note.errors.to_string()));
        session.run("BEGIN").await?;
        session.rows(LOCK, &[&origin.enterprise]).await?;
        let (enterprise, host) = (&origin.enterprise, &origin.host);
        session.rows(&state.begin, &[enterprise, host]).await?;
        let values: [&(dyn ToSql + Sync); 8] = [
            enterprise, host, &now, &well, &failed, &new, &errors, &message,
        ];
        session.rows(&state.update, &values).await?;
        session.run("COMMIT").await?;
        session.give_back();
        Ok(())
    }
}

/// The parameters of a row.
struct RowValues {
    calls: [Option<String>; CALLS.len()],
    /// Status, begin and end of the participants.
    others: [Option<String>; 3],
}

/// A time with its offset from UTC, which a column without a zone ignores. A time that the zone's clocks skipped has
/// no offset.
fn time_text(local: NaiveDateTime, zone: Zone) -> String {
    match zone.from_local_datetime(&local).earliest() {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S%.f%:z").to_string(),
        None => local.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
    }
}
