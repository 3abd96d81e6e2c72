//! A record with its place, and the sightings made from it.

use std::collections::HashMap;
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, EventBody, Sighting};

use super::records::LogRecord;
use super::{LogContents, RecordContext};

/// A record with its place and time.
pub(super) struct PlacedRecord<'p> {
    pub(super) at_millis: i64,
    pub(super) place: &'p RecordContext,
    pub(super) record: LogRecord,
}

impl PlacedRecord<'_> {
    pub(super) fn text(&self) -> &str {
        &self.record.text
    }

    /// A sighting of an event in this record.
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

    /// The body of an event that arrived. A body that is cut off is noted.
    pub(super) fn body(&self, json: &str, out: &mut LogContents) -> EventBody {
        let body = EventBody::parse(json);
        if !body.is_whole() {
            let seen_at = self.place.line(self.record.line);
            out.unread.add(seen_at, "the event's body is cut off");
        }
        body
    }
}

/// The names of event types; equal names share one allocation.
#[derive(Debug, Default)]
pub(super) struct EventNames(HashMap<String, Arc<str>>);

/// Maximum number of names that are kept; there are eight types.
const NAMES_MAX: usize = 1000;

impl EventNames {
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
