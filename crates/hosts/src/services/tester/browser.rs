//! What a page tells that it sent: three records of a request, three of an answer, two of an error.

use std::collections::VecDeque;
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, EventBody, SeenAt};

use super::super::Reading;
use super::super::seen::{Names, Seen};
use super::super::shape::fits;
use super::open::{Answer, Open};
use super::words::{delivery_of, delivery_of_status};

/// Requests and answers that are half-way. A hostile log must not make this slow.
const HALF_WAY_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Browser {
    pub(super) open: Open,
    heads: VecDeque<Head>,
    types: VecDeque<Arc<str>>,
    answers: VecDeque<Half>,
    errors: VecDeque<Half>,
}

/// The first record of a request.
#[derive(Debug)]
struct Head {
    at_millis: i64,
    seen_at: SeenAt,
    is_proxied: bool,
}

/// The first record of an answer or an error, and its status once that is known.
#[derive(Debug)]
struct Half {
    event: Arc<str>,
    at_millis: i64,
    seen_at: SeenAt,
    delivery: Option<Delivery>,
}

impl Browser {
    /// Whether the record is one of these.
    pub(super) fn record(&mut self, seen: &Seen<'_>, names: &mut Names, out: &mut Reading) -> bool {
        let text = seen.text();
        let half = |event: Arc<str>| Half {
            event,
            at_millis: seen.at_millis,
            seen_at: seen.place.line(seen.record.line),
            delivery: None,
        };
        if let Some(url) = text.strip_prefix("🚀 EMULATION REQUEST to ") {
            self.heads.push_back(Head {
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

    fn data(&mut self, json: &str, seen: &Seen<'_>, out: &mut Reading) {
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

    fn answer(&mut self, place: usize, id: Option<&str>, out: &mut Reading) {
        let Some(half) = self.answers.remove(place) else {
            return;
        };
        let answer = Answer {
            at_millis: half.at_millis,
            delivery: half.delivery.unwrap_or(Delivery::Unknown),
            id: id.filter(|id| !id.is_empty()),
        };
        if !self.open.answer(&half.event, &answer) {
            let what = format!(
                "an answer to a {} event whose request is not there",
                half.event
            );
            out.unread.add(half.seen_at, what);
        }
    }

    fn error(&mut self, error: &str, out: &mut Reading) {
        let Some(half) = self.errors.pop_front() else {
            return;
        };
        let answer = Answer {
            at_millis: half.at_millis,
            delivery: delivery_of(error),
            id: None,
        };
        if !self.open.answer(&half.event, &answer) {
            let what = format!(
                "an error of a {} event whose request is not there",
                half.event
            );
            out.unread.add(half.seen_at, what);
        }
    }

    /// What is half-way when the log ends.
    pub(super) fn finish(&mut self, out: &mut Reading) {
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

    fn drop_head(&mut self, out: &mut Reading) {
        if let Some(head) = self.heads.pop_front() {
            out.unread.add(head.seen_at, "a request without its body");
        }
    }
}
