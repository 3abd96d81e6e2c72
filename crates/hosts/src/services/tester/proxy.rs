//! Requests that pass through the service: each with its headers, then an answer that has the same mark for every
//! status.

use std::collections::VecDeque;
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, EventBody, SeenAt};

use super::super::LogContents;
use super::super::placed::{EventNames, PlacedRecord};
use super::super::shape::{fits, is_event};
use super::pending::{EventAnswer, PendingRequests};
use super::words::{delivery_of, delivery_of_status};

/// Maximum number of incomplete requests and answers. A hostile log must not make this slow.
const HALF_WAY_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Proxy {
    pub(super) open: PendingRequests,
    heads: VecDeque<(Arc<str>, i64, SeenAt)>,
    /// The possible kinds of the next records that are only JSON.
    expected: VecDeque<Expected>,
    answers: VecDeque<(Arc<str>, SeenAt)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Event,
    Headers,
    Answer,
}

impl Proxy {
    /// Handles the record; returns whether it is of this kind.
    pub(super) fn record(
        &mut self,
        seen: &PlacedRecord<'_>,
        names: &mut EventNames,
        out: &mut LogContents,
    ) -> bool {
        let text = seen.text();
        let seen_at = || seen.place.line(seen.record.line);
        if let Some(event) = text.strip_prefix("🚀 ЭМУЛИРОВАННОЕ СОБЫТИЕ: ") {
            let head = (names.of(event), seen.at_millis, seen_at());
            self.heads.push_back(head);
            if self.heads.len() > HALF_WAY_MAX {
                self.drop_head(out);
            }
        } else if text.starts_with("📋 Полные данные события:") {
            self.expect(Expected::Event);
        } else if text.starts_with("📋 Заголовки запроса:")
            || text.starts_with("📋 Заголовки ответа:")
        {
            self.expect(Expected::Headers);
        } else if text.starts_with("📋 Полное тело ответа:") {
            self.expect(Expected::Answer);
        } else if let Some(event) = text.strip_prefix("✅ ОТВЕТ ОТ СЕРВЕРА: ") {
            self.answers.push_back((names.of(event), seen_at()));
            if self.answers.len() > HALF_WAY_MAX {
                self.answer(Delivery::Unknown, seen.at_millis, out);
            }
        } else if let Some(status) = text.strip_prefix("📡 HTTP статус: ") {
            self.answer(delivery_of_status(status), seen.at_millis, out);
        } else if let Some(error) = text.strip_prefix("❌ Ошибка прокси webhook: ") {
            let answer = EventAnswer {
                at_millis: seen.at_millis,
                delivery: delivery_of(error),
                id: None,
            };
            let event = self.open.oldest();
            if !event.is_some_and(|event| self.open.answer(&event, &answer)) {
                out.unread
                    .add(seen_at(), "an error of an event without its request");
            }
        } else if text.starts_with('{') {
            self.json(text, seen, out);
        } else {
            return text.starts_with("📡 URL назначения: ");
        }
        true
    }

    fn expect(&mut self, expected: Expected) {
        self.expected.push_back(expected);
        if self.expected.len() > 4 * HALF_WAY_MAX {
            self.expected.pop_front();
        }
    }

    fn json(&mut self, text: &str, seen: &PlacedRecord<'_>, out: &mut LogContents) {
        // Only an event may be large and is needed; headers are a Python dictionary or name a host.
        let body = EventBody::parse(text);
        let has = |key| body.text_of(key).is_some();
        let like = match () {
            () if is_event(&body) => Expected::Event,
            () if text.starts_with("{'") || has("host") || has("content-type") => Expected::Headers,
            () => Expected::Answer,
        };
        let place = self.expected.iter().position(|expected| *expected == like);
        let what = self.expected.remove(place.unwrap_or(0));
        if what != Some(Expected::Event) {
            return;
        }
        let body = seen.body(text, out);
        let head = self.heads.iter().position(|(event, ..)| fits(event, &body));
        match self.heads.remove(head.unwrap_or(0)) {
            Some((event, at_millis, seen_at)) => {
                let mut sighting = seen.sighting(event, body);
                (sighting.at_millis, sighting.seen_at) = (at_millis, seen_at);
                sighting.delivery = Delivery::Unknown;
                self.open.sent(sighting, false);
            }
            None => {
                let seen_at = seen.place.line(seen.record.line);
                out.unread.add(seen_at, "a request's body without its type");
            }
        }
    }

    fn answer(&mut self, delivery: Delivery, at_millis: i64, out: &mut LogContents) {
        let Some((event, seen_at)) = self.answers.pop_front() else {
            return;
        };
        let answer = EventAnswer {
            at_millis,
            delivery,
            id: None,
        };
        if !self.open.answer(&event, &answer) {
            let what = format!("an answer to a {event} event without its request");
            out.unread.add(seen_at, what);
        }
    }

    /// Counts what is incomplete at the end of the log.
    pub(super) fn finish(&mut self, out: &mut LogContents) {
        while !self.answers.is_empty() {
            self.answer(Delivery::Unknown, 0, out);
        }
        while !self.heads.is_empty() {
            self.drop_head(out);
        }
    }

    fn drop_head(&mut self, out: &mut LogContents) {
        if let Some((event, _, seen_at)) = self.heads.pop_front() {
            out.unread
                .add(seen_at, format!("a {event} event without its body"));
        }
    }
}
