//! Which sightings a question is about.

use std::collections::HashSet;

use calltrace_model::sighting::{EventBody, Sighting};

use super::Question;

/// What a question is about, once both sides are known.
#[derive(Debug)]
pub struct Scope<'q> {
    question: &'q Question,
    /// The ids of the call that is asked for.
    ids: Option<HashSet<String>>,
}

impl<'q> Scope<'q> {
    /// The scope of a question; what the call's legs and bridges are, the events of both sides say.
    pub fn of(question: &'q Question, sides: &[&[Sighting]]) -> Scope<'q> {
        let ids = question.id.as_ref().map(|id| call_ids(id, sides));
        Scope { question, ids }
    }

    /// Whether an event is of a type and a call that are asked about.
    pub fn holds(&self, sighting: &Sighting) -> bool {
        let events = &self.question.events;
        let is_of_type = events.is_empty() || events.iter().any(|event| **event == *sighting.event);
        let is_of_call = |ids: &HashSet<String>| names(sighting).any(|name| ids.contains(&name));
        is_of_type && self.ids.as_ref().is_none_or(is_of_call)
    }

    /// Whether something that was sent then is asked about.
    pub fn is_within(&self, at_millis: i64) -> bool {
        let Question {
            since_millis,
            until_millis,
            ..
        } = self.question;
        since_millis.is_none_or(|since| at_millis >= since)
            && until_millis.is_none_or(|until| at_millis < until)
    }
}

/// All ids that are joined to one by events that name both.
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

/// The ids that an event has. The bridge that the emulator puts into `new_callerid` is none.
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
