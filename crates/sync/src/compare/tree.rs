//! The received side, read from the logs of enterprises: the Asterisk events in `events.log` and its archives.

use std::collections::BTreeMap;
use std::sync::Arc;

use calltrace_engine::{Engine, FoundLines, LinesQuestion};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Ast, Body, KindName, LogZone, Record, Stamp};
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::{EnterpriseName, Tree};
use rayon::prelude::*;

use super::{CompareReport, SideEvents};

/// Maximum number of events per enterprise; the newest are kept.
const EVENTS_MAX: usize = 1_000_000;

/// A wall clock that is put back repeats an hour, so the time is read with this margin (milliseconds).
const CLOCK_MILLIS: i64 = 3_600_000;

/// The events that arrived at an enterprise.
#[derive(Debug)]
pub struct Arrivals {
    /// The events as one side. Their numbers are offsets until [`number`] turns them into line numbers.
    pub side: SideEvents,
    /// The files that could not be read.
    pub troubles: Vec<Trouble>,
}

/// Reads the events of some types (empty for all) that arrived within a time (milliseconds since 1970 UTC, both ends
/// inclusive).
///
/// # Errors
/// When the enterprise's folder can't be listed.
pub fn read(
    engine: &Engine,
    tree: &Tree,
    enterprise: &EnterpriseName,
    (from, to): (i64, i64),
    events: &[String],
) -> Result<Arrivals, Error> {
    let stamp =
        |millis: i64, wider: i64| engine.zone().stamp_of_millis(millis.saturating_add(wider));
    let question = LinesQuestion {
        filter: RecordFilter {
            kinds: vec![KindName::Ast],
            events: events.to_vec(),
            since: stamp(from, -CLOCK_MILLIS),
            until: stamp(to, CLOCK_MILLIS),
            ..RecordFilter::default()
        },
        limit: Some(EVENTS_MAX),
        ..LinesQuestion::default()
    };
    let found = engine.lines(tree, enterprise, &question)?;
    let zone = engine.zone();
    let sources = sources(&found);
    let mut sightings: Vec<Sighting> = engine.pool().install(|| {
        let lines = found.lines.par_iter();
        let seen = lines.filter_map(|entry| {
            let line = &entry.line;
            let seen_at = SeenAt {
                source: Arc::clone(sources.get(line.place.source as usize)?),
                number: line.place.offset,
            };
            sighting(&line.text, line.at, zone, seen_at)
        });
        seen.filter(|seen| (from..=to).contains(&seen.at_millis))
            .collect()
    });
    share_names(&mut sightings);
    let mut side = SideEvents {
        sightings,
        ..SideEvents::default()
    };
    if found.is_cut {
        side.incomplete.push(format!(
            "{enterprise} has more than 1,000,000 events in that time; the older ones were not read"
        ));
    }
    Ok(Arrivals {
        side,
        troubles: found.troubles,
    })
}

/// The event of a line; `None` for any other line.
pub fn sighting(text: &[u8], at: Stamp, zone: LogZone, seen_at: SeenAt) -> Option<Sighting> {
    let Body::Ast(Ast { event, json, .. }) = Record::parse(text).body else {
        return None;
    };
    Some(Sighting {
        at_millis: zone.moment(at).timestamp_millis(),
        waited_millis: 0,
        event: String::from_utf8_lossy(event).into(),
        body: EventBody::parse(&String::from_utf8_lossy(json)),
        delivery: Delivery::Accepted,
        seen_at,
    })
}

/// The displayed names of files, by the index in a record's place.
fn sources(found: &FoundLines) -> Vec<Arc<str>> {
    let files = found.files.iter();
    files.map(|file| source(&found.enterprise, file)).collect()
}

/// The displayed name of an enterprise's file.
pub fn source(enterprise: &EnterpriseName, file: &str) -> Arc<str> {
    format!("{enterprise}/{file}").into()
}

/// Lets events of one type share its name.
fn share_names(sightings: &mut [Sighting]) {
    let mut names: BTreeMap<Arc<str>, ()> = BTreeMap::new();
    for one in sightings {
        match names.get_key_value(&one.event) {
            Some((name, ())) => one.event = Arc::clone(name),
            None => {
                names.insert(Arc::clone(&one.event), ());
            }
        }
    }
}

/// Replaces the offsets in a report with line numbers; 0 for a file that no longer exists. Places outside these
/// enterprises stay as they are.
pub fn number(
    engine: &Engine,
    tree: &Tree,
    enterprises: &[EnterpriseName],
    report: &mut CompareReport,
) {
    let mut places: Vec<&mut SeenAt> = Vec::new();
    let findings = report.findings.iter_mut();
    let received = findings.filter_map(|finding| finding.received.as_mut());
    let received = received
        .chain(&mut report.unsent)
        .chain(&mut report.last_received);
    places.extend(received.map(|seen| &mut seen.seen_at));
    for enterprise in enterprises {
        let prefix = format!("{enterprise}/");
        let mut own: Vec<&mut SeenAt> = Vec::new();
        let mut asked = Vec::new();
        for place in &mut places {
            if let Some(file) = place.source.strip_prefix(prefix.as_str()) {
                asked.push((file.to_owned(), place.number));
                own.push(place);
            }
        }
        let numbers = engine.line_numbers(tree, enterprise, &asked);
        let numbers = numbers.unwrap_or_else(|_| vec![None; asked.len()]);
        for (place, number) in own.into_iter().zip(numbers) {
            place.number = number.unwrap_or(0);
        }
    }
}
