//! A run for one host: it fetches the journals, compares them with the logs of the enterprise, and adds the missing
//! events.

use std::collections::BTreeMap;

use calltrace_hosts::journal::{
    JournalDays, JournalQuery, JournalRow, JournalTable, JournalTrouble,
};
use calltrace_hosts::{Fetched, Host, fetch};
use calltrace_model::sighting::Sighting;
use calltrace_store::error::{Error, Trouble};
use calltrace_upkeep::recovered::{AddError, MissingLine, add};
use chrono::{NaiveTime, TimeDelta};
use rayon::prelude::*;

use crate::compare::tree::{Arrivals, read};
use crate::context::{PATIENCE, SyncContext};
use crate::judge::{CLOCK_ERROR_MAX, Cause, Judgement, SentEvents, judge};
use crate::marks::Marks;
use crate::outcome::{HostFailure, HostOutcome};
use crate::records::{HostEvent, HostOrigin, RunNote};
use crate::recovered::{Provenance, line};

/// The options of a run for one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncQuery {
    /// The days of the journals. [`JournalDays::Recent`] starts where the last run had settled everything; a range is
    /// read from the beginning.
    pub days: JournalDays,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// Asks one host and adds the missing events to the logs of its enterprise. Errors are part of the outcome.
pub async fn sync_host(site: &SyncContext, host: &Host, question: SyncQuery) -> HostOutcome {
    let mut outcome = HostOutcome::of(&host.enterprise, host.name.as_str());
    let marks = match question.days {
        JournalDays::Recent => Marks::load(&site.tree, &host.enterprise, &host.name),
        JournalDays::Range(..) => Marks::default(),
    };
    let wanted = JournalQuery {
        days: question.days,
        after: marks.after(),
    };
    match fetch(host, &wanted, site.now.utc(), &site.limits).await {
        Err(error) => {
            outcome.failure = Some(HostFailure {
                kind: error.kind.word(),
                text: error.to_string(),
            });
            outcome
        }
        Ok(fetched) => {
            if !question.dry_run {
                copy(site, host, &fetched, &mut outcome).await;
            }
            let (site, host) = (site.clone(), host.clone());
            let work = move || HostRun::new(&site, &host, question, fetched).settle(outcome);
            let done = tokio::task::spawn_blocking(work).await;
            done.expect("it does not panic, and is not cancelled")
        }
    }
}

/// Copies the calls of a host to the database, if there is one.
async fn copy(site: &SyncContext, host: &Host, fetched: &Fetched, outcome: &mut HostOutcome) {
    let Some(records) = &site.records else { return };
    let origin = HostOrigin {
        enterprise: host.enterprise.as_str(),
        host: host.address.as_str(),
        zone: fetched.zone,
    };
    let events: Vec<HostEvent> = fetched.rows.iter().map(HostEvent::from).collect();
    let copied = records.copy(origin, &events).await;
    outcome.copied = Some(copied.new);
    let named = copied.named.iter().map(ToString::to_string);
    outcome.troubles.extend(named);
    let failure = copied.failure.map(|error| error.to_string());
    let note = RunNote {
        new: copied.new,
        errors: copied.errors,
        failure: failure.as_deref(),
        message: None,
    };
    let noted = records.note(origin, note, site.now.utc()).await;
    let failure = failure.or_else(|| Some(noted.err()?.to_string()));
    outcome.failure = failure.map(|text| HostFailure {
        kind: "database",
        text,
    });
}

/// Before this time of its day a host may have sent no event yet.
const EARLY: NaiveTime = NaiveTime::from_hms_opt(1, 0, 0).expect("a time");

/// The events of one host, being compared and recovered.
struct HostRun<'a> {
    site: &'a SyncContext,
    host: &'a Host,
    question: SyncQuery,
    fetched: Fetched,
    sent: SentEvents,
}

/// The comparison with the logs.
struct Verdict {
    judgement: Judgement,
    troubles: Vec<Trouble>,
}

