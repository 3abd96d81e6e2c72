//! A record with its place, and what is made of it.

use std::collections::HashMap;
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, EventBody, Sighting};

use super::records::Record;
use super::{Place, Reading};

/// A record, where and when it was written.
pub(super) struct Seen<'p> {
    pub(super) at_millis: i64,
    pub(super) place: &'p Place,
    pub(super) record: Record,
}

impl Seen<'_> {
    pub(super) fn text(&self) -> &str {
        &self.record.text
    }

    /// An event that this record tells of.
    pub(super) fn sighting(&self, event: Arc<str>, body: EventBody) -> Sighting {
        Sighting {
            at_millis: self.at_millis,
            waited_millis: 0,
            event,
            body,
            delivery: Delivery::Accepted,
            seen_at: self.place.line(self.record.line),
        }
    }

    /// The body of an event that arrived; one that is cut off is named.
    pub(super) fn body(&self, json: &str, out: &mut Reading) -> EventBody {
        let body = EventBody::parse(json);
        if !body.is_whole() {
            let seen_at = self.place.line(self.record.line);
            out.unread.add(seen_at, "the event's body is cut off");
        }
        body
    }
}

/// Names of events, each kept once.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Arc<str>>);

/// Names that are remembered; there are eight.
const NAMES_MAX: usize = 1000;

impl Names {
    pub(super) fn of(&mut self, name: &str) -> Arc<str> {
        let name = name.trim().to_lowercase();
        if let Some(known) = self.0.get(&name) {
            return Arc::clone(known);
        }
        let kept: Arc<str> = name.as_str().into();
        if self.0.len() < NAMES_MAX {
            self.0.insert(name, Arc::clone(&kept));
        }
        kept
    }
}
