//! Events that a page reports as sent: three records per request, three per answer, two per error.

use std::collections::VecDeque;
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, EventBody, SeenAt};

use super::super::LogContents;
use super::super::placed::{EventNames, PlacedRecord};
use super::super::shape::fits;
use super::pending::{EventAnswer, PendingRequests};
use super::words::{delivery_of, delivery_of_status};

/// Maximum number of incomplete requests and answers. A hostile log must not make this slow.
const HALF_WAY_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Browser {
    pub(super) open: PendingRequests,
    heads: VecDeque<RequestHead>,
    types: VecDeque<Arc<str>>,
    answers: VecDeque<PartialAnswer>,
    errors: VecDeque<PartialAnswer>,
}

/// The first record of a request.
#[derive(Debug)]
struct RequestHead {
    at_millis: i64,
    seen_at: SeenAt,
    is_proxied: bool,
}

/// The first record of an answer or an error, and its status once it is known.
#[derive(Debug)]
struct PartialAnswer {
    event: Arc<str>,
    at_millis: i64,
    seen_at: SeenAt,
    delivery: Option<Delivery>,
}

impl Browser {
    /// Handles the record; returns whether it is of this kind.
    pub(super) fn record(
        &mut self,
        seen: &PlacedRecord<'_>,
        names: &mut EventNames,
        out: &mut LogContents,
    ) -> bool {
        let text = seen.text();
        let half = |event: Arc<str>| PartialAnswer {
            event,
            at_millis: seen.at_millis,
            seen_at: seen.place.line(seen.record.line),
            delivery: None,
        };
        if let Some(url) = text.strip_prefix("🚀 EMULATION REQUEST to ") {
            self.heads.push_back(RequestHead {
                at_millis: seen.at_millis,
                seen_at: seen.place.line(seen.record.line),
                is_proxied: url.contains("/proxy-webhook/"),
            });
            if self.heads.len() > HALF_WAY_MAX {
                self.drop_head(out);
            }
        } else if let Some(event) = text.strip_prefix("📤 Event Type: ") {
            self.types.push_back(names.of(event));
            if self.types.len() > HALF_WAY_MAX {
                self.types.pop_front();
            }
        } else if let Some(json) = text.strip_prefix("📊 Event Data: ") {
            self.data(json, seen, out);
        } else if let Some(event) = text.strip_prefix("📥 EMULATION RESPONSE for ") {
            self.answers.push_back(half(names.of(event)));
            if self.answers.len() > HALF_WAY_MAX {
                self.answer(0, None, out);
            }
        } else if let Some(status) = text.strip_prefix("📊 Response Status: ") {
            let mut waiting = self.answers.iter_mut();
            if let Some(answer) = waiting.find(|answer| answer.delivery.is_none()) {
                answer.delivery = Some(delivery_of_status(status));
            }
        } else if let Some(json) = text.strip_prefix("📊 Response Data: ") {
            let id = EventBody::parse(json).id();
            let complete = self.answers.iter().position(|a| a.delivery.is_some());
            self.answer(complete.unwrap_or(0), Some(&id), out);
        } else if let Some(event) = text.strip_prefix("❌ EMULATION ERROR for ") {
            self.errors.push_back(half(names.of(event)));
            if self.errors.len() > HALF_WAY_MAX {
                self.error("", out);
            }
        } else if let Some(error) = text.strip_prefix("❌ Error: ") {
            self.error(error, out);
        } else {
            return false;
        }
        true
    }

    fn data(&mut self, json: &str, seen: &PlacedRecord<'_>, out: &mut LogContents) {
        let body = seen.body(json, out);
        let event = self.types.iter().position(|event| fits(event, &body));
        let Some(event) = self.types.remove(event.unwrap_or(0)) else {
            let seen_at = seen.place.line(seen.record.line);
            out.unread.add(seen_at, "a request's body without its type");
            return;
        };
        let mut sighting = seen.sighting(event, body);
        sighting.delivery = Delivery::Unknown;
        let head = self.heads.pop_front();
        let is_proxied = head.as_ref().is_some_and(|head| head.is_proxied);
        if let Some(head) = head {
            (sighting.at_millis, sighting.seen_at) = (head.at_millis, head.seen_at);
        }
        self.open.sent(sighting, is_proxied);
    }

    fn answer(&mut self, place: usize, id: Option<&str>, out: &mut LogContents) {
        let Some(half) = self.answers.remove(place) else {
            return;
        };
        let answer = EventAnswer {
            at_millis: half.at_millis,
            delivery: half.delivery.unwrap_or(Delivery::Unknown),
            id: id.filter(|id| !id.is_empty()),
        };
        if !self.open.answer(&half.event, &answer) {
            let what = format!("an answer to a {} event without its request", half.event);
            out.unread.add(half.seen_at, what);
        }
    }

    fn error(&mut self, error: &str, out: &mut LogContents) {
        let Some(half) = self.errors.pop_front() else {
            return;
        };
        let answer = EventAnswer {
            at_millis: half.at_millis,
            delivery: delivery_of(error),
            id: None,
        };
        if !self.open.answer(&half.event, &answer) {
            let what = format!("an error of a {} event without its request", half.event);
            out.unread.add(half.seen_at, what);
        }
    }

    /// Counts what is incomplete at the end of the log.
    pub(super) fn finish(&mut self, out: &mut LogContents) {
        while !self.answers.is_empty() {
            self.answer(0, None, out);
        }
        while !self.errors.is_empty() {
            self.error("", out);
        }
        while !self.heads.is_empty() {
            self.drop_head(out);
        }
    }

    fn drop_head(&mut self, out: &mut LogContents) {
        if let Some(head) = self.heads.pop_front() {
            out.unread.add(head.seen_at, "a request without its body");
        }
    }
}