impl<'a> HostRun<'a> {
    fn new(
        site: &'a SyncContext,
        host: &'a Host,
        question: SyncQuery,
        fetched: Fetched,
    ) -> HostRun<'a> {
        let (zone, skew) = (fetched.zone, fetched.skew_millis);
        let of = |table: JournalTable| -> Vec<(usize, Sighting)> {
            let rows = fetched.rows.par_iter().enumerate();
            let seen = rows.filter(|(_, row)| row.table == table);
            let seen = seen.filter_map(|(place, row)| {
                let mut sighting = row.sighting(zone)?;
                // Converted to our clock, as far as the difference is known.
                sighting.at_millis -= skew;
                Some((place, sighting))
            });
            site.engine.pool().install(|| seen.collect())
        };
        let (webhook, crm) = (of(JournalTable::Webhook), of(JournalTable::Crm));
        HostRun {
            site,
            host,
            question,
            sent: SentEvents::join(webhook, crm),
            fetched,
        }
    }

    fn settle(self, mut outcome: HostOutcome) -> HostOutcome {
        let fetched = &self.fetched;
        outcome.processed = self.sent.sightings.len();
        outcome.skew_millis = Some(fetched.skew_millis);
        for journal in &fetched.journals {
            let name = journal.name();
            let troubles = journal.troubles.iter();
            let troubles = troubles.filter(|trouble| !self.is_too_early(trouble));
            (outcome.troubles).extend(troubles.map(|trouble| format!("{name} {trouble}")));
        }
        if let Some(error) = &fetched.broken_off {
            // A failed copy goes first: until it is made up for, no mark may move on.
            outcome.failure.get_or_insert(HostFailure {
                kind: error.kind.word(),
                text: error.to_string(),
            });
        }
        if let Err(error) = self.settle_events(&mut outcome) {
            outcome.failure = Some(HostFailure {
                kind: "logs",
                text: error.to_string(),
            });
        }
        outcome
    }

    /// Whether the missing journal is that of a day that has just begun on the host.
    fn is_too_early(&self, trouble: &JournalTrouble) -> bool {
        let fetched = &self.fetched;
        let there = self.site.now.utc() + TimeDelta::milliseconds(fetched.skew_millis);
        let time = there.with_timezone(&fetched.utc_offset).time();
        *trouble == JournalTrouble::Missing && time < EARLY
    }

    fn settle_events(&self, outcome: &mut HostOutcome) -> Result<(), Error> {
        // Usually all events arrived, and reading exactly the time of sending is enough.
        let mut verdict = self.ask(0)?;
        if !verdict.judgement.missing.is_empty() {
            verdict = match self.question.dry_run {
                true => self.ask(CLOCK_ERROR_MAX)?,
                false => self.recover(outcome)?,
            };
        }
        self.note(&verdict, outcome);
        let is_noted = self.question.days == JournalDays::Recent && !self.question.dry_run;
        let is_copied = (outcome.failure.as_ref()).is_none_or(|failure| failure.kind != "database");
        if is_noted && is_copied && verdict.judgement.hidden == 0 {
            let now = self.site.now.utc().timestamp_millis();
            Marks::settled(&self.fetched, now).save(self.site, self.host)?;
        }
        Ok(())
    }

    /// Compares with the logs of the time in which the events were sent, extended by `around` on both sides
    /// (milliseconds).
    fn ask(&self, around: i64) -> Result<Verdict, Error> {
        let site = self.site;
        let Some((from, to)) = self.sent.reach() else {
            return Ok(Verdict {
                judgement: Judgement::default(),
                troubles: Vec::new(),
            });
        };
        let time = (from.saturating_sub(around), to.saturating_add(around));
        let enterprise = &self.host.enterprise;
        let Arrivals { side, troubles } = read(&site.engine, &site.tree, enterprise, time, &[])?;
        // An event that was not read would count as missing and be written twice.
        if let Some(why) = side.incomplete.first() {
            return Err(Error::Usage(format!(
                "{why}; ask for fewer days with --since and --until"
            )));
        }
        let (zone, now) = (site.engine.zone(), site.now.utc().timestamp_millis());
        let judgement = judge(&self.sent, &side.sightings, &troubles, zone, now);
        Ok(Verdict {
            judgement,
            troubles,
        })
    }

    /// Compares again under the lock and adds the missing events.
    fn recover(&self, outcome: &mut HostOutcome) -> Result<Verdict, Error> {
        let mut verdict = None;
        let mut errors = 0;
        let missing = || -> Result<Vec<MissingLine>, Error> {
            let asked = self.ask(CLOCK_ERROR_MAX)?;
            let places = asked.judgement.missing.iter();
            let lines: Vec<Option<MissingLine>> = places
                .map(|&place| self.line(place, asked.judgement.lag))
                .collect();
            errors = lines.iter().filter(|line| line.is_none()).count();
            verdict = Some(asked);
            Ok(lines.into_iter().flatten().collect())
        };
        let (site, enterprise) = (self.site, &self.host.enterprise);
        let added = add(&site.tree, enterprise, &*site.ops, PATIENCE, missing);
        outcome.errors = errors;
        let error = match added {
            Ok(added) => {
                outcome.recovered = added.lines;
                None
            }
            Err(AddError::Unknown(error)) => Some(error),
            Err(AddError::Unwritten { added, error }) => {
                outcome.recovered = added.lines;
                Some(error)
            }
        };
        if let Some(error) = error {
            if let Some(verdict) = &verdict {
                self.note(verdict, outcome);
            }
            return Err(error);
        }
        Ok(verdict.expect("what is missing was asked for"))
    }

    /// The line of a missing event; `None` if it makes none.
    fn line(&self, place: usize, lag: i64) -> Option<MissingLine> {
        let row = self.row(place);
        let from = format!("{}/{}", self.host.name, row.table.name());
        let of = Provenance {
            from: &from,
            row: row.id,
            status: self.sent.causes[place].word(),
        };
        // The time at which it would have arrived, with the median lag of this host.
        let at_millis = self.sent.sightings[place].at_millis.saturating_add(lag);
        let zone = self.site.engine.zone();
        let made = line(at_millis, &row.event, &row.request, &of, zone).ok()?;
        let at = calltrace_model::record::Stamp::parse_prefix(made.bytes())?.naive()?;
        let text = made.bytes().trim_ascii_end().to_vec();
        Some(MissingLine { at, line: text })
    }

    fn row(&self, place: usize) -> &JournalRow {
        &self.fetched.rows[self.sent.rows[place]]
    }

    fn note(&self, verdict: &Verdict, outcome: &mut HostOutcome) {
        let judgement = &verdict.judgement;
        outcome.arrived = judgement.arrived;
        outcome.misdated = judgement.misdated;
        outcome.pending = judgement.pending;
        outcome.hidden = judgement.hidden;
        let causes = judgement
            .missing
            .iter()
            .map(|&place| self.sent.causes[place]);
        let mut missing: BTreeMap<Cause, usize> = BTreeMap::new();
        for cause in causes {
            *missing.entry(cause).or_default() += 1;
        }
        outcome.missing = missing;
        if judgement.hidden > 0 {
            let mattering = verdict.troubles.iter().filter(|trouble| trouble.matters);
            outcome.troubles.extend(mattering.map(Trouble::to_string));
        }
    }
}
