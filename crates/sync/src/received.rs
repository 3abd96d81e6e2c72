//! What arrived, as the logs of an enterprise tell it.

use std::sync::Arc;

use calltrace_engine::{Engine, LinesQuestion};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Body, KindName, Record, Stamp, text};
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::{EnterpriseName, Tree};
use chrono::DateTime;

/// The events of a stretch of time that stand in the logs of an enterprise.
#[derive(Debug)]
pub struct Received {
    /// The events, oldest first; recovered ones among them.
    pub sightings: Vec<Sighting>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
}

/// Reads the events that arrived between two moments (milliseconds since 1970 UTC), both inclusive. A place is
/// the name of a file and the byte at which the line begins.
///
/// # Errors
/// When the enterprise's folder can't be listed.
pub fn received(
    engine: &Engine,
    tree: &Tree,
    enterprise: &EnterpriseName,
    (from, to): (i64, i64),
) -> Result<Received, Error> {
    let zone = engine.zone();
    let stamp = |millis: i64| {
        let moment = DateTime::from_timestamp_millis(millis).unwrap_or_default();
        zone.stamp(moment)
    };
    let question = LinesQuestion {
        filter: RecordFilter {
            kinds: vec![KindName::Ast],
            since: Some(stamp(from)),
            until: Some(stamp(to.saturating_add(1))),
            ..RecordFilter::default()
        },
        ..LinesQuestion::default()
    };
    let found = engine.lines(tree, enterprise, &question)?;
    let files: Vec<Arc<str>> = found
        .files
        .iter()
        .map(|name| name.as_str().into())
        .collect();
    let millis = |at: Stamp| zone.moment(at).timestamp_millis();
    let mut events = Words::default();
    let sightings = (found.lines.iter())
        .filter_map(|found| {
            let line = &found.line;
            let Body::Ast(event) = Record::parse(&line.text).body else {
                return None;
            };
            Some(Sighting {
                at_millis: millis(line.at),
                waited_millis: 0,
                event: events.shared(&text(event.event)),
                body: EventBody::parse(&String::from_utf8_lossy(event.json)),
                delivery: Delivery::Accepted,
                seen_at: SeenAt {
                    source: files.get(line.place.source as usize)?.clone(),
                    number: line.place.offset,
                },
            })
        })
        .collect();
    Ok(Received {
        sightings,
        troubles: found.troubles,
    })
}

/// Words that occur often, each kept once.
#[derive(Default)]
struct Words(std::collections::HashSet<Arc<str>>);

impl Words {
    fn shared(&mut self, word: &str) -> Arc<str> {
        match self.0.get(word) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = word.into();
                self.0.insert(Arc::clone(&new));
                new
            }
        }
    }
}
