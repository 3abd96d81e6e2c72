//! The log of the emulator, `call_tester_events.log`: what it sent, in three families of records.
//!
//! `browser` (what a page tells that it sent) and `proxy` (what passes through the service) write a request over
//! several records and its answer over several more; `simulated` calls are made by the service itself, which notes
//! no bodies. Records of events that are sent at the same time stand between each other, and nothing joins
//! a request to its answer but their order, the type of the event and ids in the JSON (`open`).

mod browser;
mod open;
mod proxy;
mod simulated;
mod words;

use std::collections::HashMap;

use super::Reading;
use super::seen::{Names, Seen};

use browser::Browser;
use proxy::Proxy;

#[derive(Debug, Default)]
pub(super) struct Tester {
    names: Names,
    browser: Browser,
    proxy: Proxy,
}

/// Between what a page tells of an event and what the proxy notes of it (milliseconds).
const TOLD_TWICE_MILLIS: i64 = 60_000;

impl Tester {
    /// Whether the record is one of these.
    pub(super) fn record(&mut self, seen: &Seen<'_>, out: &mut Reading) -> bool {
        let names = &mut self.names;
        self.browser.record(seen, names, out)
            || self.proxy.record(seen, names, out)
            || simulated::record(seen, names, out)
    }

    /// Events that are not handed out yet.
    pub(super) fn held(&self) -> usize {
        self.browser.open.held() + self.proxy.open.held()
    }

    /// Hands out requests that were answered, and those without an answer that were sent before a time.
    pub(super) fn take(&mut self, before_millis: i64, out: &mut Reading) {
        self.browser.open.give_up(before_millis);
        self.proxy.open.give_up(before_millis);
        // A page that sends through the proxy tells of events that the proxy notes as well.
        let mut noted: HashMap<(String, String), Vec<i64>> = HashMap::new();
        for request in self.proxy.open.take() {
            noted
                .entry(request.key())
                .or_default()
                .push(request.sighting.at_millis);
            out.sent.push(request.sighting);
        }
        for request in self.browser.open.take() {
            let at = request.sighting.at_millis;
            let times = request
                .is_proxied
                .then(|| noted.get_mut(&request.key()))
                .flatten();
            let twin = times.and_then(|times| {
                let is_near = |time: &i64| (time - at).abs() <= TOLD_TWICE_MILLIS;
                let twin = times.iter().position(is_near)?;
                Some(times.swap_remove(twin))
            });
            if twin.is_none() {
                out.sent.push(request.sighting);
            }
        }
        out.sent.sort_by_key(|sent| sent.at_millis);
    }

    /// What is half-way when the log ends is never completed.
    pub(super) fn finish(&mut self, out: &mut Reading) {
        self.browser.finish(out);
        self.proxy.finish(out);
        self.take(i64::MAX, out);
    }
}
