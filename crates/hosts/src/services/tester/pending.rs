//! Requests that wait for their answers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, Sighting};

/// No answer comes later than this (milliseconds). An older request gets none; otherwise all later answers of its
/// type would be assigned to the request before theirs.
const ANSWER_MILLIS_MAX: i64 = 60_000;

/// Maximum number of requests of one type that are searched for an id.
const LOOKED_AT_MAX: usize = 64;

/// An event that was sent.
#[derive(Debug)]
pub(super) struct SentEvent {
    pub(super) sighting: Sighting,
    /// Whether it was sent through the proxy of the same service.
    pub(super) is_proxied: bool,
}

impl SentEvent {
    /// What two records of the same event have in common.
    pub(super) fn key(&self) -> (String, String) {
        let Sighting { event, body, .. } = &self.sighting;
        (event.to_string(), body.canonical().to_owned())
    }
}

/// The known parts of an answer.
pub(super) struct EventAnswer<'a> {
    pub(super) at_millis: i64,
    pub(super) delivery: Delivery,
    /// The UniqueId or bridge that it names.
    pub(super) id: Option<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    /// The requests by type, each in the order of sending.
    waiting: HashMap<Arc<str>, VecDeque<SentEvent>>,
    done: Vec<SentEvent>,
    held: usize,
}

impl PendingRequests {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn sent(&mut self, sighting: Sighting, is_proxied: bool) {
        let event = Arc::clone(&sighting.event);
        let request = SentEvent {
            sighting,
            is_proxied,
        };
        self.waiting.entry(event).or_default().push_back(request);
        self.held += 1;
    }

    /// Assigns an answer to a request of this type; false if no request waits for one.
    pub(super) fn answer(&mut self, event: &str, answer: &EventAnswer<'_>) -> bool {
        let Some(waiting) = self.waiting.get_mut(event) else {
            return false;
        };
        let is_late = |request: &mut SentEvent| {
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

    /// The type of the oldest request.
    pub(super) fn oldest(&self) -> Option<Arc<str>> {
        let firsts = self.waiting.iter();
        let firsts = firsts.filter_map(|(event, waiting)| Some((waiting.front()?, event)));
        firsts
            .min_by_key(|(first, _)| (first.sighting.at_millis, first.sighting.seen_at.number))
            .map(|(_, event)| Arc::clone(event))
    }

    /// Stops waiting for the answers of requests that were sent before this time.
    pub(super) fn give_up(&mut self, before_millis: i64) {
        for waiting in self.waiting.values_mut() {
            while let Some(request) =
                waiting.pop_front_if(|request| request.sighting.at_millis < before_millis)
            {
                self.done.push(request);
            }
        }
    }

    /// Returns the requests that no longer wait.
    pub(super) fn take(&mut self) -> Vec<SentEvent> {
        self.held -= self.done.len();
        std::mem::take(&mut self.done)
    }
}
