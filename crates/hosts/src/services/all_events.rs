//! The log of all enterprises, `app.log`: one record per event, and the errors of later steps.
//!
//! Most errors name no event. They are assigned to the nearest earlier record with a UniqueId, which is a guess when
//! two workers write at the same time.

use super::placed::{EventNames, PlacedRecord};
use super::{Complaint, LogContents};

#[derive(Debug, Default)]
pub(super) struct AllEvents {
    names: EventNames,
    /// The UniqueId in the latest record that has one.
    busy_with: Option<String>,
}

/// Messages about an event that arrived but was not passed on, stored or shown.
const COMPLAINTS: [&str; 6] = [
    "dispatch to ",
    "Failed to log ",
    "Failed to get bot and recipients ",
    "Call tracer logging failed ",
    "] Skipping bridge ",
    "Failed to send ",
];

impl AllEvents {
    /// Handles the record; returns whether it is of this kind.
    pub(super) fn record(&mut self, seen: &PlacedRecord<'_>, out: &mut LogContents) -> bool {
        let text = seen.text();
        if let Some((event, json)) = request(text) {
            let event = self.names.of(event);
            let body = seen.body(json, out);
            self.busy_with = Some(body.id()).filter(|id| !id.is_empty());
            out.received.push(seen.sighting(event, body));
        } else if text.starts_with("_dispatch_to_all: ") {
            let uid = between(text, "UniqueId='", "'").filter(|uid| !uid.is_empty());
            self.busy_with = uid.map(str::to_owned).or(self.busy_with.take());
        } else if is_complaint(text) {
            let bridge = between(text, "Skipping bridge ", " ").map(str::to_owned);
            out.complaints.push(Complaint {
                at_millis: seen.at_millis,
                seen_at: seen.place.line(seen.record.line),
                text: text.to_owned(),
                id: bridge.or_else(|| self.busy_with.clone()),
            });
        } else {
            return false;
        }
        true
    }
}

/// Type and body of `DIAL REQUEST from 192.0.2.1: {...}`.
fn request(text: &str) -> Option<(&str, &str)> {
    let (event, rest) = text.split_once(" REQUEST from ")?;
    let is_type = !event.is_empty() && event.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let (_, json) = rest.split_once(": ")?;
    is_type.then_some((event, json))
}

fn is_complaint(text: &str) -> bool {
    // Other requests begin with other words, and a body may contain anything.
    let head: String = text.chars().take(60).collect();
    COMPLAINTS.iter().any(|words| head.contains(words))
        && (!head.contains("dispatch to ") || text.contains(" failed: "))
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to).map_or(rest, |(inside, _)| inside))
}
