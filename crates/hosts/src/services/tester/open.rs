//! Requests that wait for their answers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, Sighting};

/// No answer comes later than this (milliseconds): a request that is older has none, or all answers of its type
/// behind it would be taken for those of requests before theirs.
const ANSWER_MILLIS_MAX: i64 = 60_000;

/// Requests of one type that are looked through for an id.
const LOOKED_AT_MAX: usize = 64;

/// An event that was sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sighting: Sighting,
    /// It was sent through the proxy of the same service.
    pub(super) is_proxied: bool,
}

impl Request {
    /// What another note of the same event has in common with it.
    pub(super) fn key(&self) -> (String, String) {
        let Sighting { event, body, .. } = &self.sighting;
        (event.to_string(), body.canonical().to_owned())
    }
}

/// What is known of an answer.
pub(super) struct Answer<'a> {
    pub(super) at_millis: i64,
    pub(super) delivery: Delivery,
    /// The UniqueId or bridge that it names.
    pub(super) id: Option<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct Open {
    /// By type, each in the order of sending.
    waiting: HashMap<Arc<str>, VecDeque<Request>>,
    done: Vec<Request>,
    held: usize,
}

impl Open {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn sent(&mut self, sighting: Sighting, is_proxied: bool) {
        let event = Arc::clone(&sighting.event);
        let request = Request {
            sighting,
            is_proxied,
        };
        self.waiting.entry(event).or_default().push_back(request);
        self.held += 1;
    }

    /// Takes the answer to an event of this type; false if none waits for one.
    pub(super) fn answer(&mut self, event: &str, answer: &Answer<'_>) -> bool {
        let Some(waiting) = self.waiting.get_mut(event) else {
            return false;
        };
        let is_late = |request: &mut Request| {
            answer.at_millis - request.sighting.at_millis > ANSWER_MILLIS_MAX
        };
        while let Some(request) = waiting.pop_front_if(is_late) {
            self.done.push(request);
        }
        let named = answer.id.and_then(|id| {
            let mut looked_at = waiting.iter().take(LOOKED_AT_MAX);
            looked_at.position(|request| request.sighting.body.id() == id)
        });
        let Some(mut request) = waiting.remove(named.unwrap_or(0)) else {
            return false;
        };
        let sighting = &mut request.sighting;
        let waited = answer.at_millis.saturating_sub(sighting.at_millis);
        sighting.waited_millis = u64::try_from(waited).unwrap_or(0);
        sighting.delivery = answer.delivery;
        self.done.push(request);
        true
    }

    /// The type of the request that has waited longest.
    pub(super) fn oldest(&self) -> Option<Arc<str>> {
        let firsts = self.waiting.iter();
        let firsts = firsts.filter_map(|(event, waiting)| Some((waiting.front()?, event)));
        firsts
            .min_by_key(|(first, _)| (first.sighting.at_millis, first.sighting.seen_at.number))
            .map(|(_, event)| Arc::clone(event))
    }

    /// Waits no longer for answers to what was sent before a time.
    pub(super) fn give_up(&mut self, before_millis: i64) {
        for waiting in self.waiting.values_mut() {
            while let Some(request) =
                waiting.pop_front_if(|request| request.sighting.at_millis < before_millis)
            {
                self.done.push(request);
            }
        }
    }

    /// What waits no longer.
    pub(super) fn take(&mut self) -> Vec<Request> {
        self.held -= self.done.len();
        std::mem::take(&mut self.done)
    }
}
