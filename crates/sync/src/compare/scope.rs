//! Selects the events that a query is about.

use std::collections::HashSet;

use calltrace_model::sighting::{EventBody, Sighting};

use super::CompareQuery;

/// The filter of a query, made when both sides are known.
#[derive(Debug)]
pub struct EventFilter<'q> {
    question: &'q CompareQuery,
    /// The ids of the call that is asked for.
    ids: Option<HashSet<String>>,
}

impl<'q> EventFilter<'q> {
    /// Makes the filter of a query. The events of both sides show which legs and bridges the call has.
    pub fn of(question: &'q CompareQuery, sides: &[&[Sighting]]) -> EventFilter<'q> {
        let ids = question.id.as_ref().map(|id| call_ids(id, sides));
        EventFilter { question, ids }
    }

    /// Whether the event has a type and a call that are asked about.
    pub fn holds(&self, sighting: &Sighting) -> bool {
        let events = &self.question.events;
        let is_of_type = events.is_empty() || events.iter().any(|event| **event == *sighting.event);
        let is_of_call = |ids: &HashSet<String>| names(sighting).any(|name| ids.contains(&name));
        is_of_type && self.ids.as_ref().is_none_or(is_of_call)
    }

    /// Whether an event sent at this time is asked about.
    pub fn is_within(&self, at_millis: i64) -> bool {
        let CompareQuery {
            since_millis,
            until_millis,
            ..
        } = self.question;
        since_millis.is_none_or(|since| at_millis >= since)
            && until_millis.is_none_or(|until| at_millis < until)
    }
}

/// All ids that are connected to the given id by events that name both.
fn call_ids(id: &str, sides: &[&[Sighting]]) -> HashSet<String> {
    let mut events: Vec<Vec<String>> = sides
        .iter()
        .flat_map(|side| side.iter())
        .map(|sighting| names(sighting).collect())
        .collect();
    let mut ids = HashSet::from([id.to_owned()]);
    loop {
        let before = ids.len();
        events.retain(|names| {
            let is_joined = names.iter().any(|name| ids.contains(name));
            if is_joined {
                ids.extend(names.iter().cloned());
            }
            !is_joined
        });
        if ids.len() == before {
            return ids;
        }
    }
}

/// The ids of an event. The bridge that the emulator adds to `new_callerid` is left out.
fn names(sighting: &Sighting) -> impl Iterator<Item = String> {
    let of = |body: &EventBody, field| body.text_of(field).filter(|id| !id.is_empty());
    let is_bridge = &*sighting.event != "new_callerid";
    let bridge = is_bridge
        .then(|| of(&sighting.body, "BridgeUniqueid"))
        .flatten();
    [of(&sighting.body, "UniqueId"), bridge]
        .into_iter()
        .flatten()
}
