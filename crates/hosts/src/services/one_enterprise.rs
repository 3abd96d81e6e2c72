//! The log of one enterprise, `0367.log`: three records per event, a header, its ids, its body.
//!
//! Two workers write into one file, so the records of two events may be interleaved. The body identifies its event: its
//! ids are those of the second record, and its keys are those of the type in the header.

use std::collections::VecDeque;
use std::sync::Arc;

use calltrace_model::sighting::SeenAt;

use super::LogContents;
use super::placed::{EventNames, PlacedRecord};
use super::shape::fits;

/// Maximum number of headers that wait for a body. A log has a handful of workers, and a hostile one must not make
/// this slow.
const WAITING_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct OneEnterprise {
    names: EventNames,
    headers: VecDeque<(Arc<str>, SeenAt)>,
    /// Token and UniqueId.
    ids: VecDeque<(String, String)>,
}

impl OneEnterprise {
    /// Handles the record; returns whether it is of this kind.
    pub(super) fn record(&mut self, seen: &PlacedRecord<'_>, out: &mut LogContents) -> bool {
        let text = seen.text();
        if let Some(event) = text.strip_prefix("🧪 TEST EVENT: ") {
            let seen_at = seen.place.line(seen.record.line);
            self.headers.push_back((self.names.of(event), seen_at));
            if self.headers.len() > WAITING_MAX {
                self.drop_header(out);
            }
        } else if let Some(ids) = text.strip_prefix("📋 Token: ") {
            let (token, uid) = ids.split_once(", UniqueId: ").unwrap_or((ids, ""));
            self.ids
                .push_back((token.trim().to_owned(), uid.trim().to_owned()));
            if self.ids.len() > WAITING_MAX {
                self.ids.pop_front();
            }
        } else if let Some(json) = text.strip_prefix("📦 Full Body: ") {
            self.body(json, seen, out);
        } else {
            return false;
        }
        true
    }

    fn body(&mut self, json: &str, seen: &PlacedRecord<'_>, out: &mut LogContents) {
        let body = seen.body(json, out);
        let uid = body.text_of("UniqueId").unwrap_or_default();
        let ids = self.ids.iter().position(|(_, known)| *known == uid);
        self.ids.remove(ids.unwrap_or(0));
        let header = self
            .headers
            .iter()
            .position(|(event, _)| fits(event, &body));
        match self.headers.remove(header.unwrap_or(0)) {
            Some((event, seen_at)) => {
                let mut sighting = seen.sighting(event, body);
                sighting.seen_at = seen_at;
                out.received.push(sighting);
            }
            None => {
                let seen_at = seen.place.line(seen.record.line);
                out.unread.add(seen_at, "an event's body without its type");
            }
        }
    }

    /// Ends the log: counts the headers that have no body.
    pub(super) fn finish(&mut self, out: &mut LogContents) {
        while !self.headers.is_empty() {
            self.drop_header(out);
        }
    }

    fn drop_header(&mut self, out: &mut LogContents) {
        if let Some((event, seen_at)) = self.headers.pop_front() {
            let what = format!("a {event} event without its body");
            out.unread.add(seen_at, what);
        }
    }
}
